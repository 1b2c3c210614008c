"""An agency in memory whose site has problems: a clock that a test sets, and the events that its tickets leave."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from reporting.attachments import Attached
from reporting.compliance import Compliance, Execution, Period, evaluate
from reporting.contract import Finding, ResultDocument
from reporting.events import (
    KIND_FINISHED,
    KIND_SETTINGS,
    KIND_STARTED,
    Attachment,
    ExecutionFinished,
    ExecutionStarted,
    Person,
    TicketStepName,
)
from reporting.ledger.model import GENESIS, Draft, Event
from reporting.standard import load_standards, standard_on
from reporting.troubleshooting.asked import Asked, AskedOpening, Known
from reporting.troubleshooting.commands import permit, permit_opening
from reporting.troubleshooting.drafts import (
    SOLUTION,
    folder_of,
    opening_drafts,
    solution_paper,
    step_drafts,
)
from reporting.troubleshooting.fold import fold
from reporting.troubleshooting.model import Ticket, Timing
from reporting.troubleshooting.timing import RulesInForce, timing_by
from reporting.troubleshooting.triage import Triaged, pending, triage
from reporting.unit import Snapshot, Unit
from tests.unit.renewal.world import KEYBOARD, WIB, at, officer, settings

__all__ = ["WIB", "World", "at", "file", "finding", "officer", "settings"]
NETWORK = "pengelola_sistem_dan_jaringan"
SOLVED: dict[str, Any] = {
    "cause_kind": "disk", "cause": "disk penuh", "solution": "log lama dihapus", "prevention": "logrotate",
}  # fmt: skip


def unit(**changes: Any) -> Unit:
    """Budi and Citra look after the site; Siti and Agus do not."""
    officers = [
        officer("Budi", NETWORK),
        officer("Citra", NETWORK),
        officer("Siti", "kasi_si"),
        officer("Agus", "kasubag_umum"),
    ]
    return Unit.model_validate(settings(**{"officers": officers, **changes}))


@dataclass
class World:
    """What is on record, and what time it is: Tuesday 14 April 2026, 08:00."""

    unit: Unit = field(default_factory=unit)
    now: datetime = field(default_factory=lambda: at("2026-04-14 08:00"))
    events: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.set(self.unit, datetime(2026, 1, 1, tzinfo=UTC))

    def set(self, changed: Unit, moment: datetime | None = None) -> None:
        """Other settings come into force."""
        self.unit = changed
        snapshot = Snapshot(unit=changed, sites=["www", "ppid"]).model_dump(mode="json")
        self.record([Draft(KIND_SETTINGS, changed.id, "test", snapshot)], moment)

    def record(self, drafts: Iterable[Draft], moment: datetime | None = None) -> None:
        for draft in drafts:
            seq = len(self.events) + 1
            self.events.append(
                Event(seq, f"e{seq}", moment or self.now, self.unit.id, draft.actor, draft.kind, draft.subject,
                      draft.data, GENESIS, GENESIS)
            )  # fmt: skip

    @property
    def tickets(self) -> dict[str, Ticket]:
        return fold(self.events)

    def ticket(self, wanted: str = "T-2026-001") -> Ticket:
        return self.tickets[wanted]

    @property
    def known(self) -> Known:
        return Known(self.unit, ["www", "ppid"], standard_on, self.tickets, self.now, KEYBOARD)

    def open(self, when: str | None = None, **asked: Any) -> Ticket:
        if when is not None:
            self.now = at(when)
        wanted: dict[str, Any] = {"title": "halaman depan galat 500", "site": "www", "token": self._token(), **asked}
        opening = permit_opening(self.known, AskedOpening(**wanted))
        self.record(opening_drafts(self.known, opening, [_kept(f) for f in opening.asked.files]))
        return self.ticket(opening.id)

    def do(self, step: TicketStepName, when: str | None = None, **asked: Any) -> Ticket:
        """Take a step now, with what it needs unless something else is asked for."""
        if when is not None:
            self.now = at(when)
        wanted: dict[str, Any] = {"ticket": "T-2026-001", "token": self._token(), **self._needs(step), **asked}
        permitted = permit(self.known, Asked(step=step, **wanted))
        files = [_kept(f) for f in permitted.asked.files]
        if step == "solve":
            paper = solution_paper(self.known, permitted, self.timing(permitted.ticket.id, permitted.done_at))
            files.append(Attachment(path=f"2026/{SOLUTION}-01.txt", bytes=len(paper),
                                    sha256=hashlib.sha256(paper).hexdigest(), role=SOLUTION))  # fmt: skip
        self.record(step_drafts(self.known, permitted, folder_of(self.known, permitted), files))
        return self.ticket(permitted.ticket.id)

    def _needs(self, step: str) -> dict[str, Any]:
        if step == "solve":
            return dict(SOLVED)
        if step == "pause":
            return {"note": "menunggu penyedia", "files": (file(f"pause-{len(self.events)}"),)}
        if step in ("note", "reopen", "breach"):
            return {"note": "dicatat"}
        if step == "route":
            return {"route": "pihak_ketiga", "party": "PT Penyedia"}
        return {"files": (file(step),)} if step in ("attach", "notified") else {}

    def _token(self) -> str:
        return f"{len(self.events):08x}"

    def timing(self, wanted: str = "T-2026-001", moment: datetime | None = None) -> Timing:
        return timing_by(self.ticket(wanted), RulesInForce(self.events), moment or self.now, 900)

    def judge(self, period: str = "2026", lang: Any = "en") -> Compliance:
        return evaluate(load_standards(), self.events, Period.parse(period, WIB), self.now, lang)

    def executions(self, wanted: str = "T-2026-001", period: str = "2026") -> list[Execution]:
        return [e for e in self.judge(period).executions if e.site == wanted]

    def ran(self, name: str, findings: Iterable[Finding], total: int = 0, site: str = "www") -> None:
        """A visitor-log run that found something ended now."""
        found = list(findings)
        started = ExecutionStarted(
            execution=name, run=name, activity=3, executor=Person(id="citra", name="Citra", title="Pengelola"),
            agent=KEYBOARD, clock="elapsed", started_at=self.now,
        )  # fmt: skip
        document = ResultDocument.model_validate(
            {"activity": 3, "site": site, "requirements": [], "output_problems": ["none"],
             "findings": [f.model_dump() for f in found], "findings_total": total or len(found)}
        )  # fmt: skip
        finished = ExecutionFinished(execution=name, ended_at=self.now, status="completed", document=document)
        self.record(
            [
                Draft(KIND_STARTED, site, "test", started.json_value()),
                Draft(KIND_FINISHED, site, "test", finished.json_value()),
            ]
        )

    def triage(self) -> Triaged:
        """Look at what runs found."""
        done = triage(self.known, pending(self.events), self._token())
        self.record(done.drafts)
        return done


def _kept(attached: Attached) -> Attachment:
    return Attachment(path=f"2026/{attached.source}", bytes=attached.bytes, sha256=attached.sha256, role=attached.role)


def file(name: str, role: str = "attachment") -> Attached:
    """A file as if it had been looked at; the name decides the content."""
    return Attached(Path(f"{name}.pdf"), role, "pdf", 100, hashlib.sha256(name.encode()).hexdigest(), None)


def finding(number: int, severity: str = "high", kind: str = "sql_injection", **more: Any) -> Finding:
    """A finding; the number decides the fingerprint."""
    return Finding.model_validate(
        {"kind": kind, "severity": severity, "title": f"attack {number}", "title_id": f"serangan {number}",
         "fingerprint": f"{number:016x}", **more}
    )  # fmt: skip
