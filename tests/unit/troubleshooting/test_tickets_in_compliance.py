"""A ticket in the compliance of its period: before it is solved, after, and when it comes back."""

from __future__ import annotations

import pytest

from reporting.compliance.closing import figures_hash, still_waiting
from reporting.events import KIND_DIAGNOSIS, DiagnosisMade
from reporting.ledger.model import Draft
from reporting.troubleshooting.fold import TicketError, fold
from tests.unit.renewal.world import KEYBOARD
from tests.unit.troubleshooting.world import World, at, unit


@pytest.fixture
def world() -> World:
    return World()


def test_an_open_ticket_counts_in_the_period_that_goes_on_and_in_no_past_one(world: World) -> None:
    world.open("2026-04-29 08:00")
    (execution,) = world.executions(period="2026-04")
    assert (execution.status, execution.verdict.status, execution.minutes, execution.goes_on) == (
        "running", "menunggu", None, True,
    )  # fmt: skip
    assert execution.time.reason == "0.0 min (working minutes) so far, at most 900 min"
    world.now = at("2026-05-20 08:00")
    assert world.executions(period="2026-04") == []
    assert len(world.executions(period="2026-05")) == 1
    world.do("take")
    world.do("solve")
    assert world.executions(period="2026-04") == []
    (execution,) = world.executions(period="2026-05")
    assert (execution.verdict.status, execution.goes_on) == ("menyimpang", False)


def test_its_time_deviates_the_moment_its_minutes_are_used_up_and_stays_the_same_deviation(world: World) -> None:
    world.open("2026-04-14 07:30")
    world.now = at("2026-04-15 16:00")
    assert world.judge().deviations == ()
    world.now = at("2026-04-16 10:00")
    (deviation,) = world.judge().deviations
    assert (deviation.aspect, deviation.activity, deviation.site) == ("waktu", 8, "T-2026-001")
    assert deviation.at == at("2026-04-15 16:00")
    assert world.judge().execution(deviation.execution or "").output.reason == "none yet"  # type: ignore[union-attr]
    world.do("take")
    world.do("solve", "2026-04-20 10:00")
    (solved,) = world.judge().deviations
    assert (solved.id, solved.at) == (deviation.id, deviation.at)


def test_management_reads_why_in_indonesian(world: World) -> None:
    world.open()
    (execution,) = [e for e in world.judge(lang="id").executions if e.site == "T-2026-001"]
    assert execution.verdict.reason == (
        "perlengkapan: masih dikerjakan; waktu: 0,0 menit (menit kerja) sampai sekarang, paling lama 900 menit; "
        "output: belum ada"
    )


def test_a_pause_does_not_stop_the_verdict(world: World) -> None:
    world.open("2026-04-14 08:00")
    world.do("take", "2026-04-14 08:00")
    world.do("pause", "2026-04-14 08:10")
    world.do("resume", "2026-04-20 08:10")
    world.do("solve", "2026-04-20 08:20")
    assert world.timing().net == 20.0
    assert world.timing().over
    (execution,) = world.executions()
    assert (execution.verdict.status, execution.minutes_net) == ("menyimpang", None)


def test_an_open_ticket_keeps_no_period_open(world: World) -> None:
    world.open()
    assert still_waiting(world.judge()) == []


def test_what_happens_to_a_ticket_later_alters_no_evaluation_of_before(world: World) -> None:
    world.open("2026-04-14 08:00")
    world.do("take")
    world.do("solve", "2026-04-14 10:00")
    world.open(title="lain")
    counted = list(world.events)
    before = figures_hash(world.judge("2026-04"))
    moment = world.now
    world.do("reopen", "2026-05-04 10:00")
    world.do("take", ticket="T-2026-002", executor="citra")
    world.do("solve", "2026-05-04 11:00")
    world.events, world.now = counted, moment
    assert figures_hash(world.judge("2026-04")) == before


def test_each_solution_is_an_attempt_and_the_last_one_judges(world: World) -> None:
    world.open("2026-04-14 08:00")
    world.do("solve", "2026-04-14 09:00")
    world.do("reopen", "2026-04-14 10:00", executor="citra")
    first, second = world.executions()
    assert [(e.attempt, e.judges, e.verdict.status) for e in (first, second)] == [
        (1, False, "sesuai"),
        (2, True, "menunggu"),
    ]
    assert (first.executor.id, second.executor.id) == ("budi", "citra")
    world.do("solve", "2026-04-14 11:00")
    assert [e.minutes for e in world.executions()] == [60.0, 180.0]


def test_a_unit_that_judges_from_the_take_does_so_while_it_goes_on(world: World) -> None:
    world.set(unit(human_clock="from_taken"))
    world.open("2026-04-20 07:30")
    world.now = at("2026-04-22 07:31")
    assert len(world.judge().deviations) == 1  # nobody has taken it: there is nothing to measure from but the report
    world.do("take", "2026-04-22 07:31")
    assert world.judge().deviations == ()
    assert world.timing().over is False


def test_a_diagnosis_belongs_to_its_ticket_and_one_without_to_none(world: World) -> None:
    world.open()
    for number, ticket in enumerate(("T-2026-001", None, "T-2026-404")):
        made = DiagnosisMade(
            diagnosis=f"d{number}", site="www", ticket=ticket, executor=world.ticket().executor, agent=KEYBOARD,
            began_at=world.now, ended_at=world.now, status="completed", cause_kind="disk", cause="the disk is full",
        )  # fmt: skip
        world.record([Draft(KIND_DIAGNOSIS, "www", "test", made.json_value())])
    assert [d.diagnosis for d in world.ticket().diagnoses] == ["d0"]
    assert world.ticket().seq == len(world.events) - 2


def test_events_that_make_no_ticket(world: World) -> None:
    world.open()
    world.do("take")
    broken = [e for e in world.events if e.kind != "ticket.opened"]
    with pytest.raises(TicketError, match=r"event \d+ .ticket.step.: ticket 'T-2026-001' was never opened"):
        fold(broken)
    with pytest.raises(TicketError, match="was opened before"):
        fold([*world.events, *(type(e)(99, "x", e.at, e.unit, e.actor, e.kind, e.subject, e.data, "", "")
                               for e in world.events if e.kind == "ticket.opened")])  # fmt: skip
