"""One tree on its way into a set: members from the host's tar and members taken over, in one tar stream of our own.

Beside the stored file three journals are written as it grows: `rows` (the index to be), `frames` and `listing`. After a
cut line or a kill they say which members lie whole on the medium, and the next run takes those over.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import zstandard

from reporting.backup_set.carry import Carrier, StoredTree
from reporting.backup_set.index import Row, encode
from reporting.backup_set.listing import Listing
from reporting.backup_set.packer import Packer
from reporting.backup_set.store import Stored, packing
from reporting.backup_set.tarstream import Member, Members, checksum_line

_END = bytes(1024)  # the end-of-archive blocks
_WORTH = 1 << 20  # stored bytes: less is sooner read again
_SEPARATOR = b"\0\0\0"  # no line of a listing holds three


@dataclass(frozen=True)
class Files:
    """The files of one tree part in the folder of a draft."""

    folder: Path
    name: str

    @property
    def stored(self) -> Path:
        """The archive."""
        return self.folder / f"tree-{self.name}.tar.zst"

    @property
    def sums(self) -> Path:
        """For `sha256sum -c`."""
        return self.folder / f"FILES-{self.name}.sha256"

    @property
    def index(self) -> Path:
        """Where each member lies."""
        return self.folder / f"INDEX-{self.name}.zst"

    @property
    def journals(self) -> tuple[Path, Path, Path, Path]:
        """rows, frames, listing, about: they are gone before the set is named."""
        rows, frames, listing, about = (
            self.folder / f".{what}-{self.name}" for what in ("rows", "frames", "listing", "about")
        )
        return rows, frames, listing, about

    def all(self) -> tuple[Path, ...]:
        """Everything that may be there."""
        return (self.stored, self.sums, self.index, *self.journals)


@dataclass
class Taken:
    """What has come, how."""

    line_bytes: int = 0
    carried_members: int = 0
    carried_bytes: int = 0
    carried_from: str = ""
    again: list[bytes] = field(default_factory=list)


class TreeWriter:
    """Takes members; a `Sink` for tar readers that share `members`."""

    def __init__(self, packer: Packer, sums: BinaryIO, rows: BinaryIO) -> None:
        self.members = Members(self._note)
        self.before: Callable[[bytes], None] | None = None  # called with each name from the host, before it is written
        self.taken = Taken()
        self.top = b""
        self.stored: Stored | None = None  # set when all is written
        self._packer, self._carrier = packer, Carrier(packer)
        self._sums, self._rows = sums, rows
        self._came, self._start, self._length = "r", 0, -1

    def begin(self, name: bytes) -> None:
        """A member begins that comes from the host."""
        if self.before is not None:
            self.before(name)
        self._carrier.flush()
        self._came, self._start, self._length = "r", self._packer.source_bytes, -1

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Bytes of that member."""
        self._packer.write(data)

    def carry(self, tree: StoredTree, row: Row) -> bool:
        """Take a member over. False: its bytes are damaged where it lies, nothing was taken."""
        start = self._carrier.position
        if not self._carrier.carry(tree, row):
            return False
        start = self._carrier.position - row.length
        self._came, self._start, self._length = "c", start, row.length
        self.members.take(row.member())
        self.taken.carried_members += 1
        self.taken.carried_bytes += row.length
        return True

    def read_again(self, names: Iterable[bytes]) -> None:
        """These regular files may come once more."""
        for name in names:
            if name not in self.members.again:
                self.members.again.add(name)
                self.taken.again.append(name)

    def end(self) -> None:
        """All members came."""
        self._carrier.flush()
        self._packer.write(_END)

    def _note(self, member: Member) -> None:
        if not self.top:
            self.top = member.name.split(b"/")[0]
        length = self._length if self._length >= 0 else self._packer.source_bytes - self._start
        self._rows.write(encode(member, self._came, self._start, length))
        if member.sha256:
            self._sums.write(checksum_line(member))


@contextmanager
def writing(files: Files, source: str, listing: Listing | None, look: Callable[[], None]) -> Iterator[TreeWriter]:
    """Write a tree's archive, sums and journals; when the block ends well all are whole and durable, but no index yet.

    Raises:
        OSError, MediumError: the medium. TarError: members that no tree has. Whatever the block raises.
    """
    rows, frames, listed, about = files.journals
    about.write_text(json.dumps({"source": source}), encoding="utf-8")
    with listed.open("xb") as out:
        _write_listing(out, listing)
    with ExitStack() as stack:
        sums = stack.enter_context(files.sums.open("xb"))
        journal = stack.enter_context(rows.open("xb"))
        notes = stack.enter_context(frames.open("xb", buffering=0))
        packed = stack.enter_context(
            packing(files.stored, look, lambda size, stored: _write_frame(notes, size, stored))
        )
        writer = TreeWriter(packed.packer, sums, journal)
        yield writer
        writer.end()
        for stream in (sums, journal):
            stream.flush()
            os.fsync(stream.fileno())
    if writer.taken.again:
        _drop_replaced(files.sums, writer.taken.again)
    writer.stored = packed.stored()


def _write_frame(notes: BinaryIO, size: int, stored: int) -> None:
    notes.write(b"%d %d\n" % (size, stored))


def _write_listing(out: BinaryIO, listing: Listing | None) -> None:
    with zstandard.ZstdCompressor(level=1).stream_writer(out, closefd=False) as packed:
        packed.write(b"%d" % (listing.listed_at if listing else 0))
        for line in listing.lines if listing else ():
            packed.write(_SEPARATOR + line)


def read_listing_journal(path: Path) -> tuple[int, list[bytes]]:
    """What `writing` noted. Raises OSError, ValueError, zstandard.ZstdError."""
    with path.open("rb") as stream, zstandard.ZstdDecompressor().stream_reader(stream) as unpacked:
        first, *lines = unpacked.read().split(_SEPARATOR)
    return int(first), lines


def _drop_replaced(sums: Path, again: list[bytes]) -> None:
    """A file that came twice has two lines: only the last one is of what a restore gives."""
    names = {checksum_line(Member(name, "file", 0, 0, b"")).lstrip(b"\\").partition(b"  ")[2] for name in again}
    last: dict[bytes, int] = {}
    with sums.open("rb") as stream:
        for number, line in enumerate(stream):
            name = line.partition(b"  ")[2]
            if name in names:
                last[name] = number
    beside = sums.with_name(f".{sums.name}.new")
    with sums.open("rb") as stream, beside.open("xb") as out:
        for number, line in enumerate(stream):
            if last.get(line.partition(b"  ")[2], number) == number:
                out.write(line)
        out.flush()
        os.fsync(out.fileno())
    beside.rename(sums)


def keep(files: Files, place: Path) -> None:
    """Put an unfinished tree aside, to be taken over by the next run; a larger one that lies there already stays."""
    rows, frames, *_ = files.journals
    if not (rows.exists() and frames.exists() and files.stored.exists() and files.stored.stat().st_size >= _WORTH):
        return
    other = Files(place, files.name)
    if other.stored.exists() and other.stored.stat().st_size > files.stored.stat().st_size:
        return
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(mode=0o700)
    for path in (files.stored, *files.journals):
        path.rename(place / path.name)


__all__ = ["Files", "Taken", "TreeWriter", "keep", "read_listing_journal", "writing"]
