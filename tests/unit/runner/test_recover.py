"""What was begun and never ended is closed by whoever comes next, and by nobody else."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from reporting.events import KIND_FINISHED, KIND_STARTED, Agent, ExecutionFinished, ExecutionStarted, Person
from reporting.ledger import Archive, Draft, open_ledger
from reporting.runner.locks import AlreadyRunning, run_lock
from reporting.runner.model import Record
from reporting.runner.recover import close_all_killed, close_killed, unfinished
from reporting.unit import read_inventory

EXAMPLE = Path(__file__).resolve().parents[3] / "inventory" / "example"
SLUGS = {1: "content_status", 2: "backup", 3: "visitor_log"}


@pytest.fixture
def record(tmp_path: Path) -> Record:
    inventory = read_inventory(EXAMPLE)
    unit = inventory.unit.model_copy(update={"state_dir": str(tmp_path / "state")})
    inventory = inventory.model_copy(update={"unit": unit})
    return Record(inventory, open_ledger(None, tmp_path / "state", "uji"), Archive(tmp_path / "state" / "archive"))


def begin(record: Record, activity: int, site: str) -> str:
    execution = f"20261122T090000-{SLUGS[activity]}-{site}-00000000"
    started = ExecutionStarted(
        execution=execution,
        run="r",
        activity=activity,
        executor=Person(id="budi", name="Budi", title="Pengelola"),
        agent=Agent(kind="person", name="x"),
        clock="elapsed",
        started_at=datetime(2026, 11, 22, 2, tzinfo=UTC),
    )
    record.ledger.append([Draft(KIND_STARTED, site, "p", started.json_value())])
    return execution


def ends(record: Record) -> list[ExecutionFinished]:
    return [ExecutionFinished.model_validate(e.data) for e in record.ledger.events([KIND_FINISHED])]


def test_an_execution_without_a_process_is_closed_once(record: Record) -> None:
    execution = begin(record, 2, "www")
    assert close_all_killed(record, SLUGS) == 1
    assert close_all_killed(record, SLUGS) == 0
    (end,) = ends(record)
    assert (end.execution, end.status) == (execution, "killed")
    assert "killed" in end.document.output_problems[0]
    assert unfinished(record) == []


def test_what_still_runs_is_left_alone(record: Record) -> None:
    begin(record, 2, "www")
    with run_lock(record.locks, "backup", "www", {"pid": "1"}):
        assert close_all_killed(record, SLUGS) == 0
    assert ends(record) == []


def test_a_site_whose_name_holds_another_activity_is_not_mixed_up(record: Record) -> None:
    """The caller holds the lock of backup on that site; its content run may be alive."""
    begin(record, 1, "arsip-backup-lama")
    assert close_killed(record, 2, "backup", ["arsip-backup-lama"]) == 0
    assert len(unfinished(record)) == 1


def test_evidence_of_a_killed_run_is_kept_but_not_what_is_half_written(record: Record) -> None:
    execution = begin(record, 3, "www")
    folder = record.archive.folder("visitor_log", execution, datetime(2026, 11, 22, 9, tzinfo=UTC))
    (folder / "001.log.zst").write_bytes(b"whole")
    (folder / ".002.log.zst.abc.part").write_bytes(b"half")
    assert close_all_killed(record, SLUGS) == 1
    count, problems = record.archive.verify(record.ledger.events())
    assert (count, problems) == (1, [])


def test_the_holder_of_a_lock_is_named(tmp_path: Path) -> None:
    holder = {"pid": "4711", "since": "2026-11-22T09:00:00"}
    with (
        run_lock(tmp_path, "backup", "www", holder),
        pytest.raises(AlreadyRunning, match=r"since 2026-11-22T09:00:00, process 4711"),
        run_lock(tmp_path, "backup", "www", {}),
    ):
        pass
    with run_lock(tmp_path, "backup", "www", {}):
        pass
