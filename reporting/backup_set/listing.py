"""What a tree on the host looks like right now: asked before it is read, so that a repeat can leave out what is same.

One entry per name: its kind and a *stat*, everything that changes when the file does (size, mtime, ctime with
fractions, inode, mode, owner, links). It is made by `find` with `-printf` (GNU) or with `stat -c` (busybox, coreutils);
a host with neither has no listing, and is always read whole. Names are bytes: newlines, invalid UTF-8, any length.

A listing is a sorted list of byte strings ``key NUL NUL kind stat``; the key is the name with NUL for "/": that is
the order in which `tar --sort=name` walks, parents before children. A string each costs a fifth of an object.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain

_GNU = "%y %s:%T@:%C@:%i:%m:%U:%G:%n %p\\0"
_STAT = "%f %s:%Y:%Z:%i:%a:%u:%g:%h:%y:%z/%n"
_KINDS = {0o010: "p", 0o020: "c", 0o040: "d", 0o060: "b", 0o100: "f", 0o120: "l", 0o140: "s"}
_GONE = re.compile(r"^(?:find|stat): .*: No such file or directory$")
_NAMED = re.compile(r"^(?:find|stat): (?:cannot stat )?['\u2018]?\./(?P<name>.*?)['\u2019]?: [^:]*$")
_FRESH = 2  # seconds: whoever writes twice within a clock's tick leaves the same time behind


class ListingError(ValueError):
    """What came is no listing; the message says why."""


@dataclass
class Listing:
    """`lines` as above, sorted. `problems`: what could not be listed. `listed_at`: the host's clock, in seconds."""

    way: str
    listed_at: int = 0
    lines: list[bytes] = field(default_factory=list)
    problems: list[tuple[bytes, str]] = field(default_factory=list)
    received: int = 0  # bytes that came over the line


def key_of(name: bytes) -> bytes:
    """Names in this order are in the order of a walk."""
    return name.replace(b"/", b"\0")


def name_of(key: bytes) -> bytes:
    """The name of a key."""
    return key.replace(b"\0", b"/")


def entry(line: bytes) -> tuple[bytes, str, bytes]:
    """Key, kind (find's letter) and stat of a line."""
    key, _, rest = line.partition(b"\0\0")
    return key, chr(rest[0]), rest[1:]


def links_of(stat: bytes) -> tuple[bytes, int]:
    """Inode and number of links in a stat."""
    fields = stat.split(b":", 8)
    return fields[3], int(fields[7])


def size_of(stat: bytes) -> int:
    """Size in bytes."""
    return int(stat.partition(b":")[0])


def is_settled(stat: bytes, listed_at: int) -> bool:
    """Whether the file was left alone long enough before the listing that a later write must show in its times."""
    fields = stat.split(b":", 3)
    try:
        newest = max(int(fields[1].partition(b".")[0]), int(fields[2].partition(b".")[0]))
    except (ValueError, IndexError):
        return False
    return newest < listed_at - _FRESH


def listing_command(path: str, mark: str) -> str:
    """Lists the tree at `path`: `<mark> gnu|stat|none <seconds>`, then its entries. `mark`: no name can hold it."""
    stat = f"-exec stat -c {shlex.quote(f'{mark} {_STAT}')} {{}} +"
    return (
        "LC_ALL=C; export LC_ALL; "
        f"d=$(cd -- {shlex.quote(path)} && pwd -P) || exit 97; b=${{d##*/}}; "
        '[ -n "$b" ] && cd -- "$d/.." || exit 97; now=$(date +%s); '
        f"if find /dev/null -printf '' 2>/dev/null; then echo {mark} gnu $now; exec find \"./$b\" -printf '{_GNU}'; "
        f"elif stat -c '%s' / >/dev/null 2>&1; then echo {mark} stat $now; exec find \"./$b\" {stat}; "
        f"else echo {mark} none $now; exit 0; fi"
    )


def read_listing(pieces: Iterable[bytes], mark: str) -> Listing:
    """Read what `listing_command` prints.

    Raises:
        ListingError: it is none, or was cut.
    """
    start = f"{mark} ".encode()
    held = b""
    source = iter(pieces)
    while b"\n" not in held:
        piece = next(source, b"")
        if not piece:
            raise ListingError("the host's listing did not begin")
        held += piece
    head, _, held = held.partition(b"\n")
    words = head.decode("ascii", "replace").split()
    if len(words) != 3 or words[0] != mark or not words[2].isdigit():
        raise ListingError("the host's listing begins with something else")
    listing = Listing(words[1], int(words[2]), received=len(head) + 1)
    if listing.way == "none":
        return listing
    counted = _counted(chain((held,), source), listing)  # the first piece may hold everything
    records = _split(counted, b"\0") if listing.way == "gnu" else _marked(counted, start)
    listing.lines = [_gnu_line(record) if listing.way == "gnu" else _stat_line(record) for record in records]
    listing.lines.sort()
    return listing


