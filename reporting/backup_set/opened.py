"""One stored part of a set, opened for restoring: read from the medium, hashed and decompressed beside who uses it.

Nothing is trusted: the reader ends with an error unless length and SHA-256 of the stored file, and of what was in it,
are those of the manifest; and it never gives more bytes than the manifest says (a decompression bomb ends there).
"""

from __future__ import annotations

import hashlib
import io
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import zstandard

from reporting.backup_set.manifest import Part
from reporting.backup_set.store import StoreError, uncached

_BLOCK = 1 << 20
_AHEAD = 8  # blocks that may wait
Opener = Callable[[Path], AbstractContextManager[BinaryIO]]


class PartStream:
    """The source bytes of a part, block by block: a tar, a dump, a database file."""

    def __init__(self, folder: Path, part: Part, opener: Opener, whole: bool) -> None:
        self._path = folder / part.file
        self._part = part
        self._opener = opener
        self._whole = whole  # hash what comes out, too
        self._blocks: queue.Queue[bytes | BaseException] = queue.Queue(_AHEAD)
        self._stop = threading.Event()
        self._over = False
        self._thread = threading.Thread(target=self._run, daemon=True, name="part-reader")
        self._thread.start()

    def next_block(self) -> bytes:
        """The next bytes; none at the end, and then all of it was what was written.

        Raises:
            StoreError: it is not. OSError: it cannot be read.
        """
        if self._over:
            return b""
        block = self._blocks.get()
        if isinstance(block, BaseException):
            self._over = True
            raise block
        self._over = not block
        return block

    def close(self) -> None:
        """End the reading thread, whatever is left."""
        self._stop.set()
        while self._thread.is_alive():
            try:
                self._blocks.get(timeout=0.05)
            except queue.Empty:
                continue
        self._thread.join()

    def _run(self) -> None:
        try:
            self._read()
            self._put(b"")
        except BaseException as error:  # noqa: BLE001 - raised again where the blocks are taken
            self._put(error)

    def _put(self, block: bytes | BaseException) -> None:
        while not self._stop.is_set():
            try:
                self._blocks.put(block, timeout=0.2)
                return
            except queue.Full:
                continue

    def _read(self) -> None:
        source = hashlib.sha256()
        total = 0
        part = self._part
        with self._opener(self._path) as raw:
            counted = _Counted(raw, part.stored_bytes)
            try:
                reader = zstandard.ZstdDecompressor().stream_reader(
                    cast("BinaryIO", counted), read_size=_BLOCK, read_across_frames=True
                )
                while not self._stop.is_set() and (block := reader.read(_BLOCK)):
                    total += len(block)
                    if total > part.source_bytes:
                        raise StoreError(f"{part.file}: holds more than the {part.source_bytes} bytes of its manifest")
                    if self._whole:
                        source.update(block)
                    self._put(block)
            except zstandard.ZstdError as error:
                raise StoreError(f"{part.file}: does not decompress: {error}: the medium is damaged") from error
            while not self._stop.is_set() and counted.read(_BLOCK):  # bytes behind the last frame count too
                pass
        if self._stop.is_set():
            return
        size, stored = counted.size, counted.digest.hexdigest()
        if (size, stored) != (part.stored_bytes, part.sha256):
            raise StoreError(
                f"{part.file}: {size} bytes with SHA-256 {stored[:12]}…, written were {part.stored_bytes} "
                f"with {part.sha256[:12]}…: it was cut, or the medium is damaged"
            )
        if total != part.source_bytes or (self._whole and source.hexdigest() != part.source_sha256):
            raise StoreError(f"{part.file}: what is in it is not what was put in")


class _Counted(io.RawIOBase):
    """Counts and hashes what the decompressor reads; more than was written is not read."""

    def __init__(self, stream: BinaryIO, most: int) -> None:
        super().__init__()
        self._stream = stream
        self._most = most
        self.digest = hashlib.sha256()
        self.size = 0

    def read(self, size: int = -1, /) -> bytes:
        data = self._stream.read(size)
        self.digest.update(data)
        self.size += len(data)
        if self.size > self._most:
            raise StoreError(f"the stored file is longer than the {self._most} bytes of its manifest")
        return data


@dataclass(frozen=True)
class SetSource:
    """The folder of a set; `opener` gives the stored bytes: another one where they have to be decrypted first."""

    folder: Path
    opener: Opener = uncached


@contextmanager
def open_part(source: SetSource, part: Part, *, whole: bool = True) -> Iterator[PartStream]:
    """Open a part of a set.

    Args:
        source: the set.
        part: of its manifest.
        whole: hash what comes out, too (a tree needs it not: each of its files has a hash of its own).
    """
    stream = PartStream(source.folder, part, source.opener, whole)
    try:
        yield stream
    finally:
        stream.close()


__all__ = ["Opener", "PartStream", "SetSource", "open_part"]
