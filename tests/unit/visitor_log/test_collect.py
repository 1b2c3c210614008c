"""Every new byte once, whatever rotation does to the names; against real files and a real POSIX shell."""

from __future__ import annotations

import gzip
import json
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import zstandard

from reporting.contract import validate_document
from reporting.visitor_log import activity
from reporting.visitor_log.activity import Outcome, Request, carry_out, would_read
from reporting.visitor_log.collect import CollectError, safe_name
from reporting.visitor_log.shell import glob_word
from reporting.visitor_log.state import State
from tests.unit.visitor_log.local_host import LocalHost

OLD = 1_600_000_000  # a modification time that is long ago


def lines(first: int, count: int) -> bytes:
    """Numbered log lines, so that a lost or doubled one shows."""
    return b"".join(
        b'192.0.2.1 - - [22/Nov/2026:08:15:30 +0700] "GET /%d HTTP/1.1" 200 5 "-" "agent %s"\n' % (n, b"x" * 40)
        for n in range(first, first + count)
    )


class Site:
    """A folder of logs, and collections of it one after another."""

    def __init__(self, root: Path) -> None:
        self.logs = root / "log"
        self.logs.mkdir()
        self.root = root
        self.host = LocalHost(root)
        self.patterns = [f"{self.logs}/access*"]
        self.runs = 0
        self.recorded: list[str] | None = None
        self.brought: list[str] = []  # every line that came, of every run that counts

    @property
    def log(self) -> Path:
        return self.logs / "access.log"

    def add(self, data: bytes, name: str = "access.log") -> None:
        with (self.logs / name).open("ab") as stream:
            stream.write(data)

    def request(self, execution: str | None = None) -> Request:
        return Request(
            site="dinas",
            patterns=self.patterns,
            zone=ZoneInfo("Asia/Jakarta"),
            evidence=self.root / f"run{self.runs}",
            state=self.root / "state",
            execution=execution,
            recorded=self.recorded,
        )

    def collect(self, execution: str | None = None) -> tuple[list[str], Outcome]:
        self.runs += 1
        request = self.request(execution)
        outcome = carry_out(self.host, request)
        came: list[str] = []
        for file in sorted(request.evidence.glob("*.log.zst")) if request.evidence.exists() else []:
            if not file.name.startswith("rejects"):
                came += zstandard.ZstdDecompressor().stream_reader(file.read_bytes()).read().decode().splitlines()
        self.brought += came
        return [line.partition('"GET /')[2].partition(" ")[0] for line in came], outcome


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def numbers(first: int, count: int) -> list[str]:
    return [str(n) for n in range(first, first + count)]


def test_only_new_lines_and_none_twice(site: Site) -> None:
    site.add(lines(0, 50))
    assert site.collect()[0] == numbers(0, 50)
    came, outcome = site.collect()
    assert came == []
    assert outcome.problems == []
    assert [o.path for o in outcome.outputs] == ["analysis.json", "rejects.log.zst"]
    site.add(lines(50, 7))
    assert site.collect()[0] == numbers(50, 7)
    assert site.host.reads[-1][1] > 0, "the second reading starts in the middle of the file"


def rotate_by_rename(site: Site) -> None:
    for n in (3, 2):
        packed = site.logs / f"access.log.{n}.gz"
        if packed.exists():
            packed.rename(site.logs / f"access.log.{n + 1}.gz")
    first = site.logs / "access.log.1"
    if first.exists():
        with gzip.open(site.logs / "access.log.2.gz", "wb") as out:
            out.write(first.read_bytes())
        first.unlink()
    site.log.rename(first)
    site.log.touch()


def rotate_by_copy(site: Site) -> None:
    shutil.copy(site.log, site.logs / f"access.log-{site.runs}-{random.getrandbits(32)}")
    os.truncate(site.log, 0)


def rotate_packed_at_once(site: Site) -> None:
    with gzip.open(site.logs / f"access.log-{site.runs}-{random.getrandbits(32)}.gz", "wb") as out:
        out.write(site.log.read_bytes())
    os.truncate(site.log, 0)


def archive_like_cpanel(site: Site) -> None:
    with gzip.open(site.logs / "access.example-Nov-2026.gz", "ab") as out:
        out.write(site.log.read_bytes())
    os.truncate(site.log, 0)


ROTATIONS = [rotate_by_rename, rotate_by_copy, rotate_packed_at_once, archive_like_cpanel]


