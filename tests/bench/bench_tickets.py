"""500 tickets of a year: their minutes per route beside businesstimedelta (where it is installed), and `ticket list`.

Run: python -m tests.bench.bench_tickets [--tickets 500]. Both engines are asked for the same stretches, and must agree
on every one outside Ramadan (the peer has one pattern a weekday), or the bench fails (exit 1). Prints wall times;
asserts none.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from reporting.ledger.model import Event
from reporting.ledger.sqlite import SqliteLedger
from reporting.troubleshooting.fold import fold
from reporting.troubleshooting.model import MOVING, Ticket
from reporting.troubleshooting.similar import Problem, similar
from reporting.troubleshooting.timing import RulesInForce, timing_by
from reporting.worktime import CalendarSettings
from tests.bench.bench_worktime import businesstimedelta_engine
from tests.integration.agency import Agency
from tests.integration.tickets_year.play import Player, agency
from tests.integration.tickets_year.script import YEAR, stories

NOW = datetime(YEAR + 1, 1, 15, 3, tzinfo=UTC)
_ROUNDS = 5


def stretches(ticket: Ticket) -> Iterator[tuple[datetime, datetime]]:
    """From step to step, until the solution or now: what minutes per route are made of."""
    since = ticket.reported_at
    for step in ticket.steps:
        if step.name in MOVING:
            yield since, step.done_at
            since = step.done_at
    if ticket.state != "solved":
        yield since, NOW


def outside_ramadan(calendar: CalendarSettings, tickets: list[Ticket]) -> list[Ticket]:
    """Tickets whose whole life lies outside special periods, and away from days that are worked in their stead."""
    found = []
    for ticket in tickets:
        spans = list(stretches(ticket)) or [(ticket.reported_at, ticket.reported_at)]
        first, last = (m.astimezone(calendar.tz).date() for m in (spans[0][0], spans[-1][1]))
        special = any(s.first <= last and first <= s.last for s in calendar.special)
        if not special and not any(first <= day <= last for day in calendar.worked):
            found.append(ticket)
    return found


def best(what: Callable[[], object]) -> float:
    """Seconds of the fastest of some rounds."""
    times = []
    for _ in range(_ROUNDS):
        began = time.perf_counter()
        what()
        times.append(time.perf_counter() - began)
    return min(times)


def beside_the_peer(rules: RulesInForce, tickets: list[Ticket]) -> None:
    """The same minutes by businesstimedelta; AssertionError where they differ."""
    calendar = rules.at(NOW).unit.calendar
    peer = businesstimedelta_engine(calendar)
    if peer is None:
        print("businesstimedelta        not installed (pip install businesstimedelta): not compared")
        return
    chosen = outside_ramadan(calendar, tickets)
    began = time.perf_counter()
    theirs = {t.id: sum(peer(start, end) for start, end in stretches(t)) for t in chosen}
    slow = time.perf_counter() - began
    fast = best(lambda: [timing_by(t, rules, NOW, 900) for t in chosen])
    for ticket in chosen:
        ours = timing_by(ticket, rules, NOW, 900).gross
        assert abs(ours - theirs[ticket.id]) < 1 / 60, f"{ticket.id}: {ours} and {theirs[ticket.id]} minutes"
    print(f"businesstimedelta        {slow * 1_000:10,.1f} ms for {len(chosen)} of them; ours {fast * 1_000:,.1f} ms: "
          f"{slow / fast:,.0f}x, the same minutes")  # fmt: skip


def listed(where: Agency) -> None:
    """The wall time of the commands themselves, a new process each."""
    for words in (("ticket", "list"), ("ticket", "list", "--json"), ("ticket", "list", "--open"), ("ticket", "stats")):
        seconds = best(lambda words=words: _run(where, words))  # type: ignore[misc]
        print(f"laman {' '.join(words):<18} {seconds * 1_000:10,.0f} ms wall, the process included")
    nothing = best(lambda: subprocess.run([sys.executable, "-c", "import pydantic"], check=True))
    print(f"(python, import pydantic {nothing * 1_000:10,.0f} ms)")


def _run(where: Agency, words: tuple[str, ...]) -> None:
    done = where.laman(*words)
    assert done.returncode == 0, done.stderr


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tickets", type=int, default=500)
    count = parser.parse_args().tickets
    with tempfile.TemporaryDirectory() as folder:
        where = agency(Path(folder))
        where.state.mkdir()
        player = Player(where)
        player.play(stories(count))
        player.ledger.close()
        store = SqliteLedger(where.state / "ledger.sqlite", "uji", read_only=True)
        events: list[Event] = list(store.events())
        store.close()
        rules, tickets = RulesInForce(events), list(fold(events).values())
        print(f"{len(tickets)} tickets, {len(events)} events, {sum(len(t.steps) for t in tickets)} steps")
        print(f"events -> tickets        {best(lambda: fold(events)) * 1_000:10,.1f} ms")
        timed = best(lambda: [timing_by(t, rules, NOW, 900) for t in tickets])
        print(f"minutes per route of all {timed * 1_000:10,.1f} ms")
        asked = best(lambda: similar(tickets, Problem("halaman depan galat 500 disk penuh", "www")))
        print(f"the likest of them       {asked * 1_000:10,.1f} ms")
        beside_the_peer(rules, tickets)
        listed(where)
    return 0


if __name__ == "__main__":
    sys.exit(main())
