"""The life cycle of a name and the reminders, against tables worked out by hand."""

from __future__ import annotations

import itertools
from datetime import date, timedelta
from typing import Any

import pytest

from reporting.expiry.lifecycle import cycle_for, phase_on, phases, still_told, told_by
from reporting.expiry.reminders import reminder_days, reminder_due
from reporting.service import AfterEnd, Service

ENDS = date(2026, 12, 4)
# .id, ends 4 Dec 2026. 35 days: to 8 Jan (40: 13 Jan). Redemption 30: 9 Jan to 7 Feb. 7 days: 8 to 14 Feb.
TABLE = [
    # day, phase, first, last, percent, renewable, a generous registrar's phase
    ("2026-12-03", "active", None, "2026-12-04", 100, True, ""),
    ("2026-12-04", "active", None, "2026-12-04", 100, True, ""),
    ("2026-12-05", "renewal_grace", "2026-12-05", "2027-01-08", 100, True, ""),
    ("2027-01-08", "renewal_grace", "2026-12-05", "2027-01-08", 100, True, ""),
    ("2027-01-09", "redemption", "2027-01-09", "2027-02-07", 400, True, "renewal_grace"),
    ("2027-01-13", "redemption", "2027-01-09", "2027-02-07", 400, True, "renewal_grace"),
    ("2027-01-14", "redemption", "2027-01-09", "2027-02-07", 400, True, ""),
    ("2027-02-07", "redemption", "2027-01-09", "2027-02-07", 400, True, ""),
    ("2027-02-08", "pending_delete", "2027-02-08", "2027-02-14", None, False, "redemption"),
    ("2027-02-12", "pending_delete", "2027-02-08", "2027-02-14", None, False, "redemption"),
    ("2027-02-13", "pending_delete", "2027-02-08", "2027-02-14", None, False, ""),
    ("2027-02-14", "pending_delete", "2027-02-08", "2027-02-14", None, False, ""),
    ("2027-02-15", "released", "2027-02-15", None, None, False, "pending_delete"),
    ("2027-02-20", "released", "2027-02-15", None, None, False, ""),
]


def day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def service(**changes: Any) -> Service:
    base: dict[str, Any] = {
        "id": "domain", "kind": "domain", "name": "Domain lpmp.id", "provider": {"name": "PT Contoh"}, "cost": 275_000,
        "watch": {"method": "rdap", "name": "lpmp.id"},
    }  # fmt: skip
    return Service.model_validate(base | changes)


@pytest.mark.parametrize("row", TABLE, ids=[row[0] for row in TABLE])
def test_phases_of_a_name_under_id(row: tuple[str, str, str | None, str | None, int | None, bool, str]) -> None:
    on, name, first, last, percent, renewable, generous = row
    phase = phase_on(cycle_for("domain", "LPMP.ID."), ENDS, date.fromisoformat(on))
    assert (phase.name, phase.first, phase.last) == (name, day(first), day(last))
    assert (phase.cost_percent, phase.renewable, phase.may_still_be) == (percent, renewable, generous)


def test_costs() -> None:
    cycle = cycle_for("domain", "lpmp.id")
    costs = {p.name: p.cost(275_000) for p in phases(cycle, ENDS)}
    assert costs == {
        "active": 275_000, "renewal_grace": 275_000, "redemption": 1_100_000, "pending_delete": None, "released": None,
    }  # fmt: skip
    redemption = next(p for p in phases(cycle_for("domain", "lpmp.com"), ENDS) if p.name == "redemption")
    assert (redemption.renewable, redemption.cost(275_000)) == (True, None)  # the registrar's own price


def test_every_day_has_one_phase_and_they_follow_each_other() -> None:
    for name in ("lpmp.id", "lpmp.sch.id", "lpmp.com"):
        listed = phases(cycle_for("domain", name), ENDS)
        for before, after in itertools.pairwise(listed):
            assert before.last is not None
            assert after.first == before.last + timedelta(days=1)


def test_other_services_have_no_life_cycle_unless_the_provider_grants_one() -> None:
    assert cycle_for("hosting", "lpmp.id") == ()
    ended = phase_on((), ENDS, date(2026, 12, 5))
    assert (ended.name, ended.first, ended.cost(500_000)) == ("ended", date(2026, 12, 5), 500_000)
    granted = cycle_for("hosting", "", AfterEnd(renewal_days=14, pending_delete_days=3))
    assert [p.name for p in phases(granted, ENDS)] == ["active", "renewal_grace", "pending_delete", "released"]
    assert phase_on(granted, ENDS, date(2026, 12, 18)).name == "renewal_grace"
    assert phase_on(granted, ENDS, date(2026, 12, 19)).name == "pending_delete"


