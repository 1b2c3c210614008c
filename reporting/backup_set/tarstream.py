"""A tar stream, read in one pass as it goes by: every member, the SHA-256 of every file, and whether it is whole.

A tar that was cut at a member boundary passes GNU tar, bsdtar and Python's tarfile: here the end-of-archive blocks are
required (POSIX.1-2024, pax "ustar Interchange Format": two records of zeros). Understood: ustar, GNU (long names) and
pax headers, which is what GNU tar, busybox and bsdtar write. Names are bytes: a host may hold any.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Protocol

_BLOCK = 512
_MAX_EXTENSION = 1 << 20  # bytes of one long name or pax header; more is no tar that we asked for
_REGULAR = (b"\0", b"0", b"7")  # typeflags of files with data
_TYPES = {b"1": "hardlink", b"2": "symlink", b"3": "device", b"4": "device", b"5": "directory", b"6": "fifo"}


class TarError(ValueError):
    """The stream is no whole tar of one tree; the message says what is wrong and where (offset in bytes)."""


class CutError(TarError):
    """The stream stopped before its end: asking for it once more may help."""


@dataclass(frozen=True)
class Member:
    """One member. `sha256` (hex) for files and hard links to them; `target` for links; `size` in bytes."""

    name: bytes
    kind: str  # file, hardlink, symlink, directory, device, fifo
    size: int
    mode: int
    mtime: bytes
    target: bytes = b""
    sha256: str = ""

    def fingerprint(self) -> bytes:
        """What must be equal when the archive is read again."""
        parts = (self.name, self.kind.encode(), b"%d %o" % (self.size, self.mode), self.mtime, self.target)
        return b"\0".join((*parts, self.sha256.encode())) + b"\n"


@dataclass
class Counts:
    files: int = 0
    directories: int = 0
    links: int = 0
    others: int = 0
    file_bytes: int = 0


class Members:
    """All members of one tree, from one tar stream or several: guarded, counted, digested, handed to `on_member`.

    `again` may be added to: files that may come a second time, because they changed while they were read, and the
    folders above them. The last one counts, as it does for `tar -x`.
    """

    def __init__(self, on_member: Callable[[Member], None] | None = None, again: Iterable[bytes] = frozenset()) -> None:
        self._on_member = on_member
        self.again = set(again)
        self._guard = _Guard(self.again)
        self._digest = hashlib.sha256()
        self.counts = Counts()

    @property
    def digest(self) -> str:
        """SHA-256 (hex) over all members in their order: equal means the same names, kinds, sizes, modes, contents."""
        return self._digest.hexdigest()

    def holds(self, name: bytes) -> bool:
        """Whether a member of this name came."""
        return self._guard.holds(name)

    def take(self, member: Member) -> None:
        """Take the next whole member. Raises TarError for one that a backup of one tree cannot have."""
        whole, replaced = self._guard.admit(member)
        counts = self.counts
        if whole.kind in ("file", "hardlink"):
            counts.files += replaced is None
            counts.file_bytes += whole.size - (replaced or 0)
        elif whole.kind == "directory":
            counts.directories += replaced is None
        elif whole.kind == "symlink":
            counts.links += 1
        else:
            counts.others += 1
        self._digest.update(whole.fingerprint())
        if self._on_member is not None:
            self._on_member(whole)


class Sink(Protocol):
    """Takes the bytes of members apart from the archive's end: for putting several tars together."""

    def begin(self, name: bytes) -> None:
        """A member begins; its first header has not been written yet."""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Headers, data, padding."""


class TarReader:
    """Feed it the stream in pieces of any size, then `close()`. Each member is handed to `on_member` when it is whole.

    `again`: names of regular files that may come twice, see `Members`. `members`: where members of several streams are
    gathered. `sink` gets everything but the end of the archive.

    Raises (from feed and close):
        TarError: damaged, truncated, or with members that a backup of one tree cannot have.
    """

    def __init__(
        self,
        on_member: Callable[[Member], None] | None = None,
        again: Iterable[bytes] = frozenset(),
        *,
        members: Members | None = None,
        sink: Sink | None = None,
    ) -> None:
        self._members = members or Members(on_member, again)
        self._sink = sink
        self._head = bytearray()
        self._state = self._parse()
        self._want = next(self._state)
        self._held = bytearray()
        self._offset = 0
        self._ended = False

    @property
    def counts(self) -> Counts:
        """How many members of which kind came."""
        return self._members.counts

    @property
    def members_digest(self) -> str:
        """See `Members.digest`."""
        return self._members.digest

    def feed(self, data: bytes | memoryview) -> None:
        """Take the next bytes of the stream."""
        view = memoryview(data)
        while view:
            if self._want < 0:  # data of a file: hand on whatever is there, without copying
                size = min(-self._want, len(view))
                self._offset += size
                self._want = self._state.send(view[:size])
                view = view[size:]
                continue
            size = min(self._want - len(self._held), len(view))
            self._held += view[:size]
            self._offset += size
            view = view[size:]
            if len(self._held) == self._want:
                block, self._held = bytes(self._held), bytearray()
                self._want = self._state.send(memoryview(block))

    def close(self) -> None:
        """The stream is over: it must have ended with the end-of-archive blocks.

        Raises:
            TarError: it was cut, perhaps exactly between two members.
        """
        if self._held and self._ended:
            raise TarError(f"{len(self._held)} bytes behind the end of the archive are no whole block")
        if not self._ended:
            raise CutError(f"the stream stops after {self._offset} bytes without the end-of-archive blocks: it was cut")

    # -- the grammar: a generator that yields how many bytes it needs (n > 0: exactly n; n < 0: up to -n, at once)

    def _parse(self) -> Any:
        override: dict[bytes, bytes] = {}
        while True:
            block = bytes((yield _BLOCK))
            if not any(block):
                if any((yield _BLOCK)):
                    raise TarError(f"a single block of zeros at byte {self._offset - 2 * _BLOCK}: damaged")
                self._ended = True
                yield from self._trailer()
            header = _Header(block, self._offset - _BLOCK)
            self._head += block
            if header.type in (b"x", b"g", b"L", b"K"):
                content = yield from self._extension(header)
                override |= _extension_fields(header, content)
                continue
            yield from self._member(header, override)
            override = {}

    def _trailer(self) -> Any:
        """Only zeros may follow (tar fills its last record)."""
        while True:
            if any((yield _BLOCK)):
                raise TarError(f"data behind the end of the archive at byte {self._offset - _BLOCK}")

    def _extension(self, header: _Header) -> Any:
        if header.size > _MAX_EXTENSION:
            raise TarError(f"a header of {header.size} bytes at byte {header.offset}: no tar writes that")
        padded = -(-header.size // _BLOCK) * _BLOCK
        content = bytes((yield padded)) if padded else b""
        self._head += content
        return content[: header.size]

    def _member(self, header: _Header, override: dict[bytes, bytes]) -> Any:
        name = override.get(b"path", header.name)
        target = override.get(b"linkpath", header.target)
        size = _number(override[b"size"], header.offset) if b"size" in override else header.size
        mtime = override.get(b"mtime", b"%d" % header.mtime)
        regular = header.type in _REGULAR and not (header.type == b"\0" and name.endswith(b"/"))
        kind = "file" if regular else "directory" if header.type == b"\0" else _TYPES.get(header.type, "")
        if not kind:
            raise TarError(f"member {_show(name)} has the unknown type {header.type!r} (sparse files are not read)")
        self._begin(name.rstrip(b"/"))
        digest = hashlib.sha256()
        left = size if kind == "file" else 0
        while left:
            piece = yield -left
            digest.update(piece)
            if self._sink is not None:
                self._sink.write(piece)
            left -= len(piece)
        if kind == "file" and size % _BLOCK:
            padding = yield _BLOCK - size % _BLOCK
            if self._sink is not None:
                self._sink.write(padding)
        found = digest.hexdigest() if kind == "file" else ""
        self._members.take(Member(name.rstrip(b"/"), kind, size if regular else 0, header.mode, mtime, target, found))

    def _begin(self, name: bytes) -> None:
        """The headers of a member are complete: only now its name is known to those who put it into order."""
        if self._sink is not None:
            self._sink.begin(name)
            self._sink.write(self._head)
        self._head = bytearray()


class _Guard:
    """Refuses what a tar of one tree never holds, and what would let a restore write outside of its folder."""

    def __init__(self, again: set[bytes]) -> None:
        self._again = again
        self._files: dict[bytes, tuple[bytes, int]] = {}  # name -> digest and size; hard links share what they link to
        self._folders: set[bytes] = set()
        self._others: set[bytes] = set()
        self._symlinks: set[bytes] = set()
        self._top: bytes | None = None

    def holds(self, name: bytes) -> bool:
        return name in self._files or name in self._others or name in self._folders

    def admit(self, member: Member) -> tuple[Member, int | None]:
        """The member, with digest and size for a hard link; and the size of the one that it replaces, if it does."""
        name = member.name
        parts = name.split(b"/")
        if not name or name.startswith(b"/") or b".." in parts or b"." in parts or b"" in parts:
            raise TarError(f"member {_show(name)}: names must be plain paths below the tree")
        if self._top is None:
            self._top = parts[0]
        if parts[0] != self._top:
            raise TarError(f"member {_show(name)} is outside of the tree {_show(self._top)}")
        replaced = self._replaced(member)
        if self._symlinks and any(b"/".join(parts[:depth]) in self._symlinks for depth in range(1, len(parts))):
            raise TarError(f"member {_show(name)} lies behind a symbolic link")
        return self._remember(member), replaced

    def _replaced(self, member: Member) -> int | None:
        """Size of the file (0 for a folder) that the member replaces; only the same kind, and only where it may."""
        name = member.name
        if not self.holds(name):
            return None
        known = {"file": self._files, "directory": self._folders}.get(member.kind, ())
        if name not in self._again or name not in known:
            raise TarError(f"member {_show(name)} comes twice")
        return self._files[name][1] if member.kind == "file" else 0

    def _remember(self, member: Member) -> Member:
        if member.kind == "file":
            self._files[member.name] = (bytes.fromhex(member.sha256), member.size)
            return member
        if member.kind == "hardlink":
            linked = self._files.get(member.target.rstrip(b"/"))
            if linked is None:
                raise TarError(f"hard link {_show(member.name)} to {_show(member.target)}, which did not come before")
            self._files[member.name] = (linked[0], 0)
            return replace(member, sha256=linked[0].hex())
        if member.kind == "symlink":
            self._symlinks.add(member.name)
        (self._folders if member.kind == "directory" else self._others).add(member.name)
        return member


class _Header:
    """One 512-byte header: name, mode, size, mtime, type, link target."""

    def __init__(self, block: bytes, offset: int) -> None:
        self.offset = offset
        seen = _sum(block[:256]) + _sum(block[256:]) - sum(block[148:156]) + 8 * 0x20
        if _number(block[148:156], offset) != seen:
            raise TarError(f"no tar header at byte {offset} (checksum)")
        self.type = block[156:157]
        self.mode = _number(block[100:108], offset) & 0o7777
        self.size = _number(block[124:136], offset)
        self.mtime = _number(block[136:148], offset)
        self.target = block[157:257].partition(b"\0")[0]
        name = block[:100].partition(b"\0")[0]
        prefix = block[345:500].partition(b"\0")[0] if block[257:263] == b"ustar\0" else b""
        self.name = prefix + b"/" + name if prefix else name


def _sum(half: bytes) -> int:
    """Sum of at most 256 bytes, which Adler-32 holds in its lower half (RFC 1950), twenty times as fast."""
    return (zlib.adler32(half) & 0xFFFF) - 1


def _number(field: bytes, offset: int) -> int:
    """An octal field, or GNU's base 256 for large values (decimal digits in pax come here too: see caller)."""
    if field[:1] in (b"\x80", b"\xff"):
        return int.from_bytes(field[1:] if field[0] == 0x80 else field, "big", signed=field[0] == 0xFF)
    text = field.strip(b" \0")
    try:
        return int(text, 8) if text else 0
    except ValueError:
        raise TarError(f"no tar header at byte {offset} (field {text!r})") from None


