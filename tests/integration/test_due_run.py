"""`laman due --run`, the one entry for timers: what was slept through, what fails, two at once, a clock set back."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from reporting.events import KIND_DRILL, KIND_NOTICED, KIND_SETTINGS, KIND_STARTED, KIND_WOKE, Agent, TimerWoke
from reporting.ledger import Draft, open_ledger
from reporting.ledger.sqlite import SqliteLedger
from reporting.runner.locks import run_lock
from reporting.schedule.life import ALARM, FILE
from reporting.unit import read_inventory
from tests.integration.agency import Agency

NOW = datetime.now(UTC)
DAY = timedelta(days=1)
TIMER = Agent(kind="timer", name="node")
START = f"{(NOW.astimezone(ZoneInfo('Asia/Jakarta')) - timedelta(hours=6)):%H:00}"  # open, whenever the tests run


@pytest.fixture
def agency(tmp_path: Path) -> Agency:
    """Activity 3 is due every day, for a day from six hours ago; one log that can be read."""
    log = tmp_path / "log"
    log.mkdir()
    (log / "access.log").write_text(f'203.0.113.9 - - [{NOW:%d/%b/%Y:%H:%M:%S} +0000] "GET / HTTP/1.1" 200 12\n')
    unit = {"schedule": [{"activity": 3, "every": "day", "start": START}]}
    return Agency(tmp_path / "agency", {"www": {"visitor_log_paths": [f"{log}/access.log*"]}}, unit).write()


def seed(agency: Agency, at: datetime, *drafts: Draft) -> None:
    """Settings, and then `drafts`, as if they had been put on record at `at`."""
    inventory = read_inventory(agency.inventory)
    ledger = SqliteLedger(agency.state / "ledger.sqlite", "uji", clock=lambda: at)
    years = range(at.year - 1, at.year + 2)
    settings = inventory.snapshot(years[0], years[-1]).model_dump(mode="json")
    ledger.append([Draft(KIND_SETTINGS, "uji", "test", settings), *drafts])
    ledger.close()


def woke(at: datetime) -> Draft:
    return Draft(KIND_WOKE, "uji", "timer:node", TimerWoke(at=at, agent=TIMER).json_value())


def wake(agency: Agency, *codes: int) -> dict[str, Any]:
    """One call of the timer, that has to end in one of the codes."""
    done = agency.laman("due", "--run", "--json")
    assert done.returncode in (codes or (0,)), done.stdout + done.stderr
    return dict(json.loads(done.stdout))


def on_record(agency: Agency, *kinds: str) -> list[dict[str, Any]]:
    ledger = open_ledger(None, agency.state, "uji", read_only=True)
    try:
        return [event.data for event in ledger.events(kinds)]
    finally:
        ledger.close()


def occasions(agency: Agency) -> dict[str, dict[str, Any]]:
    zone = read_inventory(agency.inventory).unit.tz
    last = NOW.astimezone(zone).date()
    told = agency.laman("status", "--json", "--period", f"{last - 5 * DAY}..{last}")
    return {o["id"]: o for o in json.loads(told.stdout)["occasions"]}


def test_days_slept_through_are_missed_today_is_late_and_one_run_makes_up_for_all(agency: Agency) -> None:
    seed(agency, NOW - 3 * DAY, woke(NOW - 3 * DAY))
    told = wake(agency, 2)
    assert [n["state"] for n in told["noticed"]] == ["missed", "missed", "late"]
    assert told["asleep_since"] is not None
    assert len(told["executions"]) == 1, "one run: today's, that makes up for what was missed"
    assert told["executions"][0]["kind"] == "planned"
    assert told["executions"][0]["catches_up"] == told["noticed"][1]["occasion"]

    known = occasions(agency)
    missed = [known[n["occasion"]] for n in told["noticed"] if n["state"] == "missed"]
    assert [o["state"] for o in missed] == ["terlewat", "terlewat"]
    assert all("no sign of life since" in o["reason"] for o in missed)
    assert f"by {told['executions'][0]['id']}" in missed[1]["reason"]
    for notice in told["noticed"]:
        if notice["state"] == "late":
            assert known[notice["occasion"]]["state"] == "sesuai"
            assert "begun late" in known[notice["occasion"]]["reason"]

    assert wake(agency)["noticed"] == []
    assert len(on_record(agency, KIND_NOTICED)) == len(told["noticed"]), "nothing is noticed twice"
    assert len(on_record(agency, KIND_STARTED)) == 1, "nothing is run twice"


def test_what_was_missed_is_made_up_ad_hoc_when_no_window_is_open(agency: Agency) -> None:
    """A window of one hour, half a day away from now: nothing is open."""
    start = (
        (NOW.astimezone(read_inventory(agency.inventory).unit.tz) - timedelta(hours=12)).time().replace(microsecond=0)
    )
    agency.unit["schedule"] = [{"activity": 3, "every": "day", "start": f"{start:%H:%M}", "hours": 1}]
    agency.write()
    seed(agency, NOW - DAY, woke(NOW - DAY))
    told = wake(agency, 2)
    assert [n["state"] for n in told["noticed"]] == ["missed"]
    assert [(e["kind"], e["catches_up"]) for e in told["executions"]] == [("ad_hoc", told["noticed"][0]["occasion"])]
    assert wake(agency)["executions"] == []
    assert len(on_record(agency, KIND_STARTED)) == 1


def test_what_was_missed_before_the_timer_was_there_is_not_its_business(agency: Agency) -> None:
    seed(agency, NOW - 4 * DAY)
    told = wake(agency)
    assert told["noticed"] == []
    assert len(told["executions"]) == 1
    assert len(on_record(agency, KIND_WOKE)) == 1


def test_a_run_by_hand_after_the_silence_is_what_makes_up(agency: Agency) -> None:
    seed(agency, NOW - 2 * DAY, woke(NOW - 2 * DAY))
    assert agency.laman("run", "visitor-log", "--ad-hoc").returncode == 0
    by_hand = agency.executions()[-1]["id"]
    told = wake(agency, 2)
    missed = [n for n in told["noticed"] if n["state"] == "missed"]
    assert {n["caught_up_by"] for n in missed} == {by_hand}
    assert [e["catches_up"] for e in told["executions"]] == [""], "today's own window is still filled"
    assert f"carried out since: {by_hand}" in occasions(agency)[missed[0]["occasion"]]["reason"]


def test_what_fails_is_not_hammered_and_an_unusable_site_keeps_no_other_from_its_run(
    agency: Agency, tmp_path: Path
) -> None:
    agency.sites["blog"] = {"visitor_log_paths": [f"{tmp_path}/nothing/*.log"]}
    agency.sites["typo"] = {"visitor_log_pathes": ["/x"], "visitor_log_paths": "not a list"}
    agency.write()
    first = wake(agency, 1)
    verdicts = {e["site"]: e["verdict"] for e in first["executions"]}
    assert verdicts == {"www": "sesuai", "blog": "menyimpang"}
    assert any(p.startswith("typo: ") for p in first["problems"])
    again = wake(agency, 1)
    assert again["executions"] == []
    assert [(w["site"], w["reason"]) for w in again["waits"]] == [("blog", "1 attempt(s) failed: tried again")]
    assert any("the timer's last run failed" in d["what"] for d in json.loads(agency.laman("due", "--json").stdout))
    agency.sites.pop("typo")
    agency.write()
    wake(agency)
    assert not any("timer" in d["what"] for d in json.loads(agency.laman("due", "--json").stdout))


def test_settings_that_stay_wrong_are_told_once_until_they_change(agency: Agency) -> None:
    agency.sites["typo"] = {"visitor_log_paths": "not a list"}
    agency.write()
    first = agency.laman("due", "--run", "--quiet")
    assert (first.returncode, "typo: " in first.stderr) == (1, True)
    raised = (agency.state / ALARM).read_text()
    for _ in range(2):
        again = agency.laman("due", "--run", "--quiet")
        assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
    assert (agency.state / ALARM).read_text() == raised, "it stands, and is not raised again"
    (told,) = [d for d in json.loads(agency.laman("due", "--json").stdout) if "timer" in d["what"]]
    assert "visitor_log_paths" in told["what"]
    assert "pengaturan typo keliru" in told["what_id"]
    assert "visitor_log_paths" not in told["what_id"]
    assert told["command"].endswith(" check")
    assert agency.laman("due", "--run").returncode == 1, "a person who asks gets an answer"

    agency.sites["typo"] = agency.sites["www"]  # host_vars alone, not the unit's settings
    agency.write()
    assert agency.laman("due", "--run", "--quiet").returncode == 0
    assert not (agency.state / ALARM).exists()
    assert len(on_record(agency, KIND_STARTED)) == 2


def test_a_call_with_nothing_to_do_reads_no_record_and_says_nothing(agency: Agency) -> None:
    wake(agency)
    wake(agency)  # what the first put on record itself (findings that were looked at) is read once more
    before = json.loads((agency.state / FILE).read_text())
    (agency.state / "ledger.sqlite").chmod(0o400)
    done = agency.laman("due", "--run", "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    after = json.loads((agency.state / FILE).read_text())
    assert after["alive_at"] > before["alive_at"]
    assert {**after, "alive_at": ""} == {**before, "alive_at": ""}
    (agency.state / "ledger.sqlite").chmod(0o600)
    assert len(on_record(agency, KIND_WOKE)) == 1


@pytest.mark.parametrize("content", ["", "{", '{"alive_at": "yesterday"}', '{"alive_at": "2026-01-01T00:00:00"}', "[]"])
def test_a_sign_of_life_that_cannot_be_read_is_no_reason_to_run_anything_twice(agency: Agency, content: str) -> None:
    wake(agency)
    (agency.state / FILE).write_text(content)
    assert wake(agency)["executions"] == []
    assert len(on_record(agency, KIND_STARTED)) == 1


def test_a_clock_set_back_runs_nothing_twice(agency: Agency) -> None:
    """The clock was two days ahead, and was then set right."""
    ahead = NOW + 2 * DAY
    seed(agency, ahead, woke(ahead))
    (agency.state / FILE).write_text(
        json.dumps({"alive_at": ahead.isoformat(), "head": 2, "settings": "", "look_again": ahead.isoformat(),
                    "quiet": True, "looked_on": ""})
    )  # fmt: skip
    first = wake(agency)
    assert first["noticed"] == []
    assert [e["verdict"] for e in first["executions"]] in ([], ["sesuai"])
    again = wake(agency)
    assert again["executions"] == []
    assert json.loads((agency.state / FILE).read_text())["alive_at"] < ahead.isoformat()


def test_only_one_at_a_time(agency: Agency) -> None:
    with run_lock(agency.state / "locks", "due", "run", {"since": "now"}):
        done = agency.laman("due", "--run")
    assert done.returncode == 0
    assert "another laman due --run is at work" in done.stderr
    assert not (agency.state / "ledger.sqlite").exists()


def test_a_backup_waits_for_its_medium(agency: Agency) -> None:
    agency.unit["schedule"] = [{"activity": 2, "every": "day", "start": START}]
    agency.write()
    (agency.medium / "LAMAN-MEDIUM.json").unlink()
    told = wake(agency)
    assert told["executions"] == []
    assert [w["reason"].split(":")[0] for w in told["waits"]] == ["no backup medium is ready"]
    duties = json.loads(agency.laman("due", "--json").stdout)
    assert duties[0]["what"].startswith("plug in disk disk: ")
    assert duties[0]["who"] == "Budi Santoso"


def test_the_first_set_of_a_site_is_drilled_and_not_again_the_same_day(tmp_path: Path) -> None:
    """The schedule proves what it made; what is proven is not proven again before it is due."""
    site = tmp_path / "site"
    site.mkdir()
    (site / "index.html").write_text("<h1>laman</h1>")
    unit = {"schedule": [{"activity": 2, "every": "day", "start": START}]}
    trees = {"site_backup_trees": [{"name": "laman", "path": str(site)}]}
    agency = Agency(tmp_path / "agency", {"www": trees}, unit).write()
    first = wake(agency)
    assert ([e["verdict"] for e in first["executions"]], len(first["drills"])) == (["sesuai"], 1), first
    (made,) = on_record(agency, KIND_DRILL)
    assert (made["status"], made["set"]) == ("proven", agency.sets("www")[0].name)
    (agency.state / FILE).unlink()  # the next call looks at everything again
    assert wake(agency)["drills"] == []
    assert agency.laman("verify").returncode == 0
