"""Renewals as the rows of the sheet's tables: plain dictionaries, in the workbook's language, no cell in sight."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import PurePosixPath

from reporting.compliance import Compliance
from reporting.money import written
from reporting.renewal.model import Case, Proof, Step
from reporting.renewal.prices import Cost, Rise
from reporting.renewal.states import load_states
from reporting.text import harmless
from reporting.workbook.cells import safe
from reporting.workbook.renewals import Ending, Renewals
from reporting.workbook.rows import STATES, Rows
from reporting.workbook.words import Words

_LINE_LENGTH = 80  # characters of a budget line: formulas compare it
_ROLES = ("invoice", "submission_sheet", "approved_sheet", "decision_sheet", "proof_of_payment", "paper")


def numeric(day: date | None) -> str:
    """A day as the tables print it."""
    return f"{day:%d/%m/%Y}" if day is not None else "–"


def state_word(state: str, words: Words) -> str:
    """The state of a case in words."""
    return next(rule.render(words.lang) for name, rule in load_states().states.items() if name == state)


def case_rows(renewals: Renewals, words: Words) -> Rows:
    """One row for each case."""
    return [_case_row(case, renewals, words) for case in sorted(renewals.cases, key=lambda c: c.id)]


def _case_row(case: Case, renewals: Renewals, words: Words) -> dict[str, object]:
    return {
        "case": case.id,
        "services": tuple(line.name for line in case.lines),
        "provider": _providers(case, renewals, words),
        "invoice": (
            case.invoice.number,
            words("invoice_issued", day=numeric(case.invoice.issued)),
            *((words("invoice_due", day=numeric(case.invoice.due)),) if case.invoice.due else ()),
        ),
        "amount": case.invoice.amount,
        "tax": case.invoice.tax,
        "total": case.invoice.total,
        "paid": case.paid,
        "case_state": state_word(case.state, words),
        "old_end": tuple(numeric(line.old_end) for line in case.lines),
        "new_end": tuple(numeric(line.new_end) for line in case.lines),
        "rise": tuple(_rise(rise, len(case.lines) > 1, words) for rise in renewals.rises.get(case.id, ())),
        "on_paper_steps": sum(step.on_paper for step in case.steps),
        "proven": _proven(case, words),
    }


def _providers(case: Case, renewals: Renewals, words: Words) -> tuple[str, ...]:
    known = [renewals.services[n.service].provider.name for n in case.lines if n.service in renewals.services]
    return tuple(dict.fromkeys(known)) or (words("not_registered"),)


def _rise(rise: Rise, named: bool, words: Words) -> str:
    percent = f"+{rise.percent:.1f}"
    said = f"{percent.replace('.', ',') if words.lang == 'id' else percent} %"
    return f"{said} {rise.service}" if named else said


def _proven(case: Case, words: Words) -> tuple[str, ...]:
    proofs = {proof.service: proof for proof in case.proofs}
    several = len(case.lines) > 1
    lines: list[str] = []
    for line in case.lines:
        said = _proof(proofs[line.service], words) if line.service in proofs else words("proof_none")
        lines.append(f"{line.name}: {said}" if several else said)
    return tuple(lines)


def _proof(proof: Proof, words: Words) -> str:
    name = proof.attested_by.name if proof.attested_by is not None else "–"
    said = words(f"proof_{proof.state}", day=numeric(proof.seen_end), name=name)
    return f"{said}: {harmless(proof.reason, 160)}" if proof.reason else said


def step_rows(renewals: Renewals, compliance: Compliance, words: Words) -> Rows:
    """One row for each step of these cases, in the order in which they were done."""
    here = {e.id for e in compliance.executions}
    steps = [(case, step) for case in sorted(renewals.cases, key=lambda c: c.id) for step in case.steps]
    return [_step_row(case, step, renewals, here, words) for case, step in steps]


def _step_row(case: Case, step: Step, renewals: Renewals, here: set[str], words: Words) -> dict[str, object]:
    execution = renewals.executions.get(step.execution or "")
    timing = renewals.timings.get(step.execution or "")
    amount = (written(step.amount),) if step.amount is not None else ()
    return {
        "case": case.id,
        "step": (words(f"step_{step.name}"), *amount, *((step.note,) if step.note else ())),
        "executor": step.executor.name,
        "nip": step.executor.nip or "–",
        "agent": f"{words(f'agent_{step.agent.kind}')}: {step.agent.name}",
        "done": step.done_at,
        "way": words("on_paper" if step.on_paper else "direct"),
        "activity": load_states().steps[step.name].activity if step.execution else None,
        "verdict": words(STATES[execution.verdict.status]) if execution is not None else "–",
        "counted": words("yes" if step.execution in here else "no_word"),
        "gross": timing.gross if timing is not None else None,
        "waiting": timing.waiting if timing is not None else None,
        "net": timing.net if timing is not None else None,
        "standard_minutes": execution.standard_minutes if execution is not None else None,
        "attachments": tuple(_attachment(a.role, a.original or a.path, words) for a in step.attachments) or "–",
    }


def _attachment(role: str, name: str, words: Words) -> str:
    return f"{words(f'role_{role}' if role in _ROLES else 'role_other')}: {PurePosixPath(name).name}"


def calendar_rows(renewals: Renewals, words: Words) -> Rows:
    """One row for each service in force: what is not known first, then what ends first."""
    return [_calendar_row(ending, words) for ending in renewals.endings]


def _calendar_row(ending: Ending, words: Words) -> dict[str, object]:
    service, end = ending.service, ending.end
    known = end.state == "known"
    return {
        "service": service.id,
        "service_name": service.name,
        "provider": service.provider.name,
        "budget_line": budget_line(service.budget_line, words),
        "service_kind": words(f"kind_{service.kind}"),
        "ends": end.ends,
        "end_state": words("end_known" if known else "end_unknown"),
        "phase": words(f"phase_{ending.phase}") if f"phase_{ending.phase}" in _PHASES else ending.phase or "–",
        "cost_now": ending.cost,
        "reminder": ending.reminder,
        "looked": end.look.observed_at if end.look is not None else None,
        "watch": words(f"watch_{service.watch.method}"),
        "open_case": ending.case or "–",
        "seen": _seen(ending, words),
    }


_PHASES = {f"phase_{name}" for name in ("active", "renewal_grace", "redemption", "pending_delete", "released", "ended")}


def _seen(ending: Ending, words: Words) -> tuple[str, ...]:
    look, reason = ending.end.look, ending.end.reason
    if ending.attested is not None:
        return (words("seen_attested", case=ending.attested),)
    parts = (look.source if look is not None else "", words(_SAID[reason]) if reason in _SAID else reason)
    return tuple(harmless(part, 160) for part in parts if part) or ("–",)


_SAID = {"date of the settings": "seen_settings", "not looked up yet": "seen_never"}  # what the register says


def cost_rows(renewals: Renewals, words: Words) -> Rows:
    """One row for each renewal that the budget year pays for."""
    return [_cost_row(cost, renewals, words) for cost in renewals.costs]


def _cost_row(cost: Cost, renewals: Renewals, words: Words) -> dict[str, object]:
    rise = next((r for r in renewals.rises.get(cost.case or "", ()) if r.service == cost.service), None)
    service = renewals.services.get(cost.service)
    return {
        "month": cost.month,
        "service_name": cost.name,
        "provider": service.provider.name if service is not None else words("not_registered"),
        "budget_line": budget_line(cost.budget_line, words),
        "cost": cost.amount,
        "ends": cost.due,
        "cost_state": words(f"cost_{cost.state}"),
        "before": rise.before if rise is not None else None,
        "now": rise.now if rise is not None else None,
        "crosses": words("yes" if cost.crosses else "no_word"),
        "case": cost.case or "–",
    }


def budget_line(text: str, words: Words) -> str:
    """A budget line as every table spells it, so that formulas find it."""
    return safe(harmless(text.strip(), _LINE_LENGTH)) or words("no_budget_line")


def month_lines(rows: Rows) -> list[tuple[date, str]]:
    """Every month and budget line that has a cost, in order; spelled as it first came (Excel tells no case apart)."""
    found: dict[tuple[date, str], tuple[date, str]] = {}
    for row in rows:
        found.setdefault((row["month"], row["budget_line"].casefold()), (row["month"], row["budget_line"]))
    return sorted(found.values(), key=lambda pair: (pair[0], pair[1].casefold()))


def sum_of(rows: Iterable[dict[str, object]], month: date, state: str, line: str | None = None) -> int:
    """Rupiah of a month in a state, of all budget lines or one: what the formula beside it computes."""
    return sum(
        int(str(row["cost"]))
        for row in rows
        if row["month"] == month
        and row["cost_state"] == state
        and (line is None or str(row["budget_line"]).casefold() == line.casefold())
    )
