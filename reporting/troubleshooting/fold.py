"""Events -> tickets. A ticket is never stored: it is what its events say, in the ledger's order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from reporting.events import (
    KIND_DIAGNOSIS,
    KIND_TICKET_OPENED,
    KIND_TICKET_SEEN,
    KIND_TICKET_STEP,
    DiagnosisMade,
    TicketOpened,
    TicketSeen,
    TicketStep,
    TicketStepName,
)
from reporting.ledger.model import Event
from reporting.troubleshooting.model import MOVING, Seen, Step, Ticket, TicketState

KINDS = (KIND_TICKET_OPENED, KIND_TICKET_SEEN, KIND_TICKET_STEP, KIND_DIAGNOSIS)
_LEADS_TO: dict[TicketStepName, TicketState] = {
    "take": "taken", "route": "taken", "pause": "paused", "resume": "taken", "solve": "solved", "reopen": "taken",
}  # fmt: skip
_Payload = TypeVar("_Payload", bound=BaseModel)


class TicketError(Exception):
    """Events that make no ticket; one line that names the event."""


def fold(events: Iterable[Event]) -> dict[str, Ticket]:
    """Every ticket by its id, in the order in which they were opened; events of other kinds are passed over.

    Raises:
        TicketError: an event has not its kind's shape, or is about a ticket that was never opened.
    """
    tickets: dict[str, Ticket] = {}
    for event in sorted((e for e in events if e.kind in KINDS), key=lambda e: e.seq):
        if event.kind == KIND_TICKET_OPENED:
            if event.subject in tickets:
                raise TicketError(f"event {event.seq} ({event.kind}): ticket {event.subject!r} was opened before")
            tickets[event.subject] = _opened(event)
            continue
        name = event.data.get("ticket")
        ticket = tickets.get(str(name))
        if ticket is None and event.kind == KIND_DIAGNOSIS:
            continue  # of a site alone: it was made for no ticket
        if ticket is None:
            raise TicketError(f"event {event.seq} ({event.kind}): ticket {name!r} was never opened")
        tickets[ticket.id] = replace(_moved(event, ticket), seq=event.seq)
    return tickets


def next_ticket_id(tickets: Iterable[str], year: int) -> str:
    """The id of a new ticket: `T-2026-001`, counted per year over the whole unit."""
    used = [int(i.rsplit("-", 1)[1]) for i in tickets if i.startswith(f"T-{year}-")]
    return f"T-{year}-{max(used, default=0) + 1:03d}"


def last_moment(ticket: Ticket) -> datetime:
    """When a ticket last changed hands, route or state; nothing that does so can have been done before."""
    step = ticket.last(*MOVING)
    return step.done_at if step is not None else ticket.reported_at


def not_after(ticket: Ticket, at: datetime) -> Ticket:
    """A ticket as it counts for a step that is done `at`, whatever a clock that was ahead has said before."""
    steps = tuple(replace(s, done_at=min(s.done_at, at)) for s in ticket.steps)
    return replace(ticket, reported_at=min(ticket.reported_at, at), steps=steps)


def _opened(event: Event) -> Ticket:
    data = _read(event, TicketOpened)
    return Ticket(
        id=event.subject,
        state="open",
        site=data.site,
        title=data.title,
        problem=data.problem,
        reported_at=data.reported_at,
        reported_by=data.reported_by,
        opened_at=event.at,
        executor=data.executor,
        agent=data.agent,
        route=data.route,
        first_route=data.route,
        party=data.party,
        source=data.source,
        finding=data.finding,
        fingerprint=data.fingerprint,
        found_by=data.found_by,
        similar=tuple(data.similar),
        steps=(),
        seen=(),
        diagnoses=(),
        attachments=tuple(data.attachments),
        executions=(data.execution,),
        occurrences=data.finding.count if data.finding is not None else 1,
        breach_known_at=data.breach_known_at,
        notified_at=None,
        seq=event.seq,
    )


def _moved(event: Event, ticket: Ticket) -> Ticket:
    if event.kind == KIND_DIAGNOSIS:
        return replace(ticket, diagnoses=(*ticket.diagnoses, _read(event, DiagnosisMade)))
    if event.kind == KIND_TICKET_SEEN:
        seen = _read(event, TicketSeen)
        again = Seen(seen.execution, seen.count, seen.seen_at)
        return replace(ticket, seen=(*ticket.seen, again), occurrences=ticket.occurrences + seen.count)
    step = _step(event)
    moved = replace(ticket, steps=(*ticket.steps, step), state=_LEADS_TO.get(step.name, ticket.state))
    if step.name in MOVING:  # reported by a clock that was ahead: at the latest when something was done about it
        moved = replace(moved, reported_at=min(ticket.reported_at, step.done_at))
    if step.name in ("take", "reopen"):  # whoever has it is responsible from now on
        moved = replace(moved, executor=step.executor)
    if step.name == "route" and step.route is not None:
        moved = replace(moved, route=step.route, party=step.party)
    if step.name == "reopen" and step.execution is not None:
        moved = replace(moved, executions=(*moved.executions, step.execution))
    if step.name == "breach":
        moved = replace(moved, breach_known_at=moved.breach_known_at or step.done_at)
    if step.name == "notified":
        moved = replace(moved, notified_at=moved.notified_at or step.done_at)
    return moved


def _step(event: Event) -> Step:
    data = _read(event, TicketStep)
    return Step(
        name=data.step,
        executor=data.executor,
        agent=data.agent,
        done_at=data.done_at,
        recorded_at=event.at,
        note=data.note,
        attachments=tuple(data.attachments),
        route=data.route,
        party=data.party,
        cause_kind=data.cause_kind,
        cause=data.cause,
        solution=data.solution,
        prevention=data.prevention,
        execution=data.execution,
    )


def _read(event: Event, model: type[_Payload]) -> _Payload:
    try:
        return model.model_validate(event.data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "data"
        raise TicketError(
            f"event {event.seq} ({event.kind}): {where}: {first['msg']}: written by another version, or altered "
            "(laman verify tells)"
        ) from error
