"""A permitted step as events: the step itself, and the execution of activity 8 that it begins or ends. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath

from reporting.contract import Finding, Output, Requirement, ResultDocument
from reporting.events import (
    KIND_EVIDENCE,
    KIND_FINISHED,
    KIND_STARTED,
    KIND_TICKET_OPENED,
    KIND_TICKET_STEP,
    Attachment,
    EvidenceAdded,
    EvidenceFile,
    ExecutionFinished,
    ExecutionStarted,
    Person,
    TicketOpened,
    TicketStep,
)
from reporting.ledger.model import Draft
from reporting.standard import Language
from reporting.text import harmless
from reporting.troubleshooting.asked import ACTIVITY, TEXT_MOST, TITLE_MOST, Known, Opening, Permitted
from reporting.troubleshooting.model import Step, Ticket, Timing
from reporting.troubleshooting.words import figure, moment, say

SOLUTION = "solution"  # the role of the file that is the output of activity 8


@dataclass(frozen=True)
class Folder:
    """Where a step's files go: `archive.folder(slug, name, local)`. `execution`: it is one, of that name."""

    slug: str
    name: str
    local: datetime
    execution: str | None = None


@dataclass(frozen=True)
class Found:
    """What a finding (or a storm of them) opens a ticket with. `execution`: whose finding it was."""

    finding: Finding
    fingerprint: str
    execution: str


def opening_folder(known: Known, opening: Opening) -> Folder:
    """The archive folder of what was attached to the report."""
    return Folder("ticket", _name(known, "open", opening.id, opening.asked.token), known.now.astimezone(known.unit.tz))


def folder_of(known: Known, permitted: Permitted) -> Folder:
    """The archive folder of a step; a solution is the end of the ticket's last execution."""
    ticket, local = permitted.ticket, permitted.done_at.astimezone(known.unit.tz)
    if permitted.asked.step == "solve":
        execution = ticket.executions[-1]
        return Folder(_slug(known), execution, local, execution)
    return Folder("ticket", _name(known, permitted.asked.step, ticket.id, permitted.asked.token), local)


def opening_drafts(
    known: Known, opening: Opening, files: Sequence[Attachment] = (), found: Found | None = None
) -> list[Draft]:
    """All events of a new ticket, for one transaction: the report, and the execution of activity 8 that begins."""
    asked, ticket = opening.asked, opening.id
    execution = _name(known, _slug(known), ticket, asked.token)
    opened = TicketOpened(
        ticket=ticket,
        site=asked.site,
        title=harmless(" ".join(asked.title.split()), TITLE_MOST),
        problem=_text(asked.problem),
        reported_at=opening.reported_at,
        reported_by=harmless(asked.reported_by.strip(), TITLE_MOST),
        executor=opening.executor,
        agent=known.agent,
        route=asked.route,
        party=harmless(asked.party.strip(), TITLE_MOST),
        execution=execution,
        source="finding" if found is not None else "hand",
        finding=found.finding if found is not None else None,
        fingerprint=found.fingerprint if found is not None else "",
        found_by=found.execution if found is not None else "",
        similar=list(asked.similar),
        breach_known_at=asked.breach_known_at,
        attachments=list(files),
    )
    drafts = [Draft(KIND_TICKET_OPENED, ticket, known.actor, opened.json_value())]
    drafts.append(_begun(known, ticket, execution, opening.executor, opening.reported_at))
    return drafts + _evidence(known, ticket, opening_folder(known, opening).name, files)


def step_drafts(known: Known, permitted: Permitted, folder: Folder, files: Sequence[Attachment] = ()) -> list[Draft]:
    """All events of a step, for one transaction. `files`: archived, the solution's paper among them."""
    asked, ticket = permitted.asked, permitted.ticket
    reopens = _name(known, _slug(known), ticket.id, asked.token) if asked.step == "reopen" else None
    step = TicketStep(
        ticket=ticket.id,
        step=asked.step,
        executor=permitted.executor,
        agent=known.agent,
        done_at=permitted.done_at,
        note=_text(asked.note),
        attachments=list(files),
        route=asked.route if asked.step == "route" else None,
        party=harmless(asked.party.strip(), TITLE_MOST) if asked.step == "route" else "",
        cause_kind=asked.cause_kind if asked.step == "solve" else None,
        cause=_text(asked.cause),
        solution=_text(asked.solution),
        prevention=_text(asked.prevention),
        execution=folder.execution or reopens,
    )
    drafts = [Draft(KIND_TICKET_STEP, ticket.id, known.actor, step.json_value())]
    if folder.execution is not None:
        return [*_added(known, ticket.id, folder.execution, files), *drafts, _ended(known, permitted, files)]
    if reopens is not None:  # the clock goes on: it runs from the first report, and whoever reopens it is responsible
        drafts.append(_begun(known, ticket.id, reopens, permitted.executor, ticket.reported_at))
    return drafts + _evidence(known, ticket.id, folder.name, files)


