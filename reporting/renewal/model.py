"""A renewal case as the events tell it. Folded on read, never stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from reporting.events import Agent, EvidenceFile, Person

StepName = Literal["submit", "approve", "reject", "return", "pay", "report", "cancel"]
CaseState = Literal[
    "submitted", "returned", "rejected", "approved", "partly_paid", "paid", "renewed", "not_renewed", "cancelled"
]


@dataclass(frozen=True, slots=True)
class Invoice:
    """The provider's invoice. Amounts in whole rupiah; `tax` is the PPN on it (part of the total due)."""

    number: str
    issued: date
    due: date | None
    amount: int
    tax: int

    @property
    def total(self) -> int:
        """What has to be paid."""
        return self.amount + self.tax


@dataclass(frozen=True, slots=True)
class ServiceLine:
    """One service on the case: its share of the invoice, the period that ends, the period that is bought."""

    service: str
    name: str
    amount: int
    old_end: date | None
    new_end: date


@dataclass(frozen=True, slots=True)
class Step:
    """One thing a person did. `done_at` is when (on paper: the paper's date), `recorded_at` when the ledger learned it.

    `input_at` is when its input was there (POS): invoice received, submitted, approved, paid. `taken_at`: work began.
    """

    name: StepName
    executor: Person
    agent: Agent
    done_at: datetime
    recorded_at: datetime
    on_paper: bool
    input_at: datetime | None
    taken_at: datetime | None
    attachments: tuple[EvidenceFile, ...]
    note: str
    amount: int | None  # pay: rupiah
    execution: str | None  # the execution of activity 4-7 that it is, if it is one


@dataclass(frozen=True, slots=True)
class Proof:
    """Whether the end of a service moved after the payment: seen, attested with a document, or not."""

    service: str
    state: Literal["moved", "attested", "not_moved", "unknown"]
    seen_end: date | None
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Case:
    """One renewal: from the invoice to the proof that the service goes on."""

    id: str
    state: CaseState
    invoice: Invoice
    lines: tuple[ServiceLine, ...]
    steps: tuple[Step, ...]
    proofs: tuple[Proof, ...]
    paid: int
    opened_at: datetime
