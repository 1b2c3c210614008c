"""What several commands need: the inventory, the opened record, who types, dates as people write them."""

from __future__ import annotations

import argparse
import getpass
import os
import shlex
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from reporting.events import KIND_SETTINGS, Agent, Person
from reporting.ledger import Archive, Draft, open_ledger
from reporting.runner.model import ActivityToRun, Record
from reporting.runner.recover import close_all_killed
from reporting.standard import Standard, standard_on
from reporting.unit import Inventory, Officer, SettingsError, read_inventory

ACTIVITIES = {"content": 1, "backup": 2, "visitor-log": 3}  # the word on the command line -> number in the POS
SOON = timedelta(minutes=5)  # a clock that is this much behind another's is no error


class Refused(Exception):
    """What was asked cannot be done; one line: what, where, what to do."""


def inventory_of(options: argparse.Namespace) -> Inventory:
    """The inventory that was named: -i, else LAMAN_INVENTORY, else ./inventory where it is one."""
    named = options.inventory or os.environ.get("LAMAN_INVENTORY")
    if named is None:
        if not Path("inventory/group_vars/all/unit.yml").is_file():
            raise SettingsError("no inventory named: give -i DIR or set LAMAN_INVENTORY (new agency: laman init DIR)")
        named = "inventory"
    return read_inventory(Path(named))


@contextmanager
def opened(inventory: Inventory, agent: Agent | None = None) -> Iterator[Record]:
    """The unit's record, opened: settings that changed are noted, executions that were killed are closed."""
    ledger = open_ledger(inventory.unit.ledger, inventory.state_dir, inventory.unit.id)
    try:
        record = Record(inventory=inventory, ledger=ledger, archive=Archive(inventory.state_dir / "archive"))
        _note_settings(record, agent or this_agent())
        slugs = {a.number: a.slug for a in standard_today(inventory).activities}
        close_all_killed(record, slugs)
        yield record
    finally:
        ledger.close()


def _note_settings(record: Record, agent: Agent) -> None:
    """Append the settings when they differ from those on record: verdicts are judged by the settings of their day.

    Public holidays are written out day by day: a later version of the package that knows them re-judges nothing.
    """
    year = today(record.inventory).year
    snapshot = record.inventory.snapshot(year - 1, year + 1).model_dump(mode="json")
    last = None
    for event in record.ledger.events([KIND_SETTINGS]):
        last = event.data
    if last != snapshot:
        unit = record.inventory.unit.id
        record.ledger.append([Draft(KIND_SETTINGS, unit, f"{agent.kind}:{agent.name}", snapshot)])


def this_agent() -> Agent:
    """Who or what typed: CI says so itself, systemd gives its services an id, the rest is a person."""
    name = f"{getpass.getuser()}@{socket.gethostname()}"
    if os.environ.get("CI", "").lower() in ("true", "1"):
        return Agent(kind="ci", name=name)
    if os.environ.get("INVOCATION_ID") and not os.isatty(0):
        return Agent(kind="timer", name=name)
    return Agent(kind="person", name=name)


def today(inventory: Inventory) -> date:
    """The local day of the agency."""
    return datetime.now(UTC).astimezone(inventory.unit.tz).date()


def standard_today(inventory: Inventory) -> Standard:
    """The POS in force on the agency's local day."""
    return standard_on(today(inventory))


def activity_of(standard: Standard, number: int) -> ActivityToRun:
    """What the runner needs to know of an activity."""
    activity = standard.activity(number)
    return ActivityToRun(number=activity.number, slug=activity.slug, standard_minutes=activity.minutes)


def person(officer: Officer) -> Person:
    """An officer as an event keeps him or her."""
    return Person(id=officer.id, name=officer.name, nip=officer.nip, title=officer.title)


def named_officer(inventory: Inventory, wanted: str, day: date, option: str) -> Person:
    """The officer that an option names.

    Raises:
        Refused: nobody of that id or name is in office on that day.
    """
    officer = inventory.unit.officer(wanted, day)
    if officer is None:
        known = ", ".join(o.id for o in inventory.unit.officers if o.in_office(day))
        raise Refused(f"{option} {wanted!r}: no such officer in office on {day}; laman_unit.officers has: {known}")
    return person(officer)


def executor_of(inventory: Inventory, standard: Standard, number: int, day: date) -> Person:
    """The officer who is responsible for an activity by assignment: named, never silent.

    Raises:
        Refused: nobody holds that role on that day.
    """
    role = inventory.unit.assignment.get(number) or standard.activity(number).role
    officer = inventory.unit.officer_for(role, day)
    if officer is None:
        raise Refused(
            f"activity {number} is assigned to {role}, and no officer holds that role on {day}: "
            "add one to laman_unit.officers, change laman_unit.assignment, or name one with --executor"
        )
    return person(officer)


def wanted_sites(inventory: Inventory, named: list[str] | None) -> list[str]:
    """The sites that were named, or all.

    Raises:
        Refused: a site is unknown.
    """
    for site in named or []:
        if site not in inventory.sites:
            raise Refused(f"unknown site {site!r}; {inventory.folder}/hosts.yml has: {', '.join(inventory.sites)}")
    return list(dict.fromkeys(named)) if named else inventory.sites


def instant(text: str, inventory: Inventory, option: str) -> datetime:
    """A local date and time as people type it: 2026-11-22 09:30 (a zone may follow).

    Raises:
        Refused: not a date and time.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise Refused(f"{option} {text!r}: a date and time like 2026-11-22T09:30 is expected") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=inventory.unit.tz)


def command_line(inventory: Inventory, *words: str) -> str:
    """A command as it can be copied into a shell."""
    return shlex.join(["laman", "-i", str(inventory.folder), *words])


def local(moment: datetime, inventory: Inventory) -> str:
    """An instant on the agency's clock, as it is printed: 2026-11-22 09:30 WIB."""
    return moment.astimezone(inventory.unit.tz).strftime("%Y-%m-%d %H:%M %Z")
