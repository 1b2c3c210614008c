"""A period that was closed: which it is, what it was evaluated from, what still waits, what changed since. Pure.

What was closed is evaluated from the events up to its head, as of its instant, by the POS that were known then: later
settings, officers, holidays, a revised POS or late events alter nothing. Later events show as corrections.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from reporting.compliance.evaluate import evaluate
from reporting.compliance.model import Compliance, ComplianceError, Deviation, Execution, Occasion
from reporting.compliance.period import Period
from reporting.events import KIND_PERIOD_CLOSED, KIND_PERIOD_SCAN, KIND_SETTINGS, PeriodClosed, PeriodScan
from reporting.ledger.model import Event, canonical
from reporting.standard import Language, Standard
from reporting.unit import Snapshot

Subject = Literal["execution", "occasion", "deviation"]
What = Literal["added", "gone", "verdict", "review", "minutes", "evidence", "account", "state"]


@dataclass(frozen=True, slots=True)
class Closure:
    """A period that was closed, by which event and when, and the scans of its signed workbook."""

    data: PeriodClosed
    seq: int
    at: datetime
    scans: tuple[PeriodScan, ...] = ()

    def period(self, zone: ZoneInfo) -> Period:
        """The days that it closed."""
        return Period.parse(self.data.period, zone)


def closures(events: Iterable[Event]) -> list[Closure]:
    """Every period that was closed, in the order of closing; a second closing of the same one does not count.

    Raises:
        ComplianceError: an event has not its kind's shape.
    """
    found: dict[str, Closure] = {}
    scans: dict[str, list[PeriodScan]] = {}
    for event in sorted(events, key=lambda e: e.seq):
        try:
            if event.kind == KIND_PERIOD_CLOSED:
                data = PeriodClosed.model_validate(event.data)
                found.setdefault(data.period, Closure(data, event.seq, event.at))
            elif event.kind == KIND_PERIOD_SCAN:
                scan = PeriodScan.model_validate(event.data)
                scans.setdefault(scan.period, []).append(scan)
        except ValidationError as error:
            raise ComplianceError(
                f"event {event.seq} ({event.kind}): {error.errors()[0]['msg']}: written by another version, or altered "
                "(laman verify tells)"
            ) from error
    return [Closure(c.data, c.seq, c.at, tuple(scans.get(name, ()))) for name, c in found.items()]


def closure_of(events: Iterable[Event], period: Period) -> Closure | None:
    """The closing of exactly these days, however they were written; None when they are not closed."""
    for closure in closures(events):
        other = closure.period(period.zone)
        if (other.first, other.last) == (period.first, period.last):
            return closure
    return None


def events_of(closure: Closure, events: Iterable[Event]) -> list[Event]:
    """The events that counted when a period was closed.

    Raises:
        ComplianceError: the record is not the one that was closed: its head then is not among them.
    """
    counted = [e for e in events if e.seq <= closure.data.head_seq]
    last = max(counted, key=lambda e: e.seq, default=None)
    if last is None or (last.seq, last.hash) != (closure.data.head_seq, closure.data.head_hash):
        raise ComplianceError(
            f"period {closure.data.period}: event {closure.data.head_seq} is not the one that it was closed at: this "
            "record is another, or was altered; run: laman verify"
        )
    return counted


def standards_of(closure: Closure) -> list[Standard]:
    """The POS that were known when a period was closed.

    Raises:
        ComplianceError: they cannot be read any more.
    """
    try:
        return [Standard.model_validate(raw) for raw in closure.data.standards]
    except ValidationError as error:
        raise ComplianceError(
            f"event {closure.seq}: standards: {error.errors()[0]['msg']}: written by another version, or altered "
            "(laman verify tells)"
        ) from error


def zone_of(events: Iterable[Event]) -> ZoneInfo:
    """The zone of the last settings among these events.

    Raises:
        ComplianceError: there are none.
    """
    last = max((e for e in events if e.kind == KIND_SETTINGS), key=lambda e: e.seq, default=None)
    if last is None:
        raise ComplianceError("no settings are on record: run laman verify")
    return Snapshot.model_validate(last.data).unit.tz


def frozen(closure: Closure, counted: Sequence[Event], lang: Language) -> Compliance:
    """The period as it was when it was closed. `counted`: the events that counted then.

    Raises:
        ComplianceError: it cannot be evaluated any more.
    """
    period = closure.period(zone_of(counted))
    return evaluate(standards_of(closure), counted, period, closure.data.as_of, lang)


def figures(compliance: Compliance) -> dict[str, Any]:
    """What a period comes to, as plain values: every verdict with its minutes, every occasion, every deviation."""
    return {
        "period": compliance.period.text,
        "standard": compliance.standard.number,
        "totals": [
            [getattr(totals, name) for name in _TOTALS] for totals in compliance.all_totals()
        ],
        "executions": [_execution_figures(e) for e in compliance.executions],
        "occasions": [[o.key.id, o.state, list(o.executions)] for o in compliance.occasions],
        "deviations": [[d.id, d.account_state] for d in compliance.deviations],
        "evidence": [[e.execution, e.file.path, e.file.sha256] for e in compliance.evidence],
    }  # fmt: skip


_TOTALS = (
    "activity", "executions", "sesuai", "menyimpang", "menunggu", "ad_hoc", "occasions", "kept", "deviating", "missed",
    "waiting", "open", "minutes_sum", "findings", "deviations",
)  # fmt: skip


def _execution_figures(e: Execution) -> list[Any]:
    judged = [j.status for j in (e.requirement, e.time, e.output, e.verdict)]
    return [e.id, e.activity, e.site, e.executor.id, e.minutes, e.standard_minutes, *judged]


def figures_hash(compliance: Compliance) -> str:
    """SHA-256 over the figures: tells whether another version computes the same ones."""
    return hashlib.sha256(canonical(figures(compliance)).encode()).hexdigest()


def still_waiting(compliance: Compliance) -> list[str]:
    """What of the period has no verdict yet, one line each: executions that wait, windows that are still open.

    A ticket that goes on keeps no period open: it counts in the one in which it is solved.
    """
    lines = [
        f"activity {e.activity} on {e.site}, begun {e.started_at:%Y-%m-%d %H:%M}: {e.verdict.reason}"
        for e in compliance.executions
        if e.verdict.status == "menunggu" and not e.goes_on
    ]
    lines += [
        f"activity {o.activity} on {o.site}, window of {o.opens_at:%Y-%m-%d %H:%M}: {o.reason}"
        for o in compliance.occasions
        if o.state == "terbuka"
    ]
    return lines


@dataclass(frozen=True, slots=True)
class Correction:
    """One thing that differs since the period was closed. `was`/`now`: POS words, minutes, names; empty for none.

    `at`: when the ledger learned of it, as far as one event tells.
    """

    subject: Subject
    name: str
    activity: int
    site: str
    what: What
    was: str
    now: str
    reason: str
    at: datetime | None


def corrections(before: Compliance, after: Compliance) -> tuple[Correction, ...]:
    """What changed between two evaluations of the same days: executions, occasions, deviations, in this order."""
    found = [
        *_compared("execution", _by_id(before.executions), _by_id(after.executions), _execution_changes),
        *_compared("occasion", _by_key(before.occasions), _by_key(after.occasions), _occasion_changes),
        *_compared("deviation", _by_id(before.deviations), _by_id(after.deviations), _deviation_changes),
    ]
    return tuple(found)


def _by_id(things: Iterable[Any]) -> dict[str, Any]:
    return {thing.id: thing for thing in things}


def _by_key(occasions: Iterable[Occasion]) -> dict[str, Any]:
    return {occasion.key.id: occasion for occasion in occasions}


_Changes = Callable[[Any, Any], Iterator[tuple[What, str, str, str, datetime | None]]]


def _compared(subject: Subject, before: dict[str, Any], after: dict[str, Any], changes: _Changes) -> list[Correction]:
    found = []
    for name in dict.fromkeys([*before, *after]):
        thing: Any = after.get(name, before.get(name))
        for what, was, now, reason, at in changes(before.get(name), after.get(name)):
            found.append(Correction(subject, name, thing.activity, thing.site, what, was, now, reason, at))
    return found


def _execution_changes(
    was: Execution | None, now: Execution | None
) -> Iterator[tuple[What, str, str, str, datetime | None]]:
    if now is None:
        yield "gone", was.verdict.status if was else "", "", "", None
        return
    if was is None:
        yield "added", "", now.verdict.status, now.verdict.reason, now.recorded_at
        return
    if was.verdict.status != now.verdict.status:
        at = now.review.reviewed_at if now.review != was.review and now.review is not None else now.ended_at
        yield "verdict", was.verdict.status, now.verdict.status, now.verdict.reason, at
    if was.minutes != now.minutes:
        yield "minutes", _number(was.minutes_shown), _number(now.minutes_shown), "", now.ended_at
    if was.review != now.review and now.review is not None:
        name = was.review.reviewer.name if was.review is not None else ""
        yield "review", name, now.review.reviewer.name, now.review.note, now.review.reviewed_at
    if was.evidence != now.evidence:
        yield "evidence", str(len(was.evidence)), str(len(now.evidence)), "", None


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def _occasion_changes(
    was: Occasion | None, now: Occasion | None
) -> Iterator[tuple[What, str, str, str, datetime | None]]:
    if was is None or now is None:
        there = now or was
        state = there.state if there is not None else ""
        yield ("gone", state, "", "", None) if now is None else ("added", "", state, now.reason, None)
    elif was.state != now.state:
        yield "state", was.state, now.state, now.reason, None


def _deviation_changes(
    was: Deviation | None, now: Deviation | None
) -> Iterator[tuple[What, str, str, str, datetime | None]]:
    if was is None and now is not None:
        yield "added", "", now.account_state, f"{now.aspect}: {now.reason}", now.at
    elif now is None and was is not None:
        yield "gone", was.account_state, "", f"{was.aspect}: {was.reason}", None
    elif was is not None and now is not None and was.account_state != now.account_state:
        yield "account", was.account_state, now.account_state, f"{now.aspect}: {now.reason}", None
