"""Compliance rule by rule: one small record each, beyond what the golden period shows."""

from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from reporting.compliance import Compliance, ComplianceError, Execution, Period, PeriodError, evaluate, shown
from reporting.events import KIND_FINISHED, KIND_REVIEWED, KIND_STARTED
from reporting.ledger.model import GENESIS, Event
from reporting.standard import load_standards
from reporting.worktime import CalendarSettings
from tests import golden

PEOPLE = {
    "citra": {"id": "citra", "name": "Citra Lestari", "title": "Pengelola Sistem dan Jaringan"},
    "dewi": {"id": "dewi", "name": "Dewi", "title": "Kasi"},
}
DAILY_BACKUP = {"activity": 2, "every": "day"}
DAILY_CONTENT = {"activity": 1, "every": "day"}
Raw = dict[str, Any]


def at(text: str) -> datetime:
    """A naive local time, as the golden files have them."""
    return datetime.fromisoformat(text)


def unit(**changes: Any) -> Raw:
    officer = {"id": "citra", "name": "Citra Lestari", "title": "Pengelola", "roles": ["pengelola_laman"]}
    officer["roles"] = ["pengelola_laman", "pengelola_sistem_dan_jaringan"]
    return {
        "id": "contoh",
        "name": "Unit Contoh",
        "officers": [officer],
        "calendar": {"holidays": "none"},
        "schedule": [DAILY_BACKUP],
        **changes,
    }


def settings(when: str = "2026-11-01T00:00", sites: tuple[str, ...] = ("laman",), **changes: Any) -> Raw:
    return {"at": at(when), "sites": list(sites), "unit": unit(**changes)}


def run(name: str, start: str, end: str | None, **more: Any) -> Raw:
    """A backup that went well, unless `more` says otherwise."""
    raw: Raw = {"id": name, "activity": 2, "executor": "citra", "start": at(start), "ok": ["site_access"], "outputs": 1}
    raw |= {} if end is None else {"end": at(end)}
    for key, value in more.items():
        raw[key] = at(value) if key in ("reviewed", "recorded") else value
    return raw


def ledger(*executions: Raw, settled: tuple[Raw, ...] | None = None) -> list[Event]:
    return golden.build({"people": PEOPLE, "settings": settled or (settings(),), "executions": executions})


def judge(events: list[Event], as_of: str, period: str = "2026-11", zone: str = "Asia/Jakarta") -> Compliance:
    return evaluate(load_standards(), events, Period.parse(period, zone), golden.local(at(as_of)))


def one(answer: Compliance, name: str = "a") -> Execution:
    found = answer.execution(name)
    assert found is not None
    return found


def judged(execution: Execution) -> list[str]:
    return [execution.requirement.status, execution.time.status, execution.output.status, execution.verdict.status]


def states(answer: Compliance) -> list[str]:
    return [o.state for o in answer.occasions]


# --- windows


def test_an_open_window_becomes_missed_as_it_closes() -> None:
    events = ledger()
    day = "2026-11-01..2026-11-01"
    assert states(judge(events, "2026-10-31T23:59", day)) == []
    assert states(judge(events, "2026-11-01T00:00", day)) == ["terbuka"]
    assert judge(events, "2026-11-01T23:59:59", day).deviations == ()
    closed = judge(events, "2026-11-02T00:00", day)
    assert states(closed) == ["terlewat"]
    assert [(d.aspect, d.executor.id if d.executor else None) for d in closed.deviations] == [("jadwal", "citra")]


def test_a_start_at_the_close_belongs_to_the_next_window() -> None:
    events = ledger(
        run("a", "2026-11-02T00:00", "2026-11-02T00:10"), run("b", "2026-11-02T23:59:59", "2026-11-03T01:00")
    )
    answer = judge(events, "2026-11-03T02:00", "2026-11-01..2026-11-02")
    assert [o.executions for o in answer.occasions] == [(), ("a", "b")]
    assert [e.attempt for e in answer.executions] == [1, 2]


