"""A local SMTP submission server (RFC 5321 over a real socket) that also misbehaves, on purpose.

It speaks EHLO/HELO, STARTTLS (RFC 3207) and TLS from the first byte with a certificate of its own, AUTH PLAIN and LOGIN
(RFC 4954), MAIL/RCPT/DATA with dot-stuffing, RSET, NOOP, QUIT, and insists on their order: no AUTH before TLS, no MAIL
before AUTH. It is written for these tests and delivers nothing: a message that it took is in `taken`.

    with SmtpServer(tmp_path) as server:
        mail = Mail(host="localhost", port=server.port, ca_file=str(server.ca_file), ...)
"""

from __future__ import annotations

import base64
import contextlib
import socketserver
import ssl
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tests.emulators.cpanel import make_certificate

Security = Literal["starttls", "tls", "none"]
Fault = Literal[
    "", "no_starttls", "starttls_454", "no_auth", "auth_echo", "rcpt_550", "greylist_451", "sender_553", "data_554",
    "data_552", "drop_after_data", "drop_at_greeting", "silent", "slow_after_data", "drip", "half_reply",
    "no_smtp", "drop_after_250",
]  # fmt: skip
USER, PASSWORD = "laman@kantor.example", "kunci-Rahasia-77"


@dataclass(frozen=True)
class Taken:
    """A message that was answered with 250."""

    sender: str
    recipients: list[str]
    content: bytes
    user: str
    encrypted: bool


@dataclass
class Said:
    """What a client did, and the bytes that it sent before any TLS."""

    commands: list[str] = field(default_factory=list)
    plain: bytearray = field(default_factory=bytearray)


class SmtpServer:
    """A running server; a context manager."""

    def __init__(self, folder: Path, security: Security = "starttls", names: tuple[str, ...] = ("localhost",)) -> None:
        self.handed_over = threading.Event()  # a whole message came, whatever is answered
        self.security = security
        self.fault: Fault = ""
        self.mechanisms = "PLAIN LOGIN"
        self.refused: set[str] = set()  # recipients that get a 550
        self.taken: list[Taken] = []
        self.said = Said()
        self.stopping = threading.Event()
        self.ca_file, key = make_certificate(folder / "smtp-tls", names)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(self.ca_file, key)
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def __enter__(self) -> SmtpServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


def _handler(server: SmtpServer) -> type[socketserver.BaseRequestHandler]:
    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError, EOFError):  # a client that goes away ends only its own conversation
                _Dialogue(server, self.request).run()

    return Handler


