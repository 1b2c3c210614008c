"""One GET within limits: pycurl, since its time limit also covers the resolving of names and a server that drips.

A handle is kept per thread, so that many questions to one registry share a connection.
"""

from __future__ import annotations

import ssl
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pycurl

from reporting.expiry.model import Limits
from reporting.text import harmless

_MAX_HEADERS = 64 << 10
_threads = threading.local()


class NoAnswer(Exception):
    """Nothing usable came; one line. `again`: a second try may help."""

    def __init__(self, reason: str, *, again: bool = False) -> None:
        super().__init__(reason)
        self.again = again


@dataclass
class Answer:
    """What came, whatever its status."""

    url: str  # the last one, after redirects
    status: int = 0
    content_type: str = ""
    retry_after: str = ""
    body: bytearray = field(default_factory=bytearray)


def get(url: str, accept: str, limits: Limits, user_agent: str, ca_file: str = "") -> Answer:
    """Fetch `url`. Certificates are verified; from https only https is followed.

    Raises:
        NoAnswer: no connection, TLS not trusted, too slow, too large, too many redirects.
    """
    taken = _Taken(limits.max_bytes)
    handle = _handle()
    for option, value in _options(url, accept, limits, user_agent, ca_file).items():
        handle.setopt(option, value)
    handle.setopt(pycurl.WRITEFUNCTION, taken.body)
    handle.setopt(pycurl.HEADERFUNCTION, taken.header)
    try:
        handle.perform()
    except pycurl.error as error:
        raise taken.failure or _no_answer(int(error.args[0]), str(error.args[1]), limits) from None
    answer = taken.answer
    answer.url = _text(handle.getinfo_raw(pycurl.EFFECTIVE_URL)) or url
    answer.status = int(handle.getinfo(pycurl.RESPONSE_CODE))
    answer.content_type = _text(handle.getinfo_raw(pycurl.CONTENT_TYPE)).partition(";")[0].strip().lower()
    return answer


def _handle() -> Any:
    """The handle of this thread, as new but for its open connections."""
    handle = getattr(_threads, "handle", None)
    if handle is None:
        handle = _threads.handle = pycurl.Curl()
    handle.reset()
    return handle


def _options(url: str, accept: str, limits: Limits, user_agent: str, ca_file: str) -> dict[int, Any]:
    secure = url.lower().startswith("https:")
    followed = pycurl.PROTO_HTTPS if secure else pycurl.PROTO_HTTPS | pycurl.PROTO_HTTP
    options: dict[int, Any] = {
        pycurl.URL: url.encode(),
        pycurl.NOSIGNAL: 1,
        pycurl.PROTOCOLS: pycurl.PROTO_HTTPS | pycurl.PROTO_HTTP,
        pycurl.REDIR_PROTOCOLS: followed,
        pycurl.FOLLOWLOCATION: 1,
        pycurl.MAXREDIRS: limits.redirects,
        pycurl.CONNECTTIMEOUT_MS: max(1, int(1000 * min(limits.connect_timeout, limits.timeout))),
        pycurl.TIMEOUT_MS: max(1, int(1000 * limits.timeout)),
        pycurl.HTTPHEADER: [f"Accept: {accept}"],
        pycurl.USERAGENT: user_agent,
        pycurl.ACCEPT_ENCODING: "",
    }
    authorities = ca_file or _system_cas()
    if authorities:
        options[pycurl.CAINFO] = authorities
    return options


def _system_cas() -> str | None:
    """The system's bundle: a packaged libcurl may know another place than this system's."""
    paths = ssl.get_default_verify_paths()
    return next((p for p in (paths.cafile, paths.openssl_cafile) if p and Path(p).is_file()), None)


class _Taken:
    """Curl's callbacks: keep what comes, up to the limits; a number other than the length ends the transfer."""

    def __init__(self, most: int) -> None:
        self.answer = Answer("")
        self.failure: NoAnswer | None = None
        self._most = most
        self._header_bytes = 0

    def body(self, data: bytes) -> int:
        if len(self.answer.body) + len(data) > self._most:
            self.failure = NoAnswer(f"the answer is larger than {self._most >> 10} KiB")
            return 0
        self.answer.body += data
        return len(data)

    def header(self, line: bytes) -> int:
        self._header_bytes += len(line)
        if self._header_bytes > _MAX_HEADERS:
            self.failure = NoAnswer("the answer's headers never end")
            return 0
        if line.startswith(b"HTTP/"):  # a new answer begins, after a redirect
            self.answer.retry_after = ""
            self.answer.body.clear()
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"retry-after":
            self.answer.retry_after = _text(value).strip()
        return len(line)


_TLS = {
    pycurl.E_SSL_CONNECT_ERROR, pycurl.E_PEER_FAILED_VERIFICATION, pycurl.E_SSL_CERTPROBLEM, pycurl.E_SSL_CIPHER,
    pycurl.E_SSL_ISSUER_ERROR, pycurl.E_SSL_INVALIDCERTSTATUS,
}  # fmt: skip
_MEANING = {
    pycurl.E_COULDNT_RESOLVE_HOST: "DNS: the name cannot be resolved",
    pycurl.E_TOO_MANY_REDIRECTS: "too many redirects",
    pycurl.E_UNSUPPORTED_PROTOCOL: "redirected away from https",
    pycurl.E_URL_MALFORMAT: "not a usable address",
    pycurl.E_BAD_CONTENT_ENCODING: "not a usable HTTP answer",
    pycurl.E_PARTIAL_FILE: "the answer was cut off",
    pycurl.E_GOT_NOTHING: "the connection was closed without an answer",
    pycurl.E_COULDNT_CONNECT: "no connection",
    pycurl.E_SSL_CACERT_BADFILE: "the CA file cannot be used",
}
_LASTING = {pycurl.E_TOO_MANY_REDIRECTS, pycurl.E_UNSUPPORTED_PROTOCOL, pycurl.E_URL_MALFORMAT,
            pycurl.E_SSL_CACERT_BADFILE, pycurl.E_OPERATION_TIMEDOUT}  # fmt: skip


def _no_answer(code: int, message: str, limits: Limits) -> NoAnswer:
    said = harmless(message, 200)
    if code == pycurl.E_OPERATION_TIMEDOUT:
        return NoAnswer(f"no whole answer within {limits.timeout:g} s")
    meaning = "TLS" if code in _TLS else _MEANING.get(code, "network")
    return NoAnswer(f"{meaning}: {said}" if said else meaning, again=code not in _TLS | _LASTING)


def _text(raw: bytes | str | None) -> str:
    return raw.decode("utf-8", "replace") if isinstance(raw, bytes) else raw or ""
