"""Closing a period through the CLI: the same workbook for ever, whatever comes later; corrections apart."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from reporting.events import KIND_EVIDENCE, KIND_PERIOD_CLOSED, KIND_SETTINGS
from reporting.ledger import Draft
from reporting.ledger.model import Event
from reporting.ledger.sqlite import SqliteLedger
from reporting.unit import Snapshot
from tests.integration.agency import Agency
from tests.unit.workbook import renewal_sample
from tests.unit.workbook.reading import load, table_rows


def a_pdf() -> bytes:
    """A small whole PDF."""
    body = (
        b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n2 0 obj\n<< /Type /Pages /Kids [] >>\nendobj\n"
    )
    tail = b"xref\n0 1\n0000000000 65535 f \ntrailer\n<< /Root 1 0 R /Size 3 >>\nstartxref\n%d\n%%%%EOF\n" % len(body)
    return body + tail


def told(state: Path, events: Iterable[Event]) -> None:
    """Write events into the agency's ledger, each at its time; without the evidence, whose files are not there."""
    events = [e for e in events if e.kind != KIND_EVIDENCE]
    moments = iter([e.at for e in events])
    ledger = SqliteLedger(state / "ledger.sqlite", "contoh", clock=lambda: next(moments))
    for event in events:
        ledger.append([Draft(event.kind, event.subject, event.actor, event.data)])
    ledger.close()


def recorded(agency: Agency, *kinds: str) -> list[Event]:
    ledger = SqliteLedger(agency.state / "ledger.sqlite", "contoh")
    found = list(ledger.events(kinds or None))
    ledger.close()
    return found


@pytest.fixture
def agency(tmp_path: Path) -> Agency:
    """An agency whose record tells the story of the sample: renewals of March and November 2026."""
    story = renewal_sample.story()
    snapshot = Snapshot.model_validate(story.events[0].data)
    unit = snapshot.unit.model_dump(mode="json", exclude={"state_dir", "ledger", "media", "schedule", "review"})
    made = Agency(tmp_path, sites={"laman": {}}, unit={**unit, "schedule": []}).write()
    told(made.state, story.events)
    return made


def closed(agency: Agency, *more: str) -> bytes:
    done = agency.laman("period", "close", "2026-03", *more)
    assert done.returncode == 0, done.stderr
    assert "byte for byte" in done.stdout
    return (agency.folder / "laman-contoh-2026-03.xlsx").read_bytes()


def report(agency: Agency, *more: str) -> tuple[bytes, str, str]:
    target = agency.folder / "again.xlsx"
    done = agency.laman("report", "--period", "2026-03", "--output", str(target), *more)
    assert done.returncode == 0, done.stderr
    return target.read_bytes(), done.stdout, done.stderr


def everything_changes(agency: Agency) -> None:
    """Settings of every kind change, and late events come: an execution of March, another case, a look-up."""
    unit: dict[str, Any] = dict(agency.unit)
    unit["officers"] = [{**o, "name": f"Pengganti {o['name']}", "nip": None} for o in unit["officers"]]
    unit["name"], unit["city"], unit["language"] = "Balai Baru", "Makassar", "en"
    unit["calendar"] = {"zone": "Asia/Makassar", "not_worked": ["2026-03-11"]}
    unit["services"] = [{**s, "cost": s["cost"] * 2} for s in unit["services"][:3]]
    unit["human_clock"] = "from_taken"
    agency.unit = unit
    agency.write()
    late = renewal_sample.Story(events=[])
    now = datetime.now(UTC)
    late.opened("P-2026-009", "03-16 09:00", "INV-TERLAMBAT",
                [renewal_sample.line("surel", 5_000_000, None, date(2027, 3, 16))])  # fmt: skip
    late.step("P-2026-009", "submit", "03-16 09:00", "03-17 11:00", on_paper=True, recorded=now)
    told(agency.state, [_at(event, now) for event in late.events])


def _at(event: Event, when: datetime) -> Event:
    return Event(event.seq, event.id, when, event.unit, event.actor, event.kind, event.subject, event.data,
                 event.prev, event.hash)  # fmt: skip


