"""What people do to a ticket: (what is known, what is asked) -> a permitted step, or `Refused` with one line. Pure.

The caller has looked everything up, holds the lock, archives the files, and appends the drafts (drafts.py) in one
transaction. Nothing here opens a file or asks a clock.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from reporting.attachments import Attached
from reporting.events import Agent, CauseKind, Person, Route, TicketStepName
from reporting.people import named, person, same_person
from reporting.standard import Standard, StandardError
from reporting.text import harmless
from reporting.troubleshooting.fold import last_moment, next_ticket_id
from reporting.troubleshooting.model import MOVING, ROUTES, Ticket
from reporting.unit import Officer, Unit

ACTIVITY = 8
TITLE_MOST, TEXT_MOST = 200, 2_000  # characters
_WITHOUT_ORDER: tuple[TicketStepName, ...] = ("breach", "notified")  # a clock of their own: see `_moment`


class Refused(Exception):
    """What was asked cannot be done; one line: what, why, what to do."""


@dataclass(frozen=True)
class Known:
    """Everything that a step is judged with."""

    unit: Unit
    sites: Sequence[str]
    standard: Callable[[date], Standard]  # the POS in force on a local day
    tickets: Mapping[str, Ticket]
    now: datetime
    agent: Agent

    @property
    def actor(self) -> str:
        """Who types, as the ledger names it."""
        return f"{self.agent.kind}:{self.agent.name}"

    def day(self, at: datetime) -> date:
        """The local day of an instant."""
        return at.astimezone(self.unit.tz).date()

    def text(self, at: datetime) -> str:
        """An instant as refusals print it."""
        return at.astimezone(self.unit.tz).strftime("%Y-%m-%d %H:%M:%S %Z").replace(":00 ", " ")


@dataclass(frozen=True)
class Asked:
    """A step as it was asked for. `at`: done then (with a note that says how that is known), None: now.

    `seen_seq`: the ticket as it was when it was decided upon; None: as it is now. `token` makes an execution's id
    unique. `at` of `breach`: since when it is known that personal data are concerned.
    """

    step: TicketStepName
    ticket: str
    executor: str | None = None  # id or name; None: who has the ticket, else by assignment
    at: datetime | None = None
    note: str = ""
    files: tuple[Attached, ...] = ()
    route: Route | None = None
    party: str = ""
    cause_kind: CauseKind | None = None
    cause: str = ""
    solution: str = ""
    prevention: str = ""
    seen_seq: int | None = None
    token: str = ""


@dataclass(frozen=True)
class AskedOpening:
    """A problem as it was reported. `reported_at`: None: now."""

    title: str
    problem: str = ""
    site: str | None = None
    reported_at: datetime | None = None
    reported_by: str = ""
    executor: str | None = None
    route: Route = "mandiri"
    breach_known_at: datetime | None = None
    files: tuple[Attached, ...] = ()
    token: str = ""
    similar: tuple[str, ...] = field(default_factory=tuple)


@dataclass(frozen=True)
class Permitted:
    """A step that may be taken: by whom, when."""

    asked: Asked
    ticket: Ticket
    executor: Person
    done_at: datetime


@dataclass(frozen=True)
class Opening:
    """A ticket that may be opened, with its id."""

    asked: AskedOpening
    id: str
    executor: Person
    reported_at: datetime


def permit(known: Known, asked: Asked) -> Permitted:
    """Whether a step may be taken.

    Raises:
        Refused: it may not; in this order: the ticket, its state, the times, the person, what is to be said, the files.
    """
    ticket = ticket_of(known, asked.ticket)
    _check_seen(ticket, asked)
    _check_state(known, ticket, asked)
    done_at = _moment(known, ticket, asked)
    executor = _executor(known, ticket, asked, done_at)
    _check_take(known, ticket, asked, executor)
    _check_said(asked)
    _check_files(ticket, asked)
    return Permitted(asked, ticket, executor, done_at)


def permit_opening(known: Known, asked: AskedOpening) -> Opening:
    """Whether a ticket may be opened.

    Raises:
        Refused: no title, an unknown site, a report in the future, nobody to be responsible.
    """
    if not asked.title.strip():
        raise Refused('open needs --title: the problem in a few words, like "halaman depan galat 500"')
    _check_lengths({"--title": (asked.title, TITLE_MOST), "--by": (asked.reported_by, TITLE_MOST),
                    "--problem": (asked.problem, TEXT_MOST)})  # fmt: skip
    if asked.site is not None and asked.site not in known.sites:
        raise Refused(f"--site {harmless(asked.site, 63)!r}: hosts.yml has: {', '.join(known.sites)}")
    reported = asked.reported_at or known.now
    for option, at in (("--reported", reported), ("--breach-known", asked.breach_known_at)):
        if at is not None and at > known.now:
            raise Refused(f"{option} {known.text(at)} is in the future: a problem is reported when it is there")
    try:
        known.standard(known.day(reported))
    except (StandardError, OverflowError) as error:
        raise Refused(f"--reported {known.text(reported)}: {error}") from error
    executor = person(officer_for(known, asked.executor, known.day(known.now), "open"))
    number = next_ticket_id(known.tickets, known.day(known.now).year)
    return Opening(asked, number, executor, reported)


def ticket_of(known: Known, wanted: str) -> Ticket:
    """The ticket with that id, however its letters were typed.

    Raises:
        Refused: there is none.
    """
    ticket = known.tickets.get(wanted.strip().upper())
    if ticket is None:
        shown = ", ".join(list(known.tickets)[-3:]) or "none yet"
        raise Refused(f"no ticket {harmless(wanted, 40)!r}; the last ones: {shown} (see: laman ticket list)")
    return ticket


def officer_for(known: Known, wanted: str | None, day: date, step: str) -> Officer:
    """The officer in the role of activity 8 on a day: the one who was named, or the first.

    Raises:
        Refused: nobody is, or the one who was named has another role.
    """
    unit = known.unit
    role = unit.assignment.get(ACTIVITY) or known.standard(day).activity(ACTIVITY).role
    if wanted is None:
        officer = unit.officer_for(role, day)
        if officer is None:
            raise Refused(
                f"{step}: tickets are the work of {role}, and no officer holds that role on {day}: add one to "
                f"laman_unit.officers or change laman_unit.assignment (activity {ACTIVITY})"
            )
        return officer
    officer = _in_office(known, wanted, day)
    fitting = [o for o in unit.officers_for(role, day) if named(o, wanted)]
    if not fitting:
        allowed = ", ".join(o.id for o in unit.officers_for(role, day)) or "nobody"
        raise Refused(f"{officer.name} may not {step} a ticket: it is the work of {role} ({allowed} on {day})")
    return fitting[0]


def _in_office(known: Known, wanted: str, day: date) -> Officer:
    officer = known.unit.officer(wanted, day)
    if officer is None:
        there = ", ".join(o.id for o in known.unit.officers if o.in_office(day)) or "nobody"
        raise Refused(
            f"--executor {harmless(wanted, 80)!r}: no such officer in office on {day}; laman_unit.officers has: {there}"
        )
    return officer


def _executor(known: Known, ticket: Ticket, asked: Asked, done_at: datetime) -> Person:
    """Who takes the step: in the role of activity 8; a note, a file or the notice of a breach may be anybody's."""
    day = known.day(done_at)
    if asked.executor is not None and asked.step not in MOVING:
        return person(_in_office(known, asked.executor, day))
    if asked.executor is None:
        role = known.unit.assignment.get(ACTIVITY) or known.standard(day).activity(ACTIVITY).role
        for officer in known.unit.officers_for(role, day):
            if same_person(person(officer), ticket.executor):
                return person(officer)
    return person(officer_for(known, asked.executor, day, asked.step))


