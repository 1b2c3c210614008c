"""`laman schedule` as it is typed: shown, refused where it cannot be, written for CI; a run that was killed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from tests.integration.agency import Agency


@pytest.fixture
def agency(tmp_path: Path) -> Agency:
    unit = {
        "schedule": [{"activity": 1, "every": "day"}, {"activity": 1, "every": "week", "day": "monday", "hours": 9}]
    }
    return Agency(tmp_path / "agency", {"www": {}}, unit).write()


def test_show_tells_the_plan_what_comes_its_doubts_and_that_no_timer_keeps_it(agency: Agency) -> None:
    done = agency.laman("schedule", "show", "--days", "14")
    assert done.returncode == 0, done.stderr
    assert "content_status: every day from 00:00, open for 24 h, all sites" in done.stdout
    assert "CHECK: laman_unit.schedule.0 and .1 overlap for activity 1 of www" in done.stdout
    assert "no timer keeps this plan on this machine:" in done.stdout
    told = json.loads(agency.laman("schedule", "show", "--days", "14", "--json").stdout)
    assert len(told["next"]) == 16
    assert not (agency.state / "ledger.sqlite").exists(), "a look at the plan makes no record"


def test_days_that_are_none_are_one_line(agency: Agency) -> None:
    for days in ("0", "367", "-1"):
        done = agency.laman("schedule", "show", f"--days={days}")
        assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)


def test_ci_is_written_whole(agency: Agency) -> None:
    target = agency.folder / "laman.yml"
    assert agency.laman("schedule", "ci", "--output", str(target)).returncode == 0
    step = yaml.safe_load(target.read_text())["jobs"]["due"]["steps"][0]
    assert step["env"]["LAMAN_STATE"] == str(agency.state)


def test_ci_makes_no_folders(agency: Agency) -> None:
    target = agency.folder / "nowhere" / "deep" / "laman.yml"
    done = agency.laman("schedule", "ci", "--output", str(target))
    assert (done.returncode, done.stdout) == (1, "")
    assert f"the folder {target.parent} does not exist" in done.stderr
    assert not (agency.folder / "nowhere").exists()


def test_secrets_that_others_can_read_are_refused(agency: Agency) -> None:
    password = agency.folder / "vault-password"
    password.write_text("x")
    password.chmod(0o644)
    words = ("schedule", "install", "--user", "--dry-run", "--vault-password-file", str(password))
    done = agency.laman(*words)
    assert done.returncode == 1
    assert f"others can read it: chmod 600 {password}" in done.stderr
    password.chmod(0o600)
    assert f"ANSIBLE_VAULT_PASSWORD_FILE={password}" in agency.laman(*words).stdout


def test_a_run_that_was_killed_is_a_duty_until_one_ends_well(agency: Agency) -> None:
    environment = {
        "MONITOR_SERVICE_RESULT": "signal",
        "MONITOR_EXIT_STATUS": "KILL",
        "MONITOR_UNIT": "laman-uji.service",
    }
    agency.state.mkdir(mode=0o700)
    assert agency.laman("schedule", "alarm", **environment).returncode == 0
    duties = json.loads(agency.laman("due", "--json").stdout)
    (told,) = [d for d in duties if "timer" in d["what"]]
    assert "its service was ended: signal, KILL; see: journalctl -u laman-uji.service" in told["what"]
    assert told["when"] == "today"
    assert told["who"] == "Budi Santoso"
