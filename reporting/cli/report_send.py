"""laman report --send: the workbook to management by e-mail, and into a folder or share. Nobody gets the same twice."""

from __future__ import annotations

import argparse
import hashlib
import secrets
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import get_args

from reporting.cli.common import Refused, command_line, this_agent
from reporting.cli.frozen import Issue
from reporting.cli.main import EXIT_CANNOT, EXIT_OK
from reporting.cli.post import Outcome, known_posts, mail_of, send, sent_on, want
from reporting.cli.report_folder import Parcel, put
from reporting.events import MailTo, MailWanted
from reporting.notify.outbox import Post, last_to
from reporting.notify.report_words import Issued, body, subject
from reporting.runner.model import Record
from reporting.unit import Inventory, Officer, Role, Unit

_ROLES: tuple[str, ...] = get_args(Role)


@dataclass(frozen=True)
class Destinations:
    """Where a workbook is to go: officers (each with an address), and a folder."""

    officers: tuple[Officer, ...]
    folder: Path | None


def destinations(options: argparse.Namespace, record: Record) -> Destinations:
    """Where the workbook goes: `--to`, or what laman_unit.delivery says. Asked before anything is issued.

    Raises:
        Refused: nowhere; an officer or role that is not there, or has no address; no mail server.
    """
    unit = record.inventory.unit
    named, where = (options.to, "--to") if options.to else (unit.delivery.report_to, "laman_unit.delivery.report_to")
    folder = None if options.to or unit.delivery.folder is None else record.inventory.resolve(unit.delivery.folder)
    if not named and folder is None:
        raise Refused(
            "--send: to whom? name officers or roles with --to, or in laman_unit.delivery.report_to, or a folder in "
            "laman_unit.delivery.folder"
        )
    day = record.clock().astimezone(unit.tz).date()
    officers = officers_named(record.inventory, day, named, where)
    if officers:
        mail_of(record)
    return Destinations(tuple(officers), folder)


def officers_named(inventory: Inventory, day: date, named: Sequence[str], where: str) -> list[Officer]:
    """Officers in office on a day by id, name or role, each with an address, and each address once.

    Raises:
        Refused: one is not there, or has no address.
    """
    found: dict[str, Officer] = {}
    for wanted in named:
        for officer in _officers(inventory.unit, wanted, where, day):
            if officer.email is None:
                raise Refused(f"{where}: {officer.id} has no email: add it in laman_unit.officers")
            found.setdefault(officer.email, officer)
    return list(found.values())


def _officers(unit: Unit, wanted: str, where: str, day: date) -> list[Officer]:
    if wanted in _ROLES:
        holders = unit.officers_for(wanted, day)
        if not holders:
            raise Refused(f"{where}: no officer in office holds the role {wanted} on {day}")
        return holders
    officer = unit.officer(wanted, day)
    if officer is None:
        known = ", ".join([*(o.id for o in unit.officers if o.in_office(day)), *_ROLES])
        raise Refused(f"{where} {wanted!r}: no officer in office on {day} and no role; there are: {known}")
    return [officer]


def deliver_report(options: argparse.Namespace, record: Record, to: Destinations, issue: Issue) -> int:
    """Send a workbook and put it into the folder; the caller holds the mail lock. Returns the exit code."""
    results: list[bool] = []
    if to.folder is not None:
        results.append(_into_folder(options, record, to.folder, issue))
    found = known_posts(record)
    letters = []
    for officer in to.officers:
        before = last_to(found, "report", issue.period, str(officer.email))
        if before is None or before.wanted.figures_hash != issue.figures_hash:
            letters += want(record, [_wanted(record, issue, officer)])
        elif before.state in ("sent", "uncertain") and not options.again:
            results.append(_left_alone(record, officer, before))
        elif before.state == "sent":
            letters += want(record, [_wanted(record, issue, officer)])
        else:
            letters.append(before)  # the same letter, its own Message-ID: whoever got it before can tell
    outcomes = send(record, letters, options.wait) if letters else []
    results += [_said(record, issue, outcome) for outcome in outcomes]
    return EXIT_OK if all(results) else EXIT_CANNOT


def _into_folder(options: argparse.Namespace, record: Record, folder: Path, issue: Issue) -> bool:
    try:
        parcel = Parcel(issue.period, issue.made.content, issue.figures_hash)
        print(put(record, folder, parcel, again=options.again))
    except Refused as error:
        print(f"laman: NOT put into the folder: {error}", file=sys.stderr)
        return False
    return True


def _left_alone(record: Record, officer: Officer, before: Post) -> bool:
    """Say why an officer gets no letter; whether that is well."""
    when = sent_on(record, before)
    if before.state == "sent":
        print(f"not sent again: {officer.id} got the same figures on {when} (--again sends them once more)")
        return True
    print(f"laman: NOT sent to {officer.id}: {_uncertain(record, before)}", file=sys.stderr)
    return False


def _uncertain(record: Record, post: Post) -> str:
    """What to do about a letter that may have arrived."""
    wanted = post.wanted
    words = ("report", "--period", wanted.period, "--send", "--to", wanted.to.officer, "--again")
    return (
        f"the attempt of {sent_on(record, post)} broke after the message was handed over, it may have arrived: ask "
        f"{wanted.to.address}; if not: {command_line(record.inventory, *words)}"
    )


def _said(record: Record, issue: Issue, outcome: Outcome) -> bool:
    wanted = outcome.post.wanted
    if outcome.state == "sent":
        issued = wanted.wanted_at.astimezone(record.inventory.unit.tz).date()
        earlier = "" if wanted.file == issue.file else f" (as it was issued {issued})"
        print(f"{wanted.period}{earlier} sent to {wanted.to.name} <{wanted.to.address}>, {outcome.text}")
        return True
    print(f"laman: NOT sent to {wanted.to.officer}: {outcome.text}", file=sys.stderr)
    if outcome.state == "failed":
        typed = command_line(record.inventory, "due", "--run")
        print(f"next: {typed} tries again by itself, or repeat this command", file=sys.stderr)
    return False


def letter_id(about: str) -> str:
    """A name for one letter."""
    return f"{about}-{secrets.token_hex(8)}"


def _wanted(record: Record, issue: Issue, officer: Officer) -> MailWanted:
    unit, closure, letter = record.inventory.unit, issue.closure, letter_id("report")
    ending = "-corrections" if issue.made.changes else ""
    name = f"laman-{unit.id}-{issue.period.replace('..', '_')}{ending}.xlsx"
    closed_by = closure.data.closed_by.name if closure is not None else ""
    told = Issued(issue.made.compliance, name, issue.file.sha256, issue.made.head, issue.earlier, closed_by)
    return MailWanted(
        about="report",
        letter=letter,
        period=issue.period,
        to=MailTo(officer=officer.id, name=officer.name, address=str(officer.email)),
        subject=subject(told, issue.lang),
        body=body(told, officer.name, issue.lang),
        attachment=name,
        file=issue.file,
        figures_hash=issue.figures_hash,
        language=issue.lang,
        message_id=message_id(record, letter, str(officer.email)),
        wanted_at=record.clock(),
        agent=this_agent(),
    )


def message_id(record: Record, letter: str, address: str) -> str:
    """The Message-ID of a letter to an address: the same however often it is tried."""
    domain = mail_of(record).sender.rpartition("@")[2]
    return f"<{letter}.{hashlib.sha256(f'{letter} {address}'.encode()).hexdigest()[:12]}@{domain}>"
