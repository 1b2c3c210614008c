"""Recompute the ledger's chain and read every evidence file again. Anyone can do it, years later.

With FILE: tell which paper it is (`laman paper`): byte for byte the one that was issued, an altered copy, or unknown.

Exit code 0: everything is as it was recorded, or the file is the issued paper. 1: something is not, and it is named.

example:
  laman -i inventory/kantor verify
  laman -i inventory/kantor verify kuitansi.pdf
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from reporting.cli.common import Refused, inventory_of, local
from reporting.cli.main import EXIT_CANNOT, EXIT_OK
from reporting.events import KIND_PAPER, PaperIssued
from reporting.ledger import Archive, Ledger, LedgerError, Problem, open_ledger
from reporting.text import harmless
from reporting.unit import Inventory

_MOST_BYTES = 64 << 20  # a scan of many pages; more is no paper of ours


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("paper", nargs="?", metavar="FILE", help="a paper: is it the one that was issued?")
    parser.add_argument("--json", action="store_true", help="print it as JSON")


def run(options: argparse.Namespace) -> int:
    """Verify all; returns the exit code."""
    inventory = inventory_of(options)
    file = inventory.state_dir / "ledger.sqlite"
    if inventory.unit.ledger is None and not file.is_file():
        raise LedgerError(f"{file}: there is no record yet; the first one is made by: laman run all")
    ledger = open_ledger(inventory.unit.ledger, inventory.state_dir, inventory.unit.id)
    try:
        if options.paper is not None:
            return _paper(options, inventory, ledger)
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


def _paper(options: argparse.Namespace, inventory: Inventory, ledger: Ledger) -> int:
    """Tell what one file is. The chain is recomputed first: what it says of a paper counts only while it is whole."""
    from reporting.forms.identify import Identified, identified

    file = Path(options.paper)
    if not file.is_file():
        raise Refused(f"{harmless(options.paper, 200)}: no such file")
    if file.stat().st_size > _MOST_BYTES:
        raise Refused(f"{harmless(options.paper, 200)}: more than {_MOST_BYTES >> 20} MB: no paper that laman printed")
    if problems := ledger.verify():
        raise LedgerError(f"{problems[0].where}: {problems[0].what}; the record cannot vouch for a paper")
    papers = [PaperIssued.model_validate(e.data) for e in ledger.events([KIND_PAPER])]
    found: Identified = identified(file.read_bytes(), papers)
    if options.json:
        said = {
            "file": str(file), "state": found.state, "carries": found.mark,
            "paper": found.paper.json_value() if found.paper else None,
        }  # fmt: skip
        print(json.dumps(said, indent=2, ensure_ascii=False))
    else:
        print(f"{harmless(str(file), 200)}: {_sentence(found.state, found.mark, found.paper, inventory)}")
        if found.state == "altered" and found.paper is not None and not found.same_data:
            print("the hash of the data that it carries is another one too: it was made of other data")
    return EXIT_OK if found.state == "issued" else EXIT_CANNOT


def _sentence(state: str, mark: str | None, paper: PaperIssued | None, inventory: Inventory) -> str:
    if state == "unknown":
        return "unknown: not a file that was issued, and it carries no mark of a paper (a scan carries none)"
    if paper is None:
        return f"unknown: carries the id of {mark}, which this unit never issued"
    which = f"{paper.paper} ({paper.kind} {paper.number}, {paper.case}, issued {local(paper.issued_at, inventory)})"
    if state == "issued":
        return f"the file that was issued: {which}"
    return f"carries the id of {which}, but is not the file that was issued: an edited or converted copy"
