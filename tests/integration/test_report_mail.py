"""laman report --send against a real Postfix: what arrives, what is on record, and what happens when it does not."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from reporting.cli.common import opened
from reporting.cli.mail_due import mail_due, next_mail
from reporting.ledger import open_ledger
from reporting.runner.model import Record
from reporting.unit import read_inventory
from tests.emulators.cpanel import make_certificate
from tests.integration.agency import Agency
from tests.integration.postfix import PASSWORD, USER, Postfix, postfix
from tests.integration.test_renewal import good
from tests.unit.renewal.world import WIB, officer

SECRET = {"LAMAN_SECRET_SMTP": PASSWORD}
SEND = ("report", "--send", "--wait", "0")
PEOPLE = [
    officer("Budi", "pengelola_sistem_dan_jaringan", "pengelola_laman"),
    {**officer("Siti", "kasi_si", email="siti@kantor.example"), "name": "Siti, S.Kom. <M.M.>"},
    officer("Agus", "kasubag_umum", email="agus@kantor.example"),
]


@pytest.fixture
def agency(tmp_path: Path) -> Agency:
    """A unit with one backup on record, and nothing on the schedule: its figures stay as they are."""
    unit = {"officers": PEOPLE, "schedule": [], "name": "LPMP DKI Jakarta", "delivery": {"report_to": ["kasi_si"]}}
    made = Agency(tmp_path, {"laman": {}}, unit).write()
    (tmp_path / "bukti.txt").write_text("isi")
    today = datetime.now(WIB)
    words = ("--from", f"{today:%Y-%m-01 00:00}", "--until", f"{today:%Y-%m-01 00:01}", "--file", "bukti.txt")
    done = made.laman("record", "backup", "--site", "laman", *words, "--note", "DVD")
    assert done.returncode in (0, 2), done.stderr
    return made


@pytest.fixture
def server() -> Iterator[Postfix]:
    with postfix() as running:
        yield running


def connect(agency: Agency, server: Postfix, **changes: Any) -> None:
    mail = {"host": "localhost", "port": server.starttls, "security": "starttls", "user": USER, "sender": USER,
            "ca_file": str(server.ca_file), "timeout_seconds": 10}  # fmt: skip
    agency.unit["mail"] = {**mail, **changes}
    agency.write()


def events(agency: Agency, *kinds: str) -> list[dict[str, Any]]:
    ledger = open_ledger(None, agency.state, "uji")
    try:
        return [e.data for e in ledger.events(kinds)]
    finally:
        ledger.close()


def wrong(done: subprocess.CompletedProcess[str], code: int = 1) -> str:
    """What it says on standard error: one line about the letter, one what comes next."""
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    lines = done.stderr.strip().splitlines()
    assert len([line for line in lines if line.startswith("laman: NOT sent to ")]) == 1, done.stderr
    return lines[0]


def read(raw: bytes) -> tuple[EmailMessage, str, bytes]:
    message = message_from_bytes(raw, policy=default)
    text = message.get_body()
    assert text is not None
    (sheet,) = message.iter_attachments()
    return message, text.get_content(), sheet.get_content()


def nowhere(agency: Agency, *outputs: str, secret: str = PASSWORD) -> None:
    """The password is in no output and in no file of the agency, plain or packed."""
    secrets = [secret.encode(), base64.b64encode(secret.encode()), base64.b64encode(f"\0{USER}\0{secret}".encode())]
    files = [p.read_bytes() for p in agency.folder.rglob("*") if p.is_file()]
    for held in [*files, *(o.encode() for o in outputs)]:
        assert not [s for s in secrets if s in held]


@contextmanager
def later(agency: Agency, by: timedelta) -> Iterator[Record]:
    """The record, with a clock that is ahead."""
    with opened(read_inventory(agency.inventory)) as record:
        yield replace(record, clock=lambda: datetime.now(UTC) + by)


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_the_workbook_arrives_whole(agency: Agency, server: Postfix, security: str) -> None:
    agency.unit["delivery"] = {"report_to": ["kasi_si", "agus", "siti"]}
    connect(agency, server, security=security, port=server.tls if security == "tls" else server.starttls)
    out = good(agency.laman(*SEND, **SECRET))
    (path,) = agency.folder.glob("laman-uji-*.xlsx")
    for name in ("siti", "agus"):
        (raw,) = server.mails(name, 1)
        assert b"with ESMTPSA" in raw  # encrypted and logged in, says the server
        message, text, content = read(raw)
        assert content == path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        assert openpyxl.load_workbook(io.BytesIO(content)).sheetnames[0] == "Ringkasan"
        assert f"SHA-256: {digest}" in text
        (issued,) = events(agency, "report.issued")
        assert f"kejadian ke-{issued['head_seq']}, {issued['head_hash']}" in text
        assert [line[:3] for line in text.splitlines() if line[1:3] == ". "][:8] == [f"{n}. " for n in range(1, 9)]
        assert "\n2. Backup sistem dan data: 1 sesuai, 0 menyimpang, 0 menunggu\n3. " in text
        assert str(message["Subject"]).startswith("LPMP DKI Jakarta: laporan pemeliharaan laman ")
        assert [a.addr_spec for a in message["To"].addresses] == [f"{name}@kantor.example"]
    assert text.startswith("Yth. Agus,")
    sent = events(agency, "mail.sent")
    assert [e["to"][0]["officer"] for e in sent] == ["siti", "agus"]
    assert {e["attachment_sha256"] for e in sent} == {digest}
    assert all("queued as" in e["reply"] and e["message_id"] in out for e in sent)
    assert (len(events(agency, "mail.wanted")), len(events(agency, "mail.begun"))) == (2, 2)
    assert json.loads(good(agency.laman("verify", "--json")))["problems"] == []
    assert good(agency.laman(*SEND, **SECRET)).count("not sent again: ") == 2
    assert len(server.mails("siti", 1)) == 1
    good(agency.laman(*SEND, "--again", "--to", "siti", **SECRET))
    first, second = (read(raw)[0]["Message-ID"] for raw in server.mails("siti", 2))
    assert first != second
    assert len(server.mails("agus", 1)) == 1
    nowhere(agency, out)


def test_the_password_is_in_no_process_list(agency: Agency, server: Postfix, monkeypatch: pytest.MonkeyPatch) -> None:
    connect(agency, server)
    monkeypatch.setenv("LAMAN_SECRET_SMTP", PASSWORD)
    process = agency.start(*SEND)
    seen = 0
    while process.poll() is None:
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                line = (entry / "cmdline").read_bytes()
            except OSError:
                continue  # it ended while we looked
            seen += b"reporting.cli.main" in line
            assert PASSWORD.encode() not in line
    out, err = process.communicate()
    assert (process.returncode, seen > 0) == (0, True), err
    nowhere(agency, out, err)
    server.mails("siti", 1)
    nowhere(agency, server.log())


def test_down_for_a_day_then_sent_once(agency: Agency, server: Postfix, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tried again by the timer, less and less often; the letter that arrives is the one that was wanted."""
    connect(agency, server)
    server.stop()
    done = agency.laman(*SEND, **SECRET)
    assert "nobody answers there (connection refused)" in wrong(done)
    assert " due --run tries again by itself" in done.stderr
    monkeypatch.setenv("LAMAN_SECRET_SMTP", PASSWORD)
    with later(agency, timedelta(minutes=1)) as record:
        assert mail_due(record) == ([], [])  # not so soon
        assert next_mail(record) is not None
    tried = 0
    for hours in (1, 2, 5, 10, 20):
        with later(agency, timedelta(hours=hours)) as record:
            said, problems = mail_due(record)
            assert (said, len(problems)) == ([], 1)
            tried += 1
    server.start()
    with later(agency, timedelta(hours=26)) as record:
        said, problems = mail_due(record)
        assert (len(said), problems) == (1, [])
        assert mail_due(record) == ([], [])
    (raw,) = server.mails("siti", 1)
    (wanted,) = events(agency, "mail.wanted")
    failed = events(agency, "mail.failed")
    assert [f["attempt"] for f in failed] == list(range(1, tried + 2))
    assert {f["message_id"] for f in failed} == {wanted["message_id"], str(read(raw)[0]["Message-ID"])}
    assert hashlib.sha256(read(raw)[2]).hexdigest() == wanted["file"]["sha256"]
    assert "not sent again: siti" in good(agency.laman(*SEND, **SECRET))
    server.mails("siti", 1)


