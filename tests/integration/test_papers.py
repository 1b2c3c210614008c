"""Papers from the command line: numbered, printed by LibreOffice, archived, recognised again."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from docx import Document

from reporting.forms.data import KINDS, PaperKind
from reporting.forms.pdf import pdf_of
from reporting.forms.render import docx_of, template_of
from tests.integration.agency import Agency
from tests.libreoffice import needs_writer
from tests.papers import pdf, png
from tests.unit.forms.paper_world import OFFICERS, PROVIDER, data_of, extreme, paid, unit


def printed(content: bytes, folder: Path) -> tuple[str, int, str]:
    """Text, number of pages and properties of a PDF, as poppler reads them."""
    file = folder / "read.pdf"
    file.write_bytes(content)
    text = subprocess.run(["pdftotext", "-layout", str(file), "-"], capture_output=True, text=True, check=True).stdout
    info = subprocess.run(["pdfinfo", str(file)], capture_output=True, text=True, check=True).stdout
    pages = next(line for line in info.splitlines() if line.startswith("Pages:"))
    return text, int(pages.split()[1]), info


@pytest.mark.parametrize("kind", KINDS)
def test_each_paper_prints_on_one_page(kind: PaperKind, tmp_path: Path) -> None:
    needs_writer("pdftotext", "pdfinfo")
    world = paid(unit())
    if kind == "status_report":
        world.report("2026-03-24 09:00")
    data = data_of(world, kind)
    text, pages, info = printed(pdf_of(docx_of(data, template_of(kind, None))), tmp_path)
    assert pages == 1
    assert data.mark in info
    for wanted in (
        data.title,
        data.number,
        data.id,
        data.short_hash,
        "Budi Santoso" if kind == "submission" else "LPMP",
    ):
        assert wanted in text, wanted


@pytest.mark.parametrize("kind", ["submission", "receipt"])
def test_the_largest_paper_loses_nothing(kind: PaperKind, tmp_path: Path) -> None:
    needs_writer("pdftotext", "pdfinfo")
    data = data_of(extreme(), kind)
    text, pages, _ = printed(pdf_of(docx_of(data, template_of(kind, None))), tmp_path)
    assert pages <= 2
    flat = "".join(text.split())
    for wanted in (
        data.sums.total,
        data.sums.amount,
        data.sums.words,
        data.provider,
        data.budget_line,
        data.invoice_number,
    ):
        assert "".join(wanted.split()) in flat, wanted
    if kind == "submission":
        for row in data.services:
            assert flat.count("".join(row.name.split())[:20]) >= 1, row.name
        assert "Sastrodiningrat," in flat


@pytest.fixture
def agency(tmp_path: Path) -> Agency:
    services = [
        {"id": name, "kind": "hosting", "name": f"Layanan {name}", "provider": PROVIDER, "cost": 1_000_000,
         "ends": "2027-04-10", "budget_line": "521115"}
        for name in ("satu", "dua", "tiga")
    ]  # fmt: skip
    officers = [o for o in OFFICERS if "last" not in o and o["id"] != "tono"]
    officers.append({"id": "siti", "name": "Siti Rahmawati", "title": "Kasi SI", "roles": ["kasi_si"]})
    return Agency(
        tmp_path, {"laman": {}}, {"officers": officers, "services": services, "schedule": [], "city": "Jakarta"}
    ).write()


BILL = ("--issued", "2026-03-10", "--received", "2026-03-12 09:00", "--amount", "1.000.000", "--tax", "110.000")


def draft(agency: Agency, number: str, service: str, *more: str) -> tuple[str, ...]:
    """The command for a submission sheet of an invoice that is not submitted yet."""
    invoice = agency.folder / f"{number}.pdf"
    invoice.write_bytes(pdf(number))
    return ("paper", "--kind", "submission", "--number", number, "--service", service, "--invoice", str(invoice),
            *BILL, *more)  # fmt: skip


def issue(agency: Agency, *arguments: str) -> dict[str, Any]:
    done = agency.laman(*arguments, "--json")
    assert done.returncode == 0, done.stderr + done.stdout
    return dict(json.loads(done.stdout))


def opened_case(agency: Agency) -> str:
    for name, content in (("inv.pdf", pdf("inv")), ("sheet.pdf", pdf("sheet")), ("signed.png", png())):
        (agency.folder / name).write_bytes(content)
    done = agency.laman("renewal", "submit", "--number", "INV-9", "--service", "satu", *BILL, "--invoice", "inv.pdf",
                        "--sheet", "sheet.pdf", "--json")  # fmt: skip
    assert done.returncode in (0, 2), done.stderr
    done = agency.laman("renewal", "approve", "P-2026-001", "--sheet", "signed.png")
    assert done.returncode in (0, 2), done.stderr
    return "P-2026-001"


def test_a_paper_is_issued_archived_and_recognised(agency: Agency) -> None:
    needs_writer("pdftotext")
    case = opened_case(agency)
    said = issue(agency, "paper", case, "--kind", "receipt", "--output", str(agency.folder))
    docx, made = (Path(p) for p in said["written"])
    assert (docx.suffix, made.suffix, said["case"]) == (".docx", ".pdf", case)
    for file in (docx, made):
        done = agency.laman("verify", str(file))
        assert done.returncode == 0, done.stderr
        assert f"the file that was issued: {said['paper']} (receipt {said['number']}, {case}" in done.stdout
    archived = [agency.state / "archive" / f["path"] for f in said["files"]]
    assert [a.read_bytes() for a in archived] == [docx.read_bytes(), made.read_bytes()]
    done = agency.laman("verify")
    assert done.returncode == 0, done.stdout + done.stderr
    _altered_and_unknown(agency, docx, made, said)
    done = agency.laman("renewal", "pay", case, "--proof", str(made))
    assert done.returncode == 1
    assert f"laman printed ({said['paper']}" in done.stderr or "laman printed (its mark" in done.stderr
    archived[1].write_bytes(b"%PDF-1.7 other")
    assert agency.laman("verify").returncode == 1


def _altered_and_unknown(agency: Agency, docx: Path, made: Path, said: dict[str, Any]) -> None:
    document = Document(str(docx))
    document.tables[1].rows[2].cells[2].paragraphs[0].runs[0].text = "Rp9.999.999"
    document.save(str(agency.folder / "edited.docx"))
    (agency.folder / "edited.pdf").write_bytes(made.read_bytes() + b"\n%%EOF\n")
    for name in ("edited.docx", "edited.pdf"):
        done = agency.laman("verify", name)
        assert done.returncode == 1
        assert f"carries the id of {said['paper']}" in done.stdout
        assert "is not the file that was issued" in done.stdout
    for name in ("inv.pdf", "signed.png"):
        done = agency.laman("verify", name)
        assert (done.returncode, "unknown" in done.stdout) == (1, True)
    done = agency.laman("verify", "no-such.pdf")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)


def test_two_people_at_once_get_two_numbers_without_a_gap(agency: Agency) -> None:
    agency.laman("verify")
    commands = [draft(agency, f"INV-{n}", s, "--docx-only", "--json") for n, s in enumerate(("satu", "dua", "tiga"))]
    running = [agency.start(*c) for c in commands]
    said = []
    for process in running:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        said.append(json.loads(out))
    assert sorted(s["paper"].split("-")[2] for s in said) == ["0001", "0002", "0003"]
    assert sorted(s["number"].split("/")[0] for s in said) == ["001", "002", "003"]


def test_the_approval_names_the_submission_sheet_of_its_invoice(agency: Agency) -> None:
    first = issue(agency, *draft(agency, "INV-9", "satu", "--docx-only"))
    shutil.copy(agency.folder / "INV-9.pdf", agency.folder / "inv.pdf")
    assert first["case"].startswith("invoice:")
    (agency.folder / "sheet.png").write_bytes(png(3))
    done = agency.laman("renewal", "submit", "--number", "INV-9", "--service", "satu", *BILL, "--invoice", "inv.pdf",
                        "--sheet", "sheet.png")  # fmt: skip
    assert done.returncode in (0, 2), done.stderr
    said = issue(agency, "paper", "p-2026-001", "--kind", "approval", "--docx-only")
    text = "\n".join(c.text for t in Document(said["written"][0]).tables for r in t.rows for c in r.cells)
    assert first["number"] in text


def test_without_an_office_the_docx_is_issued_and_the_exit_code_says_so(agency: Agency) -> None:
    tools = agency.folder / "bin"
    tools.mkdir()
    path = os.pathsep.join(d for d in os.environ["PATH"].split(os.pathsep) if not (Path(d) / "soffice").exists())
    for name in ("sh", "env"):
        (tools / name).symlink_to(shutil.which(name) or "/bin/sh")
    done = agency.laman(*draft(agency, "INV-1", "satu"), PATH=f"{tools}{os.pathsep}{path}")
    assert done.returncode == 1
    assert "issued as DOCX; no PDF was made: soffice is not installed; install LibreOffice" in done.stderr
    written = Path(done.stdout.splitlines()[0])
    assert agency.laman("verify", str(written)).returncode == 0
    assert not list(agency.folder.glob("pengajuan-*.pdf"))


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["P-2026-009", "--kind", "receipt"], "P-2026-009"),
        (["--kind", "receipt"], "--kind receipt needs a case"),
        (["--kind", "submission"], "name a case, or the invoice"),
        (["P-2026-001", "--kind", "approval", "--number", "X"], "the case knows its invoice"),
        (["P-2026-001", "--kind", "approval", "--pay", "1"], "--pay goes with --kind receipt"),
        (["P-2026-001", "--kind", "approval", "--output", "nowhere"], "no such folder"),
        (["P-2026-001", "--kind", "letter"], "invalid choice"),
    ],
)
def test_what_cannot_be_printed_is_one_line_and_nothing_is_issued(
    agency: Agency, arguments: list[str], problem: str
) -> None:
    done = agency.laman("paper", *arguments)
    assert done.returncode == 1
    assert problem in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (agency.state / "archive").exists()


def test_the_units_own_template_is_used(agency: Agency) -> None:
    own = agency.inventory / "templates"
    own.mkdir()
    document = Document()
    document.add_paragraph("GAYA KAMI {{ provider }} {{ id }} {{ hash }} {{ number }}")
    document.save(str(own / "submission.docx"))
    said = issue(agency, *draft(agency, "INV-1", "satu", "--docx-only"))
    assert Document(said["written"][0]).paragraphs[0].text.startswith("GAYA KAMI PT Penyedia Jaringan D-")


def test_the_status_report_has_the_minutes_and_deviations_that_compliance_judged(agency: Agency) -> None:
    case = opened_case(agency)
    (agency.folder / "sp2d.pdf").write_bytes(pdf("sp2d"))
    assert agency.laman("renewal", "pay", case, "--proof", "sp2d.pdf").returncode in (0, 2)
    said = issue(agency, "paper", case, "--kind", "status", "--docx-only")
    document = Document(said["written"][0])
    cells = [c.text for t in document.tables for r in t.rows for c in r.cells]
    assert {"Pengajuan", "Persetujuan", "Pembayaran", "30", "450", "dibayar, belum dilaporkan"} <= set(cells)
    # the invoice came in March, it was submitted when this test ran
    lines = [p.text for p in document.paragraphs]
    assert any(line.startswith("1. Pengajuan: waktu") for line in lines), lines
