"""How a site's backups stand, from the events: what counts as a copy, and what is said in red, day by day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reporting.backups import Standing, fold_sets, standing
from reporting.events import (
    KIND_BACKUP_COPIED,
    KIND_BACKUP_PRUNED,
    KIND_BACKUP_VERIFIED,
    KIND_DRILL,
    KIND_FINISHED,
)
from reporting.ledger import Event
from reporting.unit import Backups, Medium
from tests.unit.workbook import sample

START = datetime(2026, 1, 1, tzinfo=UTC)
AGENT = {"kind": "person", "name": "x"}
MEDIA = [Medium(id="disk-a", path="/a"), Medium(id="disk-b", path="/b", off_site=True)]
RULES = Backups()


def day(number: float) -> datetime:
    return START + timedelta(days=number)


class Told:
    """Events about one site."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def add(self, kind: str, at: float, data: dict[str, Any]) -> Told:
        n = len(self.events)
        self.events.append(Event(n + 1, str(n), day(at), "uji", "person:x", kind, "ppid", data, "", ""))
        return self

    def made(self, name: str, at: float, medium: str = "disk-a", problems: tuple[str, ...] = ()) -> Told:
        document = sample.document(2, "ppid", day(at)).model_dump(mode="json")
        document["output_problems"] = list(problems)
        document["measures"] |= {"backup_set": name, "medium": medium, "medium_kind": "hard_disk"}
        for output in document["outputs"]:
            output["path"] = f"laman/ppid/{name}/{output['path'].rpartition('/')[2]}"
            output["place"] = "medium"
        data = {"execution": name, "ended_at": day(at).isoformat(), "status": "completed", "document": document}
        return self.add(KIND_FINISHED, at, data)

    def verified(self, name: str, at: float, ok: bool = True, medium: str = "disk-a") -> Told:
        data = {"set": name, "site": "ppid", "medium": medium, "path": "x", "ok": ok, "method": "m", "agent": AGENT}
        return self.add(KIND_BACKUP_VERIFIED, at, data | {"at": day(at).isoformat(), "problems": [] if ok else ["bad"]})

    def drilled(self, name: str, at: float, status: str = "proven", medium: str = "disk-a") -> Told:
        data = {"drill": "d", "set": name, "site": "ppid", "medium": medium, "status": status, "ok": status == "proven",
                "executor": sample.BUDI.model_dump(), "agent": AGENT, "began_at": day(at).isoformat(),
                "ended_at": day(at).isoformat()}  # fmt: skip
        return self.add(KIND_DRILL, at, data)

    def copied(self, name: str, at: float, burnt: bool = True, off_site: bool = False) -> Told:
        disc = {"number": 1, "volume": "LAMAN_PPID_1_01", "file": "x.iso", "bytes": 1, "sha256": "0" * 64}
        data: dict[str, Any] = {
            "copy_id": "c",
            "set": name,
            "site": "ppid",
            "from_medium": "disk-a",
            "kind": "optical_disc",
        }
        data |= {"burnt": burnt, "off_site": off_site, "discs": [disc], "at": day(at).isoformat(), "agent": AGENT}
        return self.add(KIND_BACKUP_COPIED, at, data)

    def pruned(self, name: str, at: float, medium: str = "disk-a") -> Told:
        gone = {"set": name, "site": "ppid", "folder": name, "reason": "no rule asks for it"}
        data = {"medium": medium, "removed": [gone], "kept": 1, "rules": "x", "at": day(at).isoformat(), "agent": AGENT}
        return self.add(KIND_BACKUP_PRUNED, at, data)

    def stands(self, at: float) -> Standing:
        return standing("ppid", fold_sets(self.events), MEDIA, RULES, day(at))


def codes(found: Standing) -> list[str]:
    return [flag.code for flag in found.flags]


def test_three_copies_two_kinds_one_elsewhere_and_a_drill_leave_nothing_to_say() -> None:
    told = Told().made("s1", 0).made("s2", 1, "disk-b").copied("s1", 2).drilled("s1", 3)
    found = told.stands(4)
    assert (found.copies, found.kinds, found.off_site) == (4, 2, 1)
    assert codes(found) == []
    assert [place.where for place in found.places] == ["disk-a", "disk-b", "1 discs (LAMAN_PPID_1_01)"]
    assert (found.verified_at, found.proven_at) == (day(0), day(3))
    assert found.drill_due == day(3 + RULES.drill_days)


def test_time_alone_turns_it_red() -> None:
    told = Told().made("s1", 0).made("s2", 1, "disk-b").copied("s1", 2).drilled("s1", 3)
    assert codes(told.stands(35)) == ["drill_late"]
    late = told.stands(37)
    assert codes(late) == ["few_copies", "few_kinds", "few_off_site", "verify_late", "drill_late"]
    assert late.copies == 1  # all of them are older than fresh_days; the site itself is left


def test_images_that_are_not_burnt_are_no_copy() -> None:
    assert Told().made("s1", 0).copied("s1", 1, burnt=False).stands(2).copies == 2
    assert Told().made("s1", 0).copied("s1", 1, off_site=True).stands(2).off_site == 1


@pytest.mark.parametrize("how", ["incomplete", "damaged", "pruned"])
def test_what_is_not_whole_or_gone_is_no_copy(how: str) -> None:
    told = Told().made("s1", 0, problems=("unreadable file",) if how == "incomplete" else ())
    if how == "damaged":
        told.verified("s1", 1, ok=False)
    elif how == "pruned":
        told.pruned("s1", 1)
    found = told.stands(2)
    assert found.copies == 1
    assert found.last_set is None
    assert codes(found) == (["damaged", "no_set"] if how == "damaged" else ["no_set"])


def test_a_set_that_was_found_damaged_and_then_whole_again_counts() -> None:
    found = Told().made("s1", 0).verified("s1", 1, ok=False).verified("s1", 2).stands(3)
    assert found.copies == 2
    assert "damaged" not in codes(found)
    assert found.verified_at == day(2)


def test_a_drill_that_failed_is_red_and_one_that_could_not_be_made_says_nothing() -> None:
    failed = Told().made("s1", 0).drilled("s1", 1).drilled("s1", 2, "failed").stands(3)
    assert "drill_failed" in codes(failed)
    assert "never_proven" in codes(failed)  # no set's last drill was good
    unproven = Told().made("s1", 0).drilled("s1", 1).drilled("s1", 2, "not_proven").stands(3)
    assert unproven.proven_at == day(1)
    assert "drill_failed" not in codes(unproven)


def test_the_oldest_reading_of_the_newest_sets_counts() -> None:
    told = Told().made("old", 0).made("s1", 5).made("s2", 6, "disk-b").verified("s2", 20, medium="disk-b")
    assert told.stands(21).verified_at == day(5)  # disk-a's newest set; the old one does not matter


def test_both_languages_say_the_same_figures() -> None:
    for flag in Told().made("s1", 0).stands(100).flags:
        figures = [word for word in flag.text.split() if word.isdigit()]
        assert [word for word in flag.text_id.split() if word.isdigit()] == figures
        assert flag.text != flag.text_id
