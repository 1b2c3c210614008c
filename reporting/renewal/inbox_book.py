"""The inbox as an Excel workbook: written with XlsxWriter, read back with openpyxl. Bytes in, bytes out."""

from __future__ import annotations

import base64
import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from reporting.ledger.model import Head
from reporting.renewal.inbox import DECISIONS, OF_STEP, Answer, InboxError, Seal, Value, opened_seal, sign
from reporting.standard import Language
from reporting.text import harmless

_SEAL_SHEET = "laman"
_CHUNK = 30_000  # characters of the seal in a cell; Excel keeps 32,767
_MOST_BYTES, _MOST_UNPACKED = 5 << 20, 60 << 20
_FIRST_ROW = 6  # of the cases, counted from 0: below title, three lines of text and the headings
_LINE_POINTS, _MOST_LINES = 13.5, 30  # Excel keeps at most 409 points
_CELL = 2_000  # characters that a text from outside gets


@dataclass(frozen=True)
class InboxRow:
    """One case that waits; texts as they are printed, amounts in rupiah."""

    case: str
    seq: int
    step: str  # approve or pay
    provider: str
    invoice: str
    services: str
    budget_line: str
    total: int
    outstanding: int
    submitted_by: str
    since: str
    until: str
    remark: str


@dataclass(frozen=True)
class Cover:
    """What stands above the rows."""

    unit: str
    unit_id: str
    role: str
    role_name: str
    officer: str  # who holds it now; offered as the name
    exported_at: datetime
    exported_text: str
    head: Head
    lang: Language


_COLUMNS: tuple[tuple[str, str, str, int], ...] = (
    ("case", "Kasus", "Case", 12),
    ("provider", "Penyedia", "Provider", 20),
    ("invoice", "Invoice", "Invoice", 22),
    ("services", "Layanan dan masa", "Services and periods", 36),
    ("budget_line", "Mata anggaran", "Budget line", 13),
    ("total", "Jumlah (Rp)", "Total (Rp)", 13),
    ("outstanding", "Belum dibayar (Rp)", "Left to pay (Rp)", 13),
    ("submitted_by", "Diajukan oleh", "Submitted by", 16),
    ("since", "Menunggu sejak", "Waits since", 13),
    ("until", "Batas waktu POS", "Time limit (POS)", 13),
    ("remark", "Perhatian", "Remark", 26),
)
_INPUTS: tuple[tuple[str, str, str, int], ...] = (
    ("decision", "KEPUTUSAN", "DECISION", 14),
    ("amount", "Jumlah dibayar (Rp)", "Paid (Rp)", 14),
    ("note", "Catatan", "Note", 26),
    ("when", "Tanggal dan jam", "Date and time", 16),
    ("name", "Nama", "Name", 18),
)
_TEXTS: dict[str, tuple[str, str]] = {
    "title": ("Kotak masuk perpanjangan layanan: {role}", "Renewals that wait for: {role}"),
    "issued": ("{unit} · dibuat {at} · catatan {seq} {hash}", "{unit} · made {at} · record {seq} {hash}"),
    "how": (
        "Isi hanya kolom kuning: keputusan dari daftar, catatan (wajib bila ditolak atau dikembalikan), tanggal dan "
        "jam, nama. Baris yang dibiarkan kosong tetap menunggu.",
        "Fill in the yellow columns only: decision from the list, note (needed to reject or return), date and time, "
        "name. A row that is left empty goes on waiting.",
    ),
    "sheet": (
        "Kembalikan berkas ini bersama pindaian lembar yang ditandatangani atau bukti pembayaran tiap kasus. Tanpa itu "
        "keputusan tidak dicatat.",
        "Send this file back with a scan of each case's signed sheet or proof of payment. Without it nothing is "
        "recorded.",
    ),
    "pick": ("Pilih dari daftar", "Pick from the list"),
}
_HELP = {"id": "12/03/2026 14:00", "en": "12/03/2026 14:00"}


def write_inbox(cover: Cover, rows: Sequence[InboxRow], key: bytes) -> bytes:
    """The workbook: protected but for the inputs, sealed."""
    import xlsxwriter

    held = io.BytesIO()
    book = xlsxwriter.Workbook(
        held, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    )
    book.set_properties({"created": cover.exported_at.replace(tzinfo=None, microsecond=0), "title": "laman inbox"})
    cells = _Sealed(book.add_worksheet("Keputusan" if cover.lang == "id" else "Decisions"))
    styles = _styles(book)
    _head(cells, cover, styles)
    placed = {_FIRST_ROW + n + 1: (r.case, r.seq, r.step) for n, r in enumerate(rows)}
    for number, row in enumerate(rows):
        _row(cells, cover, _FIRST_ROW + number, row, styles)
    _page(cells.sheet, len(rows))
    seal = Seal(cover.unit_id, cover.role, cover.exported_at, cover.head, cells.written, placed)
    _hide(book.add_worksheet(_SEAL_SHEET), seal.text(), key)
    book.close()
    return held.getvalue()


