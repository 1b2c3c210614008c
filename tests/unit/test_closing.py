"""Closing a period, without a command line: what it is evaluated from, and what differs afterwards."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from reporting.cli.common import Refused
from reporting.cli.frozen import Basis, period_book, recomputed, reproduced
from reporting.compliance import ComplianceError, Period, evaluate
from reporting.compliance.closing import (
    closure_of,
    closures,
    corrections,
    events_of,
    figures_hash,
    still_waiting,
)
from reporting.events import KIND_PERIOD_CLOSED, Agent, EvidenceFile, PeriodClosed
from reporting.files import write_whole
from reporting.ledger import Archive, Head
from reporting.ledger.model import Event
from reporting.standard import Standard, load_standards
from tests import golden
from tests.unit.workbook import renewal_sample, sample

NOVEMBER = Period.parse("2026-11", sample.WIB)
CLOSED_AT = datetime(2026, 12, 1, 8, 0, tzinfo=sample.WIB)


def closing(story: renewal_sample.Story, archive: Archive) -> bytes:
    """Close November at the end of a story, as `laman period close` does; returns the workbook."""
    last = story.events[-1]
    head = Head(last.seq, last.hash)
    made = period_book(Basis(story.events, load_standards(), head, "id"), NOVEMBER, CLOSED_AT)
    path = archive.folder("period", "p", CLOSED_AT) / "contoh-2026-11.xlsx"
    write_whole(path, made.content)
    data = PeriodClosed(
        period="2026-11", head_seq=head.seq, head_hash=head.hash, as_of=CLOSED_AT, issued_at=CLOSED_AT, language="id",
        figures_hash=figures_hash(made.compliance), workbook=archive.measure(path), closed_by=sample.DEWI,
        agent=Agent(kind="person", name="siti"), standards=[s.model_dump(mode="json") for s in load_standards()],
        version="0",
    )  # fmt: skip
    story.tell(CLOSED_AT, KIND_PERIOD_CLOSED, "2026-11", data)
    return made.content


def test_a_revised_pos_new_officers_and_late_events_alter_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive, story = Archive(tmp_path), renewal_sample.story()
    content = closing(story, archive)
    story.settings(renewal_sample.at("12-02 08:00"), name="Balai Lain", officers=[
        {**sample.BUDI.model_dump(), "name": "Orang Lain", "roles": ["kasi_si"]}])  # fmt: skip
    story.step("P-2026-004", "approve", "11-18 09:20", "11-18 15:00", recorded=renewal_sample.at("12-03 09:00"))
    revised = [_stricter(s) for s in load_standards()]
    monkeypatch.setattr("reporting.standard.reader._embedded", lambda: tuple(revised))
    assert load_standards()[0].activity(4).minutes == 1
    closure = closure_of(story.events, NOVEMBER)
    assert closure is not None
    again = reproduced(closure, story.events, archive, "id")
    assert again.content == content
    assert again.archived
    open_ = period_book(Basis(story.events, load_standards(), Head(1, "x"), "id"), NOVEMBER, CLOSED_AT)
    assert open_.compliance.totals(4).menyimpang == 3  # the revised POS would judge otherwise
    assert again.compliance.totals(4).menyimpang == 0


def _stricter(standard: Standard) -> Standard:
    activities = [a.model_copy(update={"minutes": 1}) for a in standard.activities]
    return standard.model_copy(update={"activities": tuple(activities), "number": "006/2026"})


def test_what_changed_since() -> None:
    """An approval that was recorded after the closing, and an account of the deviations."""
    told = renewal_sample.story()
    before = evaluate(load_standards(), told.events, NOVEMBER, CLOSED_AT)
    told.step("P-2026-004", "approve", "11-18 09:20", "11-18 15:00", recorded=renewal_sample.at("12-03 09:00"))
    after = evaluate(load_standards(), told.events, NOVEMBER, CLOSED_AT)
    found = corrections(before, after)
    assert [(c.subject, c.activity, c.site, c.what, c.was, c.now) for c in found] == [
        ("execution", 5, "P-2026-004", "added", "", "menyimpang"),
        ("deviation", 5, "P-2026-004", "added", "", "belum dipertanggungjawabkan"),
    ]
    assert found[0].at == renewal_sample.at("12-03 09:00")
    accounted = replace(before, deviations=tuple(replace(d, account_state="diterima") for d in before.deviations))
    assert [(c.what, c.was, c.now) for c in corrections(before, accounted)] == [
        ("account", "belum dipertanggungjawabkan", "diterima")
    ] * 2
    assert corrections(before, before) == ()


def test_a_verdict_that_turned_and_an_occasion_with_it() -> None:
    period = Period.parse("2026-05", "Asia/Jakarta")
    events = golden.events()
    early, late = (golden.local(datetime(2026, 5, day, 12, 0)) for day in (3, 31))  # noqa: DTZ001
    before = evaluate(load_standards(), events, period, early)
    after = evaluate(load_standards(), events, period, late)
    found = corrections(before, after)
    turned = {c.name: (c.was, c.now) for c in found if c.what == "verdict"}
    expected = {
        e.id: (e.verdict.status, now.verdict.status)
        for e in before.executions
        if (now := after.execution(e.id)) is not None and now.verdict.status != e.verdict.status
    }
    assert turned == expected
    states = {o.key.id: o.state for o in before.occasions}
    changed = {o.key.id for o in after.occasions if states.get(o.key.id) != o.state}
    assert {c.name for c in found if c.subject == "occasion"} == changed
    assert changed


def test_another_record_is_not_the_one_that_was_closed(tmp_path: Path) -> None:
    story = renewal_sample.story()
    closing(story, Archive(tmp_path))
    closure = closures(story.events)[0]
    altered = [replace(e, hash="f" * 64) if e.seq == closure.data.head_seq else e for e in story.events]
    with pytest.raises(ComplianceError, match="is not the one that it was closed at"):
        events_of(closure, altered)
    with pytest.raises(ComplianceError, match="is not the one that it was closed at"):
        recomputed(closure, story.events[:5], "id")


def test_when_other_bytes_come_out_the_archived_copy_is_handed_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A later version of the package with other words: the signed paper stays what it is, and that is said."""
    archive, story = Archive(tmp_path), renewal_sample.story()
    content = closing(story, archive)
    closure = closures(story.events)[0]
    from reporting.workbook.words import CATALOGUE

    monkeypatch.setitem(CATALOGUE, "title_renewals", ("Judul lain", "Another title"))
    again = reproduced(closure, story.events, archive, "id")
    assert again.content == content
    assert any("archived copy" in line for line in again.warnings)
    assert any("its figures are those of the closing" in line for line in again.warnings)
    (tmp_path / closure.data.workbook.path).unlink()
    with pytest.raises(Refused, match="missing or was altered"):
        reproduced(closure, story.events, archive, "id")


