"""One e-mail, handed to the agency's own server by RFC 5321 (smtplib).

Success is the server's 250 to the message itself, and nothing before it. Whatever the server says is hostile text; the
password is in no message of ours, even where a server throws it back.
"""

from __future__ import annotations

import base64
import contextlib
import re
import smtplib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from reporting.text import harmless
from reporting.unit import Mail

PASSWORD_VARIABLE = "LAMAN_SECRET_SMTP"  # noqa: S105 - the name of the variable, no password
_WHOLE = 5  # times timeout_seconds: the longest that a whole conversation may take, however slowly it drips
_LINE_DOT = re.compile(rb"^\.", re.MULTILINE)  # RFC 5321, 4.5.2
_OK, _FORWARDED, _GO_ON = 250, 251, 354
_TRANSIENT = range(400, 500)


class MailError(Exception):
    """The message was not sent; one line: which server, what it said, what to do.

    `transient`: the server, or the way to it, may be better in a while.
    """

    def __init__(self, line: str, *, transient: bool = False) -> None:
        super().__init__(line)
        self.transient = transient


class MailUncertainError(MailError):
    """The connection broke after the message was handed over: it may have been delivered."""


def deliver(
    message: EmailMessage,
    mail: Mail,
    password: str | None,
    ca_file: Path | None = None,
    begun: Callable[[], None] = lambda: None,
) -> str:
    """Hand a message to the server; returns what it said when it took it.

    `ca_file`: PEM of the authority that is trusted instead of the system's. `begun`: called when the server waits for
    the message and nothing of it was sent; what it raises ends the conversation there.

    Raises:
        MailUncertainError: the connection broke while the message itself was handed over.
        MailError: it was not sent.
    """
    talk = _Talk(mail, password, ca_file)
    session = talk.opened()
    try:
        talk.log_in(session)
        return talk.hand_over(session, message, begun)
    finally:
        session.end()


class _Session(smtplib.SMTP):
    """A conversation that ends after `seconds` for certain: a timeout alone begins anew with every byte."""

    def __init__(self, *where: Any, seconds: float, overdue: threading.Event, **how: Any) -> None:
        self._overdue = overdue
        self._clock = threading.Timer(seconds, self._cut)
        self._clock.daemon = True
        self._clock.start()
        try:
            super().__init__(*where, **how)
        except BaseException:
            self._clock.cancel()
            self.close()
            raise

    def getreply(self) -> tuple[int, bytes]:
        """One reply, whole: smtplib takes the half line of a broken connection for one."""
        code, text = super().getreply()
        if self._overdue.is_set():
            raise smtplib.SMTPServerDisconnected("overdue")
        if not 200 <= code < 600:
            raise smtplib.SMTPException("its answer is no SMTP")
        return code, text

    def _cut(self) -> None:
        self._overdue.set()
        if self.sock is not None:
            with contextlib.suppress(OSError):  # it is closed already: that is what was wanted
                socket.socket.shutdown(self.sock, socket.SHUT_RDWR)

    def end(self) -> None:
        """Say goodbye; what the server answers to that changes nothing."""
        with contextlib.suppress(OSError):  # smtplib's errors are OSErrors
            if self.sock is not None:
                self.quit()
        self._clock.cancel()
        self.close()


class _TlsSession(_Session, smtplib.SMTP_SSL):
    """The same, encrypted from the first byte."""


