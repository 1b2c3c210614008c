"""Cases as they are shown: list, one case, JSON."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from reporting.cli.common import inventory_of, local, opened
from reporting.cli.main import EXIT_OK
from reporting.cli.renewal_known import known_of
from reporting.cli.tables import table
from reporting.cli.view import execution_json
from reporting.compliance import Execution, Period, evaluate
from reporting.money import written
from reporting.renewal.commands import Known, case_of
from reporting.renewal.model import Case, Step
from reporting.renewal.prices import Rise, crosses_budget_year, rises
from reporting.renewal.timing import OpenStep, Timing, open_step, timings
from reporting.runner.model import Record
from reporting.standard import load_standards
from reporting.text import harmless
from reporting.unit import Inventory
from reporting.worktime import WorkClock


def add_arguments(name: str, parser: argparse.ArgumentParser) -> None:
    """The options of list and show."""
    if name == "show":
        parser.add_argument("case", help="id of the case, e.g. P-2026-001")
        return
    parser.add_argument("--open", action="store_true", help="only cases that still wait for something")
    parser.add_argument("--state", help="only cases in this state, e.g. submitted")


def run(options: argparse.Namespace) -> int:
    """Print; returns the exit code."""
    inventory = inventory_of(options)
    with opened(inventory) as record:
        if options.action == "show":
            known = known_of(record, options.case)
            case = case_of(known, options.case)
            executions = [e for s in case.steps if (e := judged(record, case, s.execution)) is not None]
            if options.json:
                print(json.dumps(case_json(known, case, executions), indent=2, ensure_ascii=False))
            else:
                _show(record, known, case, executions)
            return EXIT_OK
        known = known_of(record)
    cases = [c for c in known.cases.values() if _wanted(options, known, c)]
    if options.json:
        print(json.dumps([case_json(known, c, []) for c in cases], indent=2, ensure_ascii=False))
    elif not cases:
        print("No case yet." if not known.cases else "No such case.")
    else:
        headers = ["case", "state", "invoice", "services", "total", "waits for", "until"]
        print(table(headers, [_row(known, c, inventory) for c in cases]))
    return EXIT_OK


def _wanted(options: argparse.Namespace, known: Known, case: Case) -> bool:
    state = known.states.states[case.state]
    if options.open and not state.open:
        return False
    return options.state is None or options.state in (case.state, state.en, state.id)


def waits_for(known: Known, case: Case) -> OpenStep | None:
    """The step that a case waits for, measured now on the agency's calendar."""
    minutes = {a.number: a.minutes for a in known.standard(known.now.astimezone(known.unit.tz).date()).activities}
    return open_step(case, clock_of(known), known.now, minutes, {k: str(v) for k, v in known.unit.assignment.items()})


def clock_of(known: Known) -> WorkClock:
    """The agency's working-minutes clock."""
    return WorkClock(known.unit.calendar)


def _row(known: Known, case: Case, inventory: Inventory) -> list[object]:
    waiting = waits_for(known, case)
    return [
        case.id,
        known.states.states[case.state].en,
        case.invoice.number,
        ", ".join(line.service for line in case.lines),
        written(case.invoice.total),
        waiting.name if waiting else ("proof" if case.state == "not_renewed" else ""),
        local(waiting.due_at, inventory) if waiting else "",
    ]


def judged(record: Record, case: Case, execution: str | None) -> Execution | None:
    """The execution of one step as compliance judges it now; None for a step that is none."""
    step = next((s for s in case.steps if s.execution == execution), None)
    if step is None or step.execution is None:
        return None
    unit = record.inventory.unit
    day = step.done_at.astimezone(unit.tz).date()
    period = Period.parse(f"{day}..{day}", unit.tz)
    answer = evaluate(load_standards(), record.ledger.events(), period, datetime.now(UTC), "en")
    return answer.execution(step.execution)


def print_step(record: Record, known: Known, case: Case, execution: Execution | None) -> None:
    """What a step led to, and what comes next."""
    step = case.steps[-1]
    paid = f", {written(step.amount)}" if step.amount is not None else ""
    state = known.states.states[case.state].en
    print(f"{case.id}: {state}{paid}, by {step.executor.name} ({step.agent.name} typed)")
    if execution is not None:
        print(f"{execution.id}: {execution.verdict.status} {execution.verdict.reason}")
    if step.name in ("submit", "pay"):
        _print_flags(known, case)
    printed = {a.original for a in step.attachments if a.role == "submission_docx"}
    for sheet in (a for a in step.attachments if a.role == "submission_sheet" and a.original in printed):
        print(f"printed {sheet.original}, to be signed: {record.archive.root / sheet.path}")
    waiting = waits_for(known, case)
    if waiting is not None:
        until = local(waiting.due_at, record.inventory)
        print(f"next: {waiting.name} by {waiting.role}, {waiting.standard_minutes} working minutes, until {until}")
    elif case.state == "not_renewed":
        print(f"next: laman renewal prove {case.id} when the provider has renewed it")


def _print_flags(known: Known, case: Case) -> None:
    for rise in rises(case, known.cases.values(), known.services):
        print(f"note: {_rise_text(rise)}")
    if crosses_budget_year(case):
        print("note: it is due in another budget year than its invoice (the budget year ends in December)")


def _rise_text(rise: Rise) -> str:
    return (
        f"{rise.service} costs {rise.percent:+.1f} % against {rise.source} ({written(rise.before)} → "
        f"{written(rise.now)} for {rise.months} month(s))"
    )


