"""What people get wrong at the keyboard: one clear line, exit code 1, and nothing half-done in record or archive."""

from __future__ import annotations

import fcntl
import hashlib
import io
import subprocess
import time
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path

import openpyxl
import pytest
import yaml

from reporting.cli.main import main
from tests.emulators.rdap import RdapServer
from tests.integration.year.play import Played, events, founded, query
from tests.libreoffice import needs_libreoffice
from tests.papers import JPG, pdf, png

LATER = "2999-01-01"


@dataclass
class Desk:
    """An agency with a case in each state, and files to attach."""

    played: Played
    cases: dict[str, str] = field(default_factory=dict)  # state -> case id
    counter: int = 0

    @property
    def folder(self) -> Path:
        return self.played.agency.folder / "meja"

    def file(self, name: str, content: bytes) -> str:
        self.folder.mkdir(exist_ok=True)
        path = self.folder / name
        path.write_bytes(content)
        return str(path)

    def good(self, what: str = "surat") -> str:
        """A PDF that nobody has attached yet."""
        self.counter += 1
        return self.file(f"{what}-{self.counter}.pdf", pdf(f"{what} {self.counter}"))

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command as a user runs it."""
        return self.played.agency.laman(*arguments)

    def run_here(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The same in this process: a hundred commands would spend a minute on starting."""
        out, errors = io.StringIO(), io.StringIO()
        code: object = 0
        with redirect_stdout(out), redirect_stderr(errors):
            try:
                code = main(["-i", str(self.played.agency.inventory), *arguments])
            except SystemExit as ended:
                code = ended.code
        return subprocess.CompletedProcess(arguments, int(str(code)), out.getvalue(), errors.getvalue())

    def done(self, *arguments: str) -> None:
        done = self.run(*arguments)
        assert done.returncode in (0, 2), f"{arguments}: {done.stderr}"

    def submit(self, number: str, service: str) -> None:
        self.done("renewal", *self.bill(number=number, service=service))

    def bill(self, **changes: str | None) -> list[str]:
        """`submit` as it should be, with options changed, or left out (None)."""
        options: dict[str, str | None] = {
            "number": "SALAH-1", "issued": "2026-03-09", "received": "2026-03-12 13:15", "amount": "250.000",
            "tax": "27.500", "service": "domain-utama", "invoice": self.good("invoice"), "sheet": self.good("lembar"),
            "at": "2026-03-12 13:40", "paper": self.good("kertas"),
        }  # fmt: skip
        told = options | changes
        return ["submit", *(f"--{key}={value}" for key, value in told.items() if value is not None)]

    def state(self) -> tuple[list[object], list[tuple[str, str]]]:
        """The ledger's head and every file of the archive, read without the product."""
        head = query(self.played.agency, "SELECT max(seq), hash FROM events")
        archive = self.played.agency.state / "archive"
        files = [
            (str(p.relative_to(archive)), hashlib.sha256(p.read_bytes()).hexdigest() if p.is_file() else "")
            for p in sorted(archive.rglob("*"))
        ]
        return head, files


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with RdapServer() as server:
        here = Desk(founded(tmp_path_factory.mktemp("desk"), server))
        for number, service in enumerate(("koneksi-utama", "hosting-utama", "surel"), 1):
            here.submit(f"BENAR-{number}", service)
        here.cases = {"submitted": "P-2026-001", "approved": "P-2026-002", "paid": "P-2026-003"}
        for case in ("P-2026-002", "P-2026-003"):
            here.done("renewal", "approve", case, "--sheet", here.file(f"signed-{case}.png", png(1, 8)),
                      "--at", "2026-03-12 14:00", "--paper", here.good())  # fmt: skip
        proof = here.good("sp2d")
        paid = ("--at", "2026-03-13 15:30", "--paper", here.good())
        here.done("renewal", "pay", "P-2026-003", "--proof", proof, *paid)
        yield here


