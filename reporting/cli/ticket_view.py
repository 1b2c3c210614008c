"""Tickets as they are shown: list, one ticket, JSON; and what of them is due."""

from __future__ import annotations

import argparse
import json
from datetime import datetime, timedelta
from typing import Any, get_args

from reporting.cli.common import command_line, inventory_of, local, opened
from reporting.cli.main import EXIT_OK
from reporting.cli.tables import table
from reporting.cli.ticket_known import Tickets, tickets_of
from reporting.runner.model import Record
from reporting.text import harmless
from reporting.troubleshooting.commands import ticket_of
from reporting.troubleshooting.model import ROUTES, RouteMinutes, Step, Ticket, TicketState, Timing

_LATE = timedelta(minutes=5)  # a step that was recorded later than this says so


def add_arguments(name: str, parser: argparse.ArgumentParser) -> None:
    """The options of list and show."""
    if name == "show":
        parser.add_argument("ticket", help="id of the ticket, e.g. T-2026-001")
        return
    parser.add_argument("--open", action="store_true", help="only what is not solved")
    parser.add_argument("--site", help="only this site")
    parser.add_argument("--route", choices=ROUTES, help="only what is on this route")
    parser.add_argument("--state", choices=get_args(TicketState), help="only in this state")


def run(options: argparse.Namespace) -> int:
    """Print; returns the exit code."""
    inventory = inventory_of(options)
    with opened(inventory) as record:
        tickets = tickets_of(record)
        if options.action == "show":
            ticket = ticket_of(tickets.known, options.ticket)
            if options.json:
                print(json.dumps(ticket_json(tickets, ticket), indent=2, ensure_ascii=False))
            else:
                _show(record, tickets, ticket)
            return EXIT_OK
        found = [t for t in tickets.known.tickets.values() if _wanted(options, t)]
        if options.json:
            print(json.dumps([ticket_json(tickets, t) for t in found], indent=2, ensure_ascii=False))
        elif not found:
            print("No ticket yet." if not tickets.known.tickets else "No such ticket.")
        else:
            _list(record, tickets, found)
    return EXIT_OK


def _wanted(options: argparse.Namespace, ticket: Ticket) -> bool:
    return (
        not (options.open and ticket.state == "solved")
        and options.site in (None, ticket.site)
        and options.route in (None, ticket.route)
        and options.state in (None, ticket.state)
    )


def _list(record: Record, tickets: Tickets, found: list[Ticket]) -> None:
    headers = ["ticket", "state", "site", "route", "reported", "minutes", "until", "seen", "title"]
    print(table(headers, [_row(record, t, tickets.timing(t)) for t in found]))
    waiting = [t for t in found if t.state != "solved"]
    print(f"\n{len(waiting)} not solved, {len(found) - len(waiting)} solved")
    if waiting:
        print(f"next: {command_line(record.inventory, 'ticket', 'show', waiting[0].id)}")


def _row(record: Record, ticket: Ticket, timing: Timing) -> list[object]:
    late = " late" if timing.over else ""
    return [
        ticket.id + (" !" if ticket.breach_known_at is not None else ""),
        ticket.state,
        ticket.site or "",
        ticket.route,
        local(ticket.reported_at, record.inventory),
        f"{timing.gross:.0f} / {timing.standard_minutes}{late}",
        local(timing.due_at, record.inventory) if ticket.state != "solved" else "",
        ticket.occurrences if ticket.occurrences > 1 else "",
        ticket.title,
    ]


def minutes_line(timing: Timing) -> str:
    """The minutes in one line: 480 of 900 working minutes (gross); net 300, paused 120, taken for solved 60."""
    more = [f"net {timing.net:.0f}"]
    if timing.paused:
        more.append(f"paused {timing.paused:.0f}")
    if timing.stood_solved:
        more.append(f"taken for solved {timing.stood_solved:.0f}")
    over = ", over" if timing.over else ""
    return f"{timing.gross:.0f} of {timing.standard_minutes} working minutes (gross{over}); {', '.join(more)}"


def print_breach(record: Record, ticket: Ticket, timing: Timing) -> None:
    """The second clock of a breach of personal data."""
    if timing.breach_due_at is None:
        return
    due = local(timing.breach_due_at, record.inventory)
    if ticket.notified_at is not None:
        late = " (late)" if timing.breach_late else ""
        print(f"breach of personal data: notice sent {local(ticket.notified_at, record.inventory)}, due {due}{late}")
        return
    late = " is OVER" if timing.breach_late else ""
    print(f"breach of personal data: written notice until {due}{late} (3 x 24 h, nights and holidays count):")
    print(f"  {command_line(record.inventory, 'ticket', 'notified', ticket.id, '--evidence')} FILE")


