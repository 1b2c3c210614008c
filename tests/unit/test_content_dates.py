"""Dates as Indonesian sites write them."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from reporting.content.dates import in_text, mask, parse

WIB = ZoneInfo("Asia/Jakarta")


def _local(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=WIB).astimezone(UTC)  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("month", "number"),
    [
        ("Januari", 1), ("Jan", 1), ("Februari", 2), ("Pebruari", 2), ("Peb", 2), ("Feb.", 2), ("Maret", 3), ("Mrt", 3),
        ("April", 4), ("Mei", 5), ("Juni", 6), ("Juli", 7), ("Agustus", 8), ("Agt", 8), ("Ags", 8), ("Agu", 8),
        ("AGUST", 8), ("September", 9), ("Sept", 9), ("Oktober", 10), ("Okt", 10), ("November", 11), ("Nopember", 11),
        ("Nop", 11), ("Nov", 11), ("Desember", 12), ("Des", 12), ("December", 12), ("May", 5),
    ],
)  # fmt: skip
def test_every_spelling_of_a_month(month: str, number: int) -> None:
    assert in_text(f"Diterbitkan Jum'at, 7 {month} 2025 oleh admin", WIB) == [_local(2025, number, 7)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Jum'at, 7 Agt 2026 | 10.30 WIB", _local(2026, 8, 7, 10, 30)),
        ("3 Ags 2024 10:05 WITA", _local(2024, 8, 3, 9, 5)),
        ("November 5, 2026", _local(2026, 11, 5)),
        ("13/11/2026", _local(2026, 11, 13)),
        ("5-Nop-2026", _local(2026, 11, 5)),
        ("2026-11-05", _local(2026, 11, 5)),
        ("2026-11-05T10:00:00Z", datetime(2026, 11, 5, 10, tzinfo=UTC)),
        ("Sun, 22 Nov 2026 12:00:00 +0700", _local(2026, 11, 22, 12)),
        ("2026-11-05T10:00:00", _local(2026, 11, 5, 10)),
    ],
)
def test_one_date(text: str, expected: datetime) -> None:
    assert parse(text, WIB) == expected


@pytest.mark.parametrize(
    "text",
    ["", "31 November 2026", "12 Nop", "Nopember 2026", "0000-00-00 00:00:00", "1970-01-01", "9999-12-31T23:59:59Z",
     "05/11/2026", "10.20.30.2026", "versi 1.2.2026", "99 Mei 2026", "2026-13-45", "5 Nopal 2026", "tahun 2026",
     "\x1b[31m", "1" * 5_000],
)  # fmt: skip
def test_what_is_no_date_is_none(text: str) -> None:
    assert parse(text, WIB) is None


def test_an_indonesian_page_puts_the_day_first() -> None:
    assert in_text("05/11/2026", WIB, day_first=True) == [_local(2026, 11, 5)]


def test_what_changes_by_itself_is_masked() -> None:
    assert mask("Jum'at, 7 Agt 2026 10:30 - 1.234 pengunjung") == mask("Sabtu, 8 Agt 2026 11:45 - 1.301 pengunjung")
    assert mask("Berita baru") != mask("Berita lama")
