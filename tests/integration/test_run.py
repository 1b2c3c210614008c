"""`laman run` on real local sites: recorded, timed, judged; ended whole; killed at any moment."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import socket
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.agency import Agency, kill_group, marked_processes, wait_for_line, wait_until_nothing_is_left


def make_site(folder: Path, *, megabytes: int = 1) -> dict[str, object]:
    """A tree and an SQLite database; returns the site's variables."""
    (folder / "public" / "unggahan").mkdir(parents=True)
    (folder / "public" / "index.html").write_text("<h1>Beranda</h1>")
    for n in range(megabytes):
        (folder / "public" / "unggahan" / f"foto {n}.bin").write_bytes(random.Random(n).randbytes(1 << 20))
    with sqlite3.connect(folder / "data.sqlite") as db:
        db.execute("CREATE TABLE t (a INTEGER, b TEXT)")
        db.executemany("INSERT INTO t VALUES (?, ?)", [(n, f"baris {n}") for n in range(1000)])
    return {
        "site_backup_trees": [{"name": "laman", "path": str(folder / "public"), "exclude": []}],
        "site_backup_databases": [{"name": "data", "kind": "sqlite", "path": str(folder / "data.sqlite")}],
    }


@pytest.fixture
def agency(tmp_path: Path) -> Agency:
    return Agency(tmp_path / "agency", {"www": make_site(tmp_path / "www")}).write()


