"""A local RDAP server (RFC 9083 over HTTP by RFC 7480) that also misbehaves, on purpose, by the name it is asked.

The first label of a name that is in FAULTS is the fault (`html.uji.id` answers HTML); every other name ends in
`days` days, unless `ends` says otherwise.

    with RdapServer() as server:
        watch = Watch(method="rdap", name="kantor.uji.id", base_url=server.url)

By itself (for molecule): python -m tests.emulators.rdap start FOLDER, and stop FOLDER. `start` finds one that runs.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import socketserver
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.emulators.cpanel import make_certificate

ROOT = Path(__file__).resolve().parents[2]
TYPE = "application/rdap+json"


class RdapServer:
    """A running server; a context manager. `seen` holds the paths that were asked."""

    def __init__(self, tls: Path | None = None, days: int = 100) -> None:
        self.days = days
        self.ends: dict[str, datetime] = {}
        self.statuses: dict[str, list[str]] = {}
        self.seen: list[str] = []
        self.flaky_left = 1
        self.stopping = threading.Event()
        self._server = _Quiet(("127.0.0.1", 0), _handler(self))
        self.ca_file: Path | None = None
        if tls is not None:
            self.ca_file, key = make_certificate(tls)
            self._server.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._server.context.load_cert_chain(self.ca_file, key)
        self.port = int(self._server.server_address[1])
        self.url = f"{'https' if tls else 'http'}://localhost:{self.port}/rdap/"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def __enter__(self) -> RdapServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def end_of(self, name: str) -> datetime:
        """The end that a good answer gives."""
        midnight = datetime.now(UTC).replace(hour=16, minute=59, second=59, microsecond=0)  # the day's end in Jakarta
        return self.ends.get(name, midnight + timedelta(days=self.days))

    def domain(self, name: str, **changes: Any) -> dict[str, Any]:
        """A good answer about `name`, with members changed; None takes one out."""
        content = {
            "rdapConformance": ["rdap_level_0"],
            "objectClassName": "domain",
            "handle": f"PANDI-DO{len(name)}",
            "ldhName": name,
            "status": self.statuses.get(name, ["active"]),
            "events": [
                {"eventAction": "registration", "eventDate": "2011-03-09T10:10:10Z"},
                {"eventAction": "expiration", "eventDate": f"{self.end_of(name).astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"},
                {"eventAction": "registrar expiration", "eventDate": "2040-01-01T00:00:00Z"},
                {"eventAction": "last changed", "eventDate": "2026-01-01T00:00:00Z"},
            ],
            "nameservers": [{"objectClassName": "nameserver", "ldhName": f"ns{n}.{name}"} for n in (1, 2)],
            "entities": [{"objectClassName": "entity", "handle": "garuda", "roles": ["registrar"]}],
        } | changes
        return {key: value for key, value in content.items() if value is not None}


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256
    context: ssl.SSLContext | None = None

    def finish_request(self, request: Any, client_address: Any) -> None:
        if self.context is None:
            super().finish_request(request, client_address)
            return
        with contextlib.suppress(OSError):  # a client that does not trust us
            secured = self.context.wrap_socket(request, server_side=True)
            try:
                super().finish_request(secured, client_address)
            finally:
                secured.close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up on a hostile answer are what the tests want."""


