"""The outbox, computed from the record: which letters are wanted, what became of each, what is tried again and when.

A letter goes to one address. It is wanted (`mail.wanted`), handed over (`mail.begun`), and then taken by the server
(`mail.sent`) or not (`mail.failed`). Where that last event is missing or says uncertain, it may have arrived: nobody
sends it again by himself. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import Literal

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
from reporting.ledger.model import Event

KINDS = (KIND_MAIL_WANTED, KIND_MAIL_BEGUN, KIND_MAIL, KIND_MAIL_FAILED)
GIVE_UP = timedelta(days=5)  # RFC 5321, 4.5.4.1: at least four to five days
_FIRST, _LONGEST = timedelta(minutes=5), timedelta(hours=4)
_LASTING = timedelta(days=1)  # a refusal that waiting does not mend: somebody has to, and then it goes by itself

State = Literal["wanted", "failed", "uncertain", "sent", "replaced"]


@dataclass(frozen=True, slots=True)
class Post:
    """One letter to one address and what became of it. `attempts`: how many there were; `at`: of the last event."""

    wanted: MailWanted
    state: State
    attempts: int
    at: datetime
    failure: MailFailed | None = None
    sent: MailSent | None = None

    def again_at(self) -> datetime:
        """From when it is tried by itself: after 5, 10, 20 … minutes (at most 4 hours), a lasting refusal: a day."""
        if self.failure is None:
            return self.at
        if not self.failure.transient:
            return self.at + _LASTING
        return self.at + min(_FIRST * (1 << min(max(self.attempts - 1, 0), 10)), _LONGEST)

    def given_up(self, now: datetime) -> bool:
        """Too old to be tried again by itself."""
        return now >= self.wanted.wanted_at + GIVE_UP


def posts(events: Iterable[Event]) -> list[Post]:
    """Every letter that was ever wanted, in order; `replaced`: unsent, and a later one took its place."""
    found: dict[str, Post] = {}
    for event in events:
        if event.kind == KIND_MAIL_WANTED:
            wanted = MailWanted.model_validate(event.data)
            for message_id, post in found.items():
                if post.state in ("wanted", "failed") and _takes_the_place(wanted, post.wanted):
                    found[message_id] = Post(post.wanted, "replaced", post.attempts, event.at, post.failure)
            found[wanted.message_id] = Post(wanted, "wanted", 0, event.at)
        elif event.kind in KINDS and (before := found.get(str(event.data.get("message_id")))) is not None:
            found[before.wanted.message_id] = _after(before, event)
    return list(found.values())


def _takes_the_place(later: MailWanted, earlier: MailWanted) -> bool:
    same = later.about == earlier.about and later.to.officer == earlier.to.officer
    return same and (later.about == "digest" or later.period == earlier.period)


def _after(post: Post, event: Event) -> Post:
    if event.kind == KIND_MAIL_BEGUN:
        begun = MailBegun.model_validate(event.data)
        return Post(post.wanted, "uncertain", begun.attempt, event.at, post.failure)
    if event.kind == KIND_MAIL:
        sent = MailSent.model_validate(event.data)
        return Post(post.wanted, "sent", max(post.attempts, 1), event.at, post.failure, sent)
    failure = MailFailed.model_validate(event.data)
    state: State = "uncertain" if failure.uncertain else "failed"
    return Post(post.wanted, state, failure.attempt, event.at, failure)


def last_to(found: Iterable[Post], about: str, period: str, address: str) -> Post | None:
    """The last letter of that kind for that period to an address, whatever became of it, but none that was replaced."""
    last = None
    for post in found:
        wanted = post.wanted
        if (wanted.about, wanted.period, wanted.to.address) == (about, period, address) and post.state != "replaced":
            last = post
    return last


def waiting(found: Iterable[Post], now: datetime, zone: tzinfo) -> list[Post]:
    """Letters that were not sent and that still go by themselves; a digest is of its day only."""
    today = now.astimezone(zone).date()
    return [
        post
        for post in found
        if post.state in ("wanted", "failed") and not post.given_up(now) and not _stale(post.wanted, today)
    ]


def _stale(wanted: MailWanted, today: date) -> bool:
    return wanted.about == "digest" and wanted.period != today.isoformat()


def unanswered(found: Iterable[Post], now: datetime) -> list[Post]:
    """Reports that need a person: nobody knows whether they arrived, or they were given up. A later one settles it."""
    last: dict[tuple[str, str], Post] = {}
    for post in found:
        if post.wanted.about == "report" and post.state != "replaced":
            last[post.wanted.period, post.wanted.to.officer] = post
    return [p for p in last.values() if p.state == "uncertain" or (p.state == "failed" and p.given_up(now))]