def test_a_window_that_opened_before_its_settings_can_be_filled_but_not_missed() -> None:
    late = (settings("2026-11-01T09:00"),)
    day = "2026-11-01..2026-11-01"
    assert states(judge(ledger(settled=late), "2026-11-01T10:00", day)) == ["terbuka"]
    unfilled = judge(ledger(settled=late), "2026-11-02T00:00", day)
    assert (unfilled.occasions, unfilled.deviations) == ((), ())
    filled = judge(ledger(run("a", "2026-11-01T10:00", "2026-11-01T10:10"), settled=late), "2026-11-02T00:00", day)
    assert [(o.state, o.obligatory) for o in filled.occasions] == [("sesuai", False)]
    cut = run("a", "2026-11-01T10:00", "2026-11-01T10:10", status="killed", problems=["killed"], outputs=0)
    deviating = judge(ledger(cut, settled=late), "2026-11-02T00:00", day)
    assert states(deviating) == ["menyimpang"]
    assert [d.aspect for d in deviating.deviations] == ["output"]


def test_what_was_due_as_it_opened_stays_due_when_the_schedule_changes() -> None:
    settled = (settings(), settings("2026-11-02T12:00", schedule=[]))
    answer = judge(ledger(settled=settled), "2026-11-05T00:00")
    assert [(o.opens_at.day, o.state) for o in answer.occasions] == [(1, "terlewat"), (2, "terlewat")]


def test_the_same_schedule_recorded_again_changes_nothing() -> None:
    again = (settings(), settings("2026-11-02T12:00", city="Jakarta"), settings("2026-11-02T13:00"))
    assert judge(ledger(settled=again), "2026-11-05T00:00").occasions == judge(ledger(), "2026-11-05T00:00").occasions


def test_a_clock_set_back_lets_the_later_record_win() -> None:
    weekly = [{"activity": 2, "every": "week", "day": "sunday", "hours": 168}]  # opens on 1 November
    events = ledger(settled=(settings("2026-10-31T00:00", schedule=[]), settings("2026-11-03T00:00", schedule=weekly)))
    swapped = [dataclasses.replace(e, seq=3 - e.seq) for e in events]  # the one of 3 November was recorded first
    assert states(judge(swapped, "2026-11-10T00:00")) == []


def test_what_was_done_fills_every_window_that_it_lies_in() -> None:
    """Weekly becomes daily on a Wednesday: Thursday's backup is Thursday's, and the week has had its backup too."""
    weekly = [{"activity": 2, "every": "week", "day": "monday", "hours": 168}]
    settled = (settings(schedule=weekly), settings("2026-11-04T12:00"))
    events = ledger(
        run("a", "2026-11-04T13:00", "2026-11-04T13:10"),
        run("b", "2026-11-05T08:00", "2026-11-05T08:10"),
        settled=settled,
    )
    answer = judge(events, "2026-11-06T00:00", "2026-11-02..2026-11-05")
    assert [(o.opens_at.day, o.obligatory, o.executions, o.state) for o in answer.occasions] == [
        (2, True, ("a", "b"), "sesuai"),
        (4, False, ("a",), "sesuai"),
        (5, True, ("b",), "sesuai"),
    ]
    counted = [(e.occasion.opens_at.day if e.occasion else None, e.attempt) for e in answer.executions]
    assert counted == [(2, 1), (5, 1)]  # the week was promised in time, Wednesday was not


def test_settings_are_in_force_from_their_very_instant() -> None:
    dewi = {"id": "dewi", "name": "Dewi", "title": "Kasi", "roles": ["kasi_si"]}
    officers = [unit()["officers"][0], dewi]
    changed = settings(
        "2026-11-02T00:00", officers=officers, assignment={2: "kasi_si"}, calendar={"zone": "Asia/Makassar"}
    )
    answer = judge(
        ledger(run("a", "2026-11-02T00:00", "2026-11-02T00:10"), settled=(settings(), changed)), "2026-11-02T12:00"
    )
    assert str(one(answer).started_at.tzinfo) == "Asia/Makassar"


def test_workdays_follow_the_calendar_of_the_settings() -> None:
    calendar = {"holidays": "none", "not_worked": ["2026-11-04"], "worked": ["2026-11-07"]}
    plan = {"activity": 2, "every": "workday", "start": "08:00", "hours": 8}
    answer = judge(ledger(settled=(settings(calendar=calendar, schedule=[plan]),)), "2026-11-09T00:00")
    assert [o.opens_at.day for o in answer.occasions] == [2, 3, 5, 6, 7]
    assert {(o.closes_at - o.opens_at) for o in answer.occasions} == {timedelta(hours=8)}


