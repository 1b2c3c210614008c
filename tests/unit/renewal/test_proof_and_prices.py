"""Whether an end moved; what rose; what a year will cost."""

from __future__ import annotations

from datetime import date

import pytest

from reporting.renewal.model import ServiceLine
from reporting.renewal.prices import Cost, by_month, crosses_budget_year, forecast, rises, unknown_ends
from reporting.renewal.proof import Since, prove
from reporting.renewal.submit import AskedLine
from reporting.renewal.words import rise_remark
from reporting.unit import Unit
from tests.unit.renewal.world import WIB, World, at, file, invoice, service, settings

LINE = ServiceLine("domain", "domain.id", 1, date(2026, 4, 10), date(2027, 4, 10))
SINCE = Since(paid_at=at("2026-03-23 09:00"), now=at("2026-03-24 10:00"), tz=WIB, lang="en")


@pytest.mark.parametrize(
    ("ends", "state", "reason"),
    [
        ("2027-04-10 00:00", "moved", "ends 10 Apr 2027 (rdap rdap.test)"),
        ("2027-04-10 23:59", "moved", "ends 10 Apr 2027"),
        ("2027-04-09 07:00", "moved", "ends 9 Apr 2027"),  # the registry's day is a zone away
        ("2028-04-10 00:00", "moved", "ends 10 Apr 2028"),
        ("2027-04-08 23:59", "not_moved", "renewed only until 8 Apr 2027, paid until 10 Apr 2027"),
        ("2026-04-10 07:00", "not_moved", "not renewed: still ends 10 Apr 2026, paid until 10 Apr 2027"),
        ("2026-04-11 07:00", "not_moved", "not renewed: still ends"),
        ("2026-05-10 07:00", "not_moved", "renewed only until 10 May 2026"),
        ("2025-04-10 07:00", "not_moved", "not renewed"),
        (None, "unknown", "its end is unknown: HTTP 503 (rdap rdap.test)"),
    ],
)
def test_what_a_look_says(ends: str | None, state: str, reason: str) -> None:
    world = World(now=at("2026-03-24 09:00"))
    found = prove(LINE, world.seen("domain", ends), SINCE)
    assert (found.state, found.renewed) == (state, state == "moved")
    assert reason in found.reason


def test_a_look_before_the_payment_says_nothing() -> None:
    world = World(now=at("2026-03-23 08:59"))
    found = prove(LINE, world.seen("domain", "2027-04-10 00:00"), SINCE)
    assert (found.state, found.seen_end) == ("unknown", None)
    assert "last looked up 23 Mar 2026 08:59 WIB, before the payment of 23 Mar 2026 09:00 WIB" in found.reason


def test_no_look_and_a_date_that_a_person_typed_say_nothing() -> None:
    world = World(now=at("2026-03-24 09:00"))
    assert "not looked up since the payment" in prove(LINE, None, SINCE).reason
    typed = prove(LINE, world.seen("domain", "2027-04-10 00:00", method="manual"), SINCE)
    assert (typed.state, "a document is needed" in typed.reason) == ("unknown", True)


def test_hostile_answers_are_made_harmless() -> None:
    world = World(now=at("2026-03-24 09:00"))
    found = prove(LINE, world.seen("domain", None, reason="\x1b[2J gone"), SINCE)
    assert "\x1b" not in found.reason


def test_once_proven_stays_proven_and_a_late_proof_closes() -> None:
    world = World()
    world.paid()
    case = world.report("2026-03-23 10:00", "not_moved")
    assert (case.state, case.proofs[0].state) == ("not_renewed", "not_moved")
    from reporting.renewal.drafts import proof_drafts
    from tests.unit.renewal.world import proof

    world.now = at("2026-03-25 10:00")
    world.record(proof_drafts(world.known, case.id, [proof("domain", "moved", world.now)], ()))
    assert world.case().state == "renewed"
    world.record(proof_drafts(world.known, case.id, [proof("domain", "not_moved", world.now)], ()))
    assert (world.case().state, world.case().proofs[0].state) == ("renewed", "moved")
    assert world.last().verdict.status == "menyimpang"  # the report could not prove it: that stays so


def test_a_rise_against_the_last_renewal() -> None:
    world = World(Unit.model_validate(settings(services=[service("domain", 900_000, ends="2026-04-10")])))
    world.paid()
    world.report("2026-03-23 10:00")
    first = world.case()
    assert [(r.source, round(r.percent, 1)) for r in rises(first, [first], world.services)] == [("the register", 11.1)]
    world.unit = Unit.model_validate(settings(services=[service("domain", 900_000, ends="2027-04-10")]))
    bill = invoice(
        number="INV-2", due=None, amount=1_250_000, tax=0, issued=date(2027, 3, 1), received=at("2027-03-01 09:00")
    )
    second = world.submit("2027-03-01 10:00", bill)
    (rise,) = rises(second, world.cases.values(), world.services)
    assert (rise.before, rise.now, rise.months, rise.source, rise.percent) == (
        1_000_000, 1_250_000, 12, "P-2026-001", 25.0,
    )  # fmt: skip
    assert rise_remark(rise, "id") == "domain naik 25,0 % dari P-2026-001"


