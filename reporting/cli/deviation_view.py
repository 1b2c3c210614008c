"""`laman deviation list` and `show`: what has to be accounted for, by whom, until when, and what was said."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from datetime import date
from typing import Any

from reporting.account import Account
from reporting.cli.common import command_line, inventory_of, local, opened
from reporting.cli.deviation_known import Whole, whole_record
from reporting.cli.main import EXIT_OK
from reporting.cli.tables import table
from reporting.cli.view import ACCOUNT_STATES, account_json, deviation_json
from reporting.compliance import Deviation
from reporting.deviation.model import named_id
from reporting.people import named
from reporting.runner.model import Record
from reporting.text import harmless

_WORDS = {"open": ("belum dipertanggungjawabkan", "dikembalikan"), "given": ("dipertanggungjawabkan",),
          "accepted": ("diterima",), "returned": ("dikembalikan",)}  # fmt: skip
_HEADERS = ["id", "since", "activity", "site", "aspect", "executor", "account by", "account", "reason"]
_SHOWN = 50


def add_arguments(name: str, parser: argparse.ArgumentParser) -> None:
    """The options of `list` and `show`."""
    if name == "show":
        parser.add_argument("deviation", nargs="+", metavar="D-ID", help="id of a deviation, or its beginning")
        return
    parser.add_argument("--all", action="store_true", help=f"accepted ones too, and more than {_SHOWN} lines")
    parser.add_argument("--state", choices=list(_WORDS), help="open: it is the executor's turn; given: Kasi SI's")
    parser.add_argument("--overdue", action="store_true", help="only those whose account is overdue")
    parser.add_argument("--executor", metavar="NAME", help="only those of one executor")
    parser.add_argument("--site", metavar="SITE", help="only those of one site (or renewal, or ticket)")


def run(options: argparse.Namespace) -> int:
    """Print it; returns the exit code."""
    with opened(inventory_of(options)) as record:
        whole = whole_record(record)
        if options.verb == "show":
            return _show(options, record, whole)
        return _list(options, record, whole)


def _list(options: argparse.Namespace, record: Record, whole: Whole) -> int:
    wanted = [d for d in whole.compliance.deviations if _is_wanted(options, d, whole.today)]
    wanted.sort(key=lambda d: (not d.overdue(whole.today), d.account_due or date.max, d.at, d.id))
    gone = [a for a in whole.gone if options.all or (a.state != "diterima" and not _filtered(options))]
    if options.json:
        found = [deviation_json(d, whole.today) for d in wanted] + [_gone_json(a) for a in gone]
        print(json.dumps(found, indent=2, ensure_ascii=False))
        return EXIT_OK
    if not wanted and not gone:
        none = len(whole.compliance.deviations)
        print(f"No deviation is open ({none} on record: --all shows them)." if none else "No deviation on record.")
        return EXIT_OK
    shown = wanted if options.all else wanted[:_SHOWN]
    if shown:
        print(table(_HEADERS, [_row(d, whole, record) for d in shown], limit=60))
    if len(shown) < len(wanted):
        print(f"… and {len(wanted) - len(shown)} more (--all)")
    for one in gone:
        print(
            f"{one.deviation}: no deviation any more, computed again; its account ({ACCOUNT_STATES[one.state]}) is kept"
        )
    _totals(wanted, whole, record)
    return EXIT_OK


def _filtered(options: argparse.Namespace) -> bool:
    return bool(options.state or options.overdue or options.executor or options.site)


def _is_wanted(options: argparse.Namespace, d: Deviation, today: date) -> bool:
    if options.state is not None:
        if d.account_state not in _WORDS[options.state]:
            return False
    elif d.accepted and not options.all:
        return False
    if options.overdue and not d.overdue(today):
        return False
    if options.site is not None and d.site != options.site:
        return False
    return options.executor is None or (d.executor is not None and named(d.executor, options.executor))


def _row(d: Deviation, whole: Whole, record: Record) -> list[object]:
    due = f"{d.account_due}{' OVERDUE' if d.overdue(whole.today) else ''}" if d.lacks_account else ""
    slug = whole.compliance.standard.activity(d.activity).slug
    who = d.executor.name if d.executor else "–"
    since = local(d.at, record.inventory)[:16]
    return [d.id, since, slug, d.site, d.aspect, who, due, ACCOUNT_STATES[d.account_state], d.reason]


def _totals(wanted: list[Deviation], whole: Whole, record: Record) -> None:
    lacking, overdue = sum(d.lacks_account for d in wanted), sum(d.overdue(whole.today) for d in wanted)
    waiting = sum(d.account_state == "dipertanggungjawabkan" for d in wanted)
    print(f"\n{lacking} lack an account ({overdue} overdue), {waiting} wait for Kasi SI")
    print(f"next: {command_line(record.inventory, 'deviation', 'show')} D-…")


def _show(options: argparse.Namespace, record: Record, whole: Whole) -> int:
    known = {d.id: d for d in whole.compliance.deviations}
    gone = {a.deviation: a for a in whole.gone}
    names = [named_id({**known, **gone}, text) for text in options.deviation]
    if options.json:
        found = [deviation_json(known[n], whole.today) if n in known else _gone_json(gone[n]) for n in names]
        print(json.dumps(found, indent=2, ensure_ascii=False))
        return EXIT_OK
    for number, name in enumerate(names):
        lines = _told(known[name], whole, record) if name in known else _told_gone(gone[name], record)
        print(("\n" if number else "") + "\n".join(lines))
    return EXIT_OK


def _told(d: Deviation, whole: Whole, record: Record) -> Iterator[str]:
    activity = whole.compliance.standard.activity(d.activity)
    yield f"{d.id}: {d.aspect} of activity {d.activity} ({activity.slug}) on {harmless(d.site, 80)}"
    yield f"  {harmless(d.reason, 600)}"
    yield f"  since      {local(d.at, record.inventory)}"
    yield f"  executor   {d.executor.name if d.executor else 'nobody was in office'}"
    yield f"  of         {d.execution or (d.occasion.id if d.occasion else '')}"
    if d.lacks_account:
        yield f"  account    {ACCOUNT_STATES[d.account_state]}, due {d.account_due}{_late(d, whole)}"
    else:
        yield f"  account    {ACCOUNT_STATES[d.account_state]}"
    yield from _history(d.account, record)
    yield f"next: {_next(d, record)}"


def _late(d: Deviation, whole: Whole) -> str:
    return (
        f": overdue for {(whole.today - d.account_due).days} day(s)" if d.account_due and d.overdue(whole.today) else ""
    )


def _next(d: Deviation, record: Record) -> str:
    if d.lacks_account:
        typed = command_line(record.inventory, "deviation", "account", d.id)
        return f"{typed} --cause … --consequence … --action … --by … --until DATE"
    if d.account is not None and not d.accepted:
        said = d.account.said.account
        accepting = command_line(record.inventory, "deviation", "accept", d.id, "--account", said)
        return f"{accepting}   (or: return … --note WHY)"
    return "nothing: it is closed"


def _told_gone(given: Account, record: Record) -> Iterator[str]:
    state = ACCOUNT_STATES[given.state]
    yield f"{given.deviation}: no deviation any more, computed again; its account is kept ({state})"
    about = given.said.about
    if about is not None:
        yield f"  it was     {about.aspect} of activity {about.activity} on {harmless(about.site, 80)}"
        yield f"  {harmless(about.reason, 600)}"
    yield from _history(given, record)


def _history(given: Account | None, record: Record) -> Iterator[str]:
    """Every account with its decision, in order."""
    if given is None:
        return
    for said, decision in (*given.earlier, (given.said, given.decision)):
        yield f"\n  {said.account}, {local(said.at, record.inventory)}, {said.executor.name}"
        yield f"    cause        {harmless(said.cause, 2_000)}"
        yield f"    consequence  {harmless(said.consequence, 2_000)}"
        yield f"    action       {harmless(said.action, 2_000)}"
        done = "done on" if said.action_done else "until"
        yield f"    by           {harmless(said.action_by, 200)}, {done} {said.action_until}"
        for file in said.attachments:
            yield f"    evidence     {record.archive.root / file.path} (SHA-256 {file.sha256[:16]}…)"
        if decision is not None:
            note = f": {harmless(decision.note, 2_000)}" if decision.note else ""
            yield f"  {decision.decision} by {decision.decided_by.name}, {local(decision.at, record.inventory)}{note}"


def _gone_json(given: Account) -> dict[str, Any]:
    about = given.said.about
    return {
        "id": given.deviation,
        **(about.model_dump(mode="json") if about is not None else {}),
        "executor": given.said.executor.model_dump(mode="json"),
        "overdue": False,
        "account_state": given.state,
        "stands": False,
        "account": account_json(given),
    }
