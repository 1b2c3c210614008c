"""`Mutu Baku`: the POS as it was issued, word for word: header, legal basis, warnings, its table with every column."""

from __future__ import annotations

from collections.abc import Sequence

from reporting.compliance import Compliance
from reporting.standard import ACTOR_ROLES, Wording
from reporting.workbook.cells import Page, lines_needed
from reporting.workbook.paper import set_paper

_WIDTHS = (5, 46, 10, 10, 11, 14, 30, 10, 30, 14)
_LAST = len(_WIDTHS) - 1
_HALF = 5  # the right half of the document's blocks begins at this column
_LINE = 13.5


def write_standard(page: Page, compliance: Compliance, caption: str) -> dict[int, str]:
    """Write the sheet; returns, for each activity, the absolute reference to its minutes (a number)."""
    for column, width in enumerate(_WIDTHS):
        page.sheet.set_column(column, column, width)
    row = _identity(page, compliance)
    row = _blocks(page, row, compliance)
    page.band(row, 0, _LAST, page.words("pos_table_of", name=compliance.standard.name.id.upper()), "section")
    page.sheet.set_row(row, 20)
    first = row + 1
    minutes = _table(page, first, compliance)
    page.sheet.set_h_pagebreaks([first - 1])
    set_paper(page, caption, (first, first + 1))
    page.sheet.freeze_panes(1, 0)
    return minutes


def _said(page: Page, wording: Wording) -> tuple[str, ...]:
    """The POS's own words; in the English workbook with their gloss below."""
    return (wording.id, f"({wording.en})") if page.words.lang == "en" else (wording.id,)


def _identity(page: Page, compliance: Compliance) -> int:
    pos = compliance.standard
    page.sheet.set_row(0, 26)
    page.band(0, 0, _LAST, page.words("title_standard", number=pos.number), "title")
    row = 1
    for line in (pos.ministry, pos.directorate, pos.agency):
        page.band(row, 0, _LAST, line.id, "label", align="center", text_wrap=False)
        row += 1
    row += 1
    by = pos.approved_by
    facts = (
        ("pos_number", pos.number),
        ("pos_created", page.words.date(pos.created)),
        ("pos_revised", page.words.date(pos.revised) if pos.revised else "–"),
        ("pos_effective", page.words.date(pos.effective)),
        ("pos_approved", f"{by.title}, Nama: {by.name}, NIP: {by.nip}"),
        ("pos_name", " ".join(_said(page, pos.name))),
    )
    for key, value in facts:
        page.band(row, 0, 1, page.words(key), "label", border=1, border_color="#B8C4D0")
        page.band(row, 2, _LAST, value, "text")
        row += 1
    return row + 1


def _blocks(page: Page, row: int, compliance: Compliance) -> int:
    pos = compliance.standard
    pairs = (
        (("pos_legal", pos.legal_basis), ("pos_qualifications", pos.qualifications)),
        (("pos_related", pos.related), ("pos_equipment", pos.equipment)),
        (("pos_warnings", pos.warnings), ("pos_records", pos.record_keeping)),
    )
    for left, right in pairs:
        page.band(row, 0, _HALF - 1, page.words(left[0]), "label", bg_color="#F3F6F9", border=1, border_color="#B8C4D0")
        page.band(
            row, _HALF, _LAST, page.words(right[0]), "label", bg_color="#F3F6F9", border=1, border_color="#B8C4D0"
        )
        texts = [_numbered(page, items) for _, items in (left, right)]
        page.band(row + 1, 0, _HALF - 1, texts[0], "text")
        page.band(row + 1, _HALF, _LAST, texts[1], "text")
        widths = (sum(_WIDTHS[:_HALF]), sum(_WIDTHS[_HALF:]))
        lines = max(lines_needed("\n".join(text), width) for text, width in zip(texts, widths, strict=True))
        page.sheet.set_row(row + 1, _LINE * lines + 4)
        row += 2
    return row + 1


def _numbered(page: Page, items: Sequence[Wording]) -> tuple[str, ...]:
    return tuple(f"{number}. {' '.join(_said(page, item))}" for number, item in enumerate(items, start=1))


def _table(page: Page, top: int, compliance: Compliance) -> dict[int, str]:
    pos = compliance.standard
    for column, key in ((0, "pos_no"), (1, "pos_activity"), (_LAST, "pos_remark")):
        page.sheet.merge_range(top, column, top + 1, column, "", page.styles("head"))
        page.text(top, column, page.words(key), "head")
    page.band(top, 2, 5, page.words("pos_actors"), "head")
    page.band(top, 6, 8, page.words("pos_quality"), "head")
    page.sheet.set_row(top + 1, 46)
    for column, role in enumerate(ACTOR_ROLES, start=2):
        page.text(top + 1, column, pos.actors[role].render(page.words.lang), "head")
    for column, key in enumerate(("pos_requirement", "pos_time", "pos_output"), start=6):
        page.text(top + 1, column, page.words(key), "head")
    minutes: dict[int, str] = {}
    for row, activity in enumerate(pos.activities, start=top + 2):
        role = compliance.unit.assignment.get(activity.number, activity.role)
        page.number(row, 0, activity.number, "centre")
        page.text(row, 1, _said(page, activity.text))
        for column, actor in enumerate(ACTOR_ROLES, start=2):
            page.text(row, column, "●" if actor == role else "", "centre", valign="vcenter")
        page.text(row, 6, _said(page, activity.requirement))
        page.number(row, 7, activity.minutes, "centre", num_format='0" mnt"')
        page.text(row, 8, _said(page, activity.output))
        page.text(row, _LAST, activity.remark)
        said = ((1, activity.text), (6, activity.requirement), (8, activity.output))
        lines = max(lines_needed("\n".join(_said(page, wording)), _WIDTHS[column]) for column, wording in said)
        page.sheet.set_row(row, _LINE * lines + 3)
        minutes[activity.number] = f"'{page.sheet.get_name()}'!$H${row + 1}"
    page.band(top + 2 + len(pos.activities), 0, _LAST, page.words("pos_marks_note"), "note")
    return minutes
