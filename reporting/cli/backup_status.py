"""`backup status`: how each site stands (3-2-1): copies, media kinds, off-site, each with its age; what is wrong."""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime
from typing import Any

from reporting.backup_set.rotation import on_turn, turn_ends
from reporting.backups import KnownSet, Standing, standing
from reporting.cli.backup_known import Sight, age, look, recorded, size
from reporting.cli.common import Refused, command_line, inventory_of, local, opened, today
from reporting.cli.main import EXIT_DEVIATIONS, EXIT_OK
from reporting.cli.tables import table
from reporting.text import harmless
from reporting.unit import Inventory

_HEADERS = ["site", "copies", "kinds", "off-site", "newest set", "read back", "proven", "next proof due"]
_PLACES = ["site", "copy on", "kind", "off-site", "set", "made", "read back", "counts"]


def add_arguments(_name: str, parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--site", metavar="SITE", help="only this site")


def run(options: argparse.Namespace) -> int:
    """Print how the sites stand; exit 2 when something is wrong."""
    inventory = inventory_of(options)
    if options.site is not None and options.site not in inventory.sites:
        raise Refused(f"unknown site {options.site!r}; hosts.yml has: {', '.join(inventory.sites)}")
    sight = look(inventory)
    with opened(inventory) as record:
        known = recorded(record)
    now = datetime.now(UTC)
    unit = inventory.unit
    found = [
        standing(site, known, unit.media, unit.backup, now) for site in inventory.sites if options.site in (None, site)
    ]
    extra = {s.site: _not_there(s.site, known, sight) for s in found}
    wrong = any(s.flags for s in found) or any(extra.values())
    if options.json:
        print(json.dumps([_data(s, extra[s.site]) for s in found], indent=2, ensure_ascii=False))
    else:
        _print(found, extra, sight, inventory, now)
    return EXIT_DEVIATIONS if wrong else EXIT_OK


def _not_there(site: str, known: list[KnownSet], sight: Sight) -> list[str]:
    """Sets that the record has on a medium that is in, and that are not on it."""
    there = {(f.site, f.name, f.medium) for f in sight.found}
    return [
        f"set {k.set} is on record and not on {k.medium} any more: somebody removed it by hand"
        for k in known
        if k.site == site and k.pruned_at is None and k.medium in sight.media and (k.site, k.set, k.medium) not in there
    ]


def _print(
    found: list[Standing], extra: dict[str, list[str]], sight: Sight, inventory: Inventory, now: datetime
) -> None:
    rules = inventory.unit.backup
    print(f"asked for: {rules.copies} copies (the site itself is one), {rules.media_kinds} kinds of media, "
          f"{rules.off_site} off-site, none older than {rules.fresh_days} days\n")  # fmt: skip
    print(table(_HEADERS, [_row(s, inventory, now) for s in found]) + "\n")
    rows = [_place(s, number, now) for s in found for number in range(len(s.places))]
    if rows:
        print(table(_PLACES, rows) + "\n")
    for s in found:
        for text in (*(f.text for f in s.flags), *extra[s.site]):
            print(f"! {s.site}: {harmless(text, 300)}")
    for line in _media_lines(sight, inventory, found):
        print(line)
    print(_next(found, inventory))


def _row(s: Standing, inventory: Inventory, now: datetime) -> list[object]:
    return [
        s.site,
        s.copies,
        s.kinds,
        s.off_site,
        age(s.last_set.made_at, now) if s.last_set else "none",
        age(s.verified_at, now),
        age(s.proven_at, now),
        local(s.drill_due, inventory)[:10] if s.drill_due else "now",
    ]


def _place(s: Standing, number: int, now: datetime) -> list[object]:
    p = s.places[number]
    return [s.site, p.where, p.kind, "yes" if p.off_site else "", p.set, age(p.made_at, now), age(p.verified_at, now),
            "yes" if p.counted else "too old"]  # fmt: skip


def _media_lines(sight: Sight, inventory: Inventory, found: list[Standing]) -> list[str]:
    """Whose turn it is, what is not in, and how many more rounds fit."""
    rules, day = inventory.unit.backup, today(inventory)
    lines = []
    turn = on_turn(rules.rotation, day, rules.turn)
    if turn is not None:
        state = "is plugged in" if turn in sight.media else "is NOT plugged in"
        lines.append(f"medium {turn} has its turn until {turn_ends(day, rules.turn)}: it {state}")
    for medium, why in sight.absent.items():
        lines.append(f"not plugged in: {medium}: {harmless(why, 200)}")
    for medium, report in sight.media.items():
        one_round = sum(
            max((f.stored_bytes for f in sight.found if f.medium == medium and f.site == s.site), default=0)
            for s in found
        )
        if one_round:
            more = report.free_bytes // one_round
            lines.append(f"medium {medium}: {size(report.free_bytes)} free, room for {more} more sets of each site")
    return lines


def _next(found: list[Standing], inventory: Inventory) -> str:
    codes = {flag.code: s.site for s in found for flag in s.flags}
    if "no_set" in codes or "damaged" in codes:
        return f"Next: {command_line(inventory, 'run', 'backup')}"
    if "verify_late" in codes:
        return f"Next: {command_line(inventory, 'backup', 'verify', '--all')}"
    for code in ("drill_failed", "never_proven", "drill_late"):
        if code in codes:
            return f"Next: {command_line(inventory, 'backup', 'drill', '--latest', '--site', codes[code])}"
    for code in ("few_copies", "few_kinds", "few_off_site"):
        last = next((s.last_set for s in found if s.site == codes.get(code) and s.last_set), None)
        if last is not None:
            words = ("backup", "export-iso", last.set, "--size", "dvd", "--to", "DIR", "--burn", "/dev/sr0")
            return f"Next: another copy, on discs for instance: {command_line(inventory, *words)}"
    return f"Nothing is wrong. Next: {command_line(inventory, 'due')}"


def _data(s: Standing, extra: list[str]) -> dict[str, Any]:
    def when(moment: datetime | None) -> str | None:
        return moment.isoformat() if moment else None

    return {
        "site": s.site,
        "copies": s.copies,
        "media_kinds": s.kinds,
        "off_site": s.off_site,
        "last_set": s.last_set.set if s.last_set else None,
        "made_at": when(s.last_set.made_at if s.last_set else None),
        "verified_at": when(s.verified_at),
        "verify_due": when(s.verify_due),
        "proven_at": when(s.proven_at),
        "drill_due": when(s.drill_due),
        "places": [
            {
                "where": p.where,
                "kind": p.kind,
                "off_site": p.off_site,
                "set": p.set,
                "made_at": when(p.made_at),
                "verified_at": when(p.verified_at),
                "counted": p.counted,
            }
            for p in s.places
        ],
        "flags": [{"code": f.code, "text": f.text} for f in s.flags]
        + [{"code": "not_there", "text": text} for text in extra],
    }