def test_the_same_workbook_comes_out_whatever_changes_later(agency: Agency) -> None:
    first = closed(agency, "--as", "dewi")
    event = recorded(agency, KIND_PERIOD_CLOSED)[-1]
    kept = agency.state / "archive" / event.data["workbook"]["path"]
    assert kept.read_bytes() == first
    assert event.data["closed_by"]["id"] == "dewi"
    assert hashlib.sha256(first).hexdigest() == event.data["workbook"]["sha256"]
    before = len(recorded(agency))
    again, said, _ = report(agency)
    assert again == first
    assert "byte for byte" in said
    assert len(recorded(agency)) == before  # the same paper is not issued twice

    everything_changes(agency)
    assert recorded(agency, KIND_SETTINGS)[-1].data["unit"]["name"] != "Balai Baru"
    again, said, _ = report(agency)
    assert recorded(agency, KIND_SETTINGS)[-1].data["unit"]["name"] == "Balai Baru"
    assert again == first
    assert "byte for byte" in said
    same_days, _, _ = report_of(agency, "2026-03-01..2026-03-31")
    assert same_days == first
    assert kept.read_bytes() == first


def report_of(agency: Agency, period: str) -> tuple[bytes, str, str]:
    target = agency.folder / "days.xlsx"
    done = agency.laman("report", "--period", period, "--output", str(target))
    assert done.returncode == 0, done.stderr
    return target.read_bytes(), done.stdout, done.stderr


def test_later_events_appear_as_corrections_beside_the_frozen_sheets(agency: Agency) -> None:
    first = closed(agency)
    everything_changes(agency)
    content, said, _ = report(agency, "--with-corrections")
    assert "2 correction(s)" in said
    _, frozen = load(first)
    _, values = load(content)
    rows = table_rows(values, "Koreksi", "tblKoreksi")
    assert [(r["Hal"], r["Kegiatan"], r["Laman"], r["Saat Ditutup"], r["Sekarang"]) for r in rows] == [
        ("pelaksanaan", 4, "P-2026-009", "–", "menyimpang"),
        ("penyimpangan", 4, "P-2026-009", "–", "belum dipertanggungjawabkan"),
    ]
    assert all(r["Yang Berubah"] == "tercatat kemudian" for r in rows)
    assert values.sheetnames == [*frozen.sheetnames, "Koreksi"]
    for sheet in frozen:
        for row in sheet.iter_rows():
            for cell in row:
                assert values[sheet.title][cell.coordinate].value == cell.value, f"{sheet.title}!{cell.coordinate}"
    assert report(agency)[0] == first
    issued = [e.data for e in recorded(agency, "report.issued")]
    assert len(issued) == 1
    assert (agency.state / "archive" / issued[0]["file"]["path"]).read_bytes() == content
    assert agency.laman("verify").returncode == 0


def test_without_a_change_there_is_no_correction(agency: Agency) -> None:
    closed(agency)
    content, said, _ = report(agency, "--with-corrections")
    assert "0 correction(s)" in said
    sheet = load(content)[1]["Koreksi"]
    assert "Tidak ada yang berubah" in "".join(str(c.value) for row in sheet.iter_rows() for c in row)


def test_what_may_not_be_closed(agency: Agency) -> None:
    open_ = agency.laman("period", "close", f"{datetime.now(UTC):%Y}-12" if datetime.now(UTC).month < 12 else "2199-12")
    assert open_.returncode == 1
    assert "has not ended" in open_.stderr
    assert open_.stderr.count("\n") == 1
    closed(agency)
    twice = agency.laman("period", "close", "2026-03-01..2026-03-31")
    assert twice.returncode == 1
    assert "was closed on" in twice.stderr
    nobody = agency.laman("period", "close", "2026-02", "--as", "siapa")
    assert nobody.returncode == 1
    assert "--as 'siapa'" in nobody.stderr
    not_closed = agency.laman("report", "--period", "2026-02", "--with-corrections")
    assert not_closed.returncode == 1
    assert "is not closed" in not_closed.stderr
    assert len(recorded(agency, KIND_PERIOD_CLOSED)) == 1
    assert sorted(p.name.split("-", 1)[1][:14] for p in (agency.state / "archive").glob("*/*/period/*")) == [
        "period-2026-03"
    ]


