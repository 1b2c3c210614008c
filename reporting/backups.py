"""Every backup set as the events tell it, and how each site stands: copies, media kinds, off-site (3-2-1), proofs.

A fold, and a pure function over it. What counts as a copy: the site itself, and each medium (or set of discs) that
holds a whole set of it that is not older than `fresh_days` and was not found damaged. An image that is not burnt is
none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from reporting.contract import BackupMeasures
from reporting.events import (
    KIND_BACKUP_COPIED,
    KIND_BACKUP_PRUNED,
    KIND_BACKUP_VERIFIED,
    KIND_DRILL,
    KIND_FINISHED,
    BackupCopied,
    BackupPruned,
    BackupVerified,
    DrillMade,
    ExecutionFinished,
)
from reporting.ledger.model import Event
from reporting.unit import Backups, Medium

KINDS = (KIND_FINISHED, KIND_BACKUP_VERIFIED, KIND_BACKUP_COPIED, KIND_BACKUP_PRUNED, KIND_DRILL)


@dataclass
class KnownSet:
    """One set on one medium. `checks`, `drills`: (when, well?) in their order; the first check is its birth."""

    site: str
    set: str  # the folder's name, with its suffix where it is not whole
    medium: str
    kind: str
    path: str
    made_at: datetime
    whole: bool
    stored_bytes: int
    execution: str
    files: dict[str, str] = field(default_factory=dict)  # name -> SHA-256
    checks: list[tuple[datetime, bool]] = field(default_factory=list)
    drills: list[tuple[datetime, bool]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)  # of the last check
    copies: list[BackupCopied] = field(default_factory=list)
    pruned_at: datetime | None = None

    @property
    def verified_at(self) -> datetime | None:
        """When it was last read back and found whole; None when the last reading found damage."""
        return self.checks[-1][0] if self.checks and self.checks[-1][1] else None

    @property
    def proven_at(self) -> datetime | None:
        """When it was last restored and found equal; None when the last drill failed."""
        return self.drills[-1][0] if self.drills and self.drills[-1][1] else None

    @property
    def usable(self) -> bool:
        """Whole, still there as far as the record goes, and not found damaged."""
        return self.whole and self.pruned_at is None and self.verified_at is not None


@dataclass(frozen=True)
class Copy:
    """One copy of a site on one medium or set of discs: the newest usable set there. `counted`: it is fresh enough."""

    where: str
    kind: str
    off_site: bool
    set: str
    made_at: datetime
    verified_at: datetime | None
    counted: bool


@dataclass(frozen=True)
class Flag:
    """Something that is wrong, in plain words; `code` for programs."""

    code: str
    text: str
    text_id: str


@dataclass(frozen=True)
class Standing:
    """How one site stands. `copies` counts the site itself; `kinds` and `off_site` count its backups."""

    site: str
    places: tuple[Copy, ...]
    copies: int
    kinds: int
    off_site: int
    last_set: KnownSet | None
    verified_at: datetime | None
    proven_at: datetime | None
    verify_due: datetime | None
    drill_due: datetime | None
    flags: tuple[Flag, ...]


def fold_sets(events: Iterable[Event]) -> list[KnownSet]:
    """Every set on record, in the order in which they were made."""
    sets: dict[tuple[str, str, str], KnownSet] = {}
    for event in events:
        if event.kind == KIND_FINISHED:
            _made(event, sets)
        elif event.kind == KIND_BACKUP_VERIFIED:
            _verified(BackupVerified.model_validate(event.data), sets)
        elif event.kind == KIND_BACKUP_COPIED:
            copied = BackupCopied.model_validate(event.data)
            for known in _named(sets, copied.site, copied.set, copied.from_medium):
                known.copies.append(copied)
        elif event.kind == KIND_BACKUP_PRUNED:
            pruned = BackupPruned.model_validate(event.data)
            for gone in pruned.removed:
                for known in _named(sets, gone.site, gone.folder, pruned.medium):
                    known.pruned_at = pruned.at
        elif event.kind == KIND_DRILL:
            _drilled(event.data, sets)
    return list(sets.values())


def _made(event: Event, sets: dict[tuple[str, str, str], KnownSet]) -> None:
    if ((event.data.get("document") or {}).get("measures") or {}).get("kind") != "backup":
        return
    finished = ExecutionFinished.model_validate(event.data)
    measures = finished.document.measures
    if not isinstance(measures, BackupMeasures):
        return
    folder = next((o.path.rpartition("/")[0] for o in finished.document.outputs if o.place == "medium"), "")
    name = folder.rpartition("/")[2] or measures.backup_set
    sets[(event.subject, name, measures.medium)] = KnownSet(
        site=event.subject,
        set=name,
        medium=measures.medium,
        kind=measures.medium_kind,
        path=folder,
        made_at=finished.ended_at,
        whole=not finished.document.output_problems,
        stored_bytes=sum(part.stored_bytes for part in measures.parts),
        execution=finished.execution,
        files={o.path.rpartition("/")[2]: o.sha256 for o in finished.document.outputs if o.place == "medium"},
        checks=[(finished.ended_at, True)],  # a set has its name only once it was read back from the medium
    )


def _verified(event: BackupVerified, sets: dict[tuple[str, str, str], KnownSet]) -> None:
    for known in _named(sets, event.site, event.set, event.medium):
        known.checks.append((event.at, event.ok))
        known.problems = list(event.problems)


def _drilled(data: dict[str, Any], sets: dict[tuple[str, str, str], KnownSet]) -> None:
    drill = DrillMade.model_validate(data)
    if drill.status == "not_proven":  # this machine lacked something: it says nothing about the set
        return
    for known in _named(sets, drill.site, drill.set, drill.medium):
        known.drills.append((drill.ended_at, drill.ok))


def _named(sets: dict[tuple[str, str, str], KnownSet], site: str, name: str, medium: str) -> list[KnownSet]:
    """The set of that name; where the event names no medium, all of that name."""
    return [k for (s, n, m), k in sets.items() if s == site and n == name and (not medium or m == medium)]


def standing(site: str, sets: Iterable[KnownSet], media: Sequence[Medium], rules: Backups, now: datetime) -> Standing:
    """How a site stands as of `now`, by the unit's rules."""
    own = [s for s in sets if s.site == site]
    places = tuple(_places(own, media, rules, now))
    counted = [p for p in places if p.counted]
    whole = [s for s in own if s.usable]
    last = max(whole, key=lambda s: s.made_at, default=None)
    newest = {s.medium: s for s in sorted(whole, key=lambda s: s.made_at)}  # of each medium
    verified = min((s.verified_at for s in newest.values() if s.verified_at), default=None)
    proven = max((s.proven_at for s in own if s.proven_at), default=None)
    found = Standing(
        site=site,
        places=places,
        copies=1 + len(counted),
        kinds=len({p.kind for p in counted}),
        off_site=sum(p.off_site for p in counted),
        last_set=last,
        verified_at=verified,
        proven_at=proven,
        verify_due=verified + timedelta(days=rules.verify_days) if verified else None,
        drill_due=proven + timedelta(days=rules.drill_days) if proven else None,
        flags=(),
    )
    return replace(found, flags=tuple(_flags(found, own, rules, now)))


