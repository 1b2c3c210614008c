"""How fast problems are answered (MTTA) and solved (MTTR), in working minutes per route, site, cause; repeats. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import fmean, median

from reporting.events import CauseKind, Route
from reporting.troubleshooting.model import ROUTES, Ticket, Timing

_NONE = ""  # the key of tickets without a site, or without a cause yet


@dataclass(frozen=True, slots=True)
class Figures:
    """Some tickets together; working minutes, None where no ticket gives the figure.

    MTTA: from the report to the first response, of those that were answered. MTTR: from the report to the solution,
    gross (what the POS judges) and net (without pauses and false solutions), of those that are solved.
    """

    tickets: int
    solved: int
    over: int  # took (or takes already) longer than the POS allows
    reopened: int
    answered: int
    mtta_mean: float | None
    mtta_median: float | None
    mttr_mean: float | None
    mttr_median: float | None
    mttr_net_mean: float | None
    mttr_net_median: float | None


@dataclass(frozen=True, slots=True)
class RouteFigures:
    """One route: the tickets that went that way (last of all), and the minutes that all tickets spent on it."""

    figures: Figures
    went_through: int  # tickets that were on it at some time
    gross: float
    net: float
    paused: float
    stood_solved: float


@dataclass(frozen=True, slots=True)
class Repeat:
    """A problem that came back: tickets with the same fingerprint, and how often it was found in all."""

    fingerprint: str
    site: str | None
    title: str
    tickets: tuple[str, ...]
    occurrences: int


@dataclass(frozen=True, slots=True)
class Stats:
    """Everything about some tickets. `by_cause`: of those that are solved; `by_site`: "" for no one site."""

    all: Figures
    by_route: dict[Route, RouteFigures]
    by_site: dict[str, Figures]
    by_cause: dict[CauseKind, Figures]
    repeats: tuple[Repeat, ...]


def stats(tickets: Iterable[Ticket], timings: Mapping[str, Timing]) -> Stats:
    """The figures of some tickets. `timings`: by ticket id, of each of them."""
    chosen = list(tickets)
    sites: dict[str, list[Ticket]] = defaultdict(list)
    causes: dict[CauseKind, list[Ticket]] = defaultdict(list)
    for ticket in chosen:
        sites[ticket.site or _NONE].append(ticket)
        cause = cause_of(ticket)
        if cause is not None:
            causes[cause].append(ticket)
    return Stats(
        all=_figures(chosen, timings),
        by_route={r: _route(r, chosen, timings) for r in ROUTES},
        by_site={site: _figures(found, timings) for site, found in sorted(sites.items())},
        by_cause={cause: _figures(found, timings) for cause, found in sorted(causes.items())},
        repeats=repeats(chosen),
    )


def cause_of(ticket: Ticket) -> CauseKind | None:
    """The kind of cause that its solution named; None while it is not solved."""
    solved = ticket.last("solve") if ticket.state == "solved" else None
    return solved.cause_kind if solved is not None else None


def repeats(tickets: Iterable[Ticket]) -> tuple[Repeat, ...]:
    """Problems that were found more than once, or in more than one ticket; the most frequent first."""
    together: dict[tuple[str | None, str], list[Ticket]] = defaultdict(list)
    for ticket in tickets:
        if ticket.fingerprint:
            together[ticket.site, ticket.fingerprint].append(ticket)
    found = [
        Repeat(print_, site, group[-1].title, tuple(t.id for t in group), sum(t.occurrences for t in group))
        for (site, print_), group in together.items()
        if len(group) > 1 or group[0].seen
    ]
    return tuple(sorted(found, key=lambda r: (-len(r.tickets), -r.occurrences, r.tickets)))


def _route(route: Route, tickets: list[Ticket], timings: Mapping[str, Timing]) -> RouteFigures:
    spent = [timings[t.id].routes[route] for t in tickets if route in timings[t.id].routes]
    return RouteFigures(
        figures=_figures([t for t in tickets if t.route == route], timings),
        went_through=len(spent),
        gross=sum(m.gross for m in spent),
        net=sum(m.net for m in spent),
        paused=sum(m.paused for m in spent),
        stood_solved=sum(m.stood_solved for m in spent),
    )


def _figures(tickets: list[Ticket], timings: Mapping[str, Timing]) -> Figures:
    responses = [r for t in tickets if (r := timings[t.id].response) is not None]
    solved = [t for t in tickets if t.state == "solved"]
    gross, net = [timings[t.id].gross for t in solved], [timings[t.id].net for t in solved]
    return Figures(
        tickets=len(tickets),
        solved=len(solved),
        over=sum(timings[t.id].over for t in tickets),
        reopened=sum(t.last("reopen") is not None for t in tickets),
        answered=len(responses),
        mtta_mean=fmean(responses) if responses else None,
        mtta_median=median(responses) if responses else None,
        mttr_mean=fmean(gross) if gross else None,
        mttr_median=median(gross) if gross else None,
        mttr_net_mean=fmean(net) if net else None,
        mttr_net_median=median(net) if net else None,
    )
