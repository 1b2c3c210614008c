"""Our analysis side by side with GoAccess on the same log, in the same run: `python -m tests.bench.bench_visitor_log`.

Both count everything per day, path and client; only ours also looks for attacks and accounts for every line. The log is
made from the real sample (tests/data): its lines with many more clients and query strings, and one attack in a hundred.
CPU seconds are the figure to compare: a busy machine changes wall time.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "tests" / "data" / "visitor_log" / "elastic_apache_logs.log"
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
ATTACKS = (
    "/?id=1%27+UNION+SELECT+1,user_pass+FROM+wp_users--",
    "/.env",
    "/cari?q=%3Cscript%3Ealert(1)%3C/script%3E",
    "/unduh?f=..%2f..%2f..%2fetc%2fpasswd",
    "/wp-content/uploads/x.php?cmd=id",
)
OURS = """
import json, sys
from pathlib import Path
from zoneinfo import ZoneInfo
from reporting.visitor_log.analyse import analyse, plain_file
analysis = analyse([plain_file(Path(sys.argv[1]))], ZoneInfo("Asia/Jakarta"))
measures = analysis.measures()
print(json.dumps([measures.lines_total, measures.lines_rejected, {s.suspect: s.hits for s in analysis.suspicions}]))
"""


@dataclass(frozen=True)
class Cost:
    """What one run took."""

    cpu: float  # seconds, user and system, of all its processes
    wall: float  # seconds
    peak_mib: float
    said: str


def make_log(path: Path, lines: int, distinct: float) -> None:
    """Write a combined log of `lines` lines; `distinct` is the share of requests with a query string of their own."""
    rng = random.Random(1)
    sample = []
    for line in SAMPLE.read_text(encoding="utf-8").splitlines():
        client, _, rest = line.partition(" ")
        before, _, after = rest.partition("] ")
        if before and after.count('"') == 6 and client:
            sample.append(after)
    clients = [
        f"{rng.randrange(1, 224)}.{rng.randrange(256)}.{rng.randrange(256)}.{rng.randrange(1, 255)}"
        for _ in range(lines // 6)
    ]
    second = 0
    with path.open("w", encoding="utf-8") as out:
        for number in range(lines):
            second += rng.random() < 0.5
            day, clock = divmod(second, 86_400)
            time_of_day = f"{clock // 3600:02}:{clock // 60 % 60:02}:{clock % 60:02}"
            stamp = f"{day % 28 + 1:02}/{MONTHS[day // 28 % 12]}/2026:{time_of_day} +0700"
            rest = sample[rng.randrange(len(sample))]
            draw = rng.random()
            if draw < 0.01:
                rest = f'"GET {rng.choice(ATTACKS)} HTTP/1.1" 404 196 "-" "python-requests/2.31"'
            elif draw < 0.01 + distinct:
                rest = rest.replace(" HTTP/1.", f"?v={number} HTTP/1.", 1)
            out.write(f"{rng.choice(clients)} - - [{stamp}] {rest}\n")


def measure(command: Sequence[str]) -> Cost:
    """Run a command to its end and say what it took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command[0]} ended with {process.returncode}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(cpu, time.monotonic() - began, used.ru_maxrss / 1024, said)


def show(name: str, lines: int, cost: Cost) -> None:
    print(
        f"{name:22} {cost.cpu:8.2f} CPU s {cost.wall:8.2f} wall s {lines / cost.cpu:12,.0f} lines/CPU s "
        f"{lines / cost.wall:12,.0f} lines/s {cost.peak_mib:8.0f} MiB"
    )


def main() -> int:
    """Print both costs and their ratio. Without GoAccess only ours."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--distinct", type=float, default=0.05, help="share of requests with a query of their own")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="laman-bench-") as folder:
        log = Path(folder) / "access.log"
        make_log(log, given.lines, given.distinct)
        print(f"{given.lines:,} lines, {log.stat().st_size / 1e6:.0f} MB, {given.distinct:.0%} distinct queries")
        ours = measure([sys.executable, "-c", OURS, str(log)])
        total, rejected, attacks = json.loads(ours.said)
        show("laman", given.lines, ours)
        print(f"  {total:,} lines accounted for, {rejected} rejected, suspicious: {attacks}")
        goaccess = shutil.which("goaccess")
        if not goaccess:
            print("goaccess is not installed (apt-get install goaccess): no comparison")
            return 0
        theirs = measure(
            [
                goaccess,
                str(log),
                "--log-format=COMBINED",
                "--no-global-config",
                "--no-progress",
                "-o",
                f"{folder}/out.json",
            ]
        )
        show("goaccess", given.lines, theirs)
        print(f"  CPU ratio goaccess / laman: {theirs.cpu / ours.cpu:.1f}; wall ratio: {theirs.wall / ours.wall:.1f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
