"""One diagnosis of one site: the playbook is run, its evidence checked, and one event appended at the end.

No execution of the POS is recorded for it: looking is not solving. What was interrupted leaves no event.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from reporting.contract import DiagnosisMeasures, ResultDocument
from reporting.events import (
    KIND_DIAGNOSIS,
    KIND_EVIDENCE,
    KIND_TICKET_OPENED,
    Agent,
    DiagnosisCheck,
    DiagnosisMade,
    EvidenceAdded,
    EvidenceFile,
    Person,
    TicketOpened,
)
from reporting.ledger import Draft
from reporting.runner.document import checked
from reporting.runner.model import Record
from reporting.runner.play import PLAYBOOKS, CannotRun, Play, play
from reporting.runner.settings import settings_problems
from reporting.runner.track import SiteTrack, Tracker, refusal

SLUG = "diagnosis"
LIMIT_SECONDS = 58.0  # the role keeps its own times far below; this ends what does not
_ACTIVITY = 8


class CannotDiagnose(Exception):
    """Nothing was looked at and nothing is recorded; one line: what, where, what to do."""


@dataclass(frozen=True)
class Asked:
    """Whose diagnosis of which site, and for which ticket (None: for none)."""

    site: str
    ticket: str | None
    executor: Person
    agent: Agent


def diagnose_site(asked: Asked, record: Record, tell: Callable[[str], None]) -> DiagnosisMade:
    """Look at a site, keep the evidence, append `diagnosis.made` and `evidence.added` in one transaction.

    Args:
        asked: what to look at, and on whose responsibility.
        record: where it is recorded.
        tell: called with the name of each step that begins.

    Raises:
        CannotDiagnose: an unknown ticket, or one of another site; no result came.
        CannotRun: ansible could not be started.
    """
    require_ticket(asked, record)
    began = record.clock()
    local = began.astimezone(record.inventory.unit.tz)
    name = f"{local:%Y%m%dT%H%M%S}-{SLUG}-{asked.site}-{secrets.token_hex(4)}"
    folder = record.archive.folder(SLUG, name, local)
    try:
        track = _play(asked, record, name, folder, tell)
        measures = _measures(track.document, asked.site, folder)
        files = [record.archive.measure(folder / output.path) for output in _outputs(track.document)]
    except (CannotDiagnose, CannotRun):
        with suppress(OSError):  # a folder that holds something stays: `laman verify` names it
            folder.rmdir()
        raise
    made = _event(asked, name, measures, files)
    _append(record, asked, made)
    return made


def require_ticket(asked: Asked, record: Record) -> None:
    """That the ticket is there, and is about that site.

    Raises:
        CannotDiagnose: it is not.
    """
    if asked.ticket is None:
        return
    for event in record.ledger.events([KIND_TICKET_OPENED]):
        if event.subject != asked.ticket:
            continue
        site = TicketOpened.model_validate(event.data).site
        if site not in (None, asked.site):
            raise CannotDiagnose(f"ticket {asked.ticket} is about {site}, not about {asked.site}: diagnose that site")
        return
    raise CannotDiagnose(f"no ticket {asked.ticket!r}: laman ticket list --open names those that are open")


def _play(asked: Asked, record: Record, name: str, folder: Path, tell: Callable[[str], None]) -> SiteTrack:
    tracker = Tracker([asked.site])

    def take(event: dict[str, Any]) -> None:
        tracker.take(event)
        if event.get("event") == "runner_on_start":
            tell(tracker.sites[asked.site].task_now)

    about = {"id": name, "evidence_dir": str(folder), "state_dir": str(record.inventory.state_dir),
             "activity": _ACTIVITY}  # fmt: skip
    played = play(
        Play(
            playbook=PLAYBOOKS / "diagnose.yml",
            inventory=record.inventory.hosts_file,
            hosts=[asked.site],
            extra_vars={"laman_executions": {asked.site: about}},
            limit_seconds=LIMIT_SECONDS,
        ),
        take,
        lambda: None,
    )
    track = tracker.sites[asked.site]
    if track.document is None:
        if played.stop_cause is None:
            _require_usable(asked.site, record)
        _explain(asked.site, track, tracker.said, played.stop_cause)
    return track


def _require_usable(site: str, record: Record) -> None:
    """Where no result came: is it a variable? Asked only then, it takes seconds; what is looked at comes of activity 2.

    Raises:
        CannotDiagnose: it is; the variable is named.
    """
    lines = settings_problems(record.inventory, [site], (2, 8)).get(site, [])
    if lines:
        more = f" (and {len(lines) - 1} more: laman check)" if lines[1:] else ""
        raise CannotDiagnose(f"{site}: {lines[0]}{more}")


def _explain(site: str, track: SiteTrack, said: list[str], stop_cause: str | None) -> None:
    if stop_cause == "timed_out":
        raise CannotDiagnose(f"{site}: ended after {LIMIT_SECONDS:.0f} s without a result; nothing is recorded")
    if stop_cause is not None:
        raise CannotDiagnose(f"{site}: interrupted; nothing is recorded")
    if track.problem:
        raise CannotDiagnose(f"{site}: {track.problem}")
    raise CannotRun(f"ansible could not run diagnose.yml: {refusal(said)}")


def _outputs(document: ResultDocument | None) -> list[Any]:
    return [] if document is None else [output for output in document.outputs if output.place == "evidence"]


def _measures(document: ResultDocument | None, site: str, folder: Path) -> DiagnosisMeasures:
    if document is None:
        raise CannotDiagnose(f"{site}: no result came")
    whole = checked(document, _ACTIVITY, site, folder)
    if whole.output_problems:
        raise CannotDiagnose(f"{site}: {whole.output_problems[0]}; nothing is recorded")
    if not isinstance(whole.measures, DiagnosisMeasures):
        raise CannotDiagnose(f"{site}: the role handed over no diagnosis; nothing is recorded")
    return whole.measures


def _event(asked: Asked, name: str, measures: DiagnosisMeasures, files: list[EvidenceFile]) -> DiagnosisMade:
    began: datetime = measures.began_at
    return DiagnosisMade(
        diagnosis=name,
        site=asked.site,
        ticket=asked.ticket,
        executor=asked.executor,
        agent=asked.agent,
        began_at=began,
        ended_at=max(began, measures.ended_at),
        status="completed" if measures.entered else "unreachable",
        checks=[DiagnosisCheck.model_validate(check.model_dump()) for check in measures.checks],
        cause_kind=measures.cause_kind,
        cause=measures.cause,
        cause_id=measures.cause_id,
        files=files,
    )


def _append(record: Record, asked: Asked, made: DiagnosisMade) -> None:
    """The evidence belongs to the ticket where there is one."""
    actor = f"{asked.agent.kind}:{asked.agent.name}"
    evidence = (
        EvidenceAdded(execution=asked.ticket, files=made.files, of="ticket")
        if asked.ticket is not None
        else EvidenceAdded(execution=made.diagnosis, files=made.files, of="diagnosis")
    )
    subject = asked.ticket or asked.site
    record.ledger.append(
        [Draft(KIND_EVIDENCE, subject, actor, evidence.json_value()),
         Draft(KIND_DIAGNOSIS, asked.site, actor, made.json_value())]
    )  # fmt: skip


__all__ = ["LIMIT_SECONDS", "Asked", "CannotDiagnose", "diagnose_site"]
