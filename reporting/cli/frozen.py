"""Workbooks from the record: of a period as it is now, of one that was closed as it was then, and what changed since.

A closed period is computed again from the events up to its head; the archived copy proves that it is the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from reporting.cli.common import Refused
from reporting.compliance import Compliance, Deviation, Period, earlier_of, evaluate
from reporting.compliance.closing import (
    Closure,
    Correction,
    corrections,
    events_of,
    figures_hash,
    frozen,
    standards_of,
)
from reporting.events import EvidenceFile
from reporting.files import below, sha256_file
from reporting.ledger import Archive, Event, Head
from reporting.standard import Language, Standard, load_standards
from reporting.text import harmless

if TYPE_CHECKING:
    from reporting.workbook import Corrections, More


@dataclass(frozen=True)
class Book:
    """A workbook ready to be handed out, what it was computed from, and what there is to say about it."""

    content: bytes
    compliance: Compliance
    head: Head
    said: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    archived: bool = False  # it is the archived copy of a closed period, byte for byte
    changes: tuple[Correction, ...] = ()

    @property
    def sha256(self) -> str:
        """SHA-256 of its bytes."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True)
class Issue:
    """A workbook that was issued: its copy in the archive, its language, the events that it was computed from."""

    made: Book
    file: EvidenceFile
    lang: Language
    closure: Closure | None
    events: Sequence[Event]

    @property
    def period(self) -> str:
        """The period, as it is written."""
        return self.made.compliance.period.text

    @cached_property
    def earlier(self) -> tuple[Deviation, ...]:
        """What earlier periods left open, as the workbook tells it."""
        told = [e for e in self.events if e.seq <= self.made.head.seq]
        standards = standards_of(self.closure) if self.closure is not None else load_standards()
        return earlier_of(told, self.made.compliance, standards, self.lang).deviations

    @cached_property
    def figures_hash(self) -> str:
        """What it says, without the instant at which it was said: SHA-256, hex."""
        figures = figures_hash(self.made.compliance)
        left = [(d.id, d.account_state) for d in self.earlier]
        return hashlib.sha256(f"{self.lang}{figures}{self.made.changes!r}{left}".encode()).hexdigest()


@dataclass(frozen=True)
class Basis:
    """What a workbook is computed from: the events that count, the POS, the end of the chain that it prints."""

    events: Sequence[Event]
    standards: Sequence[Standard]
    head: Head
    lang: Language


def language(value: str) -> Language:
    """The language that was asked for, as a type."""
    return "en" if value == "en" else "id"


def book(basis: Basis, compliance: Compliance, issued_at: datetime) -> Book:
    """The workbook of a period as these events tell it."""
    from reporting.workbook import workbook_bytes

    content = workbook_bytes(compliance, basis.head, basis.lang, issued_at, _more(basis, compliance))
    return Book(content, compliance, basis.head)


def _more(basis: Basis, compliance: Compliance, corrections: Corrections | None = None) -> More:
    """What the workbook tells beyond the compliance of its period, from the same events."""
    from reporting.workbook import More, renewals_of, standings_of, troubles_of

    return More(
        renewals=renewals_of(basis.events, compliance, basis.standards, basis.lang),
        corrections=corrections,
        troubles=troubles_of(basis.events, compliance),
        earlier=earlier_of(basis.events, compliance, basis.standards, basis.lang),
        backups=standings_of(basis.events, compliance),
    )


def period_book(basis: Basis, period: Period, now: datetime) -> Book:
    """The workbook of a period that is not closed, as of now."""
    return book(basis, evaluate(basis.standards, basis.events, period, now, basis.lang), now)


def recomputed(closure: Closure, events: Sequence[Event], lang: Language) -> Book:
    """The workbook of a closed period, computed again from what counted then.

    Raises:
        ComplianceError: the record is not the one that was closed, or cannot be evaluated any more.
    """
    counted = events_of(closure, events)
    basis = Basis(counted, standards_of(closure), Head(closure.data.head_seq, closure.data.head_hash), lang)
    return book(basis, frozen(closure, counted, lang), closure.data.issued_at)


