"""What the sheet `Troubleshooting` tells: the tickets of a period with their minutes and verdicts. Values.

Everything is computed from events, as of the instant of the compliance that it goes with.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from reporting.compliance import Compliance, Execution, Period
from reporting.ledger import Event
from reporting.troubleshooting.fold import fold
from reporting.troubleshooting.model import Ticket, Timing
from reporting.troubleshooting.timing import RulesInForce, timing_by

ACTIVITY = 8


@dataclass(frozen=True, slots=True)
class Troubles:
    """The tickets of a period: reported before its end and not solved before it began. By id where not said otherwise.

    `executions`: the one that judges each ticket in this period; none for a ticket that is solved in another one.
    `open_at_end`: not solved by the end of the period (or as of now, while it goes on: then `goes_on_at` is the day).
    """

    tickets: tuple[Ticket, ...]
    timings: Mapping[str, Timing]
    executions: Mapping[str, Execution]
    open_at_end: frozenset[str]
    goes_on_at: date | None = None


def troubles_of(events: Iterable[Event], compliance: Compliance) -> Troubles:
    """What the events say, as of the instant of `compliance` (which was evaluated from the same events).

    Raises:
        TicketError: an event has not its kind's shape.
    """
    known = list(events)
    shown = tuple(t for t in fold(known).values() if _belongs(t, compliance.period))
    rules = RulesInForce(known) if shown else None
    minutes = compliance.standard.activity(ACTIVITY).minutes
    return Troubles(
        tickets=shown,
        timings={t.id: timing_by(t, rules, compliance.as_of, minutes) for t in shown} if rules is not None else {},
        executions={
            e.site: e for e in sorted(compliance.of_activity(ACTIVITY), key=lambda e: (e.attempt, e.started_at))
        },
        open_at_end=frozenset(t.id for t in shown if t.solved_at is None or t.solved_at >= compliance.period.end),
        goes_on_at=compliance.as_of.date() if compliance.as_of < compliance.period.end else None,
    )


def _belongs(ticket: Ticket, period: Period) -> bool:
    return ticket.reported_at < period.end and (ticket.solved_at is None or ticket.solved_at >= period.start)
