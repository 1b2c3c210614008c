"""`Backup`: every part of every set: where it is, how big, how it was proven to be whole; and what was done by hand."""

from __future__ import annotations

from collections.abc import Sequence

from reporting.backups import Standing
from reporting.compliance import Compliance
from reporting.workbook.backup_standing import write_standing
from reporting.workbook.cells import Page
from reporting.workbook.paper import set_paper
from reporting.workbook.rows import Rows
from reporting.workbook.table import Column, Table, set_widths, write_table

_REPEATED = 4  # site, time, set and part stand on both pages of a row
_COLUMNS = (
    Column("site", 16),
    Column("finished", 16, "moment"),
    Column("backup_set", 21),
    Column("part", 18),
    Column("part_kind", 14),
    Column("medium", 26),
    Column("medium_kind", 13),
    Column("source_bytes", 15, "integer"),
    Column("stored_bytes", 15, "integer"),
    Column("members", 11, "integer"),
    Column("seconds", 9, "decimal"),
    Column("evidence_bytes", 13, "integer"),
    Column("output", 13, "verdict"),
    Column("verdict", 13, "verdict"),
    Column("verified", 32),
    Column("sha256", 38, "hash"),
    Column("path", 42),
    Column("remark", 30),
)


def write_backup(page: Page, rows: Rows, compliance: Compliance, found: Sequence[Standing], caption: str) -> Table:
    """Write the sheet; returns the table of parts. `found`: how each site's backups stand."""
    set_widths(page, _COLUMNS)
    notes = [page.words("note_backup" if rows else "nothing_backup")]
    if any(row.get("part_kind") == page.words("by_hand_part") for row in rows):
        notes.append(page.words("note_backup_by_hand"))
    top = page.heading(page.words("title_backup"), notes, [column.width for column in _COLUMNS[:_REPEATED]])
    table = write_table(page, top, "tblBackup", _COLUMNS, rows)
    if found:
        write_standing(page, table.last + 2, found, compliance)
    set_paper(page, caption, (0, 0) if found else (top, top), wide=2)  # of two tables no header is repeated
    page.sheet.repeat_columns(0, _REPEATED - 1)
    page.sheet.print_across()
    page.sheet.freeze_panes(top + 1, 1)
    return table
