"""The sheet Perpanjangan: its tables against figures worked out by hand from the sample's story."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, datetime
from functools import cache
from typing import Any

import pytest

from reporting.compliance import Compliance, Period, evaluate
from reporting.standard import load_standards
from reporting.workbook import More, Renewals, renewals_of, workbook_bytes
from tests.unit.workbook import renewal_sample, sample
from tests.unit.workbook.reading import FIRST_ACTIVITY, formulas, load, table_rows, written
from tests.unit.workbook.test_cells import HOSTILE

SHEET = "Perpanjangan"
TABLES = {"tblKasus", "tblLangkah", "tblLangkahKegiatan", "tblAkhirLayanan", "tblBiaya", "tblBiayaBulan",
          "tblBiayaMataAnggaran"}  # fmt: skip


@cache
def story_of(period: str = "2026-11", lang: str = "id") -> tuple[Compliance, Renewals]:
    events = renewal_sample.story().events
    asked = Period.parse(period, renewal_sample.WIB)
    language: Any = lang
    compliance = evaluate(load_standards(), events, asked, sample.AS_OF, language)
    return compliance, renewals_of(events, compliance, load_standards(), language)


@cache
def book_of(period: str = "2026-11", lang: str = "id") -> bytes:
    compliance, renewals = story_of(period, lang)
    language: Any = lang
    return workbook_bytes(compliance, sample.HEAD, language, sample.ISSUED, More(renewals))


def rows(content: bytes, table: str) -> list[dict[str, Any]]:
    return table_rows(load(content)[1], SHEET, table)


def test_the_cases_of_the_month() -> None:
    found = {r["Kasus"]: r for r in rows(book_of(), "tblKasus")}
    assert list(found) == ["P-2026-002", "P-2026-003", "P-2026-004"]  # that of March was closed before November
    domains = found["P-2026-002"]
    assert domains["Layanan"] == "Domain bpmp-contoh.id\nDomain ppid-contoh.id"
    assert (domains["Nilai Rp"], domains["PPN Rp"], domains["Total Rp"], domains["Dibayar Rp"], domains["Sisa Rp"]) == (
        *(630_000, 69_300, 699_300, 699_300, 0),
    )
    assert domains["Status"] == "belum terbukti diperpanjang"
    assert domains["Kenaikan Harga"] == "+10,0 % domain-utama"  # 300,000 -> 330,000
    assert domains["Bukti Masa Layanan Bergeser"].splitlines() == [
        "Domain bpmp-contoh.id: terbukti sampai 14/11/2027: rdap.pandi.id",
        "Domain ppid-contoh.id: belum bergeser: rdap.pandi.id",
    ]
    assert found["P-2026-003"]["Kenaikan Harga"] == "+10,7 %"  # 84 -> 93 million: 10.714
    assert found["P-2026-003"]["Sisa Rp"] == 103_230_000
    assert (found["P-2026-004"]["Langkah di Kertas"], domains["Langkah di Kertas"]) == (1, 0)


def test_the_steps_with_gross_waiting_and_net_minutes() -> None:
    """2–4 November 2026 (Mon–Wed): 07:30–16:00, break 12:00–13:00, so that a day has 450 minutes."""
    found = [r for r in rows(book_of(), "tblLangkah") if r["Kasus"] == "P-2026-002"]
    keys = ("Langkah", "Kegiatan", "Menit Kotor", "Menit Menunggu", "Menit Bersih", "Baku Menit", "Putusan")
    assert [tuple(r[k] for k in keys) for r in found] == [
        ("Pengajuan", 4, 20, 2, 18, 30, "sesuai"),
        ("Persetujuan", 5, 460, 445, 15, 30, "menyimpang"),  # Mon 08:50–16:00 less the break: 370; Tue 07:30–09:00: 90
        ("Pembayaran\nRp699.300", 6, 300, None, None, 450, "sesuai"),
        ("Pelaporan", 7, 100, 75, 25, 300, "menyimpang"),  # Tue 15:00–16:00, Wed 07:30–08:10; taken at 07:45
    ]
    assert all(r["Petugas Input"] == "orang: siti@kantor" for r in found)
    assert [(r["Pelaksana"], r["NIP"]) for r in found][1] == ("Dewi Anggraini, M.T.", "197807212005012002")


def test_steps_on_paper_are_marked_and_counted_apart() -> None:
    content = book_of()
    assert [r["Kasus"] for r in rows(content, "tblLangkah") if r["Cara Catat"] == "di kertas"] == ["P-2026-004"]
    four = rows(content, "tblLangkahKegiatan")[0]
    assert (four["Langkah Langsung"], four["Langsung Sesuai"], four["Langkah di Kertas"], four["Kertas Sesuai"]) == (
        *(2, 2, 1, 1),
    )
    sheet = load(content)[1][SHEET]
    assert [sheet.cell(5, column).value for column in (1, 3, 5, 8, 10, 13)] == [3, 7, 1, 1, 3, 103_230_000]


def test_the_summary_fills_from_the_executions_of_the_steps() -> None:
    compliance, _ = story_of()
    summary = load(book_of())[1]["Ringkasan"]
    said = {n: [summary[f"{c}{FIRST_ACTIVITY + n - 1}"].value for c in "CHIJLMNPR"] for n in range(3, 9)}
    assert said == {
        3: [0, 0, 0, 0, 0, "–", "–", "–", "belum ada pelaksanaan"],
        4: [0, 3, 3, 0, 3, 20, 20, 1, "sesuai"],
        5: [0, 2, 1, 1, 2, 242.5, 460, 0.5, "menyimpang"],
        6: [0, 1, 1, 0, 1, 300, 300, 1, "sesuai"],
        7: [0, 1, 0, 1, 1, 100, 100, 0, "menyimpang"],
        8: [0, 0, 0, 0, 0, "–", "–", "–", "belum ada pelaksanaan"],
    }
    assert "Di luar jadwal (kegiatan 4–8): 7 pelaksanaan, 5 sesuai dan 2 menyimpang." in summary["A12"].value
    assert len(compliance.deviations) == 2


def test_the_calendar_says_what_is_unknown_first() -> None:
    found = rows(book_of(), "tblAkhirLayanan")
    keys = ("Kode", "Tanggal", "Sisa Hari", "Fase", "Kasus Terbuka")
    assert [tuple(r[k] for k in keys) for r in found] == [
        ("surel", "tidak diketahui", "–", "–", "–"),
        ("tls-utama", "tidak diketahui", 11, "aktif", "P-2026-004"),
        ("domain-ppid", "diketahui", -10, "masa tenggang", "P-2026-002"),
        ("internet", "diketahui", 37, "aktif", "P-2026-003"),
        ("hosting", "diketahui", 116, "aktif", "–"),  # attested in March until 20 March 2027
        ("domain-utama", "diketahui", 355, "aktif", "P-2026-002"),
    ]
    assert found[4]["Keterangan Sumber"] == "dinyatakan dengan dokumen, P-2026-001"
    assert found[3]["Pengingat Berikut"] == datetime(2026, 12, 1)  # noqa: DTZ001 - 30 days before; a cell has no zone


def test_the_cost_of_the_budget_year() -> None:
    content = book_of()
    months = rows(content, "tblBiayaBulan")
    assert [r["Jumlah Rp"] for r in months] == [0, 0, 7_200_000, *[0] * 7, 630_000, 95_400_000]
    assert [r["Nama Bulan"] for r in months][::11] == ["Januari 2026", "Desember 2026"]
    by_line = [
        (r["Bulan"].month, r["Mata Anggaran"][-6:], r["Jumlah Rp"]) for r in rows(content, "tblBiayaMataAnggaran")
    ]
    assert by_line == [(3, "522191", 7_200_000), (11, "522191", 630_000), (12, "522191", 2_400_000),
                       (12, "522112", 93_000_000)]  # fmt: skip
    flagged = {
        r["Kasus"]: (r["Harga Lama Rp"], r["Harga Baru Rp"]) for r in rows(content, "tblBiaya") if r["Tanda"] == "naik"
    }
    assert flagged == {"P-2026-001": (6_000_000, 7_200_000), "P-2026-002": (300_000, 330_000),
                       "P-2026-003": (84_000_000, 93_000_000)}  # fmt: skip
    assert len(load(content)[0][SHEET]._charts) == 1


def test_steps_of_another_period_are_judged_but_not_counted() -> None:
    """A case that was submitted in February and approved in March: February's step is shown with its verdict."""
    told = renewal_sample.Story()
    told.settings(renewal_sample.at("01-02 08:00"))
    told.opened("P-2026-001", "02-25 09:00", "INV-1",
                [renewal_sample.line("hosting", 6_000_000, date(2026, 3, 20), date(2027, 3, 20))])  # fmt: skip
    told.step("P-2026-001", "submit", "02-25 09:00", "02-25 10:00")
    told.step("P-2026-001", "approve", "03-02 09:00", "03-02 09:10")
    compliance = evaluate(load_standards(), told.events, Period.parse("2026-03", sample.WIB), sample.AS_OF)
    renewals = renewals_of(told.events, compliance, load_standards())
    content = workbook_bytes(compliance, sample.HEAD, "id", sample.ISSUED, More(renewals))
    steps = rows(content, "tblLangkah")
    assert [(r["Langkah"], r["Dalam Periode"], r["Putusan"]) for r in steps] == [
        ("Pengajuan", "tidak", "menyimpang"),  # 60 minutes, 30 are allowed
        ("Persetujuan", "ya", "sesuai"),
    ]
    counted = rows(content, "tblLangkahKegiatan")
    assert [r["Langkah Langsung"] for r in counted] == [0, 1, 0, 0]
    assert [t.executions for t in compliance.all_totals()] == [0, 0, 0, 0, 1, 0, 0, 0]


