"""The account of each deviation as the events tell it (POS, Peringatan 2). A fold; nothing closes by itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from reporting.events import (
    KIND_ACCOUNTED,
    KIND_DECIDED,
    DeviationAccounted,
    DeviationDecided,
)
from reporting.ledger.model import Event

KINDS = (KIND_ACCOUNTED, KIND_DECIDED)
State = Literal["belum dipertanggungjawabkan", "dipertanggungjawabkan", "diterima", "dikembalikan"]


@dataclass(frozen=True, slots=True)
class Account:
    """The last account of one deviation and what was decided on it; `earlier`: accounts that were returned before.

    `recorded_at` and `decided_recorded_at` are when the ledger learned of them. `seq`: the last event about it.
    """

    deviation: str
    said: DeviationAccounted
    decision: DeviationDecided | None
    recorded_at: datetime
    decided_recorded_at: datetime | None
    earlier: tuple[tuple[DeviationAccounted, DeviationDecided | None], ...]
    seq: int

    @property
    def state(self) -> State:
        """Where it stands; without any account a deviation is `belum dipertanggungjawabkan`."""
        if self.decision is None:
            return "dipertanggungjawabkan"
        return "diterima" if self.decision.decision == "accepted" else "dikembalikan"


def fold(events: Iterable[Event]) -> dict[str, Account]:
    """Accounts by deviation id, in the ledger's order (`seq`); a decision on any but the last account is void."""
    accounts: dict[str, Account] = {}
    for event in sorted((e for e in events if e.kind in KINDS), key=lambda e: e.seq):
        before = accounts.get(event.subject)
        if event.kind == KIND_ACCOUNTED:
            said = DeviationAccounted.model_validate(event.data)
            earlier = (*before.earlier, (before.said, before.decision)) if before else ()
            accounts[event.subject] = Account(event.subject, said, None, event.at, None, earlier, event.seq)
        elif before is not None and before.decision is None and event.data.get("account") == before.said.account:
            decided = DeviationDecided.model_validate(event.data)
            accounts[event.subject] = Account(
                event.subject, before.said, decided, before.recorded_at, event.at, before.earlier, event.seq
            )
    return accounts
