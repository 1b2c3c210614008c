"""One workbook with all eight activities: what its sheets say, in LibreOffice too; accounts across closed periods."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from reporting.account import fold as fold_accounts
from reporting.cli.frozen import Basis, Book, corrected, period_book, recomputed
from reporting.compliance import Period, earlier_of, evaluate, evaluate_all
from reporting.compliance.closing import closures, figures_hash
from reporting.compliance.outstanding import lightened
from reporting.deviation import commands
from reporting.events import KIND_FINISHED, KIND_PERIOD_CLOSED, EvidenceFile, PeriodClosed
from reporting.ledger import Head
from reporting.ledger.model import Event
from reporting.standard import load_standards
from reporting.workbook.words import Language
from tests.integration import all_eight
from tests.integration.test_workbook_libreoffice import poisoned, same
from tests.libreoffice import converted, needs_libreoffice, recalculated
from tests.unit.workbook import sample
from tests.unit.workbook.reading import FIRST_ACTIVITY, formulas, load, table_rows
from tests.unit.workbook.test_phrases import english

NOVEMBER = Period.parse("2026-11", sample.WIB)
DECEMBER = Period.parse("2026-12", sample.WIB)
JANUARY = Period.parse("2027-01", sample.WIB)


@pytest.fixture(scope="module")
def events() -> list[Event]:
    return all_eight.year()


def book(events: list[Event], period: Period = NOVEMBER, now: datetime = all_eight.CLOSED_AT, lang: str = "id") -> Book:
    language: Language = "en" if lang == "en" else "id"
    return period_book(Basis(events, load_standards(), Head(events[-1].seq, events[-1].hash), language), period, now)


def test_all_eight_activities_stand_in_one_workbook_with_verdicts(events: list[Event]) -> None:
    made = book(events)
    assert made.compliance.problems == ()
    values = load(made.content)[1]
    summary = values["Ringkasan"]
    rows = range(FIRST_ACTIVITY, FIRST_ACTIVITY + 8)
    assert [summary[f"R{row}"].value for row in rows] == [
        *("sesuai", "menyimpang", "menyimpang", "sesuai", "menyimpang", "sesuai", "menyimpang", "menyimpang"),
    ]
    assert [summary[f"H{row}"].value for row in rows] == [10, 8, 40, 3, 2, 1, 1, 4]  # a ticket that was reopened is one
    assert [summary[f"Q{row}"].value for row in rows] == [0, 5, 2, 0, 1, 0, 1, 2]
    assert "Masih ada 5 penyimpangan" in summary["A12"].value
    means = table_rows(values, "Troubleshooting", "tblRataRata")
    assert summary[f"M{FIRST_ACTIVITY + 7}"].value == means[0]["MTTR Kotor Menit"]


def test_the_tickets_with_minutes_routes_and_what_was_done(events: list[Event]) -> None:
    values = load(book(events).content)[1]
    rows = {r["Tiket"]: r for r in table_rows(values, "Troubleshooting", "tblTiket")}
    figures = {
        name: [r[k] for k in ("Jalur", "Menit Respons", "Menit Kotor", "Menit Bersih", "Menit Jeda", "Menit Semu")]
        for name, r in rows.items()
    }
    assert figures == {
        "T-2026-001": ["mandiri", 25, 185, 185, 0, 0],
        "T-2026-002": ["Subbag Umum", 20, 2_100, 1_260, 840, 0],
        "T-2026-003": ["pihak ketiga", 5, 1_095, 945, 0, 150],
        "T-2026-004": ["pihak ketiga", 10, 150, 150, 0, 0],
        "T-2026-005": ["mandiri", 30, 1_230, 390, 840, 0],
    }
    assert {name: r["Putusan"] for name, r in rows.items()} == {
        **dict.fromkeys(("T-2026-001", "T-2026-004"), "sesuai"),
        **dict.fromkeys(("T-2026-002", "T-2026-003"), "menyimpang"),
        "T-2026-005": "terbuka",
    }
    assert "MASIH TERBUKA" in rows["T-2026-005"]["KET."]
    assert rows["T-2026-005"]["Diselesaikan"] is None
    assert rows["T-2026-003"]["Kali Terlihat"] == 17  # 14 and 3 more
    assert "dibuka kembali 1 kali" in rows["T-2026-003"]["KET."]
    routes = table_rows(values, "Troubleshooting", "tblJalur")
    for name, row in rows.items():
        assert sum(r["Menit Kotor"] for r in routes if r["Tiket"] == name) == row["Menit Kotor"]
    (breach,) = table_rows(values, "Troubleshooting", "tblInsiden")
    assert breach["Pemberitahuan"] == "tepat waktu"
    assert breach["Tenggat 3 × 24 Jam"] - breach["Diketahui"] == timedelta(hours=72)
    means = {(r["Menurut"], r["Nama"]): r for r in table_rows(values, "Troubleshooting", "tblRataRata")}
    assert means["semua", "semua tiket"]["MTTA Menit"] == (25 + 20 + 5 + 10 + 30) / 5
    assert means["semua", "semua tiket"]["MTTR Kotor Menit"] == (185 + 2_100 + 1_095 + 150) / 4
    assert means["penyebab", "listrik"]["MTTR Bersih Menit"] == 1_260
    text = "\n".join(str(c.value) for row in values["Troubleshooting"].iter_rows() for c in row if c.value is not None)
    for said in ("php-fpm kehabisan pekerja", "MCB diganti oleh Subbag Umum", "Menunggu teknisi listrik gedung"):
        assert said in text


def test_the_deviations_with_their_accounts(events: list[Event]) -> None:
    made = book(events)
    rows = table_rows(load(made.content)[1], "Penyimpangan", "tblPenyimpangan")
    assert len(rows) == len(made.compliance.deviations) == 11
    assert [r["Status Tanggung Jawab"] for r in rows] == [
        *("dikembalikan", *["belum dipertanggungjawabkan"] * 4, *["diterima"] * 4, *["dipertanggungjawabkan"] * 2),
    ]
    returned, accepted = rows[0], rows[5]
    assert returned["Keputusan Kasi SI"].startswith("dikembalikan 17/11/26, Dewi Anggraini, M.T.: Sebutkan mengapa")
    assert returned["Tenggat Akun"].date() == date(2026, 11, 24)  # five working days after it was returned
    assert accepted["Penyebab"] == "Disk dibawa rapat dan tidak dikembalikan ke ruang server."
    assert accepted["Sampai Tanggal"].date() == date(2026, 11, 17)
    assert accepted["Bukti"].startswith("berita-acara-disk.pdf (")
    assert rows[1]["Penyebab"] is None
    earlier = table_rows(load(made.content)[1], "Penyimpangan", "tblSebelumnya")
    assert [(r["Laman"], r["Status Tanggung Jawab"]) for r in earlier] == [
        ("P-2026-001", "belum dipertanggungjawabkan"),
        ("P-2026-001", "diterima"),
        ("ppid", "dipertanggungjawabkan"),
    ]
    assert "TIDAK LAGI MENYIMPANG" in earlier[2]["Alasan"]


def test_the_evaluation_is_filled_in_from_the_record(events: list[Event]) -> None:
    sheet = load(book(events).content)[1]["Evaluasi POS"]
    heads = [sheet.cell(4, column).value for column in range(1, 8)]
    assert heads == ["No", "Prosedur", "Penilaian terhadap penerapan", None, "Catatan hasil penilaian",
                     "Tindakan yang harus diambil", "Paraf penilai"]  # fmt: skip
    assert [sheet.cell(5, 3).value, sheet.cell(5, 4).value] == ["Berjalan dengan baik", "Tidak berjalan dengan baik"]
    marks = [(sheet.cell(row, 3).value, sheet.cell(row, 4).value) for row in range(6, 14)]
    well, badly = ("√", None), (None, "√")
    assert marks == [well, badly, badly, well, badly, well, badly, badly]
    assert "terlewat 2" in sheet["E8"].value
    assert "jadwal, 2 kali: tidak dilaksanakan pada jadwal 11/11, 12/11" in sheet["E8"].value
    assert "– Disk kedua dibeli dan dipasang tetap (Budi Santoso, paling lambat 17 November 2026)" in sheet["F7"].value
    assert "melewati 900 menit, terlama 2100,0" in sheet["E13"].value
    assert "1 pertanggungjawaban menunggu keputusan Kasi SI." in sheet["F13"].value
    text = "\n".join(str(c.value) for row in sheet.iter_rows() for c in row if c.value is not None)
    assert "Penilai," in text
    assert "Dewi Anggraini, M.T." in text


def test_without_a_record_the_evaluation_assesses_nothing() -> None:
    from tests.unit.workbook.reading import written

    sheet = load(written(sample.empty()))[1]["Evaluasi POS"]
    assert [(sheet.cell(row, 3).value, sheet.cell(row, 4).value) for row in range(6, 14)] == [(None, None)] * 8
    assert "tidak dapat dinilai" in sheet["E6"].value


def test_no_english_in_the_indonesian_one(events: list[Event]) -> None:
    values = load(book(events).content)[1]
    found = {
        f"{name}!{cell.coordinate}": cell.value
        for name in ("Ringkasan", "Troubleshooting", "Penyimpangan", "Evaluasi POS")
        for row in values[name].iter_rows()
        for cell in row
        if isinstance(cell.value, str) and english(re.sub(r"\(laman[^)]*\)|\(accept, return\)", "", cell.value))
    }
    assert found == {}
    words = load(book(events, lang="en").content)[1]
    assert words["POS Evaluation"]["C6"].value == "√"
    text = "\n".join(str(c.value) for row in words["Troubleshooting"].iter_rows() for c in row if c.value is not None)
    assert "php-fpm has no free worker" in text
    assert "A web shell answers on" in text
    assert "STILL OPEN" in text


@pytest.mark.parametrize("lang", ["id", "en"])
def test_every_cached_value_is_what_libreoffice_computes(events: list[Event], lang: str, tmp_path: Path) -> None:
    needs_libreoffice()
    path = tmp_path / "laman.xlsx"
    path.write_bytes(book(events, lang=lang).content)
    formula_book, cached = load(path)
    _, computed = load(recalculated(poisoned(path, tmp_path), tmp_path / "out"))
    found = formulas(formula_book)
    assert sum(sheet == "Troubleshooting" for sheet, _ in found) > 70
    wrong = {
        f"{sheet}!{cell}": (formula, cached[sheet][cell].value, computed[sheet][cell].value)
        for (sheet, cell), formula in found.items()
        if not same(cached[sheet][cell].value, computed[sheet][cell].value)
    }
    assert wrong == {}


@pytest.mark.parametrize("lang", ["id", "en"])
def test_on_paper_nothing_is_cut(events: list[Event], lang: str, tmp_path: Path) -> None:
    needs_libreoffice("pdftotext")
    path = tmp_path / "laman.xlsx"
    path.write_bytes(book(events, lang=lang).content)
    paper = converted(path, tmp_path, "pdf")
    text = subprocess.run(["pdftotext", "-layout", paper, "-"], check=True, capture_output=True, text=True).stdout
    assert "###" not in text
    for error in ("#REF!", "#NAME?", "#VALUE!", "#DIV/0!", "Err:5"):
        assert error not in text
    footers = [page.strip().split("\n")[-1] for page in text.split("\f") if page.strip()]
    evaluation, deviations = {"id": ("Evaluasi POS", "Penyimpangan"), "en": ("POS Evaluation", "Deviations")}[lang]
    pages = {
        name: sum(f" {name} " in footer for footer in footers) for name in (evaluation, "Troubleshooting", deviations)
    }
    assert pages == {evaluation: 1, "Troubleshooting": 2, deviations: 2}  # a row of a deviation stands on two


TYPED = ("title", "problem", "note", "party", "cause", "solution", "prevention", "consequence", "action", "action_by",
         "reported_by", "site", "original")  # fmt: skip


def spoiled(value: Any, text: str) -> Any:
    """What people typed, and the sites of tickets, replaced by a text."""
    if isinstance(value, dict):
        return {k: text if k in TYPED and isinstance(v, str) and v else spoiled(v, text) for k, v in value.items()}
    return [spoiled(v, text) for v in value] if isinstance(value, list) else value


@pytest.mark.parametrize("text", ["=cmd|'/C calc'!A0", "*?~", ">5", "a\x1b[31m\u202eb", "x" * 200])
def test_what_people_typed_stays_text(events: list[Event], text: str, tmp_path: Path) -> None:
    """It becomes no formula and moves no figure; LibreOffice counts the same with it."""
    needs_libreoffice()
    hostile = [
        replace(e, data=spoiled(e.data, text)) if e.kind.startswith(("ticket.", "deviation.")) else e for e in events
    ]
    path = tmp_path / "laman.xlsx"
    path.write_bytes(book(hostile).content)
    written, cached = load(path)
    found = formulas(written)
    plain = formulas(load(book(events).content)[0])
    assert {f for f in found.values() if text in f} == set()
    elsewhere = {key for key in plain if key[0] != "Troubleshooting"}
    assert {key: found.get(key) for key in elsewhere} == {key: plain[key] for key in elsewhere}
    _, computed = load(recalculated(poisoned(path, tmp_path), tmp_path / "out"))
    for (sheet, cell), formula in found.items():
        assert same(cached[sheet][cell].value, computed[sheet][cell].value), f"{sheet}!{cell} {formula}"


# --- across periods


def closed(events: list[Event], period: Period, at: datetime) -> list[Event]:
    """The events with that period closed."""
    made = book(events, period, at)
    data = PeriodClosed(
        period=period.text, head_seq=events[-1].seq, head_hash=events[-1].hash, as_of=at, issued_at=at, language="id",
        figures_hash=figures_hash(made.compliance), closed_by=sample.DEWI, agent=all_eight.KEYBOARD,
        workbook=EvidenceFile(path="x", bytes=len(made.content), sha256=made.sha256),
        standards=[s.model_dump(mode="json") for s in load_standards()], version="0",
    )  # fmt: skip
    return [*events, told(events, at, KIND_PERIOD_CLOSED, period.text, data.json_value())]


def told(events: list[Event], at: datetime, kind: str, subject: str, data: dict[str, Any]) -> Event:
    seq = events[-1].seq + 1
    return replace(events[-1], seq=seq, at=at, kind=kind, subject=subject, data=data, hash=f"{seq:064x}")


def answered(events: list[Event], at: datetime, wanted: str) -> list[Event]:
    """The events with an account of a deviation, accepted an hour later."""
    story = all_eight.Year(events=list(events))
    texts = ("Timer mati setelah pembaruan.", "Log dua hari terlambat dibaca.", "Timer dipantau laman due.", "Budi")
    situation = story.situation(at)
    asked = commands.AskedAccount([wanted], *texts, until=at.date() + timedelta(days=7))
    story.append(at, commands.account_drafts(situation, commands.account(situation, asked), "f", "cc", []))
    later = at + timedelta(hours=1)
    story.append(later, commands.accept(story.situation(later), commands.AskedDecision([wanted], "accepted")))
    return story.ordered()


def test_an_account_after_the_close_changes_nothing_in_it_and_stands_in_the_next(events: list[Event]) -> None:
    first = book(events)
    known = closed(events, NOVEMBER, all_eight.CLOSED_AT)
    missed = next(d for d in first.compliance.deviations if d.aspect == "jadwal" and d.account is None)
    known = answered(known, all_eight.AT("12-03 09:00"), missed.id)
    (closure,) = closures(known)
    assert recomputed(closure, known, "id").content == first.content
    again = corrected(closure, known, Head(known[-1].seq, known[-1].hash), "id", all_eight.AT("12-04 09:00"))
    changes = [(c.name, c.was, c.now) for c in again.changes if c.what == "account"]
    assert changes == [(missed.id, "belum dipertanggungjawabkan", "diterima")]
    december = book(known, DECEMBER, all_eight.AT("12-31 16:00"))
    rows = {r["ID Penyimpangan"]: r for r in table_rows(load(december.content)[1], "Penyimpangan", "tblSebelumnya")}
    assert rows[missed.id]["Status Tanggung Jawab"] == "diterima"
    assert rows[missed.id]["Penyebab"] == "Timer mati setelah pembaruan."
    open_then = {d.id for d in first.compliance.deviations if not d.accepted}
    assert open_then <= set(rows)
    accepted = {d.id for d in first.compliance.deviations if d.accepted}
    assert not accepted & set(rows)  # they stood as accepted in November's
    known = closed(known, DECEMBER, datetime(2027, 1, 4, 8, 0, tzinfo=sample.WIB))
    compliance = evaluate(load_standards(), known, JANUARY, datetime(2027, 1, 20, 8, 0, tzinfo=sample.WIB))
    left = {d.id for d in earlier_of(known, compliance, load_standards()).deviations}
    assert missed.id not in left
    assert open_then - {missed.id} <= left


def test_what_is_left_out_for_speed_changes_no_deviation(events: list[Event]) -> None:
    whole = evaluate(load_standards(), events, NOVEMBER, all_eight.CLOSED_AT)
    lean = evaluate(load_standards(), list(lightened(events)), NOVEMBER, all_eight.CLOSED_AT)
    assert lean.deviations == whole.deviations
    assert lean.occasions == whole.occasions
    assert [t.findings for t in lean.all_totals()] == [t.findings for t in whole.all_totals()]
    assert any(e.data["document"]["findings"] for e in events if e.kind == KIND_FINISHED)
    every = {d.id for d in evaluate_all(load_standards(), events, all_eight.CLOSED_AT).deviations}
    assert {d.id for d in whole.deviations} < every
    assert set(fold_accounts(events)) - every == {"D-00C0FFEE00"}