def test_each_site_has_its_own_window_and_a_run_fills_its_own() -> None:
    two = (settings(sites=("laman", "arsip")),)
    events = ledger(run("a", "2026-11-01T08:00", "2026-11-01T08:10", site="arsip"), settled=two)
    answer = judge(events, "2026-11-02T00:00", "2026-11-01..2026-11-01")
    assert [(o.site, o.state) for o in answer.occasions] == [("arsip", "sesuai"), ("laman", "terlewat")]


def test_an_ad_hoc_run_fills_no_plan() -> None:
    events = ledger(run("a", "2026-11-01T08:00", "2026-11-01T08:10", ad_hoc=True))
    answer = judge(events, "2026-11-02T00:00", "2026-11-01..2026-11-01")
    assert (one(answer).kind, one(answer).occasion, states(answer)) == ("ad_hoc", None, ["terlewat"])
    assert one(answer).verdict.status == "sesuai"


def test_local_days_are_the_zones() -> None:
    """23.30 UTC is the next morning in Jayapura (UTC+9): another day, another window, another month."""
    east = (settings("2026-10-01T00:00", calendar={"zone": "Asia/Jayapura", "holidays": "none"}),)
    events = ledger(run("a", "2026-10-31T22:30", "2026-10-31T22:40"), settled=east)  # 22.30 WIB = 00.30 WIT
    answer = judge(events, "2026-11-01T21:59", zone="Asia/Jayapura")
    assert one(answer).started_at.isoformat() == "2026-11-01T00:30:00+09:00"
    assert [(o.opens_at.isoformat(), o.state) for o in answer.occasions] == [("2026-11-01T00:00:00+09:00", "sesuai")]


# --- attempts


def test_the_last_attempt_judges_even_when_an_earlier_one_was_better() -> None:
    good = run("a", "2026-11-01T08:00", "2026-11-01T08:10")
    bad = run("b", "2026-11-01T09:00", "2026-11-01T09:10", status="failed", problems=["truncated"])
    answer = judge(ledger(good, bad), "2026-11-02T00:00", "2026-11-01..2026-11-01")
    assert [(e.attempt, e.judges, e.verdict.status) for e in answer.executions] == [
        (1, False, "sesuai"),
        (2, True, "menyimpang"),
    ]
    assert states(answer) == ["menyimpang"]
    assert answer.occasions[0].reason == "percobaan ke-2: output: truncated"


def test_an_attempt_cut_short_does_not_undo_a_whole_one() -> None:
    """The occasion follows the last whole attempt; while a retry runs, it is waited for."""
    good = run("a", "2026-11-01T08:00", "2026-11-01T08:10")
    cut = run("b", "2026-11-01T09:00", "2026-11-01T09:01", status="cancelled", problems=["cancelled"], outputs=0)
    day = "2026-11-01..2026-11-01"
    answer = judge(ledger(good, cut), "2026-11-02T00:00", day)
    assert [(e.judges, e.verdict.status) for e in answer.executions] == [(True, "sesuai"), (False, "menyimpang")]
    assert (states(answer), len(answer.deviations)) == (["sesuai"], 1)
    running = judge(ledger(good, run("b", "2026-11-01T09:00", None)), "2026-11-01T10:00", day)
    assert ([e.judges for e in running.executions], states(running)) == ([False, True], ["menunggu"])


# --- put on record later


@pytest.mark.parametrize(
    ("recorded", "state", "judges"),
    [
        ("2026-11-01T18:00", "sesuai", True),
        ("2026-11-02T00:00", "sesuai", True),  # at the very close
        ("2026-11-02T00:00:01", "terlewat", False),
        ("2026-11-20T09:00", "terlewat", False),
    ],
)
def test_what_is_recorded_after_the_close_does_not_unmiss_the_window(recorded: str, state: str, judges: bool) -> None:
    day = "2026-11-01..2026-11-01"
    missed = judge(ledger(), "2026-11-21T00:00", day).deviations
    by_hand = run("a", "2026-11-01T13:00", "2026-11-01T13:10", by_hand=True, recorded=recorded)
    answer = judge(ledger(by_hand), "2026-11-21T00:00", day)
    assert (one(answer).verdict.status, one(answer).judges, states(answer)) == ("sesuai", judges, [state])
    assert answer.occasions[0].executions == ("a",)
    assert [d.id for d in answer.deviations] == ([] if judges else [d.id for d in missed])
    if not judges:
        reason = answer.deviations[0].reason
        assert "tidak dilaksanakan dalam jadwal" in reason
        assert "dicatat terlambat: a baru dicatat pada" in reason
        assert one(answer).executor.id == "citra"