def test_minutes_are_those_of_the_calendar_of_their_day() -> None:
    """Settings that come later (a holiday on 3 November) do not change what was measured before."""
    told = renewal_sample.story()
    told.settings(renewal_sample.at("11-20 08:00"), calendar={"not_worked": ["2026-11-03"]})
    compliance = evaluate(load_standards(), told.events, Period.parse("2026-11", sample.WIB), sample.AS_OF)
    renewals = renewals_of(told.events, compliance, load_standards())
    gross = {t.step.name: t.gross for k, t in renewals.timings.items() if "P-2026-002" in k}
    assert gross == {"submit": 20, "approve": 460, "pay": 300, "report": 100}
    for key, timing in renewals.timings.items():
        assert timing.gross == renewals.executions[key].minutes


def test_without_renewals_the_sheet_says_so() -> None:
    for content in (written(sample.month()), book_of_nothing()):
        book, values = load(content)
        assert book[SHEET].tables == {}
        assert values[SHEET]["A2"].value.startswith("Tidak ada data perpanjangan")


def book_of_nothing() -> bytes:
    told = renewal_sample.Story()
    told.settings(renewal_sample.at("01-02 08:00"), services=[])
    compliance = evaluate(load_standards(), told.events, Period.parse("2026-11", sample.WIB), sample.AS_OF)
    more = More(renewals_of(told.events, compliance, load_standards()))
    return workbook_bytes(compliance, sample.HEAD, "id", sample.ISSUED, more)


