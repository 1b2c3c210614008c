"""What was mailed before, by the record: nobody gets the same inbox twice unasked. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

from reporting.events import KIND_MAIL, MailSent
from reporting.ledger.model import Event, canonical


def cases_hash(rows: Sequence[dict[str, Any]]) -> str:
    """SHA-256 over what the rows say, in hex. The workbook's own bytes hold the instant they were made at."""
    return hashlib.sha256(canonical({"rows": list(rows)}).encode()).hexdigest()


def last_sent(events: Iterable[Event], role: str, officer: str, address: str) -> MailSent | None:
    """The last inbox of a role that went to an officer at that address."""
    found = None
    for event in events:
        if event.kind == KIND_MAIL:
            mail = MailSent.model_validate(event.data)
            if mail.role == role and any((t.officer, t.address) == (officer, address) for t in mail.to):
                found = mail
    return found
