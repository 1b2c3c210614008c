"""How each site's backups stood at the end of a period, from the events that count; its table on the sheet Backup."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from reporting.backups import KINDS, Standing, fold_sets, standing
from reporting.compliance import Compliance
from reporting.ledger import Event
from reporting.workbook.cells import Page
from reporting.workbook.rows import Rows
from reporting.workbook.table import Column, Table, write_table
from reporting.workbook.words import Words

_COLUMNS = (  # as wide as the columns of the table above
    Column("standing_site", 16),
    Column("standing_made", 16, "moment"),
    Column("standing_set", 21),
    Column("standing_verified", 18, "moment"),
    Column("standing_proven", 14, "date"),
    Column("standing_flags", 26),
    Column("standing_copies", 13, "integer"),
    Column("standing_kinds", 15, "integer"),
    Column("standing_off_site", 15, "integer"),
)


def standings_of(events: Iterable[Event], compliance: Compliance) -> tuple[Standing, ...]:
    """How every site of the period stood as of the instant at which the period was judged, by the settings of then."""
    counted = [e for e in events if e.kind in KINDS and e.at <= compliance.as_of]
    sets, unit = fold_sets(counted), compliance.unit
    return tuple(standing(site, sets, unit.media, unit.backup, compliance.as_of) for site in compliance.sites)


def write_standing(page: Page, row: int, found: Sequence[Standing], compliance: Compliance) -> Table:
    """Write the table from `row` on."""
    rules = compliance.unit.backup
    values = {"copies": rules.copies, "kinds": rules.media_kinds, "off_site": rules.off_site, "fresh": rules.fresh_days}
    page.sheet.set_row(row, 20)
    page.text(row, 0, page.words("standing_of"), "section", bottom=0)
    page.text(row + 1, 0, page.words("note_standing", **values), "subtitle")
    return write_table(page, row + 2, "tblSalinan", _COLUMNS, _rows(found, page.words))


def _rows(found: Sequence[Standing], words: Words) -> Rows:
    return [
        {
            "standing_site": s.site,
            "standing_made": s.last_set.made_at if s.last_set else None,
            "standing_set": s.last_set.set if s.last_set else "",
            "standing_verified": s.verified_at,
            "standing_proven": s.proven_at.date() if s.proven_at else None,
            "standing_flags": "; ".join(f.text_id if words.lang == "id" else f.text for f in s.flags)
            or words("standing_good"),
            "standing_copies": s.copies,
            "standing_kinds": s.kinds,
            "standing_off_site": s.off_site,
        }
        for s in found
    ]


__all__ = ["standings_of", "write_standing"]
