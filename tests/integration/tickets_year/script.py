"""What happens to some hundred tickets in a year: a seeded script. Plain values; knows nothing of the product.

A story is a list of actions, each at a local instant (whole seconds): reported at any hour of any day, answered,
routed, paused, resumed, solved, sometimes reopened, sometimes left open at the end of the year.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

YEAR = 2025  # whenever the test runs, it is past
SITES = ("www", "ppid", "perpustakaan", None)
CAUSES = ("server", "disk", "php", "database", "certificate", "provider", "content", "other")
_PROBLEMS = (
    "halaman depan galat 500", "sertifikat TLS kedaluwarsa", "unggah berita gagal", "situs lambat sejak pagi",
    "basis data tidak menjawab", "disk penuh", "menu hilang", "email kontak tidak terkirim", "tautan PPID rusak",
)  # fmt: skip
_OTHER_ROUTES = ("subbag_umum", "pihak_ketiga", "mandiri")

# Ramadan 1446 H, a made-up Saturday that was worked, and two days off by a late decree.
CALENDAR: dict[str, Any] = {
    "holidays": "indonesia",
    "special": [
        {
            "name": "Ramadan 1446 H",
            "first": f"{YEAR}-03-01",
            "last": f"{YEAR}-03-30",
            "week": {
                **{
                    day: {"start": "08:00", "end": "15:00", "breaks": [["12:00", "12:30"]]}
                    for day in ("monday", "tuesday", "wednesday", "thursday")
                },
                "friday": {"start": "08:00", "end": "15:30", "breaks": [["11:30", "12:30"]]},
            },
        }
    ],
    "not_worked": [f"{YEAR}-08-18", f"{YEAR}-10-06"],
    "worked": [f"{YEAR}-09-13"],
}


@dataclass
class Action:
    """One thing that is done to a ticket. `what`: open, or the name of a step."""

    at: datetime
    what: str
    more: dict[str, Any] = field(default_factory=dict)


@dataclass
class Story:
    """One ticket."""

    number: int
    actions: list[Action] = field(default_factory=list)


def stories(count: int, seed: int = 8) -> list[Story]:
    """The same stories for the same arguments."""
    dice = random.Random(seed)
    return [_story(number, dice) for number in range(count)]


def _story(number: int, dice: random.Random) -> Story:
    first = datetime(YEAR, 1, 2)  # noqa: DTZ001 - local time, as people tell it
    reported = first + timedelta(seconds=dice.randrange(350 * 86_400))
    if dice.random() < 0.7:  # most problems are reported while people work
        reported = reported.replace(hour=dice.randrange(7, 17))
    problem = f"{dice.choice(_PROBLEMS)} #{number}"
    story = Story(number, [Action(reported, "open", {"title": problem, "site": dice.choice(SITES)})])
    teller = _Teller(story, dice, reported)
    if dice.random() < 0.9:
        teller.after(3, 200, "take", {"executor": dice.choice(("budi", "citra"))})
    teller.work()
    while teller.ends_again() and len(story.actions) < 40:
        teller.after(60, 6_000, "reopen", {"note": "muncul lagi"})
        teller.work()
    return story


class _Teller:
    """Puts one action after the other, and knows what state the ticket is in."""

    def __init__(self, story: Story, dice: random.Random, at: datetime) -> None:
        self.story, self.dice, self.at = story, dice, at
        self.taken = self.solved = False
        self.route = "mandiri"

    def after(self, least: int, most: int, what: str, more: dict[str, Any] | None = None) -> None:
        """`what`, so many minutes later: mostly soon, sometimes much later."""
        minutes = least + (most - least) * self.dice.random() ** 3
        self.at += timedelta(seconds=round(minutes * 60))
        self.story.actions.append(Action(self.at, what, more or {}))
        self.taken = self.taken or what in ("take", "route", "solve")
        self.solved = what == "solve"

    def work(self) -> None:
        """Some routes, pauses and notes, and (mostly) a solution."""
        for _ in range(self.dice.choice((0, 0, 1, 1, 2, 3))):
            if self.dice.random() < 0.5:
                self.route = self.dice.choice([r for r in _OTHER_ROUTES if r != self.route])
                self.after(1, 1_500, "route", {"route": self.route, "party": f"pihak {self.story.number}"})
            if self.taken and self.dice.random() < 0.6:
                self.after(1, 600, "pause", {"note": "menunggu jawaban"})
                if self.dice.random() < 0.3:
                    self.after(1, 300, "note", {"note": "ditanyakan lagi"})
                self.after(5, 9_000, "resume")
        if self.dice.random() < 0.93:
            self.after(5, 4_000, "solve", {"cause_kind": self.dice.choice(CAUSES), "cause": "sebab",
                                           "solution": "solusi", "prevention": "cegah"})  # fmt: skip

    def ends_again(self) -> bool:
        """Whether a solved ticket comes back."""
        return self.solved and self.dice.random() < 0.18