@pytest.fixture
def silent_server() -> Iterator[int]:
    """A port that accepts and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        kept = []
        stop = threading.Event()

        def accept() -> None:
            server.settimeout(0.2)
            while not stop.is_set():
                try:
                    kept.append(server.accept()[0])
                except TimeoutError:
                    continue

        thread = threading.Thread(target=accept)
        thread.start()
        yield server.getsockname()[1]
        stop.set()
        thread.join()
        for connection in kept:
            connection.close()


def hanging(agency: Agency, port: int) -> Agency:
    """Make activity 1 hang: its section is on a server that never answers."""
    url = f"http://127.0.0.1:{port}/"
    agency.sites["www"] |= {
        "content_status_url": url,
        "content_status_sections": [{"name": "Berita", "url": url, "owner": "Humas", "limit_days": 7}],
        "content_status_timeout": 600,
    }
    return agency.write()


def check_sets(agency: Agency, site: str = "www") -> int:
    """Everything under a final name is whole: each file hashes to what SHA256SUMS says. Returns how many sets."""
    for folder in agency.sets(site):
        lines = (folder / "SHA256SUMS").read_text().splitlines()
        listed = {name: digest for digest, name in (line.split("  ", 1) for line in lines)}
        assert {"tree-laman.tar.zst", "MANIFEST.json", "CARA-PULIHKAN.txt"} <= set(listed), folder
        for name, digest in listed.items():
            assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest, f"{folder}/{name}"
    return len(agency.sets(site))


def test_a_run_is_recorded_with_its_times_and_its_evidence(agency: Agency) -> None:
    done = agency.laman("run", "backup", "--json")
    assert done.returncode == 0, done.stderr
    (execution,) = json.loads(done.stdout)["executions"]
    assert (execution["verdict"], execution["clock"], execution["standard_minutes"]) == ("sesuai", "elapsed", 300)
    assert execution["executor"]["name"] == "Budi Santoso"
    assert 0 <= execution["minutes"] < 2
    assert execution["occasion"].startswith("2:www:")
    assert check_sets(agency) == 1
    assert agency.laman("verify").returncode == 0
    wait_until_nothing_is_left(agency, 1)


def test_a_missing_database_is_a_deviation_that_names_the_requirement(agency: Agency) -> None:
    agency.sites["www"]["site_backup_databases"] = [{"name": "data", "kind": "sqlite", "path": "/nowhere/x.sqlite"}]
    agency.write()
    done = agency.laman("run", "backup")
    assert done.returncode == 2
    (execution,) = agency.executions()
    assert execution["requirement"]["status"] == "menyimpang"
    assert "/nowhere/x.sqlite" in execution["requirement"]["reason"]
    assert check_sets(agency) == 0


def test_a_site_that_cannot_be_reached_still_gets_an_execution(agency: Agency) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    agency.sites["jauh"] = make_site(agency.folder / "jauh") | {"ansible_host": "127.0.0.1", "ansible_port": port}
    agency.write()
    done = agency.laman("run", "backup")
    assert done.returncode == 2, done.stderr
    verdicts = {e["site"]: e for e in agency.executions()}
    assert verdicts["www"]["verdict"] == "sesuai"
    assert verdicts["jauh"]["requirement"]["status"] == "menyimpang"
    assert "refused" in verdicts["jauh"]["reason"].lower()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["run", "backup", "--site", "wwww"], "unknown site 'wwww'"),
        (["run", "backup", "--executor", "nobody"], "no such officer"),
        (["run", "backups"], "invalid choice"),
        (["run", "backup", "--time-limit", "-1"], "--time-limit"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_records_nothing(agency: Agency, arguments: list[str], says: str) -> None:
    done = agency.laman(*arguments)
    assert done.returncode == 1
    assert says in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (agency.state / "ledger.sqlite").exists()


def test_broken_settings_are_one_line_and_record_nothing(agency: Agency) -> None:
    unit = agency.inventory / "group_vars" / "all" / "unit.yml"
    unit.write_text(unit.read_text().replace("schedule:", "schedule: ["))
    done = agency.laman("run", "all")
    assert done.returncode == 1
    assert "unit.yml" in done.stderr
    assert "not valid YAML" in done.stderr
    assert not agency.state.exists()


def test_the_same_site_and_activity_never_run_twice_at_once(agency: Agency, silent_server: int) -> None:
    hanging(agency, silent_server)
    first = agency.start("run", "content")
    try:
        wait_for_line(first, "content_status: 1 site(s)")
        second = agency.laman("run", "content")
        assert second.returncode == 1
        assert "already running on www" in second.stdout
        assert agency.laman("run", "backup").returncode == 0  # another activity may
    finally:
        first.send_signal(signal.SIGTERM)
        first.communicate(timeout=60)
    assert [e["status"] for e in agency.executions() if e["activity"] == 1] == ["cancelled"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_everything_and_is_recorded(agency: Agency, silent_server: int, number: signal.Signals) -> None:
    hanging(agency, silent_server)
    process = agency.start("run", "content")
    wait_for_line(process, "content_status: 1 site(s)")
    deadline = time.monotonic() + 30
    while not any("ansible-playbook" in line for line in marked_processes(agency)):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode == 2
    wait_until_nothing_is_left(agency, 1)
    (execution,) = agency.executions()
    assert (execution["status"], execution["output"]["status"]) == ("cancelled", "menyimpang")


def test_a_run_is_ended_at_its_time_limit(agency: Agency, silent_server: int) -> None:
    hanging(agency, silent_server)
    done = agency.laman("run", "content", "--time-limit", "0.08")
    assert done.returncode == 2, done.stderr
    wait_until_nothing_is_left(agency, 1)
    (execution,) = agency.executions()
    assert execution["status"] == "timed_out"
    assert "time limit" in execution["output"]["reason"]


def kills(agency: Agency, count: int, seed: int) -> None:
    """Kill laman at a random moment of a backup, `count` times, and look at what is left each time."""
    rng = random.Random(seed)
    began = time.monotonic()
    assert agency.laman("run", "backup").returncode == 0
    whole_run = time.monotonic() - began
    for attempt in range(count):
        process = agency.start("run", "backup")
        time.sleep(rng.uniform(0.0, whole_run))
        kill_group(process)
        wait_until_nothing_is_left(agency)
        assert check_sets(agency) >= 1
        verified = agency.laman("verify")
        assert verified.returncode == 0, f"kill {attempt}, seed {seed}: {verified.stderr}"
    assert agency.laman("run", "backup").returncode == 0
    executions = agency.executions()
    assert {e["status"] for e in executions} <= {"completed", "killed"}
    assert executions[-1]["verdict"] == "sesuai"
    killed = [e for e in executions if e["status"] == "killed"]
    assert all(e["output"]["status"] == "menyimpang" and "killed" in e["output"]["reason"] for e in killed)
    assert killed, "no kill hit a run: the test proves nothing"
    assert not list(agency.medium.rglob("*.part")), "leftovers of killed runs are swept by the next run"


def test_twenty_kills(tmp_path: Path) -> None:
    agency = Agency(tmp_path / "agency", {"www": make_site(tmp_path / "www", megabytes=60)}).write()
    kills(agency, 20, seed=int(os.environ.get("LAMAN_SEED", "2026")))


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_two_hundred_kills(tmp_path: Path) -> None:
    agency = Agency(tmp_path / "agency", {"www": make_site(tmp_path / "www", megabytes=60)}).write()
    kills(agency, 200, seed=int(os.environ.get("LAMAN_SEED", "1")))


def test_an_edited_event_and_a_flipped_byte_are_named(agency: Agency) -> None:
    assert agency.laman("run", "backup").returncode == 0
    with sqlite3.connect(agency.state / "ledger.sqlite") as db:
        db.execute("DROP TRIGGER events_no_update")
        db.execute("UPDATE events SET data = replace(data, 'Budi', 'Badu') WHERE seq = 2")
    done = agency.laman("verify")
    assert done.returncode == 1
    assert "event 2 (execution.started" in done.stderr


def test_help_starts_within_six_bare_pythons() -> None:
    """A ratio of two things measured in turn on this machine, medians of ten."""
    from tests.integration.agency import LAMAN, PROJECT

    def seconds(command: list[str]) -> float:
        began = time.perf_counter()
        subprocess.run(command, capture_output=True, check=True, cwd=PROJECT)
        return time.perf_counter() - began

    bare, ours = [LAMAN[0], "-c", "pass"], [*LAMAN, "--help"]
    pairs = [(seconds(bare), seconds(ours)) for _ in range(10)]
    base, got = (sorted(side)[5] for side in zip(*pairs, strict=True))
    assert got <= 6 * base, f"laman --help {got * 1000:.0f} ms, bare python {base * 1000:.0f} ms"
