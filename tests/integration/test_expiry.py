"""Look-ups of ends against local servers that answer well, wrongly, too much, too slowly or not at all."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from reporting.expiry import rdap, tls, whois
from reporting.expiry.look import Request, look_at_all
from reporting.expiry.model import Job, Limits, Look
from reporting.expiry.rdap import Registry
from reporting.service import Watch
from tests.emulators.cpanel import make_certificate
from tests.emulators.rdap import FAULTS, RdapServer, WhoisServer

NOW = datetime.now(UTC)
QUICK = Limits(connect_timeout=2, timeout=2, total_timeout=30, max_bytes=100_000, retries=0)
JAKARTA = ZoneInfo("Asia/Jakarta")


@pytest.fixture(scope="module")
def server() -> Iterator[RdapServer]:
    with RdapServer() as running:
        yield running


def ask(server: RdapServer, name: str, limits: Limits = QUICK) -> Look:
    return rdap.look(Watch(method="rdap", name=name, base_url=server.url), NOW, limits)


# What each misbehaviour is called by; None: it is none, and the end is read.
REASONS: dict[str, str | None] = {
    "html": "the answer is text/html instead of RDAP",
    "html-as-json": "the answer is not JSON",
    "gone": "HTTP 404: the registry knows no gone.uji.id",
    "busy": "ask again in 3600 s",
    "busy-until": "ask again after Mon, 23 Nov 2026 07:00:00 GMT",
    "busy-silent": "ask again later (it did not say when)",
    "down": "HTTP 503 instead of an answer",
    "flaky": "HTTP 503 instead of an answer",
    "other": "the answer is about another domain: 'parkir.example.id'",
    "nameless": "the answer is about another domain: 'None'",
    "upper": None,
    "entity": "the answer is about 'entity' instead of a domain",
    "list": "the answer is not an RDAP object",
    "deep": "larger than",
    "no-event": "the answer has no expiration event",
    "no-events": "the answer has no expiration event",
    "odd-events": "the answer has no expiration event",
    "twice": "2 expiration events that differ: 2027-03-09, 2028-03-09",
    "same-twice": None,
    "old": "the end 1996-03-09 lies more than a year back",
    "far": "the end 2150-03-09 lies more than 20 years ahead",
    "zoneless": "is no moment with its zone",
    "no-date": "the expiration date 'soon' is no date",
    "year-0": "is no moment with its zone",
    "month-13": "is no date",
    "huge": "the answer is larger than 97 KiB",
    "slow": "no whole answer within 2 s",
    "cut": "the answer was cut off",
    "hangup": "the connection was closed without an answer",
    "moved": "the answer is about another domain",
    "loop": "too many redirects",
    "to-file": "redirected away from https",
    "to-http": "no connection",
    "hostile": "the answer is about another domain: '␛[2J{{ 7*7 }}\ufffd.id'",
    "hostile-status": None,
}


def test_every_misbehaviour_is_tried() -> None:
    assert set(REASONS) == set(FAULTS)


@pytest.mark.parametrize("fault", sorted(REASONS))
def test_a_wrong_answer_is_unknown_with_its_reason(server: RdapServer, fault: str) -> None:
    server.flaky_left = 1
    expected = REASONS[fault]
    found = ask(server, f"{fault}.uji.id")
    if expected is None:
        assert (found.state, found.ends_at is not None) == ("known", True), found.reason
    else:
        assert (found.state, found.ends_at) == ("unknown", None)
        assert expected in found.reason
    assert "\x1b" not in found.reason + found.source
    assert "\x07" not in found.reason


def test_a_deep_answer_within_the_size_is_unknown(server: RdapServer) -> None:
    found = ask(server, "deep.uji.id", Limits(max_bytes=1 << 20))
    assert (found.state, found.reason) == ("unknown", "the answer is not JSON")


def test_the_end_is_the_registrys(server: RdapServer) -> None:
    server.ends["kantor.uji.id"] = datetime(2027, 3, 9, 16, 59, 59, tzinfo=UTC)
    found = ask(server, " KANTOR.uji.id. ".strip())
    assert found.state == "known"
    assert found.ends_at == datetime(2027, 3, 9, 16, 59, 59, tzinfo=UTC)
    assert found.source == f"{server.url}domain/kantor.uji.id"


def test_the_same_moment_twice_is_one_end(server: RdapServer) -> None:
    assert ask(server, "same-twice.uji.id").ends_at == datetime(2027, 3, 9, 16, 59, 59, tzinfo=UTC)


def test_a_passing_fault_is_tried_again_and_a_busy_registry_is_not(server: RdapServer) -> None:
    server.flaky_left = 1
    assert ask(server, "flaky.uji.id", Limits(retries=1)).state == "known"
    before = len(server.seen)
    assert ask(server, "busy.uji.id", Limits(retries=3)).state == "unknown"
    assert len(server.seen) == before + 1


def test_a_slow_body_is_given_up_in_time(server: RdapServer) -> None:
    began = time.monotonic()
    ask(server, "slow.uji.id", Limits(timeout=1, retries=1))
    assert time.monotonic() - began < 2.5  # a body that drips is not asked for again


def test_names_in_other_scripts_are_asked_in_ascii(server: RdapServer) -> None:
    assert ask(server, "bücher.uji.id").source.endswith("/domain/xn--bcher-kva.uji.id")


@pytest.mark.parametrize("name", ["localhost", "a..id", "-", "x" * 64 + ".id"])
def test_what_is_no_domain_is_not_asked(server: RdapServer, name: str) -> None:
    before = len(server.seen)
    found = ask(server, name)
    assert "is no domain name" in found.reason
    assert len(server.seen) == before


def test_over_https_the_certificate_is_verified(tmp_path: Path) -> None:
    with RdapServer(tls=tmp_path) as secure:
        watch = Watch(method="rdap", name="kantor.uji.id", base_url=secure.url)
        refused = rdap.look(watch, NOW, QUICK)
        assert refused.state == "unknown"
        assert refused.reason.startswith("TLS:")
        trusting = watch.model_copy(update={"ca_file": str(secure.ca_file)})
        assert rdap.look(trusting, NOW, QUICK).state == "known"
        left = rdap.look(trusting.model_copy(update={"name": "to-http.uji.id"}), NOW, QUICK)
        assert (left.state, "redirected away from https" in left.reason) == ("unknown", True)


def test_a_base_by_ending_and_the_bootstrap(server: RdapServer) -> None:
    watch = Watch(method="rdap", name="kantor.uji.id")
    own = Registry(services={"id": ("http://rdap.example/",)}, bases={".id": server.url})
    assert rdap.look(watch, NOW, QUICK, own).state == "known"
    plain = rdap.look(watch, NOW, QUICK, Registry(services={"id": ("http://rdap.example/",)}))
    assert plain.reason.startswith("no RDAP server is known for kantor.uji.id")
    wrong = rdap.look(watch, NOW, QUICK, Registry(services={}, bases={"id": "http://rdap.example/"}))
    assert "is no https:// address" in wrong.reason


def test_nobody_answers() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        url = f"http://127.0.0.1:{port}/"
        assert "no connection" in rdap.look(Watch(method="rdap", name="a.id", base_url=url), NOW, QUICK).reason
        assert (
            "no connection"
            in whois.look(Watch(method="whois", name="a.id", server=f"127.0.0.1:{port}"), NOW, QUICK).reason
        )
        assert "no connection" in tls.look(Watch(method="tls", name="127.0.0.1", port=port), QUICK).reason


def test_many_at_once_in_their_order(server: RdapServer) -> None:
    jobs = [
        Job(id=f"s{n}", kind="domain", watch=Watch(method="rdap", name=f"s{n}.uji.id", base_url=server.url))
        for n in range(60)
    ]
    for n in range(60):
        server.ends[f"s{n}.uji.id"] = NOW.replace(microsecond=0) + timedelta(days=n)
    found = look_at_all(jobs, Request(NOW, JAKARTA, QUICK))
    assert [look.ends_at for look in found] == [server.ends[f"s{n}.uji.id"] for n in range(60)]


def test_a_busy_registry_is_left_alone_for_the_rest_of_the_run(server: RdapServer) -> None:
    before = len(server.seen)
    names = ["busy.uji.id", *(f"n{n}.uji.id" for n in range(20))]
    jobs = [Job(id=f"s{n}", watch=Watch(method="rdap", name=name, base_url=server.url)) for n, name in enumerate(names)]
    found = look_at_all(jobs, Request(NOW, JAKARTA, QUICK.model_copy(update={"per_host": 1, "at_once": 1})))
    assert {look.state for look in found} == {"unknown"}
    assert found[-1].reason.startswith("not asked: HTTP 429")
    assert len(server.seen) == before + 1


def test_the_time_for_all_is_kept(server: RdapServer) -> None:
    jobs = [Job(id=f"s{n}", watch=Watch(method="rdap", name="slow.uji.id", base_url=server.url)) for n in range(20)]
    began = time.monotonic()
    found = look_at_all(jobs, Request(NOW, JAKARTA, Limits(timeout=60, total_timeout=1, per_host=2)))
    assert time.monotonic() - began < 3
    assert {look.reason for look in found} == {"not reached within 1 s for all services"}


# --- WHOIS ---

PANDI_OLD = b"""ID ccTLD whois server\r
Please see 'whois -h whois.id help' for usage.\r
\r
Domain ID:PANDI-DO12345\r
Domain Name:KANTOR.UJI.ID\r
Created On:09-Mar-2011 10:10:10 UTC\r
Last Updated On:11-Feb-2026 02:00:11 UTC\r
Expiration Date:09-Mar-2027 10:10:10 UTC\r
Status:clientTransferProhibited\r
Status:serverTransferProhibited\r
Sponsoring Registrar PANDI ID:garuda\r
Sponsoring Registrar URL:www.example.id\r
"""
PANDI_NEW = b"""Domain Name: kantor.uji.id\n   Registry Domain ID: 1-ID\n   Creation Date: 2011-03-09 10:10:10\n
   Registry Expiry Date: 2027-03-09 23:59:59\n   Domain Status: redemptionPeriod https://icann.org/epp#redemptionPeriod\n"""


