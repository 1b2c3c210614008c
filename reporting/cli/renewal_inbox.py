"""What waits for an officer who uses no terminal: exported as a workbook, taken back with the decisions in it."""

from __future__ import annotations

import argparse
import contextlib
import json
import secrets
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, get_args

from reporting.attachments import AttachmentError, attached
from reporting.cli.archiving import Made
from reporting.cli.common import Refused, command_line, inventory_of, local, opened
from reporting.cli.main import EXIT_CANNOT, EXIT_DEVIATIONS, EXIT_OK
from reporting.cli.renewal_known import More, known_of, printed, renewal_lock, token, write_step
from reporting.cli.renewal_view import clock_of, judged, waits_for
from reporting.cli.tables import table
from reporting.files import replace_whole, write_whole
from reporting.money import rupiah, written
from reporting.renewal.commands import Asked, Known, permit
from reporting.renewal.commands import Refused as StepRefused
from reporting.renewal.inbox import Answer, InboxError, decided_at, decision_of, name_of, services_text
from reporting.renewal.inbox_book import Cover, InboxRow, read_inbox, write_inbox
from reporting.renewal.model import Case
from reporting.renewal.prices import crosses_budget_year, rises
from reporting.renewal.timing import OpenStep
from reporting.renewal.words import rise_remark, say
from reporting.runner.model import Record
from reporting.text import harmless
from reporting.unit import Role

_ROLES: tuple[str, ...] = get_args(Role)
_DECIDED = ("approve", "pay")  # the steps that an officer decides without a terminal


def add_arguments(_name: str, parser: argparse.ArgumentParser) -> None:
    """The options of inbox."""
    parser.add_argument("--for", dest="role", choices=_ROLES, help="what waits for that role (default: for anyone)")
    parser.add_argument("--export", metavar="FILE.xlsx", help="write it as a workbook to fill in (needs --for)")
    parser.add_argument("--import", dest="returned", metavar="FILE.xlsx", help="take a filled-in workbook back")
    parser.add_argument("--send", action="store_true", help="mail that workbook to who holds the role (needs --for)")
    parser.add_argument("--again", action="store_true", help="with --send: even when nothing changed since the last")
    parser.add_argument(
        "--attach", action="append", default=[], metavar="CASE=FILE", help="the signed sheet or proof of a case"
    )


def run(options: argparse.Namespace) -> int:
    """List, export or import; returns the exit code."""
    inventory = inventory_of(options)
    if sum(map(bool, (options.export, options.returned, options.send))) > 1:
        raise Refused("--export, --send and --import are different things: do one after the other")
    if options.again and not options.send:
        raise Refused("--again goes with --send: mail the inbox although nothing changed since the last")
    if options.attach and not options.returned:
        raise Refused("--attach goes with --import: the signed sheet or proof of a case in the workbook")
    with opened(inventory) as record:
        if options.export:
            return _export(options, record)
        if options.returned:
            return _import(options, record)
        if options.send:
            from reporting.cli.renewal_mail import send

            return send(options, record)
        return _list(options, record)


def _waiting(known: Known, role: str | None) -> list[tuple[Case, OpenStep]]:
    found = [(case, step) for case in known.cases.values() if (step := waits_for(known, case)) is not None]
    return [(case, step) for case, step in found if role in (None, step.role)]


def _list(options: argparse.Namespace, record: Record) -> int:
    known = known_of(record)
    waiting = _waiting(known, options.role)
    if options.json:
        print(json.dumps([_json(case, step) for case, step in waiting], indent=2, ensure_ascii=False))
    elif not waiting:
        print("Nothing waits.")
    else:
        rows = [
            [c.id, s.name, s.role, written(c.outstanding), f"{s.minutes:.0f} / {s.standard_minutes}",
             local(s.due_at, record.inventory)] for c, s in waiting
        ]  # fmt: skip
        print(table(["case", "waits for", "by", "left to pay", "minutes", "until"], rows))
        print(f"\nnext: {command_line(record.inventory, 'renewal', 'inbox')} --for ROLE --export FILE.xlsx")
    return EXIT_OK


