"""Unchanged members are taken over from a tree that lies on the medium already: decompressed, hashed again, and stored.

What is taken over becomes bytes of the new file: the new set never needs the old one. A frame that is taken over as a
whole is copied as it is packed, so that only its hashing costs anything.
"""

from __future__ import annotations

import hashlib
import os
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path

import zstandard

from reporting.backup_set.index import Row
from reporting.backup_set.packer import Packer

_CACHED = 3  # frames that are held unpacked
_WHOLE = 1 << 20  # source bytes: smaller frames are packed anew, or they would become ever more


class DamagedError(Exception):
    """A stored tree does not give back what was put into it."""


class StoredTree:
    """A tree-….tar.zst on the medium, read by places in its tar stream."""

    def __init__(self, path: Path, frames: list[tuple[int, int]]) -> None:
        self._number = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._frames = frames
        self._starts = [0, *accumulate(source for source, _ in frames)]
        self._places = [0, *accumulate(stored for _, stored in frames)]
        self._cache: OrderedDict[int, tuple[bytes, bytes]] = OrderedDict()

    @property
    def size(self) -> int:
        """Bytes of the tar stream."""
        return self._starts[-1]

    def close(self) -> None:
        """Close the file."""
        self._cache.clear()
        os.close(self._number)

    def at(self, offset: int) -> int:
        """The frame that holds the byte at `offset`."""
        return bisect_right(self._starts, offset) - 1

    def bounds(self, frame: int) -> tuple[int, int]:
        """Where in the tar stream a frame begins and ends."""
        return self._starts[frame], self._starts[frame + 1]

    def frame(self, frame: int) -> tuple[bytes, bytes]:
        """(packed, source) bytes of a frame.

        Raises:
            DamagedError: it does not decompress to what it was. OSError: it cannot be read.
        """
        if frame in self._cache:
            self._cache.move_to_end(frame)
            return self._cache[frame]
        source, stored = self._frames[frame]
        packed = _read(self._number, stored, self._places[frame])
        try:
            data = zstandard.ZstdDecompressor().decompress(packed, max_output_size=max(1, source))
        except zstandard.ZstdError as error:
            raise DamagedError(f"frame {frame}: {error}") from None
        if len(data) != source or len(packed) != stored:
            raise DamagedError(f"frame {frame}: {len(data)} bytes instead of {source}")
        self._cache[frame] = (packed, data)
        if len(self._cache) > _CACHED:
            self._cache.popitem(last=False)
        return packed, data

    def pieces(self, start: int, end: int) -> Iterator[memoryview]:
        """The bytes from `start` to `end` of the tar stream. Raises as `frame` does."""
        while start < end:
            frame = self.at(start)
            low, high = self.bounds(frame)
            piece = memoryview(self.frame(frame)[1])[start - low : min(end, high) - low]
            start += len(piece)
            yield piece


def _read(number: int, size: int, place: int) -> bytes:
    pieces = []
    while size and (piece := os.pread(number, size, place)):
        pieces.append(piece)
        size -= len(piece)
        place += len(piece)
    return b"".join(pieces)


class Carrier:
    """Takes rows over, one after another; those that lie side by side become one range, its whole frames are copied."""

    def __init__(self, packer: Packer) -> None:
        self._packer = packer
        self._tree: StoredTree | None = None
        self._start = self._end = 0

    @property
    def position(self) -> int:
        """Where the next member will lie in the new stream."""
        return self._packer.source_bytes + self._end - self._start

    def carry(self, tree: StoredTree, row: Row) -> bool:
        """Take one member over. False: what is stored is not what was stored, and nothing of it was taken.

        Raises:
            OSError: the medium cannot be read or written.
        """
        try:
            _verify(tree, row)
        except DamagedError:
            return False
        if tree is not self._tree or row.offset != self._end:
            self.flush()
            self._tree, self._start, self._end = tree, row.offset, row.offset
        self._end = row.offset + row.length
        self._take_frames(tree)
        return True

    def flush(self) -> None:
        """Put the rest of the range into the packer: something else comes next."""
        if self._tree is not None:
            for piece in self._tree.pieces(self._start, self._end):
                self._packer.write(piece)
        self._start = self._end = 0
        self._tree = None

    def _take_frames(self, tree: StoredTree) -> None:
        """Every frame that ends within the range; what begins one that goes on is held back."""
        while self._start < self._end:
            frame = tree.at(self._start)
            low, high = tree.bounds(frame)
            if high > self._end:
                return
            packed, data = tree.frame(frame)
            if self._start == low and len(data) >= _WHOLE:
                self._packer.add_frame(data, packed)
            else:
                self._packer.write(memoryview(data)[self._start - low :])
            self._start = high


def _verify(tree: StoredTree, row: Row) -> None:
    """All of the member's frames must unpack, and a file's bytes must have its hash."""
    if row.offset + row.length > tree.size:
        raise DamagedError("beyond the end")
    start, end = row.data
    for _ in tree.pieces(row.offset, start if row.kind == "file" else row.offset + row.length):
        pass
    if row.kind != "file":
        return
    digest = hashlib.sha256()
    for piece in tree.pieces(start, end):
        digest.update(piece)
    if digest.hexdigest() != row.sha256:
        raise DamagedError("another hash")
    for _ in tree.pieces(end, row.offset + row.length):
        pass


__all__ = ["Carrier", "DamagedError", "StoredTree"]
