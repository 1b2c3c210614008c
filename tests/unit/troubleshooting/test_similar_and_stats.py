"""Earlier tickets that look alike, and how fast all of them were answered and solved."""

from __future__ import annotations

import pytest

from reporting.troubleshooting.similar import Problem, similar, words_of
from reporting.troubleshooting.stats import stats
from tests.unit.troubleshooting.world import SOLVED, World, finding, unit


@pytest.fixture
def world() -> World:
    world = World(unit(language="en"))
    world.open("2026-04-14 08:00", title="Halaman depan galat 500 setelah disk penuh")
    world.do("take", "2026-04-14 08:10")
    world.do("solve", "2026-04-14 09:00")
    for title in ("Sertifikat TLS kedaluwarsa", "Unggah gambar berita gagal", "Koneksi internet kantor putus",
                  "Email dinas tidak terkirim", "Menu PPID hilang dari beranda"):  # fmt: skip
        world.open(title=title)
    return world


def found(world: World, text: str, **more: str) -> list[str]:
    return [s.ticket for s in similar(world.tickets.values(), Problem(text, **more))]


def test_the_same_words_are_found_and_what_helped_is_offered(world: World) -> None:
    first = similar(world.tickets.values(), Problem("galat 500 di halaman depan", "www"))[0]
    assert (first.ticket, first.cause_kind, first.solution) == ("T-2026-001", "disk", SOLVED["solution"])


def test_the_other_language_is_found_too(world: World) -> None:
    assert found(world, "homepage: error 500, disk full")[0] == "T-2026-001"
    assert found(world, "the SSL certificate has expired")[0] == "T-2026-002"
    assert found(world, "foto tidak bisa diunggah")[0] == "T-2026-003"


def test_everyday_words_are_no_likeness(world: World) -> None:
    assert found(world, "tolong, ini tidak bisa dan saya sudah coba lagi sejak tadi") == []
    assert found(world, "please, this is not working for us any more") == []
    assert found(world, "") == []
    assert words_of("tidak bisa yang di the and of") == frozenset()


def test_a_fingerprint_says_more_than_words(world: World) -> None:
    world.ran("e1", [finding(7)])
    (ticket,) = world.triage().opened
    assert found(world, "sesuatu yang lain sama sekali", fingerprint=f"{7:016x}") == [ticket]
    assert found(world, "sesuatu", kind="sql_injection") == [ticket]


def test_at_most_three_and_the_likest_first(world: World) -> None:
    for n in range(9):
        world.open(title=f"galat 500 nomor {n}")
    assert len(found(world, "galat 500")) == 3


def test_stats() -> None:
    world = World()
    for number, (response, minutes, site) in enumerate([(10, 60, "www"), (30, 120, "www"), (50, 300, "ppid")], 1):
        name = f"T-2026-{number:03d}"
        world.open(f"2026-04-{13 + number} 08:00", title=f"masalah {number}", site=site)
        world.do("take", f"2026-04-{13 + number} 08:{response}", ticket=name)
        if number == 2:
            world.do("route", f"2026-04-{13 + number} 09:00", ticket=name)
        hour, minute = divmod(8 * 60 + minutes + (60 if minutes > 240 else 0), 60)  # lunch
        world.do("solve", f"2026-04-{13 + number} {hour:02d}:{minute:02d}", ticket=name,
                 cause_kind="disk" if number < 3 else "php")  # fmt: skip
    world.open("2026-04-17 08:00", title="masih terbuka", site="ppid")
    answer = stats(world.tickets.values(), {t: world.timing(t) for t in world.tickets})
    every = answer.all
    assert (every.tickets, every.solved, every.answered, every.over, every.reopened) == (4, 3, 3, 0, 0)
    assert (every.mtta_mean, every.mtta_median, every.mttr_mean, every.mttr_median) == (30.0, 30.0, 160.0, 120.0)
    assert {c: (f.tickets, f.mttr_mean) for c, f in answer.by_cause.items()} == {"disk": (2, 90.0), "php": (1, 300.0)}
    assert {s: (f.tickets, f.solved, f.mttr_mean) for s, f in answer.by_site.items()} == {
        "ppid": (2, 1, 300.0),
        "www": (2, 2, 90.0),
    }
    routes = {r: (f.figures.tickets, f.went_through, f.gross) for r, f in answer.by_route.items()}
    assert routes == {"mandiri": (3, 4, 60.0 + 60.0 + 300.0), "subbag_umum": (0, 0, 0.0), "pihak_ketiga": (1, 1, 60.0)}
    assert answer.by_route["subbag_umum"].figures.mttr_mean is None
    assert answer.repeats == ()
