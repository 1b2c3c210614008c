"""A tar archive pulled member by member, for restoring: header, then exactly its data, in one pass.

Understood: ustar, GNU and pax. The end-of-archive blocks are required: an archive cut between two members is refused.
Names are bytes. Who restores decides about each entry before any of its data is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from reporting.backup_set.tarstream import TarError

_BLOCK = 512
_MAX_EXTENSION = 1 << 20
_KINDS = {
    b"\0": "file", b"0": "file", b"7": "file", b"1": "hardlink", b"2": "symlink",
    b"3": "device", b"4": "device", b"5": "directory", b"6": "fifo", b"S": "sparse",
}  # fmt: skip


@dataclass(slots=True)
class Entry:
    """One member's header. `mtime` as written (seconds, perhaps with a fraction); `size` of the data that follows."""

    name: bytes
    kind: str  # file, hardlink, symlink, directory, device, fifo, sparse, unknown
    size: int
    mode: int
    mtime: bytes
    target: bytes
    uid: int
    gid: int
    user: bytes
    group: bytes

    @property
    def mtime_ns(self) -> int:
        """Nanoseconds since the epoch; 0 for what is no number."""
        whole, _, fraction = self.mtime.partition(b".")
        try:
            return int(whole) * 10**9 + int((fraction + b"000000000")[:9])
        except ValueError:
            return 0


class Pull:
    """Bytes pulled from blocks of any size."""

    def __init__(self, next_block: Callable[[], bytes]) -> None:
        self._next = next_block
        self._view = memoryview(b"")
        self.offset = 0

    def exact(self, size: int) -> bytes:
        """Exactly so many bytes.

        Raises:
            TarError: the stream ends before.
        """
        if size <= len(self._view):
            taken = bytes(self._view[:size])
            self._view = self._view[size:]
            self.offset += size
            return taken
        return b"".join(self.pieces(size))

    def pieces(self, size: int) -> Iterator[memoryview]:
        """So many bytes, piece by piece.

        Raises:
            TarError: the stream ends before.
        """
        while size:
            if not self._view:
                self._view = memoryview(self._next())
                if not self._view:
                    raise TarError(
                        f"the stream stops after {self.offset} bytes in the middle of the archive: it was cut"
                    )
            piece = self._view[:size]
            self._view = self._view[len(piece) :]
            size -= len(piece)
            self.offset += len(piece)
            yield piece

    def rest(self) -> Iterator[memoryview]:
        """Everything up to the end of the stream."""
        while self._view:
            piece, self._view = self._view, memoryview(self._next())
            self.offset += len(piece)
            yield piece

    def at_end(self) -> bool:
        """Whether nothing comes any more."""
        if not self._view:
            self._view = memoryview(self._next())
        return not self._view


