"""Executions of a period with verdicts, minutes and reasons; missed occasions; open deviations.

example:
  laman -i inventory/kantor status
  laman -i inventory/kantor status --period 2026-11 --json
"""

from __future__ import annotations

import argparse
import json

from reporting.cli.common import command_line, inventory_of, local, opened
from reporting.cli.main import EXIT_OK
from reporting.cli.tables import table
from reporting.cli.view import ACCOUNT_STATES, EXECUTION_HEADERS, compliance_json, evaluated, execution_row
from reporting.compliance import Compliance, Deviation, Occasion
from reporting.unit import Inventory

_RECENT = 20
_MISSED = 10  # missed occasions that are listed
_MISSED_HEADERS = ["activity", "site", "opened", "closed"]
_DEVIATION_HEADERS = ["id", "activity", "at", "aspect", "site", "executor", "account", "reason"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--period", help="2026-11, 2026-Q4, 2026 or 2026-11-01..2026-11-15 (default: this month)")
    parser.add_argument("--all", action="store_true", help=f"every execution, not only the last {_RECENT}")
    parser.add_argument("--json", action="store_true", help="print it as JSON")


def run(options: argparse.Namespace) -> int:
    """Print the state of the period; returns the exit code."""
    inventory = inventory_of(options)
    with opened(inventory) as record:
        compliance = evaluated(record, options.period)
    if options.json:
        print(json.dumps(compliance_json(compliance), indent=2, ensure_ascii=False))
    else:
        _print(compliance, inventory, everything=options.all)
    return EXIT_OK


def _print(compliance: Compliance, inventory: Inventory, *, everything: bool) -> None:
    now = local(compliance.as_of, inventory)
    print(f"{compliance.unit.name} · {compliance.standard.number} · {compliance.period.text} · {now}\n")
    executions = compliance.executions if everything else compliance.executions[-_RECENT:]
    if not executions:
        print("No execution in this period.")
    else:
        if len(executions) < len(compliance.executions):
            print(f"the last {len(executions)} of {len(compliance.executions)} executions (--all shows every one):")
        print(table(EXECUTION_HEADERS, [execution_row(e, inventory) for e in executions]))
    missed = [o for o in compliance.occasions if o.state == "terlewat"]
    if missed:
        print(f"\n{_counted(len(missed), _MISSED)} occasion(s) missed:")
        print(table(_MISSED_HEADERS, [_missed_row(o, compliance, inventory) for o in missed[-_MISSED:]]))
    if compliance.deviations:
        _print_deviations(compliance, inventory)
    for problem in compliance.problems:
        print(f"\nunusual in the record: {problem}")
    print(f"\nnext: {command_line(inventory, 'due')}")


def _print_deviations(compliance: Compliance, inventory: Inventory) -> None:
    """Those that are not accepted yet, the last ones; how many there are in each state."""
    states = [d.account_state for d in compliance.deviations]
    told = ", ".join(f"{states.count(state)} {said}" for state, said in ACCOUNT_STATES.items() if state in states)
    print(f"\n{len(states)} deviation(s): {told}")
    waiting = [d for d in compliance.deviations if not d.accepted]
    if not waiting:
        return
    print(f"{_counted(len(waiting), _RECENT)} not accepted yet ({command_line(inventory, 'deviation', 'list')}):")
    rows = [_deviation_row(d, compliance, inventory) for d in waiting[-_RECENT:]]
    print(table(_DEVIATION_HEADERS, rows, limit=100))


def _counted(count: int, shown: int) -> str:
    """How many there are, and how many of them are listed."""
    return str(count) if count <= shown else f"the last {shown} of {count}"


def _missed_row(occasion: Occasion, compliance: Compliance, inventory: Inventory) -> list[object]:
    slug = compliance.standard.activity(occasion.activity).slug
    return [slug, occasion.site, local(occasion.opens_at, inventory), local(occasion.closes_at, inventory)]


def _deviation_row(deviation: Deviation, compliance: Compliance, inventory: Inventory) -> list[object]:
    late = deviation.overdue(compliance.as_of.date())
    return [
        deviation.id,
        compliance.standard.activity(deviation.activity).slug,
        local(deviation.at, inventory),
        deviation.aspect,
        deviation.site,
        deviation.executor.name if deviation.executor else "–",
        f"OVERDUE {deviation.account_due}" if late else ACCOUNT_STATES[deviation.account_state],
        deviation.reason,
    ]
