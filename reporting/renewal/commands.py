"""What people do to a case: (what is known, what is asked) -> events, or `Refused` with one line. Pure.

The caller has looked everything up, holds the lock, archives the files that a plan names, and appends its drafts in
one transaction. Nothing here opens a file or asks a clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from reporting.attachments import Attached
from reporting.events import KIND_RENEWAL_TAKEN, Agent, ExpiryObserved, Person, RenewalTaken
from reporting.ledger.model import Draft
from reporting.money import written
from reporting.people import named, person, same_person
from reporting.renewal.fold import INVOICE, input_of, last_moment
from reporting.renewal.model import Case, Proof, StepName, Taken
from reporting.renewal.states import States, StepRule, load_states
from reporting.service import Service
from reporting.standard import Standard
from reporting.text import harmless
from reporting.unit import Officer, Unit

SOON = timedelta(minutes=5)  # a clock that is this much ahead of another is no error


class Refused(Exception):
    """What was asked cannot be done; one line: what, why, what to do."""


@dataclass(frozen=True)
class Known:
    """Everything that a step is judged with. `ends`: the known end of each service, `broken`: see `requirements`."""

    unit: Unit
    standard: Callable[[date], Standard]  # the POS in force on a local day
    cases: Mapping[str, Case]
    services: Mapping[str, Service]  # the register as it is now
    ends: Mapping[str, date]
    now: datetime
    agent: Agent
    takes: Mapping[str, Taken] = field(default_factory=dict)  # SHA-256 of an invoice -> work on its submission began
    looks: Mapping[str, ExpiryObserved] = field(default_factory=dict)  # the last look at each service
    broken: frozenset[str] = frozenset()  # SHA-256 of attachments that the archive no longer holds as they were
    states: States = field(default_factory=load_states)

    @property
    def actor(self) -> str:
        """Who types, as the ledger names it."""
        return f"{self.agent.kind}:{self.agent.name}"


@dataclass(frozen=True)
class Asked:
    """A step as it was asked for. `at`: done on paper then (with a file in role `paper`), None: now."""

    step: StepName
    case: str | None = None
    executor: str | None = None  # id or name; None: by assignment
    at: datetime | None = None
    taken_at: datetime | None = None  # on paper only: when work on it began
    note: str = ""
    amount: int | None = None  # pay: rupiah, None: all that is left
    files: tuple[Attached, ...] = ()
    token: str = ""  # makes the execution's id unique
    seen_seq: int | None = None  # the case as it was when it was decided upon; None: as it is now
    promised: frozenset[str] = frozenset()  # roles of files that the caller makes once the step is permitted
    proofs: tuple[Proof, ...] = ()  # report: what the look-up said


@dataclass(frozen=True)
class Permitted:
    """A step that may be taken: by whom, when, measured from when."""

    asked: Asked
    rule: StepRule
    case: Case
    executor: Person
    done_at: datetime
    input_at: datetime
    taken_at: datetime | None
    amount: int | None
    on_paper: bool


def permit(known: Known, asked: Asked) -> Permitted:
    """Whether a step may be taken on an existing case.

    Raises:
        Refused: it may not; in this order: the case, its state, the person, the times, the attachments, the money.
    """
    rule = known.states.steps[asked.step]
    case = case_of(known, asked.case)
    check_state(known, case, asked)
    check_services(known, case, asked.step)
    done_at = done_moment(known, asked)
    executor = executor_for(known, asked, rule, done_at)
    check_separation(case, asked.step, rule, executor)
    input_at = input_of(case, known.states) if rule.execution else last_moment(case)
    since = input_at if input_at is not None else last_moment(case)
    check_times(known, case, done_at)
    taken_at = taken_moment(known, asked, case.taken, since, done_at)
    check_note(asked, rule)
    check_files(asked, (r for r in rule.attach if asked.step != "submit" or r != "invoice" or not case.attachments(r)))
    check_reuse(case, asked)
    amount = pay_amount(case, asked)
    on_paper = asked.at is not None
    return Permitted(asked, rule, case, person(executor), done_at, since, taken_at, amount, on_paper)


def case_of(known: Known, wanted: str | None) -> Case:
    """The case with that id, however its letters were typed.

    Raises:
        Refused: there is none.
    """
    case = known.cases.get((wanted or "").strip().upper())
    if case is None:
        shown = ", ".join(list(known.cases)[-3:]) or "none yet"
        raise Refused(f"no case {harmless(wanted or '', 40)!r}; the last ones: {shown} (see: laman renewal list)")
    return case


def check_state(known: Known, case: Case, asked: Asked) -> None:
    """Step order, and that nobody was faster.

    Raises:
        Refused: the case has moved on, is closed, or waits for another step.
    """
    if asked.seen_seq is not None and asked.seen_seq != case.seq:
        last = case.steps[-1]
        raise Refused(
            f"{case.id} has moved on since it was read ({_did(last.name)} by {last.executor.name}): it is "
            f"{state_name(known, case)} now; look at it again"
        )
    rule = known.states.steps[asked.step]
    if case.state in rule.origins:
        return
    before = case.last(asked.step)
    if before is not None and case.steps[-1].name == asked.step:
        when = _local(known, before.done_at)
        raise Refused(f"{case.id} was {_did(asked.step)} already, by {before.executor.name} on {when}")
    state = known.states.states[case.state]
    following = ", ".join(known.states.following(case.state))
    wanted = " or ".join(known.states.states[o].en for o in rule.origins if o != "new")
    if not state.open:
        raise Refused(f"{case.id} is {state.en}: it is closed, nothing more can be done to it")
    what = f"it waits for: {following}" if following else f"it waits for its proof (laman renewal prove {case.id})"
    raise Refused(f"{case.id} is {state.en}: {asked.step} needs it {wanted}; {what}")


_DONE = {
    "submit": "submitted",
    "approve": "approved",
    "reject": "rejected",
    "return": "returned",
    "pay": "paid",
    "report": "reported",
    "cancel": "cancelled",
}


def _did(step: StepName) -> str:
    return _DONE[step]


def state_name(known: Known, case: Case) -> str:
    """The state in words."""
    return known.states.states[case.state].en


def _local(known: Known, at: datetime) -> str:
    return at.astimezone(known.unit.tz).strftime("%Y-%m-%d %H:%M %Z")


_WITHOUT_SERVICE: tuple[StepName, ...] = ("reject", "return", "cancel")


def check_services(known: Known, case: Case, step: StepName) -> None:
    """A case about a service that is no longer in the register can only be turned down.

    Raises:
        Refused: one of its services was taken out of the register.
    """
    if step in _WITHOUT_SERVICE:
        return
    gone = [line.service for line in case.lines if line.service not in known.services]
    if gone:
        cancel = ", or cancel the case" if "cancel" in known.states.following(case.state) else ""
        raise Refused(
            f"{case.id}: service {gone[0]!r} is no longer in the register: put it back (laman_unit.services or laman "
            f"service import){cancel}"
        )


def done_moment(known: Known, asked: Asked) -> datetime:
    """When the step is done: now, or on the paper's date.

    Raises:
        Refused: a date without its paper, a paper without its date, or a date in the future.
    """
    paper = any(f.role == "paper" for f in asked.files)
    if asked.at is None:
        if paper:
            raise Refused("--paper is the dated paper of a step done earlier: say when with --at")
        if asked.taken_at is not None:
            raise Refused("--taken goes with --at and --paper: begin a step of today with laman renewal take")
        return known.now
    if not paper:
        raise Refused("--at needs --paper FILE: the dated paper of the step that was done earlier")
    if asked.at > known.now + SOON:
        raise Refused(f"{_local(known, asked.at)} is in the future: record what has been done")
    return asked.at


def executor_for(known: Known, asked: Asked, rule: StepRule, done_at: datetime) -> Officer:
    """The officer on whose behalf the step is done: in office on that day, in the role that takes the step.

    Raises:
        Refused: nobody is, or the one who was named has another role.
    """
    day = done_at.astimezone(known.unit.tz).date()
    role = known.unit.assignment.get(rule.activity, rule.role)
    if asked.executor is None:
        officer = known.unit.officer_for(role, day)
        if officer is None:
            raise Refused(
                f"{asked.step} is done by {role}, and no officer holds that role on {day}: add one to "
                f"laman_unit.officers or change laman_unit.assignment (activity {rule.activity})"
            )
        return officer
    meant = [o for o in known.unit.officers if o.in_office(day) and named(o, asked.executor)]
    if not meant:
        there = ", ".join(o.id for o in known.unit.officers if o.in_office(day)) or "nobody"
        raise Refused(
            f"--executor {harmless(asked.executor, 80)!r}: no such officer in office on {day}; "
            f"laman_unit.officers has: {there}"
        )
    fitting = [o for o in meant if role in o.roles]
    if not fitting:
        allowed = ", ".join(o.id for o in known.unit.officers if o.in_office(day) and role in o.roles) or "nobody"
        raise Refused(f"{meant[0].name} may not {asked.step}: it is done by {role} ({allowed} on {day})")
    return fitting[0]


def check_separation(case: Case, step: StepName, rule: StepRule, officer: Officer) -> None:
    """Separation of duties: nobody decides on what they submitted themselves.

    Raises:
        Refused: the same person did the step that this one checks.
    """
    for other in rule.not_by:
        before = case.last(other)
        if before is not None and same_person(before.executor, person(officer)):
            raise Refused(
                f"{officer.name} {_did(other)} {case.id} and so may not {step} it: another officer in that role has to"
            )


def check_times(known: Known, case: Case, done_at: datetime) -> None:
    """Nothing is done before what it follows.

    Raises:
        Refused: it would be.
    """
    before = last_moment(case)
    if done_at < before:
        last = f"{_did(case.steps[-1].name)}" if case.steps else "its invoice was received"
        raise Refused(f"{_local(known, done_at)} is before {case.id} was {last} ({_local(known, before)})")


def taken_moment(
    known: Known, asked: Asked, taken: Taken | None, since: datetime, done_at: datetime
) -> datetime | None:
    """When work began: as it was recorded, or as the paper tells.

    Raises:
        Refused: not between the input and the end.
    """
    if asked.taken_at is None:
        return taken.at if taken is not None and taken.at <= done_at else None
    if not since <= asked.taken_at <= done_at:
        raise Refused(
            f"--taken {_local(known, asked.taken_at)}: work begins after its input was there ({_local(known, since)}) "
            f"and before it is done ({_local(known, done_at)})"
        )
    return asked.taken_at


def check_note(asked: Asked, rule: StepRule) -> None:
    """Some steps have to say why.

    Raises:
        Refused: they do not.
    """
    if rule.note and not asked.note.strip():
        raise Refused(f"{asked.step} needs --note: write why, the executor accounts for it")


_OPTIONS = {
    "invoice": "--invoice FILE: the provider's invoice",
    "submission_sheet": "--sheet FILE: the payment submission sheet (lembar pengajuan pembayaran)",
    "approved_sheet": "--sheet FILE: the signed sheet, scanned (without it nothing is approved)",
    "decision_sheet": "--sheet FILE: the sheet with the signed decision, scanned",
    "proof_of_payment": "--proof FILE: the proof of payment (without it nothing is paid)",
}


def check_files(asked: Asked, roles: Iterable[str]) -> None:
    """Every attachment that the step asks for is there.

    Raises:
        Refused: one is missing.
    """
    there = {f.role for f in asked.files} | asked.promised
    for role in roles:
        if role not in there:
            raise Refused(f"{asked.step} needs {_OPTIONS[role]} (PDF, JPG or PNG)")


def check_reuse(case: Case, asked: Asked) -> None:
    """One file proves one thing: the submission sheet is no approval, an invoice no payment, nor a proof two of them.

    Raises:
        Refused: it was attached to the case before, as something else or as the proof of another payment.
    """
    before = {a.sha256: (a.role, step) for step in case.steps for a in step.attachments}
    for file in asked.files:
        if file.sha256 not in before or file.role in ("paper", "invoice", "submission_sheet"):
            continue
        role, step = before[file.sha256]
        raise Refused(
            f"{harmless(str(file.source), 100)}: the same file was attached to {case.id} already, as "
            f"{_ROLE_NAMES[role]} ({_did(step.name)}): it does not prove this step too"
        )


_ROLE_NAMES = {
    "invoice": "the invoice",
    "submission_sheet": "the submission sheet",
    "approved_sheet": "the approved sheet",
    "decision_sheet": "the signed decision",
    "proof_of_payment": "a proof of payment",
    "paper": "a dated paper",
    "renewed_service": "a document on the renewed service",
}


def pay_amount(case: Case, asked: Asked) -> int | None:
    """What is paid with this step.

    Raises:
        Refused: nothing, or more than is left.
    """
    if asked.step != "pay":
        return None
    amount = case.outstanding if asked.amount is None else asked.amount
    if amount <= 0:
        raise Refused(f"{case.id}: the amount paid must be more than {written(0)}")
    if amount > case.outstanding:
        over = written(amount - case.outstanding)
        raise Refused(
            f"{case.id}: {written(amount)} is {over} more than is left to pay ({written(case.outstanding)} of "
            f"{written(case.invoice.total)})"
        )
    return amount


def take(known: Known, wanted: str, executor: str | None) -> tuple[Draft, Case, StepName]:
    """Work on the step that a case waits for begins now.

    Raises:
        Refused: it waits for none, for another role, or was taken already.
    """
    case = case_of(known, wanted)
    name = known.states.next_execution(case.state)
    if name is None:
        raise Refused(f"{case.id} is {state_name(known, case)}: it waits for no step that could be taken")
    asked = Asked(name, case.id, executor)
    rule = known.states.steps[name]
    officer = executor_for(known, asked, rule, known.now)
    check_separation(case, name, rule, officer)
    check_services(known, case, name)
    if case.taken is not None:
        raise Refused(f"{case.id} was taken already, by {case.taken.executor.name} on {_local(known, case.taken.at)}")
    data = RenewalTaken(case=case.id, executor=person(officer), agent=known.agent, taken_at=known.now)
    return Draft(KIND_RENEWAL_TAKEN, case.id, known.actor, data.json_value()), case, name


def take_invoice(known: Known, invoice: Attached, executor: str | None) -> Draft:
    """Work on the submission of an invoice begins now: there is no case yet, the file is known by its hash.

    Raises:
        Refused: it was taken or submitted already.
    """
    for case in known.cases.values():
        if any(a.sha256 == invoice.sha256 for a in case.attachments("invoice")) and case.state != "returned":
            raise Refused(f"{harmless(str(invoice.source), 100)} was submitted already: {case.id}")
    before = known.takes.get(invoice.sha256)
    if before is not None:
        raise Refused(f"this invoice was taken already, by {before.executor.name} on {_local(known, before.at)}")
    officer = executor_for(known, Asked("submit", executor=executor), known.states.steps["submit"], known.now)
    subject = f"{INVOICE}{invoice.sha256}"
    data = RenewalTaken(case=subject, executor=person(officer), agent=known.agent, taken_at=known.now)
    return Draft(KIND_RENEWAL_TAKEN, subject, known.actor, data.json_value())
