"""What every renewal command needs: the cases, the register, the known ends, the lock, files into the archive."""

from __future__ import annotations

import argparse
import secrets
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from pathlib import Path

from reporting.attachments import Attached, attached
from reporting.cli.archiving import Made, archived, forget, unique
from reporting.cli.common import local, this_agent
from reporting.cli.locks import PATIENCE_SECONDS, step_lock
from reporting.events import (
    KIND_PAPER,
    Attachment,
    PaperIssued,
    RenewalOpened,
)
from reporting.files import below, sha256_file
from reporting.ledger.model import Draft
from reporting.register import KINDS as REGISTER_KINDS
from reporting.register import Register
from reporting.register import fold as fold_register
from reporting.renewal.commands import Known, Permitted
from reporting.renewal.drafts import folder_of, step_drafts
from reporting.renewal.fold import KINDS, fold, submission_takes
from reporting.renewal.model import Case
from reporting.runner.model import Record
from reporting.standard import standard_on

_ROLES = {"invoice": "invoice", "proof": "proof_of_payment", "paper": "paper"}


def renewal_lock(record: Record, patience: float = PATIENCE_SECONDS) -> AbstractContextManager[None]:
    """One at a time from reading the cases to appending the step; Refused when it is held for `patience` seconds."""
    return step_lock(record, "renewal", "the renewals", patience)


def known_of(record: Record, case: str | None = None) -> Known:
    """Everything that a step is judged with, as the record has it now. `case`: whose attachments are read again."""
    events = list(record.ledger.events([*KINDS, *REGISTER_KINDS]))
    unit = record.inventory.unit
    cases = fold(events)
    register = fold_register(events)
    found = cases.get((case or "").strip().upper())
    return Known(
        unit=unit,
        standard=standard_on,
        cases=cases,
        services={s.id: s for s in register.current},
        ends=known_ends(register, cases.values(), unit.tz),
        looks=register.looks,
        now=record.clock(),
        agent=this_agent(),
        takes=submission_takes(events),
        broken=_broken(record, found) if found is not None else frozenset(),
    )


def known_ends(register: Register, cases: Iterable[Case], tz: tzinfo) -> dict[str, date]:
    """The end of each service as the register knows it, or as a case has proven it since."""
    ends = {s.id: end for s in register.current if (end := register.end(s, tz).ends) is not None}
    for case in cases:
        proven = {p.service for p in case.proofs if p.renewed}
        for line in case.lines:
            if line.service in proven:
                ends[line.service] = max(line.new_end, ends.get(line.service, line.new_end))
    return ends


def printed(record: Record) -> frozenset[str]:
    """SHA-256 of every file of a paper that we issued."""
    return frozenset(
        f.sha256 for e in record.ledger.events([KIND_PAPER]) for f in PaperIssued.model_validate(e.data).files
    )


def _broken(record: Record, case: Case) -> frozenset[str]:
    """Attachments of a case that the archive no longer holds as they were."""
    bad = set()
    for file in (a for step in case.steps for a in step.attachments):
        try:
            if sha256_file(below(record.archive.root, file.path))[0] != file.sha256:
                bad.add(file.sha256)
        except (OSError, ValueError):
            bad.add(file.sha256)
    return frozenset(bad)


def looked_at(
    options: argparse.Namespace, record: Record, sheet_role: str | None, *, own_sheet: bool
) -> list[Attached]:
    """The files that were named on the command line, each read and judged by its content."""
    papers = printed(record)
    files: list[Attached] = []
    for option, role in (*_ROLES.items(), ("sheet", sheet_role)):
        for name in getattr(options, option, None) or []:
            own = own_sheet and option == "sheet"
            files.append(attached(Path(name), role or "sheet", papers, own_paper=own))
    return files


@dataclass(frozen=True)
class More:
    """What goes with a step: files that were made for it, the invoice's event, and one more event of its files."""

    made: Sequence[Made] = ()
    opened: RenewalOpened | None = None
    also: Callable[[Sequence[Attachment]], Draft] | None = None


def write_step(record: Record, known: Known, permitted: Permitted, more: More | None = None) -> str | None:
    """Archive a step's files and append its events in one transaction; returns its execution's id.

    Nothing is left of the step when anything fails.
    """
    extra = more or More()
    folder = folder_of(known, permitted)
    target = record.archive.folder(folder.slug, folder.name, folder.local)
    files = archived(record, target, [*unique(permitted.asked.files), *extra.made])
    try:
        drafts = step_drafts(known, permitted, folder, files, extra.opened)
        record.ledger.append([*drafts, *([extra.also(files)] if extra.also is not None else [])])
    except BaseException:
        forget(record, target)
        raise
    return folder.execution


def append(record: Record, drafts: Sequence[Draft]) -> None:
    """Append events that are no step."""
    record.ledger.append(drafts)


def token() -> str:
    """What makes the name of an execution unique."""
    return secrets.token_hex(4)


def when(moment: datetime | None, record: Record) -> str:
    """An instant as it is printed; empty for none."""
    return local(moment, record.inventory) if moment is not None else ""
