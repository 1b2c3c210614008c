"""What waits for an officer's decision, as rows of a workbook, and the decisions that come back in it. Pure.

The workbook is no form that anyone can make: everything but the decisions is sealed (HMAC over every cell and the
head of the ledger, with a key that stays in the unit's state folder), so that an altered one is known.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any, Literal

from reporting.ledger.model import Head
from reporting.renewal.model import Case, StepName
from reporting.standard import Language
from reporting.text import harmless
from reporting.worktime import WorkClock

FORMAT = 1
Value = str | int  # of a sealed cell
Decision = Literal["approve", "reject", "return", "pay"]
DECISIONS: dict[Decision, dict[Language, str]] = {
    "approve": {"id": "setuju", "en": "approve"},
    "reject": {"id": "tolak", "en": "reject"},
    "return": {"id": "kembalikan", "en": "return"},
    "pay": {"id": "dibayar", "en": "paid"},
}
OF_STEP: dict[str, tuple[Decision, ...]] = {"approve": ("approve", "reject", "return"), "pay": ("pay",)}
_DATES = ("%d/%m/%Y %H:%M", "%d/%m/%Y %H.%M", "%Y-%m-%d %H:%M", "%d-%m-%Y %H:%M", "%d-%m-%Y %H.%M")
_DAYS = ("%d/%m/%Y", "%Y-%m-%d", "%d-%m-%Y")


class InboxError(Exception):
    """A workbook that cannot be taken; one line that says why."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One row as it came back: the case as it was when it was exported, and what the officer wrote."""

    case: str
    seq: int
    step: StepName
    row: int  # in the sheet
    decision: object = None
    amount: object = None
    note: object = None
    when: object = None
    name: object = None

    @property
    def empty(self) -> bool:
        """Whether nothing was written: it is not decided yet."""
        return all(v is None or not str(v).strip() for v in (self.decision, self.amount, self.note, self.name)) and (
            self.when is None or not str(self.when).strip()
        )


@dataclass(frozen=True, slots=True)
class Seal:
    """What a workbook vouches for: for whom it was made, as of which head, its sealed cells, its cases."""

    unit: str
    role: str
    exported_at: datetime
    head: Head
    cells: Mapping[str, Value]  # "B7" -> what was written
    rows: Mapping[int, tuple[str, int, str]]  # row of the sheet -> case, its seq, its step

    def text(self) -> str:
        """The one text of it, which is sealed."""
        return json.dumps(
            {
                "format": FORMAT,
                "unit": self.unit,
                "role": self.role,
                "exported_at": self.exported_at.astimezone(UTC).isoformat(),
                "head": [self.head.seq, self.head.hash],
                "cells": dict(sorted(self.cells.items())),
                "rows": {str(k): list(v) for k, v in sorted(self.rows.items())},
            },
            ensure_ascii=True,
            separators=(",", ":"),
        )


def sign(text: str, key: bytes) -> str:
    """The seal of a text: HMAC-SHA-256 in hex."""
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def opened_seal(text: str, signature: str, key: bytes, unit: str) -> Seal:
    """What a sealed text says.

    Raises:
        InboxError: the seal is not ours, or it is of another unit or another version.
    """
    if not hmac.compare_digest(sign(text, key), signature):
        raise InboxError("its seal is not this unit's: export a new one with laman renewal inbox --export")
    data: dict[str, Any] = json.loads(text)
    if data["format"] != FORMAT or data["unit"] != unit:
        raise InboxError("it was made by another version or for another unit: export a new one")
    return Seal(
        unit=data["unit"],
        role=data["role"],
        exported_at=datetime.fromisoformat(data["exported_at"]),
        head=Head(*data["head"]),
        cells=data["cells"],
        rows={int(k): (v[0], v[1], v[2]) for k, v in data["rows"].items()},
    )


def decision_of(answer: Answer) -> Decision:
    """The decision that was written, in either language.

    Raises:
        InboxError: none, an unknown one, or one that the case does not wait for.
    """
    written = str(answer.decision or "").strip().casefold()
    if not written:
        raise InboxError("the decision is empty, yet something else is filled in")
    allowed = OF_STEP[answer.step]
    for decision in allowed:
        if written in DECISIONS[decision].values():
            return decision
    words = ", ".join(DECISIONS[d]["id"] for d in allowed)
    raise InboxError(f"decision {harmless(written, 40)!r} is unknown; it is one of: {words}")


def decided_at(value: object, clock: WorkClock, now: datetime) -> datetime:
    """When it was decided: a date with a time as written; a date alone counts until the end of its working hours.

    Raises:
        InboxError: no date.
    """
    tz = clock.calendar.tz
    moment = _moment(value)
    if isinstance(moment, datetime):
        return moment.replace(tzinfo=tz)
    hours = clock.hours(moment)
    end = datetime.combine(moment, hours.end if hours else time(23, 59), tz)
    today = now.astimezone(tz).date()
    return min(end, now) if moment == today else end


def _moment(value: object) -> datetime | date:
    """A date cell or a text; midnight exactly is a date alone (Excel keeps no difference)."""
    if isinstance(value, datetime):
        return value.date() if value.time() == time() else value.replace(tzinfo=None, second=0, microsecond=0)
    if isinstance(value, date):
        return value
    text = re.sub(r"\s+", " ", str(value or "").strip())
    for pattern in _DATES:
        try:
            return datetime.strptime(text, pattern)  # noqa: DTZ007 - the zone is the agency's, put on by the caller
        except ValueError:
            continue
    for pattern in _DAYS:
        try:
            return datetime.strptime(text, pattern).date()  # noqa: DTZ007
        except ValueError:
            continue
    raise InboxError(f"date {harmless(text, 40)!r}: a date like 12/03/2026 14:00 is expected")


def name_of(answer: Answer) -> str:
    """Who decided.

    Raises:
        InboxError: the name is empty.
    """
    name = str(answer.name or "").strip()
    if not name:
        raise InboxError("the name is empty: who decided?")
    return name


def services_text(case: Case, lang: Language) -> str:
    """The services of a case with their periods, one after the other."""
    until = "s.d." if lang == "id" else "until"
    return "; ".join(f"{line.name} ({line.old_end or '?'} {until} {line.new_end})" for line in case.lines)
