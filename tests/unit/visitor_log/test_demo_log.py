"""The demo's log: deterministic, current, and carried on by a second demo."""

from __future__ import annotations

import importlib.util
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from zoneinfo import ZoneInfo

import pytest

from reporting.visitor_log.analyse import analyse, plain_file

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def make_log() -> ModuleType:
    path = Path(__file__).parents[3] / "demo" / "make_log.py"
    spec = importlib.util.spec_from_file_location("make_log", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("hours", range(0, 24, 5))
def test_at_any_hour_it_has_every_class_of_suspicion(make_log: ModuleType, tmp_path: Path, hours: int) -> None:
    path = tmp_path / "portal" / "logs" / "access.log"
    now = NOW + timedelta(hours=hours)
    make_log.write(path, now)
    analysis = analyse([plain_file(path)], ZoneInfo("Asia/Jakarta"))
    assert {one.suspect for one in analysis.suspicions} == set(analysis.rules.classes)
    measures = analysis.measures()
    assert measures.lines_total > 1_500
    assert measures.lines_rejected > 0
    assert measures.first_at is not None
    assert measures.last_at is not None
    assert now - timedelta(days=3) < measures.first_at < measures.last_at <= now


def test_the_same_now_gives_the_same_bytes_and_sites_differ(make_log: ModuleType, tmp_path: Path) -> None:
    paths = [tmp_path / run / site / "logs" / "access.log" for run in "ab" for site in ("portal", "arsip")]
    for path in paths:
        make_log.write(path, NOW)
    contents = [path.read_bytes() for path in paths]
    assert contents[0] == contents[2] != contents[1] == contents[3]


def test_a_second_demo_adds_what_happened_since(make_log: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "portal" / "logs" / "access.log"
    make_log.write(path, NOW)
    before = path.read_bytes()
    assert make_log.write(path, NOW) == 0
    added = make_log.write(path, NOW + timedelta(hours=2))
    assert added > 0
    assert path.read_bytes().startswith(before)
    assert path.read_bytes()[len(before) :].count(b"\n") == added
