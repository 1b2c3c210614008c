"""The working minutes of a ticket: gross and net, per route, to the first response and to the solution.

Computed on read from the steps, never stored: no counter can be lost when a ticket changes hands, route or state, and
every figure is measured on the one calendar that its deadline is measured on.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from pydantic import ValidationError

from reporting.events import KIND_SETTINGS, Route
from reporting.ledger.model import Event
from reporting.troubleshooting.fold import TicketError, last_moment
from reporting.troubleshooting.model import ROUTES, RouteMinutes, Ticket, Timing
from reporting.unit import Snapshot, Unit
from reporting.worktime import WorkClock

BREACH_NOTICE = timedelta(hours=72)  # 3 x 24 h, wall clock: UU 27/2022 art. 46
_PER_MINUTE = 60_000_000  # µs: sums are taken in whole ones, so that the routes make the whole
_Mode = Literal["runs", "paused", "stood_solved"]


@dataclass(frozen=True, slots=True)
class Rules:
    """What a ticket is measured by: the settings in force when it was reported, as the compliance of that day."""

    unit: Unit
    clock: WorkClock


class RulesInForce:
    """The settings of every moment, from the `settings.recorded` events: a later calendar re-measures no old ticket."""

    def __init__(self, events: Iterable[Event]) -> None:
        """Events of other kinds are passed over.

        Raises:
            TicketError: no settings are on record, or they are not of their shape.
        """
        self._all: list[tuple[datetime, Rules]] = []
        clocks: dict[str, WorkClock] = {}
        for event in sorted((e for e in events if e.kind == KIND_SETTINGS), key=lambda e: e.seq):
            try:
                unit = Snapshot.model_validate(event.data).unit
            except ValidationError as error:
                raise TicketError(f"event {event.seq} ({event.kind}): {error.errors()[0]['msg']}") from error
            clock = clocks.setdefault(unit.calendar.model_dump_json(), WorkClock(unit.calendar))
            self._all.append((event.at, Rules(unit, clock)))
        if not self._all:
            raise TicketError("no settings are on record yet: nothing can be measured")

    def at(self, moment: datetime) -> Rules:
        """The last that were recorded by then, or the first ever."""
        return next((rules for since, rules in reversed(self._all) if since <= moment), self._all[0][1])


def timing(  # noqa: PLR0913 - what a ticket is measured by
    ticket: Ticket,
    clock: WorkClock,
    now: datetime,
    standard_minutes: int,
    *,
    first_response_minutes: int = 60,
    from_taken: bool = False,
) -> Timing:
    """The minutes of a ticket until its solution, or until `now` while it has none.

    `standard_minutes`: of POS activity 8. `from_taken`: the unit judges from the first response on (setting
    `human_clock`), not from the report; `over` and `due_at` follow it, the minutes shown do not.
    """
    end = max(ticket.solved_at or now, last_moment(ticket))
    routes = _routes(ticket, clock, end)
    whole = _together(routes.values())
    judged_from = max(ticket.reported_at, ticket.taken_at or ticket.reported_at) if from_taken else ticket.reported_at
    taken = ticket.taken_at
    notice_due = ticket.breach_known_at + BREACH_NOTICE if ticket.breach_known_at is not None else None
    return Timing(
        gross=whole.gross,
        net=whole.net,
        paused=whole.paused,
        stood_solved=whole.stood_solved,
        routes=routes,
        response=clock.minutes(ticket.reported_at, max(taken, ticket.reported_at)) if taken is not None else None,
        response_due_at=clock.deadline(ticket.reported_at, first_response_minutes),
        due_at=clock.deadline(judged_from, standard_minutes),
        standard_minutes=standard_minutes,
        over=clock.minutes(judged_from, max(end, judged_from)) > standard_minutes,
        breach_due_at=notice_due,
        breach_late=notice_due is not None and (ticket.notified_at or now) > notice_due,
    )


def timing_by(ticket: Ticket, rules: RulesInForce, now: datetime, standard_minutes: int) -> Timing:
    """The minutes of a ticket by the settings in force when it was reported."""
    found = rules.at(ticket.reported_at)
    return timing(
        ticket,
        found.clock,
        now,
        standard_minutes,
        first_response_minutes=found.unit.tickets.first_response_minutes,
        from_taken=found.unit.human_clock == "from_taken",
    )


def _routes(ticket: Ticket, clock: WorkClock, end: datetime) -> dict[Route, RouteMinutes]:
    """The stretches between the steps, each added to the route and the state that it was spent in."""
    spent: dict[tuple[Route, _Mode], int] = {}
    route, since = ticket.first_route, ticket.reported_at
    mode: _Mode = "runs"
    for step, counts_from in ticket.moves:
        until = max(counts_from, since)
        spent[route, mode] = spent.get((route, mode), 0) + round(clock.minutes(since, until) * _PER_MINUTE)
        since = until
        if step.name == "route" and step.route is not None:
            route = step.route
        mode = "paused" if step.name == "pause" else "stood_solved" if step.name == "solve" else "runs"
    spent[route, mode] = spent.get((route, mode), 0) + round(clock.minutes(since, max(since, end)) * _PER_MINUTE)
    return {r: _minutes({m: n for (of, m), n in spent.items() if of == r}) for r in ROUTES if _touched(r, spent)}


def _touched(route: Route, spent: dict[tuple[Route, _Mode], int]) -> bool:
    return any(of == route for of, _ in spent)


def _minutes(spent: dict[_Mode, int]) -> RouteMinutes:
    runs, paused, stood = (spent.get(m, 0) for m in ("runs", "paused", "stood_solved"))
    return RouteMinutes(
        (runs + paused + stood) / _PER_MINUTE, runs / _PER_MINUTE, paused / _PER_MINUTE, stood / _PER_MINUTE
    )


def _together(routes: Iterable[RouteMinutes]) -> RouteMinutes:
    runs = paused = stood = 0
    for minutes in routes:
        runs += round(minutes.net * _PER_MINUTE)
        paused += round(minutes.paused * _PER_MINUTE)
        stood += round(minutes.stood_solved * _PER_MINUTE)
    return _minutes({"runs": runs, "paused": paused, "stood_solved": stood})
