"""The content check against a real web server on loopback: every way to find a date, and every fault."""

from __future__ import annotations

import gzip
import json
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from reporting.content.check import Checked, check
from reporting.content.page import read_page
from reporting.content.settings import read_plan
from reporting.content.state import Memory
from tests.emulators.web import Page, WebServer

WIB = ZoneInfo("Asia/Jakarta")
NOW = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)
TEN_DAYS = NOW - timedelta(days=10)
LIMITS = {"connect_timeout": 2, "timeout": 2, "total_timeout": 20, "retries": 0}


@pytest.fixture
def web() -> Iterator[WebServer]:
    with WebServer() as server:
        yield server


def _check(web: WebServer | str, *sections: dict[str, Any], memory: Memory | None = None, now: datetime = NOW,
           ca_file: Path | None = None, **limits: Any) -> list[Checked]:  # fmt: skip
    base = web if isinstance(web, str) else web.url
    common = {"owner": "Humas", "limit_days": 14}
    named = [{"name": f"Seksi {n}", **common, **section} for n, section in enumerate(sections)]
    raw = {"site": "dinas", "sections": named, "limits": LIMITS | limits, "ca_file": str(ca_file) if ca_file else None}
    return check(read_plan(raw, base), now, memory or Memory())


def _page(body: str = "", head: str = "", lang: str = "id") -> bytes:
    return f"<!doctype html><html lang={lang}><head>{head}</head><body>{body}<p>teks</p></body></html>".encode()


