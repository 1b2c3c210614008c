"""Links among the logs: who may write there must not choose what we read. On this machine's own shell."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from reporting.visitor_log.collect import Harvest, Memory, collect
from reporting.visitor_log.shell import read_command
from tests.unit.visitor_log.local_host import LocalHost

LINE = b'192.0.2.1 - - [22/Nov/2026:08:15:30 +0700] "GET / HTTP/1.1" 200 5 "-" "agent"\n'
SECRET = b"root:$6$rahasia:20000:0:99999:7:::\n"


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    (tmp_path / "shadow").write_bytes(SECRET)
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "access.log").write_bytes(LINE)
    return folder


def harvest(logs: Path, pattern: str, host: LocalHost | None = None) -> Harvest:
    return collect(host or LocalHost(logs.parent), [pattern], Memory([]), logs.parent / "evidence")


def brought(result: Harvest) -> list[str]:
    return [Path(one.name).name for one in result.files if one.evidence]


@pytest.mark.parametrize("target", ["../shadow", "{top}/shadow", "../logs-of-others/access.log", "chain"])
def test_a_link_out_of_the_folder_is_named_and_not_followed(logs: Path, target: str) -> None:
    (logs.parent / "logs-of-others").mkdir()  # its name begins like ours
    (logs.parent / "logs-of-others" / "access.log").write_bytes(SECRET)
    (logs / "chain").symlink_to("../shadow")
    (logs / "access.log.evil").symlink_to(target.format(top=logs.parent))
    result = harvest(logs, f"{logs}/access*")
    assert brought(result) == ["access.log"]
    (problem,) = result.problems
    assert "access.log.evil: a link that leads out of its folder" in problem
    assert "visitor_log_paths" in problem


def test_a_link_within_the_folder_is_a_log(logs: Path) -> None:
    (logs / "current").symlink_to("access.log")
    result = harvest(logs, f"{logs}/current")
    assert (brought(result), result.problems) == (["current"], [])


def test_a_folder_that_is_our_own_link_keeps_working(logs: Path) -> None:
    """cPanel's ~/access-logs."""
    (logs.parent / "access-logs").symlink_to(logs)
    (logs / "current").symlink_to(logs / "access.log")
    for pattern in ("~/access-logs/access*", "~/access-logs/current"):
        result = harvest(logs, pattern)
        assert (len(brought(result)), result.problems) == (1, [])


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make another account's link")
def test_a_folder_that_is_another_accounts_link_is_refused(logs: Path) -> None:
    (logs.parent / "rented").symlink_to(logs)
    os.lchown(logs.parent / "rented", 65534, 65534)
    result = harvest(logs, f"{logs.parent}/rented/access.log")
    assert brought(result) == []
    assert "a folder that is a link of another account" in " ".join(result.problems)


def test_a_file_exchanged_for_a_link_after_it_was_listed_is_not_read(logs: Path) -> None:
    host = LocalHost(logs.parent)

    def exchange(path: str) -> None:
        Path(path).unlink()
        Path(path).symlink_to("../shadow")

    host.before_read = exchange
    result = harvest(logs, f"{logs}/access.log", host)
    assert brought(result) == []
    assert result.problems


@contextmanager
def exchanged_all_the_time(path: Path, target: str) -> Iterator[None]:
    """A file and a link that take each other's place as fast as they can."""
    stop = threading.Event()
    link, file = path.with_name("link"), path.with_name("file")

    def spin() -> None:
        while not stop.is_set():
            link.symlink_to(target)
            link.replace(path)
            file.write_bytes(LINE)
            file.replace(path)

    thread = threading.Thread(target=spin)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def test_a_race_is_not_won_by_whoever_exchanges_the_file(logs: Path) -> None:
    answers = []
    with exchanged_all_the_time(logs / "access.log", "../shadow"):
        for _ in range(150):
            done = subprocess.run(["/bin/sh", "-c", read_command(f"{logs}/access.log", 0)], capture_output=True)
            answers.append((done.returncode, done.stdout))
    assert {said for _, said in answers} <= {LINE, b""}
    assert (0, LINE) in answers
    assert any(code for code, _ in answers), "no exchange was met: the test proves nothing"


@pytest.mark.parametrize("skip", [0, 10])
def test_bytes_come_from_where_they_were_asked(logs: Path, skip: int) -> None:
    done = subprocess.run(["/bin/sh", "-c", read_command(f"{logs}/access.log", skip)], capture_output=True, check=True)
    assert done.stdout == LINE[skip:]
