"""An emulator of cPanel's HTTPS port (2083) for tests: UAPI, downloads, and the faults that real hosts produce.

Made from cPanel's public documentation and from what public client code expects (envelopes, 401/403 bodies, strings
for numbers); never compared with a live server. HTTPS on loopback with a certificate made on the spot.

    with CpanelEmulator(tmp_path) as cpanel:
        cpanel.fault = "login_page"
        Cpanel(Account("localhost", cpanel.user, cpanel.token, cpanel.port, cpanel.ca_file))
"""

from __future__ import annotations

import gzip
import ipaddress
import json
import ssl
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qsl, unquote, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Fault = Literal[
    "",
    "http_401",  # how newer servers answer a bad token
    "http_403",  # "Forbidden Access denied" with the old cpanelresult body
    "http_503",
    "denied_200",  # the old denial body with HTTP 200
    "login_page",  # HTTP 200 with the log-in page
    "redirect",  # 301 to another host name
    "status_0",  # a feature that the provider disabled
    "status_0_echo",  # the error text repeats the token
    "wrapped",  # the envelope of WHM and of the command line
    "not_json",
    "no_status",
    "slow",  # silent for `delay` seconds before the answer
    "drip",  # a byte now and then, for ever
    "cut",  # Content-Length is honest, the connection ends half-way
    "cut_unannounced",  # no Content-Length, the connection ends half-way
    "download_cut",  # the API answers, a download without a Content-Length ends half-way
    "empty_gzip",  # a whole gzip of nothing, as a failed dump leaves it
    "dump_error",  # the dump is mysqldump's error text
    "backup_never",  # a full backup "begins", and its archive never comes (quota)
    "backup_grows",  # its archive is there at once and is still growing
    "backup_cut",  # its archive stays truncated
    "no_backupinfo",  # an older server: the home directory has to be listed
    "no_unlink",  # API 2 is switched off
]

LOGIN_PAGE = b"<!DOCTYPE html>\n<html lang='en'><head><title>cPanel Login</title></head><body id='login'></body></html>"
DENIED = {
    "cpanelresult": {
        "apiversion": "2",
        "error": "Access denied",
        "data": {"reason": "Access denied", "result": "0"},
        "type": "text",
    }
}


