"""`Konten`: how fresh every section of every site is, and what activity 1 found."""

from __future__ import annotations

from reporting.compliance import Compliance
from reporting.workbook.cells import Page
from reporting.workbook.paper import set_paper
from reporting.workbook.rows import Rows, finding_rows, measured_notes
from reporting.workbook.table import Column, Table, colour_words, set_widths, write_table

_SECTIONS = (
    Column("site", 16),
    Column("section", 34),
    Column("owner", 16),
    Column("state", 13, "centre"),
    Column("age_days", 8, "decimal"),
    Column("limit_days", 8, "integer"),
    Column("updated_at", 15, "moment"),
    Column("checks", 8, "integer"),
    Column("times_stale", 8, "integer"),
    Column("reason", 24),
    Column("method", 11),
    Column("http_status", 8, "index"),
    Column("response_ms", 10, "decimal"),
    Column("tls_expires_at", 15, "moment"),
    Column("checked", 15, "moment"),
)
FINDINGS = (
    Column("site", 16),
    Column("title", 26),
    Column("finding_kind", 16),
    Column("severity", 13, "centre"),
    Column("count", 8, "integer"),
    Column("executions", 8, "integer"),
    Column("last_seen", 15, "moment"),
)


def write_content(page: Page, compliance: Compliance, sections: Rows, caption: str) -> Table:
    """Write the sheet; returns the table of sections."""
    set_widths(page, _SECTIONS)
    notes = measured_notes(compliance, 1, bool(sections), "content", page.words)
    top = page.heading(page.words("title_content"), notes)
    table = write_table(page, top, "tblKonten", _SECTIONS, sections)
    colour_words(page, table, "state", {"section_stale": "deviates", "section_unreachable": "deviates"})
    colour_words(page, table, "state", {"section_unknown": "waiting", "section_fresh": "conforms"})
    write_findings(page, table.last + 2, "tblTemuanKonten", finding_rows(compliance, 1, page.words))
    set_paper(page, caption, (0, 0))  # two tables: the header of one would stand over the other
    page.sheet.freeze_panes(1, 1)
    return table


def write_findings(page: Page, row: int, name: str, rows: Rows) -> Table:
    """Write the findings of an activity from `row` on, over columns as wide as the sheet has them."""
    page.sheet.set_row(row, 20)
    page.text(row, 0, page.words("findings_of"), "section", bottom=0)
    page.text(row + 1, 0, page.words("note_findings" if rows else "nothing_findings"), "subtitle")
    return write_table(page, row + 2, name, FINDINGS, rows)
