"""The workbook in LibreOffice: cached figures equal what it computes, and a change moves what it must and no more."""

from __future__ import annotations

import re
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from reporting.compliance import Compliance, Period
from reporting.workbook import write_workbook
from tests.libreoffice import converted, needs_libreoffice, recalculated
from tests.unit.workbook import sample
from tests.unit.workbook.reading import formulas, load
from tests.unit.workbook.test_workbook import golden_month, hostile_month

CASES: dict[str, Callable[[], Compliance]] = {
    "month": sample.month,
    "golden": golden_month,
    "empty": sample.empty,
    "hostile": lambda: hostile_month("=cmd|'/C calc'!A0"),
}


def file_of(compliance: Compliance, folder: Path, lang: str = "id") -> Path:
    path = folder / "laman.xlsx"
    write_workbook(compliance, sample.HEAD, path, "en" if lang == "en" else "id", sample.ISSUED)
    return path


def same(one: Any, other: Any) -> bool:
    if isinstance(one, int | float) and isinstance(other, int | float):
        return one == pytest.approx(other, rel=1e-9, abs=1e-9)
    if isinstance(one, datetime) and isinstance(other, datetime):
        return abs(one - other) < timedelta(seconds=1)
    return bool(one == other)


def poisoned(path: Path, folder: Path) -> Path:
    """The same workbook with a wrong result cached beside every formula: an old one cannot pass for a new one."""
    target = folder / "poisoned" / path.name
    target.parent.mkdir()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name.startswith("xl/worksheets/sheet"):
                content = re.sub(rb' t="str"><f>([^<]*)</f><v>[^<]*</v>', rb"><f>\1</f><v>-987654</v>", content)
                content, changed = re.subn(rb"<f>([^<]*)</f><v>[^<]*</v>", rb"<f>\1</f><v>-987654</v>", content)
                assert changed == content.count(b"<f>")
            new.writestr(name, content)
    return target


@pytest.mark.parametrize("lang", ["id", "en"])
@pytest.mark.parametrize("case", list(CASES))
def test_every_cached_value_is_what_libreoffice_computes(case: str, lang: str, tmp_path: Path) -> None:
    needs_libreoffice()
    path = file_of(CASES[case](), tmp_path, lang)
    book, cached = load(path)
    _, computed = load(recalculated(poisoned(path, tmp_path), tmp_path / "out"))
    found = formulas(book)
    assert len(found) > 150
    wrong = {
        f"{sheet}!{cell}": (formula, cached[sheet][cell].value, computed[sheet][cell].value)
        for (sheet, cell), formula in found.items()
        if not same(cached[sheet][cell].value, computed[sheet][cell].value)
    }
    assert wrong == {}


def test_what_is_not_a_formula_survives_libreoffice(tmp_path: Path) -> None:
    """It opens without repair: sheets, tables, charts, names of columns and every plain value are the same after it."""
    needs_libreoffice()
    path = file_of(sample.month(), tmp_path)
    before, _ = load(path)
    after, _ = load(recalculated(path, tmp_path / "out"))
    assert after.sheetnames == before.sheetnames
    with zipfile.ZipFile(tmp_path / "out" / path.name) as archive:
        assert sum(name.startswith("xl/charts/chart") for name in archive.namelist()) == 3
    assert [set(sheet.tables) for sheet in after] == [set(sheet.tables) for sheet in before]
    for sheet in before:
        for row in sheet.iter_rows():
            for cell in row:
                if cell.data_type != "f":
                    assert same(cell.value, after[sheet.title][cell.coordinate].value), (
                        f"{sheet.title}!{cell.coordinate}"
                    )


def changed_cells(path: Path, folder: Path, row: int, verdict: str) -> dict[str, tuple[Any, Any]]:
    """Change one Putusan with openpyxl, let LibreOffice recalculate; the cells of the workbook that differ."""
    _, before = load(recalculated(path, folder / "before"))
    book, _ = load(path)
    sheet = book["Pelaksanaan"]
    table = sheet.tables["tblPelaksanaan"]
    heads = [cell.value for cell in sheet[table.ref][0]]
    top = int(re.findall(r"\d+", table.ref)[0])
    sheet.cell(top + row, heads.index("Putusan") + 1).value = verdict
    edited = folder / "edited.xlsx"
    book.save(edited)  # openpyxl keeps no cached values: whatever is read afterwards was computed by LibreOffice
    _, after = load(recalculated(edited, folder / "after"))
    return {
        f"{page.title}!{cell.coordinate}": (cell.value, after[page.title][cell.coordinate].value)
        for page in before
        for line in page.iter_rows()
        for cell in line
        if not same(cell.value, after[page.title][cell.coordinate].value)
    }


