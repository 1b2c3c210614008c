"""What the sheet `Troubleshooting` says of a ticket's diagnoses."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import xlsxwriter

from reporting.events import KIND_DIAGNOSIS, DiagnosisMade
from reporting.ledger.model import Draft
from reporting.workbook.cells import Page
from reporting.workbook.styles import Styles
from reporting.workbook.trouble_rows import account_texts
from reporting.workbook.words import Words
from tests.unit.renewal.world import KEYBOARD
from tests.unit.troubleshooting.world import World, at

DISK: dict[str, Any] = {"cause_kind": "disk", "cause": "the disk is full", "cause_id": "media penuh"}
PHP: dict[str, Any] = {"cause_kind": "php", "cause": "PHP is down", "cause_id": "PHP mati"}
NOTHING: dict[str, Any] = {}


@pytest.mark.parametrize(
    ("made", "told"),
    [
        ([], ("(tidak ada diagnosis)",)),
        ([NOTHING], ("tidak ditemukan penyebab pada laman", "(22/09/26 10:00)")),
        ([DISK, PHP], ("PHP mati", "(22/09/26 10:10)")),
        (
            [DISK, NOTHING],
            ("media penuh", "(22/09/26 10:00)", "tidak ditemukan penyebab pada laman", "(22/09/26 10:10)"),
        ),
        (
            [DISK, PHP, NOTHING, NOTHING],
            ("PHP mati", "(22/09/26 10:10)", "tidak ditemukan penyebab pada laman", "(22/09/26 10:30)"),
        ),
    ],
)
def test_the_cause_is_told_also_when_a_later_look_finds_it_gone(
    made: list[dict[str, Any]], told: tuple[str, ...], tmp_path: Path
) -> None:
    world = World()
    ticket = world.open()
    for number, found in enumerate(made):
        when = at(f"2026-09-22 10:{number}0")
        diagnosis = DiagnosisMade(
            diagnosis=f"d{number}", site="www", ticket=ticket.id, executor=ticket.executor, agent=KEYBOARD,
            began_at=when, ended_at=when, status="completed", **found,
        )  # fmt: skip
        world.record([Draft(KIND_DIAGNOSIS, "www", "test", diagnosis.json_value())])
    book = xlsxwriter.Workbook(str(tmp_path / "x.xlsx"))
    page = Page(book, book.add_worksheet("x"), Styles(book), Words("id"), ZoneInfo("Asia/Jakarta"))
    assert account_texts(world.ticket(), page)[3] == told
