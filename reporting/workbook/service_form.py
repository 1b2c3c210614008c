"""The services register as a workbook that people fill in: the empty (or filled) form, and its reader.

Nothing is taken unless every row is good; each bad row is told in one line: row, column, what is expected.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from reporting.money import MOST, rupiah
from reporting.service import Service
from reporting.text import fold, harmless
from reporting.workbook.cells import safe
from reporting.workbook.styles import NAVY

SHEET = "Layanan"
_GUIDE = "Petunjuk"
_MOST_ROWS = 1_000
_MOST_BYTES = 5 << 20
_MOST_UNPACKED = 64 << 20
_EXCEL_DIGITS = 15
_HEADER_WITHIN = 10  # rows in which the headers are looked for
_KINDS = {
    "koneksi": "connection",
    "hosting": "hosting",
    "domain": "domain",
    "sertifikat TLS": "tls",
    "lainnya": "other",
}
_METHODS = {"RDAP": "rdap", "WHOIS": "whois", "TLS": "tls", "cPanel": "cpanel", "manual": "manual"}


class FormError(Exception):
    """The form cannot be taken; `lines` say why, one a row."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


class _Bad(Exception):
    """What is expected in a cell instead of what is there."""


def _text(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # Excel keeps a customer number as 12345.0
    return " ".join(str(value).split())


def _digits(value: Any) -> str:
    """A number that is a name. Excel keeps 15 digits of one that is not text, and zeros in their place after that."""
    text = _text(value)
    if not isinstance(value, str) and len(text) > _EXCEL_DIGITS:
        raise _Bad(
            f"{_shown(value)} is a number, of which Excel keeps {_EXCEL_DIGITS} digits: write it as text, with ' before"
        )
    return text


def _whole(value: Any) -> int:
    try:
        return int(_text(value))
    except ValueError:
        raise _Bad(f"{_shown(value)} is no whole number") from None


def _amount(value: Any) -> int:
    try:
        return rupiah(value)
    except ValueError as error:
        raise _Bad(str(error)) from None


def _day(value: Any) -> date:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    for form in ("%d/%m/%Y", "%d-%m-%Y", "%Y-%m-%d"):
        try:
            return datetime.strptime(_text(value), form).date()  # noqa: DTZ007 - a day has no zone
        except ValueError:
            continue
    raise _Bad(f"{_shown(value)} is no date; one like 31/12/2026 is expected")


def _choice(choices: Mapping[str, str]) -> Callable[[Any], str]:
    folded = {fold(label): value for label, value in choices.items()} | {value: value for value in choices.values()}

    def read(value: Any) -> str:
        found = folded.get(fold(_text(value)))
        if found is None:
            raise _Bad(f"{_shown(value)} is not one of: {', '.join(choices)}")
        return found

    return read


def _days(value: Any) -> list[int]:
    return [_whole(part) for part in _listed(value)]


def _listed(value: Any) -> list[str]:
    return [part.strip() for part in _text(value).replace(";", ",").split(",") if part.strip()]


def _shown(value: Any) -> str:
    return repr(harmless(_text(value), 40))


@dataclass(frozen=True)
class _Column:
    """One column: where it goes in the service (dots lead inside), its header, its width, what is said about it."""

    field: str
    header: str
    width: int
    said: str
    read: Callable[[Any], Any] = _text
    needed: bool = False
    choices: tuple[str, ...] = ()


_COLUMNS = (
    _Column("id", "ID", 18, "Nama pendek yang unik: huruf kecil, angka, - _ . Contoh: domain-utama", needed=True),
    _Column("kind", "Jenis", 14, "Pilih dari daftar.", _choice(_KINDS), True, tuple(_KINDS)),
    _Column("name", "Nama layanan", 30, "Contoh: Domain lpmp.example.id", needed=True),
    _Column("provider.name", "Penyedia", 26, "Nama perusahaan penyedia.", needed=True),
    _Column("provider.npwp", "NPWP penyedia", 20, "15, 16, atau 22 angka, tanpa titik. Isi sebagai teks.", _digits),
    _Column("provider.address", "Alamat penyedia", 28, "Alamat penyedia."),
    _Column("provider.bank", "Bank", 16, "Nama bank penyedia."),
    _Column("provider.bank_account", "Nomor rekening", 20, "Nomor rekening penyedia. Isi sebagai teks.", _digits),
    _Column("provider.bank_account_holder", "Atas nama", 24, "Nama pemilik rekening."),
    _Column("account", "Nomor pelanggan", 18, "Nomor pelanggan atau kontrak.", _digits),
    _Column("cost", "Biaya (Rp)", 16, "Biaya satu masa layanan sebelum pajak, rupiah bulat.", _amount, True),
    _Column("period_months", "Masa (bulan)", 12, "Lama satu masa layanan; kosong berarti 12.", _whole),
    _Column("budget_line", "Mata anggaran", 20, "Mata anggaran (MAK)."),
    _Column("owner", "Penanggung jawab", 20, "Seksi atau pejabat."),
    _Column("starts", "Mulai", 12, "Tanggal mulai, misalnya 01/01/2026.", _day),
    _Column("ends", "Berakhir", 12, "Tanggal berakhir yang diketahui; wajib bila cara baca manual.", _day),
    _Column("watch.method", "Cara baca", 12, "Bagaimana tanggal berakhir dibaca; kosong berarti manual.",
            _choice(_METHODS), choices=tuple(_METHODS)),
    _Column("watch.name", "Nama yang dibaca", 26, "Nama domain (RDAP, WHOIS) atau nama host (TLS)."),
    _Column("watch.base_url", "Alamat RDAP", 26, "Hanya bila berbeda dari daftar registri."),
    _Column("watch.server", "Server WHOIS", 20, "host atau host:port; hanya bila berbeda."),
    _Column("watch.port", "Port", 8, "Port TLS; kosong berarti 443.", _whole),
    _Column("reminder_days", "Pengingat (hari)", 20, "Hari sebelum berakhir, misalnya 90, 60, 30, 15, 7, 1.", _days),
    _Column("sites", "Laman", 20, "Nama laman yang memakai layanan ini, dipisah koma.", _listed),
)  # fmt: skip
_BY_HEADER = {fold(column.header): column for column in _COLUMNS}


def read_form(path: Path, sites: Iterable[str] = ()) -> list[Service]:
    """The services of a filled form, in their order. `sites`: the unit's sites, which a service may name.

    Raises:
        FormError: not a form, or rows that are not good: one line each, with row number and column.
        OSError: the file cannot be read.
    """
    rows = _rows(path)
    header_at, columns = _headers(path, rows)
    problems: list[str] = []
    found: dict[str, Service] = {}
    for number, row in enumerate(rows[header_at + 1 :], header_at + 2):
        values = {c: row[i] for i, c in columns.items() if i < len(row) and not _empty(row[i])}
        if not values:
            continue
        try:
            service = _service(values, set(sites))
            if service.id in found:
                raise _Bad(f"column ID: {service.id} is in an earlier row already")
            found[service.id] = service
        except _Bad as error:
            problems.append(f"{path.name}, row {number}, {error}")
    if problems:
        raise FormError(problems)
    if not found:
        raise FormError([f"{path.name}: no row is filled in below the headers of sheet {SHEET}"])
    return list(found.values())


def _rows(path: Path) -> list[tuple[Any, ...]]:
    import openpyxl

    content = path.read_bytes() if path.stat().st_size <= _MOST_BYTES else b""
    if not content:
        raise FormError([f"{path.name}: empty, or larger than {_MOST_BYTES >> 20} MiB: no services form"])
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            if sum(part.file_size for part in package.infolist()) > _MOST_UNPACKED:
                raise FormError([f"{path.name}: unpacks to more than {_MOST_UNPACKED >> 20} MiB: no services form"])
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    except FormError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever a broken file makes the reader raise
        said = harmless(error, 100)
        raise FormError([f"{path.name}: cannot be read as an Excel workbook (.xlsx): {said}"]) from None
    try:
        sheet = book[SHEET] if SHEET in book.sheetnames else book.worksheets[0]
        limit = _MOST_ROWS + _HEADER_WITHIN + 1
        rows = list(sheet.iter_rows(max_row=limit, max_col=3 * len(_COLUMNS), values_only=True))
    except Exception as error:  # noqa: BLE001 - as above: sheets are read only now
        raise FormError([f"{path.name}: its sheet cannot be read: {harmless(error, 100)}"]) from None
    finally:
        book.close()
    if len(rows) == limit and any(not _empty(cell) for cell in rows[-1]):
        raise FormError([f"{path.name}: more than {_MOST_ROWS} rows"])
    return rows


def _headers(path: Path, rows: list[tuple[Any, ...]]) -> tuple[int, dict[int, _Column]]:
    """Where the headers are (counted from 0), and which column each is."""
    for at, row in enumerate(rows[:_HEADER_WITHIN]):
        names = {i: fold(_text(cell).rstrip("*")) for i, cell in enumerate(row) if not _empty(cell)}
        if "id" not in names.values():
            continue
        unknown = [_shown(row[i]) for i, name in names.items() if name not in _BY_HEADER]
        if unknown:
            raise FormError([f"{path.name}, row {at + 1}: unknown column {unknown[0]}; see: laman service template"])
        columns = {i: _BY_HEADER[name] for i, name in names.items()}
        if len(set(columns.values())) < len(columns):
            raise FormError([f"{path.name}, row {at + 1}: a column is there twice"])
        missing = [c.header for c in _COLUMNS if c.needed and c not in columns.values()]
        if missing:
            raise FormError([f"{path.name}, row {at + 1}: column {missing[0]} is missing"])
        return at, columns
    raise FormError([f"{path.name}: no header row with column ID; make a form with: laman service template FILE.xlsx"])


def _empty(cell: Any) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())


