"""`backup drill`: a set restored into a throw-away place and proven equal, recorded as such. Nothing of it is left."""

from __future__ import annotations

import argparse
import json
import secrets
import sys
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from reporting.backup_set.catalog import Found
from reporting.backup_set.drill import Drill, drill
from reporting.backup_set.manifest import ManifestError
from reporting.backup_set.medium import MediumError
from reporting.backup_set.opened import SetSource
from reporting.backup_set.reading import reading
from reporting.backup_set.restore import RestoreError
from reporting.backup_set.scratch import home_for
from reporting.backups import standing
from reporting.cli.backup_known import Sight, chosen, look, place_arguments, recorded, require_recorded, set_argument
from reporting.cli.common import (
    Refused,
    command_line,
    executor_of,
    inventory_of,
    opened,
    standard_today,
    this_agent,
    today,
)
from reporting.cli.main import EXIT_DEVIATIONS, EXIT_OK
from reporting.cli.tables import table
from reporting.events import KIND_DRILL, KIND_EVIDENCE, Compared, DrillMade, EvidenceAdded, EvidenceFile
from reporting.files import write_whole
from reporting.ledger import Draft
from reporting.runner.locks import AlreadyRunning, run_lock
from reporting.runner.model import Record
from reporting.text import harmless
from reporting.unit import Inventory

_DUE = {"never_proven", "drill_late", "drill_failed"}
_AGAIN = timedelta(days=1)
_WORDS = {"proven": "PROVEN", "failed": "FAILED", "not_proven": "NOT PROVEN"}


