"""Role visitor_log over the fleet's SSH, on local files under kill -9, and through the cPanel emulator."""

from __future__ import annotations

import gzip
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ansible_runner
import pytest
import zstandard

from tests.emulators.cpanel import CpanelEmulator
from tests.fleet.manager import Fleet

ROOT = Path(__file__).resolve().parents[2]
LINE = '192.0.2.{} - - [22/Nov/2026:08:15:30 +0700] "GET /{} HTTP/1.1" 200 5 "-" "agent"\n'


@dataclass
class Played:
    """What came of a run of the playbook."""

    rc: int
    screen: str
    documents: dict[str, dict[str, Any]]
    folder: Path


def environment() -> dict[str, str]:
    return {
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
    }


def play(folder: Path, inventory: Path | str, **variables: Any) -> Played:
    """Run playbooks/visitor_log.yml as `laman run` does."""
    folder.mkdir(parents=True)
    documents: dict[str, dict[str, Any]] = {}

    def keep(event: dict[str, Any]) -> bool:
        result = event.get("event_data", {}).get("res") or {}
        if event["event"] == "runner_on_ok" and "laman_result" in result:
            documents[event["event_data"]["host"]] = result["laman_result"]
        return True

    run = ansible_runner.run(
        private_data_dir=str(folder),
        playbook=str(ROOT / "playbooks" / "visitor_log.yml"),
        inventory=str(inventory),
        extravars=variables,
        envvars=environment(),
        event_handler=keep,
        quiet=True,
    )
    return Played(int(run.rc), run.stdout.read(), documents, folder)


def executions(root: Path, number: int, hosts: list[str], recorded: list[str]) -> dict[str, Any]:
    """The extra variable that `laman run` gives."""
    found = {}
    for host in hosts:
        folder = root / f"evidence-{number}-{host}"
        folder.mkdir()
        found[host] = {
            "id": f"run-{number}",
            "evidence_dir": str(folder),
            "state_dir": str(root / "state"),
            "activity": 3,
            "recorded": recorded,
        }
    return found


def collected(root: Path, number: int, host: str) -> list[str]:
    """Every line that a run brought, out of its evidence files, each of which is whole."""
    lines: list[str] = []
    for file in sorted((root / f"evidence-{number}-{host}").glob("[0-9]*.log.zst")):
        with zstandard.open(file, "rb") as stream:
            lines += stream.read().decode().splitlines()
    return lines


# --- over SSH, to a server and to shared hosting without Python


def test_the_fleets_logs_are_counted_and_their_attackers_found(fleet: Fleet, tmp_path: Path) -> None:
    hosts = sorted(fleet.hosts)
    paths = {
        "vps": ["/var/log/nginx/access.log.1", "/var/log/nginx/access.log.2.gz"],
        "shared": ["~/access-logs/*", "~/logs/*.gz"],
    }
    given = {"visitor_log_paths": "{{ wanted_paths[inventory_hostname] }}", "wanted_paths": paths}
    played = play(
        tmp_path / "one",
        fleet.inventory_dir,
        laman_executions=executions(tmp_path, 1, hosts, []),
        visitor_log_become="{{ inventory_hostname == 'vps' }}",
        **given,
    )
    assert played.rc == 0, played.screen
    for host in hosts:
        truth = fleet.hosts[host].facts["fleet_log_truth"]
        document = played.documents[host]
        assert [r["ok"] for r in document["requirements"]] == [True, True]
        analysis = json.loads((tmp_path / f"evidence-1-{host}" / "analysis.json").read_text())
        totals = {file["name"]: file["parsed"] for file in analysis["files"]}
        named = {name: truth[name] for name in totals}
        # The shared host's live logs go on: somebody else's test may have asked for a page since.
        for name, wanted in named.items():
            assert totals[name] >= wanted["lines"]
            if name.endswith((".1", ".gz")):
                assert totals[name] == wanted["lines"]
        attackers = {a["kind"]: a["requests"] for one in named.values() for a in one["attackers"].values()}
        found = {finding["kind"]: finding["count"] for finding in document["findings"]}
        assert ("sqli" not in attackers) or found["sql_injection"] == attackers["sqli"]
        assert ("brute_force" not in attackers) or found["login_brute_force"] == attackers["brute_force"]
        assert ("web_shell" not in attackers) or found["web_shell"] >= 2
    again = play(
        tmp_path / "two",
        fleet.inventory_dir,
        laman_executions=executions(tmp_path, 2, hosts, ["run-1"]),
        visitor_log_become="{{ inventory_hostname == 'vps' }}",
        **given,
    )
    assert again.rc == 0, again.screen
    assert again.documents["vps"]["measures"]["lines_total"] == 0
    assert again.documents["vps"]["measures"]["files"] == 2
    assert again.documents["vps"]["output_problems"] == []


