"""A permitted step as events: the step itself, and the execution of activity 4-7 that it is. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import PurePosixPath

from reporting.contract import Output, Requirement, ResultDocument
from reporting.events import (
    KIND_EVIDENCE,
    KIND_FINISHED,
    KIND_RENEWAL_OPENED,
    KIND_RENEWAL_PROVEN,
    KIND_RENEWAL_STEP,
    KIND_STARTED,
    Attachment,
    EvidenceAdded,
    EvidenceFile,
    ExecutionFinished,
    ExecutionStarted,
    RenewalOpened,
    RenewalProven,
    RenewalStep,
)
from reporting.ledger.model import Draft
from reporting.renewal.commands import Known, Permitted
from reporting.renewal.fold import all_renewed
from reporting.renewal.model import Case, Proof
from reporting.renewal.words import day, moment, say
from reporting.standard import Language
from reporting.text import harmless

RENEWED = "renewed_service"  # the role of what proves that a service goes on
_NOTE = 2_000


@dataclass(frozen=True)
class Folder:
    """Where a step's files go: `archive.folder(slug, name, local)`. `execution`: it is one, of that name."""

    slug: str
    name: str
    local: datetime
    execution: str | None


def folder_of(known: Known, permitted: Permitted) -> Folder:
    """The archive folder of a step, and the id of its execution."""
    local = permitted.input_at.astimezone(known.unit.tz)
    stamp = permitted.done_at.astimezone(known.unit.tz)
    case, token = permitted.case.id, permitted.asked.token
    if not permitted.rule.execution:
        name = f"{stamp:%Y%m%dT%H%M%S}-{permitted.asked.step}-{case}-{token}"
        return Folder("renewal", name, stamp, None)
    slug = known.standard(local.date()).activity(permitted.rule.activity).slug
    name = f"{stamp:%Y%m%dT%H%M%S}-{slug}-{case}-{token}"
    return Folder(slug, name, stamp, name)


def step_drafts(
    known: Known,
    permitted: Permitted,
    folder: Folder,
    files: Sequence[Attachment],
    opened: RenewalOpened | None = None,
) -> list[Draft]:
    """All events of a step, for one transaction. `files`: archived, in the order in which they were asked for."""
    case = permitted.case.id
    drafts = [Draft(KIND_RENEWAL_OPENED, case, known.actor, opened.json_value())] if opened is not None else []
    if folder.execution is not None:
        drafts += _execution(known, permitted, folder.execution, files)
    elif files:
        added = EvidenceAdded(execution=folder.name, files=[_plain(f) for f in files], of="renewal")
        drafts.append(Draft(KIND_EVIDENCE, case, known.actor, added.json_value()))
    step = RenewalStep(
        case=case,
        step=permitted.asked.step,
        executor=permitted.executor,
        agent=known.agent,
        done_at=permitted.done_at,
        on_paper=permitted.on_paper,
        input_at=permitted.input_at,
        taken_at=permitted.taken_at,
        attachments=list(files),
        note=permitted.asked.note.strip()[:_NOTE],
        amount=permitted.amount,
        execution=folder.execution,
    )
    drafts.append(Draft(KIND_RENEWAL_STEP, case, known.actor, step.json_value()))
    drafts += proof_drafts(known, case, permitted.asked.proofs, files)
    return drafts


def proof_drafts(known: Known, case: str, proofs: Sequence[Proof], files: Sequence[Attachment]) -> list[Draft]:
    """Looks as events, each with the file that it rests on: what was seen, or the document that was attested."""
    attested = tuple(f for f in files if f.role == RENEWED and not f.path.endswith(".json"))
    looks = [f for f in files if f.role == RENEWED and f.path.endswith(".json")]
    drafts = []
    for proof in proofs:
        seen = tuple(f for f in looks if f.original == proof.service)
        rests_on = attested if proof.state == "attested" else seen if proof.state == "moved" else ()
        drafts.append(proof_draft(known, case, replace(proof, attachments=rests_on)))
    return drafts


def proof_draft(known: Known, case: str, proof: Proof) -> Draft:
    """A look at one service, as an event."""
    data = RenewalProven(
        case=case,
        service=proof.service,
        state=proof.state,
        seen_end=proof.seen_end,
        reason=proof.reason,
        attachments=list(proof.attachments),
        at=proof.at,
        attested_by=proof.attested_by,
        agent=known.agent,
    )
    return Draft(KIND_RENEWAL_PROVEN, case, known.actor, data.json_value())


