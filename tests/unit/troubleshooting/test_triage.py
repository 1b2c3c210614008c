"""Findings become tickets: one a fingerprint and site, a storm a handful, each execution once."""

from __future__ import annotations

import pytest

from reporting.contract import MAX_FINDINGS
from reporting.events import KIND_SETTINGS, KIND_TRIAGED, FindingsTriaged
from reporting.troubleshooting.stats import repeats
from reporting.troubleshooting.triage import pending
from tests.unit.troubleshooting.world import World, at, finding, unit


@pytest.fixture
def world() -> World:
    return World(unit(language="en"))


def triaged(world: World) -> list[FindingsTriaged]:
    return [FindingsTriaged.model_validate(e.data) for e in world.events if e.kind == KIND_TRIAGED]


def test_a_finding_opens_a_ticket_and_is_counted_while_it_is_open(world: World) -> None:
    world.ran("e1", [finding(1, count=40), finding(2, "medium"), finding(3, "info")])
    done = world.triage()
    assert (done.opened, done.seen) == (["T-2026-001"], [])
    ticket = world.ticket()
    assert (ticket.source, ticket.title, ticket.site, ticket.found_by, ticket.executor.id, ticket.occurrences) == (
        "finding", "attack 1", "www", "e1", "budi", 40,
    )  # fmt: skip
    assert ticket.reported_at == world.now
    assert [(t.opened, t.seen, t.below) for t in triaged(world)] == [(["T-2026-001"], [], 2)]
    world.now = at("2026-04-15 08:00")
    world.ran("e2", [finding(1, count=2)])
    assert (world.triage().seen, world.ticket().occurrences, len(world.tickets)) == (["T-2026-001"], 42, 1)


def test_an_execution_is_looked_at_once(world: World) -> None:
    world.ran("e1", [finding(1)])
    world.triage()
    before = list(world.events)
    assert world.triage().drafts == []
    assert world.events == before


def test_another_site_is_another_problem(world: World) -> None:
    world.ran("e1", [finding(1)])
    world.ran("e2", [finding(1)], site="ppid")
    assert world.triage().opened == ["T-2026-001", "T-2026-002"]


def test_a_problem_that_returns_is_a_new_ticket_that_names_the_old_one(world: World) -> None:
    world.ran("e1", [finding(1)])
    world.triage()
    world.do("take")
    world.do("solve", "2026-04-14 10:00")
    world.now = at("2026-04-20 10:00")
    world.ran("e2", [finding(1)])
    assert world.triage().opened == ["T-2026-002"]
    assert world.ticket("T-2026-002").similar == ("T-2026-001",)
    assert world.ticket("T-2026-001").state == "solved"
    (back,) = repeats(world.tickets.values())
    assert (back.tickets, back.occurrences) == (("T-2026-001", "T-2026-002"), 2)


def test_a_storm_of_ten_thousand_is_a_handful(world: World) -> None:
    """A document lists 200 of them at most, of 40 kinds here, and counts the rest."""
    storm = [finding(n, "critical" if n % 50 == 0 else "high", kind=f"attack_{n % 40}") for n in range(MAX_FINDINGS)]
    world.ran("e1", storm, total=10_000)
    done = world.triage()
    assert len(done.opened) == 11  # the five worst, five kinds, and all that is left
    titles = [world.ticket(t).title for t in done.opened]
    assert titles[:4] == ["attack 0", "attack 50", "attack 100", "attack 150"]
    assert titles[-1].endswith("other findings at once (35 kinds)")
    assert "9800 more were only counted" in world.ticket(done.opened[-1]).problem
    assert sum(world.ticket(t).occurrences for t in done.opened) == MAX_FINDINGS
    for night in range(30):  # it goes on for a month
        world.now = at(f"2026-04-{night % 15 + 14} 23:{night:02d}")
        again = [finding(1_000 * night + n, kind=f"attack_{n % 40}") for n in range(MAX_FINDINGS)]
        world.ran(f"n{night}", again, total=10_000)
        world.triage()
    assert len(world.tickets) == 11 + 7 * 10  # until each of the 40 kinds has a ticket that counts it


def test_a_storm_of_one_kind_stays_one_ticket_more_however_long_it_goes_on(world: World) -> None:
    for night in range(30):
        world.ran(f"n{night}", [finding(1_000 * night + n) for n in range(MAX_FINDINGS)], total=10_000)
        world.triage()
    assert len(world.tickets) == 6
    gathered = world.ticket("T-2026-006")
    assert gathered.title == "195 findings of SQL injection at once"
    assert gathered.occurrences == 195 + 29 * MAX_FINDINGS


def test_the_same_finding_ten_thousand_times_is_one_ticket(world: World) -> None:
    world.ran("e1", [finding(1, count=10_000)])
    assert (world.triage().opened, world.ticket().occurrences) == (["T-2026-001"], 10_000)


def test_the_threshold_is_a_setting() -> None:
    world = World(unit(tickets={"open_from": "medium"}))
    world.ran("e1", [finding(1, "medium"), finding(2, "low")])
    assert len(world.triage().opened) == 1
    silent = World(unit(tickets={"open_from": "never"}))
    silent.ran("e1", [finding(1, "critical")])
    assert silent.triage().opened == []
    silent.set(unit())
    assert pending(silent.events) == []  # what was looked at once opens nothing later


def test_what_was_found_before_there_were_tickets_opens_none(world: World) -> None:
    """The record of an agency that goes on with a new version is not turned into a heap of late tickets."""
    old = {**world.events[0].data, "unit": {k: v for k, v in world.events[0].data["unit"].items() if k != "tickets"}}
    world.events[0] = type(world.events[0])(
        1, "e1", world.events[0].at, "uji", "test", KIND_SETTINGS, "uji", old, "", ""
    )
    world.ran("old", [finding(1)])
    assert pending(world.events) == []
    world.set(world.unit)
    world.ran("new", [finding(1)])
    assert [r.execution for r in pending(world.events)] == ["new"]


def test_nobody_in_the_role_today_leaves_it_to_whoever_ran() -> None:
    world = World(unit(assignment={8: "pengelola_laman"}))
    world.ran("e1", [finding(1)])
    world.triage()
    assert world.ticket().executor.id == "citra"


def test_management_reads_indonesian() -> None:
    world = World()
    world.ran("e1", [finding(n) for n in range(20)], total=50)
    opened = world.triage().opened
    assert world.ticket(opened[0]).title == "serangan 0"
    assert world.ticket(opened[-1]).title == "15 temuan injeksi SQL sekaligus"
    assert "30 lagi hanya dihitung" in world.ticket(opened[-1]).problem
