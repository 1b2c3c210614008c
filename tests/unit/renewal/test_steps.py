"""Steps on a case: who may, when, with what; and every refusal in one line."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from reporting.renewal.commands import Refused, permit, take, take_invoice
from reporting.unit import Unit
from tests.unit.renewal.world import World, at, file, invoice, officer, settings


@pytest.fixture
def world() -> World:
    return World()


def refused(world: World, step: Any, match: str, **more: Any) -> None:
    before = len(world.events)
    with pytest.raises(Refused, match=match) as caught:
        world.do(step, **more)
    assert "\n" not in str(caught.value)
    assert len(world.events) == before


def test_a_whole_renewal(world: World) -> None:
    world.paid()
    case = world.report("2026-03-24 08:30")
    assert case.state == "renewed"
    assert [s.name for s in case.steps] == ["submit", "approve", "pay", "report"]
    assert [s.executor.id for s in case.steps] == ["budi", "siti", "agus", "budi"]
    assert {s.agent.name for s in case.steps} == {"admin@meja"}
    answer = world.judge()
    found = [(e.activity, e.minutes, e.verdict.status, e.occasion, e.review_due) for e in answer.executions]
    assert found == [
        (4, 10.0, "sesuai", None, None),
        (5, 10.0, "sesuai", None, None),
        (6, 40.0, "sesuai", None, None),
        (7, 420.0, "menyimpang", None, None),  # Mon 09:00-12:00, 13:00-16:00, Tue 07:30-08:30
    ]
    assert [e.site for e in answer.executions] == ["P-2026-001"] * 4
    assert [d.aspect for d in answer.deviations if d.activity >= 4] == ["waktu"]
    assert answer.problems == ()


def test_who_does_what_is_a_setting() -> None:
    other = World(Unit.model_validate(settings(assignment={6: "kasi_si"})))
    other.submit()
    other.do("approve")
    with pytest.raises(Refused, match="Agus may not pay: it is done by kasi_si"):
        permit(other.known, other.ask("pay", executor="agus"))
    assert other.do("pay").steps[-1].executor.id == "siti"


def test_out_of_order(world: World) -> None:
    world.submit()
    refused(
        world, "pay", "P-2026-001 is submitted: pay needs it approved or partly paid; it waits for: approve, reject"
    )
    refused(world, "report", "report needs it paid")
    world.do("approve")
    refused(world, "report", "it waits for: pay, cancel")
    refused(world, "reject", "reject needs it submitted", note="late")


def test_the_same_step_twice(world: World) -> None:
    world.submit()
    world.do("approve", "2026-03-12 14:10")
    refused(world, "approve", r"was approved already, by Siti on 2026-03-12 14:10 WIB")
    world.do("pay")
    refused(world, "pay", "was paid already, by Agus")
    world.report("2026-03-12 14:30")
    refused(world, "report", "was reported already, by Budi")


def test_a_closed_case(world: World) -> None:
    world.submit()
    world.do("reject", note="tidak dianggarkan")
    for step in ("approve", "pay", "cancel"):
        refused(world, step, "P-2026-001 is rejected: it is closed", note="x")


def test_an_unproven_case_waits_for_its_proof(world: World) -> None:
    world.paid()
    world.report("2026-03-23 10:00", "not_moved")
    refused(world, "pay", r"not proven renewed.*laman renewal prove P-2026-001")


def test_two_people_at_once(world: World) -> None:
    world.submit()
    seen = world.case().seq
    world.do("return", note="salah mata anggaran")
    refused(world, "approve", r"has moved on since it was read \(returned by Siti\): it is returned now", seen_seq=seen)


def test_nobody_approves_what_they_submitted() -> None:
    people = [
        officer("Budi", "pengelola_sistem_dan_jaringan", "kasi_si", nip="198001012005011001"),
        officer("Plt", "kasi_si", "kasubag_umum", nip="198001012005011001", acting="Plt."),
        officer("BUDI2", "kasi_si") | {"name": "Budí"},
        officer("Siti", "kasi_si"),
    ]
    world = World(Unit.model_validate(settings(officers=people)))
    world.submit(executor="budi")
    for same in ("budi", "plt", "budi2"):  # the same id, the same NIP, the same name
        refused(world, "approve", "submitted P-2026-001 and so may not approve it", executor=same)
    refused(world, "approve", "submitted P-2026-001 and so may not approve it")  # by default it would be Budi
    refused(world, "return", "may not return it", executor="plt", note="x")
    assert world.do("approve", executor="siti").state == "approved"


def test_the_officer_of_the_day() -> None:
    people = [
        officer("Budi", "pengelola_sistem_dan_jaringan", "kasubag_umum"),
        officer("Siti", "kasi_si", last="2026-03-31"),
        officer("Rina", "kasi_si", first="2026-04-01", acting="Plt.", title="Kepala Seksi SI"),
    ]
    world = World(Unit.model_validate(settings(officers=people)))
    world.submit("2026-03-30 10:00", invoice(received=at("2026-03-30 09:00")))
    refused(
        world, "approve", "'siti': no such officer in office on 2026-04-01", executor="siti", when="2026-04-01 08:00"
    )
    step = world.do("approve").steps[-1]
    assert (step.executor.id, step.executor.title) == ("rina", "Plt. Kepala Seksi SI")


def test_nobody_in_office() -> None:
    people = [officer("Budi", "pengelola_sistem_dan_jaringan"), officer("Siti", "kasi_si", last="2026-01-31")]
    world = World(Unit.model_validate(settings(officers=people)))
    world.submit()
    refused(world, "approve", "approve is done by kasi_si, and no officer holds that role on 2026-03-12")


@pytest.mark.parametrize(
    ("step", "match"),
    [("approve", "approve needs --sheet FILE"), ("reject", "reject needs --sheet"), ("return", "return needs --sheet")],
)
def test_without_its_signed_sheet(world: World, step: str, match: str) -> None:
    world.submit()
    refused(world, step, match, files=(), note="x")
    refused(world, step, match, files=(file("proof_of_payment", "other"),), note="x")


def test_without_its_proof(world: World) -> None:
    world.submit()
    world.do("approve")
    refused(world, "pay", "pay needs --proof FILE: the proof of payment", files=())


def test_one_file_proves_one_thing(world: World) -> None:
    world.submit(files=(file("invoice", "inv"), file("submission_sheet", "unsigned")))
    again = (file("approved_sheet", "unsigned"),)
    refused(world, "approve", r"unsigned.pdf: the same file was attached .* as the submission sheet", files=again)
    world.do("approve", files=(file("approved_sheet", "signed"),))
    refused(world, "pay", "as the invoice", files=(file("proof_of_payment", "inv"),))
    world.do("pay", files=(file("proof_of_payment", "bank"),), amount=10)
    refused(world, "pay", "as a proof of payment", files=(file("proof_of_payment", "bank"),))


@pytest.mark.parametrize("step", ["reject", "return", "cancel"])
def test_a_step_that_has_to_say_why(world: World, step: str) -> None:
    world.submit()
    refused(world, step, f"{step} needs --note", note="  ")


def test_amounts(world: World) -> None:
    world.submit()
    world.do("approve")
    refused(world, "pay", "must be more than Rp0", amount=0)
    refused(world, "pay", "must be more than Rp0", amount=-5)
    over = re.escape("Rp1.110.001 is Rp1 more than is left to pay (Rp1.110.000 of Rp1.110.000)")
    refused(world, "pay", over, amount=1_110_001)
    case = world.do("pay", amount=110_000)
    assert (case.state, case.paid, case.outstanding) == ("partly_paid", 110_000, 1_000_000)
    refused(world, "report", "partly paid: report needs it paid")
    refused(world, "cancel", "cancel needs it", note="x")
    refused(world, "pay", "more than is left to pay", amount=1_000_001)
    case = world.do("pay")
    assert (case.state, case.paid, [s.amount for s in case.steps[2:]]) == ("paid", 1_110_000, [110_000, 1_000_000])


def test_every_part_of_a_payment_counts_from_the_approval(world: World) -> None:
    world.submit("2026-03-30 08:00", invoice(received=at("2026-03-30 07:30")))
    world.do("approve", "2026-03-30 08:10")
    world.do("pay", "2026-03-30 09:10", amount=10)
    assert (world.last().minutes, world.last().verdict.status) == (60.0, "sesuai")
    world.do("pay", "2026-03-31 09:10")
    assert (world.last().minutes, world.last().verdict.status) == (510.0, "menyimpang")


def test_a_service_that_was_removed(world: World) -> None:
    world.submit()
    world.removed.add("domain")
    gone = "service 'domain' is no longer in the register: put it back .* or cancel the case"
    refused(world, "approve", gone)
    with pytest.raises(Refused, match=gone):
        take(world.known, "P-2026-001", None)
    assert world.do("cancel", note="layanan dihapus").state == "cancelled"


def test_on_paper(world: World) -> None:
    world.submit()
    world.now = at("2026-03-13 09:00")
    case = world.do("approve", at=at("2026-03-12 14:20"))
    step = case.steps[-1]
    assert (step.on_paper, step.done_at, step.recorded_at) == (True, at("2026-03-12 14:20"), world.now)
    assert "paper" in {a.role for a in step.attachments}
    assert world.last().minutes == 20.0
    assert not case.steps[0].on_paper


def test_paper_and_date_go_together(world: World) -> None:
    world.submit()
    with pytest.raises(Refused, match="--at needs --paper FILE"):
        permit(world.known, replace(world.ask("approve"), at=at("2026-03-12 14:00")))
    both = (file("approved_sheet", "s"), file("paper", "p"))
    refused(world, "approve", "say when with --at", files=both)
    refused(world, "approve", "--taken goes with --at and --paper", taken_at=at("2026-03-12 14:00"))


def test_dates_that_cannot_be(world: World) -> None:
    world.submit("2026-03-12 14:00")
    refused(world, "approve", "2026-03-12 14:06 WIB is in the future", at=at("2026-03-12 14:06"))
    refused(world, "approve", r"13:59 WIB is before P-2026-001 was submitted", at=at("2026-03-12 13:59"))
    world.now = at("2026-03-12 16:00")
    late = {"at": at("2026-03-12 15:00"), "taken_at": at("2026-03-12 15:30")}
    refused(world, "approve", "--taken 2026-03-12 15:30 WIB: work begins after its input", **late)
    early = {"at": at("2026-03-12 15:00"), "taken_at": at("2026-03-12 13:00")}
    refused(world, "approve", "work begins after its input was there", **early)


def test_no_such_case(world: World) -> None:
    refused(world, "approve", "no case 'P-2026-009'; the last ones: none yet", case="P-2026-009")
    world.submit()
    assert world.do("approve", case=" p-2026-001 ".strip().upper()).state == "approved"
    refused(world, "pay", r"no case 'x.\[2J'", case="x\x1b[2J")


def test_take(world: World) -> None:
    world.submit("2026-03-12 14:00")
    world.now = at("2026-03-12 14:15")
    draft, _, step = take(world.known, "P-2026-001", None)
    assert step == "approve"
    world.record([draft])
    with pytest.raises(Refused, match="was taken already, by Siti on 2026-03-12 14:15 WIB"):
        take(world.known, "P-2026-001", None)
    with pytest.raises(Refused, match="Budi may not approve"):
        take(world.known, "P-2026-001", "budi")
    case = world.do("approve", "2026-03-12 14:20")
    assert case.taken is None
    found = world.last()
    assert (found.minutes_gross, found.minutes_net, found.minutes_waiting, found.minutes) == (20.0, 5.0, 15.0, 20.0)
    world.do("pay")
    world.report("2026-03-12 14:40")
    with pytest.raises(Refused, match="it waits for no step"):
        take(world.known, "P-2026-001", None)


def test_take_of_an_invoice(world: World) -> None:
    bill = file("invoice", "inv")
    world.now = at("2026-03-12 13:50")
    world.record([take_invoice(world.known, bill, None)])
    with pytest.raises(Refused, match="this invoice was taken already, by Budi"):
        take_invoice(world.known, bill, None)
    world.submit("2026-03-12 14:00", files=(bill, file("submission_sheet", "sheet")))
    found = world.last()
    assert (found.minutes_gross, found.minutes_net) == (30.0, 10.0)
    with pytest.raises(Refused, match="was submitted already: P-2026-001"):
        take_invoice(world.known, bill, None)


@pytest.mark.parametrize(
    ("setting", "judged", "verdict"), [("from_input", 40.0, "menyimpang"), ("from_taken", 25.0, "sesuai")]
)
def test_the_clock_that_judges_is_a_setting(setting: str, judged: float, verdict: str) -> None:
    world = World(Unit.model_validate(settings(human_clock=setting)))
    world.submit("2026-03-12 14:00")
    world.now += timedelta(minutes=15)
    world.record([take(world.known, "P-2026-001", None)[0]])
    world.do("approve", "2026-03-12 14:40")
    found = world.last()
    assert (found.minutes, found.verdict.status) == (judged, verdict)
    assert (found.minutes_gross, found.minutes_net) == (40.0, 25.0)
    assert ("since work was begun" if setting == "from_taken" else "since its input was there") in found.time.reason


def test_judged_from_taken_without_a_take_counts_from_the_input() -> None:
    world = World(Unit.model_validate(settings(human_clock="from_taken")))
    world.submit("2026-03-12 14:00")
    found = world.last()
    assert (found.minutes, found.minutes_gross, found.minutes_net) == (30.0, 30.0, None)


def test_what_was_at_hand_must_still_be_in_the_archive(world: World) -> None:
    case = world.submit("2026-03-12 13:40")
    world.broken = frozenset({case.attachments("submission_sheet")[0].sha256})
    world.do("approve", "2026-03-12 13:45")
    found = world.last()
    assert (found.requirement.status, found.output.status) == ("menyimpang", "sesuai")
    assert "payment submission sheet: berkas sheet.pdf di arsip hilang atau berubah" in found.requirement.reason


def test_a_return_goes_back_to_the_submitter(world: World) -> None:
    world.submit("2026-03-16 08:10", invoice(received=at("2026-03-16 08:00")))
    world.do("return", "2026-03-16 08:20", note="kurang NPWP")
    assert world.last().verdict.status == "sesuai"
    sheet = (file("submission_sheet", "sheet-2"),)
    world.now = at("2026-03-16 08:40")
    case = world.submit(case="P-2026-001", files=sheet, bill=invoice(number=None, issued=None, received=None, due=None,
                                                                     amount=None, tax=None, lines=()))  # fmt: skip
    assert (case.state, len(world.cases)) == ("submitted", 1)
    found = world.last()
    assert (found.activity, found.minutes, found.verdict.status) == (4, 20.0, "sesuai")  # from the return
    assert world.do("approve", "2026-03-16 08:50").state == "approved"


def test_a_report_without_proof_deviates_and_stays_so(world: World) -> None:
    world.paid()
    case = world.report("2026-03-23 10:00", "not_moved")
    assert case.state == "not_renewed"
    found = world.last()
    assert (found.requirement.status, found.output.status, found.verdict.status) == (
        "sesuai",
        "menyimpang",
        "menyimpang",
    )
    assert "domain: no move" in found.output.reason


def test_a_step_counts_in_the_period_in_which_it_is_done(world: World) -> None:
    world.submit("2026-03-31 15:30", invoice(received=at("2026-03-31 15:20")))
    world.do("approve", "2026-04-01 07:40")
    by_month = {month: [e.activity for e in world.judge(month).executions] for month in ("2026-03", "2026-04")}
    assert by_month == {"2026-03": [4], "2026-04": [5]}
