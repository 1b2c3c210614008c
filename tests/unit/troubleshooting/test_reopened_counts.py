"""A reopened ticket counts once, and nobody's account is late before the deviation could be known."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from reporting.compliance import Compliance
from reporting.contract import ResultDocument
from reporting.events import KIND_FINISHED, KIND_STARTED, ExecutionFinished, ExecutionStarted
from reporting.ledger.model import Draft
from reporting.notify.report_words import Issued, body
from reporting.workbook import workbook_bytes
from reporting.workbook.book import More
from reporting.workbook.troubles import troubles_of
from tests.unit.renewal.world import KEYBOARD
from tests.unit.troubleshooting.world import World, at
from tests.unit.workbook import sample
from tests.unit.workbook.reading import FIRST_ACTIVITY, load, table_rows

ROW = FIRST_ACTIVITY + 7  # activity 8


@pytest.fixture
def world() -> World:
    return World()


def dues(world: World) -> list[tuple[str, date | None, bool]]:
    return [(d.aspect, d.account_due, d.overdue(world.now.date())) for d in world.judge().deviations]


def test_a_reopened_ticket_that_is_late_at_once_is_not_accounted_for_late_at_once(world: World) -> None:
    world.open("2026-04-14 08:00")
    world.do("solve", "2026-04-14 09:00")
    world.do("reopen", "2026-06-03 10:00")
    (deviation,) = world.judge().deviations
    assert deviation.at == at("2026-04-16 08:00")  # the minutes count from the first report on
    assert dues(world) == [("waktu", date(2026, 6, 10), False)]
    world.do("solve", "2026-06-20 10:00")
    assert dues(world) == [("waktu", date(2026, 6, 10), True)]  # to solve it moves nothing


def test_a_ticket_that_is_put_on_record_weeks_later_is_due_from_then_on(world: World) -> None:
    world.now = at("2026-04-29 08:00")
    world.open(reported_at=at("2026-04-01 08:00"))
    ((aspect, due, overdue),) = dues(world)
    assert (aspect, overdue) == ("waktu", False)
    assert due is not None
    assert due > date(2026, 4, 29)


def test_a_ticket_on_record_in_time_is_due_from_when_its_minutes_are_used_up(world: World) -> None:
    world.open("2026-04-14 07:30")
    world.now = at("2026-04-30 10:00")
    assert dues(world) == [("waktu", date(2026, 4, 22), True)]


@pytest.mark.parametrize(("by_hand", "due"), [(True, date(2026, 4, 30)), (False, date(2026, 4, 13))])
def test_what_was_done_by_hand_is_known_as_it_is_recorded_and_a_run_as_it_ends(
    world: World, by_hand: bool, due: date
) -> None:
    world.now = at("2026-04-23 08:00")
    executor = world.unit.officers[0]
    common: dict[str, Any] = {"execution": "e1", "run": "r1", "activity": 3, "agent": KEYBOARD, "by_hand": by_hand}
    started = ExecutionStarted(
        executor={"id": executor.id, "name": executor.name, "title": executor.title},
        clock="elapsed", started_at=at("2026-04-06 08:00"), **common,
    )  # fmt: skip
    document = ResultDocument(activity=3, site="www", requirements=[], output_problems=["none"])
    finished = ExecutionFinished(
        execution="e1", ended_at=at("2026-04-06 14:00"), status="failed", document=document
    )  # fmt: skip
    world.record([Draft(KIND_STARTED, "www", "test", started.json_value())])
    world.record([Draft(KIND_FINISHED, "www", "test", finished.json_value())])
    found = [d for d in world.judge().deviations if d.execution == "e1"]
    assert found
    assert {d.account_due for d in found} == {due}


def reopened(world: World) -> Compliance:
    """Solved within the hour, reopened, and solved again."""
    world.open("2026-04-14 08:00")
    world.do("solve", "2026-04-14 09:00")
    world.do("reopen", "2026-04-14 10:00")
    world.do("solve", "2026-04-14 11:00")
    return world.judge("2026-04")


def test_a_reopened_ticket_is_one_in_every_count(world: World) -> None:
    answer = reopened(world)
    assert [e.counts for e in answer.executions] == [False, True]
    totals = answer.totals(8)
    assert (totals.executions, totals.sesuai, totals.ad_hoc, totals.minutes_sum) == (1, 1, 1, 180.0)
    letter = body(Issued(answer, "x.xlsx", "0" * 64, sample.HEAD), "Siti", "id")
    assert [line for line in letter.splitlines() if line.startswith("8.") and "1 sesuai" in line]


@pytest.mark.parametrize(("lang", "word"), [("id", "dibuka kembali"), ("en", "reopened")])
def test_the_workbook_lists_the_false_solution_and_does_not_count_it(world: World, lang: Any, word: str) -> None:
    answer = reopened(world)
    more = More(troubles=troubles_of(world.events, answer))
    content = workbook_bytes(answer, sample.HEAD, lang, sample.ISSUED, more)
    made, values = load(content)
    names = (
        ("Ringkasan", "Pelaksanaan", "Evaluasi POS") if lang == "id" else ("Summary", "Executions", "POS Evaluation")
    )
    summary, executions, evaluation = (values[name] for name in names)
    column = "Putusan" if lang == "id" else "Verdict"
    verdicts = [r[column] for r in table_rows(values, executions.title, "tblPelaksanaan") if r.get("No")]
    assert word in verdicts
    mttr = "MTTR Kotor Menit" if lang == "id" else "MTTR Gross Minutes"
    means = table_rows(values, "Troubleshooting", "tblRataRata")[0]
    assert [summary[f"{letter}{ROW}"].value for letter in "HILMNP"] == [1, 1, 1, 180, 180, 1]
    assert means[mttr] == 180
    for letter in "HLMN":
        assert word in made[names[0]][f"{letter}{ROW}"].value
    assert "180" in evaluation["E13"].value


@pytest.mark.parametrize(
    ("now", "said"),
    [
        ("2026-04-20 08:00", "MASIH TERBUKA per 20 April 2026"),
        ("2026-05-04 08:00", "MASIH TERBUKA pada akhir periode"),
    ],
)
def test_in_the_middle_of_a_period_a_ticket_is_open_as_of_the_day(world: World, now: str, said: str) -> None:
    world.open("2026-04-14 08:00")
    world.now = at(now)
    answer = world.judge("2026-04", "id")
    more = More(troubles=troubles_of(world.events, answer))
    values = load(workbook_bytes(answer, sample.HEAD, "id", sample.ISSUED, more))[1]
    (row,) = table_rows(values, "Troubleshooting", "tblTiket")
    assert said in row["KET."]


def test_both_pages_of_a_deviation_have_its_date_and_the_summary_explains_its_verdict(world: World) -> None:
    values = load(workbook_bytes(reopened(world), sample.HEAD, "id", sample.ISSUED))[1]
    sheet = values["Penyimpangan"]
    assert sheet.print_title_cols == "$A:$E"
    assert any(cell.value == "Tanggal" for row in sheet["A1:E8"] for cell in row)
    assert "Putusan menyimpang = ada penyimpangan" in values["Ringkasan"][f"A{FIRST_ACTIVITY + 9}"].value