def test_a_log_that_the_account_may_not_read_is_named(fleet: Fleet, tmp_path: Path) -> None:
    fleet.vps.admin(
        "mkdir -p /tmp/laman-secret && echo x >/tmp/laman-secret/a.log && chmod 600 /tmp/laman-secret/a.log"
    )
    try:
        played = play(
            tmp_path / "one",
            fleet.inventory_dir,
            laman_executions=executions(tmp_path, 1, sorted(fleet.hosts), []),
            visitor_log_paths=["/tmp/laman-secret/a.log"],
        )
    finally:
        fleet.vps.admin("rm -rf /tmp/laman-secret")
    assert played.rc != 0
    refused = played.documents["vps"]
    assert [(r["name"], r["ok"]) for r in refused["requirements"]] == [("site_access", True), ("log_access", False)]
    assert "a.log: not readable for this account" in refused["output_problems"][0]
    assert "a.log: no such log" in played.documents["shared"]["output_problems"][0]


# --- a site on this machine


@pytest.fixture
def local(tmp_path: Path) -> Path:
    """An inventory with one local site, whose logs are in tmp_path/log."""
    (tmp_path / "log").mkdir()
    inventory = tmp_path / "hosts.yml"
    site = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    site["visitor_log_paths"] = [f"{tmp_path}/log/access*"]  # type: ignore[assignment]
    inventory.write_text(json.dumps({"sites": {"hosts": {"dinas": site}}}))
    return inventory


def test_killed_at_any_moment_each_line_counts_once(local: Path, tmp_path: Path) -> None:
    """kill -9 of every process, from the first evidence on; a run that was killed is in no record."""
    chance = random.Random(7)
    doomed = {0, 1, 3, 4}
    log = tmp_path / "log" / "access.log"
    recorded: list[str] = []
    counted: list[str] = []
    written: list[str] = []
    for number in range(6):
        fresh = [LINE.format(number, f"{number}-{n}") for n in range(40_000)]
        written += fresh
        with log.open("a") as stream:
            stream.writelines(fresh)
        if number % 2:
            log.rename(tmp_path / "log" / f"access.log.{number}")
            log.touch()
        variables = {"laman_executions": executions(tmp_path, number, ["dinas"], recorded)}
        command = ["ansible-playbook", "-i", str(local), "-e", json.dumps(variables)]
        command.append(str(ROOT / "playbooks" / "visitor_log.yml"))
        with subprocess.Popen(
            command,
            env=os.environ | environment(),
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            if number in doomed:
                _await_any(tmp_path / f"evidence-{number}-dinas", process)
                time.sleep(chance.uniform(0, 0.4))
                _kill_all(process.pid)
        lines = collected(tmp_path, number, "dinas")  # raises when a file under a final name is not whole
        if number not in doomed:
            assert process.returncode == 0
            recorded.append(f"run-{number}")
            counted += lines
    assert Counter(counted) == Counter(line.rstrip("\n") for line in written)


def _await_any(folder: Path, process: subprocess.Popen[bytes]) -> None:
    """Until something is in the folder, or the process has ended."""
    deadline = time.monotonic() + 60
    while not any(folder.iterdir()) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)


def _kill_all(pid: int) -> None:
    """KILL a process and everything below it: ansible's workers have sessions of their own."""
    doomed = [pid]
    for one in doomed:
        for task in Path(f"/proc/{one}/task").glob("*/children"):
            doomed += [int(child) for child in task.read_text().split()]
    for one in doomed:
        try:
            os.kill(one, signal.SIGKILL)
        except ProcessLookupError:
            continue
    deadline = time.monotonic() + 10
    while any(Path(f"/proc/{one}/exe").exists() for one in doomed[1:]) and time.monotonic() < deadline:
        time.sleep(0.02)


