"""Steps on a ticket: who may, when, with what; and every refusal in one line, with nothing recorded."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from reporting.events import KIND_EVIDENCE, KIND_FINISHED, KIND_STARTED
from reporting.troubleshooting.asked import AskedOpening, Refused
from reporting.troubleshooting.commands import permit_opening
from tests.unit.troubleshooting.world import SOLVED, World, at, file, finding, unit


@pytest.fixture
def world() -> World:
    return World()


def refused(world: World, step: Any, match: str, **more: Any) -> None:
    before = len(world.events)
    with pytest.raises(Refused, match=match) as caught:
        world.do(step, **more)
    assert "\n" not in str(caught.value)
    assert len(world.events) == before


def test_a_whole_ticket(world: World) -> None:
    world.open("2026-04-14 08:00", reported_by="Sekretariat")
    world.do("take", "2026-04-14 08:30")
    world.do("route", "2026-04-14 09:00")
    world.do("pause", "2026-04-14 10:00")
    world.do("resume", "2026-04-14 11:00")
    ticket = world.do("solve", "2026-04-14 13:30")
    assert (ticket.state, ticket.route, ticket.party) == ("solved", "pihak_ketiga", "PT Penyedia")
    assert [s.name for s in ticket.steps] == ["take", "route", "pause", "resume", "solve"]
    (execution,) = world.executions()
    assert (execution.activity, execution.site, execution.kind, execution.attempt, execution.judges) == (
        8, "T-2026-001", "ad_hoc", 1, True,
    )  # fmt: skip
    assert (execution.minutes, execution.verdict.status) == (270.0, "sesuai")
    assert execution.requirement.reason == "at hand: the problem that was reported"
    assert world.judge().problems == ()


def test_opening_and_its_execution_are_one_transaction_and_solving_too(world: World) -> None:
    world.open(files=(file("foto"),))
    assert [e.kind for e in world.events[1:]] == ["ticket.opened", KIND_STARTED, KIND_EVIDENCE]
    world.do("take")
    world.do("solve")
    assert [e.kind for e in world.events[-3:]] == [KIND_EVIDENCE, "ticket.step", KIND_FINISHED]
    assert {e.subject for e in world.events[1:]} == {"T-2026-001"}


def test_ids_count_per_year(world: World) -> None:
    assert [world.open(title=f"masalah {n}").id for n in range(3)] == ["T-2026-001", "T-2026-002", "T-2026-003"]
    assert world.open("2027-01-04 09:00").id == "T-2027-001"


# --- reopened, paused, resumed, routed, solved: twice, in the wrong order, at the wrong time


def test_reopened_twice(world: World) -> None:
    world.open()
    world.do("take")
    refused(world, "reopen", "T-2026-001 is open: taken by Budi .*: only a solved ticket is reopened")
    world.do("solve")
    world.do("reopen", "2026-04-14 10:00")
    refused(world, "reopen", "T-2026-001 was reopened by Budi on 2026-04-14 10:00 WIB: only a solved ticket is")
    assert len(world.ticket().executions) == 2


def test_paused_twice_and_never_taken(world: World) -> None:
    world.open()
    refused(world, "pause", "nobody has taken it yet, and the wait for a first response is no pause")
    world.do("take")
    world.do("pause", "2026-04-14 09:00")
    refused(world, "pause", "was paused by Budi on 2026-04-14 09:00 WIB already: first laman ticket resume T-2026-001")
    world.do("resume")
    refused(world, "resume", "was resumed by Budi on .*: it is not paused, there is nothing to resume")


def test_a_pause_needs_a_reason_and_evidence_of_its_own(world: World) -> None:
    world.open()
    world.do("take")
    refused(world, "pause", "pause needs --reason", note=" ")
    refused(world, "pause", r"pause needs --evidence FILE: .*\(PDF, JPG or PNG\)", files=())
    world.do("pause", files=(file("surat"),))
    world.do("resume")
    refused(world, "pause", "surat.pdf: the same file proved the pause of Budi before", files=(file("surat"),))


def test_resumed_in_the_past(world: World) -> None:
    world.open()
    world.do("take")
    world.do("pause", "2026-04-14 09:00")
    world.now = at("2026-04-14 12:00")
    early, note = at("2026-04-14 08:59"), "kata penyedia"
    refused(world, "resume", r"--at 2026-04-14 08:59 WIB is before T-2026-001 was paused \(2026-04-14 09:00 WIB\)",
            at=early, note=note)  # fmt: skip
    refused(world, "resume", "--at 2026-04-14 12:01 WIB is in the future", at=at("2026-04-14 12:01"), note=note)
    refused(world, "resume", "--at needs --note: how it is known", at=at("2026-04-14 10:00"))
    ticket = world.do("resume", at=at("2026-04-14 10:00"), note=note)
    assert (ticket.steps[-1].done_at, ticket.steps[-1].recorded_at) == (at("2026-04-14 10:00"), world.now)
    assert world.timing().paused == 60.0


def test_nothing_but_notes_and_files_while_it_is_paused(world: World) -> None:
    world.open()
    world.do("take")
    world.do("pause")
    refused(world, "route", r"route needs it running \(a pause counts on the route on which it was made\): first laman")
    refused(world, "solve", "solve needs it running: first laman ticket resume T-2026-001")
    refused(world, "take", "take needs it running", executor="citra")
    world.do("note")
    world.do("attach")
    assert world.ticket().state == "paused"


@pytest.mark.parametrize(("missing", "option"), [
    ("cause_kind", "--kind"), ("cause", "--cause"), ("solution", "--solution"), ("prevention", "--prevention"),
])  # fmt: skip
def test_solved_without_saying_how(world: World, missing: str, option: str) -> None:
    world.open()
    world.do("take")
    refused(world, "solve", f"solve needs {option}: ", **{missing: None if missing == "cause_kind" else "  "})


def test_solved_twice_and_done_to_a_solved_one(world: World) -> None:
    world.open()
    world.do("solve", "2026-04-14 09:00")
    refused(world, "solve", "was solved by Budi on 2026-04-14 09:00 WIB: laman ticket reopen T-2026-001 --note WHY")
    for step in ("take", "route", "pause", "resume"):
        refused(world, step, f"was solved by Budi on .*, and {step} needs it open: laman ticket reopen")
    world.do("note")
    world.do("attach")
    assert world.ticket().state == "solved"


def test_a_clock_set_back(world: World) -> None:
    world.open()
    world.do("take", "2026-04-14 09:00")
    world.now = at("2026-04-14 08:30")
    refused(world, "solve", r"the clock of this machine says 2026-04-14 08:30 WIB, before T-2026-001 was taken "
            r"\(2026-04-14 09:00 WIB\): set it right, nothing was recorded")  # fmt: skip
    assert world.timing().gross == 60.0  # what is shown meanwhile never runs backwards


def test_a_clock_that_was_ahead_once_does_not_block_a_ticket(world: World) -> None:
    world.open("2026-04-14 08:00")
    world.do("take", "2027-04-14 09:00")
    world.now = at("2026-04-14 09:30")
    refused(world, "note", "if it is right and was wrong then: add --clock-is-right and --note", at=None)
    refused(world, "resume", "it is not paused")
    refused(world, "route", "--clock-is-right needs --note", clock_is_right=True)
    world.do("route", clock_is_right=True, note="jam server salah setahun")
    timing = world.timing()
    assert (timing.gross, timing.response, timing.over) == (90.0, 90.0, False)
    assert [s.done_at.year for s in world.ticket().steps] == [2027, 2026]  # each keeps what it said
    world.do("pause", "2026-04-14 10:00")  # and from here on nothing is asked
    world.do("resume", "2026-04-14 10:30")
    refused(
        world, "solve", "is before T-2026-001 was resumed", at=at("2026-04-14 10:29"), note="x", clock_is_right=True
    )
    world.do("solve", "2026-04-14 11:00")
    assert (world.timing().gross, world.timing().net, world.executions()[0].minutes) == (180.0, 150.0, 180.0)


def test_a_report_by_a_clock_that_was_ahead(world: World) -> None:
    world.open("2027-04-14 08:00")
    world.now = at("2026-04-14 09:00")
    refused(world, "solve", "before T-2027-001 was reported", ticket="T-2027-001")
    world.do("solve", ticket="T-2027-001", clock_is_right=True, note="jam server salah setahun")
    assert world.timing("T-2027-001").gross == 0.0


def test_from_taken_with_a_clock_that_was_ahead() -> None:
    world = World(unit(human_clock="from_taken"))
    world.open("2026-04-14 08:00")
    world.do("take", "2027-04-14 09:00")
    world.do("solve", "2026-04-14 09:30", clock_is_right=True, note="jam server salah setahun")
    assert (world.executions()[0].minutes, world.timing().gross, world.timing().response) == (0.0, 90.0, 90.0)


def test_a_clock_that_is_a_little_behind_another_is_no_error(world: World) -> None:
    world.open()
    world.do("take", "2026-04-14 09:00")
    world.do("pause", "2026-04-14 08:56")
    assert (world.timing(moment=at("2026-04-14 09:00")).net, world.ticket().state) == (56.0, "paused")


def test_two_people_at_once(world: World) -> None:
    """Both have read the ticket; the second to be let in is told what the first has done."""
    read = world.open().seq
    world.do("take", seen_seq=read)
    refused(world, "take", r"moved on since it was read \(last it was taken by Budi\): it is taken now", seen_seq=read,
            executor="citra")  # fmt: skip
    refused(world, "take", "T-2026-001 was taken already by Budi on")
    world.do("route", seen_seq=world.ticket().seq)


def test_a_run_that_saw_it_again_is_news_too(world: World) -> None:
    world.ran("e1", [finding(1)])
    read = world.triage().opened
    seq = world.ticket(read[0]).seq
    world.ran("e2", [finding(1)])
    world.triage()
    refused(world, "take", "moved on since it was read .it was found again", seen_seq=seq)


# --- who


def test_who_may(world: World) -> None:
    world.open()
    refused(
        world, "take", "Siti may not take a ticket: it is the work of pengelola_.* .budi, citra on", executor="siti"
    )
    refused(world, "take", "--executor 'x': no such officer in office on 2026-04-14; .*: budi, citra", executor="x")
    world.do("take", executor="citra")
    assert world.do("note", executor="agus").steps[-1].executor.id == "agus"
    assert world.do("route").steps[-1].executor.id == "citra"  # who has it goes on with it


def test_taking_over_is_a_step_and_the_one_who_has_it_answers_for_it(world: World) -> None:
    world.open()
    world.do("take")
    assert world.do("take", executor="citra").executor.id == "citra"
    refused(world, "take", "was taken already by Citra")
    world.do("solve")
    (execution,) = world.executions()
    assert execution.executor.id == "citra"


def test_nobody_holds_the_role() -> None:
    world = World(unit(assignment={8: "pengelola_laman"}))
    with pytest.raises(
        Refused, match="tickets are the work of pengelola_laman, and no officer holds that role on 2026"
    ):
        world.open()


# --- routes


def test_routes(world: World) -> None:
    world.open()
    refused(world, "route", "route pihak_ketiga needs --party", party=" ")
    assert world.do("route").state == "taken"  # routing it is a response too
    refused(world, "route", r"is on route pihak_ketiga \(PT Penyedia\) already")
    assert world.do("route", party="PT Lain").party == "PT Lain"
    assert (world.do("route", route="mandiri", party="").route, world.ticket().party) == ("mandiri", "")


# --- opening


@pytest.mark.parametrize(("asked", "match"), [
    ({"title": "  "}, "open needs --title"),
    ({"title": "x" * 201}, "--title has 201 characters, at most 200"),
    ({"title": "x", "site": "lain"}, "--site 'lain': hosts.yml has: www, ppid"),
    ({"title": "x", "reported_at": at("2026-04-14 08:01")}, "--reported 2026-04-14 08:01 WIB is in the future"),
    ({"title": "x", "reported_at": at("2017-01-02 08:00")}, "--reported 2017-01-02 08:00 WIB: .*2017-12-04"),
    ({"title": "x", "executor": "agus"}, "Agus may not open a ticket"),
    ({"title": "x", "breach_known_at": at("2026-04-15 08:00")}, "--breach-known 2026-04-15 08:00 WIB is in the future"),
    ({"title": "x", "breach_known_at": at("2025-04-13 08:00")}, "2025-04-13 08:00 WIB is more than a year before"),
    ({"title": "x", "route": "pihak_ketiga"}, "route pihak_ketiga needs --party"),
])  # fmt: skip
def test_a_ticket_that_is_not_opened(world: World, asked: dict[str, Any], match: str) -> None:
    with pytest.raises(Refused, match=match) as caught:
        permit_opening(world.known, AskedOpening(**asked))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("title", [
    '=HYPERLINK("http://x";"klik")', "\x1b[2J\x1b]0;pwned\x07", "$(rm -rf ~); `id` 'x' \"y\" && z", "-e --json",
    "a\nb\0c",
    "\u202egnp.exe", "\ud800 broken", "<script>alert(1)</script>",
])  # fmt: skip
def test_hostile_titles_are_kept_in_one_harmless_line(world: World, title: str) -> None:
    ticket = world.open(title=title, problem=title, reported_by=title)
    world.do("take", note=title)
    world.do("solve", **{**SOLVED, "cause": title, "solution": title, "prevention": title})
    for text in (ticket.title, ticket.problem, ticket.reported_by, world.ticket().steps[0].note):
        assert text
        assert not any(ord(c) < 32 or 0xD800 <= ord(c) < 0xE000 or c == "\u202e" for c in text)
    assert world.executions()[0].verdict.status == "sesuai"


def test_no_such_ticket(world: World) -> None:
    refused(world, "take", "no ticket 'T-2026-009'; the last ones: none yet", ticket="T-2026-009")
    world.open()
    assert world.do("take", ticket=" t-2026-001 ").state == "taken"


# --- personal data


def test_a_breach_has_a_clock_of_its_own_that_never_sleeps(world: World) -> None:
    world.open("2026-04-17 16:00")  # a Friday
    refused(world, "notified", "is no breach of personal data; if it is one: laman ticket breach T-2026-001")
    refused(world, "breach", "breach needs --note: which personal data", note="")
    world.now = at("2026-04-18 10:00")
    refused(world, "breach", "--known 2025-04-17 15:59 WIB is before a year before it was", at=at("2025-04-17 15:59"))
    refused(world, "breach", "--known 2026-04-18 10:01 WIB is in the future", at=at("2026-04-18 10:01"))
    world.do("breach", at=at("2026-04-17 16:00"))
    refused(world, "breach", "is a breach of personal data already, known since 2026-04-17 16:00 WIB")
    assert world.timing().breach_due_at == at("2026-04-20 16:00")
    assert not world.timing(moment=at("2026-04-20 16:00")).breach_late
    assert world.timing(moment=at("2026-04-20 16:00") + timedelta(seconds=1)).breach_late
    refused(world, "notified", "notified needs --evidence FILE: the written notice", files=())
    world.do("notified", "2026-04-20 15:59")
    assert not world.timing(moment=at("2026-05-01 08:00")).breach_late
    refused(world, "notified", "its notice was sent on 2026-04-20 15:59 WIB already")


def test_a_breach_may_be_known_before_the_last_note_and_after_the_solution(world: World) -> None:
    world.open("2026-04-14 08:00")
    world.do("take", "2026-04-14 09:00")
    world.do("solve", "2026-04-14 10:00")
    world.now = at("2026-04-15 10:00")
    world.do("breach", at=at("2026-04-14 08:30"))
    assert world.ticket().state == "solved"
    assert world.timing().gross == 120.0
    world.do("notified", at=at("2026-04-15 09:00"), note="tanggal surat")


def test_a_breach_may_be_known_before_it_was_reported(world: World) -> None:
    world.open("2026-04-14 08:00")
    assert world.do("breach", at=at("2026-04-13 20:00")).breach_known_at == at("2026-04-13 20:00")
    assert world.timing().breach_due_at == at("2026-04-16 20:00")


def test_a_breach_from_the_start(world: World) -> None:
    ticket = world.open(breach_known_at=at("2026-04-14 07:00"))
    assert ticket.breach_known_at == at("2026-04-14 07:00")
    assert world.timing().breach_due_at == at("2026-04-17 07:00")
