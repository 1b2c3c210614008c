"""Accounts of deviations through the CLI: who may, what is refused, what is kept, across periods, two at once."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from reporting.events import (
    KIND_ACCOUNTED,
    KIND_DECIDED,
    KIND_EVIDENCE,
    KIND_FINISHED,
    KIND_REVIEWED,
    KIND_SETTINGS,
    KIND_STARTED,
    ExecutionFinished,
    ExecutionReviewed,
    ExecutionStarted,
    Person,
)
from reporting.unit import Snapshot
from tests.integration.agency import Agency
from tests.integration.test_period import recorded, told
from tests.papers import pdf
from tests.unit.workbook import renewal_sample, sample

TEXTS = ["--cause", "Listrik padam", "--consequence", "Backup tidak utuh", "--action", "Pasang UPS", "--by", "Budi"]


def backup(story: renewal_sample.Story, number: int, problem: str = "") -> str:
    """A backup of March, whole or with a problem of its output; returns its execution's id."""
    begun = renewal_sample.at(f"03-{number:02d} 09:00")
    name = f"2026-03-{number:02d}-backup"
    started = ExecutionStarted(execution=name, run="r", activity=2, executor=sample.BUDI, agent=sample.TIMER,
                               clock="elapsed", started_at=begun, ad_hoc=True, limit_minutes=60)  # fmt: skip
    story.tell(begun, KIND_STARTED, "laman", started)
    at = begun + timedelta(minutes=9)
    document = sample.document(2, "laman", at).model_copy(update={"output_problems": [problem] if problem else []})
    status = "failed" if problem else "completed"
    done = ExecutionFinished(execution=name, ended_at=at, status=status, document=document)
    story.tell(at, KIND_FINISHED, "laman", done)
    return name


def officers(**changes: dict[str, Any]) -> list[dict[str, Any]]:
    people: list[tuple[Person, str]] = [
        (sample.SITI, "pengelola_laman"),
        (sample.BUDI, "pengelola_sistem_dan_jaringan"),
        (sample.DEWI, "kasi_si"),
        (renewal_sample.KASUBAG, "kasubag_umum"),
    ]
    return [{**p.model_dump(), "roles": [role], **changes.get(p.id, {})} for p, role in people]


@pytest.fixture
def agency(tmp_path: Path) -> Agency:
    """Three backups of March 2026 whose output deviates; two of them for the same reason."""
    story = renewal_sample.Story()
    story.settings(renewal_sample.at("01-02 08:00"), services=[])
    for number, problem in ((10, "artikel: rusak"), (11, "artikel: rusak"), (12, "media penuh")):
        backup(story, number, problem)
    backup(story, 13)
    return agency_of(tmp_path, story)


def agency_of(folder: Path, story: renewal_sample.Story) -> Agency:
    """An agency with the settings and the record of a story."""
    snapshot = Snapshot.model_validate(story.events[0].data)
    unit = snapshot.unit.model_dump(mode="json", exclude={"state_dir", "ledger", "media", "schedule", "review"})
    review = {"activities": snapshot.unit.review.activities}
    made = Agency(folder, sites={"laman": {}}, unit={**unit, "schedule": [], "review": review}).write()
    told(made.state, story.events)
    return made


def listed(agency: Agency, *more: str) -> list[dict[str, Any]]:
    done = agency.laman("deviation", "list", "--json", *more)
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout))


def refused(agency: Agency, *arguments: str) -> str:
    """One line on standard error, exit code 1, and nothing recorded."""
    before = len(recorded(agency))
    done = agency.laman("deviation", *arguments)
    assert done.returncode == 1, done.stdout
    assert done.stderr.count("\n") == 1, done.stderr
    assert len(recorded(agency)) == before
    return done.stderr


def done(agency: Agency, *arguments: str) -> str:
    ended = agency.laman("deviation", *arguments)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def later(days: int) -> str:
    return str((datetime.now(UTC) + timedelta(days=days)).date())