@pytest.mark.parametrize("lang", ["id", "en"])
def test_formulas_have_results_and_refer_to_columns_that_are_there(lang: str) -> None:
    book, values = load(book_of(lang=lang))
    name = book.sheetnames[6]
    assert set(book[name].tables) == TABLES
    columns = {t: {c.name for c in s.tables[t].tableColumns} for s in book for t in s.tables}
    found = {cell: f for (sheet, cell), f in formulas(book).items() if sheet == name}
    assert len(found) > 120
    for cell, formula in found.items():
        value = values[name][cell].value
        assert value is not None
        assert not str(value).startswith("#"), f"{cell} {formula}"
        for table, column in re.findall(r"(tbl\w+)\[([^\]]+)\]", formula):
            assert column in columns[table], formula


def test_the_same_events_give_the_same_bytes() -> None:
    assert book_of() == book_of.__wrapped__()


def hostile_book(text: str) -> bytes:
    """The sample with `text` wherever text from outside can stand."""
    compliance, renewals = story_of()
    hostile = tuple(
        replace(
            case, invoice=replace(case.invoice, number=text), lines=tuple(replace(n, name=text) for n in case.lines)
        )
        for case in renewals.cases
    )
    costs = tuple(replace(c, budget_line=text, name=text) for c in renewals.costs)
    endings = tuple(
        replace(e, service=e.service.model_copy(update={"name": text, "budget_line": text})) for e in renewals.endings
    )
    spoiled = replace(renewals, cases=hostile, costs=costs, endings=endings, unforeseen=(text,))
    return workbook_bytes(compliance, sample.HEAD, "id", sample.ISSUED, More(spoiled))


@pytest.mark.parametrize("text", [t for t in HOSTILE if "\ud800" not in t and t.strip()])
def test_what_came_from_outside_stays_text(text: str) -> None:
    content = hostile_book(text)
    plain = {cell for sheet, cell in formulas(load(book_of())[0]) if sheet == SHEET}
    ours = {cell for sheet, cell in formulas(load(content)[0]) if sheet == SHEET}
    assert len(ours) <= len(plain)
    assert all(not sheet._hyperlinks for sheet in load(content)[0])
