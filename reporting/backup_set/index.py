"""INDEX-<part>.zst: where each member of a tree lies in the tar stream, how it came, and what the host said of it.

With it the next run takes unchanged members over from this set, and one file can be restored without reading all.
`docs/backup-set.md` has the format. Rows are handled as bytes, one a member: a tree may have hundreds of thousands.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote_from_bytes, unquote_to_bytes

import zstandard

from reporting.backup_set.listing import entry, is_settled, key_of
from reporting.backup_set.tarstream import Member

_MAGIC = b"laman-index 1"
_READ = 1 << 20
# find's letter -> the kinds that tar makes of it
KINDS = {
    "f": ("file", "hardlink"),
    "d": ("directory",),
    "l": ("symlink", "hardlink"),
    "p": ("fifo", "hardlink"),
    "c": ("device", "hardlink"),
    "b": ("device", "hardlink"),
}


class IndexFileError(ValueError):
    """The index cannot be used; the message says why."""


@dataclass(frozen=True)
class Row:
    """One member: see the format. `offset` and `length` in bytes of the decompressed tar stream."""

    came: str
    kind: str
    offset: int
    length: int
    size: int
    mode: int
    mtime: bytes
    sha256: str
    stat: bytes
    name: bytes
    target: bytes

    @property
    def data(self) -> tuple[int, int]:
        """Where the file's bytes begin and end in the tar stream."""
        start = self.offset + self.length - -(-self.size // 512) * 512
        return start, start + self.size

    def member(self) -> Member:
        """The member as the tar reader gives it."""
        kept = "" if self.sha256 == "-" else self.sha256
        return Member(self.name, self.kind, self.size, self.mode, self.mtime, self.target, kept)


def encode(member: Member, came: str, offset: int, length: int) -> bytes:
    """The row of a member, without a stat: that is added when all rows are known."""
    return (
        f"{came} {member.kind} {offset} {length} {member.size} {member.mode:o} {quote_from_bytes(member.mtime)} "
        f"{member.sha256 or '-'} - {quote_from_bytes(member.name)} {quote_from_bytes(member.target)}\n"
    ).encode("ascii")


def decode(line: bytes) -> Row:
    """Read a row. Raises IndexFileError."""
    fields = line.rstrip(b"\n").split(b" ")
    try:
        came, kind, offset, length, size, mode, mtime, sha256, stat, name, target = fields
        row = Row(
            came.decode(), kind.decode(), int(offset), int(length), int(size), int(mode, 8), unquote_to_bytes(mtime),
            sha256.decode(), stat, unquote_to_bytes(name), unquote_to_bytes(target),
        )  # fmt: skip
    except ValueError:
        raise IndexFileError(f"no row of an index: {line[:120]!r}") from None
    if row.length < 512 or row.offset < 0 or not 0 <= row.size <= row.length:
        raise IndexFileError(f"a row with impossible places: {line[:120]!r}")
    return row


def key_of_row(line: bytes) -> bytes:
    """The key by which rows are sorted."""
    return key_of(unquote_to_bytes(line.split(b" ", 10)[9]))


def settle(rows: Callable[[], Iterable[bytes]], lines: Iterable[bytes], listed_at: int) -> Iterator[bytes]:
    """The rows sorted, the last of each name only, with the stat of the listing where that may be relied on later.

    `rows` gives them in the stream's order, which is nearly always the sorted one: only those that came late are held.
    """
    listed = iter(lines)
    line = next(listed, None)
    held: tuple[bytes, bytes] | None = None
    for key, row in _sorted(rows):
        if held is not None and held[0] != key:
            yield held[1]
        while line is not None and line.partition(b"\0\0")[0] < key:
            line = next(listed, None)
        held = (key, row)
        if line is not None and line.partition(b"\0\0")[0] == key:
            fields = row.split(b" ", 9)
            _, kind, stat = entry(line)
            if fields[8] == b"-" and is_settled(stat, listed_at) and fields[1].decode() in KINDS.get(kind, ()):
                fields[8] = stat
                held = (key, b" ".join(fields))
    if held is not None:
        yield held[1]


def _sorted(rows: Callable[[], Iterable[bytes]]) -> Iterator[tuple[bytes, bytes]]:
    late: list[tuple[bytes, int, bytes]] = []
    newest = b""
    for number, row in enumerate(rows()):
        key = key_of_row(row)
        if key < newest:
            late.append((key, number, row))
        newest = max(newest, key)
    late.sort()
    yield from ((key, row) for key, _, row in heapq.merge(_in_order(rows()), late))


def _in_order(rows: Iterable[bytes]) -> Iterator[tuple[bytes, int, bytes]]:
    newest = b""
    for number, row in enumerate(rows):
        key = key_of_row(row)
        if key >= newest:
            newest = key
            yield key, number, row


def write_index(out: BinaryIO, rows: Iterable[bytes], listed_at: int) -> None:
    """Write an index file."""
    with zstandard.ZstdCompressor(level=3, write_checksum=True).stream_writer(out, closefd=False) as packed:
        packed.write(_MAGIC + b" %d\n" % listed_at)
        batch: list[bytes] = []
        for row in rows:
            batch.append(row)
            if len(batch) == 2000:
                packed.write(b"".join(batch))
                batch = []
        packed.write(b"".join(batch))


def read_index(path: Path) -> Iterator[bytes]:
    """The rows of an index file, in its order.

    Raises:
        IndexFileError: not an index, damaged, or cut. OSError: it cannot be read.
    """
    with path.open("rb") as stream, zstandard.ZstdDecompressor().stream_reader(stream) as unpacked:
        held = b""
        first = True
        try:
            while piece := unpacked.read(_READ):
                *lines, held = (held + piece).split(b"\n")
                if first and lines:
                    first = False
                    if not lines.pop(0).startswith(_MAGIC):
                        raise IndexFileError(f"{path.name}: no index of this format")
                yield from lines
        except zstandard.ZstdError as error:
            raise IndexFileError(f"{path.name}: damaged: {error}") from None
        if held or first:
            raise IndexFileError(f"{path.name}: it was cut")


__all__ = [
    "KINDS",
    "IndexFileError",
    "Row",
    "decode",
    "encode",
    "key_of_row",
    "read_index",
    "settle",
    "write_index",
]