def _counted(pieces: Iterable[bytes], listing: Listing) -> Iterator[bytes]:
    for piece in pieces:
        listing.received += len(piece)
        yield piece


def _split(pieces: Iterable[bytes], end: bytes) -> Iterator[bytes]:
    """Records, each of which ends with `end`."""
    held = b""
    for piece in pieces:
        *whole, held = (held + piece).split(end)
        yield from whole
    if held:
        raise ListingError("the host's listing was cut")


def _marked(pieces: Iterable[bytes], start: bytes) -> Iterator[bytes]:
    """Records that each begin with `start` on a new line, and end with a line feed; so may names within them."""
    end = b"\n" + start
    records = _split(chain((b"\n",), pieces, (start,)), end)
    if next(records, b"x"):
        raise ListingError("the host's listing begins with something else")
    yield from records


def _gnu_line(record: bytes) -> bytes:
    try:
        kind, stat, name = record.split(b" ", 2)
    except ValueError:
        raise ListingError(f"the host's listing holds {record[:80]!r}") from None
    return _line(name, kind, stat)


def _stat_line(record: bytes) -> bytes:
    head, _, name = record.partition(b"/./")
    try:
        raw, stat = head.split(b" ", 1)
        kind = _KINDS[(int(raw, 16) & 0o170000) >> 9]
    except (ValueError, KeyError):
        raise ListingError(f"the host's listing holds {record[:80]!r}") from None
    return _line(b"./" + name, kind.encode(), stat.replace(b" ", b"_"))


def _line(name: bytes, kind: bytes, stat: bytes) -> bytes:
    if not name.startswith(b"./") or len(kind) != 1 or stat.count(b":") < 7:
        raise ListingError(f"the host's listing holds {name[:80]!r}")
    return key_of(name[2:]) + b"\0\0" + kind + stat


def listing_problems(stderr: str, path: str) -> list[tuple[bytes, str]]:
    """(Name, line) of what could not be listed; what was gone before it could be is none. Not yet harmless."""
    found: list[tuple[bytes, str]] = []
    for line in stderr.splitlines():
        if line.strip() and not _GONE.match(line):
            match = _NAMED.match(line)
            name = match["name"].encode("utf-8", "surrogateescape") if match else b""
            found.append((name, f"{path}: could not be listed: {line.removeprefix('find: ')}"))
    return found


# -- excludes, as GNU tar understands them with --anchored: `*` goes over "/", a folder takes along what is in it


def without(lines: Iterable[bytes], top: bytes, patterns: Iterable[str]) -> Iterator[bytes]:
    """The lines that no pattern (relative to the tree) excludes."""
    excluded = matcher(patterns)
    if excluded is None:
        yield from lines
        return
    prefix = len(top) + 1
    for line in lines:
        if not excluded.match(line.partition(b"\0\0")[0][prefix:]):
            yield line


def matcher(patterns: Iterable[str]) -> re.Pattern[bytes] | None:
    """What matches the keys (relative to the tree) that the patterns name, and all that lies below them."""
    expressions = [_expression(key_of(pattern.encode("utf-8", "surrogateescape"))) for pattern in patterns]
    if not expressions:
        return None
    return re.compile(b"(?:" + b"|".join(expressions) + b")(?:\0.*)?\\Z", re.DOTALL)


def _expression(pattern: bytes) -> bytes:
    """fnmatch(3) without FNM_PATHNAME, as a regular expression."""
    out = b""
    position = 0
    while position < len(pattern):
        character = pattern[position : position + 1]
        position += 1
        if character == b"*":
            out += b".*"
        elif character == b"?":
            out += b"."
        elif character == b"\\" and position < len(pattern):
            out += re.escape(pattern[position : position + 1])
            position += 1
        elif character == b"[" and (bracket := re.match(rb"([!^]?)(\]?[^\]]*)\]", pattern[position:])):
            inside = re.sub(rb"([\\\[&~|])", rb"\\\1", bracket[2].removeprefix(b"]"))
            inside = (b"\\]" if bracket[2].startswith(b"]") else b"") + inside
            out += b"[" + (b"^" if bracket[1] else b"") + inside + b"]"
            position += bracket.end()
        else:
            out += re.escape(character)
    return out


__all__ = [
    "Listing",
    "ListingError",
    "entry",
    "is_settled",
    "key_of",
    "links_of",
    "listing_command",
    "listing_problems",
    "matcher",
    "name_of",
    "read_listing",
    "size_of",
    "without",
]