class TarPull:
    """Iterate over `entries`; take each one's data with `data` before the next, or it is passed over."""

    def __init__(self, pull: Pull) -> None:
        self._pull = pull
        self._left = 0
        self._padding = 0

    def data(self) -> Iterator[memoryview]:
        """The data of the present entry, piece by piece."""
        size, self._left = self._left, 0
        yield from self._pull.pieces(size)

    def small(self) -> bytes:
        """The data of the present entry at once."""
        size, self._left = self._left, 0
        return self._pull.exact(size)

    def entries(self) -> Iterator[Entry]:
        """Each member in order.

        Raises:
            TarError: damaged, or cut, perhaps exactly between two members.
        """
        long: dict[bytes, bytes] = {}
        while True:
            for _ in self._pull.pieces(self._left + self._padding):
                pass
            self._left = self._padding = 0
            if self._pull.at_end():
                raise TarError(
                    f"the stream stops after {self._pull.offset} bytes without the end-of-archive blocks: it was cut"
                )
            block = self._pull.exact(_BLOCK)
            if not any(block):
                self._end()
                return
            entry, kind = self._header(block), block[156:157]
            if kind in (b"L", b"K", b"x", b"g"):
                long |= self._extension(kind, entry.size)
                continue
            _apply(entry, long)
            long = {}
            if kind == b"S" and block[482]:
                self._sparse_map()
            self._left = entry.size if entry.kind in ("file", "sparse", "unknown") else 0
            if entry.kind == "file" and kind == b"\0" and entry.name.endswith(b"/"):
                entry.kind, self._left = "directory", 0
            self._padding = -self._left % _BLOCK
            yield entry

    def _end(self) -> None:
        if any(self._pull.exact(_BLOCK)):
            raise TarError(f"a single block of zeros at byte {self._pull.offset - 2 * _BLOCK}: damaged")
        for piece in self._pull.rest():
            if any(piece):
                raise TarError(f"data behind the end of the archive before byte {self._pull.offset}")

    def _header(self, block: bytes) -> Entry:
        where = self._pull.offset - _BLOCK
        if _number(block[148:156], where) != sum(block) - sum(block[148:156]) + 8 * 0x20:
            raise TarError(f"no tar header at byte {where} (checksum)")
        name = block[:100].partition(b"\0")[0]
        ustar = block[257:263] == b"ustar\0"
        prefix = block[345:500].partition(b"\0")[0] if ustar else b""
        return Entry(
            name=prefix + b"/" + name if prefix else name,
            kind=_KINDS.get(block[156:157], "unknown"),
            size=_number(block[124:136], where),
            mode=_number(block[100:108], where) & 0o7777,
            mtime=b"%d" % _number(block[136:148], where),
            target=block[157:257].partition(b"\0")[0],
            uid=_number(block[108:116], where),
            gid=_number(block[116:124], where),
            user=block[265:297].partition(b"\0")[0],
            group=block[297:329].partition(b"\0")[0],
        )

    def _extension(self, kind: bytes, size: int) -> dict[bytes, bytes]:
        where = self._pull.offset
        if size > _MAX_EXTENSION:
            raise TarError(f"a header of {size} bytes at byte {where}: no tar writes that")
        content = self._pull.exact(-(-size // _BLOCK) * _BLOCK)[:size]
        if kind == b"L":
            return {b"path": content.partition(b"\0")[0]}
        if kind == b"K":
            return {b"linkpath": content.partition(b"\0")[0]}
        fields = dict(_records(content, where))
        if kind == b"g":
            if fields.keys() & {b"path", b"linkpath", b"size"}:
                raise TarError(f"a global header at byte {where} that renames members")
            return {}
        return fields

    def _sparse_map(self) -> None:
        """More blocks of a sparse file's map follow its header (GNU tar)."""
        while self._pull.exact(_BLOCK)[504]:
            pass


def _apply(entry: Entry, long: dict[bytes, bytes]) -> None:
    entry.name = long.get(b"path", entry.name)
    entry.target = long.get(b"linkpath", entry.target)
    entry.mtime = long.get(b"mtime", entry.mtime)
    entry.user = long.get(b"uname", entry.user)
    entry.group = long.get(b"gname", entry.group)
    if any(key.startswith(b"GNU.sparse") for key in long):
        entry.kind = "sparse"
    for key, field in ((b"size", "size"), (b"uid", "uid"), (b"gid", "gid")):
        if key in long:
            digits = long[key]
            if not digits.isdigit() or len(digits) > 20:
                raise TarError(f"a damaged pax header: {key.decode()} is no number")
            setattr(entry, field, int(digits))


def _number(field: bytes, where: int) -> int:
    """An octal field, or GNU's base 256."""
    if field[:1] in (b"\x80", b"\xff"):
        return int.from_bytes(field[1:] if field[0] == 0x80 else field, "big", signed=field[0] == 0xFF)
    text = field.strip(b" \0")
    try:
        return int(text, 8) if text else 0
    except ValueError:
        raise TarError(f"no tar header at byte {where} (field {text!r})") from None


def _records(content: bytes, where: int) -> Iterator[tuple[bytes, bytes]]:
    """Pax records: "length key=value" and a line feed; length counts the whole record in bytes."""
    while content:
        digits, _, _ = content.partition(b" ")
        length = int(digits) if digits.isdigit() and len(digits) < 10 else 0
        record = content[len(digits) + 1 : length]
        if length <= len(digits) or length > len(content) or not record.endswith(b"\n"):
            raise TarError(f"a damaged pax header at byte {where}")
        key, _, value = record[:-1].partition(b"=")
        yield key, value
        content = content[length:]


__all__ = ["Entry", "Pull", "TarPull"]
