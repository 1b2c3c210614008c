"""Fetch many pages at once, politely and within limits: pycurl's multi interface.

Each section is a generator that yields :class:`Request` and is sent back a :class:`Reply`; `drive` runs them all over
one set of connections. Requests wait in our own queue, one a host, and not in curl's: curl would count the wait into
the response time. What several sections share (a site map) is fetched once.
"""

from __future__ import annotations

import errno
import ssl
import time
from collections import defaultdict, deque
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, TypeVar
from urllib.parse import urlsplit

import pycurl

from reporting.content.settings import Limits
from reporting.text import harmless

T = TypeVar("T")
FailureKind = Literal["dns", "refused", "timeout", "tls", "redirects", "protocol", "network"]
HTML = "text/html,application/xhtml+xml;q=0.9,*/*;q=0.5"
JSON = "application/json"
XML = "application/rss+xml,application/atom+xml,application/xml;q=0.9,*/*;q=0.5"
_MAX_HEADERS = 64 * 1024


@dataclass(frozen=True)
class Request:
    """One GET. `again` asks for a second look, past the memory of this run; `tls_only` reads the certificate only."""

    url: str
    accept: str = HTML
    max_bytes: int | None = None  # default: the run's limit
    again: int = 0
    keep: bool = (
        False  # remember the answer for others of this run: site maps, feeds, robots.txt; pages would fill memory
    )
    tls_only: bool = False  # the certificate without trusting it: nothing is read from such a connection


@dataclass(frozen=True)
class Failure:
    """Why no answer came."""

    kind: FailureKind
    text: str  # one harmless line


@dataclass(frozen=True)
class Reply:
    """What came. `milliseconds` from the start of the connection to the last byte read, redirects included."""

    url: str
    final_url: str
    status: int | None
    content_type: str
    body: bytes
    truncated: bool  # the body goes on past the limit
    milliseconds: float
    tls_expires_at: datetime | None
    failure: Failure | None = None

    @property
    def ok(self) -> bool:
        """A 2xx answer arrived."""
        return self.failure is None and self.status is not None and 200 <= self.status < 300


@dataclass
class _Transfer:
    request: Request
    limit: int
    body: bytearray = field(default_factory=bytearray)
    header_bytes: int = 0
    truncated: bool = False

    def take(self, data: bytes) -> int:
        """Curl's write callback: keep up to the limit, then end the transfer (a number other than len ends it)."""
        room = self.limit - len(self.body)
        self.body += data[:room]
        if len(data) > room:
            self.truncated = True
            return 0
        return len(data)

    def header(self, line: bytes) -> int:
        """Curl's header callback: headers are counted only; too many end the transfer."""
        self.header_bytes += len(line)
        return len(line) if self.header_bytes <= _MAX_HEADERS else 0


@dataclass
class _Task:
    generator: Generator[Request, Reply, Any]
    number: int


def drive(
    generators: Sequence[Generator[Request, Reply, T]], limits: Limits, user_agent: str, ca_file: str | None = None
) -> list[T]:
    """Run all generators to their end; their return values, in order.

    A generator whose requests did not get their turn within `limits.total_timeout` is answered with a failure, so that
    it still says what became of it.
    """
    return _Drive(limits, user_agent, ca_file or _system_cas()).run(generators)


def _system_cas() -> str | None:
    """The system's bundle: a packaged libcurl may know another place than this system's."""
    paths = ssl.get_default_verify_paths()
    return next((p for p in (paths.cafile, paths.openssl_cafile) if p and Path(p).is_file()), None)