class _Sealed:
    """A sheet that keeps what was written into its locked cells."""

    def __init__(self, sheet: Any) -> None:
        self.sheet = sheet
        self.written: dict[str, Value] = {}

    def put(self, row: int, column: int, value: Value, style: Any) -> None:
        """Write a locked cell."""
        if isinstance(value, int):
            self.sheet.write_number(row, column, value, style)
        else:
            value = harmless(value, _CELL)
            self.sheet.write_string(row, column, value, style)
        if value != "":
            self.written[_name(row, column)] = value


def _name(row: int, column: int) -> str:
    letters = ""
    left = column + 1
    while left:
        left, rest = divmod(left - 1, 26)
        letters = chr(65 + rest) + letters
    return f"{letters}{row + 1}"


def _say(lang: Language, key: str, **values: object) -> str:
    return _TEXTS[key][lang == "en"].format(**values)


def _styles(book: Any) -> dict[str, Any]:
    base = {"font_name": "Calibri", "font_size": 10, "valign": "top", "text_wrap": True}
    boxed = {**base, "border": 1, "border_color": "#BFBFBF"}
    filled = {**boxed, "bg_color": "#FFF8D6", "locked": False}
    return {
        "title": book.add_format({**base, "bold": True, "font_size": 14, "text_wrap": False}),
        "plain": book.add_format({**base, "text_wrap": False}),
        "head": book.add_format({**boxed, "bold": True, "bg_color": "#1F3864", "font_color": "#FFFFFF"}),
        "text": book.add_format(boxed),
        "quoted": book.add_format({**boxed, "quote_prefix": True}),
        "money": book.add_format({**boxed, "num_format": "#,##0"}),
        "input": book.add_format(filled),
        "input_money": book.add_format({**filled, "num_format": "#,##0"}),
        "input_when": book.add_format({**filled, "num_format": "dd/mm/yyyy hh:mm"}),
    }


def _head(cells: _Sealed, cover: Cover, styles: dict[str, Any]) -> None:
    lang = cover.lang
    made = _say(lang, "issued", unit=cover.unit, at=cover.exported_text, seq=cover.head.seq, hash=cover.head.hash[:16])
    cells.put(0, 0, _say(lang, "title", role=cover.role_name), styles["title"])
    for row, text in enumerate((made, _say(lang, "how"), _say(lang, "sheet")), 1):
        cells.put(row, 0, text, styles["plain"])
    for column, (_, indonesian, english, width) in enumerate((*_COLUMNS, *_INPUTS)):
        cells.put(_FIRST_ROW - 1, column, english if lang == "en" else indonesian, styles["head"])
        cells.sheet.set_column(column, column, width)
    cells.sheet.set_row(_FIRST_ROW - 1, 2 * _LINE_POINTS + 3)


