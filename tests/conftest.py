"""Fixtures that every test may ask for; tests on the fleet's hosts are marked, so that others can run beside them."""

import pytest

from tests.fleet.faults import ELSEWHERE

pytest_plugins = ["tests.fleet.fixtures"]
_OF_THE_FLEET = {"fleet", "vps", "shared", "wordpress_url"}


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--share 1/2`: the first half of the files, for a process that runs beside the other half."""
    parser.addoption("--share", default="1/1", metavar="N/M", help="only every M-th file, beginning with the N-th")


def _shared_out(items: list[pytest.Item], share: str) -> list[pytest.Item]:
    """The items of one share; files stay together."""
    number, shares = map(int, share.split("/"))
    files = sorted({item.path for item in items})
    mine = set(files[number - 1 :: shares])
    return [item for item in items if item.path in mine]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what shares the fleet's hosts: those tests come one after the other, never beside each other."""
    for item in items:
        if _OF_THE_FLEET & set(getattr(item, "fixturenames", ())):
            item.add_marker("hosts")
        if any(node in item.nodeid for node in ELSEWHERE.values()):
            item.add_marker("fault")
    items[:] = _shared_out(items, config.getoption("--share"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How many rows of the table of faults there were, and how many passed."""
    outcomes = {
        outcome: sum("fault" in report.keywords for report in terminalreporter.stats.get(outcome, []))
        for outcome in ("passed", "failed", "error", "skipped")
    }
    if rows := sum(outcomes.values()):
        terminalreporter.section("table of faults")
        counted = ", ".join(f"{number} {outcome}" for outcome, number in outcomes.items() if number)
        terminalreporter.line(f"{rows} rows: {counted}")