@pytest.mark.parametrize("rotate", ROTATIONS)
def test_lines_before_and_after_a_rotation_come_once(site: Site, rotate: Callable[[Site], None]) -> None:
    site.add(lines(0, 30))
    assert site.collect()[0] == numbers(0, 30)
    site.add(lines(30, 20))
    rotate(site)
    site.add(lines(50, 10))
    assert sorted(site.collect()[0], key=int) == numbers(30, 30)
    assert site.collect()[0] == []


@pytest.mark.parametrize("seed", range(12))
def test_any_history_of_writing_rotating_and_collecting(tmp_path: Path, seed: int) -> None:
    """The union of all collections is every line that was ever written, each once."""
    chance = random.Random(seed)
    site = Site(tmp_path)
    rotate = chance.choice(ROTATIONS)
    written = 0
    for _ in range(14):
        what = chance.random()
        if what < 0.5:
            count = chance.choice([1, 2, 15, 200])
            site.add(lines(written, count))
            written += count
        elif what < 0.72 and site.log.exists() and site.log.stat().st_size:
            rotate(site)
        else:
            assert site.collect()[1].problems in ([], [f"no log file matches {site.patterns[0]} (visitor_log_paths)"])
    site.collect()
    assert sorted(site.brought) == sorted(lines(0, written).decode().splitlines())


def test_an_unfinished_line_waits_until_it_is_whole(site: Site) -> None:
    whole = lines(0, 3)
    site.add(whole[:-20])
    came, outcome = site.collect()
    assert came == ["0", "1"]
    assert json.loads((site.root / "run1" / "analysis.json").read_text())["collection"][0]["waiting_bytes"] > 0
    site.add(whole[-20:])
    assert site.collect()[0] == ["2"]
    assert outcome.measures is not None
    assert outcome.measures.lines_total == 2


def test_a_line_that_was_never_finished_counts_once_the_file_is_old(site: Site) -> None:
    site.add(lines(0, 2) + b"cut off in the mid")
    os.utime(site.log, (OLD, OLD))
    outcome = site.collect()[1]
    assert outcome.measures is not None
    assert (outcome.measures.lines_total, outcome.measures.lines_rejected) == (3, 1)


@pytest.mark.parametrize("alike", [1, 12, 80])
def test_logs_that_begin_alike_stay_apart(site: Site, alike: int) -> None:
    """Two virtual hosts whose logs begin with the same checks of a monitor, and are equally long."""
    same = lines(0, 1) * alike
    site.add(same + lines(100, 5), "access-a.log")
    site.add(same + lines(200, 5), "access-b.log")
    assert sorted(site.collect()[0], key=int) == ["0"] * 2 * alike + numbers(100, 5) + numbers(200, 5)
    site.add(lines(105, 2), "access-a.log")
    site.add(lines(205, 2), "access-b.log")
    assert sorted(site.collect()[0], key=int) == ["105", "106", "205", "206"]


def test_a_copy_beside_the_log_is_not_counted_again(site: Site) -> None:
    site.add(lines(0, 100))
    shutil.copy(site.log, site.logs / "access.log.bak")
    site.add(lines(100, 10))
    assert sorted(site.collect()[0], key=int) == numbers(0, 110)
    assert site.collect()[0] == []


def test_rotation_between_listing_and_reading(site: Site) -> None:
    site.add(lines(0, 40))
    site.collect()
    site.add(lines(40, 10))

    def once(_path: str) -> None:
        site.host.before_read = lambda _path: None
        rotate_by_rename(site)
        site.add(lines(50, 60))

    site.host.before_read = once
    came, outcome = site.collect()
    assert outcome.problems == []
    assert sorted(came, key=int) == numbers(40, 70)
    assert site.collect()[0] == []


