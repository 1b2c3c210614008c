"""The site from outside, as a visitor meets it: name, connection, certificate, page.

All within about connect + connect + connect + http seconds, whatever the other side does.
"""

from __future__ import annotations

import errno
import re
import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

from reporting.diagnosis import dns, http, tls
from reporting.diagnosis.logs import redacted
from reporting.diagnosis.model import Check, Side, check
from reporting.diagnosis.request import DiagnosisRequest, split_nameserver
from reporting.diagnosis.rules import Rules
from reporting.text import harmless

_T = TypeVar("_T")
_MOST_ADDRESSES = 4
_USER_AGENT = "laman (site diagnosis)"
_SMALL = 20_000  # bytes: an error page is short; an article that quotes one is not


def look_outside(request: DiagnosisRequest, rules: Rules) -> tuple[list[Check], tls.Served | None]:
    """The checks from outside, and the certificate that was handed out (None: none was)."""
    checks: list[Check] = []
    served: list[tls.Served] = []
    addresses = _timed(checks, lambda: _dns(request))
    reached = _timed(checks, lambda: _tcp(request, addresses))
    _timed(checks, lambda: _tls(request, reached, served))
    page = _timed(checks, lambda: _http(request, reached, rules))
    checks.append(_clock(request, page))
    return checks, served[0] if served else None


def _timed(checks: list[Check], step: Callable[[], tuple[Check, _T]]) -> _T:
    began = time.monotonic()
    seen, more = step()
    checks.append(seen.timed(time.monotonic() - began))
    return more


# -- DNS


def _dns(request: DiagnosisRequest) -> tuple[Check, list[str]]:
    host = request.host
    if dns.is_address(host):
        text = f"the site's address is {host}: no name to look up", f"alamat laman adalah {host}: tanpa nama domain"
        return check("dns", "outside", "skipped", *text), [host]
    servers = [split_nameserver(server) for server in request.nameservers]
    found = dns.resolve(host, servers, request.limits.connect_timeout)
    facts = {"host": host, "addresses": ", ".join(found.addresses[:_MOST_ADDRESSES])}
    if found.outcome != "found":
        en, indonesian = _NO_ADDRESS[found.outcome]
        said = f" ({found.asked}{': ' + found.said if found.said else ''})"
        return check("dns", "outside", "problem", f"{host}: {en}{said}", f"{host}: {indonesian}{said}",
                     f"dns.{found.outcome}", facts=facts), []  # fmt: skip
    wrong = [address for address in found.addresses if request.addresses and address not in request.addresses]
    if wrong:
        facts |= {"wrong": ", ".join(wrong), "expected": ", ".join(request.addresses)}
        en = f"{host} leads to {facts['wrong']}, not to {facts['expected']}"
        indonesian = f"{host} mengarah ke {facts['wrong']}, bukan ke {facts['expected']}"
        return check("dns", "outside", "problem", en, indonesian, "dns.other_address", facts=facts), found.addresses
    shown = f"{host}: {facts['addresses']}"
    return check("dns", "outside", "ok", shown, shown, "dns.ok", facts=facts), found.addresses


_NO_ADDRESS = {
    "nxdomain": ("the name does not exist (NXDOMAIN)", "nama tidak terdaftar (NXDOMAIN)"),
    "no_address": ("the name exists, but has no address (A, AAAA)", "nama ada, tetapi tanpa alamat (A, AAAA)"),
    "no_answer": ("no name server answered", "tidak ada server nama yang menjawab"),
    "server_failure": ("the name servers failed", "server nama gagal menjawab dengan benar"),
}


# -- TCP


def _tcp(request: DiagnosisRequest, addresses: list[str]) -> tuple[Check, list[str]]:
    port = request.port
    if not addresses:
        return check("tcp", "outside", "skipped", "no address to connect to", "tidak ada alamat untuk dihubungi"), []
    deadline = time.monotonic() + request.limits.connect_timeout
    reached: list[str] = []
    refused: dict[str, str] = {}
    for address in addresses[:_MOST_ADDRESSES]:
        problem = _connect(address, port, max(0.5, deadline - time.monotonic()))
        if problem:
            refused[address] = problem
        else:
            reached.append(address)
    facts = {"port": port, "addresses": ", ".join(addresses[:_MOST_ADDRESSES])}
    if not refused:
        text = f"port {port} is open at {facts['addresses']}", f"port {port} terbuka pada {facts['addresses']}"
        return check("tcp", "outside", "ok", *text, "tcp.ok", facts=facts), reached
    en = "; ".join(f"{address} port {port}: {_TCP[problem][0]}" for address, problem in refused.items())
    indonesian = "; ".join(f"{address} port {port}: {_TCP[problem][1]}" for address, problem in refused.items())
    if reached and all(":" in address and problem == "no_route" for address, problem in refused.items()):
        # this machine has no IPv6: that says nothing about the site
        return check("tcp", "outside", "ok", f"port {port} is open at {', '.join(reached)} ({en})",
                     f"port {port} terbuka pada {', '.join(reached)} ({indonesian})", "tcp.ok",
                     facts=facts), reached  # fmt: skip
    signs = {f"tcp.{problem}" for problem in refused.values()} if not reached else {"tcp.partly"}
    facts["failed"] = ", ".join(refused)
    return check("tcp", "outside", "problem", en, indonesian, *signs, facts=facts), reached