def refused(desk: Desk, *arguments: str, says: str, as_user: bool = False) -> None:
    """The command ends with 1 and one line; record and archive are what they were."""
    before = desk.state()
    done = desk.run(*arguments) if as_user else desk.run_here(*arguments)
    assert done.returncode == 1, f"exit {done.returncode}: {done.stdout}{done.stderr}"
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("laman")
    assert "Traceback" not in lines[0]
    assert says in lines[0], lines[0]
    assert lines[0].isprintable()
    assert done.stdout == ""
    assert desk.state() == before
    print(lines[0])


@pytest.mark.parametrize(
    ("option", "text", "says"),
    [
        ("amount", "-250000", "negative"),
        ("amount", "Rp -250.000", "negative"),
        ("amount", "(250.000)", "negative"),
        ("amount", "250.000,50", "no amount"),
        ("amount", "250000.5", "no amount"),
        ("amount", "1.250.00", "no amount"),
        ("amount", "1.250,000", "no amount"),
        ("amount", "12.50.000", "no amount"),
        ("amount", "250 000", "no amount"),
        ("amount", "2,5e5", "no amount"),
        ("amount", "٢٥٠", "no amount"),
        ("amount", "seratus", "no amount"),
        ("amount", "", "no amount"),
        ("amount", "0", "more than Rp0"),
        ("amount", "9999999999999", "more than Rp999.999.999.999"),
        ("amount", "999999999999", "total is more than"),
        ("tax", "-1", "negative"),
        ("tax", "250.001", "more than the amount itself"),
        ("issued", "2026-02-30", "a day that exists"),
        ("issued", "12/03/2026", "a day that exists"),
        ("issued", "2026-13-01", "a day that exists"),
        ("issued", LATER, "in the future"),
        ("issued", "2026-03-13", "before the invoice's date"),
        ("received", "2026-03-08 10:00", "before the invoice's date"),
        ("received", "2026-03-12 25:00", "a date and time like"),
        ("received", f"{LATER} 10:00", "in the future"),
        ("received", "0001-01-01 00:00", ""),
        ("received", "9999-12-31 23:59", ""),
        ("due", "2026-03-01", "before the invoice's date"),
        ("due", "2026-02-29", "a day that exists"),
        ("at", "2026-03-12 13:00", "before its invoice was received"),
        ("at", f"{LATER} 13:00", "in the future"),
        ("at", "9999-12-31 23:59", ""),
        ("at", "0001-01-01 00:00", ""),
        ("at", "kemarin", "a date and time like"),
        ("at", "", "--at"),
        ("taken", "2026-03-12 13:00", "--taken"),
        ("taken", "2026-03-12 13:50", "--taken"),
        ("service", "tidak-ada", "not in the register"),
        ("service", "domain-utama@2026-04-10", "ends on 2026-04-10 already"),
        ("service", "domain-utama@2099-04-10", "a mistyped year"),
        ("service", "domain-utama@2027-02-30", "a day that exists"),
        ("service", "domain-utama=-1", "negative"),
        ("service", "domain-utama=1", "add up to"),
        ("number", "  ", "--number"),
        ("executor", "siti", "may not submit"),
        ("executor", "bu\ndi\x1b[31m", "no such officer"),
    ],
)
def test_a_wrong_invoice(desk: Desk, option: str, text: str, says: str) -> None:
    refused(desk, "renewal", *desk.bill(**{option: text}), says=says)


def test_an_invoice_twice(desk: Desk) -> None:
    arguments = desk.bill(number=" benar-2", service="hosting-utama")
    refused(desk, "renewal", *arguments, says="submitted already: P-2026-002")


def test_two_providers_or_one_service_twice(desk: Desk) -> None:
    arguments = desk.bill(service="domain-utama=125000")
    refused(desk, "renewal", *arguments, "--service=surel=125000", says="one invoice comes from one provider")
    refused(desk, "renewal", *arguments, "--service=domain-utama=125000", says="named twice")


@pytest.mark.parametrize(
    ("left_out", "says"),
    [("issued", "--issued"), ("received", "--received"), ("amount", "--amount"), ("service", "--service"),
     ("invoice", "--invoice FILE"), ("paper", "--at needs --paper"), ("at", "--paper is the dated paper")],
)  # fmt: skip
def test_something_is_missing(desk: Desk, left_out: str, says: str) -> None:
    refused(desk, "renewal", *desk.bill(**{left_out: None}), says=says)


