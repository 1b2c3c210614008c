"""`Penyimpangan`: every failure to keep the standard with its account, and what earlier periods left open."""

from __future__ import annotations

from datetime import date

from reporting.workbook.cells import Page, lines_needed
from reporting.workbook.paper import set_paper
from reporting.workbook.rows import ACCOUNTS, NOT_ACCOUNTED, Rows
from reporting.workbook.table import Column, Table, colour_words, set_widths, write_table

_REPEATED = 5  # No, number, activity, site and date stand on both pages of a row
_TO_FILL_IN = ("cause", "effect", "remedy", "action_by", "due", "accountant", "proof")


def write_deviations(page: Page, rows: Rows, earlier: Rows, today: date, caption: str) -> Table:
    """Write the sheet; what is yellow waits for its account (POS, Peringatan 2), what is overdue `today` stands out.

    Returns the table of the period.
    """
    columns = _columns(page)
    set_widths(page, columns)
    notes = [page.words("note_deviations"), page.words("note_account")] if rows else [page.words("nothing_deviations")]
    top = page.heading(page.words("title_deviations"), notes, [column.width for column in columns[:_REPEATED]])
    table = _dressed(page, write_table(page, top, "tblPenyimpangan", columns, rows), today)
    if earlier:
        head = _earlier_head(page, table.last + 2, columns)
        _dressed(page, write_table(page, head, "tblSebelumnya", columns, earlier), today)
    set_paper(page, caption, (top, top), wide=2)
    page.sheet.repeat_columns(0, _REPEATED - 1)
    page.sheet.print_across()
    page.sheet.freeze_panes(top + 1, _REPEATED)
    return table


def _columns(page: Page) -> tuple[Column, ...]:
    return (
        Column("no", 5, "index"),
        Column("activity", 9, "index"),
        Column("activity_name", 19),
        Column("site", 14),
        Column("at", 14.5, "moment"),
        Column("aspect", 13),
        Column("reason", 48),
        Column("executor", 18),
        Column("nip", 19, "centre"),
        Column("account", 19, "centre", tuple(page.words(key) for key in ACCOUNTS.values())),
        Column("account_due", 12, "date"),
        Column("deviation", 14, "hash"),
        Column("execution", 26, "hash"),
        Column("cause", 28),
        Column("effect", 24),
        Column("remedy", 28),
        Column("action_by", 17),
        Column("due", 12, "date"),
        Column("action_done", 10, "centre"),
        Column("accountant", 18),
        Column("proof", 22),
        Column("decision", 30),
        Column("paraf", 11),
    )


def _dressed(page: Page, table: Table, today: date) -> Table:
    colour_words(page, table, "account", {"account_none": "deviates", "account_returned": "deviates"})
    colour_words(page, table, "account", {"account_given": "waiting", "account_accepted": "conforms"})
    account = f"$J{table.first + 1}"
    open_ = ",".join(f'{account}="{page.words(ACCOUNTS[state])}"' for state in NOT_ACCOUNTED)
    rule = {
        "type": "formula",
        "criteria": f"=OR({open_})",
        "format": page.styles.over("to fill in", bg_color="#FFF6D6"),
    }
    for key in _TO_FILL_IN:
        place = table.places[key]
        page.sheet.conditional_format(table.first, place, table.last, place, rule)
    due = table.places["account_due"]
    late = f"AND(OR({open_}),$K{table.first + 1}<DATE({today.year},{today.month},{today.day}))"
    rule = {"type": "formula", "criteria": f"={late}", "format": page.styles.verdict("deviates")}
    page.sheet.conditional_format(table.first, due, table.last, due, rule)
    return table


def _earlier_head(page: Page, row: int, columns: tuple[Column, ...]) -> int:
    """The title of what earlier periods left open; returns the row for its table, which has the same columns."""
    page.sheet.set_row(row, 20)
    page.text(row, 0, page.words("earlier_of"), "section", bottom=0)
    width = sum(column.width for column in columns[:_REPEATED])
    note = page.words("note_earlier")
    page.band(row + 1, 0, _REPEATED - 1, note, "subtitle", text_wrap=True)
    page.sheet.set_row(row + 1, 13.5 * lines_needed(note, width) + 2)
    return row + 2
