"""A set becomes files again: whole, single files, single tables, in a folder that did not exist before.

Everything is written beside, compared with the manifest, and gets its name at the very end: what has the name is whole.
"""

from __future__ import annotations

import fnmatch
import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from reporting.backup_set import manifest as m
from reporting.backup_set.dumpsplit import Splitter
from reporting.backup_set.extract import Extracted, Extractor, Rules, show
from reporting.backup_set.opened import SetSource, open_part
from reporting.backup_set.scratch import remove_tree
from reporting.backup_set.store import StoreError
from reporting.backup_set.sumslist import read_list
from reporting.backup_set.tarread import Pull, TarPull

_PER_FILE = 4096  # bytes of disk that a file costs beside its content, at most usually
_RESERVE = 64 << 20


class RestoreError(Exception):
    """It cannot be restored; one line: what, where, what to do. Nothing has the final name."""


@dataclass(frozen=True)
class Wanted:
    """What of a set is wanted. Nothing named: all of it. `files`: patterns (* ? [x]); `databases`: by their name."""

    files: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    databases: tuple[str, ...] = ()
    links_out: bool = False
    owners: bool = False

    @property
    def everything(self) -> bool:
        """Whether nothing was named."""
        return not (self.files or self.tables or self.databases)


@dataclass
class Restored:
    """What was restored: sizes in bytes, seconds; `left_out` and `altered` line by line."""

    folder: Path
    files: int = 0
    file_bytes: int = 0
    databases: list[str] = field(default_factory=list)
    tables: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    altered: list[str] = field(default_factory=list)
    seconds: float = 0.0


def restore_set(source: SetSource, target: Path, wanted: Wanted) -> Restored:
    """Restore a set to `target`, a folder that is not there yet or is empty.

    Raises:
        RestoreError: no such part, no room, the target is not empty.
        StoreError, TarError, ManifestError: the set is not what was written. OSError: medium or disk.
    """
    started = time.monotonic()
    manifest = m.read_manifest(source.folder)
    parts = _parts(manifest, wanted)
    result = Restored(target)
    choose = chooser(wanted.files)
    with fresh_folder(target) as beside:
        foresee(beside, sum(map(needed, parts)))
        for part in parts:
            if part.tree is not None:
                _tree(source, part, beside, (wanted, choose), result)
            elif wanted.tables:
                _tables(source, part, beside, wanted.tables, result)
            else:
                _database(source, part, beside, result)
        _all_found(wanted, choose, manifest, result)
    result.seconds = time.monotonic() - started
    return result


def _parts(manifest: m.Manifest, wanted: Wanted) -> list[m.Part]:
    databases = [part for part in manifest.parts if part.tree is None]
    names = ", ".join(part.source for part in databases) or "none"
    for name in wanted.databases:
        if not any(name in (part.source, part.name) for part in databases):
            raise RestoreError(f"set {manifest.set} has no database {name!r}; it has: {names}")
    if wanted.everything:
        return list(manifest.parts)
    parts = [part for part in manifest.parts if part.tree is not None] if wanted.files else []
    if wanted.tables or wanted.databases:
        parts += [p for p in databases if not wanted.databases or {p.source, p.name} & set(wanted.databases)]
    if wanted.tables:
        parts = [p for p in parts if p.tree or (p.database and set(wanted.tables) & set(p.database.tables))]
    return parts


def needed(part: m.Part) -> int:
    """Bytes of disk that a part takes when it is restored to files."""
    if part.tree is None:
        return part.source_bytes
    return part.tree.file_bytes + _PER_FILE * (part.tree.files + part.tree.directories)


def foresee(folder: Path, wanted: int) -> None:
    """There must be room before anything is begun.

    Raises:
        RestoreError: there is not.
    """
    space = os.statvfs(folder)
    free = space.f_bavail * space.f_frsize
    if wanted + _RESERVE > free:
        raise RestoreError(
            f"{folder.parent}: {free >> 20} MiB free, {(wanted + _RESERVE) >> 20} MiB needed: "
            "make room, or restore to another disk"
        )


@contextmanager
def fresh_folder(target: Path) -> Iterator[Path]:
    """A folder beside `target` that gets its name when the block ends well, and is removed when not.

    Raises:
        RestoreError: something is there already.
    """
    target = target.absolute()
    if target.is_symlink() or (target.exists() and (not target.is_dir() or any(target.iterdir()))):
        raise RestoreError(f"{target} is there and not empty: nothing is restored over it; name a new folder")
    if not target.parent.is_dir():
        raise RestoreError(f"{target.parent}: no such folder")
    beside = target.parent / f".{target.name[:100]}.{os.getpid()}.pulih"
    beside.mkdir(mode=0o700)
    try:
        yield beside
        subprocess.run(["sync", "-f", beside], check=True)
        beside.rename(target)
    except BaseException:
        remove_tree(beside)
        raise


# -- trees


def _tree(source: SetSource, part: m.Part, beside: Path, asked: tuple[Wanted, Chooser], result: Restored) -> None:
    home = beside / part.name
    home.mkdir(mode=0o700)
    extracted = extract_tree(source, part, home, *asked)
    result.files += len(extracted.files)
    result.file_bytes += extracted.file_bytes
    result.left_out += [f"{part.name}: {line}" for line in extracted.left_out]
    result.altered += [f"{part.name}: {line}" for line in extracted.altered]