def test_a_late_record_does_not_mend_a_window_that_deviates() -> None:
    bad = run("a", "2026-11-01T08:00", "2026-11-01T08:10", status="failed", problems=["truncated"])
    late = run("b", "2026-11-01T13:00", "2026-11-01T13:10", by_hand=True, recorded="2026-11-05T09:00")
    answer = judge(ledger(bad, late), "2026-11-06T00:00", "2026-11-01..2026-11-01")
    assert states(answer) == ["menyimpang"]
    assert [(e.attempt, e.judges) for e in answer.executions] == [(1, True), (2, False)]
    assert answer.occasions[0].reason == "percobaan ke-1: output: truncated"


def test_a_late_record_fills_what_could_not_be_missed() -> None:
    settled = (settings("2026-11-01T09:00"),)
    late = run("a", "2026-11-01T10:00", "2026-11-01T10:10", by_hand=True, recorded="2026-11-05T09:00")
    answer = judge(ledger(late, settled=settled), "2026-11-06T00:00", "2026-11-01..2026-11-01")
    assert ([(o.state, o.obligatory) for o in answer.occasions], answer.deviations) == ([("sesuai", False)], ())


def test_a_machine_is_on_record_as_it_begins() -> None:
    """Started in the last moment of the window: the clock of the record may tick over before it is written."""
    events = ledger(run("a", "2026-11-01T23:59:59", "2026-11-02T00:10", recorded="2026-11-02T00:00:01"))
    assert states(judge(events, "2026-11-02T01:00", "2026-11-01..2026-11-01")) == ["sesuai"]


def test_running_then_interrupted() -> None:
    """POS 300 min × factor 1.5: interrupted from 450 min on, unless the run has its own limit."""
    events = ledger(run("a", "2026-11-01T08:00", None), run("b", "2026-11-02T08:00", None, limit=10))
    day = "2026-11-01..2026-11-01"
    before = judge(events, "2026-11-01T15:29:59", day)
    assert (one(before).status, judged(one(before)), states(before)) == ("running", ["menunggu"] * 4, ["menunggu"])
    after = judge(events, "2026-11-01T15:30", day)
    assert one(after).status == "interrupted"
    assert judged(one(after)) == ["menunggu", "menunggu", "menyimpang", "menyimpang"]
    assert states(after) == ["terbuka"]
    assert [d.at.hour for d in after.deviations] == [15]
    assert states(judge(events, "2026-11-02T00:00", day)) == ["terlewat"]
    assert one(judge(events, "2026-11-02T08:10"), "b").status == "interrupted"


def test_a_run_across_the_close_is_waited_for() -> None:
    events = ledger(run("a", "2026-11-01T23:00", None))
    assert states(judge(events, "2026-11-02T01:00", "2026-11-01..2026-11-01")) == ["menunggu"]


# --- requirement and output


@pytest.mark.parametrize(
    ("status", "more", "expected"),
    [
        ("completed", {}, ["sesuai", "sesuai", "sesuai", "sesuai"]),
        ("failed", {"missing": {"backup_medium": "not mounted"}}, ["menyimpang", "sesuai", "sesuai", "menyimpang"]),
        (
            "failed",
            {"missing": {"backup_medium": "not mounted"}, "outputs": 0},
            ["menyimpang", "sesuai", "menyimpang", "menyimpang"],
        ),
        ("failed", {"problems": ["differs"]}, ["sesuai", "sesuai", "menyimpang", "menyimpang"]),
        ("completed", {"problems": ["differs"]}, ["sesuai", "sesuai", "menyimpang", "menyimpang"]),
        ("failed", {}, ["sesuai", "sesuai", "menyimpang", "menyimpang"]),  # it failed, and nothing says why
        ("timed_out", {}, ["sesuai", "sesuai", "menyimpang", "menyimpang"]),
        ("killed", {}, ["sesuai", "menunggu", "menyimpang", "menyimpang"]),
        (
            "killed",
            {"ok": [], "outputs": 0, "problems": ["killed"]},
            ["menunggu", "menunggu", "menyimpang", "menyimpang"],
        ),
        ("failed", {"ok": [], "outputs": 0, "problems": ["a bug"]}, ["menunggu", "sesuai", "menyimpang", "menyimpang"]),
        ("completed", {"ok": []}, ["menyimpang", "sesuai", "sesuai", "menyimpang"]),  # nothing was shown to be at hand
    ],
)
def test_verdict_is_requirement_and_time_and_output(status: str, more: Raw, expected: list[str]) -> None:
    events = ledger(run("a", "2026-11-01T08:00", "2026-11-01T08:10", status=status, **more))
    answer = judge(events, "2026-11-02T00:00")
    assert judged(one(answer)) == expected
    mine = [d for d in answer.deviations if d.execution == "a"]
    assert len(mine) == expected[:3].count("menyimpang")
    assert all(d.reason for d in mine)


