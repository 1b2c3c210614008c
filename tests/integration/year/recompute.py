"""What must come of the year, worked out from `scenario.yml` alone: a second opinion, sharing no code with the product.

Minutes are counted one by one, by asking of each minute whether it is worked: slow, and too simple to be wrong in the
same way. Nothing of `reporting` is imported here, nor anything that imports it (a test keeps that).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, timezone
from fractions import Fraction
from pathlib import Path
from typing import Any

import yaml

SCENARIO = Path(__file__).with_name("scenario.yml")
WIB = timezone(timedelta(hours=7))
MINUTE = timedelta(minutes=1)

# POS 005/2017, activities 4-7, as they stand in its table: number and minutes, and whose role it is.
ACTIVITY = {"submit": 4, "approve": 5, "reject": 5, "return": 5, "pay": 6, "report": 7}
STANDARD = {4: 30, 5: 30, 6: 450, 7: 300}
ROLE = {4: "pengelola_sistem_dan_jaringan", 5: "kasi_si", 6: "kasubag_umum", 7: "pengelola_sistem_dan_jaringan"}
AFTER = {"submit": "submitted", "approve": "approved", "reject": "rejected", "return": "returned", "pay": "paid"}


def scenario() -> dict[str, Any]:
    """The year as data."""
    return dict(yaml.safe_load(SCENARIO.read_text(encoding="utf-8")))


@dataclass(frozen=True)
class Calendar:
    """Which minutes are worked. `around`: days that are worked from 00:00 to 23:59 (those of the live case)."""

    year: Mapping[str, Any]
    around: frozenset[date] = frozenset()

    def worked(self, minute: datetime) -> bool:
        """Whether the minute that begins then is worked."""
        day = minute.date()
        if day in self.around:
            return minute.time() < time(23, 59)
        if day.weekday() > 4 or day in self.year["holidays"]:
            return False
        ramadan = self.year["ramadan"]
        week = ramadan if ramadan["first"] <= day <= ramadan["last"] else self.year["week"]
        hours = week["friday" if day.weekday() == 4 else "monday-thursday"]
        start, end, pause, back = (time.fromisoformat(text) for text in hours)
        return start <= minute.time() < pause or back <= minute.time() < end

    def minutes(self, start: datetime, end: datetime) -> Fraction:
        """Working minutes between two instants: the worked part of each minute that they touch, added up."""
        start, end = start.astimezone(WIB), end.astimezone(WIB)
        at, total = start.replace(second=0, microsecond=0), timedelta()
        while at < end:
            if self.worked(at):
                total += min(end, at + MINUTE) - max(start, at)
            at += MINUTE
        return Fraction(total // timedelta(microseconds=1), 60_000_000)

    def deadline(self, start: datetime, minutes: int) -> datetime:
        """When so many minutes have been worked since `start` (a whole minute)."""
        at, left = start.astimezone(WIB), minutes
        while left:
            left -= self.worked(at)
            at += MINUTE
        return at


@dataclass
class StepOf:
    """One step of a renewal, judged. Minutes exact; `waiting` and `net` None where nobody said when work began."""

    key: str
    do: str
    activity: int
    executor: str
    on_paper: bool
    input_at: datetime
    done_at: datetime
    gross: Fraction
    waiting: Fraction | None
    net: Fraction | None
    standard: int
    time: str
    output: str
    verdict: str
    paid: int | None

    @property
    def late(self) -> Fraction:
        """Minutes over the standard."""
        return max(Fraction(0), self.gross - self.standard)


@dataclass
class CaseOf:
    """One renewal: what it came to."""

    key: str
    state: str = ""
    amount: int = 0
    tax: int = 0
    paid: int = 0
    lines: list[dict[str, Any]] = field(default_factory=list)
    steps: list[StepOf] = field(default_factory=list)
    rises: dict[str, int] = field(default_factory=dict)  # service -> percent

    @property
    def total(self) -> int:
        return self.amount + self.tax


Live = Sequence[
    Mapping[str, datetime]
]  # of steps typed as they happened: `done`, `taken`; of the first also `received`


@dataclass
class Year:
    """The whole answer."""

    calendar: Calendar
    cases: dict[str, CaseOf]

    @property
    def steps(self) -> list[StepOf]:
        return [step for case in self.cases.values() for step in case.steps]

    @property
    def deviations(self) -> list[tuple[str, int, str]]:
        """Case, activity and aspect of everything that has to be accounted for."""
        found = [(s.key, s.activity, "waktu") for s in self.steps if s.time == "menyimpang"]
        return sorted(found + [(s.key, s.activity, "output") for s in self.steps if s.output == "menyimpang"])

    def counts(self, activity: int) -> dict[str, int]:
        """Executions of an activity by verdict, and those that were done on paper."""
        steps = [s for s in self.steps if s.activity == activity]
        return {
            "executions": len(steps),
            "sesuai": sum(s.verdict == "sesuai" for s in steps),
            "menyimpang": sum(s.verdict == "menyimpang" for s in steps),
            "on_paper": sum(s.on_paper for s in steps),
        }

    def paid_by_month(self, year: int) -> dict[int, int]:
        """Rupiah with tax that left the till, by the month of the payment."""
        sums: dict[int, int] = {}
        for step in self.steps:
            if step.paid is not None and step.done_at.year == year:
                sums[step.done_at.month] = sums.get(step.done_at.month, 0) + step.paid
        return dict(sorted(sums.items()))

    def cost_by_month(self, year: int) -> dict[int, int]:
        """Rupiah before tax that the year's renewals cost, by the month in which each service ends.

        A renewal that was not turned down counts with its invoice; a service that nobody renewed with its price in the
        register.
        """
        sums: dict[int, int] = {}
        renewed: set[str] = set()
        for case in self.cases.values():
            for line in case.lines if case.state != "rejected" else []:
                renewed.add(line["service"])
                if line["old_end"].year == year:
                    sums[line["old_end"].month] = sums.get(line["old_end"].month, 0) + line["rupiah"]
        for service in self.calendar.year["services"]:
            if service["id"] not in renewed and service["ends"].year == year:
                sums[service["ends"].month] = sums.get(service["ends"].month, 0) + service["cost"]
        return dict(sorted(sums.items()))


def recompute(live: Live, around: frozenset[date] = frozenset()) -> Year:
    """The year's answer. `live`: the instants of what was typed at once, in order; `around`: see `Calendar`."""
    told = scenario()
    calendar = Calendar(told, around)
    instants = iter(live)
    return Year(calendar, {r["key"]: _case(calendar, r, instants) for r in told["renewals"]})


