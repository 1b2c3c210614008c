"""What a restore runs on the host: POSIX sh, tar, sha256sum and the database client; every foreign word is quoted.

Exit codes of our own: 96 a program is not there, 97 the folder cannot be entered, 98 a step of a pipe failed,
99 the list did not come whole.
"""

from __future__ import annotations

import re
import shlex

from reporting.backup_set.request import MariadbRequest

_LINE = re.compile(rb"(?m)^((?:CREATE |/\*!50\d{3} )[^\n]{0,400}?)DEFINER\s*=\s*`(?:[^`\n]|``)*`@`(?:[^`\n]|``)*`")
STAGE = ".laman-pulih-"


def place_command(source: str) -> str:
    """Prints the real folder of the tree ("" where there is none), then that of the folder above."""
    path = shlex.quote(source)
    above = shlex.quote(source.rstrip("/").rpartition("/")[0] or "/")
    return (
        f"LC_ALL=C; export LC_ALL; command -v tar >/dev/null && command -v sha256sum >/dev/null || exit 96; "
        f"if [ -d {path} ]; then cd -- {path} && pwd -P || exit 97; else echo; cd -- {above} && pwd -P || exit 97; fi"
    )


def sums_command(above: str, top: str) -> str:
    """SHA-256 of every file of the tree, as `sha256sum` prints it."""
    return _in(above, f"exec find {shlex.quote('./' + top)} -type f -exec sha256sum -- {{}} +")


def modes_command(above: str, top: str) -> str:
    """Mode, owner, group and name of every file, a line each."""
    return _in(above, f"exec find {shlex.quote('./' + top)} -type f -exec stat -c '%a %U %G %n' -- {{}} +")


def others_command(above: str, top: str, kind: str) -> str:
    """Names of all folders (d) or links (l) of the tree, each ended by a zero byte."""
    return _in(above, f"exec find {shlex.quote('./' + top)} -type {kind} -print0")


def room_command(above: str) -> str:
    """Free KiB where the tree lies."""
    return _in(above, "df -Pk . | tail -n 1")


def stage_command(above: str, stage: str) -> str:
    """Unpack what comes beside the tree, into a fresh folder."""
    word = shlex.quote(stage)
    return _in(above, f"umask 077; mkdir -- {word} || exit 97; cd -- {word} && exec tar -xpf -")


def check_command(above: str, stage: str) -> str:
    """Compare the staged files with the list that comes on standard input."""
    return _in(above, f"cd -- {shlex.quote(stage)} && exec sha256sum -c -")


def apply_command(above: str, stage: str, top: str, *, fresh: bool) -> str:
    """Put the staged tree in place: renamed where nothing is there, else over what is there, file by file."""
    folder, tree = shlex.quote(stage), shlex.quote(top)
    if fresh:
        return _in(above, f"[ ! -e {tree} ] && mv -- {folder}/{tree} {tree} && rmdir -- {folder}")
    return _in(
        above,
        f"s=$({{ {{ tar -cf - -C {folder} -- {tree}; echo $? >&3; }} | tar -xpf - >&2; }} 3>&1) || exit 98; "
        f'[ "$s" = 0 ] || exit 98; rm -rf -- {folder}',
    )


def remove_command(above: str, nonce: str, *, folders: bool = False) -> str:
    """Remove the files (or whole folders) whose names, each ended by a zero byte, come on standard input.

    Nothing is removed unless the last name is `nonce`: a cut list ends in the beginning of a name, perhaps a folder's.
    """
    size = len(nonce) + 1  # with its zero byte, or it is not the end either
    return _in(
        above,
        'umask 077; t=$(mktemp) || exit 96; trap \'rm -f -- "$t"\' EXIT; cat > "$t" || exit 98; '
        f'[ "$(tail -c {size} "$t" | tr \'\\000\' /)" = {shlex.quote(nonce + "/")} ] || '
        "{ echo the list of what to remove was cut: nothing was removed >&2; exit 99; }; "
        f'xargs -0 rm {"-rf" if folders else "-f"} -- < "$t"',
    )


def drop_stage_command(above: str, stage: str) -> str:
    """Remove a staged tree; with a star at its end all of that beginning."""
    word = shlex.quote(stage.removesuffix("*")) + ("*" if stage.endswith("*") else "")
    return _in(above, f"rm -rf -- ./{word}")


