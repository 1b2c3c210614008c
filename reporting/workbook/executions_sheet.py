"""`Pelaksanaan`: a row for each execution, and one for each occasion that none decides, with its verdict."""

from __future__ import annotations

from reporting.workbook.cells import Page
from reporting.workbook.paper import set_paper
from reporting.workbook.rows import Rows
from reporting.workbook.table import Column, Table, set_widths, write_table

_REPEATED = 4  # No, number, activity and site stand on both pages of a row


def write_executions(page: Page, rows: Rows, caption: str) -> Table:
    """Write the sheet; the summary counts over the table."""
    judged = tuple(page.words(state) for state in ("conforms", "deviates", "waiting"))
    verdicts = (*judged, page.words("missed"), page.words("open"), page.words("reopened"))
    columns = (
        Column("no", 5, "index"),
        Column("activity", 9, "index"),
        Column("activity_name", 21),
        Column("site", 16),
        Column("kind", 11),
        Column("opens", 15, "moment"),
        Column("closes", 15, "moment"),
        Column("attempt", 10, "index"),
        Column("decides", 10, "centre", (page.words("yes"), page.words("no_word"))),
        Column("executor", 18),
        Column("nip", 19, "centre"),
        Column("agent", 18),
        Column("clock", 9),
        Column("started", 15, "moment"),
        Column("ended", 15, "moment"),
        Column("minutes", 9, "decimal"),
        Column("standard_minutes", 9, "integer"),
        Column("requirement", 13, "verdict", judged),
        Column("time", 12, "verdict", judged),
        Column("output", 12, "verdict", judged),
        Column("verdict", 12, "verdict", verdicts),
        Column("reasons", 40),
        Column("findings", 9, "integer"),
        Column("review", 27),
        Column("execution", 28, "hash"),
        Column("remark", 16),
    )
    set_widths(page, columns)
    notes = [page.words("note_executions_1"), page.words("note_executions_2")]
    top = page.heading(page.words("title_executions"), notes, [column.width for column in columns[:_REPEATED]])
    table = write_table(page, top, "tblPelaksanaan", columns, rows)
    set_paper(page, caption, (top, top), wide=2)
    page.sheet.repeat_columns(0, _REPEATED - 1)
    page.sheet.print_across()
    page.sheet.freeze_panes(top + 1, _REPEATED)
    return table
