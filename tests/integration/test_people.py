"""What people do with the record: read and sign runs, enter what was done by hand, look at what was missed."""

from __future__ import annotations

import json
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from reporting.cli.common import Refused
from reporting.cli.record import _digest
from reporting.events import (
    KIND_FINISHED,
    KIND_SETTINGS,
    KIND_STARTED,
    Agent,
    ExecutionFinished,
    ExecutionStarted,
    FinishStatus,
    Person,
)
from reporting.ledger import Draft
from reporting.ledger.sqlite import SqliteLedger
from reporting.unit import read_inventory
from reporting.worktime import WEEKDAYS
from tests import golden
from tests.integration.agency import Agency

NETWORK = "pengelola_sistem_dan_jaringan"
OFFICERS: list[dict[str, Any]] = [
    {"id": "budi", "name": "Budi Santoso", "title": "Pengelola", "roles": [NETWORK, "pengelola_laman"]},
    {"id": "citra", "name": "Citra Lestari", "title": "Pengelola", "roles": [NETWORK]},
    {"id": "dewi", "name": "Dewi Anggraini", "title": "Kepala Seksi", "roles": ["kasi_si"]},
    {"id": "eko", "name": "Eko Prasetyo", "title": "Pengelola", "roles": [NETWORK], "last": "2020-01-01"},
]
NOW = datetime.now(UTC)
PROBE = (
    '203.0.113.9 - - [{at}] "GET /wp-login.php?x={n}%27%20UNION%20SELECT%201,2-- HTTP/1.1" 403 12 "-" "sqlmap/1.7"\n'
)


@pytest.fixture
def agency(tmp_path: Path) -> Agency:
    """Activity 3 is due in a week that opened yesterday, and has to be read; nothing is on record yet."""
    day = WEEKDAYS[(NOW.astimezone(golden.WIB) - timedelta(days=1)).weekday()]
    plan = {"activity": 3, "every": "week", "day": day, "hours": 168}
    unit = {"officers": OFFICERS, "schedule": [plan], "review": {"activities": [3]}}
    log = tmp_path / "log"
    log.mkdir()
    return Agency(tmp_path / "agency", {"www": {"visitor_log_paths": [f"{log}/access.log*"]}}, unit).write()


def write_log(agency: Agency, count: int) -> None:
    """Attacks in the site's access log, as of now."""
    lines = [PROBE.format(at=f"{NOW:%d/%b/%Y:%H:%M:%S} +0000", n=n) for n in range(count)]
    (agency.folder.parent / "log" / "access.log").write_text("".join(lines))


def seed(agency: Agency, *drafts: Draft, at: datetime = NOW) -> None:
    """Put the settings and then `drafts` on record, as if they had been written at `at`."""
    inventory = read_inventory(agency.inventory)
    ledger = SqliteLedger(agency.state / "ledger.sqlite", "uji", clock=lambda: at)
    settings = inventory.snapshot(at.year - 1, at.year + 1).model_dump(mode="json")
    ledger.append([Draft(KIND_SETTINGS, "uji", "test", settings), *drafts])
    ledger.close()


def ran(name: str, status: FinishStatus = "completed", **document: Any) -> list[Draft]:
    """A visitor-log run by Budi that ended a minute ago."""
    agent, budi = Agent(kind="person", name="test"), Person(id="budi", name="Budi Santoso", title="Pengelola")
    started = ExecutionStarted(
        execution=name, run=name, activity=3, executor=budi, agent=agent, clock="elapsed",
        started_at=NOW - timedelta(minutes=2),
    )  # fmt: skip
    raw = {"activity": 3, "site": "www", "ok": ["site_access"], "outputs": 1, "findings": 9, **document}
    finished = ExecutionFinished(
        execution=name, ended_at=NOW - timedelta(minutes=1), status=status, document=golden.document(raw)
    )
    return [
        Draft(KIND_STARTED, "www", "test", started.json_value()),
        Draft(KIND_FINISHED, "www", "test", finished.json_value()),
    ]


def one_line(agency: Agency, *arguments: str) -> str:
    """The one line with which a command refuses."""
    done = agency.laman(*arguments)
    assert (done.returncode, done.stdout) == (1, ""), done
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


# --- review


