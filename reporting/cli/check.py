"""Try everything that a run will need: settings, officers, schedule, record, media, access to every site.

Nothing is recorded as done. Exit code 0: all is ready; 1: something has to be put right, and it is said what. A HINT is
no failure: something else than a run needs it.

example:
  laman -i inventory/kantor check
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from reporting.cli.common import Refused, command_line, inventory_of, standard_today, today
from reporting.cli.main import EXIT_CANNOT, EXIT_OK
from reporting.cli.media import reports
from reporting.ledger import open_ledger
from reporting.runner.model import run_limit
from reporting.runner.play import PLAYBOOKS, CannotRun, Play, play
from reporting.runner.settings import settings_looked
from reporting.schedule.plan import doubts
from reporting.text import harmless
from reporting.unit import Inventory, SettingsError

_ACCESS_MINUTES = 5.0
_ROOM_BYTES = 256 << 20  # what the record's disk should have free at the least


@dataclass(frozen=True)
class Line:
    """One thing that was tried."""

    ok: bool
    what: str
    said: str
    hint: bool = False  # nothing to put right, but something that is good to know


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--offline", action="store_true", help="do not reach the sites")
    parser.add_argument("--json", action="store_true", help="print it as JSON")


def run(options: argparse.Namespace) -> int:
    """Try it all; returns the exit code."""
    inventory = inventory_of(options)
    lines: list[Line] = []
    for line in _everything(inventory, offline=options.offline):
        lines.append(line)
        if not options.json:
            mark = "HINT" if line.hint else "ok  " if line.ok else "FIX "
            print(f"{mark} {line.what}: {harmless(line.said, 400)}", flush=True)
    wrong = sum(not line.ok for line in lines)
    if options.json:
        print(json.dumps([asdict(line) for line in lines], indent=2, ensure_ascii=False))
    else:
        ready, again = (command_line(inventory, *words) for words in (("run", "all"), ("check",)))
        print(f"\n{wrong} to put right, then: {again}" if wrong else f"\nall is ready: {ready}")
    return EXIT_CANNOT if wrong else EXIT_OK


def _everything(inventory: Inventory, *, offline: bool) -> Iterator[Line]:
    yield Line(True, "settings", f"{inventory.folder}: {inventory.unit.name}, {len(inventory.sites)} site(s)")
    yield from _officers(inventory)
    yield from _schedule(inventory)
    yield _record(inventory)
    yield from (Line(r.ok, f"medium {r.id}", r.reason) for r in reports(inventory))
    if not inventory.unit.media:
        yield Line(False, "media", "laman_unit.media names none: backups have nowhere to go")
    yield from _roles(inventory)
    yield from _delivery(inventory)
    if not offline:
        print(f"reaching {len(inventory.sites)} site(s) …", file=sys.stderr, flush=True)
        yield from _access(inventory)


def _officers(inventory: Inventory) -> Iterator[Line]:
    day = today(inventory)
    for activity in standard_today(inventory).activities:
        role = inventory.unit.assignment.get(activity.number) or activity.role
        officer = inventory.unit.officer_for(role, day)
        said = f"{officer.name}, {officer.title}" if officer else f"nobody in laman_unit.officers holds {role} today"
        yield Line(officer is not None, f"executor of activity {activity.number}", said)


def _schedule(inventory: Inventory) -> Iterator[Line]:
    for number in (1, 2, 3):
        planned = {
            site
            for plan in inventory.unit.schedule
            if plan.activity == number
            for site in (inventory.sites if plan.sites == "all" else plan.sites)
        }
        without = [site for site in inventory.sites if site not in planned]
        said = f"not planned for: {', '.join(without)} (add it to laman_unit.schedule)" if without else "every site"
        yield Line(not without, f"schedule of activity {number}", said)
    for doubt in doubts(inventory.unit, inventory.sites, datetime.now(UTC)):
        yield Line(True, "schedule", f"look at it: {doubt}")


def _delivery(inventory: Inventory) -> Iterator[Line]:
    """Where reports and reminders go; nothing is sent. Only what the unit set."""
    from reporting.cli.report_folder import check_folder
    from reporting.cli.report_send import officers_named

    delivery, mail = inventory.unit.delivery, inventory.unit.mail
    for key, named in (("report_to", delivery.report_to), ("digest_to", delivery.digest_to)):
        try:
            found = officers_named(inventory, today(inventory), named, f"laman_unit.delivery.{key}")
        except Refused as error:
            yield Line(False, "delivery", str(error))
            continue
        if found and mail is None:
            yield Line(False, "delivery", f"laman_unit.delivery.{key} is set, and laman_unit.mail names no server")
        elif found:
            yield Line(True, "delivery", f"{key}: {', '.join(f'{o.name} <{o.email}>' for o in found)}")
    if delivery.folder is not None:
        folder = inventory.resolve(delivery.folder)
        try:
            check_folder(folder)
            yield Line(True, "delivery", f"folder: {folder}")
        except Refused as error:
            yield Line(False, "delivery", str(error))


def _record(inventory: Inventory) -> Line:
    folder = inventory.state_dir
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if free < _ROOM_BYTES:
        return Line(False, "record", f"{folder}: only {free >> 20} MiB free; {_ROOM_BYTES >> 20} MiB are wanted")
    ledger = open_ledger(inventory.unit.ledger, folder, inventory.unit.id)
    try:
        problems = ledger.verify()
        head = ledger.head()
    finally:
        ledger.close()
    whole = f"{head.seq} events, chain whole, {free >> 20} MiB free"
    said = f"{problems[0].where}: {problems[0].what}" if problems else whole
    return Line(not problems, "record", f"{folder}: {said}")


def _roles(inventory: Inventory) -> Iterator[Line]:
    """The variables that the roles take, of every site: what is wrong here would be refused by `laman run`."""
    try:
        problems, hints = settings_looked(inventory, inventory.sites, (1, 2, 3, 8))
    except (CannotRun, SettingsError) as error:
        yield Line(False, "settings of the sites", str(error))
        return
    for site, lines in problems.items():
        yield from (Line(False, f"settings of {site}", line) for line in lines)
    for site, lines in hints.items():
        yield from (Line(True, f"settings of {site}", line, hint=True) for line in lines)
    if not problems:
        yield Line(True, "settings of the sites", f"the roles' variables of {len(inventory.sites)} site(s) are usable")


def _access(inventory: Inventory) -> Iterator[Line]:
    """Let the role site_access look at every site; what it found comes as its fact."""
    found: dict[str, dict[str, Any]] = {}
    problems: dict[str, str] = {}
    said: list[str] = []

    def take(event: dict[str, Any]) -> None:
        data = event.get("event_data") or {}
        raw = data.get("res")
        result: dict[str, Any] = raw if isinstance(raw, dict) else {}
        requirement = (result.get("ansible_facts") or {}).get("site_access_requirement")
        if requirement:
            found[str(data.get("host"))] = requirement
        elif event.get("event") in ("runner_on_failed", "runner_on_unreachable"):
            problems[str(data.get("host"))] = str(result.get("msg", "no message"))
        elif event.get("stdout"):
            said.append(event["stdout"])

    limit = run_limit(_ACCESS_MINUTES, len(inventory.sites)) * 60
    request = Play(PLAYBOOKS / "site_access.yml", inventory.hosts_file, inventory.sites, {}, limit)
    try:
        play(request, take, lambda: None)
    except CannotRun as error:
        yield Line(False, "access", str(error))
        return
    for site in inventory.sites:
        requirement = found.get(site)
        if requirement:
            yield Line(bool(requirement.get("ok")), f"access to {site}", str(requirement.get("reason")))
        else:
            yield Line(False, f"access to {site}", problems.get(site) or " ".join(said[-3:]) or "no answer")
