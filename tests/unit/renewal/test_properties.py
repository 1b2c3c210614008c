"""Whatever people try, in whatever order: the state machine holds, no rupiah too much, nobody checks themselves."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from reporting.people import same_person
from reporting.renewal.commands import Refused
from reporting.renewal.fold import fold
from reporting.renewal.states import load_states
from reporting.renewal.submit import Bill
from reporting.unit import Unit
from tests.unit.renewal import world as made
from tests.unit.renewal.world import World, at, file, invoice, officer

PEOPLE = [
    officer("Budi", "pengelola_sistem_dan_jaringan", "kasi_si"),
    officer("Siti", "kasi_si", "kasubag_umum", "pengelola_sistem_dan_jaringan"),
    officer("Agus", "kasubag_umum"),
]
STEPS = st.sampled_from(["submit", "approve", "reject", "return", "pay", "report", "cancel"])
WHO = st.sampled_from([None, "budi", "siti", "agus"])
AMOUNTS = st.sampled_from([None, 1, 400_000, 1_110_000, 2_000_000, 0, -1])
TRIES = st.lists(st.tuples(STEPS, WHO, AMOUNTS, st.integers(0, 600), st.booleans()), min_size=1, max_size=14)


def attempt(world: World, step: Any, who: str | None, amount: int | None, moved: bool) -> None:
    """Try a step with all that it asks for."""
    if step == "submit":
        files = (file("submission_sheet", f"sheet-{len(world.events)}"),)
        world.submit(case="P-2026-001", executor=who, files=files, bill=Bill())
    elif step == "report":
        world.report(f"{world.now:%Y-%m-%d %H:%M}", "moved" if moved else "not_moved", executor=who)
    else:
        world.do(step, executor=who, amount=amount, note="alasan")


@settings(max_examples=150, deadline=None)
@given(TRIES)
def test_whatever_is_tried(tries: list[tuple[Any, str | None, int | None, int, bool]]) -> None:
    world = World(Unit.model_validate(made.settings(officers=PEOPLE)))
    world.submit("2026-03-12 14:00", executor="budi", bill=invoice())
    rules = load_states()
    for step, who, amount, minutes, moved in tries:
        world.now += timedelta(minutes=minutes)
        before, events = world.case(), len(world.events)
        try:
            attempt(world, step, who, amount, moved)
        except Refused:
            assert len(world.events) == events
            assert world.case() == before
            continue
        after = world.case()
        assert before.state in rules.steps[step].origins
        assert rules.states[before.state].open
        assert after.state in rules.steps[step].leads_to
        assert len(after.steps) == len(before.steps) + 1
        assert 0 <= after.paid <= after.invoice.total
        assert (after.state == "partly_paid") <= (0 < after.paid < after.invoice.total)
    case = world.case()
    if case.state in ("paid", "renewed", "not_renewed"):
        assert case.outstanding == 0
    for step_done, previous in zip(case.steps[1:], case.steps, strict=False):
        assert step_done.done_at >= previous.done_at
        if step_done.name in ("approve", "reject", "return"):
            submitted = next(s for s in reversed(case.steps[: case.steps.index(step_done)]) if s.name == "submit")
            assert not same_person(submitted.executor, step_done.executor)
    executions = world.judge().executions
    assert sorted(e.id for e in executions) == sorted(s.execution for s in case.steps if s.execution)
    assert all(e.minutes is not None and e.minutes >= 0 for e in executions)


@settings(max_examples=20, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_order_in_which_events_are_read_does_not_matter(shuffle: random.Random) -> None:
    world = World()
    world.paid()
    world.report("2026-03-24 08:30", "not_moved")
    world.submit("2026-03-25 08:00", invoice(number="INV-2", received=at("2026-03-25 07:45")))
    events = list(world.events)
    shuffle.shuffle(events)
    assert fold(events) == world.cases