def test_a_second_run_does_not_hide_what_nobody_read(agency: Agency) -> None:
    """The second run collects only what is new, finds nothing, and must not stand for the first."""
    write_log(agency, 40)
    first = agency.laman("run", "visitor-log")
    assert first.returncode == 0, first.stderr + first.stdout
    second = agency.laman("run", "visitor-log")
    one, two = agency.executions()
    assert one["findings"] > 0
    assert two["findings"] == 0
    assert [(e["verdict"], e["reviewed_at"]) for e in (one, two)] == [("menunggu", None), ("menunggu", None)]
    for done, execution in ((first, one), (second, two)):
        assert f"to do: read it and sign it off:  laman -i {agency.inventory} review {execution['id']}" in done.stdout
    assert [e["id"] for e in json.loads(agency.laman("review", "--json").stdout)] == [one["id"], two["id"]]

    assert agency.laman("review", two["id"], "--note", "nothing new").returncode == 0
    status = agency.status()
    assert [e["verdict"] for e in status["executions"]] == ["menunggu", "sesuai"]
    whole = json.loads(agency.laman("status", "--json", "--period", week()).stdout)
    assert [o["state"] for o in whole["occasions"]] == ["menunggu"]
    assert one["id"] in agency.laman("review").stdout
    assert f"review {one['id']}" in agency.laman("due").stdout
    assert agency.laman("review", one["id"], "--note", "all answered with 403").returncode == 0
    whole = json.loads(agency.laman("status", "--json", "--period", week()).stdout)
    assert [o["state"] for o in whole["occasions"]] == ["sesuai"]
    assert "Nothing waits for a review." in agency.laman("review").stdout


def week() -> str:
    today = NOW.astimezone(golden.WIB).date()
    return f"{today - timedelta(days=3)}..{today + timedelta(days=1)}"


@pytest.mark.parametrize("reviewer", [[], ["--as", "budi"], ["--as", "Budi Santoso"], ["--as", "citra"]])
def test_the_executor_or_a_stand_in_signs(agency: Agency, reviewer: list[str]) -> None:
    seed(agency, *ran("run-a"))
    done = agency.laman("review", "run-a", "--note", "read", *reviewer)
    assert (done.returncode, "run-a is sesuai" in done.stdout) == (0, True), done
    assert ("Citra" in done.stdout) == ("citra" in reviewer)


@pytest.mark.parametrize(
    ("reviewer", "says"),
    [
        ("dewi", f"--as 'dewi': only the executor of that run or an officer who holds the role {NETWORK} signs it: "),
        ("eko", "--as 'eko': no such officer in office on "),
        ("nobody", "--as 'nobody': no such officer in office on "),
    ],
)
def test_nobody_else_signs(agency: Agency, reviewer: str, says: str) -> None:
    seed(agency, *ran("run-a"))
    said = one_line(agency, "review", "run-a", "--note", "read", "--as", reviewer)
    assert says in said
    assert "budi, citra" in said
    assert agency.executions()[0]["reviewed_at"] is None


def test_whom_the_unit_assigned_is_the_stand_in(agency: Agency) -> None:
    agency.unit["assignment"] = {3: "kasi_si"}
    agency.write()
    seed(agency, *ran("run-a"))
    assert "kasi_si signs it: budi, dewi" in one_line(agency, "review", "run-a", "--note", "read", "--as", "citra")
    assert agency.laman("review", "run-a", "--note", "read", "--as", "dewi").returncode == 0


@pytest.mark.parametrize("empty", ["", "  "])
def test_an_empty_id_is_none(agency: Agency, empty: str) -> None:
    seed(agency, *ran("run-a"))
    assert "EXECUTION is empty" in one_line(agency, "review", empty, "--note", "read")
    assert agency.executions()[0]["reviewed_at"] is None


@pytest.mark.parametrize(
    ("status", "document"),
    [
        ("killed", {"problems": ["the run was killed"], "outputs": 0}),
        ("cancelled", {"problems": ["cancelled"]}),
        ("unreachable", {"ok": [], "missing": {"site_access": "timed out"}, "outputs": 0}),
    ],
)
def test_there_is_nothing_to_read_in_what_was_cut_short(
    agency: Agency, status: FinishStatus, document: dict[str, Any]
) -> None:
    seed(agency, *ran("run-a", status, **document), *ran("run-b"))
    assert [e["id"] for e in json.loads(agency.laman("review", "--json").stdout)] == ["run-b"]
    duties = [d["command"] for d in json.loads(agency.laman("due", "--json").stdout)]
    assert [d.split(" review ")[1].split()[0] for d in duties if " review " in d] == ["run-b"]
    assert "no review is asked for" in agency.laman("review", "run-a").stdout
    assert f"next: laman -i {agency.inventory} review run-b" in agency.laman("review", "run-b").stdout


def test_a_run_that_reached_nothing_leaves_nothing_to_read(agency: Agency) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    agency.sites["www"] |= {"ansible_host": "127.0.0.1", "ansible_port": port}
    done = agency.write().laman("run", "visitor-log")
    assert done.returncode == 2, done.stderr
    assert "sign it off" not in done.stdout


# --- record


def day(back: int) -> str:
    return f"{(NOW.astimezone(golden.WIB) - timedelta(days=back)).date()}"


