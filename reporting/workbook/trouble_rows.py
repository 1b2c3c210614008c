"""Tickets as the rows of the tables of `Troubleshooting`: plain dictionaries, in the workbook's language."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from reporting.events import DiagnosisMade
from reporting.troubleshooting.model import ROUTES, Step, Ticket
from reporting.workbook.cells import Page, safe
from reporting.workbook.phrases import told
from reporting.workbook.rows import STATES, Rows
from reporting.workbook.troubles import Troubles
from reporting.workbook.words import Words


def site_word(ticket: Ticket, words: Words) -> str:
    """The site of a ticket as every table spells it, so that formulas find it."""
    return safe(ticket.site) if ticket.site else words("no_one_site")


def ticket_rows(troubles: Troubles, page: Page) -> Rows:
    """One row for each ticket."""
    return [_ticket_row(ticket, troubles, page) for ticket in troubles.tickets]


def _ticket_row(ticket: Ticket, troubles: Troubles, page: Page) -> dict[str, Any]:
    words = page.words
    minutes, execution = troubles.timings[ticket.id], troubles.executions.get(ticket.id)
    solved = ticket.last("solve") if ticket.state == "solved" else None
    return {
        "ticket": ticket.id,
        "problem": _problem(ticket, words),
        "site": site_word(ticket, words),
        "reported": ticket.reported_at,
        "solved": ticket.solved_at,
        "executor": ticket.executor.name,
        "route": words(f"route_{ticket.route}"),
        "cause_kind": words(f"cause_{solved.cause_kind}") if solved is not None and solved.cause_kind else "",
        "response": minutes.response,
        "gross": minutes.gross,
        "standard_minutes": minutes.standard_minutes,
        "net": minutes.net,
        "paused": minutes.paused,
        "stood": minutes.stood_solved,
        "occurrences": ticket.occurrences,
        "verdict": words(STATES[execution.verdict.status] if execution is not None else "open"),
        "remark": _remarks(ticket, troubles, page),
    }


def _problem(ticket: Ticket, words: Words) -> tuple[str, ...]:
    """The title, and what was written about it; a finding in the workbook's language."""
    title, more = ticket.title, ticket.problem
    if ticket.finding is not None and ticket.title in (ticket.finding.title, *ticket.finding.told("id")[:1]):
        title, more = ticket.finding.told(words.lang)[:2]
    return tuple(text for text in (title, told(more, words.lang)) if text)


def _remarks(ticket: Ticket, troubles: Troubles, page: Page) -> tuple[str, ...]:
    words, minutes = page.words, troubles.timings[ticket.id]
    remarks = []
    if ticket.id in troubles.open_at_end:
        going_on = troubles.goes_on_at
        still = words("ticket_open_as_of", day=words.date(going_on)) if going_on else words("ticket_open_at_end")
        remarks.append(still)
    if minutes.over:
        remarks.append(words("ticket_over", due=words.moment(page.local(minutes.due_at))))
    again = sum(step.name == "reopen" for step in ticket.steps)
    if again:
        remarks.append(words("ticket_reopened", count=again))
    if ticket.state == "paused":
        remarks.append(words("ticket_paused"))
    if ticket.source == "finding":
        remarks.append(words("ticket_of_finding"))
    if ticket.similar:
        remarks.append(words("ticket_similar", names=", ".join(ticket.similar)))
    if minutes.breach_due_at is not None:
        remarks.append(words("ticket_breach"))
    return tuple(remarks)


def route_rows(troubles: Troubles, words: Words) -> Rows:
    """One row for each ticket and route that it went: working minutes, gross and net."""
    rows: Rows = []
    for ticket in troubles.tickets:
        minutes = troubles.timings[ticket.id].routes
        for route in (r for r in ROUTES if r in minutes):
            spent = minutes[route]
            rows.append(
                {
                    "ticket": ticket.id,
                    "party": _parties(ticket, route, words),
                    "route": words(f"route_{route}"),
                    "gross": spent.gross,
                    "net": spent.net,
                    "paused": spent.paused,
                    "stood": spent.stood_solved,
                }
            )
    return rows


def _parties(ticket: Ticket, route: str, words: Words) -> tuple[str, ...] | str:
    """Who it was handed to on a route, each once; the executor where it is done alone."""
    named = dict.fromkeys(s.party for s in ticket.steps if s.name == "route" and s.route == route and s.party)
    return tuple(named) or (ticket.executor.name if route == "mandiri" else words("party_unknown"))


def breach_rows(troubles: Troubles, words: Words) -> Rows:
    """One row for each ticket that is a breach of personal data: the second, wall clock."""
    rows: Rows = []
    for ticket in troubles.tickets:
        due = troubles.timings[ticket.id].breach_due_at
        if due is None or ticket.breach_known_at is None:
            continue
        late = troubles.timings[ticket.id].breach_late
        state = "breach_late" if late else "breach_sent" if ticket.notified_at else "breach_runs"
        rows.append(
            {
                "ticket": ticket.id,
                "problem": ticket.title,
                "site": site_word(ticket, words),
                "breach_known": ticket.breach_known_at,
                "breach_due": due,
                "notified": ticket.notified_at,
                "breach_state": words(state),
            }
        )
    return rows


def account_texts(ticket: Ticket, page: Page) -> list[str | tuple[str, ...]]:
    """Cause, solution, prevention, diagnosis, and pauses with their reasons: what was said about a ticket."""
    words = page.words
    last = ticket.last("solve")
    solve: Step | None = last if ticket.state == "solved" else None
    said = [solve.cause, solve.solution, solve.prevention] if solve is not None else [words("not_solved_yet"), "", ""]
    return [*said, _diagnosis(ticket, page), _pauses(ticket, page)]


def _diagnosis(ticket: Ticket, page: Page) -> tuple[str, ...]:
    """The last diagnosis that named a cause; and the last of all when it came later: the cause is gone."""
    if not ticket.diagnoses:
        return (page.words("no_diagnosis"),)
    last = ticket.diagnoses[-1]
    named = next((made for made in reversed(ticket.diagnoses) if made.cause_kind or made.cause), last)
    shown = (named,) if named is last else (named, last)
    return tuple(line for made in shown for line in _diagnosed(made, page))


def _diagnosed(made: DiagnosisMade, page: Page) -> tuple[str, str]:
    sentence = made.cause_id if page.words.lang == "id" and made.cause_id else made.cause
    if not made.cause_kind and not sentence:
        sentence = page.words("diagnosis_nothing")
    return (sentence, f"({_stamp(page, made.ended_at)})")


def _pauses(ticket: Ticket, page: Page) -> tuple[str, ...]:
    """Each pause with its reason, and each time that it stood as solved and was not."""
    words, lines = page.words, []
    for number, step in enumerate(ticket.steps):
        if step.name not in ("pause", "reopen"):
            continue
        ends = ("resume", "solve", "route") if step.name == "pause" else ()
        end = next((s.done_at for s in ticket.steps[number + 1 :] if s.name in ends), None)
        begun = _stamp(page, step.done_at)
        if step.name == "reopen":
            lines.append(words("reopened_on", at=begun, why=step.note or "–"))
        elif end is None:
            lines.append(words("paused_since", at=begun, why=step.note))
        else:
            lines.append(words("paused_from", at=begun, until=_stamp(page, end), why=step.note))
    return tuple(lines) or ("–",)


def _stamp(page: Page, at: datetime) -> str:
    return f"{page.local(at):%d/%m/%y %H:%M}"