_TCP = {
    "refused": ("connection refused", "sambungan ditolak"),
    "timeout": ("no answer in time", "tidak menjawab tepat waktu"),
    "no_route": ("no route to it", "tidak ada rute ke sana"),
    "failed": ("cannot be connected to", "tidak dapat dihubungi"),
}


def _connect(address: str, port: int, seconds: float) -> str:
    """Empty when it connects, else a key of `_TCP`."""
    try:
        with socket.create_connection((address, port), timeout=seconds):
            return ""
    except TimeoutError:
        return "timeout"
    except ConnectionRefusedError:
        return "refused"
    except OSError as error:
        return "no_route" if error.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EADDRNOTAVAIL) else "failed"


# -- TLS


def _tls(request: DiagnosisRequest, reached: list[str], served: list[tls.Served]) -> tuple[Check, None]:
    if not request.secure:
        return check("tls", "outside", "skipped", "the site's address is plain http",
                     "alamat laman memakai http biasa"), None  # fmt: skip
    if not reached:
        return check("tls", "outside", "skipped", "no connection", "tidak ada sambungan"), None
    limits = request.limits
    try:
        seen = tls.look(reached[0], request.host, request.port, limits.connect_timeout, request.ca_file)
    except tls.NoHandshake as error:
        return check("tls", "outside", "problem", str(error), f"jabat tangan TLS gagal: {error}", "tls.failed",
                     facts={"said": error}), None  # fmt: skip
    served.append(seen)
    return certificate_check("tls", "outside", seen, request), None


def certificate_check(name: str, side: Side, seen: tls.Served, request: DiagnosisRequest) -> Check:
    """What is right or wrong with the certificate that is handed out."""
    now = datetime.now(UTC)
    days = seen.days_left(now)
    facts = {"host": request.host, "days": abs(days), "ends": f"{seen.not_after:%Y-%m-%d %H:%M} UTC",
             "names": ", ".join(seen.names[:5])}  # fmt: skip
    wrong: list[tuple[str, str, str]] = []
    if now >= seen.not_after:
        wrong.append(("tls.expired", f"the certificate expired on {facts['ends']}",
                      f"sertifikat kedaluwarsa sejak {facts['ends']}"))  # fmt: skip
    elif now < seen.not_before:
        wrong.append(("tls.not_yet", f"the certificate is valid only from {seen.not_before:%Y-%m-%d %H:%M} UTC",
                      f"sertifikat baru berlaku mulai {seen.not_before:%Y-%m-%d %H:%M} UTC"))  # fmt: skip
    elif days < request.limits.certificate_days:
        wrong.append(("tls.expires_soon", f"the certificate ends in {days} days ({facts['ends']})",
                      f"sertifikat berakhir dalam {days} hari ({facts['ends']})"))  # fmt: skip
    if not seen.covers_host:
        wrong.append(("tls.other_name", f"the certificate is for {facts['names']}, not for {request.host}",
                      f"sertifikat untuk {facts['names']}, bukan untuk {request.host}"))  # fmt: skip
    if seen.distrust:
        facts["distrust"] = seen.distrust
        wrong.append(("tls.untrusted", f"the chain is not trusted: {seen.distrust}",
                      f"rantai sertifikat tidak dipercaya: {seen.distrust}"))  # fmt: skip
    if wrong:
        return check(name, side, "problem", "; ".join(w[1] for w in wrong), "; ".join(w[2] for w in wrong),
                     *(w[0] for w in wrong), facts=facts)  # fmt: skip
    return check(name, side, "ok", f"valid for {request.host}, {days} days left ({facts['ends']})",
                 f"sah untuk {request.host}, sisa {days} hari ({facts['ends']})", "tls.ok", facts=facts)  # fmt: skip


