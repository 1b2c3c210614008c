"""What sends letters: each attempt and its end on record, back-off within a command, the rest left for the next one.

Success is the server's 250, recorded. A letter that may have arrived is not sent again by itself.
"""

from __future__ import annotations

import fcntl
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Literal

from reporting.cli.common import Refused, local, this_agent
from reporting.events import (
    KIND_MAIL,
    KIND_MAIL_BEGUN,
    KIND_MAIL_FAILED,
    KIND_MAIL_WANTED,
    MailBegun,
    MailFailed,
    MailSent,
    MailWanted,
)
from reporting.files import below
from reporting.ledger import Draft
from reporting.ledger.model import LedgerError
from reporting.notify.letter import Letter, build
from reporting.notify.mail import PASSWORD_VARIABLE, MailError, MailUncertainError, deliver
from reporting.notify.outbox import KINDS, Post, posts, unanswered, waiting
from reporting.runner.model import Record
from reporting.unit import Mail

_FIRST_WAIT, _LONGEST_WAIT = 2.0, 60.0  # seconds between attempts of one command
DEFAULT_WAIT = 30.0  # seconds that one command goes on trying
_MOST_PATIENCE = 3600.0

State = Literal["sent", "failed", "uncertain"]


@dataclass(frozen=True)
class Outcome:
    """What became of one letter in this command: one line, to be printed after the name of who was to get it."""

    post: Post
    state: State
    text: str


def mail_of(record: Record) -> Mail:
    """The mail server of the settings.

    Raises:
        Refused: there is none.
    """
    mail = record.inventory.unit.mail
    if mail is None:
        raise Refused("laman_unit.mail is missing: name your mail server there (see inventory/example)")
    return mail