def test_a_registrar_that_differs() -> None:
    cycle = cycle_for("domain", "lpmp.id", AfterEnd(renewal_days=40, redemption_percent=300))
    assert phase_on(cycle, ENDS, date(2027, 1, 13)).name == "renewal_grace"
    redemption = phase_on(cycle, ENDS, date(2027, 1, 14))
    assert (redemption.name, redemption.cost(100_000), redemption.may_still_be) == ("redemption", 300_000, "")
    none = cycle_for("domain", "lpmp.id", AfterEnd(renewal_days=0))
    assert phase_on(none, ENDS, date(2026, 12, 5)).name == "redemption"


@pytest.mark.parametrize(
    ("statuses", "phase"),
    [
        (["active"], ""),
        (["client hold", "Redemption  Period", "pending delete"], "redemption"),
        (["pending delete"], "pending_delete"),
        (["auto renew period"], "renewal_grace"),
        ([], ""),
    ],
)  # fmt: skip
def test_what_the_registry_says(statuses: list[str], phase: str) -> None:
    assert told_by(statuses) == phase


def test_the_registrys_word_goes_before_the_calendar() -> None:
    cycle = cycle_for("domain", "lpmp.id")
    told = phase_on(cycle, ENDS, date(2026, 11, 1), "redemption")
    assert (told.name, told.first, told.cost(275_000)) == ("redemption", None, 1_100_000)
    assert still_told(cycle, ENDS, date(2026, 11, 1), "redemption") == "redemption"
    assert still_told(cycle, ENDS, date(2026, 11, 1), "active") == ""  # the calendar's; it moves on by itself
    assert phase_on(cycle, ENDS, date(2027, 1, 10), "redemption").may_still_be == ""


# Ends 2026-12-04. 90 days before is 5 September, 60: 5 October, 30: 4 November, 15: 19 November, 7: 27 November.
REMINDERS = [
    # day, step, days left, phase, cost, since
    ("2026-09-04", None),
    ("2026-09-05", (90, 90, "active", 275_000, "2026-09-05")),
    ("2026-10-04", (90, 61, "active", 275_000, "2026-09-05")),
    ("2026-10-05", (60, 60, "active", 275_000, "2026-10-05")),
    ("2026-11-04", (30, 30, "active", 275_000, "2026-11-04")),
    ("2026-11-19", (15, 15, "active", 275_000, "2026-11-19")),
    ("2026-11-22", (15, 12, "active", 275_000, "2026-11-19")),
    ("2026-11-27", (7, 7, "active", 275_000, "2026-11-27")),
    ("2026-12-03", (1, 1, "active", 275_000, "2026-12-03")),
    ("2026-12-04", (1, 0, "active", 275_000, "2026-12-03")),
    ("2026-12-05", (None, -1, "renewal_grace", 275_000, "2026-12-05")),
    ("2027-01-09", (None, -36, "redemption", 1_100_000, "2027-01-09")),
    ("2027-02-08", (None, -66, "pending_delete", None, "2027-02-08")),
    ("2027-02-15", (None, -73, "released", None, "2027-02-15")),
]


@pytest.mark.parametrize(("on", "expected"), REMINDERS, ids=[row[0] for row in REMINDERS])
def test_reminders(on: str, expected: tuple[int | None, int, str, int | None, str] | None) -> None:
    found = reminder_due(service(), ENDS, date.fromisoformat(on))
    if expected is None:
        assert found is None
    else:
        assert found is not None
        assert (found.step, found.days_left, found.phase.name, found.cost, str(found.since)) == expected


def test_all_reminders_of_an_end_in_order() -> None:
    assert [str(r.since) for r in reminder_days(service(), ENDS)] == [
        "2026-09-05", "2026-10-05", "2026-11-04", "2026-11-19", "2026-11-27", "2026-12-03",
        "2026-12-05", "2027-01-09", "2027-02-08", "2027-02-15",
    ]  # fmt: skip


def test_own_steps_and_no_steps() -> None:
    own = service(reminder_days=[0, 45])
    assert reminder_due(own, ENDS, date(2026, 12, 4)).step == 0  # type: ignore[union-attr]
    assert reminder_due(own, ENDS, date(2026, 12, 3)).step == 45  # type: ignore[union-attr]
    silent = service(reminder_days=[])
    assert reminder_due(silent, ENDS, date(2026, 12, 4)) is None
    assert reminder_due(silent, ENDS, date(2026, 12, 5)) is not None  # after the end it is never silent