@pytest.mark.parametrize(
    ("step", "state", "says"),
    [
        ("pay", "submitted", "is submitted: pay needs it approved"),
        ("report", "submitted", "is submitted: report needs it paid"),
        ("report", "approved", "is approved: report needs it paid"),
        ("approve", "approved", "was approved already, by Siti Aminah"),
        ("reject", "approved", "is approved: reject needs it submitted"),
        ("approve", "paid", "is paid: approve needs it submitted"),
        ("pay", "paid", "was paid already, by Dewi Lestari"),
        ("cancel", "paid", "is paid"),
        ("submit", "submitted", "was submitted already"),
        ("submit", "approved", "submit needs it returned"),
    ],
)
def test_out_of_order_or_twice(desk: Desk, step: str, state: str, says: str) -> None:
    case = desk.cases[state]
    files = {"pay": ["--proof"], "report": [], "cancel": []}.get(step, ["--sheet"])
    where = ["--case", case] if step == "submit" else [case]
    note = ["--note", "sebab"] if step in ("reject", "cancel") else []
    attached = [desk.good()] if files else []
    refused(desk, "renewal", step, *where, *files, *attached, *note, says=says)


def test_an_approval_without_its_signed_sheet(desk: Desk) -> None:
    refused(
        desk,
        "renewal",
        "approve",
        desk.cases["submitted"],
        says="approve needs --sheet FILE: the signed sheet",
        as_user=True,
    )
    at = ("--at", "2026-03-12 14:00", "--paper", desk.good())
    refused(desk, "renewal", "approve", desk.cases["submitted"], *at, says="approve needs --sheet FILE", as_user=True)


def test_a_decision_needs_its_reason_and_the_right_person(desk: Desk) -> None:
    case, sheet = desk.cases["submitted"], desk.good()
    refused(desk, "renewal", "reject", case, "--sheet", sheet, says="reject needs --note")
    refused(desk, "renewal", "return", case, "--sheet", sheet, "--note", " ", says="return needs --note")
    refused(desk, "renewal", "approve", case, "--sheet", sheet, "--executor", "budi", says="may not approve")
    refused(desk, "renewal", "approve", case, "--sheet", sheet, "--as", "rahma", says="no such officer")
    at = ("--at", "2026-03-12 14:00", "--paper", desk.good())
    refused(desk, "renewal", "approve", case, "--sheet", sheet, "--as", "rahmat", *at, says="in office on 2026-03-12")
    before = ("--at", "2026-03-12 13:39", "--paper", desk.good())
    refused(desk, "renewal", "approve", case, "--sheet", sheet, *before, says="is before P-2026-001 was submitted")


@pytest.mark.parametrize("case", ["P-2026-999", "", "../../etc/passwd", "P-2026-001\n\x1b[2J", "'; DROP TABLE events"])
def test_no_such_case(desk: Desk, case: str) -> None:
    refused(desk, "renewal", "pay", case, "--proof", desk.good(), says="no case")


@pytest.mark.parametrize(
    ("amount", "says"),
    [("-1", "negative"), ("0", "more than Rp0"), ("277.501", "Rp1 more than is left to pay"), ("1,5", "no amount")],
)
def test_a_wrong_payment(desk: Desk, amount: str, says: str) -> None:
    case = desk.cases["approved"]
    refused(desk, "renewal", "pay", case, "--proof", desk.good(), f"--amount={amount}", says=says)


