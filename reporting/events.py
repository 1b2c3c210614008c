"""What the events of the ledger say: one model per kind. Written by the runner and by people's commands, folded by
compliance. A kind never changes its meaning; new fields get defaults, so that an old ledger reads the same for ever.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from reporting.contract import ResultDocument, Sha256

Clock = Literal["elapsed", "working"]
FinishStatus = Literal["completed", "failed", "unreachable", "timed_out", "cancelled", "killed"]


class _Payload(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    def json_value(self) -> dict[str, Any]:
        """The payload as plain JSON values, for the ledger."""
        return self.model_dump(mode="json")


class Person(_Payload):
    """The officer on whose responsibility something was done (executor) or who did it."""

    id: str
    name: str
    nip: str | None = None
    title: str


class Agent(_Payload):
    """Who or what typed: a person at the keyboard, a timer, CI."""

    kind: Literal["person", "timer", "ci"]
    name: str


class TaskTime(_Payload):
    """One task of a playbook on one site."""

    name: str
    started_at: AwareDatetime
    seconds: Annotated[float, Field(ge=0)]
    status: Literal["ok", "failed", "skipped", "unreachable"]


class ExecutionStarted(_Payload):
    """kind `execution.started`, subject = site: an activity begins. `limit_minutes`: ended by force after that."""

    execution: str
    run: str  # all executions of one `laman run` share it
    activity: int
    executor: Person
    agent: Agent
    clock: Clock
    started_at: AwareDatetime
    by_hand: bool = False  # entered with `laman record`
    ad_hoc: bool = False  # judged, but fills no plan
    limit_minutes: float | None = None


class ExecutionFinished(_Payload):
    """kind `execution.finished`, subject = site: it ended, well or not; always with a document."""

    execution: str
    began_at: AwareDatetime | None = None  # the first task on this site; waiting for other sites is no one's minutes
    ended_at: AwareDatetime
    status: FinishStatus
    document: ResultDocument
    tasks: list[TaskTime] = []
    note: Annotated[str, StringConstraints(max_length=2_000)] = ""  # what the person wrote who did it by hand


class EvidenceFile(_Payload):
    """One file of the archive; `path` is relative to the archive's root."""

    path: str
    bytes: int
    sha256: Sha256


class EvidenceAdded(_Payload):
    """kind `evidence.added`, subject = site: files that prove an execution."""

    execution: str
    files: list[EvidenceFile]


class ExecutionReviewed(_Payload):
    """kind `execution.reviewed`, subject = site: the executor has read the result."""

    execution: str
    reviewer: Person
    agent: Agent
    note: Annotated[str, StringConstraints(min_length=1, max_length=2_000)]
    reviewed_at: AwareDatetime


class ReportIssued(_Payload):
    """kind `report.issued`, subject = period: a workbook was handed out, with the ledger's head as it was printed."""

    period: str
    language: Literal["id", "en"]
    file: EvidenceFile
    head_seq: int
    head_hash: str


KIND_SETTINGS = "settings.recorded"  # subject = unit id; data = reporting.unit.Snapshot
KIND_STARTED = "execution.started"
KIND_FINISHED = "execution.finished"
KIND_REVIEWED = "execution.reviewed"
KIND_EVIDENCE = "evidence.added"
KIND_REPORT = "report.issued"
