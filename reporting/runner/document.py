"""The document of a site that handed none over, and the check of what a document says against the archive.

Every planned site gets an execution, with the requirement or the output that was missing.
"""

from __future__ import annotations

from pathlib import Path

from reporting.contract import Requirement, ResultDocument
from reporting.events import FinishStatus
from reporting.files import below, sha256_file
from reporting.runner.supervise import Cause
from reporting.runner.track import SiteTrack

_PART = ".part"


def missing_document(activity: int, track: SiteTrack, stop_cause: Cause | None) -> tuple[ResultDocument, FinishStatus]:
    """A document made from the events of a site whose role left none."""
    if track.unreachable and stop_cause is None:
        reason = f"the site could not be reached: {track.unreachable}"
        return _without_output(activity, track.site, [], Requirement(name="site_access", ok=False, reason=reason)), (
            "unreachable"
        )
    if stop_cause == "timed_out":
        return _without_output(activity, track.site, [f"ended at the time limit{_during(track)}"]), "timed_out"
    if stop_cause == "cancelled":
        return _without_output(activity, track.site, [f"interrupted by the operator{_during(track)}"]), "cancelled"
    problem = track.problem or "the run ended without a result document"
    return _without_output(activity, track.site, [problem]), "failed"


def killed_document(activity: int, site: str) -> ResultDocument:
    """The document of an execution that has a start in the ledger, no end, and no process any more."""
    return _without_output(
        activity, site, ["the run was killed (power, kill -9 or out of memory): no output was verified"]
    )


def _during(track: SiteTrack) -> str:
    return f" during task: {track.task_now}" if track.task_now else " before its first task"


def _without_output(
    activity: int, site: str, problems: list[str], requirement: Requirement | None = None
) -> ResultDocument:
    return ResultDocument(
        activity=activity,
        site=site,
        requirements=[requirement] if requirement else [],
        output_problems=[p[:2_000] for p in problems],
    )


def checked(document: ResultDocument, activity: int, site: str, evidence_dir: Path) -> ResultDocument:
    """The document, with a problem for each evidence file that is not on disk as it was handed over."""
    problems = list(document.output_problems)
    if (document.activity, document.site) != (activity, site):
        problems.append(
            f"the document speaks of activity {document.activity} on {document.site}, not of {activity} on {site}"
        )
    for output in document.outputs:
        if output.place == "evidence":
            problems.extend(_file_problem(evidence_dir, output.path, output.bytes, output.sha256))
    if problems == document.output_problems:
        return document
    return document.model_copy(
        update={"output_problems": [p[:2_000] for p in problems][:100], "activity": activity, "site": site}
    )


def _file_problem(folder: Path, path: str, size: int, sha256: str) -> list[str]:
    try:
        if sha256_file(below(folder, path)) != (sha256, size):
            return [f"evidence file {path} is not what the role handed over (size or SHA-256 differs)"]
    except (OSError, ValueError) as error:
        return [f"evidence file {path} cannot be read: {error}"]
    return []


def evidence_files(evidence_dir: Path) -> list[Path]:
    """The whole files of an evidence folder; what a killed run left half-written is not among them."""
    return sorted(
        path
        for path in evidence_dir.rglob("*")
        if path.is_file() and not path.is_symlink() and not path.name.endswith(_PART)
    )
