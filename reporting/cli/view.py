"""Compliance as the commands show it: evaluated from the open record, printed as text or JSON."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from reporting.account import Account
from reporting.cli.common import local
from reporting.compliance import Compliance, Deviation, Execution, Occasion, Period, evaluate
from reporting.events import DeviationAccounted, DeviationDecided
from reporting.runner.model import Record
from reporting.standard import load_standards
from reporting.unit import Inventory

ACCOUNT_STATES = {  # of a deviation's account, as it is printed
    "belum dipertanggungjawabkan": "not accounted for",
    "dipertanggungjawabkan": "waits for Kasi SI",
    "diterima": "accepted",
    "dikembalikan": "returned",
}


def evaluated(record: Record, period: str | None, lang: str = "en") -> Compliance:
    """The record of a period (default: this month), judged as of now."""
    unit = record.inventory.unit
    now = datetime.now(UTC)
    asked = Period.parse(period or f"{now.astimezone(unit.tz):%Y-%m}", unit.tz)
    return evaluate(load_standards(), record.ledger.events(), asked, now, "en" if lang == "en" else "id")


def execution_json(execution: Execution) -> dict[str, Any]:
    """One execution as `--json` prints it."""
    return {
        "id": execution.id,
        "activity": execution.activity,
        "activity_slug": execution.activity_slug,
        "site": execution.site,
        "kind": execution.kind,
        "attempt": execution.attempt,
        "occasion": execution.occasion.id if execution.occasion else None,
        "executor": execution.executor.model_dump(mode="json"),
        "agent": execution.agent.model_dump(mode="json"),
        "by_hand": execution.by_hand,
        "started_at": execution.started_at.isoformat(),
        "ended_at": execution.ended_at.isoformat() if execution.ended_at else None,
        "clock": execution.clock,
        "minutes": execution.minutes_shown,
        "minutes_gross": execution.minutes_gross,
        "minutes_net": execution.minutes_net,
        "standard_minutes": execution.standard_minutes,
        "status": execution.status,
        "requirement": {"status": execution.requirement.status, "reason": execution.requirement.reason},
        "time": {"status": execution.time.status, "reason": execution.time.reason},
        "output": {"status": execution.output.status, "reason": execution.output.reason},
        "verdict": execution.verdict.status,
        "reason": execution.verdict.reason,
        "findings": execution.findings,
        "reviewed_at": execution.review.reviewed_at.isoformat() if execution.review else None,
    }


def occasion_json(occasion: Occasion) -> dict[str, Any]:
    """One occasion as `--json` prints it."""
    return {
        "id": occasion.key.id,
        "activity": occasion.activity,
        "site": occasion.site,
        "opens_at": occasion.opens_at.isoformat(),
        "closes_at": occasion.closes_at.isoformat(),
        "state": occasion.state,
        "reason": occasion.reason,
        "executions": list(occasion.executions),
    }


def deviation_json(deviation: Deviation, today: date) -> dict[str, Any]:
    """One deviation as `--json` prints it; `today`: the unit's local day."""
    return {
        "id": deviation.id,
        "activity": deviation.activity,
        "site": deviation.site,
        "aspect": deviation.aspect,
        "reason": deviation.reason,
        "executor": deviation.executor.model_dump(mode="json") if deviation.executor else None,
        "execution": deviation.execution,
        "occasion": deviation.occasion.id if deviation.occasion else None,
        "at": deviation.at.isoformat(),
        "account_due": deviation.account_due.isoformat() if deviation.account_due else None,
        "overdue": deviation.overdue(today),
        "account_state": deviation.account_state,
        "stands": True,
        "account": account_json(deviation.account),
    }


def account_json(given: Account | None) -> dict[str, Any] | None:
    """An account with its decision, and those that were returned before it."""
    if given is None:
        return None
    earlier = [_said_json(said, decision) for said, decision in given.earlier]
    return {**_said_json(given.said, given.decision), "seq": given.seq, "earlier": earlier}


_SAID = {"account", "executor", "agent", "cause", "consequence", "action", "action_by", "action_until", "action_done",
         "attachments", "at"}  # fmt: skip
_DECIDED = {"decision", "decided_by", "agent", "note", "at"}


def _said_json(said: DeviationAccounted, decision: DeviationDecided | None) -> dict[str, Any]:
    told = said.model_dump(mode="json", include=_SAID)
    return {**told, "decision": decision.model_dump(mode="json", include=_DECIDED) if decision else None}


def compliance_json(compliance: Compliance) -> dict[str, Any]:
    """A period as `--json` prints it."""
    return {
        "unit": compliance.unit.id,
        "standard": compliance.standard.number,
        "period": compliance.period.text,
        "as_of": compliance.as_of.isoformat(),
        "executions": [execution_json(e) for e in compliance.executions],
        "occasions": [occasion_json(o) for o in compliance.occasions],
        "deviations": [deviation_json(d, compliance.as_of.date()) for d in compliance.deviations],
        "problems": list(compliance.problems),
    }


def execution_row(execution: Execution, inventory: Inventory) -> list[object]:
    """One execution as a line of a table."""
    minutes = "–" if execution.minutes_shown is None else f"{execution.minutes_shown:g}"
    return [
        execution.activity_slug,
        execution.site,
        local(execution.started_at, inventory),
        execution.verdict.status,
        f"{minutes} / {execution.standard_minutes}",
        execution.findings or "",
        execution.verdict.reason if execution.verdict.status != "sesuai" else "",
    ]


EXECUTION_HEADERS = ["activity", "site", "started", "verdict", "minutes", "findings", "reason"]