def _handler(server: RdapServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 64 << 10
        disable_nagle_algorithm = True

        def log_message(self, *_args: Any) -> None:
            return None

        def do_GET(self) -> None:
            server.seen.append(self.path)
            name = self.path.rpartition("/")[2].lower()
            fault = FAULTS.get(name.partition(".")[0])
            if fault is not None:
                fault(self, server, name)
            elif self.path.startswith("/rdap/domain/"):
                send(self, server.domain(name))
            else:
                send(self, {"errorCode": 400}, 400)

    return Handler


def send(handler: BaseHTTPRequestHandler, content: Any, status: int = 200, kind: str = TYPE, **headers: str) -> None:
    """Answer with JSON, or with bytes as they are."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    handler.send_response(status)
    handler.send_header("Content-Type", kind)
    handler.send_header("Content-Length", str(len(body)))
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


Fault = Callable[[BaseHTTPRequestHandler, RdapServer, str], None]


def _expiring(*dates: str) -> Fault:
    """Good but for its expiration events."""
    events = [{"eventAction": "expiration", "eventDate": date} for date in dates]
    return lambda h, s, n: send(h, s.domain(n, events=events))


def _endless(handler: BaseHTTPRequestHandler, server: RdapServer, _name: str) -> None:
    """A body without end, as fast as it is taken."""
    handler.close_connection = True
    handler.send_response(200)
    handler.send_header("Content-Type", TYPE)
    handler.end_headers()
    with contextlib.suppress(OSError):
        while not server.stopping.is_set():
            handler.wfile.write(b'{"a":' * 20_000)


def _drip(handler: BaseHTTPRequestHandler, server: RdapServer, name: str) -> None:
    """A byte now and then."""
    handler.close_connection = True
    handler.send_response(200)
    handler.send_header("Content-Type", TYPE)
    handler.end_headers()
    with contextlib.suppress(OSError):
        for byte in json.dumps(server.domain(name)).encode():
            handler.wfile.write(bytes([byte]))
            handler.wfile.flush()
            if server.stopping.wait(0.1):
                return


def _cut(handler: BaseHTTPRequestHandler, server: RdapServer, name: str) -> None:
    """Half of what was announced."""
    handler.close_connection = True
    body = json.dumps(server.domain(name)).encode()
    handler.send_response(200)
    handler.send_header("Content-Type", TYPE)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body[: len(body) // 2])


def _flaky(handler: BaseHTTPRequestHandler, server: RdapServer, name: str) -> None:
    """503 for the first questions, then well."""
    if server.flaky_left > 0:
        server.flaky_left -= 1
        send(handler, {"errorCode": 503}, 503)
    else:
        send(handler, server.domain(name))


def _redirect(to: str) -> Fault:
    return lambda h, s, n: send(h, b"", 302, Location=to.format(url=s.url, name=n))


FAULTS: dict[str, Fault] = {
    "html": lambda h, s, n: send(h, b"<!DOCTYPE html><title>Selamat datang</title>", kind="text/html; charset=utf-8"),
    "html-as-json": lambda h, s, n: send(h, b"<!DOCTYPE html><title>Selamat datang</title>"),
    "gone": lambda h, s, n: send(h, {"errorCode": 404, "title": "not found"}, 404),
    "busy": lambda h, s, n: send(h, {"errorCode": 429}, 429, Retry_After="3600"),
    "busy-until": lambda h, s, n: send(h, {"errorCode": 429}, 429, Retry_After="Mon, 23 Nov 2026 07:00:00 GMT"),
    "busy-silent": lambda h, s, n: send(h, {"errorCode": 429}, 429),
    "down": lambda h, s, n: send(h, {"errorCode": 503}, 503),
    "flaky": _flaky,
    "other": lambda h, s, n: send(h, s.domain("parkir.example.id")),
    "nameless": lambda h, s, n: send(h, s.domain(n, ldhName=None)),
    "upper": lambda h, s, n: send(h, s.domain(n, ldhName=f"{n.upper()}.")),
    "entity": lambda h, s, n: send(h, s.domain(n, objectClassName="entity")),
    "list": lambda h, s, n: send(h, [s.domain(n)]),
    "deep": lambda h, s, n: send(h, b"[" * 200_000 + b"]" * 200_000),
    "no-event": lambda h, s, n: send(h, s.domain(n, events=[{"eventAction": "registration", "eventDate": "x"}])),
    "no-events": lambda h, s, n: send(h, s.domain(n, events=None)),
    "odd-events": lambda h, s, n: send(h, s.domain(n, events=["expiration", 7, {"eventAction": ["expiration"]}])),
    "twice": _expiring("2027-03-09T16:59:59Z", "2028-03-09T16:59:59Z"),
    "same-twice": _expiring("2027-03-09T16:59:59Z", "2027-03-09T23:59:59+07:00"),
    "old": _expiring("1996-03-09T10:10:10Z"),
    "far": _expiring("2150-03-09T10:10:10Z"),
    "zoneless": _expiring("2027-03-09T10:10:10"),
    "no-date": _expiring("soon"),
    "year-0": _expiring("0001-01-01T00:00:00+14:00"),
    "month-13": _expiring("2027-13-01T00:00:00Z"),
    "huge": _endless,
    "slow": _drip,
    "cut": _cut,
    "hangup": lambda h, s, n: setattr(h, "close_connection", True),
    "moved": _redirect("/rdap/domain/upper.{name}"),
    "loop": _redirect("/rdap/domain/{name}"),
    "to-file": _redirect("file:/etc/passwd"),
    "to-http": _redirect("http://localhost:9/"),
    "hostile": lambda h, s, n: send(h, s.domain("\x1b[2J{{ 7*7 }}\u202e.id")),
    "hostile-status": lambda h, s, n: send(h, s.domain(n, status=["{{ lookup('pipe', 'id') }}", "\x1b]0;x\x07", 5])),
}  # fmt: skip


class WhoisServer:
    """A WHOIS server (RFC 3912): one line in, `answers[name]` out (bytes, or a function that writes by itself)."""

    def __init__(self) -> None:
        self.answers: dict[str, bytes | Callable[[Any], None]] = {}
        self.seen: list[str] = []
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                name = self.rfile.readline(1000).decode("ascii", "replace").strip()
                outer.seen.append(name)
                answer = outer.answers.get(name, b"DOMAIN NOT FOUND\r\n")
                with contextlib.suppress(OSError):
                    answer(self.wfile) if callable(answer) else self.wfile.write(answer)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def __enter__(self) -> WhoisServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _running(folder: Path) -> int | None:
    """The port of a server that was started for this folder and answers."""
    from urllib.request import urlopen

    try:
        port = json.loads((folder / "rdap.json").read_text())["port"]
        with urlopen(f"http://127.0.0.1:{port}/rdap/domain/uji.id", timeout=5) as answer:
            return int(port) if answer.status == 200 else None
    except (OSError, ValueError):
        return None


def _start(folder: Path) -> str:
    port = _running(folder)
    if port is not None:
        return f"running {port}"
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.Popen(
        [sys.executable, "-m", __spec__.name if __spec__ else "tests.emulators.rdap", "serve", str(folder)],
        cwd=ROOT, start_new_session=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    deadline = time.monotonic() + 30
    while (port := _running(folder)) is None:
        if time.monotonic() > deadline:
            raise SystemExit("the RDAP server did not answer within 30 s")
        time.sleep(0.1)
    return f"started {port}"


def _serve(folder: Path) -> None:
    with RdapServer() as server:
        (folder / "rdap.json").write_text(json.dumps({"port": server.port, "pid": os.getpid()}))
        signal.sigwait({signal.SIGTERM, signal.SIGINT})


def _stop(folder: Path) -> str:
    if _running(folder) is None:
        return "nothing runs"
    os.kill(json.loads((folder / "rdap.json").read_text())["pid"], signal.SIGTERM)
    (folder / "rdap.json").unlink()
    return "stopped"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("action", choices=["start", "serve", "stop"])
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    if options.action == "serve":
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
        _serve(options.folder)
    else:
        print((_start if options.action == "start" else _stop)(options.folder))


if __name__ == "__main__":
    main()
