"""What of the tickets is due: a first response, a solution, the notice of a breach, a pause that grows long."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from reporting.cli.common import command_line, local
from reporting.cli.duties import Duty
from reporting.cli.ticket_known import Tickets, tickets_of
from reporting.compliance import Compliance
from reporting.runner.model import Record
from reporting.text import harmless
from reporting.troubleshooting.model import Ticket, Timing

_LONG_PAUSE_MINUTES = 450  # a working day: whoever it waits for is asked again


def duties(record: Record, _compliance: Compliance) -> list[Duty]:
    """What the tickets ask of their officers, the nearest first."""
    tickets = tickets_of(record)
    found = [d for t in tickets.known.tickets.values() for d in _of(record, tickets, t)]
    return sorted(found, key=lambda d: (d.due_at is None, d.due_at))


def _of(record: Record, tickets: Tickets, ticket: Ticket) -> Iterator[Duty]:
    timing = tickets.timing(ticket)
    name = f"{ticket.id}{f' ({ticket.site})' if ticket.site else ''}: {harmless(ticket.title, 100)}"
    if ticket.breach_known_at is not None and ticket.notified_at is None and timing.breach_due_at is not None:
        what = f"{name}: send the written notice of the breach of personal data (3 x 24 h)"
        what_id = f"{name}: kirim pemberitahuan tertulis kegagalan pelindungan data pribadi (3 x 24 jam)"
        yield _duty(record, ticket, "notified", timing.breach_due_at, (what, what_id), " --evidence FILE")
    if ticket.state == "solved":
        return
    if timing.response is None:
        what, what_id = f"{name}: give a first response", f"{name}: beri tanggapan pertama"
        yield _duty(record, ticket, "take", timing.response_due_at, (what, what_id))
    what = f"{name}: solve it ({timing.gross:.0f} of {timing.standard_minutes} working minutes are over)"
    what_id = f"{name}: selesaikan ({timing.gross:.0f} dari {timing.standard_minutes} menit kerja terpakai)"
    yield _duty(record, ticket, "solve", timing.due_at, (what, what_id), " …")
    pause = _long_pause(tickets, ticket, timing)
    if pause is not None:
        waits = harmless(pause, 200)
        what = f"{name}: paused for more than a working day ({waits}); ask again, or resume it"
        what_id = f"{name}: dijeda lebih dari satu hari kerja ({waits}); tanyakan lagi, atau lanjutkan"
        yield _duty(record, ticket, "resume", None, (what, what_id))


def _long_pause(tickets: Tickets, ticket: Ticket, timing: Timing) -> str | None:
    """What a ticket has been waiting for, for a long time; None where it has not."""
    step = ticket.last("pause") if ticket.state == "paused" else None
    if step is None or timing.paused < _LONG_PAUSE_MINUTES:
        return None
    clock = tickets.rules.at(ticket.reported_at).clock
    waited = clock.minutes(step.done_at, max(step.done_at, tickets.known.now))
    return step.note if waited >= _LONG_PAUSE_MINUTES else None


def _duty(  # noqa: PLR0913, PLR0917
    record: Record, ticket: Ticket, action: str, due: datetime | None, what: tuple[str, str], rest: str = ""
) -> Duty:
    command = command_line(record.inventory, "ticket", action, ticket.id) + rest
    until = local(due, record.inventory) if due is not None else None
    return Duty(what[0], command, until, ticket.executor.name, ticket.executor.id, due, what[1])