def accounted(agency: Agency, *ids: str, more: tuple[str, ...] = ()) -> str:
    return done(agency, "account", *ids, *TEXTS, "--until", later(20), *more)


def test_every_deviation_has_its_executor_and_a_day_by_which_it_is_due(agency: Agency) -> None:
    found = listed(agency)
    assert [d["executor"]["id"] for d in found] == ["budi"] * 3
    # Tuesday 10 March 2026: five working days of the calendar later (Nyepi and Idulfitri come with cuti bersama)
    assert [d["account_due"] for d in found] == ["2026-03-17", "2026-03-25", "2026-03-26"]
    assert all(d["overdue"] and d["account_state"] == "belum dipertanggungjawabkan" for d in found)
    shown = agency.laman("deviation", "list").stdout
    assert shown.count("OVERDUE") == 3
    assert "3 lack an account (3 overdue)" in shown
    status = json.loads(agency.laman("status", "--period", "2026-03", "--json").stdout)
    assert [d["account_due"] for d in status["deviations"]] == ["2026-03-17", "2026-03-25", "2026-03-26"]


def test_one_account_answers_several_and_kasi_si_accepts(agency: Agency) -> None:
    one, two, three = (d["id"] for d in listed(agency))
    proof = agency.folder / "foto ups.pdf"
    proof.write_bytes(pdf("UPS"))
    said = accounted(agency, one, two, more=("--evidence", str(proof)))
    assert "Dewi Anggraini, M.T. reads it and decides" in said
    states = {d["id"]: d["account_state"] for d in listed(agency)}
    assert states == {**dict.fromkeys((one, two), "dipertanggungjawabkan"), three: "belum dipertanggungjawabkan"}
    events = recorded(agency, KIND_ACCOUNTED, KIND_EVIDENCE)
    assert [e.kind for e in events] == [KIND_EVIDENCE, KIND_ACCOUNTED, KIND_ACCOUNTED]
    assert events[0].data["of"] == "deviation"
    kept = agency.state / "archive" / events[1].data["attachments"][0]["path"]
    assert kept.read_bytes() == proof.read_bytes()
    assert json.loads(agency.laman("verify", "--json").stdout)["problems"] == []
    done(agency, "accept", one, two, "--note", "cukup")
    left = listed(agency)
    assert [d["id"] for d in left] == [three]
    every = {d["id"]: d for d in listed(agency, "--all")}
    assert every[one]["account"]["decision"]["decided_by"]["id"] == "dewi"
    assert {d["account_state"] for d in listed(agency, "--state", "accepted")} == {"diterima"}


def test_returned_then_accounted_for_again_keeps_all_of_it(agency: Agency) -> None:
    one = listed(agency)[0]["id"]
    accounted(agency, one)
    assert "needs --note" in refused(agency, "return", one)
    done(agency, "return", one, "--note", "Sebutkan kapan UPS dipasang")
    again = next(d for d in listed(agency) if d["id"] == one)
    assert again["account_state"] == "dikembalikan"
    assert not again["overdue"]  # due anew, counted from the return
    assert "already" in refused(agency, "return", one, "--note", "lagi")
    assert "waits for a new account" in refused(agency, "accept", one)
    accounted(agency, one)
    done(agency, "accept", one)
    found = next(d for d in listed(agency, "--all") if d["id"] == one)
    assert [e["decision"]["note"] for e in found["account"]["earlier"]] == ["Sebutkan kapan UPS dipasang"]
    told_ = done(agency, "show", one)
    assert told_.count("Listrik padam") == 2
    assert "returned by Dewi Anggraini, M.T." in told_
    assert "nothing: it is closed" in told_


