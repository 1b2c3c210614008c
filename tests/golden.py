"""The golden period (tests/data/golden), written out as the events that a ledger would hold; for any test to use."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from reporting.contract import ResultDocument
from reporting.events import (
    KIND_EVIDENCE,
    KIND_FINISHED,
    KIND_REVIEWED,
    KIND_SETTINGS,
    KIND_STARTED,
    Agent,
    EvidenceAdded,
    EvidenceFile,
    ExecutionFinished,
    ExecutionReviewed,
    ExecutionStarted,
    Person,
    TaskTime,
)
from reporting.ledger.model import GENESIS, Event
from reporting.unit import Snapshot, Unit

FOLDER = Path(__file__).parent / "data" / "golden"
WIB = ZoneInfo("Asia/Jakarta")
TIMER = Agent(kind="timer", name="laman.timer")


def local(moment: datetime) -> datetime:
    """A local time of the golden files as an instant."""
    return moment.replace(tzinfo=WIB)


def load(name: str) -> Any:
    """One of the golden files, as plain values."""
    return yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))


def document(raw: dict[str, Any]) -> ResultDocument:
    """A result document from the short form of events.yml."""
    requirements = [{"name": name, "ok": True, "reason": "seen"} for name in raw.get("ok", [])]
    requirements += [{"name": n, "ok": False, "reason": why} for n, why in raw.get("missing", {}).items()]
    outputs = [
        {
            "name": "output",
            "place": "evidence",
            "path": f"output-{number}.json",
            "bytes": 100,
            "sha256": f"{number:064x}",
            "verified": "read back, SHA-256 equal",
        }
        for number in range(raw.get("outputs", 0))
    ]
    findings = [
        {"kind": "stale_section", "severity": "medium", "title": f"finding {n}", "fingerprint": f"{n:016x}"}
        for n in range(raw.get("findings", 0))
    ]
    return ResultDocument.model_validate(
        {
            "activity": raw["activity"],
            "site": raw.get("site", "laman"),
            "requirements": requirements,
            "outputs": outputs,
            "output_problems": raw.get("problems", []),
            "findings": findings,
            "findings_total": len(findings),
        }
    )


def payloads(raw: dict[str, Any], people: dict[str, Person]) -> Iterator[tuple[datetime, str, Any]]:
    """The events of one execution in the short form: when recorded, kind, payload."""
    start, executor = local(raw["start"]), people[raw["executor"]]
    recorded = local(raw["recorded"]) if "recorded" in raw else None
    yield (
        recorded or start,
        KIND_STARTED,
        ExecutionStarted(
            execution=raw["id"],
            run=f"run-{raw['id']}",
            activity=raw["activity"],
            executor=executor,
            agent=TIMER,
            clock="elapsed",
            started_at=start,
            by_hand=raw.get("by_hand", False),
            ad_hoc=raw.get("ad_hoc", False),
            limit_minutes=raw.get("limit"),
        ),
    )
    if "end" not in raw:
        return
    end = local(raw["end"])
    task = TaskTime(name="work", started_at=start, seconds=max(0.0, (end - start).total_seconds()), status="ok")
    status = raw.get("status", "completed")
    began = local(raw["began"]) if "began" in raw else None
    finished = ExecutionFinished(
        execution=raw["id"],
        began_at=began,
        ended_at=end,
        status=status,
        document=document(raw),
        tasks=[task],
    )
    yield recorded or end, KIND_FINISHED, finished
    if raw.get("outputs"):
        proof = EvidenceFile(path=f"archive/{raw['id']}/output-0.json", bytes=100, sha256=f"{0:064x}")
        yield recorded or end, KIND_EVIDENCE, EvidenceAdded(execution=raw["id"], files=[proof])
    if "reviewed" in raw:
        agent = Agent(kind="person", name=executor.id)
        at = local(raw["reviewed"])
        review = ExecutionReviewed(execution=raw["id"], reviewer=executor, agent=agent, note="dibaca", reviewed_at=at)
        yield at, KIND_REVIEWED, review


def build(content: dict[str, Any]) -> list[Event]:
    """Events in the ledger's order from the short form (people, settings, executions)."""
    people = {name: Person.model_validate(person) for name, person in content["people"].items()}
    rows: list[tuple[datetime, str, str, dict[str, Any]]] = []
    for raw in content["settings"]:
        unit = Unit.model_validate({"state_dir": "../state", **raw["unit"]})
        snapshot = Snapshot(unit=unit, sites=raw["sites"])
        rows.append((local(raw["at"]), KIND_SETTINGS, snapshot.unit.id, snapshot.model_dump(mode="json")))
    for raw in content["executions"]:
        site = raw.get("site", "laman")
        rows += [(at, kind, site, payload.json_value()) for at, kind, payload in payloads(raw, people)]
    rows.sort(key=lambda row: row[0])
    return [
        Event(
            seq=seq,
            id=f"event-{seq}",
            at=at,
            unit="contoh",
            actor="test",
            kind=kind,
            subject=subject,
            data=data,
            prev=GENESIS,
            hash=GENESIS,
        )
        for seq, (at, kind, subject, data) in enumerate(rows, start=1)
    ]


def events() -> list[Event]:
    """The golden period's events."""
    return build(load("events.yml"))
