"""The workbook as a whole: its sheets in order, its properties, its bytes.

XlsxWriter, because it keeps the result of a formula beside the formula (previews and readers show it) and writes the
same bytes for the same input.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from reporting.backups import Standing
from reporting.compliance import Compliance, Earlier
from reporting.files import write_whole
from reporting.ledger import Head
from reporting.workbook.backup_sheet import write_backup
from reporting.workbook.cells import Page, safe
from reporting.workbook.content_sheet import write_content
from reporting.workbook.corrections_sheet import Corrections, write_corrections
from reporting.workbook.deviation_rows import deviation_rows, earlier_rows
from reporting.workbook.deviations_sheet import write_deviations
from reporting.workbook.evaluation_sheet import write_evaluation
from reporting.workbook.evidence_sheet import write_evidence
from reporting.workbook.executions_sheet import write_executions
from reporting.workbook.renewals import Renewals
from reporting.workbook.renewals_sheet import write_renewals
from reporting.workbook.rows import backup_rows, evidence_rows, execution_rows, section_rows
from reporting.workbook.sources import Filled, Issue, Sources
from reporting.workbook.standard_sheet import write_standard
from reporting.workbook.styles import NAVY, Styles
from reporting.workbook.summary_sheet import write_summary
from reporting.workbook.troubles import Troubles
from reporting.workbook.troubles_sheet import write_troubles
from reporting.workbook.visitors_sheet import write_visitors
from reporting.workbook.words import Language, Words

SHEETS = (
    *("summary", "standard", "executions", "content", "backup", "visitors", "renewals", "troubles"),
    *("deviations", "evaluation", "evidence"),
)
_OPTIONS = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "default_date_format": "dd/mm/yyyy",
}


@dataclass(frozen=True, slots=True)
class More:
    """What a workbook may have beyond compliance.

    `renewals`: for the sheet Perpanjangan, which without them says that there are none. `corrections`: adds the sheet
    Koreksi to the workbook of a period that was closed. `troubles`: the tickets of the sheet Troubleshooting, which
    without them says that there are none. `earlier`: what earlier periods left open, on the sheet Penyimpangan.
    `backups`: how each site's backups stand (3-2-1).
    """

    renewals: Renewals | None = None
    corrections: Corrections | None = None
    troubles: Troubles | None = None
    earlier: Earlier | None = None
    backups: tuple[Standing, ...] = ()


_NO_MORE = More()


def write_workbook(  # noqa: PLR0913 - what is printed, where to, and how
    compliance: Compliance,
    head: Head,
    path: Path,
    lang: Language = "id",
    issued_at: datetime | None = None,
    *,
    more: More = _NO_MORE,
) -> str:
    """Write the workbook to a new file, whole or not at all; returns its SHA-256 (hex).

    The same input gives the same bytes. `issued_at` (aware) is when it is handed out: printed on it, and the date of
    the signatures; by default the instant as of which compliance was computed.

    Raises:
        FileExistsError: `path` is there already: an issued workbook is never overwritten.
        OSError: the file cannot be written; nothing is left under `path`.
    """
    return write_whole(path, workbook_bytes(compliance, head, lang, issued_at, more))


def workbook_bytes(
    compliance: Compliance,
    head: Head,
    lang: Language = "id",
    issued_at: datetime | None = None,
    more: More = _NO_MORE,
) -> bytes:
    """The workbook as `write_workbook` would write it."""
    import xlsxwriter

    issued = issued_at if issued_at is not None else compliance.as_of
    words = Words(lang)
    held = io.BytesIO()
    book = xlsxwriter.Workbook(held, _OPTIONS)
    _describe(book, compliance, head, issued, words)
    styles = Styles(book)
    sheets = (*SHEETS, "corrections") if more.corrections is not None else SHEETS
    pages = {
        key: Page(book, book.add_worksheet(words(f"sheet_{key}")), styles, words, compliance.unit.tz) for key in sheets
    }
    _fill(pages, compliance, head, issued, more)
    if more.corrections is not None:
        write_corrections(pages["corrections"], more.corrections, _caption(words, compliance))
    for key, colour in (("summary", NAVY), ("deviations", "#B42318"), ("corrections", "#8A6100")):
        if key in pages:
            pages[key].sheet.set_tab_color(colour)
    pages["summary"].sheet.activate()
    book.close()
    return held.getvalue()


def _caption(words: Words, compliance: Compliance) -> str:
    """What the footers call the document."""
    names = {"unit": compliance.unit.name, "number": compliance.standard.number, "period": compliance.period.text}
    return words("caption", **names)


def _fill(pages: dict[str, Page], compliance: Compliance, head: Head, issued: datetime, more: More) -> None:
    words = pages["summary"].words
    caption = _caption(words, compliance)
    minutes = write_standard(pages["standard"], compliance, caption)
    executions = execution_rows(compliance, words)
    sections = section_rows(compliance, words)
    backups = backup_rows(compliance, words)
    deviations = deviation_rows(compliance, words)
    earlier = earlier_rows(more.earlier, compliance, words) if more.earlier is not None else []
    evidence = evidence_rows(compliance, words)
    sources = Sources(
        minutes=minutes,
        executions=Filled(write_executions(pages["executions"], executions, caption), executions),
        sections=Filled(write_content(pages["content"], compliance, sections, caption), sections),
        backups=Filled(write_backup(pages["backup"], backups, compliance, more.backups, caption), backups),
        visitors=write_visitors(pages["visitors"], compliance, caption),
        deviations=Filled(
            write_deviations(pages["deviations"], deviations, earlier, compliance.as_of.date(), caption), deviations
        ),
        evidence=Filled(write_evidence(pages["evidence"], evidence, compliance.problems, head, caption), evidence),
    )
    write_renewals(pages["renewals"], more.renewals, compliance, caption)
    write_troubles(pages["troubles"], more.troubles, compliance, caption)
    write_evaluation(pages["evaluation"], compliance, issued, caption)
    write_summary(pages["summary"], compliance, sources, Issue(head, issued, caption))


def _describe(book: object, compliance: Compliance, head: Head, issued: datetime, words: Words) -> None:
    """Document properties; the date of creation is that of issue, so that the same input gives the same bytes."""
    number, period = compliance.standard.number, compliance.period.text
    book.set_properties(  # type: ignore[attr-defined]  # XlsxWriter has no types
        {
            "title": words("doc_title", number=number, period=period),
            "subject": compliance.standard.name.render(words.lang),
            "author": safe(compliance.unit.name),
            "company": safe(compliance.unit.name),
            "category": "POS",
            "comments": words("doc_comment", seq=head.seq, hash=head.hash),
            "created": issued.astimezone(UTC).replace(tzinfo=None, microsecond=0),
        }
    )
    book.set_size(2400, 1400)  # type: ignore[attr-defined]  # XlsxWriter has no types