def test_two_years_at_once_are_no_rise() -> None:
    world = World()
    line = AskedLine("domain", new_end=date(2028, 4, 10))
    case = world.submit(bill=invoice(amount=2_000_000, lines=(line,)))
    assert rises(case, [case], world.services) == ()


def test_parts_are_compared_by_their_sum() -> None:
    world = World()
    world.submit(bill=invoice(amount=600_000, tax=0))
    half = (AskedLine("domain", new_end=date(2027, 4, 10)),)
    second = world.submit(bill=invoice(number="INV-2", amount=600_000, tax=0, lines=half))
    (rise,) = rises(second, world.cases.values(), world.services)
    assert (rise.now, rise.percent) == (1_200_000, 20.0)
    world.do("reject", note="ganda")
    assert rises(second, world.cases.values(), world.services) == ()


def test_the_budget_year_ends_in_december() -> None:
    world = World()
    assert not crosses_budget_year(world.submit())
    late = invoice(number="INV-2", issued=date(2026, 12, 20), received=at("2026-12-21 09:00"), due=date(2027, 1, 5))
    assert crosses_budget_year(world.submit("2026-12-21 10:00", late))
    no_due = invoice(number="INV-3", issued=date(2026, 12, 20), received=at("2026-12-21 09:00"), due=None)
    case = world.submit("2026-12-21 10:00", no_due)
    assert not crosses_budget_year(case)  # the service ends in April of the invoice's own year
    for step in ("approve", "pay"):
        case = world.do(step, "2027-01-04 08:00", case=case.id)
    assert crosses_budget_year(case)


def test_a_year_worked_out_by_hand() -> None:
    services = [
        service("domain", 300_000, ends="2026-04-10"),
        service("isp", 500_000, kind="connection", ends="2026-02-01", period_months=3, budget_line="522141"),
        service("tls", 900_000, kind="tls", ends="2027-01-15"),
        service("lama", 1, ends=None),
    ]
    world = World(Unit.model_validate(settings(services=services)))
    world.submit(bill=invoice(amount=350_000, tax=0))
    ends = {"domain": date(2026, 4, 10), "isp": date(2026, 2, 1), "tls": date(2027, 1, 15)}
    got = forecast(2026, world.unit.services, ends, world.cases.values())

    def row(c: Cost) -> tuple[str, str, int, str, bool]:
        return (c.service, c.due.isoformat(), c.amount, c.state, c.crosses)

    assert [row(c) for c in got] == [
        ("isp", "2026-02-01", 500_000, "expected", False),
        ("domain", "2026-04-10", 350_000, "under_way", False),
        ("isp", "2026-05-01", 500_000, "expected", False),
        ("isp", "2026-08-01", 500_000, "expected", False),
        ("isp", "2026-11-01", 500_000, "expected", False),
    ]
    assert by_month(got) == {
        (date(2026, 2, 1), "522141"): 500_000,
        (date(2026, 4, 1), "521111"): 350_000,
        (date(2026, 5, 1), "522141"): 500_000,
        (date(2026, 8, 1), "522141"): 500_000,
        (date(2026, 11, 1), "522141"): 500_000,
    }
    after = [row(c) for c in forecast(2027, world.unit.services, ends, world.cases.values())]
    assert after == [
        ("tls", "2027-01-15", 900_000, "expected", True),  # to be paid in December 2026
        ("isp", "2027-02-01", 500_000, "expected", False),
        ("domain", "2027-04-10", 350_000, "expected", False),  # what it costs by now
        ("isp", "2027-05-01", 500_000, "expected", False),
        ("isp", "2027-08-01", 500_000, "expected", False),
        ("isp", "2027-11-01", 500_000, "expected", False),
    ]
    assert unknown_ends(world.unit.services, ends) == ("lama",)
    for step in ("approve", "pay"):
        world.do(step)
    paid = [c for c in forecast(2026, world.unit.services, ends, world.cases.values()) if c.service == "domain"]
    assert [(c.state, c.case) for c in paid] == [("paid", "P-2026-001")]


def test_an_attested_report_names_its_document() -> None:
    world = World()
    world.paid()
    from dataclasses import replace

    from tests.unit.renewal.world import proof

    world.now = at("2026-03-23 10:00")
    attested = replace(proof("domain", "moved", world.now), state="attested", seen_end=None)
    document = file("renewed_service", "sertifikat")
    case = world.do("report", proofs=(attested,), files=(document,))
    assert (case.state, [a.sha256 for a in case.proofs[0].attachments]) == ("renewed", [document.sha256])
    assert world.last().verdict.status == "sesuai"