def test_a_period_whose_executions_wait_needs_a_reason(agency: Agency) -> None:
    """The hosting's case of March waits for its approval in a record that ends there."""
    story = renewal_sample.Story()
    story.events = [e for e in renewal_sample.story().events if e.subject in ("contoh", "P-2026-001")][:6]
    (agency.state / "ledger.sqlite").unlink()
    for name in ("ledger.sqlite-wal", "ledger.sqlite-shm"):
        (agency.state / name).unlink(missing_ok=True)
    told(agency.state, story.events)
    done = agency.laman("period", "close", "2026-03")
    assert done.returncode == 1
    assert "renewal P-2026-001 waits for approve since 2026-03-10 09:25" in done.stderr
    assert "--force" in done.stderr
    assert recorded(agency, KIND_PERIOD_CLOSED) == []
    done = agency.laman("period", "close", "2026-03", "--force", "Kasi SI cuti; ditutup atas perintah lisan")
    assert done.returncode == 0, done.stderr
    data = recorded(agency, KIND_PERIOD_CLOSED)[0].data
    assert data["reason"] == "Kasi SI cuti; ditutup atas perintah lisan"
    assert data["still_waiting"] == ["renewal P-2026-001 waits for approve since 2026-03-10 09:25"]


def test_the_signed_scan_is_kept_and_verified(agency: Agency) -> None:
    closed(agency)
    before = json.loads(agency.laman("verify", "--json").stdout)
    scan = agency.folder / "pindai.pdf"
    scan.write_bytes(a_pdf())
    fake = agency.folder / "palsu.pdf"
    fake.write_bytes(b"PK\x03\x04" + b"docx" * 100)
    refused = agency.laman("period", "attach", "2026-03", "--scan", str(fake))
    assert refused.returncode == 1
    assert "no PDF, JPG or PNG" in refused.stderr
    assert agency.laman("period", "attach", "2026-02", "--scan", str(scan)).returncode == 1
    done = agency.laman("period", "attach", "2026-03", "--scan", str(scan))
    assert done.returncode == 0, done.stderr
    twice = agency.laman("period", "attach", "2026-03", "--scan", str(scan))
    assert twice.returncode == 1
    assert "is attached" in twice.stderr
    after = json.loads(agency.laman("verify", "--json").stdout)
    assert after["problems"] == [] == before["problems"]
    assert after["evidence_files"] == before["evidence_files"] + 1
    shown = json.loads(agency.laman("period", "show", "2026-03", "--json").stdout)
    assert [s["original"] for s in shown["scans"]] == ["pindai.pdf"]
    assert "2026-03" in agency.laman("period", "list").stdout
    kept = agency.state / "archive" / shown["scans"][0]["path"]
    assert kept.read_bytes() == a_pdf()
    kept.chmod(0o640)
    kept.write_bytes(a_pdf() + b"\n")
    assert agency.laman("verify").returncode == 1
    assert agency.laman("period", "show", "2026-03").returncode == 1


def test_without_the_archived_copy_it_is_computed_and_the_loss_is_said(agency: Agency) -> None:
    first = closed(agency)
    kept = agency.state / "archive" / recorded(agency, KIND_PERIOD_CLOSED)[0].data["workbook"]["path"]
    kept.unlink()
    again, said, warned = report(agency)
    assert again == first
    assert "byte for byte" in said
    assert str(kept) in warned
    assert str(kept) in agency.laman("verify").stderr


def test_in_the_other_language_it_says_that_it_is_not_the_signed_one(agency: Agency) -> None:
    first = closed(agency, "--lang", "id")
    english, said, _ = report(agency, "--lang", "en")
    assert english != first
    assert "closed in 'id'" in said
    assert "its figures are those of the closing" in said
    assert "Renewals" in load(english)[1].sheetnames
