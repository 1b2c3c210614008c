"""Minutes of a ticket: gross, net, per route; against a count of every single minute."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reporting.troubleshooting.asked import Refused
from reporting.troubleshooting.model import ROUTES
from reporting.troubleshooting.timing import RulesInForce
from reporting.worktime import DayHours, WorkClock
from tests.unit.troubleshooting.world import World, at, unit

MINUTE = timedelta(minutes=1)


def test_pauses_and_routes_partition_the_whole() -> None:
    world = World()
    world.open("2026-04-14 08:00")
    world.do("take", "2026-04-14 08:30")
    world.do("pause", "2026-04-14 09:00")
    world.do("resume", "2026-04-14 10:00")
    world.do("route", "2026-04-14 11:00")
    world.do("pause", "2026-04-14 11:30")
    world.do("resume", "2026-04-14 13:30")  # lunch from 12 to 13
    world.do("solve", "2026-04-14 15:00")
    timing = world.timing(moment=at("2026-05-01 08:00"))
    assert (timing.gross, timing.net, timing.paused, timing.stood_solved) == (360.0, 240.0, 120.0, 0.0)
    assert {r: (m.gross, m.net, m.paused) for r, m in timing.routes.items()} == {
        "mandiri": (180.0, 120.0, 60.0),
        "pihak_ketiga": (180.0, 120.0, 60.0),
    }
    assert (timing.response, timing.response_due_at) == (30.0, at("2026-04-14 09:00"))
    assert (timing.due_at, timing.over) == (at("2026-04-16 08:00"), False)


def test_reopening_goes_on_with_the_same_clock() -> None:
    world = World()
    world.open("2026-04-14 08:00")
    world.do("take", "2026-04-14 08:00")
    world.do("solve", "2026-04-14 10:00")
    world.do("reopen", "2026-04-15 09:00")
    world.do("solve", "2026-04-15 10:00")
    timing = world.timing()
    assert (timing.gross, timing.net, timing.stood_solved) == (570.0, 180.0, 390.0)
    first, second = world.executions()
    assert [(e.minutes, e.attempt, e.judges) for e in (first, second)] == [(120.0, 1, False), (570.0, 2, True)]
    assert first.started_at == second.started_at == at("2026-04-14 08:00")


def test_exactly_900_minutes_keep_the_standard_and_a_microsecond_more_does_not() -> None:
    world = World()
    world.open("2026-04-14 07:30")
    world.do("take")
    assert world.timing().due_at == at("2026-04-15 16:00")
    world.now = at("2026-04-15 16:00")
    assert not world.timing().over
    world.now = at("2026-04-16 07:30") + timedelta(microseconds=1)
    assert world.timing().over
    world.do("solve")
    (execution,) = world.executions()
    assert (execution.time.status, execution.verdict.status) == ("menyimpang", "menyimpang")


def test_a_ticket_of_ramadan_is_measured_by_ramadan() -> None:
    world = World()
    world.open("2026-03-12 14:00")  # Thursday: 60 minutes left, Friday 390, the weekend, Monday and Tuesday 390
    assert world.timing().due_at == at("2026-03-17 09:00")


def test_a_later_calendar_re_measures_no_old_ticket() -> None:
    """A pause, a deadline and a verdict are all on the calendar of the day of the report."""
    world = World()
    world.open("2026-04-14 08:00")
    before = world.timing(moment=at("2026-04-20 10:00"))
    world.set(unit(calendar={"holidays": "none", "not_worked": ["2026-04-15", "2026-04-16"]}), at("2026-04-14 12:00"))
    assert world.timing(moment=at("2026-04-20 10:00")) == before
    world.now = at("2026-04-17 09:00")
    world.open(title="masalah lain")
    assert RulesInForce(world.events).at(at("2026-04-14 08:00")).clock is not None
    assert world.timing("T-2026-002", at("2026-04-17 10:00")).gross == 60.0


def test_from_taken_is_respected_as_for_renewals() -> None:
    world = World(unit(human_clock="from_taken"))
    world.open("2026-04-14 08:00")
    world.do("take", "2026-04-15 08:00")
    assert world.timing().due_at == at("2026-04-17 08:00")
    world.do("solve", "2026-04-16 16:00")
    timing = world.timing()
    (execution,) = world.executions()
    assert (timing.gross, timing.over, execution.minutes, execution.verdict.status) == (1320.0, False, 870.0, "sesuai")
    assert "since work was begun" in execution.time.reason


def by_the_minute(world: World, now: datetime) -> dict[str, dict[str, int]]:
    """Every minute from the report on, one by one: which route, and whether it was paused or taken for solved."""
    ticket = world.ticket()
    clock = WorkClock(world.unit.calendar)
    steps = [s for s in ticket.steps if s.name in ("route", "pause", "resume", "solve", "reopen", "take")]
    end = steps[-1].done_at if ticket.state == "solved" else now
    found: dict[str, dict[str, int]] = {}
    moment, index = ticket.reported_at, 0
    route, mode = str(ticket.first_route), "net"
    days: dict[date, DayHours | None] = {}
    while moment < end:
        while index < len(steps) and steps[index].done_at <= moment:
            step, index = steps[index], index + 1
            route = str(step.route) if step.name == "route" else route
            mode = {"pause": "paused", "solve": "stood_solved"}.get(step.name, "net")
        if moment.date() not in days:
            days[moment.date()] = clock.hours(moment.date())
        hours = days[moment.date()]
        t = moment.time()
        if hours and hours.start <= t < hours.end and not any(b <= t < e for b, e in hours.breaks):
            spent = found.setdefault(route, {"net": 0, "paused": 0, "stood_solved": 0})
            spent[mode] += 1
        moment += MINUTE
    return found


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["take", "route", "pause", "resume", "solve", "reopen", "note"]),
        st.integers(0, 2_000),
        st.sampled_from(ROUTES),
    ),
    max_size=12,
)


@settings(deadline=None, max_examples=60)
@given(STEPS, st.integers(0, 3_000))
def test_any_ticket_equals_a_count_of_its_minutes(steps: list[Any], rest: int) -> None:
    world = World()
    world.open("2026-04-10 15:00")
    for name, minutes, route in steps:
        world.now += minutes * MINUTE
        more = {"route": route, "party": "x"} if name == "route" else {}
        try:
            world.do(name, **more)
        except Refused:
            continue
    now = world.now + rest * MINUTE
    timing, expected = world.timing(moment=now), by_the_minute(world, now)
    assert {r: (m.net, m.paused, m.stood_solved) for r, m in timing.routes.items() if m.gross} == {
        r: (m["net"], m["paused"], m["stood_solved"]) for r, m in expected.items()
    }
    assert timing.gross == sum(m.gross for m in timing.routes.values())
    assert timing.gross == pytest.approx(timing.net + timing.paused + timing.stood_solved)


def test_microseconds_are_not_lost() -> None:
    world = World()
    world.open("2026-04-14 08:00")
    world.do("take")
    for n in range(60):
        world.now += timedelta(seconds=7, microseconds=333_337)
        world.do("resume" if n % 2 else "pause")
    timing = world.timing()
    clock = WorkClock(world.unit.calendar)
    assert timing.gross == clock.minutes(world.ticket().reported_at, world.now)
    assert sum(m.gross for m in timing.routes.values()) == timing.gross
