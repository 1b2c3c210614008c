"""What is known and what is asked when somebody does something to a ticket: plain values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from reporting.attachments import Attached
from reporting.events import Agent, CauseKind, Person, Route, TicketStepName
from reporting.standard import Standard
from reporting.troubleshooting.model import Ticket
from reporting.unit import Unit

ACTIVITY = 8
TITLE_MOST, TEXT_MOST = 200, 2_000  # characters


class Refused(Exception):
    """What was asked cannot be done; one line: what, why, what to do."""


@dataclass(frozen=True)
class Known:
    """Everything that a step is judged with."""

    unit: Unit
    sites: Sequence[str]
    standard: Callable[[date], Standard]  # the POS in force on a local day
    tickets: Mapping[str, Ticket]
    now: datetime
    agent: Agent

    @property
    def actor(self) -> str:
        """Who types, as the ledger names it."""
        return f"{self.agent.kind}:{self.agent.name}"

    def day(self, at: datetime) -> date:
        """The local day of an instant."""
        return at.astimezone(self.unit.tz).date()

    def text(self, at: datetime) -> str:
        """An instant as refusals print it."""
        return at.astimezone(self.unit.tz).strftime("%Y-%m-%d %H:%M:%S %Z").replace(":00 ", " ")


@dataclass(frozen=True)
class Asked:
    """A step as it was asked for. `at`: done then (with a note that says how that is known), None: now.

    `clock_is_right`: the step before it has a later time because the clock was wrong then (the note says how that is
    known). `seen_seq`: the ticket as it was when it was decided upon; None: as it is now. `token` makes an execution's
    id unique. `at` of `breach`: since when it is known that personal data are concerned.
    """

    step: TicketStepName
    ticket: str
    executor: str | None = None  # id or name; None: who has the ticket, else by assignment
    at: datetime | None = None
    note: str = ""
    files: tuple[Attached, ...] = ()
    route: Route | None = None
    party: str = ""
    cause_kind: CauseKind | None = None
    cause: str = ""
    solution: str = ""
    prevention: str = ""
    seen_seq: int | None = None
    clock_is_right: bool = False
    token: str = ""


@dataclass(frozen=True)
class AskedOpening:
    """A problem as it was reported. `reported_at`: None: now."""

    title: str
    problem: str = ""
    site: str | None = None
    reported_at: datetime | None = None
    reported_by: str = ""
    executor: str | None = None
    route: Route = "mandiri"
    party: str = ""
    breach_known_at: datetime | None = None
    files: tuple[Attached, ...] = ()
    token: str = ""
    similar: tuple[str, ...] = field(default_factory=tuple)


@dataclass(frozen=True)
class Permitted:
    """A step that may be taken: by whom, when."""

    asked: Asked
    ticket: Ticket
    executor: Person
    done_at: datetime


@dataclass(frozen=True)
class Opening:
    """A ticket that may be opened, with its id."""

    asked: AskedOpening
    id: str
    executor: Person
    reported_at: datetime
