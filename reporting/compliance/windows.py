"""The windows of the schedule: what was due when, by the settings in force as each window opened."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from reporting.compliance.fold import Folded, Record, Settings, fold
from reporting.compliance.model import OccasionKey
from reporting.ledger.model import Event
from reporting.unit import Plan
from reporting.worktime import WEEKDAYS, WorkClock

LONGEST = timedelta(days=31)  # no window is longer (reporting.unit.Plan)


@dataclass(frozen=True, slots=True)
class Window:
    """`[opens_at, closes_at)` in which an activity is due on a site. `obligatory`: the settings planned it in time."""

    key: OccasionKey
    closes_at: datetime
    obligatory: bool


def windows(folded: Folded, start: datetime, end: datetime) -> list[Window]:
    """All windows that open in `[start, end)`, in order.

    A window is planned by the settings in force as it opens, and stays due when they change while it is open. One that
    had opened before the settings that plan it came into force is not obligatory: it can be filled, not missed. Two
    plans of one activity and site that open at the same instant are one window: the one that closes first counts.
    """
    found: dict[OccasionKey, Window] = {}
    replaced = end  # when the settings at hand were replaced by later ones
    for settings in reversed(folded.settings):
        for window in _planned(settings, max(start, settings.at - LONGEST), replaced):
            in_time = window.key.opens_at >= settings.at
            if in_time or window.closes_at > settings.at:
                _keep(found, Window(window.key, window.closes_at, in_time))
        replaced = min(replaced, settings.at)
    return sorted(found.values(), key=lambda w: (w.key.opens_at, w.key.activity, w.key.site))


def upcoming(events: Iterable[Event], start: datetime, end: datetime) -> list[Window]:
    """What the settings on record plan to open in `[start, end)`; for saying what comes, not for judging."""
    return windows(fold(events, start - LONGEST, end), start, end)


def _keep(found: dict[OccasionKey, Window], window: Window) -> None:
    known = found.get(window.key)
    if known is None or (not window.obligatory, window.closes_at) < (not known.obligatory, known.closes_at):
        found[window.key] = window


def _planned(settings: Settings, start: datetime, end: datetime) -> Iterator[Window]:
    tz = settings.snapshot.unit.tz
    first, last = start.astimezone(tz).date(), end.astimezone(tz).date()
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    for plan in settings.snapshot.unit.schedule:
        sites = settings.snapshot.sites if plan.sites == "all" else plan.sites
        for day in days:
            if not is_due(plan, day, settings.clock):
                continue
            opens = datetime.combine(day, plan.start, tz)
            if start <= opens < end:  # local arithmetic: 24 hours from midnight are the next midnight, DST or not
                closes = opens + timedelta(hours=plan.hours)
                yield from (Window(OccasionKey(plan.activity, site, opens), closes, True) for site in sites)


def is_due(plan: Plan, day: date, clock: WorkClock) -> bool:
    """Whether a plan opens a window on that local day."""
    if plan.every == "workday":
        return clock.is_workday(day)
    if plan.every == "week":
        return plan.day == WEEKDAYS[day.weekday()]
    return plan.every == "day" or plan.day == day.day


@dataclass(frozen=True, slots=True)
class Assignment:
    """Which attempts lie in which window, in order of attempt; ad-hoc ones in none.

    `inside`: every attempt whose start lies in the window. `counted`: the one window in which an attempt is numbered
    and has to be reviewed; the two differ only where windows overlap (several plans, a schedule that changed).
    """

    inside: dict[OccasionKey, list[Record]]
    counted: dict[OccasionKey, list[Record]]


def assign(all_windows: Sequence[Window], records: Sequence[Record]) -> Assignment:
    """Put attempts into the windows of their activity and site.

    A start at `closes_at` lies outside. What was done is done: an attempt fills every window that it lies in. It counts
    as an attempt of the obligatory one first, then of the one that closes first, then of the one that opened first.
    """
    by_subject: dict[tuple[int, str], list[Window]] = {}
    for window in all_windows:
        by_subject.setdefault((window.key.activity, window.key.site), []).append(window)
    longest = {subject: max(w.closes_at - w.key.opens_at for w in found) for subject, found in by_subject.items()}
    assignment = Assignment({}, {})
    for record in sorted(records, key=lambda r: r.order):
        subject = (record.started.activity, record.site)
        if record.started.ad_hoc or subject not in by_subject:
            continue
        holding = _containing(by_subject[subject], longest[subject], record.started.started_at)
        for window in holding:
            assignment.inside.setdefault(window.key, []).append(record)
        for window in holding[:1]:
            assignment.counted.setdefault(window.key, []).append(record)
    return assignment


def _containing(candidates: list[Window], longest: timedelta, moment: datetime) -> list[Window]:
    """The windows that an instant lies in; only those that opened within the `longest` of them can still be open."""
    opened = bisect_right(candidates, moment, key=_opens_at)
    first = bisect_right(candidates, moment - longest - timedelta(days=1), key=_opens_at)  # a day: summer time
    inside = [w for w in candidates[first:opened] if moment < w.closes_at]
    return sorted(inside, key=lambda w: (not w.obligatory, w.closes_at, w.key.opens_at))


def _opens_at(window: Window) -> datetime:
    return window.key.opens_at
