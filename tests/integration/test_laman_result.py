"""The `laman_result` action where roles use it: in a playbook."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


def _play(tmp_path: Path, document: dict[str, Any], *words: str) -> subprocess.CompletedProcess[str]:
    play = {"hosts": "web", "gather_facts": False, "tasks": [{"laman_result": {"document": document}}]}
    (tmp_path / "play.yml").write_text(json.dumps([play]))
    program = Path(sys.executable).parent / "ansible-playbook"
    return subprocess.run(
        [program, "-v", "-i", "web,", *words, tmp_path / "play.yml"],
        env={
            **os.environ,
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "PYTHONPATH": str(ROOT),
            "ANSIBLE_NOCOLOR": "1",
        },
        capture_output=True,
        text=True,
    )


GOOD = {"activity": 2, "requirements": [{"name": "site_access", "ok": False, "reason": "no answer"}]}


@pytest.mark.parametrize("words", [[], ["--check"]])
def test_a_good_document_is_handed_over_without_entering_the_host(tmp_path: Path, words: list[str]) -> None:
    done = _play(tmp_path, GOOD, *words)  # "web" does not exist: any connection would fail
    assert done.returncode == 0, done.stdout
    line = next(line for line in done.stdout.splitlines() if line.startswith("ok: [web] => "))
    document = json.loads(line.removeprefix("ok: [web] => "))["laman_result"]
    assert (document["site"], document["version"], document["outputs"]) == ("web", 1, [])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"activity": 9}, "result document, activity: "),
        ({"requirements": [{"name": "site_access", "ok": False}]}, "failed without a reason"),
        ({"surprise": 1}, "result document, surprise: "),
        ({"requirements": []}, "no output, yet neither"),
        ({"output_problems": ["x" * 300_000]}, "bytes of JSON, at most"),
    ],
)
def test_a_bad_document_fails_the_task_with_one_line(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    done = _play(tmp_path, GOOD | change)
    assert done.returncode == 2
    line = next(line for line in done.stdout.splitlines() if line.startswith("fatal: [web]: FAILED! => "))
    told = json.loads(line.removeprefix("fatal: [web]: FAILED! => "))["msg"]
    assert message in told
    assert "\n" not in told
    assert len(told) < 400