def _places(own: list[KnownSet], media: Sequence[Medium], rules: Backups, now: datetime) -> Iterable[Copy]:
    away = {m.id for m in media if m.off_site}
    oldest = now - timedelta(days=rules.fresh_days)
    for medium in sorted({s.medium for s in own}):
        usable = [s for s in own if s.medium == medium and s.usable]
        if usable:
            s = max(usable, key=lambda s: s.made_at)
            yield Copy(medium, s.kind, medium in away, s.set, s.made_at, s.verified_at, s.made_at >= oldest)
    burnt = [(s, copy) for s in own if s.whole for copy in s.copies if copy.burnt]
    for s, copy in sorted(burnt, key=lambda pair: pair[1].at):
        volumes = ", ".join(disc.volume for disc in copy.discs) or copy.copy_id
        where = f"{len(copy.discs)} discs ({volumes})" if copy.kind == "optical_disc" else copy.place or copy.copy_id
        yield Copy(where, copy.kind, copy.off_site, s.set, s.made_at, copy.at, s.made_at >= oldest)


def _flags(found: Standing, own: list[KnownSet], rules: Backups, now: datetime) -> Iterable[Flag]:
    for s in own:
        if s.pruned_at is None and s.checks and not s.checks[-1][1]:
            yield Flag(
                "damaged", f"set {s.set} on {s.medium} was found damaged", f"set {s.set} pada {s.medium} ternyata rusak"
            )
    if found.last_set is None:
        yield Flag("no_set", "there is no whole set of it at all", "belum ada set yang utuh sama sekali")
        return
    yield from _too_few(found, rules)
    if found.verify_due is not None and found.verify_due < now:
        days = _days(now, found.verified_at)
        yield Flag(
            "verify_late",
            f"a medium's newest set was last read back {days} days ago (every {rules.verify_days} is asked for)",
            f"set terbaru satu media terakhir dibaca ulang {days} hari lalu (diminta tiap {rules.verify_days} hari)",
        )
    yield from _drill_flags(found, own, rules, now)


def _too_few(found: Standing, rules: Backups) -> Iterable[Flag]:
    for code, have, want, text, text_id in (
        (
            "copies",
            found.copies,
            rules.copies,
            "copies, the site itself counted",
            "salinan, laman itu sendiri terhitung",
        ),
        ("kinds", found.kinds, rules.media_kinds, "kinds of media", "jenis media"),
        ("off_site", found.off_site, rules.off_site, "copies in another place", "salinan di tempat lain"),
    ):
        if have < want:
            yield Flag(f"few_{code}", f"{have} of {want} {text}", f"{have} dari {want} {text_id}")


def _drill_flags(found: Standing, own: list[KnownSet], rules: Backups, now: datetime) -> Iterable[Flag]:
    drills = sorted((at, ok, s.set) for s in own for at, ok in s.drills)
    if drills and not drills[-1][1]:
        yield Flag(
            "drill_failed",
            f"the last restore drill failed (set {drills[-1][2]})",
            f"uji pemulihan terakhir gagal (set {drills[-1][2]})",
        )
    if found.proven_at is None:
        yield Flag(
            "never_proven", "no set of it was ever proven by a restore", "belum pernah dibuktikan dengan pemulihan"
        )
    elif found.drill_due is not None and found.drill_due < now:
        days = _days(now, found.proven_at)
        yield Flag(
            "drill_late",
            f"the last restore was proven {days} days ago (every {rules.drill_days} is asked for)",
            f"pemulihan terakhir dibuktikan {days} hari lalu (diminta tiap {rules.drill_days} hari)",
        )


def _days(now: datetime, then: datetime | None) -> int:
    return (now - then).days if then else 0


__all__ = ["KINDS", "Copy", "Flag", "KnownSet", "Standing", "fold_sets", "standing"]
