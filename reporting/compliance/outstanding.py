"""Deviations across periods: all since the first event, and those that an earlier period left open. Pure.

A deviation is over only when its account was accepted; no period that ends, and none that is closed, ends it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from reporting import account
from reporting.compliance.closing import closures, zone_of
from reporting.compliance.evaluate import evaluate
from reporting.compliance.model import Compliance, Deviation
from reporting.compliance.period import Period
from reporting.events import KIND_FINISHED, KIND_SETTINGS, KIND_STARTED
from reporting.ledger.model import Event
from reporting.standard import Language, Standard

_DAY = timedelta(days=1)
_FIRST_DAY = date(2000, 1, 1)  # no record is older (reporting.compliance.period)


def lightened(events: Iterable[Event]) -> Iterator[Event]:
    """The events without what no verdict rests on: measures, single findings, task times. Most of a record is that.

    Their number of findings stays. What is evaluated from them has the same verdicts, occasions and deviations.
    """
    for event in events:
        document = event.data.get("document") if event.kind == KIND_FINISHED else None
        if not isinstance(document, dict):
            yield event
            continue
        found = max(int(document.get("findings_total") or 0), len(document.get("findings") or ()))
        lean = {**document, "measures": None, "findings": [], "findings_total": found}
        yield replace(event, data={**event.data, "tasks": [], "document": lean})


def evaluate_all(
    standards: Sequence[Standard], events: Sequence[Event], as_of: datetime, lang: Language = "id"
) -> Compliance:
    """The whole record as one period: from its first day to the local day of `as_of`.

    Raises:
        ComplianceError: as `evaluate`.
    """
    zone = zone_of(events)
    period = _stretch(events, as_of.astimezone(zone).date(), zone)
    return evaluate(standards, list(lightened(events)), period, as_of, lang)


def _stretch(events: Iterable[Event], last: date, zone: ZoneInfo) -> Period:
    """The days from the first that the record tells of (at most `last`) to `last`."""
    first = last
    for event in events:
        if event.kind in (KIND_SETTINGS, KIND_STARTED):
            first = min(first, _day(event, zone))
    first = max(first, _FIRST_DAY)
    return Period(f"{first}..{last}", first, last, zone)


def _day(event: Event, zone: ZoneInfo) -> date:
    """The local day on which settings came into force or an execution began."""
    try:
        began = datetime.fromisoformat(event.data["started_at"]) if event.kind == KIND_STARTED else event.at
        return began.astimezone(zone).date()
    except (KeyError, TypeError, ValueError):  # not of its kind's shape: `evaluate` says so
        return event.at.astimezone(zone).date()


def no_longer(accounts: Iterable[account.Account], deviations: Iterable[Deviation]) -> list[account.Account]:
    """Accounts of what is no deviation any more, computed again (an end that came late, for example): not lost."""
    there = {d.id for d in deviations}
    return [a for a in accounts if a.deviation not in there]


@dataclass(frozen=True, slots=True)
class Earlier:
    """What earlier periods left open, and what became of it since.

    `deviations`: not accepted yet when the last period before was closed (or, where none was, when this one began).
    `no_longer`: accounts of this period or of earlier ones whose deviation does not stand any more.
    """

    deviations: tuple[Deviation, ...] = ()
    no_longer: tuple[account.Account, ...] = ()


def earlier_of(
    events: Sequence[Event], compliance: Compliance, standards: Sequence[Standard], lang: Language = "id"
) -> Earlier:
    """What `compliance` (evaluated from these events) does not tell: the accounts of what happened before its period.

    Raises:
        ComplianceError: as `evaluate`.
    """
    period = compliance.period
    before = _stretch(events, period.first - _DAY, period.zone)
    known = evaluate(standards, list(lightened(events)), before, compliance.as_of, lang).deviations
    seq = _told_until(events, period)
    then = account.fold(e for e in events if e.seq <= seq)
    now = account.fold(events)
    left = tuple(d for d in known if not _accepted(then.get(d.id)))
    gone = no_longer(now.values(), (*known, *compliance.deviations))
    return Earlier(left, tuple(a for a in gone if _belongs(a, period, then)))


def _told_until(events: Iterable[Event], period: Period) -> int:
    """The last event that the workbook before this period's could tell: when this one began, or that one was closed."""
    known = list(events)
    began = max((e.seq for e in known if e.at < period.start), default=0)
    closed = [c.data.head_seq for c in closures(known) if c.period(period.zone).end <= period.start]
    return max([began, *closed])


def _accepted(known: account.Account | None) -> bool:
    return known is not None and known.state == "diterima"


def _belongs(gone: account.Account, period: Period, then: dict[str, account.Account]) -> bool:
    at = gone.said.about.at if gone.said.about is not None else gone.said.at
    return at < period.end and (at >= period.start or not _accepted(then.get(gone.deviation)))