class _Drive:
    def __init__(self, limits: Limits, user_agent: str, ca_file: str | None) -> None:
        self._limits = limits
        self._user_agent = user_agent
        self._ca_file = ca_file
        self._deadline = time.monotonic() + limits.total_timeout
        self._multi = pycurl.CurlMulti()
        self._queues: dict[str, deque[Request]] = defaultdict(deque)
        self._busy: dict[str, int] = defaultdict(int)
        self._transfers: dict[Any, _Transfer] = {}
        self._waiting: dict[Request, list[_Task]] = {}
        self._known: dict[Request, Reply] = {}
        self._certificates: dict[str, datetime | None] = {}  # a reused connection tells nothing about its certificate
        self._results: dict[int, Any] = {}

    def run(self, generators: Sequence[Generator[Request, Reply, T]]) -> list[T]:
        ready: deque[tuple[_Task, Reply | None]] = deque((_Task(g, n), None) for n, g in enumerate(generators))
        try:
            while ready or self._waiting:
                if ready:  # one at a time, so that reading a page does not hold up the clocks of the transfers
                    ready.extend(self._advance(*ready.popleft()))
                self._start_queued()
                self._perform(wait=not ready)
                for request, reply in self._finished():
                    if request.keep:
                        self._known[request] = reply
                    ready.extend((task, reply) for task in self._waiting.pop(request, []))
        finally:
            for handle in list(self._transfers):
                self._multi.remove_handle(handle)
                handle.close()
            self._multi.close()
        return [self._results[number] for number in range(len(generators))]

    def _advance(self, task: _Task, reply: Reply | None) -> list[tuple[_Task, Reply | None]]:
        """Give a section its answer; queue what it asks for next. Known answers come back at once."""
        try:
            request = next(task.generator) if reply is None else task.generator.send(reply)
        except StopIteration as end:
            self._results[task.number] = end.value
            return []
        if request in self._known:
            return [(task, self._known[request])]
        if request in self._waiting:
            self._waiting[request].append(task)
            return []
        self._waiting[request] = [task]
        self._queues[_host(request.url)].append(request)
        return []

    def _start_queued(self) -> None:
        for host in list(self._queues):
            queue = self._queues[host]
            while queue and self._busy[host] < self._limits.per_host and len(self._transfers) < self._limits.at_once:
                if time.monotonic() >= self._deadline:
                    return
                self._start(queue.popleft(), host)
            if not queue:
                del self._queues[host]

    def _start(self, request: Request, host: str) -> None:
        transfer = _Transfer(request, request.max_bytes or self._limits.max_bytes)
        handle = self._handle(request, transfer)
        self._transfers[handle] = transfer
        self._busy[host] += 1
        self._multi.add_handle(handle)

    def _handle(self, request: Request, transfer: _Transfer) -> Any:
        limits = self._limits
        left = max(0.001, self._deadline - time.monotonic())
        handle = pycurl.Curl()
        options: dict[int, Any] = {
            pycurl.URL: request.url.replace("\x00", "%00").encode("utf-8", "replace"),
            pycurl.NOSIGNAL: 1,
            pycurl.PROTOCOLS: pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS,
            pycurl.REDIR_PROTOCOLS: pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS,
            pycurl.FOLLOWLOCATION: 1,
            pycurl.MAXREDIRS: limits.redirects,
            pycurl.COOKIEFILE: "",  # in memory, for sites that redirect until they get their cookie back
            pycurl.CONNECTTIMEOUT_MS: max(1, int(1000 * limits.connect_timeout)),
            pycurl.TIMEOUT_MS: max(1, int(1000 * min(limits.timeout, left))),
            pycurl.USERAGENT: self._user_agent,
            pycurl.HTTPHEADER: [f"Accept: {request.accept}", "Accept-Language: id,en;q=0.5"],
            pycurl.ACCEPT_ENCODING: "",
            pycurl.OPT_CERTINFO: 1,
            pycurl.WRITEFUNCTION: transfer.take,
            pycurl.HEADERFUNCTION: transfer.header,
        }
        if self._ca_file:
            options[pycurl.CAINFO] = self._ca_file
        if request.tls_only:
            options |= {pycurl.SSL_VERIFYPEER: 0, pycurl.SSL_VERIFYHOST: 0, pycurl.CONNECT_ONLY: 1}
        for option, value in options.items():
            handle.setopt(option, value)
        return handle

    def _perform(self, *, wait: bool) -> None:
        while self._multi.perform()[0] == pycurl.E_CALL_MULTI_PERFORM:
            continue
        if wait and self._transfers and self._multi.select(0.05) == -1:
            time.sleep(0.005)  # nothing to wait on yet: a name is being resolved in curl's own thread

    def _finished(self) -> list[tuple[Request, Reply]]:
        done: list[tuple[Request, Reply]] = []
        left = 1
        while left:
            left, whole, failed = self._multi.info_read()
            done += [self._close(handle, 0, "") for handle in whole]
            done += [self._close(handle, code, message) for handle, code, message in failed]
        if time.monotonic() >= self._deadline:
            done += self._give_up()
        return done

    def _give_up(self) -> list[tuple[Request, Reply]]:
        """The time for the whole check is over: answer what still waits in a queue; what runs has the same deadline."""
        late = Failure("timeout", f"not reached within {self._limits.total_timeout:g} s for the whole check")
        waiting = [request for queue in self._queues.values() for request in queue]
        self._queues.clear()
        return [(r, Reply(r.url, r.url, None, "", b"", False, 0.0, None, late)) for r in waiting]

    def _close(self, handle: Any, code: int, message: str) -> tuple[Request, Reply]:
        transfer = self._transfers.pop(handle)
        request = transfer.request
        host = _host(request.url)
        self._busy[host] -= 1
        try:
            reply = self._reply(handle, transfer, code, message)
        finally:
            self._multi.remove_handle(handle)
            handle.close()
        return request, reply

    def _reply(self, handle: Any, transfer: _Transfer, code: int, message: str) -> Reply:
        request = transfer.request
        ended_by_us = code == pycurl.E_WRITE_ERROR and transfer.truncated
        final = _text(handle.getinfo_raw(pycurl.EFFECTIVE_URL)) or request.url
        return Reply(
            url=request.url,
            final_url=final,
            status=int(handle.getinfo(pycurl.RESPONSE_CODE)) or None,
            content_type=_text(handle.getinfo_raw(pycurl.CONTENT_TYPE)).lower(),
            body=bytes(transfer.body),
            truncated=transfer.truncated,
            milliseconds=round(1000 * handle.getinfo(pycurl.TOTAL_TIME), 1),
            tls_expires_at=self._certificate(handle, final),
            failure=None if code == 0 or ended_by_us else _failure(handle, code, message, self._limits),
        )

    def _certificate(self, handle: Any, url: str) -> datetime | None:
        if not url.lower().startswith("https:"):
            return None
        seen = _expiry(handle)
        host = _host(url)
        if seen is not None:
            self._certificates[host] = seen
        return self._certificates.get(host)


