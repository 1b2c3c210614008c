"""What papers print, that data stays data, whose template is used, and that altered files are told from issued ones."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from docx import Document

from reporting.attachments import AttachmentError, attached
from reporting.events import EvidenceFile, PaperIssued
from reporting.forms.build import BUILDERS, TEMPLATES, built
from reporting.forms.data import KINDS, FormError, PaperData, PaperKind
from reporting.forms.identify import identified, mark_in
from reporting.forms.package import packed, parts_of
from reporting.forms.pdf import pdf_of
from reporting.forms.render import docx_of, template_of
from reporting.forms.words import grouped_nip, grouped_npwp, minutes_text
from tests.papers import pdf
from tests.unit.forms.paper_world import LONG_NAME, data_of, extreme, paid, submitted, unit


def text_of(content: bytes) -> str:
    document = Document(io.BytesIO(content))
    lines = [p.text for p in document.paragraphs]
    lines += [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    lines += [p.text for p in document.sections[0].footer.paragraphs]
    return "\n".join(lines)


def paper(data: PaperData) -> str:
    return text_of(docx_of(data, template_of(data.kind, None)))


def issued(data: PaperData, *contents: bytes) -> PaperIssued:
    import hashlib
    from datetime import UTC, datetime

    files = [
        EvidenceFile(path=f"{n}", bytes=len(c), sha256=hashlib.sha256(c).hexdigest()) for n, c in enumerate(contents)
    ]
    return PaperIssued(paper=data.id, kind=data.kind, case=data.case, number=data.number, content_hash=data.digest,
                       files=files, issued_at=datetime(2026, 3, 24, tzinfo=UTC))  # fmt: skip


def test_the_submission_has_what_the_payment_desk_asks_for() -> None:
    data = data_of(submitted(unit()), "submission")
    said = paper(data)
    for wanted in (
        "LEMBAR PENGAJUAN PEMBAYARAN", "INV-77", "10 Maret 2026", "9 April 2026", "domain.example.id", "ACC-hosting",
        "10 April 2026", "10 April 2027", "1.250.000", "PPN 11%", "275.000", "2.775.000",
        "Dua juta tujuh ratus tujuh puluh lima ribu rupiah", "521115", "PT Penyedia Jaringan", "01.234.567.8-901.000",
        "Bank Mandiri 123-00-9876543-2", "Budi Santoso", "NIP 19800101 200501 1 001", "Siti Rahmawati", "Agus Wijaya",
        "NIP ....", "Jakarta, 24 Maret 2026", data.id, data.short_hash,
    ):  # fmt: skip
        assert wanted in said, wanted


def test_the_receipt_has_the_fields_of_pmk_190_and_the_taxes() -> None:
    said = paper(data_of(paid(unit()), "receipt"))
    for wanted in (
        "Tahun anggaran", "Nomor bukti", "Mata anggaran", "Sudah terima dari", "Pejabat Pembuat Komitmen", "(137712)",
        "Jumlah uang", "Rp2.775.000", "Terbilang", "Untuk pembayaran", "INV-77", "Penerima", "meterai", "stempel",
        "Bendahara Pengeluaran", "Pejabat Penerima Barang/Jasa", "Rina Kusuma", "NIP 19750202 200003 2 002",
        "PPh 2% dipotong", "Rp50.000", "Rp275.000", "Rp2.450.000",
    ):  # fmt: skip
        assert wanted in said, wanted


def test_a_receipt_over_a_part_splits_its_taxes() -> None:
    sums = data_of(paid(unit()), "receipt", amount=1_387_500).sums
    assert (sums.total, sums.amount, sums.tax, sums.income_tax, sums.net) == (
        "1.387.500", "1.250.000", "137.500", "25.000", "1.225.000")  # fmt: skip
    assert sums.partial
    with pytest.raises(FormError, match="the invoice over 2775000"):
        data_of(paid(unit()), "receipt", amount=2_775_001)


def test_ppn_that_the_treasurer_does_not_keep_is_paid_out() -> None:
    kept = data_of(paid(unit(payment={"vat_collected": False, "income_tax_percent": 1.5})), "receipt").sums
    assert (kept.kept_tax, kept.income_tax_label, kept.income_tax, kept.net) == ("0", "PPh 1,5%", "37.500", "2.737.500")


def test_ppn_of_another_rate_is_not_called_eleven_percent() -> None:
    assert data_of(submitted(unit(), tax=300_000), "submission").sums.tax_label == "PPN (sesuai invoice)"


def test_the_status_report_tells_ends_proof_minutes_and_deviations() -> None:
    world = paid(unit())
    world.report("2026-03-24 09:00", "not_moved")
    data = data_of(world, "status_report", "2026-03-24 10:00")
    assert [(s.old_end, s.new_end, s.seen, s.proof) for s in data.services] == [
        ("10 April 2026", "10 April 2027", "10 April 2026", "belum diperpanjang")] * 2  # fmt: skip
    assert [(s.name, s.minutes, s.standard, s.verdict) for s in data.steps[:3]] == [
        ("Pengajuan", "10", "30", "sesuai"), ("Persetujuan", "10", "30", "sesuai"),
        ("Pembayaran", "40", "450", "sesuai")]  # fmt: skip
    assert data.steps[3].verdict == "menyimpang"
    said = paper(data)
    assert "belum terbukti diperpanjang" in said
    assert all(d in said for d in data.deviations)
    assert len(data.deviations) >= 3


def test_officers_are_those_of_the_day_and_acting_ones_say_so() -> None:
    world = submitted(unit())
    assert data_of(world, "approval", "2026-05-31 23:00").approver.name == "Siti Rahmawati"
    later = data_of(world, "approval", "2026-06-01 08:00").approver
    assert (later.title, later.name, later.nip) == (
        "Plt. Kepala Seksi Sistem Informasi",
        "Tono",
        "19900315 202421 1 003",
    )


def test_an_assignment_of_the_unit_moves_the_signature() -> None:
    data = data_of(submitted(unit(assignment={6: "pengelola_laman"})), "submission")
    assert data.payer.name == "Rina Kusuma"


@pytest.mark.parametrize(
    ("kind", "state"), [("approval", "returned"), ("receipt", "submitted"), ("status_report", "approved")]
)
def test_a_paper_that_the_case_is_not_ready_for_is_refused(kind: PaperKind, state: str) -> None:
    world = submitted(unit())
    if state == "returned":
        world.do("return", "2026-03-23 08:20", note="salah")
    elif state == "approved":
        world.do("approve", "2026-03-23 08:20")
    with pytest.raises(FormError, match=f"P-2026-001 is {state}: no paper of kind {kind}"):
        data_of(world, kind)


@pytest.mark.parametrize("kind", KINDS)
def test_hostile_values_print_as_text(kind: PaperKind) -> None:
    world = extreme()
    if kind == "status_report":
        world.report("2026-03-24 09:00")
    content = docx_of(data_of(world, kind), template_of(kind, None))
    said = text_of(content)
    assert "{{ 7*7 }} {% raw %} <w:p> &amp; ␛[31m␀ ]]> \ufffd ${x}" in said
    assert "49 {%" not in said
    assert LONG_NAME in said
    if kind != "status_report":
        assert "999.999.999.999" in said
    parts = parts_of(content, "x")
    assert not [p for p in parts if "vba" in p.lower()]
    assert not any(b"External" in c for p, c in parts.items() if p.endswith(".rels"))


@pytest.mark.parametrize("kind", KINDS)
def test_the_templates_in_the_repository_are_what_the_builder_makes(kind: PaperKind) -> None:
    assert set(BUILDERS) == set(KINDS)
    assert parts_of(built(kind), "built") == parts_of((TEMPLATES / f"{kind}.docx").read_bytes(), "kept")
    assert built(kind) == built(kind)


def test_the_same_data_make_the_same_file() -> None:
    data = data_of(submitted(unit()), "submission")
    assert docx_of(data, template_of("submission", None)) == docx_of(data, template_of("submission", None))


def _own_template(folder: Path, *lines: str) -> Path:
    document = Document()
    for line in lines:
        document.add_paragraph(line)
    path = folder / "submission.docx"
    document.save(str(path))
    return path


def test_a_units_own_template_is_used(tmp_path: Path) -> None:
    _own_template(tmp_path, "Milik kami {{ provider }} {{ sums.total }}", "{{ id }} {{ hash }} {{ number }}")
    data = data_of(submitted(unit()), "submission")
    content = docx_of(data, template_of("submission", tmp_path))
    assert "Milik kami PT Penyedia Jaringan 2.775.000" in text_of(content)
    assert mark_in(content) == (data.id, data.short_hash)
    assert template_of("receipt", tmp_path) == TEMPLATES / "receipt.docx"


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        (["{{ provider }}"], "has to print {{ id }}"),
        (["{{ id }} {{ hash }} {{ number }} {{ nosuch }}"], "cannot be filled.*nosuch"),
        (["{{ id "], "cannot be filled"),
        (["{{ ''.__class__.__mro__ }}"], "cannot be filled"),
    ],
)
def test_a_template_that_does_not_work_is_refused_in_one_line(tmp_path: Path, lines: list[str], problem: str) -> None:
    path = _own_template(tmp_path, *lines)
    with pytest.raises(FormError, match=problem) as caught:
        docx_of(data_of(submitted(unit()), "submission"), path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_template_with_a_macro_a_link_or_nothing_in_it_is_refused(tmp_path: Path) -> None:
    data = data_of(submitted(unit()), "submission")
    ours = parts_of((TEMPLATES / "submission.docx").read_bytes(), "x")
    relations = ours["word/_rels/document.xml.rels"].replace(
        b"</Relationships>",
        b'<Relationship Id="rX" Type="image" Target="http://x/" TargetMode="External"/></Relationships>',
    )
    path = tmp_path / "submission.docx"
    for content, problem in (
        (packed({**ours, "word/vbaProject.bin": b"x"}), "macro"),
        (packed({**ours, "word/_rels/document.xml.rels": relations}), "links to something outside"),
        (b"<html>", "no DOCX"),
        (packed({"a": b"b"}), "no DOCX"),
    ):
        path.write_bytes(content)
        with pytest.raises(FormError, match=problem):
            docx_of(data, path)


def test_issued_altered_and_unknown_files_are_told_apart(tmp_path: Path) -> None:
    data = data_of(submitted(unit()), "submission")
    content = docx_of(data, template_of("submission", None))
    papers = [issued(data, content)]
    assert identified(content, papers).state == "issued"
    edited = Document(io.BytesIO(content))
    edited.paragraphs[-1].add_run(" lebih")
    stream = io.BytesIO()
    edited.save(stream)
    found = identified(stream.getvalue(), papers)
    assert (found.state, found.mark, found.same_data) == ("altered", data.id, True)
    assert found.paper == papers[0]
    assert identified(stream.getvalue(), []).paper is None
    for other in (pdf("scan"), b"", b"PK\x03\x04broken", (TEMPLATES / "receipt.docx").read_bytes()):
        assert identified(other, papers).state == "unknown"


@pytest.mark.parametrize("packed_away", [False, True])
def test_the_mark_is_found_in_a_pdfs_metadata_and_the_renewal_refuses_such_a_file(
    tmp_path: Path, packed_away: bool
) -> None:
    data = data_of(submitted(unit()), "submission")
    content = pdf("kuitansi", data.mark, packed=packed_away)
    assert mark_in(content) == (data.id, data.short_hash)
    file = tmp_path / "proof.pdf"
    file.write_bytes(content)
    with pytest.raises(AttachmentError, match="laman printed"):
        attached(file, "proof_of_payment")


def test_without_libreoffice_the_line_says_how_to_get_the_pdf() -> None:
    with pytest.raises(FormError, match=r"no-such-office is not installed; install LibreOffice .* print it to PDF"):
        pdf_of(b"x", program="no-such-office")


def test_an_office_that_hangs_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    office = tmp_path / "office"
    office.write_text(f"#!/bin/sh\nsleep 60 &\necho $! > {pid}\nsleep 60\n")
    office.chmod(0o755)
    with pytest.raises(FormError, match=r"took more than 0.5 s"):
        pdf_of(b"x", limit=0.5, program=str(office))
    state = Path(f"/proc/{pid.read_text().strip()}/stat")
    assert not state.exists() or state.read_text().split()[2] == "Z"


def test_an_office_that_makes_no_pdf_is_said(tmp_path: Path) -> None:
    office = tmp_path / "office"
    office.write_text("#!/bin/sh\necho source file could not be loaded\n")
    office.chmod(0o755)
    with pytest.raises(FormError, match="could not be loaded"):
        pdf_of(b"x", program=str(office))


def test_a_docx_that_unpacks_to_too_much_is_refused() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("word/document.xml", b"0" * (33 << 20))
    with pytest.raises(FormError, match="more than 32 MB"):
        parts_of(stream.getvalue(), "bomb.docx")


def test_numbers_of_people_and_taxpayers_are_grouped() -> None:
    assert grouped_nip("198001012005011001") == "19800101 200501 1 001"
    assert grouped_nip(None) == ""
    assert grouped_npwp("0123456789012345") == "0123 4567 8901 2345"
    assert grouped_npwp("0123456789012345000001") == "0123 4567 8901 2345 000001"
    assert grouped_npwp(None) == "-"
    assert [minutes_text(m) for m in (30.0, 30.05, 940.04, None)] == ["30", "30,1", "940", "-"]
