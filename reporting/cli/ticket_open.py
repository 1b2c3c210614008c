"""`laman ticket open`: a problem is reported; earlier tickets that look alike are offered with what helped then."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace

from reporting.cli.common import command_line, instant, inventory_of, local, opened
from reporting.cli.main import EXIT_OK
from reporting.cli.ticket_known import Tickets, looked_at, ticket_lock, tickets_of, token, write_opening
from reporting.cli.ticket_view import print_breach, ticket_json
from reporting.runner.model import Record
from reporting.text import harmless
from reporting.troubleshooting.asked import AskedOpening
from reporting.troubleshooting.commands import permit_opening
from reporting.troubleshooting.model import ROUTES, Ticket
from reporting.troubleshooting.similar import Like, Problem, similar


def add_arguments(_name: str, parser: argparse.ArgumentParser) -> None:
    """The options of open."""
    parser.add_argument("--title", required=True, help="the problem in a few words")
    parser.add_argument("--problem", default="", metavar="TEXT", help="what is seen, since when, by whom")
    parser.add_argument("--site", metavar="SITE", help="on which site (default: not one site alone)")
    parser.add_argument(
        "--reported", metavar="TIME", help="when it was reported: the clock runs from then (default: now)"
    )
    parser.add_argument("--by", default="", metavar="WHO", help="who reported it, and how")
    parser.add_argument("--route", choices=ROUTES, default="mandiri", help="who works on it (default: mandiri)")
    parser.add_argument("--party", default="", metavar="WHO", help="who it is there (needed for pihak_ketiga)")
    parser.add_argument(
        "--executor", "--as", dest="executor", metavar="NAME", help="who is responsible (default: by role)"
    )
    parser.add_argument("--breach", action="store_true", help="personal data got out: 3 x 24 h for the written notice")
    parser.add_argument("--breach-known", metavar="TIME", help="... known since then (default: since the report)")
    parser.add_argument("--file", action="append", default=[], metavar="FILE", help="PDF, JPG or PNG; may be repeated")


def run(options: argparse.Namespace) -> int:
    """Open it; returns the exit code."""
    inventory = inventory_of(options)
    with opened(inventory) as record:
        asked = _asked(options, record)
        with ticket_lock(record):
            tickets = tickets_of(record)
            likes = similar(tickets.known.tickets.values(), Problem(f"{asked.title} {asked.problem}", asked.site))
            opening = permit_opening(tickets.known, replace(asked, similar=tuple(s.ticket for s in likes)))
            if asked.breach_known_at is None and options.breach:
                opening = replace(opening, asked=replace(opening.asked, breach_known_at=opening.reported_at))
            write_opening(record, tickets.known, opening)
        after = tickets_of(record)
        ticket = after.known.tickets[opening.id]
        if options.json:
            shown = ticket_json(after, ticket) | {"similar_tickets": [_like_json(s) for s in likes]}
            print(json.dumps(shown, indent=2, ensure_ascii=False))
        else:
            _print(record, after, ticket, likes)
    return EXIT_OK


def _asked(options: argparse.Namespace, record: Record) -> AskedOpening:
    inventory = record.inventory
    known = options.breach_known
    return AskedOpening(
        title=options.title,
        problem=options.problem,
        site=options.site,
        reported_at=instant(options.reported, inventory, "--reported") if options.reported else None,
        reported_by=options.by,
        executor=options.executor,
        route=options.route,
        party=options.party,
        breach_known_at=instant(known, inventory, "--breach-known") if known else None,
        files=looked_at(record, options.file, "report"),
        token=token(),
    )


def _print(record: Record, tickets: Tickets, ticket: Ticket, likes: list[Like]) -> None:
    timing = tickets.timing(ticket)
    print(f"{ticket.id} opened: {harmless(ticket.title)} ({ticket.executor.name} is responsible)")
    print(f"first response until {local(timing.response_due_at, record.inventory)}, solution until "
          f"{local(timing.due_at, record.inventory)} ({timing.standard_minutes} working minutes)")  # fmt: skip
    print_breach(record, ticket, timing)
    for like in likes:
        print(f"like {like.ticket}{f' on {like.site}' if like.site else ''}: {harmless(like.title, 100)}")
        if not like.solution:
            print(f"  not solved yet; if it is the same: {_same(record, like)}")
        else:
            print(f"  it was: {harmless(like.cause, 200)}")
            print(f"  solved by: {harmless(like.solution, 200)}")
    if ticket.site is not None:
        typed = command_line(record.inventory, "diagnose", ticket.site, "--ticket", ticket.id)
        print(f"next: {typed}   looks for the cause, changes nothing")
    print(f"{'then' if ticket.site else 'next'}: {command_line(record.inventory, 'ticket', 'take', ticket.id)}")


def _same(record: Record, like: Like) -> str:
    return command_line(record.inventory, "ticket", "show", like.ticket)


def _like_json(like: Like) -> dict[str, object]:
    return {
        "ticket": like.ticket,
        "title": like.title,
        "site": like.site,
        "score": like.score,
        "cause_kind": like.cause_kind,
        "cause": like.cause,
        "solution": like.solution,
        "prevention": like.prevention,
    }
