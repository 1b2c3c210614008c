"""`Backup`: every part of every set: where it is, how big, how it was proven to be whole."""

from __future__ import annotations

from reporting.workbook.cells import Page
from reporting.workbook.paper import set_paper
from reporting.workbook.rows import Rows
from reporting.workbook.table import Column, Table, set_widths, write_table

_COLUMNS = (
    Column("site", 16),
    Column("finished", 15, "moment"),
    Column("backup_set", 20),
    Column("part", 16),
    Column("part_kind", 12),
    Column("medium", 18),
    Column("medium_kind", 12),
    Column("source_bytes", 14, "integer"),
    Column("stored_bytes", 14, "integer"),
    Column("members", 9, "integer"),
    Column("seconds", 8, "decimal"),
    Column("verdict", 12, "verdict"),
    Column("verified", 22),
    Column("sha256", 30, "hash"),
    Column("path", 26),
)


def write_backup(page: Page, rows: Rows, caption: str) -> Table:
    """Write the sheet; returns the table of parts."""
    set_widths(page, _COLUMNS)
    top = page.heading(page.words("title_backup"), [page.words("note_backup" if rows else "nothing_backup")])
    table = write_table(page, top, "tblBackup", _COLUMNS, rows)
    set_paper(page, caption, (top, top))
    page.sheet.freeze_panes(top + 1, 1)
    return table
