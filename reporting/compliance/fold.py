"""Events of the ledger, put together: the settings and when each came into force, and one record per execution."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from reporting import account
from reporting.compliance.model import FIRST_BY_PEOPLE, TROUBLESHOOTING, ComplianceError, Review
from reporting.events import (
    KIND_ACCOUNTED,
    KIND_EVIDENCE,
    KIND_FINISHED,
    KIND_NOTICED,
    KIND_REVIEWED,
    KIND_SETTINGS,
    KIND_STARTED,
    KIND_TICKET_STEP,
    DeviationAccounted,
    DeviationDecided,
    EvidenceAdded,
    EvidenceFile,
    ExecutionFinished,
    ExecutionReviewed,
    ExecutionStarted,
    OccasionNoticed,
    Person,
    TicketStep,
)
from reporting.ledger.model import Event
from reporting.unit import Snapshot
from reporting.worktime import CalendarSettings, WorkClock

_Payload = TypeVar("_Payload", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Settings:
    """A snapshot of the settings, in force from `at` until a later one."""

    at: datetime
    seq: int
    snapshot: Snapshot

    @property
    def clock(self) -> WorkClock:
        """The working-minutes clock of this snapshot's calendar."""
        return _clock(self.snapshot.unit.calendar.model_dump_json())


@lru_cache(maxsize=32)
def _clock(calendar: str) -> WorkClock:
    return WorkClock(CalendarSettings.model_validate_json(calendar))


@dataclass(slots=True)
class Record:
    """What the ledger has about one execution."""

    started: ExecutionStarted
    site: str
    seq: int
    recorded_at: datetime
    finished: ExecutionFinished | None = None
    review: Review | None = None
    evidence: list[EvidenceFile] = field(default_factory=list)
    ended_seq: int | None = None
    ended_recorded_at: datetime | None = None
    responded_at: datetime | None = None  # a ticket: when somebody first took it
    taken_over_by: Person | None = None  # a ticket: who was responsible for it in the end

    @property
    def executor(self) -> Person:
        """Who is responsible."""
        return self.taken_over_by or self.started.executor

    @property
    def taken_at(self) -> datetime | None:
        """When work on a person's step was begun, if that was recorded."""
        return self.started.taken_at or self.responded_at

    @property
    def by_people(self) -> bool:
        """Whether it is a step that people take (activities 4-8)."""
        return self.started.activity >= FIRST_BY_PEOPLE

    @property
    def order(self) -> tuple[datetime, int]:
        """Attempts come in the order in which they began; the ledger's order decides between equals."""
        return (self.started.started_at, self.seq)


@dataclass(slots=True)
class Folded:
    """The events of a stretch of time, put together. `settings` in the ledger's order, never empty."""

    settings: list[Settings]
    records: list[Record]
    problems: list[str]
    accounts: dict[str, account.Account] = field(default_factory=dict)  # by deviation
    noticed: dict[str, OccasionNoticed] = field(default_factory=dict)  # by occasion: the timer found it late, or missed

    def in_force(self, at: datetime) -> Settings:
        """The settings in force at an instant: the last that were recorded by then, or the first ever."""
        return next((s for s in reversed(self.settings) if s.at <= at), self.settings[0])


def fold(events: Iterable[Event], start: datetime, end: datetime) -> Folded:
    """Settings of all times, and the executions that began in `[start, end)`; people's steps that began before `end`.

    The order in which events are passed does not matter: the ledger's (`seq`) decides.

    Raises:
        ComplianceError: no settings are on record, or an event does not have its kind's shape.
    """
    by_kind: dict[str, list[Event]] = {}
    for event in events:
        by_kind.setdefault(event.kind, []).append(event)
    for group in by_kind.values():
        group.sort(key=lambda e: e.seq)
    settings = [Settings(e.at, e.seq, _read(e, Snapshot)) for e in by_kind.get(KIND_SETTINGS, [])]
    if not settings:
        raise ComplianceError("no settings are on record yet: nothing can be judged (laman run records them)")
    problems: list[str] = []
    everything, records = _started(by_kind.get(KIND_STARTED, []), start, end, problems)
    for kind in (KIND_FINISHED, KIND_REVIEWED, KIND_EVIDENCE):
        for event in by_kind.get(kind, []):
            execution = event.data.get("execution")
            if execution in records:
                _ADD[kind](records[execution], event, problems)
            elif execution not in everything and event.data.get("of", "execution") == "execution":
                problems.append(f"event {event.seq} ({kind}): execution {execution!r} never began")
    _add_ticket_steps(records.values(), by_kind.get(KIND_TICKET_STEP, []))
    accounts, noticed = _accounts(by_kind), _noticed(by_kind.get(KIND_NOTICED, []), start, end)
    return Folded(settings, sorted(records.values(), key=lambda r: r.order), problems, accounts, noticed)


