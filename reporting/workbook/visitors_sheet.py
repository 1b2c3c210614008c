"""`Aktivitas Pengunjung`: what looked suspicious, what was asked for most, and the traffic of every day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from reporting.compliance import Compliance
from reporting.workbook.cells import Live, Page
from reporting.workbook.content_sheet import write_findings
from reporting.workbook.paper import set_paper
from reporting.workbook.rows import (
    TOP_PATHS,
    Rows,
    day_rows,
    finding_rows,
    log_totals,
    measured_notes,
    tally_rows,
    total,
)
from reporting.workbook.table import Column, Table, set_widths, write_table

_COUNTS = ("hits", "visitors", "bytes", "status_2xx", "status_3xx", "status_4xx", "status_5xx", "status_other")
_TRAFFIC = tuple(Column(key, 14, "integer") for key in _COUNTS)
_LOG = (
    Column("site", 18),
    Column("log_span", 44, "centre"),
    *(Column(key, 14, "integer") for key in ("files", "lines", "parsed", "rejected", "collected")),
)
_NAMES = {"suspicious": "tblMencurigakan", "paths": "tblHalaman"}
_TALLY = (Column("hits", 14, "integer"), Column("clients", 14, "integer"))


@dataclass(frozen=True, slots=True)
class Visitors:
    """The tables of the sheet that the summary reads, with their rows."""

    log: Table
    log_rows: Rows
    suspicious: Table
    suspicious_rows: Rows
    findings: Table
    findings_rows: Rows
    daily: Table
    daily_rows: Rows
    traffic: Table
    traffic_rows: Rows


def write_visitors(page: Page, compliance: Compliance, caption: str) -> Visitors:
    """Write the sheet: a table below the other, all on the same columns."""
    words = page.words
    set_widths(page, (Column("", 18), Column("", 44), *_TRAFFIC))
    log_rows = _spans(page, log_totals(compliance))
    notes = measured_notes(compliance, 3, bool(log_rows), "visitors", words)
    top = page.heading(words("title_visitors"), notes)
    log = write_table(page, top, "tblLog", _LOG, log_rows)
    suspicious_rows = [{**row, "name": words.kind(str(row["name"]))} for row in tally_rows(compliance, "suspicious")]
    classes = (Column("site", 18), Column("name", 44, word="col_suspicious"), *_TALLY)
    suspicious = _section(page, log, "suspicious", classes, suspicious_rows)
    findings_rows = finding_rows(compliance, 3, words)
    findings = write_findings(page, suspicious.last + 2, "tblTemuanPengunjung", findings_rows)
    paths = tally_rows(compliance, "top_paths", TOP_PATHS)
    named = (Column("site", 18), Column("name", 44, word="col_path"), _TALLY[0])  # clients are not counted by path
    top_paths = _section(page, findings, "paths", named, paths)
    traffic_rows = day_rows(compliance)
    days = (compliance.period.last - compliance.period.first).days + 1
    daily_top = top_paths.last + 4
    traffic_top = daily_top + days + 4  # the days' totals stand first and count over the table below them
    columns = (Column("day", 18, "date"), Column("site", 44), *_TRAFFIC)
    _title(page, traffic_top - 2, "traffic", bool(traffic_rows))
    traffic = write_table(page, traffic_top, "tblPengunjung", columns, traffic_rows)
    daily_rows = _daily(page, compliance, daily_top + 1, traffic, traffic_rows)
    _title(page, daily_top - 2, "daily", True)
    columns = (Column("day", 18, "date"), Column("weekday", 44, "centre"), *_TRAFFIC)
    daily = write_table(page, daily_top, "tblHarian", columns, daily_rows)
    set_paper(page, caption, (0, 0))
    page.sheet.freeze_panes(1, 1)
    return Visitors(
        log, log_rows, suspicious, suspicious_rows, findings, findings_rows, daily, daily_rows, traffic, traffic_rows
    )


def _title(page: Page, row: int, key: str, some: bool) -> None:
    page.sheet.set_row(row, 20)
    page.text(row, 0, page.words(f"{key}_of"), "section", bottom=0)
    page.text(row + 1, 0, page.words(f"note_{key}" if some else f"nothing_{key}"), "subtitle")


def _section(page: Page, above: Table, key: str, columns: tuple[Column, ...], rows: Rows) -> Table:
    """A titled table, two rows below another."""
    row = above.last + 2
    _title(page, row, key, bool(rows))
    return write_table(page, row + 2, _NAMES[key], columns, rows)


def _spans(page: Page, rows: Rows) -> Rows:
    def moment(value: Any) -> str:
        return f"{page.local(value):%d/%m/%Y %H:%M:%S}" if value is not None else "–"

    return [{**row, "log_span": f"{moment(row['first_line'])} – {moment(row['last_line'])}"} for row in rows]


def _daily(page: Page, compliance: Compliance, first: int, traffic: Table, rows: Rows) -> Rows:
    """A row for each day of the period, each figure a live sum over the table of days and sites."""
    found: Rows = []
    number = (compliance.period.last - compliance.period.first).days + 1
    for offset in range(number):
        day = compliance.period.first + timedelta(days=offset)
        on_day = [row for row in rows if row["day"] == day]
        row: dict[str, Any] = {"day": day, "weekday": page.words.weekday(day)}
        for key in _COUNTS:
            formula = f"=SUMIFS({traffic.ref(key)},{traffic.ref('day')},A{first + offset + 1})"
            row[key] = Live(formula, total(on_day, key))
        found.append(row)
    return found