@pytest.fixture(scope="module")
def whois_server() -> Iterator[WhoisServer]:
    with WhoisServer() as running:
        yield running


def ask_whois(server: WhoisServer, answer: Any, limits: Limits = QUICK) -> Look:
    server.answers["kantor.uji.id"] = answer
    return whois.look(Watch(method="whois", name="Kantor.Uji.ID", server=server.address), NOW, limits)


def test_whois_of_pandi(whois_server: WhoisServer) -> None:
    found = ask_whois(whois_server, PANDI_OLD)
    assert (found.state, found.ends_at) == ("known", datetime(2027, 3, 9, 10, 10, 10, tzinfo=UTC))
    assert found.statuses == ("client transfer prohibited", "server transfer prohibited")
    assert whois_server.seen[-1] == "kantor.uji.id"


def test_whois_without_a_zone_is_read_in_the_registrys(whois_server: WhoisServer) -> None:
    found = ask_whois(whois_server, PANDI_NEW)
    assert found.ends_at == datetime(2027, 3, 9, 16, 59, 59, tzinfo=UTC)  # 23:59:59 in Jakarta
    assert found.statuses == ("redemption period",)


def _flood(stream: Any) -> None:
    for _ in range(1000):
        stream.write(b"% NOTICE " * 1000)


