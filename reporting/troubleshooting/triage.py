"""Findings of executions -> tickets, once for each execution. Pure.

One ticket a fingerprint and site: what is found again while its ticket is open is counted there. A storm opens a
handful: the worst findings get a ticket each, the rest is gathered, one ticket a kind, and what comes later of that
kind is counted there as long as that ticket is open. A solved ticket whose finding returns is not reopened: nobody said
yet that it is the same problem; a new one names it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, get_args

from pydantic import ValidationError

from reporting.contract import Finding
from reporting.events import (
    KIND_FINISHED,
    KIND_SETTINGS,
    KIND_STARTED,
    KIND_TICKET_SEEN,
    KIND_TRIAGED,
    FindingsTriaged,
    Person,
    TicketSeen,
)
from reporting.kinds import kind_words
from reporting.ledger.model import Draft, Event
from reporting.people import person
from reporting.text import harmless
from reporting.troubleshooting.asked import AskedOpening, Known, Opening, Refused
from reporting.troubleshooting.commands import officer_for
from reporting.troubleshooting.drafts import Found, opening_drafts
from reporting.troubleshooting.fold import TicketError, next_ticket_id
from reporting.troubleshooting.similar import Problem, similar
from reporting.troubleshooting.words import say

KINDS = (KIND_SETTINGS, KIND_STARTED, KIND_FINISHED, KIND_TRIAGED)
_SEVERITIES: tuple[str, ...] = get_args(Finding.model_fields["severity"].annotation)  # from info to critical
_TITLES_SHOWN = 5  # of what was gathered


@dataclass(frozen=True)
class Result:
    """What one execution found. `total`: all that it counted, of which a document lists some."""

    execution: str
    site: str
    executor: Person
    ended_at: datetime
    findings: tuple[Finding, ...]
    total: int


@dataclass
class Triaged:
    """The events of a triage, for one transaction, and what it did: ids of tickets."""

    drafts: list[Draft] = field(default_factory=list)
    opened: list[str] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)


def pending(events: Iterable[Event]) -> list[Result]:
    """Executions that found something and were not triaged yet, in the order in which they ended.

    What ended before the settings on record knew of tickets opens none: those findings were read in their day.

    Raises:
        TicketError: a document has not its shape.
    """
    ordered = sorted((e for e in events if e.kind in KINDS), key=lambda e: e.seq)
    since = next((e.seq for e in ordered if e.kind == KIND_SETTINGS and "tickets" in e.data.get("unit", {})), None)
    done = {str(e.data.get("execution")) for e in ordered if e.kind == KIND_TRIAGED}
    begun = {str(e.data.get("execution")): e for e in ordered if e.kind == KIND_STARTED}
    found: dict[str, Result] = {}
    for event in ordered:
        execution = str(event.data.get("execution"))
        if event.kind != KIND_FINISHED or since is None or event.seq < since or execution in {*done, *found}:
            continue
        document = event.data.get("document") or {}
        if document.get("findings") and execution in begun:
            found[execution] = _result(event, begun[execution], document)
    return list(found.values())


def _result(event: Event, begun: Event, document: Mapping[str, Any]) -> Result:
    try:
        findings = tuple(Finding.model_validate(raw) for raw in document["findings"])
        return Result(
            execution=str(event.data["execution"]),
            site=event.subject,
            executor=Person.model_validate(begun.data["executor"]),
            ended_at=datetime.fromisoformat(event.data["ended_at"]),
            findings=findings,
            total=max(int(document.get("findings_total") or 0), len(findings)),
        )
    except (ValidationError, KeyError, TypeError, ValueError) as error:
        raise TicketError(
            f"event {event.seq} ({event.kind}): its findings cannot be read: written by another version, or altered "
            "(laman verify tells)"
        ) from error


def triage(known: Known, results: Sequence[Result], token: str) -> Triaged:
    """Tickets for what was found, by the unit's settings of now (`tickets`)."""
    return _Triage(known, token).all(results)


@dataclass(frozen=True)
class _New:
    """A ticket to be opened: what stands for it, its words."""

    finding: Finding
    fingerprint: str
    title: str
    problem: str


