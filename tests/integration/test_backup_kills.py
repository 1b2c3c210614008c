"""kill -9 at any moment of a backup: no name that is not whole, and the next run works."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from reporting.backup_set.draft import Origin, new_set
from reporting.backup_set.manifest import read_manifest
from reporting.backup_set.medium import MediumSpec, Needs, probe

ROOT = Path(__file__).resolve().parents[2]
SEED = 20261122
_RUN = """
import subprocess, sys
sys.path.insert(0, {root!r})
from reporting.backup_set.draft import Origin, new_set
from reporting.backup_set.medium import MediumSpec, Needs, probe
report = probe(MediumSpec("disk-a", {medium!r}, declared_folder=True), Needs("web", 1))
print("started", flush=True)
with new_set(report, "web", {execution!r}) as draft:
    tar = subprocess.Popen(["tar", "-cf", "-", "-C", {site!r}, "site"], stdout=subprocess.PIPE)
    draft.add_tree(Origin("laman", "/var/www/site", "GNU tar"), tar.stdout, [])
    tar.wait()
    draft.seal()
"""


def _medium(folder: Path) -> MediumSpec:
    folder.mkdir()
    (folder / "LAMAN-MEDIUM.json").write_text(json.dumps({"id": "disk-a"}))
    return MediumSpec("disk-a", str(folder), declared_folder=True)


def _site(folder: Path) -> None:
    (folder / "site").mkdir(parents=True)
    chance = random.Random(SEED)
    for number in range(200):
        (folder / "site" / f"{number}").write_bytes(chance.randbytes(100_000))


def _check(home: Path) -> int:
    """Every folder under a final name is whole; returns how many there are."""
    named = [path for path in home.iterdir() if path.is_dir() and not path.name.startswith(".")]
    for folder in named:
        assert read_manifest(folder).complete
        done = subprocess.run(["sha256sum", "--strict", "--quiet", "-c", "SHA256SUMS"], cwd=folder, capture_output=True)
        assert done.returncode == 0, (folder, done.stdout)
    return len(named)


def _start(tmp_path: Path, execution: str) -> subprocess.Popen[bytes]:
    script = _RUN.format(
        root=str(ROOT), medium=str(tmp_path / "medium"), site=str(tmp_path / "source"), execution=execution
    )
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"started\n"
    return process


@pytest.mark.parametrize("kills", [20, pytest.param(200, marks=pytest.mark.soak)])
def test_kill_at_any_moment(tmp_path: Path, kills: int) -> None:
    spec = _medium(tmp_path / "medium")
    _site(tmp_path / "source")
    with _start(tmp_path, "whole") as process:
        started = time.monotonic()
        assert process.wait() == 0
    whole = time.monotonic() - started
    home = tmp_path / "medium/laman/web"
    chance = random.Random(SEED)
    unfinished = 0
    for number in range(kills):
        with _start(tmp_path, f"kill-{number}") as process:
            time.sleep(chance.uniform(0, whole))
            process.send_signal(signal.SIGKILL)
        unfinished += len(list(home.glob(".2*.part")))
        _check(home)
    assert unfinished > kills // 5, "hardly any kill hit a run at work"
    with new_set(probe(spec, Needs("web", 1)), "web", "last") as draft:
        with subprocess.Popen(["tar", "-cf", "-", "-C", tmp_path / "source", "site"], stdout=subprocess.PIPE) as tar:
            assert tar.stdout is not None
            draft.add_tree(Origin("laman", "/x", "tar"), tar.stdout, [])
        draft.seal()
    assert list(home.glob(".2*.part")) == []
    assert _check(home) >= 2
