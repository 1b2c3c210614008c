"""A timer through weeks of sleep, failures and clocks set back, on a record that is judged as ever: what must hold."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from reporting.compliance import Compliance, Occasion, Period, evaluate
from reporting.compliance.windows import upcoming
from reporting.events import (
    KIND_FINISHED,
    KIND_NOTICED,
    KIND_SETTINGS,
    KIND_STARTED,
    Agent,
    ExecutionFinished,
    ExecutionStarted,
    OccasionNoticed,
    Person,
)
from reporting.ledger.model import GENESIS, Event
from reporting.schedule.work import LAST_CHANCE, MOST_ATTEMPTS, RETRY_AFTER, Seen, ToRun, Work, grouped, work
from reporting.standard import load_standards
from reporting.unit import Snapshot
from tests import golden

TIMER = Agent(kind="timer", name="node")
BUDI = Person(id="budi", name="Budi", title="Pengelola")
FIRST = golden.local(datetime(2026, 11, 2))  # noqa: DTZ001 - local; a Monday
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
STANDARDS = load_standards()
DAILY = {"activity": 3, "every": "day"}


@dataclass
class World:
    """A record, and the timer that wakes on it. What fails is told in `broken`: (activity, site)."""

    plans: list[dict[str, Any]]
    sites: tuple[str, ...] = ("www",)
    broken: set[tuple[int, str]] = field(default_factory=set)
    events: list[Event] = field(default_factory=list)
    alive: datetime | None = None
    born: datetime | None = None
    ran: list[tuple[datetime, ToRun]] = field(default_factory=list)
    medium: bool = True

    def __post_init__(self) -> None:
        officer = {"id": "budi", "name": "Budi", "title": "P", "roles": ["pengelola_sistem_dan_jaringan"]}
        unit = {"id": "uji", "name": "Uji", "officers": [officer], "schedule": self.plans, "review": {"activities": []}}
        snapshot = Snapshot.model_validate({"unit": unit, "sites": list(self.sites)})
        self.append(FIRST - DAY, KIND_SETTINGS, "uji", snapshot.model_dump(mode="json"))

    def append(self, at: datetime, kind: str, subject: str, data: dict[str, Any]) -> None:
        seq = len(self.events) + 1
        self.events.append(Event(seq, str(seq), at, "uji", "test", kind, subject, data, GENESIS, GENESIS))

    def judged(self, at: datetime) -> Compliance:
        first, last = (FIRST - 5 * DAY).date(), (FIRST + 60 * DAY).date()
        period = Period(f"{first}..{last}", first, last, golden.WIB)
        return evaluate(STANDARDS, self.events, period, at, "en")

    def noticed(self) -> list[OccasionNoticed]:
        return [OccasionNoticed.model_validate(e.data) for e in self.events if e.kind == KIND_NOTICED]

    def decide(self, at: datetime) -> Work:
        seen = Seen(at, at, self.born, self.alive, TIMER, self.medium)
        coming = upcoming(self.events, at, at + 2 * DAY)
        return work(self.judged(at), {n.occasion: n for n in self.noticed()}, coming, seen)

    def wake(self, at: datetime) -> Work:
        """One call: notices go on record, then what is to be run is run, until nothing is left."""
        last = self.decide(at)
        begun: set[tuple[int, str, str, str]] = set()
        while True:
            for notice in last.noticed:
                self.append(at, KIND_NOTICED, "www", notice.json_value())
            runs = [run for run in last.runs if run.key not in begun]
            if not last.noticed and not runs:
                break
            if not last.noticed:
                for run in grouped(runs)[0]:
                    begun.add(run.key)
                    self.run(at, run)
            last = self.decide(at)
        self.born = self.born or at
        self.alive = at
        return last

    def run(self, at: datetime, run: ToRun) -> None:
        name = f"e{len(self.ran)}"
        self.ran.append((at, run))
        started = ExecutionStarted(
            execution=name, run=name, activity=run.activity, executor=BUDI, agent=TIMER, clock="elapsed", started_at=at,
            ad_hoc=run.ad_hoc, catches_up=run.catches_up,
        )  # fmt: skip
        self.append(at, KIND_STARTED, run.site, started.json_value())
        bad = (run.activity, run.site) in self.broken
        raw: dict[str, Any] = {"activity": run.activity, "site": run.site, "ok": ["site_access"], "outputs": 1}
        if bad:
            raw = {**raw, "ok": [], "missing": {"site_access": "not reachable"}, "outputs": 0}
        document = golden.document(raw)
        status = "failed" if bad else "completed"
        ended = at + timedelta(minutes=5)
        finished = ExecutionFinished(execution=name, ended_at=ended, status=status, document=document)
        self.append(ended, KIND_FINISHED, run.site, finished.json_value())

    def occasions(self, at: datetime) -> dict[str, Occasion]:
        return {o.key.id: o for o in self.judged(at).occasions}


def test_an_ordinary_week_is_one_run_a_window_as_it_opens() -> None:
    world = World([DAILY, {"activity": 2, "every": "week", "day": "friday"}], ("www", "blog"))
    for hour in range(7 * 24):
        world.wake(FIRST + hour * HOUR)
    assert Counter(run.activity for _, run in world.ran) == {3: 14, 2: 2}
    assert all(at == golden.local(datetime.combine(at.date(), datetime.min.time())) for at, _ in world.ran)
    assert world.noticed() == []


def test_the_urgent_window_goes_first_and_sites_of_an_activity_go_together() -> None:
    world = World([{"activity": 1, "every": "day"}, {"activity": 2, "every": "day", "hours": 6}], ("www", "blog"))
    decided = world.decide(FIRST + HOUR)
    assert [[(r.activity, r.site) for r in group] for group in grouped(decided.runs)] == [
        [(2, "blog"), (2, "www")],
        [(1, "blog"), (1, "www")],
    ]


def test_two_days_of_sleep() -> None:
    world = World([DAILY])
    world.wake(FIRST + 6 * HOUR)
    world.wake(FIRST + 2 * DAY + 6 * HOUR)
    assert [(n.state, n.opens_at) for n in world.noticed()] == [("missed", FIRST + DAY), ("late", FIRST + 2 * DAY)]
    assert {n.asleep_since for n in world.noticed()} == {FIRST + 6 * HOUR}
    (_, first), (_, second) = world.ran
    assert first.catches_up == ""
    assert (second.ad_hoc, second.catches_up) == (False, world.noticed()[0].occasion)
    missed = world.occasions(FIRST + 3 * DAY)[world.noticed()[0].occasion]
    assert (missed.state, missed.caught_up_by) == ("terlewat", "e1")
    assert missed.noticed == world.noticed()[0]


def test_a_clock_set_back_into_a_window_that_was_missed_does_not_fill_it() -> None:
    world = World([{"activity": 3, "every": "day", "start": "08:00", "hours": 4}])
    world.wake(FIRST)
    world.wake(FIRST + DAY)
    assert [(n.state, n.opens_at) for n in world.noticed()] == [("missed", FIRST + 8 * HOUR)]
    assert [run.ad_hoc for _, run in world.ran] == [True]
    world.wake(FIRST + 9 * HOUR)
    assert len(world.ran) == 1
    assert world.occasions(FIRST + DAY)[world.noticed()[0].occasion].state == "terlewat"


def test_a_call_that_takes_hours_makes_nothing_late_that_opens_meanwhile() -> None:
    world = World([{"activity": 3, "every": "day", "start": "08:00", "hours": 10}])
    world.wake(FIRST)
    busy_since = FIRST + 30 * timedelta(minutes=1)
    seen = Seen(FIRST + 12 * HOUR, busy_since, world.born, world.alive, TIMER)
    assert work(world.judged(FIRST + 12 * HOUR), {}, [], seen).noticed == ()


def test_what_fails_is_tried_again_later_and_later_and_then_left_to_people() -> None:
    world = World([DAILY], broken={(3, "www")})
    for quarter in range(24 * 4):
        last = world.wake(FIRST + quarter * HOUR / 4)
    waited = [later - earlier for (earlier, _), (later, _) in zip(world.ran, world.ran[1:], strict=False)]
    assert len(world.ran) == MOST_ATTEMPTS
    assert all(w >= after for w, after in zip(waited, RETRY_AFTER, strict=True))
    assert all(w <= after + timedelta(minutes=20) for w, after in zip(waited, RETRY_AFTER, strict=True))
    assert "run it by hand" in last.waits[0].reason
    assert last.waits[0].until is None


def test_what_was_killed_is_tried_again_from_when_it_began() -> None:
    """Its end on record is when somebody noticed: a node that was off for hours does not wait once more."""
    world = World([DAILY])
    started = ExecutionStarted(
        execution="cut", run="cut", activity=3, executor=BUDI, agent=TIMER, clock="elapsed", started_at=FIRST + HOUR
    )
    world.append(FIRST + HOUR, KIND_STARTED, "www", started.json_value())
    ended = FIRST + 5 * HOUR
    empty = golden.document({"activity": 3, "site": "www", "problems": ["killed"]})
    finished = ExecutionFinished(execution="cut", ended_at=ended, status="killed", document=empty)
    world.append(ended, KIND_FINISHED, "www", finished.json_value())
    assert [run.site for run in world.decide(ended).runs] == ["www"]


def test_a_backup_waits_for_its_medium_until_its_last_chance() -> None:
    world = World([{"activity": 2, "every": "day", "hours": 8}], medium=False, broken={(2, "www")})
    told = world.wake(FIRST + HOUR)
    assert world.ran == []
    assert "plug it in" in told.waits[0].reason
    assert told.look_again - (FIRST + HOUR) < timedelta(seconds=1), "only looking again tells that it was plugged in"
    world.wake(FIRST + 8 * HOUR - LAST_CHANCE)
    assert len(world.ran) == 1, "at the last moment the record is to say why there is no backup"
    world.medium, world.broken = True, set()
    other = World([{"activity": 2, "every": "day", "hours": 8}])
    other.wake(FIRST + HOUR)
    assert len(other.ran) == 1


def test_nothing_changes_before_it_is_said_to() -> None:
    world = World([{"activity": 3, "every": "day", "start": "08:00", "hours": 4}], broken={(3, "www")})
    again = world.wake(FIRST).look_again
    assert again == FIRST + 8 * HOUR
    told = world.wake(again)
    assert told.look_again == again + timedelta(minutes=5) + RETRY_AFTER[0]


STEPS = st.lists(
    st.tuples(st.sampled_from([15, 15, 15, 60, 240, 900, 3000, -60, -1500]), st.booleans()), min_size=1, max_size=25
)
PLANS = st.lists(
    st.sampled_from(
        [
            DAILY,
            {"activity": 3, "every": "day", "start": "09:00", "hours": 2},
            {"activity": 1, "every": "workday", "start": "06:30", "hours": 12},
            {"activity": 1, "every": "week", "day": "wednesday", "hours": 72},
            {"activity": 2, "every": "day", "start": "20:00", "hours": 20},
        ]
    ),
    min_size=1,
    max_size=3,
    unique_by=str,
)


@given(plans=PLANS, steps=STEPS)
@settings(max_examples=30, deadline=None)
def test_whatever_sleeps_fails_or_is_set_back(plans: list[dict[str, Any]], steps: list[tuple[int, bool]]) -> None:
    """Minutes that pass between two calls (a clock set back: less than none), and whether all sites are broken then."""
    world, now, latest = World(plans, ("www", "blog")), FIRST + 7 * HOUR, FIRST
    for minutes, broken in [(0, False), *steps]:
        now += timedelta(minutes=minutes)
        latest = max(latest, now)
        world.broken = {(n, s) for n in (1, 2, 3) for s in world.sites} if broken else set()
        world.wake(now)
        before = len(world.events)
        world.wake(now)
        assert len(world.events) == before, "a second call at the same instant does nothing"

    notices = Counter((n.occasion, n.state) for n in world.noticed())
    assert set(notices.values()) <= {1}, "nothing is noticed twice"
    tries = Counter(run.occasion for _, run in world.ran if run.occasion)
    assert all(count <= MOST_ATTEMPTS for count in tries.values())
    judged = world.judged(latest)
    bad = {e.id for e in judged.executions if "menyimpang" in (e.requirement.status, e.output.status)}
    good = Counter(run.occasion for n, (_, run) in enumerate(world.ran) if run.occasion and f"e{n}" not in bad)
    assert set(good.values()) <= {1}, "no occasion is done twice"
    made_up = Counter(run.catches_up for n, (_, run) in enumerate(world.ran) if run.ad_hoc and f"e{n}" not in bad)
    assert set(made_up.values()) <= {1}, "nothing is made up for twice"
    known = {n.occasion for n in world.noticed() if n.state == "missed"}
    at_last = world.judged(now)
    for occasion in at_last.occasions:
        if occasion.state == "terlewat" and occasion.obligatory and world.born and occasion.closes_at > world.born:
            assert occasion.key.id in known, "what was missed is noticed"
