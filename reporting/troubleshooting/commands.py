"""What people do to a ticket: (what is known, what is asked) -> a permitted step, or `Refused` with one line. Pure.

The caller has looked everything up, holds the lock, archives the files, and appends the drafts (drafts.py) in one
transaction. Nothing here opens a file or asks a clock.
"""

from __future__ import annotations

from datetime import date, datetime

from reporting.events import Person
from reporting.people import named, person, same_person
from reporting.standard import StandardError
from reporting.text import harmless
from reporting.troubleshooting.asked import (
    ACTIVITY,
    TEXT_MOST,
    TITLE_MOST,
    Asked,
    AskedOpening,
    Known,
    Opening,
    Permitted,
    Refused,
)
from reporting.troubleshooting.checks import (
    KNOWN_BEFORE,
    check_files,
    check_lengths,
    check_party,
    check_said,
    check_seen,
    check_state,
    check_take,
    moment_of,
)
from reporting.troubleshooting.fold import next_ticket_id
from reporting.troubleshooting.model import MOVING, Ticket
from reporting.unit import Officer


def permit(known: Known, asked: Asked) -> Permitted:
    """Whether a step may be taken.

    Raises:
        Refused: it may not; in this order: the ticket, its state, the times, the person, what is to be said, the files.
    """
    ticket = ticket_of(known, asked.ticket)
    check_seen(ticket, asked)
    check_state(known, ticket, asked)
    done_at = moment_of(known, ticket, asked)
    executor = _executor(known, ticket, asked, done_at)
    check_take(known, ticket, asked, executor)
    check_said(asked)
    check_files(ticket, asked)
    return Permitted(asked, ticket, executor, done_at)


def permit_opening(known: Known, asked: AskedOpening) -> Opening:
    """Whether a ticket may be opened.

    Raises:
        Refused: no title, an unknown site, a report in the future, nobody to be responsible.
    """
    if not asked.title.strip():
        raise Refused('open needs --title: the problem in a few words, like "halaman depan galat 500"')
    check_party(asked.route, asked.party)
    check_lengths({"--title": (asked.title, TITLE_MOST), "--by": (asked.reported_by, TITLE_MOST),
                    "--party": (asked.party, TITLE_MOST), "--problem": (asked.problem, TEXT_MOST)})  # fmt: skip
    if asked.site is not None and asked.site not in known.sites:
        raise Refused(f"--site {harmless(asked.site, 63)!r}: hosts.yml has: {', '.join(known.sites)}")
    reported = asked.reported_at or known.now
    for option, at in (("--reported", reported), ("--breach-known", asked.breach_known_at)):
        if at is not None and at > known.now:
            raise Refused(f"{option} {known.text(at)} is in the future: a problem is reported when it is there")
    if asked.breach_known_at is not None and asked.breach_known_at < reported - KNOWN_BEFORE:
        raise Refused(
            f"--breach-known {known.text(asked.breach_known_at)} is more than a year before the report "
            f"({known.text(reported)}): is the year right?"
        )
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
