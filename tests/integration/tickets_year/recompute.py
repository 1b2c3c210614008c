"""The minutes of every ticket once more, second by second, from the raw rows of the ledger.

Shares no code with `reporting/`: sqlite3 and json read the rows, and each second of the years is marked as worked or
not by walking through the days of the calendar that the settings on record write out.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

WIB = timezone(timedelta(hours=7))  # Asia/Jakarta has no summer time
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAY = 86_400


@dataclass
class Route:
    """Seconds that a ticket spent on one route."""

    net: int = 0
    paused: int = 0
    stood_solved: int = 0

    @property
    def gross(self) -> int:
        return self.net + self.paused + self.stood_solved


@dataclass
class Sum:
    """One ticket, recomputed; seconds. `executions`: id -> (gross seconds, verdict)."""

    routes: dict[str, Route] = field(default_factory=dict)
    response: int | None = None
    solved: bool = False
    executions: dict[str, tuple[int, str]] = field(default_factory=dict)

    @property
    def gross(self) -> int:
        return sum(r.gross for r in self.routes.values())


class Worked:
    """A mark for every second of some years: worked or not."""

    def __init__(self, calendar: dict[str, Any], first_year: int, last_year: int) -> None:
        self.begin = datetime(first_year, 1, 1, tzinfo=WIB)
        days = (date(last_year + 1, 1, 1) - date(first_year, 1, 1)).days
        self.marks = bytearray(days * _DAY)
        for number in range(days):
            self._mark(calendar, date(first_year, 1, 1) + timedelta(days=number), number * _DAY)

    def _mark(self, calendar: dict[str, Any], day: date, offset: int) -> None:
        hours = _hours(calendar, day)
        if hours is None:
            return
        for second in range(_seconds(hours["start"]), _seconds(hours["end"])):
            self.marks[offset + second] = 1
        for begin, end in hours["breaks"]:
            for second in range(_seconds(begin), _seconds(end)):
                self.marks[offset + second] = 0

    def between(self, start: datetime, end: datetime) -> int:
        """Worked seconds from `start` to `end`, counted."""
        first, last = (round((m - self.begin).total_seconds()) for m in (start, end))
        return self.marks.count(1, first, last)


def _hours(calendar: dict[str, Any], day: date) -> dict[str, Any] | None:
    week = calendar["week"]
    for special in calendar["special"]:
        if special["first"] <= day.isoformat() <= special["last"]:
            week = special["week"]
    usual: dict[str, Any] | None = week[_WEEKDAYS[day.weekday()]]
    if day.isoformat() in calendar["worked"]:
        return usual or next(week[name] for name in _WEEKDAYS if week[name])
    return None if day.isoformat() in calendar["not_worked"] else usual


def _seconds(clock: str) -> int:
    hour, minute, *_ = clock.split(":")
    return int(hour) * 3600 + int(minute) * 60


def rows(ledger: Path) -> list[tuple[str, str, dict[str, Any]]]:
    """(kind, subject, data) of every event, in order."""
    db = sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)
    try:
        found = db.execute("SELECT kind, subject, data FROM events ORDER BY seq").fetchall()
    finally:
        db.close()
    return [(kind, subject, json.loads(data)) for kind, subject, data in found]


def recompute(ledger: Path, now: datetime, years: tuple[int, int]) -> dict[str, Sum]:
    """Every ticket of a ledger whose settings were recorded once, as of `now`."""
    events = rows(ledger)
    settings = next(data for kind, _, data in events if kind == "settings.recorded")
    assert settings["unit"]["calendar"]["holidays"] == "none", "holidays must be written out day by day"
    worked = Worked(settings["unit"]["calendar"], *years)
    stories: dict[str, list[tuple[str, dict[str, Any]]]] = {}
    for kind, subject, data in events:
        if subject.startswith("T-"):
            stories.setdefault(subject, []).append((kind, data))
    return {ticket: _one(story, worked, now) for ticket, story in stories.items()}


def _one(story: list[tuple[str, dict[str, Any]]], worked: Worked, now: datetime) -> Sum:
    opened = next(data for kind, data in story if kind == "ticket.opened")
    answer, since, route, mode = Sum(), _at(opened["reported_at"]), opened["route"], "net"
    reported = since

    def spend(until: datetime) -> None:
        spent = answer.routes.setdefault(route, Route())
        setattr(spent, mode, getattr(spent, mode) + worked.between(since, until))

    for kind, step in story:
        if kind != "ticket.step" or step["step"] in ("note", "attach", "breach", "notified"):
            continue
        at = _at(step["done_at"])
        if answer.response is None and step["step"] in ("take", "route", "solve"):
            answer.response = worked.between(reported, at)
        spend(at)
        since = at
        mode = {"pause": "paused", "solve": "stood_solved"}.get(step["step"], "net")
        route = step["route"] if step["step"] == "route" else route
        answer.solved = step["step"] == "solve"
    if not answer.solved:
        spend(now)
    _judge(story, worked, now, answer)
    return answer


def _judge(story: list[tuple[str, dict[str, Any]]], worked: Worked, now: datetime, answer: Sum) -> None:
    """The POS allows 900 working minutes, from the first report to each solution."""
    begun = {data["execution"]: _at(data["started_at"]) for kind, data in story if kind == "execution.started"}
    ended = {data["execution"]: _at(data["ended_at"]) for kind, data in story if kind == "execution.finished"}
    for execution, started in begun.items():
        seconds = worked.between(started, ended.get(execution, now))
        in_time = "sesuai" if execution in ended else "menunggu"
        answer.executions[execution] = (seconds, in_time if seconds <= 900 * 60 else "menyimpang")


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)
