"""Account for a deviation, accept the account, return it: (situation, asked) -> who does it, or `Refused`. Pure.

The caller has looked everything up, holds the lock, archives the evidence, and appends the drafts in one transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from reporting.deviation.model import Known, Refused, Situation, check_clock, check_seen, found, role_name
from reporting.events import (
    KIND_ACCOUNTED,
    KIND_DECIDED,
    KIND_EVIDENCE,
    Attachment,
    DeviationAccounted,
    DeviationDecided,
    EvidenceAdded,
    EvidenceFile,
    Person,
)
from reporting.ledger.model import Draft
from reporting.people import named, person, same_person
from reporting.text import harmless

Decision = Literal["accepted", "returned"]
_MOST = 2_000  # characters of a text
_NAME = 200
_AHEAD = timedelta(days=366)  # a corrective action that takes longer is none, or its year was mistyped
_DECIDERS = ("kasi_si", "kasubag_umum")  # the second only over what the first would decide about himself


@dataclass(frozen=True, slots=True)
class AskedAccount:
    """An account as it was typed; it may answer several deviations of one cause. `again`: replaces one that waits."""

    deviations: Sequence[str]
    cause: str
    consequence: str
    action: str
    action_by: str
    until: date
    done: bool = False
    executor: str | None = None  # id or name; None: the executor, or who holds the role now
    again: bool = False


@dataclass(frozen=True, slots=True)
class Accounting:
    """A permitted account of one deviation, and who gives it."""

    known: Known
    executor: Person
    asked: AskedAccount


def account(situation: Situation, asked: AskedAccount) -> list[Accounting]:
    """Who accounts for which deviation.

    Raises:
        Refused: in this order: an unknown deviation, the clock, a text, the date, its state, the person.
    """
    known = found(situation, asked.deviations)
    check_clock(situation)
    _check_texts(asked)
    _check_until(situation, asked)
    for one in known:
        check_seen(situation, one)
        _check_may_account(situation, one, again=asked.again)
    return [Accounting(one, accountant(situation, one, asked.executor), asked) for one in known]


def _check_texts(asked: AskedAccount) -> None:
    texts = (
        ("--cause", asked.cause, _MOST, "why it came to this"),
        ("--consequence", asked.consequence, _MOST, "what came of it"),
        ("--action", asked.action, _MOST, "what is done so that it does not happen again"),
        ("--by", asked.action_by, _NAME, "who does it"),
    )
    for option, text, most, meaning in texts:
        if not text.strip():
            raise Refused(f"{option} is empty: write {meaning}")
        if len(text.strip()) > most:
            raise Refused(
                f"{option} has {len(text.strip()):,} characters: at most {most:,} (attach a file with --evidence)"
            )


def _check_until(situation: Situation, asked: AskedAccount) -> None:
    today, until = situation.today, asked.until
    if asked.done and until > today:
        raise Refused(f"--until {until} is in the future, and --done says that it is done: leave --done out")
    if not asked.done and until < today:
        raise Refused(f"--until {until} is in the past (today is {today}): give a day to come, or --done if it is done")
    if until > today + _AHEAD:
        raise Refused(f"--until {until} is more than a year ahead: is the year right?")


def _check_may_account(situation: Situation, known: Known, *, again: bool) -> None:
    given = known.account
    if given is None or given.state == "dikembalikan":
        if not known.stands and given is None:
            raise Refused(f"{known.id} is no deviation any more: there is nothing to account for")
        return
    if given.state == "diterima" and given.decision is not None:
        when = situation.local(given.decision.at)
        raise Refused(
            f"{known.id}: its account was accepted by {given.decision.decided_by.name} on {when}: it is closed"
        )
    if not again:
        when = situation.local(given.said.at)
        raise Refused(
            f"{known.id} was accounted for by {given.said.executor.name} on {when} and waits for its decision; to "
            "replace that account, add --again"
        )


def accountant(situation: Situation, known: Known, wanted: str | None) -> Person:
    """Who accounts: the executor, also one who has left the office, or whoever holds the executor's role now.

    Raises:
        Refused: somebody else was named, or nobody is there.
    """
    holders = situation.holders(known.role)
    executor = known.executor
    if wanted is None:
        if executor is not None and any(same_person(executor, p) for p in _in_office(situation)):
            return executor
        if holders:
            return holders[0]
        raise Refused(
            f"{known.id}: nobody in office holds the role {role_name(known.role)} on {situation.today}: add an officer "
            "to laman_unit.officers, or name the former executor with --as"
        )
    if executor is not None and named(executor, wanted):
        return executor
    fitting = [p for p in holders if named(p, wanted)]
    if fitting:
        return fitting[0]
    allowed = _names([*([executor] if executor is not None else []), *holders])
    raise Refused(
        f"--as {harmless(wanted, 80)!r}: {known.id} is accounted for by its executor or by who is "
        f"{role_name(known.role)} now: {allowed}"
    )


def _in_office(situation: Situation) -> list[Person]:
    return [person(o) for o in situation.unit.officers if o.in_office(situation.today)]


def _names(people: Iterable[Person]) -> str:
    return ", ".join(dict.fromkeys(f"{p.id} ({p.name})" for p in people)) or "nobody"


def account_drafts(
    situation: Situation, plans: Sequence[Accounting], folder: str, token: str, files: Sequence[Attachment]
) -> list[Draft]:
    """The events of an account: its evidence (once), and one for each deviation. `files`: archived in `folder`."""
    drafts = []
    if files:
        plain = [EvidenceFile(path=f.path, bytes=f.bytes, sha256=f.sha256) for f in files]
        added = EvidenceAdded(execution=folder, files=plain, of="deviation")
        drafts.append(Draft(KIND_EVIDENCE, plans[0].known.id, situation.actor, added.json_value()))
    for number, plan in enumerate(plans, start=1):
        asked = plan.asked
        said = DeviationAccounted(
            deviation=plan.known.id,
            account=f"A-{token.upper()}-{number}",
            executor=plan.executor,
            agent=situation.agent,
            cause=asked.cause.strip(),
            consequence=asked.consequence.strip(),
            action=asked.action.strip(),
            action_by=asked.action_by.strip(),
            action_until=asked.until,
            action_done=asked.done,
            attachments=list(files),
            at=situation.now,
            about=plan.known.about,
        )
        drafts.append(Draft(KIND_ACCOUNTED, plan.known.id, situation.actor, said.json_value()))
    return drafts


@dataclass(frozen=True, slots=True)
class AskedDecision:
    """A decision as it was typed. `account`: the account that was read, where it was named."""

    deviations: Sequence[str]
    decision: Decision
    note: str = ""
    officer: str | None = None
    account: str | None = None


def accept(situation: Situation, asked: AskedDecision) -> list[Draft]:
    """The account satisfies: the events that say so. See `decide`."""
    return decide(situation, asked)


def give_back(situation: Situation, asked: AskedDecision) -> list[Draft]:
    """The account does not satisfy: the executor accounts again; the note says why. See `decide`."""
    if not asked.note.strip():
        raise Refused("return needs --note: write what the executor has to add or change")
    return decide(situation, asked)


def decide(situation: Situation, asked: AskedDecision) -> list[Draft]:
    """Kasi SI's decision on accounts.

    Raises:
        Refused: in this order: an unknown deviation, the clock, no account or another one, decided already, the person.
    """
    known = found(situation, asked.deviations)
    check_clock(situation)
    if len(asked.note.strip()) > _MOST:
        raise Refused(f"--note has {len(asked.note.strip()):,} characters: at most {_MOST:,}")
    drafts = []
    for one in known:
        check_seen(situation, one)
        account_id = _waiting(situation, one, asked)
        data = DeviationDecided(
            deviation=one.id,
            account=account_id,
            decision=asked.decision,
            decided_by=decider(situation, one, asked.officer),
            agent=situation.agent,
            note=asked.note.strip(),
            at=situation.now,
        )
        drafts.append(Draft(KIND_DECIDED, one.id, situation.actor, data.json_value()))
    return drafts


def _waiting(situation: Situation, known: Known, asked: AskedDecision) -> str:
    """The id of the account that is decided upon."""
    given, verb = known.account, "accept" if asked.decision == "accepted" else "return"
    if given is None:
        who = known.executor.name if known.executor is not None else role_name(known.role)
        raise Refused(
            f"{known.id} has no account that one could {verb}: {who} gives it first (laman deviation account)"
        )
    if given.decision is not None:
        when, by = situation.local(given.decision.at), given.decision.decided_by.name
        more = "" if given.decision.decision == "accepted" else ": it waits for a new account"
        raise Refused(f"{known.id} was {given.decision.decision} already, by {by} on {when}{more}")
    if asked.account is not None and asked.account.strip().upper() != given.said.account.upper():
        raise Refused(
            f"{known.id}: its account is {given.said.account} of {situation.local(given.said.at)}, not "
            f"{harmless(asked.account, 40)}: read it first (laman deviation show {known.id})"
        )
    return given.said.account


def decider(situation: Situation, known: Known, wanted: str | None) -> Person:
    """Who decides: Kasi SI; Kasubag Umum where every Kasi SI would decide on an own account.

    Raises:
        Refused: somebody else was named, it is the own account, or nobody is left to decide.
    """
    own = [p for p in (known.executor, known.account.said.executor if known.account else None) if p is not None]
    allowed: list[Person] = []
    for role in _DECIDERS:
        holders = situation.holders(role)
        if not holders and role == _DECIDERS[0]:
            raise Refused(
                f"nobody in office holds the role kasi si on {situation.today}: add the officer, or an acting one "
                "(Plt.), to laman_unit.officers"
            )
        allowed = [p for p in holders if not any(same_person(p, o) for o in own)]
        if allowed:
            break
    if wanted is None:
        if not allowed:
            raise Refused(
                f"{known.id}: {own[-1].name} accounted for it and may not decide on it, and no other kasi si or "
                "kasubag umum is in office: appoint one (laman_unit.officers)"
            )
        return allowed[0]
    fitting = [p for p in allowed if named(p, wanted)]
    if fitting:
        return fitting[0]
    if any(named(p, wanted) for p in own):
        raise Refused(f"{known.id}: nobody decides on an own account: {_names(allowed)} does")
    raise Refused(f"--as {harmless(wanted, 80)!r}: the account of {known.id} is decided upon by {_names(allowed)}")
