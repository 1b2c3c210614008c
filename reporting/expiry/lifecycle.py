"""What becomes of a service after its end, and what bringing it back costs then. The phases are data (lifecycle_*.yml).

Days count from the last day of the service: that day is still active, the next is day 1 of the first phase.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

import yaml

from reporting.expiry.model import DATA
from reporting.service import AfterEnd, ServiceKind

ACTIVE, GRACE, REDEMPTION, PENDING_DELETE, RELEASED, ENDED = (
    "active", "renewal_grace", "redemption", "pending_delete", "released", "ended",
)  # fmt: skip
NORMAL = 100  # percent of the normal price


@dataclass(frozen=True, slots=True)
class Step:
    """One phase of a life cycle: how many days it lasts (at the least), and at what price the service comes back."""

    phase: str
    days: int
    longest: int
    cost_percent: int | None  # None: the provider's own price
    renewable: bool


Cycle = tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Phase:
    """Where a service stands. `first` and `last` day inclusive, None where there is none or it is not known.

    `may_still_be`: the phase that a more generous registrar would still grant on that day.
    """

    name: str
    first: date | None
    last: date | None
    cost_percent: int | None
    renewable: bool
    may_still_be: str = ""

    def cost(self, normal: int) -> int | None:
        """Rupiah that renewing costs in this phase; None when it cannot be renewed or the provider sets the price."""
        if not self.renewable or self.cost_percent is None:
            return None
        return normal * self.cost_percent // NORMAL


@lru_cache(maxsize=1)
def _shipped() -> dict[str, Cycle]:
    """Ending of a name -> its life cycle."""
    found: dict[str, Cycle] = {}
    for path in sorted(DATA.glob("lifecycle_*.yml")):
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        cycle = tuple(_step(raw) for raw in content["phases"])
        found.update(dict.fromkeys(content["endings"], cycle))
    return found


def _step(raw: dict[str, Any]) -> Step:
    return Step(raw["phase"], raw["days"], raw.get("longest", raw["days"]), raw["cost_percent"], raw["renewable"])


def cycle_for(kind: ServiceKind, name: str, after_end: AfterEnd | None = None) -> Cycle:
    """The life cycle of a service: of a domain by its ending, else what its provider grants (nothing, by default)."""
    ending = name.strip().rstrip(".").rpartition(".")[2].lower()
    cycle = _shipped().get(ending, ()) if kind == "domain" else ()
    return _granted(cycle, after_end) if after_end else cycle


def _granted(cycle: Cycle, granted: AfterEnd) -> Cycle:
    """The cycle with the provider's own days and percent put in; phases that it adds come in their order."""
    own = {
        GRACE: (granted.renewal_days, NORMAL, True),
        REDEMPTION: (granted.redemption_days, granted.redemption_percent, True),
        PENDING_DELETE: (granted.pending_delete_days, None, False),
    }
    base = {step.phase: step for step in cycle}
    made = []
    for phase, (days, percent, renewable) in own.items():
        step = base.get(phase)
        if step is None and days is not None:
            step = Step(phase, days, days, percent, renewable)
        elif step is not None and days is not None:
            step = replace(step, days=days, longest=days)
        if step is not None and phase == REDEMPTION and percent is not None:
            step = replace(step, cost_percent=percent)
        if step is not None:
            made.append(step)
    return tuple(made)


def phases(cycle: Cycle, ends: date, *, longest: bool = False) -> list[Phase]:
    """Every phase with its days, from active to what comes after all; with `longest`, as the most generous sell it."""
    found = [Phase(ACTIVE, None, ends, NORMAL, True)]
    first = ends + timedelta(days=1)
    for step in cycle:
        days = step.longest if longest else step.days
        if days > 0:
            last = first + timedelta(days=days - 1)
            found.append(Phase(step.phase, first, last, step.cost_percent, step.renewable))
            first = last + timedelta(days=1)
    after = Phase(RELEASED, first, None, None, False) if cycle else Phase(ENDED, first, None, NORMAL, True)
    return [*found, after]


def phase_on(cycle: Cycle, ends: date, day: date, told: str = "") -> Phase:
    """The phase on a day. What the registry itself told (a phase's name, see `told_by`) goes before the calendar."""
    by_date = _at(phases(cycle, ends), day)
    if told and told != by_date.name:
        step = next((s for s in cycle if s.phase == told), None)
        percent, renewable = (step.cost_percent, step.renewable) if step else (None, told != PENDING_DELETE)
        return Phase(told, None, None, percent, renewable)
    generous = _at(phases(cycle, ends, longest=True), day).name
    return by_date if told or generous == by_date.name else replace(by_date, may_still_be=generous)


def still_told(cycle: Cycle, ends: date, seen_on: date, phase: str) -> str:
    """The phase of an observation, if the registry told it: it is another than the calendar's on that day."""
    return phase if phase and phase != _at(phases(cycle, ends), seen_on).name else ""


def _at(listed: Sequence[Phase], day: date) -> Phase:
    return next(p for p in listed if p.last is None or day <= p.last)


def told_by(statuses: Iterable[str]) -> str:
    """The phase that a registry's statuses (RFC 8056) name; empty when they name none.

    A name in redemption is pending delete too (RFC 3915): redemption it is.
    """
    words = {" ".join(status.lower().replace("_", " ").split()) for status in statuses}
    for word, phase in (
        ("redemption period", REDEMPTION),
        ("pending restore", REDEMPTION),
        ("pending delete", PENDING_DELETE),
        # The registry has moved the end by itself and the registrar may still give the name back: it is not paid for.
        ("auto renew period", GRACE),
    ):
        if word in words:
            return phase
    return ""
