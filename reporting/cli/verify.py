"""Recompute the ledger's chain and read every evidence file again. Anyone can do it, years later, on a copy too.

With FILE: tell which paper it is (`laman paper`): byte for byte the one that was issued, an altered copy, or unknown.
With --head: the number and hash that a signed workbook prints are compared too; they anchor everything before them.

Exit code 0: everything is as it was recorded, or the file is the issued paper. 1: something is not, and it is named.
Nothing is written.

example:
  laman -i inventory/kantor verify
  laman -i inventory/kantor verify --head 1234:9f86d081884c7d65…
  laman -i inventory/kantor verify kuitansi.pdf
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path

from reporting.cli.common import Refused, inventory_of, local
from reporting.cli.main import EXIT_CANNOT, EXIT_OK
from reporting.events import KIND_FINISHED, KIND_PAPER, KIND_REPORT, KIND_STARTED, PaperIssued, ReportIssued
from reporting.ledger import Archive, Event, Head, Ledger, LedgerError, Problem, open_ledger
from reporting.text import harmless
from reporting.unit import Inventory

_MOST_BYTES = 64 << 20  # a scan of many pages; more is no paper of ours
_SHOWN = 20


@dataclass
class _Answer:
    head: Head
    files: int = 0
    problems: list[Problem] = field(default_factory=list)
    unlisted: list[Path] = field(default_factory=list)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("paper", nargs="?", metavar="FILE", help="a paper: is it the one that was issued?")
    parser.add_argument("--head", metavar="SEQ:HASH", help="the ledger's head as a signed workbook prints it")
    parser.add_argument("--json", action="store_true", help="print it as JSON")


def run(options: argparse.Namespace) -> int:
    """Verify all; returns the exit code."""
    inventory = inventory_of(options)
    anchors = [_anchor(options.head)] if options.head else []
    ledger = open_ledger(inventory.unit.ledger, inventory.state_dir, inventory.unit.id, read_only=True)
    try:
        if options.paper is not None:
            return _paper(options, inventory, ledger)
        answer = _verified(ledger, inventory, anchors)
    finally:
        ledger.close()
    _print(options, answer)
    return EXIT_CANNOT if answer.problems else EXIT_OK


def _anchor(text: str) -> Head:
    seq, _, digest = text.partition(":")
    if not seq.isdigit() or not digest:
        raise Refused(f"--head {text!r}: the number and the hash of a workbook are expected, e.g. 1234:9f86d081…")
    return Head(int(seq), digest.strip().rstrip("…").lower())


def _verified(ledger: Ledger, inventory: Inventory, anchors: list[Head]) -> _Answer:
    answer = _Answer(ledger.head(), problems=ledger.verify())
    if answer.problems:
        return answer
    events = list(ledger.events())
    archive = Archive(inventory.state_dir / "archive")
    answer.files, answer.problems = archive.verify(events)
    issued = [ReportIssued.model_validate(e.data) for e in events if e.kind == KIND_REPORT]
    answer.problems += _anchor_problems(events, [*anchors, *(Head(i.head_seq, i.head_hash) for i in issued)])
    ended = {e.data["execution"] for e in events if e.kind == KIND_FINISHED}
    running = {e.data["execution"] for e in events if e.kind == KIND_STARTED} - ended
    answer.unlisted = archive.unlisted(events, running)
    return answer


def _anchor_problems(events: list[Event], anchors: list[Head]) -> list[Problem]:
    """Heads that were printed once and that the chain no longer goes through."""
    hashes = {event.seq: event.hash for event in events}
    return [
        Problem(f"head {anchor.seq} {anchor.hash[:16]}…", "was printed once, but the ledger does not go through it")
        for anchor in anchors
        if anchor.seq and not hashes.get(anchor.seq, "").startswith(anchor.hash)
    ]


def _print(options: argparse.Namespace, answer: _Answer) -> None:
    if options.json:
        said = [{"where": p.where, "what": p.what} for p in answer.problems]
        whole = {"events": answer.head.seq, "head": answer.head.hash, "evidence_files": answer.files, "problems": said}
        print(json.dumps({**whole, "unlisted": [str(p) for p in answer.unlisted]}, indent=2))
        return
    for problem in answer.problems:
        print(f"{problem.where}: {problem.what}", file=sys.stderr)
    if answer.problems:
        print(
            f"laman: {len(answer.problems)} problem(s) in the record; keep it as it is and compare with a backup of it"
        )
    else:
        seq, digest = answer.head.seq, answer.head.hash
        print(f"{seq} events and {answer.files} evidence files are as they were recorded; head {seq}:{digest}")
    for path in answer.unlisted[:_SHOWN]:
        print(f"in the archive, but named by no event: {harmless(path, 300)}")
    if answer.unlisted:
        print(f"{len(answer.unlisted)} such file(s): left by an interrupted command, or their events were taken away;")
        print("compare the head that the last signed workbook prints: laman verify --head SEQ:HASH")


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
