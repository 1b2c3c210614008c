"""What has to be done now, in plain words, by the officer who has to do it; or (--run) do what a timer can do.

example:
  laman -i inventory/kantor due
  laman -i inventory/kantor due --send             one mail an officer with what is overdue and due, once a day
  laman -i inventory/kantor due --run --quiet      what timers call: laman schedule install

--run runs every open occasion that has no whole attempt yet, makes up for what was slept through (recorded as late or
missed), tries again what failed (after 30 minutes, 2 hours, 8 hours), looks the ends of services up once a day, and
sends e-mail that waits: reports that could not be sent, and when work begins the reminders for delivery.digest_to.
Exit code 0: done, or nothing was due; 2: recorded, with deviations; 1: something could not be run
or (--send too) not be delivered, it is said what.
"""

from __future__ import annotations

import argparse
import json
import textwrap
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from reporting.cli.common import Refused
from reporting.cli.main import EXIT_OK

if TYPE_CHECKING:
    from reporting.cli.duties import Duty
    from reporting.compliance import Window
    from reporting.unit import Inventory

_LOOK_AHEAD = timedelta(hours=24)
_HEADINGS = {"overdue": "overdue", "today": "today", "soon": "within a week", "later": "later"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--run", action="store_true", help="run what is due; the one entry for timers")
    parser.add_argument("--quiet", action="store_true", help="with --run: say nothing when there was nothing to do")
    parser.add_argument("--send", action="store_true", help="mail each officer what is overdue and due, once a day")
    parser.add_argument("--again", action="store_true", help="with --send: even to those who got it today")
    parser.add_argument("--wait", type=float, metavar="SECONDS", help="with --send: how long to go on trying (30)")
    parser.add_argument("--json", action="store_true", help="print it as JSON")


def run(options: argparse.Namespace) -> int:
    """Print what is due, or do it; returns the exit code."""
    if options.send and options.run:
        raise Refused("--send and --run are different things: --run sends what is due to be sent")
    if not options.send and (options.again or options.wait is not None):
        raise Refused("--again and --wait go with --send")
    if options.send:
        from reporting.cli import digest

        return digest.run(options)
    if options.run:
        from reporting.cli import due_run

        return due_run.run(options)
    return _show(options)


def _show(options: argparse.Namespace) -> int:
    from reporting.cli.common import inventory_of, opened, today
    from reporting.cli.duties import LOOK_BACK, duties
    from reporting.cli.view import evaluated
    from reporting.compliance import upcoming

    inventory = inventory_of(options)
    with opened(inventory) as record:
        compliance = evaluated(record, f"{today(inventory) - LOOK_BACK}..{today(inventory)}")
        coming = upcoming(record.ledger.events(), compliance.as_of, compliance.as_of + _LOOK_AHEAD)
        found = duties(record, compliance)
    if options.json:
        print(json.dumps([d.json_value(compliance.as_of) for d in found], indent=2, ensure_ascii=False))
        return EXIT_OK
    _print(found, compliance.as_of)
    _print_coming(coming, inventory)
    return EXIT_OK


def _print(found: Sequence[Duty], now: datetime) -> None:
    """Duties by who has to do them, the most urgent first; numbered, so that people can speak about them."""
    if not found:
        print("Nothing is due now.")
    by_officer: dict[str, list[Duty]] = {}
    for duty in found:
        by_officer.setdefault(duty.who or "everybody", []).append(duty)
    order = list(_HEADINGS)
    number = 0
    for who, theirs in by_officer.items():
        print(f"{who}:")
        for when in order:
            for duty in [d for d in theirs if d.when(now) == when]:
                number += 1
                until = f" (until {duty.until})" if duty.until else ""
                text = f"{number}. {_HEADINGS[when]}: {duty.what}{until}"
                print(textwrap.fill(text, 118, initial_indent="  ", subsequent_indent="     ", break_long_words=False))
                print(f"     {duty.command}")
        print()


def _print_coming(coming: Sequence[Window], inventory: Inventory) -> None:
    from reporting.cli.common import ACTIVITIES, local

    word = {number: word for word, number in ACTIVITIES.items()}
    if coming:
        print("opens within a day:")
    for window in coming:
        opens, closes = local(window.key.opens_at, inventory), local(window.closes_at, inventory)
        print(f"  {opens}  {word[window.key.activity]} of {window.key.site}, until {closes}")
