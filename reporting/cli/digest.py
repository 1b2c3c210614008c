"""laman due --send: one mail an officer with what is overdue and due, at most once a day; nothing due: no mail."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import date, datetime

from reporting.cli.common import Refused, inventory_of, opened, this_agent, today
from reporting.cli.duties import LOOK_BACK, Duty, duties
from reporting.cli.main import EXIT_CANNOT, EXIT_OK
from reporting.cli.post import Outcome, known_posts, mail_lock, mail_of, patience, send, sent_on, want
from reporting.cli.report_send import letter_id, message_id, officers_named
from reporting.cli.view import evaluated
from reporting.events import MailTo, MailWanted
from reporting.notify.digest_words import Digest, Task, body, subject
from reporting.notify.outbox import Post, last_to
from reporting.runner.model import Record
from reporting.unit import Officer
from reporting.worktime import WorkClock

_TYPES = ("pengelola_laman", "pengelola_sistem_dan_jaringan")  # who types commands; the others have the inbox by mail


def run(options: argparse.Namespace) -> int:
    """Mail the digests of today; returns the exit code. Options: send, again, wait, json."""
    seconds = patience(options.wait)
    with opened(inventory_of(options)) as record, mail_lock(record):
        mail_of(record)
        letters, left = _letters(record, again=options.again)
        outcomes = send(record, letters, seconds)
    if options.json:
        print(json.dumps(_json(outcomes, left), indent=2, ensure_ascii=False))
    else:
        _say(record, outcomes, left)
    failed = any(o.state != "sent" for o in outcomes) or any(p.state == "uncertain" for p in left)
    return EXIT_CANNOT if failed else EXIT_OK


def send_daily(record: Record) -> list[Outcome]:
    """The digests of today, from the hour at which work begins on a working day. For `laman due --run`: one attempt.

    Nothing is done where laman_unit.delivery.digest_to or laman_unit.mail is missing, or another laman is sending.

    Raises:
        Refused: digest_to names somebody who is not there or has no address.
    """
    now, start = record.clock(), _begins(record)
    if start is None or now < start:
        return []
    if _all_have_it(record, start.date()):
        return []  # without computing all duties on every call of a timer
    try:
        with mail_lock(record):
            letters, _ = _letters(record, again=False, retry=False)
            return send(record, letters, 0.0) if letters else []
    except Refused as error:
        if str(error).startswith("another laman is sending"):
            return []
        raise


def next_digest(record: Record) -> datetime | None:
    """When the reminders of today are to be sent, if that is still to come."""
    start = _begins(record)
    return start if start is not None and record.clock() < start else None


def _begins(record: Record) -> datetime | None:
    """When work begins today; None on a day that is not worked, and where no reminders are wanted."""
    unit = record.inventory.unit
    if not unit.delivery.digest_to or unit.mail is None:
        return None
    day = record.clock().astimezone(unit.tz).date()
    hours = WorkClock(unit.calendar).hours(day)
    return datetime.combine(day, hours.start, unit.tz) if hours is not None else None


def _all_have_it(record: Record, day: date) -> bool:
    found = known_posts(record)
    officers, _ = _recipients(record)
    return all(last_to(found, "digest", day.isoformat(), str(o.email)) is not None for o in officers)


def _recipients(record: Record) -> tuple[list[Officer], bool]:
    """Who gets one, and whether they are named (and so are told of the others' work too)."""
    unit = record.inventory.unit
    day = record.clock().astimezone(unit.tz).date()
    if unit.delivery.digest_to:
        where = "laman_unit.delivery.digest_to"
        return officers_named(record.inventory, day, unit.delivery.digest_to, where), True
    return [o for o in unit.officers if o.in_office(day) and o.email is not None], False


def _letters(record: Record, *, again: bool, retry: bool = True) -> tuple[list[Post], list[Post]]:
    """Letters to be tried now, and those that are left alone: sent today, or perhaps arrived.

    `retry`: also those that failed today (a timer leaves them to `send_pending`, which knows when).
    """
    officers, named = _recipients(record)
    found = known_posts(record)
    now = record.clock().astimezone(record.inventory.unit.tz)
    waiting = _duties(record)
    letters: list[Post] = []
    left: list[Post] = []
    for officer in officers:
        before = last_to(found, "digest", now.date().isoformat(), str(officer.email))
        if before is None or (again and before.state == "sent"):
            digest = _digest(record, officer, waiting, now, named=named)
            if digest.is_due:
                letters += want(record, [_wanted(record, officer, digest)])
        elif before.state == "sent" or (before.state == "uncertain" and not again):
            left.append(before)
        elif retry:
            letters.append(before)
    return letters, left


def _duties(record: Record) -> list[Duty]:
    """Everything that waits for somebody, with its reasons in the unit's language."""
    day = today(record.inventory)
    return duties(record, evaluated(record, f"{day - LOOK_BACK}..{day}", record.inventory.unit.language))


def _digest(record: Record, officer: Officer, waiting: Sequence[Duty], now: datetime, *, named: bool) -> Digest:
    unit, lang = record.inventory.unit, record.inventory.unit.language
    types = any(role in _TYPES for role in officer.roles)
    own, others = [], []
    for duty in waiting:
        urgency = duty.when(now)
        if urgency == "later":
            continue
        mine = duty.officer == officer.id
        until = duty.due_at.astimezone(unit.tz) if duty.due_at else None
        task = Task(duty.said(lang), duty.who, until, urgency, duty.command if mine and types else "")
        if mine:
            own.append(task)
        elif named:
            others.append(task)
    return Digest(unit.name, officer.name, now, own, others)


def _wanted(record: Record, officer: Officer, digest: Digest) -> MailWanted:
    lang, letter = record.inventory.unit.language, letter_id("digest")
    return MailWanted(
        about="digest",
        letter=letter,
        period=digest.at.date().isoformat(),
        to=MailTo(officer=officer.id, name=officer.name, address=str(officer.email)),
        subject=subject(digest, lang),
        body=body(digest, lang),
        language=lang,
        message_id=message_id(record, letter, str(officer.email)),
        wanted_at=record.clock(),
        agent=this_agent(),
    )


def _say(record: Record, outcomes: Sequence[Outcome], left: Sequence[Post]) -> None:
    for outcome in outcomes:
        to = outcome.post.wanted.to
        if outcome.state == "sent":
            print(f"reminder sent to {to.name} <{to.address}>, {outcome.text}")
        else:
            print(f"laman: NOT sent to {to.officer}: {outcome.text}", file=sys.stderr)
    for post in left:
        to, when = post.wanted.to, sent_on(record, post)
        if post.state == "sent":
            print(f"not sent again: {to.officer} got today's reminder on {when} (--again sends it once more)")
        else:
            text = f"the attempt of {when} may have arrived: ask {to.address}, then --again"
            print(f"laman: NOT sent to {to.officer}: {text}", file=sys.stderr)
    if not outcomes and not left:
        print("Nothing is due: nobody gets a reminder.")


def _json(outcomes: Sequence[Outcome], left: Sequence[Post]) -> list[dict[str, str]]:
    tried = [(o.post, o.state, o.text) for o in outcomes]
    alone = [(p, "already" if p.state == "sent" else p.state, "") for p in left]
    return [
        {"officer": p.wanted.to.officer, "state": state, "text": text, "message_id": p.wanted.message_id}
        for p, state, text in [*tried, *alone]
    ]
