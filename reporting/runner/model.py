"""What is asked of a run, and what became of each site."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, Protocol

from reporting.events import Agent, ExecutionFinished, ExecutionStarted, Person
from reporting.ledger import Archive, Ledger
from reporting.runner.play import FORKS
from reporting.unit import Inventory


@dataclass(frozen=True)
class ActivityToRun:
    """What the runner has to know of an activity: its number and slug in the standard, its POS minutes."""

    number: int
    slug: str
    standard_minutes: int

    @property
    def playbook(self) -> str:
        """File name in playbooks/."""
        return f"{self.slug}.yml"


@dataclass(frozen=True)
class RunRequest:
    """One activity on some sites, on whose responsibility, typed by whom."""

    activity: ActivityToRun
    sites: list[str]
    executors: dict[str, Person]  # site -> executor
    agent: Agent
    ad_hoc: bool = False
    limit_minutes: float = 450.0  # of the whole run: see `run_limit`
    forks: int = FORKS  # sites at once
    catches_up: dict[str, str] = field(default_factory=dict)  # site -> id of the missed occasion that this makes up for


def run_limit(minutes_per_site: float, sites: int, forks: int = FORKS) -> float:
    """Minutes that a run of so many sites may take: `forks` of them go at once, the others wait for their turn."""
    return minutes_per_site * max(1, math.ceil(sites / forks))


@dataclass(frozen=True)
class Record:
    """Where a run is recorded."""

    inventory: Inventory
    ledger: Ledger
    archive: Archive
    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))

    @property
    def locks(self) -> Path:
        """The folder of the run locks."""
        return self.inventory.state_dir / "locks"


@dataclass
class SiteRun:
    """One site of a run: its execution and, once it has ended, how."""

    site: str
    started: ExecutionStarted
    evidence_dir: Path
    finished: ExecutionFinished | None = None


@dataclass
class RunResult:
    """All sites of a run. `left_alone`: site -> why it was not begun (another run holds it)."""

    request: RunRequest
    sites: list[SiteRun] = field(default_factory=list)
    left_alone: dict[str, str] = field(default_factory=dict)


class Progress(Protocol):
    """Somebody who watches a run; called from the main thread only."""

    def begin(self, request: RunRequest, sites: list[str]) -> None:
        """A run begins."""
        ...

    def task(self, site: str, name: str) -> None:
        """A site has begun a task."""
        ...

    def done(self, site: str, state: Literal["ok", "problem"], note: str) -> None:
        """A site is recorded."""
        ...

    def tick(self) -> None:
        """About twice a second."""
        ...

    def end(self) -> None:
        """The run is over."""
        ...
