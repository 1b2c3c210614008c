"""A backup set on its way: built in `.<set>.part` on the medium, read back, verified, and only then named.

<medium>/laman/<site>/<UTC time>-<execution>/            whole and verified
<medium>/laman/<site>/<UTC time>-<execution>.tidak-lengkap/   verified, but its source could not be read whole
<medium>/laman/<site>/.<UTC time>-<execution>.part/      being built, or left by a run that was killed
<medium>/laman/<site>/.sisa-<part>/                      what a broken run had of a tree: the next one takes it over
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Protocol
from urllib.parse import quote_from_bytes

from reporting.backup_set import manifest as m
from reporting.backup_set.draftfiles import Origin, hashed, lines, part_of, remove, remove_quietly, write
from reporting.backup_set.howto import how_to_restore
from reporting.backup_set.index import settle, write_index
from reporting.backup_set.listing import Listing
from reporting.backup_set.medium import SETS, MediumError, MediumReport, check_same
from reporting.backup_set.store import Source, Stored, StoreError, file_digest, read_back, store
from reporting.backup_set.tarstream import TarError, TarReader
from reporting.backup_set.treewriter import Files, TreeWriter, keep, writing
from reporting.files import below, sync_folder

_SITE = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}")
_SET = re.compile(r"\d{8}T\d{6}Z-[a-z0-9][a-z0-9_-]{0,63}")
_REST = ".sisa-"  # what a broken run left of a tree: .sisa-<part>
_READ = 1 << 20
_PART = re.compile(rf"\.{_SET.pattern}\.part")


@dataclass(frozen=True)
class Sealed:
    """A set under its final name. `path` is relative to the medium's mount point; digests per file name."""

    path: str
    manifest: m.Manifest
    files: dict[str, tuple[str, int]]  # name -> (SHA-256, bytes)
    verified: str