def test_given_up_after_five_days_and_said_so(agency: Agency, server: Postfix) -> None:
    connect(agency, server)
    server.stop()
    wrong(agency.laman(*SEND, **SECRET))
    with later(agency, timedelta(days=5, minutes=1)) as record:
        assert mail_due(record) == ([], [])
        from reporting.cli.mail_due import mail_duties

        (duty,) = mail_duties(record)
        assert "did not reach Siti" in duty.what
    server.start()
    good(agency.laman(*SEND, **SECRET))  # asked for by a person, it goes
    server.mails("siti", 1)


def test_down_for_a_moment(agency: Agency, server: Postfix, monkeypatch: pytest.MonkeyPatch) -> None:
    """One command goes on trying, and says so."""
    connect(agency, server)
    server.stop()
    monkeypatch.setenv("LAMAN_SECRET_SMTP", PASSWORD)
    process = agency.start("report", "--send", "--wait", "60")
    assert process.stderr is not None
    line = process.stderr.readline()
    assert "connection refused" in line
    assert line.strip().endswith("again in 2 s")
    server.start()
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert "sent to Siti" in out
    server.mails("siti", 1)
    assert len(events(agency, "mail.failed")) >= 1
    assert len(events(agency, "mail.sent")) == 1


def test_one_of_two_is_refused(agency: Agency, server: Postfix) -> None:
    agency.unit["delivery"] = {"report_to": ["siti", "agus"]}
    connect(agency, server)
    server.boxes("siti")
    server.restart()
    done = agency.laman(*SEND, **SECRET)
    assert "NOT sent to agus: " in wrong(done, 1)
    assert "refused the recipient agus@kantor.example (550 5.1.1" in done.stderr
    assert "sent to Siti" in done.stdout
    server.boxes("siti", "agus")
    server.restart()
    out = good(agency.laman(*SEND, **SECRET))
    assert "not sent again: siti" in out
    assert "sent to Agus" in out
    (failed,) = events(agency, "mail.failed")
    assert (failed["transient"], failed["uncertain"]) == (False, False)
    assert failed["message_id"] == str(read(server.mails("agus", 1)[0])[0]["Message-ID"])
    server.mails("siti", 1)


