"""The register of services as a fold over events."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from reporting.events import KIND_EXPIRY, KIND_RENEWAL_OPENED, KIND_RENEWAL_PROVEN, KIND_SERVICE, KIND_SETTINGS
from reporting.ledger import Event
from reporting.register import End, Register, fold

JAKARTA = ZoneInfo("Asia/Jakarta")
START = datetime(2026, 1, 1, tzinfo=UTC)


def service(key: str, **changes: Any) -> dict[str, Any]:
    base = {"id": key, "kind": "domain", "name": key, "provider": {"name": "PT Contoh"}, "cost": 1000,
            "watch": {"method": "rdap", "name": f"{key}.id"}}  # fmt: skip
    return base | changes


class Told:
    """Events, one a day."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def add(self, kind: str, subject: str, data: dict[str, Any]) -> Told:
        n = len(self.events)
        self.events.append(
            Event(n + 1, str(n), START + timedelta(days=n), "uji", "person:x", kind, subject, data, "", "")
        )
        return self

    def settings(self, *services: dict[str, Any], **unit: Any) -> Told:
        return self.add(KIND_SETTINGS, "uji", {"unit": {"services": list(services), **unit}, "sites": []})

    def imported(self, key: str, content: dict[str, Any] | None) -> Told:
        agent = {"kind": "person", "name": "x"}
        return self.add(KIND_SERVICE, key, {"service": content, "agent": agent, "source": "import a.xlsx"})

    def seen(self, key: str, ends: str | None, **changes: Any) -> Told:
        moment = START + timedelta(days=len(self.events))
        state, reason = ("known", "") if ends else ("unknown", "HTTP 503")
        data = {"service": key, "state": state, "method": "rdap", "reason": reason, "ends_at": ends}
        data["observed_at"] = moment.isoformat()
        return self.add(KIND_EXPIRY, key, data | changes)

    def renewed(self, key: str, until: str, state: str = "attested") -> Told:
        line = {"service": key, "name": key, "amount": 1, "new_end": until}
        at = START.isoformat()
        invoice = {"invoice_number": "1", "invoice_issued": "2026-01-01", "invoice_received": at, "amount": 1}
        self.add(KIND_RENEWAL_OPENED, "P-1", {"case": "P-1", **invoice, "lines": [line]})
        return self.add(KIND_RENEWAL_PROVEN, "P-1", {"case": "P-1", "service": key, "state": state, "at": at})

    def register(self, until: int | None = None) -> Register:
        return fold(self.events, None if until is None else START + timedelta(days=until))


def ids(register: Register) -> list[str]:
    return [found.id for found in register.current]


def test_settings_and_imports() -> None:
    told = Told().settings(service("a"), service("b")).imported("c", service("c")).imported("b", service("b", cost=5))
    assert ids(told.register()) == ["a", "b", "c"]
    assert told.register().entries["b"].service.cost == 5
    assert told.register().entries["b"].source == "import a.xlsx"


def test_as_of_a_moment() -> None:
    told = Told().settings(service("a")).imported("b", service("b")).imported("b", None)
    assert [ids(told.register(day)) for day in (-1, 0, 1, 2)] == [[], ["a"], ["a", "b"], ["a"]]


def test_what_was_taken_out_stays_known() -> None:
    told = (
        Told()
        .settings(service("a"), service("b"))
        .settings(service("a"))
        .imported("c", service("c"))
        .imported("c", None)
    )
    register = told.register()
    assert ids(register) == ["a"]
    assert {key: entry.removed_at for key, entry in register.entries.items()} == {
        "a": None, "b": START + timedelta(days=1), "c": START + timedelta(days=3),
    }  # fmt: skip
    assert register.find("b") is not None
    assert register.find("nosuch") is None


def test_other_changes_of_the_settings_undo_no_import() -> None:
    told = Told().settings(service("a")).imported("a", service("a", cost=5)).settings(service("a"), name="Nama Baru")
    assert told.register().entries["a"].service.cost == 5
    assert told.settings(service("a", cost=7)).register().entries["a"].service.cost == 7
    gone = Told().settings(service("a")).imported("a", service("a", cost=5)).settings()
    assert ids(gone.register()) == ["a"]  # the import spoke later than the settings that had it


