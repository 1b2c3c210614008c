"""Who accounts, who decides, and who was faster: the pure commands on deviations."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from reporting.account import fold
from reporting.deviation.commands import AskedAccount, AskedDecision, accept, account, account_drafts, give_back
from reporting.deviation.model import Known, Refused, Situation
from reporting.events import AccountedFor, Agent, Person
from reporting.ledger.model import GENESIS, Draft, Event
from tests.unit.workbook import sample

NOW = datetime(2026, 11, 18, 9, 0, tzinfo=sample.WIB)
KEYBOARD = Agent(kind="person", name="x")
ID = "D-0123456789"
TEXTS = ("sebab", "akibat", "tindakan", "Budi")


def situation(executor: Person | None = sample.BUDI, **officers: dict[str, Any]) -> Situation:
    """One deviation of a backup; `officers` change those of the samples by id."""
    people = [{**o.model_dump(), **officers.get(o.id, {})} for o in sample.unit().officers]
    about = AccountedFor(activity=2, site="laman", aspect="output", reason="rusak", at=NOW - timedelta(days=1))
    known = Known(ID, about, executor, "pengelola_sistem_dan_jaringan", date(2026, 11, 25))
    return Situation(sample.unit(officers=people), {ID: known}, NOW, KEYBOARD)


def asked(**changes: Any) -> AskedAccount:
    return replace(AskedAccount([ID], *TEXTS, until=date(2026, 12, 1)), **changes)


def after(before: Situation, drafts: list[Draft], events: list[Event]) -> Situation:
    """The situation once the drafts are on record; `events` grow."""
    for draft in drafts:
        seq = len(events) + 1
        events.append(Event(seq, f"{seq}", NOW, "u", "a", draft.kind, draft.subject, draft.data, GENESIS, GENESIS))
    known = replace(before.deviations[ID], account=fold(events).get(ID))
    return replace(before, deviations={ID: known})


def given(before: Situation, events: list[Event], **changes: Any) -> Situation:
    drafts = account_drafts(before, account(before, asked(**changes)), "folder", "aa", [])
    return after(before, drafts, events)


def decision(note: str = "", **changes: Any) -> AskedDecision:
    return replace(AskedDecision([ID], "accepted", note), **changes)


def test_the_executor_accounts_or_who_holds_the_role_now() -> None:
    assert account(situation(), asked())[0].executor.id == "budi"
    gone = {"last": date(2026, 10, 31)}
    heir = {"roles": ["pengelola_laman", "pengelola_sistem_dan_jaringan"]}
    assert account(situation(budi=gone, siti=heir), asked())[0].executor.id == "siti"
    assert account(situation(budi=gone, siti=heir), asked(executor="Budi Santoso, S.Kom."))[0].executor.id == "budi"
    assert account(situation(None), asked())[0].executor.id == "budi"  # missed while nobody was in office
    with pytest.raises(Refused, match="nobody in office holds the role pengelola sistem dan jaringan"):
        account(situation(budi=gone), asked())
    with pytest.raises(Refused, match=r"--as 'siti': .* budi \(Budi Santoso"):
        account(situation(), asked(executor="siti"))


def test_one_account_answers_each_deviation_once() -> None:
    assert len(account(situation(), asked(deviations=[ID, ID.lower(), "D-012"]))) == 1
    with pytest.raises(Refused, match="no deviation D-01234X6789; did you mean D-0123456789"):
        account(situation(), asked(deviations=["d-01234x6789"]))


def test_without_kasi_si_nobody_decides() -> None:
    events: list[Event] = []
    before = given(situation(dewi={"last": date(2026, 10, 31)}), events)
    with pytest.raises(Refused, match=r"nobody in office holds the role kasi si .* \(Plt.\)"):
        accept(before, decision())


def test_who_was_faster_is_noticed() -> None:
    events: list[Event] = []
    before = given(replace(situation(), seen={ID: 0}), events)
    with pytest.raises(Refused, match=r"has moved on since it was read: Budi Santoso, S\.Kom\. has accounted for it"):
        accept(before, decision())
    read = replace(before, seen={ID: 1})
    decided = after(read, accept(read, decision()), events)
    with pytest.raises(Refused, match="the account was accepted by Dewi"):
        give_back(decided, decision("lagi", decision="returned"))


def test_an_account_replaces_one_that_waits_only_when_that_is_meant() -> None:
    events: list[Event] = []
    before = given(situation(), events)
    with pytest.raises(Refused, match="add --again"):
        account(before, asked())
    again = given(before, events, again=True, cause="sebab yang benar")
    known = fold(events)[ID]
    assert [said.cause for said, _ in known.earlier] == ["sebab"]
    assert known.said.cause == "sebab yang benar"
    assert known.state == "dipertanggungjawabkan"
    assert known.said.account != "A-AA-9"
    assert "read it first" in str(_refusal(again, "A-AA-9"))


def _refusal(before: Situation, named: str) -> Refused:
    with pytest.raises(Refused) as found:
        accept(before, decision(account=named))
    return found.value


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"cause": " "}, "--cause is empty"),
        ({"action_by": "x" * 201}, "--by has 201 characters"),
        ({"until": date(2026, 11, 17)}, "is in the past"),
        ({"until": date(2026, 11, 19), "done": True}, "leave --done out"),
        ({"until": date(2028, 1, 1)}, "is the year right"),
        ({"deviations": ["", " "]}, "no deviation named"),
    ],
)
def test_what_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(Refused, match=said):
        account(situation(), asked(**changes))


def test_what_is_no_deviation_any_more_needs_no_account() -> None:
    before = situation()
    gone = replace(before, deviations={ID: replace(before.deviations[ID], stands=False)})
    with pytest.raises(Refused, match="no deviation any more"):
        account(gone, asked())


def test_a_clock_that_is_behind_the_last_event() -> None:
    before = situation()
    assert account(replace(before, last_at=NOW + timedelta(minutes=5)), asked())
    with pytest.raises(Refused, match=r"set the clock right .* or if it is right and was wrong then: .*clock-is-right"):
        account(replace(before, last_at=NOW + timedelta(minutes=6)), asked())
