"""What compliance answers: executions with verdicts, occasions of the schedule, deviations. Plain frozen values.

All instants are aware and in the unit's zone; minutes are exact (not rounded) unless a name says `shown`. Reasons are
texts in the language that `evaluate` was asked for. Sequences are tuples, in the order in which they are printed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

from reporting import account as accounts
from reporting.compliance.period import Period
from reporting.contract import ResultDocument
from reporting.events import Agent, Clock, EvidenceFile, FinishStatus, OccasionNoticed, Person, TaskTime
from reporting.standard import Standard
from reporting.unit import Unit

Status = Literal["sesuai", "menyimpang", "menunggu"]
OccasionState = Literal["sesuai", "menyimpang", "terlewat", "menunggu", "terbuka"]
Aspect = Literal["perlengkapan", "waktu", "output", "jadwal"]
AccountState = accounts.State
ExecutionStatus = FinishStatus | Literal["running", "interrupted"]  # the last two: no end is on record


FIRST_BY_PEOPLE = 4  # activities from this number on are steps that people take, one after the other
TROUBLESHOOTING = 8  # on record from the report on: it may go on for days


class ComplianceError(Exception):
    """A record that cannot be judged; one line that says what is wrong and where."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """One aspect (or the whole) of an execution, judged.

    `menunggu` = not known: it can still turn either way, or the execution was cut short before it could tell (its
    output then decides the verdict).
    """

    status: Status
    reason: str


@dataclass(frozen=True, slots=True, order=True)
class OccasionKey:
    """What names an occasion: one activity on one site, due in the window that opens then."""

    activity: int
    site: str
    opens_at: datetime

    @property
    def id(self) -> str:
        """A stable text of the key (the instant in UTC), e.g. `2:laman:2026-11-01T17:00Z`."""
        return f"{self.activity}:{self.site}:{self.opens_at.astimezone(UTC):%Y-%m-%dT%H:%MZ}"


@dataclass(frozen=True, slots=True)
class Review:
    """The reading and signing off of a result (paraf)."""

    reviewer: Person
    agent: Agent
    note: str
    reviewed_at: datetime


@dataclass(frozen=True, slots=True)
class Execution:
    """One attempt at one activity on one site, judged by the POS and the settings of its day.

    `verdict` = `requirement` ∧ `time` ∧ `output`: menyimpang when one is; else menunggu when one is; else sesuai.
    `minutes` is what was measured on `clock` from `measured_from` (the first task on this site, or `started_at`) to
    `ended_at`, and is judged exactly; None when no usable end is on record.
    `attempt` counts the attempts of its window from 1. One `judges` the window: the last that was not cut short, or
    else the last; never one that was put on record by hand after the window had closed (ad hoc: always 1, and judges).
    `recorded_at` is when the ledger learned of it: for what was done by hand that may be days later.
    A person's step (activities 4-7): `site` is the case, `minutes_gross` and `minutes_net` are both kept, and `minutes`
    is the one of them that judged (setting `human_clock`). A ticket (activity 8): `site` is the ticket; it is on record
    from its report on, and while it goes on (`as_of`) its time is judged as soon as the standard's minutes are used up.
    Its attempts are its solutions: the last one judges, each from the first report on. Its net minutes are no concern
    of the verdict (reporting.troubleshooting tells them).
    `review_due` is the last instant at which a review still counts; None where none is asked for, and where the output
    is not whole, so that no review can help it: with it and without `review`, only the review is lacking.
    """

    id: str
    activity: int
    activity_slug: str
    site: str
    executor: Person
    agent: Agent
    occasion: OccasionKey | None
    kind: Literal["planned", "ad_hoc"]
    attempt: int
    judges: bool
    started_at: datetime
    ended_at: datetime | None
    recorded_at: datetime
    clock: Clock
    minutes: float | None
    standard_minutes: int
    standard_number: str
    status: ExecutionStatus
    requirement: Judgement
    time: Judgement
    output: Judgement
    verdict: Judgement
    document: ResultDocument | None
    findings: int
    review: Review | None
    review_due: datetime | None
    evidence: tuple[EvidenceFile, ...]
    tasks: tuple[TaskTime, ...]
    by_hand: bool
    run: str
    measured_from: datetime | None = None
    note: str = ""  # what was written by whom did it by hand
    taken_at: datetime | None = None  # a person's step: when work on it was begun, if that was recorded
    minutes_gross: float | None = None  # on the working clock, from `started_at` (its input was there) to its end
    minutes_net: float | None = None  # on the working clock, from `taken_at` to its end
    catches_up: str = ""  # id of the occasion that was missed and that it makes up for
    as_of: datetime | None = None  # a person's step that goes on: as of when it was judged

    @property
    def counts_at(self) -> datetime:
        """The instant that decides in which period it counts: a person's step as it ends, others as they start.

        A person's step that goes on counts in the period that goes on, never in a past one.
        """
        if self.activity >= FIRST_BY_PEOPLE:
            return self.ended_at or self.as_of or self.started_at
        return self.started_at

    @property
    def counts(self) -> bool:
        """Whether it is counted: a ticket counts once, by its last solution; one that was reopened is only listed."""
        return self.judges or self.activity != TROUBLESHOOTING

    @property
    def goes_on(self) -> bool:
        """Whether people have not ended it yet: nothing was cut short."""
        return self.activity >= FIRST_BY_PEOPLE and self.ended_at is None

    @property
    def minutes_waiting(self) -> float | None:
        """How much of `minutes_gross` was waiting for its executor; None where no take was recorded."""
        if self.minutes_gross is None or self.minutes_net is None:
            return None
        return self.minutes_gross - self.minutes_net

    @property
    def minutes_shown(self) -> float | None:
        """The minutes as they are printed: rounded half up to 0.1. Never judge by these."""
        return None if self.minutes is None else shown(self.minutes)


@dataclass(frozen=True, slots=True)
class Occasion:
    """One window of the schedule that has opened by `as_of`, and what became of it.

    `terbuka`: nothing whole yet and the window is still open. `terlewat`: it closed without a whole attempt on record,
    a deviation for good: what is recorded by hand after the close is listed and judged, and the reason names it.
    Otherwise the verdict of the last whole attempt (or of one still running), but not `sesuai` while an earlier whole
    attempt lacks its review: then `menunggu`, and `menyimpang` when that did not come in time. `executions` are ids, in
    order of start: all that began in the window (where windows overlap, an execution fills each). `obligatory` is false
    for a window that opened before the settings that plan it came into force: it can be filled, not missed.
    `executor`: of the attempt that decides, or else the officer in office who is assigned to the activity (None: nobody
    is).
    """

    key: OccasionKey
    closes_at: datetime
    state: OccasionState
    executions: tuple[str, ...]
    executor: Person | None
    reason: str
    obligatory: bool = True
    noticed: OccasionNoticed | None = None  # the timer found it late, or missed
    caught_up_by: str = ""  # id of the execution that made up for it

    @property
    def activity(self) -> int:
        """Number of the POS activity."""
        return self.key.activity

    @property
    def site(self) -> str:
        """The site it was due on."""
        return self.key.site

    @property
    def opens_at(self) -> datetime:
        """When the window opens (inclusive)."""
        return self.key.opens_at


@dataclass(frozen=True, slots=True)
class Deviation:
    """One failure to keep the standard (POS, Peringatan 2) that its executor must account for.

    `id` is derived from what deviated and in which aspect, so that it is the same in every computation. `at` is when it
    became certain. `executor` is None only for a missed occasion while nobody was in office: the reason says so.
    `account`: the last account and what was decided on it (reporting.account). `account_due`: the last local day on
    which it is in time: so many working days (setting `accounts`) after it was certain and on record, or returned.
    """

    id: str
    execution: str | None
    occasion: OccasionKey | None
    activity: int
    site: str
    aspect: Aspect
    reason: str
    executor: Person | None
    at: datetime
    account_state: AccountState = "belum dipertanggungjawabkan"
    account: accounts.Account | None = None
    account_due: date | None = None

    @property
    def accepted(self) -> bool:
        """Whether nothing more is asked about it."""
        return self.account_state == "diterima"

    @property
    def lacks_account(self) -> bool:
        """Whether it is its executor's turn: nobody has accounted for it, or the account was returned."""
        return self.account_state in ("belum dipertanggungjawabkan", "dikembalikan")

    def overdue(self, day: date) -> bool:
        """Whether its account is not there although it was due before that local day."""
        return self.lacks_account and self.account_due is not None and self.account_due < day