def reproduced(closure: Closure, events: Sequence[Event], archive: Archive, lang: Language) -> Book:
    """The workbook of a closed period: proven to be the one that was archived, or the archived one itself.

    In another language than the one that was closed it is computed only: there is no copy to compare it with.

    Raises:
        Refused: neither can be had.
        ComplianceError: the record is not the one that was closed.
    """
    data = closure.data
    again = recomputed(closure, events, lang)
    if lang != data.language:
        text = f"closed in {data.language!r}: this one says the same in {lang!r}; the signed one is the archived copy"
        return Book(again.content, again.compliance, again.head, (text, _figures(closure, again)))
    kept = archived_copy(archive, data.workbook)
    where = archive.root / data.workbook.path
    if again.sha256 == data.workbook.sha256:
        text = f"the same workbook, byte for byte, as when it was closed (SHA-256 {again.sha256})"
        warnings = () if kept is not None else (f"{where}: the archived copy is missing or was altered: laman verify",)
        return Book(again.content, again.compliance, again.head, (text,), warnings, archived=True)
    if kept is None:
        raise Refused(
            f"period {data.period}: what is computed is not what was closed, and {where} is missing or was altered: "
            "get the copy back from a backup of the record, then run: laman verify"
        )
    text = (
        f"this is the archived copy; laman {version('laman')} writes other bytes than laman {data.version or '?'}, "
        "which closed it"
    )
    return Book(kept, again.compliance, again.head, (), (text, _figures(closure, again)), archived=True)


def _figures(closure: Closure, again: Book) -> str:
    """Whether the figures are those of the closing; reasons and layout have no part in it."""
    if figures_hash(again.compliance) == closure.data.figures_hash:
        return "its figures are those of the closing"
    return "its figures DIFFER from those of the closing: laman was changed in what it computes"


def archived_copy(archive: Archive, file: EvidenceFile) -> bytes | None:
    """The bytes of an archived file; None when it is missing or not what was recorded."""
    try:
        path = below(archive.root, file.path)
        digest, _ = sha256_file(path)
        content = path.read_bytes() if digest == file.sha256 else None
    except (OSError, ValueError):
        return None
    return content if content is not None and hashlib.sha256(content).hexdigest() == file.sha256 else None


def corrected(closure: Closure, events: Sequence[Event], head: Head, lang: Language, now: datetime) -> Book:
    """The workbook of a closed period as it was, with a sheet that tells what later events changed.

    Raises:
        ComplianceError: the record is not the one that was closed, or cannot be evaluated.
    """
    from reporting.workbook import Corrections, workbook_bytes

    counted, standards = events_of(closure, events), standards_of(closure)
    before = frozen(closure, counted, lang)
    after = evaluate(standards, events, before.period, now, lang)
    changes = corrections(before, after)
    then = Head(closure.data.head_seq, closure.data.head_hash)
    more = _more(Basis(counted, standards, then, lang), before, Corrections(closure, changes, now, head))
    content = workbook_bytes(before, then, lang, closure.data.issued_at, more)
    said = f"{len(changes)} correction(s) since it was closed (event {then.seq}; the record is at {head.seq} now)"
    return Book(content, before, head, (said,), changes=changes)


def target_of(output: str | None, default: str) -> Path:
    """Where a workbook is to be written.

    Raises:
        Refused: not a name for a workbook, or its folder is not there.
    """
    target = Path(output or default)
    shown = harmless(str(target), 200)
    if target.suffix.lower() != ".xlsx":
        raise Refused(f"--output {shown}: a name that ends in .xlsx is expected")
    if not target.resolve().parent.is_dir():
        raise Refused(f"--output {shown}: the folder {target.resolve().parent} does not exist")
    return target.resolve()
