"""`Penyimpangan`: every failure to keep the standard, and the room in which its executor accounts for it."""

from __future__ import annotations

from reporting.workbook.cells import Page
from reporting.workbook.paper import set_paper
from reporting.workbook.rows import ACCOUNTS, Rows
from reporting.workbook.table import Column, Table, colour_words, set_widths, write_table

_REPEATED = 4  # No, number, activity and site stand on both pages of a row


def write_deviations(page: Page, rows: Rows, caption: str) -> Table:
    """Write the sheet; the yellow cells are for the account (POS, Peringatan 2)."""
    columns = (
        Column("no", 5, "index"),
        Column("activity", 9, "index"),
        Column("activity_name", 21),
        Column("site", 16),
        Column("at", 15, "moment"),
        Column("aspect", 13),
        Column("reason", 40),
        Column("executor", 18),
        Column("nip", 19, "centre"),
        Column("account", 19, "centre", tuple(page.words(key) for key in ACCOUNTS.values())),
        Column("cause", 26, "input"),
        Column("effect", 26, "input"),
        Column("remedy", 26, "input"),
        Column("due", 13, "input_date"),
        Column("execution", 24, "hash"),
        Column("deviation", 24, "hash"),
    )
    set_widths(page, columns)
    notes = [page.words("note_deviations"), page.words("note_account")] if rows else [page.words("nothing_deviations")]
    top = page.heading(page.words("title_deviations"), notes, [column.width for column in columns[:_REPEATED]])
    table = write_table(page, top, "tblPenyimpangan", columns, rows)
    colour_words(page, table, "account", {"account_none": "deviates", "account_returned": "deviates"})
    colour_words(page, table, "account", {"account_given": "waiting", "account_accepted": "conforms"})
    set_paper(page, caption, (top, top), wide=2)
    page.sheet.repeat_columns(0, _REPEATED - 1)
    page.sheet.print_across()
    page.sheet.freeze_panes(top + 1, _REPEATED)
    return table
