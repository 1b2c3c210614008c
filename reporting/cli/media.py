"""The unit's media as commands see them: the settings made absolute, probed on the control node."""

from __future__ import annotations

from reporting.backup_set.medium import MediumReport, MediumSpec, Needs, probe
from reporting.unit import Inventory, Medium


def spec_of(inventory: Inventory, medium: Medium) -> MediumSpec:
    """A medium of the settings with its mount point made absolute."""
    return MediumSpec(
        id=medium.id,
        path=str(inventory.resolve(medium.path)),
        kind=medium.kind,
        uuid=medium.uuid,
        label=medium.label,
        declared_folder=medium.declared_folder,
    )


def reports(inventory: Inventory) -> list[MediumReport]:
    """Every medium of the settings, probed now (a small file is written to each and removed)."""
    return [probe(spec_of(inventory, medium), Needs(minimum_bytes=0)) for medium in inventory.unit.media]
