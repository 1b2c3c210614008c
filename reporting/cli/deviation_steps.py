"""`laman deviation account`, `accept` and `return`: the executor accounts for a deviation, Kasi SI decides on it."""

from __future__ import annotations

import argparse
import json
import secrets
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from reporting import account as accounts
from reporting.attachments import Attached, attached
from reporting.cli.archiving import archived, forget
from reporting.cli.common import Refused, command_line, inventory_of, opened
from reporting.cli.deviation_form import Filled, read_form, template
from reporting.cli.deviation_known import Whole, situation_of, whole_record, with_seen
from reporting.cli.locks import step_lock
from reporting.cli.main import EXIT_OK
from reporting.cli.renewal_known import printed
from reporting.cli.view import ACCOUNT_STATES, account_json
from reporting.compliance import Deviation
from reporting.deviation.commands import (
    Accounting,
    AskedAccount,
    AskedDecision,
    accept,
    account,
    account_drafts,
    decider,
    give_back,
)
from reporting.deviation.model import Refused as NotAllowed
from reporting.deviation.model import Situation, named_id
from reporting.events import KIND_DECIDED, Attachment
from reporting.ledger import Draft
from reporting.people import named
from reporting.runner.model import Record
from reporting.standard import Language
from reporting.text import harmless

_TEXTS = {
    "cause": "why it came to this",
    "consequence": "what came of it",
    "action": "the corrective action",
    "by": "who carries it out",
    "until": "until when (a day), or with --done: when it was",
}


def add_arguments(name: str, parser: argparse.ArgumentParser) -> None:
    """The options of one step."""
    several = "*" if name == "account" else "+"
    parser.add_argument("deviation", nargs=several, metavar="D-ID", help="ids; one account may answer several")
    parser.add_argument("--as", dest="officer", metavar="NAME", help="who does it (default: by role)")
    parser.add_argument(
        "--clock-is-right", action="store_true", help="the last event has a later time because the clock was wrong then"
    )
    if name != "account":
        parser.add_argument("--note", default="", help="what is said about it (return: needed)")
        parser.add_argument("--account", metavar="A-ID", help="the account that was read (show prints it)")
        return
    for option, text in _TEXTS.items():
        parser.add_argument(f"--{option}", metavar="DATE" if option == "until" else "TEXT", help=text)
    parser.add_argument("--done", action="store_true", help="the action was carried out, on the day of --until")
    parser.add_argument("--evidence", action="append", metavar="FILE", help="PDF, JPG or PNG; repeat it")
    parser.add_argument("--again", action="store_true", help="replace an account that still waits for its decision")
    parser.add_argument("--form", metavar="FILE.yml", help="accounts from a form that was filled in")
    parser.add_argument(
        "--template", action="store_true", help="print such a form (for those named, or all that lack one)"
    )


def run(options: argparse.Namespace) -> int:
    """Take the step; returns the exit code."""
    with opened(inventory_of(options)) as record:
        if options.verb != "account":
            return _decide(options, record)
        if options.template:
            return _template(options, record)
        return _account(options, record)


def _template(options: argparse.Namespace, record: Record) -> int:
    whole = whole_record(record)
    known = {d.id: d for d in whole.compliance.deviations}
    if options.deviation:
        wanted = [known[named_id(known, text)] for text in options.deviation]
    else:
        wanted = [d for d in known.values() if d.lacks_account and _is_of(d, options.officer)]
    print(template(record, whole, wanted), end="")
    return EXIT_OK


def _is_of(d: Deviation, officer: str | None) -> bool:
    return officer is None or (d.executor is not None and named(d.executor, officer))


def _account(options: argparse.Namespace, record: Record) -> int:
    entries = _entries(options)
    papers = printed(record)
    files = [[attached(path, "evidence", papers) for path in entry.evidence] for entry in entries]
    whole = whole_record(record, _language(record))
    with step_lock(record, "deviation", "the accounts of deviations"):
        situation = situation_of(record, whole, clock_is_right=options.clock_is_right)
        plans = [account(with_seen(situation, entry.seen), entry.asked) for entry in entries]
        _check_once(plans)
        _write(record, situation, plans, files)
    return _said_account(options, record, whole, [plan for group in plans for plan in group])


def _language(record: Record) -> Language:
    """What an account keeps of its deviation's reason is for the workbook."""
    return record.inventory.unit.language


