"""One GET of the site's front page, as a visitor makes it, at the address that DNS gave.

The certificate is not judged here (reporting.diagnosis.tls does that): an expired one must not hide what is behind it.
Nothing is sent along that is worth stealing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import pycurl

from reporting.text import harmless

_MAX_BODY = 512 << 10
_MAX_HEADERS = 64 << 10
_REDIRECTS = 8


@dataclass
class Page:
    """What came. `failure`: a word of ours for why nothing usable did (empty when something did), `said`: in detail."""

    url: str = ""
    status: int = 0
    seconds: float = 0.0
    content_type: str = ""
    body: bytearray = field(default_factory=bytearray)
    cut: bool = False  # the page is longer than what we read
    redirects: int = 0
    location: str = ""  # the last one
    date: datetime | None = None
    received: datetime | None = None
    server: str = ""
    failure: str = ""  # timeout, redirect_loop, empty_reply, no_connection, other
    said: str = ""


def get(url: str, address: str, user_agent: str, connect_seconds: float, seconds: float) -> Page:
    """Fetch `url` from `address`; redirects are followed. Never raises for what a server does."""
    page, taken = Page(url=url), _Taken()
    handle = pycurl.Curl()
    try:
        for option, value in _options(url, address, user_agent, connect_seconds, seconds).items():
            handle.setopt(option, value)
        handle.setopt(pycurl.WRITEFUNCTION, taken.body)
        handle.setopt(pycurl.HEADERFUNCTION, taken.header)
        try:
            handle.perform()
        except pycurl.error as error:
            if not taken.cut:
                page.failure, page.said = _failure(int(error.args[0])), harmless(error.args[1], 200)
        page.seconds = float(handle.getinfo(pycurl.TOTAL_TIME))
        page.status = int(handle.getinfo(pycurl.RESPONSE_CODE))
        page.redirects = int(handle.getinfo(pycurl.REDIRECT_COUNT))
        page.url = _text(handle.getinfo_raw(pycurl.EFFECTIVE_URL)) or url
    finally:
        handle.close()
    page.body, page.cut = taken.content, taken.cut
    page.content_type = taken.headers.get("content-type", "").partition(";")[0].strip().lower()
    page.location = harmless(taken.headers.get("location", "") or taken.last_location, 300)
    page.server = harmless(taken.headers.get("server", ""), 80)
    page.date, page.received = _date(taken.headers.get("date", "")), taken.received
    return page


def _options(url: str, address: str, user_agent: str, connect_seconds: float, seconds: float) -> dict[int, Any]:
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    shown = f"[{address}]" if ":" in address else address
    pinned = [f"{host}:{number}:{shown}" for number in {port, 80, 443}]
    return {
        pycurl.URL: url.encode(),
        pycurl.RESOLVE: pinned,
        pycurl.PROXY: "",
        pycurl.NOSIGNAL: 1,
        pycurl.PROTOCOLS: pycurl.PROTO_HTTPS | pycurl.PROTO_HTTP,
        pycurl.REDIR_PROTOCOLS: pycurl.PROTO_HTTPS | pycurl.PROTO_HTTP,
        pycurl.FOLLOWLOCATION: 1,
        pycurl.MAXREDIRS: _REDIRECTS,
        pycurl.CONNECTTIMEOUT_MS: max(1, int(1000 * connect_seconds)),
        pycurl.TIMEOUT_MS: max(1, int(1000 * seconds)),
        pycurl.SSL_VERIFYPEER: 0,
        pycurl.SSL_VERIFYHOST: 0,
        pycurl.USERAGENT: user_agent,
        pycurl.ACCEPT_ENCODING: "",
        pycurl.HTTPHEADER: ["Accept: text/html,*/*;q=0.5", "Cache-Control: no-cache"],
    }


class _Taken:
    """Curl's callbacks: keep what comes, up to the limits."""

    def __init__(self) -> None:
        self.content = bytearray()
        self.headers: dict[str, str] = {}
        self.received: datetime | None = None
        self.last_location = ""
        self.cut = False
        self._header_bytes = 0

    def body(self, data: bytes) -> int:
        self.content += data[: _MAX_BODY - len(self.content)]
        if len(self.content) >= _MAX_BODY:
            self.cut = True  # enough to judge: the transfer is ended, and that is no failure
            return 0
        return len(data)

    def header(self, line: bytes) -> int:
        self._header_bytes += len(line)
        if self._header_bytes > _MAX_HEADERS:
            return 0
        if line.startswith(b"HTTP/"):  # a new answer begins, after a redirect
            self.last_location = self.headers.get("location", "") or self.last_location
            self.headers, self.content = {}, bytearray()
            self.received = datetime.now(UTC)
        name, colon, value = line.partition(b":")
        if colon:
            self.headers[_text(name).strip().lower()] = _text(value).strip()
        return len(line)


def _failure(code: int) -> str:
    return {
        pycurl.E_OPERATION_TIMEDOUT: "timeout",
        pycurl.E_TOO_MANY_REDIRECTS: "redirect_loop",
        pycurl.E_GOT_NOTHING: "empty_reply",
        pycurl.E_RECV_ERROR: "empty_reply",
        pycurl.E_COULDNT_CONNECT: "no_connection",
    }.get(code, "other")


def _date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _text(raw: bytes | str | None) -> str:
    return raw.decode("utf-8", "replace") if isinstance(raw, bytes) else raw or ""


__all__ = ["Page", "get"]
