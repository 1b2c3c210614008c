"""`backup prune`: what retention would remove from the media that are in, and why; with --apply it is removed.

Before anything of a site goes, the sets that are kept as its last good ones are read back: where one of them is
damaged, the older ones may be all there is.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from reporting.backup_set.catalog import REMOVED, Found
from reporting.backup_set.check import size_of
from reporting.backup_set.medium import MediumError, explain
from reporting.backup_set.removal import alone, delete, take_out
from reporting.backup_set.retention import LAST_VERIFIED, Fate, Held, Rules, State, plan
from reporting.backups import KnownSet
from reporting.cli.backup_known import Meter, Sight, look, of_record, place_arguments, recorded, size
from reporting.cli.backup_verify import verify_set
from reporting.cli.common import command_line, inventory_of, local, opened, this_agent
from reporting.cli.main import EXIT_CANNOT, EXIT_OK
from reporting.cli.tables import table
from reporting.events import KIND_BACKUP_PRUNED, BackupPruned, PrunedSet
from reporting.ledger import Draft
from reporting.runner.model import Record
from reporting.text import harmless
from reporting.unit import Inventory, Unit


@dataclass
class _Done:
    """What was removed from one medium, and what stood in the way."""

    removed: list[tuple[str, str]] = field(default_factory=list)  # site, folder
    freed: int = 0
    problem: str = ""


def add_arguments(_name: str, parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--apply", action="store_true", help="carry the plan out (without it nothing is touched)")
    place_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Show the plan, and carry it out when asked; returns the exit code."""
    inventory = inventory_of(options)
    sight = look(inventory, options.medium)  # of all sites: a proven set is looked for everywhere
    with opened(inventory) as record:
        known = recorded(record)
        fates = fates_of(sight.found, known, inventory.unit)
        wanted = [f for f in fates if options.site in (None, f.held.site)]
        if not options.json:
            _show(wanted, sight, inventory)
        done = _apply(wanted, sight, record, known, quiet=options.json) if options.apply else {}
    if options.json:
        print(json.dumps(_data(wanted, done), indent=2, ensure_ascii=False))
    else:
        _tell(wanted, done, options, inventory)
    return EXIT_CANNOT if any(d.problem for d in done.values()) or not sight.media else EXIT_OK


def fates_of(found: Iterable[Found], known: list[KnownSet], unit: Unit) -> list[Fate]:
    """The plan for the sets that were found; a set that nobody has on record counts as verified when it was named."""
    found = list(found)
    here = [_held(f, of_record(known, f)) for f in found if f.state != "removed"]
    there = {(f.site, f.name, f.medium) for f in found}
    away = [_held_away(k) for k in known if k.pruned_at is None and (k.site, k.set, k.medium) not in there]
    fates = plan([*here, *away], datetime.now(UTC), rules_by_medium(unit), unit.tz)
    return [fate for fate in fates if (fate.held.site, fate.held.name, fate.held.medium) in there]


def rules_by_medium(unit: Unit) -> Callable[[str], Rules]:
    """Retention of each medium: its own, else the unit's."""
    keeps = {m.id: m.keep or unit.backup.keep for m in unit.media}

    def rules(medium: str) -> Rules:
        keep = keeps.get(medium, unit.backup.keep)
        return Rules(keep.daily, keep.weekly, keep.monthly, keep.yearly, unit.backup.sweep_days)

    return rules


def _held(found: Found, known: KnownSet | None) -> Held:
    states: dict[str, State] = {s: s for s in ("whole", "incomplete", "unfinished", "undo")}
    verified = known is None or known.verified_at is not None
    proven = known is not None and known.proven_at is not None
    state = states.get(found.state, "damaged")
    return Held(found.site, found.medium, found.name, found.at, state, verified, proven, found.stored_bytes)


def _held_away(known: KnownSet) -> Held:
    """A set on a medium that is not in: nothing happens to it, but it may be the last proven one."""
    state: State = "whole" if known.whole else "incomplete"
    proven = known.proven_at is not None
    verified = known.verified_at is not None
    return Held(known.site, known.medium, known.set, known.made_at, state, verified, proven, known.stored_bytes)


def _show(fates: list[Fate], sight: Sight, inventory: Inventory) -> None:
    rows = [
        [f.held.site, f.held.medium, f.held.name, local(f.held.at, inventory)[:10], size(f.held.stored_bytes),
         "keep" if f.keep else "REMOVE", f.reason]
        for f in fates
    ]  # fmt: skip
    if rows:
        print(table(["site", "medium", "set", "day", "size", "", "why"], rows))
    for medium, why in sight.absent.items():
        print(f"not plugged in: {medium}: {harmless(why, 300)}")


def _going(fates: list[Fate], sight: Sight) -> dict[tuple[str, str, str], str]:
    """Why, by medium, site and folder, of all that goes."""
    taken_out = "taken out by a prune that was interrupted"
    reasons = {(f.held.medium, f.held.site, f.held.name): f.reason for f in fates if not f.keep}
    return reasons | {(f.medium, f.site, f.name): taken_out for f in sight.found if f.state == "removed"}


