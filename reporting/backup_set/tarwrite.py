"""Members of a set's tree written as a tar again: only those that a host lacks or has otherwise; owners, modes kept."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Iterator

from reporting.backup_set.tarread import Entry, TarPull
from reporting.backup_set.tarstream import TarError

_TYPES = {
    "file": tarfile.REGTYPE, "hardlink": tarfile.LNKTYPE, "symlink": tarfile.SYMTYPE, "directory": tarfile.DIRTYPE,
    "fifo": tarfile.FIFOTYPE,
}  # fmt: skip
_END = bytes(2 * 512)


def rewritten(
    tar: TarPull, wanted: Callable[[Entry], bool], mode: Callable[[Entry], int] = lambda entry: entry.mode
) -> Iterator[bytes]:
    """The tar of the wanted members, in their order, in pieces.

    Raises:
        TarError: the source is damaged, or a member of it has a name that leads out.
    """
    buffer = io.BytesIO()
    for entry in tar.entries():
        if not wanted(entry):
            continue
        parts = entry.name.rstrip(b"/").split(b"/")
        if b".." in parts or b"" in parts or b"." in parts:
            raise TarError(f"{entry.name!r}: no plain name below the tree")
        buffer.write(_header(entry, mode(entry)))
        if entry.kind == "file":
            for piece in tar.data():
                buffer.write(piece)
            buffer.write(bytes(-entry.size % 512))
        if buffer.tell() >= 1 << 20:
            yield buffer.getvalue()
            buffer = io.BytesIO()
    yield buffer.getvalue() + _END


def _header(entry: Entry, mode: int) -> bytes:
    info = tarfile.TarInfo(entry.name.rstrip(b"/").decode("utf-8", "surrogateescape"))
    info.type = _TYPES.get(entry.kind, tarfile.REGTYPE)
    info.size = entry.size if entry.kind == "file" else 0
    info.mode, info.uid, info.gid = mode, entry.uid, entry.gid
    info.mtime = entry.mtime_ns // 10**9
    info.uname = entry.user.decode("utf-8", "surrogateescape")
    info.gname = entry.group.decode("utf-8", "surrogateescape")
    info.linkname = entry.target.decode("utf-8", "surrogateescape")
    return info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")


__all__ = ["rewritten"]