def test_what_is_refused(agency: Agency) -> None:
    one, two, _ = (d["id"] for d in listed(agency))
    whole = ["account", one, *TEXTS, "--until", later(3)]
    mistyped = one[:-1] + ("0" if one[-1] != "0" else "1")
    assert f"did you mean {one}" in refused(agency, "account", mistyped, *TEXTS, "--until", later(3))
    assert "no deviation named" in refused(agency, "account", *TEXTS, "--until", later(3))
    some = ["--action", "y", "--by", "z", "--until", later(3)]
    assert "account needs --consequence" in refused(agency, "account", one, "--cause", "x", *some)
    assert "account needs --cause" in refused(agency, *whole[:2], "--cause", "  ", *TEXTS[2:], "--until", later(3))
    assert "is in the past" in refused(agency, *whole[:-1], later(-3))
    assert "is in the future" in refused(agency, *whole, "--done")
    assert "more than a year ahead" in refused(agency, *whole[:-1], "2206-01-01")
    assert "a day that exists" in refused(agency, *whole[:-1], "2026-02-30")
    assert "at most 2,000" in refused(agency, *whole[:2], "--cause", "x" * 2_001, *TEXTS[2:], "--until", later(3))
    fake = agency.folder / "bukti.pdf"
    fake.write_bytes(b"PK\x03\x04" + b"docx" * 100)
    assert "no PDF, JPG or PNG" in refused(agency, *whole, "--evidence", str(fake))
    assert "accounted for by its executor" in refused(agency, *whole, "--as", "siti")
    assert "has no account" in refused(agency, "accept", two)
    assert not list((agency.state / "archive").glob("*/*/deviation/*"))
    done(agency, *whole)
    assert "add --again" in refused(agency, *whole)
    assert "decided upon by dewi" in refused(agency, "accept", one, "--as", "hendra")
    assert "nobody decides on an own account" in refused(agency, "accept", one, "--as", "budi")
    assert "not A-0-0: read it first" in refused(agency, "accept", one, "--account", "A-0-0")
    done(agency, "accept", one)
    assert "was accepted already, by Dewi" in refused(agency, "accept", one)
    assert "it is closed" in refused(agency, *whole)


def test_an_action_that_is_done_may_lie_in_the_past(agency: Agency) -> None:
    one = listed(agency)[0]["id"]
    done(agency, "account", one, *TEXTS, "--until", later(-3), "--done")
    account = next(d for d in listed(agency) if d["id"] == one)["account"]
    assert account["action_done"] is True
    assert account["action_until"] == later(-3)


def test_the_successor_accounts_and_nobody_decides_on_an_own_account(agency: Agency) -> None:
    """Budi has left: whoever holds his role now accounts, by default; he may still do it himself. Dewi took it over."""
    one, two, _ = (d["id"] for d in listed(agency))
    agency.unit["officers"] = officers(
        budi={"last": "2026-06-30"}, dewi={"roles": ["kasi_si", "pengelola_sistem_dan_jaringan"]}
    )
    agency.write()
    assert "Hendra Kusuma, S.E. reads it" in accounted(agency, one)
    assert "Dewi Anggraini" in accounted(agency, two, more=("--as", "budi"))
    assert "nobody decides on an own account" in refused(agency, "accept", one, "--as", "dewi")
    done(agency, "accept", one)
    done(agency, "accept", two)
    by = {e.subject: e.data["decided_by"]["id"] for e in recorded(agency, KIND_DECIDED)}
    assert by == {one: "hendra", two: "dewi"}
    agency.unit["officers"] = officers(dewi={"roles": ["kasi_si", "kasubag_umum", "pengelola_sistem_dan_jaringan"]})[
        2:3
    ]
    agency.write()
    three = listed(agency)[0]["id"]
    accounted(agency, three)
    assert "may not decide on it" in refused(agency, "accept", three)


def test_a_clock_that_was_set_back(agency: Agency) -> None:
    one = listed(agency)[0]["id"]
    ahead = datetime.now(UTC) + timedelta(days=2)
    event = recorded(agency, KIND_SETTINGS)[-1]
    told(agency.state, [type(event)(0, "", ahead, "", "person:x", event.kind, event.subject, event.data, "", "")])
    assert "this machine's clock says" in refused(agency, "account", one, *TEXTS, "--until", later(3))
    account = ("deviation", "account", one, *TEXTS, "--until", later(3))
    assert agency.laman(*account, "--clock-is-right").returncode == 0
    assert agency.laman(*account, "--again").returncode == 0  # the last event is of now: nothing is asked any more


