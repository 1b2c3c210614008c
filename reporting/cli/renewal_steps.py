"""The steps that people take on a case: take, submit, approve, reject, return, pay, cancel."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import get_args

from reporting.attachments import Attached, attached
from reporting.cli.common import Refused, instant, inventory_of, opened
from reporting.cli.main import EXIT_DEVIATIONS, EXIT_OK
from reporting.cli.renewal_known import More, append, known_of, looked_at, renewal_lock, token, write_step
from reporting.cli.renewal_sheet import SHEET, print_sheet
from reporting.cli.renewal_view import case_json, judged, print_step
from reporting.money import rupiah
from reporting.renewal.commands import Asked, permit, take, take_invoice
from reporting.renewal.model import Proof, StepName
from reporting.renewal.states import load_states
from reporting.renewal.submit import AskedLine, Bill, submit
from reporting.runner.model import Record
from reporting.text import harmless

_SHEET = {
    "submit": "the payment submission sheet (default: laman prints it)",
    "approve": "the approved sheet, signed and scanned",
    "reject": "the sheet with the signed decision",
    "return": "the sheet with the signed decision",
}


def add_arguments(name: str, parser: argparse.ArgumentParser) -> None:
    """The options of one step."""
    parser.add_argument("--executor", "--as", dest="executor", metavar="NAME", help="who does it (default: by role)")
    if name == "take":
        parser.add_argument("case", nargs="?", help="the case whose next step is begun")
        parser.add_argument("--invoice", metavar="FILE", help="an invoice that is not submitted yet")
        return
    add_step_arguments(parser)
    if name == "submit":
        add_bill(parser)
    else:
        parser.add_argument("case", help="id of the case, e.g. P-2026-001")
    if name in _SHEET:
        parser.add_argument("--sheet", action="append", metavar="FILE", help=_SHEET[name])
    if name == "pay":
        parser.add_argument("--proof", action="append", metavar="FILE", help="the proof of payment, from outside")
        parser.add_argument("--amount", metavar="RP", help="what was paid (default: all that is left)")


def add_step_arguments(parser: argparse.ArgumentParser) -> None:
    """What every step takes."""
    parser.add_argument("--note", default="", help="what has to be said about it")
    parser.add_argument("--at", metavar="TIME", help="done on paper then (with --paper)")
    parser.add_argument("--paper", action="append", metavar="FILE", help="the dated paper of a step done earlier")
    parser.add_argument("--taken", metavar="TIME", help="when work on it began (with --paper)")


def add_bill(parser: argparse._ActionsContainer) -> None:
    """What the invoice says."""
    parser.add_argument("--case", help="a case that was returned: submit it again")
    parser.add_argument("--number", help="the invoice's number")
    parser.add_argument("--issued", metavar="DATE", help="the invoice's date")
    parser.add_argument("--received", metavar="TIME", help="when it arrived: the clock of activity 4 runs from then")
    parser.add_argument("--due", metavar="DATE", help="by when it asks to be paid")
    parser.add_argument("--amount", metavar="RP", help="before tax (default: the sum of the services)")
    parser.add_argument("--tax", metavar="RP", help="PPN on the invoice (default: 0)")
    parser.add_argument(
        "--service", action="append", metavar="ID[=RP][@DATE]", help="what it is for, its part, paid until; repeat it"
    )
    parser.add_argument("--invoice", action="append", metavar="FILE", help="the provider's invoice")


def run(options: argparse.Namespace) -> int:
    """Take the step; returns the exit code."""
    inventory = inventory_of(options)
    with opened(inventory) as record:
        if options.action == "take":
            return _take(options, record)
        asked = asked_of(options, record)
        if options.action == "submit":
            return _submit(options, record, asked)
        return do_step(options, record, asked)


def asked_of(options: argparse.Namespace, record: Record, proofs: tuple[Proof, ...] = ()) -> Asked:
    """The step as the command line asks for it; its files are looked at here.

    Raises:
        Refused, AttachmentError: a date, an amount or a file that cannot be used.
    """
    step: StepName = next(n for n in get_args(StepName) if n == options.action)
    rule = load_states().steps[step]
    sheet = next((r for r in rule.attach if r.endswith("_sheet")), None)
    files: list[Attached] = looked_at(options, record, sheet, own_sheet=rule.own_paper)
    pays = step == "pay" and options.amount is not None
    return Asked(
        step=step,
        case=options.case,
        executor=options.executor,
        at=instant(options.at, record.inventory, "--at") if options.at else None,
        taken_at=instant(options.taken, record.inventory, "--taken") if options.taken else None,
        note=options.note,
        amount=_money(options.amount, "--amount") if pays else None,
        files=tuple(files),
        token=token(),
        proofs=proofs,
    )


def do_step(options: argparse.Namespace, record: Record, asked: Asked) -> int:
    """Take a step on a case that is there."""
    with renewal_lock(record):
        known = known_of(record, asked.case)
        permitted = permit(known, asked)
        execution = write_step(record, known, permitted)
    return _said(options, record, permitted.case.id, execution)


def _submit(options: argparse.Namespace, record: Record, asked: Asked) -> int:
    bill = bill_of(options, record)
    if asked.at is None and not options.sheet:
        asked = replace(asked, promised=frozenset({SHEET}))
    with renewal_lock(record):
        known = known_of(record, asked.case)
        permitted, case_opened = submit(known, asked, bill)
        sheet = print_sheet(record, known, permitted) if asked.promised else None
        more = More(opened=case_opened)
        if sheet is not None:
            more = More(sheet.made, case_opened, partial(sheet.draft, known, permitted))
        execution = write_step(record, known, permitted, more)
    return _said(options, record, permitted.case.id, execution)


def _take(options: argparse.Namespace, record: Record) -> int:
    if (options.case is None) == (options.invoice is None):
        raise Refused("take: name a case, or --invoice FILE for an invoice that is not submitted yet")
    with renewal_lock(record):
        known = known_of(record, options.case)
        if options.invoice is not None:
            draft = take_invoice(known, attached(Path(options.invoice), "invoice"), options.executor)
            what = "its submission"
        else:
            draft, case, step = take(known, options.case, options.executor)
            what = f"{step} of {case.id}"
        append(record, [draft])
    taken = draft.data
    if options.json:
        print(json.dumps(taken, indent=2, ensure_ascii=False))
    else:
        print(f"{taken['executor']['name']} has begun: {what}")
    return EXIT_OK


def _said(options: argparse.Namespace, record: Record, case_id: str, execution: str | None) -> int:
    known = known_of(record, case_id)
    case = known.cases[case_id]
    found = judged(record, case, execution)
    if options.json:
        print(json.dumps(case_json(known, case, [found] if found else []), indent=2, ensure_ascii=False))
    else:
        print_step(record, known, case, found)
    return EXIT_DEVIATIONS if found is not None and found.verdict.status == "menyimpang" else EXIT_OK


def bill_of(options: argparse.Namespace, record: Record) -> Bill:
    """The invoice as it was typed; Refused for an amount or a date that is none."""
    return Bill(
        number=options.number,
        issued=_day(options.issued, "--issued"),
        received=instant(options.received, record.inventory, "--received") if options.received else None,
        due=_day(options.due, "--due"),
        amount=_money(options.amount, "--amount"),
        tax=_money(options.tax, "--tax"),
        lines=tuple(_line(text) for text in options.service or []),
    )


def _line(text: str) -> AskedLine:
    """`ID`, `ID=AMOUNT`, `ID@DATE` or `ID=AMOUNT@DATE`."""
    rest, at_sign, day = text.partition("@")
    service, equals, amount = rest.partition("=")
    return AskedLine(
        service.strip(),
        _money(amount, f"--service {harmless(service, 63)}") if equals else None,
        _day(day, f"--service {harmless(service, 63)}") if at_sign else None,
    )


def _money(text: str | None, option: str) -> int | None:
    if text is None:
        return None
    try:
        return rupiah(text)
    except ValueError as error:
        raise Refused(f"{option}: {harmless(str(error), 200)}") from None


def _day(text: str | None, option: str) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise Refused(f"{option} {harmless(text, 40)!r}: a day that exists, like 2026-03-10, is expected") from None
