"""A backup set on its way: built in `.<set>.part` on the medium, read back, verified, and only then named.

<medium>/laman/<site>/<UTC time>-<execution>/            whole and verified
<medium>/laman/<site>/<UTC time>-<execution>.tidak-lengkap/   verified, but its source could not be read whole
<medium>/laman/<site>/.<UTC time>-<execution>.part/      being built, or left by a run that was killed
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Literal, Protocol

from reporting.backup_set import manifest as m
from reporting.backup_set.howto import how_to_restore
from reporting.backup_set.medium import SETS, MediumError, MediumReport, check_same
from reporting.backup_set.store import Source, Stored, StoreError, file_digest, read_back, store
from reporting.backup_set.tarstream import Member, TarError, TarReader, checksum_line
from reporting.files import below, sync_folder

_SITE = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}")
_SET = re.compile(r"\d{8}T\d{6}Z-[a-z0-9][a-z0-9_-]{0,63}")
_PART = re.compile(rf"\.{_SET.pattern}\.part")


@dataclass(frozen=True)
class Sealed:
    """A set under its final name. `path` is relative to the medium's mount point; digests per file name."""

    path: str
    manifest: m.Manifest
    files: dict[str, tuple[str, int]]  # name -> (SHA-256, bytes)
    verified: str


@dataclass(frozen=True)
class Origin:
    """Where a part comes from: its name in the set, its path or database name on the host, how it was read there."""

    name: str
    source: str
    method: str


class Watcher(Protocol):
    """Sees a database's bytes on their way. `finish` checks that all is there, and describes the database."""

    kind: Literal["mariadb", "sqlite"]

    def feed(self, piece: bytes) -> None: ...

    def finish(self) -> m.Database: ...


def set_name(execution: str, now: datetime) -> str:
    """Folder name of a set: UTC time, then the execution's id; it sorts by time and is legal on FAT32."""
    tail = re.sub(r"[^a-z0-9_-]+", "-", execution.lower()).strip("-_")[:60] or "x"
    return f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}-{tail}"


