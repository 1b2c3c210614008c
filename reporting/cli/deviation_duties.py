"""What deviations ask of people now: accounts that executors owe, accounts that wait for their decision."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from reporting.cli.common import command_line
from reporting.cli.deviation_known import Whole, situation_of, whole_record
from reporting.cli.duties import Duty
from reporting.compliance import Compliance, Deviation
from reporting.deviation.commands import accountant, decider
from reporting.deviation.model import Refused, Situation, role_name
from reporting.events import Person
from reporting.runner.model import Record


def duties(record: Record, compliance: Compliance) -> list[Duty]:
    """See reporting.cli.deviation.duties."""
    whole = whole_record(record)
    situation = situation_of(record, whole)
    today = compliance.as_of.date()
    owed: dict[str, tuple[Person | None, list[Deviation]]] = {}
    for d in whole.compliance.deviations:
        if d.lacks_account:
            who = _accountant(situation, d)
            key = who.id if who is not None else situation.deviations[d.id].role
            owed.setdefault(key, (who, []))[1].append(d)
    found = [_owed(record, situation, *owed[key]) for key in sorted(owed)]
    found.sort(key=lambda duty: duty.due_at is None or duty.due_at.date() > today)  # what is overdue comes first
    return [*found, *_waiting(record, situation, whole)]


def _accountant(situation: Situation, d: Deviation) -> Person | None:
    try:
        return accountant(situation, situation.deviations[d.id], None)
    except Refused:
        return None


def _owed(record: Record, situation: Situation, who: Person | None, owed: list[Deviation]) -> Duty:
    """One duty for all that one executor owes, overdue or not."""
    first = min(owed, key=lambda d: (d.account_due or situation.today, d.id))
    due = first.account_due or situation.today
    count, late = len(owed), sum(d.overdue(situation.today) for d in owed)
    some = late if 0 < late < count else None  # all, or none: one word says it
    name = who.name if who is not None else role_name(situation.deviations[first.id].role)
    named = ["--executor", who.id] if who is not None and all(_is(d, who) for d in owed) else []
    typed = ["deviation", "show", first.id] if count == 1 else ["deviation", "list", *named]
    returned = sum(d.account_state == "dikembalikan" for d in owed)
    late_en = f", {some} of them overdue" if some else ", overdue" if late else ""
    what = f"{name} accounts for {count} deviation(s){late_en}"
    late_id = f", {some} sudah lewat tenggat" if some else ", sudah lewat tenggat" if late else ""
    what_id = f"{name} mempertanggungjawabkan {count} penyimpangan{late_id}"
    if returned:
        what, what_id = f"{what}; {returned} returned", f"{what_id}; {returned} dikembalikan"
    end = datetime.combine(due + timedelta(days=1), time(), situation.unit.tz)
    officer = who.id if who is not None else ""
    return Duty(what, command_line(record.inventory, *typed), due.isoformat(), name, officer, end, what_id)


def _is(d: Deviation, who: Person) -> bool:
    return d.executor is not None and d.executor.id == who.id


def _waiting(record: Record, situation: Situation, whole: Whole) -> list[Duty]:
    """One duty for all accounts that one officer decides on."""
    by: dict[str, tuple[str, list[str]]] = {}
    given = [d.id for d in whole.compliance.deviations if d.account_state == "dipertanggungjawabkan"]
    given += [
        a.deviation for a in whole.gone if a.state == "dipertanggungjawabkan" and a.deviation in situation.deviations
    ]
    for name in given:
        try:
            who = decider(situation, situation.deviations[name], None)
            key, shown = who.id, who.name
        except Refused:
            key, shown = "", "kasi si"
        by.setdefault(key, (shown, []))[1].append(name)
    found = []
    for officer, (name, ids) in by.items():
        typed = ["deviation", "show", ids[0]] if len(ids) == 1 else ["deviation", "list", "--state", "given"]
        what = f"{name} reads {len(ids)} account(s) of deviations and accepts or returns them"
        what_id = f"{name} memeriksa {len(ids)} pertanggungjawaban penyimpangan: diterima atau dikembalikan"
        found.append(Duty(what, command_line(record.inventory, *typed), None, name, officer, what_id=what_id))
    return found
