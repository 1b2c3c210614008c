"""What has to be done now, in plain words: windows that are open, runs to read, renewals that wait, media to plug in.

example:
  laman -i inventory/kantor due
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass
from datetime import date, timedelta

from reporting.cli.backup_duties import media_duties, set_duties
from reporting.cli.common import ACTIVITIES, command_line, inventory_of, local, opened, today
from reporting.cli.main import EXIT_OK
from reporting.cli.renewal_known import known_of
from reporting.cli.renewal_view import waits_for
from reporting.cli.service_view import lines_of, reminder_text
from reporting.cli.view import evaluated
from reporting.compliance import Compliance, Execution, Occasion, upcoming
from reporting.expiry.lifecycle import ACTIVE
from reporting.register import KINDS, fold
from reporting.renewal.commands import Known
from reporting.runner.model import Record
from reporting.text import harmless
from reporting.unit import Inventory

_WORD = {number: word for word, number in ACTIVITIES.items()}
_LOOK_AHEAD = timedelta(hours=24)
_LOOK_BACK = timedelta(days=35)  # an open window, or one whose run waits for its reader, began at most this long ago


@dataclass(frozen=True)
class Duty:
    """One thing to do: what, with which command, until when (ISO, local)."""

    what: str
    command: str
    until: str | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--json", action="store_true", help="print it as JSON")


def run(options: argparse.Namespace) -> int:
    """Print what is due; returns the exit code."""
    inventory = inventory_of(options)
    with opened(inventory) as record:
        compliance = evaluated(record, f"{today(inventory) - _LOOK_BACK}..{today(inventory)}")
        coming = upcoming(record.ledger.events(), compliance.as_of, compliance.as_of + _LOOK_AHEAD)
        known = known_of(record)
        duties = [*_duties(compliance, inventory), *_renewals(record, known), *_services(record, known)]
        duties += [Duty(*duty) for duty in set_duties(record)]
    if options.json:
        print(json.dumps([asdict(d) for d in duties], indent=2, ensure_ascii=False))
    elif not duties:
        print("Nothing is due now.")
    else:
        for number, duty in enumerate(duties, 1):
            print(f"{number}. {duty.what}" + (f" (until {duty.until})" if duty.until else ""))
            print(f"   {duty.command}")
    if coming and not options.json:
        print("\nopens within a day:")
        for window in coming:
            closes = local(window.closes_at, inventory)
            opens, closes = local(window.key.opens_at, inventory), local(window.closes_at, inventory)
            print(f"  {opens}  {_WORD[window.key.activity]} of {window.key.site}, until {closes}")
    return EXIT_OK


def _duties(compliance: Compliance, inventory: Inventory) -> list[Duty]:
    duties: list[Duty] = []
    for occasion in sorted(compliance.occasions, key=lambda o: o.closes_at):
        if occasion.closes_at > compliance.as_of:
            duties.extend(_open_occasion(occasion, inventory))
    duties.extend(
        _review(e, inventory)
        for e in compliance.executions
        if e.review is None and e.review_due is not None and e.review_due >= compliance.as_of
    )
    if any(d.command.find(" run backup") > 0 for d in duties):
        duties = [*_media(inventory), *duties]
    if compliance.deviations:
        count = len(compliance.deviations)
        what = f"{count} deviation(s) wait for an account by the executor"
        duties.append(Duty(what, command_line(inventory, "status"), None))
    return duties


def _open_occasion(occasion: Occasion, inventory: Inventory) -> list[Duty]:
    until = local(occasion.closes_at, inventory)
    word = _WORD[occasion.activity]
    again = command_line(inventory, "run", word, "--site", occasion.site)
    if occasion.state == "terbuka":
        tried = f": the last attempt failed, {occasion.reason}" if occasion.executions else ""
        return [Duty(f"{word} of {occasion.site} is due{tried}", again, until)]
    if occasion.state == "menyimpang":
        what = f"{word} of {occasion.site} deviates ({occasion.reason}); a new run can still judge it"
        return [Duty(what, again, until)]
    return []  # kept, still running, or waiting for a review, which is a duty of its own


_COMMANDS = {
    "submit": "submit --case {case} --sheet FILE",
    "approve": "approve {case} --sheet SCAN",
    "pay": "pay {case} --proof FILE",
    "report": "report {case}",
}


def _renewals(record: Record, known: Known) -> list[Duty]:
    """The step that each open case waits for, and those that the provider has not been seen to renew."""
    duties = []
    for case in known.cases.values():
        step = waits_for(known, case)
        services = ", ".join(line.service for line in case.lines)
        if step is not None:
            officer = known.unit.officer_for(step.role, known.now.astimezone(known.unit.tz).date())
            what = f"{step.name} {case.id} ({services}): {officer.name if officer else step.role}"
            command = _typed(record.inventory, "renewal " + _COMMANDS[step.name].format(case=case.id))
            duties.append(Duty(what, command, local(step.due_at, record.inventory)))
        elif case.state == "not_renewed":
            what = f"{case.id} is paid, but {services} is not proven renewed: ask the provider, then look again"
            duties.append(Duty(what, _typed(record.inventory, f"renewal prove {case.id}"), None))
    return duties


def _services(record: Record, known: Known) -> list[Duty]:
    """Services that end soon or have ended, and ends that nobody knows; a case under way speaks for its services."""
    under_way = {line.service for c in known.cases.values() if known.states.states[c.state].open for line in c.lines}
    register = fold(record.ledger.events(KINDS))
    lines = lines_of(register, register.current, record)
    duties = []
    for line in sorted(lines, key=lambda line: line.end.ends or date.min):
        service, inventory = line.service, record.inventory
        if line.due is not None and service.id in under_way:
            continue
        if line.due is not None:
            phase = line.due.phase
            until = phase.last.isoformat() if phase.last and phase.name != ACTIVE else None
            command = _typed(inventory, f"renewal submit --service {service.id} …")
            duties.append(Duty(reminder_text(line), command, until))
        elif line.end.state == "unknown":
            what = f"the end of {service.id} ({service.kind}) is unknown: {harmless(line.end.reason, 200)}"
            duties.append(Duty(what, _typed(inventory, f"service check {service.id}"), None))
    return duties


def _review(execution: Execution, inventory: Inventory) -> Duty:
    until = local(execution.review_due, inventory) if execution.review_due else None
    what = f"{execution.executor.name} reads the {execution.activity_slug} run of {execution.site} and signs it off"
    return Duty(what, command_line(inventory, "review", execution.id, "--note", "…"), until)


def _media(inventory: Inventory) -> list[Duty]:
    """The medium that a backup needs now and that is not ready."""
    return [Duty(*duty) for duty in media_duties(inventory)]


def _typed(inventory: Inventory, rest: str) -> str:
    """A command with places to fill in: the inventory is quoted, the rest is for people."""
    return f"{command_line(inventory)} {rest}"
