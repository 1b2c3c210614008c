"""Renewals as people carry them out: the command line, files, two people at once, workbooks that come back."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import openpyxl
import pytest

from reporting.attachments import MARK
from reporting.events import KIND_PAPER, EvidenceFile, PaperIssued
from reporting.ledger import Draft, open_ledger
from tests.emulators.rdap import RdapServer
from tests.integration.agency import Agency
from tests.libreoffice import converted, needs_libreoffice
from tests.papers import JPG, pdf, png
from tests.unit.renewal.world import officer, service

WIB = ZoneInfo("Asia/Jakarta")
PEOPLE = [
    officer("Budi", "pengelola_sistem_dan_jaringan"),
    officer("Siti", "kasi_si"),
    officer("Agus", "kasubag_umum"),
]


@pytest.fixture
def agency(tmp_path: Path) -> Agency:
    services = [service("domain", ends="2027-03-01"), service("hosting", 2_400_000, ends="2027-01-10")]
    made = Agency(tmp_path, {"laman": {}}, {"officers": PEOPLE, "services": services, "language": "en"}).write()
    files = {
        "invoice.pdf": pdf("INV"),
        "sheet.pdf": pdf("sheet", f"{MARK}S-1"),  # ours: good enough for a submission, for nothing else
        "sheet-2.pdf": pdf("sheet again"),
        "signed.png": png(1),
        "signed-2.png": png(2),
        "proof.jpg": JPG,
        "dated.png": png(3),
        "letter.pdf": pdf("the provider renewed it"),
        "page.pdf": b"<!doctype html><p>Lunas</p>",
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    return made


def today() -> dt.date:
    return dt.datetime.now(WIB).date()


def said(done: subprocess.CompletedProcess[str], code: int = 1) -> str:
    """The one line of a refusal."""
    assert done.returncode == code, done.stdout + done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("laman: ")
    return lines[0].removeprefix("laman: ")


def good(done: subprocess.CompletedProcess[str], *codes: int) -> str:
    assert done.returncode in (codes or (0,)), done.stdout + done.stderr
    assert done.stderr == ""
    return done.stdout


def submit(agency: Agency, number: str = "INV-1", *more: str) -> dict[str, Any]:
    """Just now, so that its minutes are few whenever the test runs."""
    received = dt.datetime.now(WIB).strftime("%Y-%m-%d %H:%M")
    done = agency.laman(
        "renewal", "submit", "--number", number, "--issued", str(today()), "--received", received,
        "--service", "domain", "--amount", "Rp 1.000.000,00", "--tax", "110.000", "--invoice",
        "invoice.pdf", "--sheet", "sheet.pdf", "--json", *more,
    )  # fmt: skip
    return dict(json.loads(good(done)))


def case_of(agency: Agency, name: str = "P-2026-001") -> dict[str, Any]:
    return dict(json.loads(good(agency.laman("renewal", "show", name, "--json"))))


def events(agency: Agency) -> int:
    return int(json.loads(agency.laman("verify", "--json").stdout)["events"])


def archived(agency: Agency) -> list[str]:
    root = agency.state / "archive"
    return sorted(p.name for p in root.rglob("*") if p.is_file())


def test_from_the_invoice_to_the_proof(agency: Agency) -> None:
    case = submit(agency)
    year = today().year
    name = f"P-{year}-001"
    assert (case["case"], case["state"], case["waits_for"]["role"]) == (name, "submitted", "kasi_si")
    assert [line["new_end"] for line in case["lines"]] == ["2028-03-01"]
    good(agency.laman("renewal", "take", name))
    assert f"{name}: approved, by Siti" in good(agency.laman("renewal", "approve", name, "--sheet", "signed.png"))
    good(agency.laman("renewal", "pay", name, "--proof", "proof.jpg", "--as", "agus", "--note", "SP2D 12"))
    out = good(agency.laman("renewal", "report", name, "--offline"), 2)
    assert f"{name}: not proven renewed" in out
    assert "its end is unknown" in out
    assert f"next: laman renewal prove {name}" in out
    out = good(agency.laman("renewal", "prove", name, "--offline", "--attest", "letter.pdf", "--attested-by", "siti"))
    assert f"{name}: renewed" in out
    case = case_of(agency, name)
    assert [s["step"] for s in case["steps"]] == ["submit", "approve", "pay", "report"]
    assert case["proofs"][0]["attested_by"]["id"] == "siti"
    assert [e["verdict"] for e in case["executions"]] == ["sesuai", "sesuai", "sesuai", "menyimpang"]
    assert all(e["by_hand"] and e["kind"] == "ad_hoc" and e["occasion"] is None for e in case["executions"])
    assert case["steps"][1]["taken_at"] is not None
    verified = json.loads(good(agency.laman("verify", "--json")))
    assert (verified["problems"], verified["evidence_files"]) == ([], 5)
    status = agency.status()
    assert [e["activity"] for e in status["executions"]] == [4, 5, 6, 7]
    assert status["problems"] == []
    assert case["case"] in good(agency.laman("renewal", "list"))
    assert good(agency.laman("renewal", "list", "--open")) == "No such case.\n"
    assert "waits for" in good(agency.laman("renewal", "list"))


def test_refused_steps_leave_nothing(agency: Agency) -> None:
    case = submit(agency)["case"]
    before, files = events(agency), archived(agency)
    asked = [
        (("approve", case), "approve needs --sheet FILE: the signed sheet, scanned"),
        (("approve", case, "--sheet", "page.pdf"), "page.pdf: its content is no PDF, JPG or PNG but a web page"),
        (("approve", case, "--sheet", "sheet.pdf"), "sheet.pdf: this is a paper that laman printed (S-1)"),
        (("approve", case, "--sheet", "none.pdf"), "none.pdf: no such file"),
        (("approve", case, "--sheet", "signed.png", "--as", "budi"), "Budi may not approve"),
        (("approve", "P-1", "--sheet", "signed.png"), "no case 'P-1'"),
        (("approve", case, "--sheet", "signed.png", "--at", "2026-13-01 10:00"), "a date and time like"),
        (("approve", case, "--sheet", "signed.png", "--at", "2026-11-01 10:00"), "--at needs --paper FILE"),
        (("pay", case, "--proof", "proof.jpg"), f"{case} is submitted: pay needs it approved"),
        (("pay", case, "--proof", "proof.jpg", "--amount", "1,5"), "--amount: '1,5' is no amount"),
        (("pay", case, "--proof", "proof.jpg", "--amount", "-5"), "--amount"),
        (("reject", case, "--sheet", "signed.png"), "reject needs --note"),
        (("report", case), "report needs it paid"),
        (("prove", case), "there is nothing to prove before it is paid"),
        (("prove", case, "--attest", "letter.pdf"), "--attest FILE and --attested-by NAME go together"),
        (("take",), "take: name a case"),
        (("submit", "--number", "2", "--issued", "2026-02-30"), "--issued '2026-02-30': a day that exists"),
        (("inbox", "--export", "x.xlsx"), "--export needs --for ROLE"),
        (("inbox", "--import", "signed.png"), "signed.png: it is no Excel workbook"),
        (("inbox", "--attach", "a=b"), "--attach goes with --import"),
    ]  # fmt: skip
    for arguments, expected in asked:
        line = said(agency.laman("renewal", *arguments))
        assert expected in line, (arguments, line)
    assert (events(agency), archived(agency)) == (before, files)
    assert not [p for p in (agency.state / "archive").rglob("*") if p.is_dir() and not any(p.iterdir())]


def test_an_issued_paper_is_no_proof_even_without_its_mark(agency: Agency) -> None:
    case = submit(agency)["case"]
    good(agency.laman("renewal", "approve", case, "--sheet", "signed.png"))
    receipt = pdf("kuitansi")
    (agency.folder / "kuitansi.pdf").write_bytes(receipt)
    import hashlib

    file = EvidenceFile(path="papers/kuitansi.pdf", bytes=len(receipt), sha256=hashlib.sha256(receipt).hexdigest())
    issued = PaperIssued(
        paper="K-1", kind="receipt", case=case, number="1", content_hash="0" * 64, files=[file],
        issued_at=dt.datetime.now(dt.UTC),
    )  # fmt: skip
    ledger = open_ledger(None, agency.state, "uji")
    ledger.append([Draft(KIND_PAPER, case, "test", issued.json_value())])
    ledger.close()
    assert "a paper that laman printed" in said(agency.laman("renewal", "pay", case, "--proof", "kuitansi.pdf"))
    good(agency.laman("renewal", "pay", case, "--proof", "proof.jpg"))


def test_two_people_at_once(agency: Agency) -> None:
    case = submit(agency)["case"]
    both = [agency.start("renewal", "approve", case, "--sheet", f) for f in ("signed.png", "signed-2.png")]
    ended = [p.communicate(timeout=120) for p in both]
    codes = sorted(p.returncode for p in both)
    assert codes == [0, 1], ended
    lost = next(err for p, (_, err) in zip(both, ended, strict=True) if p.returncode == 1)
    assert f"laman: {case} was approved already, by Siti" in lost
    assert len(lost.strip().splitlines()) == 1
    assert [s["step"] for s in case_of(agency, case)["steps"]] == ["submit", "approve"]
    assert sum("approved_sheet" in name for name in archived(agency)) == 1
    assert json.loads(agency.laman("verify", "--json").stdout)["problems"] == []


def test_two_invoices_at_once_get_two_cases(agency: Agency) -> None:
    received = dt.datetime.now(WIB).strftime("%Y-%m-%d %H:%M")
    common = ["--issued", str(today()), "--received", received, "--amount", "5", "--invoice", "invoice.pdf", "--sheet",
              "sheet.pdf", "--service"]  # fmt: skip
    both = [
        agency.start("renewal", "submit", "--number", n, *common, s) for n, s in (("A", "domain"), ("B", "hosting"))
    ]
    for process in both:
        assert process.wait(timeout=120) == 0, process.communicate()
    found = json.loads(good(agency.laman("renewal", "list", "--json")))
    assert [c["case"][-3:] for c in found] == ["001", "002"]
    assert {c["invoice"]["number"] for c in found} == {"A", "B"}


def test_done_on_paper_weeks_ago(agency: Agency) -> None:
    common = ["--paper", "dated.png", "--json"]
    done = agency.laman(
        "renewal", "submit", "--number", "INV-9", "--issued", "2026-03-10", "--received", "2026-03-12 13:40",
        "--service", "domain", "--amount", "1000000", "--invoice", "invoice.pdf", "--sheet", "sheet.pdf",
        "--at", "2026-03-12 14:00", "--taken", "2026-03-12 13:50", *common,
    )  # fmt: skip
    case = json.loads(good(done))
    assert case["executions"][0]["minutes_gross"] == 20.0
    assert case["executions"][0]["minutes_net"] == 10.0
    assert case["steps"][0]["on_paper"] is True
    done = agency.laman("renewal", "return", case["case"], "--sheet", "signed.png", "--note", "NPWP salah", "--at",
                        "2026-03-13 08:30", *common)  # fmt: skip
    assert json.loads(good(done, 0, 2))["state"] == "returned"
    again = agency.laman("renewal", "submit", "--case", case["case"], "--sheet", "sheet-2.pdf", "--number", "INV-9R",
                         "--invoice", "letter.pdf", "--at", "2026-03-13 09:00", *common)  # fmt: skip
    found = json.loads(good(again, 0, 2))
    assert (found["state"], found["invoice"]["number"]) == ("submitted", "INV-9R")
    march = json.loads(good(agency.laman("status", "--period", "2026-03", "--json")))
    assert [e["activity"] for e in march["executions"]] == [4, 5, 4]


def fill(path: Path, back: Path, answers: dict[str, dict[str, Any]]) -> None:
    """What an officer does in Excel: find the row of a case, write into the yellow cells."""
    book = openpyxl.load_workbook(path)
    sheet = book.worksheets[0]
    columns = {"decision": 12, "amount": 13, "note": 14, "when": 15, "name": 16}
    for row in range(7, sheet.max_row + 1):
        for field, value in answers.get(str(sheet.cell(row, 1).value), {}).items():
            sheet.cell(row, columns[field], value)
    book.save(back)


def test_the_inbox_of_two_officers(agency: Agency) -> None:
    names = [submit(agency, f"INV-{n}")["case"] for n in range(1, 5)]
    out = good(agency.laman("renewal", "inbox", "--for", "kasi_si", "--export", "kasi.xlsx"))
    assert "4 case(s) for kasi_si" in out
    key = agency.state / "secrets" / "inbox.key"
    assert (key.stat().st_mode & 0o777, key.stat().st_size) == (0o600, 32)
    day = today().strftime("%d/%m/%Y")
    written = {"when": day, "name": "Siti"}
    fill(agency.folder / "kasi.xlsx", agency.folder / "back.xlsx", {
        names[0]: {"decision": "approve", **written},
        names[1]: {"decision": "reject", "note": "no budget", **written},
        names[2]: {"decision": "perhaps", **written},
    })  # fmt: skip
    good(agency.laman("renewal", "return", names[3], "--sheet", "signed-2.png", "--note", "in the meantime"))
    attach = [x for n in names[:3] for x in ("--attach", f"{n}=signed.png")]
    done = agency.laman("renewal", "inbox", "--import", "back.xlsx", *attach[:2])
    assert done.returncode == 2
    assert f"{names[0]} (row 7): recorded: approved by Siti" in done.stdout
    assert f"{names[1]} (row 8): NOT recorded: the scan of the signed sheet is missing" in done.stderr
    assert f"{names[2]} (row 9): NOT recorded: decision 'perhaps' is unknown" in done.stderr
    done = agency.laman("renewal", "inbox", "--import", "back.xlsx", *attach, "--json")
    rows = {row["case"]: row for row in json.loads(done.stdout)}
    assert (done.returncode, rows[names[1]]["recorded"]) == (2, True)
    assert "has moved on since it was read (approved by Siti)" in rows[names[0]]["text"]
    step = case_of(agency, names[0])["steps"][1]
    assert (step["on_paper"], step["executor"]["id"]) == (True, "siti")
    assert {a["role"] for a in step["attachments"]} == {"approved_sheet", "inbox_workbook"}
    assert [c["state"] for c in json.loads(agency.laman("renewal", "list", "--json").stdout)] == [
        "approved", "rejected", "submitted", "returned",
    ]  # fmt: skip

    good(agency.laman("renewal", "inbox", "--for", "kasubag_umum", "--export", "umum.xlsx"))
    answer = {"decision": "paid", "amount": 110_000, "name": "Agus", "when": day}
    fill(agency.folder / "umum.xlsx", agency.folder / "paid.xlsx", {names[0]: answer})
    good(agency.laman("renewal", "inbox", "--import", "paid.xlsx", "--attach", f"{names[0]}=proof.jpg"))
    assert (case_of(agency, names[0])["state"], case_of(agency, names[0])["paid"]) == ("partly_paid", 110_000)
    assert json.loads(agency.laman("verify", "--json").stdout)["problems"] == []


def test_an_altered_inbox_records_nothing(agency: Agency) -> None:
    case = submit(agency)["case"]
    good(agency.laman("renewal", "inbox", "--for", "kasi_si", "--export", "kasi.xlsx"))
    book = openpyxl.load_workbook(agency.folder / "kasi.xlsx")
    sheet = book.worksheets[0]
    sheet["F7"] = 1
    sheet["L7"], sheet["O7"], sheet["P7"] = "approve", today().strftime("%d/%m/%Y"), "Siti"
    book.save(agency.folder / "back.xlsx")
    before = events(agency)
    line = said(agency.laman("renewal", "inbox", "--import", "back.xlsx", "--attach", f"{case}=signed.png"))
    assert "cell F7 was altered" in line
    assert line.endswith("nothing was recorded")
    assert events(agency) == before


def test_an_inbox_that_was_filled_in_with_libreoffice(agency: Agency) -> None:
    """Another program writes every cell of the file anew: nothing that was sealed may look altered."""
    needs_libreoffice()
    case = submit(agency)["case"]
    good(agency.laman("renewal", "inbox", "--for", "kasi_si", "--export", "kasi.xlsx"))
    answer = {"decision": "approve", "name": "Siti", "when": today().strftime("%d/%m/%Y")}
    fill(agency.folder / "kasi.xlsx", agency.folder / "back.xlsx", {case: answer})
    saved = converted(agency.folder / "back.xlsx", agency.folder / "saved", "xlsx")
    assert saved.read_bytes() != (agency.folder / "back.xlsx").read_bytes()
    good(agency.laman("renewal", "inbox", "--import", str(saved), "--attach", f"{case}=signed.png"))
    assert case_of(agency, case)["state"] == "approved"


def test_due_tells_what_waits(agency: Agency) -> None:
    case = submit(agency)["case"]
    duties = json.loads(good(agency.laman("due", "--json")))
    (duty,) = [d for d in duties if case in d["what"]]
    assert (duty["what"], duty["command"].partition(" renewal ")[2]) == (
        f"approve {case} (domain): Siti", f"approve {case} --sheet SCAN",
    )  # fmt: skip


def test_the_report_asks_the_registry(agency: Agency) -> None:
    """Paid, but the provider has not renewed; then a registry that answers nonsense; then the end that moved."""
    old_end = dt.datetime(2027, 3, 1, 12, tzinfo=WIB)
    with RdapServer() as server:
        server.ends["kantor.uji.id"] = old_end
        watch = {"method": "rdap", "name": "kantor.uji.id", "base_url": server.url}
        agency.unit["services"] = [service("domain", ends="2027-03-01", watch=watch)]
        agency.write()
        case = submit(agency)["case"]
        good(agency.laman("renewal", "approve", case, "--sheet", "signed.png"))
        good(agency.laman("renewal", "pay", case, "--proof", "proof.jpg"))
        out = good(agency.laman("renewal", "report", case), 2)
        assert f"{case}: not proven renewed" in out
        assert "not renewed: still ends 1 Mar 2027, paid until 1 Mar 2028 (rdap" in out
        assert len(server.seen) == 1

        good(agency.laman("renewal", "prove", case), 2)
        server.ends["kantor.uji.id"] = old_end.replace(year=2028)
        assert f"{case}: renewed" in good(agency.laman("renewal", "prove", case))
    found = case_of(agency, case)
    assert (found["state"], found["proofs"][0]["seen_end"]) == ("renewed", "2028-03-01")
    report = found["executions"][-1]
    assert (report["verdict"], report["output"]["status"]) == ("menyimpang", "menyimpang")  # it could not prove it then
    assert "renewed_service-01-domain.json" in archived(agency)
    assert json.loads(agency.laman("verify", "--json").stdout)["problems"] == []


def test_a_registry_that_does_not_answer_proves_nothing(agency: Agency) -> None:
    watch = {"method": "rdap", "name": "kantor.uji.id", "base_url": "http://localhost:9/rdap/"}
    agency.unit["services"] = [service("domain", ends="2027-03-01", watch=watch)]
    agency.write()
    case = submit(agency)["case"]
    good(agency.laman("renewal", "approve", case, "--sheet", "signed.png"))
    good(agency.laman("renewal", "pay", case, "--proof", "proof.jpg"))
    out = good(agency.laman("renewal", "report", case), 2)  # nobody answers: unknown, never fine
    assert "its end is unknown" in out
    assert case_of(agency, case)["state"] == "not_renewed"


def test_the_sheet_is_printed_with_the_submission(agency: Agency) -> None:
    """Without --sheet: numbered, archived, on record; good as the output of activity 4 and for nothing else."""
    needs_libreoffice("pdftotext")
    received = dt.datetime.now(WIB).strftime("%Y-%m-%d %H:%M")
    bill = ["--issued", str(today()), "--received", received, "--amount", "1.250.000", "--service", "domain"]
    bill += ["--invoice", "invoice.pdf"]
    out = good(agency.laman("renewal", "submit", "--number", "INV-1", *bill))
    path = Path(out.partition("to be signed: ")[2].splitlines()[0])
    case = out.partition(":")[0]
    text = subprocess.run(["pdftotext", "-layout", path, "-"], capture_output=True, text=True, check=True).stdout
    assert not [w for w in ("INV-1", "domain.id", "1.250.000", "001/LPP/UJI/", "Siti", "Agus") if w not in text]
    (execution,) = case_of(agency, case)["executions"]
    assert (execution["activity"], execution["verdict"]) == (4, "sesuai")
    refused = said(agency.laman("renewal", "approve", case, "--sheet", str(path)))
    assert f"this is a paper that laman printed (D-{today().year}-0001)" in refused
    assert json.loads(agency.laman("verify", "--json").stdout)["problems"] == []

    without = agency.laman("renewal", "submit", "--number", "INV-2", *bill, PATH="/nowhere")
    line = said(without)
    assert "the submission sheet cannot be printed: no PDF was made: soffice is not installed" in line
    assert line.endswith("or attach one with --sheet FILE")
    assert len(json.loads(agency.laman("renewal", "list", "--json").stdout)) == 1


def test_a_service_that_was_deleted(agency: Agency) -> None:
    case = submit(agency)["case"]
    agency.unit["services"] = agency.unit["services"][1:]
    agency.write()
    line = said(agency.laman("renewal", "approve", case, "--sheet", "signed.png"))
    assert "service 'domain' is no longer in the register" in line
    assert "cancelled" in good(agency.laman("renewal", "cancel", case, "--note", "service given up"))


def test_a_damaged_archive_is_told_and_recorded(agency: Agency) -> None:
    case = submit(agency)["case"]
    sheet = next((agency.state / "archive").rglob("submission_sheet-*.pdf"))
    sheet.chmod(0o600)
    sheet.write_bytes(b"gone")
    out = good(agency.laman("renewal", "approve", case, "--sheet", "signed.png"), 2)
    assert "requirement: payment submission sheet: the file sheet.pdf in the archive is missing, or changed" in out


def test_help_has_examples(agency: Agency) -> None:
    for action in ("submit", "approve", "pay", "report", "inbox"):
        text = good(agency.laman("renewal", action, "--help"))
        assert f"  {action} " in text
    assert "example:" in good(agency.laman("renewal", "--help"))
    assert agency.laman("renewal").returncode == 1
    assert "approve" in agency.laman("renewal", "approve").stderr