def _show(record: Record, tickets: Tickets, ticket: Ticket) -> None:
    inventory, timing = record.inventory, tickets.timing(ticket)
    site = f" on {ticket.site}" if ticket.site else ""
    print(f"{ticket.id}: {ticket.state}{site}, {harmless(ticket.title, 200)}")
    if ticket.problem:
        print(f"  {harmless(ticket.problem, 2_000)}")
    by = f" by {harmless(ticket.reported_by, 100)}" if ticket.reported_by else ""
    print(f"reported {local(ticket.reported_at, inventory)}{by}; responsible: {ticket.executor.name}")
    if ticket.source == "finding":
        print(f"found {ticket.occurrences} time(s); fingerprint {ticket.fingerprint}, first by {ticket.found_by}")
    if ticket.similar:
        print(f"looks like: {', '.join(ticket.similar)}")
    print(f"\n{minutes_line(timing)}")
    response = "not yet" if timing.response is None else f"after {timing.response:.0f} working minutes"
    print(f"first response {response}, due {local(timing.response_due_at, inventory)}; "
          f"solution due {local(timing.due_at, inventory)}")  # fmt: skip
    print_breach(record, ticket, timing)
    headers = ["route", "gross", "net", "paused", "taken for solved"]
    print("\n" + table(headers, [_route_row(r, m) for r, m in timing.routes.items()]))
    if ticket.steps:
        steps = [_step_row(record, s) for s in ticket.steps]
        print("\n" + table(["step", "done", "by", "typed by", "files", "what"], steps, limit=200))
    for made in ticket.diagnoses:
        print(f"diagnosis {made.diagnosis}: {harmless(made.cause or 'nothing was found', 300)}")
    for file in [*ticket.attachments, *(a for s in ticket.steps for a in s.attachments)]:
        print(f"file ({file.role}): {record.archive.root / file.path}")
    print(f"\nas read: --seen {ticket.seq}")


def _route_row(route: str, minutes: RouteMinutes) -> list[object]:
    return [route, *(f"{m:.0f}" for m in (minutes.gross, minutes.net, minutes.paused, minutes.stood_solved))]


def _step_row(record: Record, step: Step) -> list[object]:
    where = f"{step.route}{f' ({step.party})' if step.party else ''}" if step.route else ""
    solved = f"[{step.cause_kind}] {step.cause} → {step.solution}; {step.prevention}" if step.name == "solve" else ""
    said = "; ".join(text for text in (where, solved, step.note) if text)
    late = "" if step.recorded_at - step.done_at < _LATE else f" (recorded {local(step.recorded_at, record.inventory)})"
    when = local(step.done_at, record.inventory) + late
    return [step.name, when, step.executor.name, step.agent.name, len(step.attachments) or "", said]


def ticket_json(tickets: Tickets, ticket: Ticket) -> dict[str, Any]:
    """One ticket as `--json` prints it."""
    timing = tickets.timing(ticket)
    return {
        "ticket": ticket.id,
        "seq": ticket.seq,
        "state": ticket.state,
        "site": ticket.site,
        "title": ticket.title,
        "problem": ticket.problem,
        "reported_at": ticket.reported_at.isoformat(),
        "reported_by": ticket.reported_by,
        "executor": ticket.executor.model_dump(mode="json"),
        "route": ticket.route,
        "party": ticket.party,
        "source": ticket.source,
        "fingerprint": ticket.fingerprint,
        "found_by": ticket.found_by,
        "occurrences": ticket.occurrences,
        "similar": list(ticket.similar),
        "executions": list(ticket.executions),
        "solved_at": _iso(ticket.solved_at),
        "timing": _timing_json(timing),
        "breach": None if ticket.breach_known_at is None else {
            "known_at": ticket.breach_known_at.isoformat(),
            "notice_due_at": _iso(timing.breach_due_at),
            "notified_at": _iso(ticket.notified_at),
            "late": timing.breach_late,
        },
        "steps": [_step_json(s) for s in ticket.steps],
        "attachments": [a.model_dump(mode="json") for a in ticket.attachments],
        "diagnoses": [
            {"diagnosis": d.diagnosis, "cause_kind": d.cause_kind, "cause": d.cause} for d in ticket.diagnoses
        ],
    }  # fmt: skip


def _timing_json(timing: Timing) -> dict[str, Any]:
    return {
        "gross": timing.gross,
        "net": timing.net,
        "paused": timing.paused,
        "stood_solved": timing.stood_solved,
        "routes": {r: {"gross": m.gross, "net": m.net, "paused": m.paused, "stood_solved": m.stood_solved}
                   for r, m in timing.routes.items()},
        "response": timing.response,
        "response_due_at": timing.response_due_at.isoformat(),
        "due_at": timing.due_at.isoformat(),
        "standard_minutes": timing.standard_minutes,
        "over": timing.over,
    }  # fmt: skip


def _step_json(step: Step) -> dict[str, Any]:
    return {
        "step": step.name,
        "executor": step.executor.model_dump(mode="json"),
        "agent": step.agent.model_dump(mode="json"),
        "done_at": step.done_at.isoformat(),
        "recorded_at": step.recorded_at.isoformat(),
        "note": step.note,
        "route": step.route,
        "party": step.party,
        "cause_kind": step.cause_kind,
        "cause": step.cause,
        "solution": step.solution,
        "prevention": step.prevention,
        "execution": step.execution,
        "attachments": [a.model_dump(mode="json") for a in step.attachments],
    }


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at is not None else None
