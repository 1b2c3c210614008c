"""`Bukti`: the files that prove it all, each with its hash; and what in the ledger fitted nothing."""

from __future__ import annotations

from reporting.ledger import Head
from reporting.workbook.cells import Page, height
from reporting.workbook.paper import set_paper
from reporting.workbook.rows import Rows
from reporting.workbook.table import Column, Table, set_widths, write_table

_COLUMNS = (
    Column("no", 6, "index"),
    Column("activity", 10, "index"),
    Column("activity_name", 21),
    Column("site", 24),
    Column("path", 60),
    Column("bytes", 15, "integer"),
    Column("sha256", 38, "hash"),
    Column("execution", 24, "hash"),
)


def write_evidence(page: Page, rows: Rows, problems: tuple[str, ...], head: Head, caption: str) -> Table:
    """Write the sheet; returns the table of files."""
    set_widths(page, _COLUMNS)
    notes = [page.words("note_evidence" if rows else "nothing_evidence"), page.words("note_head", seq=head.seq)]
    top = page.heading(page.words("title_evidence"), [*notes, head.hash])
    table = write_table(page, top, "tblBukti", _COLUMNS, rows)
    row = table.last + 2
    if problems:
        page.text(row, 0, page.words("problems"), "section", bottom=0)
        for number, problem in enumerate(problems, start=1):
            page.band(row + number, 0, len(_COLUMNS) - 1, problem, "plain")
            page.sheet.set_row(row + number, height(problem, sum(column.width for column in _COLUMNS)))
    set_paper(page, caption, (top, top))
    page.sheet.freeze_panes(top + 1, 0)
    return table
