"""The numbers of papers: one sequence a kind and year, counted over what was issued; no gaps, none twice. Pure."""

from __future__ import annotations

import string
from collections.abc import Sequence
from datetime import datetime

from reporting.events import PaperIssued
from reporting.forms.data import FormError, PaperKind
from reporting.unit import Unit

CODES: dict[PaperKind, str] = {"submission": "LPP", "approval": "LPS", "receipt": "KWT", "status_report": "ND"}
_ROMAN = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII")
_FIELDS = {"seq", "kind", "unit", "month", "month_roman", "year"}


def next_paper_id(issued: Sequence[PaperIssued], year: int) -> str:
    """The id of a new paper, `D-2026-0001`, counted per year over all kinds. Ids, unlike numbers, are not a setting."""
    start = f"D-{year}-"
    used = [int(p.paper.removeprefix(start)) for p in issued if p.paper.startswith(start)]
    return f"{start}{max(used, default=0) + 1:04d}"


def next_number(issued: Sequence[PaperIssued], unit: Unit, kind: PaperKind, at: datetime) -> str:
    """The number of a new paper by `laman_unit.numbering`. The caller holds the lock until the paper is on record.

    Raises:
        FormError: the pattern cannot give unique numbers, or the number was given already (the pattern was changed).
    """
    rule, local = unit.numbering, at.astimezone(unit.tz)
    fields = check_pattern(rule.pattern, restart_yearly=rule.restart == "year")
    same = [
        p
        for p in issued
        if ("kind" not in fields or p.kind == kind)
        and (rule.restart == "never" or p.issued_at.astimezone(unit.tz).year == local.year)
    ]
    try:
        number = rule.pattern.format(
            seq=len(same) + 1,
            kind=CODES[kind],
            unit=unit.id.upper(),
            month=f"{local.month:02d}",
            month_roman=_ROMAN[local.month - 1],
            year=local.year,
        )
    except ValueError as error:
        raise FormError(f"laman_unit.numbering.pattern {rule.pattern[:80]!r}: {error}") from None
    if len(number) > 100:
        raise FormError(f"laman_unit.numbering.pattern {rule.pattern[:80]!r}: numbers of more than 100 characters")
    if any(p.number == number for p in issued):
        raise FormError(f"number {number[:100]} was given already: make laman_unit.numbering.pattern tell them apart")
    return number


def check_pattern(pattern: str, *, restart_yearly: bool) -> set[str]:
    """The placeholders of a pattern.

    Raises:
        FormError: it is broken, names something else, or its numbers would come twice.
    """
    where = f"laman_unit.numbering.pattern {pattern[:80]!r}"
    try:
        parts = list(string.Formatter().parse(pattern))
    except ValueError as error:
        raise FormError(f"{where}: {error}") from None
    fields = {name for _, name, _, _ in parts if name is not None}
    if unknown := sorted(fields - _FIELDS):
        raise FormError(f"{where}: unknown placeholder {{{unknown[0][:40]}}}; known: {', '.join(sorted(_FIELDS))}")
    if any(turn for _, _, _, turn in parts) or any(
        "{" in (spec or "") or len(spec or "") > 4 for _, _, spec, _ in parts
    ):
        raise FormError(f"{where}: only widths like {{seq:03d}} are known")
    if "seq" not in fields:
        raise FormError(f"{where}: needs {{seq}}, or every paper has the same number")
    if restart_yearly and "year" not in fields:
        raise FormError(f"{where}: restart: year needs {{year}}, or numbers come twice")
    return fields