DONE: dict[TicketStepName, str] = {
    "take": "taken", "route": "routed", "pause": "paused", "resume": "resumed", "note": "noted", "attach": "added to",
    "solve": "solved", "reopen": "reopened", "breach": "called a breach", "notified": "notified",
}  # fmt: skip


def _check_seen(ticket: Ticket, asked: Asked) -> None:
    if asked.seen_seq is None or asked.seen_seq == ticket.seq:
        return
    what = "it was found again, or something else was recorded about it"
    if ticket.steps:
        what = f"last it was {DONE[ticket.steps[-1].name]} by {ticket.steps[-1].executor.name}"
    raise Refused(
        f"{ticket.id} has moved on since it was read ({what}): it is {ticket.state} now; look at it again: "
        f"laman ticket show {ticket.id}"
    )


def _check_state(known: Known, ticket: Ticket, asked: Asked) -> None:
    """Whether a ticket is in the state that a step needs.

    Raises:
        Refused: it is not.
    """
    step, state = asked.step, ticket.state
    if step in _WITHOUT_ORDER:
        _check_breach(known, ticket, step)
    elif step == "reopen":
        if state != "solved":
            raise Refused(f"{ticket.id} {_since(known, ticket)}: only a solved ticket is reopened")
    elif step in MOVING and state == "solved":
        again = "" if step == "solve" else f", and {step} needs it open"
        raise Refused(f"{ticket.id} {_since(known, ticket)}{again}: laman ticket reopen {ticket.id} --note WHY")
    elif step == "resume":
        if state != "paused":
            raise Refused(f"{ticket.id} {_since(known, ticket)}: it is not paused, there is nothing to resume")
    elif step in MOVING:
        _check_runs(known, ticket, asked)