@dataclass
class _Talk:
    """One conversation with the server of the settings."""

    mail: Mail
    password: str | None
    ca_file: Path | None
    overdue: threading.Event = field(default_factory=threading.Event)

    @property
    def server(self) -> str:
        return f"mail server {self.mail.host}:{self.mail.port_used}"

    def opened(self) -> _Session:
        """Connected and encrypted as the settings ask."""
        mail = self.mail
        context = None if mail.security == "none" else self._context()
        whole = _WHOLE * mail.timeout_seconds
        how: dict[str, Any] = {"timeout": mail.timeout_seconds, "seconds": whole, "overdue": self.overdue}
        with self._told():
            if mail.security == "tls":
                session: _Session = _TlsSession(mail.host, mail.port_used, context=context, **how)
            else:
                session = _Session(mail.host, mail.port_used, **how)
        try:
            with self._told():
                session.ehlo_or_helo_if_needed()
                if mail.security == "starttls":
                    self._encrypt(session, context)
        except BaseException:
            session.end()
            raise
        return session

    def _context(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=self.ca_file)
        except (OSError, ssl.SSLError) as error:
            raise MailError(f"laman_unit.mail.ca_file {self.ca_file}: no certificate can be read: {error}") from None

    def _encrypt(self, session: _Session, context: ssl.SSLContext | None) -> None:
        try:
            session.starttls(context=context)
        except smtplib.SMTPNotSupportedError:
            raise MailError(f"{self.server} offers no STARTTLS: nothing is sent unencrypted") from None
        except smtplib.SMTPResponseException as error:
            raise MailError(
                f"{self.server} refused STARTTLS ({self._said(error)}): nothing is sent unencrypted",
                transient=error.smtp_code in _TRANSIENT,
            ) from None
        session.ehlo()

    def log_in(self, session: _Session) -> None:
        """With the user of the settings, if there is one."""
        if self.mail.user is None:
            return
        if not self.password or not self.password.isascii() or not self.password.isprintable():
            raise MailError(
                f"laman_unit.mail.user is {self.mail.user}, and the environment variable {PASSWORD_VARIABLE} "
                "holds no password in ASCII: set it"
            )
        with self._told():
            try:
                session.login(self.mail.user, self.password)
            except smtplib.SMTPAuthenticationError as error:
                raise MailError(
                    f"{self.server} refused the login of {self.mail.user} ({error.smtp_code}): "
                    f"check laman_unit.mail.user and {PASSWORD_VARIABLE}",
                    transient=error.smtp_code in _TRANSIENT,
                ) from None
            except smtplib.SMTPNotSupportedError:
                raise MailError(f"{self.server} offers no login: leave laman_unit.mail.user out?") from None

    def hand_over(self, session: _Session, message: EmailMessage, begun: Callable[[], None]) -> str:
        """MAIL, RCPT, DATA, the message; returns the reply to the message."""
        content = message.as_bytes()
        (to,) = message["To"].addresses
        self._fits(session, len(content))
        with self._told():
            size = [f"size={len(content)}"] if session.has_extn("size") else []
            code, text = session.mail(self.mail.sender, size)
            self._expect(code, text, f"the sender {self.mail.sender}", _OK)
            code, text = session.rcpt(to.addr_spec)
            self._expect(code, text, f"the recipient {to.addr_spec}", _OK, _FORWARDED)
            code, text = session.docmd("DATA")
            self._expect(code, text, "the message", _GO_ON)
        try:
            begun()
        except BaseException:
            session.close()  # without the dot at its end there is no message
            raise
        try:
            session.send(_LINE_DOT.sub(b"..", content) + b".\r\n")
            code, text = session.getreply()
        except OSError as error:
            raise MailUncertainError(
                f"{self.server}: {self._what(error)} after the message was handed over: it may have been "
                f"delivered; ask {to.addr_spec} before it is sent again"
            ) from None
        self._expect(code, text, "the message", _OK)
        return self._clean(text)

    def _fits(self, session: _Session, size: int) -> None:
        """The server's limit (RFC 1870), before anything is sent."""
        said = session.esmtp_features.get("size", "")
        limit = int(said) if said.isascii() and said.isdigit() else 0
        if 0 < limit < size:
            raise MailError(
                f"{self.server} takes {limit // 1000} kB at most, and this message has {-(-size // 1000)} kB: nothing "
                "was sent (a folder has no such limit: laman_unit.delivery.folder)"
            )

    def _expect(self, code: int, text: bytes, what: str, *good: int) -> None:
        if code not in good:
            transient = code in _TRANSIENT
            later = " for now: try again in some minutes" if transient else ""
            raise MailError(f"{self.server} refused {what}{later} ({code} {self._clean(text)})", transient=transient)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Whatever breaks, as one line."""
        try:
            yield
        except smtplib.SMTPResponseException as error:
            transient = error.smtp_code in _TRANSIENT
            raise MailError(f"{self.server} refused ({self._said(error)})", transient=transient) from None
        except OSError as error:
            transient = self.overdue.is_set() or not _is_lasting(error)
            raise MailError(f"{self.server}: {self._what(error)}; nothing was sent", transient=transient) from None

    def _what(self, error: OSError) -> str:
        if self.overdue.is_set():
            return f"the conversation took longer than {_WHOLE * self.mail.timeout_seconds:g} s"
        if _timed_out(error):
            return f"no answer within {self.mail.timeout_seconds:g} s"
        return _of_tls(error) if isinstance(error, ssl.SSLError) else _of_connection(error)

    def _said(self, error: smtplib.SMTPResponseException) -> str:
        return f"{error.smtp_code} {self._clean(_bytes(error.smtp_error))}"

    def _clean(self, text: bytes) -> str:
        """What a server said, harmless and without our password in it, plain or as it is sent."""
        said = " ".join(text.decode("utf-8", "replace").split())
        if self.password and self.mail.user:
            plain = f"\0{self.mail.user}\0{self.password}"
            for secret in (_packed(plain), _packed(self.password), self.password):
                said = said.replace(secret, "(hidden)")
        return harmless(said, 200)


def _of_tls(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        why = harmless(error.verify_message, 200)
        return f"its certificate is not trusted ({why}): laman_unit.mail.ca_file names its authority"
    return f"no TLS with it ({harmless(error.reason or error, 100)}): does laman_unit.mail.security fit the port?"


def _of_connection(error: OSError) -> str:
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return "it closed the connection"
    if isinstance(error, ConnectionRefusedError):
        return "nobody answers there (connection refused)"
    return harmless(error.strerror or error, 200)


def _is_lasting(error: OSError) -> bool:
    """Waiting helps nobody: the certificate, TLS itself, a name that does not exist."""
    return isinstance(error, ssl.SSLError) or (isinstance(error, socket.gaierror) and error.errno == socket.EAI_NONAME)


def _packed(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _bytes(text: bytes | str) -> bytes:
    return text if isinstance(text, bytes) else text.encode()


def _timed_out(error: OSError) -> bool:
    """Also where smtplib made "closed" of it."""
    return isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError)