def _case(calendar: Calendar, raw: dict[str, Any], live: Iterator[Mapping[str, Any]]) -> CaseOf:
    case = CaseOf(raw["key"], amount=raw["rupiah"], tax=raw["tax"], lines=raw["lines"])
    received = raw["invoice"]["received"]
    previous: datetime | None = None if received == "now" else local(received)
    approved = previous
    for step in raw["steps"]:
        now = next(live) if "at" not in step else {}
        if previous is None:
            previous = now["received"]
        since = approved if step["do"] == "pay" else previous
        assert since is not None, "a payment follows an approval"
        case.steps.append(_step(calendar, case, step, since, now))
        previous = case.steps[-1].done_at
        if step["do"] == "approve":
            approved = previous
        if "again" in step:
            case.amount, case.tax = step["again"]["rupiah"], step["again"]["tax"]
            case.lines = [{**case.lines[0], "rupiah": case.amount}]
    costs = {s["id"]: s["cost"] for s in calendar.year["services"]}
    case.rises = {
        n["service"]: (n["rupiah"] - costs[n["service"]]) * 100 // costs[n["service"]]
        for n in case.lines
        if n["rupiah"] > costs[n["service"]]
    }
    return case


def _step(calendar: Calendar, case: CaseOf, raw: dict[str, Any], since: datetime, now: Mapping[str, Any]) -> StepOf:
    do, activity = raw["do"], ACTIVITY[raw["do"]]
    done = local(raw["at"]) if "at" in raw else now["done"]
    taken = local(raw["taken"]) if "taken" in raw else now.get("taken")
    gross = calendar.minutes(since, done)
    net = calendar.minutes(max(taken, since), done) if taken is not None else None
    proven = do != "report" or "attest" in raw or bool(raw.get("extends"))
    in_time = gross <= STANDARD[activity]
    paid = None
    if do == "pay":
        paid = raw.get("rupiah", case.amount + case.tax - case.paid)
        case.paid += paid
    case.state = ("renewed" if proven else "not_renewed") if do == "report" else AFTER[do]
    if do == "pay" and case.paid < case.amount + case.tax:
        case.state = "partly_paid"
    return StepOf(
        key=case.key,
        do=do,
        activity=activity,
        executor=_officer(calendar.year, ROLE[activity], done.astimezone(WIB).date()),
        on_paper="at" in raw,
        input_at=since,
        done_at=done,
        gross=gross,
        waiting=None if net is None else gross - net,
        net=net,
        standard=STANDARD[activity],
        time="sesuai" if in_time else "menyimpang",
        output="sesuai" if proven else "menyimpang",
        verdict="sesuai" if in_time and proven else "menyimpang",
        paid=paid,
    )


def _officer(told: Mapping[str, Any], role: str, day: date) -> str:
    there = [
        o["id"]
        for o in told["unit"]["officers"]
        if role in o["roles"] and o.get("first", day) <= day <= o.get("last", day)
    ]
    assert len(there) == 1, f"{role} on {day}: {there}"
    return str(there[0])


def local(text: str) -> datetime:
    """A local time of the scenario as an instant."""
    return datetime.fromisoformat(text).replace(tzinfo=WIB)