def _entries(options: argparse.Namespace) -> list[Filled]:
    typed = [name for name in (*_TEXTS, "evidence") if getattr(options, name)]
    if options.form is not None:
        if options.deviation or typed or options.done or options.officer:
            raise Refused("--form holds everything: give no deviation, text, date, name or file beside it")
        return read_form(Path(options.form), again=options.again)
    missing = [f"--{name} ({text})" for name, text in _TEXTS.items() if not (getattr(options, name) or "").strip()]
    if missing:
        raise Refused(f"account needs {missing[0]}" + (f" and {len(missing) - 1} more" if missing[1:] else ""))
    asked = AskedAccount(
        deviations=tuple(options.deviation),
        cause=options.cause,
        consequence=options.consequence,
        action=options.action,
        action_by=options.by,
        until=_day(options.until),
        done=options.done,
        executor=options.officer,
        again=options.again,
    )
    return [Filled(asked, tuple(Path(name) for name in options.evidence or ()), {})]


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise Refused(f"--until {harmless(text, 40)!r}: a day that exists, like 2026-12-01, is expected") from None


def _check_once(plans: Sequence[Sequence[Accounting]]) -> None:
    names = [plan.known.id for group in plans for plan in group]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise Refused(f"{twice[0]} stands in two entries of the form: one account answers it")


def _write(
    record: Record, situation: Situation, plans: Sequence[Sequence[Accounting]], files: Sequence[Sequence[Attached]]
) -> None:
    """Archive the evidence and append all accounts in one transaction; nothing is left when anything fails."""
    local = situation.now.astimezone(situation.unit.tz)
    drafts: list[Draft] = []
    targets: list[Path] = []
    try:
        for group, evidence in zip(plans, files, strict=True):
            token = secrets.token_hex(4)
            name = f"{local:%Y%m%dT%H%M%S}-account-{group[0].known.id}-{token}"
            kept: list[Attachment] = []
            if evidence:
                target = record.archive.folder("deviation", name, local)
                targets.append(target)
                kept = archived(record, target, evidence)
            drafts += account_drafts(situation, group, name, token, kept)
        record.ledger.append(drafts)
    except BaseException:
        for target in targets:
            forget(record, target)
        raise


def _said_account(options: argparse.Namespace, record: Record, whole: Whole, plans: Sequence[Accounting]) -> int:
    now = accounts.fold(record.ledger.events(accounts.KINDS))
    if options.json:
        print(json.dumps([_json(p.known.id, now) for p in plans], indent=2, ensure_ascii=False))
        return EXIT_OK
    situation = situation_of(record, whole)
    for plan in plans:
        said = now[plan.known.id].said
        print(f"{plan.known.id}: accounted for by {said.executor.name} ({said.account})")
    first = now[plans[0].known.id].said
    try:
        who = decider(situation, situation.deviations[first.deviation], None)
        typed = command_line(record.inventory, "deviation", "accept", first.deviation, "--account", first.account)
        print(f"next: {who.name} reads it and decides: {typed}")
    except NotAllowed as error:
        print(f"next: {error}")
    return EXIT_OK


def _json(name: str, now: dict[str, accounts.Account]) -> dict[str, object]:
    return {"id": name, "account_state": now[name].state, "account": account_json(now[name])}


def _decide(options: argparse.Namespace, record: Record) -> int:
    returning = options.verb == "return"
    asked = AskedDecision(
        deviations=tuple(options.deviation),
        decision="returned" if returning else "accepted",
        note=options.note,
        officer=options.officer,
        account=options.account,
    )
    if options.account is not None and len(set(options.deviation)) > 1:
        raise Refused("--account names the account of one deviation: give one deviation, or leave it out")
    whole = whole_record(record, _language(record))
    with step_lock(record, "deviation", "the accounts of deviations"):
        situation = situation_of(record, whole, clock_is_right=options.clock_is_right)
        drafts = (give_back if returning else accept)(situation, asked)
        record.ledger.append(drafts)
    return _said_decision(options, record, drafts)


def _said_decision(options: argparse.Namespace, record: Record, drafts: Sequence[Draft]) -> int:
    now = accounts.fold(record.ledger.events(accounts.KINDS))
    names = [d.subject for d in drafts if d.kind == KIND_DECIDED]
    if options.json:
        print(json.dumps([_json(name, now) for name in names], indent=2, ensure_ascii=False))
        return EXIT_OK
    for name in names:
        decision = now[name].decision
        by = decision.decided_by.name if decision is not None else "?"
        print(f"{name}: {ACCOUNT_STATES[now[name].state]}, by {by}")
    if options.verb == "return":
        typed = command_line(record.inventory, "deviation", "account", names[0])
        texts = "--cause … --consequence … --action … --by … --until …"
        print(f"next: {now[names[0]].said.executor.name} accounts for it again: {typed} {texts}")
    else:
        print(f"next: {command_line(record.inventory, 'deviation', 'list')}")
    return EXIT_OK