def test_findings_never_touch_the_verdict() -> None:
    events = ledger(run("a", "2026-11-01T08:00", "2026-11-01T08:10", findings=7))
    assert (one(judge(events, "2026-11-02T00:00")).verdict.status, one(judge(events, "2026-11-02T00:00")).findings) == (
        "sesuai",
        7,
    )


def test_findings_that_are_not_listed_are_counted() -> None:
    events = ledger(run("a", "2026-11-01T08:00", "2026-11-01T08:10", findings=2))
    for found in events:
        if found.kind == KIND_FINISHED:
            found.data["document"]["findings_total"] = 10_000
    assert one(judge(events, "2026-11-02T00:00")).findings == 10_000


def test_hostile_text_is_made_harmless() -> None:
    bad = run("a", "2026-11-01T08:00", "2026-11-01T08:10", missing={"site_access": "\x1b[2J=cmd|x"}, ok=[], outputs=0)
    answer = judge(ledger(bad), "2026-11-02T00:00")
    assert "\x1b" not in one(answer).verdict.reason + "".join(d.reason for d in answer.deviations)


# --- review


def content(name: str, start: str, end: str, **more: Any) -> Raw:
    return run(name, start, end, activity=1, **more)


REVIEWED = (settings(schedule=[DAILY_CONTENT]),)
DAY = "2026-11-02..2026-11-02"  # a Monday


@pytest.mark.parametrize(
    ("reviewed", "as_of", "expected"),
    [
        (None, "2026-11-03T00:00", "menunggu"),  # at the very close it can still come
        (None, "2026-11-03T00:00:01", "menyimpang"),
        ("2026-11-03T00:00", "2026-11-04T00:00", "sesuai"),
        ("2026-11-03T00:00:01", "2026-11-04T00:00", "menyimpang"),
        ("2026-11-02T08:10", "2026-11-02T09:00", "sesuai"),
    ],
)
def test_review_at_or_before_the_close(reviewed: str | None, as_of: str, expected: str) -> None:
    more = {} if reviewed is None else {"reviewed": reviewed}
    events = ledger(content("a", "2026-11-02T08:00", "2026-11-02T08:10", **more), settled=REVIEWED)
    answer = judge(events, as_of, DAY)
    assert (one(answer).output.status, states(answer)) == (expected, [expected])
    if expected == "menyimpang":
        assert [d.at for d in answer.deviations] == [golden.local(at("2026-11-03T00:00"))]


@pytest.mark.parametrize(
    ("first", "second", "expected"), [("02T09:00", "03T09:00", "sesuai"), ("03T09:00", "02T09:00", "menyimpang")]
)
def test_the_review_that_was_recorded_first_counts(first: str, second: str, expected: str) -> None:
    """A second one neither spoils the first nor, with an earlier date, mends it."""
    events = ledger(content("a", "2026-11-02T08:00", "2026-11-02T08:10", reviewed=f"2026-11-{first}"), settled=REVIEWED)
    data = next(e.data for e in events if e.kind == KIND_REVIEWED)
    again = event(99, KIND_REVIEWED, {**data, "reviewed_at": f"2026-11-{second}:00+07:00"})
    assert one(judge([*events, again], "2026-11-05T00:00", DAY)).output.status == expected


