r"""Papers of a renewal, in Indonesian, to print and sign: DOCX and PDF.

  submission  Lembar Pengajuan Pembayaran; also before there is a case, from the invoice (what `renewal submit` needs)
  approval    Lembar Persetujuan Pembayaran
  receipt     Kuitansi/Bukti Pembayaran (PMK 190/PMK.05/2012, Lampiran III); --pay RP for a part
  status      Laporan Status Perpanjangan (nota dinas)

Each gets a number (laman_unit.numbering), an id and a hash, a copy in the archive, and can be recognised again with
`laman verify FILE`. To restyle one: copy it from reporting/forms/templates/ into templates/ of the inventory.

exit codes: 0 issued; 1 not issued, or issued as DOCX only because no PDF could be made (0 with --docx-only).

example:
  laman -i inventory/kantor paper --kind submission --number INV-77 --issued 2026-03-10 --received "2026-03-12 09:00" \
      --amount 1.250.000 --tax 137.500 --service domain-utama --invoice invoice.pdf
  laman -i inventory/kantor paper P-2026-001 --kind approval --output cetak
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from reporting.attachments import attached
from reporting.cli.common import Refused, inventory_of, opened, this_agent
from reporting.cli.main import EXIT_CANNOT, EXIT_OK
from reporting.cli.renewal_known import known_of, renewal_lock, token
from reporting.cli.renewal_steps import add_bill, bill_of
from reporting.compliance import Execution, Period, evaluate
from reporting.events import KIND_EVIDENCE, KIND_PAPER, EvidenceAdded, EvidenceFile, PaperIssued
from reporting.files import replace_whole, write_whole
from reporting.forms.data import FormError, PaperData, PaperKind, Wanted, paper_data
from reporting.forms.numbering import next_number, next_paper_id
from reporting.forms.pdf import pdf_of
from reporting.forms.render import docx_of, template_of
from reporting.ledger import Draft
from reporting.money import rupiah
from reporting.renewal.commands import Known, case_of
from reporting.renewal.fold import INVOICE
from reporting.renewal.model import Case
from reporting.renewal.submit import Bill, drafted
from reporting.runner.model import Record
from reporting.standard import load_standards
from reporting.text import harmless

_KINDS: dict[str, PaperKind] = {
    "submission": "submission",
    "approval": "approval",
    "receipt": "receipt",
    "status": "status_report",
}
_NAMES: dict[PaperKind, str] = {
    "submission": "pengajuan",
    "approval": "persetujuan",
    "receipt": "kuitansi",
    "status_report": "laporan-status",
}
_PATIENCE_SECONDS = 300.0  # a paper takes some seconds to print, and several people may stand in line
TEMPLATES = "templates"  # the folder of an inventory that holds the unit's own


@dataclass(frozen=True)
class _Subject:
    """What a paper is about: a case, or an invoice that is not submitted yet."""

    case: Case
    subject: str
    invoices: frozenset[str]  # subjects that the case had before it was one


@dataclass(frozen=True)
class _Issued:
    """A paper that is on record; `pdf_problem`: why there is no PDF."""

    paper: PaperIssued
    written: list[Path]
    pdf_problem: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("of", nargs="?", metavar="CASE", help="id of the case, e.g. P-2026-001")
    parser.add_argument("--kind", required=True, choices=list(_KINDS), help="which paper")
    parser.add_argument("--output", metavar="DIR", default=".", help="the folder to write it to (default: here)")
    parser.add_argument("--docx-only", action="store_true", help="no PDF")
    parser.add_argument("--pay", metavar="RP", help="receipt: what is paid now (default: all that is left)")
    parser.add_argument("--json", action="store_true", help="print it as JSON")
    add_bill(parser.add_argument_group("before there is a case (submission)"))


def run(options: argparse.Namespace) -> int:
    """Issue one paper; returns the exit code."""
    inventory = inventory_of(options)
    kind = _KINDS[options.kind]
    folder = Path(options.output).resolve()
    if not folder.is_dir():
        raise Refused(f"--output {harmless(options.output, 200)}: no such folder (make it first)")
    if options.case is not None:
        raise Refused("--case belongs to renewal submit: name the case itself, laman paper CASE --kind …")
    if options.pay is not None and kind != "receipt":
        raise Refused("--pay goes with --kind receipt")
    with opened(inventory) as record, renewal_lock(record, _PATIENCE_SECONDS):
        known = known_of(record, options.of)
        issued = _issue(options, record, known, _subject(options, record, known, kind), folder)
    return _said(options, issued)


def _subject(options: argparse.Namespace, record: Record, known: Known, kind: PaperKind) -> _Subject:
    bill = bill_of(options, record)
    if options.of is not None:
        if not bill.empty or options.invoice:
            raise Refused("the case knows its invoice: leave --number, --service, --invoice … away")
        case = case_of(known, options.of)
        return _Subject(case, case.id, frozenset(INVOICE + a.sha256 for a in case.attachments("invoice")))
    return _before_a_case(options, known, kind, bill)


def _before_a_case(options: argparse.Namespace, known: Known, kind: PaperKind, bill: Bill) -> _Subject:
    if kind != "submission":
        raise Refused(f"--kind {options.kind} needs a case: laman paper P-2026-001 --kind {options.kind}")
    if bill.empty or len(options.invoice or []) != 1:
        raise Refused("name a case, or the invoice: --number --issued --received --amount --service --invoice FILE")
    file = attached(Path(options.invoice[0]), "invoice")
    return _Subject(drafted(known, bill), INVOICE + file.sha256, frozenset())


def _issue(options: argparse.Namespace, record: Record, known: Known, about: _Subject, folder: Path) -> _Issued:
    """Number, print, archive and record one paper. The caller holds the lock."""
    kind = _KINDS[options.kind]
    before = papers_of(record)
    unit, now = known.unit, known.now
    wanted = Wanted(
        kind=kind,
        paper=next_paper_id(before, now.astimezone(unit.tz).year),
        number=next_number(before, unit, kind, now),
        at=now,
        amount=_pay(options.pay),
        submission_number=_submission_number(before, about),
    )
    executions = _judged(record, about.case) if kind == "status_report" else {}
    data = paper_data(wanted, about.case, unit, known.services, executions)
    docx = docx_of(data, template_of(kind, record.inventory.folder / TEMPLATES))
    contents, problem = {"docx": docx}, ""
    if not options.docx_only:
        try:
            contents["pdf"] = pdf_of(docx)
        except FormError as error:
            problem = str(error)
    paper = _record(record, about, data, contents, now)
    name = f"{_NAMES[kind]}-{about.case.id or 'baru'}-{data.id}"
    written = []
    for ending, content in contents.items():
        path = folder / f"{name}.{ending}"
        replace_whole(path, content, mode=0o640)
        written.append(path)
    return _Issued(paper, written, problem)


def papers_of(record: Record) -> list[PaperIssued]:
    """Every paper that was issued, in order."""
    return [PaperIssued.model_validate(e.data) for e in record.ledger.events([KIND_PAPER])]


def _pay(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return rupiah(text)
    except ValueError as error:
        raise Refused(f"--pay: {harmless(str(error), 200)}") from None


def _submission_number(before: list[PaperIssued], about: _Subject) -> str:
    subjects = {about.subject, *about.invoices}
    return next((p.number for p in reversed(before) if p.kind == "submission" and p.case in subjects), "")


def _judged(record: Record, case: Case) -> dict[str, Execution]:
    """The steps of a case as compliance judges them now, in the words of the paper."""
    unit = record.inventory.unit
    days = [step.done_at.astimezone(unit.tz).date() for step in case.steps]
    period = Period.parse(f"{min(days)}..{max(days)}", unit.tz)
    answer = evaluate(load_standards(), record.ledger.events(), period, datetime.now(UTC), "id")
    found = ((s.execution, answer.execution(s.execution)) for s in case.steps if s.execution is not None)
    return {name: execution for name, execution in found if execution is not None}


def _record(record: Record, about: _Subject, data: PaperData, contents: dict[str, bytes], now: datetime) -> PaperIssued:
    """Archive the files and append the events in one transaction; nothing is left of it when either fails."""
    local = now.astimezone(record.inventory.unit.tz)
    name = f"{local:%Y%m%dT%H%M%S}-{data.id}-{token()}"
    target = record.archive.folder("paper", name, local)
    try:
        files: list[EvidenceFile] = []
        for ending, content in contents.items():
            path = target / f"{data.id}-{_NAMES[data.kind]}.{ending}"
            write_whole(path, content)
            files.append(record.archive.measure(path))
        agent = this_agent()
        actor = f"{agent.kind}:{agent.name}"
        paper = PaperIssued(
            paper=data.id, kind=data.kind, case=about.subject, number=data.number, content_hash=data.digest,
            files=files, issued_at=now,
        )  # fmt: skip
        evidence = EvidenceAdded(execution=name, files=files, of="paper")
        record.ledger.append(
            [
                Draft(KIND_EVIDENCE, about.subject, actor, evidence.json_value()),
                Draft(KIND_PAPER, about.subject, actor, paper.json_value()),
            ]
        )
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        raise
    return paper


def _said(options: argparse.Namespace, issued: _Issued) -> int:
    if issued.pdf_problem:
        print(f"laman: the paper is issued as DOCX; {issued.pdf_problem}", file=sys.stderr)
    if options.json:
        said = {**issued.paper.json_value(), "written": [str(p) for p in issued.written], "pdf": issued.pdf_problem}
        print(json.dumps(said, indent=2, ensure_ascii=False))
    else:
        for path in issued.written:
            print(path)
        print(f"{issued.paper.kind} {issued.paper.number}, paper {issued.paper.paper}: print, sign, scan it")
    return EXIT_CANNOT if issued.pdf_problem else EXIT_OK
