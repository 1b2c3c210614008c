"""A small client of cPanel's UAPI over HTTPS (port 2083) with an API token. No Ansible, no shell on the host.

Known from cPanel's documentation (api.docs.cpanel.net: guide to API authentication, UAPI): ``Authorization: cpanel
USER:TOKEN``; ``https://HOST:2083/execute/MODULE/FUNCTION``; the reply is keyed on ``status``; over 2083 it is the top
object, through the command line and WHM it is wrapped in ``result``. Tested against an emulator only.

The certificate is always verified, redirects are never followed (the token would travel along), and the token is in
no argument list, no ``repr`` and no error text.
"""

from __future__ import annotations

import http.client
import json
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Literal
from urllib.parse import quote, urlencode

from reporting.text import harmless

DEFAULT_PORT = 2083
_MAX_REPLY = 32 << 20  # bytes of JSON; list_archives of years is far below
_CHUNK = 1 << 18
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_HOST = re.compile(r"[A-Za-z0-9._\-]{1,253}|[0-9A-Fa-f:.]{2,45}")

Kind = Literal[
    "settings", "dns", "network", "timeout", "tls", "refused_login", "redirect", "login_page", "protocol", "status",
    "truncated",
]  # fmt: skip


class CpanelError(Exception):
    """What went wrong with cPanel, in one line; `kind` tells the sorts apart."""

    def __init__(self, kind: Kind, message: str) -> None:
        super().__init__(message)
        self.kind: Kind = kind


@dataclass(frozen=True)
class Account:
    """Where the account is and how to enter it. `token` is kept out of `repr`.

    Raises:
        CpanelError: a value that cannot be used (kind "settings"), naming the variable's last part.
    """

    host: str
    user: str
    token: str = field(repr=False)
    port: int = DEFAULT_PORT
    ca_file: Path | None = None  # PEM of the CA (or of the self-signed certificate itself) to trust, besides none
    timeout: float = 30.0  # seconds: to connect, and for each silence on the line
    total_timeout: float = 120.0  # seconds for a whole call; downloads are bounded by silence only

    def __post_init__(self) -> None:
        if not _HOST.fullmatch(self.host):
            raise CpanelError("settings", f"cPanel host {harmless(self.host, 80)!r}: expected a bare host name")
        if not 1 <= self.port <= 65535:
            raise CpanelError("settings", f"cPanel port {self.port}: expected 1 to 65535 (usually {DEFAULT_PORT})")
        if not self.user or not self.user.isascii() or not self.user.isprintable() or ":" in self.user:
            raise CpanelError("settings", "cPanel user: expected the account's name, printable ASCII without ':'")
        if not self.token:
            raise CpanelError(
                "settings",
                "cPanel token is empty: set site_access_cpanel_token (e.g. vault_arsip_cpanel_token in "
                "group_vars/all/vault.yml)",
            )
        if not self.token.isascii() or not self.token.isprintable() or " " in self.token:
            raise CpanelError(
                "settings", "cPanel token: expected the API token's printable characters and nothing else"
            )

    @classmethod
    def of(cls, arguments: Mapping[str, Any]) -> Account:
        """The account that a role's variables `host, port, user, token, ca_file, timeout` describe.

        Raises:
            CpanelError: they cannot be used (kind "settings").
        """
        ca_file = arguments.get("ca_file")
        timeout = float(arguments.get("timeout") or 30)
        return cls(
            host=str(arguments.get("host") or ""),
            user=str(arguments.get("user") or ""),
            token=str(arguments.get("token") or ""),
            port=int(arguments.get("port") or DEFAULT_PORT),
            ca_file=Path(str(ca_file)).expanduser() if ca_file else None,
            timeout=timeout,
            total_timeout=2 * timeout,
        )

    @property
    def place(self) -> str:
        """host:port, for messages."""
        return f"{self.host}:{self.port}"