@pytest.mark.parametrize(
    ("first", "second", "as_of", "attempts", "occasion"),
    [
        (None, None, "02T12:00", ["menunggu", "menunggu"], "menunggu"),
        (None, "02T10:00", "02T12:00", ["menunggu", "sesuai"], "menunggu"),
        (None, "02T10:00", "03T00:00:01", ["menyimpang", "sesuai"], "menyimpang"),
        ("03T09:00", "02T10:00", "04T00:00", ["menyimpang", "sesuai"], "menyimpang"),
        ("02T10:00", None, "02T12:00", ["sesuai", "menunggu"], "menunggu"),
        ("02T10:00", "02T11:00", "04T00:00", ["sesuai", "sesuai"], "sesuai"),
    ],
)
def test_every_whole_attempt_needs_its_own_review(
    first: str | None, second: str | None, as_of: str, attempts: list[str], occasion: str
) -> None:
    """A retry finds nothing of what was found before it: that it was read says nothing about the nine findings."""
    reviews = [{} if r is None else {"reviewed": f"2026-11-{r}"} for r in (first, second)]
    runs = (
        content("a", "2026-11-02T08:00", "2026-11-02T08:10", findings=9, **reviews[0]),
        content("b", "2026-11-02T09:00", "2026-11-02T09:10", **reviews[1]),
    )
    answer = judge(ledger(*runs, settled=REVIEWED), f"2026-11-{as_of}", DAY)
    assert [e.output.status for e in answer.executions] == attempts
    assert {e.review_due for e in answer.executions} == {golden.local(at("2026-11-03T00:00"))}
    assert [e.judges for e in answer.executions] == [False, True]
    assert states(answer) == [occasion]
    assert len(answer.deviations) == attempts.count("menyimpang")


def test_the_occasion_names_the_attempt_that_nobody_read() -> None:
    first = content("a", "2026-11-02T08:00", "2026-11-02T08:10")
    second = content("b", "2026-11-02T09:00", "2026-11-02T09:10", reviewed="2026-11-02T10:00")
    answer = judge(ledger(first, second, settled=REVIEWED), "2026-11-02T12:00", DAY)
    assert answer.occasions[0].reason == ("percobaan ke-1: output: menunggu paraf, paling lambat 3 Nov 2026 00.00 WIB")


@pytest.mark.parametrize(
    ("end", "more"),
    [
        ("2026-11-02T08:10", {"status": "killed"}),
        ("2026-11-02T08:10", {"status": "cancelled"}),
        ("2026-11-02T08:10", {"status": "unreachable", "outputs": 0, "ok": [], "missing": {"site_access": "gone"}}),
        ("2026-11-02T08:10", {"status": "failed", "problems": ["no section read"]}),
        (None, {}),
    ],
)
def test_no_review_is_asked_of_what_is_not_whole(end: str | None, more: Raw) -> None:
    cut = run("a", "2026-11-02T08:00", end, activity=1, **more)
    answer = judge(ledger(cut, settled=REVIEWED), "2026-11-02T09:00", DAY)
    assert one(answer).review_due is None


def test_a_missing_requirement_does_not_excuse_from_reading_a_whole_output() -> None:
    missing: Raw = {"status": "failed", "missing": {"site_access": "asked twice"}}
    run_ = content("a", "2026-11-02T08:00", "2026-11-02T08:10", **missing)
    answer = judge(ledger(run_, settled=REVIEWED), "2026-11-02T09:00", DAY)
    assert judged(one(answer)) == ["menyimpang", "sesuai", "menunggu", "menyimpang"]
    assert one(answer).review_due is not None


def test_what_was_done_by_hand_has_been_read() -> None:
    events = ledger(content("a", "2026-11-02T08:00", "2026-11-02T08:10", by_hand=True), settled=REVIEWED)
    answer = judge(events, "2026-11-04T00:00", DAY)
    assert (one(answer).clock, one(answer).verdict.status) == ("working", "sesuai")


def test_the_unit_decides_which_activities_are_reviewed() -> None:
    settled = (settings(schedule=[DAILY_CONTENT], review={"activities": [2]}),)
    events = ledger(
        content("a", "2026-11-02T08:00", "2026-11-02T08:10"),
        run("b", "2026-11-02T08:00", "2026-11-02T08:10"),
        settled=settled,
    )
    answer = judge(events, "2026-11-04T00:00:01", DAY)
    assert (one(answer, "a").output.status, one(answer, "b").output.status) == ("sesuai", "menyimpang")


def test_ad_hoc_review_is_due_by_the_end_of_the_next_working_day() -> None:
    friday = content("a", "2026-11-06T08:00", "2026-11-06T08:10", ad_hoc=True)
    events = ledger(friday, settled=REVIEWED)
    assert one(judge(events, "2026-11-10T00:00")).output.status == "menunggu"  # Monday, 24.00
    assert one(judge(events, "2026-11-10T00:00")).review_due == golden.local(at("2026-11-10T00:00"))
    assert one(judge(events, "2026-11-10T00:00:01")).output.status == "menyimpang"