def by_hand(agency: Agency, back: int, *more: str) -> list[str]:
    """A backup of ten minutes, on the morning of a day `back` days ago."""
    photo = agency.folder / "photo.jpg"
    photo.write_bytes(b"a photo of the disc")
    times = ["--from", f"{day(back)} 09:00", "--until", f"{day(back)} 09:10"]
    return ["record", "backup", "--site", "www", *times, "--note", "DVD 12", "--file", str(photo), *more]


@pytest.fixture
def daily(agency: Agency) -> Agency:
    """A backup has been due every day for 15 days, and nothing was done."""
    agency.unit["schedule"] = [{"activity": 2, "every": "day"}]
    agency.write()
    seed(agency, at=NOW - timedelta(days=15))
    return agency


def test_what_is_recorded_late_does_not_unmiss_its_window(daily: Agency) -> None:
    whole = f"{day(15)}..{day(0)}"
    before = json.loads(daily.laman("status", "--json", "--period", whole).stdout)
    late = daily.laman(*by_hand(daily, 2))
    assert late.returncode == 2, late
    assert "its window stays missed (terlewat)" in late.stdout
    assert "recorded late" in late.stdout
    after = json.loads(daily.laman("status", "--json", "--period", whole).stdout)
    assert [e["verdict"] for e in after["executions"]] == ["sesuai"]
    occasion = next(o for o in after["occasions"] if after["executions"][0]["id"] in o["executions"])
    assert occasion["state"] == "terlewat"
    assert [d["id"] for d in after["deviations"]] == [d["id"] for d in before["deviations"]]


def test_the_same_work_is_recorded_once(daily: Agency) -> None:
    work = by_hand(daily, 2)
    assert daily.laman(*work).returncode == 2
    assert "on record already as " in one_line(daily, *work)
    assert "on record already as " in one_line(daily, *work, "--ad-hoc")
    other = daily.folder / "other.txt"
    other.write_text("another disc")
    assert daily.laman(*by_hand(daily, 2, "--file", str(other))).returncode == 2
    executions = json.loads(daily.laman("status", "--json", "--period", f"{day(2)}..{day(2)}").stdout)["executions"]
    assert len(executions) == 2


@pytest.mark.parametrize("begun", ["2017-12-03 23:59", "0001-01-01T00:00+14:00"])
def test_there_was_no_pos_to_keep(daily: Agency, begun: str) -> None:
    work = by_hand(daily, 2)
    work[work.index("--from") + 1] = begun
    assert f"--from {begun}: " in one_line(daily, *work)
    assert not (daily.state / "archive").exists()


@pytest.fixture
def files() -> Iterator[Path]:
    """A folder that anybody may look into (pytest's own are the user's alone)."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    (folder / "empty.jpg").touch()
    (folder / "folder").mkdir()
    os.mkfifo(folder / "pipe")
    (folder / "loop").symlink_to("loop")
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("absent.jpg", ": there is no such file"),
        ("folder", " is a folder: "),
        ("pipe", " is a pipe, a device or a socket"),
        ("/dev/null", " is a pipe, a device or a socket"),
        ("empty.jpg", " is empty"),
        ("loop", " cannot be read: Too many levels"),
        ("empty.jpg/x", " cannot be read: Not a directory"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(daily: Agency, files: Path, name: str, says: str) -> None:
    said = one_line(daily, *by_hand(daily, 2, "--file", str(files / name)))
    assert f"{files / name}'{says}" in said or f"'{name}'{says}" in said
    assert daily.executions() == []
    assert not (daily.state / "archive").exists()


def test_a_file_that_may_not_be_read_is_said(files: Path) -> None:
    secret = files / "secret.jpg"
    secret.write_bytes(b"x")
    secret.chmod(0)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65_534)  # root reads everything
    try:
        with pytest.raises(Refused, match=r"secret.jpg' cannot be read: Permission denied$"):
            _digest(str(secret))
    finally:
        os.seteuid(user)


def test_the_example_in_the_help_can_be_copied(agency: Agency) -> None:
    said = agency.laman("record", "--help").stdout
    assert '10:15" \\\n' in said
    assert "\\\\" not in said


# --- status


def test_status_names_what_was_missed_and_what_deviates(daily: Agency) -> None:
    said = daily.laman("status", "--period", f"{day(15)}..{day(0)}").stdout
    missed, deviations = said.split("occasion(s) missed:\n")[1].split(" deviation list):\n")
    assert "the last 10 of 14 occasion(s) missed:" in said
    rows = [line for line in missed.splitlines() if line.startswith("backup")]
    assert [row.split()[2] for row in rows] == [day(back) for back in range(10, 0, -1)]
    header, _, *lines = deviations.splitlines()
    assert header.split() == ["id", "activity", "at", "aspect", "site", "executor", "account", "reason"]
    (last,) = [line for line in lines if line.startswith("D-")][-1:]
    assert last.split()[1:5] == ["backup", day(0), "00:00", "WIB"]
