"""Members of an archive become files below one fresh folder, and nowhere else, whatever the archive says.

Every step is taken from the open folder above it (openat, no link followed), so that no name, link or race leads out.
Refused: absolute names, "..", links that lead out, devices, fifos, sparse maps; setuid and setgid are taken off.
"""

from __future__ import annotations

import hashlib
import os
import posixpath
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from reporting.backup_set.tarread import Entry, TarPull
from reporting.backup_set.tarstream import TarError

_SMALL = 1 << 20
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
Digest = str


@dataclass(frozen=True)
class Rules:
    """How members are taken. `most_bytes`: more file data than that is refused (a bomb, or a lie about sizes).

    `tolerant`: a member that is refused is left out and named; else the whole archive is refused.
    `again`: names that may come twice (the file changed while it was read): the last counts.
    """

    most_bytes: int
    tolerant: bool = False
    links_out: bool = False
    owners: bool = False
    again: frozenset[bytes] = frozenset()
    wanted: Callable[[bytes], bool] | None = None
    instead: Mapping[bytes, bytes] = field(default_factory=dict)  # files taken under the name of a hard link to them
    rename: Callable[[bytes], bytes | None] | None = None  # the name below the folder; None leaves it out


@dataclass
class Extracted:
    """What came out: files with the raw SHA-256 of what was written, counts, what was not taken or was altered."""

    files: dict[bytes, bytes] = field(default_factory=dict)
    directories: int = 0
    links: int = 0
    file_bytes: int = 0
    left_out: list[str] = field(default_factory=list)
    altered: list[str] = field(default_factory=list)


class _Left(Exception):
    """One member is not taken; why."""


class Extractor:
    """Takes the members of one archive into `root`, a folder that exists, is empty and is ours alone."""

    def __init__(self, root: Path, rules: Rules) -> None:
        self._rules = rules
        self._root = os.open(root, _FOLDER)
        self._path: list[tuple[bytes, int]] = []  # the open folders down to the last member's
        self._folders: dict[bytes, tuple[int, int]] = {}  # mode and mtime, set at the end: a file in it changes both
        self._links: set[bytes] = set()
        self._stand_ins = set(rules.instead.values())
        self.result = Extracted()

    def take_all(self, tar: TarPull) -> Extracted:
        """Take every member of the archive.

        Raises:
            TarError: damaged, cut, or hostile. OSError: the disk is full, or a name cannot be had here.
        """
        try:
            for entry in tar.entries():
                self._take(entry, tar)
            self._finish_folders()
        finally:
            self._go_up(0)
            os.close(self._root)
        return self.result

    def _take(self, entry: Entry, tar: TarPull) -> None:
        name = entry.name.rstrip(b"/")
        if self._rules.rename is not None:
            renamed = self._rules.rename(name)
            if renamed is None:
                return
            name = renamed
        source = name
        if entry.kind == "file":
            name = self._rules.instead.get(name, name)
        if self._rules.wanted is not None and not self._rules.wanted(name):
            return
        if source == name and name in self._stand_ins and name in self.result.files:
            return  # it has come as the file that it is a link to
        try:
            self._check(name, entry)
            self._make(name, entry, tar)
        except _Left as reason:
            line = f"{show(name)}: {reason}"
            if not self._rules.tolerant and not _harmless_to_leave(entry):
                raise TarError(line) from None
            self.result.left_out.append(line)

    def _check(self, name: bytes, entry: Entry) -> None:
        parts = name.split(b"/")
        if name.startswith(b"/") or b".." in parts:
            raise _Left("the name leads out of the folder")
        if not name or b"" in parts or b"." in parts or b"\0" in name:
            raise _Left("no plain name")
        if self._links and any(b"/".join(parts[:depth]) in self._links for depth in range(1, len(parts))):
            raise _Left("lies behind a symbolic link")
        if entry.kind in ("device", "fifo", "sparse", "unknown"):
            raise _Left(f"is a {entry.kind} member, which no site needs: not made")
        if len(parts[-1]) > 255:
            raise _Left("the name is longer than 255 bytes")
        if name in self.result.files or name in self._links:
            if name not in self._rules.again:
                raise _Left("comes twice")
            self._forget(name)

    def _forget(self, name: bytes) -> None:
        os.unlink(name.rpartition(b"/")[2], dir_fd=self._parent(name))
        self.result.files.pop(name, None)
        self._links.discard(name)

    def _make(self, name: bytes, entry: Entry, tar: TarPull) -> None:
        if entry.kind == "directory":
            self._folder(name, entry)
        elif entry.kind == "symlink":
            self._symlink(name, entry)
        elif entry.kind == "hardlink":
            self._hardlink(name, entry)
        else:
            self._file(name, entry, tar)

    # -- the four kinds

    def _folder(self, name: bytes, entry: Entry) -> None:
        self._open_folder(name)
        self.result.directories += name not in self._folders
        self._folders[name] = (self._mode(name, entry), entry.mtime_ns)
        if self._rules.owners:
            os.chown(self._open_folder(name), entry.uid, entry.gid)

    def _symlink(self, name: bytes, entry: Entry) -> None:
        target = entry.target
        if not target or b"\0" in target:
            raise _Left("a symbolic link to nothing")
        if not self._rules.links_out and leads_out(name, target):
            raise _Left(f"is a link out of the tree, to {show(target)}: not made")
        folder, last = self._parent(name), name.rpartition(b"/")[2]
        os.symlink(target, last, dir_fd=folder)
        os.utime(last, ns=(entry.mtime_ns, entry.mtime_ns), dir_fd=folder, follow_symlinks=False)
        if self._rules.owners:
            os.chown(last, entry.uid, entry.gid, dir_fd=folder, follow_symlinks=False)
        self._links.add(name)
        self.result.links += 1

    def _hardlink(self, name: bytes, entry: Entry) -> None:
        source = entry.target.rstrip(b"/")
        if self._rules.rename is not None:
            source = self._rules.rename(source) or b""
        source = self._rules.instead.get(source, source)
        if source not in self.result.files:
            raise _Left(f"is a hard link to {show(source)}, which did not come before: not made")
        origin = os.dup(self._parent(source))
        try:
            os.link(
                source.rpartition(b"/")[2],
                name.rpartition(b"/")[2],
                src_dir_fd=origin,
                dst_dir_fd=self._parent(name),
                follow_symlinks=False,
            )
        finally:
            os.close(origin)
        self.result.files[name] = self.result.files[source]

    def _file(self, name: bytes, entry: Entry, tar: TarPull) -> None:
        self.result.file_bytes += entry.size
        if self.result.file_bytes > self._rules.most_bytes:
            raise TarError(f"{show(name)}: more than {self._rules.most_bytes} bytes of files come: refused (a bomb?)")
        handle = os.open(name.rpartition(b"/")[2], _NEW, 0o600, dir_fd=self._parent(name))
        try:
            if entry.size <= _SMALL:
                data = tar.small()
                digest = hashlib.sha256(data)
                _write(handle, data)
            else:
                digest = hashlib.sha256()
                for piece in tar.data():
                    digest.update(piece)
                    _write(handle, piece)
            if self._rules.owners:
                os.fchown(handle, entry.uid, entry.gid)
            os.fchmod(handle, self._mode(name, entry))
            os.utime(handle, ns=(entry.mtime_ns, entry.mtime_ns))
        finally:
            os.close(handle)
        self.result.files[name] = digest.digest()

    def _mode(self, name: bytes, entry: Entry) -> int:
        if entry.mode & (stat.S_ISUID | stat.S_ISGID):
            self.result.altered.append(f"{show(name)}: setuid or setgid taken off (it was {entry.mode:o})")
        return entry.mode & 0o1777

    # -- folders

    def _parent(self, name: bytes) -> int:
        return self._open_folder(name.rpartition(b"/")[0])

    def _open_folder(self, name: bytes) -> int:
        """The open folder of that name; made where it is missing."""
        parts = name.split(b"/") if name else []
        same = 0
        while same < min(len(parts), len(self._path)) and self._path[same][0] == parts[same]:
            same += 1
        self._go_up(same)
        for part in parts[same:]:
            above = self._path[-1][1] if self._path else self._root
            self._path.append((part, _enter(above, part)))
        return self._path[-1][1] if self._path else self._root

    def _go_up(self, depth: int) -> None:
        while len(self._path) > depth:
            os.close(self._path.pop()[1])

    def _finish_folders(self) -> None:
        for name in sorted(self._folders, reverse=True):  # what is inside comes first
            mode, mtime = self._folders[name]
            handle = self._open_folder(name)
            os.fchmod(handle, mode)
            os.utime(handle, ns=(mtime, mtime))