@dataclass
class Draft:
    """The set that is being built. Add parts, then `seal`."""

    report: MediumReport
    site: str
    name: str
    execution: str
    started_at: datetime
    folder: Path
    parts: list[m.Part] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    _stored: dict[str, Stored] = field(default_factory=dict)

    def add_tree(self, origin: Origin, source: Source, excludes: list[str]) -> m.Part:
        """Take a tar stream of one tree: stored packed, with a list of the SHA-256 of every file in it.

        Raises:
            TarError: no whole tar of one tree; nothing of it stays in the set.
            OSError, MediumError: the medium is full, read-only, gone.
        """
        started = time.monotonic()
        file, listing = f"tree-{origin.name}.tar.zst", f"FILES-{origin.name}.sha256"
        with self._new_files(file, listing), (self.folder / listing).open("xb") as lines:
            top: list[bytes] = []
            reader = TarReader(lambda member: _list_member(member, lines, top))
            stored = store(source, self.folder / file, reader.feed, self._look)
            reader.close()
            lines.flush()
            os.fsync(lines.fileno())
            if not top:
                raise TarError("the archive is empty")
        counts = reader.counts
        tree = m.Tree(
            top=top[0].decode("utf-8", "backslashreplace"),
            files_list=listing,
            members_sha256=reader.members_digest,
            files=counts.files,
            directories=counts.directories,
            links=counts.links,
            others=counts.others,
            file_bytes=counts.file_bytes,
            excludes=excludes,
        )
        return self._add(_part(origin, "tree", stored, started, tree), stored)

    def add_database(self, origin: Origin, source: Source, watcher: Watcher, suffix: str = "sql") -> m.Part:
        """Take a dump (suffix sql) or a database file (suffix sqlite), watched on its way.

        Raises:
            Whatever the watcher raises; nothing of it stays in the set. OSError, MediumError: the medium.
        """
        started = time.monotonic()
        file = f"db-{origin.name}.{suffix}.zst"
        with self._new_files(file):
            stored = store(source, self.folder / file, watcher.feed, self._look)
            database = watcher.finish()
        return self._add(_part(origin, watcher.kind, stored, started, database), stored)

    def drop(self, part: m.Part) -> None:
        """Take a part out again (what came was not what was asked for)."""
        self.parts.remove(part)
        for name in (part.file, *([part.tree.files_list] if part.tree else [])):
            (self.folder / name).unlink()

    def scratch(self, name: str) -> Path:
        """A path in the draft for a working file; the caller removes it before the set is sealed."""
        return self.folder / f".{name}.tmp"

    def seal(self) -> Sealed:
        """Read everything back from the medium, compare, write the papers, and give the set its name.

        Raises:
            StoreError, TarError: the medium gave back something else. OSError, MediumError: it is full, gone.
        """
        check_same(self.report)
        self._verify_parts()
        manifest = self._manifest()
        final = self.name + ("" if manifest.complete else m.INCOMPLETE)
        where = self.folder.parent / final
        papers = {
            m.NAME: (manifest.model_dump_json(indent=1) + "\n").encode(),
            m.HOWTO: how_to_restore(manifest, PurePosixPath(where)).encode(),
        }
        for name, content in papers.items():
            _write(self.folder / name, content)
        files = self._digests()
        sums = "".join(f"{digest}  {name}\n" for name, (digest, _) in sorted(files.items())).encode()
        _write(self.folder / m.SUMS, sums)
        if file_digest(self.folder / m.SUMS)[0] != hashlib.sha256(sums).hexdigest():
            raise StoreError(f"{m.SUMS}: not what was written")
        files[m.SUMS] = (hashlib.sha256(sums).hexdigest(), len(sums))
        self._name(where)
        relative = f"{SETS}/{self.site}/{final}"
        verified = "read back from the medium: SHA-256 equal, decompressed, every member equal"
        return Sealed(relative, manifest, files, verified)

    # -- steps

    def _look(self) -> None:
        check_same(self.report)

    @contextmanager
    def _new_files(self, *names: str) -> Iterator[None]:
        """Files of one part: all of them stay, or none."""
        self._look()
        try:
            yield
        except BaseException:
            for name in names:
                _remove_quietly(self.folder / name)
            raise

    def _add(self, part: m.Part, stored: Stored) -> m.Part:
        self.parts.append(part)
        self._stored[part.name] = stored
        return part

    def _verify_parts(self) -> None:
        for part in self.parts:
            path = self.folder / part.file
            if part.tree is None:
                read_back(path, self._stored[part.name], lambda _piece: None)
                continue
            with (self.folder / part.tree.files_list).open("rb") as lines:
                os.posix_fadvise(lines.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
                reader = TarReader(_compare_with(lines, part.tree.files_list))
                read_back(path, self._stored[part.name], reader.feed)
                reader.close()
                if lines.read(1) or reader.members_digest != part.tree.members_sha256:
                    raise StoreError(f"{part.file}: its members are not those that were written")

    def _manifest(self) -> m.Manifest:
        report = self.report
        return m.Manifest(
            set=self.name,
            site=self.site,
            execution=self.execution,
            complete=not self.problems,
            problems=self.problems,
            started_at=self.started_at,
            finished_at=datetime.now(UTC),
            medium=m.MediumOfSet(
                id=report.id,
                kind=report.kind,
                label=report.label,
                uuid=report.uuid,
                declared_folder=report.declared_folder,
            ),
            source_bytes=sum(part.source_bytes for part in self.parts),
            stored_bytes=sum(part.stored_bytes for part in self.parts),
            parts=self.parts,
        )

    def _digests(self) -> dict[str, tuple[str, int]]:
        """Digest of every file of the set, read from the medium; those of the parts were just read."""
        known = {part.file: (part.sha256, part.stored_bytes) for part in self.parts}
        names = sorted(entry.name for entry in self.folder.iterdir())
        return {name: known.get(name) or file_digest(self.folder / name) for name in names}

    def _name(self, where: Path) -> None:
        sync_folder(self.folder)
        check_same(self.report)
        if where.exists():
            raise MediumError(f"{where} exists already: a set is never overwritten")
        self.folder.rename(where)
        for folder in (where.parent, where.parent.parent, Path(self.report.path)):
            sync_folder(folder)
        check_same(self.report)


def _part(
    origin: Origin,
    kind: Literal["tree", "mariadb", "sqlite"],
    stored: Stored,
    started: float,
    what: m.Tree | m.Database,
) -> m.Part:
    return m.Part(
        name=origin.name,
        kind=kind,
        source=origin.source,
        method=origin.method,
        file=stored.name,
        source_bytes=stored.source_bytes,
        source_sha256=stored.source_sha256,
        stored_bytes=stored.stored_bytes,
        sha256=stored.sha256,
        frames=stored.frames,
        seconds=round(time.monotonic() - started, 3),
        tree=what if isinstance(what, m.Tree) else None,
        database=what if isinstance(what, m.Database) else None,
    )


@contextmanager
def new_set(report: MediumReport, site: str, execution: str) -> Iterator[Draft]:
    """Start a set of `site` on a probed medium. What is not sealed when the block ends is removed.

    Leftovers of killed runs of this site are removed first; a lock on the medium keeps two runs apart.

    Raises:
        MediumError: not the probed medium any more, or another run of this site is at work. OSError: the medium.
    """
    if not _SITE.fullmatch(site):
        raise MediumError(f"site {site!r}: expected lower case letters, digits, '_', '.', '-' (it names a folder)")
    check_same(report)
    started_at = datetime.now(UTC)
    try:
        home = below(Path(report.path), f"{SETS}/{site}")
    except ValueError as error:
        raise MediumError(f"medium {report.id}: {error}: a symbolic link on it points elsewhere") from None
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _only_run(home, site):
        _sweep(home)
        name = set_name(execution, started_at)
        folder = home / f".{name}.part"
        folder.mkdir(mode=0o700)
        draft = Draft(report, site, name, execution, started_at, folder)
        try:
            yield draft
        finally:
            if folder.exists():
                shutil.rmtree(folder, ignore_errors=True)  # what cannot be removed now, the next run sweeps


@contextmanager
def _only_run(home: Path, site: str) -> Iterator[None]:
    """The kernel drops this lock when the run dies, however it dies."""
    with (home / ".lock").open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise MediumError(f"another backup of {site} is writing to {home}: wait for its end") from None
        yield


def _sweep(home: Path) -> None:
    for entry in home.iterdir():
        if _PART.fullmatch(entry.name) and entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)


def _list_member(member: Member, lines: BinaryIO, top: list[bytes]) -> None:
    if not top:
        top.append(member.name.split(b"/")[0])
    if member.sha256:
        lines.write(checksum_line(member))


def _compare_with(lines: BinaryIO, name: str) -> Callable[[Member], None]:
    """Each member read back must be the next line of the list that was made on the way in."""

    def compare(member: Member) -> None:
        if not member.sha256:
            return
        wanted = checksum_line(member)
        if lines.read(len(wanted)) != wanted:
            raise StoreError(f"{name}: does not agree with the archive at member {member.name[:200]!r}")

    return compare


def _write(path: Path, content: bytes) -> None:
    with path.open("xb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _remove_quietly(path: Path) -> None:
    """Remove a part's file; on a medium that is gone there is nothing to remove, and the first error matters."""
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return


__all__ = ["Draft", "Origin", "Sealed", "Watcher", "new_set", "set_name"]
