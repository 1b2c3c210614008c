"""What runs found becomes tickets: called after every run, by `laman record` and by `laman due --run`."""

from __future__ import annotations

from dataclasses import dataclass

from reporting.cli.common import command_line
from reporting.cli.ticket_known import ticket_lock, tickets_of, token
from reporting.runner.model import Record
from reporting.troubleshooting.triage import KINDS, pending, triage


@dataclass(frozen=True)
class TriageDone:
    """Ids of tickets: those that were opened, and those that were open and whose problem was found again."""

    opened: tuple[str, ...] = ()
    seen: tuple[str, ...] = ()

    def lines(self, record: Record) -> list[str]:
        """What a summary says about it; nothing when nothing was found."""
        said = []
        if self.opened:
            count = f"{len(self.opened)} ticket{'s' if len(self.opened) > 1 else ''} opened"
            said.append(f"{count}: {', '.join(self.opened)}")
            said.append(f"to do: {command_line(record.inventory, 'ticket', 'take', self.opened[0])}")
        if self.seen:
            said.append(f"found again: {', '.join(self.seen)}")
        return said

    def json_value(self) -> dict[str, list[str]]:
        """As `--json` prints it."""
        return {"opened": list(self.opened), "seen": list(self.seen)}


def triage_findings(record: Record) -> TriageDone:
    """Look at the findings of every execution that was not looked at yet, by whichever laman it ran; one transaction.

    Called again, it does nothing.
    """
    if not pending(record.ledger.events(KINDS)):
        return TriageDone()
    with ticket_lock(record):
        results = pending(record.ledger.events(KINDS))  # another laman may have been faster
        done = triage(tickets_of(record).known, results, token())
        if done.drafts:
            record.ledger.append(done.drafts)
    return TriageDone(tuple(done.opened), tuple(done.seen))
