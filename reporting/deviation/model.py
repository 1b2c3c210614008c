"""What the commands on deviations are judged with. Plain values; who evaluated the record is none of this room."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from reporting.account import Account
from reporting.events import AccountedFor, Agent, Person
from reporting.people import person
from reporting.text import harmless
from reporting.unit import Role, Unit

SOON = timedelta(minutes=5)  # a clock that is this much behind another is no error
_BEGINNING = 5  # characters of an id that may stand for it: D- and three
_NEAR = 0.6  # how much alike a mistyped id and the one that was meant are


class Refused(Exception):
    """What was asked cannot be done; one line: what, why, what to do."""


@dataclass(frozen=True, slots=True)
class Known:
    """One deviation as the record tells it now. `stands`: computed again, it still is one.

    `executor`: who is responsible; None for an occasion that was missed while nobody was in office. `role`: who carries
    its activity out, as the unit has assigned it today.
    """

    id: str
    about: AccountedFor
    executor: Person | None
    role: str
    due: date | None
    stands: bool = True
    account: Account | None = None


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything that a command is judged with.

    `last_at`: when the ledger's last event was recorded; None: not to be compared.
    """

    unit: Unit
    deviations: Mapping[str, Known]
    now: datetime
    agent: Agent
    last_at: datetime | None = None
    seen: Mapping[str, int] = field(default_factory=dict)  # deviation -> the last event about it that was read

    @property
    def today(self) -> date:
        """The unit's local day."""
        return self.now.astimezone(self.unit.tz).date()

    @property
    def actor(self) -> str:
        """Who types, as the ledger names it."""
        return f"{self.agent.kind}:{self.agent.name}"

    def local(self, at: datetime) -> str:
        """An instant on the unit's clock."""
        return at.astimezone(self.unit.tz).strftime("%Y-%m-%d %H:%M %Z")

    def holders(self, role: str) -> list[Person]:
        """Who holds a role today."""
        return [person(o) for o in self.unit.officers_for(role, self.today)]


def found(situation: Situation, wanted: Iterable[str]) -> list[Known]:
    """The deviations that were named, each once, however their letters were typed.

    Raises:
        Refused: none was named, or there is no such deviation (the nearest is told).
    """
    names = list(dict.fromkeys(text.strip().upper() for text in wanted if text.strip()))
    if not names:
        raise Refused("no deviation named: give its id, like D-0123456789 (see: laman deviation list)")
    return [situation.deviations[key] for key in dict.fromkeys(named_id(situation.deviations, n) for n in names)]


def named_id(known: Mapping[str, object], wanted: str) -> str:
    """The id of a deviation as it was typed: in any letters, or its beginning where only one begins so.

    Raises:
        Refused: there is no such deviation; the nearest is told.
    """
    name = wanted.strip().upper()
    if name in known:
        return name
    begun = [key for key in known if len(name) >= _BEGINNING and key.startswith(name)]
    if len(begun) == 1:
        return begun[0]
    near = begun[:3] or difflib.get_close_matches(name, list(known), n=1, cutoff=_NEAR)
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    raise Refused(f"no deviation {harmless(name, 40)}{hint} (see: laman deviation list --all)")


def check_clock(situation: Situation) -> None:
    """Nothing is said before what was recorded last, unless somebody has looked which of the two clocks is wrong.

    Raises:
        Refused: this machine's clock is behind, or it was ahead when the last event was recorded.
    """
    last = situation.last_at
    if last is not None and situation.now < last - SOON:
        raise Refused(
            f"this machine's clock says {situation.local(situation.now)}, but the record's last event is of "
            f"{situation.local(last)}: set the clock right (timedatectl), or if it is right and was wrong then: add "
            "--clock-is-right"
        )


def check_seen(situation: Situation, known: Known) -> None:
    """Nobody was faster.

    Raises:
        Refused: the account has changed since it was read.
    """
    seen = situation.seen.get(known.id)
    account = known.account
    now = account.seq if account is not None else 0
    if seen is None or seen == now:
        return
    if account is None:
        raise Refused(f"{known.id}: it is not as it was read: look at it again (laman deviation show {known.id})")
    decided = account.decision
    if decided is not None:
        what = f"the account was {decided.decision} by {decided.decided_by.name}"
    else:
        what = f"{account.said.executor.name} has accounted for it"
    raise Refused(
        f"{known.id} has moved on since it was read: {what}; look at it again (laman deviation show {known.id})"
    )


def role_name(role: Role | str) -> str:
    """A role as people read it."""
    return role.replace("_", " ")