class _Triage:
    """What `triage` works with: the open tickets by site and fingerprint, also those that it opens itself."""

    def __init__(self, known: Known, token: str) -> None:
        self.known, self.token = known, token
        self.ids = list(known.tickets)
        self.open = {
            (t.site, t.fingerprint): t.id for t in known.tickets.values() if t.fingerprint and t.state != "solved"
        }
        self.answer = Triaged()

    def all(self, results: Sequence[Result]) -> Triaged:
        for result in results:
            self._one(result)
        return self.answer

    def _one(self, result: Result) -> None:
        worthy = [f for f in result.findings if self._asks(f)]
        seen: dict[str, tuple[str, int]] = {}
        fresh: list[Finding] = []
        for finding in _merged(worthy):
            belongs = self._there(result.site, finding)
            if belongs is None:
                fresh.append(finding)
            else:
                ticket, fingerprint = belongs
                seen[ticket] = (fingerprint, seen.get(ticket, ("", 0))[1] + finding.count)
        opened = []
        for new in self._gathered(result, fresh):
            there = self.open.get((result.site, new.fingerprint))
            if there is None:
                opened.append(self._open(result, new))
            else:  # the one for all that is left of a storm, and its ticket is open still
                seen[there] = (new.fingerprint, seen.get(there, ("", 0))[1] + new.finding.count)
        for ticket, (fingerprint, count) in seen.items():
            again = TicketSeen(
                ticket=ticket,
                fingerprint=fingerprint,
                execution=result.execution,
                count=count,
                seen_at=result.ended_at,
            )
            self._add(KIND_TICKET_SEEN, ticket, again.json_value())
        triaged = FindingsTriaged(
            execution=result.execution,
            opened=opened,
            seen=list(seen),
            below=len(result.findings) - len(worthy),
            at=self.known.now,
        )
        self._add(KIND_TRIAGED, result.site, triaged.json_value())
        self.answer.opened += opened
        self.answer.seen += [t for t in seen if t not in self.answer.seen]

    def _add(self, kind: str, subject: str, data: dict[str, Any]) -> None:
        self.answer.drafts.append(Draft(kind, subject, self.known.actor, data))

    def _asks(self, finding: Finding) -> bool:
        least = self.known.unit.tickets.open_from
        return least != "never" and _SEVERITIES.index(finding.severity) >= _SEVERITIES.index(least)

    def _there(self, site: str, finding: Finding) -> tuple[str, str] | None:
        """The open ticket that a finding belongs to, with its fingerprint: its own, or that of a storm of its kind."""
        for fingerprint in (finding.fingerprint, _group_print(site, finding.kind)):
            ticket = self.open.get((site, fingerprint))
            if ticket is not None:
                return ticket, fingerprint
        return None

    def _gathered(self, result: Result, fresh: Sequence[Finding]) -> list[_New]:
        """One ticket a finding, or in a storm: the worst ones, then one a kind, then one for all that is left."""
        most = self.known.unit.tickets.most_per_run
        ordered = sorted(fresh, key=lambda f: (-_SEVERITIES.index(f.severity), -f.count))
        lang = self.known.unit.language
        new = [_New(f, f.fingerprint, *f.told(lang)) for f in ordered[:most]]
        kinds: dict[str, list[Finding]] = {}
        for finding in ordered[most:]:
            kinds.setdefault(finding.kind, []).append(finding)
        groups = list(kinds.items())
        for kind, found in groups[:most]:
            title = say(lang, "gathered", count=len(found), kind=kind_words(kind, lang))
            new.append(self._group(result, found, _group_print(result.site, kind), title))
        rest = [finding for _, found in groups[most:] for finding in found]
        if rest:
            title = say(lang, "gathered_rest", count=len(rest), kinds=len(groups) - most)
            new.append(self._group(result, rest, _group_print(result.site, ""), title))
        return new

    def _group(self, result: Result, found: list[Finding], fingerprint: str, title: str) -> _New:
        lang, uncounted = self.known.unit.language, result.total - len(result.findings)
        some = "; ".join(harmless(f.told(lang)[0], 200) for f in found[:_TITLES_SHOWN])
        more = say(lang, "uncounted", count=uncounted) if uncounted > 0 else ""
        why = say(lang, "gathered_why", execution=result.execution, some=some) + more
        counted = found[0].model_copy(update={"count": sum(f.count for f in found)})
        return _New(counted, fingerprint, title, why)

    def _open(self, result: Result, new: _New) -> str:
        known, lang = self.known, self.known.unit.language
        try:
            executor = person(officer_for(known, None, known.day(known.now), "open"))
        except Refused:  # nobody holds that role today: whoever is responsible for the run answers for it
            executor = result.executor
        problem = Problem(f"{new.title} {new.problem}", result.site, new.fingerprint, new.finding.kind)
        asked = AskedOpening(
            title=new.title,
            problem=new.problem,
            site=result.site,
            reported_at=result.ended_at,
            reported_by=say(lang, "found", execution=result.execution),
            token=self.token,
            similar=tuple(s.ticket for s in similar(known.tickets.values(), problem)),
        )
        ticket = next_ticket_id(self.ids, known.day(known.now).year)
        opening = Opening(asked, ticket, executor, min(result.ended_at, known.now))
        found = Found(new.finding, new.fingerprint, result.execution)
        self.answer.drafts += opening_drafts(known, opening, found=found)
        self.ids.append(ticket)
        self.open[result.site, new.fingerprint] = ticket
        return ticket


def _merged(findings: Iterable[Finding]) -> list[Finding]:
    """One finding a fingerprint, with its counts added up."""
    by_print: dict[str, Finding] = {}
    for finding in findings:
        before = by_print.get(finding.fingerprint)
        counted = finding if before is None else before.model_copy(update={"count": before.count + finding.count})
        by_print[finding.fingerprint] = counted
    return list(by_print.values())


def _group_print(site: str, kind: str) -> str:
    return hashlib.sha256(f"gathered|{site}|{kind}".encode()).hexdigest()[:32]
