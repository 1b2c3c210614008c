"""A list for `sha256sum -c`, read again: the names are bytes, with coreutils' escapes undone."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from reporting.backup_set.store import StoreError

_ESCAPE = re.compile(rb"\\([\\nr])")
_MEANING = {b"\\": b"\\", b"n": b"\n", b"r": b"\r"}


def read_line(line: bytes) -> tuple[bytes, bytes]:
    """Name and raw SHA-256 of one line, its line feed taken off.

    Raises:
        ValueError: it is no such line.
    """
    escaped = line.startswith(b"\\")
    body = line[1:] if escaped else line
    if len(body) < 67 or body[64:66] not in (b"  ", b" *"):
        raise ValueError("no line of a list of SHA-256")
    name = body[66:]
    if escaped:
        name = _ESCAPE.sub(lambda match: _MEANING[match[1]], name)
    return name, bytes.fromhex(body[:64].decode("ascii"))


def read_lines(lines: Iterable[bytes]) -> dict[bytes, bytes]:
    """All lines, by name.

    Raises:
        ValueError: a line is none.
    """
    return dict(read_line(line) for line in lines if line)


def read_list(path: Path) -> dict[bytes, bytes]:
    """The list of a tree's files in a set.

    Raises:
        StoreError: damaged. OSError: it cannot be read.
    """
    try:
        return read_lines(path.read_bytes().split(b"\n"))
    except ValueError as error:
        raise StoreError(f"{path.name}: damaged: {error}") from error


__all__ = ["read_line", "read_lines", "read_list"]
