"""The one way into a cell. Whatever came from outside is written as text and stays text.

A string never becomes a formula, a link or a broken file: it goes through `reporting.text.harmless`, is cut visibly
where Excel would cut it silently, and one that begins like a formula carries the quote mark that keeps it text when
a person edits the cell.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from reporting.text import harmless
from reporting.workbook.styles import Styles
from reporting.workbook.words import Words

CELL_UNITS = 32_767  # UTF-16 units that Excel keeps in a cell; it drops the rest without a word
_NOT_XML = re.compile(r"[\ufffe\uffff]")
_LIKE_A_FORMULA = tuple("=+-@")
_FIRST_DAY = date(1900, 3, 1)  # before it Excel's calendar has a 29 February 1900 that never was

# Widths of letters, in those of a digit: Calibri's, rounded up. What is not listed is wide.
_WIDTHS = {
    **dict.fromkeys("ijl.,:;'|!I", 0.5),
    **dict.fromkeys('frst-/()[]"', 0.75),
    **dict.fromkeys("abcdeghknopquvxyz_?", 1.0),
    **dict.fromkeys("0123456789", 1.0),
    " ": 0.45,
}
_UPPER, _WIDE, _MONO = 1.2, 1.65, 1.24
_MARGIN = 0.95  # letters of other fonts, where Calibri is not installed, are wider
_PIECES = re.compile(r"[^\s/-]*[\s/-]|[^\s/-]+")

Figure = int | float | str  # the cached result of a formula


@dataclass(frozen=True, slots=True)
class Live:
    """A formula and its result, computed here: what the reader's program will compute too."""

    formula: str
    value: Figure


def safe(*lines: object) -> str:
    """The text that a cell gets: each of `lines` on one line, harmless, and as a whole not longer than a cell takes."""
    text = "\n".join(_NOT_XML.sub("\ufffd", harmless(line, CELL_UNITS)) for line in lines)
    if len(text.encode("utf-16-le")) // 2 <= CELL_UNITS:
        return text
    kept = text.encode("utf-16-le")[: 2 * (CELL_UNITS - 1)]
    return kept.decode("utf-16-le", "ignore") + "…"


class Page:
    """A sheet, with the workbook's styles and words and the agency's time zone."""

    def __init__(self, book: Any, sheet: Any, styles: Styles, words: Words, tz: ZoneInfo) -> None:
        self.book = book
        self.sheet = sheet
        self.styles = styles
        self.words = words
        self.tz = tz
        self.widths: dict[int, float] = {}  # of columns, in characters

    def text(self, row: int, column: int, value: object, style: str = "text", **changes: Any) -> None:
        """Write text; a tuple or list gives one line each. None and "" leave an empty cell with the style."""
        lines = value if isinstance(value, tuple | list) else (value,)
        words = "" if value is None else safe(*lines)
        if not words:
            self.sheet.write_blank(row, column, None, self.styles(style, **changes))
            return
        if words.startswith(_LIKE_A_FORMULA):
            changes["quote_prefix"] = True
        self.sheet.write_string(row, column, words, self.styles(style, **changes))

    def number(self, row: int, column: int, value: Live | float | None, style: str = "integer", **changes: Any) -> None:
        """Write a number or a live figure; None leaves the cell empty, what is no finite number is told in words."""
        if value is None:
            self.sheet.write_blank(row, column, None, self.styles(style, **changes))
        elif isinstance(value, Live):
            self.live(row, column, value, style, **changes)
        elif not math.isfinite(value):
            self.text(row, column, str(value), style, **changes)
        else:
            self.sheet.write_number(row, column, value, self.styles(style, **changes))

    def moment(self, row: int, column: int, value: datetime | date | None, style: str = "moment") -> None:
        """Write an instant as the agency's clock shows it, to the second; a plain date stays that date."""
        if value is None:
            self.sheet.write_blank(row, column, None, self.styles(style))
            return
        local = self.local(value)
        if (local.date() if isinstance(local, datetime) else local) < _FIRST_DAY:
            self.text(row, column, local.isoformat(), style)
        else:
            self.sheet.write_datetime(row, column, local, self.styles(style))

    def local(self, value: datetime | date) -> datetime | date:
        """The agency's wall clock without a zone (Excel knows none), rounded to the second."""
        if not isinstance(value, datetime):
            return value
        try:
            wall = value.astimezone(self.tz).replace(tzinfo=None)
            return (wall + timedelta(microseconds=500_000)).replace(microsecond=0)
        except OverflowError:  # within a day of the year 1 or 9999: the zone would push it out of the calendar
            return value.astimezone(UTC).replace(tzinfo=None, microsecond=0)

    def live(self, row: int, column: int, figure: Live, style: str = "integer", **changes: Any) -> None:
        """Write a live formula together with its result, so that previews and readers show it too."""
        self.sheet.write_formula(row, column, figure.formula, self.styles(style, **changes), figure.value)

    def band(self, row: int, first: int, last: int, value: object, style: str, **changes: Any) -> None:
        """Write text over the cells `first` … `last` of a row, as one cell."""
        if first != last:
            self.sheet.merge_range(row, first, row, last, "", self.styles(style, **changes))
        self.text(row, first, value, style, **changes)

    def live_band(self, row: int, first: int, last: int, figure: Live, style: str, **changes: Any) -> None:
        """Write a live formula over the cells `first` … `last` of a row, as one cell."""
        if first != last:
            self.sheet.merge_range(row, first, row, last, "", self.styles(style, **changes))
        self.live(row, first, figure, style, **changes)

    def heading(self, title: str, notes: list[str], repeated: Sequence[float] = ()) -> int:
        """Title and notes at the top of a sheet; returns the first free row.

        `repeated`: widths of the columns that stand on every page; the notes wrap inside of them, so that no page
        shows half a note.
        """
        self.sheet.set_row(0, 26)
        self.text(0, 0, title, "title")
        for row, note in enumerate(notes, start=1):
            if repeated:
                self.band(row, 0, len(repeated) - 1, note, "subtitle", text_wrap=True)
                self.sheet.set_row(row, 13.5 * lines_needed(note, sum(repeated)) + 2)
            else:
                self.text(row, 0, note, "subtitle")
        return len(notes) + 2


def height(text: str, width: float, size: float = 10) -> float:
    """Points that a row needs for `text` in `width` characters; Excel has no row of more than 409."""
    return min(1.32 * size * lines_needed(text, width, size) + 2, 400)


@lru_cache(maxsize=8_192)
def lines_needed(text: str, width: float, size: float = 10, *, mono: bool = False) -> int:
    """How many lines `text` takes in a column `width` characters wide, in letters of `size` points.

    Only Excel grows a row to its text when it opens a file; merged cells never grow. So heights are set, with this
    estimate: lines break after spaces, hyphens and slashes, and within what is longer than a line.
    """
    room = max(width * 11 / size * _MARGIN, 1)
    return sum(_wrapped(line, room, mono) for line in text.split("\n"))


def _wrapped(line: str, room: float, mono: bool) -> int:
    lines, used = 1, 0.0
    for piece in _PIECES.findall(line):
        need = sum(_MONO if mono else _WIDTHS.get(c, _UPPER if c.isupper() else _WIDE) for c in piece)
        if used and used + need > room:
            lines, used = lines + 1, 0.0
        if need > room:
            lines += math.ceil(need / room) - 1
            need %= room
        used += need
    return lines
