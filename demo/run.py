"""`make demo`: the main job on the embedded example, as an administrator would do it, without root.

Two small sites are made and served on loopback, `laman` checks, runs, reviews and reports. Everything is under .demo/;
a second demo goes on with the same record.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent
FOLDER = PROJECT / ".demo"
INVENTORY = "inventory/demo"
DEVIATIONS = 2  # laman's exit code: recorded, with deviations

sys.path.insert(0, str(HERE))


def main() -> int:
    """Run the demo; returns 0 when it did what it promises."""
    os.chdir(PROJECT)
    FOLDER.mkdir(exist_ok=True)
    _make_sites()
    laman("medium", "prepare", "demo-medium")
    with _served():
        code = laman("run", "all", expect=(0, DEVIATIONS))
    if code != DEVIATIONS:
        raise SystemExit(
            "demo: a deviation was expected (the database of arsip is missing on purpose), none was recorded"
        )
    for execution in _to_review():
        laman("review", execution, "--note", "Sudah dibaca: temuan ditindaklanjuti Pengelola Sistem dan Jaringan.")
    laman("status")
    period = f"{datetime.now(UTC).astimezone().date():%Y-%m}"
    workbook = FOLDER / f"laman-demo-{period}.xlsx"
    laman("report", "--output", str(workbook.relative_to(PROJECT)))
    laman("verify")
    _tell(workbook)
    return 0


def _make_sites() -> None:
    """The sites' files, databases and visitor logs, with dates that end today."""
    import make_log
    import site_server

    site_server.build(FOLDER)
    for name in ("portal", "arsip"):
        make_log.write(FOLDER / name / "logs" / "access.log", now=datetime.now(UTC))


@contextmanager
def _served() -> Iterator[None]:
    (FOLDER / "port").unlink(missing_ok=True)
    command = [sys.executable, str(HERE / "site_server.py"), "serve", str(FOLDER)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as server:
        deadline = time.monotonic() + 20
        while not (FOLDER / "port").exists():
            if server.poll() is not None or time.monotonic() > deadline:
                raise SystemExit("demo: the local site did not start")
            time.sleep(0.05)
        yield
        server.communicate()  # closes its standard input, and waits for it


def laman(*arguments: str, expect: tuple[int, ...] = (0,)) -> int:
    """Run one command as the administrator would type it."""
    print(f"\n$ laman -i {INVENTORY} {shlex.join(arguments)}", flush=True)
    code = subprocess.run(["laman", "-i", INVENTORY, *arguments], check=False).returncode
    if code not in expect:
        raise SystemExit(f"demo: laman {arguments[0]} ended with {code}")
    return code


def _state() -> dict[str, Any]:
    done = subprocess.run(["laman", "-i", INVENTORY, "status", "--json"], check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout))


def _to_review() -> list[str]:
    done = subprocess.run(["laman", "-i", INVENTORY, "review", "--json"], check=True, capture_output=True, text=True)
    return [e["id"] for e in json.loads(done.stdout)]


def _tell(workbook: Path) -> None:
    state = _state()
    findings = sum(e["findings"] for e in state["executions"])
    print(f"\nThe demo has {len(state['executions'])} executions on record, with {findings} findings")
    print(f"(a stale section, attacks in the visitor log) and {len(state['deviations'])} deviation(s):")
    for deviation in state["deviations"]:
        print(f"  - {deviation['site']}, {deviation['aspect']}: {deviation['reason']}")
    print("\nWhat to do next: open the workbook; then make your own inventory with  .venv/bin/laman init DIR")
    print(f"The workbook:\n{workbook}")


if __name__ == "__main__":
    sys.exit(main())
