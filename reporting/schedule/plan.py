"""The unit's plan in words, what it opens next, and where it contradicts itself. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from reporting.compliance.windows import is_due
from reporting.unit import Plan, Unit
from reporting.worktime import WorkClock

_YEAR = 366  # days that are looked at for overlaps: every month day, weekday and public holiday comes


@dataclass(frozen=True, slots=True)
class Opening:
    """One window that a line of the plan opens on a site; `line`: its number in laman_unit.schedule, from 0."""

    opens_at: datetime
    closes_at: datetime
    activity: int
    site: str
    line: int


def plan_words(plan: Plan, names: dict[int, str]) -> str:
    """A line of the plan as a sentence. `names`: the activities by number."""
    when = {
        "day": "every day",
        "workday": "every working day",
        "week": f"every week on {plan.day}",
        "month": f"every month on day {plan.day}",
    }[plan.every]
    sites = "all sites" if plan.sites == "all" else ", ".join(plan.sites)
    return f"{names[plan.activity]}: {when} from {plan.start:%H:%M}, open for {plan.hours} h, {sites}"


def openings(unit: Unit, sites: Sequence[str], start: datetime, days: int) -> list[Opening]:
    """What the plan opens in so many local days from `start` (aware) on, in order."""
    return sorted(_openings(unit, sites, start, days), key=lambda o: (o.opens_at, o.activity, o.site, o.line))


def _openings(unit: Unit, sites: Sequence[str], start: datetime, days: int) -> Iterator[Opening]:
    clock, first = WorkClock(unit.calendar), start.astimezone(unit.tz).date()
    for day in (first + timedelta(days=n) for n in range(days + 1)):
        for line, plan in enumerate(unit.schedule):
            if not is_due(plan, day, clock):
                continue
            opens = datetime.combine(day, plan.start, unit.tz)
            if start <= opens < start + timedelta(days=days):
                closes = opens + timedelta(hours=plan.hours)
                for site in sites if plan.sites == "all" else plan.sites:
                    yield Opening(opens, closes, plan.activity, site, line)


def doubts(unit: Unit, sites: Sequence[str], start: datetime) -> list[str]:
    """What the plan says and can hardly mean, a line each: windows that overlap, lines that never open.

    What contradicts itself outright is refused when the settings are read (reporting.unit); this is only told, because
    windows that overlap are judged all the same: one run fills both.
    """
    found = openings(unit, sites, start, _YEAR)
    opened = {o.line for o in found}
    said = [
        f"laman_unit.schedule.{line}: it opens no window in the next year"
        for line in range(len(unit.schedule))
        if line not in opened
    ]
    told: set[tuple[int, int]] = set()
    by_subject: dict[tuple[int, str], list[Opening]] = {}
    for opening in found:
        by_subject.setdefault((opening.activity, opening.site), []).append(opening)
    for theirs in by_subject.values():
        for first, second in pairwise(theirs):
            lines = (min(first.line, second.line), max(first.line, second.line))
            if second.opens_at < first.closes_at and lines not in told and first.line != second.line:
                told.add(lines)
                said.append(
                    f"laman_unit.schedule.{lines[0]} and .{lines[1]} overlap for activity {first.activity} of "
                    f"{first.site}, first on {second.opens_at:%Y-%m-%d %H:%M}: one run fills both windows"
                )
    return said
