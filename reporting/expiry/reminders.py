"""When somebody has to be told that a service ends, and what it costs by then. (service, end, day) -> reminder."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from reporting.expiry.lifecycle import ACTIVE, Phase, cycle_for, phase_on, phases
from reporting.service import Service


@dataclass(frozen=True, slots=True)
class Reminder:
    """Something to be told from day `since` on. `cost` in rupiah; None when no price is known or none helps."""

    service: str
    ends: date
    days_left: int  # negative after the end
    step: int | None  # the reminder step that was reached (days before the end); None after the end
    phase: Phase
    cost: int | None
    since: date


def reminder_due(service: Service, ends: date, day: date, told: str = "") -> Reminder | None:
    """The reminder that is due on `day`; None while the first step is not reached.

    Before the end it is the nearest step that has been reached; after it, each phase is a reminder of its own.
    `told`: the phase that the registry itself names, which goes before the calendar.
    """
    cycle = cycle_for(service.kind, service.watch.name, service.after_end)
    phase = phase_on(cycle, ends, day, told)
    left = (ends - day).days
    if phase.name != ACTIVE:
        return Reminder(service.id, ends, left, None, phase, phase.cost(service.cost), phase.first or day)
    reached = [step for step in service.reminder_days if left <= step]
    if not reached:
        return None
    step = min(reached)
    return Reminder(service.id, ends, left, step, phase, phase.cost(service.cost), ends - timedelta(days=step))


def reminder_days(service: Service, ends: date) -> list[Reminder]:
    """Every day on which a new reminder begins for that end, in order: the steps before it, the phases after it."""
    cycle = cycle_for(service.kind, service.watch.name, service.after_end)
    begins = {ends - timedelta(days=step) for step in service.reminder_days}
    begins |= {phase.first for phase in phases(cycle, ends) if phase.first is not None}
    found = [reminder_due(service, ends, day) for day in sorted(begins)]
    return [reminder for reminder in found if reminder is not None]
