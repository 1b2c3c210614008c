"""Fixtures that every test may ask for; tests on the fleet's hosts are marked, so that others can run beside them."""

import pytest

pytest_plugins = ["tests.fleet.fixtures"]
_OF_THE_FLEET = {"fleet", "vps", "shared", "wordpress_url"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what shares the fleet's hosts: those tests come one after the other, never beside each other."""
    for item in items:
        if _OF_THE_FLEET & set(getattr(item, "fixturenames", ())):
            item.add_marker("hosts")