class Download:
    """The bytes of a download. Read to the end; a connection that is cut short raises instead of ending.

    `length` is what the server announced, or None: cPanel promises no Content-Length, so the caller must still prove
    the content whole (gzip trailer, end of tar, last line of a dump).
    """

    def __init__(self, reply: http.client.HTTPResponse, place: str, path: str) -> None:
        self._reply = reply
        self._what = f"cPanel {place}: download of {harmless(path, 200)}"
        self.length = _announced(reply)
        self.received = 0

    def read(self, size: int = _CHUNK) -> bytes:
        """Up to `size` bytes; empty at the verified end.

        Raises:
            CpanelError: cut short, silent for too long, or reset.
        """
        try:
            chunk = self._reply.read(size)
        except TimeoutError:
            raise CpanelError("timeout", f"{self._what}: silent for too long after {self.received} bytes") from None
        except (http.client.IncompleteRead, OSError) as error:
            raise CpanelError(
                "truncated", f"{self._what}: cut off after {self.received} bytes ({type(error).__name__})"
            ) from None
        self.received += len(chunk)
        if not chunk and self.length is not None and self.received != self.length:
            raise CpanelError("truncated", f"{self._what}: cut off after {self.received} of {self.length} bytes")
        return chunk

    def __iter__(self) -> Iterator[bytes]:
        while chunk := self.read():
            yield chunk


def _announced(reply: http.client.HTTPResponse) -> int | None:
    if reply.chunked:  # the chunks say where the end is
        return None
    value = reply.getheader("Content-Length", "")
    return int(value) if value.isascii() and value.isdigit() else None


class _Deadline:
    """Shuts the socket when the time for a whole call is over: a peer that drips bytes never trips a read timeout."""

    def __init__(self, seconds: float | None) -> None:
        self._socket: socket.socket | None = None
        self.passed = False
        self._timer = threading.Timer(seconds if seconds is not None else threading.TIMEOUT_MAX, self._shut)
        self._timer.daemon = True
        self._bounded = seconds is not None

    def watch(self, connected: socket.socket) -> None:
        """Name the socket to shut: http.client lets go of it as soon as the headers are there."""
        self._socket = connected
        if self.passed:
            self._shut()

    def _shut(self) -> None:
        self.passed = True
        if self._socket is not None:
            try:
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
            except OSError:
                return  # closed in this very moment: what we wanted

    def __enter__(self) -> _Deadline:
        if self._bounded:
            self._timer.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, _e: BaseException | None, _t: TracebackType | None) -> None:
        self._timer.cancel()