def _row(cells: _Sealed, cover: Cover, at: int, row: InboxRow, styles: dict[str, Any]) -> None:
    lines = max(-(-len(str(getattr(row, field))) // (width - 2)) for field, _, _, width in _COLUMNS)
    cells.sheet.set_row(at, _LINE_POINTS * min(max(lines, 2), _MOST_LINES))  # Excel does not fit a protected row
    for column, (field, *_) in enumerate(_COLUMNS):
        value: Value = getattr(row, field)
        like_formula = isinstance(value, str) and value.startswith(tuple("=+-@"))
        style = "money" if isinstance(value, int) else "quoted" if like_formula else "text"
        cells.put(at, column, value, styles[style])
    for column, (field, *_) in enumerate(_INPUTS, len(_COLUMNS)):
        style = {"amount": "input_money", "when": "input_when"}.get(field, "input")
        if field == "amount" and row.step != "pay":
            cells.sheet.write_blank(at, column, None, styles["text"])
            continue
        cells.sheet.write_blank(at, column, None, styles[style])
    first = len(_COLUMNS)
    words = [DECISIONS[d][cover.lang] for d in OF_STEP[row.step]]
    cells.sheet.data_validation(
        at, first, at, first, {"validate": "list", "source": words, "input_title": _say(cover.lang, "pick")}
    )
    cells.sheet.data_validation(
        at, first + 3, at, first + 3,
        {"validate": "any", "input_title": "Tanggal" if cover.lang == "id" else "Date",
         "input_message": _HELP[cover.lang]},
    )  # fmt: skip
    if cover.officer:
        cells.sheet.data_validation(
            at, first + 4, at, first + 4,
            {"validate": "any", "input_title": "Nama" if cover.lang == "id" else "Name",
             "input_message": harmless(cover.officer, 200)},
        )  # fmt: skip


def _page(sheet: Any, rows: int) -> None:
    sheet.freeze_panes(_FIRST_ROW, 1)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(_FIRST_ROW - 1)
    sheet.set_footer("&L&A&R&P / &N")
    sheet.print_area(0, 0, _FIRST_ROW + max(rows, 1) - 1, len(_COLUMNS) + len(_INPUTS) - 1)
    sheet.protect("", {"format_columns": True, "format_rows": True, "select_locked_cells": True})


def _hide(sheet: Any, text: str, key: bytes) -> None:
    packed = base64.b64encode(text.encode()).decode()
    sheet.write_string(0, 0, sign(text, key))
    for number, start in enumerate(range(0, len(packed), _CHUNK), 1):
        sheet.write_string(number, 0, packed[start : start + _CHUNK])
    sheet.protect()
    sheet.very_hidden()


def read_inbox(content: bytes, key: bytes, unit: str) -> tuple[Seal, list[Answer]]:
    """The seal of a workbook that came back and the answers in it, in the order of its rows.

    Raises:
        InboxError: no workbook of ours, or something other than the inputs was changed.
    """
    book = _load(content)
    if _SEAL_SHEET not in book.sheetnames:
        raise InboxError("it is no inbox that laman exported (its seal is missing): export a new one")
    column = [row[0].value for row in book[_SEAL_SHEET].iter_rows(min_col=1, max_col=1)]
    try:
        packed = "".join(str(v) for v in column[1:] if v is not None)
        text = base64.b64decode(packed, validate=True).decode()
    except ValueError:
        raise InboxError("its seal is damaged: export a new one") from None
    seal = opened_seal(text, str(column[0] if column else ""), key, unit)
    sheets = [name for name in book.sheetnames if name != _SEAL_SHEET]
    if len(sheets) != 1:
        raise InboxError("sheets were added to it: send back the workbook as it was exported")
    sheet = book[sheets[0]]
    _unaltered(sheet, seal)
    return seal, [_answer(sheet, row, seal) for row in sorted(seal.rows)]


def _load(content: bytes) -> Any:
    import openpyxl

    if len(content) > _MOST_BYTES:
        raise InboxError(f"it has {len(content) >> 20} MB: an inbox is much smaller")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            if sum(i.file_size for i in packed.infolist()) > _MOST_UNPACKED:
                raise InboxError("it unpacks to far more than an inbox: it is not opened")
        return openpyxl.load_workbook(io.BytesIO(content))
    except InboxError:
        raise
    except Exception as error:
        raise InboxError(f"it is no Excel workbook (.xlsx): {harmless(str(error), 100)}") from error


def _unaltered(sheet: Any, seal: Seal) -> None:
    """Every sealed cell as it was written, and nothing written outside the inputs."""
    first = len(_COLUMNS)
    inputs = {
        _name(row - 1, first + n)
        for row, (_, _, step) in seal.rows.items()
        for n, (field, *_) in enumerate(_INPUTS)
        if field != "amount" or step == "pay"
    }
    missing = dict(seal.cells)
    for line in sheet.iter_rows():
        for cell in line:
            value = _plain(cell.value)
            if value is None or cell.coordinate in inputs:
                continue
            if missing.pop(cell.coordinate, None) != value:
                raise InboxError(f"cell {cell.coordinate} was altered: only the yellow columns may be filled in")
    if missing:
        raise InboxError(f"cell {min(missing)} was emptied: only the yellow columns may be filled in")


def _plain(value: object) -> object:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return None if value == "" else value


def _answer(sheet: Any, row: int, seal: Seal) -> Answer:
    case, seq, step = seal.rows[row]
    first = len(_COLUMNS) + 1
    values = {field: _plain(sheet.cell(row, first + n).value) for n, (field, *_) in enumerate(_INPUTS)}
    return Answer(case=case, seq=seq, step="pay" if step == "pay" else "approve", row=row, **values)
