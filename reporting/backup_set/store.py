"""One stored file of a set: zstd frames of 64 MiB, hashed on the way out; and the same file read back from the medium.

Many frames instead of one: a damaged spot costs one frame, and a reader may start at any of them (their places are in
the manifest). A zstd file that was cut between two frames passes `zstd -t`: so length and SHA-256 are recorded, and
both are compared when it is read back.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Protocol, cast

import zstandard

FRAME_BYTES = 64 << 20  # source bytes in one zstd frame
_LEVEL = 3
_READ = 1 << 20


class Source(Protocol):
    """Anything that gives bytes; none at its end."""

    def read(self, size: int, /) -> bytes | None: ...


class StoreError(Exception):
    """What is on the medium is not what was written there; the message names the file and the difference."""


@dataclass(frozen=True)
class Stored:
    """A stored file: sizes in bytes, SHA-256 (hex) of stored bytes and of source bytes, (source, stored) per frame."""

    name: str
    source_bytes: int
    source_sha256: str
    stored_bytes: int
    sha256: str
    frames: list[tuple[int, int]] = field(default_factory=list)


class _Packer:
    """Compresses into frames; hashes and counts what goes out."""

    def __init__(self, out: BinaryIO, on_frame: Callable[[], None] | None) -> None:
        self._out = out
        self._on_frame = on_frame
        workers = min(4, os.cpu_count() or 1)
        self._compressor = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True, threads=workers)
        self._object: zstandard.ZstdCompressionObj | None = None
        self._digest = hashlib.sha256()
        self._frames: list[tuple[int, int]] = []
        self._in = 0
        self._written = 0

    def write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            frame = self._frame()
            piece = view[: FRAME_BYTES - self._in]
            self._emit(frame.compress(piece))
            self._in += len(piece)
            view = view[len(piece) :]
            if self._in == FRAME_BYTES:
                self._end_frame()

    def _frame(self) -> zstandard.ZstdCompressionObj:
        if self._object is None:
            self._object = self._compressor.compressobj()
        return self._object

    def _emit(self, packed: bytes) -> None:
        if packed:
            self._digest.update(packed)
            self._out.write(packed)
            self._written += len(packed)

    def _end_frame(self) -> None:
        self._emit(self._frame().flush())
        self._frames.append((self._in, self._written))
        self._object, self._in, self._written = None, 0, 0
        if self._on_frame is not None:
            self._on_frame()

    def close(self) -> tuple[str, list[tuple[int, int]]]:
        if self._object is not None or not self._frames:  # an empty source is one empty frame: zstd -d takes it
            self._end_frame()
        return self._digest.hexdigest(), self._frames


def store(
    source: Source,
    path: Path,
    watch: Callable[[bytes], None],
    on_frame: Callable[[], None] | None = None,
) -> Stored:
    """Write `source` to `path` (new, durable), compressed. `watch` sees every piece of the source on its way.

    `on_frame` is called after each frame of 64 MiB: a place to look whether the medium is still there.

    Raises:
        OSError: the medium is full, read-only, gone. Whatever `watch` and `on_frame` raise. The file is then partial.
    """
    digest = hashlib.sha256()
    total = 0
    with path.open("xb", buffering=_READ) as out:
        packer = _Packer(out, on_frame)
        while piece := source.read(_READ):
            watch(piece)
            digest.update(piece)
            total += len(piece)
            packer.write(piece)
        sha256, frames = packer.close()
        out.flush()
        os.fsync(out.fileno())
    return Stored(path.name, total, digest.hexdigest(), sum(size for _, size in frames), sha256, frames)


@contextmanager
def uncached(path: Path) -> Iterator[BinaryIO]:
    """Open a file for reading from the medium itself: its pages in memory are dropped first.

    Only clean pages can be dropped, so the file must have been fsynced.
    """
    with path.open("rb", buffering=0) as stream:
        os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_SEQUENTIAL)
        yield stream


class _Hashing(io.RawIOBase):
    """Counts and hashes what a decompressor reads."""

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__()
        self._stream = stream
        self.digest = hashlib.sha256()
        self.size = 0

    def read(self, size: int = -1, /) -> bytes:
        data = self._stream.read(size)
        self.digest.update(data)
        self.size += len(data)
        return data


def read_back(path: Path, stored: Stored, watch: Callable[[bytes], None]) -> None:
    """Read a stored file from the medium and compare it, packed and unpacked. `watch` sees the source bytes again.

    Raises:
        StoreError: it is not what was written. OSError: it cannot be read. Whatever `watch` raises.
    """
    digest = hashlib.sha256()
    total = 0
    with uncached(path) as raw:
        counted = _Hashing(raw)
        try:
            reader = zstandard.ZstdDecompressor().stream_reader(
                cast("BinaryIO", counted), read_size=_READ, read_across_frames=True
            )
            while piece := reader.read(_READ):
                digest.update(piece)
                total += len(piece)
                watch(piece)
        except zstandard.ZstdError as error:
            raise StoreError(f"{path.name}: does not decompress when read back: {error}") from error
        while counted.read(_READ):  # bytes behind the last frame, if any, count too
            pass
    if counted.size != stored.stored_bytes or counted.digest.hexdigest() != stored.sha256:
        raise StoreError(
            f"{path.name}: read back {counted.size} bytes with SHA-256 {counted.digest.hexdigest()[:12]}…, "
            f"written were {stored.stored_bytes} with {stored.sha256[:12]}…"
        )
    if total != stored.source_bytes or digest.hexdigest() != stored.source_sha256:
        raise StoreError(f"{path.name}: decompresses to {total} bytes, {stored.source_bytes} went in, or they differ")


def file_digest(path: Path) -> tuple[str, int]:
    """SHA-256 (hex) and size in bytes of a file, read from the medium itself."""
    digest = hashlib.sha256()
    size = 0
    with uncached(path) as stream:
        while piece := stream.read(_READ):
            digest.update(piece)
            size += len(piece)
    return digest.hexdigest(), size


__all__ = ["FRAME_BYTES", "Source", "StoreError", "Stored", "file_digest", "read_back", "store", "uncached"]
