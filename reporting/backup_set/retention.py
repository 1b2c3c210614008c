"""Retention: which sets of a medium may go. A pure function; `removal` carries it out.

Of each site and medium the newest whole set of each of the last days, weeks, months and years that have one stays
(periods without a set are not counted: a machine that slept for a month loses nothing by it). Whatever the rules say,
these stay: the newest verified and the newest proven set of a site on that medium, a site's newest proven set anywhere
(one that was found damaged since counts as neither), and every set dated later than now (the clock was wrong once, now
or then).
Sets that are not whole (incomplete, damaged, unfinished) go by their age, and only when a newer verified set is there;
an unfinished one has nothing to lose and goes by its age alone. So does an undo set, the state of a site that somebody
restored: it never counts as the newest of its day, or it would push out the good set that the site came back from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

State = Literal["whole", "incomplete", "damaged", "unfinished", "undo"]
LAST_VERIFIED = "the last verified set"  # a reason to keep: all that goes is let go in reliance on it


@dataclass(frozen=True)
class Held:
    """A set on a medium. `verified`: its last reading back was good; `proven`: it was restored and found equal."""

    site: str
    medium: str
    name: str  # the folder's name on the medium
    at: datetime
    state: State = "whole"
    verified: bool = True
    proven: bool = False
    stored_bytes: int = 0


@dataclass(frozen=True)
class Rules:
    """Of how many days, weeks, months, years with sets the newest stays; how many days what is not whole stays."""

    daily: int = 7
    weekly: int = 5
    monthly: int = 12
    yearly: int = 5
    sweep_days: int = 30

    def text(self) -> str:
        """The rules in one line, as they are recorded."""
        return (
            f"daily {self.daily}, weekly {self.weekly}, monthly {self.monthly}, yearly {self.yearly}; "
            f"not whole: {self.sweep_days} days"
        )


@dataclass(frozen=True)
class Fate:
    """What becomes of one set, and why in a few words."""

    held: Held
    keep: bool
    reason: str


_PERIODS: tuple[tuple[str, Callable[[date], tuple[int, ...]]], ...] = (
    ("daily", lambda day: (day.year, day.month, day.day)),
    ("weekly", lambda day: day.isocalendar()[:2]),
    ("monthly", lambda day: (day.year, day.month)),
    ("yearly", lambda day: (day.year,)),
)


def plan(sets: Iterable[Held], now: datetime, rules_of: Callable[[str], Rules], zone: ZoneInfo) -> list[Fate]:
    """What retention would do to these sets: one fate each, oldest first within a site and medium.

    `sets` are all that are known of, on all media. `rules_of` gives a medium's rules; `zone`: whose days they are.
    """
    everything = sorted(sets, key=lambda s: (s.site, s.medium, s.at, s.name))
    fates: list[Fate] = []
    for site, medium in sorted({(s.site, s.medium) for s in everything}):
        here = [s for s in everything if (s.site, s.medium) == (site, medium)]
        proven = _newest(s for s in everything if s.site == site and _still_proven(s) and s.at <= now)
        fates += _one_medium(here, proven, now, rules_of(medium), zone)
    return fates


def _one_medium(here: Sequence[Held], proven: Held | None, now: datetime, rules: Rules, zone: ZoneInfo) -> list[Fate]:
    good = [s for s in here if s.state == "whole" and s.verified and s.at <= now]
    last_good = _newest(good)
    kept: dict[Held, list[str]] = {s: [] for s in here}
    for wanted, why in (
        (last_good, LAST_VERIFIED),
        (_newest(s for s in good if s.proven), "the last proven set on this medium"),
        (proven if proven in kept else None, "the last proven set of the site"),
    ):
        if wanted is not None:
            kept[wanted].append(why)
    for name, period in _PERIODS:
        for held in _newest_of_each(good, period, getattr(rules, name), zone):
            kept[held].append(name)
    return [_fate(held, kept[held], last_good, now, rules) for held in here]


def _fate(held: Held, reasons: list[str], last_good: Held | None, now: datetime, rules: Rules) -> Fate:
    if held.at > now:
        return Fate(held, True, "dated later than now: look at the clock")
    if reasons:
        return Fate(held, True, ", ".join(reasons))
    if held.state == "whole" and held.verified:
        return Fate(held, False, "no rule asks for it")
    word = held.state if held.state != "whole" else "damaged"
    if now - held.at < timedelta(days=rules.sweep_days):
        return Fate(held, True, f"{word}, younger than {rules.sweep_days} days")
    if word not in ("unfinished", "undo") and (last_good is None or last_good.at < held.at):
        return Fate(held, True, f"{word}, but no newer verified set is there")
    return Fate(held, False, f"{word}, older than {rules.sweep_days} days")


def _still_proven(held: Held) -> bool:
    """A proof is of no worth once the set was found damaged."""
    return held.proven and held.verified and held.state != "damaged"


def _newest(sets: Iterable[Held]) -> Held | None:
    return max(sets, key=lambda s: (s.at, s.name), default=None)


def _newest_of_each(
    sets: Sequence[Held], period: Callable[[date], tuple[int, ...]], count: int, zone: ZoneInfo
) -> list[Held]:
    newest: dict[tuple[int, ...], Held] = {}
    for held in sorted(sets, key=lambda s: (s.at, s.name), reverse=True):
        newest.setdefault(tuple(period(held.at.astimezone(zone).date())), held)
    return list(newest.values())[:count]


__all__ = ["LAST_VERIFIED", "Fate", "Held", "Rules", "State", "plan"]
