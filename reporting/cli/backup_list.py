"""`backup list` and `backup show`: the sets on the media that are in, and one of them with all that is known of it."""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime
from typing import Any

from reporting.backup_set.catalog import Found
from reporting.backups import KnownSet
from reporting.cli.backup_known import (
    Sight,
    age,
    chosen,
    look,
    of_record,
    place_arguments,
    recorded,
    set_argument,
    size,
)
from reporting.cli.common import command_line, inventory_of, local, opened
from reporting.cli.main import EXIT_CANNOT, EXIT_OK
from reporting.cli.tables import table
from reporting.text import harmless
from reporting.unit import Inventory

_HEADERS = ["site", "set", "medium", "made", "size", "state", "verified", "proven"]


def add_arguments(name: str, parser: argparse.ArgumentParser) -> None:
    """The options of one action."""
    if name == "show":
        set_argument(parser)
    place_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """List sets, or show one; returns the exit code."""
    inventory = inventory_of(options)
    sight = look(inventory, options.medium, options.site)
    with opened(inventory) as record:
        known = recorded(record)
    if options.action == "show":
        found = chosen(sight, options.set)
        return _show(found, of_record(known, found), inventory, options.json)
    return _list(sight, known, inventory, options.json)


def _list(sight: Sight, known: list[KnownSet], inventory: Inventory, as_json: bool) -> int:
    if as_json:
        content = {"sets": [as_data(s, of_record(known, s)) for s in sight.found], "absent": sight.absent}
        print(json.dumps(content, indent=2, ensure_ascii=False))
    else:
        if sight.found:
            print(table(_HEADERS, [_row(s, of_record(known, s), inventory) for s in sight.found]))
        for medium, why in sight.absent.items():
            print(f"not plugged in: {medium}: {harmless(why, 300)}")
        print(_next_of_list(sight, inventory))
    return EXIT_OK if sight.media else EXIT_CANNOT


def _next_of_list(sight: Sight, inventory: Inventory) -> str:
    if not sight.media:
        return f"No medium is at hand. Next: plug one in, then {command_line(inventory, 'medium', 'list')}"
    if not sight.found:
        return f"No set yet. Next: {command_line(inventory, 'run', 'backup')}"
    return f"Next: {command_line(inventory, 'backup', 'status')}"


def _row(found: Found, known: KnownSet | None, inventory: Inventory) -> list[object]:
    now = datetime.now(UTC)
    return [
        found.site,
        found.name,
        found.medium,
        local(found.at, inventory),
        size(found.stored_bytes) if found.manifest else "",
        _state(found, known),
        age(known.verified_at if known else None, now) if found.manifest else "",
        age(known.proven_at if known else None, now) if found.manifest else "",
    ]


def _state(found: Found, known: KnownSet | None) -> str:
    if found.state == "whole" and known is None:
        return "whole, not on record"
    if found.state == "whole" and known is not None and known.checks and not known.checks[-1][1]:
        return "damaged"
    return found.state


def as_data(found: Found, known: KnownSet | None) -> dict[str, Any]:
    """One set as `--json` prints it."""
    return {
        "site": found.site,
        "set": found.name,
        "medium": found.medium,
        "path": found.path,
        "at": found.at.isoformat(),
        "state": _state(found, known),
        "problem": found.problem,
        "stored_bytes": found.stored_bytes,
        "source_bytes": found.manifest.source_bytes if found.manifest else 0,
        "execution": found.manifest.execution if found.manifest else None,
        "verified_at": known.verified_at.isoformat() if known and known.verified_at else None,
        "proven_at": known.proven_at.isoformat() if known and known.proven_at else None,
        "copies": [c.model_dump(mode="json") for c in known.copies] if known else [],
    }


def _show(found: Found, known: KnownSet | None, inventory: Inventory, as_json: bool) -> int:
    manifest = found.manifest
    if as_json:
        data = as_data(found, known)
        data["problems"] = list(manifest.problems) if manifest else [found.problem]
        data["parts"] = [p.model_dump(mode="json", exclude={"frames"}) for p in manifest.parts] if manifest else []
        print(json.dumps(data, indent=2, ensure_ascii=False))
        return EXIT_OK
    print(f"set      {found.name} of {found.site}\nmedium   {found.medium}, {found.folder}")
    print(f"state    {_state(found, known)}" + (f": {harmless(found.problem, 300)}" if found.problem else ""))
    if manifest is not None:
        took = (manifest.finished_at - manifest.started_at).total_seconds()
        print(f"made     {local(manifest.started_at, inventory)}, {took:.0f} s, execution {manifest.execution}")
        print(f"size     {size(manifest.stored_bytes)} stored, {size(manifest.source_bytes)} of the site\n")
        rows = [[p.name, p.kind, p.source, size(p.source_bytes), size(p.stored_bytes), p.file] for p in manifest.parts]
        print(table(["part", "kind", "source", "bytes", "stored", "file"], rows) + "\n")
        for problem in manifest.problems:
            print(f"problem  {harmless(problem, 300)}")
    _history(known, inventory)
    print(f"Next: {command_line(inventory, 'backup', 'verify', found.name)}")
    return EXIT_OK


def _history(known: KnownSet | None, inventory: Inventory) -> None:
    if known is None:
        print("record   nothing is known of it here: it was made by another record, or without one")
        return
    for at, ok in known.checks:
        print(f"checked  {local(at, inventory)}: {'whole' if ok else 'DAMAGED'}")
    for at, ok in known.drills:
        print(f"drilled  {local(at, inventory)}: {'restored and equal' if ok else 'FAILED'}")
    for copy in known.copies:
        what = "burnt" if copy.burnt else "images only"
        volumes = ", ".join(disc.volume for disc in copy.discs)
        print(f"copied   {local(copy.at, inventory)}: {what}: {volumes} {harmless(copy.place, 200)}".rstrip())