def test_greylisted_then_taken(agency: Agency, server: Postfix) -> None:
    connect(agency, server)
    server.refuse({"siti": "450 4.7.1 greylisted, come back"})
    server.restart()
    assert "for now: try again in some minutes (450 4.7.1" in wrong(agency.laman(*SEND, **SECRET))
    assert events(agency, "mail.failed")[0]["transient"] is True
    server.refuse({})
    server.restart()
    good(agency.laman(*SEND, **SECRET))
    server.mails("siti", 1)
    assert len(events(agency, "mail.wanted")) == len(events(agency, "mail.sent")) == 1


def test_too_large(agency: Agency) -> None:
    with postfix(message_size_limit="20000") as server:
        connect(agency, server)
        line = wrong(agency.laman(*SEND, **SECRET))
        assert "takes 20 kB at most, and this message has " in line
        assert "laman_unit.delivery.folder" in line
        assert events(agency, "mail.begun") == []
        assert len(events(agency, "mail.failed")) == 1
        server.mails("siti", 0)


def test_wrong_password_and_wrong_certificate(agency: Agency, server: Postfix, tmp_path: Path) -> None:
    connect(agency, server)
    line = wrong(agency.laman(*SEND, LAMAN_SECRET_SMTP="salah-Sekali-8"))
    assert f"refused the login of {USER} (535): check laman_unit.mail.user and LAMAN_SECRET_SMTP" in line
    nowhere(agency, line, secret="salah-Sekali-8")
    other, _ = make_certificate(tmp_path / "other")
    connect(agency, server, ca_file=str(other))
    assert "its certificate is not trusted (" in wrong(agency.laman(*SEND, **SECRET))
    assert [f["transient"] for f in events(agency, "mail.failed")] == [False, False]
    assert (events(agency, "mail.begun"), events(agency, "mail.sent")) == ([], [])
    due = good(agency.laman("due"))
    assert "did not reach Siti" in due
    assert "its certificate is not trusted" in due
    connect(agency, server)
    good(agency.laman(*SEND, **SECRET))
    server.mails("siti", 1)
    assert "did not reach" not in good(agency.laman("due"))


def test_new_figures_take_the_place_of_what_was_not_sent(agency: Agency, server: Postfix) -> None:
    connect(agency, server)
    server.stop()
    wrong(agency.laman(*SEND, **SECRET))
    today = datetime.now(WIB)
    words = ("--from", f"{today:%Y-%m-01 00:02}", "--until", f"{today:%Y-%m-01 00:03}", "--file", "bukti.txt")
    assert agency.laman("record", "backup", "--site", "laman", *words, "--note", "DVD").returncode in (0, 2)
    server.start()
    good(agency.laman(*SEND, **SECRET))
    (raw,) = server.mails("siti", 1)
    assert "2. Backup sistem dan data: 2 sesuai" in read(raw)[1]
    with later(agency, timedelta(hours=9)) as record:
        assert mail_due(record) == ([], [])
    server.mails("siti", 1)


