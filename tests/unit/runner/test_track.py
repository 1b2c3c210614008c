"""ansible-runner's events folded: times, documents, what went wrong."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from reporting.runner.document import missing_document
from reporting.runner.model import run_limit
from reporting.runner.play import scrubbed
from reporting.runner.supervise import Cause
from reporting.runner.track import Tracker, refusal

DOCUMENT = {
    "activity": 2, "site": "www", "requirements": [{"name": "site_access", "ok": True}],
    "outputs": [{"name": "backup_tree", "place": "medium", "path": "a/b", "bytes": 1, "sha256": "a" * 64,
                 "verified": "read back"}],
}  # fmt: skip


def event(kind: str, host: str = "www", **data: Any) -> dict[str, Any]:
    return {"event": kind, "event_data": {"host": host, "task": "Make the set", **data}}


def ended(seconds: float = 2.5, **res: Any) -> dict[str, Any]:
    return {"start": "2026-11-22T02:00:00.000000", "end": "2026-11-22T02:00:02.500000", "duration": seconds, "res": res}


def test_a_document_and_its_times_come_from_the_events() -> None:
    tracker = Tracker(["www"])
    assert tracker.take(event("runner_on_start")) is None
    assert tracker.take(event("runner_on_ok", **ended())) is None
    arrived = tracker.take(event("runner_on_ok", **ended(laman_result=DOCUMENT)))
    assert arrived is not None
    assert arrived.document is not None
    assert arrived.began_at == datetime(2026, 11, 22, 2, tzinfo=UTC)
    assert [t.seconds for t in arrived.tasks] == [2.5, 2.5]


@pytest.mark.parametrize("raw", [{}, {"activity": 99}, "text", None])
def test_a_result_that_is_no_document_is_a_problem_not_a_success(raw: Any) -> None:
    """ansible turns a result of more than 700,000 characters into {} and calls it ok."""
    tracker = Tracker(["www"])
    assert tracker.take(event("runner_on_ok", **ended(laman_result=raw))) is None
    document, status = missing_document(2, tracker.sites["www"], None)
    assert status == "failed"
    assert "result document" in document.output_problems[0]


def test_an_unreachable_site_misses_its_access() -> None:
    tracker = Tracker(["www"])
    tracker.take(event("runner_on_unreachable", **ended(msg="Failed to connect\x1b[2J")))
    document, status = missing_document(2, tracker.sites["www"], None)
    assert status == "unreachable"
    assert [(r.name, r.ok) for r in document.requirements] == [("site_access", False)]
    assert "\x1b" not in document.requirements[0].reason


@pytest.mark.parametrize(("cause", "status"), [("timed_out", "timed_out"), ("cancelled", "cancelled")])
def test_a_run_that_was_ended_names_the_task(cause: Cause, status: str) -> None:
    tracker = Tracker(["www"])
    tracker.take(event("runner_on_start"))
    document, got = missing_document(2, tracker.sites["www"], cause)
    assert got == status
    assert "Make the set" in document.output_problems[0]


def test_events_of_other_hosts_and_odd_shapes_are_passed_over() -> None:
    tracker = Tracker(["www"])
    for odd in ({}, {"event": "verbose", "stdout": "x\x1b"}, event("runner_on_ok", host="other"),
                event("runner_on_ok", start=5, res="text"), {"event": "x", "event_data": None}):  # fmt: skip
        assert tracker.take(odd) is None
    assert tracker.sites["www"].document is None


def test_only_what_a_run_needs_of_the_environment_is_passed() -> None:
    kept = scrubbed(
        {
            "HOME": "/h",
            "AWS_SECRET": "x",
            "LAMAN_SECRET_SMTP": "z",
            "LAMAN_SECRET_DB": "y",
            "PATH": "/bin",
            "PYTHONPATH": "/evil",
        }
    )
    assert "AWS_SECRET" not in kept
    assert "LAMAN_SECRET_SMTP" not in kept
    assert "PYTHONPATH" not in kept
    assert kept["LAMAN_SECRET_DB"] == "y"
    assert kept["PATH"].endswith(":/bin")


def test_why_ansible_refused_is_its_errors_and_their_origins() -> None:
    tracker = Tracker(["www"])
    said = "[ERROR]: 'rolls' is no\nOrigin: /x/backup.yml:2:3\n\n1 - hosts: sites\n2   rolls: []\n    ^ column 3\n"
    tracker.take({"event": "verbose", "event_data": {}, "stdout": "Using /x/ansible.cfg"})
    tracker.take({"event": "verbose", "event_data": {}, "stdout": said})
    assert refusal(tracker.said) == "[ERROR]: 'rolls' is no Origin: /x/backup.yml:2:3"
    assert refusal(["one", "two"]) == "one two"
    assert refusal([]) == "it said nothing"


@pytest.mark.parametrize(("sites", "minutes"), [(1, 450), (10, 450), (11, 900), (300, 13_500)])
def test_a_run_may_take_its_minutes_once_for_every_wave_of_sites(sites: int, minutes: float) -> None:
    assert run_limit(450, sites, forks=10) == minutes