def _noticed(events: list[Event], start: datetime, end: datetime) -> dict[str, OccasionNoticed]:
    """What the timer noticed about occasions; what is late first and missed later is missed."""
    said = (_read(event, OccasionNoticed) for event in events)
    return {n.occasion: n for n in said if start <= n.opens_at < end}


def _accounts(by_kind: dict[str, list[Event]]) -> dict[str, account.Account]:
    events = [e for kind in account.KINDS for e in by_kind.get(kind, [])]
    try:
        return account.fold(events)
    except ValidationError:
        for event in events:  # says which of them it is
            _read(event, DeviationAccounted if event.kind == KIND_ACCOUNTED else DeviationDecided)
        raise


def _started(
    events: list[Event], start: datetime, end: datetime, problems: list[str]
) -> tuple[set[str], dict[str, Record]]:
    """All execution ids, and the records of those that `fold` wants."""
    everything: set[str] = set()
    records: dict[str, Record] = {}
    for event in events:
        execution = str(event.data.get("execution"))
        if execution in everything:
            problems.append(f"event {event.seq} ({event.kind}): execution {execution!r} began before: the first counts")
            continue
        everything.add(execution)
        if (start <= _began(event) < end) or (_by_people(event) and _began(event) < end):
            records[execution] = Record(_read(event, ExecutionStarted), event.subject, event.seq, event.at)
    return everything, records


def _by_people(event: Event) -> bool:
    """Activities 4-8: their input may have been there long before, and they count when they are done."""
    number = event.data.get("activity")
    return isinstance(number, int) and number >= FIRST_BY_PEOPLE


def _began(event: Event) -> datetime:
    """When an execution began, without reading all of the event: most events of a year are not of the month asked."""
    try:
        began = datetime.fromisoformat(event.data["started_at"])
    except (KeyError, TypeError, ValueError):
        return _read(event, ExecutionStarted).started_at
    return began if began.tzinfo is not None else _read(event, ExecutionStarted).started_at


def _add_end(record: Record, event: Event, problems: list[str]) -> None:
    if record.finished is None:
        record.finished, record.ended_seq = _read(event, ExecutionFinished), event.seq
        record.ended_recorded_at = event.at
    else:
        problems.append(f"event {event.seq}: execution {record.started.execution!r} ended before: the first end counts")


def _add_review(record: Record, event: Event, problems: list[str]) -> None:
    """The review that was recorded first counts, and none before the end: there was nothing to read yet."""
    data = _read(event, ExecutionReviewed)
    if record.finished is None or data.reviewed_at < record.finished.ended_at:
        problems.append(f"event {event.seq}: execution {record.started.execution!r} was reviewed before it had ended")
    elif record.review is None:
        record.review = Review(data.reviewer, data.agent, data.note, data.reviewed_at)


def _add_evidence(record: Record, event: Event, _problems: list[str]) -> None:
    record.evidence.extend(_read(event, EvidenceAdded).files)


_RESPONSES = ("take", "route", "solve")  # the first of them is the first response to a ticket
_MOVES = (*_RESPONSES, "pause", "resume", "reopen")  # they follow each other


def _add_ticket_steps(records: Iterable[Record], events: list[Event]) -> None:
    """When each ticket was first taken, and who took it over while one of its executions went on.

    Nothing counts from later than a step after it: the clock that said so was ahead.
    """
    tickets: dict[str, list[Record]] = {}
    for record in records:
        if record.started.activity == TROUBLESHOOTING:
            tickets.setdefault(record.site, []).append(record)
    for event in events:
        if event.subject not in tickets or event.data.get("step") not in _MOVES:
            continue
        step = _read(event, TicketStep)
        for record in tickets[event.subject]:
            if step.done_at < record.started.started_at:
                record.started = record.started.model_copy(update={"started_at": step.done_at})
            if record.responded_at is not None or step.step in _RESPONSES:
                record.responded_at = min(record.responded_at or step.done_at, step.done_at)
            while_it_went_on = event.seq > record.seq and (record.ended_seq is None or event.seq < record.ended_seq)
            if step.step == "take" and while_it_went_on:
                record.taken_over_by = step.executor


_ADD = {KIND_FINISHED: _add_end, KIND_REVIEWED: _add_review, KIND_EVIDENCE: _add_evidence}


def _read(event: Event, model: type[_Payload]) -> _Payload:
    try:
        return model.model_validate(event.data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "data"
        raise ComplianceError(
            f"event {event.seq} ({event.kind}): {where}: {first['msg']}: written by another version, or altered "
            "(laman verify tells)"
        ) from error
