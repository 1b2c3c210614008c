"""Counts equal plain Python's, and parts merge to the whole."""

from __future__ import annotations

import io
from contextlib import closing
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reporting.visitor_log.analyse import Analysis, Source, analyse, plain_file
from tests.unit.visitor_log import reference
from tests.unit.visitor_log.test_parse import ACCEPTED, DATA, REJECTED

REAL = DATA / "elastic_apache_logs.log"


def source(name: str, data: bytes) -> Source:
    return Source(name, lambda: closing(io.BytesIO(data)))


def facts(analysis: Analysis) -> tuple[object, ...]:
    """Everything that was found out, except how it was cut into files."""
    measures = analysis.measures().model_dump(exclude={"files"})
    return measures, analysis.counts.paths.sort("path").rows(), analysis.findings("site")


@pytest.mark.parametrize("zone", ["Asia/Jakarta", "UTC", "America/New_York", "Asia/Kathmandu"])
def test_days_and_paths_equal_plain_python(zone: str) -> None:
    rows, total = reference.parse(REAL.read_bytes())
    analysis = analyse([plain_file(REAL)], ZoneInfo(zone))
    measures = analysis.measures()
    assert (measures.lines_total, measures.lines_parsed) == (total, len(rows))
    wanted = reference.days(rows, ZoneInfo(zone))
    got = {
        d.day.isoformat(): (d.hits, d.visitors, d.bytes, d.status_2xx, d.status_3xx, d.status_4xx, d.status_5xx)
        for d in measures.days
    }
    assert got == {day: (h, v, b, *(s[n] for n in (2, 3, 4, 5))) for day, (h, v, b, s) in wanted.items()}
    assert dict(analysis.counts.paths.iter_rows()) == dict(reference.paths(rows))
    assert measures.first_at is not None
    assert measures.last_at is not None
    assert (int(measures.first_at.timestamp()), int(measures.last_at.timestamp())) == (
        min(r[2] for r in rows),
        max(r[2] for r in rows),
    )


def test_chunks_of_any_size_give_the_same_as_one() -> None:
    data = REAL.read_bytes()[:150_000]
    whole = facts(analyse([source("a", data)], ZoneInfo("Asia/Jakarta")))
    for size in (3_000, 20_000):
        assert facts(analyse([source("a", data)], ZoneInfo("Asia/Jakarta"), chunk_bytes=size)) == whole


@settings(max_examples=25, deadline=None)
@given(st.permutations(list(range(40))), st.integers(1, 39))
def test_files_in_any_order_give_the_same_as_one(order: list[int], cut: int) -> None:
    lines = (REAL.read_bytes().splitlines(keepends=True)[:30] + [x + b"\n" for x in list(REJECTED.values())[:10]])[:40]
    zone = ZoneInfo("Asia/Jakarta")
    mixed = [lines[n] for n in order]
    files = [source("a", b"".join(mixed[:cut])), source("b", b"".join(mixed[cut:]))]
    assert facts(analyse(files, zone)) == facts(analyse([source("all", b"".join(lines))], zone))


def test_a_line_near_midnight_belongs_to_the_agencys_day() -> None:
    line = b'192.0.2.1 - - [21/Nov/2026:18:30:00 +0000] "GET / HTTP/1.1" 200 1\n'
    days = {z: analyse([source("a", line)], ZoneInfo(z)).measures().days[0].day.day for z in ("Asia/Jakarta", "UTC")}
    assert days == {"Asia/Jakarta": 22, "UTC": 21}


def test_hostile_lines_come_out_harmless(tmp_path: Path) -> None:
    data = b"\n".join([*ACCEPTED.values(), *REJECTED.values()]) + b"\n"
    rejects = io.BytesIO()
    analysis = analyse([source("evil\x1b[2J\n.log", data)], ZoneInfo("Asia/Jakarta"), rejects=rejects)
    shown = rejects.getvalue().decode()
    assert len(shown.splitlines()) == analysis.measures().lines_rejected == len(REJECTED)
    everything = shown.replace("\n", "").replace("\t", "") + analysis.measures().model_dump_json()
    everything += "".join(f.model_dump_json() for f in analysis.findings("x"))
    assert not [c for c in everything if ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0]


def test_requests_without_a_path_are_counted_together() -> None:
    lines = [ACCEPTED["empty request"], ACCEPTED["dash request, 408"], ACCEPTED["TLS handshake, escaped"]]
    top = analyse([source("a", b"\n".join(lines))], ZoneInfo("UTC")).measures().top_paths
    assert [(t.name, t.hits) for t in top] == [("(no path)", 3)]


def test_nothing_is_counted_in_nothing() -> None:
    measures = analyse([source("a", b"")], ZoneInfo("UTC")).measures()
    assert (measures.files, measures.lines_total, measures.days, measures.first_at) == (1, 0, [], None)