def make_certificate(
    folder: Path, names: tuple[str, ...] = ("localhost", "127.0.0.1"), days: int = 90
) -> tuple[Path, Path]:
    """A self-signed certificate and its key as PEM files; `days` may be negative for an expired one."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    alternatives: list[x509.GeneralName] = [
        x509.IPAddress(ipaddress.ip_address(n)) if n[0].isdigit() else x509.DNSName(n) for n in names
    ]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=100))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)  # 3.13 asks for it
        .sign(key, hashes.SHA256())
    )
    folder.mkdir(parents=True, exist_ok=True)
    cert_file, key_file = folder / "cert.pem", folder / "key.pem"
    cert_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    key_file.chmod(0o600)
    return cert_file, key_file


@dataclass
class State:
    """What the account holds; tests change it freely."""

    user: str = "dinas"
    token: str = "U7HMR63FGY292DQZ4H5BFH16JLYMO01M"
    main_domain: str = "dinas.example"
    files: dict[str, bytes] = field(default_factory=dict)  # absolute path -> content
    databases: dict[str, bytes] = field(default_factory=dict)  # name -> SQL
    log_mtimes: dict[str, int] = field(default_factory=dict)  # archive path -> mtime
    fault: Fault = ""
    delay: float = 2.0  # seconds, for the slow faults
    strings_for_numbers: bool = False  # older servers
    seen: list[tuple[str, str]] = field(default_factory=list)  # (path with query, Authorization)
    home: bytes = b""  # the tar of the home directory's own download, not packed
    account: bytes = b""  # the tar of a full backup, not packed
    backup_after: float = 0.0  # seconds until a full backup's archive is whole
    inodes: int | None = None  # what the quota counts
    backups: dict[str, float] = field(default_factory=dict)  # archive -> when it was begun (monotonic)


class CpanelEmulator(State):
    """A running emulator; a context manager. `port` is free-chosen, `ca_file` is what a client has to trust."""

    def __init__(self, folder: Path, *, names: tuple[str, ...] = ("localhost", "127.0.0.1"), days: int = 90) -> None:
        super().__init__()
        self.ca_file, key_file = make_certificate(folder / "tls", names, days)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.ca_file, key_file)
        self._stop = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _handler(self, self._stop), context)
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def __enter__(self) -> CpanelEmulator:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def add_log_archive(self, name: str, content: bytes, mtime: int) -> None:
        """Put a monthly archive ("dinas.example-Nov-2026.gz") into the account's ~/logs."""
        path = f"/home/{self.user}/logs/{name}"
        self.files[path] = content
        self.log_mtimes[path] = mtime


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(
        self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler], context: ssl.SSLContext
    ) -> None:
        self._context = context
        super().__init__(address, handler)

    def finish_request(self, request: Any, client_address: Any) -> None:
        """The handshake happens in the request's own thread; a client that refuses our certificate ends only it."""
        try:
            secured = self._context.wrap_socket(request, server_side=True)
        except (ssl.SSLError, OSError):
            return
        try:
            super().finish_request(secured, client_address)
        finally:
            secured.close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is what several tests are about; nothing to print."""


def _handler(state: CpanelEmulator, stop: threading.Event) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        server_version = "cpsrvd"
        sys_version = ""

        def log_message(self, *_args: Any) -> None:
            return None

        def do_GET(self) -> None:
            authorization = self.headers.get("Authorization", "")
            state.seen.append((self.path, authorization))
            self.close_connection = True
            if _transport_fault(self, state, stop):
                return
            if authorization != f"cpanel {state.user}:{state.token}":
                _send(self, 401, b"Unauthorized\n", "text/plain")
                return
            target = urlsplit(self.path)
            params = dict(parse_qsl(target.query))
            path = unquote(target.path)
            if path == "/json-api/cpanel":
                _send(self, 200, json.dumps(_api2(state, params)).encode(), "application/json")
            elif path.startswith("/execute/"):
                _uapi(self, state, path, params)
            else:
                _plain_get(self, state, path, params)

    return Handler


def _transport_fault(handler: BaseHTTPRequestHandler, state: State, stop: threading.Event) -> bool:
    """Answer instead of cPanel when such a fault is on."""
    fault = state.fault
    if fault == "http_401":
        _send(handler, 401, b"Unauthorized\n", "text/plain")
    elif fault == "http_403":
        _send(
            handler, 403, json.dumps(DENIED).encode(), 'text/plain; charset="utf-8"', reason="Forbidden Access denied"
        )
    elif fault == "denied_200":
        _send(handler, 200, json.dumps(DENIED).encode(), "application/json")
    elif fault == "http_503":
        _send(handler, 503, b"Service Unavailable", "text/plain")
    elif fault == "login_page":
        _send(handler, 200, LOGIN_PAGE, 'text/html; charset="utf-8"')
    elif fault == "not_json":
        _send(handler, 200, b"\x1b[31mnot json\xff", "application/json")
    elif fault == "redirect":
        handler.send_response(301)
        handler.send_header("Location", f"https://evil.example:2083{handler.path}")
        handler.send_header("Content-Length", "0")
        handler.end_headers()
    elif fault == "slow":
        stop.wait(state.delay)
        return False
    elif fault == "drip":
        _drip(handler, state.delay, stop)
    else:
        return False
    return True


def _drip(handler: BaseHTTPRequestHandler, seconds: float, stop: threading.Event) -> None:
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.end_headers()
    until = time.monotonic() + seconds
    try:
        while time.monotonic() < until and not stop.wait(0.05):
            handler.wfile.write(b" ")
            handler.wfile.flush()
    except OSError:
        return  # the client gave up: what the test wants


def _send(
    handler: BaseHTTPRequestHandler, status: int, body: bytes, kind: str, *, reason: str | None = None, name: str = ""
) -> None:
    handler.send_response(status, reason)
    handler.send_header("Content-Type", kind)
    handler.send_header("Content-Length", str(len(body)))
    handler.send_header("Connection", "close")
    if name:
        handler.send_header("Content-Disposition", f'attachment; filename="{name}"')
    handler.end_headers()
    handler.wfile.write(body)


def _uapi(handler: BaseHTTPRequestHandler, state: State, path: str, params: dict[str, str]) -> None:
    module, _, function = path.removeprefix("/execute/").partition("/")
    if state.fault == "status_0":
        reply = _reply(None, ["You do not have the feature “backup”."])
    elif state.fault == "status_0_echo":
        reply = _reply(None, [f"bad token {state.token} \x1b[31m"])
    else:
        known = _FUNCTIONS.get((module, function))
        if known is None:
            reply = _reply(None, [f"Failed to load module “{module}”: the function “{function}” was not found."])
        else:
            reply = known(state, params)
    if state.fault == "no_status":
        reply = {"answer": reply["data"]}
    if state.fault == "wrapped":
        reply = {"apiversion": 3, "module": module, "func": function, "result": reply}
    body = json.dumps(_older(reply) if state.strings_for_numbers else reply).encode()
    if state.fault in ("cut", "cut_unannounced"):
        _send_half(handler, body, "application/json", announced=state.fault == "cut")
    else:
        _send(handler, 200, body, "application/json")


def _reply(data: Any, errors: list[str] | None = None) -> dict[str, Any]:
    metadata = {"transformed": 1} if isinstance(data, list) else {}
    return {
        "status": 0 if errors else 1,
        "errors": errors,
        "messages": None,
        "warnings": None,
        "metadata": metadata,
        "data": data,
    }


def _older(value: Any) -> Any:
    """Numbers as strings, everywhere but in `status`."""
    if isinstance(value, dict):
        return {key: item if key == "status" else _older(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_older(item) for item in value]
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _list_domains(state: State, _params: dict[str, str]) -> dict[str, Any]:
    return _reply(
        {
            "main_domain": state.main_domain,
            "addon_domains": [],
            "parked_domains": [f"www2.{state.main_domain}"],
            "sub_domains": [f"ppid.{state.main_domain}"],
        }
    )


def _quota(state: State, _params: dict[str, str]) -> dict[str, Any]:
    used = sum(map(len, state.files.values())) + sum(map(len, state.databases.values()))
    return _reply(
        {
            "inode_limit": 0,
            "inodes_remain": 0,
            "inodes_used": len(state.files) if state.inodes is None else state.inodes,
            "megabyte_limit": 250,
            "megabytes_remain": round(250 - used / 2**20, 2),
            "megabytes_used": round(used / 2**20, 2),
            "under_inode_limit": 1,
            "under_megabyte_limit": 1,
            "under_quota_overall": 1,
        }
    )


def _list_archives(state: State, _params: dict[str, str]) -> dict[str, Any]:
    return _reply(
        [
            {"file": path.rpartition("/")[2], "mtime": mtime, "path": path}
            for path, mtime in sorted(state.log_mtimes.items())
        ]
    )


def _list_databases(state: State, _params: dict[str, str]) -> dict[str, Any]:
    return _reply(
        [
            {"database": name, "disk_usage": len(sql), "users": [f"{state.user}_web"]}
            for name, sql in sorted(state.databases.items())
        ]
    )


def _user_information(state: State, params: dict[str, str]) -> dict[str, Any]:
    known = {"user": state.user, "domain": state.main_domain, "home": f"/home/{state.user}", "shell": "/bin/bash"}
    wanted = params.get("name")
    return _reply({wanted: known.get(wanted)} if wanted else known)


def _full_backup(state: State, _params: dict[str, str]) -> dict[str, Any]:
    now = datetime.now(UTC)
    name = f"/home/{state.user}/backup-{now.month}.{now:%d.%Y_%H-%M-%S}_{state.user}.tar.gz"
    if state.fault != "backup_never":
        state.backups[name] = time.monotonic()
    return _reply({"pid": "2857"})


def _archive(state: State, path: str) -> tuple[bytes, bool]:
    """What of a full backup is there by now, and whether that is all."""
    packed = gzip.compress(state.account, mtime=0)
    share = min(1.0, (time.monotonic() - state.backups[path]) / state.backup_after) if state.backup_after else 1.0
    if state.fault == "backup_cut":
        share = min(share, 0.5)
    return packed[: int(len(packed) * share)], share == 1.0


def _list_backups(state: State, params: dict[str, str]) -> dict[str, Any]:
    if state.fault == "no_backupinfo":
        return _reply(None, ["Failed to load module “BackupInfo”."])
    listed = []
    for path in state.backups:
        content, whole = _archive(state, path)
        status = "ready" if whole or state.fault == "backup_cut" else "inprogress"
        listed.append({"name": path, "fullpath": path, "mtime": 1, "sizeBytes": len(content), "status": status})
    return _reply(listed)


def _list_files(state: State, _params: dict[str, str]) -> dict[str, Any]:
    return _reply(
        [
            {"file": path.rpartition("/")[2], "fullpath": path, "size": len(_archive(state, path)[0]), "type": "file"}
            for path in state.backups
        ]
    )


def _api2(state: State, params: dict[str, str]) -> dict[str, Any]:
    """The older API: only the removal of a file."""
    known = (params.get("cpanel_jsonapi_module"), params.get("cpanel_jsonapi_func")) == ("Fileman", "fileop")
    gone = known and state.fault != "no_unlink" and params.get("op") == "unlink"
    done = gone and state.backups.pop(params.get("sourcefiles", ""), None) is not None
    error = {} if done else {"error": "Permission denied"}
    return {"cpanelresult": {"apiversion": 2, "data": [{"result": int(done)}], "event": {"result": int(done)}, **error}}


_FUNCTIONS = {
    ("Backup", "fullbackup_to_homedir"): _full_backup,
    ("BackupInfo", "list"): _list_backups,
    ("Fileman", "list_files"): _list_files,
    ("DomainInfo", "list_domains"): _list_domains,
    ("LogManager", "list_archives"): _list_archives,
    ("Mysql", "list_databases"): _list_databases,
    ("Quota", "get_quota_info"): _quota,
    ("Variables", "get_user_information"): _user_information,
}


def _plain_get(handler: BaseHTTPRequestHandler, state: State, path: str, params: dict[str, str]) -> None:
    name, body = _download(state, path, params)
    if body is None:
        _send(handler, 404, b"<html>not found</html>", "text/html")
    elif state.fault in ("cut", "cut_unannounced", "download_cut"):
        _send_half(handler, body, "application/x-gzip", announced=state.fault == "cut")
    else:
        content = gzip.compress(b"") if state.fault == "empty_gzip" else body
        _send(
            handler, 200, content, "application/x-gzip" if name.endswith(".gz") else "application/x-download", name=name
        )


def _download(state: State, path: str, params: dict[str, str]) -> tuple[str, bytes | None]:
    if path.startswith("/getsqlbackup/"):
        name = path.removeprefix("/getsqlbackup/")
        sql = state.databases.get(name.removesuffix(".sql.gz"))
        if state.fault == "dump_error":
            sql = b"mysqldump: Got error: 1044: Access denied when using LOCK TABLES\n"
        return name, None if sql is None else gzip.compress(sql)
    if path.startswith("/getbackup/backup-") and state.home:
        return path.rpartition("/")[2], gzip.compress(state.home)
    if path == "/download":
        wanted = params.get("file", "")
        if wanted in state.backups:
            return wanted.rpartition("/")[2], _archive(state, wanted)[0]
        return wanted.rpartition("/")[2], state.files.get(wanted)
    return "", None


def _send_half(handler: BaseHTTPRequestHandler, body: bytes, kind: str, *, announced: bool) -> None:
    handler.send_response(200)
    handler.send_header("Content-Type", kind)
    handler.send_header("Content-Disposition", 'attachment; filename="half.gz"')
    if announced:
        handler.send_header("Content-Length", str(len(body)))
    handler.send_header("Connection", "close")
    handler.end_headers()
    handler.wfile.write(body[: len(body) // 2])
