"""Perpanjangan and Koreksi in LibreOffice: cached figures equal what it computes, and paper shows all of them."""

from __future__ import annotations

import re
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest

from reporting.compliance import evaluate
from reporting.compliance.closing import closures, corrections
from reporting.ledger import Archive, Head
from reporting.standard import load_standards
from reporting.workbook import Corrections, More, workbook_bytes
from tests.integration.test_workbook_libreoffice import poisoned, same
from tests.libreoffice import converted, needs_libreoffice, recalculated
from tests.unit.test_closing import CLOSED_AT, NOVEMBER, closing
from tests.unit.workbook import renewal_sample, sample
from tests.unit.workbook.reading import formulas, load
from tests.unit.workbook.test_renewals import book_of, hostile_book, story_of

HOSTILE = {"formula": "=cmd|'/C calc'!A0", "wildcard": "*?~", "comparison": ">5"}  # as names and budget lines


def with_corrections(lang: str, folder: Path) -> bytes:
    """November closed, an approval recorded afterwards."""
    told = renewal_sample.story()
    closing(told, Archive(folder / "archive"))
    closure = closures(told.events)[0]
    compliance, renewals = story_of("2026-11", lang)
    told.step("P-2026-004", "approve", "11-18 09:20", "11-18 15:00", recorded=renewal_sample.at("12-03 09:00"))
    language: Any = lang
    after = evaluate(load_standards(), told.events, NOVEMBER, CLOSED_AT, language)
    found = Corrections(closure, corrections(compliance, after), CLOSED_AT, Head(99, "a" * 64))
    return workbook_bytes(compliance, sample.HEAD, language, sample.ISSUED, More(renewals, found))


def made(case: str, lang: str, folder: Path) -> Path:
    if case in HOSTILE:
        content = hostile_book(HOSTILE[case])
    else:
        content = with_corrections(lang, folder) if case == "corrections" else book_of(case, lang)
    path = folder / "laman.xlsx"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("case", "lang"),
    [
        *(("2026-11", "id"), ("2026-11", "en"), ("2026", "id"), ("2026-02", "en")),
        *(("corrections", "id"), ("corrections", "en"), ("formula", "id"), ("wildcard", "id"), ("comparison", "id")),
    ],
)
def test_every_cached_value_is_what_libreoffice_computes(case: str, lang: str, tmp_path: Path) -> None:
    needs_libreoffice()
    path = made(case, lang, tmp_path)
    book, cached = load(path)
    _, computed = load(recalculated(poisoned(path, tmp_path), tmp_path / "out"))
    found = formulas(book)
    assert sum(sheet == book.sheetnames[6] for sheet, _ in found) > 90
    wrong = {
        f"{sheet}!{cell}": (formula, cached[sheet][cell].value, computed[sheet][cell].value)
        for (sheet, cell), formula in found.items()
        if not same(cached[sheet][cell].value, computed[sheet][cell].value)
    }
    assert wrong == {}
    with zipfile.ZipFile(tmp_path / "out" / path.name) as archive:
        assert sum(name.startswith("xl/charts/chart") for name in archive.namelist()) == 4


@pytest.mark.parametrize("lang", ["id", "en"])
@pytest.mark.parametrize("case", ["2026", "corrections"])
def test_on_paper_nothing_is_cut(case: str, lang: str, tmp_path: Path) -> None:
    needs_libreoffice("pdftotext")
    paper = converted(made(case, lang, tmp_path), tmp_path, "pdf")
    text = subprocess.run(["pdftotext", "-layout", paper, "-"], check=True, capture_output=True, text=True).stdout
    assert "###" not in text
    for error in ("#REF!", "#NAME?", "#VALUE!", "#DIV/0!", "Err:5"):
        assert error not in text
    assert re.search(r"103[.,]230[.,]000", text)
    name = {"id": "Perpanjangan", "en": "Renewals"}[lang]
    footers = [page.strip().split("\n")[-1] for page in text.split("\f") if page.strip()]
    assert 2 <= sum(bool(re.search(rf"\s{name}\s", footer)) for footer in footers) <= 4


def test_changing_how_a_step_was_recorded_moves_what_it_should(tmp_path: Path) -> None:
    """From direct to on paper: the tile, and the four counts of its activity. Nothing else of the workbook."""
    needs_libreoffice()
    path = made("2026-11", "id", tmp_path)
    _, before = load(recalculated(path, tmp_path / "before"))
    book, _ = load(path)
    sheet = book["Perpanjangan"]
    area = sheet[sheet.tables["tblLangkah"].ref]
    place = [cell.value for cell in area[0]].index("Cara Catat")
    area[1][place].value = "di kertas"
    edited = tmp_path / "edited.xlsx"
    book.save(edited)
    _, after = load(recalculated(edited, tmp_path / "after"))
    moved = {
        f"{page.title}!{cell.coordinate}": (cell.value, after[page.title][cell.coordinate].value)
        for page in before
        for line in page.iter_rows()
        for cell in line
        if not same(cell.value, after[page.title][cell.coordinate].value)
    }
    assert moved.pop(f"Perpanjangan!{area[1][place].coordinate}") == ("langsung", "di kertas")
    four = str(sheet[sheet.tables["tblLangkahKegiatan"].ref][1][0].row)
    assert moved == {
        "Perpanjangan!E5": (1, 2),
        f"Perpanjangan!C{four}": (2, 1),
        f"Perpanjangan!D{four}": (2, 1),
        f"Perpanjangan!F{four}": (1, 2),
        f"Perpanjangan!G{four}": (1, 2),
    }
