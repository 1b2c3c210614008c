"""Files that are whole or not there: write beside, fsync, rename. Everyone may import this room; it imports nobody."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

_CHUNK = 1 << 20


@contextmanager
def whole_file(path: Path, mode: int = 0o600) -> Iterator[BinaryIO]:
    """Open a file for writing that gets its name only when the block ends well; never overwrites.

    Raises:
        FileExistsError: `path` is already there (evidence is never overwritten).
        OSError: the disk is full or the folder cannot be written; nothing is left under `path`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, beside = tempfile.mkstemp(prefix=f".{path.name[:100]}.", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            yield stream
            stream.flush()
            os.fchmod(stream.fileno(), mode)
            os.fsync(stream.fileno())
        _name(Path(beside), path)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise


def _name(beside: Path, path: Path) -> None:
    """Give the finished file its name, unless the name is taken; the folder's entry is made durable too."""
    try:
        os.link(beside, path)  # fails when the name is taken; a rename would overwrite
        beside.unlink()
    except FileExistsError:
        raise
    except OSError:  # FAT and some network shares know no hard links
        if path.exists():
            raise FileExistsError(f"{path} exists already") from None
        beside.rename(path)
    sync_folder(path.parent)


def write_whole(path: Path, content: bytes, mode: int = 0o600) -> str:
    """Write `content` to a new file and return its SHA-256 (hex)."""
    with whole_file(path, mode) as stream:
        stream.write(content)
    return hashlib.sha256(content).hexdigest()


def replace_whole(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Like `write_whole`, for a file that may be there already and is replaced in one step."""
    with replacing(path, content, mode):
        pass


@contextmanager
def replacing(path: Path, content: bytes, mode: int = 0o600) -> Iterator[None]:
    """Write `content` beside `path` and give it that name when the block ends well; else `path` is as it was.

    What can fail for want of room or rights fails before the block begins.

    Raises:
        OSError: naming `path`, not the file beside it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle, beside = tempfile.mkstemp(prefix=f".{path.name[:100]}.", suffix=".part", dir=path.parent)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fchmod(stream.fileno(), mode)
            os.fsync(stream.fileno())
        yield
        Path(beside).replace(path)
        sync_folder(path.parent)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256_file(path: Path) -> tuple[str, int]:
    """SHA-256 (hex) and size in bytes of a file as it is on disk now; OSError for what is no regular file."""
    digest = hashlib.sha256()
    size = 0
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a fifo put in its place must not hold us
    with os.fdopen(descriptor, "rb") as stream:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
    return digest.hexdigest(), size


def below(root: Path, relative: str) -> Path:
    """`root/relative`, refused when it would leave `root`, by `..` or through a symbolic link.

    Raises:
        ValueError: the path leads out of `root`.
    """
    target = (root / relative).resolve()
    if not target.is_relative_to(root.resolve()):
        raise ValueError(f"{relative!r} leads out of {root}")
    return target