def test_hostile_lines_go_through_as_harmless_text(local: Path, tmp_path: Path) -> None:
    begin = b'192.0.2.1 - - [22/Nov/2026:08:15:30 +0700] "GET /'
    hostile = [
        begin + b'=cmd|\'/C calc\'!A0 HTTP/1.1" 200 5 "-" "a"',
        begin + b'\x1b[2J<script>\xff\xfe HTTP/1.1" 200 5 "-" "a"',
        begin + b'{{ lookup(\'pipe\', \'touch pwned\') }}<script> HTTP/1.1" 200 5 "-" "a"',
        b"x" * (1 << 20),
        b"\x00\x16\x03\x01",
    ]
    (tmp_path / "log" / "access.log").write_bytes(b"\n".join(hostile) + b"\n")
    played = play(tmp_path / "run", local, laman_executions=executions(tmp_path, 1, ["dinas"], []))
    assert played.rc == 0, played.screen
    document = played.documents["dinas"]
    assert (document["measures"]["lines_total"], document["measures"]["lines_rejected"]) == (5, 2)
    shown = json.dumps(document, ensure_ascii=False) + played.screen.replace("\x1b[0", "")
    assert "\x1b[2J" not in shown
    assert "touch pwned" in json.dumps(document["findings"])
    assert not list(tmp_path.rglob("pwned"))
    assert not Path("pwned").exists()


def test_an_unreachable_site_leaves_a_document(tmp_path: Path) -> None:
    inventory = tmp_path / "hosts.yml"
    site = {"ansible_host": "127.0.0.1", "ansible_port": 1, "visitor_log_paths": ["/var/log/x"]}
    inventory.write_text(json.dumps({"sites": {"hosts": {"dinas": site}}}))
    played = play(tmp_path / "run", inventory, laman_executions=executions(tmp_path, 1, ["dinas"], []))
    assert played.rc != 0
    assert [(r["name"], r["ok"]) for r in played.documents["dinas"]["requirements"]] == [("site_access", False)]


def test_settings_that_cannot_be_used_are_said_in_one_line(local: Path, tmp_path: Path) -> None:
    for number, (variables, says) in enumerate(
        [
            ({"visitor_log_paths": []}, "visitor_log_paths is empty"),
            ({"visitor_log_paths": ["access.log"]}, "expected an absolute path"),
            ({"visitor_log_zone": "Asia/Betawi"}, "is no time zone"),
        ]
    ):
        given = executions(tmp_path, number, ["dinas"], [])
        played = play(tmp_path / f"run{number}", local, laman_executions=given, **variables)  # type: ignore[arg-type]
        assert played.rc != 0
        assert says in played.documents["dinas"]["output_problems"][0]


# --- cPanel without SSH


@pytest.fixture
def cpanel(tmp_path: Path) -> Iterator[CpanelEmulator]:
    with CpanelEmulator(tmp_path / "cpanel") as emulator:
        yield emulator


def test_archives_through_cpanel_each_day_once(cpanel: CpanelEmulator, tmp_path: Path) -> None:
    """cPanel appends each day to the month's archive as one more gzip member."""
    inventory = tmp_path / "hosts.yml"
    site = {
        "ansible_connection": "local",
        "site_access_method": "cpanel_api",
        "site_access_cpanel_host": "localhost",
        "site_access_cpanel_port": cpanel.port,
        "site_access_cpanel_user": cpanel.user,
        "site_access_cpanel_token": cpanel.token,
        "site_access_cpanel_ca_file": str(cpanel.ca_file),
        "visitor_log_paths": ["*.gz"],
    }
    inventory.write_text(json.dumps({"sites": {"hosts": {"dinas": site}}}))
    days = ["".join(LINE.format(day, f"{day}-{n}") for n in range(300)) for day in range(3)]
    archive = b""
    for day, content in enumerate(days):
        archive += gzip.compress(content.encode())
        cpanel.add_log_archive("dinas.example-Nov-2026.gz", archive, 1_795_000_000 + day)
        recorded = [f"run-{day - 1}"] if day else []
        given = executions(tmp_path, day, ["dinas"], recorded)
        played = play(tmp_path / f"run{day}", inventory, laman_executions=given)
        assert played.rc == 0, played.screen
        assert collected(tmp_path, day, "dinas") == content.splitlines()
        assert played.documents["dinas"]["requirements"][1]["reason"] == "log files readable: 1"
        for file in (tmp_path / f"run{day}").rglob("*"):
            if file.is_file():
                assert cpanel.token.encode() not in file.read_bytes(), file
    cpanel.fault = "denied_200"
    played = play(tmp_path / "denied", inventory, laman_executions=executions(tmp_path, 9, ["dinas"], []))
    assert played.rc != 0
    assert [(r["name"], r["ok"]) for r in played.documents["dinas"]["requirements"]] == [("site_access", False)]
