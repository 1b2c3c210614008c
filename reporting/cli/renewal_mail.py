"""laman renewal inbox --send: the inbox workbook, mailed to the officers who hold the role."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from reporting.cli.common import Refused, local, this_agent
from reporting.cli.main import EXIT_CANNOT, EXIT_DEVIATIONS, EXIT_OK
from reporting.cli.post import mail_lock, mail_of
from reporting.cli.renewal_inbox import inbox_of
from reporting.events import KIND_MAIL, MailSent, MailTo
from reporting.ledger import Draft
from reporting.ledger.model import LedgerError
from reporting.money import written
from reporting.notify.letter import Letter, build
from reporting.notify.mail import PASSWORD_VARIABLE, MailError, deliver
from reporting.notify.sent import cases_hash, last_sent
from reporting.notify.words import CaseLine, Words, body, subject
from reporting.renewal.inbox_book import InboxRow
from reporting.runner.model import Record
from reporting.standard import standard_on
from reporting.unit import Mail, Officer


@dataclass(frozen=True)
class _Inbox:
    """What is sent: the workbook and its cases, the same for every officer of the role."""

    role: str
    content: bytes
    rows: list[InboxRow]
    mail: Mail
    ca_file: Path | None
    now: datetime
    again: bool

    @property
    def hash(self) -> str:
        return cases_hash([asdict(row) for row in self.rows])


@dataclass(frozen=True)
class _Outcome:
    officer: Officer
    state: Literal["sent", "already", "failed"]
    text: str
    message_id: str = ""


def send(options: argparse.Namespace, record: Record) -> int:
    """Mail the inbox of a role to everybody who holds it today; returns the exit code.

    Raises:
        Refused: no role, no settings, nobody to write to, or everybody has it already and nothing changed since.
    """
    unit = record.inventory.unit
    if options.role is None:
        raise Refused("--send needs --for ROLE: whose inbox is mailed?")
    mail = mail_of(record)
    with mail_lock(record):
        content, rows = inbox_of(record, options.role)
        if not rows:
            print(json.dumps({"cases": 0, "officers": []}) if options.json else
                  f"No case waits for {options.role}: nothing was sent.")  # fmt: skip
            return EXIT_OK
        now = record.clock()
        officers = unit.officers_for(options.role, now.astimezone(unit.tz).date())
        if not officers:
            raise Refused(
                f"{options.role}: no officer in office holds that role (laman_unit.officers): nothing was sent"
            )
        ca_file = record.inventory.resolve(mail.ca_file) if mail.ca_file else None
        inbox = _Inbox(options.role, content, rows, mail, ca_file, now, options.again)
        outcomes = [_to(record, inbox, officer) for officer in officers]
    return _told(options, inbox, outcomes)


def _to(record: Record, inbox: _Inbox, officer: Officer) -> _Outcome:
    if officer.email is None:
        return _Outcome(officer, "failed", f"laman_unit.officers: {officer.id} has no email")
    before = last_sent(record.ledger.events([KIND_MAIL]), inbox.role, officer.id, officer.email)
    if before is not None and before.cases_hash == inbox.hash and not inbox.again:
        when = local(before.sent_at, record.inventory)
        return _Outcome(officer, "already", f"{officer.id} got the same case(s) on {when}", before.message_id)
    letter = _letter(record, inbox, officer, officer.email)
    message = build(letter)
    message_id = str(message["Message-ID"])
    try:
        reply = deliver(message, inbox.mail, os.environ.get(PASSWORD_VARIABLE), inbox.ca_file)
    except MailError as error:
        return _Outcome(officer, "failed", str(error))
    try:
        _note(record, inbox, letter, officer, (message_id, reply))
    except (LedgerError, OSError) as error:
        text = f"the server took {message_id} for {officer.email}, but it could not be recorded: {error}"
        return _Outcome(officer, "failed", text, message_id)
    return _Outcome(officer, "sent", f"{officer.name} <{officer.email}>", message_id)


def _letter(record: Record, inbox: _Inbox, officer: Officer, address: str) -> Letter:
    unit = record.inventory.unit
    day = inbox.now.astimezone(unit.tz)
    role = standard_on(day.date()).actor(inbox.role, unit.language)
    words = Words(unit=unit.name, role=role, name=officer.name, at=local(inbox.now, record.inventory))
    lines = [CaseLine(r.case, r.services, r.invoice, f"Rp {written(r.outstanding)}", r.until) for r in inbox.rows]
    return Letter(
        to_name=officer.name,
        to_address=address,
        from_name=f"laman {unit.name}",
        sender=inbox.mail.sender,
        subject=subject(words, len(lines), unit.language),
        body=body(words, lines, unit.language),
        attachment=f"{unit.id}-{inbox.role}-{day:%Y%m%d-%H%M}.xlsx",
        content=inbox.content,
        date=day,
    )


def _note(record: Record, inbox: _Inbox, letter: Letter, officer: Officer, taken: tuple[str, str]) -> None:
    """`taken`: the message's id, and what the server said when it took it."""
    agent = this_agent()
    sent = MailSent(
        role=inbox.role,
        to=[MailTo(officer=officer.id, name=officer.name, address=letter.to_address)],
        subject=letter.subject,
        message_id=taken[0],
        attachment=letter.attachment,
        attachment_sha256=hashlib.sha256(inbox.content).hexdigest(),
        cases=[row.case for row in inbox.rows],
        cases_hash=inbox.hash,
        count=len(inbox.rows),
        server=f"{inbox.mail.host}:{inbox.mail.port_used}",
        reply=taken[1],
        sent_at=record.clock(),
        agent=agent,
    )
    record.ledger.append([Draft(KIND_MAIL, inbox.role, f"{agent.kind}:{agent.name}", sent.json_value())])


def _told(options: argparse.Namespace, inbox: _Inbox, outcomes: Sequence[_Outcome]) -> int:
    """Say what became of each; one officer who was not reached is no success."""
    if all(o.state == "already" for o in outcomes):
        who = "; ".join(o.text for o in outcomes)
        raise Refused(f"{who}, and nothing changed since: nothing was sent (--again sends it once more)")
    failed = [o for o in outcomes if o.state == "failed"]
    if len(failed) == len(outcomes) == 1 and not options.json:
        raise Refused(failed[0].text)
    if options.json:
        said = [{"officer": o.officer.id, "state": o.state, "text": o.text, "message_id": o.message_id}
                for o in outcomes]  # fmt: skip
        print(json.dumps({"cases": len(inbox.rows), "officers": said}, indent=2, ensure_ascii=False))
    else:
        for outcome in outcomes:
            _say(outcome, len(inbox.rows))
    if not failed:
        return EXIT_OK
    return EXIT_CANNOT if len(failed) == len(outcomes) else EXIT_DEVIATIONS


def _say(outcome: _Outcome, count: int) -> None:
    if outcome.state == "sent":
        print(f"{count} case(s) sent to {outcome.text}, taken by the server as {outcome.message_id}")
    elif outcome.state == "already":
        print(f"not sent again: {outcome.text}, and nothing changed since")
    else:
        print(f"NOT sent to {outcome.officer.id}: {outcome.text}", file=sys.stderr)
