"""A small real web server for tests of the content check: pages by path, over HTTP or HTTPS on loopback, and faults.

A route is bytes (HTML), a `Page`, or a function that writes the answer by itself (hostile pages).
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.emulators.cpanel import make_certificate

Custom = Callable[[BaseHTTPRequestHandler], None]


@dataclass(frozen=True)
class Page:
    body: bytes = b""
    status: int = 200
    kind: str = "text/html; charset=utf-8"
    headers: dict[str, str] = field(default_factory=dict)


class WebServer:
    """A running server; a context manager. `seen` holds the requests as (path with query, user agent)."""

    def __init__(self, tls: Path | None = None, days: int = 90) -> None:
        self.routes: dict[str, bytes | Page | Custom] = {}
        self.seen: list[tuple[str, str]] = []
        self.most_at_once = 0
        self._now = 0
        self._lock = threading.Lock()
        self._server = _Quiet(("127.0.0.1", 0), _handler(self))
        self.ca_file: Path | None = None
        if tls is not None:
            self.ca_file, key = make_certificate(tls, days=days)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.ca_file, key)
            self._server.context = context
        self.port = int(self._server.server_address[1])
        self.url = f"{'https' if tls else 'http'}://localhost:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def __enter__(self) -> WebServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def paths(self) -> list[str]:
        """Paths that were asked for, in order."""
        return [path for path, _ in self.seen]

    def enter(self, path: str, agent: str) -> None:
        with self._lock:
            self.seen.append((path, agent))
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)

    def leave(self) -> None:
        with self._lock:
            self._now -= 1


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256
    context: ssl.SSLContext | None = None

    def finish_request(self, request: Any, client_address: Any) -> None:
        if self.context is None:
            super().finish_request(request, client_address)
            return
        try:
            secured = self.context.wrap_socket(request, server_side=True)
        except OSError:  # a client that does not trust us
            return
        try:
            super().finish_request(secured, client_address)
        finally:
            secured.close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up on a hostile page are what the tests want."""


def _handler(server: WebServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_args: Any) -> None:
            return None

        def do_GET(self) -> None:
            server.enter(self.path, self.headers.get("User-Agent", ""))
            try:
                self._answer(server.routes.get(self.path, server.routes.get(self.path.partition("?")[0])))
            finally:
                server.leave()

        def _answer(self, route: bytes | Page | Custom | None) -> None:
            if callable(route):
                self.close_connection = True
                route(self)
                return
            page = route if isinstance(route, Page) else Page(route) if route is not None else Page(b"no", 404)
            self.send_response(page.status)
            self.send_header("Content-Type", page.kind)
            self.send_header("Content-Length", str(len(page.body)))
            for name, value in page.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(page.body)

    return Handler