@dataclass(frozen=True, slots=True)
class Evidence:
    """One file of the archive and the execution that it proves."""

    execution: str
    activity: int
    site: str
    file: EvidenceFile


@dataclass(frozen=True, slots=True)
class ActivityTotals:
    """Counts of one activity over the period. Occasions and executions are counted apart: a retry is one occasion.

    `executions` = `sesuai` + `menyimpang` + `menunggu` (every attempt, but a ticket once); `ad_hoc` of them: no plan.
    `occasions` = `kept` + `deviating` + `missed` + `waiting` + `open`. Minutes: of all that was measured.
    """

    activity: int
    slug: str
    executions: int
    sesuai: int
    menyimpang: int
    menunggu: int
    ad_hoc: int
    occasions: int
    kept: int
    deviating: int
    missed: int
    waiting: int
    open: int
    minutes_sum: float
    minutes_max: float | None
    findings: int
    deviations: int


@dataclass(frozen=True, slots=True)
class Compliance:
    """The answer for one period. `unit`, `sites`, `standard`: in force at its end (or at `as_of`, if that is before).

    `problems` are events that fit nothing (the end of an execution that never began, a second end): listed, not judged.
    """

    period: Period
    as_of: datetime
    unit: Unit
    sites: tuple[str, ...]
    standard: Standard
    executions: tuple[Execution, ...]
    occasions: tuple[Occasion, ...]
    deviations: tuple[Deviation, ...]
    evidence: tuple[Evidence, ...]
    problems: tuple[str, ...]

    def execution(self, wanted: str) -> Execution | None:
        """The execution with that id, or None."""
        return next((e for e in self.executions if e.id == wanted), None)

    def of_activity(self, activity: int) -> tuple[Execution, ...]:
        """The executions of one activity, in order of their start."""
        return tuple(e for e in self.executions if e.activity == activity)

    def totals(self, activity: int) -> ActivityTotals:
        """Counts of one activity of the standard (1–8); KeyError for another number."""
        return _totals(
            activity,
            self.standard.activity(activity).slug,
            tuple(e for e in self.of_activity(activity) if e.counts),
            [o for o in self.occasions if o.activity == activity],
            sum(d.activity == activity for d in self.deviations),
        )

    def all_totals(self) -> tuple[ActivityTotals, ...]:
        """Counts of every activity of the standard, in its order."""
        return tuple(self.totals(a.number) for a in self.standard.activities)


