"""Whether a step may be taken on a ticket: its state, the time, what has to be said, what has to be shown. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from reporting.events import Person, Route, TicketStepName
from reporting.people import same_person
from reporting.text import harmless
from reporting.troubleshooting.asked import TEXT_MOST, TITLE_MOST, Asked, Known, Refused
from reporting.troubleshooting.fold import last_moment
from reporting.troubleshooting.model import MOVING, ROUTES, Ticket

SOON = timedelta(minutes=5)  # a clock that is this much behind another is no error
KNOWN_BEFORE = timedelta(days=365)  # a breach that was known earlier than this before its report: a mistyped year
_WITHOUT_ORDER: tuple[TicketStepName, ...] = ("breach", "notified")  # a clock of their own: see `moment_of`
DONE: dict[TicketStepName, str] = {
    "take": "taken", "route": "routed", "pause": "paused", "resume": "resumed", "note": "noted",
    "attach": "given a file", "solve": "solved", "reopen": "reopened", "breach": "called a breach",
    "notified": "notified",
}  # fmt: skip


def check_seen(ticket: Ticket, asked: Asked) -> None:
    """That nobody was faster.

    Raises:
        Refused: the ticket has moved on since it was read.
    """
    if asked.seen_seq is None or asked.seen_seq == ticket.seq:
        return
    what = "it was found again, or something else was recorded about it"
    if ticket.steps:
        what = f"last it was {DONE[ticket.steps[-1].name]} by {ticket.steps[-1].executor.name}"
    raise Refused(
        f"{ticket.id} has moved on since it was read ({what}): it is {ticket.state} now; look at it again: "
        f"laman ticket show {ticket.id}"
    )


def check_state(known: Known, ticket: Ticket, asked: Asked) -> None:
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


def moment_of(known: Known, ticket: Ticket, asked: Asked) -> datetime:
    """When a step is done: now, or earlier as it is told; after the last one, and never in the future.

    What starts or ends the clock of a breach has an order of its own: it may be known before the report, and the notice
    is sent after it was known, whatever else was done to the ticket meanwhile.

    Raises:
        Refused: at another time.
    """
    done_at = asked.at or known.now
    before, what = _before(ticket), _last_done(ticket)
    if asked.step == "breach":
        before, what = ticket.reported_at - KNOWN_BEFORE, "a year before it was reported"
    elif asked.step == "notified" and ticket.breach_known_at is not None:
        before, what = ticket.breach_known_at, "the breach was known"
    option = "--known" if asked.step == "breach" else "--at"
    if before > known.now:  # one of the two was told by a clock that is wrong, and only people can know which
        if before > known.now + SOON and not asked.clock_is_right:
            raise Refused(
                f"{ticket.id}: the clock of this machine says {known.text(known.now)}, before {what} "
                f"({known.text(before)}): set it right, nothing was recorded; if it is right and was wrong then: add "
                "--clock-is-right and --note"
            )
        if asked.clock_is_right and not asked.note.strip():
            raise Refused("--clock-is-right needs --note: how it is known that the clock was wrong then")
        before = done_at
    if done_at > known.now:
        raise Refused(f"{option} {known.text(done_at)} is in the future: record what has been done")
    if done_at < before:
        raise Refused(f"{option} {known.text(done_at)} is before {what} ({known.text(before)})")
    if asked.at is not None and not asked.note.strip():
        raise Refused(f"{option} needs --note: how it is known that it was then (a call, a letter, the provider's log)")
    return done_at


def _before(ticket: Ticket) -> datetime:
    """What a step is compared with: the last one that moved it, or what was noted since with an earlier time."""
    since = next((s.done_at for s in reversed(ticket.steps) if s.name not in _WITHOUT_ORDER), ticket.reported_at)
    return min(last_moment(ticket), since)


def _last_done(ticket: Ticket) -> str:
    step = ticket.last(*MOVING)
    return f"{ticket.id} was {DONE[step.name]}" if step is not None else f"{ticket.id} was reported"


def check_take(known: Known, ticket: Ticket, asked: Asked, executor: Person) -> None:
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


def check_said(asked: Asked) -> None:
    """That everything is said that a step asks for, and is short enough to be kept.

    Raises:
        Refused: it is not.
    """
    if asked.step == "solve" and asked.cause_kind is None:
        raise Refused("solve needs --kind: what kind of cause it was (see: laman ticket solve --help)")
    for name, option, why in _ASKED_FOR.get(asked.step, ()):
        if not getattr(asked, name).strip():
            raise Refused(f"{asked.step} needs {option}: {why}")
    if asked.step == "route" and asked.route is None:
        raise Refused(f"route needs where to: {', '.join(ROUTES)}")
    if asked.step == "route":
        check_party(asked.route, asked.party)
    texts = {"--cause": asked.cause, "--solution": asked.solution, "--prevention": asked.prevention}
    check_lengths(
        {"--note": (asked.note, TEXT_MOST), "--party": (asked.party, TITLE_MOST)}
        | {option: (text, TEXT_MOST) for option, text in texts.items()}
    )


def check_party(route: Route | None, party: str) -> None:
    """That a third party is named.

    Raises:
        Refused: it is not.
    """
    if route == "pihak_ketiga" and not party.strip():
        raise Refused("route pihak_ketiga needs --party: who it is (the provider, the hosting company)")


def check_lengths(texts: Mapping[str, tuple[str, int]]) -> None:
    """That texts are kept whole.

    Raises:
        Refused: one is longer than what is kept.
    """
    for option, (text, most) in texts.items():
        if len(text) > most:
            raise Refused(f"{option} has {len(text)} characters, at most {most} are kept: attach the rest as a file")


_NEEDS_FILE: dict[TicketStepName, str] = {
    "pause": "--evidence FILE: what shows that it has to wait (a letter, a screenshot of the provider's answer)",
    "attach": "FILE: what is to be kept with the ticket",
    "notified": "--evidence FILE: the written notice as it was sent (UU 27/2022 art. 46)",
}


def check_files(ticket: Ticket, asked: Asked) -> None:
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