def _silence(stream: Any) -> None:
    time.sleep(0.9)
    stream.write(b"D")
    time.sleep(0.9)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"DOMAIN NOT FOUND\r\n", "the registry knows no kantor.uji.id"),
        (b"No match for KANTOR.UJI.ID", "the registry knows no kantor.uji.id"),
        (b"Query limit exceeded. Try again later.", "too many questions"),
        (b"<html>503</html>", "does not name the domain; it begins: <html>503</html>"),
        (b"", "closed without an answer"),
        (b"\x1b[2J\xff\xfe rubbish", "does not name the domain; it begins: ␛[2J"),
        (PANDI_OLD.replace(b"KANTOR", b"PARKIR"), "another domain: 'PARKIR.UJI.ID'"),
        (PANDI_OLD.replace(b"Expiration Date", b"Expired"), "gives no end"),
        (PANDI_OLD.replace(b"09-Mar-2027 10:10:10 UTC", b"03/04/2027"), "is no date that can be read with certainty"),
        (PANDI_OLD.replace(b"2027", b"1997"), "lies more than a year back"),
        (PANDI_OLD + b"Expiration Date:09-Mar-2028\r\n", "several ends that differ: 2027-03-09, 2028-03-0"),
        (_flood, "larger than"),
        (_silence, "no whole answer within 1 s"),
    ],
)  # fmt: skip
def test_wrong_whois_is_unknown_with_its_reason(whois_server: WhoisServer, answer: Any, reason: str) -> None:
    found = ask_whois(whois_server, answer, QUICK.model_copy(update={"timeout": 1}))
    assert (found.state, found.ends_at) == ("unknown", None)
    assert reason in found.reason


