"""The inbox workbook: what leaves is sealed, what comes back is checked cell by cell."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import openpyxl
import pytest

from reporting.ledger.model import Head
from reporting.renewal.inbox import Answer, InboxError, decided_at, decision_of, name_of
from reporting.renewal.inbox_book import Cover, InboxRow, read_inbox, write_inbox
from reporting.worktime import CalendarSettings, WorkClock
from tests.unit.renewal.world import at

KEY = b"k" * 32
COVER = Cover(
    unit="Unit Uji",
    unit_id="uji",
    role="kasi_si",
    role_name="Kasi SI",
    officer="Siti",
    exported_at=at("2026-03-12 14:00"),
    exported_text="2026-03-12 14:00 WIB",
    head=Head(7, "ab" * 32),
    lang="id",
)
ROW = InboxRow(
    case="P-2026-001",
    seq=5,
    step="approve",
    provider='=HYPERLINK("http://evil")',
    invoice="INV-1 (2026-03-10)",
    services="domain.id",
    budget_line="521111",
    total=1_110_000,
    outstanding=1_110_000,
    submitted_by="Budi",
    since="2026-03-12 14:00 WIB",
    until="2026-03-12 14:30 WIB",
    remark="+25 %\x1b[2J",
)
ROWS = (ROW, replace(ROW, case="P-2026-002", seq=6, step="pay", remark=""))
DECISION, AMOUNT, NOTE, WHEN, NAME = "LMNOP"
CLOCK = WorkClock(CalendarSettings())


def filled(change: Callable[[Any], None], rows: tuple[InboxRow, ...] = ROWS, cover: Cover = COVER) -> bytes:
    book = openpyxl.load_workbook(io.BytesIO(write_inbox(cover, rows, KEY)))
    change(book)
    held = io.BytesIO()
    book.save(held)
    return held.getvalue()


def cell(text: str) -> datetime:
    """A date cell: Excel knows no zones."""
    return datetime.fromisoformat(text)


def first(book: Any) -> Any:
    return book.worksheets[0]


def test_the_decisions_come_back() -> None:
    def decide(book: Any) -> None:
        sheet = first(book)
        sheet[f"{DECISION}7"], sheet[f"{NOTE}7"], sheet[f"{NAME}7"] = "setuju", "ya", "Siti"
        sheet[f"{WHEN}7"] = cell("2026-03-12 14:20")
        sheet[f"{DECISION}8"], sheet[f"{AMOUNT}8"] = "dibayar", 500_000

    seal, answers = read_inbox(filled(decide), KEY, "uji")
    assert (seal.role, seal.head, seal.exported_at) == ("kasi_si", COVER.head, COVER.exported_at)
    assert [(a.case, a.seq, a.step, a.row) for a in answers] == [
        ("P-2026-001", 5, "approve", 7),
        ("P-2026-002", 6, "pay", 8),
    ]
    assert (answers[0].decision, answers[0].note, answers[0].when, answers[0].name) == (
        "setuju", "ya", cell("2026-03-12 14:20"), "Siti",
    )  # fmt: skip
    assert (answers[1].decision, answers[1].amount, answers[1].empty) == ("dibayar", 500_000, False)


def test_untouched_it_holds_no_decision() -> None:
    _, answers = read_inbox(write_inbox(COVER, ROWS, KEY), KEY, "uji")
    assert all(a.empty for a in answers)
    assert read_inbox(write_inbox(COVER, (), KEY), KEY, "uji")[1] == []


def test_the_same_input_gives_the_same_bytes() -> None:
    assert write_inbox(COVER, ROWS, KEY) == write_inbox(COVER, ROWS, KEY)


def test_what_is_locked_and_what_is_not() -> None:
    book = openpyxl.load_workbook(io.BytesIO(write_inbox(COVER, ROWS, KEY)))
    sheet = first(book)
    assert sheet.protection.sheet
    unlocked = {c.coordinate for row in sheet.iter_rows() for c in row if not c.protection.locked}
    assert unlocked == {f"{c}{r}" for c in (DECISION, NOTE, WHEN, NAME) for r in (7, 8)} | {f"{AMOUNT}8"}
    lists = {str(v.sqref): v.formula1 for v in sheet.data_validations.dataValidation if v.type == "list"}
    assert lists == {"L7": '"setuju,tolak,kembalikan"', "L8": '"dibayar"'}
    assert book["laman"].sheet_state == "veryHidden"
    assert sheet["B7"].data_type == "s"
    assert sheet["K7"].value == "+25 %␛[2J"
    assert sheet["F7"].value == 1_110_000


def altered(cell: str, value: object) -> Callable[[Any], None]:
    def change(book: Any) -> None:
        first(book)[cell] = value

    return change


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (altered("F7", 1_110_001), "cell F7 was altered"),
        (altered("F7", "1110000"), "cell F7 was altered"),
        (altered("A7", "P-2026-002"), "cell A7 was altered"),
        (altered("B7", "PT Lain"), "cell B7 was altered"),
        (altered("D8", None), "cell D8 was emptied"),
        (altered("A3", "Setuju semua"), "cell A3 was altered"),
        (altered("L6", "X"), "cell L6 was altered"),
        (altered("M7", 5), "cell M7 was altered"),  # no amount on an approval
        (altered("L9", "setuju"), "cell L9 was altered"),  # a row that was not exported
        (altered("Q7", "x"), "cell Q7 was altered"),
        (altered("F7", "=1110000"), "cell F7 was altered"),
        (lambda b: b.create_sheet("baru"), "sheets were added"),
        (lambda b: b.remove(b["laman"]), "its seal is missing"),
        (lambda b: b["laman"].__setitem__("A1", "0" * 64), "its seal is not this unit's"),
        (lambda b: b["laman"].__setitem__("A2", "!!!"), "its seal is damaged"),
        (lambda b: b["laman"].__setitem__("A2", None), "its seal is not this unit's"),
    ],
)
def test_an_altered_workbook(change: Callable[[Any], None], match: str) -> None:
    with pytest.raises(InboxError, match=match):
        read_inbox(filled(change), KEY, "uji")


def test_of_another_unit_or_key() -> None:
    whole = write_inbox(COVER, ROWS, KEY)
    with pytest.raises(InboxError, match="its seal is not this unit's"):
        read_inbox(whole, b"o" * 32, "uji")
    with pytest.raises(InboxError, match="for another unit"):
        read_inbox(whole, KEY, "lain")


def test_rows_that_changed_places() -> None:
    def swap(book: Any) -> None:
        sheet = first(book)
        for column in "ABCDEFGHIJK":
            one, other = sheet[f"{column}7"].value, sheet[f"{column}8"].value
            sheet[f"{column}7"], sheet[f"{column}8"] = other, one

    with pytest.raises(InboxError, match="cell A7 was altered"):
        read_inbox(filled(swap), KEY, "uji")


def test_no_workbook_at_all() -> None:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/workbook.xml", b"\0" * (61 << 20))
    for content, match in (
        (b"PK\x03\x04", "no Excel workbook"),
        (b"hello", "no Excel workbook"),
        (b"", "no Excel workbook"),
        (b"x" * ((5 << 20) + 1), "much smaller"),
        (held.getvalue(), "unpacks to far more"),
    ):
        with pytest.raises(InboxError, match=match):
            read_inbox(content, KEY, "uji")


def test_many_rows_fit_the_seal() -> None:
    rows = tuple(replace(ROW, case=f"P-2026-{n:03d}", services="é" * 500) for n in range(200))
    _, answers = read_inbox(write_inbox(COVER, rows, KEY), KEY, "uji")
    assert len(answers) == 200


def answer(**more: Any) -> Answer:
    return Answer(**{"case": "P-2026-001", "seq": 5, "step": "approve", "row": 7, **more})


@pytest.mark.parametrize(
    ("step", "text", "expected"),
    [
        ("approve", "setuju", "approve"),
        ("approve", " Tolak ", "reject"),
        ("approve", "KEMBALIKAN", "return"),
        ("approve", "return", "return"),
        ("pay", "dibayar", "pay"),
        ("pay", "paid", "pay"),
    ],
)
def test_decisions(step: Any, text: str, expected: str) -> None:
    assert decision_of(answer(step=step, decision=text)) == expected


@pytest.mark.parametrize(
    ("step", "text", "match"),
    [
        ("approve", "ok", "decision 'ok' is unknown; it is one of: setuju, tolak, kembalikan"),
        ("approve", "dibayar", "is unknown"),
        ("pay", "setuju", "it is one of: dibayar"),
        ("approve", "=1+1", "is unknown"),
        ("approve", 1, "is unknown"),
        ("approve", None, "the decision is empty, yet something else is filled in"),
    ],
)
def test_unknown_decisions(step: Any, text: object, match: str) -> None:
    with pytest.raises(InboxError, match=match):
        decision_of(answer(step=step, decision=text, note="x"))


NOW = at("2026-03-30 10:00")  # a Monday


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (cell("2026-03-27 14:20:33"), "2026-03-27 14:20"),
        ("27/03/2026 14:20", "2026-03-27 14:20"),
        (" 27/03/2026  14.20 ", "2026-03-27 14:20"),
        ("2026-03-27 14:20", "2026-03-27 14:20"),
        (cell("2026-03-26"), "2026-03-26 16:00"),  # a date alone: until its working hours end
        (date(2026, 3, 27), "2026-03-27 16:30"),
        ("27-03-2026", "2026-03-27 16:30"),
        ("28/03/2026", "2026-03-28 23:59"),  # a Saturday
        ("30/03/2026", "2026-03-30 10:00"),  # today: not after now
    ],
)
def test_when_it_was_decided(value: object, expected: str) -> None:
    assert decided_at(value, CLOCK, NOW) == at(expected)


@pytest.mark.parametrize("value", [None, "", "kemarin", "31/02/2026", "03/27/2026", 46108, "2026-03-27T99"])
def test_no_date(value: object) -> None:
    with pytest.raises(InboxError, match="a date like 12/03/2026 14:00 is expected"):
        decided_at(value, CLOCK, NOW)


def test_no_name() -> None:
    with pytest.raises(InboxError, match="who decided"):
        name_of(answer(name="  "))
