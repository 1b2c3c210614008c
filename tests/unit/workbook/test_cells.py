"""The one way into a cell: hostile text stays text, nothing is cut in silence, times are the agency's."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import openpyxl
import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from reporting.workbook.cells import CELL_UNITS, Live, Page, lines_needed, safe
from reporting.workbook.paper import footer_text
from reporting.workbook.styles import Styles
from reporting.workbook.words import Words

HOSTILE = [
    "=cmd|'/C calc'!A0",
    "+1+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(1+1)",
    '=HYPERLINK("http://evil.example","click")',
    "{=1+1}",
    "http://evil.example/",
    "internal:Sheet1!A1",
    "\x1b[31mred\x07",
    "a\x00b",
    "lone \ud800 surrogate",
    "\ufffe\uffff",
    "_x0041_",
    "'quoted",
    "<b>&amp;</b>",
    "\u202egnp.exe",
    " leading and trailing ",
]


def page_of(book: Any, tz: str = "Asia/Jakarta") -> Page:
    return Page(book, book.add_worksheet("x"), Styles(book), Words("id"), ZoneInfo(tz))


def cell(write: Any, tz: str = "Asia/Jakarta") -> Any:
    held = io.BytesIO()
    book = xlsxwriter.Workbook(held, {"in_memory": True})
    write(page_of(book, tz))
    book.close()
    return openpyxl.load_workbook(io.BytesIO(held.getvalue()))["x"]["A1"]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(text: str) -> None:
    read = cell(lambda page: page.text(0, 0, text))
    assert read.data_type == "s"
    assert read.hyperlink is None
    assert read.value == safe(text)
    assert not any(ord(c) < 32 or 0xD800 <= ord(c) < 0xE000 or c in "\ufffe\uffff\u202e" for c in read.value)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x"])
def test_text_like_a_formula_is_marked_as_text_for_whoever_edits_it(text: str) -> None:
    assert cell(lambda page: page.text(0, 0, text)).quotePrefix


@given(st.text(alphabet=st.characters(), max_size=60))
def test_any_text_gives_a_file_that_opens(text: str) -> None:
    read = cell(lambda page: page.text(0, 0, text))
    assert (read.value or "") == safe(text)


@pytest.mark.parametrize("letter", ["a", "\U0001f600", "\x01"])
def test_too_long_is_cut_where_one_sees_it(letter: str) -> None:
    said = safe(letter * 70_000)
    assert said.endswith("…")
    assert CELL_UNITS - 2 <= len(said.encode("utf-16-le")) // 2 <= CELL_UNITS
    assert safe("a" * CELL_UNITS) == "a" * CELL_UNITS
    assert cell(lambda page: page.text(0, 0, letter * 70_000)).value == said


def test_lines_of_our_own_are_lines_and_those_of_a_value_are_not() -> None:
    assert safe("one\ntwo", "three") == "one two\nthree"


@pytest.mark.parametrize(
    ("tz", "expected"),
    [("Asia/Jakarta", "2026-11-01 00:30:00"), ("Asia/Jayapura", "2026-11-01 02:30:00"), ("UTC", "2026-10-31 17:30:00")],
)
def test_times_are_on_the_agencys_clock(tz: str, expected: str) -> None:
    moment = datetime(2026, 10, 31, 17, 29, 59, 600_000, tzinfo=UTC)
    read = cell(lambda page: page.moment(0, 0, moment), tz)
    assert read.is_date
    assert str(read.value) == expected


@pytest.mark.parametrize("moment", [datetime(1, 1, 1, tzinfo=UTC), datetime(1899, 12, 31, tzinfo=UTC)])
def test_times_before_excels_calendar_are_told_in_words(moment: datetime) -> None:
    assert cell(lambda page: page.moment(0, 0, moment)).data_type == "s"


def test_the_last_moment_that_there_is_can_be_written() -> None:
    assert cell(lambda page: page.moment(0, 0, datetime.max.replace(tzinfo=UTC))).value.year == 9999


def test_a_day_has_no_zone() -> None:
    assert cell(lambda page: page.moment(0, 0, date(2026, 11, 1), "date")).value == datetime(2026, 11, 1)  # noqa: DTZ001


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_number_is_told_in_words(value: float) -> None:
    assert cell(lambda page: page.number(0, 0, value, "decimal")).data_type == "s"


def test_a_live_figure_has_formula_and_result() -> None:
    read = cell(lambda page: page.number(0, 0, Live("=1+1", 2)))
    assert read.data_type == "f"


def test_lines_needed_counts_words_and_breaks_long_ones() -> None:
    assert lines_needed("", 10) == 1
    assert lines_needed("satu dua", 40) == 1
    assert lines_needed("satu\ndua\ntiga", 40) == 3
    assert lines_needed("x" * 200, 20) >= 8


def test_footers_take_no_commands() -> None:
    assert footer_text("A&B &P &N &Z") == "A&&B &&P &&N &&Z"
    assert len(footer_text("&" * 300)) <= 100