def test_a_review_does_not_heal_a_bad_output() -> None:
    bad = content(
        "a", "2026-11-02T08:00", "2026-11-02T08:10", problems=["no section read"], reviewed="2026-11-02T09:00"
    )
    answer = judge(ledger(bad, settled=REVIEWED), "2026-11-04T00:00", DAY)
    assert one(answer).output.reason == "no section read"
    assert [d.at for d in answer.deviations] == [golden.local(at("2026-11-02T08:10"))]


# --- time


@pytest.mark.parametrize(
    ("end", "expected", "said"),
    [
        ("2026-11-02T13:00", "sesuai", "300,0 menit (waktu berjalan), paling lama 300 menit"),
        ("2026-11-02T13:00:00.000001", "menyimpang", "melewati 300 menit selama 1 detik"),
        (
            "2026-11-02T14:01:30",
            "menyimpang",
            "361,5 menit (waktu berjalan), melewati 300 menit selama 1 jam 1 menit 30",
        ),
        ("2026-11-02T07:59", "menyimpang", "waktu tidak dapat dipastikan"),
    ],
)
def test_minutes_are_judged_exactly(end: str, expected: str, said: str) -> None:
    answer = judge(ledger(run("a", "2026-11-02T08:00", end)), "2026-11-04T00:00")
    assert one(answer).time.status == expected
    assert said in one(answer).time.reason


def test_shown_minutes_round_half_up() -> None:
    assert [shown(m) for m in (0.05, 0.25, 0.349, 300.04, 300.05, 299.95)] == [0.1, 0.3, 0.3, 300.0, 300.1, 300.0]


def test_by_hand_uses_the_calendar_in_force_at_the_start() -> None:
    """Friday 15.30 to Monday 8.30 (60 + 60); then the unit moves its hours, which does not touch what was."""
    later = CalendarSettings(holidays="none", worked=[date(2026, 11, 7)]).model_dump(mode="json")
    events = ledger(
        run("a", "2026-11-06T15:30", "2026-11-09T08:30", by_hand=True),
        settled=(settings(), settings("2026-11-06T18:00", calendar=later)),
    )
    assert one(judge(events, "2026-11-20T00:00")).minutes == 120


def test_each_execution_is_judged_by_the_pos_of_its_day() -> None:
    old = load_standards()[0]
    activities = [a.model_copy(update={"minutes": 5}) if a.number == 2 else a for a in old.activities]
    new = old.model_copy(update={"number": "006/2026", "effective": date(2026, 11, 3), "activities": tuple(activities)})
    events = ledger(run("a", "2026-11-02T23:50", "2026-11-03T00:00"), run("b", "2026-11-03T00:00", "2026-11-03T00:10"))
    period, as_of = Period.parse("2026-11", "Asia/Jakarta"), golden.local(at("2026-11-10T00:00"))
    answer = evaluate([new, old], events, period, as_of)
    assert [(e.standard_number, e.standard_minutes, e.time.status) for e in answer.executions] == [
        (old.number, 300, "sesuai"),
        ("006/2026", 5, "menyimpang"),
    ]
    assert answer.standard is new
    assert evaluate([new, old], events, Period.parse("2026-10", "Asia/Jakarta"), as_of).standard is old


# --- who answers


def test_who_answers_for_a_missed_window_is_who_is_assigned() -> None:
    dewi = {"id": "dewi", "name": "Dewi", "title": "Kasi", "roles": ["kasi_si"]}
    officers = [unit()["officers"][0], dewi]
    settled = (settings(officers=officers, assignment={2: "kasi_si"}),)
    answer = judge(ledger(settled=settled), "2026-11-02T00:00")
    assert [d.executor.id if d.executor else None for d in answer.deviations] == ["dewi"]


def test_who_cut_an_attempt_short_does_not_answer_for_the_missed_window() -> None:
    dewi = {"id": "dewi", "name": "Dewi", "title": "Kasi", "roles": ["kasi_si"]}
    officers = [unit()["officers"][0], dewi]
    cut = run("a", "2026-11-01T10:00", "2026-11-01T10:01", status="cancelled", problems=["cancelled"], outputs=0)
    events = ledger({**cut, "executor": "dewi"}, settled=(settings(officers=officers),))
    answer = judge(events, "2026-11-02T00:00", "2026-11-01..2026-11-01")
    assert [(d.aspect, d.executor.id if d.executor else None) for d in answer.deviations] == [
        ("output", "dewi"),
        ("jadwal", "citra"),
    ]