def test_a_removed_service_comes_back() -> None:
    told = Told().settings(service("a")).settings().settings(service("a"))
    assert ids(told.register()) == ["a"]
    assert ids(Told().imported("a", service("a")).imported("a", None).imported("a", service("a")).register()) == ["a"]


def test_taking_out_what_never_was_is_nothing() -> None:
    assert Told().imported("a", None).register().entries == {}


def end_of(told: Told) -> tuple[str, date | None, str]:
    register = told.register()
    end = register.end(register.entries["a"].service, JAKARTA)
    return end.state, end.ends, end.reason


def test_the_latest_look_counts_on_the_agencys_day() -> None:
    told = Told().settings(service("a")).seen("a", "2026-06-30T18:00:00+00:00")
    assert end_of(told) == ("known", date(2026, 7, 1), "")  # past midnight in Jakarta
    assert end_of(told.seen("a", "2027-06-30T18:00:00+00:00")) == ("known", date(2027, 7, 1), "")
    assert end_of(told.seen("a", None)) == ("unknown", date(2027, 7, 1), "HTTP 503")


def test_never_looked_at() -> None:
    assert end_of(Told().settings(service("a"))) == ("unknown", None, "not looked up yet")
    known = service("a", ends="2026-12-31")
    assert end_of(Told().settings(known)) == ("unknown", date(2026, 12, 31), "not looked up yet")


def test_manual_is_what_the_settings_say_now() -> None:
    manual = service("a", watch={}, ends="2026-12-31")
    told = Told().settings(manual).seen("a", "2026-12-31T16:59:59+00:00", method="manual")
    told.settings(manual | {"ends": "2027-12-31"})
    assert end_of(told) == ("known", date(2027, 12, 31), "date of the settings")
    assert end_of(Told().settings(service("a", watch={})))[0] == "unknown"


def test_what_was_seen_of_another_name_is_forgotten() -> None:
    told = Told().settings(service("a")).seen("a", "2026-06-30T18:00:00+00:00")
    told.settings(service("a", watch={"method": "rdap", "name": "other.id"}))
    assert end_of(told) == ("unknown", None, "not looked up yet")


BY_HAND = {"ends": "2026-06-30", "watch": {"method": "manual"}}


def test_a_renewal_that_was_attested_moves_the_end_of_what_nobody_reads() -> None:
    old = (
        Told().settings(service("a", **BY_HAND)).seen("a", "2026-06-30T16:59:59+00:00", method="manual", phase="ended")
    )
    assert end(old, "a").ends == date(2026, 6, 30)
    assert end(old, "a").look_of(JAKARTA) is not None
    found = end(old.renewed("a", "2027-06-30"), "a")
    assert (found.state, found.ends, found.look_of(JAKARTA)) == ("known", date(2027, 6, 30), None)


def test_a_renewal_that_was_not_proven_moves_nothing() -> None:
    for state in ("not_moved", "unknown"):
        told = Told().settings(service("a", **BY_HAND)).renewed("a", "2027-06-30", state)
        assert end(told, "a").ends == date(2026, 6, 30)


def test_settings_that_know_of_a_later_end_go_before_a_renewal() -> None:
    told = Told().settings(service("a", **BY_HAND)).renewed("a", "2027-06-30")
    told.settings(service("a", **{**BY_HAND, "ends": "2028-06-30"}))
    assert end(told, "a").ends == date(2028, 6, 30)


def test_a_registry_that_answers_goes_before_what_was_attested() -> None:
    told = Told().settings(service("a")).renewed("a", "2027-06-30").seen("a", "2026-06-30T16:59:59+00:00")
    assert (end(told, "a").state, end(told, "a").ends) == ("known", date(2026, 6, 30))
    told.seen("a", None)
    assert (end(told, "a").state, end(told, "a").ends) == ("unknown", date(2027, 6, 30))


def end(told: Told, key: str) -> End:
    register = told.register()
    return register.end(register.entries[key].service, JAKARTA)