def _extension_fields(header: _Header, content: bytes) -> dict[bytes, bytes]:
    if header.type == b"L":
        return {b"path": content.partition(b"\0")[0]}
    if header.type == b"K":
        return {b"linkpath": content.partition(b"\0")[0]}
    fields = dict(_pax_records(content, header.offset))
    if header.type == b"g":  # a comment for all members, as git archive writes; one that renames them is refused
        if fields.keys() & {b"path", b"linkpath", b"size"}:
            raise TarError(f"a global header at byte {header.offset} that renames members")
        return {}
    if any(key.startswith(b"GNU.sparse") for key in fields):
        raise TarError(f"a sparse file at byte {header.offset}: not read")
    if b"size" in fields:
        fields[b"size"] = b"%o" % _decimal(fields[b"size"], header.offset)
    return fields


def _pax_records(content: bytes, offset: int) -> Iterator[tuple[bytes, bytes]]:
    """Records of the form "length key=value" and a line feed; length counts the whole record in bytes."""
    while content:
        digits, _, _ = content.partition(b" ")
        length = _decimal(digits, offset)
        record = content[len(digits) + 1 : length]
        if length <= len(digits) or length > len(content) or not record.endswith(b"\n"):
            raise TarError(f"a damaged pax header at byte {offset}")
        key, _, value = record[:-1].partition(b"=")
        yield key, value
        content = content[length:]


def _decimal(digits: bytes, offset: int) -> int:
    if not digits.isdigit() or len(digits) > 20:
        raise TarError(f"a damaged pax header at byte {offset}")
    return int(digits)


def _show(name: bytes) -> str:
    return repr(name.decode("utf-8", "backslashreplace"))[:200]


def checksum_line(member: Member) -> bytes:
    """One line for `sha256sum -c`, with coreutils' escapes for backslash, newline and carriage return in names."""
    name = member.name.replace(b"\\", b"\\\\").replace(b"\n", b"\\n").replace(b"\r", b"\\r")
    return (b"\\" if name != member.name else b"") + f"{member.sha256}  ".encode() + name + b"\n"


__all__ = ["Counts", "CutError", "Member", "Members", "Sink", "TarError", "TarReader", "checksum_line"]
