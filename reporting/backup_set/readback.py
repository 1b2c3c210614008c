"""A stored file read from the medium itself: past the page cache, decompressed on all cores, in order.

O_DIRECT asks the device and nothing else. Where a filesystem refuses it (tmpfs, some network mounts), the file's pages
are dropped from memory first (posix_fadvise); only clean pages can be dropped, so the file must have been fsynced.
"""

from __future__ import annotations

import errno
import hashlib
import mmap
import os
import queue
import threading
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import BinaryIO

import zstandard

DIRECT, DROPPED = "O_DIRECT", "posix_fadvise DONTNEED"
_CHUNK = 2 << 20
_LARGE_FRAME = 16 << 20  # sets from before hold frames of 64 MiB: those are decompressed as a stream


def past_cache(path: Path) -> tuple[str, Generator[bytes, None, None]]:
    """How the file is read, and its bytes in pieces; the next piece is fetched while one is worked on.

    Close the iterator when it is not read to its end. Raises OSError (also from the iterator).
    """
    number, method = _open(path)
    return method, _prefetched(_pieces(number, method))


def _open(path: Path) -> tuple[int, str]:
    try:
        number = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECT)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        return _open_dropped(path), DROPPED
    try:
        with mmap.mmap(-1, mmap.PAGESIZE) as probe:
            os.preadv(number, [probe], 0)
    except OSError as error:
        os.close(number)
        if error.errno != errno.EINVAL:
            raise
        return _open_dropped(path), DROPPED
    return number, DIRECT


def _open_dropped(path: Path) -> int:
    number = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    os.posix_fadvise(number, 0, 0, os.POSIX_FADV_DONTNEED)
    os.posix_fadvise(number, 0, 0, os.POSIX_FADV_SEQUENTIAL)
    return number


def _pieces(number: int, method: str) -> Generator[bytes, None, None]:
    offset = 0
    try:
        if method == DROPPED:
            while piece := os.pread(number, _CHUNK, offset):
                offset += len(piece)
                yield piece
            return
        with mmap.mmap(-1, _CHUNK) as buffer:  # page-aligned, as O_DIRECT wants it
            while size := os.preadv(number, [buffer], offset):
                offset += size
                yield buffer[:size]
                if size % mmap.PAGESIZE:  # the end of the file: the next offset would not be aligned
                    return
    finally:
        os.close(number)


def _prefetched(pieces: Generator[bytes, None, None]) -> Generator[bytes, None, None]:
    """The same pieces, read two ahead by a thread of their own."""
    ahead: queue.Queue[bytes | BaseException | None] = queue.Queue(2)
    stop = threading.Event()

    def fetch() -> None:
        try:
            with closing(pieces):
                for piece in pieces:
                    ahead.put(piece)
                    if stop.is_set():
                        break
            ahead.put(None)
        except BaseException as error:  # noqa: BLE001 - raised again where the pieces are wanted
            ahead.put(error)

    thread = threading.Thread(target=fetch, daemon=True, name="read-back")
    thread.start()
    try:
        while (piece := ahead.get()) is not None:
            if isinstance(piece, BaseException):
                raise piece
            yield piece
    finally:
        stop.set()
        while thread.is_alive():
            try:
                ahead.get(timeout=0.05)
            except queue.Empty:
                continue
        thread.join()


@contextmanager
def uncached(path: Path) -> Iterator[BinaryIO]:
    """Open a file for reading from the medium itself: its pages in memory are dropped first.

    Only clean pages can be dropped, so the file must have been fsynced.
    """
    with path.open("rb", buffering=0) as stream:
        os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_SEQUENTIAL)
        yield stream


class Unpacked:
    """Decompresses a file frame by frame; afterwards holds what was seen of the stored bytes."""

    def __init__(self, path: Path, frames: Sequence[tuple[int, int]]) -> None:
        self.method, self._pieces = past_cache(path)
        self._frames = frames
        self._digest = hashlib.sha256()
        self.size = 0

    @property
    def sha256(self) -> str:
        """SHA-256 (hex) of all stored bytes, once `read` has ended."""
        return self._digest.hexdigest()

    def read(self) -> Generator[bytes, None, None]:
        """The source bytes, in pieces. Raises zstandard.ZstdError and OSError."""
        with closing(self._pieces) as pieces:
            if any(source > _LARGE_FRAME for source, _ in self._frames):
                yield from self._streamed(pieces)
            else:
                yield from self._parallel(pieces)
            for piece in pieces:  # bytes behind the last frame, if any, count too
                self._count(piece)

    def _count(self, piece: bytes) -> None:
        self._digest.update(piece)
        self.size += len(piece)

    def _streamed(self, pieces: Iterator[bytes]) -> Generator[bytes, None, None]:
        unpacker = zstandard.ZstdDecompressor().decompressobj(read_across_frames=True)
        for piece in pieces:
            self._count(piece)
            if data := unpacker.decompress(piece):
                yield data

    def _parallel(self, pieces: Iterator[bytes]) -> Generator[bytes, None, None]:
        workers = max(1, min(4, os.cpu_count() or 1))
        running: deque[Future[bytes]] = deque()
        with ThreadPoolExecutor(workers, thread_name_prefix="unzstd") as pool:
            try:
                for source, packed in self._split(pieces):
                    running.append(pool.submit(_decompress, packed, source))
                    if len(running) > workers:
                        yield running.popleft().result()
                while running:
                    yield running.popleft().result()
            finally:
                for future in running:
                    future.cancel()

    def _split(self, pieces: Iterator[bytes]) -> Iterator[tuple[int, bytes]]:
        """(source bytes, packed frame), as the recorded sizes say; ends early when the file does."""
        held = bytearray()
        for source, size in self._frames:
            while len(held) < size:
                piece = next(pieces, b"")
                if not piece:
                    return
                self._count(piece)
                held += piece
            packed = bytes(memoryview(held)[:size])
            del held[:size]
            yield source, packed


def _decompress(packed: bytes, source: int) -> bytes:
    data = zstandard.ZstdDecompressor().decompress(packed, max_output_size=max(1, source))
    if len(data) != source:
        raise zstandard.ZstdError(f"a frame decompresses to {len(data)} bytes instead of {source}")
    return bytes(data)


__all__ = ["DIRECT", "DROPPED", "Unpacked", "past_cache", "uncached"]
