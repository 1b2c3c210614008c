"""The clocks of people's steps: gross, net, waiting; weekends, breaks, Ramadan."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting.renewal.commands import take
from reporting.renewal.submit import AskedLine
from reporting.renewal.timing import open_step, timings
from reporting.worktime import CalendarSettings, WorkClock
from tests.unit.renewal.world import RAMADAN, WIB, World, at, invoice

CLOCK = WorkClock(CalendarSettings.model_validate({"special": [RAMADAN]}))  # with Indonesia's holidays
MINUTES = {4: 30, 5: 30, 6: 450, 7: 300}


def test_900_minutes_from_a_thursday_in_ramadan() -> None:
    """Thu 14:00-15:00 = 60, Fri 8:00-15:30 less 60 = 390, Mon 8:00-15:00 less 30 = 390, Tue 8:00-9:00 = 60."""
    start, end = at("2026-03-12 14:00"), at("2026-03-17 09:00")
    assert CLOCK.deadline(start, 900) == end
    assert CLOCK.minutes(start, end) == 900


def test_a_payment_over_a_weekend_in_ramadan() -> None:
    world = World()
    world.submit("2026-03-12 13:40", invoice(received=at("2026-03-12 13:30")))
    world.do("approve", "2026-03-12 14:00")
    found = open_step(world.case(), CLOCK, at("2026-03-14 12:00"), MINUTES)
    assert found is not None
    # 450 minutes: Thu 60 + Fri 390 = the end of Friday's hours; on Saturday noon they are just used up
    assert (found.name, found.activity, found.minutes, found.due_at) == ("pay", 6, 450.0, at("2026-03-13 15:30"))
    world.now = at("2026-03-16 08:30")
    world.record([take(world.known, "P-2026-001", None)[0]])
    world.do("pay", "2026-03-16 09:00")
    paid = timings(world.case(), CLOCK)[-1]
    assert (paid.gross, paid.waiting, paid.net, paid.on_paper) == (510.0, 480.0, 30.0, False)
    judged = world.last()
    assert (judged.minutes, judged.minutes_gross, judged.minutes_net, judged.verdict.status) == (
        510.0, 510.0, 30.0, "menyimpang",
    )  # fmt: skip
    assert judged.standard_minutes == 450


def test_a_cancelled_step_has_no_minutes_and_a_closed_case_waits_for_nothing() -> None:
    world = World()
    world.submit()
    case = world.do("cancel", note="batal")
    assert [t.step.name for t in timings(case, CLOCK)] == ["submit"]
    assert open_step(case, CLOCK, world.now, MINUTES) is None


def test_who_it_waits_for_is_a_setting() -> None:
    world = World()
    found = open_step(world.submit(), CLOCK, world.now, MINUTES, {5: "kasubag_umum"})
    assert found is not None
    assert (found.name, found.role) == ("approve", "kasubag_umum")


def test_two_people_wait_apart() -> None:
    """Each step's own waiting: the sum of gross minutes is the case's working time from invoice to report."""
    world = World()
    world.submit("2026-03-23 08:10", invoice(received=at("2026-03-23 08:00")))
    world.do("approve", "2026-03-23 11:00")
    world.do("pay", "2026-03-24 10:00")
    world.report("2026-03-25 08:00")
    found = timings(world.case(), CLOCK)
    assert sum(t.gross for t in found) == CLOCK.minutes(at("2026-03-23 08:00"), at("2026-03-25 08:00"))


MOMENTS = st.integers(0, 60 * 24 * 60).map(lambda m: at("2026-02-01 00:00") + timedelta(minutes=m))


@given(st.lists(MOMENTS, min_size=4, max_size=4, unique=True).map(sorted))
def test_gross_is_waiting_and_net(moments: list[datetime]) -> None:
    received, submitted, taken, approved = moments
    world = World(now=submitted)
    bill = invoice(issued=received.astimezone(WIB).date(), received=received, due=None, lines=(AskedLine("domain"),))
    world.submit(bill=bill)
    world.now = taken
    world.record([take(world.known, "P-2026-001", None)[0]])
    world.now = approved
    world.do("approve")
    clock = WorkClock(world.unit.calendar)
    step = timings(world.case(), clock)[-1]
    assert step.waiting is not None
    assert step.net is not None
    assert step.gross == pytest.approx(step.waiting + step.net)
    assert 0 <= step.net <= step.gross
    judged = world.last()
    assert (judged.minutes_gross, judged.minutes_net) == (step.gross, step.net)
