"""Live progress of a run on standard error: site × activity, elapsed against the standard."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field
from typing import Any, Literal

from reporting.runner.model import RunRequest
from reporting.text import harmless

_PLAIN_EVERY_SECONDS = 30.0  # without a terminal, a line now and then says that it is alive
_SHOWN = 20  # rows on a terminal; what works or failed comes first


@dataclass
class _Row:
    state: Literal["waiting", "running", "ok", "problem"] = "waiting"
    note: str = ""
    since: float = field(default_factory=time.monotonic)
    seconds: float = 0.0


class TerminalProgress:
    """One line a site, refreshed in place."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.live import Live

        self._live = Live(console=Console(stderr=True), refresh_per_second=4, transient=True)

    def begin(self, request: RunRequest, sites: list[str]) -> None:
        """Start the display."""
        self._request = request
        self._rows = {site: _Row() for site in sites}
        self._live.start()

    def task(self, site: str, name: str) -> None:
        """A site has begun a task."""
        row = self._rows.get(site)
        if row is None or row.state in ("ok", "problem"):
            return
        if row.state == "waiting":
            row.state, row.since = "running", time.monotonic()
        row.note = harmless(name, 60)

    def done(self, site: str, state: Literal["ok", "problem"], note: str) -> None:
        """A site is recorded."""
        row = self._rows[site]
        row.seconds = time.monotonic() - row.since
        row.state, row.note = state, harmless(note, 100)

    def tick(self) -> None:
        """Refresh."""
        self._live.update(self._table())

    def end(self) -> None:
        """Leave the last state on the screen."""
        self._live.update(self._table())
        self._live.stop()

    def _table(self) -> Any:
        from rich.table import Table
        from rich.text import Text

        words = {"waiting": ("waiting", "dim"), "running": ("running", "cyan"), "ok": ("done", "green"),
                 "problem": ("problem", "red")}  # fmt: skip
        done = sum(row.state in ("ok", "problem") for row in self._rows.values())
        title = f"{self._request.activity.slug}: {done} of {len(self._rows)} sites"
        grid = Table(title=title, title_justify="left", box=None, padding=(0, 2, 0, 0))
        for column in ("site", "state", "minutes", "now"):
            grid.add_column(column, no_wrap=True)
        order = {"running": 0, "problem": 1, "waiting": 2, "ok": 3}
        for site, row in sorted(self._rows.items(), key=lambda pair: order[pair[1].state])[:_SHOWN]:
            seconds = time.monotonic() - row.since if row.state == "running" else row.seconds
            text, style = words[row.state]
            minutes = f"{seconds / 60:5.1f} / {self._request.activity.standard_minutes}"
            grid.add_row(Text(site), Text(text, style=style), Text(minutes), Text(row.note))
        return grid


class PlainProgress:
    """One line when a site is recorded, and now and then a sign of life."""

    def begin(self, request: RunRequest, sites: list[str]) -> None:
        """Say what begins."""
        self._request, self._left, self._began = request, set(sites), time.monotonic()
        self._said = self._began
        self._print(
            f"{request.activity.slug}: {len(sites)} site(s), standard {request.activity.standard_minutes} minutes"
        )

    def task(self, site: str, name: str) -> None:
        """Tasks are too many for plain lines."""

    def done(self, site: str, state: Literal["ok", "problem"], note: str) -> None:
        """A site is recorded."""
        self._left.discard(site)
        minutes = (time.monotonic() - self._began) / 60
        self._print(
            f"{self._request.activity.slug}: {site}: {state} after {minutes:.1f} min {harmless(note, 300)}".rstrip()
        )

    def tick(self) -> None:
        """A sign of life."""
        now = time.monotonic()
        if now - self._said > _PLAIN_EVERY_SECONDS and self._left:
            minutes = (now - self._began) / 60
            self._print(f"{self._request.activity.slug}: {len(self._left)} site(s) still running, {minutes:.1f} min")

    def end(self) -> None:
        """Nothing is left to say."""

    def _print(self, line: str) -> None:
        self._said = time.monotonic()
        print(line, file=sys.stderr, flush=True)


def progress_for_this_terminal() -> TerminalProgress | PlainProgress:
    """A live display on a terminal, plain lines elsewhere."""
    return TerminalProgress() if sys.stderr.isatty() else PlainProgress()