def _json(case: Case, step: OpenStep) -> dict[str, Any]:
    return {
        "case": case.id,
        "step": step.name,
        "role": step.role,
        "outstanding": case.outstanding,
        "minutes": step.minutes,
        "standard_minutes": step.standard_minutes,
        "due_at": step.due_at.isoformat(),
    }


def _export(options: argparse.Namespace, record: Record) -> int:
    if options.role is None:
        raise Refused(f"--export needs --for ROLE: {', '.join(_ROLES)}")
    target = Path(options.export)
    if target.suffix.lower() != ".xlsx":
        raise Refused(f"--export {harmless(str(target), 100)}: a name that ends in .xlsx is expected")
    if not target.resolve().parent.is_dir():
        raise Refused(f"--export {target}: the folder {target.resolve().parent} does not exist")
    content, count = inbox_workbook(record, options.role)
    replace_whole(target.resolve(), content, mode=0o640)
    if options.json:
        print(json.dumps({"file": str(target.resolve()), "cases": count}))
    else:
        print(f"{target.resolve()}\n{count} case(s) for {options.role}")
        print(f"next: laman renewal inbox --import {target.name} --attach CASE=FILE …   when it comes back")
    return EXIT_OK


def inbox_workbook(record: Record, role: str) -> tuple[bytes, int]:
    """The workbook of what waits for a role, and how many cases are in it."""
    content, rows = inbox_of(record, role)
    return content, len(rows)


def inbox_of(record: Record, role: str) -> tuple[bytes, list[InboxRow]]:
    """The workbook of what waits for a role, and the cases in it. What sends it by e-mail starts here."""
    known = known_of(record)
    unit, now = known.unit, known.now
    day = now.astimezone(unit.tz).date()
    officer = unit.officer_for(role, day)
    head = record.ledger.head()
    cover = Cover(
        unit=unit.name,
        unit_id=unit.id,
        role=role,
        role_name=known.standard(day).actor(role, unit.language),
        officer=officer.name if officer else "",
        exported_at=now,
        exported_text=local(now, record.inventory),
        head=head,
        lang=unit.language,
    )
    rows = [_row(known, record, case, step) for case, step in _waiting(known, role) if step.name in _DECIDED]
    return write_inbox(cover, rows, _key(record)), rows


def _row(known: Known, record: Record, case: Case, step: OpenStep) -> InboxRow:
    submitted = case.last("submit")
    services = [known.services[n.service] for n in case.lines if n.service in known.services]
    lang = known.unit.language
    remarks = [rise_remark(r, lang) for r in rises(case, known.cases.values(), known.services)]
    if crosses_budget_year(case):
        remarks.append(say(lang, "crosses"))
    return InboxRow(
        case=case.id,
        seq=case.seq,
        step=step.name,
        provider=services[0].provider.name if services else "",
        invoice=f"{case.invoice.number} ({case.invoice.issued})",
        services=services_text(case, known.unit.language),
        budget_line=", ".join(sorted({s.budget_line for s in services if s.budget_line})),
        total=case.invoice.total,
        outstanding=case.outstanding,
        submitted_by=submitted.executor.name if submitted else "",
        since=local(step.input_at, record.inventory),
        until=local(step.due_at, record.inventory),
        remark="; ".join(remarks),
    )


def _key(record: Record) -> bytes:
    """The unit's secret for its seals, made when it is first needed; nobody else may read it."""
    path = record.inventory.state_dir / "secrets" / "inbox.key"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):  # made before, or by another laman in this very moment
        if not path.exists():
            write_whole(path, secrets.token_bytes(32), mode=0o600)
    key = path.read_bytes()
    if len(key) != 32:
        raise Refused(f"{path}: 32 bytes are expected; remove it (workbooks exported so far become void)")
    return key


@dataclass(frozen=True)
class _Outcome:
    """What became of one row."""

    case: str
    row: int
    done: bool
    text: str
    verdict: str = ""


