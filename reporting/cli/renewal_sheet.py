"""The submission sheet, printed with the submission itself: the output of activity 4 where nobody attached one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from reporting.cli.archiving import Made
from reporting.cli.common import Refused
from reporting.events import KIND_PAPER, Attachment, EvidenceFile, PaperIssued
from reporting.ledger.model import Draft
from reporting.renewal.commands import Known, Permitted
from reporting.runner.model import Record

SHEET, DOCX = "submission_sheet", "submission_docx"


@dataclass(frozen=True)
class Printed:
    """A sheet that was printed: its files, and what the ledger is to know of it once they are archived."""

    made: tuple[Made, ...]
    paper: str
    number: str
    digest: str

    def draft(self, known: Known, permitted: Permitted, files: Sequence[Attachment]) -> Draft:
        """`paper.issued`, with the archived files."""
        mine = [EvidenceFile(path=f.path, bytes=f.bytes, sha256=f.sha256) for f in files if f.original == self.paper]
        issued = PaperIssued(
            paper=self.paper,
            kind="submission",
            case=permitted.case.id,
            number=self.number,
            content_hash=self.digest,
            files=mine,
            issued_at=permitted.done_at,
        )
        return Draft(KIND_PAPER, permitted.case.id, known.actor, issued.json_value())


def print_sheet(record: Record, known: Known, permitted: Permitted) -> Printed:
    """Make the sheet of a submission that is about to be recorded; the caller holds the lock, so numbers are its own.

    Raises:
        Refused: it cannot be printed here (no LibreOffice, a template that is broken): attach one with --sheet.
    """
    from reporting.forms.data import FormError, Wanted, paper_data
    from reporting.forms.numbering import next_number, next_paper_id
    from reporting.forms.pdf import pdf_of
    from reporting.forms.render import docx_of, template_of

    issued = [PaperIssued.model_validate(e.data) for e in record.ledger.events([KIND_PAPER])]
    at = permitted.done_at
    paper = next_paper_id(issued, at.astimezone(known.unit.tz).year)
    try:
        number = next_number(issued, known.unit, "submission", at)
        case = replace(permitted.case, state="submitted")
        data = paper_data(Wanted("submission", paper, number, at), case, known.unit, known.services)
        docx = docx_of(data, template_of("submission", record.inventory.folder / "templates"))
        pdf = pdf_of(docx)
    except FormError as error:
        raise Refused(f"the submission sheet cannot be printed: {error}; or attach one with --sheet FILE") from None
    made = (Made(SHEET, f"{paper}.pdf", pdf, paper), Made(DOCX, f"{paper}.docx", docx, paper))
    return Printed(made, paper, number, data.digest)