class Watcher(Protocol):
    """Sees a database's bytes on their way. `finish` checks that all is there, and describes the database."""

    kind: m.DatabaseKind

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
    exceptions: list[str] = field(default_factory=list)
    pages: m.Pages | None = None  # as a visitor got them, for comparing a restored site
    _stored: dict[str, Stored] = field(default_factory=dict)
    _lists: dict[str, dict[str, str]] = field(default_factory=dict)  # SHA-256 of a tree's lists, by part and name
    _methods: set[str] = field(default_factory=set)
    _started: float = 0.0

    def add_tree(self, origin: Origin, source: Source, excludes: list[str]) -> m.Part:
        """Take a tar stream of one tree: stored packed, with a list of the SHA-256 of every file in it.

        Raises:
            TarError: no whole tar of one tree; nothing of it stays in the set.
            OSError, MediumError: the medium is full, read-only, gone.
        """
        with self.tree(origin, None) as writer:
            reader = TarReader(members=writer.members, sink=writer)
            while piece := source.read(_READ):
                writer.taken.line_bytes += len(piece)
                reader.feed(piece)
            reader.close()
        return self.finish_tree(origin, writer, None, excludes)

    @contextmanager
    def tree(self, origin: Origin, listing: Listing | None) -> Iterator[TreeWriter]:
        """Write a tree's archive; call `finish_tree` after the block. A broken one is put aside for the next run.

        Raises:
            TarError: no whole tree; nothing of it stays in the set. OSError, MediumError: the medium.
        """
        files = Files(self.folder, origin.name)
        self._started = time.monotonic()
        try:
            self._look()
            with writing(files, origin.source, listing, self._look) as writer:
                yield writer
                if not writer.top:
                    raise TarError("the archive is empty")
        except (OSError, MediumError):
            remove(files.all())
            raise
        except BaseException:
            keep(files, self.rest_of(origin.name))
            remove(files.all())
            raise

    def rest_of(self, name: str) -> Path:
        """Where a broken run of the tree `name` leaves what it had."""
        return self.folder.parent / f"{_REST}{name}"

    def finish_tree(self, origin: Origin, writer: TreeWriter, listing: Listing | None, excludes: list[str]) -> m.Part:
        """Write the index of a tree that has been written, and take it into the set. Raises OSError."""
        self._look()
        files = Files(self.folder, origin.name)
        listed, listed_at = (listing.lines, listing.listed_at) if listing else ([], 0)
        with files.index.open("xb") as out:
            write_index(out, settle(lambda: lines(files.journals[0]), listed, listed_at), listed_at)
            out.flush()
            os.fsync(out.fileno())
        remove(files.journals)
        counts, taken, stored = writer.members.counts, writer.taken, writer.stored
        if stored is None:
            raise RuntimeError(f"{origin.name} is not written yet")
        tree = m.Tree(
            top=writer.top.decode("utf-8", "backslashreplace"),
            files_list=files.sums.name,
            members_sha256=writer.members.digest,
            files=counts.files,
            directories=counts.directories,
            links=counts.links,
            others=counts.others,
            file_bytes=counts.file_bytes,
            excludes=excludes,
            index=files.index.name,
            again=[quote_from_bytes(name) for name in taken.again],
            carried_from=taken.carried_from,
            carried_members=taken.carried_members,
            carried_bytes=taken.carried_bytes,
        )
        self._lists[origin.name] = {path.name: hashed(path) for path in (files.sums, files.index)}
        return self._add(part_of(origin, "tree", stored, tree, (self._started, taken.line_bytes)), stored)

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
        return self._add(part_of(origin, watcher.kind, stored, database, (started, stored.source_bytes)), stored)

    def drop(self, part: m.Part) -> None:
        """Take a part out again (what came was not what was asked for)."""
        self.parts.remove(part)
        lists = [part.tree.files_list, part.tree.index] if part.tree else []
        for name in (part.file, *lists):
            if name is not None:
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
            write(self.folder / name, content)
        files = self._digests()
        sums = "".join(f"{digest}  {name}\n" for name, (digest, _) in sorted(files.items())).encode()
        write(self.folder / m.SUMS, sums)
        if file_digest(self.folder / m.SUMS)[0] != hashlib.sha256(sums).hexdigest():
            raise StoreError(f"{m.SUMS}: not what was written")
        files[m.SUMS] = (hashlib.sha256(sums).hexdigest(), len(sums))
        self._name(where)
        relative = f"{SETS}/{self.site}/{final}"
        return Sealed(relative, manifest, files, self._verified)

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
                remove_quietly(self.folder / name)
            raise

    def _add(self, part: m.Part, stored: Stored) -> m.Part:
        self.parts.append(part)
        self._stored[part.name] = stored
        return part

    def _verify_parts(self) -> None:
        for part in self.parts:
            path = self.folder / part.file
            if part.tree is None:
                self._methods.add(read_back(path, self._stored[part.name], lambda _piece: None))
                continue
            reader = TarReader(again=part.tree.names_again())
            self._methods.add(read_back(path, self._stored[part.name], reader.feed, hash_source=False))
            reader.close()
            if reader.members_digest != part.tree.members_sha256:
                raise StoreError(f"{part.file}: its members are not those that were written")
            for name, wanted in self._lists[part.name].items():
                if file_digest(self.folder / name)[0] != wanted:
                    raise StoreError(f"{name}: does not agree with what was written")

    @property
    def _verified(self) -> str:
        methods = ", ".join(sorted(self._methods))
        return f"read back from the medium past the page cache ({methods}): SHA-256 equal, every member equal"

    def _manifest(self) -> m.Manifest:
        report = self.report
        return m.Manifest(
            set=self.name,
            site=self.site,
            execution=self.execution,
            complete=not self.problems,
            problems=self.problems,
            exceptions=self.exceptions,
            verified=self._verified,
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
            pages=self.pages,
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
        if home != Path(report.path).resolve() / SETS / site:  # it stays on the medium, but where nobody looks for sets
            raise ValueError(f"{SETS}/{site}")
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
            else:
                for part in draft.parts:  # what a broken run left of it is of no more use
                    shutil.rmtree(draft.rest_of(part.name), ignore_errors=True)


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
    """What killed runs left: their unfinished trees are put aside to be taken over, all else is removed."""
    for entry in home.iterdir():
        if _PART.fullmatch(entry.name) and entry.is_dir() and not entry.is_symlink():
            for archive in entry.glob("tree-*.tar.zst"):
                name = archive.name.removeprefix("tree-").removesuffix(".tar.zst")
                keep(Files(entry, name), home / f"{_REST}{name}")
            shutil.rmtree(entry)


__all__ = ["Draft", "Origin", "Sealed", "Watcher", "new_set", "set_name"]