def test_the_first_closing_counts(tmp_path: Path) -> None:
    story = renewal_sample.story()
    closing(story, Archive(tmp_path / "a"))
    other: dict[str, Any] = {**story.events[-1].data, "head_seq": 3}
    story.tell(CLOSED_AT, KIND_PERIOD_CLOSED, "2026-11", other)
    assert [c.data.head_seq for c in closures(story.events)] == [len(story.events) - 2]


def test_an_event_of_an_older_version_reads(tmp_path: Path) -> None:
    """The first fields of the event alone: those that came later have defaults."""
    story = renewal_sample.story()
    closing(story, Archive(tmp_path))
    later = ("standards", "settings_seq", "calendar_hash", "still_waiting", "reason", "version")
    data = {key: value for key, value in story.events[-1].data.items() if key not in later}
    event = Event(99, "x", CLOSED_AT, "contoh", "p", KIND_PERIOD_CLOSED, "2026-11", data, "0" * 64, "1" * 64)
    assert closures([event])[0].data.standards == []
    with pytest.raises(ComplianceError, match=r"period\.closed"):
        closures([replace(event, data={"period": "2026-11"})])


def test_what_waits_is_named() -> None:
    period = Period.parse("2026-05", "Asia/Jakarta")
    as_of = golden.local(golden.load("expected.yml")["as_of"])
    compliance = evaluate(load_standards(), golden.events(), period, as_of)
    waiting = [e for e in compliance.executions if e.verdict.status == "menunggu"]
    open_ = [o for o in compliance.occasions if o.state == "terbuka"]
    assert len(still_waiting(compliance)) == len(waiting) + len(open_)
    file = EvidenceFile(path="x", bytes=1, sha256=hashlib.sha256(b"x").hexdigest())
    more = replace(compliance, evidence=(*compliance.evidence, replace(compliance.evidence[0], file=file)))
    assert figures_hash(more) != figures_hash(compliance)
