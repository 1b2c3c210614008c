"""Every deviation since the first event with its account: what the commands show, and what they are judged with."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime

from reporting import account
from reporting.cli.common import standard_today, this_agent
from reporting.compliance import Compliance, Deviation, evaluate_all, no_longer
from reporting.deviation.model import Known, Situation
from reporting.events import AccountedFor
from reporting.runner.model import Record
from reporting.standard import Language, load_standards


@dataclass(frozen=True)
class Whole:
    """The whole record, judged. `accounts`: all of them; `gone`: those whose deviation does not stand any more."""

    compliance: Compliance
    accounts: Mapping[str, account.Account]
    gone: tuple[account.Account, ...]
    last_at: datetime | None  # of the event that was recorded last: one from a clock that was ahead is forgotten

    @property
    def today(self) -> date:
        """The unit's local day."""
        return self.compliance.as_of.date()


def whole_record(record: Record, lang: Language = "en") -> Whole:
    """Judge everything that was ever recorded. A year of 10,000 executions takes about two seconds."""
    with _without_collecting():
        events = list(record.ledger.events())
        compliance = evaluate_all(load_standards(), events, record.clock(), lang)  # says which event is not whole
        accounts = account.fold(events)
    last = max(events, key=lambda e: e.seq).at if events else None
    return Whole(compliance, accounts, tuple(no_longer(accounts.values(), compliance.deviations)), last)


@contextmanager
def _without_collecting() -> Iterator[None]:
    """Without the search for cycles: among so many small values it takes most of the time, and finds none."""
    on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if on:
            gc.enable()


def situation_of(record: Record, whole: Whole, *, clock_is_right: bool = False) -> Situation:
    """What a command is judged with: the deviations as they were judged, the accounts as they are at this moment.

    `seen` is what was on record when `whole` was read: who was faster since is noticed.
    """
    now = account.fold(record.ledger.events(account.KINDS))
    known = {d.id: _known(record, d, now.get(d.id)) for d in whole.compliance.deviations}
    known |= {a.deviation: gone for a in whole.gone if (gone := _gone(record, now.get(a.deviation, a))) is not None}
    return Situation(
        unit=record.inventory.unit,
        deviations=known,
        now=record.clock(),
        agent=this_agent(),
        last_at=None if clock_is_right else whole.last_at,
        seen={key: whole.accounts[key].seq if key in whole.accounts else 0 for key in known},
    )


def _known(record: Record, d: Deviation, given: account.Account | None) -> Known:
    return Known(d.id, about(d), d.executor, role_of(record, d.activity), d.account_due, account=given)


def _gone(record: Record, given: account.Account) -> Known | None:
    """A deviation that stands no longer, as its account tells of it; None for an account that does not say."""
    said = given.said
    if said.about is None:
        return None
    role = role_of(record, said.about.activity)
    return Known(given.deviation, said.about, said.executor, role, None, stands=False, account=given)


def about(deviation: Deviation) -> AccountedFor:
    """A deviation as its account keeps it."""
    what = deviation.execution or (deviation.occasion.id if deviation.occasion else "")
    return AccountedFor(
        activity=deviation.activity,
        site=deviation.site,
        aspect=deviation.aspect,
        reason=deviation.reason,
        what=what,
        at=deviation.at,
    )


def role_of(record: Record, activity: int) -> str:
    """Who carries an activity out today, as the unit has assigned it."""
    standard: dict[int, str] = {a.number: a.role for a in standard_today(record.inventory).activities}
    return str(record.inventory.unit.assignment.get(activity) or standard.get(activity, ""))


def with_seen(situation: Situation, seen: Mapping[str, int]) -> Situation:
    """The situation as somebody saw it who read it earlier (a form)."""
    return replace(situation, seen={**situation.seen, **seen})