def evidence_draft(known: Known, case: str, execution: str, files: Sequence[Attachment]) -> Draft:
    """Files that came later to an execution of a case."""
    added = EvidenceAdded(execution=execution, files=[_plain(f) for f in files])
    return Draft(KIND_EVIDENCE, case, known.actor, added.json_value())


def _plain(file: Attachment) -> EvidenceFile:
    return EvidenceFile(path=file.path, bytes=file.bytes, sha256=file.sha256)


def _execution(known: Known, permitted: Permitted, execution: str, files: Sequence[Attachment]) -> list[Draft]:
    started = ExecutionStarted(
        execution=execution,
        run=execution,
        activity=permitted.rule.activity,
        executor=permitted.executor,
        agent=known.agent,
        clock="working",
        started_at=permitted.input_at,
        by_hand=True,
        ad_hoc=True,
        taken_at=permitted.taken_at,
    )
    document = _document(known, permitted, files)
    whole = all(r.ok for r in document.requirements) and not document.output_problems
    finished = ExecutionFinished(
        execution=execution,
        ended_at=permitted.done_at,
        status="completed" if whole else "failed",
        document=document,
        note=permitted.asked.note.strip()[:_NOTE],
    )
    case = permitted.case.id
    drafts = [Draft(KIND_STARTED, case, known.actor, started.json_value())]
    if files:
        added = EvidenceAdded(execution=execution, files=[_plain(f) for f in files])
        drafts.append(Draft(KIND_EVIDENCE, case, known.actor, added.json_value()))
    drafts.append(Draft(KIND_FINISHED, case, known.actor, finished.json_value()))
    return drafts


def _document(known: Known, permitted: Permitted, files: Sequence[Attachment]) -> ResultDocument:
    lang = known.unit.language
    outputs = [_output(lang, f) for f in files if f.role == permitted.rule.output]
    problems = _unproven(permitted, lang) if permitted.rule.output == "renewed_service" else []
    if not outputs and not problems:
        problems = [say(lang, "never")]
    return ResultDocument(
        activity=permitted.rule.activity,
        site=permitted.case.id,
        requirements=[_requirement(known, permitted, role, files) for role in permitted.rule.requires],
        outputs=outputs,
        output_problems=problems,
    )


def _output(lang: Language, file: Attachment) -> Output:
    return Output(
        name=file.role,
        place="evidence",
        path=PurePosixPath(file.path).name,
        bytes=file.bytes,
        sha256=file.sha256,
        verified=say(lang, "looked_up" if file.path.endswith(".json") else "verified"),
    )


def _requirement(known: Known, permitted: Permitted, role: str, files: Sequence[Attachment]) -> Requirement:
    """What had to be at hand: attached with this step or an earlier one, and still in the archive as it was then."""
    lang, case = known.unit.language, permitted.case
    file = next((f for f in files if f.role == role), None) or next(iter(case.attachments(role)), None)
    if file is None:
        return Requirement(name=role, ok=False, reason=say(lang, "never"))
    name = harmless(file.original or PurePosixPath(file.path).name, 120)
    if file.sha256 in known.broken:
        return Requirement(name=role, ok=False, reason=say(lang, "broken", name=name))
    if role == "invoice":
        invoice, received = case.invoice, case.invoice_received.astimezone(known.unit.tz)
        text = say(
            lang,
            "invoice",
            number=invoice.number,
            issued=day(lang, invoice.issued),
            received=moment(lang, received),
            sha=file.sha256[:16],
        )
        return Requirement(name=role, ok=True, reason=text)
    done = _attached_at(case, file) or permitted.done_at
    when = moment(lang, done.astimezone(known.unit.tz))
    return Requirement(name=role, ok=True, reason=say(lang, "at_hand", name=name, done=when, sha=file.sha256[:16]))


def _attached_at(case: Case, file: Attachment) -> datetime | None:
    return next((s.done_at for s in reversed(case.steps) if file in s.attachments), None)


def _unproven(permitted: Permitted, lang: Language) -> list[str]:
    """Why the services are not proven to go on, one line each; empty when they are."""
    case, proofs = permitted.case, permitted.asked.proofs
    if all_renewed(case.lines, (*case.proofs, *proofs)):
        return []
    proven = {p.service for p in (*case.proofs, *proofs) if p.renewed}
    said = {p.service: p.reason for p in (*case.proofs, *proofs)}
    return [
        say(lang, "line", service=line.service, reason=harmless(said.get(line.service, say(lang, "never")), 500))
        for line in case.lines
        if line.service not in proven
    ]