def _check_runs(known: Known, ticket: Ticket, asked: Asked) -> None:
    """What is done to a ticket while its clock runs: not while it is paused.

    Raises:
        Refused: it is paused, or was not taken yet, or is on that route already.
    """
    step = asked.step
    if ticket.state == "paused":
        more = " (a pause counts on the route on which it was made)" if step == "route" else ""
        already = "already" if step == "pause" else f"and {step} needs it running{more}"
        raise Refused(f"{ticket.id} {_since(known, ticket)} {already}: first laman ticket resume {ticket.id}")
    if step == "pause" and ticket.state == "open":
        raise Refused(
            f"{ticket.id}: nobody has taken it yet, and the wait for a first response is no pause: "
            f"laman ticket take {ticket.id}"
        )
    if step == "route" and (asked.route, asked.party.strip()) == (ticket.route, ticket.party):
        raise Refused(f"{ticket.id} is on route {ticket.route}{_with(ticket.party)} already")


def _with(party: str) -> str:
    return f" ({harmless(party, 80)})" if party else ""


def _since(known: Known, ticket: Ticket) -> str:
    """The state in words, and who led to it: was solved by Budi on 2026-03-12 14:00 WIB."""
    step = ticket.last(*MOVING)
    if step is None:
        return f"is open since {known.text(ticket.reported_at)}, and not taken"
    if step.name in ("take", "route"):
        return f"is open: {DONE[step.name]} by {step.executor.name} on {known.text(step.done_at)}"
    return f"was {DONE[step.name]} by {step.executor.name} on {known.text(step.done_at)}"


def _check_breach(known: Known, ticket: Ticket, step: TicketStepName) -> None:
    if step == "breach" and ticket.breach_known_at is not None:
        raise Refused(
            f"{ticket.id} is a breach of personal data already, known since {known.text(ticket.breach_known_at)}"
        )
    if step == "notified" and ticket.breach_known_at is None:
        raise Refused(f"{ticket.id} is no breach of personal data; if it is one: laman ticket breach {ticket.id}")
    if step == "notified" and ticket.notified_at is not None:
        raise Refused(f"{ticket.id}: its notice was sent on {known.text(ticket.notified_at)} already")


def _moment(known: Known, ticket: Ticket, asked: Asked) -> datetime:
    """When a step is done: now, or earlier as it is told; after the last one, and never in the future.

    What starts or ends the clock of a breach has an order of its own: it is known after the report, and the notice is
    sent after it was known, whatever else was done to the ticket meanwhile.

    Raises:
        Refused: at another time.
    """
    done_at = asked.at or known.now
    before, what = last_moment(ticket), _last_done(ticket)
    if asked.step == "breach":
        before, what = ticket.reported_at, "it was reported"
    elif asked.step == "notified" and ticket.breach_known_at is not None:
        before, what = ticket.breach_known_at, "the breach was known"
    option = "--known" if asked.step == "breach" else "--at"
    if asked.at is None and done_at < before:
        raise Refused(
            f"{ticket.id}: the clock of this machine says {known.text(done_at)}, before {what} ({known.text(before)}): "
            "set it right, nothing was recorded"
        )
    if done_at > known.now:
        raise Refused(f"{option} {known.text(done_at)} is in the future: record what has been done")
    if done_at < before:
        raise Refused(f"{option} {known.text(done_at)} is before {what} ({known.text(before)})")
    if asked.at is not None and not asked.note.strip():
        raise Refused(f"{option} needs --note: how it is known that it was then (a call, a letter, the provider's log)")
    return done_at


