"""laman due --send and what the timer mails, to a real Postfix: one reminder an officer and day, none without work."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest

from reporting.cli.mail_due import mail_due
from tests.integration.agency import Agency
from tests.integration.postfix import PASSWORD, Postfix, postfix
from tests.integration.test_renewal import good
from tests.integration.test_report_mail import connect, events, later, nowhere
from tests.unit.renewal.world import WIB, officer

SECRET = {"LAMAN_SECRET_SMTP": PASSWORD}
SEND = ("due", "--send", "--wait", "0")
ALWAYS = {day: {"start": "00:00", "end": "23:59"} for day in
          ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")}  # fmt: skip
PEOPLE = [
    officer("Budi", "pengelola_sistem_dan_jaringan", "pengelola_laman", email="budi@kantor.example"),
    officer("Siti", "kasi_si", email="siti@kantor.example"),
    officer("Agus", "kasubag_umum"),
]


@pytest.fixture
def agency(tmp_path: Path) -> Agency:
    """A unit with a backup that is due today."""
    unit = {"officers": PEOPLE, "schedule": [{"activity": 2, "every": "day"}],
            "calendar": {"holidays": "none", "week": ALWAYS}}  # fmt: skip
    return Agency(tmp_path, {"laman": {}}, unit).write()


@pytest.fixture
def server() -> Iterator[Postfix]:
    with postfix() as running:
        yield running


def read(raw: bytes) -> tuple[EmailMessage, str]:
    message = message_from_bytes(raw, policy=default)
    text = message.get_body()
    assert text is not None
    assert list(message.iter_attachments()) == []
    return message, text.get_content()


def test_who_has_work_gets_one(agency: Agency, server: Postfix) -> None:
    connect(agency, server)
    out = good(agency.laman(*SEND, **SECRET))
    assert "reminder sent to Budi" in out
    message, text = read(server.mails("budi", 1)[0])
    assert "UNTUK HARI INI" in text
    assert "backup sistem dan data untuk laman harus dilaksanakan (batas " in text
    assert f"laman -i {agency.inventory} run backup --site laman" in text
    assert "untuk hari ini" in str(message["Subject"])
    server.mails("siti", 0)  # nothing waits for her
    (sent,) = events(agency, "mail.sent")
    assert (sent["about"], sent["to"][0]["officer"], sent["attachment"]) == ("digest", "budi", "")
    nowhere(agency, out)
    assert "not sent again: budi got today's reminder on " in good(agency.laman(*SEND, **SECRET))
    server.mails("budi", 1)
    told = json.loads(good(agency.laman(*SEND, "--again", "--json", **SECRET)))
    assert [(t["officer"], t["state"]) for t in told] == [("budi", "sent")]
    server.mails("budi", 2)


def test_those_who_are_named_are_told_of_the_others(agency: Agency, server: Postfix) -> None:
    agency.unit["delivery"] = {"digest_to": ["kasi_si"]}
    connect(agency, server)
    good(agency.laman(*SEND, **SECRET))
    _, text = read(server.mails("siti", 1)[0])
    assert "Tidak ada pekerjaan pemeliharaan laman yang menunggu Anda sendiri" in text
    assert "- Budi: backup sistem dan data untuk laman harus dilaksanakan (batas " in text
    assert "laman -i" not in text  # she types no commands
    server.mails("budi", 0)


def test_nothing_due_no_mail(agency: Agency, server: Postfix) -> None:
    agency.unit["schedule"] = []
    agency.unit["delivery"] = {"digest_to": ["kasi_si", "budi"]}
    connect(agency, server)
    assert "Nothing is due: nobody gets a reminder." in good(agency.laman(*SEND, **SECRET))
    assert events(agency, "mail.wanted") == []
    server.mails("siti", 0)


def test_the_timer_sends_one_a_day(agency: Agency, server: Postfix, monkeypatch: pytest.MonkeyPatch) -> None:
    agency.unit["delivery"] = {"digest_to": ["budi"]}
    connect(agency, server)
    monkeypatch.setenv("LAMAN_SECRET_SMTP", PASSWORD)
    noon = datetime.now(WIB).replace(hour=12, minute=0, second=0, microsecond=0) - datetime.now(WIB)
    for day, expected in ((1, 1), (2, 2)):
        for hours in (0, 1, 5):
            with later(agency, noon + timedelta(days=day, hours=hours)) as record:
                said, problems = mail_due(record)
                assert problems == []
                assert len(said) == (1 if hours == 0 else 0)
        server.mails("budi", expected)


def test_not_before_work_begins_nor_on_a_holiday(
    agency: Agency, server: Postfix, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = datetime.now(WIB).date() + timedelta(days=1)
    week = {name: {"start": "07:30", "end": "16:00"} for name in ALWAYS}
    agency.unit["delivery"] = {"digest_to": ["budi"]}
    agency.unit["calendar"] = {"holidays": "none", "week": week, "not_worked": [str(day + timedelta(days=1))]}
    connect(agency, server)
    monkeypatch.setenv("LAMAN_SECRET_SMTP", PASSWORD)
    midnight = datetime.combine(day, datetime.min.time(), WIB)
    for hours, expected in ((1.0, 0), (7.4, 0), (7.6, 1), (12.0, 1), (24 + 9.0, 1), (48 + 9.0, 2)):
        with later(agency, midnight + timedelta(hours=hours) - datetime.now(UTC)) as record:
            assert mail_due(record)[1] == []
        server.mails("budi", expected)


def test_due_run_sends_what_waits(agency: Agency, server: Postfix) -> None:
    """From the command line, as systemd calls it; the reminder of a server that was down goes when it is back."""
    agency.unit["delivery"] = {"digest_to": ["kasi_si"]}
    connect(agency, server)
    server.stop()
    done = agency.laman("due", "--run", "--quiet", **SECRET)
    assert done.returncode == 1
    assert "the reminder NOT sent to siti: mail server " in done.stderr
    server.start()
    out = good(agency.laman(*SEND, **SECRET))
    assert "reminder sent to Siti" in out
    server.mails("siti", 1)
    agency.laman("due", "--run", "--quiet", **SECRET)
    server.mails("siti", 1)
    assert len(events(agency, "mail.wanted")) == 1


def test_refusals(agency: Agency, server: Postfix) -> None:
    for words, expected in (
        (("--send",), "laman_unit.mail is missing"),
        (("--send", "--wait", "9999"), "--wait 9999: seconds from 0 to 3600"),
        (("--send", "--run"), "--send and --run are different things"),
        (("--again",), "--again and --wait go with --send"),
    ):
        done = agency.laman("due", *words)
        assert (done.returncode, len(done.stderr.strip().splitlines())) == (1, 1)
        assert expected in done.stderr
    agency.unit["delivery"] = {"digest_to": ["agus"]}
    connect(agency, server)
    done = agency.laman("due", "--send")
    assert "laman_unit.delivery.digest_to: agus has no email" in done.stderr
