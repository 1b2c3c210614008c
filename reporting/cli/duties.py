"""What has to be done, as a list: windows that are open, runs to read, renewals that wait, media to plug in.

`laman due` prints it, the digest mails it. A duty says what, who has to do it, with which command, until when.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Literal

from reporting.cli.common import ACTIVITIES, Refused, command_line, executor_of, local, standard_today, today
from reporting.cli.renewal_known import known_of
from reporting.cli.renewal_view import waits_for
from reporting.cli.service_view import lines_of, reminder_text
from reporting.compliance import Compliance, Execution, Occasion
from reporting.events import Person
from reporting.expiry.lifecycle import ACTIVE
from reporting.register import KINDS, fold
from reporting.renewal.commands import Known
from reporting.runner.model import Record
from reporting.schedule.life import SILENT_AFTER, alarm, read_life
from reporting.text import harmless
from reporting.unit import Inventory

When = Literal["overdue", "today", "soon", "later"]
LOOK_BACK = timedelta(days=35)  # an open window, or one whose run waits for its reader, began at most this long ago
_SOON = timedelta(days=7)
_WORD = {number: word for word, number in ACTIVITIES.items()}
_NAME_ID = {1: "pemantauan status konten", 2: "backup sistem dan data", 3: "pemantauan aktivitas pengunjung"}
_STEP_ID = {"submit": "pengajuan", "approve": "persetujuan", "pay": "pembayaran", "report": "pelaporan status"}
_INSTANT = timedelta(microseconds=1)
_COMMANDS = {
    "submit": "submit --case {case} --sheet FILE",
    "approve": "approve {case} --sheet SCAN",
    "pay": "pay {case} --proof FILE",
    "report": "report {case}",
}


@dataclass(frozen=True)
class Duty:
    """One thing to do: what, with which command, until when (`until`: local, as printed; `due_at`: the instant).

    `who`: name of the officer who has to do it (or the role that nobody holds); `officer`: his or her id. `what_id`:
    the same in Indonesian, for what is mailed.
    """

    what: str
    command: str
    until: str | None
    who: str = ""
    officer: str = ""
    due_at: datetime | None = None
    what_id: str = ""

    def said(self, lang: str) -> str:
        """What is to be done, in a language."""
        return self.what_id if lang == "id" and self.what_id else self.what

    def when(self, now: datetime) -> When:
        """Overdue, due by the end of the local day of `now` (aware, local), within a week, or later.

        What has no instant is for today: it waits until somebody does it.
        """
        if self.due_at is None:
            return "today"
        if self.due_at <= now:
            return "overdue"
        midnight = datetime.combine(now.date() + timedelta(days=1), time(), now.tzinfo)
        if self.due_at <= midnight:
            return "today"
        return "soon" if self.due_at <= now + _SOON else "later"

    def json_value(self, now: datetime) -> dict[str, Any]:
        """As `--json` prints it."""
        return {
            "what": self.what,
            "what_id": self.what_id,
            "who": self.who,
            "officer": self.officer,
            "command": self.command,
            "until": self.until,
            "due_at": self.due_at.isoformat() if self.due_at else None,
            "when": self.when(now),
        }


def duties(record: Record, compliance: Compliance) -> list[Duty]:
    """Everything that waits for somebody; `compliance` covers `LOOK_BACK` up to now."""
    from reporting.cli.backup_duties import set_duties  # they know what a duty is
    from reporting.cli.deviation import duties as deviation_duties
    from reporting.cli.mail_due import mail_duties
    from reporting.cli.ticket_duties import duties as ticket_duties

    inventory, known = record.inventory, known_of(record)
    return [
        *_occasions(compliance, inventory),
        *_reviews(compliance, inventory),
        *deviation_duties(record, compliance),
        *_renewals(record, known),
        *_services(record, known),
        *ticket_duties(record, compliance),
        *set_duties(record),
        *_timer(record),
        *mail_duties(record),
    ]


def _occasions(compliance: Compliance, inventory: Inventory) -> list[Duty]:
    """Windows that are open and not kept yet; the media come first, where a backup is among them."""
    waiting = [o for o in compliance.occasions if o.closes_at > compliance.as_of]
    found = [d for o in sorted(waiting, key=lambda o: o.closes_at) if (d := _open_occasion(o, inventory))]
    if any(" run backup" in d.command for d in found):
        from reporting.cli.backup_duties import media_duties

        return [*media_duties(inventory), *found]
    return found


def _open_occasion(occasion: Occasion, inventory: Inventory) -> Duty | None:
    word, site = _WORD[occasion.activity], occasion.site
    if occasion.state == "terbuka":
        tried = f": the last attempt failed, {occasion.reason}" if occasion.executions else ""
        what = f"{word} of {site} is due{tried}"
        tried_id = f"; upaya terakhir gagal: {occasion.reason}" if occasion.executions else ""
        what_id = f"{_NAME_ID[occasion.activity]} untuk {site} harus dilaksanakan{tried_id}"
    elif occasion.state == "menyimpang":
        what = f"{word} of {site} deviates ({occasion.reason}); a new run can still judge it"
        what_id = f"{_NAME_ID[occasion.activity]} untuk {site} menyimpang ({occasion.reason}); masih dapat diulang"
    else:
        return None  # kept, still running, or waiting for a review, which is a duty of its own
    who, officer = _named(occasion.executor)
    command = command_line(inventory, "run", word, "--site", site)
    return Duty(what, command, local(occasion.closes_at, inventory), who, officer, occasion.closes_at, what_id)


def _reviews(compliance: Compliance, inventory: Inventory) -> list[Duty]:
    return [
        _review(e, e.review_due, inventory)
        for e in compliance.executions
        if e.review is None and e.review_due is not None and e.review_due >= compliance.as_of
    ]


def _review(execution: Execution, due: datetime, inventory: Inventory) -> Duty:
    who, officer = _named(execution.executor)
    what = f"{who} reads the {execution.activity_slug} run of {execution.site} and signs it off"
    name = _NAME_ID.get(execution.activity, execution.activity_slug)
    what_id = f"{who} membaca dan memaraf hasil {name} untuk {execution.site}"
    command = command_line(inventory, "review", execution.id, "--note", "…")
    # The last instant that counts is `due` itself; a window's end is overdue only once it has passed.
    return Duty(what, command, local(due, inventory), who, officer, due + _INSTANT, what_id)


def responsible(inventory: Inventory, activity: int) -> tuple[str, str]:
    """Name and id of the officer who carries out an activity today; the role and no id where nobody holds it."""
    standard = standard_today(inventory)
    try:
        return _named(executor_of(inventory, standard, activity, today(inventory)))
    except Refused:
        return str(inventory.unit.assignment.get(activity) or standard.activity(activity).role), ""


def _renewals(record: Record, known: Known) -> list[Duty]:
    """The step that each open case waits for, and those that the provider has not been seen to renew."""
    found = []
    for case in known.cases.values():
        step = waits_for(known, case)
        services = ", ".join(line.service for line in case.lines)
        if step is not None:
            officer = known.unit.officer_for(step.role, known.now.astimezone(known.unit.tz).date())
            who = officer.name if officer else step.role
            what = f"{step.name} {case.id} ({services}): {who}"
            command = _typed(record.inventory, "renewal " + _COMMANDS[step.name].format(case=case.id))
            until, name = local(step.due_at, record.inventory), officer.id if officer else ""
            what_id = f"perpanjangan {case.id} ({services}) menunggu {_STEP_ID.get(step.name, step.name)}: {who}"
            found.append(Duty(what, command, until, who, name, step.due_at, what_id))
        elif case.state == "not_renewed":
            what = f"{case.id} is paid, but {services} is not proven renewed: ask the provider, then look again"
            what_id = f"{case.id} sudah dibayar, tetapi {services} belum terbukti diperpanjang: tanyakan ke penyedia"
            who, name = responsible(record.inventory, 7)
            command = _typed(record.inventory, f"renewal prove {case.id}")
            found.append(Duty(what, command, None, who, name, what_id=what_id))
    return found


def _services(record: Record, known: Known) -> list[Duty]:
    """Services that end soon or have ended, and ends that nobody knows; a case under way speaks for its services."""
    under_way = {line.service for c in known.cases.values() if known.states.states[c.state].open for line in c.lines}
    register = fold(record.ledger.events(KINDS))
    who, officer = responsible(record.inventory, 4)
    found = []
    for line in sorted(lines_of(register, register.current, record), key=lambda line: line.end.ends or date.min):
        service, inventory = line.service, record.inventory
        if line.due is not None and service.id in under_way:
            continue
        if line.due is not None:
            phase = line.due.phase
            until = phase.last if phase.last and phase.name != ACTIVE else None
            at = datetime.combine(until + timedelta(days=1), time(), inventory.unit.tz) if until else None
            command = _typed(inventory, f"renewal submit --service {service.id} …")
            what_id = f"perpanjang {service.kind} {service.id}, berakhir {line.end.ends}"
            shown = until.isoformat() if until else None
            found.append(Duty(reminder_text(line), command, shown, who, officer, at, what_id))
        elif line.end.state == "unknown":
            reason = harmless(line.end.reason, 200)
            what = f"the end of {service.id} ({service.kind}) is unknown: {reason}"
            what_id = f"masa berlaku {service.id} ({service.kind}) tidak diketahui: {reason}"
            command = _typed(inventory, f"service check {service.id}")
            found.append(Duty(what, command, None, who, officer, what_id=what_id))
    return found


def _timer(record: Record) -> list[Duty]:
    """A timer whose last run failed, or that was there and gives no sign of life any more."""
    inventory, folder = record.inventory, record.inventory.state_dir
    who, officer = responsible(inventory, ACTIVITIES["content"])
    found = []
    failed, life = alarm(folder), read_life(folder)
    if failed is not None:
        at, said = local(failed[0], inventory), harmless(failed[1], 300)
        what = f"the timer's last run failed at {at}: {said}"
        # the cause is in the tools' own words: whoever reads Indonesian is told what it is about, and where it is said
        wrong = sorted({key.partition(":")[2] for key in life.unusable}) if life is not None else []
        typed = command_line(inventory, "check") if wrong else command_line(inventory, "due", "--run")
        what_id = f"jalannya penjadwal gagal pada {at}: sebabnya disebut oleh laman due --run"
        if wrong:
            sites = harmless(", ".join(wrong), 100)
            what_id = f"penjadwal gagal pada {at}: pengaturan {sites} keliru, disebut oleh laman check"
        found.append(Duty(what, typed, None, who, officer, what_id=what_id))
    if life is not None and record.clock() - life.alive_at > SILENT_AFTER:
        at = local(life.alive_at, inventory)
        what = f"the timer gave no sign of life since {at}: is it still installed?"
        what_id = f"penjadwal tidak hidup sejak {at}: apakah masih terpasang?"
        found.append(Duty(what, command_line(inventory, "schedule", "show"), None, who, officer, what_id=what_id))
    return found


def _named(person: Person | None) -> tuple[str, str]:
    return (person.name, person.id) if person else ("", "")


def _typed(inventory: Inventory, rest: str) -> str:
    """A command with places to fill in: the inventory is quoted, the rest is for people."""
    return f"{command_line(inventory)} {rest}"