FILES = {
    "halaman.pdf": (b"<!DOCTYPE html><title>Masuk</title>" + b" " * 2000, "a web page"),
    "kosong.pdf": (b"", "empty"),
    "dokumen.pdf": (b"PK\x03\x04" + b"\0" * 3000, "an office document"),
    "lama.pdf": (b"\xd0\xcf\x11\xe0" + b"\0" * 3000, "old office document"),
    "terpotong.pdf": (pdf("bukti")[:-200], "its end is missing"),
    "rusak.png": (png(3, 8)[:-30], "a broken PNG"),
    "rusak.jpg": (JPG[:100], "a broken JPG"),
    "program.jpg": (b"\x7fELF" + b"\0" * 3000, "a program"),
    "teks.png": (b"bukti pembayaran", "no PDF, JPG or PNG"),
    "halaman-dengan-kepala.pdf": (b"<html><!-- %PDF-1.7 -->" + b" " * 2000 + b"%%EOF", "a web page"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_not_what_its_name_says(desk: Desk, name: str) -> None:
    content, says = FILES[name]
    path = desk.file(name, content)
    refused(desk, "renewal", "pay", desk.cases["approved"], "--proof", path, says=says)


def test_no_file_at_all(desk: Desk) -> None:
    pay = ("renewal", "pay", desk.cases["approved"], "--proof")
    refused(desk, *pay, str(desk.folder), says="no regular file")
    refused(desk, *pay, "/dev/zero", says="no regular file")
    refused(desk, *pay, str(desk.folder / "tidak\nada.pdf"), says="no such file")
    refused(desk, "renewal", "pay", desk.cases["approved"], says="pay needs --proof FILE")
    refused(desk, *pay, desk.good(), "--proof", str(desk.folder), says="no regular file")  # the good one is not kept


def test_one_paper_for_two_things(desk: Desk) -> None:
    sheet = str(desk.folder / "signed-P-2026-002.png")
    refused(desk, "renewal", "pay", desk.cases["approved"], "--proof", sheet, says="does not prove this step too")


def test_an_attestation_without_its_person(desk: Desk) -> None:
    case = desk.cases["paid"]
    refused(desk, "renewal", "report", case, "--attest", desk.good(), says="--attested-by NAME go together")
    told = ("--attest", desk.good(), "--attested-by", "siapa")
    refused(desk, "renewal", "report", case, "--offline", *told, says="no such officer")


def test_a_kuitansi_that_laman_printed_is_no_proof(desk: Desk) -> None:
    """Neither as it is, nor renamed, nor with a byte more: it never came from outside."""
    needs_libreoffice()
    case, out = desk.cases["approved"], desk.folder / "cetak"
    out.mkdir()
    done = desk.run("paper", case, "--kind", "receipt", "--output", str(out))
    assert done.returncode == 0, done.stderr
    (printed,) = out.glob("*.pdf")
    refused(desk, "renewal", "pay", case, "--proof", str(printed), says="a paper that laman printed", as_user=True)
    renamed = desk.file("bukti-transfer-bank.pdf", printed.read_bytes())
    refused(desk, "renewal", "pay", case, "--proof", renamed, says="a paper that laman printed", as_user=True)
    touched = desk.file("bukti-baru.pdf", printed.read_bytes() + b"\n")
    refused(desk, "renewal", "pay", case, "--proof", touched, says="a paper that laman printed", as_user=True)
    for other in out.glob("*.docx"):
        refused(desk, "renewal", "pay", case, "--proof", str(other), says="an office document", as_user=True)


# Settings and imports


@pytest.mark.parametrize(
    ("where", "value", "says"),
    [
        ("officers.0.nip", "19800101200501100", "laman_unit.officers.0.nip: '19800101200501100' is none: 18 digits"),
        ("officers.0.nip", "1980-0101-2005-011001", "laman_unit.officers.0.nip"),
        ("officers.1.nip", 198001012005011001, "laman_unit.officers.1.nip"),  # a number in YAML loses its zeros
        ("payment.npwp", "00.123.456.7-012.000", "laman_unit.payment.npwp"),
        ("payment.npwp", "12345678901234", "'12345678901234' is none: 15, 16 or 22 digits"),
        ("services.0.provider.npwp", "12345678901234567", "laman_unit.services.0.provider.npwp"),
        ("services.0.cost", -1, "laman_unit.services.0.cost"),
        ("services.0.cost", 1.5, "laman_unit.services.0.cost"),
        ("services.0.ends", "2026-02-30", "laman_unit.services.0.ends"),
        ("services.1.id", "koneksi-utama", "used twice"),
        ("services.0.watch", {"method": "rdap"}, "needs name"),
    ],
)
def test_wrong_settings(desk: Desk, where: str, value: object, says: str) -> None:
    agency = desk.played.agency
    path = agency.inventory / "group_vars" / "all" / "unit.yml"
    before = path.read_text()
    content = yaml.safe_load(before)
    *parents, last = where.split(".")
    target = content["laman_unit"]
    for part in parents:
        target = target[int(part)] if part.isdigit() else target[part]
    target[last] = value
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    try:
        refused(desk, "renewal", "list", says=says)
    finally:
        path.write_text(before)


def test_a_wrong_npwp_in_an_import(desk: Desk) -> None:
    form = desk.folder / "layanan.xlsx"
    desk.done("service", "template", str(form))
    book = openpyxl.load_workbook(form)
    cell = next(
        row[column]
        for sheet in book
        for head in sheet.iter_rows()
        for column, title in enumerate(head)
        if "NPWP" in str(title.value)
        for row in sheet.iter_rows(min_row=title.row + 1, max_row=title.row + 1)
    )
    cell.value = "12.345"
    book.save(form)
    before = desk.state()
    done = desk.run("service", "import", str(form))
    assert done.returncode == 1
    assert "NPWP" in done.stderr
    assert desk.state() == before
    assert len(done.stderr.splitlines()) <= 2, done.stderr  # each wrong cell, and that nothing was taken


# Several hands, and a register that changes (these change the desk: they come last)


def test_two_people_at_once(desk: Desk) -> None:
    """The same approval typed twice in the same moment: one counts, the other is told who was faster."""
    agency, case = desk.played.agency, desk.cases["submitted"]
    sheets = [desk.file(f"tanda-tangan-{n}.png", png(40 + n, 8)) for n in range(4)]
    with (agency.state / "locks" / "renewal.lock").open("r+b") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # all of them come up to the same line before one may go on
        racing = [agency.start("renewal", "approve", case, "--sheet", sheet) for sheet in sheets]
        deadline = time.monotonic() + 25
        while not all(_has_open(process.pid, lock.name) for process in racing):
            assert time.monotonic() < deadline, "they did not come to the lock"
            assert [process.poll() for process in racing] == [None] * 4, "one did not wait for its turn"
            time.sleep(0.05)
    ended = [(process.communicate(timeout=120), process.returncode) for process in racing]
    assert sorted(code for _, code in ended) in ([0, 1, 1, 1], [1, 1, 1, 2]), ended
    for (_, errors), code in ended:
        if code == 1:
            assert len(errors.splitlines()) == 1
            assert f"{case} was approved already, by Rahmat Hidayat" in errors
    taken = [e["data"]["step"] for e in events(agency, "renewal.step") if e["subject"] == case]
    assert taken == ["submit", "approve"]
    kept = list((agency.state / "archive").rglob("approved_sheet-*tanda-tangan*"))
    assert len(kept) == 1


def _has_open(pid: int, path: str) -> bool:
    """Whether a process has that file open."""
    try:
        return any(str(fd.readlink()) == path for fd in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return False


def test_a_case_whose_service_was_deleted(desk: Desk) -> None:
    agency = desk.played.agency
    services = agency.unit["services"]
    agency.unit["services"] = [s for s in services if s["id"] != "surel"]
    agency.write()
    desk.done("renewal", "list")  # notes that the settings have changed
    case = desk.cases["paid"]
    refused(desk, "renewal", "report", case, says="'surel' is no longer in the register")
    refused(desk, "renewal", "take", case, says="'surel' is no longer in the register")
    refused(desk, "renewal", *desk.bill(service="surel"), says="not in the register")
    for action in ("show", "list"):
        desk.done("renewal", action, *([case] if action == "show" else []))
    agency.unit["services"] = services
    agency.write()
    desk.done("renewal", "list")


def test_the_record_is_whole_after_all_that(desk: Desk) -> None:
    done = desk.run("verify")
    assert done.returncode == 0, done.stdout + done.stderr