def test_a_broken_archive_is_named_and_the_others_are_collected(site: Site) -> None:
    site.add(lines(0, 5))
    packed = gzip.compress(lines(5, 500))
    site.add(packed[: len(packed) // 2], "access.log.2.gz")
    came, outcome = site.collect()
    assert came == numbers(0, 5)
    assert ["access.log.2.gz" in p and "ends early" in p for p in outcome.problems] == [True]
    (site.logs / "access.log.2.gz").write_bytes(packed)
    assert site.collect()[0] == numbers(5, 500)


def test_archives_of_many_small_members_are_one_log(site: Site) -> None:
    """bgzip cuts its members anywhere, also within a line."""
    data = lines(0, 100)
    packed = b"".join(gzip.compress(data[n : n + 777]) for n in range(0, len(data), 777))
    site.add(packed + b"\0" * 512, "access.log.2.gz")
    assert site.collect()[0] == numbers(0, 100)
    assert site.collect()[0] == []


def test_missing_log_no_match_and_strange_files(site: Site) -> None:
    site.patterns = [f"{site.logs}/access.log", f"{site.logs}/nothing*"]
    outcome = site.collect()[1]
    assert not outcome.requirement.ok
    assert any("access.log: no such log" in p for p in outcome.problems)
    site.patterns = [f"{site.logs}/nothing*"]
    assert "no log file matches" in site.collect()[1].problems[0]
    os.mkfifo(site.logs / "access.fifo")
    (site.logs / "access.d").mkdir()
    (site.logs / "access.dangling").symlink_to("nowhere")
    site.add(b"\xfd7zXZ\x00" + b"x" * 50, "access.log.3.xz")
    site.add(lines(0, 1))
    site.patterns = [f"{site.logs}/access*"]
    came, outcome = site.collect()
    assert came == ["0"]
    said = " ".join(outcome.problems)
    assert "access.fifo: not a regular file" in said
    assert "access.dangling: not a regular file" in said
    assert "compressed with xz" in said
    assert "access.d:" not in said


@pytest.mark.skipif(os.geteuid() == 0 and shutil.which("setpriv") is None, reason="needs setpriv to drop root")
def test_an_unreadable_log_is_named(site: Site, tmp_path_factory: pytest.TempPathFactory) -> None:
    site.add(lines(0, 1))
    site.add(lines(1, 1), "access-secret.log")
    (site.logs / "access-secret.log").chmod(0)
    if os.geteuid() == 0:
        for folder in [site.logs, *site.logs.parents][:4]:
            folder.chmod(0o755)
        wrapper = tmp_path_factory.getbasetemp().parent / f"sh-{os.getpid()}"
        wrapper.write_text('#!/bin/sh\nexec setpriv --reuid 65534 --clear-groups /bin/sh "$@"\n')
        wrapper.chmod(0o755)
        site.host = LocalHost(site.root, str(wrapper))
    came, outcome = site.collect()
    assert came == ["0"]
    assert not outcome.requirement.ok
    assert ["access-secret.log: not readable" in p for p in outcome.problems] == [True]


HOSTILE = [
    "access $(touch pwned) `id`;'\".log",
    "access\n-newline.log",
    "access-\udcff\udcfe.log",
    "access-é\x1b[2J.log",
]


def test_hostile_file_names(site: Site) -> None:
    for n, name in enumerate(HOSTILE):
        site.add(lines(n, 1), name)
    came, outcome = site.collect()
    assert sorted(came) == ["0", "1", "2", "3"]
    assert outcome.problems == []
    assert not list(site.root.rglob("pwned"))
    assert validate_document({**outcome.document(), "site": "dinas"}).outputs
    assert all(o.path == os.path.basename(o.path) and o.path.isascii() for o in outcome.outputs)  # noqa: PTH119


@pytest.mark.parametrize("pattern", ["access.log", "../x", "", "-n", "~other/x", "/a\x00b"])
def test_a_path_that_is_none_is_refused(site: Site, pattern: str) -> None:
    site.patterns = [pattern]
    with pytest.raises(CollectError, match="visitor_log_paths"):
        site.collect()


def test_patterns_are_expanded_on_the_host_and_nothing_else_is(site: Site) -> None:
    site.add(lines(0, 1), "access 1.log")
    site.patterns = ["~/log/acc*s [0-9].lo?"]
    assert site.collect()[0] == ["0"]
    assert glob_word("/a;b*$(c)") == "/a';'b*'$''('c')'"
    assert glob_word("~/x y") == "\"$HOME\"/x' 'y"


def test_a_log_of_another_format_is_a_problem(site: Site) -> None:
    site.add(b'{"json": true}\n' * 3)
    outcome = site.collect()[1]
    assert ["none of its 3 lines" in p for p in outcome.problems] == [True]
    assert outcome.measures is not None
    assert outcome.measures.lines_rejected == 3


def test_the_document_keeps_the_contract(site: Site) -> None:
    site.add(lines(0, 5) + b"rubbish\n")
    outcome = site.collect()[1]
    document = validate_document({**outcome.document(), "site": "dinas"})
    assert document.measures is not None
    assert [o.name for o in document.outputs] == ["visitor_log_analysis", "visitor_log_rejects", "visitor_log"]
    rejects = (site.root / "run1" / "rejects.log.zst").read_bytes()
    shown = zstandard.ZstdDecompressor().stream_reader(rejects).read().decode()
    assert shown == f"{site.log}\t6\tno time in brackets\trubbish\n"


@pytest.mark.parametrize("letter", ["\U0001f4a3", "x", "\x1b"])
def test_no_log_can_make_the_document_too_large(site: Site, letter: str) -> None:
    """Strangers choose what is in a log and, once inside, what its file is called."""
    attacks = [
        "/?q=<script>",
        "/?id=1+union+select+",
        "/../../etc/passwd?",
        "/.env?",
        "/?a=;cat+/etc/x+",
        "/c99.php?",
        "/gacor/",
    ]
    requests = [f"{attack}{n}{letter * 3_000}" for attack in attacks for n in range(60)]
    line = '192.0.2.1 - - [{:02}/{}/20{:02}:08:15:30 +0700] "GET {} HTTP/1.1" 200 5 "-" "sqlmap {}"\n'
    months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    for n, request in enumerate(requests):
        site.add(line.format(n % 28 + 1, months[n // 28 % 12], 20 + n // 336, request, letter * 500).encode())
    for n in range(60):
        site.add(lines(n, 1) + b"\xff" * 9, f"access-{n}{letter * 50}.log")
    site.patterns.append("/" + letter.replace("\x1b", "e") * 4_000)
    outcome = site.collect()[1]
    document = validate_document({**outcome.document(), "site": "dinas"})
    assert {f.kind for f in document.findings} >= {"xss", "sql_injection", "web_shell"}
    assert outcome.measures is not None
    assert len(outcome.measures.days) == 400


# --- the state: never lost, never ahead of the record


def test_what_the_record_does_not_hold_is_read_again(site: Site) -> None:
    site.add(lines(0, 5))
    site.recorded = []
    assert site.collect("one")[0] == numbers(0, 5)
    assert site.collect("two")[0] == numbers(0, 5), "execution one was killed before it was recorded"
    site.recorded = ["two"]
    site.add(lines(5, 2))
    assert site.collect("three")[0] == numbers(5, 2)
    site.recorded = ["two", "three"]
    assert site.collect("four")[0] == []


@pytest.mark.parametrize("step", ["write_results", "sha256_file"])
def test_a_death_before_the_state_is_saved_loses_nothing(
    site: Site, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    class Death(BaseException):
        pass

    def die(*_args: Any, **_named: Any) -> None:
        raise Death

    site.add(lines(0, 5))
    with monkeypatch.context() as patch:
        patch.setattr(activity, step, die)
        with pytest.raises(Death):
            site.collect()
    assert site.collect()[0] == numbers(0, 5)


def test_a_full_disk_leaves_nothing_half_written_and_nothing_remembered(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.add(lines(0, 5))

    def full(*_args: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            site.collect()
    assert [p.name for p in (site.root / "run1").iterdir()] == []
    assert site.collect()[0] == numbers(0, 5)


def test_two_collections_at_once_are_refused(site: Site) -> None:
    site.add(lines(0, 1))
    with State(site.root / "state" / "dinas.json", "dinas").locked(), pytest.raises(CollectError, match="going on"):
        site.collect()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "Invalid JSON"),
        ('{"version": 2, "site": "dinas", "known": []}', "version"),
        ('{"version": 1, "site": "other", "known": []}', "belongs to site 'other'"),
        ('{"version": 1, "site": "dinas", "known": [{"head_bytes": 1}]}', "known.0"),
    ],
)
def test_a_broken_state_is_refused_in_one_line(site: Site, content: str, says: str) -> None:
    (site.root / "state").mkdir()
    (site.root / "state" / "dinas.json").write_text(content)
    with pytest.raises(CollectError, match=says) as caught:
        site.collect()
    assert "\n" not in str(caught.value)


def test_check_mode_reads_nothing_and_writes_nothing(site: Site) -> None:
    site.add(lines(0, 5))
    outcome = would_read(site.host, site.request())
    assert outcome.requirement.ok
    assert site.host.reads == []
    assert sorted(p.name for p in site.root.iterdir()) == ["log"]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/a/access.log.2.gz", "access.log.2"),
        ("/a/..", "log"),
        ("/a/-x", "x"),
        ("/a/x\n/../ü$.log", "_"),
        ("/a/é" * 200, "_"),
    ],
)
def test_safe_names(path: str, name: str) -> None:
    assert safe_name(path) == name
