"""What has to be done now, in plain words: windows that are open, runs to read, renewals that wait, media to plug in.

example:
  laman -i inventory/kantor due
"""

from __future__ import annotations

import argparse
import json
from datetime import timedelta

from reporting.cli.common import ACTIVITIES, inventory_of, local, opened, today
from reporting.cli.duties import LOOK_BACK, Duty, duties
from reporting.cli.main import EXIT_OK
from reporting.cli.view import evaluated
from reporting.compliance import Window, upcoming
from reporting.unit import Inventory

_WORD = {number: word for word, number in ACTIVITIES.items()}
_LOOK_AHEAD = timedelta(hours=24)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--json", action="store_true", help="print it as JSON")


def run(options: argparse.Namespace) -> int:
    """Print what is due; returns the exit code."""
    inventory = inventory_of(options)
    with opened(inventory) as record:
        compliance = evaluated(record, f"{today(inventory) - LOOK_BACK}..{today(inventory)}")
        coming = upcoming(record.ledger.events(), compliance.as_of, compliance.as_of + _LOOK_AHEAD)
        found = duties(record, compliance)
    if options.json:
        print(json.dumps([d.json_value(compliance.as_of) for d in found], indent=2, ensure_ascii=False))
        return EXIT_OK
    _print(found, coming, inventory)
    return EXIT_OK


def _print(found: list[Duty], coming: list[Window], inventory: Inventory) -> None:
    if not found:
        print("Nothing is due now.")
    for number, duty in enumerate(found, 1):
        print(f"{number}. {duty.what}" + (f" (until {duty.until})" if duty.until else ""))
        print(f"   {duty.command}")
    if coming:
        print("\nopens within a day:")
        for window in coming:
            opens, closes = local(window.key.opens_at, inventory), local(window.closes_at, inventory)
            print(f"  {opens}  {_WORD[window.key.activity]} of {window.key.site}, until {closes}")