def _at(moment: datetime, days: int = 0) -> str:
    return (moment + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%S")


# --- ways to find the date, in order of trust ------------------------------------------------------------


def _wordpress(web: WebServer, **found: str) -> None:
    """A category archive as WordPress announces it, with every other source saying something else."""
    web.routes["/kategori/berita/"] = _page(
        "<article><time datetime='2020-01-01'>1 Januari 2020</time></article>",
        "<link rel='https://api.w.org/' href='/wp-json/'>"
        "<link rel=alternate title=JSON type=application/json href='/wp-json/wp/v2/categories/7'>"
        "<link rel=alternate type=application/rss+xml href='/feed/' title=Dinas>"
        "<link rel=alternate type=application/rss+xml href='/komentar/feed/' title='Umpan Komentar'>"
        "<link rel=alternate type=application/rss+xml href='/kategori/berita/feed/'>",
    )
    web.routes["/wp-json/wp/v2/posts"] = Page(found.get("rest", "[]").encode(), kind="application/json")
    web.routes["/kategori/berita/feed/"] = Page(found.get("feed", "").encode(), kind="application/rss+xml")
    web.routes["/feed/"] = Page(_rss(NOW).encode(), kind="application/rss+xml")
    web.routes["/sitemap.xml"] = Page(found.get("sitemap", "").encode(), kind="application/xml")


def _rss(*moments: datetime, category: str = "Berita") -> str:
    items = "".join(
        f"<item><title>x</title><category>{category}</category><pubDate>{format_datetime(m)}</pubDate></item>"
        for m in moments
    )
    return f"<?xml version='1.0'?><rss version='2.0'><channel><title>t</title>{items}</channel></rss>"


def _sitemap(*entries: tuple[str, str], name: str = "urlset") -> str:
    inner = "url" if name == "urlset" else "sitemap"
    body = "".join(f"<{inner}><loc>{loc}</loc><lastmod>{mod}</lastmod></{inner}>" for loc, mod in entries)
    return f"<?xml version='1.0'?><{name} xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>{body}</{name}>"


def test_the_most_trusted_way_wins_and_is_recorded(web: WebServer) -> None:
    rest = json.dumps([{"modified_gmt": _at(TEN_DAYS), "date_gmt": "2019-01-01T00:00:00"}])
    ways = {
        "rest": rest,
        "feed": _rss(TEN_DAYS - timedelta(days=1), TEN_DAYS - timedelta(days=30)),
        "sitemap": _sitemap((f"{web.url}/kategori/berita/a/", _at(TEN_DAYS, -2)), (f"{web.url}/lain/", _at(NOW))),
    }
    expected = {"rest": TEN_DAYS, "feed": TEN_DAYS - timedelta(days=1)}
    for method in ("rest", "feed", "sitemap", "page"):
        _wordpress(web, **ways)
        (checked,) = _check(web, {"url": "/kategori/berita/"})
        assert checked.method == method, checked
        assert checked.updated_at == expected.get(method, checked.updated_at)
        assert checked.state == ("stale" if method == "page" else "fresh")
        assert checked.reply.status == 200
        assert checked.reply.milliseconds > 0
        ways.pop(method, None)
    asked = next(path for path in web.paths() if "/posts" in path)
    assert "categories%5Bterms%5D=7" in asked
    assert "include_children" in asked
    assert "/feed/" not in web.paths()  # the whole site's feed says nothing about a section
    assert all("laman" in agent for _, agent in web.seen)


def test_rest_of_an_older_wordpress_and_by_slug(web: WebServer) -> None:
    found = json.dumps([{"modified_gmt": _at(TEN_DAYS)}]).encode()

    def posts(handler: BaseHTTPRequestHandler) -> None:
        old = "categories%5Bterms%5D" in handler.path
        body = b"{}" if old else found
        assert old or "categories=7" in handler.path
        handler.send_response(400 if old else 200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    web.routes["/berita"] = _page()
    web.routes["/wp-json/wp/v2/categories"] = Page(b'[{"id": 7}]', kind="application/json")
    web.routes["/wp-json/wp/v2/posts"] = posts
    (checked,) = _check(web, {"url": "/berita", "rest": {"category": "berita"}})
    assert (checked.method, checked.updated_at) == ("rest", TEN_DAYS)
    assert any("slug=berita" in path for path in web.paths())


def test_feed_by_setting_and_category(web: WebServer) -> None:
    web.routes["/r/"] = _page()
    mixed = _rss(NOW, category="Berita").replace("</channel>", "").replace("</rss>", "")
    mixed += _rss(TEN_DAYS, category="Regulasi").partition("<title>t</title>")[2]
    web.routes["/feed.xml"] = Page(mixed.encode(), kind="text/xml")
    atom = f"<feed xmlns='http://www.w3.org/2005/Atom'><entry><updated>{_at(TEN_DAYS)}Z</updated></entry></feed>"
    web.routes["/atom"] = Page(atom.encode(), kind="application/atom+xml")
    one, two, three = _check(
        web,
        {"url": "/r/", "feed": "/feed.xml", "feed_category": "regulasi"},
        {"url": "/r/", "feed": "/atom"},
        {"url": "/r/", "feed": "/feed.xml", "feed_category": "tidak ada", "method": "feed"},
    )
    assert one.updated_at == two.updated_at == TEN_DAYS
    assert (three.state, three.method) == ("unknown", "none")


def test_sitemap_index_gzip_robots_and_a_generators_stamp(web: WebServer) -> None:
    web.routes["/r/"] = web.routes["/s/"] = _page()
    web.routes["/robots.txt"] = Page(
        f"User-agent: *\nSitemap: {web.url}/index.xml\nSitemap: https://evil.example/x".encode()
    )
    index = _sitemap((f"{web.url}/one.xml.gz", _at(NOW)), ("https://evil.example/m.xml", _at(NOW)), name="sitemapindex")
    web.routes["/index.xml"] = Page(index.encode())
    inner = _sitemap((f"{web.url}/r/a", _at(TEN_DAYS) + "Z"), (f"{web.url}/r/b", "2020-01-01"))
    web.routes["/one.xml.gz"] = Page(gzip.compress(inner.encode()), kind="application/gzip")
    stamped = _sitemap(*((f"{web.url}/s/{n}", "2026-11-22") for n in range(20)))
    web.routes["/stamped.xml"] = Page(stamped.encode())
    found, stamp = _check(web, {"url": "/r/"}, {"url": "/s/", "sitemap": "/stamped.xml", "method": "sitemap"})
    assert (found.method, found.updated_at) == ("sitemap", TEN_DAYS)
    assert stamp.state == "unknown"
    assert "generator" in " ".join(stamp.notes)


@pytest.mark.parametrize(
    ("head", "body", "day"),
    [
        ("<meta property='article:modified_time' content='2026-11-12T10:00:00+07:00'>", "", "2026-11-12"),
        (
            '<script type="application/ld+json">{"@graph":[{"@type":"Article","dateModified":"2026-11-11"}]}</script>',
            "",
            "2026-11-11",
        ),
        ("", "<article><time datetime='2026-11-10T01:00:00Z'>lama</time></article>", "2026-11-10"),
        ("", "<div class=berita><span class='tanggal'>Jum'at, 6 Nop 2026</span></div>", "2026-11-06"),
        ("", "<p>Diperbarui: 3 Nopember 2026</p>", "2026-11-03"),
        ("", "<main><ul><li>Pengumuman 05/11/2026</li></ul></main>", "2026-11-05"),
        ("", "<article><p>22 November 2026, hari ini</p></article>", "2026-11-22"),
    ],
)
def test_dates_in_the_page(web: WebServer, head: str, body: str, day: str) -> None:
    web.routes["/p"] = _page(body, head)
    (checked,) = _check(web, {"url": "/p", "method": "page"})
    assert checked.updated_at is not None, checked.notes
    assert checked.updated_at.astimezone(WIB).date().isoformat() == day
    assert checked.method == "page"


@pytest.mark.parametrize(
    "body",
    [
        "<div class='date'>Minggu, 22 November 2026</div>",  # the clock in the page's head
        "<header><span class=tanggal>6 Nop 2026</span></header>",
        "<footer>Diperbarui 6 Nop 2026</footer>",
        "<aside><time datetime='2026-11-10'>Artikel lain</time></aside>",
        "<div class='sidebar'><time datetime='2026-11-10'>Artikel lain</time></div>",
        "<div id=comments><time datetime='2026-11-10'>kata pengunjung</time></div>",
        "<p>Hak cipta 2026. Berdiri sejak 17 Agustus 1945</p>",
        "<script>var d='2026-11-10'</script>",
    ],
)
def test_what_is_no_date_of_the_section_is_unknown(web: WebServer, body: str) -> None:
    web.routes["/p"] = _page(body)
    (checked,) = _check(web, {"url": "/p"})
    assert (checked.state, checked.updated_at, checked.method) == ("unknown", None, "none")
    assert "no date was found" in checked.reason


def test_a_future_date_is_set_aside_and_told(web: WebServer) -> None:
    web.routes["/only"] = _page("<article><time datetime='2031-01-01'>x</time></article>")
    web.routes["/both"] = _page(
        "<article><time datetime='2031-01-01'>x</time><time datetime='2026-11-12'>y</time></article>"
    )
    only, both = _check(web, {"url": "/only", "method": "page"}, {"url": "/both", "method": "page"})
    assert (only.state, only.future) == ("unknown", both.future)
    assert "future" in only.reason
    assert both.state == "fresh"
    assert both.age_days == pytest.approx(10.5, abs=0.6)


def test_a_change_since_the_last_run(web: WebServer) -> None:
    memory = Memory()
    section = {"url": "/p"}
    visits = iter(range(10_000))

    def page(text: str) -> Any:
        def answer(handler: BaseHTTPRequestHandler) -> None:
            body = _page(f"<p>{text}</p><p>Pengunjung: {next(visits)}</p><i>Minggu, 22 November 2026</i>")
            handler.send_response(200)
            handler.send_header("Content-Length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body)

        return answer

    def run(days: int) -> Checked:
        return _check(web, section, memory=memory, now=NOW + timedelta(days=days))[0]

    web.routes["/p"] = page("satu")
    assert run(0).state == "unknown"  # first sight
    assert run(5).state == "unknown"  # no change yet, and the limit has not passed
    still = run(20)
    assert (still.state, still.method, still.updated_at) == ("stale", "hash", None)
    assert "at least 20 days" in still.reason
    web.routes["/p"] = page("dua")
    changed = run(21)
    assert (changed.state, changed.method, changed.updated_at) == ("fresh", "hash", NOW + timedelta(days=21))
    assert run(40).state == "stale"


def test_a_page_that_differs_from_itself_is_not_judged_by_change(web: WebServer) -> None:
    words = iter("abcdefghijklmnopqrstuvwxyz")

    def page(handler: BaseHTTPRequestHandler) -> None:
        body = _page(f"<p>iklan {next(words)}</p>")
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    web.routes["/p"] = page
    memory = Memory()
    for days in (0, 1, 30):
        (checked,) = _check(web, {"url": "/p"}, memory=memory, now=NOW + timedelta(days=days))
        assert checked.state == "unknown"
        assert "differs" in " ".join(checked.notes)


# --- sections that cannot be reached ------------------------------------------------------------


def test_what_cannot_be_reached_is_told_apart(web: WebServer) -> None:
    web.routes |= {"/500": Page(b"", 500), "/403": Page(b"", 403), "/429": Page(b"", 429), "/204": Page(b"", 204)}
    web.routes["/loop"] = Page(b"", 302, headers={"Location": "/loop"})
    web.routes["/file"] = Page(b"", 302, headers={"Location": "file:/etc/passwd"})
    web.routes["/parked"] = Page(b"", 302, headers={"Location": web.url.replace("localhost", "127.0.0.1") + "/204"})
    web.routes["/garbage"] = _raw(b"\x00\x1b[31mnot http\r\n\r\n")
    web.routes["/cut"] = _raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")
    web.routes["/nothing"] = _raw(b"")
    with socket.socket() as free, socket.create_server(("127.0.0.1", 0)) as silent:
        free.bind(("127.0.0.1", 0))
        urls = ["/404", "/500", "/403", "/429", "/loop", "/file", "/parked", "/garbage", "/cut", "/nothing",
                "http://no-such-host.invalid/", f"http://127.0.0.1:{free.getsockname()[1]}/",
                f"http://127.0.0.1:{silent.getsockname()[1]}/"]  # fmt: skip
        began = time.monotonic()
        results = _check(web, *({"url": url} for url in urls), timeout=1)
    assert time.monotonic() - began < 6
    words = ["HTTP 404", "HTTP 500", "refuses the checker", "HTTP 429", "redirects", "not a usable", "another site",
             "", "", "", "DNS", "refused", "no answer in time"]  # fmt: skip
    for url, word, checked in zip(urls, words, results, strict=True):
        assert checked.state == ("unknown" if url == "/parked" else "unreachable"), (url, checked)
        assert word in checked.reason, (url, checked.reason)
        assert checked.reason.isprintable()
        assert checked.updated_at is None


def _raw(answer: bytes) -> Any:
    def send(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(answer)

    return send


def test_a_passing_fault_is_tried_again(web: WebServer) -> None:
    answers = iter([Page(b"", 503), Page(_page("<p>Diperbarui 20 Nop 2026</p>"))])

    def page(handler: BaseHTTPRequestHandler) -> None:
        answer = next(answers)
        handler.send_response(answer.status)
        handler.send_header("Content-Length", str(len(answer.body)))
        handler.end_headers()
        handler.wfile.write(answer.body)

    web.routes["/p"] = page
    assert _check(web, {"url": "/p"}, retries=1)[0].state == "fresh"


def test_certificates(tmp_path: Path) -> None:
    with WebServer(tmp_path / "good", days=20) as good, WebServer(tmp_path / "old", days=-3) as old:
        good.routes["/"] = good.routes["/b"] = old.routes["/"] = _page("<p>Diperbarui 20 Nop 2026</p>")
        first, second = _check(good, {"url": "/"}, {"url": "/b"}, ca_file=good.ca_file)
        for checked in (first, second):
            assert checked.state == "fresh"
            assert checked.tls_expires_at is not None
            assert checked.tls_expires_at - datetime.now(UTC) == pytest.approx(
                timedelta(days=20), abs=timedelta(hours=1)
            )
        (untrusted,) = _check(good, {"url": "/"})
        assert untrusted.state == "unreachable"
        assert "TLS" in untrusted.reason
        assert "self-signed" in untrusted.reason
        (expired,) = _check(old, {"url": "/"}, ca_file=old.ca_file)
        assert expired.state == "unreachable"
        assert "expired" in expired.reason
        assert expired.tls_expires_at is not None
        assert expired.tls_expires_at < datetime.now(UTC)
        good.routes["/moved"] = Page(b"", 302, headers={"Location": old.url + "/"})
        (moved,) = _check(good, {"url": "/moved"}, ca_file=_both(good, old, tmp_path))
        assert moved.tls_expires_at == expired.tls_expires_at  # of the server that is not trusted, not of the first
        assert old.seen == []  # nothing was asked over a connection that is not trusted


def _both(one: WebServer, other: WebServer, folder: Path) -> Path:
    """One bundle that trusts both servers."""
    assert one.ca_file is not None
    assert other.ca_file is not None
    bundle = folder / "bundle.pem"
    bundle.write_text(one.ca_file.read_text() + other.ca_file.read_text())
    return bundle


# --- hostile answers ------------------------------------------------------------

LAUGHS = (
    "<?xml version='1.0'?><!DOCTYPE l [<!ENTITY a 'ha'>" + "".join(
        f"<!ENTITY {chr(98 + n)} '{f'&{chr(97 + n)};' * 10}'>" for n in range(12)
    ) + "]><{0}>&m;</{0}>"
)  # fmt: skip


def _flood(packed: bool) -> Any:
    """100 MB of page; packed: as a gzip that unpacks to it."""
    body = gzip.compress(bytes(100_000_000), 1) if packed else b""

    def send(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "text/html")
        if packed:
            handler.send_header("Content-Encoding", "gzip")
            handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(b"" if packed else b"<p>Diperbarui 20 Nop 2026</p>")
        handler.wfile.write(body)
        for _ in range(0 if packed else 100):
            handler.wfile.write(b"x" * 1_000_000)

    return send


def test_hostile_pages_end_within_bounds(web: WebServer) -> None:
    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        for _ in range(100):
            handler.wfile.write(b"x")
            time.sleep(0.05)

    def headers(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 30_000 + b"\r\n")

    web.routes |= {
        "/flood": _flood(packed=False),
        "/bomb": _flood(packed=True),
        "/deep": b"<html>" + b"<div>" * 900_000,
        "/utf8": b"<p>\xff\xfe\x1b[31m Diperbarui 20 Nop 2026 \xc3</p>",
        "/ldjson": _page(head='<script type="application/ld+json">' + "[" * 200_000 + "</script>"),
        "/dates": _page("<main>" + "<p>1 Januari 2031</p>" * 50_000 + "</main>"),
        "/badlinks": _page(head="<link rel=alternate type=application/rss+xml href='http://[bad'><link rel=x href>"),
        "/drip": drip,
        "/headers": headers,
    }
    urls = list(web.routes)
    web.routes["/laughs.xml"] = Page(LAUGHS.replace("{0}", "urlset").encode())
    web.routes["/laughs16.xml"] = Page(LAUGHS.replace("{0}", "rss").encode("utf-16"))
    web.routes["/external.xml"] = Page(
        b"<?xml version='1.0'?><!DOCTYPE r SYSTEM 'file:/etc/passwd'><urlset><url><loc>x</loc></url></urlset>"
    )
    web.routes["/bomb.xml.gz"] = Page(gzip.compress(bytes(200_000_000), 1))
    web.routes["/cut.xml.gz"] = Page(gzip.compress(b"<urlset/>" * 1_000)[:-20])
    sources = [{"url": "/utf8", "method": "sitemap", "sitemap": f"/{name}.xml"} for name in ("laughs", "external")]
    sources += [{"url": "/utf8", "method": "sitemap", "sitemap": f"/{name}.xml.gz"} for name in ("bomb", "cut")]
    sources += [{"url": "/utf8", "method": "feed", "feed": f"/{name}.xml"} for name in ("laughs", "laughs16")]
    began = time.monotonic()
    results = _check(web, *({"url": url} for url in urls), *sources, max_bytes=1_000_000)
    assert time.monotonic() - began < 15
    by_url = dict(zip(urls, results, strict=False))
    assert by_url["/flood"].state == "fresh"  # the first million bytes hold the date
    assert by_url["/flood"].reply.truncated
    assert by_url["/bomb"].bytes_read == 1_000_000
    assert "nests more than" in " ".join(by_url["/deep"].notes)
    assert by_url["/utf8"].state == "fresh"
    assert by_url["/ldjson"].state == "unknown"
    assert by_url["/dates"].state == "unknown"
    assert by_url["/drip"].state == "unreachable"
    assert by_url["/headers"].state == "unreachable"
    for checked in results[len(urls) :]:
        assert checked.state == "unknown"
        assert checked.notes
    assert "entities is refused" in " ".join(results[len(urls)].notes)


def test_a_feed_that_names_a_local_file_does_not_get_it_read(web: WebServer, tmp_path: Path) -> None:
    (tmp_path / "feed.xml").write_text(_rss(TEN_DAYS))
    web.routes["/p"] = _page()
    web.routes["/feed"] = Page(str(tmp_path / "feed.xml").encode(), kind="application/rss+xml")
    web.routes["/robots.txt"] = Page(f"Sitemap: {web.url}/\x00\nSitemap: ftp://localhost/x".encode())
    (checked,) = _check(web, {"url": "/p", "feed": "/feed"})
    assert (checked.state, checked.updated_at) == ("unknown", None)
    assert "neither RSS nor Atom" in " ".join(checked.notes)


def test_a_page_that_breaks_a_parser_does_not_blind_the_check(web: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    web.routes["/good"] = _page("<p>Diperbarui 20 Nop 2026</p>")
    web.routes["/bad"] = _page("jebakan")

    def read(body: bytes, *rest: Any) -> Any:
        if b"jebakan" in body:
            raise RuntimeError("parser fell over\x1b[31m")
        return read_page(body, *rest)

    monkeypatch.setattr("reporting.content.check.read_page", read)
    bad, good = _check(web, {"url": "/bad"}, {"url": "/good"})
    assert good.state == "fresh"
    assert (bad.state, bad.method) == ("unknown", "none")
    assert "RuntimeError: parser fell over" in bad.reason
    assert bad.reason.isprintable()


# --- many at once ------------------------------------------------------------


def test_many_sections_at_once_but_few_a_host(web: WebServer) -> None:
    def slow(handler: BaseHTTPRequestHandler) -> None:
        time.sleep(0.1)
        body = _page("<p>Diperbarui 20 Nop 2026</p>")
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    web.routes |= {f"/{n}": slow for n in range(40)}
    began = time.monotonic()
    results = _check(web, *({"url": f"/{n}", "method": "page"} for n in range(40)), per_host=4)
    seconds = time.monotonic() - began
    assert all(checked.state == "fresh" for checked in results)
    assert web.most_at_once <= 4
    assert seconds < 3
    slowest = max(checked.reply.milliseconds for checked in results)
    assert 100 <= slowest < 500  # waiting for a turn is not the site's response time


def test_the_whole_check_has_a_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=64) as silent:
        base = f"http://127.0.0.1:{silent.getsockname()[1]}"
        began = time.monotonic()
        results = _check(base, *({"url": f"/{n}"} for n in range(40)), total_timeout=2, timeout=1.5, per_host=2)
    assert time.monotonic() - began < 5
    assert {checked.state for checked in results} == {"unreachable"}
    assert "whole check" in results[-1].reason


def test_a_shared_source_is_fetched_once(web: WebServer) -> None:
    for name in "abc":
        web.routes[f"/{name}/"] = _page()
    entries = ((f"{web.url}/{n}/", f"2026-11-{20 - i}") for i, n in enumerate("abc"))
    web.routes["/sitemap.xml"] = Page(_sitemap(*entries).encode())
    results = _check(web, *({"url": f"/{name}/"} for name in "abc"))
    assert [checked.method for checked in results] == ["sitemap"] * 3
    assert web.paths().count("/sitemap.xml") == 1
    assert web.paths().count("/robots.txt") == 1
