"""Opening a case: the invoice against the register, the calendar and the other cases."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from reporting.renewal.commands import Refused
from reporting.renewal.submit import AskedLine, Bill, months_later
from reporting.unit import Unit
from tests.unit.renewal.world import World, at, file, invoice, service, settings


@pytest.fixture
def world() -> World:
    return World()


def test_a_case_is_numbered_by_year(world: World) -> None:
    assert world.submit().id == "P-2026-001"
    assert world.submit(bill=invoice(number="INV-2")).id == "P-2026-002"
    later = invoice(number="INV-3", issued=date(2027, 1, 4), received=at("2027-01-04 08:00"), due=None)
    assert world.submit("2027-01-04 08:10", later).id == "P-2027-001"
    back = invoice(number="INV-4", due=None)
    assert world.submit("2027-01-05 08:10", back, at=at("2026-12-30 10:00")).id == "P-2026-003"


def test_the_next_period_follows_from_the_known_end(world: World) -> None:
    line = world.submit().lines[0]
    assert (line.old_end, line.new_end, line.amount) == (date(2026, 4, 10), date(2027, 4, 10), 1_000_000)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"number": "  "}, "needs --number"),
        ({"issued": None}, "needs --issued"),
        ({"received": None}, "needs --received"),
        ({"issued": date(2026, 3, 13), "due": None}, "--issued 2026-03-13 is in the future"),
        ({"received": at("2026-03-12 14:06")}, "--received 2026-03-12 14:06 is in the future"),
        ({"received": at("2026-03-09 23:59")}, "before the invoice's date"),
        ({"due": date(2026, 3, 9)}, "--due 2026-03-09 is before the invoice's date"),
        ({"amount": None}, "needs --amount"),
        ({"amount": 0}, "must be more than Rp0"),
        ({"tax": 1_000_001}, "--tax Rp1.000.001 is more than the amount itself"),
        ({"amount": 999_999_999_999, "tax": 1}, "total is more than"),
        ({"lines": ()}, "needs --service ID"),
        ({"lines": (AskedLine("telepon"),)}, "'telepon' is not in the register; it has: domain, hosting"),
        ({"lines": (AskedLine("domain", 1), AskedLine("domain"))}, "'domain' is named twice"),
        ({"lines": (AskedLine("domain"), AskedLine("hosting"))}, "give each its part"),
        ({"lines": (AskedLine("domain", 5), AskedLine("hosting", 6))}, "add up to Rp11, the invoice to Rp1.000.000"),
        ({"lines": (AskedLine("domain", 1_000_000), AskedLine("hosting"))}, "add up to"),
        ({"lines": (AskedLine("domain", 2_000_000), AskedLine("hosting"))}, "add up to"),
        ({"lines": (AskedLine("domain", 0), AskedLine("hosting"))}, "its amount must be more than Rp0"),
        ({"lines": (AskedLine("domain", new_end=date(2026, 4, 10)),)}, "it ends on 2026-04-10 already"),
        ({"lines": (AskedLine("domain", new_end=date(2206, 4, 10)),)}, "a mistyped year"),
    ],
)
def test_what_cannot_be(world: World, change: dict[str, Any], match: str) -> None:
    before = len(world.events)
    with pytest.raises(Refused, match=match) as caught:
        world.submit(bill=invoice(**change))
    assert "\n" not in str(caught.value)
    assert len(world.events) == before


def test_its_files(world: World) -> None:
    with pytest.raises(Refused, match="submit needs --invoice FILE"):
        world.submit(files=(file("submission_sheet", "s"),))
    with pytest.raises(Refused, match="submit needs --sheet FILE: the payment submission sheet"):
        world.submit(files=(file("invoice", "i"),))


def test_not_before_the_invoice_was_there(world: World) -> None:
    with pytest.raises(Refused, match="cannot be done before its invoice was received"):
        world.submit(at=at("2026-03-12 13:00"))


def test_one_provider_an_invoice() -> None:
    services = [service("domain"), service("hosting", provider="PT Lain")]
    world = World(Unit.model_validate(settings(services=services)))
    with pytest.raises(
        Refused, match="one invoice comes from one provider: domain is of PT Penyedia, hosting of PT Lain"
    ):
        world.submit(bill=invoice(lines=(AskedLine("domain", 400_000), AskedLine("hosting"))))


def test_many_services_on_one_invoice(world: World) -> None:
    case = world.submit(bill=invoice(lines=(AskedLine("domain", 400_000), AskedLine("hosting"))))
    assert [(n.service, n.amount) for n in case.lines] == [("domain", 400_000), ("hosting", 600_000)]
    world.do("approve")
    world.do("pay")
    world.now = at("2026-03-12 14:30")
    assert world.report("2026-03-12 14:30").state == "renewed"


def test_the_sum_of_the_lines_is_the_amount(world: World) -> None:
    lines = (AskedLine("domain", 400_000), AskedLine("hosting", 300_000))
    assert world.submit(bill=invoice(amount=None, lines=lines, tax=0)).invoice.total == 700_000


def test_one_service_on_several_invoices(world: World) -> None:
    half = (AskedLine("domain", new_end=date(2027, 4, 10)),)
    world.submit(bill=invoice(amount=500_000, tax=0))
    second = world.submit(bill=invoice(number="INV-2", amount=500_000, tax=0, lines=half))
    assert second.lines[0].old_end == date(2026, 4, 10)


def test_a_part_after_the_provider_has_renewed_it_already() -> None:
    world = World()
    world.submit(bill=invoice(amount=500_000, tax=0))
    moved = [service("domain", ends="2027-04-10"), service("hosting")]
    world.unit = Unit.model_validate(settings(services=moved))
    half = (AskedLine("domain", new_end=date(2027, 4, 10)),)
    second = world.submit(bill=invoice(number="INV-2", amount=500_000, tax=0, lines=half))
    assert (second.lines[0].old_end, second.lines[0].new_end) == (date(2026, 4, 10), date(2027, 4, 10))


def test_the_same_invoice_twice(world: World) -> None:
    world.submit()
    with pytest.raises(Refused, match="invoice inv-1 was submitted already: P-2026-001"):
        world.submit(bill=invoice(number=" inv-1 "))
    world.do("reject", note="ganda")
    assert world.submit().id == "P-2026-002"


def test_the_same_number_of_another_provider() -> None:
    services = [service("domain"), service("hosting", provider="PT Lain")]
    world = World(Unit.model_validate(settings(services=services)))
    world.submit()
    assert world.submit(bill=invoice(lines=(AskedLine("hosting"),))).id == "P-2026-002"


def test_an_unknown_end_needs_the_new_one() -> None:
    world = World(Unit.model_validate(settings(services=[service("domain", ends=None)])))
    with pytest.raises(Refused, match="its end is not known: say until when is paid"):
        world.submit()
    line = world.submit(bill=invoice(lines=(AskedLine("domain", new_end=date(2027, 4, 1)),))).lines[0]
    assert (line.old_end, line.new_end) == (None, date(2027, 4, 1))


def test_again_with_a_corrected_invoice(world: World) -> None:
    world.submit("2026-03-12 14:00")
    world.do("return", note="jumlah salah")
    sheet = (file("submission_sheet", "sheet-2"),)
    with pytest.raises(Refused, match="another invoice needs --invoice FILE"):
        world.submit(case="P-2026-001", bill=Bill(number="INV-1R"), files=sheet)
    case = world.submit(case="P-2026-001", bill=Bill(amount=900_000, tax=99_000), files=sheet)
    assert (case.id, case.invoice.number, case.invoice.total, case.lines[0].amount) == (
        "P-2026-001", "INV-1", 999_000, 900_000,
    )  # fmt: skip
    new = (*sheet, file("invoice", "inv-new"))
    world.do("return", note="nomor salah")
    case = world.submit(case="P-2026-001", bill=Bill(number="INV-1R"), files=new)
    assert (case.invoice.number, len(case.attachments("invoice"))) == ("INV-1R", 2)
    assert len(world.cases) == 1


def test_again_only_what_was_returned(world: World) -> None:
    world.submit()
    with pytest.raises(Refused, match="was submitted already, by Budi"):
        world.submit(case="P-2026-001", bill=Bill())


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2027, 1, 31), 13, date(2028, 2, 29)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2026, 1, 15), -1, date(2025, 12, 15)),
    ],
)
def test_months_later(day: date, months: int, expected: date) -> None:
    assert months_later(day, months) == expected
