"""What the backup commands know: the sets on the media that are plugged in, and what the record says of them."""

from __future__ import annotations

import argparse
import hashlib
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from reporting.backup_set.catalog import CatalogError, Found, pick, sets_on
from reporting.backup_set.manifest import ManifestError, read_manifest
from reporting.backup_set.medium import MediumError, MediumReport, explain, recognise
from reporting.backups import KINDS, KnownSet, fold_sets
from reporting.cli.common import Refused
from reporting.cli.media import spec_of
from reporting.runner.model import Record
from reporting.text import harmless
from reporting.unit import Inventory


@dataclass
class Sight:
    """What can be seen now: media that are in, the sets on them; `absent`: why the others are not (by id)."""

    media: dict[str, MediumReport] = field(default_factory=dict)
    found: list[Found] = field(default_factory=list)
    absent: dict[str, str] = field(default_factory=dict)


def look(inventory: Inventory, medium: str | None = None, site: str | None = None) -> Sight:
    """Every set on the media that are in; nothing is written, a read-only medium will do.

    Raises:
        Refused: a medium that was named is unknown or not in, or a site is unknown.
    """
    if site is not None and site not in inventory.sites:
        raise Refused(f"unknown site {site!r}; {inventory.folder}/hosts.yml has: {', '.join(inventory.sites)}")
    known = [m.id for m in inventory.unit.media]
    if medium is not None and medium not in known:
        raise Refused(f"medium {medium!r} is not in laman_unit.media; there is: {', '.join(known) or 'none'}")
    sight = Sight()
    for entry in inventory.unit.media:
        if medium not in (None, entry.id):
            continue
        spec = spec_of(inventory, entry)
        try:
            report = recognise(spec)
            found = sets_on(Path(report.path), entry.id)
        except MediumError as error:
            sight.absent[entry.id] = str(error)
            continue
        except OSError as error:
            sight.absent[entry.id] = explain(error, spec.path)
            continue
        sight.media[entry.id] = report
        sight.found += [s for s in found if site in (None, s.site)]
    if medium is not None and medium in sight.absent:
        raise Refused(f"medium {medium} is not at hand: {sight.absent[medium]}")
    return sight


def chosen(sight: Sight, wanted: str) -> Found:
    """The set that was named; a set that is only on media that are not in says so."""
    usable = [s for s in sight.found if s.state not in ("unfinished", "removed")]
    try:
        return pick(usable, wanted)
    except CatalogError as error:
        away = ", ".join(sorted(sight.absent))
        more = f" (not plugged in: {away})" if away else ""
        raise Refused(f"{error}{more}") from None


def recorded(record: Record) -> list[KnownSet]:
    """Every set on record."""
    return fold_sets(record.ledger.events(KINDS))


def of_record(known: list[KnownSet], found: Found) -> KnownSet | None:
    """What the record says of a set that was found."""
    wanted = (found.site, found.name, found.medium)
    return next((k for k in known if (k.site, k.set, k.medium) == wanted), None)


def require_recorded(folder: Path, site: str, name: str, record: Record, medium: str = "") -> str:
    """Refuse a set that differs from what the record says of it; returns why nothing can be said, "" when it is equal.

    Compared are the papers and, by the manifest, the digests of the parts; whoever reads a part compares it with those.
    A set that was brought to another medium, or joined from discs, is the same set.

    Raises:
        Refused: it was altered since it was made, or a file of it is not there.
    """
    known = [k for k in recorded(record) if (k.site, k.set) == (site, name) and k.files]
    known = [k for k in known if k.medium == medium] or known
    if not known:
        return (
            f"set {harmless(name, 100)} of {harmless(site, 70)} is not on record: nobody can say whether it was altered"
        )
    wanted = known[0].files
    try:
        manifest = read_manifest(folder)
        parts = {part.file: part.sha256 for part in manifest.parts}
        papers = sorted(wanted.keys() - parts.keys())
        found = parts | {paper: _digest(folder / paper) for paper in papers}
    except ManifestError as error:
        raise Refused(f"set {name}: {error}") from None
    except OSError as error:
        raise Refused(f"set {name}: {explain(error, str(folder))}") from None
    altered = sorted(file for file in wanted.keys() | found.keys() if found.get(file) != wanted.get(file))
    if altered:
        more = f" and {len(altered) - 3} more" if len(altered) > 3 else ""
        files = harmless(", ".join(altered[:3]), 300) + more
        raise Refused(f"set {name} was altered since it was made: {files} not as on record; use another set or copy")
    return ""


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def age(moment: datetime | None, now: datetime) -> str:
    """How long ago, for people."""
    if moment is None:
        return "never"
    days = (now - moment).days
    if days < 0:
        return "later than now"
    return f"{days} days ago" if days > 1 else "yesterday" if days == 1 else "today"


def size(number: float) -> str:
    """Bytes for people, in the units that disks are sold in."""
    for unit in ("B", "kB", "MB"):
        if abs(number) < 1000:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} GB" if number < 1000 else f"{number / 1000:.2f} TB"


class Meter:
    """Progress on standard error: what, how far, MB/s, time left. On a terminal in place, else a line now and then."""

    _EVERY = (0.25, 10.0)  # seconds between two lines: on a terminal, elsewhere

    def __init__(self, total: int, quiet: bool = False, clock: Callable[[], float] = time.monotonic) -> None:
        self._total, self._quiet, self._clock = max(total, 1), quiet, clock
        self._terminal = sys.stderr.isatty()
        self._done = 0
        self._what = ""
        self._began = self._told = clock()

    def name(self, what: str) -> None:
        """What is being worked on now."""
        self._what = harmless(what, 60)

    def __call__(self, size_done: int) -> None:
        """So many bytes more."""
        self._done += size_done
        now = self._clock()
        if not self._quiet and now - self._told >= self._EVERY[not self._terminal]:
            self._told = now
            self._print(now)

    def _print(self, now: float) -> None:
        speed = self._done / max(now - self._began, 1e-6)
        left = max(0, self._total - self._done) / max(speed, 1.0)
        line = (
            f"{self._what}: {min(100, self._done * 100 // self._total)} %, {size(self._done)} of {size(self._total)}, "
            f"{speed / 1e6:.0f} MB/s, {int(left // 60)}:{int(left % 60):02} left"
        )
        print(
            f"\r{line}\x1b[K" if self._terminal else line,
            end="" if self._terminal else "\n",
            file=sys.stderr,
            flush=True,
        )

    def end(self) -> str:
        """Take the line away; returns the total and the speed in words."""
        if self._terminal and not self._quiet:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
        seconds = max(self._clock() - self._began, 1e-6)
        return f"{size(self._done)} in {seconds:.1f} s, {self._done / seconds / 1e6:.0f} MB/s"


def set_argument(parser: argparse.ArgumentParser, optional: bool = False) -> None:
    """The argument SET."""
    text = "the set's name, or a beginning of it that no other has"
    parser.add_argument("set", metavar="SET", nargs="?" if optional else None, help=text)


def place_arguments(parser: argparse.ArgumentParser) -> None:
    """Options that narrow a command to a site or a medium."""
    parser.add_argument("--site", metavar="SITE", help="only this site")
    parser.add_argument("--medium", metavar="ID", help="only this medium")
