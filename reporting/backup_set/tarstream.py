"""A tar stream, read in one pass as it goes by: every member, the SHA-256 of every file, and whether it is whole.

A tar that was cut at a member boundary passes GNU tar, bsdtar and Python's tarfile: here the end-of-archive blocks are
required (POSIX.1-2024, pax "ustar Interchange Format": two records of zeros). Understood: ustar, GNU (long names) and
pax headers, which is what GNU tar, busybox and bsdtar write. Names are bytes: a host may hold any.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

_BLOCK = 512
_MAX_EXTENSION = 1 << 20  # bytes of one long name or pax header; more is no tar that we asked for
_REGULAR = (b"\0", b"0", b"7")  # typeflags of files with data
_TYPES = {b"1": "hardlink", b"2": "symlink", b"3": "device", b"4": "device", b"5": "directory", b"6": "fifo"}


class TarError(ValueError):
    """The stream is no whole tar of one tree; the message says what is wrong and where (offset in bytes)."""


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


class TarReader:
    """Feed it the stream in pieces of any size, then `close()`. Each member is handed to `on_member` when it is whole.

    Raises (from feed and close):
        TarError: damaged, truncated, or with members that a backup of one tree cannot have.
    """

    def __init__(self, on_member: Callable[[Member], None] | None = None) -> None:
        self._on_member = on_member
        self._state = self._parse()
        self._want = next(self._state)
        self._held = bytearray()
        self._offset = 0
        self._ended = False
        self._guard = _Guard()
        self._digest = hashlib.sha256()
        self.counts = Counts()

    @property
    def members_digest(self) -> str:
        """SHA-256 (hex) over all members in their order: equal means the same names, kinds, sizes, modes, contents."""
        return self._digest.hexdigest()

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
            raise TarError(f"the stream stops after {self._offset} bytes without the end-of-archive blocks: it was cut")

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
        return bytes((yield padded))[: header.size] if padded else b""

    def _member(self, header: _Header, override: dict[bytes, bytes]) -> Any:
        name = override.get(b"path", header.name)
        target = override.get(b"linkpath", header.target)
        size = _number(override[b"size"], header.offset) if b"size" in override else header.size
        mtime = override.get(b"mtime", b"%d" % header.mtime)
        regular = header.type in _REGULAR and not (header.type == b"\0" and name.endswith(b"/"))
        kind = "file" if regular else "directory" if header.type == b"\0" else _TYPES.get(header.type, "")
        if not kind:
            raise TarError(f"member {_show(name)} has the unknown type {header.type!r} (sparse files are not read)")
        digest = hashlib.sha256()
        left = size if kind == "file" else 0
        while left:
            piece = yield -left
            digest.update(piece)
            left -= len(piece)
        if kind == "file" and size % _BLOCK:
            yield _BLOCK - size % _BLOCK
        self._take(Member(name.rstrip(b"/"), kind, size if regular else 0, header.mode, mtime, target), digest)

    def _take(self, member: Member, digest: Any) -> None:
        whole = self._guard.admit(member, digest.digest())
        counts = self.counts
        if whole.kind in ("file", "hardlink"):
            counts.files += 1
            counts.file_bytes += whole.size
        elif whole.kind == "directory":
            counts.directories += 1
        elif whole.kind == "symlink":
            counts.links += 1
        else:
            counts.others += 1
        self._digest.update(whole.fingerprint())
        if self._on_member is not None:
            self._on_member(whole)


class _Guard:
    """Refuses what a tar of one tree never holds, and what would let a restore write outside of its folder."""

    def __init__(self) -> None:
        self._files: dict[bytes, bytes] = {}  # name -> digest, for hard links
        self._others: set[bytes] = set()
        self._symlinks: set[bytes] = set()
        self._top: bytes | None = None

    def admit(self, member: Member, digest: bytes) -> Member:
        name = member.name
        parts = name.split(b"/")
        if not name or name.startswith(b"/") or b".." in parts or b"." in parts or b"" in parts:
            raise TarError(f"member {_show(name)}: names must be plain paths below the tree")
        if self._top is None:
            self._top = parts[0]
        if parts[0] != self._top:
            raise TarError(f"member {_show(name)} is outside of the tree {_show(self._top)}")
        if name in self._files or name in self._others:
            raise TarError(f"member {_show(name)} comes twice")
        if self._symlinks and any(b"/".join(parts[:depth]) in self._symlinks for depth in range(1, len(parts))):
            raise TarError(f"member {_show(name)} lies behind a symbolic link")
        return self._remember(member, digest)

    def _remember(self, member: Member, digest: bytes) -> Member:
        if member.kind == "file":
            self._files[member.name] = digest
            return _with(member, digest)
        if member.kind == "hardlink":
            linked = self._files.get(member.target.rstrip(b"/"))
            if linked is None:
                raise TarError(f"hard link {_show(member.name)} to {_show(member.target)}, which did not come before")
            self._files[member.name] = linked
            return _with(member, linked)
        if member.kind == "symlink":
            self._symlinks.add(member.name)
        self._others.add(member.name)
        return member


def _with(member: Member, digest: bytes) -> Member:
    return Member(member.name, member.kind, member.size, member.mode, member.mtime, member.target, digest.hex())


class _Header:
    """One 512-byte header: name, mode, size, mtime, type, link target."""

    def __init__(self, block: bytes, offset: int) -> None:
        self.offset = offset
        seen = sum(block) - sum(block[148:156]) + 8 * 0x20
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


__all__ = ["Counts", "Member", "TarError", "TarReader", "checksum_line"]