def _bad_sites(
    fates: list[Fate], sight: Sight, record: Record, known: list[KnownSet], quiet: bool
) -> dict[str, tuple[str, str]]:
    """Sites whose kept sets are not what they should be: on which medium, and what is wrong. It is on record then."""
    sites = {site for _, site, _ in _going(fates, sight)}
    relied = {(f.held.medium, f.held.site, f.held.name) for f in fates if LAST_VERIFIED in f.reason}
    wanted = [f for f in sight.found if (f.medium, f.site, f.name) in relied and f.site in sites]
    meter = Meter(sum(size_of(found.folder) for found in wanted), quiet=quiet)
    bad: dict[str, tuple[str, str]] = {}
    for found in wanted:
        meter.name(f"reading back {found.name}")
        try:
            checked = verify_set(found, of_record(known, found), record, meter)
            problems = checked.problems
        except (MediumError, OSError) as error:
            problems = [str(error)]
        if problems:
            what = f"{found.name}, the last verified set, is damaged: {problems[0]}"
            bad[found.site] = (found.medium, f"{found.site}: nothing of it is removed: {what}")
    meter.end()
    return bad


def _apply(fates: list[Fate], sight: Sight, record: Record, known: list[KnownSet], quiet: bool) -> dict[str, _Done]:
    """Medium by medium, site by site. What stands in the way at one site leaves the others alone."""
    done: dict[str, _Done] = {}
    bad = _bad_sites(fates, sight, record, known, quiet)
    going_all = _going(fates, sight)
    for medium, report in sight.media.items():
        result = done[medium] = _Done()
        here = [f for f in sight.found if f.medium == medium]
        result.problem = "; ".join(text for where, text in bad.values() if where == medium)
        reasons = {(site, name): why for (m, site, name), why in going_all.items() if m == medium and site not in bad}
        kept = sum(f.keep for f in fates if f.held.medium == medium)
        for site in sorted({site for site, _ in reasons}):
            going = [(f, reasons[site, f.name]) for f in here if f.site == site and (site, f.name) in reasons]
            try:
                with alone(report, site):
                    for found, reason in going:
                        folder = found.folder if found.state == "removed" else take_out(report, found)
                        if not _on_record(found, known):
                            _note(found, reason, kept, record)
                        result.freed += delete(report, folder)
                        result.removed.append((found.site, found.name))
            except (MediumError, OSError) as error:
                said = explain(error, report.path) if isinstance(error, OSError) else str(error)
                result.problem = result.problem or said
    return done


def _on_record(found: Found, known: list[KnownSet]) -> bool:
    """Whether an interrupted prune had put it on record already."""
    if found.state != "removed":
        return False
    name = found.name.removesuffix(REMOVED)
    return any(k.pruned_at is not None for k in known if (k.site, k.set, k.medium) == (found.site, name, found.medium))


def _note(found: Found, reason: str, kept: int, record: Record) -> None:
    agent = this_agent()
    gone = PrunedSet(
        set=found.set,
        site=found.site,
        folder=found.name.removesuffix(REMOVED),
        stored_bytes=found.stored_bytes,
        reason=harmless(reason, 500),
    )
    event = BackupPruned(
        medium=found.medium,
        removed=[gone],
        kept=kept,
        rules=rules_by_medium(record.inventory.unit)(found.medium).text(),
        freed_bytes=found.stored_bytes,
        at=datetime.now(UTC),
        agent=agent,
    )
    record.ledger.append([Draft(KIND_BACKUP_PRUNED, found.medium, f"{agent.kind}:{agent.name}", event.json_value())])


def _tell(fates: list[Fate], done: dict[str, _Done], options: argparse.Namespace, inventory: Inventory) -> None:
    going = [f for f in fates if not f.keep]
    for medium, result in done.items():
        if result.problem:
            print(f"medium {medium}: {harmless(result.problem, 400)}")
    if options.apply:
        count = sum(len(result.removed) for result in done.values())  # what an interrupted prune left is among them
        freed = size(sum(result.freed for result in done.values()))
        print(f"{count} sets removed, {freed} freed, {len(fates) - len(going)} kept; it is on record")
        print(f"Next: {command_line(inventory, 'backup', 'status')}")
    elif going:
        where = [word for option in ("site", "medium") if (value := getattr(options, option)) for word in
                 (f"--{option}", value)]  # fmt: skip
        print(f"{len(going)} sets would be removed, {len(fates) - len(going)} kept; nothing was touched")
        print(f"Next: {command_line(inventory, 'backup', 'prune', '--apply', *where)}")
    else:
        print(f"Nothing to remove: {len(fates)} sets, all kept. Next: {command_line(inventory, 'backup', 'status')}")


def _data(fates: list[Fate], done: dict[str, _Done]) -> dict[str, Any]:
    removed = {(medium, *gone) for medium, result in done.items() for gone in result.removed}
    return {
        "sets": [
            {
                "site": f.held.site,
                "medium": f.held.medium,
                "set": f.held.name,
                "at": f.held.at.isoformat(),
                "keep": f.keep,
                "reason": f.reason,
                "removed": (f.held.medium, f.held.site, f.held.name) in removed,
            }
            for f in fates
        ],
        "problems": {medium: result.problem for medium, result in done.items() if result.problem},
        "freed_bytes": sum(result.freed for result in done.values()),
    }
