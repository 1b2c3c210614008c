"""A ticket as the events tell it, and its minutes. Folded and computed on read, never stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from reporting.contract import Finding
from reporting.events import Agent, Attachment, CauseKind, DiagnosisMade, Person, Route, TicketStepName

TicketState = Literal["open", "taken", "paused", "solved"]
ROUTES: tuple[Route, ...] = ("mandiri", "subbag_umum", "pihak_ketiga")
MOVING: tuple[TicketStepName, ...] = ("take", "route", "pause", "resume", "solve", "reopen")  # they follow each other


@dataclass(frozen=True, slots=True)
class Step:
    """One thing a person did to a ticket. `recorded_at`: when the ledger learned of it."""

    name: TicketStepName
    executor: Person
    agent: Agent
    done_at: datetime
    recorded_at: datetime
    note: str
    attachments: tuple[Attachment, ...]
    route: Route | None
    party: str
    cause_kind: CauseKind | None
    cause: str
    solution: str
    prevention: str
    execution: str | None


@dataclass(frozen=True, slots=True)
class Seen:
    """A run found the same again."""

    execution: str
    count: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Ticket:
    """One problem, from its report to its solution. `seq`: the last event about it; it has moved on when it has grown.

    `executions`: of activity 8, the first and one more for each reopening.
    `occurrences`: how often it was found in all.
    """

    id: str
    state: TicketState
    site: str | None
    title: str
    problem: str
    reported_at: datetime
    reported_by: str
    opened_at: datetime  # when the ledger learned of it
    executor: Person  # who is responsible now
    agent: Agent  # who or what opened it
    route: Route  # now
    first_route: Route
    party: str
    source: Literal["hand", "finding"]
    finding: Finding | None
    fingerprint: str
    found_by: str
    similar: tuple[str, ...]
    steps: tuple[Step, ...]
    seen: tuple[Seen, ...]
    diagnoses: tuple[DiagnosisMade, ...]
    attachments: tuple[Attachment, ...]  # of the opening
    executions: tuple[str, ...]
    occurrences: int
    breach_known_at: datetime | None
    notified_at: datetime | None
    seq: int

    def last(self, *names: TicketStepName) -> Step | None:
        """The last of those steps, None before any."""
        return next((s for s in reversed(self.steps) if s.name in names), None)

    @property
    def moves(self) -> tuple[tuple[Step, datetime], ...]:
        """The steps that follow each other, and from when each counts: never after a later one.

        Where one has a time after the next, the clock was wrong: until the next says so, nobody can know.
        """
        found: list[tuple[Step, datetime]] = []
        for step in reversed([s for s in self.steps if s.name in MOVING]):
            found.append((step, min(step.done_at, found[-1][1]) if found else step.done_at))
        return tuple(reversed(found))

    @property
    def solved_at(self) -> datetime | None:
        """When it was solved for good, so far; None while it is open."""
        step = self.last("solve") if self.state == "solved" else None
        return step.done_at if step else None

    @property
    def taken_at(self) -> datetime | None:
        """The first response: when somebody first took it (or routed or solved it without taking it)."""
        return next((at for step, at in self.moves if step.name in ("take", "route", "solve")), None)


@dataclass(frozen=True, slots=True)
class RouteMinutes:
    """Working minutes of one route, exact. gross = net + paused + stood_solved."""

    gross: float
    net: float
    paused: float
    stood_solved: float  # was taken for solved, and was not: it was reopened


@dataclass(frozen=True, slots=True)
class Timing:
    """Working minutes of a ticket until its solution (or `now`), exact. The routes' gross minutes add up to `gross`.

    The verdict is on `gross`: from the report to the last solution, pauses and false solutions included (POS step 8).
    `due_at`: when the POS's minutes are used up. `response`: minutes to the first response, None before it.
    `breach_due_at`: wall clock, 3 x 24 h after the breach was known (UU PDP 27/2022 art. 46); None without a breach.
    """

    gross: float
    net: float
    paused: float
    stood_solved: float
    routes: dict[Route, RouteMinutes]
    response: float | None
    response_due_at: datetime
    due_at: datetime
    standard_minutes: int
    over: bool
    breach_due_at: datetime | None
    breach_late: bool