def _last_done(ticket: Ticket) -> str:
    step = ticket.last(*MOVING)
    return f"{ticket.id} was {DONE[step.name]}" if step is not None else f"{ticket.id} was reported"


def _check_take(known: Known, ticket: Ticket, asked: Asked, executor: Person) -> None:
    """Taking over from somebody else is a step; taking twice is not."""
    step = ticket.last("take", "reopen")
    if asked.step == "take" and ticket.state == "taken" and step is not None and same_person(step.executor, executor):
        raise Refused(f"{ticket.id} was taken already by {step.executor.name} on {known.text(step.done_at)}")


_ASKED_FOR: dict[TicketStepName, tuple[tuple[str, str, str], ...]] = {
    "pause": (("note", "--reason", "what it waits for, and on whom"),),
    "note": (("note", "TEXT", "what there is to say"),),
    "reopen": (("note", "--note", "why it is not solved"),),
    "breach": (("note", "--note", "which personal data, of whom, how they got out"),),
    "solve": (
        ("cause", "--cause", "what was wrong"),
        ("solution", "--solution", "what was done about it"),
        ("prevention", "--prevention", "what keeps it from coming back"),
    ),
}


def _check_said(asked: Asked) -> None:
    if asked.step == "solve" and asked.cause_kind is None:
        raise Refused("solve needs --kind: what kind of cause it was (see: laman ticket solve --help)")
    for name, option, why in _ASKED_FOR.get(asked.step, ()):
        if not getattr(asked, name).strip():
            raise Refused(f"{asked.step} needs {option}: {why}")
    if asked.step == "route" and asked.route is None:
        raise Refused(f"route needs where to: {', '.join(ROUTES)}")
    if asked.step == "route" and asked.route == "pihak_ketiga" and not asked.party.strip():
        raise Refused("route pihak_ketiga needs --party: who it is (the provider, the hosting company)")
    texts = {"--cause": asked.cause, "--solution": asked.solution, "--prevention": asked.prevention}
    _check_lengths(
        {"--note": (asked.note, TEXT_MOST), "--party": (asked.party, TITLE_MOST)}
        | {option: (text, TEXT_MOST) for option, text in texts.items()}
    )


def _check_lengths(texts: Mapping[str, tuple[str, int]]) -> None:
    for option, (text, most) in texts.items():
        if len(text) > most:
            raise Refused(f"{option} has {len(text)} characters, at most {most} are kept: attach the rest as a file")


_NEEDS_FILE: dict[TicketStepName, str] = {
    "pause": "--evidence FILE: what shows that it has to wait (a letter, a screenshot of the provider's answer)",
    "attach": "FILE: what is to be kept with the ticket",
    "notified": "--evidence FILE: the written notice as it was sent (UU 27/2022 art. 46)",
}


def _check_files(ticket: Ticket, asked: Asked) -> None:
    """What has to be proven is, and not by the file that proved an earlier pause.

    Raises:
        Refused: a file is missing, or proves something else.
    """
    if asked.step in _NEEDS_FILE and not asked.files:
        raise Refused(f"{asked.step} needs {_NEEDS_FILE[asked.step]} (PDF, JPG or PNG)")
    if asked.step != "pause":
        return
    before = {a.sha256: s for s in ticket.steps if s.name == "pause" for a in s.attachments}
    for file in asked.files:
        if file.sha256 in before:
            raise Refused(
                f"{harmless(str(file.source), 100)}: the same file proved the pause of "
                f"{before[file.sha256].executor.name} before: it does not prove this one too"
            )
