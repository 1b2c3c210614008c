"""How long each step took: gross from its input, net from its take, and the waiting between. Computed, never stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from reporting.renewal.fold import input_of
from reporting.renewal.model import Case, Step, StepName
from reporting.renewal.states import States, load_states
from reporting.worktime import WorkClock


@dataclass(frozen=True, slots=True)
class Timing:
    """Working minutes of one step, exact. `gross` = from its input to its end = `waiting` + `net` where it was taken.

    `net`: from its take to its end; `waiting`: from its input to its take; both None when nobody recorded a take.
    """

    step: Step
    gross: float
    net: float | None
    waiting: float | None
    on_paper: bool


@dataclass(frozen=True, slots=True)
class OpenStep:
    """The step that a case waits for: since when its input is there, working minutes so far, when they are used up."""

    name: StepName
    activity: int
    role: str
    input_at: datetime
    taken_at: datetime | None
    minutes: float
    standard_minutes: int
    due_at: datetime


def timings(case: Case, clock: WorkClock) -> tuple[Timing, ...]:
    """The minutes of every step of a case, in order; a step that is no execution (cancel) has none."""
    return tuple(_timing(s, clock) for s in case.steps if s.execution is not None and s.input_at is not None)


def _timing(step: Step, clock: WorkClock) -> Timing:
    begin = step.input_at or step.done_at
    gross = clock.minutes(begin, step.done_at)
    if step.taken_at is None:
        return Timing(step, gross, None, None, step.on_paper)
    taken = max(step.taken_at, begin)
    net = clock.minutes(taken, max(taken, step.done_at))
    return Timing(step, gross, net, clock.minutes(begin, taken), step.on_paper)


def open_step(
    case: Case, clock: WorkClock, now: datetime, minutes: dict[int, int], assignment: dict[int, str] | None = None
) -> OpenStep | None:
    """What a case waits for, None when for nothing. `minutes`: the POS's minutes by activity."""
    states: States = load_states()
    name = states.next_execution(case.state)
    since = input_of(case, states)
    if name is None or since is None:
        return None
    rule = states.steps[name]
    return OpenStep(
        name=name,
        activity=rule.activity,
        role=(assignment or {}).get(rule.activity, rule.role),
        input_at=since,
        taken_at=case.taken.at if case.taken else None,
        minutes=clock.minutes(since, max(since, now)),
        standard_minutes=minutes[rule.activity],
        due_at=clock.deadline(since, minutes[rule.activity]),
    )
