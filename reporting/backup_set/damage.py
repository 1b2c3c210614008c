"""Where a stored part is damaged: its zstd frames tried one by one, and the tar in those that are good read on.

A damaged frame is replaced by zeros of its known length, so that everything behind it keeps its place: a tar reader
that skips zeros then finds every member that lies in good frames whole.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import zstandard

from reporting.backup_set.manifest import Part

_READ = 1 << 20
_MAX_FRAME = 1 << 30  # source bytes; ours have 64 MiB


@dataclass(frozen=True)
class Frame:
    """A damaged frame: counted from 1; offset and size in bytes of the stored file."""

    number: int
    offset: int
    size: int


@dataclass(frozen=True)
class Damage:
    """Damaged frames, and the files of a tree whose content can no longer be proven (as the list names them)."""

    frames: list[Frame]
    files: list[str]


def damaged(path: Path, part: Part) -> Damage:
    """Look for the damage in a part whose hash is wrong.

    Raises:
        OSError: it cannot be read. ValueError: its file list cannot be used.
    """
    frames: list[Frame] = []
    if part.tree is None:
        for _ in _pieces(path, part, frames):
            pass
        return Damage(frames, [])
    wanted = _listed(path.with_name(part.tree.files_list))
    for name, digest in _members(_Stream(_pieces(path, part, frames))):
        if wanted.get(name) == digest:
            del wanted[name]
    return Damage(frames, sorted(name.decode("utf-8", "backslashreplace") for name in wanted))


def _pieces(path: Path, part: Part, bad: list[Frame]) -> Iterator[bytes]:
    """The source bytes of each frame; zeros for a frame that does not give them."""
    offset = 0
    with path.open("rb") as stream:
        for number, (source, stored) in enumerate(part.frames, 1):
            if source > _MAX_FRAME or stored > _MAX_FRAME:
                raise ValueError(f"frame {number} is said to have {source} bytes")
            stream.seek(offset)
            content = _unpacked(stream.read(stored), source)
            if content is None:
                bad.append(Frame(number, offset, stored))
                content = bytes(source)
            yield content
            offset += stored


def _unpacked(packed: bytes, size: int) -> bytes | None:
    """A frame's content, when its own checksum and length are right."""
    try:
        content = zstandard.ZstdDecompressor().decompressobj().decompress(packed)
    except zstandard.ZstdError:
        return None
    return content if len(content) == size else None


def _members(stream: io.RawIOBase) -> Iterator[tuple[bytes, str]]:
    """Name and SHA-256 of every regular file and hard link that can still be found."""
    digests: dict[str, str] = {}
    with tarfile.open(
        fileobj=stream, mode="r|", ignore_zeros=True, errors="surrogateescape", encoding="utf-8"
    ) as archive:
        for member in archive:
            if member.isreg():
                digests[member.name] = _digest(archive, member)
            elif not (member.islnk() and member.linkname in digests):
                continue
            else:
                digests[member.name] = digests[member.linkname]
            yield member.name.encode("utf-8", "surrogateescape"), digests[member.name]


def _digest(archive: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    digest = hashlib.sha256()
    content = archive.extractfile(member)
    while content is not None and (piece := content.read(_READ)):
        digest.update(piece)
    return digest.hexdigest()


def _listed(file: Path) -> dict[bytes, str]:
    """A `sha256sum` list, coreutils' escapes undone."""
    found: dict[bytes, str] = {}
    for line in file.read_bytes().split(b"\n"):
        escaped = line.startswith(b"\\")
        digest, _, name = line.removeprefix(b"\\").partition(b"  ")
        if not name:
            continue
        if escaped:
            name = name.replace(b"\\\\", b"\0").replace(b"\\n", b"\n").replace(b"\\r", b"\r").replace(b"\0", b"\\")
        found[name] = digest.decode("ascii", "replace")
    return found


class _Stream(io.RawIOBase):
    """An iterator of bytes as a file to read from."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        super().__init__()
        self._pieces, self._held, self._at = pieces, b"", 0

    def read(self, size: int = -1, /) -> bytes:
        out = bytearray()
        while size < 0 or len(out) < size:
            if self._at == len(self._held):
                self._held, self._at = next(self._pieces, b""), 0
                if not self._held:
                    break
            piece = self._held[self._at : self._at + (size - len(out) if size >= 0 else len(self._held))]
            self._at += len(piece)
            out += piece
        return bytes(out)

    def readable(self) -> bool:
        return True


__all__ = ["Damage", "Frame", "damaged"]
