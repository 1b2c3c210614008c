"""One e-mail with one attachment or none, built by RFC 5322. Whatever stands in its texts, it stays one text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import make_msgid

from reporting.text import harmless

_XLSX = ("application", "vnd.openxmlformats-officedocument.spreadsheetml.sheet")
_PLAIN = re.compile(r"[A-Za-z0-9 -]{0,60}")
_NOT_IN_A_FILE_NAME = re.compile(r"[^A-Za-z0-9._-]")
_POLICY = SMTP.clone(refold_source="none")


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
    content: bytes | None  # None: nothing is attached
    date: datetime  # with a zone
    message_id: str = ""  # with its angle brackets; "": a new one


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
    message.set_raw("Message-ID", letter.message_id or make_msgid(domain=letter.sender.rpartition("@")[2]))
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday notes in return
    message.set_content(letter.body, cte="quoted-printable")
    if letter.content is not None:
        name = _NOT_IN_A_FILE_NAME.sub("_", letter.attachment[-80:])
        message.add_attachment(letter.content, *_XLSX, filename=name)
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