def test_changing_one_verdict_moves_exactly_the_cells_that_it_should(tmp_path: Path) -> None:
    """The first execution of activity 1 decides its occasion: 8 kept becomes 7 kept and 1 deviating."""
    needs_libreoffice()
    path = file_of(sample.month(), tmp_path)
    cell = "Pelaksanaan!U6"
    moved = changed_cells(path, tmp_path, 1, "menyimpang")
    assert moved.pop(cell) == ("sesuai", "menyimpang")
    sentence = moved.pop("Ringkasan!A12")
    assert sentence[0].startswith("Dari 60 jadwal yang sudah diputus, 57 sesuai POS, 2 menyimpang, dan 1 terlewat.")
    assert sentence[1].startswith("Dari 60 jadwal yang sudah diputus, 56 sesuai POS, 3 menyimpang, dan 1 terlewat.")
    expected = {
        "D16": (8, 7),  # occasions kept, of activity 1
        "E16": (0, 1),  # occasions deviating
        "I16": (8, 7),  # executions that conform
        "J16": (0, 1),  # executions that deviate
        "P16": (1, 7 / 8),  # compliance of activity 1
        "D24": (57, 56),
        "E24": (2, 3),
        "I24": (58, 57),
        "J24": (3, 4),
        "P24": (57 / 60, 56 / 60),  # the totals
        "A7": (57 / 60, 56 / 60),  # the tile
    }
    assert moved == {f"Ringkasan!{place}": pytest.approx(values) for place, values in expected.items()}


def test_changing_a_verdict_that_decides_nothing_moves_executions_only(tmp_path: Path) -> None:
    """A superseded attempt: its occasion was decided by the retry, so that schedule and compliance stay as they are."""
    needs_libreoffice()
    compliance = sample.month()
    rows = load(file_of(compliance, tmp_path))[1]["Pelaksanaan"]
    superseded = next(e for e in compliance.executions if e.status == "unreachable")
    ids = [rows.cell(row, 25).value for row in range(6, rows.max_row + 1)]
    number = ids.index(superseded.id) + 1
    moved = changed_cells(tmp_path / "laman.xlsx", tmp_path, number, "menunggu")
    assert {place for place in moved if place.startswith("Ringkasan")} == {
        *("Ringkasan!J18", "Ringkasan!K18", "Ringkasan!J24", "Ringkasan!K24"),
    }


@pytest.mark.parametrize("lang", ["id", "en"])
@pytest.mark.parametrize("case", list(CASES))
def test_on_paper_nothing_is_cut(case: str, lang: str, tmp_path: Path) -> None:
    """Pages are A4 landscape, Ringkasan takes two of them, and no cell is too narrow for its number (###)."""
    needs_libreoffice("pdftotext", "pdfinfo")
    paper = converted(file_of(CASES[case](), tmp_path, lang), tmp_path, "pdf")
    text = subprocess.run(["pdftotext", "-layout", paper, "-"], check=True, capture_output=True, text=True).stdout
    pages = text.split("\f")
    assert "###" not in text
    for error in ("#REF!", "#NAME?", "#VALUE!", "#DIV/0!", "Err:5"):
        assert error not in text
    names = [("Ringkasan", "Mutu Baku"), ("Summary", "Standard")][lang == "en"]
    footers = [page.strip().split("\n")[-1] for page in pages if page.strip()]
    assert sum(bool(re.search(rf"\s{names[0]}\s", footer)) for footer in footers) == 2
    assert re.search(rf"\s{names[1]}\s", footers[2])
    last = len(footers)
    assert footers[-1].rstrip().endswith(f"{last} dari {last}" if lang == "id" else f"{last} of {last}")
    info = subprocess.run(["pdfinfo", paper], check=True, capture_output=True, text=True).stdout
    width, height = (float(x) for x in re.search(r"Page size:\s+([\d.]+) x ([\d.]+)", info).groups())  # type: ignore[union-attr]
    assert (round(width), round(height)) == (842, 595)


def test_ten_thousand_executions(tmp_path: Path) -> None:
    """As many as a large agency makes in a year: written in seconds, computed by LibreOffice to the same figures."""
    needs_libreoffice()
    start = datetime(2026, 1, 1, 5, 0, tzinfo=sample.WIB)
    made = [
        sample.execution(1 + number % 3, f"laman-{number % 40:02}", start + timedelta(hours=number % 8_000), 3.5)
        for number in range(10_000)
    ]
    made = [sample.failed(one, output="rusak") if number % 17 == 0 else one for number, one in enumerate(made)]
    compliance = replace(sample.whole(made), period=Period.parse("2026", sample.WIB))
    began = time.monotonic()
    path = file_of(compliance, tmp_path)
    assert time.monotonic() - began < 90
    book, cached = load(path)
    assert book["Pelaksanaan"].tables["tblPelaksanaan"].ref.endswith("10005")
    _, computed = load(recalculated(path, tmp_path / "out"))
    for (sheet, cell), formula in formulas(book).items():
        assert same(cached[sheet][cell].value, computed[sheet][cell].value), f"{sheet}!{cell} {formula}"
    row = [cached["Ringkasan"][f"{letter}24"].value for letter in "HIJ"]
    assert row == [10_000, 10_000 - 589, 589]


def test_the_picture_for_the_readme(tmp_path: Path) -> None:
    needs_libreoffice("pdftoppm")
    script = Path(__file__).resolve().parents[2] / "docs" / "picture.py"
    picture = tmp_path / "workbook.png"
    command = [sys.executable, str(script), str(file_of(sample.month(), tmp_path)), str(picture)]
    subprocess.run(command, check=True, timeout=200)
    content = picture.read_bytes()
    assert content.startswith(b"\x89PNG\r\n")
    assert 20_000 < len(content) <= 200 * 1024
    missing = subprocess.run([*command[:2], str(tmp_path / "none.xlsx"), str(picture)], capture_output=True, text=True)
    assert missing.returncode == 1
    assert missing.stderr.count("\n") == 1
    assert "none.xlsx" in missing.stderr
