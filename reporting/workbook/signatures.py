"""The signature block: who answers for the activities, and the section head above them."""

from __future__ import annotations

from datetime import date, datetime

from reporting.compliance import Compliance
from reporting.unit import Officer
from reporting.workbook.cells import Page, height

_NARROWEST = 44  # characters that the narrowest place has
_ROOM = 46  # points between title and name, for the signature and the stamp


def write_signatures(page: Page, row: int, compliance: Compliance, issued: datetime, last: int) -> int:
    """Write the block over the columns 0 … `last`; returns the first free row."""
    words = page.words
    day = page.local(issued)
    day = day.date() if isinstance(day, datetime) else day
    place = f"{compliance.unit.city}, {words.date(day)}" if compliance.unit.city else words.date(day)
    signers = _signers(compliance, day)
    spans = _spans(len(signers), last)
    page.band(row, *spans[-1], place, "sign")
    page.sheet.set_row(row, max(15, height(place, _NARROWEST)))
    names = row + 4
    for (first, end), (role, officer) in zip(spans, signers, strict=True):
        above = words("acknowledged") if role == "kasi_si" else words("executed_by")
        page.band(row + 1, first, end, above, "sign")
        page.band(
            row + 2, first, end, officer.title if officer else compliance.standard.actor(role, words.lang), "sign"
        )
        page.band(names, first, end, officer.name if officer else words("unsigned"), "sign_name")
        page.band(names + 1, first, end, f"NIP {officer.nip}" if officer and officer.nip else "NIP –", "sign")
    titles = [officer.title if officer else "" for _, officer in signers]
    page.sheet.set_row(row + 2, max(28, *(height(title, _NARROWEST) for title in titles)))
    page.sheet.set_row(row + 3, _ROOM)
    page.sheet.set_row(names, max([15, *(height(officer.name, _NARROWEST, 11) for _, officer in signers if officer)]))
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