def _service(values: Mapping[_Column, Any], sites: set[str]) -> Service:
    raw: dict[str, Any] = {}
    for column in _COLUMNS:
        if column in values:
            _put(raw, column, values[column])
        elif column.needed:
            raise _Bad(f"column {column.header}: is empty, and every service needs it")
    try:
        service = Service.model_validate(raw)
    except ValidationError as error:
        raise _Bad(_told(error, values)) from None
    unknown = [site for site in service.sites if site not in sites]
    if unknown:
        raise _Bad(f"column Laman: {_shown(unknown[0])} is no site; known: {', '.join(sorted(sites)) or 'none'}")
    if service.watch.method == "manual" and service.ends is None:
        raise _Bad("column Berakhir: is empty, and with Cara baca manual it is the only source")
    return service


def _put(raw: dict[str, Any], column: _Column, value: Any) -> None:
    try:
        read = column.read(value)
    except _Bad as error:
        raise _Bad(f"column {column.header}: {error}") from None
    outer, _, inner = column.field.partition(".")
    if inner:
        raw.setdefault(outer, {})[inner] = read
    else:
        raw[outer] = read


_EXPECTED = {
    "id": "small letters, digits, - _ . (at most 63)",
    "provider.npwp": "15, 16 or 22 digits",
    "provider.bank_account": "digits, spaces, dots",
    "watch.name": "a domain or host name",
    "watch.base_url": "an address like https://rdap.example.id/",
    "watch.server": "host or host:port",
    "cost": f"0 to {MOST}",
}