@contextmanager
def mail_lock(record: Record) -> Iterator[None]:
    """One at a time from "was it sent before?" to "it was sent"; nothing else need wait for a mail server.

    Raises:
        Refused: another laman is sending.
    """
    record.locks.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(record.locks / "mail.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refused("another laman is sending e-mail in this moment: try again when it is done") from None
        yield
    finally:
        os.close(descriptor)


def patience(asked: float | None) -> float:
    """For how many seconds a command goes on trying.

    Raises:
        Refused: not a number of seconds that makes sense.
    """
    if asked is None:
        return DEFAULT_WAIT
    if not 0 <= asked <= _MOST_PATIENCE:
        raise Refused(f"--wait {asked:g}: seconds from 0 to {_MOST_PATIENCE:.0f} are expected")
    return asked


def known_posts(record: Record) -> list[Post]:
    """Every letter on record."""
    return posts(record.ledger.events(KINDS))


def want(record: Record, wanted: Sequence[MailWanted]) -> list[Post]:
    """Put letters on record before they are tried: from now on none is lost."""
    if not wanted:
        return []
    agent = this_agent()
    events = record.ledger.append(
        [Draft(KIND_MAIL_WANTED, _subject(w), f"{agent.kind}:{agent.name}", w.json_value()) for w in wanted]
    )
    return [Post(w, "wanted", 0, e.at) for w, e in zip(wanted, events, strict=True)]


def send(record: Record, letters: Sequence[Post], seconds: float) -> list[Outcome]:
    """Try letters; the caller holds `mail_lock`. What may be better in a while is tried again for `seconds`.

    Between two attempts it waits 2, 4, 8 … seconds, at most a minute, and says so on standard error.
    """
    postman = _Postman(record, mail_of(record))
    outcomes = [postman.attempt(post) for post in letters]
    deadline, pause = time.monotonic() + seconds, _FIRST_WAIT
    while (late := [n for n, o in enumerate(outcomes) if _may_be_better(o)]) and time.monotonic() < deadline:
        pause = min(pause, max(deadline - time.monotonic(), 0))
        who = ", ".join(outcomes[n].post.wanted.to.officer for n in late)
        print(f"laman: {who}: {outcomes[late[0]].text}; again in {pause:.0f} s", file=sys.stderr, flush=True)
        time.sleep(pause)
        for number in late:
            outcomes[number] = postman.attempt(outcomes[number].post)
        pause = min(pause * 2, _LONGEST_WAIT)
    return outcomes


def send_pending(record: Record) -> list[Outcome]:
    """Try every letter that was wanted and not sent, once, if its time has come. For `laman due --run`.

    Nothing to send, no server in the settings, or another laman that is sending: nothing is done.
    """
    now = record.clock()
    if record.inventory.unit.mail is None:
        return []
    try:
        with mail_lock(record):
            found = waiting(known_posts(record), now, record.inventory.unit.tz)
            return send(record, [p for p in found if p.again_at() <= now], 0.0)
    except Refused:
        return []  # the one that is sending takes what waits, or the next timer does


def unsent(record: Record) -> tuple[list[Post], list[Post]]:
    """Letters that still go by themselves, and reports that need a person."""
    found, now = known_posts(record), record.clock()
    return waiting(found, now, record.inventory.unit.tz), unanswered(found, now)


def _may_be_better(outcome: Outcome) -> bool:
    failure = outcome.post.failure
    return outcome.state == "failed" and failure is not None and failure.transient


def _subject(wanted: MailWanted) -> str:
    return wanted.period if wanted.about == "report" else wanted.to.officer


@dataclass(frozen=True)
class _Postman:
    """Carries letters to the server of the settings."""

    record: Record
    mail: Mail

    def attempt(self, post: Post) -> Outcome:
        """One attempt, with its end on record."""
        try:
            message = build(self._letter(post.wanted))
        except (OSError, ValueError) as error:
            return self._failed(post, MailError(f"{error} (laman verify tells more)"))
        ca_file = self.record.inventory.resolve(self.mail.ca_file) if self.mail.ca_file else None
        begun = self._begun(post)
        try:
            reply = deliver(message, self.mail, os.environ.get(PASSWORD_VARIABLE), ca_file, begun)
        except MailError as error:
            return self._failed(post, error)
        return self._sent(post, reply)

    def _letter(self, wanted: MailWanted) -> Letter:
        unit = self.record.inventory.unit
        return Letter(
            to_name=wanted.to.name,
            to_address=wanted.to.address,
            from_name=f"laman {unit.name}",
            sender=self.mail.sender,
            subject=wanted.subject,
            body=wanted.body,
            attachment=wanted.attachment,
            content=self._content(wanted),
            date=wanted.wanted_at.astimezone(unit.tz),
            message_id=wanted.message_id,
        )

    def _content(self, wanted: MailWanted) -> bytes | None:
        """The workbook from the archive, as it was recorded."""
        if wanted.file is None:
            return None
        path = below(self.record.archive.root, wanted.file.path)
        if self.record.archive.measure(path) != wanted.file:
            raise ValueError(f"{path}: is not what was issued: nothing was sent")
        return path.read_bytes()

    def _begun(self, post: Post) -> Callable[[], None]:
        def note() -> None:
            wanted = post.wanted
            event = MailBegun(
                letter=wanted.letter, message_id=wanted.message_id, attempt=post.attempts + 1, at=self.record.clock()
            )
            self._append(KIND_MAIL_BEGUN, wanted, event)

        return note

    def _failed(self, post: Post, error: MailError) -> Outcome:
        wanted, uncertain = post.wanted, isinstance(error, MailUncertainError)
        failure = MailFailed(
            about=wanted.about,
            letter=wanted.letter,
            to=[wanted.to],
            attempt=post.attempts + 1,
            reason=str(error)[:500],
            uncertain=uncertain,
            transient=error.transient,
            message_id=wanted.message_id,
            at=self.record.clock(),
            agent=this_agent(),
        )
        self._append(KIND_MAIL_FAILED, wanted, failure)
        state: State = "uncertain" if uncertain else "failed"
        after = replace(post, state=state, attempts=failure.attempt, at=failure.at, failure=failure)
        return Outcome(after, state, failure.reason)

    def _sent(self, post: Post, reply: str) -> Outcome:
        wanted, file = post.wanted, post.wanted.file
        sent = MailSent(
            about=wanted.about,
            letter=wanted.letter,
            to=[wanted.to],
            subject=wanted.subject,
            message_id=wanted.message_id,
            attachment=wanted.attachment,
            attachment_sha256=file.sha256 if file else None,
            server=f"{self.mail.host}:{self.mail.port_used}",
            reply=reply,
            sent_at=self.record.clock(),
            agent=this_agent(),
        )
        try:
            self._append(KIND_MAIL, wanted, sent)
        except (LedgerError, OSError) as error:
            text = f"the server took {wanted.message_id}, but it could not be recorded: {error}"
            return Outcome(replace(post, state="uncertain", attempts=post.attempts + 1), "uncertain", text)
        after = replace(post, state="sent", attempts=post.attempts + 1, at=sent.sent_at, sent=sent)
        return Outcome(after, "sent", f"taken by the server as {wanted.message_id}")

    def _append(self, kind: str, wanted: MailWanted, event: MailBegun | MailFailed | MailSent) -> None:
        agent = this_agent()
        self.record.ledger.append([Draft(kind, _subject(wanted), f"{agent.kind}:{agent.name}", event.json_value())])


def sent_on(record: Record, post: Post) -> str:
    """When a letter was sent, or last tried, as it is printed."""
    return local(post.at, record.inventory)
