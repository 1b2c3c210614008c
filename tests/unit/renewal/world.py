"""An agency in memory: people, services, a clock that a test sets, and the events that its steps leave."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from reporting.attachments import Attached
from reporting.compliance import Compliance, Execution, Period, evaluate
from reporting.events import KIND_EXPIRY, KIND_SETTINGS, Agent, Attachment, ExpiryObserved, RenewalOpened
from reporting.ledger.model import GENESIS, Draft, Event
from reporting.renewal.commands import Asked, Known, Permitted, permit
from reporting.renewal.drafts import folder_of, step_drafts
from reporting.renewal.fold import fold, submission_takes
from reporting.renewal.model import Case, Proof, StepName
from reporting.renewal.submit import AskedLine, Bill, submit
from reporting.service import Service
from reporting.standard import load_standards, standard_on
from reporting.unit import Snapshot, Unit

WIB = ZoneInfo("Asia/Jakarta")
KEYBOARD = Agent(kind="person", name="admin@meja")
RAMADAN = {
    "name": "Ramadan 1447 H",
    "first": "2026-02-18",
    "last": "2026-03-19",
    "week": {
        **{
            day: {"start": "08:00", "end": "15:00", "breaks": [["12:00", "12:30"]]}
            for day in ("monday", "tuesday", "wednesday", "thursday")
        },
        "friday": {"start": "08:00", "end": "15:30", "breaks": [["11:30", "12:30"]]},
    },
}
ROLES = {
    "submit": "submission_sheet",
    "approve": "approved_sheet",
    "reject": "decision_sheet",
    "return": "decision_sheet",
    "pay": "proof_of_payment",
}


def at(text: str) -> datetime:
    """A local time, e.g. "2026-03-12 14:00"."""
    return datetime.fromisoformat(text).replace(tzinfo=WIB)


THURSDAY = at("2026-03-12 14:00")  # a Thursday in Ramadan


def officer(name: str, *roles: str, **more: Any) -> dict[str, Any]:
    return {"id": name.lower(), "name": name, "title": f"Jabatan {name}", "roles": list(roles), **more}


def service(name: str, cost: int = 1_000_000, **more: Any) -> dict[str, Any]:
    provider = {"name": more.pop("provider", "PT Penyedia")}
    return {"id": name, "kind": "domain", "name": f"{name}.id", "provider": provider, "cost": cost,
            "ends": "2026-04-10", "budget_line": "521111", **more}  # fmt: skip


def settings(**changes: Any) -> dict[str, Any]:
    return {
        "id": "uji",
        "name": "Unit Uji",
        "officers": [
            officer("Budi", "pengelola_sistem_dan_jaringan"),
            officer("Siti", "kasi_si"),
            officer("Agus", "kasubag_umum"),
        ],
        "calendar": {"holidays": "none", "special": [RAMADAN]},
        "services": [service("domain"), service("hosting", 2_400_000, kind="hosting")],
        **changes,
    }


@dataclass
class World:
    """What is on record, and what time it is."""

    unit: Unit = field(default_factory=lambda: Unit.model_validate(settings()))
    now: datetime = THURSDAY
    events: list[Event] = field(default_factory=list)
    removed: set[str] = field(default_factory=set)
    broken: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        snapshot = Snapshot(unit=self.unit, sites=["laman"]).model_dump(mode="json")
        self.record([Draft(KIND_SETTINGS, self.unit.id, "test", snapshot)], datetime(2026, 1, 1, tzinfo=UTC))

    def record(self, drafts: Iterable[Draft], moment: datetime | None = None) -> None:
        for draft in drafts:
            seq = len(self.events) + 1
            self.events.append(
                Event(seq, f"e{seq}", moment or self.now, self.unit.id, draft.actor, draft.kind, draft.subject,
                      draft.data, GENESIS, GENESIS)
            )  # fmt: skip

    @property
    def services(self) -> dict[str, Service]:
        return {s.id: s for s in self.unit.services if s.id not in self.removed}

    @property
    def cases(self) -> dict[str, Case]:
        return fold(self.events)

    def case(self, wanted: str = "P-2026-001") -> Case:
        return self.cases[wanted]

    @property
    def known(self) -> Known:
        return Known(
            unit=self.unit,
            standard=standard_on,
            cases=self.cases,
            services=self.services,
            ends={s.id: s.ends for s in self.unit.services if s.ends},
            now=self.now,
            agent=KEYBOARD,
            takes=submission_takes(self.events),
            broken=self.broken,
        )

    def ask(self, step: StepName, **more: Any) -> Asked:
        """A step as it would be asked for, with the file that it needs (`files` overrides)."""
        wanted: dict[str, Any] = {"case": "P-2026-001", "token": f"{len(self.events):08x}", **more}
        if "files" not in wanted:
            names = [ROLES[step]] if step in ROLES else []
            wanted["files"] = tuple(file(role, f"{role}-{len(self.events)}") for role in names)
        if wanted.get("at") is not None and not any(f.role == "paper" for f in wanted["files"]):
            wanted["files"] = (*wanted["files"], file("paper", f"paper-{len(self.events)}"))
        return Asked(step=step, **wanted)

    def do(self, step: StepName, when: str | None = None, **more: Any) -> Case:
        """Take a step on a case, now."""
        if when is not None:
            self.now = at(when)
        asked = self.ask(step, **more)
        self.write(permit(self.known, asked))
        return self.cases[asked.case or ""]

    def submit(self, when: str | None = None, bill: Bill | None = None, **more: Any) -> Case:
        """Open a case with a good invoice, unless something else is asked for."""
        if when is not None:
            self.now = at(when)
        named = {"case": None, **more}
        if "files" not in named:
            named["files"] = (file("invoice", f"inv-{len(self.events)}"), file("submission_sheet", "sheet"))
        permitted, opened = submit(self.known, self.ask("submit", **named), bill or invoice())
        self.write(permitted, opened)
        return self.cases[permitted.case.id]

    def write(self, permitted: Permitted, opened: RenewalOpened | None = None) -> None:
        folder = folder_of(self.known, permitted)
        files = [
            Attachment(path=f"2026/{folder.name}/{f.archive_name(n)}", bytes=f.bytes, sha256=f.sha256, role=f.role,
                       original=f.source.name)
            for n, f in enumerate(permitted.asked.files, 1)
        ]  # fmt: skip
        self.record(step_drafts(self.known, permitted, folder, files, opened))

    def paid(self) -> Case:
        """A case that is submitted, approved and paid on one Monday morning."""
        self.submit("2026-03-23 08:10", bill=invoice(received=at("2026-03-23 08:00")))
        self.do("approve", "2026-03-23 08:20")
        return self.do("pay", "2026-03-23 09:00")

    def report(self, when: str, state: str = "moved", **more: Any) -> Case:
        """Report it; the look-up says `state` of every line."""
        self.now = at(when)
        case = self.case(more.get("case", "P-2026-001"))
        proofs = tuple(proof(line.service, state, self.now) for line in case.lines)
        files = tuple(file("renewed_service", f"look-{p.service}-{len(self.events)}") for p in proofs if p.renewed)
        return self.do("report", proofs=proofs, files=files, **more)

    def judge(self, period: str = "2026") -> Compliance:
        return evaluate(load_standards(), self.events, Period.parse(period, WIB), self.now, "en")

    def last(self) -> Execution:
        """The execution of the last step of the first case."""
        step = self.case().steps[-1]
        found = self.judge().execution(step.execution or "")
        assert found is not None
        return found

    def seen(self, service_id: str, ends: str | None, **more: Any) -> ExpiryObserved:
        known = {"state": "known", "ends_at": at(ends)} if ends else {"state": "unknown", "reason": "HTTP 503"}
        observed = ExpiryObserved.model_validate(
            {"service": service_id, "method": "rdap", "source": "rdap.test", "observed_at": self.now, **known, **more}
        )
        self.record([Draft(KIND_EXPIRY, service_id, "test", observed.json_value())])
        return observed


def proof(name: str, state: str, moment: datetime) -> Proof:
    good = Proof(name, "moved", date(2027, 4, 10), "ends 2027-04-10", moment)
    return good if state == "moved" else replace(good, state="not_moved", seen_end=date(2026, 4, 10), reason="no move")


def file(role: str, name: str) -> Attached:
    """A file as if it had been looked at; the name decides the content."""
    return Attached(Path(f"{name}.pdf"), role, "pdf", 100, hashlib.sha256(name.encode()).hexdigest(), None)


def invoice(**changes: Any) -> Bill:
    """A good invoice for the domain: a million before tax."""
    good: dict[str, Any] = {
        "number": "INV-1",
        "issued": date(2026, 3, 10),
        "received": at("2026-03-12 13:30"),
        "due": date(2026, 4, 9),
        "amount": 1_000_000,
        "tax": 110_000,
        "lines": (AskedLine("domain"),),
    }
    return Bill(**{**good, **changes})