def test_nobody_in_office_is_said() -> None:
    officers = [{**unit()["officers"][0], "last": "2026-10-31"}]
    answer = judge(ledger(settled=(settings(officers=officers),)), "2026-11-02T00:00")
    deviation = answer.deviations[0]
    assert deviation.executor is None
    assert "tidak ada pejabat yang bertugas sebagai Pengelola Sistem dan Jaringan pada 2026-11-01" in deviation.reason


# --- what does not fit


def event(seq: int, kind: str, data: Raw) -> Event:
    moment = golden.local(at("2026-11-05T00:00"))
    return Event(seq, f"event-{seq}", moment, "contoh", "test", kind, "laman", data, GENESIS, GENESIS)


def test_events_that_fit_nothing_are_listed_not_judged() -> None:
    events = ledger(run("a", "2026-11-01T08:00", "2026-11-01T08:10", reviewed="2026-11-01T08:05"))
    ended = next(e for e in events if e.kind == KIND_FINISHED)
    started = next(e for e in events if e.kind == KIND_STARTED)
    extra = [
        event(101, KIND_FINISHED, {**ended.data, "status": "failed"}),
        event(102, KIND_STARTED, started.data),
        event(103, KIND_REVIEWED, {"execution": "nobody"}),
        event(104, KIND_STARTED, {**started.data, "execution": "b", "activity": 9}),
        event(105, "ticket.opened", {"whatever": 1}),
    ]
    answer = judge(events + extra, "2026-11-06T00:00")
    assert len(answer.problems) == 5
    said = "\n".join(answer.problems)
    for part in ("reviewed before it had ended", "event 101: execution 'a' ended before", "event 102", "'nobody'", "9"):
        assert part in said
    assert (one(answer).status, one(answer).review) == ("completed", None)
    assert answer.execution("b") is None


def test_what_cannot_be_judged_is_one_clear_line() -> None:
    with pytest.raises(ComplianceError, match=r"^no settings are on record yet: .*laman run"):
        judge([], "2026-11-06T00:00")
    broken = [*ledger(), event(7, KIND_STARTED, {"execution": "a", "started_at": "2026-11-05T08:00:00+07:00"})]
    with pytest.raises(ComplianceError, match=r"^event 7 \(execution.started\): run: Field required"):
        judge(broken, "2026-11-06T00:00")
    vague = [*ledger(), event(7, KIND_STARTED, {"execution": "a", "started_at": "yesterday"})]
    with pytest.raises(ComplianceError, match=r"event 7 "):
        judge(vague, "2026-11-06T00:00")
    with pytest.raises(ComplianceError, match="as_of 2026-11-06T00:00:00 has no time zone"):
        evaluate(load_standards(), ledger(), Period.parse("2026-11", "Asia/Jakarta"), at("2026-11-06T00:00"))
    with pytest.raises(ComplianceError, match="no POS was in force on 2017-01-31"):
        judge(ledger(), "2026-11-06T00:00", "2017-01")


# --- periods


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2026-11", "2026-11-01", "2026-11-30"),
        ("2028-02", "2028-02-01", "2028-02-29"),
        ("2026", "2026-01-01", "2026-12-31"),
        ("2026-Q4", "2026-10-01", "2026-12-31"),
        (" 2026-q1 ", "2026-01-01", "2026-03-31"),
        ("2026-11-01..2026-11-15", "2026-11-01", "2026-11-15"),
        ("2026-11-15..2026-11-15", "2026-11-15", "2026-11-15"),
    ],
)
def test_periods(text: str, first: str, last: str) -> None:
    period = Period.parse(text, "Asia/Jakarta")
    assert (period.first.isoformat(), period.last.isoformat()) == (first, last)
    assert period.start in period
    assert period.end not in period
    assert period.end - timedelta(microseconds=1) in period
    assert period.start.astimezone(UTC).hour == 17  # midnight in Jakarta


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-13",
        "2026-00",
        "2026-Q5",
        "26-11",
        "2026-11-31..2026-12-01",
        "2026-12-02..2026-12-01",
        "0001",
        "9999",
        "0000-01",
        "9999-12",
        "0001-01-01..9999-12-31",
        "2026-01-01..9999-12-31",
        "x" * 99,
    ],
)
def test_no_periods(text: str) -> None:
    with pytest.raises(PeriodError, match=r"^period ") as caught:
        Period.parse(text, "Asia/Jakarta")
    assert "\n" not in str(caught.value)
