"""A renewal case as the events tell it. Folded on read, never stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from reporting.events import Agent, Attachment, Person

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
    attachments: tuple[Attachment, ...]
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
    attachments: tuple[Attachment, ...] = ()
    attested_by: Person | None = None

    @property
    def renewed(self) -> bool:
        """Whether it says that the service goes on."""
        return self.state in ("moved", "attested")


@dataclass(frozen=True, slots=True)
class Taken:
    """Work on the next step has begun."""

    executor: Person
    agent: Agent
    at: datetime


@dataclass(frozen=True, slots=True)
class Case:
    """One renewal: from the invoice to the proof that the service goes on.

    `proofs`: the last word on each line, in the order of `lines`. `seq`: the last event about the case; it has moved on
    when this has grown. `taken`: who began on the step that it waits for, and when; None before.
    """

    id: str
    state: CaseState
    invoice: Invoice
    lines: tuple[ServiceLine, ...]
    steps: tuple[Step, ...]
    proofs: tuple[Proof, ...]
    paid: int
    opened_at: datetime
    invoice_received: datetime
    seq: int
    taken: Taken | None = None

    def last(self, *names: StepName) -> Step | None:
        """The last of those steps, None before any."""
        return next((s for s in reversed(self.steps) if s.name in names), None)

    def attachments(self, role: str) -> tuple[Attachment, ...]:
        """What was attached in that role, the latest step first."""
        return tuple(a for step in reversed(self.steps) for a in step.attachments if a.role == role)

    @property
    def outstanding(self) -> int:
        """Rupiah still to be paid."""
        return self.invoice.total - self.paid
