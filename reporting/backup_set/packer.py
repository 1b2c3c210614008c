"""Compresses a stream into zstd frames on all cores, in order, hashed before and after, written as it goes.

Each frame is compressed by itself in one thread: nothing has to be drained between frames, as it must between the
jobs of one multi-threaded zstd stream. One more thread hashes and writes the frames in their order. The caller's
thread only copies into the next frame, so that it can go on reading and parsing. hashlib, zstandard and file writes
let go of the interpreter, so that all of them really run beside one another.
"""

from __future__ import annotations

import hashlib
import os
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import BinaryIO

import zstandard

FRAME_BYTES = 4 << 20  # source bytes in one zstd frame; memory is a few of them
LEVEL = 3
_LOOK_BYTES = 64 << 20  # after so many stored bytes: is the medium still there, and let the kernel write them out

_Job = tuple[bytearray | None, memoryview, "Future[bytes]"]  # buffer to give back, source bytes, packed bytes


class Packer:
    """Feed it with `write`, or give it frames that are packed already; then `close`. After an error: `abort`.

    `on_look` is called after every 64 MiB that were stored; `on_frame` with the sizes of each frame once it is written.

    Raises (from write, add_frame and close):
        OSError: the medium is full, read-only, gone. Whatever `on_look` raises.
    """

    def __init__(
        self,
        out: BinaryIO,
        on_look: Callable[[], None] | None,
        frame_bytes: int = FRAME_BYTES,
        on_frame: Callable[[int, int], None] | None = None,
    ) -> None:
        workers = max(1, min(4, os.cpu_count() or 1))
        self._out, self._on_look, self._on_frame = out, on_look, on_frame
        self._local = threading.local()
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="zstd")
        self._free: queue.SimpleQueue[bytearray] = queue.SimpleQueue()
        for _ in range(workers + 2):
            self._free.put(bytearray(frame_bytes))
        self._jobs: queue.Queue[_Job | None] = queue.Queue(workers)
        self._frame: bytearray | None = None
        self._filled = 0
        self._size = frame_bytes
        self._error: BaseException | None = None
        self._source, self._stored = hashlib.sha256(), hashlib.sha256()
        self.frames: list[tuple[int, int]] = []  # (source bytes, stored bytes) of what is written
        self.source_bytes = 0  # taken so far, written or not
        self._thread = threading.Thread(target=self._write_frames, daemon=True, name="backup-writer")
        self._thread.start()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Take the next source bytes."""
        size = len(data)
        if self._frame is not None and self._filled + size < self._size:  # the common case: small, and it fits
            self._frame[self._filled : self._filled + size] = data
            self._filled += size
            self.source_bytes += size
            return
        view = memoryview(data)
        self.source_bytes += size
        while view:
            if self._frame is None:
                self._frame = self._free.get()
                self._filled = 0
            piece = view[: self._size - self._filled]
            self._frame[self._filled : self._filled + len(piece)] = piece
            self._filled += len(piece)
            view = view[len(piece) :]
            if self._filled == self._size:
                self.end_frame()

    def end_frame(self) -> None:
        """Close the frame at hand; what comes next begins a new one."""
        if self._frame is None:
            return
        source = memoryview(self._frame)[: self._filled]
        buffer, self._frame = self._frame, None
        self._put((buffer, source, self._pool.submit(self._compress, source)))

    def add_frame(self, source: bytes, packed: bytes) -> None:
        """Take a whole frame that is packed already; `source` is what it decompresses to."""
        self.end_frame()
        self.source_bytes += len(source)
        done: Future[bytes] = Future()
        done.set_result(packed)
        self._put((None, memoryview(source), done))

    def close(self) -> tuple[str, str]:
        """Everything is given: write it out. Returns SHA-256 (hex) of source and stored bytes."""
        if self._frame is None and not self.source_bytes:
            self._frame, self._filled = self._free.get(), 0  # an empty source is one empty frame: zstd -d takes it
        self.end_frame()
        self._stop()
        if self._error is not None:
            raise self._error
        return self._source.hexdigest(), self._stored.hexdigest()

    def abort(self) -> None:
        """Something failed: end the threads. What was taken so far is written, in whole frames. Twice does no harm."""
        if self._thread.is_alive() and self._error is None:
            self.end_frame()
        self._stop()

    # -- steps

    def _put(self, job: _Job) -> None:
        if self._error is not None:
            raise self._error
        self._jobs.put(job)

    def _stop(self) -> None:
        if self._thread.is_alive():
            self._jobs.put(None)
            self._thread.join()
        self._pool.shutdown()

    def _compress(self, source: memoryview) -> bytes:
        compressor = getattr(self._local, "compressor", None)
        if compressor is None:
            compressor = self._local.compressor = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True)
        return bytes(compressor.compress(source))

    def _write_frames(self) -> None:
        looked = 0
        while (job := self._jobs.get()) is not None:
            buffer, source, future = job
            if self._error is None:
                try:
                    self._source.update(source)
                    packed = future.result()
                    self._stored.update(packed)
                    self._out.write(packed)
                    self.frames.append((len(source), len(packed)))
                    if self._on_frame is not None:
                        self._out.flush()
                        self._on_frame(len(source), len(packed))
                    looked += len(packed)
                    if looked >= _LOOK_BYTES:
                        looked = 0
                        self._look()
                except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
                    self._error = error
            elif not future.cancel():
                future.exception()  # it may be reading the buffer still
            source.release()
            if buffer is not None:
                self._free.put(buffer)

    def _look(self) -> None:
        if self._on_look is not None:
            self._on_look()
        try:
            number = self._out.fileno()
        except OSError:  # no real file: nothing to write out
            return
        self._out.flush()
        os.posix_fadvise(number, 0, 0, os.POSIX_FADV_DONTNEED)  # begins to write out: less is left for fsync


__all__ = ["FRAME_BYTES", "LEVEL", "Packer"]
