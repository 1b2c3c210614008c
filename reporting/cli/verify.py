"""Recompute the ledger's chain and read every evidence file again. Anyone can do it, years later.

Exit code 0: everything is as it was recorded. 1: something is not, and it is named.

example:
  laman -i inventory/kantor verify
"""

from __future__ import annotations

import argparse
import json
import sys

from reporting.cli.common import inventory_of
from reporting.cli.main import EXIT_CANNOT, EXIT_OK
from reporting.ledger import Archive, LedgerError, Problem, open_ledger


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--json", action="store_true", help="print it as JSON")


def run(options: argparse.Namespace) -> int:
    """Verify all; returns the exit code."""
    inventory = inventory_of(options)
    file = inventory.state_dir / "ledger.sqlite"
    if inventory.unit.ledger is None and not file.is_file():
        raise LedgerError(f"{file}: there is no record yet; the first one is made by: laman run all")
    ledger = open_ledger(inventory.unit.ledger, inventory.state_dir, inventory.unit.id)
    try:
        problems = ledger.verify()
        head = ledger.head()
        files = 0
        if not problems:
            events = list(ledger.events())
            files, found = Archive(inventory.state_dir / "archive").verify(events)
            problems = found
    finally:
        ledger.close()
    _print(options, problems, head.seq, head.hash, files)
    return EXIT_CANNOT if problems else EXIT_OK


def _print(options: argparse.Namespace, problems: list[Problem], seq: int, digest: str, files: int) -> None:
    if options.json:
        said = [{"where": p.where, "what": p.what} for p in problems]
        print(json.dumps({"events": seq, "head": digest, "evidence_files": files, "problems": said}, indent=2))
        return
    for problem in problems:
        print(f"{problem.where}: {problem.what}", file=sys.stderr)
    if problems:
        print(f"laman: {len(problems)} problem(s) in the record; keep it as it is and compare with a backup of it")
    else:
        print(f"{seq} events and {files} evidence files are as they were recorded; head {seq} {digest}")
