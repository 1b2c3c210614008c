"""Filter `laman_medium`: from `laman_unit`, the medium that backups go to today, its path made absolute.

`{{ laman_unit | laman_medium(inventory_dir) }}`: whose turn it is by `backup.rotation`, else the first of `media`. The
same function says it in `laman due`; the day is the agency's own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleFilterError

from reporting.backup_set.rotation import on_turn
from reporting.unit import Unit


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"laman_medium": laman_medium}


def laman_medium(unit: Any, inventory_dir: str) -> dict[str, Any]:
    """The entry of `media`.

    Raises:
        AnsibleFilterError: laman_unit names no medium, or cannot be used.
    """
    try:
        settings = Unit.model_validate(_plain(unit))
    except ValueError as error:
        raise AnsibleFilterError(f"laman_unit: {error}") from error
    today = datetime.now(UTC).astimezone(settings.tz).date()
    turn = on_turn(settings.backup.rotation, today, settings.backup.turn)
    medium = next((m for m in settings.media if turn in (None, m.id)), None)
    if medium is None:
        raise AnsibleFilterError("laman_unit.media names no medium: backups have nowhere to go")
    path = (Path(inventory_dir) / Path(medium.path).expanduser()).resolve()
    return {**medium.model_dump(mode="json", exclude_none=True), "path": str(path)}


def _plain(value: Any) -> Any:
    """Ansible's lazy containers as ordinary ones."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
