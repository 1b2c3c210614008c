"""The fleet: real managed hosts for tests, as containers that are reached over SSH.

``vps`` runs WordPress on nginx, php-fpm and MariaDB; ``shared`` is a hosting account with a noisy shell and no Python.
``python -m tests.fleet up`` starts them, ``tests/fleet/fixtures.py`` hands them to pytest, and ``molecule/`` to roles.
"""

from tests.fleet.engine import FleetError, available
from tests.fleet.host import Host
from tests.fleet.manager import Fleet, down, release, status, up

__all__ = ["Fleet", "FleetError", "Host", "available", "down", "release", "status", "up"]