def add_arguments(_name: str, parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    set_argument(parser, optional=True)
    parser.add_argument("--latest", action="store_true", help="the newest whole set of each site (or of --site)")
    parser.add_argument(
        "--due", action="store_true", help="the newest set of each site whose proof is due (for the schedule)"
    )
    place_arguments(parser)
    parser.add_argument("--scratch", metavar="DIR", help="where it is restored for a while (default: in state_dir)")
    parser.add_argument("--connections", type=int, default=2, metavar="N", help="to the throw-away server (default 2)")


def run(options: argparse.Namespace) -> int:
    """Drill; exit 2 when a set is not proven."""
    inventory = inventory_of(options)
    if [options.set is not None, options.latest, options.due].count(True) != 1:
        raise Refused("name one set, or give --latest or --due (laman backup list shows the sets)")
    sight = look(inventory, options.medium, options.site)
    home = Path(options.scratch).absolute() if options.scratch else home_for(inventory.state_dir / "scratch")
    with opened(inventory) as record:
        wanted = [chosen(sight, options.set)] if options.set else _latest(sight)
        if options.due:
            due = _sites_due(record)
            wanted = [found for found in wanted if found.site in due]
        elif not wanted:
            raise Refused(_nothing(sight))
        how = How(home, max(1, min(8, options.connections)), quiet=options.json)
        results = [(found, _drilled(found, record, how)) for found in wanted]
    return _tell(results, inventory, options.json)


def drill_due(record: Record) -> list[DrillMade]:
    """Drill the newest set of each site whose proof is due and whose medium is plugged in; for the timer.

    A set that was tried within a day is left alone: what keeps it from being proven is a duty by now.
    """
    inventory, now = record.inventory, datetime.now(UTC)
    due = _sites_due(record)
    if not due:
        return []
    made = (DrillMade.model_validate(event.data) for event in record.ledger.events([KIND_DRILL]))
    tried = {(one.site, one.set) for one in made if now - one.ended_at < _AGAIN}
    how = How(home_for(inventory.state_dir / "scratch"), 2, quiet=True)
    wanted = [f for f in _latest(look(inventory, None, None)) if f.site in due and (f.site, f.name) not in tried]
    return [_drilled(found, record, how) for found in wanted]


@dataclass(frozen=True)
class How:
    """Where a drill has its scratch place, over how many connections, and whether it tells what it does."""

    home: Path
    connections: int
    quiet: bool


def _latest(sight: Sight) -> list[Found]:
    newest: dict[str, Found] = {}
    for found in sight.found:
        if found.state == "whole" and (found.site not in newest or newest[found.site].at < found.at):
            newest[found.site] = found
    return [newest[site] for site in sorted(newest)]


def _sites_due(record: Record) -> set[str]:
    unit, known = record.inventory.unit, recorded(record)
    now = datetime.now(UTC)
    standings = {site: standing(site, known, unit.media, unit.backup, now) for site in record.inventory.sites}
    return {site for site, found in standings.items() if any(flag.code in _DUE for flag in found.flags)}


def _nothing(sight: Sight) -> str:
    away = "; ".join(f"{medium}: {why}" for medium, why in sight.absent.items())
    return f"no whole set on the media that are plugged in{': ' if away else ''}{harmless(away, 500)}"


def _drilled(found: Found, record: Record, how: How) -> DrillMade:
    """Drill one set under the site's lock, and put it on record at once."""
    holder = {"set": found.name}
    try:
        with run_lock(record.locks, "drill", found.site, holder):
            return _recorded(found, record, how)
    except AlreadyRunning as busy:
        raise Refused(f"a drill of {found.site} is running already ({busy.holder})") from None


def _recorded(found: Found, record: Record, how: How) -> DrillMade:
    inventory = record.inventory
    began = datetime.now(UTC)
    local = began.astimezone(inventory.unit.tz)
    name = f"{local:%Y%m%dT%H%M%S}-drill-{found.site}-{secrets.token_hex(4)}"
    result = _proof(found, record, how)
    event = DrillMade(
        drill=name,
        set=found.name,
        site=found.site,
        medium=found.medium,
        status=result.status,
        ok=result.status == "proven",
        compared=[_compared(comparison) for comparison in result.comparisons],
        executor=executor_of(inventory, standard_today(inventory), 2, today(inventory)),
        agent=this_agent(),
        began_at=began,
        ended_at=datetime.now(UTC),
        seconds=round(result.seconds, 3),
    )
    file = record.archive.folder("drill", name, local) / "drill.json"
    write_whole(file, (json.dumps(event.json_value(), indent=1, ensure_ascii=False) + "\n").encode())
    return _append(record, event, record.archive.measure(file))


def _append(record: Record, event: DrillMade, evidence: EvidenceFile) -> DrillMade:
    event = event.model_copy(update={"files": [evidence]})
    actor = f"{event.agent.kind}:{event.agent.name}"
    added = EvidenceAdded(execution=event.drill, files=[evidence], of="drill")
    record.ledger.append(
        [
            Draft(KIND_DRILL, event.site, actor, event.json_value()),
            Draft(KIND_EVIDENCE, event.site, actor, added.json_value()),
        ]
    )
    return event


def _proof(found: Found, record: Record, how: How) -> Drill:
    """The drill; what keeps it from beginning proves nothing, and is recorded as that. An altered set has failed."""

    def tell(text: str) -> None:
        if not how.quiet:
            print(f"{found.site} {found.name}: {text}", file=sys.stderr, flush=True)

    try:
        with reading(found.folder.parent):
            unknown = require_recorded(found.folder, found.site, found.name, record, found.medium)
            result = drill(SetSource(found.folder), how.home, tell, how.connections)
        if unknown:
            result.add("", "record", "not_compared", detail=unknown)
        return result
    except Refused as error:
        result = Drill(found.name, found.site)
        result.add("", "record", "differs", detail=harmless(error, 500))
        return result
    except (ManifestError, MediumError, RestoreError, OSError) as error:
        result = Drill(found.name, found.site)
        state = "differs" if isinstance(error, ManifestError) else "not_compared"
        result.add("", "set", state, detail=harmless(error, 500))  # type: ignore[arg-type]
        return result


def _compared(comparison: Any) -> Compared:
    values = asdict(comparison)
    return Compared(**values | {"detail": harmless(values["detail"], 1000), "seconds": round(values["seconds"], 3)})


def _tell(results: list[tuple[Found, DrillMade]], inventory: Inventory, as_json: bool) -> int:
    bad = [(found, event) for found, event in results if not event.ok]
    if as_json:
        print(json.dumps([event.json_value() for _, event in results], indent=2, ensure_ascii=False))
        return EXIT_DEVIATIONS if bad else EXIT_OK
    for found, event in results:
        print(f"{found.site} {found.name} on {found.medium}: {_WORDS[event.status]} in {event.seconds:.1f} s")
        rows = [
            [c.part or "-", c.what, c.state, f"{c.restored} of {c.recorded}", harmless(c.detail, 200)]
            for c in event.compared
        ]
        print(table(["part", "what", "", "restored", "detail"], rows, limit=120))
    if not results:
        print("No drill is due.")
    if bad:
        found, event = bad[0]
        again = command_line(inventory, "backup", "drill", "--latest", "--site", found.site)
        if event.status == "failed":
            new = command_line(inventory, "run", "backup", "--site", found.site)
            print(f"Next: this set does not bring the site back as it was; make a new one: {new}; then: {again}")
        else:
            print(f"Next: put right what was not compared, then again: {again}")
        return EXIT_DEVIATIONS
    print(f"Next: {command_line(inventory, 'backup', 'status')}")
    return EXIT_OK