# -- HTTP


def _http(request: DiagnosisRequest, reached: list[str], rules: Rules) -> tuple[Check, http.Page | None]:
    if not reached:
        return check("http", "outside", "skipped", "no connection", "tidak ada sambungan"), None
    limits = request.limits
    page = http.get(request.url, reached[0], _USER_AGENT, limits.connect_timeout, limits.http_timeout)
    return judge_page(page, request, rules), page


def judge_page(page: http.Page, request: DiagnosisRequest, rules: Rules) -> Check:
    """What a page says about the site's health."""
    size = f"{len(page.body)}{'+' if page.cut else ''}"
    facts = {"status": page.status, "seconds": f"{page.seconds:.1f}", "bytes": size, "location": page.location,
             "url": page.url}  # fmt: skip
    shown = f"HTTP {page.status}, {size} bytes, {page.seconds:.1f} s"
    if page.failure:
        en, indonesian = _NO_PAGE.get(page.failure, ("no usable answer", "tidak ada jawaban yang dapat dipakai"))
        return check("http", "outside", "problem", f"{en} ({page.said})", f"{indonesian} ({page.said})",
                     f"http.{page.failure}", facts=facts)  # fmt: skip
    text = page.body.decode("utf-8", "replace")
    wrong = [(f"http.{page.status}", shown, shown)] if page.status >= 400 else []
    if page.status >= 500:
        wrong.append(("http.5xx", "", ""))
    if page.status >= 400 or len(text) <= _SMALL:
        wrong += [
            (f"http.{p.sign}", f"the page says: {p.en}", f"halaman berbunyi: {p.id}") for p in rules.on_page(text)
        ]
    if page.status == 200 and not text.strip():
        wrong.append(("http.blank", f"the page is blank ({shown})", f"halaman kosong ({shown})"))
    if 300 <= page.status < 400:
        wrong.append(("http.redirect_nowhere", f"{shown}: redirected to nowhere", f"{shown}: pengalihan tanpa tujuan"))
    if page.seconds > request.limits.slow_seconds:
        wrong.append(("http.slow", f"slow: {page.seconds:.1f} s", f"lambat: {page.seconds:.1f} s"))
    if not wrong:
        return check("http", "outside", "ok", shown, shown, "http.ok", facts=facts)
    told, told_id = [w[1] for w in wrong if w[1]], [w[2] for w in wrong if w[2]]
    excerpt = re.sub(r"\s+", " ", re.sub(r"<[^>]{0,300}>", " ", text[:_SMALL]))[:500]
    return check("http", "outside", "problem", "; ".join(dict.fromkeys(told)), "; ".join(dict.fromkeys(told_id)),
                 *(w[0] for w in wrong), facts=facts,
                 lines=(f"beginning of the page: {redacted(harmless(excerpt), request.secrets)}",))  # fmt: skip


_NO_PAGE = {
    "timeout": ("no whole answer in time", "jawaban tidak selesai tepat waktu"),
    "redirect_loop": ("redirected round and round", "pengalihan berputar-putar"),
    "empty_reply": ("the connection was closed without an answer", "sambungan ditutup tanpa jawaban"),
    "no_connection": ("no connection", "tidak ada sambungan"),
}


# -- the clock, by the page's Date header


def _clock(request: DiagnosisRequest, page: http.Page | None) -> Check:
    if page is None or page.date is None or page.received is None:
        return check("http_clock", "outside", "skipped", "no Date header was seen", "tidak ada tajuk Date")
    return clock_check("http_clock", "outside", (page.date - page.received).total_seconds(), request)


def clock_check(name: str, side: Side, offset: float, request: DiagnosisRequest) -> Check:
    """Whether a clock that is `offset` seconds ahead of ours (behind: negative) is right enough."""
    facts = {"offset": f"{abs(offset):.0f}"}
    if abs(offset) <= request.limits.clock_seconds:
        shown = f"{offset:+.0f} s"
        return check(name, side, "ok", f"{shown} against ours", f"{shown} terhadap jam kami", "clock.ok", facts=facts)
    en = f"the server's clock is {abs(offset):.0f} s {'ahead of' if offset > 0 else 'behind'} ours"
    indonesian = f"jam server {abs(offset):.0f} detik {'lebih cepat' if offset > 0 else 'lebih lambat'} dari jam kami"
    return check(name, side, "problem", en, indonesian, "clock.off", facts=facts)


__all__ = ["certificate_check", "clock_check", "judge_page", "look_outside"]
