"""`laman ticket stats`: how fast problems are answered and solved, in working minutes; what comes back."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict

from reporting.cli.common import inventory_of, opened
from reporting.cli.main import EXIT_OK
from reporting.cli.tables import table
from reporting.cli.ticket_known import tickets_of
from reporting.compliance import Period
from reporting.troubleshooting.stats import Figures, Stats, stats

_HEADERS = ["tickets", "solved", "over", "reopened", "answered", "MTTA", "median", "MTTR", "median", "net", "median"]


def add_arguments(_name: str, parser: argparse.ArgumentParser) -> None:
    """The options of stats."""
    parser.add_argument("--period", metavar="PERIOD", help="reported in it: 2026-11, 2026-Q4, 2026 (default: all)")


def run(options: argparse.Namespace) -> int:
    """Print; returns the exit code."""
    inventory = inventory_of(options)
    period = Period.parse(options.period, inventory.unit.tz) if options.period else None
    with opened(inventory) as record:
        tickets = tickets_of(record)
    chosen = [t for t in tickets.known.tickets.values() if period is None or t.reported_at in period]
    found = stats(chosen, {t.id: tickets.timing(t) for t in chosen})
    if options.json:
        print(json.dumps(asdict(found), indent=2, ensure_ascii=False))
    elif not chosen:
        print("No ticket yet." if not tickets.known.tickets else "No ticket was reported in that period.")
    else:
        _print(found)
    return EXIT_OK


def _print(found: Stats) -> None:
    print("working minutes from the report: MTTA to the first response, MTTR to the solution (gross; net: no pauses)\n")
    print(table(["", *_HEADERS], [["all", *_row(found.all)]]))
    print("\n" + table(["route", *_HEADERS], [[r, *_row(f.figures)] for r, f in found.by_route.items()]))
    spent = [[r, f.went_through, *(f"{m:.0f}" for m in (f.gross, f.net, f.paused, f.stood_solved))]
             for r, f in found.by_route.items()]  # fmt: skip
    print("\n" + table(["spent on route", "tickets", "gross", "net", "paused", "taken for solved"], spent))
    print("\n" + table(["site", *_HEADERS], [[s or "(not one)", *_row(f)] for s, f in found.by_site.items()]))
    if found.by_cause:
        print("\n" + table(["cause", *_HEADERS], [[c, *_row(f)] for c, f in found.by_cause.items()]))
    if found.repeats:
        rows = [[", ".join(r.tickets), r.site or "", r.occurrences, r.title] for r in found.repeats]
        print("\n" + table(["comes back", "site", "found", "title"], rows))


def _row(figures: Figures) -> list[object]:
    minutes = (figures.mtta_mean, figures.mtta_median, figures.mttr_mean, figures.mttr_median,
               figures.mttr_net_mean, figures.mttr_net_median)  # fmt: skip
    counts: list[object] = [figures.tickets, figures.solved, figures.over, figures.reopened, figures.answered]
    return [*counts, *("–" if m is None else f"{m:.0f}" for m in minutes)]