def test_a_closed_period_is_sent_byte_for_byte(agency: Agency, server: Postfix) -> None:
    connect(agency, server)
    first = datetime.now(WIB).replace(day=1)
    month = f"{first - timedelta(days=2):%Y-%m}"
    done = agency.laman("period", "close", month, "--as", "siti")
    assert done.returncode == 0, done.stderr
    good(agency.laman(*SEND, "--period", month, "--lang", "id", **SECRET))
    _, text, content = read(server.mails("siti", 1)[0])
    (closed,) = events(agency, "period.closed")
    assert hashlib.sha256(content).hexdigest() == closed["workbook"]["sha256"]
    assert "Periode ini sudah ditutup oleh Siti, S.Kom. <M.M.>" in text
    assert "Pimpinan membaca dan menandatangani" in text
    assert "not sent again" in good(agency.laman(*SEND, "--period", month, **SECRET))


def test_two_at_once_send_once(agency: Agency, server: Postfix, monkeypatch: pytest.MonkeyPatch) -> None:
    connect(agency, server)
    monkeypatch.setenv("LAMAN_SECRET_SMTP", PASSWORD)
    both = [agency.start(*SEND, "--output", f"{n}.xlsx") for n in range(2)]
    said = [process.communicate(timeout=60) for process in both]
    assert {p.returncode for p in both} <= {0, 1}, said
    assert 0 in {p.returncode for p in both}
    server.mails("siti", 1)
    assert len(events(agency, "mail.sent")) == 1


def test_refusals(agency: Agency, server: Postfix) -> None:
    def refused(*words: str) -> str:
        done = agency.laman("report", *words, **SECRET)
        assert (done.returncode, done.stdout) == (1, "")
        assert len(done.stderr.strip().splitlines()) == 1, done.stderr
        return done.stderr

    assert "laman_unit.mail is missing" in refused("--send")
    connect(agency, server)
    assert "--to, --again and --wait go with --send" in refused("--to", "siti")
    assert "--to 'dewi': no officer in office" in refused("--send", "--to", "dewi")
    assert "--to: budi has no email" in refused("--send", "--to", "budi")
    assert "--wait -1: seconds from 0 to 3600" in refused("--send", "--wait", "-1")
    assert "--wait nan: seconds" in refused("--send", "--wait", "nan")
    agency.unit["delivery"] = {}
    connect(agency, server)
    assert "--send: to whom?" in refused("--send")
    assert events(agency, "report.issued", "mail.wanted") == []


def test_check_tells_before_the_month_ends(agency: Agency, server: Postfix) -> None:
    def lines() -> list[str]:
        done = agency.laman("check", "--offline")
        return [line for line in done.stdout.splitlines() if line[5:].startswith("delivery: ")]

    assert lines() == ["FIX  delivery: laman_unit.delivery.report_to is set, and laman_unit.mail names no server"]
    agency.unit["delivery"] = {"report_to": ["kasi_si"], "digest_to": ["dewi"], "folder": "/nowhere/share"}
    connect(agency, server)
    first, second, third = lines()
    assert first == "ok   delivery: report_to: Siti, S.Kom. <M.M.> <siti@kantor.example>"
    assert second.startswith("FIX  delivery: laman_unit.delivery.digest_to 'dewi': no officer in office")
    assert third.startswith("FIX  delivery: /nowhere/share: no such folder")


def test_a_workbook_that_was_altered_in_the_archive_is_not_sent(agency: Agency, server: Postfix) -> None:
    connect(agency, server)
    server.stop()
    wrong(agency.laman(*SEND, **SECRET))
    (wanted,) = events(agency, "mail.wanted")
    (agency.state / "archive" / wanted["file"]["path"]).write_bytes(b"lain")
    server.start()
    assert "is not what was issued: nothing was sent (laman verify tells more)" in wrong(agency.laman(*SEND, **SECRET))
    server.mails("siti", 0)


def test_the_server_is_not_asked_without_need(agency: Agency, server: Postfix) -> None:
    connect(agency, server)
    good(agency.laman(*SEND, **SECRET))
    server.mails("siti", 1)
    before, began = server.log().count("connect from"), time.monotonic()
    good(agency.laman(*SEND, **SECRET))
    good(agency.laman("due"))
    assert server.log().count("connect from") == before
    assert time.monotonic() - began < 60
