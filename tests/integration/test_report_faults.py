"""laman report --send against a server that misbehaves on purpose: one line, on record, nothing lost, nothing twice."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest

from reporting.cli.mail_due import mail_due, mail_duties
from tests.emulators.smtp import PASSWORD, USER, Fault, SmtpServer
from tests.integration.agency import Agency, kill_group
from tests.integration.test_renewal import good
from tests.integration.test_report_mail import PEOPLE, events, later, nowhere, wrong

SECRET = {"LAMAN_SECRET_SMTP": PASSWORD}
SEND = ("report", "--send", "--wait", "0")


@pytest.fixture
def agency(tmp_path: Path) -> Agency:
    unit = {"officers": PEOPLE, "schedule": [], "delivery": {"report_to": ["siti"]}}
    return Agency(tmp_path, {"laman": {}}, unit).write()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SmtpServer]:
    with SmtpServer(tmp_path) as running:
        yield running


def connect(agency: Agency, server: SmtpServer, seconds: float = 10) -> None:
    agency.unit["mail"] = {"host": "localhost", "port": server.port, "security": server.security, "user": USER,
                           "sender": USER, "ca_file": str(server.ca_file), "timeout_seconds": seconds}  # fmt: skip
    agency.write()


def ids(server: SmtpServer) -> list[str]:
    return [str(message_from_bytes(t.content, policy=default)["Message-ID"]) for t in server.taken]


CERTAIN: list[tuple[Fault, str, bool]] = [
    ("no_starttls", "offers no STARTTLS: nothing is sent unencrypted", False),
    ("starttls_454", "refused STARTTLS (454 4.7.0 TLS sedang tidak tersedia)", True),
    ("no_auth", "offers no login", False),
    ("rcpt_550", "refused the recipient siti@kantor.example (550 ", False),
    ("greylist_451", "for now: try again in some minutes (451 4.7.1 grey", True),
    ("sender_553", f"refused the sender {USER} (553 5.7.1", False),
    ("data_554", "refused the message (554 5.7.1 tidak sekarang)", False),
    ("data_552", "refused the message (552 5.3.4 terlalu besar)", False),
    ("drop_at_greeting", "it closed the connection; nothing was sent", True),
    ("silent", "no answer within 1 s; nothing was sent", True),
    ("drip", "the conversation took longer than 5 s; nothing was sent", True),
    ("no_smtp", "its answer is no SMTP; nothing was sent", True),
]


@pytest.mark.parametrize(("fault", "expected", "transient"), CERTAIN)
def test_certainly_not_sent(
    agency: Agency, server: SmtpServer, fault: Fault, expected: str, transient: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line and a failure on record; when the server is well again the timer sends the same letter, once."""
    connect(agency, server, 1 if fault in ("silent", "drip") else 10)
    server.fault = fault
    line = wrong(agency.laman(*SEND, **SECRET))
    assert expected in line
    (failed,) = events(agency, "mail.failed")
    assert (failed["transient"], failed["uncertain"], failed["attempt"]) == (transient, False, 1)
    assert (events(agency, "mail.sent"), server.taken) == ([], [])
    nowhere(agency, line)
    server.fault = ""
    monkeypatch.setenv("LAMAN_SECRET_SMTP", PASSWORD)
    with later(agency, timedelta(minutes=4)) as record:
        assert mail_due(record) == ([], [])
    with later(agency, timedelta(minutes=6) if transient else timedelta(days=1, minutes=1)) as record:
        said, problems = mail_due(record)
        assert (len(said), problems) == (1, [])
    assert ids(server) == [failed["message_id"]]
    assert "not sent again: siti" in good(agency.laman(*SEND, **SECRET))


UNCERTAIN: list[tuple[Fault, str]] = [
    ("drop_after_data", "it closed the connection after the message was handed over: it may have been delivered"),
    ("slow_after_data", "no answer within 1 s after the message was handed over: it may have been delivered"),
    ("half_reply", "its answer is no SMTP after the message was handed over: it may have been delivered"),
]


