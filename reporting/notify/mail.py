"""One e-mail with one attachment: built by RFC 5322, handed to the agency's own server by RFC 5321 (smtplib).

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
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import make_msgid
from pathlib import Path
from typing import Any

from reporting.text import harmless
from reporting.unit import Mail

PASSWORD_VARIABLE = "LAMAN_SECRET_SMTP"  # noqa: S105 - the name of the variable, no password
_XLSX = ("application", "vnd.openxmlformats-officedocument.spreadsheetml.sheet")
_WHOLE = 5  # times timeout_seconds: the longest that a whole conversation may take, however slowly it drips
_PLAIN = re.compile(r"[A-Za-z0-9 -]{0,60}")
_NOT_IN_A_FILE_NAME = re.compile(r"[^A-Za-z0-9._-]")
_POLICY = SMTP.clone(refold_source="none")
_OK, _FORWARDED = 250, 251
_TRANSIENT = range(400, 500)


class MailError(Exception):
    """The message was not sent; one line: which server, what it said, what to do."""


class MailUncertainError(MailError):
    """The connection broke after the message was handed over: it may have been delivered."""


@dataclass(frozen=True)
class Letter:
    """What is sent. Texts may come from outside: they are made harmless here."""

    to_name: str
    to_address: str
    from_name: str
    sender: str
    subject: str
    body: str
    attachment: str  # the file's name, .xlsx
    content: bytes
    date: datetime  # with a zone


def build(letter: Letter) -> EmailMessage:
    """The message, 7-bit clean: names and subject in encoded words, text quoted-printable, the workbook in base64.

    Headers with text in them are written here and never folded again: Python 3.11 loses the quotes of a long display
    name when it folds it, and an address inside the name becomes the recipient.
    """
    message = EmailMessage(policy=_POLICY)
    message.set_raw("From", _mailbox("From", letter.from_name, letter.sender))
    message.set_raw("To", _mailbox("To", letter.to_name, letter.to_address))
    message.set_raw("Subject", _encoded("Subject", letter.subject, 150))
    message["Date"] = letter.date
    message["Message-ID"] = make_msgid(domain=letter.sender.rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday notes in return
    message.set_content(letter.body, cte="quoted-printable")
    message.add_attachment(letter.content, *_XLSX, filename=_NOT_IN_A_FILE_NAME.sub("_", letter.attachment[-80:]))
    return message


def _mailbox(header: str, name: str, address: str) -> str:
    """A display name and an address; the address (checked by the settings) stands in angle brackets, always."""
    phrase = _encoded(header, name, 100)
    return f"{phrase}\r\n <{address}>" if phrase else f"<{address}>"


def _encoded(header: str, text: str, limit: int) -> str:
    """One line of text as it may stand in a header: a few plain words as they are, all else as RFC 2047 encoded words.

    Inside encoded words no character means anything to who reads the header: no comma, quote, bracket or `=?`.
    """
    line = " ".join(harmless(text, limit).split())
    return line if _PLAIN.fullmatch(line) else Header(line, "utf-8", header_name=header).encode(linesep="\r\n")


def deliver(message: EmailMessage, mail: Mail, password: str | None, ca_file: Path | None = None) -> str:
    """Hand a message to the server; returns what it said when it took it.

    `ca_file`: PEM of the authority that is trusted instead of the system's.

    Raises:
        MailUncertainError: the connection broke while the message itself was handed over.
        MailError: it was not sent.
    """
    talk = _Talk(mail, password, ca_file)
    session = talk.opened()
    try:
        talk.log_in(session)
        return talk.hand_over(session, message)
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
                f"{self.server} refused STARTTLS ({self._said(error)}): nothing is sent unencrypted"
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
                    f"check laman_unit.mail.user and {PASSWORD_VARIABLE}"
                ) from None
            except smtplib.SMTPNotSupportedError:
                raise MailError(f"{self.server} offers no login: leave laman_unit.mail.user out?") from None

    def hand_over(self, session: _Session, message: EmailMessage) -> str:
        """MAIL, RCPT, DATA; returns the reply to the message."""
        content = message.as_bytes()
        (to,) = message["To"].addresses
        with self._told():
            size = [f"size={len(content)}"] if session.has_extn("size") else []
            code, text = session.mail(self.mail.sender, size)
            self._expect(code, text, f"the sender {self.mail.sender}", _OK)
            code, text = session.rcpt(to.addr_spec)
            self._expect(code, text, f"the recipient {to.addr_spec}", _OK, _FORWARDED)
        try:
            code, text = session.data(content)
        except smtplib.SMTPDataError as error:  # the answer to DATA, before the message
            code, text = error.smtp_code, _bytes(error.smtp_error)
        except OSError as error:
            raise MailUncertainError(
                f"{self.server}: {self._what(error)} after the message was handed over: it may have been "
                f"delivered; ask {to.addr_spec} before it is sent again"
            ) from None
        self._expect(code, text, "the message", _OK)
        return self._clean(text)

    def _expect(self, code: int, text: bytes, what: str, *good: int) -> None:
        if code not in good:
            later = " for now: try again in some minutes" if code in _TRANSIENT else ""
            raise MailError(f"{self.server} refused {what}{later} ({code} {self._clean(text)})")

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Whatever breaks, as one line."""
        try:
            yield
        except smtplib.SMTPResponseException as error:
            raise MailError(f"{self.server} refused ({self._said(error)})") from None
        except OSError as error:
            raise MailError(f"{self.server}: {self._what(error)}; nothing was sent") from None

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


def _packed(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _bytes(text: bytes | str) -> bytes:
    return text if isinstance(text, bytes) else text.encode()


def _timed_out(error: OSError) -> bool:
    """Also where smtplib made "closed" of it."""
    return isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError)
