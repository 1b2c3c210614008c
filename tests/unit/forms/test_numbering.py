"""Numbers of papers: one sequence a kind and year, none twice, patterns that cannot work refused."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from reporting.events import PaperIssued
from reporting.forms.data import FormError, PaperKind
from reporting.forms.numbering import next_number, next_paper_id
from tests.unit.forms.paper_world import unit
from tests.unit.renewal.world import at


class Desk:
    """Issues papers, one after the other."""

    def __init__(self, **numbering: str) -> None:
        self.unit = unit(numbering=numbering) if numbering else unit()
        self.issued: list[PaperIssued] = []

    def issue(self, kind: PaperKind, when: str) -> str:
        moment = at(when)
        number = next_number(self.issued, self.unit, kind, moment)
        paper = next_paper_id(self.issued, moment.year)
        self.issued.append(
            PaperIssued(paper=paper, kind=kind, case="P-2026-001", number=number, content_hash="0" * 64, files=[],
                        issued_at=moment.astimezone(UTC))
        )  # fmt: skip
        return number


def test_each_kind_counts_for_itself_and_anew_each_year() -> None:
    desk = Desk()
    asked: list[tuple[PaperKind, str, str]] = [
        ("submission", "2026-03-12 09:00", "001/LPP/UJI/III/2026"),
        ("receipt", "2026-03-12 10:00", "001/KWT/UJI/III/2026"),
        ("submission", "2026-12-31 23:59", "002/LPP/UJI/XII/2026"),
        ("submission", "2027-01-01 00:01", "001/LPP/UJI/I/2027"),
        ("status_report", "2027-01-02 08:00", "001/ND/UJI/I/2027"),
    ]
    assert [desk.issue(kind, when) for kind, when, _ in asked] == [number for _, _, number in asked]
    assert [p.paper for p in desk.issued] == ["D-2026-0001", "D-2026-0002", "D-2026-0003", "D-2027-0001", "D-2027-0002"]


def test_the_year_is_the_local_one() -> None:
    desk = Desk()
    moment = datetime(2026, 12, 31, 17, 30, tzinfo=UTC)  # half past midnight of 2027 in Jakarta
    assert next_number([], desk.unit, "receipt", moment) == "001/KWT/UJI/I/2027"


def test_a_sequence_that_never_restarts_goes_on() -> None:
    desk = Desk(pattern="{kind}-{seq}", restart="never")
    assert [desk.issue("receipt", w) for w in ("2026-01-05 09:00", "2027-01-05 09:00")] == ["KWT-1", "KWT-2"]


def test_a_pattern_without_the_kind_has_one_sequence_for_all() -> None:
    desk = Desk(pattern="{seq:04d}/{month}/{year}")
    kinds: list[PaperKind] = ["receipt", "approval"]
    assert [desk.issue(k, "2026-02-05 09:00") for k in kinds] == ["0001/02/2026", "0002/02/2026"]


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("{kind}/{year}", r"needs \{seq\}"),
        ("{seq}/{kind}", r"needs \{year\}"),
        ("{seq}/{year}/{secret}", "unknown placeholder"),
        ("{seq.__class__}/{year}", "unknown placeholder"),
        ("{seq}/{year", "expected '}'"),
        ("{seq:{year}}/{year}", "only widths"),
        ("{seq!r}/{year}", "only widths"),
        ("{seq:zz}/{year}", "pattern"),
        ("{}/{seq}/{year}", "unknown placeholder"),
    ],
)
def test_a_pattern_that_cannot_work_is_refused(pattern: str, problem: str) -> None:
    with pytest.raises(FormError, match=problem) as caught:
        Desk(pattern=pattern).issue("receipt", "2026-02-05 09:00")
    assert "laman_unit.numbering.pattern" in str(caught.value)


def test_a_changed_pattern_that_would_give_a_number_twice_is_refused() -> None:
    desk = Desk()
    desk.issue("receipt", "2026-02-05 09:00")
    desk.unit = unit(numbering={"pattern": "{seq:03d}/KWT/UJI/II/2026", "restart": "never"})
    desk.issued = [desk.issued[0].model_copy(update={"paper": "D-2026-0009"})]
    assert desk.issue("receipt", "2026-02-06 09:00") == "002/KWT/UJI/II/2026"
    desk.unit = unit(numbering={"pattern": "{seq:03d}/KWT/UJI/II/2026{kind:.0}", "restart": "never"})
    with pytest.raises(FormError, match="001/KWT/UJI/II/2026 was given already"):
        desk.issue("approval", "2026-02-07 10:00")
