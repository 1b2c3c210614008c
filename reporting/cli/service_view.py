"""Services as the commands show them: what is known of the end, what is due, in a table, in full, as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from reporting.cli.common import local, today
from reporting.expiry.lifecycle import ACTIVE, Phase, cycle_for, phase_on, still_told
from reporting.expiry.reminders import Reminder, reminder_days, reminder_due
from reporting.money import written
from reporting.register import End, Entry, Register
from reporting.runner.model import Record
from reporting.service import Service
from reporting.text import harmless


@dataclass(frozen=True)
class Line:
    """One service: its entry in the register, what is known of its end, where it stands today, what is due."""

    entry: Entry
    end: End
    phase: Phase | None  # None: no end was ever known
    due: Reminder | None
    days_left: int | None

    @property
    def service(self) -> Service:
        """The service itself."""
        return self.entry.service

    @property
    def left_shown(self) -> str:
        """Days until the end; a question mark where it is not certain."""
        if self.days_left is None:
            return "?"
        return f"{self.days_left}" if self.end.state == "known" else f"{self.days_left}?"

    @property
    def state_shown(self) -> str:
        """The phase, or that it is unknown."""
        if self.entry.removed_at is not None:
            return "taken out"
        return self.phase.name if self.phase and self.end.state == "known" else "unknown"

    @property
    def note(self) -> str:
        """Why it is unknown, or what it costs to bring it back."""
        if self.end.state == "unknown":
            return harmless(self.end.reason, 160)
        if self.due and self.phase and self.phase.name != ACTIVE:
            return _price(self.due)
        return ""


def lines_of(register: Register, services: Iterable[Service], record: Record) -> list[Line]:
    """The services with their ends as of today; those in the register only."""
    return [_line(register, register.entries[service.id], record) for service in services]


def _line(register: Register, entry: Entry, record: Record) -> Line:
    zone, day, service = record.inventory.unit.tz, today(record.inventory), entry.service
    end = register.end(service, zone)
    if end.ends is None:
        return Line(entry, end, None, None, None)
    cycle = cycle_for(service.kind, service.watch.name, service.after_end)
    look = end.look_of(zone)
    told = still_told(cycle, end.ends, look.observed_at.astimezone(zone).date(), look.phase) if look else ""
    due = reminder_due(service, end.ends, day, told) if entry.removed_at is None else None
    return Line(entry, end, phase_on(cycle, end.ends, day, told), due, (end.ends - day).days)


def reminder_text(line: Line) -> str:
    """A reminder in plain words: "domain lpmp.id ends in 12 days (2026-12-04)"."""
    service, due = line.service, line.due
    if due is None:
        return ""
    name = f"{service.kind} {harmless(service.watch.name or service.name, 80)}"
    doubt = "" if line.end.state == "known" else f"; not certain: {harmless(line.end.reason, 160)}"
    if due.phase.name == ACTIVE:
        when = {0: "today", 1: "tomorrow"}.get(due.days_left, f"in {due.days_left} days")
        return f"{name} ends {when} ({due.ends}), {written(service.cost)}{doubt}"
    since = f"ended {-due.days_left} day(s) ago ({due.ends})" if due.days_left < 0 else f"ends {due.ends}"
    return f"{name} {since}: {_price(due)}{doubt}"


def _price(due: Reminder) -> str:
    """What can still be done in a phase, until when, at what price."""
    phase = due.phase
    until = f" until {phase.last}" if phase.last else ""
    if not phase.renewable:
        said = f"{phase.name}{until}: it can no longer be renewed"
    elif due.cost is None:
        said = f"{phase.name}{until}: at the provider's own price"
    else:
        said = f"{phase.name}{until}: {written(due.cost)}"
    return f"{said} (some registrars: still {phase.may_still_be})" if phase.may_still_be else said


def show_lines(line: Line, record: Record) -> list[str]:
    """All about one service, for a terminal."""
    service, end = line.service, line.end
    provider, watch = service.provider, service.watch
    looked = f"{watch.method} {watch.name}".strip()
    facts = {
        "id": service.id,
        "kind": service.kind,
        "name": service.name,
        "provider": provider.name,
        "NPWP": provider.npwp or "",
        "bank": " ".join(filter(None, (provider.bank, provider.bank_account, provider.bank_account_holder))),
        "account": service.account,
        "cost": f"{written(service.cost)} for {service.period_months} month(s), before tax",
        "budget line": service.budget_line,
        "owner": service.owner,
        "sites": ", ".join(service.sites),
        "registered": f"{line.entry.source}, {local(line.entry.since, record.inventory)}",
        "taken out": local(line.entry.removed_at, record.inventory) if line.entry.removed_at else "",
        "read by": looked,
        "ends": f"{end.ends or '?'} ({end.state}{': ' if end.reason else ''}{end.reason})",
        "last look": local(end.look.observed_at, record.inventory) if end.look else "never",
        "asked": end.look.source if end.look else "",
        "phase": line.phase.name if line.phase else "",
    }
    shown = [f"{name:<12}{harmless(value, 400)}" for name, value in facts.items() if value]
    if end.ends is not None and line.entry.removed_at is None:
        shown += ["", "reminders:", *(f"  {r.since}  {_step(r)}" for r in reminder_days(service, end.ends))]
    return shown


def _step(reminder: Reminder) -> str:
    if reminder.step is None:
        return _price(reminder)
    return f"{reminder.step} day(s) before the end" + (
        f", {written(reminder.cost)}" if reminder.cost is not None else ""
    )


def service_json(line: Line) -> dict[str, Any]:
    """One service as `--json` prints it."""
    end, due = line.end, line.due
    return {
        "service": line.service.model_dump(mode="json"),
        "source": line.entry.source,
        "removed_at": line.entry.removed_at.isoformat() if line.entry.removed_at else None,
        "state": end.state,
        "ends": end.ends.isoformat() if end.ends else None,
        "days_left": line.days_left,
        "phase": line.phase.name if line.phase else None,
        "reason": end.reason,
        "observed_at": end.look.observed_at.isoformat() if end.look else None,
        "asked": end.look.source if end.look else None,
        "due": {
            "text": reminder_text(line),
            "since": due.since.isoformat(),
            "step": due.step,
            "phase": due.phase.name,
            "phase_until": due.phase.last.isoformat() if due.phase.last else None,
            "cost": due.cost,
        }
        if due
        else None,
    }
