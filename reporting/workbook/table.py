"""A real Excel table: columns with names, a filter, formats, drop-down lists; and the references that formulas use."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from reporting.workbook.cells import Page, lines_needed
from reporting.workbook.styles import VERDICT_COLOURS

Kind = Literal[
    "text", "centre", "hash", "index", "integer", "decimal", "minutes", "rise", "moment", "date", "month", "verdict",
    "input", "input_date",
]  # fmt: skip
Row = Mapping[str, Any]

_WRAP = ("text", "centre", "hash", "input")  # kinds of column whose text wraps
_LINE = 13.2  # points of a line of text
_TALLEST = 400  # points; a row of Excel has at most 409
_EARLIEST_DUE = date(2017, 12, 4)  # the POS is effective from that day
_REFERABLE = re.compile(r"^[^\W\d_][\w ]*$")  # a name that needs no escaping inside table[…]


@dataclass(frozen=True, slots=True)
class Column:
    """One column: `key` finds the value in a row and, as `col_<key>`, its name in the catalogue. Width: characters."""

    key: str
    width: float
    kind: Kind = "text"
    choices: tuple[str, ...] = ()  # the words of a drop-down list
    word: str = ""  # the catalogue's key of its name, where it is not col_<key>
    title: str = ""  # its name, where that comes from outside: harmless, one line, none twice


@dataclass(frozen=True, slots=True)
class Table:
    """Where a table is. Rows and columns are zero-based; `first` … `last` are rows with data."""

    name: str
    sheet: str
    headers: dict[str, str]
    places: dict[str, int]
    top: int
    first: int
    last: int

    def ref(self, key: str) -> str:
        """The structured reference to a column, e.g. tblPelaksanaan[Putusan]; it grows with the table.

        Raises:
            ValueError: the column's name would need escaping in a formula.
        """
        header = self.headers[key]
        if not _REFERABLE.match(header):
            raise ValueError(f"table {self.name}: column {header!r} cannot stand in a formula; use letters and spaces")
        return f"{self.name}[{header}]"


def write_table(page: Page, top: int, name: str, columns: Sequence[Column], rows: Sequence[Row]) -> Table:
    """Write headers and rows from row `top` on, and make a table of them.

    Excel wants at least one row in a table: without any it is an empty one, which no count counts.
    """
    headers = [column.title or page.words(column.word or f"col_{column.key}") for column in columns]
    first, last = top + 1, top + max(len(rows), 1)
    page.sheet.set_row(top, 15 * max(_header_lines(h, c.width) for h, c in zip(headers, columns, strict=True)) + 4)
    page.sheet.add_table(
        top,
        0,
        last,
        len(columns) - 1,
        {
            "name": name,
            "style": None,
            "columns": [{"header": header, "header_format": page.styles("head")} for header in headers],
        },
    )
    table = Table(
        name=name,
        sheet=page.sheet.get_name(),
        headers={column.key: header for column, header in zip(columns, headers, strict=True)},
        places={column.key: offset for offset, column in enumerate(columns)},
        top=top,
        first=first,
        last=last,
    )
    for offset, column in enumerate(columns):
        write = _writer(page, column)
        for number, row in enumerate(rows or [{}], start=first):
            write(number, offset, row.get(column.key))
        _dress(page, table, column)
    _set_heights(page, table, columns, rows)
    return table


def _set_heights(page: Page, table: Table, columns: Sequence[Column], rows: Sequence[Row]) -> None:
    """Make rows as high as their text needs, by the widths that the sheet's columns have."""
    wrapped = [
        (column.key, page.widths.get(table.places[column.key], column.width), column.kind == "hash")
        for column in columns
        if column.kind in _WRAP
    ]
    for number, row in enumerate(rows, start=table.first):
        lines = max((_lines(row.get(key), width, mono) for key, width, mono in wrapped), default=1)
        if lines > 1:
            page.sheet.set_row(number, min(_LINE * lines + 2, _TALLEST))


def _lines(value: Any, width: float, mono: bool) -> int:
    if value is None:
        return 1
    text = "\n".join(str(line) for line in value) if isinstance(value, tuple | list) else str(value)
    return lines_needed(text, width, 8 if mono else 10, mono=mono)


def set_widths(page: Page, columns: Sequence[Column]) -> None:
    """Give the sheet's columns their widths."""
    for offset, column in enumerate(columns):
        page.sheet.set_column(offset, offset, column.width)
        page.widths[offset] = column.width


def colour_words(page: Page, table: Table, key: str, meanings: Mapping[str, str]) -> None:
    """Colour the cells of a column that say certain words (catalogue) like verdicts (palette)."""
    place = table.places[key]
    for word, state in meanings.items():
        page.sheet.conditional_format(
            table.first,
            place,
            table.last,
            place,
            {
                "type": "cell",
                "criteria": "==",
                "value": f'"{page.words(word)}"',
                "format": page.styles.verdict(state),
            },
        )


def _writer(page: Page, column: Column) -> Callable[[int, int, Any], None]:
    """How a value of the column gets into its cell."""

    def number(row: int, place: int, value: Any) -> None:
        page.number(row, place, value, column.kind)

    def moment(row: int, place: int, value: Any) -> None:
        page.moment(row, place, value, column.kind)

    def text(row: int, place: int, value: Any) -> None:
        page.text(row, place, value, column.kind)

    if column.kind in ("index", "integer", "decimal", "minutes", "rise"):
        return number
    return moment if column.kind in ("moment", "date", "month", "input_date") else text


def _dress(page: Page, table: Table, column: Column) -> None:
    """Colours and drop-down lists of a column."""
    place = table.places[column.key]
    if column.kind == "verdict":
        colour_words(page, table, column.key, {state: state for state in VERDICT_COLOURS})
    rule: dict[str, Any] | None = None
    if column.choices:
        message = page.words("choose_message", choices=", ".join(column.choices))
        rule = {"validate": "list", "source": list(column.choices), "error_message": message}
    elif column.kind == "input_date":
        rule = {"validate": "date", "criteria": ">", "value": _EARLIEST_DUE, "error_message": page.words("choose_date")}
    if rule is not None:
        rule["error_title"] = page.words("choose_title")
        page.sheet.data_validation(table.first, place, table.last, place, rule)


def _header_lines(header: str, width: float) -> int:
    """Lines that a header takes: words do not break, and the filter's button needs room."""
    lines, room = 1, 0.0
    for word in header.split():
        need = len(word) * 1.15
        if room and room + 1 + need > width - 2:
            lines, room = lines + 1, need
        else:
            room += (1 if room else 0) + need
    return lines