def _enter(above: int, name: bytes) -> int:
    try:
        return os.open(name, _FOLDER, dir_fd=above)
    except FileNotFoundError:
        os.mkdir(name, 0o700, dir_fd=above)
        return os.open(name, _FOLDER, dir_fd=above)
    except NotADirectoryError:
        raise TarError(f"{show(name)} is a file or a link, and something shall lie in it: refused") from None


def _write(handle: int, data: bytes | memoryview) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]


def _harmless_to_leave(entry: Entry) -> bool:
    """What a live site may hold without anybody's ill will: it is left out, and named."""
    return entry.kind in ("device", "fifo") or (entry.kind == "symlink" and bool(entry.target))


def leads_out(name: bytes, target: bytes) -> bool:
    """Whether a link at `name` (below the root) points outside of the first folder of its path."""
    if target.startswith(b"/"):
        return True
    top = name.split(b"/")[0]
    folder = posixpath.dirname(name)
    whole = posixpath.normpath(posixpath.join(folder, target)) if folder else posixpath.normpath(target)
    return whole.startswith(b"..") or (bool(folder) and whole.split(b"/")[0] != top)


def show(name: bytes) -> str:
    """A name for people and terminals."""
    return repr(name.decode("utf-8", "backslashreplace"))[1:-1][:200]


def files_below(root: Path) -> Iterator[tuple[bytes, bytes]]:
    """Every regular file below a folder with the raw SHA-256 of what is on the disk; links are not followed."""
    top = os.fsencode(root)
    for folder, _, names, handle in os.fwalk(top, follow_symlinks=False):
        for name in names:
            if not stat.S_ISREG(os.stat(name, dir_fd=handle, follow_symlinks=False).st_mode):
                continue
            descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=handle)
            with os.fdopen(descriptor, "rb", buffering=0) as stream:
                digest = hashlib.file_digest(stream, "sha256")
            yield (folder + b"/" + name)[len(top) + 1 :], digest.digest()


__all__ = ["Extracted", "Extractor", "Rules", "files_below", "leads_out", "show"]
