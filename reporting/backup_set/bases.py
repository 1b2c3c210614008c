"""What lies on the medium already of a tree: in the last sets of the site, and in what a broken run left.

Nothing here is trusted: members are taken over only from a set that the record knows by the SHA-256 of its SHA256SUMS,
whose index has the hash that is said there, and every member that is taken over is hashed again. What a broken run left
is on no record; it was written by the last run and is gone with the next.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import zstandard

from reporting.backup_set import manifest as m
from reporting.backup_set.carry import StoredTree
from reporting.backup_set.catalog import RESTORE_EXECUTION
from reporting.backup_set.index import IndexFileError, decode, read_index, settle
from reporting.backup_set.treewriter import Files, read_listing_journal

_TIME = re.compile(r"\d{8}T\d{6}Z-")


@dataclass(frozen=True)
class Base:
    """A stored tree to take members from. `label`: the set it belongs to; `rows`: sorted, with their stats."""

    label: str
    tree: StoredTree
    rows: Callable[[], Iterator[bytes]]
    unfinished: bool = False


@dataclass(frozen=True)
class Past:
    """What the sets of a site say of one tree. `since_full`: how many of the newest sets took members over."""

    last: m.Part | None = None
    folder: Path | None = None
    label: str = ""
    since_full: int = 0


def past_of(home: Path, name: str, source: str, recorded: Mapping[str, str]) -> Past:
    """Look through the recorded sets of a site, the newest first, for the tree `name` that was read from `source`.

    `recorded`: SHA-256 of SHA256SUMS by the name of the set's folder, as the ledger has them.
    """
    found: Past | None = None
    taken_over = 0
    for folder in _sets(home):
        if recorded.get(folder.name) != _digest_or_none(folder / m.SUMS):
            continue
        with suppress(m.ManifestError):
            manifest = m.read_manifest(folder)
            for part in manifest.parts:
                if part.name != name or part.source != source or part.tree is None:
                    continue
                if found is None:
                    found = Past(part, folder, manifest.set)
                if not part.tree.carried_from:
                    return Past(found.last, found.folder, found.label, taken_over)
                taken_over += 1
    return found or Past()


def last_part(home: Path, name: str, source: str) -> m.Part | None:
    """The part `name` of the newest whole backup of a site that has it, read from `source`.

    What was there before a restore, and what could not be read whole, is no measure of what should be there.
    """
    for folder in _sets(home):
        with suppress(m.ManifestError):
            manifest = m.read_manifest(folder)
            if not manifest.complete or RESTORE_EXECUTION.match(manifest.execution):
                continue
            for part in manifest.parts:
                if (part.name, part.source) == (name, source):
                    return part
    return None


def _sets(home: Path) -> list[Path]:
    """The sets of a site, the newest first. One that is dated later than now would be the newest for ever: left out."""
    now = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    found = [f for f in home.glob("[0-9]*") if _TIME.match(f.name) and f.name[:16] <= now]
    return sorted(found, key=lambda f: f.name, reverse=True)


def last_set(past: Past) -> Base | None:
    """The tree in the newest set that has it, when its index can be relied on."""
    if past.last is None or past.folder is None or past.last.tree is None or past.last.tree.index is None:
        return None
    index, stored = past.folder / past.last.tree.index, past.folder / past.last.file
    try:
        sums = (past.folder / m.SUMS).read_text("utf-8")
        if (
            f"{_digest(past.folder / m.NAME)}  {m.NAME}\n" not in sums
            or f"{_digest(index)}  {index.name}\n" not in sums
        ):
            return None
        tree = StoredTree(stored, past.last.frames)
    except (OSError, ValueError):
        return None
    return Base(past.label, tree, lambda: read_index(index))


def unfinished(place: Path, name: str, source: str) -> Base | None:
    """What a broken run left of the tree, as far as it lies in whole frames."""
    files = Files(place, name)
    rows, frames, listing, about = files.journals
    try:
        if json.loads(about.read_text("utf-8")).get("source") != source:
            return None
        sizes = _frames(frames, files.stored.stat().st_size)
        listed_at, lines = read_listing_journal(listing)
        tree = StoredTree(files.stored, sizes)
    except (OSError, ValueError, AttributeError, zstandard.ZstdError):
        return None
    return Base(place.name, tree, lambda: settle(lambda: _whole_rows(rows, tree.size), lines, listed_at), True)


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _digest_or_none(path: Path) -> str:
    """Nothing that could be on record where it cannot be read."""
    try:
        return _digest(path)
    except OSError:
        return "unreadable"


def _frames(journal: Path, stored_bytes: int) -> list[tuple[int, int]]:
    """The frames that are noted and there."""
    found: list[tuple[int, int]] = []
    total = 0
    for line in journal.read_bytes().splitlines(keepends=True):
        source, _, stored = line.partition(b" ")
        if not line.endswith(b"\n") or total + int(stored) > stored_bytes:
            break
        found.append((int(source), int(stored)))
        total += int(stored)
    return found


def _whole_rows(journal: Path, size: int) -> Iterator[bytes]:
    with journal.open("rb") as stream:
        for line in stream:
            with suppress(IndexFileError):  # the last line of a run that was killed
                row = decode(line)
                if row.offset + row.length <= size:
                    yield line.rstrip(b"\n")


__all__ = ["Base", "Past", "last_part", "last_set", "past_of", "unfinished"]