def test_two_people_at_once_give_one_account(agency: Agency) -> None:
    one = listed(agency)[0]["id"]
    running = [agency.start("deviation", "account", one, *TEXTS, "--until", later(9)) for _ in range(2)]
    ended = [(p.communicate(timeout=120), p.returncode) for p in running]
    assert sorted(code for _, code in ended) == [0, 1]
    lost = next(err for (_, err), code in ended if code == 1)
    assert lost.count("\n") == 1
    assert "has moved on since it was read" in lost or "add --again" in lost
    assert len(recorded(agency, KIND_ACCOUNTED)) == 1


def test_the_form(agency: Agency) -> None:
    form = agency.folder / "akun.yml"
    form.write_text(done(agency, "account", "--template"))
    content = yaml.safe_load(form.read_text())
    assert [len(entry["deviations"]) for entry in content["accounts"]] == [2, 1]  # one entry a cause
    assert "no entry is filled in" in refused(agency, "account", "--form", str(form))
    proof = agency.folder / "bukti.pdf"
    proof.write_bytes(pdf("x"))
    content["accounts"][0].update(cause="Listrik padam", consequence="Backup cacat", action="UPS", by="Budi",
                                  evidence=["bukti.pdf"])  # fmt: skip
    form.write_text(yaml.safe_dump(content))
    done(agency, "account", "--form", str(form))
    assert len(recorded(agency, KIND_ACCOUNTED)) == 2
    content["accounts"][0]["sebab"] = "x"
    form.write_text(yaml.safe_dump(content))
    assert "accounts.1.sebab" in refused(agency, "account", "--form", str(form))
    form.write_text("accounts: [")
    assert "line " in refused(agency, "account", "--form", str(form))
    # the template was read before somebody else accounted: it is stale now
    del content["accounts"][0]["sebab"]
    form.write_text(yaml.safe_dump(content))
    assert "has moved on since it was read" in refused(agency, "account", "--form", str(form))


def test_what_is_no_deviation_any_more_keeps_its_account(tmp_path: Path) -> None:
    """A run that nobody had read was accounted for; then a review came from another machine: it was in time."""
    story = renewal_sample.Story()
    story.settings(renewal_sample.at("01-02 08:00"), services=[], review={"activities": [2]})
    name = backup(story, 10)
    agency = agency_of(tmp_path, story)
    one = next(d["id"] for d in listed(agency) if d["execution"] == name)
    accounted(agency, one)
    read = ExecutionReviewed(execution=name, reviewer=sample.BUDI, agent=sample.TIMER, note="dibaca",
                             reviewed_at=renewal_sample.at("03-10 15:00"))  # fmt: skip
    story = renewal_sample.Story()
    story.tell(datetime.now(UTC), KIND_REVIEWED, "laman", read)
    told(agency.state, story.events)
    found = next(d for d in listed(agency) if d["id"] == one)
    assert found["stands"] is False
    assert found["account"]["cause"] == "Listrik padam"
    assert "no deviation any more" in agency.laman("deviation", "show", one).stdout
    done(agency, "accept", one)
    assert one not in {d["id"] for d in listed(agency)}
    assert one in {d["id"] for d in listed(agency, "--all")}


def test_due_says_who_owes_an_account_and_who_reads_it(agency: Agency) -> None:
    from reporting.cli.common import opened
    from reporting.cli.deviation import duties
    from reporting.cli.view import evaluated
    from reporting.unit import read_inventory

    one = listed(agency)[0]["id"]
    accounted(agency, one)
    with opened(read_inventory(agency.inventory)) as record:
        found = duties(record, evaluated(record, "2026-03"))
    assert [(d.officer, d.what) for d in found] == [
        ("budi", "Budi Santoso, S.Kom. accounts for 2 deviation(s), overdue"),
        ("dewi", "Dewi Anggraini, M.T. reads 1 account(s) of deviations and accepts or returns them"),
    ]
    assert found[0].until == "2026-03-25"