def _totals(
    activity: int, slug: str, executions: tuple[Execution, ...], occasions: list[Occasion], deviations: int
) -> ActivityTotals:
    verdicts = [e.verdict.status for e in executions]
    states = [o.state for o in occasions]
    measured = [e.minutes for e in executions if e.minutes is not None]
    return ActivityTotals(
        activity=activity,
        slug=slug,
        executions=len(executions),
        sesuai=verdicts.count("sesuai"),
        menyimpang=verdicts.count("menyimpang"),
        menunggu=verdicts.count("menunggu"),
        ad_hoc=sum(e.kind == "ad_hoc" for e in executions),
        occasions=len(occasions),
        kept=states.count("sesuai"),
        deviating=states.count("menyimpang"),
        missed=states.count("terlewat"),
        waiting=states.count("menunggu"),
        open=states.count("terbuka"),
        minutes_sum=_sum(measured),
        minutes_max=max(measured, default=None),
        findings=sum(e.findings for e in executions),
        deviations=deviations,
    )


def _sum(values: Iterable[float]) -> float:
    return float(sum(values))


def shown(minutes: float) -> float:
    """Minutes as they are printed: rounded half up to 0.1."""
    return float(Decimal(str(minutes)).quantize(Decimal("0.1"), rounding=ROUND_HALF_UP))
