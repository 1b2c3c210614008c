"""The steps that people take on a ticket: take, route, pause, resume, note, attach, solve, reopen, breach, notified."""

from __future__ import annotations

import argparse
import json
from datetime import datetime
from typing import get_args

from reporting.cli.common import command_line, instant, inventory_of, local, opened
from reporting.cli.main import EXIT_DEVIATIONS, EXIT_OK
from reporting.cli.ticket_known import Tickets, looked_at, ticket_lock, tickets_of, token, write_step
from reporting.cli.ticket_view import minutes_line, print_breach, ticket_json
from reporting.cli.view import execution_json
from reporting.compliance import Execution, Period, evaluate
from reporting.events import CauseKind, TicketStepName
from reporting.runner.model import Record
from reporting.standard import load_standards
from reporting.troubleshooting.asked import Asked
from reporting.troubleshooting.checks import DONE
from reporting.troubleshooting.commands import permit
from reporting.troubleshooting.model import ROUTES, Ticket

_ROLES: dict[TicketStepName, str] = {"pause": "pause_evidence", "notified": "notice"}


def add_arguments(name: str, parser: argparse.ArgumentParser) -> None:
    """The options of one step."""
    parser.add_argument("ticket", help="id of the ticket, e.g. T-2026-001")
    if name == "route":
        parser.add_argument("route", choices=ROUTES, help="who works on it from now on")
        parser.add_argument("--party", default="", metavar="WHO", help="who it is there (needed for pihak_ketiga)")
    if name == "note":
        parser.add_argument("text", metavar="TEXT", help="what there is to say")
    elif name == "pause":
        parser.add_argument("--reason", dest="text", default="", metavar="TEXT", help="what it waits for, and on whom")
    parser.add_argument("--note", default="", metavar="TEXT", help="what has to be said about it")
    if name == "attach":
        parser.add_argument("file", nargs="*", metavar="FILE", help="PDF, JPG or PNG")
    elif name in ("pause", "notified"):
        parser.add_argument(
            "--evidence", dest="file", action="append", default=[], metavar="FILE", help="what shows it"
        )
    else:
        parser.add_argument("--file", action="append", default=[], metavar="FILE", help="PDF, JPG or PNG; repeat it")
    if name == "solve":
        _add_solution(parser)
    when = "--known" if name == "breach" else "--at"
    text = (
        "known since then (default: now)"
        if name == "breach"
        else "done then (default: now); --note says how it is known"
    )
    parser.add_argument(when, dest="at", metavar="TIME", help=text)
    parser.add_argument(
        "--clock-is-right", action="store_true", help="the clock was ahead at the step before; --note says so"
    )
    parser.add_argument("--executor", "--as", dest="executor", metavar="NAME", help="who does it (default: who has it)")
    parser.add_argument(
        "--seen", type=int, metavar="N", help="refuse when it has moved on since it was read (see show)"
    )


def _add_solution(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--kind", choices=get_args(CauseKind), help="what kind of cause it was")
    parser.add_argument("--cause", default="", metavar="TEXT", help="what was wrong")
    parser.add_argument("--solution", default="", metavar="TEXT", help="what was done about it")
    parser.add_argument("--prevention", default="", metavar="TEXT", help="what keeps it from coming back")


def run(options: argparse.Namespace) -> int:
    """Take the step; returns the exit code."""
    inventory = inventory_of(options)
    with opened(inventory) as record:
        asked = _asked(options, record)
        with ticket_lock(record):
            tickets = tickets_of(record)
            permitted = permit(tickets.known, asked)
            ended = write_step(record, tickets, permitted)
        after = tickets_of(record)
        ticket = after.known.tickets[permitted.ticket.id]
        found = _judged(record, permitted.done_at, ended) if ended is not None else None
        if options.json:
            shown = ticket_json(after, ticket) | {"execution": execution_json(found) if found else None}
            print(json.dumps(shown, indent=2, ensure_ascii=False))
        else:
            _print(record, after, ticket, found)
    return EXIT_DEVIATIONS if found is not None and found.verdict.status == "menyimpang" else EXIT_OK


def _asked(options: argparse.Namespace, record: Record) -> Asked:
    """The step as the command line asks for it; its files are looked at here."""
    step: TicketStepName = next(n for n in get_args(TicketStepName) if n == options.action)
    option = "--known" if step == "breach" else "--at"
    return Asked(
        step=step,
        ticket=options.ticket,
        executor=options.executor,
        at=instant(options.at, record.inventory, option) if options.at else None,
        note="; ".join(text for text in (getattr(options, "text", ""), options.note) if text.strip()),
        files=looked_at(record, options.file, _ROLES.get(step, "attachment")),
        route=getattr(options, "route", None),
        party=getattr(options, "party", ""),
        cause_kind=getattr(options, "kind", None),
        cause=getattr(options, "cause", ""),
        solution=getattr(options, "solution", ""),
        prevention=getattr(options, "prevention", ""),
        seen_seq=options.seen,
        clock_is_right=options.clock_is_right,
        token=token(),
    )


def _judged(record: Record, ended_at: datetime, execution: str) -> Execution | None:
    """The execution that a solution ended, as compliance judges it now."""
    tz = record.inventory.unit.tz
    day = ended_at.astimezone(tz).date()
    period = Period.parse(f"{day}..{day}", tz)
    return evaluate(load_standards(), record.ledger.events(), period, record.clock(), "en").execution(execution)


def _print(record: Record, tickets: Tickets, ticket: Ticket, execution: Execution | None) -> None:
    step, timing = ticket.steps[-1], tickets.timing(ticket)
    where = f" to {ticket.route}{f' ({ticket.party})' if ticket.party else ''}" if step.name == "route" else ""
    when = local(step.done_at, record.inventory)
    print(f"{ticket.id} {DONE[step.name]}{where} by {step.executor.name}, {when} ({step.agent.name} typed)")
    print(minutes_line(timing))
    print_breach(record, ticket, timing)
    if execution is not None:
        print(f"{execution.id}: {execution.verdict.status} {execution.verdict.reason}")
    _print_next(record, ticket, local(timing.due_at, record.inventory), execution)


def _print_next(record: Record, ticket: Ticket, due: str, execution: Execution | None) -> None:
    if ticket.state == "solved":
        deviates = execution is not None and execution.verdict.status == "menyimpang"
        account = f"the deviation waits for its account: {command_line(record.inventory, 'deviation', 'list')}"
        more = account if deviates else "nothing is left to do"
        if ticket.breach_known_at is not None and ticket.notified_at is None:
            notified = command_line(record.inventory, "ticket", "notified", ticket.id, "--evidence", "…")
            more = f"to do: the written notice, then {notified}" + (f"; {more}" if deviates else "")
        print(
            f"{more}; if it comes back: {command_line(record.inventory, 'ticket', 'reopen', ticket.id, '--note', '…')}"
        )
        return
    action = {"open": "take", "paused": "resume"}.get(ticket.state, "solve")
    typed = command_line(record.inventory, "ticket", action, ticket.id)
    print(
        f"next: {typed}{' --kind … --cause … --solution … --prevention …' if action == 'solve' else ''} (until {due})"
    )
