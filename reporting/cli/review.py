"""Read a run's findings and sign them off with a note (paraf). A run that nobody read is no monitoring.

Without an execution, lists every run that waits for a review: each has its own, also one that a later run followed.
An id may be shortened as long as it is the only one. The executor signs, or (--as) a stand-in: an officer who holds the
role that the activity is assigned to.

example:
  laman -i inventory/kantor review
  laman -i inventory/kantor review 20261122T0900 --note "three attacks, all answered with 403; nothing to do"
"""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime, timedelta

from reporting.cli.common import (
    Refused,
    command_line,
    inventory_of,
    local,
    named_officer,
    opened,
    standard_today,
    this_agent,
    today,
)
from reporting.cli.main import EXIT_OK
from reporting.cli.tables import table
from reporting.cli.view import evaluated, execution_json
from reporting.compliance import Compliance, Execution
from reporting.events import KIND_REVIEWED, ExecutionReviewed, Person
from reporting.ledger import Draft
from reporting.runner.model import Record
from reporting.text import harmless

_LOOK_BACK = timedelta(days=92)  # what waits for a review was not begun longer ago than a quarter


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("execution", nargs="?", help="id of the execution, or its beginning")
    parser.add_argument("--note", help="what was seen and decided; without it, the findings are shown")
    parser.add_argument("--json", action="store_true", help="print what waits for a review as JSON")
    parser.add_argument(
        "--as", dest="reviewer", metavar="NAME", help="the stand-in who read it (default: the executor)"
    )


def run(options: argparse.Namespace) -> int:
    """List, show or sign off; returns the exit code."""
    if options.execution is not None and not options.execution.strip():
        raise Refused("EXECUTION is empty: give an id or its beginning; see what waits with: laman review")
    inventory = inventory_of(options)
    with opened(inventory) as record:
        first = today(inventory) - _LOOK_BACK
        compliance = evaluated(record, f"{first}..{today(inventory)}")
        if options.execution is None and options.json:
            print(json.dumps([execution_json(e) for e in _waiting(compliance)], indent=2, ensure_ascii=False))
            return EXIT_OK
        if options.execution is None:
            _list(compliance, record)
            return EXIT_OK
        execution = _find(compliance, options.execution)
        if options.note is None:
            _show(execution, record)
            return EXIT_OK
        _sign(options, record, execution)
    return EXIT_OK


def _waiting(compliance: Compliance) -> list[Execution]:
    """What lacks its review, in time or not: what was read late is still better read."""
    return [e for e in compliance.executions if _lacks_review(e)]


def _lacks_review(execution: Execution) -> bool:
    return execution.review_due is not None and execution.review is None


def _list(compliance: Compliance, record: Record) -> None:
    waiting = _waiting(compliance)
    if not waiting:
        print("Nothing waits for a review.")
        return
    rows = [
        [e.id, e.executor.name, e.findings, local(e.review_due, record.inventory) if e.review_due else ""]
        for e in waiting
    ]
    print(table(["execution", "executor", "findings", "read it by"], rows))
    typed = command_line(record.inventory, "review", "EXECUTION")
    print(f"\nnext: {typed}           shows the findings")
    print(f"      {typed} --note …  signs them off")


def _find(compliance: Compliance, wanted: str) -> Execution:
    found = [e for e in compliance.executions if e.id.startswith(wanted)]
    exact = [e for e in found if e.id == wanted]
    if exact or len(found) == 1:
        return (exact or found)[0]
    if not found:
        raise Refused(f"no execution begins with {wanted!r}; see: laman review, laman status")
    names = ", ".join(e.id for e in found[:3])
    raise Refused(f"{len(found)} executions begin with {wanted!r}: {names} …; give more of it")


def _show(execution: Execution, record: Record) -> None:
    started = local(execution.started_at, record.inventory)
    print(f"{execution.id}\n{execution.activity_slug} on {execution.site}, {started}")
    print(f"executor {execution.executor.name}; verdict so far: {execution.verdict.status} {execution.verdict.reason}")
    document = execution.document
    findings = document.findings if document else []
    print(f"\n{len(findings)} finding(s):" if findings else "\nno findings")
    for finding in findings:
        print(f"  [{finding.severity}] {harmless(finding.title, 200)} (×{finding.count})")
        if finding.detail:
            print(f"      {harmless(finding.detail, 400)}")
        for sample in finding.samples:
            print(f"      > {harmless(sample, 160)}")
    if execution.review:
        print(f"\nsigned off by {execution.review.reviewer.name}: {harmless(execution.review.note)}")
    elif _lacks_review(execution):
        print(f"\nnext: {command_line(record.inventory, 'review', execution.id, '--note', '…')}")
    else:
        print("\nno review is asked for")


def _sign(options: argparse.Namespace, record: Record, execution: Execution) -> None:
    if not options.note.strip():
        raise Refused("--note is empty: write what was seen and decided")
    if execution.review is not None:
        raise Refused(f"{execution.id} was signed off already by {execution.review.reviewer.name}")
    if execution.document is None:
        raise Refused(f"{execution.id} has no result yet: there is nothing to read")
    reviewer = _reviewer(options.reviewer, record, execution)
    agent = this_agent()
    reviewed = ExecutionReviewed(
        execution=execution.id,
        reviewer=reviewer,
        agent=agent,
        note=options.note.strip()[:2_000],
        reviewed_at=datetime.now(UTC),
    )
    record.ledger.append([Draft(KIND_REVIEWED, execution.site, f"{agent.kind}:{agent.name}", reviewed.json_value())])
    after = evaluated(record, f"{execution.started_at.date()}..{execution.started_at.date()}").execution(execution.id)
    verdict = after.verdict if after else execution.verdict
    print(f"signed off by {reviewer.name}: {execution.id} is {verdict.status} {verdict.reason}".rstrip())


def _reviewer(wanted: str | None, record: Record, execution: Execution) -> Person:
    """Who signs: the executor of that run, or an officer who today holds the role that its activity is assigned to.

    Raises:
        Refused: somebody else.
    """
    executor = execution.executor
    if wanted is None or wanted.casefold().strip() in (executor.id, executor.name.casefold()):
        return executor
    inventory, day = record.inventory, today(record.inventory)
    reviewer = named_officer(inventory, wanted, day, "--as")
    role = (
        inventory.unit.assignment.get(execution.activity) or standard_today(inventory).activity(execution.activity).role
    )
    holders = [o for o in inventory.unit.officers if role in o.roles and o.in_office(day)]
    if reviewer.id in [o.id for o in holders]:
        return reviewer
    allowed = ", ".join(dict.fromkeys([executor.id, *(o.id for o in holders)]))
    raise Refused(
        f"--as {wanted!r}: only the executor of that run or an officer who holds the role {role} signs it: {allowed}"
    )
