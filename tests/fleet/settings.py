"""Where a fleet lives, and what it is called.

The run directory *is* the fleet's identity: two checkouts, or two values of ``LAMAN_FLEET_RUN``, never meet.
"""

import hashlib
import os
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
IMAGES = HERE / "images"


def run_dir() -> Path:
    """Keys, inventory, logs and state of this fleet; ``LAMAN_FLEET_RUN`` names another, from the repository's root."""
    return ROOT / (os.environ.get("LAMAN_FLEET_RUN") or "tests/fleet/.run")


def fleet_name() -> str:
    """Prefix of every container and network of this fleet."""
    return "laman-fleet-" + hashlib.sha256(str(run_dir()).encode()).hexdigest()[:8]


def inventory_dir() -> Path:
    """Ansible's inventory directory: holds ``hosts.yml`` while the fleet is up, and nothing else ever."""
    return run_dir() / "inventory"


def in_ci() -> bool:
    """On CI a fleet that cannot run is a failure, not a skip."""
    return os.environ.get("CI", "").lower() in {"true", "1", "yes"}