class _Dialogue:
    """One connection."""

    def __init__(self, server: SmtpServer, connection: ssl.SSLSocket) -> None:
        self.server, self.connection = server, connection
        self.encrypted, self.user = False, ""
        self.sender: str | None = None
        self.recipients: list[str] = []

    def run(self) -> None:
        if self.server.fault == "silent":
            self.server.stopping.wait(20)
            return
        if self.server.security == "tls":
            self._encrypt()
        self.lines = self.connection.makefile("rb")
        if self.server.fault == "drop_at_greeting":
            return
        if self.server.fault == "drip":
            self._drip()
        if self.server.fault == "no_smtp":
            self.say("HTTP/1.1 400 Bad Request", "")
            return
        self.say("220 mail.kantor.example ESMTP siap")
        while (line := self._line()) is not None and self._obey(line):
            pass

    def _drip(self) -> None:
        """A byte now and then, so that no single wait is ever too long."""
        for _ in range(200):
            self.connection.sendall(b"2")
            if self.server.stopping.wait(0.3):
                raise EOFError

    def _encrypt(self) -> None:
        self.connection = self.server.context.wrap_socket(self.connection, server_side=True)
        self.encrypted = True

    def _line(self) -> str | None:
        raw = self.lines.readline(4096)
        if not raw:
            return None
        if not self.encrypted:
            self.server.said.plain += raw
        return raw.decode("ascii").rstrip("\r\n")

    def say(self, *lines: str) -> None:
        self.connection.sendall("".join(f"{line}\r\n" for line in lines).encode())

    def _obey(self, line: str) -> bool:
        word, _, rest = line.partition(" ")
        word = word.upper()
        self.server.said.commands.append(word)
        if word == "QUIT":
            self.say("221 selamat tinggal")
            return False
        known = {"EHLO": self._ehlo, "HELO": self._helo, "STARTTLS": self._starttls, "AUTH": self._auth,
                 "MAIL": self._mail, "RCPT": self._rcpt, "DATA": self._data, "RSET": self._rset,
                 "NOOP": self._noop}  # fmt: skip
        if word not in known:
            self.say("500 perintah tidak dikenal")
            return True
        return known[word](rest) is not False

    def _ehlo(self, _: str) -> None:
        offers = ["SIZE 10485760", "8BITMIME"]
        if self.server.security == "starttls" and not self.encrypted and self.server.fault != "no_starttls":
            offers.append("STARTTLS")
        if self._may_log_in() and self.server.fault != "no_auth":
            offers.append(f"AUTH {self.server.mechanisms}")
        self.say("250-mail.kantor.example", *[f"250-{o}" for o in offers[:-1]], f"250 {offers[-1]}")

    def _helo(self, _: str) -> None:
        self.say("250 mail.kantor.example")

    def _may_log_in(self) -> bool:
        return self.encrypted or self.server.security == "none"

    def _starttls(self, _: str) -> None:
        if self.server.fault == "starttls_454":
            self.say("454 4.7.0 TLS sedang tidak tersedia")
            return
        self.say("220 silakan")
        self._encrypt()
        self.lines = self.connection.makefile("rb")
        self._rset("", quiet=True)

    def _auth(self, rest: str) -> None:
        if not self._may_log_in():
            self.say("530 5.7.0 STARTTLS dahulu")
            return
        kind, _, first = rest.partition(" ")
        if kind.upper() == "PLAIN":
            _, user, password = _unpacked(first or self._asked("")).split("\0")
        else:
            user = _unpacked(first or self._asked("Username:"))
            password = _unpacked(self._asked("Password:"))
        if (user, password) == (USER, PASSWORD):
            self.user = user
            echo = f" {password} {_packed(password)}" if self.server.fault == "auth_echo" else ""
            self.say(f"235 2.7.0 diterima{echo}")
        else:
            self.say(f"535 5.7.8 {password} salah")

    def _asked(self, what: str) -> str:
        self.say(f"334 {_packed(what)}")
        return self._line() or ""

    def _mail(self, rest: str) -> None:
        if not self.user and self.server.security != "none":
            self.say("530 5.7.0 masuk dahulu")
        elif self.server.fault == "sender_553":
            self.say("553 5.7.1 pengirim bukan milik Anda")
        else:
            self.sender, self.recipients = _address(rest), []
            self.say("250 2.1.0 baik")

    def _rcpt(self, rest: str) -> None:
        address = _address(rest)
        if self.sender is None:
            self.say("503 MAIL dahulu")
        elif self.server.fault == "rcpt_550" or address in self.server.refused:
            self.say("550-5.1.1 kotak surat", "550 5.1.1 \x1b[31mtidak ada")
        elif self.server.fault == "greylist_451":
            self.say("451 4.7.1 greylisted")
        else:
            self.recipients.append(address)
            self.say("250 2.1.5 baik")

    def _data(self, _: str) -> bool:
        fault = self.server.fault
        if not self.recipients or self.sender is None:
            self.say("503 RCPT dahulu")
            return True
        if fault == "data_554":
            self.say("554 5.7.1 tidak sekarang")
            return True
        self.say("354 akhiri dengan titik")
        content = self._message()
        self.server.handed_over.set()
        if fault in ("drop_after_data", "half_reply", "slow_after_data"):
            if fault == "half_reply":
                self.connection.sendall(b"25")
            elif fault == "slow_after_data":
                self.server.stopping.wait(20)
            return False
        if fault == "data_552":
            self.say("552 5.3.4 terlalu besar")
            return True
        self.server.taken.append(Taken(self.sender, self.recipients, content, self.user, self.encrypted))
        echo = f" {PASSWORD} {_packed(PASSWORD)}" if fault == "auth_echo" else ""
        self.say(f"250 2.0.0 antre sebagai A{len(self.server.taken)}{echo}")
        self._rset("", quiet=True)
        return fault != "drop_after_250"

    def _message(self) -> bytes:
        """Until the line with a dot alone; a leading dot was doubled (RFC 5321, 4.5.2)."""
        lines = []
        while (raw := self.lines.readline()) != b".\r\n":
            if not raw:
                raise EOFError
            if not raw.endswith(b"\r\n") or len(raw) > 1000:
                raise EOFError  # no line of SMTP: RFC 5321, 4.5.3.1.6
            lines.append(raw[1:] if raw.startswith(b".") else raw)
        return b"".join(lines)

    def _rset(self, _: str, quiet: bool = False) -> None:
        self.sender, self.recipients = None, []
        if not quiet:
            self.say("250 baik")

    def _noop(self, _: str) -> None:
        self.say("250 baik")


def _address(rest: str) -> str:
    return rest.partition("<")[2].partition(">")[0]


def _packed(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _unpacked(text: str) -> str:
    return base64.b64decode(text).decode()
