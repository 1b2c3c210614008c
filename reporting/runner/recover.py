"""Executions that were begun and never ended, because laman itself was killed: closed by whoever comes next."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from reporting.events import (
    KIND_EVIDENCE,
    KIND_FINISHED,
    KIND_STARTED,
    EvidenceAdded,
    ExecutionFinished,
    ExecutionStarted,
)
from reporting.ledger import Draft
from reporting.runner.document import evidence_files, killed_document
from reporting.runner.locks import AlreadyRunning, run_lock
from reporting.runner.model import Record


def unfinished(record: Record) -> list[tuple[str, ExecutionStarted]]:
    """(site, start) of every execution of a machine that has no end in the ledger; what people do is not killed."""
    begun: dict[str, tuple[str, ExecutionStarted]] = {}
    for event in record.ledger.events([KIND_STARTED, KIND_FINISHED]):
        if event.kind == KIND_STARTED:
            started = ExecutionStarted.model_validate(event.data)
            if not started.by_hand:
                begun[started.execution] = (event.subject, started)
        else:
            begun.pop(str(event.data.get("execution")), None)
    return list(begun.values())


def close_killed(record: Record, activity: int, slug: str, sites: Iterable[str]) -> int:
    """Close the unfinished executions of an activity on sites whose lock the caller holds; returns how many.

    The lock is the proof: the kernel let go of it when the process that began them died.
    """
    wanted = set(sites)
    dead = [(site, s) for site, s in unfinished(record) if site in wanted and s.activity == activity]
    for site, started in dead:
        _close(record, slug, site, started)
    return len(dead)


def close_all_killed(record: Record, slugs: dict[int, str]) -> int:
    """Close every unfinished execution whose lock is free; what is still running is left alone."""
    closed = 0
    for site, started in unfinished(record):
        slug = slugs[started.activity]
        try:
            with run_lock(record.locks, slug, site, {}):
                closed += close_killed(record, started.activity, slug, [site])
        except AlreadyRunning:
            continue
    return closed


def _close(record: Record, slug: str, site: str, started: ExecutionStarted) -> None:
    local = started.started_at.astimezone(record.inventory.unit.tz)
    finished = ExecutionFinished(
        execution=started.execution,
        ended_at=record.clock(),
        status="killed",
        document=killed_document(started.activity, site),
    )
    append_end(record, site, "laman:recovery", finished, record.archive.folder(slug, started.execution, local))


def append_end(record: Record, site: str, actor: str, finished: ExecutionFinished, evidence_dir: Path) -> None:
    """Append the end of an execution and the evidence that lies in its folder, in one transaction."""
    files = [record.archive.measure(path) for path in evidence_files(evidence_dir)]
    drafts = [Draft(KIND_FINISHED, site, actor, finished.json_value())]
    if files:
        added = EvidenceAdded(execution=finished.execution, files=files)
        drafts.insert(0, Draft(KIND_EVIDENCE, site, actor, added.json_value()))
    record.ledger.append(drafts)