@pytest.mark.parametrize(("fault", "expected"), UNCERTAIN)
def test_perhaps_sent(
    agency: Agency, server: SmtpServer, fault: Fault, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody sends it again by himself; --again sends the same letter, by its Message-ID."""
    connect(agency, server, 1 if fault == "slow_after_data" else 10)
    server.fault = fault
    assert expected in wrong(agency.laman("report", "--send", "--wait", "20", **SECRET))  # it does not even try again
    (failed,) = events(agency, "mail.failed")
    assert failed["uncertain"] is True
    server.fault = ""
    monkeypatch.setenv("LAMAN_SECRET_SMTP", PASSWORD)
    for hours in (1, 30):
        with later(agency, timedelta(hours=hours)) as record:
            assert mail_due(record) == ([], [])
            (duty,) = mail_duties(record)
            assert duty.what.startswith("find out whether the report of ")
            assert "--send --to siti --again" in duty.command
    line = wrong(agency.laman(*SEND, **SECRET))
    assert "it may have arrived: ask siti@kantor.example; if not: laman -i " in line
    assert line.endswith("--send --to siti --again")
    assert server.taken == []
    good(agency.laman(*SEND, "--again", **SECRET))
    assert ids(server) == [failed["message_id"]]
    with later(agency, timedelta(hours=2)) as record:
        assert mail_duties(record) == []
    assert "not sent again" in good(agency.laman(*SEND, **SECRET))


def test_killed_while_the_message_was_handed_over(agency: Agency, server: SmtpServer) -> None:
    """The record says that it was begun and not how it ended: it may have arrived."""
    connect(agency, server, 30)
    server.fault = "slow_after_data"
    import os

    os.environ["LAMAN_SECRET_SMTP"] = PASSWORD
    try:
        process = agency.start(*SEND)
    finally:
        del os.environ["LAMAN_SECRET_SMTP"]
    assert server.handed_over.wait(60)
    kill_group(process)
    process.communicate()
    server.fault = ""
    assert (len(events(agency, "mail.begun")), events(agency, "mail.failed", "mail.sent")) == (1, [])
    assert "broke after the message was handed over, it may have arrived" in wrong(agency.laman(*SEND, **SECRET))
    assert server.taken == []
    good(agency.laman(*SEND, "--again", **SECRET))
    assert ids(server) == [events(agency, "mail.begun")[0]["message_id"]]


def test_killed_before_the_message_was_handed_over(
    agency: Agency, server: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was wanted and not begun: it is certain that it did not go, and it goes by itself."""
    connect(agency, server, 30)
    server.fault = "silent"
    monkeypatch.setenv("LAMAN_SECRET_SMTP", PASSWORD)
    process = agency.start(*SEND)
    deadline = time.monotonic() + 60
    while not (agency.state / "ledger.sqlite").exists() or not events(agency, "mail.wanted"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    kill_group(process)
    process.communicate()
    server.fault = ""
    with later(agency, timedelta(seconds=1)) as record:
        said, problems = mail_due(record)
        assert (len(said), problems) == (1, [])
    assert len(server.taken) == len(events(agency, "mail.sent")) == 1


def test_dropped_after_the_250_is_sent(agency: Agency, server: SmtpServer) -> None:
    connect(agency, server)
    server.fault = "drop_after_250"
    good(agency.laman(*SEND, **SECRET))
    server.fault = ""
    assert "not sent again" in good(agency.laman(*SEND, **SECRET))
    assert len(server.taken) == 1


def test_taken_but_not_recorded_is_not_sent_again(
    agency: Agency, server: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is full at the very moment: it is said, and the letter may have arrived."""
    from reporting.cli import post
    from reporting.events import KIND_MAIL
    from reporting.ledger.model import LedgerError

    connect(agency, server)
    server.fault = "greylist_451"
    wrong(agency.laman(*SEND, **SECRET))
    server.fault = ""
    monkeypatch.setenv("LAMAN_SECRET_SMTP", PASSWORD)
    whole = post._Postman._append

    def full(postman: Any, kind: str, *rest: Any) -> None:
        if kind == KIND_MAIL:
            raise LedgerError("the disk is full")
        whole(postman, kind, *rest)

    with monkeypatch.context() as patched, later(agency, timedelta(hours=1)) as record:
        patched.setattr(post._Postman, "_append", full)
        said, (problem,) = mail_due(record)
        assert said == []
        assert "the server took <report-" in problem
        assert "but it could not be recorded: the disk is full" in problem
    assert "it may have arrived" in wrong(agency.laman(*SEND, **SECRET))
    assert len(server.taken) == 1


def test_a_secret_thrown_back_is_not_recorded(agency: Agency, server: SmtpServer) -> None:
    connect(agency, server)
    server.fault = "auth_echo"
    out = good(agency.laman(*SEND, **SECRET))
    assert events(agency, "mail.sent")[0]["reply"] == "2.0.0 antre sebagai A1 (hidden) (hidden)"
    nowhere(agency, out)
