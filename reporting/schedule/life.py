"""The timer's sign of life: one small file in the state folder, replaced whole each time the timer wakes.

A timer that wakes every quarter of an hour would write 35,000 events a year that say nothing. So `schedule.woke` goes
into the ledger only when something was run or noticed, after a silence, and once a local day; in between this file says
when the timer was last alive, and until when nothing changes unless the record or the settings do. When it is lost, the
last `schedule.woke` stands in for it, and nothing is run twice: what to run is decided from the record alone.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from reporting.files import replace_whole
from reporting.unit import Inventory

FILE = "timer.json"
ALARM = "timer-alarm.json"
SILENT_AFTER = timedelta(days=1)  # a timer that was silent for so long is told about


@dataclass(frozen=True, slots=True)
class Life:
    """A sign of life. Instants are aware.

    `head`: number of the ledger's last event then; `settings`: fingerprint of the settings; `looked_on`: local day on
    which the ends of services were last looked up, and settings were found unusable; `quiet`: nothing was left
    to do, until `look_again`.
    """

    alive_at: datetime
    head: int
    settings: str
    look_again: datetime
    quiet: bool
    looked_on: str = ""
    unusable: dict[str, list[str]] = field(default_factory=dict)  # "activity:site" -> what is wrong with its settings


def read_life(folder: Path) -> Life | None:
    """The last sign of life; None where there is none, or none that can be read."""
    try:
        raw = json.loads((folder / FILE).read_text(encoding="utf-8"))
        at, again = (datetime.fromisoformat(raw[key]) for key in ("alive_at", "look_again"))
        if at.tzinfo is None or again.tzinfo is None:
            return None
        settings, looked_on = str(raw["settings"]), str(raw["looked_on"])
        unusable = {str(key): [str(line) for line in lines] for key, lines in raw.get("unusable", {}).items()}
        return Life(at, int(raw["head"]), settings, again, bool(raw["quiet"]), looked_on, unusable)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):  # gone or broken: the ledger knows enough
        return None


def write_life(folder: Path, life: Life) -> None:
    """Replace the sign of life."""
    told = asdict(life) | {"alive_at": life.alive_at.isoformat(), "look_again": life.look_again.isoformat()}
    replace_whole(folder / FILE, json.dumps(told).encode())


def fingerprint(inventory: Inventory) -> str:
    """SHA-256 (hex) of the unit's settings and sites, and of the files that hold the roles' variables."""
    digest = hashlib.sha256(f"{inventory.unit.model_dump_json()}\n{inventory.sites}".encode())
    files = [inventory.hosts_file]
    for name in ("group_vars", "host_vars"):
        files += sorted(path for path in (inventory.folder / name).rglob("*") if path.is_file())
    for path in files:
        digest.update(f"\n{path}\n".encode(errors="surrogateescape"))
        with suppress(OSError):  # it is told by who reads it
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def raise_alarm(folder: Path, at: datetime, said: str) -> None:
    """Keep that the timer's last run did not come to an end; `laman due` says it until one does."""
    replace_whole(folder / ALARM, json.dumps({"at": at.isoformat(), "said": said}).encode())


def alarm(folder: Path) -> tuple[datetime, str] | None:
    """When and why the timer's last run failed; None where it did not."""
    try:
        raw = json.loads((folder / ALARM).read_text(encoding="utf-8"))
        return datetime.fromisoformat(raw["at"]), str(raw["said"])
    except (OSError, ValueError, KeyError, TypeError):  # no alarm; one that cannot be read is raised again
        return None


def clear_alarm(folder: Path) -> None:
    """The timer ran to its end."""
    (folder / ALARM).unlink(missing_ok=True)
