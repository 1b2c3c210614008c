"""What holds for every record: compliance does not depend on order, is the same every time, and its sums add up."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from reporting.compliance import Compliance, Period, evaluate
from reporting.ledger.model import Event
from reporting.standard import load_standards
from tests import golden
from tests.unit.test_compliance_rules import PEOPLE, unit

MONTH = Period.parse("2026-11", "Asia/Jakarta")
FIRST = datetime(2026, 10, 25)  # noqa: DTZ001 - local, as the golden files have it
AS_OF = st.integers(min_value=0, max_value=45 * 24 * 60).map(lambda m: golden.local(FIRST + timedelta(minutes=m)))
PLANS = st.lists(
    st.sampled_from(
        [
            {"activity": 1, "every": "day", "start": "06:00", "hours": 12},
            {"activity": 1, "every": "month", "day": 3, "hours": 240},
            {"activity": 2, "every": "week", "day": "friday", "start": "18:00", "hours": 12},
            {"activity": 2, "every": "week", "day": "monday", "hours": 168},
            {"activity": 3, "every": "workday"},
        ]
    ),
    max_size=4,
)
SETTINGS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"minutes": st.integers(min_value=0, max_value=40 * 24 * 60), "schedule": PLANS, "review": st.booleans()}
)
EXECUTIONS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "activity": st.sampled_from([1, 2, 3]),
        "site": st.sampled_from(["laman", "arsip"]),
        "minutes": st.integers(min_value=0, max_value=40 * 24 * 60),
        "length": st.none() | st.integers(min_value=0, max_value=500 * 60),
        "status": st.sampled_from(["completed", "completed", "failed", "killed", "cancelled"]),
        "outputs": st.sampled_from([0, 1]),
        "missing": st.sampled_from([{}, {"backup_medium": "not mounted"}]),
        "review": st.none() | st.integers(min_value=0, max_value=3 * 24 * 60),
        "by_hand": st.booleans(),
        "ad_hoc": st.booleans(),
        "recorded_after": st.none() | st.integers(min_value=0, max_value=10 * 24 * 60),
        "findings": st.integers(min_value=0, max_value=3),
    }
)


def _execution(number: int, raw: dict[str, Any]) -> dict[str, Any]:
    start = FIRST + timedelta(minutes=raw["minutes"])
    entry = {**raw, "id": f"e{number}", "executor": "citra", "start": start, "ok": ["site_access"]}
    if not raw["outputs"] and not raw["missing"]:
        entry["problems"] = ["nothing came out"]
    if raw["length"] is not None:
        entry["end"] = start + timedelta(seconds=raw["length"])
        if raw["by_hand"] and raw["recorded_after"] is not None:
            entry["recorded"] = entry["end"] + timedelta(minutes=raw["recorded_after"])
        if raw["review"] is not None:
            entry["reviewed"] = entry["end"] + timedelta(minutes=raw["review"])
    return entry


@st.composite
def ledgers(draw: st.DrawFn) -> list[Event]:
    """A record of a few weeks: settings that change, executions that go well and badly."""
    snapshots = draw(st.lists(SETTINGS, min_size=1, max_size=3))
    executions = draw(st.lists(EXECUTIONS, max_size=12))
    content = {
        "people": PEOPLE,
        "settings": [
            {
                "at": FIRST + timedelta(minutes=s["minutes"]),
                "sites": ["laman", "arsip"],
                "unit": unit(schedule=s["schedule"], review={"activities": [1, 3] if s["review"] else []}),
            }
            for s in snapshots
        ],
        "executions": [_execution(n, raw) for n, raw in enumerate(executions)],
    }
    return golden.build(content)


def judge(events: list[Event], as_of: datetime, period: Period = MONTH) -> Compliance:
    return evaluate(load_standards(), events, period, as_of)


@settings(max_examples=60, deadline=None)
@given(ledgers(), AS_OF, st.randoms(use_true_random=False))
def test_the_order_of_events_does_not_matter_and_the_answer_is_the_same(
    events: list[Event], as_of: datetime, chance: random.Random
) -> None:
    shuffled = list(events)
    chance.shuffle(shuffled)
    before = [dict(e.data) for e in events]
    assert judge(events, as_of) == judge(shuffled, as_of) == judge(events, as_of)
    assert [e.data for e in events] == before  # pure: nothing that was passed in has changed


@settings(max_examples=120, deadline=None)
@given(ledgers(), AS_OF)
def test_sums_add_up_and_every_deviation_is_one(events: list[Event], as_of: datetime) -> None:
    answer = judge(events, as_of)
    for totals in answer.all_totals():
        assert totals.executions == totals.sesuai + totals.menyimpang + totals.menunggu
        assert totals.occasions == totals.kept + totals.deviating + totals.missed + totals.waiting + totals.open
    failed = [
        (e.id, aspect)
        for e in answer.executions
        for aspect, j in (("perlengkapan", e.requirement), ("waktu", e.time), ("output", e.output))
        if j.status == "menyimpang"
    ]
    assert sorted(failed) == sorted((d.execution or "", d.aspect) for d in answer.deviations if d.execution)
    missed = [o.key for o in answer.occasions if o.state == "terlewat"]
    assert sorted(missed) == sorted(d.occasion for d in answer.deviations if d.execution is None and d.occasion)
    assert len({d.id for d in answer.deviations}) == len(answer.deviations)
    assert all(d.at <= as_of for d in answer.deviations if d.aspect == "jadwal")


@settings(max_examples=120, deadline=None)
@given(ledgers(), AS_OF)
def test_attempts_lie_in_their_windows_and_one_judges(events: list[Event], as_of: datetime) -> None:
    answer = judge(events, as_of, Period.parse("2026", "Asia/Jakarta"))
    known = {e.id: e for e in answer.executions}
    assert len(known) == len(answer.executions)
    filled = {name for o in answer.occasions for name in o.executions}
    planned = {e.id for e in answer.executions if e.occasion and e.occasion.opens_at <= as_of}
    assert planned <= filled <= {e.id for e in answer.executions if e.kind == "planned"}
    for occasion in answer.occasions:
        attempts = [known[name] for name in occasion.executions]
        assert all(occasion.opens_at <= e.started_at < occasion.closes_at for e in attempts)
        counted = [e for e in attempts if e.occasion == occasion.key]  # the rest count in a window that overlaps it
        assert [e.attempt for e in counted] == list(range(1, len(counted) + 1))
        late = [e for e in counted if e.by_hand and e.recorded_at > occasion.closes_at and occasion.obligatory]
        assert [e.id for e in late if e.judges] == []
        assert sum(e.judges for e in counted) == (len(counted) > len(late))
        unread = [e for e in counted if e.review_due is not None and e.output.status != "sesuai"]
        assert not (unread and occasion.state in ("sesuai", "terbuka", "terlewat"))
        assert occasion.obligatory or occasion.state != "terlewat"
    assert all(e.judges and e.attempt == 1 for e in answer.executions if e.kind == "ad_hoc")


@settings(max_examples=60, deadline=None)
@given(ledgers(), AS_OF, st.integers(min_value=1, max_value=29))
def test_a_month_is_its_parts(events: list[Event], as_of: datetime, day: int) -> None:
    whole = judge(events, as_of)
    parts = [
        judge(events, as_of, Period.parse(text, "Asia/Jakarta"))
        for text in (f"2026-11-01..2026-11-{day:02}", f"2026-11-{day + 1:02}..2026-11-30")
    ]
    assert [e for part in parts for e in part.executions] == list(whole.executions)
    assert [o for part in parts for o in part.occasions] == list(whole.occasions)


@settings(max_examples=60, deadline=None)
@given(ledgers(), AS_OF, st.timedeltas(timedelta(0), timedelta(days=60)))
def test_time_only_adds_deviations(events: list[Event], as_of: datetime, later: timedelta) -> None:
    """With the same events, what has once deviated stays so: waiting does not heal."""
    before = {d.id for d in judge(events, as_of).deviations}
    assert before <= {d.id for d in judge(events, as_of + later).deviations}