def _show(record: Record, known: Known, case: Case, executions: list[Execution]) -> None:
    invoice = case.invoice
    print(f"{case.id}: {known.states.states[case.state].en}")
    due = f", due {invoice.due}" if invoice.due else ""
    print(f"invoice {harmless(invoice.number)} of {invoice.issued}{due}, received {_at(record, case.invoice_received)}")
    print(
        f"{written(invoice.amount)} + tax {written(invoice.tax)} = {written(invoice.total)}, paid {written(case.paid)}"
    )
    rows: list[list[object]] = [
        [n.service, harmless(n.name, 40), written(n.amount), n.old_end or "unknown", n.new_end] for n in case.lines
    ]
    print("\n" + table(["service", "name", "amount", "ends", "paid until"], rows))
    by_id = {e.id: e for e in executions}
    timed = {t.step.execution: t for t in timings(case, clock_of(known))}
    headers = ["step", "executor", "typed by", "done", "minutes", "waiting", "net", "verdict"]
    print("\n" + table(headers, [_step_row(record, s, timed, by_id) for s in case.steps]))
    for execution in executions:
        if execution.verdict.status != "sesuai":
            print(f"  {execution.activity_slug}: {execution.verdict.reason}")
    for proof in case.proofs:
        print(f"proof of {proof.service}: {proof.state}, {harmless(proof.reason)} ({_at(record, proof.at)})")
    _print_flags(known, case)
    waiting = waits_for(known, case)
    if waiting is not None:
        taken = f", taken {_at(record, waiting.taken_at)}" if waiting.taken_at else ", not taken yet"
        until = _at(record, waiting.due_at)
        print(f"\nwaits for: {waiting.name} by {waiting.role} since {_at(record, waiting.input_at)}{taken}")
        print(f"           {waiting.minutes:.0f} of {waiting.standard_minutes} working minutes are over, until {until}")


def _step_row(record: Record, step: Step, timed: dict[str | None, Timing], by_id: dict[str, Execution]) -> list[object]:
    timing = timed.get(step.execution)
    execution = by_id.get(step.execution or "")
    return [
        step.name + (" (on paper)" if step.on_paper else ""),
        step.executor.name,
        step.agent.name,
        _at(record, step.done_at),
        f"{timing.gross:.0f} / {execution.standard_minutes}" if timing and execution else "",
        f"{timing.waiting:.0f}" if timing and timing.waiting is not None else "",
        f"{timing.net:.0f}" if timing and timing.net is not None else "",
        execution.verdict.status if execution else "",
    ]


def _at(record: Record, moment: datetime) -> str:
    return local(moment, record.inventory)


def case_json(known: Known, case: Case, executions: Iterable[Execution]) -> dict[str, Any]:
    """One case as `--json` prints it."""
    waiting = waits_for(known, case)
    timed = {t.step.execution: t for t in timings(case, clock_of(known))}
    return {
        "case": case.id,
        "state": case.state,
        "invoice": {
            "number": case.invoice.number,
            "issued": case.invoice.issued.isoformat(),
            "due": case.invoice.due.isoformat() if case.invoice.due else None,
            "received": case.invoice_received.isoformat(),
            "amount": case.invoice.amount,
            "tax": case.invoice.tax,
            "total": case.invoice.total,
        },
        "paid": case.paid,
        "outstanding": case.outstanding,
        "lines": [
            {
                "service": n.service,
                "name": n.name,
                "amount": n.amount,
                "old_end": n.old_end.isoformat() if n.old_end else None,
                "new_end": n.new_end.isoformat(),
            }
            for n in case.lines
        ],
        "steps": [_step_json(s, timed) for s in case.steps],
        "proofs": [
            {
                "service": p.service,
                "state": p.state,
                "seen_end": p.seen_end.isoformat() if p.seen_end else None,
                "reason": p.reason,
                "at": p.at.isoformat(),
                "attested_by": p.attested_by.model_dump(mode="json") if p.attested_by else None,
            }
            for p in case.proofs
        ],
        "waits_for": _open_json(waiting) if waiting else None,
        "price_rises": [_rise_json(r) for r in rises(case, known.cases.values(), known.services)],
        "crosses_budget_year": crosses_budget_year(case),
        "executions": [execution_json(e) for e in executions],
    }


def _step_json(step: Step, timed: dict[str | None, Timing]) -> dict[str, Any]:
    timing = timed.get(step.execution)
    return {
        "step": step.name,
        "executor": step.executor.model_dump(mode="json"),
        "agent": step.agent.model_dump(mode="json"),
        "input_at": step.input_at.isoformat() if step.input_at else None,
        "taken_at": step.taken_at.isoformat() if step.taken_at else None,
        "done_at": step.done_at.isoformat(),
        "recorded_at": step.recorded_at.isoformat(),
        "on_paper": step.on_paper,
        "amount": step.amount,
        "note": step.note,
        "execution": step.execution,
        "minutes_gross": timing.gross if timing else None,
        "minutes_net": timing.net if timing else None,
        "minutes_waiting": timing.waiting if timing else None,
        "attachments": [a.model_dump(mode="json") for a in step.attachments],
    }


def _open_json(waiting: OpenStep) -> dict[str, Any]:
    return {
        "step": waiting.name,
        "activity": waiting.activity,
        "role": waiting.role,
        "since": waiting.input_at.isoformat(),
        "taken_at": waiting.taken_at.isoformat() if waiting.taken_at else None,
        "minutes": waiting.minutes,
        "standard_minutes": waiting.standard_minutes,
        "due_at": waiting.due_at.isoformat(),
    }


def _rise_json(rise: Rise) -> dict[str, Any]:
    return {
        "service": rise.service,
        "before": rise.before,
        "now": rise.now,
        "percent": round(rise.percent, 1),
        "months": rise.months,
        "source": rise.source,
    }
