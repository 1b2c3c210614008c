"""The outbox as the record tells it: what waits, what is tried when, what nobody sends again by himself."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from reporting.events import (
    KIND_MAIL,
    KIND_MAIL_BEGUN,
    KIND_MAIL_FAILED,
    KIND_MAIL_WANTED,
    Agent,
    MailBegun,
    MailFailed,
    MailSent,
    MailTo,
    MailWanted,
)
from reporting.ledger.model import GENESIS, Event
from reporting.notify.outbox import last_to, posts, unanswered, waiting

ZONE = dt.timezone(dt.timedelta(hours=7))
NOON = dt.datetime(2026, 11, 23, 12, 0, tzinfo=ZONE)
AGENT = Agent(kind="timer", name="t")
SITI = MailTo(officer="siti", name="Siti", address="siti@kantor.example")
AGUS = MailTo(officer="agus", name="Agus", address="agus@kantor.example")


class Story:
    """Events, one minute after the other."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def _add(self, kind: str, data: Any) -> None:
        at = NOON + dt.timedelta(minutes=len(self.events))
        seq = len(self.events) + 1
        self.events.append(Event(seq, str(seq), at, "u", "a", kind, "s", data.json_value(), GENESIS, GENESIS))

    def want(self, message: str, to: MailTo = SITI, about: Any = "report", period: str = "2026-11") -> Story:
        wanted = MailWanted(about=about, letter=message, period=period, to=to, subject="s", body="b", language="id",
                            message_id=message, wanted_at=NOON, agent=AGENT)  # fmt: skip
        self._add(KIND_MAIL_WANTED, wanted)
        return self

    def begin(self, message: str, attempt: int = 1) -> Story:
        self._add(KIND_MAIL_BEGUN, MailBegun(letter=message, message_id=message, attempt=attempt, at=NOON))
        return self

    def fail(self, message: str, attempt: int = 1, **more: Any) -> Story:
        self._add(KIND_MAIL_FAILED, MailFailed(about="report", letter=message, to=[SITI], attempt=attempt, reason="r",
                                               message_id=message, at=NOON, agent=AGENT, **more))  # fmt: skip
        return self

    def sent(self, message: str) -> Story:
        self._add(KIND_MAIL, MailSent(about="report", letter=message, to=[SITI], subject="s", message_id=message,
                                      attachment="", server="x:1", sent_at=NOON, agent=AGENT))  # fmt: skip
        return self

    @property
    def states(self) -> dict[str, str]:
        return {p.wanted.message_id: p.state for p in posts(self.events)}

    def waits(self, **after: float) -> list[str]:
        return [p.wanted.message_id for p in waiting(posts(self.events), NOON + dt.timedelta(**after), ZONE)]


def test_states() -> None:
    story = Story().want("a").want("b", AGUS)
    assert story.states == {"a": "wanted", "b": "wanted"}
    assert story.begin("a").states["a"] == "uncertain"  # killed just then: it may have arrived
    assert story.sent("a").states["a"] == "sent"
    assert story.fail("b").states["b"] == "failed"
    assert story.begin("b", 2).fail("b", 2, uncertain=True).states["b"] == "uncertain"
    assert story.waits() == []


def test_a_mail_that_is_no_letter_is_left_alone() -> None:
    """An inbox that was sent (renewals) has no letter."""
    assert posts(Story().sent("inbox").events) == []


def test_a_later_letter_takes_the_place_of_what_was_not_sent() -> None:
    story = Story().want("a").fail("a").want("b", AGUS).want("c")
    assert story.states == {"a": "replaced", "b": "wanted", "c": "wanted"}
    assert story.want("d", period="2026-12").states["c"] == "wanted"
    story = Story().want("a").sent("a").want("u").begin("u").want("c")
    assert story.states == {"a": "sent", "u": "uncertain", "c": "wanted"}  # what went, or may have gone, stays so
    last = last_to(posts(story.events), "report", "2026-11", SITI.address)
    assert last is not None
    assert last.wanted.message_id == "c"
    assert last_to(posts(story.events), "digest", "2026-11", SITI.address) is None


@pytest.mark.parametrize(
    ("attempt", "transient", "minutes"),
    [(1, True, 5), (2, True, 10), (5, True, 80), (7, True, 240), (500, True, 240), (1, False, 1440)],
)
def test_when_it_is_tried_again(attempt: int, transient: bool, minutes: int) -> None:
    story = Story().want("a").fail("a", attempt, transient=transient)
    (post,) = posts(story.events)
    assert post.again_at() == story.events[-1].at + dt.timedelta(minutes=minutes)


def test_never_tried_goes_at_once() -> None:
    (post,) = posts(Story().want("a").events)
    assert post.again_at() <= NOON


def test_given_up_after_five_days_and_then_a_person_is_asked() -> None:
    story = Story().want("a").fail("a")
    assert story.waits(days=4, hours=23) == ["a"]
    assert story.waits(days=5) == []
    assert [p.state for p in unanswered(posts(story.events), NOON + dt.timedelta(days=5))] == ["failed"]
    assert unanswered(posts(story.events), NOON) == []
    story.want("b").sent("b")
    assert unanswered(posts(story.events), NOON + dt.timedelta(days=9)) == []


def test_a_reminder_is_of_its_day() -> None:
    story = Story().want("a", about="digest", period="2026-11-23").fail("a")
    assert story.waits(hours=11) == ["a"]
    assert story.waits(hours=12, minutes=1) == []
