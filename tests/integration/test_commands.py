"""The commands around a run, as a user meets them: init, check, verify, report, medium, and what they refuse."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
from pathlib import Path

import pytest

from tests.fleet.fixtures import MediumFactory
from tests.integration.agency import LAMAN, PROJECT, Agency
from tests.integration.test_run import make_site


@pytest.fixture
def agency(tmp_path: Path) -> Agency:
    """An agency with one backup on record."""
    whole = Agency(tmp_path / "ruang kerja é", {"www": make_site(tmp_path / "www")}).write()
    assert whole.laman("run", "backup").returncode == 0
    return whole


def kinds(agency: Agency) -> list[str]:
    with sqlite3.connect(agency.state / "ledger.sqlite") as db:
        return [kind for (kind,) in db.execute("SELECT kind FROM events ORDER BY seq")]


def test_a_new_agency_s_record_is_its_own_and_in_its_home(tmp_path: Path) -> None:
    """README's first command, as an ordinary user: nothing may be written outside the home folder."""
    environment = {**os.environ, "HOME": str(tmp_path), "PYTHONPATH": str(PROJECT)}
    made = subprocess.run(
        [*LAMAN, "init", str(tmp_path / "laman-kantor")], capture_output=True, text=True, check=True, env=environment
    )
    assert "next: edit" in made.stdout
    checked = subprocess.run(
        [*LAMAN, "-i", str(tmp_path / "laman-kantor"), "check", "--offline"],
        capture_output=True, text=True, env=environment,
    )  # fmt: skip
    assert checked.returncode == 1  # its disk is not plugged in
    assert (tmp_path / "laman-state" / "lpmp-dki" / "ledger.sqlite").is_file()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["laman-kantor", "laman-state"]
    again = subprocess.run(
        [*LAMAN, "init", str(tmp_path / "laman-kantor")], capture_output=True, text=True, env=environment
    )
    assert again.returncode == 1
    assert "is not empty" in again.stderr


def test_verify_reads_alone_and_takes_the_head_of_a_workbook(agency: Agency) -> None:
    done = agency.laman("verify", "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["unlisted"] == []
    head = f"{said['events']}:{said['head']}"
    assert agency.laman("verify", "--head", head).returncode == 0
    wrong = agency.laman("verify", "--head", f"{said['events']}:{'0' * 64}")
    assert wrong.returncode == 1
    assert "was printed once" in wrong.stderr
    assert agency.laman("verify", "--head", "nonsense").returncode == 1
    (agency.state / "archive" / "stray.txt").write_text("x")
    assert "named by no event" in agency.laman("verify").stdout


def test_a_copy_on_a_medium_that_cannot_be_written_is_verified_too(agency: Agency, loop_medium: MediumFactory) -> None:
    medium = loop_medium(64, "ARSIP")
    shutil.copytree(agency.state, medium.path / "state")
    medium.remount_ro()
    copy = Agency(agency.folder / "salinan", agency.sites, {"state_dir": str(medium.path / "state")}).write()
    done = copy.laman("verify")
    assert done.returncode == 0, done.stderr


def test_the_record_is_not_for_every_account_of_the_machine(agency: Agency) -> None:
    open_to_others = [p for p in agency.state.rglob("*") if p.stat().st_mode & 0o077]
    assert open_to_others == []


@pytest.mark.parametrize("name", ["ada/laporan.xlsx", "/proc/laporan.xlsx", "folder.xlsx", "laporan.pdf"])
def test_a_workbook_that_cannot_be_written_is_not_issued(agency: Agency, name: str) -> None:
    (agency.folder / "folder.xlsx").mkdir()
    before = kinds(agency)
    done = agency.laman("report", "--output", name)
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1
    assert name.rsplit("/", 1)[-1] in done.stderr
    assert ".part" not in done.stderr
    assert kinds(agency) == before
    assert not (agency.state / "archive" / "2026").exists() or not list(agency.state.rglob("report/*/*"))


def test_a_workbook_that_was_filled_in_is_not_overwritten(agency: Agency) -> None:
    target = agency.folder / "x.xlsx"
    assert agency.laman("report", "--output", str(target)).returncode == 0
    assert agency.laman("report", "--output", str(target)).returncode == 0  # as issued: replaced
    with target.open("ab") as stream:
        stream.write(b"filled in")
    content = target.read_bytes()
    refused = agency.laman("report", "--output", str(target))
    assert refused.returncode == 1
    assert "--force" in refused.stderr
    assert target.read_bytes() == content
    assert agency.laman("report", "--output", str(target), "--force").returncode == 0


@pytest.mark.parametrize("period", ["2026-13", "november", "2026-11-10..2026-11-01", "0000", "'; drop table"])
def test_a_period_that_is_none_is_one_line(agency: Agency, period: str) -> None:
    done = agency.laman("status", "--period", period)
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1
    assert "period" in done.stderr


def test_due_prints_commands_that_can_be_copied(agency: Agency) -> None:
    lines = [line.strip() for line in agency.laman("due").stdout.splitlines() if line.strip().startswith("laman ")]
    assert lines
    assert all(f"-i '{agency.inventory}'" in line for line in lines)


@pytest.mark.parametrize(
    "command", ["run", "record", "review", "status", "due", "report", "verify", "check", "medium", "init", "standard"]
)
def test_every_command_has_help_with_an_example(command: str) -> None:
    done = subprocess.run([*LAMAN, command, "--help"], capture_output=True, text=True, check=True, cwd=PROJECT)
    assert "example:" in done.stdout
    assert f"laman {command}" in done.stdout or f" {command} " in done.stdout
