"""The golden period: what evaluate says equals what was worked out on paper (tests/data/golden/README.md)."""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction
from typing import Any

import pytest

from reporting.compliance import Compliance, Deviation, Execution, Occasion, OccasionKey, Period, evaluate
from reporting.standard import load_standards
from tests import golden

EXPECTED = golden.load("expected.yml")


@pytest.fixture(scope="module")
def answer() -> Compliance:
    period = Period.parse("2026-05", "Asia/Jakarta")
    return evaluate(load_standards(), golden.events(), period, golden.local(EXPECTED["as_of"]))


def number(value: Any) -> float | None:
    return None if value is None else float(Fraction(value))


def naive(moment: datetime) -> datetime:
    return moment.astimezone(golden.WIB).replace(tzinfo=None)


def as_row(execution: Execution) -> dict[str, Any]:
    return {
        "id": execution.id,
        "window": execution.occasion.opens_at.date() if execution.occasion else None,
        "kind": execution.kind,
        "attempt": execution.attempt,
        "judges": execution.judges,
        "minutes": execution.minutes,
        "clock": execution.clock,
        "judged": [execution.requirement.status, execution.time.status, execution.output.status],
        "verdict": execution.verdict.status,
    }


def expected_row(raw: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": raw["id"],
        "window": raw.get("window"),
        "kind": "planned" if "window" in raw else "ad_hoc",
        "attempt": raw.get("attempt", 1),
        "judges": raw.get("judges", True),
        "minutes": number(raw["minutes"]),
        "clock": raw.get("clock", "elapsed"),
        "judged": raw["judged"],
        "verdict": raw["verdict"],
    }


def test_executions(answer: Compliance) -> None:
    assert [as_row(e) for e in answer.executions] == [expected_row(raw) for raw in EXPECTED["executions"]]


def occasion_row(occasion: Occasion) -> list[Any]:
    return [
        occasion.activity,
        occasion.site,
        naive(occasion.opens_at),
        naive(occasion.closes_at),
        occasion.state,
        list(occasion.executions),
        occasion.executor.id if occasion.executor else None,
    ]


def test_occasions(answer: Compliance) -> None:
    assert [occasion_row(o) for o in answer.occasions] == EXPECTED["occasions"]
    assert [naive(o.opens_at) for o in answer.occasions if not o.obligatory] == EXPECTED["not_obligatory"]


def deviation_row(deviation: Deviation) -> list[Any]:
    what = deviation.execution or f"{deviation.activity} {deviation.site}"
    executor = deviation.executor.id if deviation.executor else None
    return [naive(deviation.at), what, deviation.aspect, executor]


def test_deviations(answer: Compliance) -> None:
    found = [deviation_row(d) for d in answer.deviations]
    assert sorted(found, key=str) == sorted(EXPECTED["deviations"], key=str)
    assert [row[0] for row in found] == [row[0] for row in EXPECTED["deviations"]]  # in order of time
    assert {d.account_state for d in answer.deviations} == {"belum dipertanggungjawabkan"}
    assert len({d.id for d in answer.deviations}) == len(found)


@pytest.mark.parametrize("activity", [1, 2, 3])
def test_totals(answer: Compliance, activity: int) -> None:
    totals = answer.totals(activity)
    expected = EXPECTED["totals"][activity]
    found = {name: getattr(totals, name) for name in expected}
    assert found == pytest.approx({name: number(value) for name, value in expected.items()}, abs=1e-9)


