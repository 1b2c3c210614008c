"""What a timer costs that wakes every quarter of an hour and finds nothing to do, on the record of a year.

Run: python -m tests.bench.bench_schedule [--days 365] [--calls 5]. Five sites, activities 1 to 3 every day. Timed as a
user's timer does it, as processes of their own (seconds of the processor: the machine may be busy): a call that finds
nothing changed, one that has to read the whole record (somebody wrote to it), and as peers `ansible --version` (what
any timer that starts Ansible pays before its first task) and, where they are installed, `anacron` and `borgmatic`.
Wrong answers (a run, a notice, an exit code) fail it.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from reporting.events import (
    KIND_FINISHED,
    KIND_SETTINGS,
    KIND_STARTED,
    KIND_WOKE,
    Agent,
    ExecutionFinished,
    ExecutionStarted,
    Person,
    TimerWoke,
)
from reporting.ledger import Draft
from reporting.ledger.sqlite import SqliteLedger
from reporting.unit import Inventory, read_inventory
from tests import golden
from tests.integration.agency import Agency

SITES = ("a", "b", "c", "d", "e")
TIMER = Agent(kind="timer", name="node")
BUDI = Person(id="budi", name="Budi Santoso", title="Pengelola")


def a_year(agency: Agency, days: int) -> int:
    """Put so many days on record, each window kept; how many events that is."""
    inventory = read_inventory(agency.inventory)
    moment = [datetime.now(UTC)]
    ledger = SqliteLedger(agency.state / "ledger.sqlite", "uji", clock=lambda: moment[0])
    today = datetime.now(inventory.unit.tz).replace(hour=0, minute=0, second=0, microsecond=0)
    count = 0
    for back in range(days, -1, -1):
        at = today - timedelta(days=back) + timedelta(minutes=1)
        moment[0] = at
        drafts = _settings(inventory, at) if back == days else []
        woke = TimerWoke(at=at, agent=TIMER)
        drafts.append(Draft(KIND_WOKE, "uji", "timer:node", woke.json_value()))
        for activity in (1, 2, 3):
            for site in SITES:
                drafts += _execution(activity, site, at, f"{at:%Y%m%d}-{activity}-{site}")
        count += len(ledger.append(drafts))
    ledger.close()
    return count


def _settings(inventory: Inventory, at: datetime) -> list[Draft]:
    years = datetime.now(UTC).year
    data = inventory.snapshot(years - 1, years + 1).model_dump(mode="json")
    return [Draft(KIND_SETTINGS, "uji", "timer:node", data)]


def _execution(activity: int, site: str, at: datetime, name: str) -> list[Draft]:
    started = ExecutionStarted(
        execution=name, run=name, activity=activity, executor=BUDI, agent=TIMER, clock="elapsed", started_at=at
    )
    raw = {"activity": activity, "site": site, "ok": ["site_access"], "outputs": 2, "findings": 10}
    document = golden.document(raw)
    finished = ExecutionFinished(
        execution=name, ended_at=at + timedelta(minutes=3), status="completed", document=document
    )
    return [
        Draft(KIND_STARTED, site, "timer:node", started.json_value()),
        Draft(KIND_FINISHED, site, "timer:node", finished.json_value()),
    ]


def timed(words: list[str], calls: int) -> tuple[float, str]:
    """Median seconds of the processor of so many calls, and what the last one printed."""
    taken, said = [], ""
    for _ in range(calls):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        taken.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        if done.returncode != 0:
            raise AssertionError(f"{words}: exit {done.returncode}: {done.stderr}{done.stdout}")
        said = done.stdout
    return statistics.median(taken), said


def main() -> int:
    """Time it; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--calls", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        plans = [{"activity": n, "every": "day"} for n in (1, 2, 3)]
        agency = Agency(
            Path(scratch), {site: {} for site in SITES}, {"schedule": plans, "review": {"activities": []}}
        ).write()
        events = a_year(agency, options.days)
        size = (agency.state / "ledger.sqlite").stat().st_size / 1e6
        print(f"record               {events:12,} events, {size:.0f} MB, {options.days} days, {len(SITES)} sites")
        command = agency.command("due", "--run", "--json")
        timed(command, 1)
        idle, said = timed(command, options.calls)
        whole = 0.0
        for _ in range(options.calls):
            (agency.state / "timer.json").unlink()
            one, told = timed(command, 1)
            whole = max(whole, one)
            said += told
        wrong = [
            t for t in said.replace("}\n{", "}\0{").split("\0") if (j := json.loads(t))["executions"] or j["noticed"]
        ]
        if wrong:
            print(f"it ran or noticed something: {wrong[0]}", file=sys.stderr)
            return 1
    print(f"nothing changed      {idle:12.3f} s a call, {idle * 96:.0f} s a day")
    print(f"the whole record     {whole:12.3f} s a call (the slowest)")
    bin_folder = Path(sys.executable).parent
    peers = {"ansible --version": [str(bin_folder / "ansible"), "--version"]}
    peers |= {
        f"{name}": [name, flag] for name, flag in (("anacron", "-V"), ("borgmatic", "--version")) if shutil.which(name)
    }
    for name, words in peers.items():
        taken, _ = timed(words, options.calls)
        print(f"{name:<20} {taken:12.3f} s a call, {taken / idle:.1f} times as long as ours")
    return 0


if __name__ == "__main__":
    sys.exit(main())
