"""`laman due --run`: the one entry for timers. Runs what is due, catches up with what was slept through, and says so.

Nothing is kept between two calls but the record and a sign of life (reporting.schedule.life). Where neither the record
nor the settings changed and no window opened, a call ends at once, without reading the record.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from reporting.cli.common import inventory_of, local, opened, today
from reporting.cli.main import EXIT_CANNOT, EXIT_DEVIATIONS, EXIT_OK
from reporting.ledger import LedgerError, open_ledger
from reporting.runner.locks import AlreadyRunning, run_lock
from reporting.schedule.life import Life, clear_alarm, fingerprint, raise_alarm, read_life, write_life
from reporting.text import harmless
from reporting.unit import Inventory

if TYPE_CHECKING:
    from reporting.cli.due_work import Done

_LOCK = ("due", "run")
_SILENCE = timedelta(hours=1)


@dataclass
class Woke:
    """What one call did."""

    at: datetime
    problems: list[str] = field(default_factory=list)  # what could not be done: exit 1
    still: dict[str, list[str]] = field(default_factory=dict)  # unusable settings that were told before
    done: Done | None = None  # None: nothing had changed, the record was not read


def run(options: argparse.Namespace) -> int:
    """Do what is due; returns the exit code."""
    inventory = inventory_of(options)
    folder = inventory.state_dir
    now = datetime.now(UTC)
    holder = {"since": now.isoformat(timespec="seconds")}
    try:
        with run_lock(folder / "locks", *_LOCK, holder):
            woke = Woke(now)
            try:
                _wake(inventory, woke, patient=options.quiet)
            except Exception as error:
                raise_alarm(folder, now, harmless(f"{type(error).__name__}: {error}", 1_000))
                raise
            if woke.problems:
                raise_alarm(folder, now, harmless("; ".join(woke.problems), 1_000))
            elif not woke.still:
                clear_alarm(folder)  # else the alarm of the call that found it stands
    except AlreadyRunning as busy:
        if not options.quiet:
            print(f"another laman due --run is at work ({busy.holder}): it does what is due", file=sys.stderr)
        return EXIT_OK
    return _tell(options, inventory, woke)


def _wake(inventory: Inventory, woke: Woke, *, patient: bool) -> None:
    """`patient`: a timer asks; settings that were unusable are looked at again when they change, or the next day."""
    settings, before = fingerprint(inventory), read_life(inventory.state_dir)
    if before is not None and patient and before.settings == settings and before.looked_on == str(today(inventory)):
        woke.still = before.unusable
    patience = before is not None and woke.still == before.unusable
    if before is not None and patience and _unchanged(inventory, before, settings, woke.at):
        alive = replace(before, alive_at=woke.at)
        write_life(inventory.state_dir, alive)
        return
    from reporting.cli.due_work import do_work

    with opened(inventory) as record:
        woke.done = do_work(record, before, woke.at, woke.still)
        woke.problems = woke.done.problems
        quiet = not woke.problems and not woke.done.cancelled
        # What somebody else appended meanwhile is not known here: the next call reads the record again.
        head, again = woke.done.head, woke.done.look_again
        life = Life(datetime.now(UTC), head, settings, again, quiet, woke.done.looked_on, woke.done.unusable)
        write_life(inventory.state_dir, life)


def _unchanged(inventory: Inventory, before: Life, settings: str, now: datetime) -> bool:
    """Whether nothing can be due: the same record and settings, no silence, and no instant passed that mattered."""
    awake = before.alive_at <= now < min(before.look_again, before.alive_at + _SILENCE)
    if not (before.quiet and awake and before.settings == settings and before.looked_on == str(today(inventory))):
        return False
    try:
        ledger = open_ledger(inventory.unit.ledger, inventory.state_dir, inventory.unit.id, read_only=True)
    except LedgerError:
        return False  # opened for writing, it says what is wrong, or is made
    try:
        return ledger.head().seq == before.head
    finally:
        ledger.close()


def _tell(options: argparse.Namespace, inventory: Inventory, woke: Woke) -> int:
    done = woke.done
    deviating = done is not None and bool(done.deviating)
    code = EXIT_CANNOT if woke.problems else EXIT_DEVIATIONS if deviating else EXIT_OK
    for problem in woke.problems:
        print(f"laman: {problem}", file=sys.stderr)
    if options.json:
        print(json.dumps(_json(woke, code), indent=2, ensure_ascii=False))
    elif done is not None and (done.did_something or not options.quiet):
        _print(inventory, done)
    elif done is None and not options.quiet:
        print("nothing is due.")
    return code


def _json(woke: Woke, code: int) -> dict[str, Any]:
    done = woke.done
    return {
        "at": woke.at.isoformat(),
        "exit": code,
        "asleep_since": done.asleep_since.isoformat() if done and done.asleep_since else None,
        "noticed": [n.json_value() for n in done.noticed] if done else [],
        "executions": done.executions_json if done else [],
        "waits": [{"activity": w.activity, "site": w.site, "reason": w.reason} for w in done.waits] if done else [],
        "looked_up": done.looked_up if done else 0,
        "tickets": done.tickets if done else [],
        "mailed": done.mailed if done else [],
        "drills": done.drills if done else [],
        "problems": woke.problems,
    }


def _print(inventory: Inventory, done: Done) -> None:
    if done.asleep_since is not None:
        print(f"the timer gave no sign of life since {local(done.asleep_since, inventory)}")
    for notice in done.noticed:
        until = local(notice.closes_at, inventory)
        what = "was missed" if notice.state == "missed" else "begins late"
        print(f"{notice.occasion.rsplit(':', 2)[0]}: {what}, planned {local(notice.planned_at, inventory)} to {until}")
    for line in [*done.lines, *done.mailed]:
        print(line)
    for wait in done.waits:
        again = f" {local(wait.until, inventory)}" if wait.until else ""
        print(f"waits: activity {wait.activity} of {wait.site}: {wait.reason}{again}")
    if not done.did_something and not done.waits:
        print("nothing is due.")