def extract_tree(
    source: SetSource, part: m.Part, home: Path, wanted: Wanted, choose: Chooser | None = None
) -> Extracted:
    """Extract one tree part into `home`, each file compared with the set's list of files.

    Raises:
        StoreError: a file is not what was backed up. TarError: hostile, damaged or cut. OSError: disk, medium.
    """
    tree = part.tree
    if tree is None:
        raise RestoreError(f"{part.file} is no tree")
    expected = read_list(source.folder / tree.files_list)
    choose = choose if wanted.files else None
    instead = _link_targets(source, part, choose) if choose is not None else {}
    again = tree.names_again()
    rules = Rules(
        most_bytes=part.source_bytes,
        links_out=wanted.links_out,
        owners=wanted.owners,
        again=again | {name for target, name in instead.items() if target in again},
        wanted=choose,
        instead=instead,
    )
    with open_part(source, part, whole=False) as stream:
        extracted = Extractor(home, rules).take_all(TarPull(Pull(stream.next_block)))
    if choose is not None:
        expected = {name: digest for name, digest in expected.items() if choose(name)}
    compare_files(part, expected, extracted.files)
    return extracted


def _link_targets(source: SetSource, part: m.Part, choose: Chooser) -> dict[bytes, bytes]:
    """Files that are not wanted and hold the data of a wanted hard link: each with the first such name."""
    found: dict[bytes, bytes] = {}
    with open_part(source, part, whole=False) as stream:
        for entry in TarPull(Pull(stream.next_block)).entries():
            target = entry.target.rstrip(b"/")
            if entry.kind == "hardlink" and choose(entry.name.rstrip(b"/")) and not choose(target):
                found.setdefault(target, entry.name.rstrip(b"/"))
    return found


def compare_files(part: m.Part, expected: dict[bytes, bytes], seen: dict[bytes, bytes]) -> None:
    """What came out must be what the set's list says, file by file.

    Raises:
        StoreError: it is not; the first file that differs is named.
    """
    if expected == seen:
        return
    for name, digest in expected.items():
        if seen.get(name) != digest:
            what = "is missing" if name not in seen else "is not what was backed up"
            raise StoreError(f"{part.file}: {show(name)} {what}")
    extra = next(iter(seen.keys() - expected.keys()))
    raise StoreError(f"{part.file}: {show(extra)} is in the archive and not in the list of its files")


def chooser(patterns: Sequence[str]) -> Chooser:
    """Whether a member is wanted: by its path below the tree's folder, or with it; a folder stands for all in it."""
    return Chooser(patterns)


class Chooser:
    """Patterns of paths; remembers which of them found something."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self._patterns = [os.fsencode(pattern).strip(b"/") for pattern in patterns]
        self._found: set[bytes] = set()

    def __call__(self, name: bytes) -> bool:
        below = name.partition(b"/")[2]
        fitting = [pattern for pattern in self._patterns if any(_fits(path, pattern) for path in (name, below) if path)]
        self._found.update(fitting)
        return bool(fitting)

    def found(self, pattern: str) -> bool:
        """Whether anything fitted it so far."""
        return os.fsencode(pattern).strip(b"/") in self._found


def _fits(path: bytes, pattern: bytes) -> bool:
    return path == pattern or path.startswith(pattern + b"/") or fnmatch.fnmatchcase(path, pattern)


# -- databases


def _database(source: SetSource, part: m.Part, beside: Path, result: Restored) -> None:
    suffix = part.file.removesuffix(".age").removesuffix(".zst").rpartition(".")[2]
    with (beside / f"{part.name}.{suffix}").open("xb") as out, open_part(source, part) as stream:
        while block := stream.next_block():
            out.write(block)
    result.databases.append(part.source)


def _tables(source: SetSource, part: m.Part, beside: Path, tables: Sequence[str], result: Restored) -> None:
    """The tables' own statements, with the head and tail of the dump: each file loads by itself."""
    if part.kind != "mariadb":
        raise RestoreError(f"{part.source}: single tables come from MariaDB and MySQL dumps only; restore the database")
    names = [name for name in tables if part.database and name in part.database.tables]
    splitter = Splitter()
    target = beside / f"{part.name}.sql"
    with target.open("xb") as out, open_part(source, part) as stream:
        while block := stream.next_block():
            for section, data in splitter.feed(block):
                if section.kind == "head" or (section.kind == "table" and section.name in names):
                    out.write(data)
        for section, data in splitter.finish():
            if section.kind == "head" or (section.kind == "table" and section.name in names):
                out.write(data)
    result.tables += names


def _all_found(wanted: Wanted, choose: Chooser, manifest: m.Manifest, result: Restored) -> None:
    for pattern in wanted.files:
        if not choose.found(pattern):
            raise RestoreError(f"set {manifest.set} has no file {pattern!r}")
    missing = sorted(set(wanted.tables) - set(result.tables))
    if missing:
        raise RestoreError(f"set {manifest.set} has no table {missing[0]!r}")


__all__ = [
    "Chooser",
    "RestoreError",
    "Restored",
    "Wanted",
    "chooser",
    "compare_files",
    "extract_tree",
    "foresee",
    "fresh_folder",
    "needed",
    "restore_set",
]