class Cpanel:
    """UAPI calls and downloads of one account. Each opens its own connection: cPanel closes idle ones."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._context = _tls_context(account)

    def __repr__(self) -> str:
        return f"Cpanel({self._account.user}@{self._account.place})"

    def call(self, module: str, function: str, **params: str | int) -> Any:
        """`data` of a UAPI function's reply.

        Raises:
            CpanelError: see `Kind`; kind "status" carries cPanel's own error text.
        """
        if not _NAME.fullmatch(module) or not _NAME.fullmatch(function):
            raise CpanelError("settings", f"{harmless(module, 64)}::{harmless(function, 64)} is no UAPI function name")
        target = f"/execute/{module}/{function}" + (f"?{urlencode(params)}" if params else "")
        what = f"{module}::{function}"
        with self._reply(target, what, self._account.total_timeout) as (reply, deadline):
            try:
                body = reply.read(_MAX_REPLY + 1)
            except (http.client.IncompleteRead, OSError) as error:
                raise self._explain(error, what, deadline) from None
            announced = _announced(reply)
            if deadline.passed:
                raise self._explain(TimeoutError(), what, deadline)
            if announced is not None and len(body) < min(announced, _MAX_REPLY):
                raise self._error("truncated", f"{what}: reply cut off after {len(body)} of {announced} bytes")
        if len(body) > _MAX_REPLY:
            raise self._error("protocol", f"{what}: more than {_MAX_REPLY} bytes of reply")
        return self._data(body, what)

    def call_api2(self, module: str, function: str, **params: str | int) -> Any:
        """`data` of a function of the older API 2: the only way to remove a file.

        Raises:
            CpanelError: as for `call`; kind "status" where it refused.
        """
        what = f"API 2 {module}::{function}"
        asked = {f"cpanel_jsonapi_{k}": v for k, v in (("user", self._account.user), ("apiversion", 2))}
        asked |= {"cpanel_jsonapi_module": module, "cpanel_jsonapi_func": function, **params}
        target = f"/json-api/cpanel?{urlencode(asked)}"
        with self._reply(target, what, self._account.total_timeout) as (reply, deadline):
            try:
                body = reply.read(_MAX_REPLY)
            except (http.client.IncompleteRead, OSError) as error:
                raise self._explain(error, what, deadline) from None
        try:
            result = json.loads(body)["cpanelresult"]
            failed = result.get("error") or str(result["event"]["result"]) != "1"
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise self._error("protocol", f"{what}: the reply is none of API 2") from None
        if failed:
            raise self._error("status", f"{what}: refused: {harmless(result.get('error') or 'no reason', 300)}")
        return result.get("data")

    @contextmanager
    def download(self, path: str, params: Mapping[str, str] | None = None) -> Iterator[Download]:
        """A plain GET of `path` ("/getsqlbackup/db.sql.gz") as a stream of bytes.

        Raises:
            CpanelError: refused, a login page instead of the file, or (while reading) cut off.
        """
        target = quote(path if path.startswith("/") else f"/{path}", safe="/") + (
            f"?{urlencode(params)}" if params else ""
        )
        with self._reply(target, f"download of {harmless(path, 200)}", None) as (reply, _):
            page = reply.getheader("Content-Type", "").lower().startswith("text/html")
            if page and "attachment" not in reply.getheader("Content-Disposition", "").lower():
                raise self._error(
                    "login_page",
                    f"an HTML page came instead of {harmless(path, 200)}: the token was not accepted there",
                )
            yield Download(reply, self._account.place, path)

    @contextmanager
    def download_file(self, path: str) -> Iterator[Download]:
        """The file at the absolute `path` of the account, e.g. an archive that LogManager::list_archives named."""
        with self.download("/download", {"skipencode": "1", "file": path}) as stream:
            yield stream

    @contextmanager
    def _reply(
        self, target: str, what: str, total: float | None
    ) -> Iterator[tuple[http.client.HTTPResponse, _Deadline]]:
        account = self._account
        connection = http.client.HTTPSConnection(
            account.host, account.port, timeout=account.timeout, context=self._context
        )
        began = time.monotonic()
        with _Deadline(total) as deadline, closing(connection):
            try:
                connection.connect()
                deadline.watch(connection.sock)
                connection.request("GET", target, headers=self._headers())
                reply = connection.getresponse()
            except (http.client.HTTPException, OSError, ValueError) as error:
                raise self._explain(error, what, deadline, time.monotonic() - began) from None
            self._check_http(reply, what)
            yield reply, deadline

    def _headers(self) -> dict[str, str]:
        account = self._account
        return {
            "Authorization": f"cpanel {account.user}:{account.token}",
            "Accept": "application/json, */*;q=0.5",
            "User-Agent": "laman (site maintenance; UAPI client)",
            "Connection": "close",
        }

    def _check_http(self, reply: http.client.HTTPResponse, what: str) -> None:
        status = reply.status
        if status == 200:
            return
        if status in (301, 302, 303, 307, 308):
            where = harmless(reply.getheader("Location", "nowhere"), 200)
            raise self._error(
                "redirect", f"{what}: redirected to {where}, which is not followed: give that host as the cPanel host"
            )
        if status in (401, 403):
            raise self._error(
                "refused_login",
                f"{what}: HTTP {status}, access denied: the token or the user is not accepted (expired or revoked "
                "token, wrong user, or a lock-out after too many log-ins)",
            )
        text = harmless(reply.reason or "", 80)
        raise self._error("protocol", f"{what}: HTTP {status} {text}".rstrip())

    def _data(self, body: bytes, what: str) -> Any:
        start = body[:512].lstrip().lower()
        if start.startswith((b"<!doctype", b"<html", b"<head", b"<")):
            raise self._error(
                "login_page",
                f"{what}: HTTP 200 with an HTML page instead of JSON: a log-in page, so the token was not accepted, "
                "or this is not cPanel's port",
            )
        try:
            reply = json.loads(body)
        except (ValueError, RecursionError):
            raise self._error(
                "protocol", f"{what}: the reply is not JSON: {harmless(body[:80].decode('utf-8', 'replace'))}"
            ) from None
        result = _unwrapped(reply)
        if result is None:
            denied = _denied(reply)
            kind: Kind = "refused_login" if denied else "protocol"
            raise self._error(kind, f"{what}: {denied or 'the reply has no status: not a UAPI reply'}")
        if str(result["status"]) != "1":
            raise self._error("status", f"{what}: refused: {_error_text(result)}")
        return result.get("data")

    def _explain(self, error: Exception, what: str, deadline: _Deadline, seconds: float | None = None) -> CpanelError:
        if deadline.passed or isinstance(error, TimeoutError):
            took = f" after {seconds:.0f} s" if seconds else ""
            return self._error("timeout", f"{what}: no answer in time{took}")
        if isinstance(error, ssl.SSLCertVerificationError):
            return self._error(
                "tls",
                f"{what}: the certificate is not trusted ({harmless(error.verify_message, 150)}): use the host name "
                "that is in the certificate, or put its CA's certificate into the ca_file setting",
            )
        if isinstance(error, ssl.SSLError):
            return self._error(
                "tls", f"{what}: TLS failed ({harmless(error.reason or error, 100)}): is this cPanel's TLS port?"
            )
        if isinstance(error, socket.gaierror):
            return self._error("dns", f"{what}: DNS: the host name cannot be resolved ({harmless(error.strerror, 80)})")
        if isinstance(error, ConnectionRefusedError):
            return self._error("network", f"{what}: connection refused: nothing listens on that port")
        text = harmless(getattr(error, "strerror", None) or type(error).__name__, 120)
        return self._error("network", f"{what}: {text}")

    def _error(self, kind: Kind, message: str) -> CpanelError:
        """One line; a server that repeats our token in its text does not get it into the message."""
        return CpanelError(kind, f"cPanel {self._account.place}: {message}".replace(self._account.token, "***"))


def _tls_context(account: Account) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=str(account.ca_file) if account.ca_file else None)
    except (OSError, ssl.SSLError) as error:
        raise CpanelError(
            "settings",
            f"cPanel ca_file {account.ca_file}: cannot be used ({harmless(getattr(error, 'strerror', error), 100)}): "
            "expected a PEM file with certificates",
        ) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _unwrapped(reply: Any) -> dict[str, Any] | None:
    """The object that has `status`: the reply itself (port 2083), or its `result` (WHM, command line)."""
    for candidate in (reply, reply.get("result") if isinstance(reply, dict) else None):
        if isinstance(candidate, dict) and "status" in candidate:
            return candidate
    return None


def _denied(reply: Any) -> str:
    """The old-style refusal ({"cpanelresult": {"error": …}}), which some servers give with HTTP 200."""
    old = reply.get("cpanelresult") if isinstance(reply, dict) else None
    return f"refused: {harmless(old['error'], 150)}" if isinstance(old, dict) and old.get("error") else ""


def _error_text(result: dict[str, Any]) -> str:
    errors = result.get("errors")
    texts = errors if isinstance(errors, list) else [errors] if errors else []
    return harmless("; ".join(str(text) for text in texts) or "no reason was given", 300)


def number(value: Any, default: int = 0) -> int:
    """A figure of a reply as an int: cPanel's older versions give "5.46" and "0" where newer ones give numbers.

    Raises:
        CpanelError: neither a number nor text that is one.
    """
    if value is None or value == "":
        return default
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise CpanelError("protocol", f"cPanel: expected a number, got {harmless(value, 80)!r}")
    try:
        return int(float(value)) if not isinstance(value, int) else value
    except (ValueError, OverflowError):
        raise CpanelError("protocol", f"cPanel: expected a number, got {harmless(value, 80)!r}") from None


def prove_access(client: Cpanel) -> str:
    """Carry out one cheap authenticated call and say what was seen: the account's main domain.

    Raises:
        CpanelError: no access; one line.
    """
    data = client.call("DomainInfo", "list_domains")
    main = data.get("main_domain") if isinstance(data, dict) else None
    if not isinstance(main, str) or not main:
        raise CpanelError(
            "protocol", f"{client!r}: DomainInfo::list_domains names no main domain: not an account's port"
        )
    return f"cPanel answered an authenticated call for the account of {harmless(main, 120)}"


__all__ = ["DEFAULT_PORT", "Account", "Cpanel", "CpanelError", "Download", "number", "prove_access"]
