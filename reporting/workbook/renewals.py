"""What the sheet `Perpanjangan` tells: cases, steps with their minutes, the ends of services, the year's cost. Values.

Everything is computed from events, as of the instant of the compliance that it goes with.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, tzinfo

from reporting.compliance import Compliance, Execution, Period, evaluate
from reporting.compliance.fold import fold as fold_settings
from reporting.events import KIND_SETTINGS
from reporting.expiry.lifecycle import ACTIVE, GRACE, PENDING_DELETE, REDEMPTION, RELEASED
from reporting.expiry.reminders import reminder_days, reminder_due
from reporting.ledger import Event
from reporting.register import End, Register
from reporting.register import fold as fold_register
from reporting.renewal.fold import fold as fold_cases
from reporting.renewal.model import Case
from reporting.renewal.prices import Cost, Rise, forecast, rises, unknown_ends
from reporting.renewal.states import load_states
from reporting.renewal.timing import Timing, timings
from reporting.service import Service
from reporting.standard import Language, Standard

_ORDER = (ACTIVE, GRACE, REDEMPTION, PENDING_DELETE, RELEASED)  # of the phases of a life cycle


@dataclass(frozen=True, slots=True)
class Ending:
    """One service of the register and what becomes of it.

    `phase`: where it stands in its life cycle, empty when its end is not known. `cost`: rupiah that renewing costs in
    that phase. `reminder`: the first day after today on which somebody is told again. `case`: the open case about it.
    `attested`: the case in which a person attested its end, where nothing else tells of it.
    """

    service: Service
    end: End
    phase: str
    cost: int | None
    reminder: date | None
    case: str | None
    attested: str | None = None


@dataclass(frozen=True, slots=True)
class Renewals:
    """Everything that the sheet needs.

    `cases`: those with a step in the period and those that were not closed before it. `executions` and `timings`: of
    their steps, by execution id, also of steps that belong to another period. `services`: the register by id, with what
    was taken out of it. `costs`: of the budget year `year`; `unforeseen`: services without a known end, which it lacks.
    """

    as_of: date
    year: int
    cases: tuple[Case, ...]
    executions: Mapping[str, Execution]
    timings: Mapping[str, Timing]
    services: Mapping[str, Service]
    endings: tuple[Ending, ...]
    costs: tuple[Cost, ...]
    rises: Mapping[str, tuple[Rise, ...]]  # by case
    unforeseen: tuple[str, ...]


def renewals_of(
    events: Iterable[Event], compliance: Compliance, standards: Sequence[Standard], lang: Language = "id"
) -> Renewals:
    """What the events say, as of the instant of `compliance` (which was evaluated from the same events).

    Raises:
        RenewalError, ComplianceError: an event has not its kind's shape.
    """
    known = list(events)
    day = compliance.as_of.astimezone(compliance.period.zone).date()
    year = compliance.period.last.year
    every = fold_cases(known)
    shown = tuple(case for case in every.values() if _belongs(case, compliance.period))
    register = fold_register(known)
    services = {entry.service.id: entry.service for entry in register.entries.values()}
    attested = _attested(every.values())
    ends = {s.id: _end(register, s, attested.get(s.id), compliance.period.zone) for s in register.current}
    days = {key: end.ends for key, end in ends.items() if end.ends is not None}
    return Renewals(
        as_of=day,
        year=year,
        cases=shown,
        executions=_executions(known, compliance, standards, shown, lang),
        timings=_timings(known, shown),
        services=services,
        endings=_endings(register, ends, every, attested, day, compliance.period.zone),
        costs=forecast(year, register.current, days, every.values()),
        rises={case.id: rises(case, every.values(), services) for case in every.values()},
        unforeseen=unknown_ends(register.current, days),
    )


def _belongs(case: Case, period: Period) -> bool:
    """Whether a case was begun by the end of the period, and either still goes on or had a step since it began."""
    if not case.steps or case.steps[0].done_at >= period.end:
        return False
    return load_states().states[case.state].open or case.steps[-1].done_at >= period.start


def _executions(
    events: list[Event], compliance: Compliance, standards: Sequence[Standard], cases: Iterable[Case], lang: Language
) -> dict[str, Execution]:
    """The executions that the steps are; those that began in another period are judged here, by the same rules."""
    here = {e.id: e for e in compliance.executions}
    steps = [step for case in cases for step in case.steps if step.execution is not None]
    elsewhere = [s for s in steps if s.execution not in here]
    found = {str(s.execution): here[s.execution] for s in steps if s.execution in here}
    if elsewhere:
        zone = compliance.period.zone
        days = [(step.input_at or step.done_at).astimezone(zone).date() for step in elsewhere]
        stretch = Period(f"{min(days)}..{max(days)}", min(days), max(days), zone)
        more = {e.id: e for e in evaluate(standards, events, stretch, compliance.as_of, lang).executions}
        found |= {str(s.execution): more[s.execution] for s in elsewhere if s.execution in more}
    return found


def _timings(events: list[Event], cases: Iterable[Case]) -> dict[str, Timing]:
    """Minutes of every step, on the calendar that was in force when its input was there."""
    moments = [e for e in events if e.kind == KIND_SETTINGS]
    if not moments:
        return {}
    settings = fold_settings(moments, moments[0].at, moments[0].at)
    found: dict[str, Timing] = {}
    for case in cases:
        for step in case.steps:
            clock = settings.in_force(step.input_at or step.done_at).clock
            found |= {str(t.step.execution): t for t in timings(replace(case, steps=(step,)), clock)}
    return found


_Attested = tuple[date, str]  # until when, and in which case


def _attested(cases: Iterable[Case]) -> dict[str, _Attested]:
    """Until when each service goes on as a person attested with a document: the latest day."""
    found: dict[str, _Attested] = {}
    for case in cases:
        bought = {line.service: line.new_end for line in case.lines}
        for proof in case.proofs:
            if proof.state == "attested" and proof.service in bought:
                told = (proof.seen_end or bought[proof.service], case.id)
                found[proof.service] = max(found.get(proof.service, told), told)
    return found


def _end(register: Register, service: Service, attested: _Attested | None, zone: tzinfo) -> End:
    """The end of a service: what was attested counts where no look-up reads it and the settings were not changed."""
    end = register.end(service, zone)
    by_hand = service.watch.method in ("manual", "cpanel")
    if attested is None or not by_hand or (end.ends is not None and end.ends >= attested[0]):
        return end
    return replace(end, state="known", ends=attested[0], reason="")


def _endings(  # noqa: PLR0913, PLR0917
    register: Register,
    ends: Mapping[str, End],
    cases: Mapping[str, Case],
    attested: Mapping[str, _Attested],
    day: date,
    zone: tzinfo,
) -> tuple[Ending, ...]:
    """The services in force: what is not known first, then what ends first."""
    open_cases = {
        line.service: case.id for case in cases.values() if load_states().states[case.state].open for line in case.lines
    }
    found = [_ending(s, ends[s.id], open_cases.get(s.id), day, zone) for s in register.current]
    told = {key: case for key, (until, case) in attested.items() if key in ends and ends[key].ends == until}
    found = [replace(e, attested=told.get(e.service.id) if not e.end.reason else None) for e in found]
    return tuple(sorted(found, key=lambda e: (e.end.state == "known", e.end.ends or date.min, e.service.id)))


def _ending(service: Service, end: End, case: str | None, day: date, zone: tzinfo) -> Ending:
    if end.ends is None:
        return Ending(service, end, "", None, None, case)
    due = reminder_due(service, end.ends, day)
    later = [r.since for r in reminder_days(service, end.ends) if r.since > day]
    look = end.look_of(zone)
    seen = look.phase if look is not None and look.state == "known" else ""
    phase, cost = (due.phase.name, due.cost) if due is not None else (ACTIVE, service.cost)
    if seen in _ORDER and phase in _ORDER and _ORDER.index(seen) > _ORDER.index(phase):
        phase, cost = seen, None  # the registry has gone further than the calendar; its price is not known here
    return Ending(service, end, phase, cost, later[0] if later else None, case)