def test_reasons_say_why_in_indonesian(answer: Compliance) -> None:
    def of(execution: str) -> Execution:
        found = answer.execution(execution)
        assert found is not None
        return found

    assert of("e01").verdict.reason == "perlengkapan, waktu, dan output sesuai mutu baku"
    assert of("e07").minutes_shown == 300.0
    assert of("e07").time.reason == "300,0 menit (waktu berjalan), melewati 300 menit selama 1 detik"
    assert of("e10").time.reason == "300,0 menit (menit kerja), paling lama 300 menit"
    assert of("e02").output.reason == (
        "tidak diparaf dalam jadwal: diparaf 12 Mei 2026 09.00 WIB, paling lambat 12 Mei 2026 00.00 WIB"
    )
    assert of("e05").output.reason == "tidak diparaf dalam jadwal, paling lambat 26 Mei 2026 00.00 WIB"
    assert of("e15").verdict.reason == "output: menunggu paraf, paling lambat 3 Jun 2026 00.00 WIB"
    assert of("e08").requirement.reason == "akses sistem laman: host unreachable: connection timed out"
    assert of("e03").output.reason == "terputus: sampai 18 Mei 2026 16.30 WIB tidak ada output yang tercatat"
    unread = next(o for o in answer.occasions if "e19" in o.executions)
    assert unread.reason == "percobaan ke-1: output: tidak diparaf dalam jadwal, paling lambat 14 Mei 2026 00.00 WIB"
    nobody = next(d for d in answer.deviations if d.executor is None)
    assert nobody.reason == (
        "tidak dilaksanakan dalam jadwal 26 Mei 2026 00.00 WIB sampai 27 Mei 2026 00.00 WIB; "
        "dicatat terlambat: e20 baru dicatat pada 29 Mei 2026 10.00 WIB; "
        "tidak ada pejabat yang bertugas sebagai Pengelola Sistem dan Jaringan pada 2026-05-26"
    )


def test_evidence_unit_and_standard(answer: Compliance) -> None:
    assert [e.file.path for e in answer.evidence if e.execution == "e06"] == ["archive/e06/output-0.json"]
    assert answer.standard.number == "005/D7.11.1/POS-SI/2017"
    assert {e.standard_number for e in answer.executions} == {answer.standard.number}
    assert answer.unit.id == "contoh"
    assert answer.sites == ("laman", "arsip")
    assert answer.problems == ()


def test_english_changes_words_and_nothing_else(answer: Compliance) -> None:
    english = evaluate(load_standards(), golden.events(), answer.period, answer.as_of, lang="en")
    assert [as_row(e) for e in english.executions] == [as_row(e) for e in answer.executions]
    assert [d.id for d in english.deviations] == [d.id for d in answer.deviations]
    assert "not reviewed in time" in next(e for e in english.executions if e.id == "e05").output.reason


def test_the_neighbours_have_what_may_not_have(answer: Compliance) -> None:
    april = evaluate(load_standards(), golden.events(), Period.parse("2026-04", "Asia/Jakarta"), answer.as_of)
    june = evaluate(load_standards(), golden.events(), Period.parse("2026-06", "Asia/Jakarta"), answer.as_of)
    assert [e.id for e in april.executions] == ["x01"]
    assert [e.id for e in june.executions] == ["x02"]
    assert [o.state for o in june.occasions] == ["menunggu"]  # 1 June: done, not reviewed yet
    assert answer.execution("x01") is None


def test_a_year_and_a_quarter_hold_their_months(answer: Compliance) -> None:
    everything = golden.events()
    months = [
        evaluate(load_standards(), everything, Period.parse(f"2026-{m:02}", "Asia/Jakarta"), answer.as_of)
        for m in range(1, 13)
    ]
    for text, part in (("2026", months), ("2026-Q2", months[3:6])):
        whole = evaluate(load_standards(), everything, Period.parse(text, "Asia/Jakarta"), answer.as_of)
        assert [e for m in part for e in m.executions] == list(whole.executions)
        assert [o for m in part for o in m.occasions] == list(whole.occasions)
        assert sorted(d.id for m in part for d in m.deviations) == sorted(d.id for d in whole.deviations)


def test_deviation_ids_do_not_change_with_time(answer: Compliance) -> None:
    """What is accounted for keeps its name: ids are those of this list for ever."""
    key = OccasionKey(1, "arsip", golden.local(datetime(2026, 5, 16)))  # noqa: DTZ001 - made aware by local()
    assert key.id == "1:arsip:2026-05-15T17:00Z"
    by_what = {(d.execution or (d.occasion.id if d.occasion else ""), d.aspect): d.id for d in answer.deviations}
    assert by_what["e07", "waktu"] == "D-" + _sha("e07|waktu")
    assert by_what[key.id, "jadwal"] == "D-" + _sha("1:arsip:2026-05-15T17:00Z|jadwal")


def _sha(text: str) -> str:
    import hashlib

    return hashlib.sha256(text.encode()).hexdigest()[:10].upper()