def test_whois_of_an_ending_that_nobody_serves() -> None:
    found = whois.look(Watch(method="whois", name="kantor.test"), NOW, QUICK)
    assert found.reason == "no WHOIS server is known for .test: set server, or use method manual"
    wrong = whois.look(Watch(method="whois", name="kantor.id", server="whois.example:99999"), NOW, QUICK)
    assert "host or host:port is expected" in wrong.reason


# --- TLS ---


@contextmanager
def tls_server(cert: Path, key: Path) -> Iterator[tuple[int, list[str | None]]]:
    """Shakes hands and hangs up; gives its port and the server names (SNI) that it was asked for."""
    asked: list[str | None] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    context.sni_callback = lambda _socket, name, _context: asked.append(name)
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.1)

        def serve() -> None:
            while not stop.is_set():
                try:
                    connection, _ = listening.accept()
                except TimeoutError:
                    continue
                try:
                    context.wrap_socket(connection, server_side=True).close()
                except OSError:
                    connection.close()  # a client that does not trust us

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listening.getsockname()[1], asked
        finally:
            stop.set()
            thread.join()


def days_left(look: Look) -> int:
    assert look.ends_at is not None, look.reason
    return round((look.ends_at - NOW) / timedelta(days=1))


def test_a_trusted_certificate(tmp_path: Path) -> None:
    cert, key = make_certificate(tmp_path, days=33)
    with tls_server(cert, key) as (port, asked):
        found = tls.look(Watch(method="tls", name="LOCALHOST", port=port, ca_file=str(cert)), QUICK)
    assert (found.state, days_left(found), found.reason) == ("known", 33, "")
    assert asked == ["localhost"]


def test_an_untrusted_chain_is_noted_and_the_date_read(tmp_path: Path) -> None:
    cert, key = make_certificate(tmp_path, days=20)
    with tls_server(cert, key) as (port, asked):
        found = tls.look(Watch(method="tls", name="localhost", port=port), QUICK)
    assert (found.state, days_left(found)) == ("known", 20)
    assert found.reason.startswith("the chain is not trusted: self-signed certificate")
    assert asked == ["localhost", "localhost"]


def test_an_ended_certificate_is_known_to_have_ended(tmp_path: Path) -> None:
    cert, key = make_certificate(tmp_path, days=-5)
    with tls_server(cert, key) as (port, _):
        found = tls.look(Watch(method="tls", name="localhost", port=port, ca_file=str(cert)), QUICK)
    assert (found.state, days_left(found)) == ("known", -5)
    assert found.reason == "the chain is not trusted: certificate has expired"


@pytest.mark.parametrize(
    ("names", "covered"),
    [(("other.example",), False), (("*.example",), False), (("127.0.0.1",), False), (("localhost",), True)],
)
def test_a_certificate_for_other_names_is_anothers(tmp_path: Path, names: tuple[str, ...], covered: bool) -> None:
    cert, key = make_certificate(tmp_path, names)
    with tls_server(cert, key) as (port, _):
        found = tls.look(Watch(method="tls", name="localhost", port=port), QUICK)
    assert found.state == ("known" if covered else "unknown")
    if not covered:
        assert found.reason == f"the certificate is for other names: {names[0]}"


def test_an_address_is_covered_by_its_own_entry(tmp_path: Path) -> None:
    cert, key = make_certificate(tmp_path, ("127.0.0.1",))
    with tls_server(cert, key) as (port, _):
        assert tls.look(Watch(method="tls", name="127.0.0.1", port=port), QUICK).state == "known"


def test_what_is_no_tls(whois_server: WhoisServer) -> None:
    port = int(whois_server.address.rpartition(":")[2])
    found = tls.look(Watch(method="tls", name="127.0.0.1", port=port), QUICK)
    assert found.state == "unknown"
    assert found.reason.startswith(("no TLS", "no connection", "no handshake"))
    broken = tls.look(Watch(method="tls", name="127.0.0.1", port=port, ca_file="/nonexistent/ca.pem"), QUICK)
    assert broken.reason.startswith("ca_file /nonexistent/ca.pem:")


def test_a_server_that_says_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        found = tls.look(
            Watch(method="tls", name="127.0.0.1", port=silent.getsockname()[1]),
            QUICK.model_copy(update={"timeout": 0.5}),
        )
    assert found.reason == "no handshake within 0.5 s"
