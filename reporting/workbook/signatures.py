"""The signature block: who answers for the activities, and the section head above them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from reporting.compliance import Compliance
from reporting.unit import Officer
from reporting.workbook.cells import Page, height

_NARROWEST = 44  # characters that the narrowest place has
_ROOM = 46  # points between title and name, for the signature and the stamp


@dataclass(frozen=True, slots=True)
class Signer:
    """One place to sign: over which columns, what stands above, in which role; `officer`: who holds it on that day."""

    span: tuple[int, int]
    above: str
    role: str
    officer: Officer | None


def write_signatures(page: Page, row: int, compliance: Compliance, issued: datetime, last: int) -> int:
    """Write the summary's block over the columns 0 … `last`; returns the first free row."""
    words, found = page.words, _signers(compliance, day_of(page, issued))
    signers = [
        Signer(span, words("acknowledged") if role == "kasi_si" else words("executed_by"), role, officer)
        for span, (role, officer) in zip(_spans(len(found), last), found, strict=True)
    ]
    return write_block(page, row, compliance, issued, signers)


def day_of(page: Page, issued: datetime) -> date:
    """The local day on which the workbook is handed out."""
    day = page.local(issued)
    return day.date() if isinstance(day, datetime) else day


def write_block(page: Page, row: int, compliance: Compliance, issued: datetime, signers: Sequence[Signer]) -> int:
    """Write place and day, titles, room to sign, names and NIPs; returns the first free row."""
    words, day = page.words, day_of(page, issued)
    place = f"{compliance.unit.city}, {words.date(day)}" if compliance.unit.city else words.date(day)
    page.band(row, *signers[-1].span, place, "sign")
    page.sheet.set_row(row, max(15, height(place, _NARROWEST)))
    names = row + 4
    for one in signers:
        officer, (first, end) = one.officer, one.span
        page.band(row + 1, first, end, one.above, "sign")
        title = officer.title if officer else compliance.standard.actor(one.role, words.lang)
        page.band(row + 2, first, end, title, "sign")
        page.band(names, first, end, officer.name if officer else words("unsigned"), "sign_name")
        page.band(names + 1, first, end, f"NIP {officer.nip}" if officer and officer.nip else "NIP –", "sign")
    officers = [one.officer for one in signers if one.officer is not None]
    page.sheet.set_row(row + 2, max(28, *(height(o.title, _NARROWEST) for o in officers), 0))
    page.sheet.set_row(row + 3, _ROOM)
    page.sheet.set_row(names, max([15, *(height(o.name, _NARROWEST, 11) for o in officers)]))
    return names + 2


def _signers(compliance: Compliance, day: date) -> list[tuple[str, Officer | None]]:
    """The roles that carry out activities 1 to 3 (as the unit assigned them), each person once; then Kasi SI."""
    unit, pos = compliance.unit, compliance.standard
    roles = dict.fromkeys(str(unit.assignment.get(n, pos.activity(n).role)) for n in (1, 2, 3))
    found: dict[str, tuple[str, Officer | None]] = {}
    for role in (*(r for r in roles if r != "kasi_si"), "kasi_si"):
        officer = unit.officer_for(role, day)
        found[officer.id if officer else role] = (role, officer)
    return list(found.values())


def _spans(number: int, last: int) -> list[tuple[int, int]]:
    """Equal places for `number` signatures. The first columns are wide, so that the first place takes fewer of them."""
    if number == 1:
        return [(12, last)]
    if number == 2:
        return [(0, 3), (12, last)]
    return [(0, 2), (4, 10), (12, last)]
