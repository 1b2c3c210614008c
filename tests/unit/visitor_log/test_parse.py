"""Every line is accounted for, and the fast path says what a plain `re` says."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reporting.visitor_log import parse as parsing
from reporting.visitor_log.lines import KEPT_OF_OVERLONG, chunks
from reporting.visitor_log.parse import SCHEMA, Parsed, parse
from tests.unit.visitor_log import reference

DATA = Path(__file__).parents[2] / "data" / "visitor_log"
GOOD = b'203.0.113.7 - - [22/Nov/2026:08:15:30 +0700] "GET /a?b=1 HTTP/1.1" 200 512 "-" "Mozilla/5.0"'
COMMON = b'203.0.113.7 - - [22/Nov/2026:08:15:30 +0700] "GET /a HTTP/1.1" 304 -'


def rows_of(parsed: Parsed) -> list[reference.Row]:
    return list(parsed.rows.select(*SCHEMA).sort("line").iter_rows())


def assert_like_reference(data: bytes) -> Parsed:
    parsed = parse(data)
    rows, total = reference.parse(data)
    assert parsed.total == total
    assert parsed.rows.height + parsed.rejects.height == total
    assert rows_of(parsed) == rows
    assert set(parsed.rows["line"].to_list()).isdisjoint(parsed.rejects["line"].to_list())
    return parsed


ACCEPTED = {
    "combined": GOOD,
    "common": COMMON,
    "IPv6": GOOD.replace(b"203.0.113.7", b"2001:db8::1"),
    "user with spaces": GOOD.replace(b"- - [", b"- Budi Santoso [1] ["),
    "no user at all": GOOD.replace(b"- - [", b"-  ["),
    "empty request": GOOD.replace(b"GET /a?b=1 HTTP/1.1", b""),
    "dash request, 408": GOOD.replace(b"GET /a?b=1 HTTP/1.1", b"-").replace(b"200 512", b"408 -"),
    "escaped quotes": GOOD.replace(b"b=1", rb"b=\"1\"").replace(b"Mozilla", rb"\"Moz\\\""),
    "backslash before the closing quote": GOOD.replace(b"/5.0", rb"\\"),
    "TLS handshake, escaped": GOOD.replace(b"GET /a?b=1 HTTP/1.1", rb"\x16\x03\x01\x02"),
    "TLS handshake, raw": GOOD.replace(b"GET /a?b=1 HTTP/1.1", b"\x16\x03\x01\x02\x00\xff\xfe"),
    "NUL bytes": GOOD.replace(b"b=1", b"b=\x00\x00"),
    "terminal escapes": GOOD.replace(b"b=1", b"b=\x1b]0;owned\x07\x1b[2J"),
    "invalid UTF-8": GOOD.replace(b"b=1", b"b=\xff\xc0\xaf"),
    "Latin-1": GOOD.replace(b"b=1", "b=é".encode("latin-1")),
    "formula": GOOD.replace(b"b=1", b"=cmd|'/C calc'!A0"),
    "CRLF": GOOD + b"\r",
    "a megabyte": GOOD.replace(b"b=1", b"b=" + b"A" * (1 << 20)),
    "a megabyte of quotes": GOOD.replace(b"b=1", rb"\"" * (1 << 19)),
    "leap day": GOOD.replace(b"22/Nov/2026", b"29/Feb/2028"),
    "absolute URI": GOOD.replace(b"/a?b=1", b"http://x.example:80/a"),
    "zone of Nepal": GOOD.replace(b"+0700", b"+0545"),
    "status 999": GOOD.replace(b" 200 ", b" 999 "),
}
REJECTED = {
    "empty line": b"",
    "blank": b" ",
    "carriage return only": b"\r",
    "unclosed quote": GOOD[:-1],
    "cut off": GOOD[:60],
    "unescaped quote in the agent": GOOD.replace(b"Mozilla", b'Mo"zilla'),
    "impossible day": GOOD.replace(b"22/Nov", b"31/Nov"),
    "no leap year": GOOD.replace(b"22/Nov/2026", b"29/Feb/2026"),
    "second 60": GOOD.replace(b":30 +", b":60 +"),
    "hour 24": GOOD.replace(b":08:15", b":24:15"),
    "size with a plus": GOOD.replace(b"512", b"+512"),
    "negative size": GOOD.replace(b"512", b"-512"),
    "size beyond belief": GOOD.replace(b"512", b"9" * 40),
    "status of four digits": GOOD.replace(b"200", b"2000"),
    "status below 100": GOOD.replace(b"200", b"099"),
    "digits of another script": GOOD.replace(b"512", "٥١٢".encode()),
    "no client": GOOD.replace(b"203.0.113.7", b""),
    "one field more": GOOD + b' "x"',
    "referer only": COMMON + b' "-"',
    "two blanks": GOOD.replace(b"200 512", b"200  512"),
    "handshake without anything": b"\x16\x03\x01\x02\x00\x01",
    "another format": b'{"remote_addr": "203.0.113.7"}',
    "backslash opens the closing quote": GOOD.replace(b"/5.0", b"\\"),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_accepted(name: str) -> None:
    assert assert_like_reference(ACCEPTED[name] + b"\n").rows.height == 1


@pytest.mark.parametrize("name", REJECTED)
def test_rejected_and_kept(name: str) -> None:
    parsed = assert_like_reference(REJECTED[name] + b"\n")
    assert parsed.rejects.height == 1
    assert parsed.rejects["reason"][0]
    text = REJECTED[name].removesuffix(b"\r").decode("utf-8", "replace")
    assert parsed.rejects["text"].to_list() == [text]


def test_all_of_them_in_one_chunk_and_the_last_line_cut_off() -> None:
    lines = [*ACCEPTED.values(), *REJECTED.values(), GOOD[:70]]
    parsed = assert_like_reference(b"\n".join(lines))
    assert parsed.rows.height == len(ACCEPTED)


def test_an_unclosed_quote_does_not_swallow_the_next_line() -> None:
    parsed = assert_like_reference(GOOD[:-1] + b"\n" + GOOD + b"\n")
    assert parsed.rows["line"].to_list() == [1]


def test_no_bytes_no_lines() -> None:
    assert assert_like_reference(b"").total == 0


def test_reasons() -> None:
    wanted = {
        b"": parsing.EMPTY,
        GOOD[:-1]: parsing.UNCLOSED,
        REJECTED["impossible day"]: parsing.IMPOSSIBLE,
        b"hello": parsing.NO_STAMP,
        REJECTED["one field more"]: parsing.OTHER,
    }
    parsed = parse(b"\n".join([*wanted, b"x"]))
    assert parsed.rejects["reason"].to_list()[: len(wanted)] == list(wanted.values())


def test_real_log_equals_the_reference() -> None:
    parsed = assert_like_reference((DATA / "elastic_apache_logs.log").read_bytes())
    assert (parsed.total, parsed.rejects.height) == (10_000, 1)


def test_every_good_line_takes_the_fast_path() -> None:
    """Otherwise the speed is gone and nobody notices."""
    plain = [line for name, line in ACCEPTED.items() if b"\\" not in line and name != "CRLF"]
    _, fits = parsing._quick(parsing._lines(b"\n".join(plain)))
    assert fits.all()


PIECES = st.sampled_from(
    ['"', "\\", "\\\\", '\\"', " ", "-", "[", "]", "GET / HTTP/1.1", "200", "007", "+5", "5", "\x00", "\r", "\t", "é",
     "\u2028", "\x85", "\x1c", "[22/Nov/2026:08:15:30 +0700]", "[31/Feb/2026:08:15:30 +0700]", "203.0.113.7", "１"]
)  # fmt: skip
BROKEN = st.lists(PIECES, max_size=12).map("".join)


@st.composite
def nearly_lines(draw: st.DrawFn) -> str:
    """A good line in which some fields were replaced by rubbish."""
    fields = ["203.0.113.7", "-", "-", "[22/Nov/2026:08:15:30 +0700]", '"GET / HTTP/1.1"', "200", "5", '"-"', '"agent"']
    if draw(st.booleans()):
        fields = fields[:7]
    for place in draw(st.lists(st.integers(0, len(fields) - 1), max_size=3)):
        rubbish = draw(BROKEN)
        fields[place] = f'"{rubbish}"' if draw(st.booleans()) else rubbish
    return " ".join(fields)


@settings(max_examples=400, deadline=None)
@given(
    st.lists(st.one_of(nearly_lines(), BROKEN, st.text(max_size=20)), max_size=8), st.sampled_from(["\n", "\r\n", ""])
)
@example(lines=['a b c [22/Nov/2026:08:15:30 +0700] "x" 200 5 [22/Nov/2026:08:15:30 +0700] "y" 200 5'], ending="\n")
def test_any_text_equals_the_reference(lines: list[str], ending: str) -> None:
    assert_like_reference(("\n".join(lines) + ending).encode("utf-8", "surrogatepass"))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_equal_the_reference(data: bytes) -> None:
    assert_like_reference(GOOD + b"\n" + data)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.binary(max_size=12).filter(lambda b: b"\n" not in b), max_size=20), st.booleans(), st.integers(16, 64)
)
def test_chunks_hold_every_line_once(lines: list[bytes], ended: bool, size: int) -> None:
    data = b"\n".join(lines) + (b"\n" if ended and lines else b"")
    found = list(chunks(io.BytesIO(data), size))
    assert b"".join(chunk.data for chunk in found) == data
    _, total = reference.parse(data)
    assert sum(chunk.lines for chunk in found) == total
    assert [c.first_line for c in found] == [1 + sum(c.lines for c in found[:n]) for n in range(len(found))]


@pytest.mark.parametrize("ending", [b"", b"\n", b"\nnext\n"])
def test_a_line_longer_than_a_chunk_is_cut_but_counted(ending: bytes) -> None:
    data = b"first\n" + b"x" * 100_000 + ending
    found = list(chunks(io.BytesIO(data), 10_000))
    long = [c for c in found if c.overlong]
    assert [(c.overlong, len(c.data)) for c in long] == [(100_000, KEPT_OF_OVERLONG)]
    assert sum(c.lines for c in found) == len(data.splitlines())
    rejected = parsing.reject_overlong(long[0].data, long[0].overlong)
    assert (rejected.total, rejected.rejects.height) == (1, 1)
