"""The unit's backup media: list them as they are now, or prepare a new one (write its label file).

example:
  laman -i inventory/kantor medium list
  laman -i inventory/kantor medium prepare disk-a
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from reporting.backup_set.medium import IDENTITY, MediumReport, Needs, identify, probe
from reporting.cli.common import Refused, inventory_of
from reporting.cli.main import EXIT_CANNOT, EXIT_OK
from reporting.cli.media import reports, spec_of
from reporting.cli.tables import table
from reporting.files import write_whole
from reporting.unit import Inventory

_SHOWN = ("id", "ok", "reason", "path", "kind", "uuid", "label", "total_bytes", "free_bytes")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("action", choices=["list", "prepare"], help="what to do")
    parser.add_argument("medium", nargs="?", help="id of the medium to prepare (laman_unit.media)")
    parser.add_argument("--json", action="store_true", help="print the list as JSON")


def run(options: argparse.Namespace) -> int:
    """List or prepare; returns the exit code."""
    inventory = inventory_of(options)
    if options.action == "prepare":
        return _prepare(inventory, options.medium)
    found = reports(inventory)
    if options.json:
        print(json.dumps([{k: getattr(r, k) for k in _SHOWN} for r in found], indent=2, ensure_ascii=False))
    elif found:
        print(table(["medium", "ready", "what was seen"], [_row(r) for r in found], limit=160))
    else:
        print("laman_unit.media names no medium: backups have nowhere to go")
    return EXIT_OK if found and all(r.ok for r in found) else EXIT_CANNOT


def _row(report: MediumReport) -> list[str]:
    return [report.id, "yes" if report.ok else "no", report.reason]


def _prepare(inventory: Inventory, wanted: str | None) -> int:
    """Write the label file, but only where the medium itself is in place: never into the folder under it."""
    medium = next((m for m in inventory.unit.media if m.id == wanted), None)
    if medium is None:
        known = ", ".join(m.id for m in inventory.unit.media) or "none"
        raise Refused(f"medium {wanted!r} is not in laman_unit.media; there is: {known}")
    spec = spec_of(inventory, medium)
    label = Path(spec.path) / IDENTITY
    if medium.declared_folder:
        Path(spec.path).mkdir(parents=True, exist_ok=True)
    identify(spec)  # raises when nothing is mounted there, or another filesystem than the settings say
    if not label.exists():
        write_whole(label, json.dumps({"id": medium.id}).encode() + b"\n", mode=0o644)
    report = probe(spec, Needs(minimum_bytes=0))
    print(report.reason)
    return EXIT_OK if report.ok else EXIT_CANNOT
