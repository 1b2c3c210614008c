"""What lies on a medium: every set of every site, whole or not, as its folder and its manifest say."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from reporting.backup_set.manifest import INCOMPLETE, SUMS, Manifest, ManifestError, read_manifest
from reporting.backup_set.medium import SETS

REMOVED = ".dihapus"  # suffix of a set that retention has taken out of the list and not yet deleted
_NAME = re.compile(
    rf"(?P<hidden>\.?)(?P<set>(?P<at>\d{{8}}T\d{{6}}Z)-[a-z0-9][a-z0-9_-]{{0,63}})"
    rf"(?P<tail>|\.part|{re.escape(INCOMPLETE)}|{re.escape(INCOMPLETE)}{re.escape(REMOVED)}|{re.escape(REMOVED)})"
)
RESTORE_EXECUTION = re.compile(r"\d{8}T\d{6}-restore-")  # what was there before a restore is saved as a set of that
SITE_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}")
SET_NAME = re.compile(rf"\d{{8}}T\d{{6}}Z-[a-z0-9][a-z0-9_-]{{0,63}}({re.escape(INCOMPLETE)})?")

State = Literal["whole", "incomplete", "damaged", "unfinished", "undo", "removed"]


class CatalogError(Exception):
    """No set, or more than one, answers to what was typed; the message says which there are."""


@dataclass(frozen=True)
class Found:
    """One set on one medium. `path` is relative to the medium's mount point; `problem`: why it is no whole set."""

    medium: str
    root: Path
    site: str
    name: str  # of the folder
    set: str  # without the suffix
    at: datetime
    state: State
    manifest: Manifest | None = None
    problem: str = ""

    @property
    def folder(self) -> Path:
        """The set's folder."""
        return self.root / SETS / self.site / self.name

    @property
    def path(self) -> str:
        """The folder, relative to the mount point."""
        return f"{SETS}/{self.site}/{self.name}"

    @property
    def stored_bytes(self) -> int:
        """Bytes of its parts on the medium, 0 where no manifest tells."""
        return self.manifest.stored_bytes if self.manifest else 0


def sets_on(root: Path, medium: str) -> list[Found]:
    """Every set on a medium that is mounted at `root`, sites in their order, oldest first.

    What is not named like a set is none of ours, and is left out. Links are not followed.

    Raises:
        OSError: the medium cannot be read.
    """
    home = root / SETS
    if not home.is_dir() or home.is_symlink():
        return []
    found: list[Found] = []
    for site in sorted(home.iterdir()):
        if SITE_NAME.fullmatch(site.name) and site.is_dir() and not site.is_symlink():
            found += sorted(_sets_of(root, medium, site), key=lambda s: (s.at, s.name))
    return found


def _sets_of(root: Path, medium: str, site: Path) -> Iterator[Found]:
    for folder in site.iterdir():
        match = _NAME.fullmatch(folder.name)
        if match is None or folder.is_symlink() or not folder.is_dir():
            continue
        try:
            at = datetime.strptime(match["at"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        except ValueError:
            continue
        tail = match["tail"]
        here = (medium, root, site.name, folder.name, match["set"], at)
        if tail.endswith(REMOVED):
            yield Found(*here, "removed", None, "retention took it out and was interrupted: the next prune deletes it")
        elif tail == ".part" and match["hidden"]:
            yield Found(*here, "unfinished", None, "a backup that did not end, or is still running")
        elif tail != ".part" and not match["hidden"]:
            yield _named(here, "incomplete" if tail else "whole")


def _named(here: tuple[str, Path, str, str, str, datetime], state: State) -> Found:
    found = Found(*here, state)
    try:
        manifest = read_manifest(found.folder)
    except ManifestError as error:
        return Found(*here, "damaged", None, str(error))
    if (manifest.set, manifest.site) != (found.set, found.site):
        return Found(*here, "damaged", None, f"its manifest is of set {manifest.set} of {manifest.site}")
    gone = list(_not_there(found.folder, manifest))
    if gone:
        return Found(*here, "damaged", manifest, "; ".join(gone[:3]))
    if RESTORE_EXECUTION.match(manifest.execution):
        return Found(*here, "undo", manifest, "what was there before a restore: to undo it, no backup to rely on")
    if not manifest.complete:
        return Found(*here, "incomplete", manifest, "; ".join(manifest.problems[:3]))
    return Found(*here, state, manifest)


def _not_there(folder: Path, manifest: Manifest) -> Iterator[str]:
    """What the manifest names and the folder has not, or not as long as it was written. Contents are `check`'s."""
    wanted: dict[str, int | None] = {SUMS: None}
    for part in manifest.parts:
        wanted[part.file] = part.stored_bytes
        if part.tree is not None:
            wanted |= dict.fromkeys(name for name in (part.tree.files_list, part.tree.index) if name)
    for name, size in wanted.items():
        try:
            status = (folder / name).lstat()
        except OSError as error:
            yield f"{name}: {error.strerror}"
            continue
        if not stat.S_ISREG(status.st_mode):
            yield f"{name}: is no regular file"
        elif size not in (None, status.st_size):
            yield f"{name}: has {status.st_size} bytes, {size} were written"


def pick(found: Iterable[Found], wanted: str) -> Found:
    """The set that a person named: its name, or a beginning of it that no other has.

    Raises:
        CatalogError: none, or several.
    """
    named = list(found)
    exact = [s for s in named if wanted in (s.name, s.set)]
    hits = exact or [s for s in named if wanted and s.name.startswith(wanted)]
    if len(hits) == 1:
        return hits[0]
    if not hits:
        last = ", ".join(s.name for s in named[-3:]) or "no set at all"
        raise CatalogError(f"no set {wanted[:100]!r} on the media that are plugged in; there is: {last}")
    several = ", ".join(f"{s.name} of {s.site} ({s.medium})" for s in hits[:4])
    raise CatalogError(f"{wanted[:100]!r} is the beginning of {len(hits)} sets: {several}; type more of it")


__all__ = ["REMOVED", "RESTORE_EXECUTION", "SET_NAME", "SITE_NAME", "CatalogError", "Found", "State", "pick", "sets_on"]
