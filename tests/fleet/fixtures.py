"""Pytest fixtures of the fleet. A fleet that cannot run fails the tests on CI, and skips them elsewhere, saying why."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fleet import manager
from tests.fleet.engine import available
from tests.fleet.host import Host
from tests.fleet.manager import Fleet
from tests.fleet.medium import LoopMedium, media_directory, medium_unavailable, sweep
from tests.fleet.settings import in_ci

MediumFactory = Callable[[int, str], LoopMedium]


def require(reason: str | None) -> None:
    """Skip where something cannot run, and fail where it must."""
    if reason is None:
        return
    if in_ci():
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def fleet() -> Iterator[Fleet]:
    """The running hosts; shared with whoever else has them up, and taken down by the last."""
    require(available())
    owner = f"pytest-pid-{os.getpid()}"
    try:
        yield manager.up(owner)
    finally:
        manager.release(owner)


@pytest.fixture(scope="session")
def vps(fleet: Fleet) -> Host:
    """The virtual server with WordPress."""
    return fleet.vps


@pytest.fixture(scope="session")
def shared(fleet: Fleet) -> Host:
    """The shared hosting account without Python."""
    return fleet.shared


@pytest.fixture(scope="session")
def wordpress_url(fleet: Fleet) -> str:
    """Address of the real WordPress, without a trailing slash."""
    return str(fleet.vps.facts["fleet_url"])


@pytest.fixture
def loop_medium(tmp_path: Path) -> Iterator[MediumFactory]:
    """A factory of mounted ext4 media, ``loop_medium(size_mb, label)``; all are gone after the test."""
    require(medium_unavailable())
    sweep()
    made: list[LoopMedium] = []

    def make(size_mb: int, label: str) -> LoopMedium:
        medium = LoopMedium(media_directory(tmp_path), size_mb, label)
        made.append(medium)
        return medium

    yield make
    for medium in reversed(made):
        medium.close()
