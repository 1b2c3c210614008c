"""Reading a workbook back: both what a cell says and what it computes."""

from __future__ import annotations

import io
import re
import warnings
import zipfile
from pathlib import Path
from typing import Any

import openpyxl

from reporting.compliance import Compliance
from reporting.workbook import workbook_bytes
from tests.unit.workbook import sample

ACTIVITY_COLUMNS = "CDEFGHIJKLMNOPQ"
FIRST_ACTIVITY = 16


def load(content: bytes | Path) -> tuple[Any, Any]:
    """The workbook twice: with formulas, and with the values that were computed for them."""
    source = content.read_bytes() if isinstance(content, Path) else content
    with warnings.catch_warnings():  # openpyxl does not read the solid data bars of Excel 2010; nothing here needs them
        warnings.filterwarnings("ignore", message=".* extension is not supported")
        return openpyxl.load_workbook(io.BytesIO(source)), openpyxl.load_workbook(io.BytesIO(source), data_only=True)


def written(compliance: Compliance, lang: str = "id") -> bytes:
    """The workbook of that compliance."""
    return workbook_bytes(compliance, sample.HEAD, "en" if lang == "en" else "id", sample.ISSUED)


def formulas(book: Any) -> dict[tuple[str, str], str]:
    """Every formula: (sheet, cell) -> formula."""
    return {
        (sheet.title, cell.coordinate): cell.value
        for sheet in book
        for row in sheet.iter_rows()
        for cell in row
        if cell.data_type == "f"
    }


def table_rows(book: Any, sheet: str, name: str) -> list[dict[str, Any]]:
    """The rows of a table, by the names of its columns."""
    page = book[sheet]
    rows = [[cell.value for cell in row] for row in page[page.tables[name].ref]]
    return [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]


def parts(content: bytes) -> dict[str, str]:
    """The XML parts of the file, as text."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name).decode("utf-8") for name in archive.namelist()}


def formulas_in_xml(content: bytes) -> list[tuple[str, str]]:
    """Every formula in the sheets' XML with its cached value, as they are stored."""
    sheets = [text for name, text in parts(content).items() if name.startswith("xl/worksheets/sheet")]
    return [pair for text in sheets for pair in re.findall(r"<f>([^<]*)</f><v>([^<]*)</v>", text)]
