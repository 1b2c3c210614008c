"""What ansible-runner's events say about each site: its tasks with their times, its document, what went wrong."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from reporting.contract import ContractError, ResultDocument, validate_document
from reporting.events import TaskTime
from reporting.text import harmless

_STATUS = {
    "runner_on_ok": "ok",
    "runner_on_failed": "failed",
    "runner_on_skipped": "skipped",
    "runner_on_unreachable": "unreachable",
}
MAX_TASKS = 500
_SAID = 60
_CAUSE = re.compile(r"\[ERROR\]:|ERROR!|Origin:|fatal:")


def refusal(said: list[str]) -> str:
    """Why ansible refused to begin, in one line: its errors and where they come from, else the last things it said."""
    causes = list(dict.fromkeys(line.strip() for line in said if _CAUSE.match(line.strip())))
    return (" ".join(causes) or " ".join(said[-5:]) or "it said nothing")[:1_000]


@dataclass
class SiteTrack:
    """One site within a run, as far as the events have told."""

    site: str
    tasks: list[TaskTime] = field(default_factory=list)
    began_at: datetime | None = None
    ended_at: datetime | None = None
    document: ResultDocument | None = None
    problem: str = ""  # the last failure's message
    unreachable: str = ""
    task_now: str = ""


class Tracker:
    """Folds a run's events, one at a time; small, because it runs inside ansible-runner's loop."""

    def __init__(self, sites: list[str]) -> None:
        self.sites = {site: SiteTrack(site) for site in sites}
        self.said: list[str] = []  # by ansible itself, before or beside the sites: its last lines

    def take(self, event: dict[str, Any]) -> SiteTrack | None:
        """Fold one event; returns the site whose document it brought, if it did."""
        kind, data = event.get("event", ""), event.get("event_data") or {}
        if "host" not in data and event.get("stdout"):
            lines = [harmless(line, 400) for line in str(event["stdout"]).splitlines() if line.strip()]
            self.said = [*self.said, *lines][-_SAID:]
        track = self.sites.get(str(data.get("host", "")))
        if track is None:
            return None
        if kind == "runner_on_start":
            track.task_now = harmless(data.get("task", ""), 80)
            return None
        if kind not in _STATUS:
            return None
        return self._result(track, _STATUS[kind], data)

    def _result(self, track: SiteTrack, status: str, data: dict[str, Any]) -> SiteTrack | None:
        started, ended = _instant(data.get("start")), _instant(data.get("end"))
        track.began_at = track.began_at or started
        track.ended_at = ended or track.ended_at
        if started is not None and len(track.tasks) < MAX_TASKS:
            seconds = max(0.0, float(data.get("duration") or 0.0))
            name = harmless(data.get("task", "?"), 200)
            track.tasks.append(TaskTime(name=name, started_at=started, seconds=seconds, status=status))
        result = data.get("res")
        result = result if isinstance(result, dict) else {}
        if status in ("failed", "unreachable"):
            self._went_wrong(track, status, result, data)
        if status == "ok" and "laman_result" in result and track.document is None:
            return self._document(track, result["laman_result"])
        return None

    def _went_wrong(self, track: SiteTrack, status: str, result: dict[str, Any], data: dict[str, Any]) -> None:
        message = harmless(result.get("msg") or result.get("censored") or "no message", 1_000)
        if status == "unreachable":
            track.unreachable = message
        track.problem = f"{harmless(data.get('task', '?'), 100)}: {message}"

    def _document(self, track: SiteTrack, raw: Any) -> SiteTrack | None:
        try:
            track.document = validate_document(raw)
        except ContractError as error:
            track.problem = str(error)
            return None
        return track


def _instant(text: Any) -> datetime | None:
    """An event's time; ansible writes UTC, with or without saying so."""
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