def stage_of(site: str, restore: str = "", part: str = "") -> str:
    """Name of the folder that a part is unpacked in; without a restore, all of this site's (no site name has a `=`)."""
    return f"{STAGE}{site}={restore}-{part}" if restore else f"{STAGE}{site}=*"


def maintenance_command(root: str, *, on: bool) -> str:
    """Put a WordPress into maintenance (its visitors get status 503), or take it out.

    The file is always a new one: a link that lies in its place in a hacked site is not written through.
    """
    if on:
        return _in(
            root,
            "[ -f wp-settings.php ] || exit 0; rm -f -- .maintenance && set -C && umask 022 && "
            "printf '<?php $upgrading = %s;' \"$(date +%s)\" > .maintenance",
        )
    return _in(root, "rm -f -- .maintenance")


def _in(folder: str, command: str) -> str:
    return f"LC_ALL=C; export LC_ALL; unset TAR_OPTIONS; cd -- {shlex.quote(folder)} || exit 97; {command}"


# -- the database


def client_command(request: MariadbRequest, *words: str) -> str:
    """The client; its account comes on descriptor 4, its statements on standard input."""
    account = "/dev/fd/4" if request.option_file is None else request.option_file
    given = " ".join(shlex.quote(word) for word in words)
    return (
        "c=$(command -v mariadb || command -v mysql) || exit 96; "
        f'exec "$c" --defaults-file={shlex.quote(account)} --default-character-set=utf8mb4 '
        f"--max-allowed-packet=1G --binary-mode {given}"
    )


def says_no_database(stderr: str) -> bool:
    """Whether the client was refused because the database is not there (1049), or not for this account (1044)."""
    return re.search(r"\bERROR (?:1044|1049) \(", stderr) is not None


def rows_command(request: MariadbRequest) -> str:
    """The rows of all tables, as a dump writes them; the account comes on standard input."""
    account = "/dev/stdin" if request.option_file is None else request.option_file
    return (
        "umask 077; c=$(command -v mariadb-dump || command -v mysqldump) || exit 96; "
        f'exec "$c" --defaults-file={shlex.quote(account)} --single-transaction --quick --hex-blob --no-create-info '
        f"--skip-triggers --default-character-set=utf8mb4 --no-tablespaces --max-allowed-packet=1G "
        f"{' '.join(request.dump_options)} -- {shlex.quote(request.database)}"
    )


def create_database(name: str, character_set: str, collation: str) -> bytes:
    """The statement that makes a database where it is missing."""
    words = "".join(
        f" {word} {value}"
        for word, value in (("CHARACTER SET", character_set), ("COLLATE", collation))
        if re.fullmatch(r"[A-Za-z0-9_]+", value)
    )
    return f"CREATE DATABASE IF NOT EXISTS {_name(name)}{words};\n".encode()


def drop_tables(tables: list[str], views: list[str]) -> bytes:
    """The statements that remove tables and views."""
    lines = ["SET FOREIGN_KEY_CHECKS=0;"]
    lines += [f"DROP VIEW IF EXISTS {_name(view)};" for view in views]
    lines += [f"DROP TABLE IF EXISTS {_name(table)};" for table in tables]
    return ("\n".join(lines) + "\n").encode()


def _name(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


class Definers:
    """Replaces the definer of views, triggers, routines and events by whoever loads the dump. Rows are not touched."""

    def __init__(self) -> None:
        self._held = b""
        self.replaced = 0

    def feed(self, piece: bytes) -> bytes:
        """What is sure so far."""
        text = self._held + piece
        cut = text.rfind(b"\n") + 1
        if not cut and len(text) > 1 << 20:  # in the middle of a long row
            cut = len(text)
        self._held = text[cut:]
        return self._changed(text[:cut])

    def finish(self) -> bytes:
        """The rest."""
        held, self._held = self._held, b""
        return self._changed(held)

    def _changed(self, text: bytes) -> bytes:
        changed, count = _LINE.subn(rb"\1DEFINER=CURRENT_USER", text)
        self.replaced += count
        return changed


__all__ = [
    "STAGE",
    "Definers",
    "apply_command",
    "check_command",
    "client_command",
    "create_database",
    "drop_stage_command",
    "drop_tables",
    "maintenance_command",
    "modes_command",
    "others_command",
    "place_command",
    "remove_command",
    "room_command",
    "rows_command",
    "says_no_database",
    "stage_command",
    "stage_of",
    "sums_command",
]
