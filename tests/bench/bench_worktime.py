"""The working-minutes clock side by side with a loop over minutes and, where it is installed, businesstimedelta.

Run: python -m tests.bench.bench_worktime [--seconds 2]. Prints intervals per second and the ratios; every engine must
give the golden answers on the intervals that it is timed with, or the bench fails (exit 1).
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from reporting.worktime import WEEKDAYS, CalendarSettings, WorkClock
from tests.unit.test_worktime import golden_calendar, golden_rows, local, loop

Engine = Callable[[datetime, datetime], float]
Case = tuple[datetime, datetime, int]


def cases() -> list[Case]:
    """The golden intervals: start, end, working minutes."""
    return [(local(r["start"]), local(r["end"]), int(r["working_minutes"])) for r in golden_rows()]


def businesstimedelta_engine(calendar: CalendarSettings) -> Engine | None:
    """The same calendar in businesstimedelta, without Ramadan (it has one pattern a weekday); None if not installed."""
    try:
        peer = importlib.import_module("businesstimedelta")
        zone = importlib.import_module("pytz").timezone(calendar.zone)  # it knows pytz's zones only
    except ModuleNotFoundError:
        return None
    rules = [peer.HolidayRule(dict.fromkeys(calendar.not_worked, "off"), tz=zone)]
    for number, name in enumerate(WEEKDAYS):
        hours = getattr(calendar.week, name)
        if hours is not None:
            day = {"working_days": [number], "tz": zone}
            rules.append(peer.WorkDayRule(start_time=hours.start, end_time=hours.end, **day))
            rules += [peer.LunchTimeRule(start_time=begin, end_time=end, **day) for begin, end in hours.breaks]
    business = peer.Rules(rules)

    def minutes(start: datetime, end: datetime) -> float:
        found = business.difference(start, end)
        return float(found.hours * 60 + found.seconds / 60)

    return minutes


def rate(engine: Engine, todo: list[Case], seconds: float) -> float:
    """Intervals per second over at least `seconds`; raises AssertionError on the first wrong answer."""
    done, began = 0, time.perf_counter()
    while (passed := time.perf_counter() - began) < seconds:
        start, end, expected = todo[done % len(todo)]
        found = engine(start, end)
        if found != expected:
            raise AssertionError(f"{start} – {end}: {found} instead of {expected}")
        done += 1
    return done / passed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.0, help="how long each engine is timed")
    seconds = parser.parse_args().seconds
    calendar, todo = golden_calendar(), cases()
    ours = rate(WorkClock(calendar).minutes, todo, seconds)
    print(f"WorkClock            {ours:12,.0f} intervals/s")
    slow = rate(lambda start, end: loop(calendar, start, end), todo, seconds)
    print(f"loop over minutes    {slow:12,.1f} intervals/s   WorkClock is {ours / slow:,.0f}x")
    peer = businesstimedelta_engine(calendar)
    if peer is None:
        print("businesstimedelta    not installed (pip install businesstimedelta): not compared")
    else:
        normal = [c for c in todo if not _touches_ramadan(calendar, c)]
        other = rate(peer, normal, seconds)
        print(f"businesstimedelta    {other:12,.1f} intervals/s   WorkClock is {ours / other:,.0f}x")
    return 0


def _touches_ramadan(calendar: CalendarSettings, case: Case) -> bool:
    ramadan = calendar.special[0]
    return case[0].date() <= ramadan.last and case[1].date() >= ramadan.first - timedelta(days=1)


if __name__ == "__main__":
    sys.exit(main())
