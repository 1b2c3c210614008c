"""One activity on many sites: planned in the ledger, run by ansible, recorded site by site as the documents come."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from typing import Any

from reporting.contract import ResultDocument
from reporting.events import (
    KIND_FINISHED,
    KIND_STARTED,
    ExecutionFinished,
    ExecutionStarted,
    FinishStatus,
)
from reporting.ledger import Draft
from reporting.runner.document import checked, missing_document
from reporting.runner.locks import AlreadyRunning, run_lock
from reporting.runner.model import Progress, Record, RunRequest, RunResult, SiteRun
from reporting.runner.play import PLAYBOOKS, CannotRun, Play, Played, play
from reporting.runner.recover import append_end, close_killed
from reporting.runner.track import SiteTrack, Tracker, refusal

_SETS = 60  # sets that something may be taken over from: those of a few weeks, on whichever medium they lie
_RECORDED = 20  # a role asks about its last execution; a few more cost nothing


def run_activity(request: RunRequest, record: Record, progress: Progress) -> RunResult:
    """Run one activity on the sites of a request; each site that was begun has an execution in the ledger at the end.

    Raises:
        CannotRun: ansible could not be started (what was begun is recorded as failed first).
        LedgerError: the ledger cannot be written; nothing is then claimed to be recorded.
    """
    result = RunResult(request)
    with ExitStack() as locks:
        free = [site for site in request.sites if _locked(locks, site, request, record, result)]
        if not free:
            return result
        close_killed(record, request.activity.number, request.activity.slug, free)
        result.sites = _begin(request, record, free)
        with _watched(progress, request, free):
            _Recorder(record, result, progress).run()
    return result


@contextmanager
def _watched(progress: Progress, request: RunRequest, sites: list[str]) -> Iterator[None]:
    progress.begin(request, sites)
    try:
        yield
    finally:
        progress.end()


def _locked(locks: ExitStack, site: str, request: RunRequest, record: Record, result: RunResult) -> bool:
    holder = {"pid": str(os.getpid()), "since": record.clock().isoformat(timespec="seconds")}
    try:
        locks.enter_context(run_lock(record.locks, request.activity.slug, site, holder))
    except AlreadyRunning as busy:
        result.left_alone[site] = f"{request.activity.slug} is already running on {site} ({busy.holder})"
        return False
    return True


def new_execution_id(moment: datetime, activity: str, site: str) -> str:
    """A readable name that no other execution has: local time, activity, site, four random bytes."""
    return f"{moment:%Y%m%dT%H%M%S}-{activity}-{site}-{secrets.token_hex(4)}"


def _begin(request: RunRequest, record: Record, sites: list[str]) -> list[SiteRun]:
    now = record.clock()
    local = now.astimezone(record.inventory.unit.tz)
    run_id = f"{local:%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"
    begun = []
    for site in sites:
        execution = new_execution_id(local, request.activity.slug, site)
        started = ExecutionStarted(
            execution=execution,
            run=run_id,
            activity=request.activity.number,
            executor=request.executors[site],
            agent=request.agent,
            clock="elapsed",
            started_at=now,
            ad_hoc=request.ad_hoc,
            limit_minutes=request.limit_minutes,
            catches_up=request.catches_up.get(site, ""),
        )
        folder = record.archive.folder(request.activity.slug, execution, local)
        begun.append(SiteRun(site=site, started=started, evidence_dir=folder))
    actor = actor_of(request)
    record.ledger.append(Draft(KIND_STARTED, s.site, actor, s.started.json_value()) for s in begun)
    return begun


def actor_of(request: RunRequest) -> str:
    """The ledger's `actor` column: who or what typed."""
    return f"{request.agent.kind}:{request.agent.name}"


