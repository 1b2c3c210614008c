"""The inbox by e-mail, from the command line to a server on a socket with TLS and a login."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import time
from collections.abc import Iterator
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest

from reporting.cli.common import Refused, opened
from reporting.cli.renewal_mail import send
from reporting.ledger import open_ledger
from reporting.ledger.model import LedgerError
from reporting.unit import read_inventory
from tests.emulators.cpanel import make_certificate
from tests.emulators.smtp import PASSWORD, USER, Fault, Security, SmtpServer
from tests.integration.agency import Agency
from tests.integration.test_renewal import fill, good, said, submit, today
from tests.papers import pdf, png
from tests.unit.renewal.world import officer, service

SEND = ("renewal", "inbox", "--for", "kasi_si", "--send")
SECRET = {"LAMAN_SECRET_SMTP": PASSWORD}
PEOPLE = [
    officer("Budi", "pengelola_sistem_dan_jaringan"),
    officer("Siti", "kasi_si", email="siti@kantor.example"),
    officer("Agus", "kasubag_umum"),
]


@pytest.fixture
def agency(tmp_path: Path) -> Agency:
    for name, content in (("invoice.pdf", pdf("INV")), ("sheet.pdf", pdf("sheet")), ("signed.png", png(1))):
        (tmp_path / name).write_bytes(content)
    services = [service("domain", ends="2027-03-01")]
    return Agency(tmp_path, {"laman": {}}, {"officers": PEOPLE, "services": services}).write()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SmtpServer]:
    with SmtpServer(tmp_path) as running:
        yield running


def connect(agency: Agency, server: SmtpServer, **changes: Any) -> None:
    mail = {"host": "localhost", "port": server.port, "security": server.security, "user": USER,
            "sender": USER, "ca_file": str(server.ca_file), "timeout_seconds": 10}  # fmt: skip
    agency.unit["mail"] = {**mail, **changes}
    agency.write()


def sent(agency: Agency) -> list[dict[str, Any]]:
    ledger = open_ledger(None, agency.state, "uji")
    try:
        return [e.data for e in ledger.events(["mail.sent"])]
    finally:
        ledger.close()


def nowhere(agency: Agency, *outputs: str) -> None:
    """The password is in no output and in no file of the agency (nor packed)."""
    import base64

    secrets = [PASSWORD.encode(), base64.b64encode(PASSWORD.encode())]
    files = [p.read_bytes() for root in (agency.state, agency.inventory) for p in root.rglob("*") if p.is_file()]
    for held in [*files, *(o.encode() for o in outputs)]:
        assert not [s for s in secrets if s in held]


def test_the_inbox_by_mail_and_back(agency: Agency, server: SmtpServer) -> None:
    connect(agency, server)
    assert "No case waits for kasi_si: nothing was sent." in good(agency.laman(*SEND, **SECRET))
    assert server.said.commands == []

    case = submit(agency)["case"]
    out = good(agency.laman(*SEND, **SECRET))
    assert "1 case(s) sent to Siti <siti@kantor.example>, taken by the server as <" in out
    (taken,) = server.taken
    assert (taken.sender, taken.recipients, taken.user, taken.encrypted) == (USER, ["siti@kantor.example"], USER, True)
    assert b"AUTH" not in bytes(server.said.plain).upper()
    assert b"MAIL" not in bytes(server.said.plain)
    message = message_from_bytes(taken.content, policy=default)
    text = message.get_body()
    assert text is not None
    assert f"1. {case}: " in text.get_content()
    assert "batas waktu" in text.get_content()
    (sheet,) = message.iter_attachments()
    content = sheet.get_content()

    (event,) = sent(agency)
    assert (event["to"], event["count"], event["cases"]) == (
        [{"officer": "siti", "name": "Siti", "address": "siti@kantor.example"}], 1, [case],
    )  # fmt: skip
    assert event["message_id"] == str(message["Message-ID"])
    assert event["message_id"] in out
    assert event["subject"] == str(message["Subject"])
    assert event["attachment_sha256"] == hashlib.sha256(content).hexdigest()
    assert event["reply"] == "2.0.0 antre sebagai A1"
    assert json.loads(good(agency.laman("verify", "--json")))["problems"] == []
    nowhere(agency, out)

    (agency.folder / "arrived.xlsx").write_bytes(content)
    answer = {"decision": "setuju", "when": today().strftime("%d/%m/%Y"), "name": "Siti"}
    fill(agency.folder / "arrived.xlsx", agency.folder / "back.xlsx", {case: answer})
    good(agency.laman("renewal", "inbox", "--import", "back.xlsx", "--attach", f"{case}=signed.png"))
    assert "No case waits for kasi_si" in good(agency.laman(*SEND, **SECRET))
    assert len(server.taken) == 1


def test_not_twice_unless_something_changed(agency: Agency, server: SmtpServer) -> None:
    connect(agency, server)
    submit(agency)
    good(agency.laman(*SEND, **SECRET))
    line = said(agency.laman(*SEND, **SECRET))
    assert "siti got the same case(s) on" in line
    assert line.endswith("nothing was sent (--again sends it once more)")
    assert len(server.taken) == len(sent(agency)) == 1
    good(agency.laman(*SEND, "--again", **SECRET))
    submit(agency, "INV-2")
    good(agency.laman(*SEND, **SECRET))
    assert [e["count"] for e in sent(agency)] == [1, 1, 2]
    assert len({e["message_id"] for e in sent(agency)}) == len(server.taken) == 3
    moved = {**PEOPLE[1], "email": "siti@lain.example"}
    agency.unit["officers"] = [PEOPLE[0], moved, PEOPLE[2]]
    agency.write()
    good(agency.laman(*SEND, **SECRET))
    assert server.taken[-1].recipients == ["siti@lain.example"]


def test_everybody_in_office_with_that_role(agency: Agency, server: SmtpServer) -> None:
    more = [
        officer("Rina", "kasi_si", email="rina@kantor.example"),
        officer("Tono", "kasi_si", email="tono@kantor.example", last="2020-01-01"),
        officer("Wati", "kasi_si"),
    ]
    agency.unit["officers"] = [*PEOPLE, *more]
    connect(agency, server)
    submit(agency)
    server.refused = {"rina@kantor.example"}
    done = agency.laman(*SEND, **SECRET)
    assert done.returncode == 2
    assert "sent to Siti" in done.stdout
    assert "NOT sent to rina: " in done.stderr
    assert "(550 5.1.1 kotak surat 5.1.1 ␛[31mtidak ada)" in done.stderr
    assert "NOT sent to wati: laman_unit.officers: wati has no email" in done.stderr
    server.refused = set()
    done = agency.laman(*SEND, "--json", **SECRET)
    assert {o["officer"]: o["state"] for o in json.loads(done.stdout)["officers"]} == {
        "siti": "already", "rina": "sent", "wati": "failed",
    }  # fmt: skip
    assert [t.recipients for t in server.taken] == [["siti@kantor.example"], ["rina@kantor.example"]]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("no_starttls", "offers no STARTTLS: nothing is sent unencrypted"),
        ("starttls_454", "refused STARTTLS (454 4.7.0 TLS sedang tidak tersedia)"),
        ("no_auth", "offers no login"),
        ("rcpt_550", "refused the recipient siti@kantor.example (550 "),
        (
            "greylist_451",
            "refused the recipient siti@kantor.example for now: try again in some minutes (451 4.7.1 grey",
        ),
        ("sender_553", f"refused the sender {USER} (553 5.7.1"),
        ("data_554", "refused the message (554 5.7.1 tidak sekarang)"),
        ("data_552", "refused the message (552 5.3.4 terlalu besar)"),
        ("drop_at_greeting", "it closed the connection; nothing was sent"),
        ("drop_after_data", "after the message was handed over: it may have been delivered; ask siti@kantor.example"),
        ("slow_after_data", "no answer within 1 s after the message was handed over: it may have been delivered"),
        ("silent", "no answer within 1 s; nothing was sent"),
        ("drip", "the conversation took longer than 5 s; nothing was sent"),
        ("half_reply", "its answer is no SMTP after the message was handed over: it may have been delivered"),
        ("no_smtp", "its answer is no SMTP; nothing was sent"),
    ],
)
def test_a_server_that_does_not_take_it(agency: Agency, server: SmtpServer, fault: Fault, expected: str) -> None:
    """One line, nothing on record; and the next time it is sent, unasked."""
    slow = fault in ("slow_after_data", "silent", "drip")
    connect(agency, server, timeout_seconds=1 if slow else 10)
    submit(agency)
    server.fault = fault
    began = time.monotonic()
    line = said(agency.laman(*SEND, **SECRET))
    assert line.startswith(f"mail server localhost:{server.port}")
    assert expected in line
    assert time.monotonic() - began < 30
    assert (sent(agency), server.taken) == ([], [])
    nowhere(agency, line)
    server.fault = ""
    good(agency.laman(*SEND, **SECRET))
    assert len(sent(agency)) == len(server.taken) == 1


def test_the_password_is_nowhere(agency: Agency, server: SmtpServer) -> None:
    """Not even when the server throws it back; a wrong one is refused in one line."""
    connect(agency, server)
    submit(agency)
    line = said(agency.laman(*SEND, LAMAN_SECRET_SMTP="salah-sekali"))
    assert f"refused the login of {USER} (535): check laman_unit.mail.user and LAMAN_SECRET_SMTP" in line
    assert "salah-sekali" not in line
    for missing in ("", "kunci-\u00e9", "a\nb"):
        assert "LAMAN_SECRET_SMTP holds no password" in said(agency.laman(*SEND, LAMAN_SECRET_SMTP=missing))
    server.fault = "auth_echo"
    out = good(agency.laman(*SEND, **SECRET))
    (event,) = sent(agency)
    assert event["reply"] == "2.0.0 antre sebagai A1 (hidden) (hidden)"
    nowhere(agency, out)


@pytest.mark.parametrize(("security", "mechanisms"), [("tls", "PLAIN"), ("none", "LOGIN"), ("starttls", "LOGIN")])
def test_other_ways_in(agency: Agency, tmp_path: Path, security: Security, mechanisms: str) -> None:
    with SmtpServer(tmp_path, security) as server:
        server.mechanisms = mechanisms
        connect(agency, server)
        submit(agency)
        good(agency.laman(*SEND, **SECRET))
        (taken,) = server.taken
        assert (taken.user, taken.encrypted) == (USER, security != "none")


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_a_certificate_that_is_not_trusted(agency: Agency, tmp_path: Path, security: Security) -> None:
    other, _ = make_certificate(tmp_path / "other")
    with SmtpServer(tmp_path, security) as server:
        connect(agency, server, ca_file=str(other))
        submit(agency)
        assert "its certificate is not trusted (" in said(agency.laman(*SEND, **SECRET))
        connect(agency, server, ca_file=None)
        assert "its certificate is not trusted (" in said(agency.laman(*SEND, **SECRET))
        connect(agency, server, ca_file="none.pem")
        assert "laman_unit.mail.ca_file" in said(agency.laman(*SEND, **SECRET))
        assert (server.taken, sent(agency)) == ([], [])
        assert "AUTH" not in server.said.commands
    with SmtpServer(tmp_path / "named", security, ("mail.lain.example",)) as server:
        connect(agency, server)
        assert "Hostname mismatch" in said(agency.laman(*SEND, **SECRET))
        assert (server.taken, sent(agency)) == ([], [])


def test_refusals(agency: Agency, server: SmtpServer) -> None:
    assert "laman_unit.mail is missing" in said(agency.laman(*SEND))
    connect(agency, server)
    submit(agency)
    asked = [
        (("--send",), "--send needs --for ROLE"),
        (("--again",), "--again goes with --send"),
        (("--send", "--for", "kasi_si", "--export", "x.xlsx"), "--export, --send and --import are different things"),
    ]
    for arguments, expected in asked:
        assert expected in said(agency.laman("renewal", "inbox", *arguments, **SECRET))
    connect(agency, server, security="tls")
    assert "does laman_unit.mail.security fit the port?" in said(agency.laman(*SEND, **SECRET))
    connect(agency, server, port=1)
    assert "nobody answers there (connection refused)" in said(agency.laman(*SEND, **SECRET))
    connect(agency, server, host="surat.invalid")
    assert "mail server surat.invalid:" in said(agency.laman(*SEND, **SECRET))
    connect(agency, server, security="none", host="mail.kantor.example")
    assert "laman_unit.mail: security: none is only for this machine" in said(agency.laman(*SEND, **SECRET))
    agency.unit["officers"] = [PEOPLE[0], {**PEOPLE[1], "email": "siti@kantor.example\nBcc: x@y.zz"}, PEOPLE[2]]
    connect(agency, server)
    assert "laman_unit.officers.1.email: " in said(agency.laman(*SEND, **SECRET))
    agency.unit["officers"] = [PEOPLE[0], officer("Siti", "kasi_si"), PEOPLE[2]]
    connect(agency, server)
    assert "siti has no email" in said(agency.laman(*SEND, **SECRET))
    agency.unit["officers"] = [PEOPLE[0], PEOPLE[2]]
    connect(agency, server)
    assert "kasi_si: no officer in office holds that role" in said(agency.laman(*SEND, **SECRET))
    assert (server.taken, sent(agency)) == ([], [])


def test_two_at_once_send_once(agency: Agency, server: SmtpServer) -> None:
    connect(agency, server)
    submit(agency)
    os.environ["LAMAN_SECRET_SMTP"] = PASSWORD
    try:
        both = [agency.start(*SEND) for _ in range(2)]
    finally:
        del os.environ["LAMAN_SECRET_SMTP"]
    for process in both:
        process.communicate(timeout=60)
    assert sorted(p.returncode for p in both) == [0, 1]
    assert len(server.taken) == len(sent(agency)) == 1


def test_taken_but_not_recorded_is_no_success(
    agency: Agency, server: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(agency, server)
    submit(agency)
    monkeypatch.setenv("LAMAN_SECRET_SMTP", PASSWORD)

    def full(*_: object) -> None:
        raise LedgerError("the disk is full")

    with opened(read_inventory(agency.inventory)) as record:
        monkeypatch.setattr(type(record.ledger), "append", full)
        options = argparse.Namespace(role="kasi_si", again=False, json=False)
        with pytest.raises(Refused, match=r"the server took <.*> for siti@.*, but it could not be recorded: the disk"):
            send(options, record)
    assert len(server.taken) == 1
