"""What renewals cost: against the last time, across the budget year, and a forecast of a year. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from reporting.renewal.model import Case, ServiceLine
from reporting.renewal.submit import months_later
from reporting.service import Service

_MONTH_DAYS = 365.2425 / 12
REGISTER = "the register"  # where a price stands that no case has shown yet
_DEAD = ("rejected", "cancelled")
_LEAD_MONTHS = 1  # a renewal is submitted and paid in the month before the service ends


@dataclass(frozen=True, slots=True)
class Rise:
    """A service that costs more than before. Rupiah before tax; `before` and `now` for the same `months`."""

    service: str
    before: int
    now: int
    months: int
    source: str  # the case that it is compared with, or "the register"

    @property
    def percent(self) -> float:
        """By how much it rose."""
        return (self.now - self.before) * 100 / self.before


def rises(case: Case, cases: Iterable[Case], services: Mapping[str, Service]) -> tuple[Rise, ...]:
    """The services of a case that cost more than at their last renewal, or than the register says where there is none.

    A service that is paid in parts (several live cases, one new end) is compared by the sum of its parts. Periods of
    different length are compared for the months of the new one.
    """
    others = [c for c in cases if c.id != case.id and c.state not in _DEAD]
    found = []
    for line in case.lines:
        months = _months(line)
        parts = [n.amount for c in others for n in c.lines if n.service == line.service and n.new_end == line.new_end]
        now = line.amount + sum(parts)
        before = _before(case, line, others, services, months)
        if before is not None and 0 < before[0] < now:
            found.append(Rise(line.service, before[0], now, months, before[1]))
    return tuple(found)


def _months(line: ServiceLine) -> int:
    if line.old_end is None:
        return 12
    return max(1, round((line.new_end - line.old_end).days / _MONTH_DAYS))


def _before(
    case: Case, line: ServiceLine, others: list[Case], services: Mapping[str, Service], months: int
) -> tuple[int, str] | None:
    """What the same months cost the last time, and where that stands."""
    earlier = [
        (n.new_end, c, n)
        for c in others
        for n in c.lines
        if n.service == line.service and n.new_end < line.new_end and c.opened_at <= case.opened_at
    ]
    if earlier:
        latest = max(e[0] for e in earlier)
        same = [(c, n) for end, c, n in earlier if end == latest]
        total = sum(n.amount for _, n in same)
        return round(total * months / _months(same[0][1])), ", ".join(c.id for c, _ in same)
    service = services.get(line.service)
    if service is None:
        return None
    return round(service.cost * months / service.period_months), REGISTER


def crosses_budget_year(case: Case) -> bool:
    """Whether an invoice of one budget year (it ends in December) is due, or was paid, in another."""
    year = case.invoice.issued.year
    ends = [case.invoice.due] if case.invoice.due is not None else [n.old_end for n in case.lines if n.old_end]
    paid = [s.done_at.year for s in case.steps if s.name == "pay"]
    return any(end.year > year for end in ends) or any(y > year for y in paid)


@dataclass(frozen=True, slots=True)
class Cost:
    """One renewal that a year has to pay for. `amount` in rupiah before tax; `month` is the first day of the month.

    `due` is the day on which the service ends. `state`: paid, on its way (a live case), or expected.
    `crosses`: it ends in the next budget year so early that it has to be paid in this one, or the other way round.
    """

    service: str
    name: str
    budget_line: str
    month: date
    due: date
    amount: int
    state: Literal["paid", "under_way", "expected"]
    case: str | None
    crosses: bool


def forecast(
    year: int, services: Iterable[Service], ends: Mapping[str, date], cases: Iterable[Case]
) -> tuple[Cost, ...]:
    """What a budget year (January to December) will pay for renewals, by the day on which each service ends.

    Renewals that have a case count with its amount; the others with what the service last cost (else the register's
    cost), again and again at its period. Services without a known end are left out: `unknown_ends` names them.
    """
    register = list(services)
    live = [c for c in cases if c.state not in _DEAD]
    rows = [row for service in register for row in _of_cases(service, live, year)]
    have = {(r.service, r.due) for r in rows}
    for service in register:
        end = ends.get(service.id)
        if end is not None:
            rows += [r for r in _expected(service, end, live, year) if (r.service, r.due) not in have]
    return tuple(sorted(rows, key=lambda r: (r.due, r.service, r.case or "")))


def unknown_ends(services: Iterable[Service], ends: Mapping[str, date]) -> tuple[str, ...]:
    """The services that no forecast can be made for."""
    return tuple(s.id for s in services if s.id not in ends)


def by_month(costs: Iterable[Cost]) -> dict[tuple[date, str], int]:
    """Rupiah per month and budget line."""
    sums: dict[tuple[date, str], int] = {}
    for cost in costs:
        key = (cost.month, cost.budget_line)
        sums[key] = sums.get(key, 0) + cost.amount
    return dict(sorted(sums.items()))


def _of_cases(service: Service, live: list[Case], year: int) -> Iterable[Cost]:
    for case in live:
        for line in case.lines:
            due = line.old_end or case.invoice.due or case.invoice.issued
            if line.service == service.id and due.year == year:
                state: Literal["paid", "under_way"] = "paid" if case.outstanding <= 0 else "under_way"
                yield _cost(service, due, line.amount, state, case.id)


def _expected(service: Service, end: date, live: list[Case], year: int) -> Iterable[Cost]:
    lines = [n for c in live for n in c.lines if n.service == service.id]
    bought = max((n.new_end for n in lines), default=end)
    first = max(end, bought)  # a case under way moves the end
    amount = _last_cost(service, lines)
    count = 0
    while (due := months_later(first, service.period_months * count)).year <= year:
        if due.year == year:
            yield _cost(service, due, amount, "expected", None)
        count += 1


def _last_cost(service: Service, lines: list[ServiceLine]) -> int:
    if not lines:
        return service.cost
    latest = max(n.new_end for n in lines)
    same = [n for n in lines if n.new_end == latest]
    return round(sum(n.amount for n in same) * service.period_months / _months(same[0]))


def _cost(
    service: Service, due: date, amount: int, state: Literal["paid", "under_way", "expected"], case: str | None
) -> Cost:
    crosses = months_later(due, -_LEAD_MONTHS).year != due.year
    month = due.replace(day=1)
    return Cost(service.id, service.name, service.budget_line, month, due, amount, state, case, crosses)