class _Recorder:
    """Takes a run's events and writes each site into the ledger as soon as its document is there.

    Not at the end of the run: a kill in the last second would cost the record of everything before it.
    """

    def __init__(self, record: Record, result: RunResult, progress: Progress) -> None:
        self._record = record
        self._result = result
        self._progress = progress
        self._runs = {s.site: s for s in result.sites}
        self._tracker = Tracker(list(self._runs))
        self._arrived: list[SiteTrack] = []

    def run(self) -> None:
        """Run the playbook; whatever happens, every site that was begun is recorded before this returns or raises."""
        played = Played(exit_code=None, stop_cause=None)
        try:
            played = play(self._play(), self._on_event, self._on_tick)
        finally:
            self._record_arrived()
            for site, run in self._runs.items():
                if run.finished is None:
                    track = self._tracker.sites[site]
                    self._finish(track, *missing_document(run.started.activity, track, played.stop_cause))
        self._could_it_run(played)

    def _could_it_run(self, played: Played) -> None:
        """Tell a broken set-up (a playbook or an inventory that ansible refuses) from a site that failed."""
        nothing_began = all(track.began_at is None and not track.task_now for track in self._tracker.sites.values())
        if nothing_began and played.exit_code not in (0, None):
            playbook = self._result.request.activity.playbook
            raise CannotRun(f"ansible could not run {playbook}: {refusal(self._tracker.said)}")

    def _play(self) -> Play:
        recorded = _recorded(self._record, self._result.request.activity.number)
        sets = _sets(self._record)
        executions = {
            s.site: {
                "id": s.started.execution,
                "evidence_dir": str(s.evidence_dir),
                "state_dir": str(self._record.inventory.state_dir),
                "activity": s.started.activity,
                "recorded": recorded.get(s.site, []),
                "sets": sets.get(s.site, {}),
            }
            for s in self._result.sites
        }
        request = self._result.request
        return Play(
            playbook=PLAYBOOKS / request.activity.playbook,
            inventory=self._record.inventory.hosts_file,
            hosts=list(self._runs),
            extra_vars={"laman_executions": executions},
            limit_seconds=request.limit_minutes * 60,
            forks=request.forks,
        )

    def _on_event(self, event: dict[str, Any]) -> None:
        arrived = self._tracker.take(event)
        if arrived is not None:
            self._arrived.append(arrived)
        if event.get("event") == "runner_on_start":
            data = event.get("event_data", {})
            self._progress.task(str(data.get("host", "")), str(data.get("task", "")))

    def _on_tick(self) -> None:
        self._record_arrived()
        self._progress.tick()

    def _record_arrived(self) -> None:
        while self._arrived:
            track = self._arrived.pop(0)
            document = track.document
            if document is None:
                continue
            whole = all(r.ok for r in document.requirements) and not document.output_problems
            self._finish(track, document, "completed" if whole else "failed")

    def _finish(self, track: SiteTrack, document: ResultDocument, status: FinishStatus) -> None:
        run = self._runs[track.site]
        document = checked(document, run.started.activity, run.site, run.evidence_dir)
        run.finished = ExecutionFinished(
            execution=run.started.execution,
            began_at=track.began_at,
            ended_at=max(self._ended_at(track), track.began_at or run.started.started_at),
            status="failed" if status == "completed" and document.output_problems else status,
            document=document,
            tasks=track.tasks,
        )
        append_end(self._record, run.site, actor_of(self._result.request), run.finished, run.evidence_dir)
        good = all(r.ok for r in document.requirements) and not document.output_problems
        self._progress.done(run.site, "ok" if good else "problem", _note(document))

    def _ended_at(self, track: SiteTrack) -> datetime:
        """The document's own task end; a site without a document ends when its run does."""
        return track.ended_at if track.document and track.ended_at else self._record.clock()


def _recorded(record: Record, activity: int) -> dict[str, list[str]]:
    """The last executions per site whose output the record holds: what a role read for others, it must read again."""
    found: dict[str, list[str]] = {}
    for event in record.ledger.events([KIND_FINISHED]):
        document = event.data["document"]
        if document["activity"] == activity and document["outputs"]:
            found.setdefault(event.subject, []).append(event.data["execution"])
    return {site: executions[-_RECORDED:] for site, executions in found.items()}


def _sets(record: Record) -> dict[str, dict[str, str]]:
    """SHA-256 of SHA256SUMS of the last sets per site, by folder: what is taken over must be as it was made."""
    found: dict[str, dict[str, str]] = {}
    for event in record.ledger.events([KIND_FINISHED]):
        for output in event.data["document"]["outputs"]:
            folder, _, name = output["path"].rpartition("/")
            if output["place"] == "medium" and name == "SHA256SUMS":
                found.setdefault(event.subject, {})[folder.rpartition("/")[2]] = output["sha256"]
    return {site: dict(list(sets.items())[-_SETS:]) for site, sets in found.items()}


def _note(document: ResultDocument) -> str:
    failed = [r.reason for r in document.requirements if not r.ok]
    first = (failed + document.output_problems)[:1]
    return first[0] if first else ""
