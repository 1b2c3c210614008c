"""What `laman due` says about backups: which disk to plug in, which sites' sets want reading back or proving."""

from __future__ import annotations

from datetime import UTC, datetime

from reporting.backup_set.rotation import on_turn, turn_ends
from reporting.backups import standing
from reporting.cli.backup_known import recorded
from reporting.cli.common import ACTIVITIES, command_line, today
from reporting.cli.duties import Duty, responsible
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


def media_duties(inventory: Inventory) -> list[Duty]:
    """The medium that a backup needs now and that is not ready."""
    from reporting.backup_set.medium import Needs, probe

    medium = medium_on_turn(inventory)
    if medium is None:
        return []
    report = probe(spec_of(inventory, medium), Needs(minimum_bytes=0))
    if report.ok:
        return []
    rules = inventory.unit.backup
    until = turn_ends(today(inventory), rules.turn).isoformat() if rules.rotation else None
    whose = f" (its turn this {rules.turn})" if rules.rotation else ""
    whose_id = {"day": " (giliran hari ini)", "week": " (giliran minggu ini)"}.get(rules.turn, " (giliran bulan ini)")
    text = f"plug in disk {medium.id}{whose}: {report.reason}"
    text_id = f"pasang media {medium.id}{whose_id if rules.rotation else ''}: {report.reason}"
    who, officer = responsible(inventory, ACTIVITIES["backup"])
    return [Duty(text, command_line(inventory, "medium", "list"), until, who, officer, what_id=text_id)]


def set_duties(record: Record) -> list[Duty]:
    """What stands in red in `backup status` and can be done with one command; sites without any set have a plan."""
    unit, sites = record.inventory.unit, record.inventory.sites
    known = recorded(record)
    who, officer = responsible(record.inventory, ACTIVITIES["backup"])
    duties: list[Duty] = []
    for site in sites:
        found = standing(site, known, unit.media, unit.backup, datetime.now(UTC))
        for flag in found.flags:
            if flag.code in _FLAGGED:
                words = (*_FLAGGED[flag.code], site)
                command = command_line(record.inventory, *words)
                what, what_id = f"backups of {site}: {flag.text}", f"backup {site}: {flag.text_id}"
                duties.append(Duty(what, command, None, who, officer, what_id=what_id))
    return duties
