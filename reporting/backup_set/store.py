"""One stored file of a set: zstd frames of 4 MiB, hashed on the way out; and the same file read back from the medium.

Many frames instead of one: a damaged spot costs one frame, and a reader may start at any of them (their places are in
the manifest). A zstd file that was cut between two frames passes `zstd -t`: so length and SHA-256 are recorded, and
both are compared when it is read back.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import zstandard

from reporting.backup_set.packer import FRAME_BYTES, Packer
from reporting.backup_set.readback import Unpacked, past_cache, uncached

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


def store(
    source: Source,
    path: Path,
    watch: Callable[[bytes], None],
    on_look: Callable[[], None] | None = None,
) -> Stored:
    """Write `source` to `path` (new, durable), compressed. `watch` sees every piece of the source on its way.

    `on_look` is called after every 64 MiB: a place to look whether the medium is still there.

    Raises:
        OSError: the medium is full, read-only, gone. Whatever `watch` and `on_look` raise. The file is then partial.
    """
    with packing(path, on_look) as packed:
        while piece := source.read(_READ):
            watch(piece)
            packed.packer.write(piece)
    return packed.stored()


class Packed:
    """A file that is being packed; `stored()` describes it once the block of `packing` has ended."""

    def __init__(self, name: str, packer: Packer) -> None:
        self._name, self.packer = name, packer
        self.digests: tuple[str, str] | None = None

    def stored(self) -> Stored:
        """What was stored. Raises RuntimeError while it is not."""
        if self.digests is None:
            raise RuntimeError(f"{self._name} is not stored yet")
        frames = self.packer.frames
        total = sum(size for _, size in frames)
        return Stored(self._name, self.packer.source_bytes, self.digests[0], total, self.digests[1], frames)


@contextmanager
def packing(
    path: Path, on_look: Callable[[], None] | None = None, on_frame: Callable[[int, int], None] | None = None
) -> Iterator[Packed]:
    """Open `path` (new) for frames; when the block ends well, the file is whole and durable.

    Raises:
        OSError: the medium is full, read-only, gone. Whatever the callbacks raise. The file is then partial.
    """
    with path.open("xb", buffering=_READ) as out:
        packer = Packer(out, on_look, FRAME_BYTES, on_frame)
        packed = Packed(path.name, packer)
        try:
            yield packed
            digests = packer.close()
        finally:
            packer.abort()
        out.flush()
        os.fsync(out.fileno())
        packed.digests = digests


def read_back(path: Path, stored: Stored, watch: Callable[[bytes], None], *, hash_source: bool = True) -> str:
    """Read a stored file from the medium and compare it, packed and unpacked. `watch` sees the source bytes again.

    `hash_source` False spares one of three hashes where `watch` compares every member by its own.
    Returns how the page cache was passed by.

    Raises:
        StoreError: it is not what was written. OSError: it cannot be read. Whatever `watch` raises.
    """
    digest = hashlib.sha256()
    total = 0
    file = Unpacked(path, stored.frames)
    with ThreadPoolExecutor(1, thread_name_prefix="sha256") as hasher, closing(file.read()) as pieces:
        try:
            for piece in pieces:
                hashed = hasher.submit(digest.update, piece) if hash_source else None
                watch(piece)
                if hashed is not None:
                    hashed.result()
                total += len(piece)
        except zstandard.ZstdError as error:
            raise StoreError(f"{path.name}: does not decompress when read back: {error}") from error
    if file.size != stored.stored_bytes or file.sha256 != stored.sha256:
        raise StoreError(
            f"{path.name}: read back {file.size} bytes with SHA-256 {file.sha256[:12]}…, "
            f"written were {stored.stored_bytes} with {stored.sha256[:12]}…"
        )
    if total != stored.source_bytes or (hash_source and digest.hexdigest() != stored.source_sha256):
        raise StoreError(f"{path.name}: decompresses to {total} bytes, {stored.source_bytes} went in, or they differ")
    return file.method


def file_digest(path: Path) -> tuple[str, int]:
    """SHA-256 (hex) and size in bytes of a file, read from the medium itself."""
    digest = hashlib.sha256()
    size = 0
    with closing(past_cache(path)[1]) as pieces:
        for piece in pieces:
            digest.update(piece)
            size += len(piece)
    return digest.hexdigest(), size


__all__ = [
    "FRAME_BYTES",
    "Packed",
    "Source",
    "StoreError",
    "Stored",
    "file_digest",
    "packing",
    "read_back",
    "store",
    "uncached",
]
