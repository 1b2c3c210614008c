"""`backup verify`: sets read back from their medium, past the page cache: manifest, SHA256SUMS, record."""

from __future__ import annotations

import argparse
import json
import time
from datetime import UTC, datetime
from typing import Any

from reporting.backup_set.catalog import Found
from reporting.backup_set.check import Checked, check_set, size_of
from reporting.backup_set.reading import reading
from reporting.backups import KnownSet
from reporting.cli.backup_known import (
    Meter,
    Sight,
    chosen,
    look,
    of_record,
    place_arguments,
    recorded,
    set_argument,
    size,
)
from reporting.cli.common import Refused, command_line, inventory_of, opened, this_agent
from reporting.cli.main import EXIT_DEVIATIONS, EXIT_OK
from reporting.events import KIND_BACKUP_VERIFIED, BackupVerified
from reporting.ledger import Draft
from reporting.runner.model import Record
from reporting.text import harmless
from reporting.unit import Inventory

_MOST = 200  # problems that an event keeps


def add_arguments(_name: str, parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    set_argument(parser, optional=True)
    parser.add_argument("--all", action="store_true", help="every whole set on the media that are plugged in")
    place_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Verify; exit 2 when a set is not what was written."""
    inventory = inventory_of(options)
    if options.all == (options.set is not None):
        raise Refused("name one set, or give --all (laman backup list shows the sets)")
    sight = look(inventory, options.medium, options.site)
    wanted = _all_of(sight) if options.all else [chosen(sight, options.set)]
    if not wanted:
        away = "; ".join(f"{k}: {v}" for k, v in sight.absent.items())
        raise Refused(f"no set to verify on the media that are plugged in{': ' if away else ''}{harmless(away, 500)}")
    meter = Meter(sum(size_of(found.folder) for found in wanted), quiet=options.json)
    results = []
    with opened(inventory) as record:
        known = recorded(record)
        for found in wanted:
            meter.name(found.name)
            results.append((found, verify_set(found, of_record(known, found), record, meter)))
    return _tell(results, meter, inventory, sight, options.json)


def _all_of(sight: Sight) -> list[Found]:
    return [found for found in sight.found if found.state in ("whole", "incomplete", "damaged", "undo")]


def verify_set(found: Found, known: KnownSet | None, record: Record, meter: Meter) -> Checked:
    """Read one set back, and put what was found on record at once: the next one may be interrupted."""
    began = time.monotonic()
    with reading(found.folder.parent):
        checked = check_set(found.folder, known.files if known else None, meter)
    agent = this_agent()
    event = BackupVerified(
        set=found.name,
        site=found.site,
        medium=found.medium,
        path=found.path,
        ok=checked.ok,
        method=checked.method,
        files=checked.files,
        bytes=checked.bytes,
        seconds=round(time.monotonic() - began, 3),
        problems=[harmless(problem, 1000) for problem in checked.problems[:_MOST]],
        at=datetime.now(UTC),
        agent=agent,
    )
    record.ledger.append([Draft(KIND_BACKUP_VERIFIED, found.site, f"{agent.kind}:{agent.name}", event.json_value())])
    return checked


def _tell(results: list[tuple[Found, Checked]], meter: Meter, inventory: Inventory, sight: Sight, as_json: bool) -> int:
    bad = [found for found, checked in results if not checked.ok]
    summary = meter.end()
    if as_json:
        print(json.dumps([_data(f, c) for f, c in results], indent=2, ensure_ascii=False))
        return EXIT_DEVIATIONS if bad else EXIT_OK
    for found, checked in results:
        print(f"{found.site} {found.name} on {found.medium}: {'whole' if checked.ok else 'NOT WHOLE'}, "
              f"{checked.files} files, {size(checked.bytes)}; {checked.method}")  # fmt: skip
        for problem in checked.problems:
            print(f"  {harmless(problem, 400)}")
    for medium, why in sight.absent.items():
        print(f"not plugged in, so not verified: {medium}: {harmless(why, 300)}")
    print(f"{len(results)} sets, {len(bad)} not whole; {summary}")
    if bad:
        advice = command_line(inventory, "run", "backup", "--site", bad[0].site)
        print(f"Next: make a new set on a good medium: {advice}; look at the medium's health (smartctl, dmesg)")
        return EXIT_DEVIATIONS
    print(f"Next: {command_line(inventory, 'backup', 'status')}")
    return EXIT_OK


def _data(found: Found, checked: Checked) -> dict[str, Any]:
    return {
        "site": found.site,
        "set": found.name,
        "medium": found.medium,
        "ok": checked.ok,
        "files": checked.files,
        "bytes": checked.bytes,
        "method": checked.method,
        "problems": checked.problems,
    }
