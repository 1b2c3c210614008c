"""`Koreksi`: what later events changed about a period after it was closed; nothing of what was closed is rewritten."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from reporting.compliance.closing import Closure, Correction
from reporting.ledger import Head
from reporting.workbook.cells import Page
from reporting.workbook.paper import set_paper
from reporting.workbook.rows import ACCOUNTS, STATES, Rows
from reporting.workbook.table import Column, colour_words, set_widths, write_table
from reporting.workbook.words import Words

_COLUMNS = (
    Column("no", 5, "index"),
    Column("subject", 14),
    Column("activity", 9, "index"),
    Column("activity_name", 21),
    Column("site", 16),
    Column("changed", 17),
    Column("was", 25, "centre"),
    Column("is", 25, "centre"),
    Column("reason", 50),
    Column("recorded", 15, "moment"),
    Column("name", 30, "hash"),
)


@dataclass(frozen=True, slots=True)
class Corrections:
    """What changed since a period was closed, as of an instant and the end of the record's chain then."""

    closure: Closure
    changes: tuple[Correction, ...]
    as_of: datetime
    head: Head


def write_corrections(page: Page, corrections: Corrections, caption: str) -> None:
    """Write the sheet."""
    set_widths(page, _COLUMNS)
    words, closed = page.words, corrections.closure
    rows = correction_rows(corrections.changes, words)
    note = words(
        "note_corrections",
        closed=words.moment(page.local(closed.data.issued_at)),
        name=closed.data.closed_by.name,
        seq=closed.data.head_seq,
        now_seq=corrections.head.seq,
        as_of=words.moment(page.local(corrections.as_of)),
    )
    notes = [note, f"{words('note_corrections_hash')} {corrections.head.hash}"]
    if not rows:
        notes.append(words("nothing_corrections"))
    top = page.heading(words("title_corrections"), notes, [column.width for column in _COLUMNS])
    table = write_table(page, top, "tblKoreksi", _COLUMNS, rows)
    for key in ("was", "is"):
        colour_words(page, table, key, {state: state for state in ("conforms", "deviates", "waiting", "missed")})
    set_paper(page, caption, (top, top))
    page.sheet.freeze_panes(top + 1, 2)


def correction_rows(changes: tuple[Correction, ...], words: Words) -> Rows:
    """One row for each change."""
    return [_row(number, change, words) for number, change in enumerate(changes, start=1)]


def _row(number: int, change: Correction, words: Words) -> dict[str, Any]:
    return {
        "no": number,
        "subject": words(f"subject_{change.subject}"),
        "activity": change.activity,
        "activity_name": words(f"short_{change.activity}"),
        "site": change.site,
        "changed": words(f"changed_{change.what}"),
        "was": _said(change.was, change, words),
        "is": _said(change.now, change, words),
        "reason": change.reason,
        "recorded": change.at,
        "name": change.name,
    }


def _said(value: str, change: Correction, words: Words) -> str:
    """A POS word in the workbook's language; counts and names as they are."""
    if not value:
        return "–"
    if change.what == "evidence":
        return words("files_count", count=value)
    known = {**STATES, **ACCOUNTS}
    return words(known[value]) if value in known else value
