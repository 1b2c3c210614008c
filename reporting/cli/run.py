"""Run activities 1-3 on sites: timed, judged against the POS, recorded.

example:
  laman -i inventory/kantor run backup --site www --executor budi
  laman -i inventory/kantor run all --json > result.json

Standard error shows the progress, standard output the result. Exit code 0: all sesuai (a review may still be due);
2: recorded, with deviations; 1: could not run, nothing is recorded (wrong settings are named: site, variable).
"""

from __future__ import annotations

import argparse
import json

from reporting.cli.common import (
    ACTIVITIES,
    activity_of,
    command_line,
    executor_of,
    inventory_of,
    named_officer,
    opened,
    standard_today,
    this_agent,
    today,
    wanted_sites,
)
from reporting.cli.main import EXIT_CANNOT, EXIT_DEVIATIONS, EXIT_OK
from reporting.cli.progress import progress_for_this_terminal
from reporting.cli.tables import table
from reporting.cli.ticket_triage import TriageDone, triage_findings
from reporting.cli.view import EXECUTION_HEADERS, compliance_json, evaluated, execution_row
from reporting.compliance import Execution
from reporting.runner.model import Record, RunRequest, RunResult, run_limit
from reporting.runner.play import FORKS
from reporting.runner.run import run_activity
from reporting.runner.settings import require_usable
from reporting.standard import Standard
from reporting.unit import Inventory

_LONGEST_MINUTES = 31 * 24 * 60.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("activity", choices=[*ACTIVITIES, "all"], help="what to run")
    parser.add_argument("--site", action="append", metavar="SITE", help="only this site (may be repeated)")
    parser.add_argument("--executor", metavar="NAME", help="the officer who is responsible (id or name)")
    parser.add_argument("--ad-hoc", action="store_true", help="judge and record it, but let it fill no plan")
    parser.add_argument(
        "--time-limit",
        type=_minutes,
        metavar="MIN",
        help=f"end the whole run after so many minutes (default: the POS minutes times time_limits.factor, once for "
        f"every {FORKS} sites: so many go at once)",
    )
    parser.add_argument("--json", action="store_true", help="print the executions as JSON")


def run(options: argparse.Namespace) -> int:
    """Run what was asked; returns the exit code."""
    inventory = inventory_of(options)
    sites = wanted_sites(inventory, options.site)
    standard = standard_today(inventory)
    numbers = list(ACTIVITIES.values()) if options.activity == "all" else [ACTIVITIES[options.activity]]
    requests = [_request(options, inventory, standard, number, sites) for number in numbers]
    require_usable(inventory, sites, numbers)
    progress = progress_for_this_terminal()
    with opened(inventory) as record:
        results = []
        for request in requests:
            results.append(run_activity(request, record, progress))
            if any(s.finished and s.finished.status == "cancelled" for s in results[-1].sites):
                break  # Ctrl-C means all of it
        return _tell(options, record, results)


def _minutes(text: str) -> float:
    """A time limit as it is typed."""
    try:
        minutes = float(text)
    except ValueError:
        minutes = 0.0
    if not 0 < minutes <= _LONGEST_MINUTES:  # nan is not either
        raise argparse.ArgumentTypeError(f"{text!r}: a number of minutes is expected, more than 0, at most 31 days")
    return minutes


def _request(
    options: argparse.Namespace, inventory: Inventory, standard: Standard, number: int, sites: list[str]
) -> RunRequest:
    day = today(inventory)
    activity = activity_of(standard, number)
    executor = (
        named_officer(inventory, options.executor, day, "--executor")
        if options.executor
        else executor_of(inventory, standard, number, day)
    )
    limit = run_limit(activity.standard_minutes * inventory.unit.time_limits.factor, len(sites))
    return RunRequest(
        activity=activity,
        sites=sites,
        executors=dict.fromkeys(sites, executor),
        agent=this_agent(),
        ad_hoc=options.ad_hoc,
        limit_minutes=limit if options.time_limit is None else options.time_limit,
    )


def _tell(options: argparse.Namespace, record: Record, results: list[RunResult]) -> int:
    ids = {s.started.execution for result in results for s in result.sites}
    days = sorted(s.started.started_at.astimezone(record.inventory.unit.tz).date() for r in results for s in r.sites)
    left_alone = [reason for result in results for reason in result.left_alone.values()]
    tickets = triage_findings(record)
    compliance = evaluated(record, f"{days[0]}..{days[-1]}" if days else None)
    executions = [e for e in compliance.executions if e.id in ids]
    if options.json:
        whole = compliance_json(compliance)
        whole["executions"] = [e for e in whole["executions"] if e["id"] in ids]
        whole["deviations"] = [d for d in whole["deviations"] if d["execution"] in ids]
        whole.pop("occasions")
        print(
            json.dumps(
                {**whole, "left_alone": left_alone, "tickets": tickets.json_value()}, indent=2, ensure_ascii=False
            )
        )
    else:
        _print(record, executions, left_alone, tickets)
    if left_alone:
        return EXIT_CANNOT
    return EXIT_DEVIATIONS if any(e.verdict.status == "menyimpang" for e in executions) else EXIT_OK


def _print(record: Record, executions: list[Execution], left_alone: list[str], tickets: TriageDone) -> None:
    print(table(EXECUTION_HEADERS, [execution_row(e, record.inventory) for e in executions], limit=100))
    for reason in left_alone:
        print(f"left alone: {reason}")
    print()
    deviating = [e for e in executions if e.verdict.status == "menyimpang"]
    waiting = [e for e in executions if e.review_due is not None and e.review is None]
    if deviating:
        print(
            f"{len(deviating)} of {len(executions)} deviate from the POS: put right what the reason names, run again;"
        )
        print("every deviation stays on record for its executor to account for.")
    for execution in waiting:
        typed = command_line(record.inventory, "review", execution.id, "--note", "…")
        print(f"to do: read it and sign it off:  {typed}")
    for line in tickets.lines(record):
        print(line)
    if not deviating and not waiting and not left_alone and not tickets.opened:
        print("nothing is left to do.")
