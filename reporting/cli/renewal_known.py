"""What every renewal command needs: the cases, the register, the known ends, the lock, files into the archive."""

from __future__ import annotations

import argparse
import fcntl
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from pathlib import Path

from reporting.cli.common import Refused, local, this_agent
from reporting.events import (
    KIND_PAPER,
    Attachment,
    PaperIssued,
    RenewalOpened,
)
from reporting.files import below, sha256_file, whole_file, write_whole
from reporting.ledger.model import Draft
from reporting.register import KINDS as REGISTER_KINDS
from reporting.register import Register
from reporting.register import fold as fold_register
from reporting.renewal.attachments import Attached, attached
from reporting.renewal.commands import Known, Permitted
from reporting.renewal.drafts import Folder, folder_of, step_drafts
from reporting.renewal.fold import KINDS, fold, submission_takes
from reporting.renewal.model import Case
from reporting.runner.model import Record
from reporting.standard import standard_on

_PATIENCE_SECONDS = 30.0  # a step takes a moment; somebody who holds the lock for longer is stuck
_ROLES = {"invoice": "invoice", "proof": "proof_of_payment", "paper": "paper"}


@dataclass(frozen=True)
class Made:
    """A file that does not come from a person's disk (what a look-up said), to be archived with the step.

    `about`: what it is about, e.g. the service that was looked up.
    """

    role: str
    name: str
    content: bytes
    about: str = ""


@contextmanager
def renewal_lock(record: Record, patience: float = _PATIENCE_SECONDS) -> Iterator[None]:
    """One at a time from reading the cases to appending the step.

    Raises:
        Refused: another laman has held it for `patience` seconds.
    """
    record.locks.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(record.locks / "renewal.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        deadline = time.monotonic() + patience
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise Refused("another laman is changing the renewals and does not end: try again") from None
                time.sleep(0.05)
        yield
    finally:
        os.close(descriptor)


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


def archive(record: Record, folder: Folder, files: Sequence[Attached | Made]) -> list[Attachment]:
    """Copy the files into the archive, whole; what was copied is removed again when one cannot be.

    Raises:
        OSError: the disk is full or the folder cannot be written.
        Refused: a file changed between the look and the copy.
    """
    target = record.archive.folder(folder.slug, folder.name, folder.local)
    done: list[Attachment] = []
    try:
        for number, file in enumerate(files, 1):
            done.append(_copied(record, target, file, number))
    except BaseException:
        forget(record, target)
        raise
    if not files:
        forget(record, target)
    return done


def forget(record: Record, target: Path) -> None:
    """Take a step's folder out of the archive again: its step was not recorded."""
    if target.is_relative_to(record.archive.root):
        shutil.rmtree(target, ignore_errors=True)


def _copied(record: Record, target: Path, file: Attached | Made, number: int) -> Attachment:
    if isinstance(file, Made):
        path = target / f"{file.role}-{number:02d}-{file.name}"
        write_whole(path, file.content)
        original = file.about
    else:
        path = target / file.archive_name(number)
        with file.source.open("rb") as stream, whole_file(path) as copy:
            shutil.copyfileobj(stream, copy, 1 << 20)
        original = file.source.name
    measured = record.archive.measure(path)
    if isinstance(file, Attached) and measured.sha256 != file.sha256:
        raise Refused(f"{file.source}: the file changed while it was copied: attach it again")
    return Attachment(
        path=measured.path, bytes=measured.bytes, sha256=measured.sha256, role=file.role, original=original[:200]
    )


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
    target = record.archive.root / f"{folder.local:%Y}" / f"{folder.local:%m}" / folder.slug / folder.name
    files = archive(record, folder, [*unique(permitted.asked.files), *extra.made])
    try:
        drafts = step_drafts(known, permitted, folder, files, extra.opened)
        record.ledger.append([*drafts, *([extra.also(files)] if extra.also is not None else [])])
    except BaseException:
        forget(record, target)
        raise
    return folder.execution


def unique(files: Iterable[Attached]) -> list[Attached]:
    """A paper that is also the signed sheet is archived once, as the sheet."""
    kept: list[Attached] = []
    for file in sorted(files, key=lambda f: f.role == "paper"):
        if not any(k.sha256 == file.sha256 and file.role == "paper" for k in kept):
            kept.append(file)
    return kept


def append(record: Record, drafts: Sequence[Draft]) -> None:
    """Append events that are no step."""
    record.ledger.append(drafts)


def token() -> str:
    """What makes the name of an execution unique."""
    return secrets.token_hex(4)


def when(moment: datetime | None, record: Record) -> str:
    """An instant as it is printed; empty for none."""
    return local(moment, record.inventory) if moment is not None else ""