def _told(error: ValidationError, values: Mapping[_Column, Any]) -> str:
    """The first thing that the service's model did not like, as a column and what is expected."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"] if isinstance(part, str))
    column = next((c for c in _COLUMNS if c.field == where), None)
    if column is None:
        at = (
            "Nama yang dibaca" if where == "watch" else "Berakhir"
        )  # what spans columns: watch needs name, dates in order
        return f"column {at}: {first['msg'].removeprefix('Value error, ')}"
    shown = _shown(values[column]) if column in values else "empty"
    return f"column {column.header}: {shown}; expected: {_EXPECTED.get(where, first['msg'])}"


def with_what_the_form_lacks(service: Service, before: Service) -> Service:
    """A service of the form with what only settings can say of it, as it was."""
    watch = service.watch.model_copy(update={"ca_file": before.watch.ca_file})
    return service.model_copy(update={"after_end": before.after_end, "watch": watch})


def form_bytes(services: Iterable[Service] = ()) -> bytes:
    """A form to fill in, with the services that are known already."""
    import xlsxwriter

    buffer = io.BytesIO()
    with xlsxwriter.Workbook(
        buffer, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    ) as book:
        book.set_properties({"title": "Daftar layanan", "created": datetime(2017, 1, 1)})  # noqa: DTZ001 - same bytes
        _write_form(book, list(services))
        _write_guide(book)
    return buffer.getvalue()


def _write_form(book: Any, services: list[Service]) -> None:
    sheet = book.add_worksheet(SHEET)
    header = book.add_format(
        {"bold": True, "font_color": "#FFFFFF", "bg_color": NAVY, "border": 1, "text_wrap": True, "valign": "vcenter"}
    )
    formats: dict[Any, Any] = {
        _amount: book.add_format({"num_format": "#,##0"}),
        _day: book.add_format({"num_format": "dd/mm/yyyy"}),
    }
    formats[_text] = formats[_digits] = formats[_days] = book.add_format({"num_format": "@"})
    labels = {"kind": {v: k for k, v in _KINDS.items()}, "watch.method": {v: k for k, v in _METHODS.items()}}
    sheet.set_row(0, 32)
    for number, column in enumerate(_COLUMNS):
        sheet.set_column(number, number, column.width, formats.get(column.read))
        sheet.write_string(0, number, column.header + ("*" if column.needed else ""), header)
        sheet.write_comment(0, number, column.said, {"x_scale": 2, "author": "laman"})
        _validate(sheet, number, column)
    for row, service in enumerate(services, 1):
        plain = service.model_dump()
        for number, column in enumerate(_COLUMNS):
            _write_cell(sheet, row, number, _taken(plain, column, labels), formats.get(column.read))
    sheet.freeze_panes(1, 3)
    sheet.autofilter(0, 0, max(1, len(services)), len(_COLUMNS) - 1)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(3, 0)  # twenty-three columns on one page could not be read
    sheet.repeat_rows(0)
    sheet.repeat_columns(0, 2)


def _validate(sheet: Any, number: int, column: _Column) -> None:
    span = (1, number, _MOST_ROWS, number)
    if column.choices:
        message = f"Pilih: {', '.join(column.choices)}"
        sheet.data_validation(*span, {"validate": "list", "source": list(column.choices), "error_message": message})
    elif column.read is _day:
        rule = {"validate": "date", "criteria": ">=", "value": date(2000, 1, 1)}
        sheet.data_validation(*span, rule | {"error_message": "Isi tanggal, misalnya 31/12/2026."})
    elif column.read in (_amount, _whole):
        most = MOST if column.read is _amount else 65_535
        rule = {"validate": "integer", "criteria": "between", "minimum": 0, "maximum": most}
        sheet.data_validation(*span, rule | {"error_message": "Isi bilangan bulat, tanpa Rp dan tanpa desimal."})


def _taken(plain: dict[str, Any], column: _Column, labels: Mapping[str, Mapping[str, str]]) -> Any:
    outer, _, inner = column.field.partition(".")
    value = plain[outer][inner] if inner else plain[outer]
    if column.field in labels:
        return labels[column.field][value]
    return ", ".join(map(str, value)) if isinstance(value, list) else value


def _write_cell(sheet: Any, row: int, number: int, value: Any, form: Any) -> None:
    if value is None or value == "":
        return
    if isinstance(value, date):
        sheet.write_datetime(row, number, datetime(value.year, value.month, value.day), form)  # noqa: DTZ001
    elif isinstance(value, int):
        sheet.write_number(row, number, value, form)
    else:
        sheet.write_string(row, number, safe(str(value)), form)


def _write_guide(book: Any) -> None:
    sheet = book.add_worksheet(_GUIDE)
    bold, wrapped = book.add_format({"bold": True}), book.add_format({"text_wrap": True, "valign": "top"})
    sheet.set_column(0, 0, 24)
    sheet.set_column(1, 1, 90)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    lines = (
        f"Isi satu layanan tiap baris di lembar {SHEET}. Kolom bertanda * wajib diisi.",
        "Masukkan dengan: laman service import BERKAS.xlsx. Tidak ada yang masuk bila satu baris saja keliru.",
        "Baris yang sudah ada dapat diubah lalu dimasukkan lagi; ID-nya jangan diganti.",
    )
    for row, line in enumerate(lines):
        sheet.merge_range(row, 0, row, 1, line, wrapped)
    for row, column in enumerate(_COLUMNS, len(lines) + 1):
        sheet.write_string(row, 0, column.header + ("*" if column.needed else ""), bold)
        choices = f" Pilihan: {', '.join(column.choices)}." if column.choices else ""
        sheet.write_string(row, 1, column.said + choices, wrapped)