def _import(options: argparse.Namespace, record: Record) -> int:
    source = Path(options.returned)
    files = _attachments(options.attach)
    try:
        content = source.read_bytes()
        _, answers = read_inbox(content, _key(record), record.inventory.unit.id)
    except InboxError as error:
        raise Refused(f"{harmless(str(source), 100)}: {error}; nothing was recorded") from None
    unknown = sorted(set(files) - {a.case for a in answers})
    if unknown:
        raise Refused(f"--attach {harmless(unknown[0], 40)}=…: the workbook has no such case; nothing was recorded")
    outcomes = list(_take_back(record, answers, files, content))
    _say_outcomes(options, outcomes)
    if not any(o.done for o in outcomes):
        return EXIT_CANNOT if outcomes else EXIT_OK
    clean = all(o.done and o.verdict != "menyimpang" for o in outcomes)
    return EXIT_OK if clean else EXIT_DEVIATIONS


def _attachments(named: list[str]) -> dict[str, list[Path]]:
    files: dict[str, list[Path]] = {}
    for text in named:
        case, equals, name = text.partition("=")
        if not equals or not name:
            raise Refused(f"--attach {harmless(text, 100)!r}: CASE=FILE is expected, like P-2026-001=scan.pdf")
        files.setdefault(case.strip().upper(), []).append(Path(name))
    return files


def _take_back(
    record: Record, answers: list[Answer], files: dict[str, list[Path]], content: bytes
) -> Iterator[_Outcome]:
    """Each row on its own: recorded whole, or not at all and told why."""
    for answer in answers:
        if answer.empty:
            if answer.case in files:
                yield _Outcome(answer.case, answer.row, False, "a file was attached, but nothing is decided")
            continue
        try:
            yield _decide(record, answer, files.get(answer.case, []), content)
        except (InboxError, StepRefused, AttachmentError, Refused) as error:
            yield _Outcome(answer.case, answer.row, False, str(error))


def _decide(record: Record, answer: Answer, files: list[Path], content: bytes) -> _Outcome:
    decision = decision_of(answer)
    name = name_of(answer)
    if not files:
        what = "proof of payment" if decision == "pay" else "scan of the signed sheet"
        raise InboxError(f"the {what} is missing: --attach {answer.case}=FILE")
    with renewal_lock(record):
        known = known_of(record, answer.case)
        rule = known.states.steps[decision]
        papers = printed(record)
        role = rule.attach[0]
        found = [attached(path, role, papers) for path in files]
        dated = [attached(path, "paper", papers) for path in files[:1]]  # the signed sheet is the dated paper
        at = decided_at(answer.when, clock_of(known), known.now)
        asked = Asked(
            step=decision,
            case=answer.case,
            executor=name,
            at=at,
            note=str(answer.note or "").strip(),
            amount=_amount(answer, decision),
            files=(*found, *dated),
            token=token(),
            seen_seq=answer.seq,
        )
        permitted = permit(known, asked)
        workbook = Made("inbox_workbook", "inbox.xlsx", content)
        execution = write_step(record, known, permitted, More([workbook]))
    case = known_of(record, answer.case).cases[answer.case]
    verdict = judged(record, case, execution)
    when = _local(record, permitted.done_at)
    text = f"{known.states.states[case.state].en} by {permitted.executor.name} on {when}"
    return _Outcome(answer.case, answer.row, True, text, verdict.verdict.status if verdict else "")


def _amount(answer: Answer, decision: str) -> int | None:
    if decision != "pay" or answer.amount is None:
        return None
    try:
        return rupiah(answer.amount)
    except ValueError as error:
        raise InboxError(f"the amount paid: {harmless(str(error), 200)}") from None


def _local(record: Record, moment: datetime) -> str:
    return local(moment, record.inventory)


def _say_outcomes(options: argparse.Namespace, outcomes: list[_Outcome]) -> None:
    if options.json:
        said = [
            {"case": o.case, "row": o.row, "recorded": o.done, "text": o.text, "verdict": o.verdict} for o in outcomes
        ]
        print(json.dumps(said, indent=2, ensure_ascii=False))
        return
    for outcome in outcomes:
        stream = sys.stdout if outcome.done else sys.stderr
        word = "recorded" if outcome.done else "NOT recorded"
        verdict = f", {outcome.verdict}" if outcome.verdict else ""
        print(f"{outcome.case} (row {outcome.row}): {word}: {outcome.text}{verdict}", file=stream)
    done = sum(o.done for o in outcomes)
    print(f"{done} of {len(outcomes)} decision(s) recorded" if outcomes else "No decision is filled in.")
