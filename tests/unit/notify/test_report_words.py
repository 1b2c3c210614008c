"""The letter that carries a workbook, and the reminder: what a director reads is whole, true and in his language."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace
from typing import Any, get_args

import pytest

from reporting.compliance import Compliance, Deviation, Period, evaluate
from reporting.compliance.model import Aspect
from reporting.ledger.model import Head
from reporting.notify import digest_words, report_words
from reporting.notify.digest_words import Digest, Task
from reporting.notify.report_words import ACTIVITIES, Issued, body, subject
from reporting.standard import load_standards
from reporting.unit import Unit
from reporting.workbook.words import CATALOGUE
from tests.unit.renewal.world import WIB, World, settings

HEAD, SHA = Head(4711, "ab" * 32), "cd" * 32


def evaluated(until: str = "2026-03-12 14:00", **changes: Any) -> Compliance:
    """A unit that plans a backup on each working day, and does none."""
    plan = [{"activity": 2, "every": "workday", "hours": 24}]
    world = World(unit=Unit.model_validate(settings(schedule=plan, **changes)))
    as_of = dt.datetime.fromisoformat(until).replace(tzinfo=WIB)
    return evaluate(load_standards(), world.events, Period.parse("2026-03", WIB), as_of, "id")


def issued(compliance: Compliance, **more: Any) -> Issued:
    return Issued(compliance, "laman-uji-2026-03.xlsx", SHA, HEAD, **more)


def with_states(compliance: Compliance, *states: Any) -> Compliance:
    changed = [replace(d, account_state=s) for d, s in zip(compliance.deviations, states, strict=False)]
    return replace(compliance, deviations=(*changed, *compliance.deviations[len(changed) :]))


def test_the_names_are_those_of_the_workbook() -> None:
    assert {f"activity_{n}": names for n, names in ACTIVITIES.items()} == {
        key: CATALOGUE[key] for key in (f"activity_{n}" for n in range(1, 9))
    }
    assert set(report_words._ASPECTS) == set(get_args(Aspect))


def test_it_tells_all_eight_activities_the_deviations_and_what_to_do() -> None:
    compliance = evaluated()
    missed = len(compliance.deviations)
    assert missed > 5
    text = body(issued(compliance), "Siti", "id")
    for number, (name, _) in ACTIVITIES.items():
        assert f"\n{number}. {name}: tidak ada pelaksanaan" in text
    assert f"2. Backup sistem dan data: tidak ada pelaksanaan; {missed} jadwal terlewat" in text
    overdue = sum(d.overdue(compliance.as_of.date()) for d in compliance.deviations)
    assert 0 < overdue < missed
    assert f"{missed} penyimpangan pada periode ini: {missed} belum dipertanggungjawabkan ({overdue} lewat" in text
    assert text.count("\n- Backup sistem dan data, laman (jadwal): ") == min(missed, 8)
    assert text.count(" – LEWAT BATAS") == min(overdue, 8)
    assert f"1. Pelaksana mempertanggungjawabkan penyimpangannya: Budi ({missed}, {overdue} lewat batas)." in text
    assert "belum berakhir" in text
    assert "menandatangani" not in text
    assert f"SHA-256: {SHA}\n" in text
    assert f"kejadian ke-4711, {HEAD.hash}\n" in text
    assert subject(issued(compliance), "id") == (
        f"Unit Uji: laporan pemeliharaan laman Maret 2026, {missed} penyimpangan terbuka ({overdue} lewat batas)"
    )


def test_it_tells_who_decides_and_what_is_settled() -> None:
    states = ["dipertanggungjawabkan", "dikembalikan", *["diterima"] * 3]
    compliance = with_states(evaluated("2026-04-03 09:00"), *states)
    rest = len(compliance.deviations) - 5
    text = body(issued(compliance), "Siti", "id")
    assert f"{rest + 1} belum dipertanggungjawabkan" in text
    assert "1 menunggu putusan Kasi SI, 3 diterima." in text
    assert "Kasi SI memutuskan 1 pertanggungjawaban: diterima atau dikembalikan." in text
    assert "Pimpinan membaca dan menandatangani lembar Ringkasan" in text
    assert f"- dan {rest + 2 - 8} lagi pada lembar Penyimpangan" in text
    done = with_states(compliance, *["diterima"] * len(compliance.deviations))
    assert subject(issued(done), "id").endswith("Maret 2026, semua penyimpangan selesai")
    assert "\n- " not in body(issued(done), "Siti", "id")


def test_what_earlier_periods_left_open_is_not_forgotten() -> None:
    compliance = evaluated()
    none = replace(compliance, deviations=())
    text = body(issued(none, earlier=compliance.deviations[:2]), "Siti", "id")
    assert "Dari periode sebelumnya masih terbuka: 2 penyimpangan" in text
    assert "Tidak ada penyimpangan." not in text
    assert "Budi (2" in text
    assert subject(issued(none, earlier=compliance.deviations[:2]), "en").startswith("Unit Uji: website maintenance ")
    quiet = replace(none, occasions=())
    assert "Tidak ada penyimpangan." in body(issued(quiet), "Siti", "id")
    assert subject(issued(quiet), "id").endswith("belum ada yang tercatat")  # nothing done is no "all is well"


def test_nobody_in_office_is_said() -> None:
    compliance = evaluated()
    orphan: Deviation = replace(compliance.deviations[0], executor=None)
    text = body(issued(replace(compliance, deviations=(orphan,))), "Siti", "id")
    assert "Pelaksana belum ada pejabatnya" in text


def test_english_says_the_same() -> None:
    compliance = evaluated()
    indonesian, english = (body(issued(compliance, closed_by="Siti"), "Siti", lang) for lang in ("id", "en"))
    assert len(indonesian.splitlines()) == len(english.splitlines())
    assert re.findall(r"\d+", "".join(english.splitlines()[4:12])) == re.findall(
        r"\d+", "".join(indonesian.splitlines()[4:12])
    )
    for texts in (report_words._TEXTS, digest_words._TEXTS):
        for both in texts.values():
            fields = [sorted(re.findall(r"\{(\w+)\}", text)) for text in both]
            assert fields[0] == fields[1], both


def test_a_name_is_one_line() -> None:
    text = body(issued(evaluated()), "Siti\r\nBcc: x\x1b[31m", "id")
    assert text.startswith("Yth. Siti  Bcc: x␛[31m,\n")
    assert "\x1b" not in text
    assert "http" not in text


NOW = dt.datetime(2026, 11, 23, 8, 0, tzinfo=WIB)


def task(what: str, urgency: Any = "today", who: str = "Budi", **more: Any) -> Task:
    return Task(what, who, more.pop("until", None), urgency, **more)


def test_a_reminder() -> None:
    own = [
        task("pasang media disk-b"),
        task("backup", "overdue", until=NOW, command="laman run backup"),
        task("domain", "soon", until=dt.datetime(2026, 12, 1, 0, 0, tzinfo=WIB)),
    ]
    digest = Digest("Unit Uji", "Budi", NOW, own, [task("putusan\nP-1", "overdue", "Siti")])
    assert digest.is_due
    assert digest_words.subject(digest, "id") == (
        "Unit Uji: 1 pekerjaan lewat batas, 1 untuk hari ini (23 November 2026)"
    )
    text = digest_words.body(digest, "id")
    order = ["SUDAH LEWAT BATAS", "1. backup (batas 23 November 2026 pukul 08.00 WIB)\n   laman run backup",
             "UNTUK HARI INI", "2. pasang media disk-b", "DALAM TUJUH HARI", "3. domain (batas 30 November 2026)",
             "YANG MENUNGGU PEJABAT LAIN", "- Siti: putusan P-1 – LEWAT BATAS"]  # fmt: skip
    places = [text.index(part) for part in order]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("own", "others", "due"),
    [([], [], False), (["soon"], ["soon"], False), (["today"], [], True), ([], ["overdue"], True)],
)
def test_a_reminder_only_when_something_is_due(own: list[Any], others: list[Any], due: bool) -> None:
    digest = Digest("U", "B", NOW, [task("a", u) for u in own], [task("b", u) for u in others])
    assert digest.is_due is due


def test_a_reminder_of_a_storm_is_short() -> None:
    digest = Digest("U", "B", NOW, [task(f"tiket {n}") for n in range(500)], [task(f"x {n}") for n in range(500)])
    text = digest_words.body(digest, "id")
    assert len(text.splitlines()) < 110
    assert text.count("dan 460 lagi") == 2
