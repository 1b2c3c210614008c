"""How the host's tar is asked for a whole tree or for named members, and what its messages mean.

POSIX sh, nothing staged, no pipe on an output. Exit codes of our own: 96 no tar, 97 no such path.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field

from reporting.backup_set.commands import NO_PATH, NO_PROGRAM
from reporting.backup_set.request import TreeRequest
from reporting.text import harmless

NAMES_BYTES = 1 << 20  # names of members in one call: the host's shell holds them in memory
_VERSION = re.compile(r"tar \(GNU tar\) (\d+)\.(\d+)")
_QUIET = re.compile(
    r"^tar: (.*: socket ignored|Exiting with failure status due to previous errors|"
    r"error exit delayed from previous errors|.*: file is on a different filesystem.*)$"
)
_CHANGED = re.compile(r"^tar: (?P<name>.*): (?:file changed as we read it|File shrank by \d+ bytes.*|short read.*)$")
_GONE = re.compile(
    r"^tar: (?P<name>.*?)(?:: File removed before we read it|(?:: Cannot (?:stat|open))?: No such file or directory)$"
)
_UNREADABLE = re.compile(r"^tar: (?P<name>.*): (?:Cannot [a-z ]+|Read error.*|can't open): .*$")
_ESCAPE = re.compile(rb"\\([0-7]{3}|.)", re.DOTALL)
_ESCAPED = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"a": b"\a", b"b": b"\b", b"f": b"\f", b"v": b"\v"}


@dataclass(frozen=True)
class Tar:
    """The host's tar. `picks`: it takes names from standard input; `sorts`: it walks in the order of names."""

    method: str = "tar"
    gnu: bool = False
    sorts: bool = False

    @property
    def picks(self) -> bool:
        """Whether single members can be asked for, hostile names too."""
        return self.gnu


def which_tar(answer: str) -> Tar:
    """Read what `is_gnu_tar_command` printed."""
    match = _VERSION.search(answer)
    if match is None:
        return Tar("GNU tar", gnu=True) if "GNU tar" in answer else Tar()
    return Tar("GNU tar", gnu=True, sorts=(int(match[1]), int(match[2])) >= (1, 28))


def _enter(path: str) -> str:
    return (
        "LC_ALL=C; export LC_ALL; unset TAR_OPTIONS; command -v tar >/dev/null || exit 96; "
        f"d=$(cd -- {shlex.quote(path)} && pwd -P) || exit 97; b=${{d##*/}}; "
        '[ -n "$b" ] && cd -- "$d/.." || exit 97; '
    )


def walk_command(tree: TreeRequest, tar: Tar) -> str:
    """Tar of one tree to standard output, its members below one folder named like the tree's real last component."""
    options = "--anchored --format=gnu --quoting-style=escape " if tar.gnu else ""
    options += "--sort=name " if tar.sorts else ""
    excludes = " ".join(f'--exclude="$b"/{shlex.quote(pattern)}' for pattern in tree.exclude)
    return _enter(tree.path) + f'exec tar {options}{excludes} -cf - -- "$b"'


def names_command(tree: TreeRequest) -> str:
    """Tar of the members whose names come on standard input, each ended by a zero byte, in that order."""
    options = "--format=gnu --quoting-style=escape --null --no-unquote --no-recursion --no-wildcards"
    return _enter(tree.path) + f"exec tar {options} -cf - -T -"


def names_input(names: list[bytes]) -> bytes:
    """Names as text for `printf %b`, which the host's shell makes zero bytes of."""
    return b"".join(name.replace(b"\\", b"\\\\") + b"\\0000" for name in names)


@dataclass
class Messages:
    """What tar said: names (bytes) that changed while they were read, that were gone; and lines about all else."""

    changed: list[bytes] = field(default_factory=list)
    gone: list[bytes] = field(default_factory=list)
    unreadable: list[tuple[bytes, str]] = field(default_factory=list)
    others: list[str] = field(default_factory=list)


def read_messages(stderr: str, code: int, path: str) -> Messages:
    """Sort tar's messages. GNU tar exits 1 when files changed and 2 when some could not be read, busybox 1 for both.

    So the messages decide, and the exit code only makes sure that none is overlooked.
    """
    found = Messages()
    if re.search(r"(unrecognized|unknown|illegal|invalid) option.*exclude", stderr):
        found.others.append(
            f"{path}: the host's tar knows no --exclude (busybox): take the excludes away, or install GNU tar there"
        )
        return found
    if code in (NO_PROGRAM, NO_PATH):
        reason = "tar is not installed on the host"
        found.others.append(
            f"{path}: {reason if code == NO_PROGRAM else 'no such folder on the host, or the account may not enter it'}"
        )
        return found
    lines = [line for line in stderr.splitlines() if line.strip() and not _QUIET.match(line)]
    for line in lines:
        if match := _CHANGED.match(line):
            found.changed.append(unescaped(match["name"]))
        elif match := _GONE.match(line):
            found.gone.append(unescaped(match["name"]))
        else:
            match = _UNREADABLE.match(line)
            said = f"{path}: could not be read: {harmless(line.removeprefix('tar: '), 300)}"
            found.unreadable.append((unescaped(match["name"]) if match else b"", said))
    if code != 0 and not lines:
        found.others.append(f"{path}: tar ended with exit code {code} and said nothing")
    return found


def unescaped(name: str) -> bytes:
    """A name as tar prints it with --quoting-style=escape."""
    raw = name.encode("utf-8", "surrogateescape")
    return _ESCAPE.sub(_plain, raw)


def _plain(match: re.Match[bytes]) -> bytes:
    what = match[1]
    return bytes([int(what, 8) & 0xFF]) if len(what) == 3 else _ESCAPED.get(what, what)


__all__ = [
    "NAMES_BYTES",
    "Messages",
    "Tar",
    "names_command",
    "names_input",
    "read_messages",
    "unescaped",
    "walk_command",
    "which_tar",
]