def _begun(known: Known, ticket: str, execution: str, executor: Person, since: datetime) -> Draft:
    started = ExecutionStarted(
        execution=execution,
        run=execution,
        activity=ACTIVITY,
        executor=executor,
        agent=known.agent,
        clock="working",
        started_at=since,
        by_hand=True,
        ad_hoc=True,
    )
    return Draft(KIND_STARTED, ticket, known.actor, started.json_value())


def _ended(known: Known, permitted: Permitted, files: Sequence[Attachment]) -> Draft:
    lang, ticket = known.unit.language, permitted.ticket
    by = say(lang, "by", name=ticket.reported_by) if ticket.reported_by else ""
    at = moment(lang, ticket.reported_at.astimezone(known.unit.tz))
    reason = say(lang, "reported", ticket=ticket.id, at=at, by=by, title=ticket.title)
    outputs = [
        Output(
            name=SOLUTION,
            place="evidence",
            path=PurePosixPath(f.path).name,
            bytes=f.bytes,
            sha256=f.sha256,
            verified=say(lang, "verified"),
        )
        for f in files
        if f.role == SOLUTION
    ]
    finished = ExecutionFinished(
        execution=ticket.executions[-1],
        ended_at=permitted.done_at,
        status="completed",
        document=ResultDocument(
            activity=ACTIVITY,
            site=ticket.id,
            requirements=[Requirement(name="problem_reported", ok=True, reason=reason)],
            outputs=outputs,
        ),
        note=_text(permitted.asked.note),
    )
    return Draft(KIND_FINISHED, ticket.id, known.actor, finished.json_value())


def _evidence(known: Known, ticket: str, folder: str, files: Sequence[Attachment]) -> list[Draft]:
    if not files:
        return []
    added = EvidenceAdded(execution=folder, files=[_plain(f) for f in files], of="ticket")
    return [Draft(KIND_EVIDENCE, ticket, known.actor, added.json_value())]


def _added(known: Known, ticket: str, execution: str, files: Sequence[Attachment]) -> list[Draft]:
    added = EvidenceAdded(execution=execution, files=[_plain(f) for f in files])
    return [Draft(KIND_EVIDENCE, ticket, known.actor, added.json_value())]


def _plain(file: Attachment) -> EvidenceFile:
    return EvidenceFile(path=file.path, bytes=file.bytes, sha256=file.sha256)


def _text(typed: str) -> str:
    return harmless(" ".join(typed.split()), TEXT_MOST)


def _name(known: Known, what: str, ticket: str, token: str) -> str:
    return f"{known.now.astimezone(known.unit.tz):%Y%m%dT%H%M%S}-{what}-{ticket}-{token}"


def _slug(known: Known) -> str:
    return known.standard(known.day(known.now)).activity(ACTIVITY).slug


def solution_paper(known: Known, permitted: Permitted, timing: Timing) -> bytes:
    """The output of activity 8 as people read it: what was wrong, what was done, what keeps it away, and how long."""
    lang, ticket, asked = known.unit.language, permitted.ticket, permitted.asked
    tz = known.unit.tz
    facts = [
        (say(lang, "title"), ticket.title),
        (say(lang, "site"), ticket.site or say(lang, "no_site")),
        (say(lang, "reported_at"), moment(lang, ticket.reported_at.astimezone(tz))),
        (say(lang, "solved_at"), moment(lang, permitted.done_at.astimezone(tz))),
        (say(lang, "executor"), f"{permitted.executor.name}, {permitted.executor.title}"),
        (say(lang, "route"), _route(lang, ticket)),
        (say(lang, "minutes"), _minutes(lang, timing)),
        (say(lang, "cause"), f"[{asked.cause_kind}] {_text(asked.cause)}"),
        (say(lang, "solution"), _text(asked.solution)),
        (say(lang, "prevention"), _text(asked.prevention)),
    ]
    lines = [say(lang, "heading", ticket=ticket.id), ""]
    lines += [f"{name}: {harmless(value, TEXT_MOST)}" for name, value in facts]
    if ticket.steps:
        lines += ["", f"{say(lang, 'steps')}:"]
        lines += [f"- {moment(lang, s.done_at.astimezone(tz))}: {_told(lang, s)}" for s in ticket.steps]
    return ("\n".join(lines) + "\n").encode()


def _route(lang: Language, ticket: Ticket) -> str:
    return say(lang, ticket.route) + (f" ({ticket.party})" if ticket.party else "")


def _minutes(lang: Language, timing: Timing) -> str:
    return say(
        lang,
        "gross_net",
        gross=figure(lang, timing.gross),
        net=figure(lang, timing.net),
        paused=figure(lang, timing.paused),
        stood=figure(lang, timing.stood_solved),
    )


def _told(lang: Language, step: Step) -> str:
    what = say(lang, "routed") if step.name == "route" else say(lang, step.name)
    where = f" → {say(lang, step.route)}{f' ({step.party})' if step.party else ''}" if step.route is not None else ""
    note = f": {step.note}" if step.note else ""
    return harmless(f"{what}{where}, {step.executor.name}{note}", TEXT_MOST)
