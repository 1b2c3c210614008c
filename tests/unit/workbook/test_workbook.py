"""The workbook as openpyxl reads it: sheets, tables, print set-up, and figures equal to compliance's own."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from reporting.compliance import Compliance, Execution, Period, evaluate
from reporting.standard import ACTOR_ROLES, load_standards
from reporting.workbook import write_workbook
from tests import golden
from tests.unit.workbook import sample
from tests.unit.workbook.reading import (
    ACTIVITY_COLUMNS,
    FIRST_ACTIVITY,
    formulas,
    formulas_in_xml,
    load,
    parts,
    table_rows,
    written,
)
from tests.unit.workbook.test_cells import HOSTILE

SHEETS = {
    "id": [
        "Ringkasan",
        "Mutu Baku",
        "Pelaksanaan",
        "Konten",
        "Backup",
        "Aktivitas Pengunjung",
        "Perpanjangan",
        "Troubleshooting",
        "Penyimpangan",
        "Evaluasi POS",
        "Bukti",
    ],
    "en": [
        *("Summary", "Standard", "Executions", "Content", "Backup", "Visitor Activity"),
        *("Renewals", "Troubleshooting", "Deviations", "POS Evaluation", "Evidence"),
    ],
}


def golden_month(lang: str = "id") -> Compliance:
    as_of = golden.local(golden.load("expected.yml")["as_of"])
    period = Period.parse("2026-05", "Asia/Jakarta")
    return evaluate(load_standards(), golden.events(), period, as_of, "en" if lang == "en" else "id")


CASES: dict[str, Callable[[], Compliance]] = {"month": sample.month, "golden": golden_month, "empty": sample.empty}


@pytest.fixture(scope="module", params=[(name, lang) for name in CASES for lang in ("id", "en")], ids="-".join)
def made(request: pytest.FixtureRequest) -> tuple[Compliance, str, bytes]:
    name, lang = request.param
    compliance = CASES[name]()
    return compliance, lang, written(compliance, lang)


def test_sheets_are_there_in_order(made: tuple[Compliance, str, bytes]) -> None:
    _, lang, content = made
    assert load(content)[0].sheetnames == SHEETS[lang]


def test_every_formula_has_its_result_beside_it(made: tuple[Compliance, str, bytes]) -> None:
    book, values = load(made[2])
    found = formulas(book)
    assert len(found) > 150
    for (sheet, cell), formula in found.items():
        value = values[sheet][cell].value
        assert value is not None, f"{sheet}!{cell} {formula} has no cached value"
        assert not str(value).startswith("#"), f"{sheet}!{cell} {formula} = {value}"
    assert len(formulas_in_xml(made[2])) == len(found)


def test_every_number_of_the_summary_is_a_formula(made: tuple[Compliance, str, bytes]) -> None:
    summary = load(made[2])[0].worksheets[0]
    plain = [
        cell.coordinate
        for row in summary.iter_rows()
        for cell in row
        if cell.data_type == "n" and cell.value is not None and cell.column_letter != "A"
    ]
    assert plain == []  # column A numbers activities and deviations


def test_the_summary_says_what_compliance_says(made: tuple[Compliance, str, bytes]) -> None:
    compliance, _, content = made
    values = load(content)[1].worksheets[0]
    for totals in compliance.all_totals():
        row = FIRST_ACTIVITY + totals.activity - 1
        said = [values[f"{letter}{row}"].value for letter in ACTIVITY_COLUMNS]
        decided = totals.kept + totals.deviating + totals.missed
        run = totals.sesuai + totals.menyimpang
        share: Any = "–"
        if totals.occasions and decided:
            share = totals.kept / decided
        elif run and not totals.occasions:
            share = totals.sesuai / run
        measured = [e.minutes for e in compliance.of_activity(totals.activity) if e.minutes is not None]
        expected = [
            *(totals.occasions, totals.kept, totals.deviating, totals.missed, totals.waiting + totals.open),
            *(totals.executions, totals.sesuai, totals.menyimpang, totals.menunggu, totals.ad_hoc),
            totals.minutes_sum / len(measured) if measured else "–",
            totals.minutes_max if totals.minutes_max is not None else "–",
            compliance.standard.activity(totals.activity).minutes,
            share,
            totals.deviations,
        ]
        assert said == pytest.approx(expected), f"activity {totals.activity}"


def test_the_golden_month_on_paper() -> None:
    """The sums of tests/data/golden, which were worked out by hand."""
    _, values = load(written(golden_month()))
    summary = values["Ringkasan"]
    keys = ("occasions", "kept", "deviating", "missed", "executions", "sesuai", "menyimpang", "menunggu", "ad_hoc")
    paper = golden.load("expected.yml")["totals"].values()
    sums = {key: sum(totals[key] for totals in paper) for key in (*keys, "deviations")}
    row = FIRST_ACTIVITY + 8
    assert [summary[f"{letter}{row}"].value for letter in "CDEFHIJKL"] == [sums[key] for key in keys]
    decided = sums["kept"] + sums["deviating"] + sums["missed"]
    assert summary[f"P{row}"].value == pytest.approx(sums["kept"] / decided)
    assert summary[f"Q{row}"].value == sums["deviations"] > 0
    assert summary["A12"].value == (
        f"Dari {decided} jadwal yang sudah diputus, {sums['kept']} sesuai POS, {sums['deviating']} menyimpang, "
        f"dan {sums['missed']} terlewat. Masih ada {sums['deviations']} penyimpangan yang wajib "
        "dipertanggungjawabkan oleh pelaksana (POS, Peringatan 2)."
    )


def test_an_empty_period_says_so_without_an_error() -> None:
    summary = load(written(sample.empty()))[1]["Ringkasan"]
    assert summary["A7"].value == "–"
    assert summary["A12"].value.startswith("Belum ada jadwal")
    assert [summary[f"R{row}"].value for row in range(16, 24)] == ["belum ada pelaksanaan"] * 8


def test_activities_4_to_8_wait_for_their_turn() -> None:
    summary = load(written(sample.month()))[1]["Ringkasan"]
    assert [summary[f"R{row}"].value for row in range(19, 24)] == ["belum ada pelaksanaan"] * 5
    assert [summary[f"A{row}"].value for row in range(16, 24)] == list(range(1, 9))


def test_the_tables_are_real_and_filtered(made: tuple[Compliance, str, bytes]) -> None:
    book, _ = load(made[2])
    tables = {name: sheet.tables[name] for sheet in book for name in sheet.tables}
    assert set(tables) == {
        *("tblPelaksanaan", "tblKonten", "tblTemuanKonten", "tblBackup", "tblLog", "tblMencurigakan"),
        *("tblTemuanPengunjung", "tblHalaman", "tblHarian", "tblPengunjung", "tblPenyimpangan", "tblBukti"),
    }
    for name, table in tables.items():
        assert table.autoFilter is not None, name
        headers = [column.name.casefold() for column in table.tableColumns]  # Excel tells no case apart
        assert len(set(headers)) == len(headers), name


def test_references_in_formulas_are_to_columns_that_are_there(made: tuple[Compliance, str, bytes]) -> None:
    book, _ = load(made[2])
    columns = {
        name: {column.name for column in sheet.tables[name].tableColumns} for sheet in book for name in sheet.tables
    }
    found = 0
    for formula in formulas(book).values():
        for table, column in re.findall(r"(tbl\w+)\[([^\]]+)\]", formula):
            assert column in columns[table], formula
            found += 1
    assert found > 200


def test_pelaksanaan_has_a_row_for_each_execution_and_each_occasion_without_one() -> None:
    compliance = golden_month()
    rows = table_rows(load(written(compliance))[1], "Pelaksanaan", "tblPelaksanaan")
    assert {r["ID Pelaksanaan"] for r in rows if r["Mulai"]} == {e.id for e in compliance.executions}
    missed = [r for r in rows if r["Putusan"] == "terlewat"]
    assert len(missed) == sum(o.state == "terlewat" for o in compliance.occasions) == 3
    assert len(rows) == len(compliance.executions) + len(missed)
    decides = {r["ID Pelaksanaan"]: r["Penentu Jadwal"] for r in rows}
    assert (decides["e19"], decides["e13"]) == ("ya", "tidak")  # unread, although a later attempt was read
    assert sum(r["Penentu Jadwal"] == "ya" for r in rows) == len(compliance.occasions)
    by_id = {e.id: e for e in compliance.executions}
    for row in rows:
        if row["Mulai"]:
            e = by_id[row["ID Pelaksanaan"]]
            told = (row["Perlengkapan"], row["Waktu"], row["Output"], row["Putusan"])
            assert told == (e.requirement.status, e.time.status, e.output.status, e.verdict.status)
            assert row["Pelaksana"] == e.executor.name
            assert row["Menit"] == pytest.approx(e.minutes)
            assert row["Mulai"] == e.started_at.astimezone(sample.WIB).replace(tzinfo=None)


def test_an_occasion_is_counted_once_whatever_its_attempts() -> None:
    """Two attempts, of which the second decides; and a failed attempt in a window that is still open."""
    start = datetime(2026, 11, 3, 5, 0, tzinfo=sample.WIB)
    first = sample.failed(sample.execution(2, "laman", start), output="rusak")
    second = sample.execution(2, "laman", start.replace(hour=7), attempt=2)
    summary = load(written(sample.whole([first, second])))[1]["Ringkasan"]
    assert [summary[f"{c}17"].value for c in "CDEFGHIJK"] == [1, 1, 0, 0, 0, 2, 1, 1, 0]
    open_ = replace(sample.whole([first]), occasions=(sample.occasion(2, "laman", date(2026, 11, 3), "terbuka", "x"),))
    summary = load(written(open_))[1]["Ringkasan"]
    assert [summary[f"{c}17"].value for c in "CDEFGHIJK"] == [1, 0, 0, 0, 1, 1, 0, 1, 0]
    assert summary["P17"].value == "–"  # planned, but nothing of it decided yet


def test_an_execution_that_decides_overlapping_windows_counts_for_each() -> None:
    one = sample.execution(2, "laman", datetime(2026, 11, 3, 5, 0, tzinfo=sample.WIB))
    compliance = sample.whole([one])
    also = replace(sample.occasion(2, "laman", date(2026, 11, 2), "sesuai", ""), executions=(one.id,))
    both = replace(compliance, occasions=(also, *compliance.occasions))
    _, values = load(written(both))
    totals = both.totals(2)
    assert (totals.occasions, totals.kept, totals.executions, totals.sesuai) == (2, 2, 1, 1)
    assert [values["Ringkasan"][f"{c}17"].value for c in "CDEFGHIJK"] == [2, 2, 0, 0, 0, 1, 1, 0, 0]
    rows = table_rows(values, "Pelaksanaan", "tblPelaksanaan")
    assert [(r["Mulai"] is None, r["ID Pelaksanaan"], r["Putusan"]) for r in rows] == [
        (True, one.id, "sesuai"),
        (False, one.id, "sesuai"),
    ]


def test_mutu_baku_is_the_pos_word_for_word() -> None:
    pos = load_standards()[-1]
    sheet = load(written(sample.month()))[1]["Mutu Baku"]
    cells = [[cell.value for cell in row] for row in sheet.iter_rows()]
    said = "\n".join(str(value) for row in cells for value in row if value is not None)
    for group in (pos.legal_basis, pos.qualifications, pos.related, pos.equipment, pos.warnings, pos.record_keeping):
        for number, wording in enumerate(group, start=1):
            assert f"{number}. {wording.id}" in said
    for text in (pos.number, pos.ministry.id, pos.directorate.id, pos.agency.id, "17 November 2017", "4 Desember 2017"):
        assert text in said
    assert pos.approved_by.name in said
    assert pos.approved_by.nip in said
    heads = next(number for number, row in enumerate(cells) if row[0] == "NO.")
    assert [cells[heads][c] for c in (0, 1, 2, 6, 9)] == ["NO.", "KEGIATAN", "PELAKSANA", "MUTU BAKU", "KET."]
    assert cells[heads + 1][2:6] == [pos.actors[role].id for role in ACTOR_ROLES]
    assert cells[heads + 1][6:9] == ["Persyaratan / Kelengkapan", "Waktu", "Output"]
    for row, activity in zip(cells[heads + 2 :], pos.activities, strict=False):
        assert (row[0], row[1], row[6], row[8]) == (
            activity.number,
            activity.text.id,
            activity.requirement.id,
            activity.output.id,
        )
        assert row[7] == activity.minutes
        assert row[2 + ACTOR_ROLES.index(activity.role)] == "●"
    assert sheet.cell(heads + 3, 8).number_format == '0" mnt"'  # printed as the POS prints it: 300 mnt


def test_penyimpangan_leaves_room_for_the_account() -> None:
    compliance = sample.month()
    rows = table_rows(load(written(compliance))[1], "Penyimpangan", "tblPenyimpangan")
    assert len(rows) == len(compliance.deviations)
    assert {r["ID Penyimpangan"] for r in rows} == {d.id for d in compliance.deviations}
    for row in rows:
        assert [row[name] for name in ("Penyebab", "Akibat", "Tindakan Perbaikan", "Sampai Tanggal")] == [None] * 4
        assert row["Aspek"]
        assert row["Alasan"]
    assert rows[-1]["Status Tanggung Jawab"] == "diterima"  # what is settled stands last


def test_measures_stand_on_their_sheets() -> None:
    compliance = sample.month()
    _, values = load(written(compliance))
    sections = table_rows(values, "Konten", "tblKonten")
    assert len(sections) == 8
    assert {r["Status"] for r in sections} == {"mutakhir", "usang"}
    assert {r["Kali Cek"] for r in sections} == {4}
    backups = table_rows(values, "Backup", "tblBackup")
    measured = [e for e in compliance.of_activity(2) if e.document is not None and not e.by_hand]
    assert len(backups) == 2 * len(measured) + 1
    assert all(re.fullmatch(r"[0-9a-f]{64}", r["SHA-256"]) for r in backups)
    traffic = table_rows(values, "Aktivitas Pengunjung", "tblPengunjung")
    daily = table_rows(values, "Aktivitas Pengunjung", "tblHarian")
    assert len(daily) == 30
    assert sum(r["Permintaan"] for r in daily) == sum(r["Permintaan"] for r in traffic) > 0
    suspicious = table_rows(values, "Aktivitas Pengunjung", "tblMencurigakan")
    assert {r["Kelas Mencurigakan"] for r in suspicious} == {"injeksi SQL", "penembusan direktori"}
    log = table_rows(values, "Aktivitas Pengunjung", "tblLog")
    assert all(r["Terbaca"] + r["Ditolak"] == r["Baris"] for r in log)
    evidence = table_rows(values, "Bukti", "tblBukti")
    assert {(r["Jalur"], r["SHA-256"], r["Byte"]) for r in evidence} == {
        (e.file.path, e.file.sha256, e.file.bytes) for e in compliance.evidence
    }


def figures_of(*executions: Execution) -> dict[str, Any]:
    """The tiles of a period with these executions, by their captions."""
    summary = load(written(sample.whole(list(executions))))[1]["Ringkasan"]
    return {
        summary.cell(row, column).value: summary.cell(row + 1, column).value
        for row in (6, 9)
        for column in (1, 3, 6, 9, 12, 15)
    }


def test_a_backup_made_by_hand_is_seen_by_management() -> None:
    start = datetime(2026, 11, 5, 9, 0, tzinfo=sample.WIB)
    one = sample.by_hand("laman", start, files=2)
    _, values = load(written(sample.whole([one])))
    rows = table_rows(values, "Backup", "tblBackup")
    assert [(r["Bagian"], r["Byte Bukti"], r["SHA-256"], r["Jalur"]) for r in rows] == [
        (file.path.rpartition("/")[2], file.bytes, file.sha256, file.path) for file in one.evidence
    ]
    for row in rows:
        assert (row["Set Backup"], row["Jenis"]) == ("dicatat dengan tangan", "berkas bukti")
        assert "DVD 12, disimpan di lemari besi" in row["KET."]
        assert row["Cara Verifikasi"] == "disalin ke arsip, dibaca kembali, SHA-256"
        assert row["Byte Tersimpan"] is None  # the photo of a disc is not the backup
    assert "Tidak ada backup" not in str(values["Backup"]["A2"].value)
    tiles = figures_of(one)
    assert tiles["BACKUP SESUAI TERAKHIR"] == datetime(2026, 11, 5, 9, 38)  # noqa: DTZ001 - a cell has no zone
    assert tiles["BACKUP TERSIMPAN"] == 0


def test_a_backup_by_hand_without_a_file_is_a_row_that_says_so() -> None:
    start = datetime(2026, 11, 5, 9, 0, tzinfo=sample.WIB)
    one = sample.failed(sample.by_hand("laman", start, files=0), output="no output: the disc broke")
    _, values = load(written(sample.whole([one])))
    (row,) = table_rows(values, "Backup", "tblBackup")
    assert (row["Bagian"], row["Output"], row["Putusan"]) == ("(tidak ada berkas)", "menyimpang", "menyimpang")
    assert figures_of(one)["BACKUP SESUAI TERAKHIR"] == "–"
    (row,) = table_rows(values, "Pelaksanaan", "tblPelaksanaan")
    assert row["Alasan"] == "Output: tidak ada output: the disc broke"


@pytest.mark.parametrize(("activity", "sheet"), [(1, "Konten"), (3, "Aktivitas Pengunjung")])
def test_what_was_done_by_hand_is_not_told_as_nothing(activity: int, sheet: str) -> None:
    start = datetime(2026, 11, 5, 9, 0, tzinfo=sample.WIB)
    one = sample.by_hand("laman", start, activity=activity)
    said = "Dicatat dengan tangan, tanpa ukuran: 1 pelaksanaan; lihat lembar Pelaksanaan dan Bukti."
    assert load(written(sample.whole([one])))[1][sheet]["A2"].value == said
    both = load(written(sample.whole([one, sample.execution(activity, "ppid", start)])))[1][sheet]
    assert both["A2"].value != said
    assert both["A3"].value == said


def test_only_what_is_whole_counts_as_stored() -> None:
    """A set that deviates in its output (*.tidak-lengkap) is on the sheet and not in the sum; one that is late is."""
    day = datetime(2026, 11, 3, 20, 0, tzinfo=sample.WIB)
    good = sample.execution(2, "laman", day)
    late = sample.failed(sample.execution(2, "laman", day.replace(day=4)), time="terlambat")
    broken = sample.failed(sample.execution(2, "laman", day.replace(day=5)), output="tidak utuh")
    stored = figures_of(good)["BACKUP TERSIMPAN"]
    assert stored > 0
    assert figures_of(good, late)["BACKUP TERSIMPAN"] == 2 * stored
    tiles = figures_of(good, late, broken)
    assert tiles["BACKUP TERSIMPAN"] == 2 * stored
    assert tiles["BACKUP SESUAI TERAKHIR"] == good.ended_at.replace(tzinfo=None)  # type: ignore[union-attr]


def test_clients_are_not_told_where_they_are_not_counted() -> None:
    values = load(written(sample.month()))[1]
    rows = table_rows(values, "Aktivitas Pengunjung", "tblHalaman")
    assert set(rows[0]) == {"Laman", "Jalur", "Permintaan"}
    assert "MENCURIGAKAN (PER KELAS)" in figures_of(*sample.month().executions)


def test_the_deviations_say_where_their_account_stands_for_now() -> None:
    sheet = load(written(sample.month()))[1]["Penyimpangan"]
    assert "belum tercatat" in sheet["A3"].value
    assert "not on record" in load(written(sample.month(), "en"))[1]["Deviations"]["A3"].value


def test_reasons_of_engines_are_read_in_indonesian_and_kept_in_english() -> None:
    start = datetime(2026, 11, 3, 20, 0, tzinfo=sample.WIB)
    reason = "artikel: not saved: database /srv/a.db: unable to open database file"
    one = sample.failed(sample.execution(2, "laman", start), output=reason)
    compliance = replace(sample.whole([one]), deviations=(sample.deviation(one, "output", reason),))
    said = "artikel: tidak disimpan: basis data /srv/a.db: berkas basis data tidak dapat dibuka"
    for lang, told in (("id", said), ("en", reason)):
        content = load(written(compliance, lang))[1]
        executions, deviations = content[SHEETS[lang][2]], content["Penyimpangan" if lang == "id" else "Deviations"]
        assert any(cell.value == f"Output: {told}" for row in executions.iter_rows() for cell in row)
        assert any(cell.value == told for row in deviations.iter_rows() for cell in row)
        assert any(cell.value == told for row in content.worksheets[0].iter_rows() for cell in row)


def test_print_set_up(made: tuple[Compliance, str, bytes]) -> None:
    _, lang, content = made
    book, _ = load(content)
    for sheet in book:
        assert sheet.page_setup.orientation == "landscape"
        assert int(sheet.page_setup.paperSize) == 9
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
        assert int(sheet.page_setup.fitToWidth or 1) <= 2
        assert int(sheet.page_setup.fitToHeight) == 0
        assert sheet.oddFooter.right.text.endswith("&P dari &N" if lang == "id" else "&P of &N")
        assert sheet.freeze_panes, sheet.title
        if sheet.title != SHEETS[lang][0]:
            assert sheet.print_title_rows, sheet.title


def test_charts_are_native_and_know_their_values(made: tuple[Compliance, str, bytes]) -> None:
    book, _ = load(made[2])
    assert len(book.worksheets[0]._charts) == 3
    charts = [text for name, text in parts(made[2]).items() if name.startswith("xl/charts/chart")]
    assert len(charts) == 3
    assert all("<c:numCache>" in text for text in charts)


def test_verdicts_are_chosen_from_a_list_and_coloured() -> None:
    sheet = load(written(sample.month()))[0]["Pelaksanaan"]
    lists = {rule.formula1 for rule in sheet.data_validations.dataValidation}
    assert '"sesuai,menyimpang,menunggu"' in lists
    assert '"sesuai,menyimpang,menunggu,terlewat,terbuka,dibuka kembali"' in lists
    rules = {rule.formula[0] for area in sheet.conditional_formatting for rule in area.rules}
    assert {'"sesuai"', '"menyimpang"', '"menunggu"', '"terlewat"'} <= rules


def test_the_head_the_signers_and_the_properties(made: tuple[Compliance, str, bytes]) -> None:
    compliance, _, content = made
    book, values = load(content)
    said = "\n".join(str(c.value) for row in values.worksheets[0].iter_rows() for c in row if c.value is not None)
    assert sample.HEAD.hash in said
    assert str(sample.HEAD.seq) in said
    for officer in compliance.unit.officers:
        assert officer.name in said or not officer.in_office(sample.ISSUED.date())
    assert book.properties.creator == compliance.unit.name
    assert book.properties.created == datetime(2026, 12, 1, 2, 15)  # noqa: DTZ001 - stored in UTC without a zone


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    """Also in another process, with another hash seed and zone."""
    here = written(sample.month())
    assert here == written(sample.month())
    other = tmp_path / "other.xlsx"
    script = f"from tests.unit.workbook.reading import *; open({str(other)!r}, 'wb').write(written(sample.month()))"
    environment = {"PYTHONHASHSEED": "7", "TZ": "America/Lima", "PATH": "", "PYTHONPATH": ":".join(sys.path)}
    subprocess.run([sys.executable, "-c", script], check=True, env=environment)
    assert other.read_bytes() == here


def test_a_file_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "laman.xlsx"
    write_workbook(sample.empty(), sample.HEAD, path, issued_at=sample.ISSUED)
    before = path.read_bytes()
    with pytest.raises(FileExistsError):
        write_workbook(sample.month(), sample.HEAD, path, issued_at=sample.ISSUED)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["laman.xlsx"]


def hostile_month(text: str) -> Compliance:
    """`text` everywhere where text from outside can stand."""
    person = replace_person(text)
    start = datetime(2026, 11, 3, 5, 0, tzinfo=sample.WIB)
    site = text + " site" * 40
    made = []
    for activity in (1, 2, 3):
        one = sample.execution(activity, "laman", start)
        made.append(sample.failed(replace(one, site=site, executor=person), requirement=text, output=text * 3))
    deviations = tuple(sample.deviation(one, "output", text) for one in made)
    return replace(
        sample.whole(made, unit=sample.unit(name=text, parent=text, city=text)), deviations=deviations, problems=(text,)
    )


def replace_person(text: str) -> Any:
    return sample.BUDI.model_copy(update={"name": text, "title": text})


@pytest.mark.parametrize("text", [text for text in HOSTILE if "\ud800" not in text])
def test_nothing_from_outside_becomes_a_formula_or_a_link(text: str) -> None:
    content = written(hostile_month(text))
    book, _ = load(content)
    ours = set(formulas(load(written(hostile_month("plain")))[0]))
    assert set(formulas(book)) == ours
    for sheet in book:
        assert not sheet._hyperlinks
        for row in sheet.iter_rows():
            for cell in row:
                assert not (isinstance(cell.value, str) and re.search(r"[\x00-\x08\x0b-\x1f\x7f]", cell.value))


def test_a_surrogate_alone_does_no_harm() -> None:
    start = datetime(2026, 11, 3, 5, 0, tzinfo=sample.WIB)
    one = sample.failed(sample.execution(1, "laman", start), output="lone \ud800 surrogate")
    rows = table_rows(load(written(sample.whole([one])))[1], "Pelaksanaan", "tblPelaksanaan")
    assert rows[0]["Alasan"] == "Output: lone \ufffd surrogate"


def test_helping_does_not_load_the_heavy_libraries() -> None:
    script = (
        "import sys, reporting.workbook; "
        "print(sorted({'pandas', 'xlsxwriter', 'openpyxl', 'polars'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
