"""Look at a site from outside (name, connection, certificate, page) and inside (disk, services, PHP, database, logs,
clock), in under a minute, and name the likeliest cause. Nothing is changed on the site.

example:
  laman -i inventory/kantor diagnose www
  laman -i inventory/kantor diagnose www --ticket T-2026-001     (its evidence goes to the ticket)

Exit code 0: nothing was found; 2: something was found; 1: could not look, nothing is recorded. A site that is down or
cannot be entered is something found. What cannot be seen (no root, no shell) is "unknown" or "skipped", never "ok".
It is no execution of the POS: the solution is (laman ticket solve).
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from reporting.cli.common import (
    command_line,
    executor_of,
    inventory_of,
    named_officer,
    opened,
    standard_today,
    this_agent,
    today,
    wanted_sites,
)
from reporting.cli.main import EXIT_DEVIATIONS, EXIT_OK
from reporting.cli.tables import table
from reporting.events import DiagnosisMade, Person
from reporting.runner.diagnose import Asked, diagnose_site, require_ticket
from reporting.text import harmless
from reporting.unit import Inventory, check_variables

_ACTIVITY = 8
_STATE = {"ok": "ok", "problem": "PROBLEM", "unknown": "unknown", "skipped": "-"}
_FIRST = {"problem": 0, "unknown": 1, "ok": 2, "skipped": 3}
_TITLE = 120


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("site", metavar="SITE", help="the site, as hosts.yml names it")
    parser.add_argument("--ticket", metavar="TICKET", help="the ticket whose evidence this is, e.g. T-2026-001")
    parser.add_argument("--executor", metavar="NAME", help="the officer who is responsible (id or name)")
    parser.add_argument("--all", action="store_true", help="show what is in order too")
    parser.add_argument("--json", action="store_true", help="print the diagnosis as JSON")


def run(options: argparse.Namespace) -> int:
    """Look, record, tell; returns the exit code."""
    inventory = inventory_of(options)
    (site,) = wanted_sites(inventory, [options.site])
    check_variables(inventory)
    ticket = options.ticket.strip().upper() if options.ticket is not None else None
    asked = Asked(site=site, ticket=ticket, executor=_executor(options, inventory), agent=this_agent())
    with opened(inventory) as record:
        require_ticket(asked, record)  # before anything is said to be looked at
        with _progress(site) as progress:
            made = diagnose_site(asked, record, progress.step)
    if options.json:
        print(json.dumps(made.json_value(), indent=2, ensure_ascii=False))
    else:
        _print(made, inventory, everything=options.all)
    return EXIT_OK if made.cause_kind is None else EXIT_DEVIATIONS


def _executor(options: argparse.Namespace, inventory: Inventory) -> Person:
    day = today(inventory)
    if options.executor:
        return named_officer(inventory, options.executor, day, "--executor")
    return executor_of(inventory, standard_today(inventory), _ACTIVITY, day)


def _print(made: DiagnosisMade, inventory: Inventory, *, everything: bool) -> None:
    shown = [c for c in made.checks if everything or c.state in ("problem", "unknown")]
    if shown:
        rows = [(_STATE[c.state], c.side, c.name, f"{c.seconds:.1f}", harmless(c.detail, 200))
                for c in sorted(shown, key=lambda c: _FIRST[c.state])]  # fmt: skip
        print(table(["state", "side", "check", "seconds", "what was seen"], rows, limit=160))
        print()
    counted = {state: sum(c.state == state for c in made.checks) for state in _STATE}
    seconds = (made.ended_at - made.began_at).total_seconds()
    print(f"{made.site}: {counted['ok']} in order, {counted['problem']} problem(s), {counted['unknown']} unknown, "
          f"{counted['skipped']} skipped; {seconds:.1f} s; diagnosis {made.diagnosis}")  # fmt: skip
    if made.cause_kind is None:
        print("nothing was found.")
    else:
        print(f"likeliest cause ({made.cause_kind}): {harmless(made.cause, 1_000)}")
        print(f"penyebab paling mungkin: {harmless(made.cause_id, 1_000)}")
    print(_next_step(made, inventory))


def _next_step(made: DiagnosisMade, inventory: Inventory) -> str:
    """What to type now, in one line."""
    if made.cause_kind is None:
        return "nothing is left to do." if made.ticket is None else (
            f"its evidence is with {made.ticket}; when the problem is gone: "
            + command_line(inventory, "ticket", "solve", made.ticket, "--help")
        )  # fmt: skip
    if made.ticket is None:
        title = harmless(made.cause_id or made.cause, _TITLE)
        return "to do: " + command_line(inventory, "ticket", "open", "--site", made.site, "--title", title)
    route = command_line(inventory, "ticket", "route", made.ticket, "mandiri|subbag_umum|pihak_ketiga")
    return f"its evidence is with {made.ticket}; to do: {route}, or put it right and: " + command_line(
        inventory, "ticket", "solve", made.ticket, "--kind", made.cause_kind, "--cause", "…", "--solution", "…",
        "--prevention", "…",
    )  # fmt: skip


class _Progress(Protocol):
    def step(self, name: str) -> None:
        """A step begins."""


class _Plain:
    def __init__(self) -> None:
        self._began = time.monotonic()

    def step(self, name: str) -> None:
        """One line for the step that takes the time."""
        if name.startswith("Look from"):
            print(f"  {time.monotonic() - self._began:4.1f} s  {harmless(name, 80)} …", file=sys.stderr, flush=True)


class _Live:
    def __init__(self, status: Any, site: str) -> None:
        self._status, self._site = status, site

    def step(self, name: str) -> None:
        """The spinner's words."""
        from rich.text import Text

        self._status.update(Text(f"{self._site}: {harmless(name, 80)}"))


@contextmanager
def _progress(site: str) -> Iterator[_Progress]:
    """A spinner on a terminal, a line elsewhere; standard output stays the result's."""
    if not sys.stderr.isatty():
        print(f"{site}: looking from outside and inside, less than a minute …", file=sys.stderr, flush=True)
        yield _Plain()
        return
    from rich.console import Console

    with Console(stderr=True).status(f"{site}: looking from outside and inside …") as status:
        yield _Live(status, site)


__all__ = ["add_arguments", "run"]
