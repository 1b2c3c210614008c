"""What `laman due` says about backups: which disk to plug in, which sites' sets want reading back or proving."""

from __future__ import annotations

from datetime import UTC, datetime

from reporting.backup_set.rotation import on_turn, turn_ends
from reporting.backups import standing
from reporting.cli.backup_known import recorded
from reporting.cli.common import command_line, today
from reporting.cli.media import spec_of
from reporting.runner.model import Record
from reporting.unit import Inventory, Medium

_FLAGGED = {
    "damaged": ("run", "backup", "--site"),
    "verify_late": ("backup", "verify", "--all", "--site"),
    "drill_failed": ("backup", "drill", "--latest", "--site"),
    "never_proven": ("backup", "drill", "--latest", "--site"),
    "drill_late": ("backup", "drill", "--latest", "--site"),
}


def medium_on_turn(inventory: Inventory) -> Medium | None:
    """The medium that the next backup goes to: whose turn it is, else the first; None without media."""
    unit = inventory.unit
    turn = on_turn(unit.backup.rotation, today(inventory), unit.backup.turn)
    return next((m for m in unit.media if turn in (None, m.id)), None)


def media_duties(inventory: Inventory) -> list[tuple[str, str, str | None]]:
    """The medium that a backup needs now and that is not ready: what to do, the command, until when."""
    from reporting.backup_set.medium import Needs, probe

    medium = medium_on_turn(inventory)
    if medium is None:
        return []
    report = probe(spec_of(inventory, medium), Needs(minimum_bytes=0))
    if report.ok:
        return []
    rules = inventory.unit.backup
    until = turn_ends(today(inventory), rules.turn).isoformat() if rules.rotation else None
    whose = f": it is its turn this {rules.turn}" if rules.rotation else ""
    text = f"plug in and mount medium {medium.id}{whose} ({report.reason})"
    return [(text, command_line(inventory, "medium", "list"), until)]


def set_duties(record: Record) -> list[tuple[str, str, str | None]]:
    """What stands in red in `backup status` and can be done with one command; sites without any set have a plan."""
    unit, sites = record.inventory.unit, record.inventory.sites
    known = recorded(record)
    duties: list[tuple[str, str, str | None]] = []
    for site in sites:
        found = standing(site, known, unit.media, unit.backup, datetime.now(UTC))
        for flag in found.flags:
            if flag.code in _FLAGGED:
                words = (*_FLAGGED[flag.code], site)
                duties.append((f"backups of {site}: {flag.text}", command_line(record.inventory, *words), None))
    return duties
