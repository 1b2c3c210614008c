"""An e-mail as it is built: what stands in its headers whatever the names are, and what comes out of it again."""

from __future__ import annotations

import datetime as dt
import re
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.policy import compat32, default
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from reporting.notify.letter import Letter, build
from reporting.notify.sent import cases_hash
from reporting.notify.words import CaseLine, Words, body, subject
from reporting.text import harmless
from reporting.unit import Mail, Officer

NOW = dt.datetime(2026, 11, 22, 14, 5, tzinfo=dt.timezone(dt.timedelta(hours=7)))
HEADERS = {"from", "to", "subject", "date", "message-id", "auto-submitted", "mime-version", "content-type"}


def letter(**changes: Any) -> Letter:
    values: dict[str, Any] = {
        "to_name": "Siti", "to_address": "siti@kantor.go.id", "from_name": "laman Kantor",
        "sender": "laman@kantor.go.id", "subject": "Kasus", "body": "Yth. Siti\n.\n..titik\n",
        "attachment": "inbox.xlsx", "content": bytes(range(256)) * 9, "date": NOW,
    }  # fmt: skip
    return Letter(**{**values, **changes})


def read(message: EmailMessage) -> EmailMessage:
    return message_from_bytes(message.as_bytes(), policy=default)


def test_what_was_put_in_comes_out() -> None:
    back = read(build(letter(to_name="Ny. Sitî, “M.Kom”", subject="Perpanjangan é – " + "kata " * 30)))
    (to,) = back["To"].addresses
    assert (to.display_name, to.addr_spec) == ("Ny. Sitî, “M.Kom”", "siti@kantor.go.id")
    assert str(back["Subject"]).startswith("Perpanjangan é – kata")
    assert back["Date"].datetime == NOW
    assert str(back["Message-ID"]).endswith("@kantor.go.id>")
    (sheet,) = back.iter_attachments()
    assert (sheet.get_filename(), sheet.get_content()) == ("inbox.xlsx", bytes(range(256)) * 9)
    text = back.get_body()
    assert text is not None
    assert text.get_content().replace("\r\n", "\n") == "Yth. Siti\n.\n..titik\n"


def decoded(header: str) -> str:
    return str(make_header(decode_header(header)))


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=120), st.text(max_size=200), st.text(max_size=60))
@example("0" * 24, "", "")  # Python 3.11 folds the name, loses its quotes: jahat@luar.example was the recipient
@example('"a" <x@y.zz>, ' * 6, "=?utf-8?q?=0D=0ABcc:_x@y.zz?= " * 3, '"; x="a\r\nBcc: b')
@example("=?utf-8?q?=3Cx=40y.zz=3E=2C?= " * 3, "Ringkasan, é" * 20, "../../" * 10)
def test_no_name_makes_a_header(name: str, line: str, file: str) -> None:
    """Whatever stands in a name or a subject: the same headers, the same one recipient, 7 bits, short lines."""
    hostile = f"{name}\r\nBcc: jahat@luar.example\r\n\r\n{name}"
    raw = build(letter(to_name=hostile, from_name=hostile, subject=f"{line}\nBcc: x@y.zz", attachment=file)).as_bytes()
    back = message_from_bytes(raw, policy=default)
    assert {k.lower() for k in back} == HEADERS
    assert [a.addr_spec for a in back["To"].addresses] == ["siti@kantor.go.id"]
    assert [a.addr_spec for a in back["From"].addresses] == ["laman@kantor.go.id"]
    plain = message_from_bytes(raw, policy=compat32)  # `default` keeps spaces between encoded words (RFC 2047, 6.2)
    assert decoded(plain["From"].rpartition(" <")[0]) == " ".join(harmless(hostile, 100).split())
    assert decoded(plain["Subject"]) == " ".join(harmless(f"{line}\nBcc: x@y.zz", 150).split())
    assert re.fullmatch(r"[A-Za-z0-9._-]*", next(back.iter_attachments()).get_filename() or "")
    assert raw.isascii()
    assert max(map(len, raw.split(b"\r\n"))) <= 998


@pytest.mark.parametrize(
    "address",
    ["siti", "siti@kantor", "siti@kantor.go.id\n", "siti@kantor.go.id\r\nRCPT TO:<x@y.zz>", "a b@c.dd", "a@b.cc,d@e.ff",
     "<a@b.cc>", "a..b@c.dd", ".a@b.cc", "a@-b.cc", "a@b..cc", "sití@kantor.go.id", '"a b"@c.dd', "a@b.cc\0", ""],
)  # fmt: skip
def test_no_address(address: str) -> None:
    with pytest.raises(ValidationError):
        Officer(id="siti", name="Siti", title="T", roles=["kasi_si"], email=address)
    with pytest.raises(ValidationError):
        Mail(host="localhost", sender=address)


def test_unencrypted_only_to_this_machine() -> None:
    for host in ("localhost", "127.0.0.1", "127.3.2.1", "::1"):
        assert Mail(host=host, security="none", sender="a@b.cc").port_used == 25
    for host in ("mail.kantor.go.id", "10.0.0.1", "localhost.kantor.go.id", "128.0.0.1"):
        with pytest.raises(ValidationError, match="only for this machine"):
            Mail(host=host, security="none", sender="a@b.cc")
    assert [Mail(host="x.id", security=s, sender="a@b.cc").port_used for s in ("starttls", "tls")] == [587, 465]
    with pytest.raises(ValidationError, match="password"):
        Mail.model_validate({"host": "x.id", "sender": "a@b.cc", "password": "x"})


def test_the_letter_names_every_case_and_has_no_link() -> None:
    words = Words(unit="Kantor", role="Kasi SI", name="Siti\nBcc: x", at="2026-11-22 14:05 WIB")
    cases = [CaseLine(f"P-2026-00{n}", f"domain\n{n}", "INV", "Rp 1.000", "besok") for n in (1, 2)]
    text = body(words, cases, "id")
    assert "2 perpanjangan layanan menunggu keputusan Anda (Kasi SI)" in text
    assert "1. P-2026-001: domain 1; invoice INV; Rp 1.000; batas waktu besok\n2. P-2026-002: domain 2" in text
    assert "Siti Bcc: x" in text
    assert "tidak ada yang disetujui lewat tautan" in text
    assert "http" not in text
    assert subject(words, 2, "id") == "Kantor: 2 perpanjangan layanan menunggu keputusan Anda (Kasi SI)"


def test_the_hash_is_of_the_cases() -> None:
    row = {"case": "P-2026-001", "seq": 4}
    assert cases_hash([row]) == cases_hash([dict(reversed(row.items()))])
    assert len({cases_hash(r) for r in ([], [row], [row, row], [{**row, "seq": 5}])}) == 4
