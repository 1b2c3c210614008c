"""What every ticket command needs: the tickets, their minutes, the lock, files into the archive, the verdict."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from reporting.attachments import Attached, attached
from reporting.cli.archiving import Made, archived, forget
from reporting.cli.common import this_agent
from reporting.cli.locks import step_lock
from reporting.events import KIND_PAPER, KIND_SETTINGS, Attachment, PaperIssued
from reporting.ledger.model import Draft
from reporting.runner.model import Record
from reporting.standard import standard_on
from reporting.troubleshooting.asked import ACTIVITY, Known, Opening, Permitted
from reporting.troubleshooting.drafts import (
    SOLUTION,
    Folder,
    folder_of,
    opening_drafts,
    opening_folder,
    solution_paper,
    step_drafts,
)
from reporting.troubleshooting.fold import KINDS, fold, not_after
from reporting.troubleshooting.model import Ticket, Timing
from reporting.troubleshooting.timing import RulesInForce, timing_by


@dataclass(frozen=True)
class Tickets:
    """The tickets as the record has them now, and what they are measured by."""

    known: Known
    rules: RulesInForce

    def timing(self, ticket: Ticket, at: datetime | None = None) -> Timing:
        """The minutes of a ticket now (or `at`), by the settings and the POS of the day on which it was reported."""
        day = self.known.day(ticket.reported_at)
        minutes = self.known.standard(day).activity(ACTIVITY).minutes
        return timing_by(ticket, self.rules, at or self.known.now, minutes)


def tickets_of(record: Record) -> Tickets:
    """Everything that a step is judged with, as the record has it now."""
    events = list(record.ledger.events([*KINDS, KIND_SETTINGS]))
    inventory = record.inventory
    known = Known(inventory.unit, inventory.sites, standard_on, fold(events), record.clock(), this_agent())
    return Tickets(known, RulesInForce(events))


def ticket_lock(record: Record) -> AbstractContextManager[None]:
    """One at a time from reading the tickets to appending the step; Refused when it is held for too long."""
    return step_lock(record, "ticket", "the tickets")


def looked_at(record: Record, names: Sequence[str], role: str) -> tuple[Attached, ...]:
    """Files that were named, each read and judged by its content; AttachmentError for one that does not count."""
    if not names:
        return ()
    papers = frozenset(
        f.sha256 for e in record.ledger.events([KIND_PAPER]) for f in PaperIssued.model_validate(e.data).files
    )
    return tuple(attached(Path(name), role, papers) for name in names)


def write_opening(record: Record, known: Known, opening: Opening) -> None:
    """Archive what was attached to a report and append the ticket's events in one transaction."""
    folder = opening_folder(known, opening)
    _write(record, folder, opening.asked.files, lambda files: opening_drafts(known, opening, files))


def write_step(record: Record, tickets: Tickets, permitted: Permitted) -> str | None:
    """Archive a step's files and append its events in one transaction; returns the id of the execution that it ended.

    Nothing is left of the step when anything fails.
    """
    known, folder = tickets.known, folder_of(tickets.known, permitted)
    made: list[Made] = []
    if permitted.asked.step == "solve":
        then = not_after(permitted.ticket, permitted.done_at)
        paper = solution_paper(known, permitted, tickets.timing(then, permitted.done_at))
        made.append(Made(SOLUTION, f"{permitted.ticket.id}.txt", paper))
    _write(record, folder, [*permitted.asked.files, *made], lambda files: step_drafts(known, permitted, folder, files))
    return folder.execution


def _write(
    record: Record,
    folder: Folder,
    files: Sequence[Attached | Made],
    drafts: Callable[[Sequence[Attachment]], list[Draft]],
) -> None:
    target = record.archive.folder(folder.slug, folder.name, folder.local) if files else None
    kept = archived(record, target, files) if target is not None else []
    try:
        record.ledger.append(drafts(kept))
    except BaseException:
        if target is not None:
            forget(record, target)
        raise


def token() -> str:
    """What makes the name of an execution unique."""
    return secrets.token_hex(4)
