"""500 tickets of a year: minutes per route, first response and verdict equal a count of every second, apart from us."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from reporting.compliance import Period, evaluate
from reporting.ledger.sqlite import SqliteLedger
from reporting.standard import load_standards
from reporting.troubleshooting.fold import fold
from reporting.troubleshooting.model import Timing
from reporting.troubleshooting.stats import stats
from reporting.troubleshooting.timing import RulesInForce, timing_by
from tests.integration.agency import Agency
from tests.integration.tickets_year.play import Player, agency, local, tell
from tests.integration.tickets_year.recompute import Sum, recompute
from tests.integration.tickets_year.script import YEAR, Story, stories

COUNT, BY_COMMAND = 500, 25
NOW = local(f"{YEAR + 1}-01-15 10:00")  # some tickets go on into the new year
YEARS = (YEAR - 1, YEAR + 1)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Agency:
    where = agency(tmp_path_factory.mktemp("tickets"))
    where.state.mkdir(parents=True, exist_ok=True)
    player = Player(where)
    player.play(stories(COUNT))
    player.ledger.close()
    return where


@pytest.fixture(scope="module")
def expected(played: Agency) -> dict[str, Sum]:
    return recompute(played.state / "ledger.sqlite", NOW, YEARS)


def timings(ledger: Path) -> dict[str, Timing]:
    """As the product computes them."""
    store = SqliteLedger(ledger, "uji", read_only=True)
    events = list(store.events())
    store.close()
    rules = RulesInForce(events)
    return {t.id: timing_by(t, rules, NOW, 900) for t in fold(events).values()}


def seconds(minutes: float) -> int:
    """Exact: the script has whole seconds."""
    found = round(minutes * 60)
    assert abs(found - minutes * 60) < 1e-6
    return found


def test_the_script_is_worth_it(expected: dict[str, Sum]) -> None:
    """All routes, pauses, reopenings, verdicts, tickets that go on, and none that is trivial."""
    assert len(expected) == COUNT
    verdicts = Counter(v for s in expected.values() for _, v in s.executions.values())
    assert verdicts["sesuai"] > 100
    assert verdicts["menyimpang"] > 100
    assert sum(len(s.executions) > 1 for s in expected.values()) > 40
    assert sum(any(r.paused for r in s.routes.values()) for s in expected.values()) > 100
    assert sum(any(r.stood_solved for r in s.routes.values()) for s in expected.values()) > 30
    assert sum(not s.solved for s in expected.values()) > 20
    assert sum(len(s.routes) > 1 for s in expected.values()) > 100
    assert {r for s in expected.values() for r in s.routes} == {"mandiri", "subbag_umum", "pihak_ketiga"}


def test_minutes_per_route_equal_the_recomputation(played: Agency, expected: dict[str, Sum]) -> None:
    found = timings(played.state / "ledger.sqlite")
    assert list(found) == list(expected)
    for ticket, timing in found.items():
        assert _routes(timing) == {
            name: (r.gross, r.net, r.paused, r.stood_solved) for name, r in expected[ticket].routes.items()
        }, ticket
        assert seconds(timing.gross) == expected[ticket].gross, ticket
        response = None if timing.response is None else seconds(timing.response)
        assert response == expected[ticket].response, ticket


def _routes(timing: Timing) -> dict[str, tuple[int, ...]]:
    return {
        str(name): (seconds(m.gross), seconds(m.net), seconds(m.paused), seconds(m.stood_solved))
        for name, m in timing.routes.items()
    }


def test_verdicts_equal_the_recomputation(played: Agency, expected: dict[str, Sum]) -> None:
    store = SqliteLedger(played.state / "ledger.sqlite", "uji", read_only=True)
    events = list(store.events())
    store.close()
    answers = [
        evaluate(load_standards(), events, Period.parse(str(year), "Asia/Jakarta"), NOW) for year in (YEAR, YEAR + 1)
    ]
    found = {e.id: e for answer in answers for e in answer.executions}
    wanted = {name: judged for s in expected.values() for name, judged in s.executions.items()}
    assert {name: e.verdict.status for name, e in found.items()} == {name: v for name, (_, v) in wanted.items()}
    for name, execution in found.items():
        if execution.minutes is not None:
            assert seconds(execution.minutes) == wanted[name][0], name
    late = {d.execution for answer in answers for d in answer.deviations}
    assert late == {name for name, (_, verdict) in wanted.items() if verdict == "menyimpang"}
    assert [p for answer in answers for p in answer.problems] == []


def test_mean_times_equal_the_recomputation(played: Agency, expected: dict[str, Sum]) -> None:
    store = SqliteLedger(played.state / "ledger.sqlite", "uji", read_only=True)
    tickets = fold(store.events())
    store.close()
    answer = stats(tickets.values(), timings(played.state / "ledger.sqlite"))
    responses = [s.response for s in expected.values() if s.response is not None]
    solved = [s.gross for s in expected.values() if s.solved]
    assert answer.all.mtta_mean == pytest.approx(sum(responses) / len(responses) / 60)
    assert answer.all.mttr_mean == pytest.approx(sum(solved) / len(solved) / 60)
    for route, figures in answer.by_route.items():
        spent = [s.routes[route] for s in expected.values() if route in s.routes]
        assert figures.went_through == len(spent)
        assert figures.gross == pytest.approx(sum(r.gross for r in spent) / 60)
        assert figures.net == pytest.approx(sum(r.net for r in spent) / 60)


def test_the_record_is_whole_and_the_list_shows_them_all(played: Agency, expected: dict[str, Sum]) -> None:
    """Every solution's paper and every letter is in the archive as it was recorded."""
    verified = played.laman("verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    done = played.laman("ticket", "list", "--json")
    assert done.returncode == 0, done.stderr
    listed = {t["ticket"]: t for t in json.loads(done.stdout)}
    assert list(listed) == list(expected)
    for name, ticket in listed.items():
        if expected[name].solved:  # the others go on until now
            assert seconds(ticket["timing"]["gross"]) == expected[name].gross, name
    lines = played.laman("ticket", "list").stdout.splitlines()
    assert sum(line.startswith((f"T-{YEAR}-", f"T-{YEAR + 1}-")) for line in lines) == COUNT


def test_a_sample_through_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same script, told afterwards with --at, by the commands themselves."""
    where = agency(tmp_path)
    chosen: list[Story] = [s for s in stories(COUNT) if len(s.actions) > 5][:BY_COMMAND]
    names = [tell(where, story, capsys) for story in chosen]
    expected = recompute(where.state / "ledger.sqlite", NOW, YEARS)
    assert list(expected) == names
    done = where.laman("ticket", "list", "--json")
    listed = {t["ticket"]: t["timing"] for t in json.loads(done.stdout)}
    for name in names:
        if expected[name].solved:
            assert {
                route: (seconds(m["gross"]), seconds(m["net"]), seconds(m["paused"]), seconds(m["stood_solved"]))
                for route, m in listed[name]["routes"].items()
            } == {r: (m.gross, m.net, m.paused, m.stood_solved) for r, m in expected[name].routes.items()}
    status = [json.loads(where.laman("status", "--json", "--period", str(y)).stdout) for y in (YEAR, YEAR + 1)]
    verdicts = {e["id"]: e["verdict"] for answer in status for e in answer["executions"] if e["ended_at"]}
    wanted = {
        n: v for s in expected.values() for n, (_, v) in s.executions.items() if v != "menunggu" and n in verdicts
    }
    assert verdicts == wanted
    assert len(verdicts) >= BY_COMMAND
