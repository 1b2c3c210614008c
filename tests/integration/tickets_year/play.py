"""Plays the script: by the commands and the ledger at the script's time, or by the command line, told afterwards."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import pytest

from reporting.attachments import attached
from reporting.cli.main import main
from reporting.cli.ticket_known import Tickets, write_opening, write_step
from reporting.events import KIND_SETTINGS, Agent, TicketStepName
from reporting.ledger import Archive, Draft
from reporting.ledger.model import Event
from reporting.ledger.sqlite import SqliteLedger
from reporting.runner.model import Record
from reporting.standard import standard_on
from reporting.troubleshooting.asked import Asked, AskedOpening, Known
from reporting.troubleshooting.commands import permit, permit_opening
from reporting.troubleshooting.fold import KINDS, fold
from reporting.troubleshooting.model import Ticket
from reporting.troubleshooting.timing import RulesInForce
from reporting.unit import read_inventory
from tests.integration.agency import Agency
from tests.integration.tickets_year.recompute import WIB
from tests.integration.tickets_year.script import CALENDAR, SITES, YEAR, Action, Story
from tests.papers import pdf

AGENT = Agent(kind="person", name="script")
NETWORK = "pengelola_sistem_dan_jaringan"
UNIT: dict[str, Any] = {
    "officers": [
        {"id": "budi", "name": "Budi Santoso", "title": "Pengelola", "roles": [NETWORK]},
        {"id": "citra", "name": "Citra Lestari", "title": "Pengelola", "roles": [NETWORK]},
        {"id": "dewi", "name": "Dewi Anggraini", "title": "Kepala Seksi", "roles": ["kasi_si"]},
    ],
    "calendar": CALENDAR,
    "schedule": [],
}
_STEPS: tuple[TicketStepName, ...] = get_args(TicketStepName)


def agency(folder: Path) -> Agency:
    """An agency with the script's sites and calendar."""
    made = Agency(folder, {s: {} for s in SITES if s is not None}, UNIT).write()
    (folder / "letter.pdf").write_bytes(pdf("surat"))
    return made


class _Ledger(SqliteLedger):
    """A ledger whose clock a script sets, and that remembers what it was given."""

    now = datetime(YEAR, 1, 1, tzinfo=WIB)

    def __init__(self, path: Path, unit: str) -> None:
        super().__init__(path, unit, clock=lambda: self.now)
        self.given: list[Event] = []

    def append(self, drafts: Iterable[Draft]) -> list[Event]:
        made = super().append(drafts)
        self.given += made
        return made


class Player:
    """All stories at once, in the order of their actions."""

    def __init__(self, where: Agency) -> None:
        self.inventory = read_inventory(where.inventory)
        self.ledger = _Ledger(where.state / "ledger.sqlite", self.inventory.unit.id)
        archive = Archive(where.state / "archive")
        self.record = Record(self.inventory, self.ledger, archive, clock=lambda: self.ledger.now)
        self.letter = where.folder / "letter.pdf"
        snapshot = self.inventory.snapshot(YEAR - 1, YEAR + 1).model_dump(mode="json")
        settings = self.ledger.append([Draft(KIND_SETTINGS, self.inventory.unit.id, "script", snapshot)])
        self.rules = RulesInForce(settings)
        self.tickets: dict[str, Ticket] = {}
        self.events: dict[str, list[Event]] = {}
        self.ids: dict[int, str] = {}

    def play(self, stories: list[Story]) -> None:
        """Take every step; nothing of the script is refused."""
        todo = sorted(((a.at, s.number, n, a) for s in stories for n, a in enumerate(s.actions)), key=lambda x: x[:3])
        for count, (at, number, _, action) in enumerate(todo):
            self.ledger.now = at.replace(tzinfo=WIB)
            self.ledger.given.clear()
            token = f"{count:08x}"
            if action.what == "open":
                self._open(number, action, token)
            else:
                self._step(number, action, token)
            self._refold()

    def _open(self, number: int, action: Action, token: str) -> None:
        opening = permit_opening(self._known(), AskedOpening(**action.more, token=token))
        self.ids[number] = opening.id
        write_opening(self.record, self._known(), opening)

    def _step(self, number: int, action: Action, token: str) -> None:
        step = next(name for name in _STEPS if name == action.what)
        files = (self._letter(number, len(self.tickets[self.ids[number]].steps)),) if step == "pause" else ()
        asked = Asked(step=step, ticket=self.ids[number], files=files, token=token, **action.more)
        known = self._known()
        write_step(self.record, Tickets(known, self.rules), permit(known, asked))

    def _letter(self, number: int, step: int) -> Any:
        """A letter of its own for each pause."""
        path = self.letter.with_name("one.pdf")
        path.write_bytes(pdf(f"surat {number} {step}"))
        return attached(path, "pause_evidence")

    def _known(self) -> Known:
        return Known(self.inventory.unit, self.inventory.sites, standard_on, self.tickets, self.ledger.now, AGENT)

    def _refold(self) -> None:
        for event in self.ledger.given:
            if event.kind in KINDS:
                self.events.setdefault(event.subject, []).append(event)
        touched = {e.subject for e in self.ledger.given if e.kind in KINDS}
        for name in touched:
            self.tickets[name] = fold(self.events[name])[name]


_OPTIONS = {"cause_kind": "--kind", "cause": "--cause", "solution": "--solution", "prevention": "--prevention",
            "executor": "--executor", "party": "--party", "site": "--site", "title": "--title"}  # fmt: skip


def tell(where: Agency, story: Story, capsys: pytest.CaptureFixture[str]) -> str:
    """One story through the command line, all of it told afterwards with --at; returns the ticket's id."""
    ticket = ""
    for number, action in enumerate(story.actions):
        at = action.at.strftime("%Y-%m-%d %H:%M:%S")
        words = [*_typed(where, action, ticket, f"{story.number}-{number}"), "--json"]
        words += ["--reported", at] if action.what == "open" else ["--at", at]
        code = main(["-i", str(where.inventory), "ticket", action.what, *words])
        shown = capsys.readouterr()
        assert code in ((0, 2) if action.what == "solve" else (0,)), shown.err
        ticket = json.loads(shown.out)["ticket"]
    return ticket


def _typed(where: Agency, action: Action, ticket: str, unique: str) -> list[str]:
    options = [
        word for key, value in action.more.items() if key in _OPTIONS and value for word in (_OPTIONS[key], value)
    ]
    if action.what == "open":
        return options
    if action.what == "note":
        return [ticket, action.more["note"]]
    note = action.more.get("note", "dicatat dari buku piket")
    if action.what == "pause":
        letter = where.folder / f"surat-{unique}.pdf"
        letter.write_bytes(pdf(f"surat {unique}"))
        return [ticket, "--reason", note, "--evidence", str(letter)]
    return [ticket, *([action.more["route"]] if action.what == "route" else []), *options, "--note", note]


def local(text: str) -> datetime:
    """A local instant of the script."""
    return datetime.fromisoformat(text).replace(tzinfo=WIB).astimezone(UTC)