def _host(url: str) -> str:
    return urlsplit(url).netloc.lower()


def _text(raw: bytes | str | None) -> str:
    return raw.decode("utf-8", "replace") if isinstance(raw, bytes) else raw or ""


def _expiry(handle: Any) -> datetime | None:
    """When the server's own certificate (the first of the chain) expires."""
    try:
        chain = handle.getinfo_raw(pycurl.INFO_CERTINFO)
    except pycurl.error:
        return None  # no TLS connection was made
    for name, value in chain[0] if chain else ():
        if _text(name) == "Expire date":
            try:
                return datetime.fromtimestamp(ssl.cert_time_to_seconds(_text(value)), UTC)
            except (ValueError, OverflowError, OSError):
                return None  # a date that no calendar has
    return None


_KINDS: dict[int, FailureKind] = {
    pycurl.E_COULDNT_RESOLVE_HOST: "dns",
    pycurl.E_COULDNT_RESOLVE_PROXY: "dns",
    pycurl.E_OPERATION_TIMEDOUT: "timeout",
    pycurl.E_TOO_MANY_REDIRECTS: "redirects",
    pycurl.E_SSL_CONNECT_ERROR: "tls",
    pycurl.E_PEER_FAILED_VERIFICATION: "tls",
    pycurl.E_SSL_CERTPROBLEM: "tls",
    pycurl.E_SSL_CIPHER: "tls",
    pycurl.E_SSL_CACERT_BADFILE: "tls",
    pycurl.E_SSL_ISSUER_ERROR: "tls",
    pycurl.E_SSL_INVALIDCERTSTATUS: "tls",
    pycurl.E_UNSUPPORTED_PROTOCOL: "protocol",
    pycurl.E_URL_MALFORMAT: "protocol",
    pycurl.E_BAD_CONTENT_ENCODING: "protocol",
    pycurl.E_WRITE_ERROR: "protocol",
}
_MEANING: dict[FailureKind, str] = {
    "dns": "DNS: the name cannot be resolved",
    "refused": "connection refused",
    "timeout": "no answer in time",
    "tls": "TLS",
    "redirects": "too many redirects",
    "protocol": "not a usable HTTP answer",
    "network": "network",
}


def _failure(handle: Any, code: int, message: str, limits: Limits) -> Failure:
    kind = _KINDS.get(code, "network")
    if code == pycurl.E_COULDNT_CONNECT and int(handle.getinfo(pycurl.OS_ERRNO)) == errno.ECONNREFUSED:
        kind = "refused"
    if kind == "timeout":
        return Failure(kind, f"no answer in time ({min(limits.timeout, limits.total_timeout):g} s at most)")
    said = harmless(message, 200)
    return Failure(kind, f"{_MEANING[kind]}: {said}" if said else _MEANING[kind])


__all__ = ["HTML", "JSON", "XML", "Failure", "FailureKind", "Reply", "Request", "drive"]
