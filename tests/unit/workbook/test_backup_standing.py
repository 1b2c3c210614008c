"""The table of 3-2-1 on the sheet Backup: only when there is something to tell, in both languages."""

from __future__ import annotations

from typing import Any

import pytest

from reporting.workbook import More, standings_of, workbook_bytes
from tests.unit.test_backups import Told, day
from tests.unit.workbook import sample
from tests.unit.workbook.reading import load, table_rows, written


def _book(lang: Any) -> bytes:
    told = Told().made("20260101T000000Z-a", 0).copied("20260101T000000Z-a", 2).drilled("20260101T000000Z-a", 3)
    compliance = sample.empty("2026-01", as_of=day(10), sites=("ppid", "www"))
    more = More(backups=standings_of(told.events, compliance))
    return workbook_bytes(compliance, sample.HEAD, lang, sample.ISSUED, more)


@pytest.mark.parametrize(
    ("lang", "site", "wrong", "none", "off"),
    [
        ("id", "Laman", "Yang Kurang", "belum ada set yang utuh sama sekali", "Di Tempat Lain"),
        ("en", "Site", "What Is Wrong", "there is no whole set of it at all", "In Another Place"),
    ],
)
def test_each_site_has_its_row(lang: str, site: str, wrong: str, none: str, off: str) -> None:
    rows = {row[site]: row for row in table_rows(load(_book(lang))[1], "Backup", "tblSalinan")}
    assert list(rows) == ["ppid", "www"]
    assert list(rows["ppid"].values())[6:] == [3, 2, 0]
    assert rows["ppid"][off] == 0
    assert rows["ppid"][wrong] == (
        "0 dari 1 salinan di tempat lain" if lang == "id" else "0 of 1 copies in another place"
    )
    assert rows["www"][wrong] == none


def test_the_same_events_give_the_same_bytes() -> None:
    assert _book("id") == _book("id")


def test_without_standings_there_is_no_such_table() -> None:
    book = load(written(sample.month()))[1]
    assert "tblSalinan" not in {name for sheet in book for name in sheet.tables}
