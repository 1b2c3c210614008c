"""The state machine as data: the shipped one is whole, a broken one is refused with one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from reporting.renewal import states as module
from reporting.renewal.states import StatesError, load_states, parse_states, read_states

SHIPPED = Path(module.__file__).with_name("states.yml")


def content() -> Any:
    return yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))


def test_the_steps_of_the_pos_by_default() -> None:
    rules = load_states().steps
    found = {name: (rules[name].activity, rules[name].role) for name in ("submit", "approve", "pay", "report")}
    assert found == {
        "submit": (4, "pengelola_sistem_dan_jaringan"),
        "approve": (5, "kasi_si"),
        "pay": (6, "kasubag_umum"),
        "report": (7, "pengelola_sistem_dan_jaringan"),
    }
    assert {rules[n].activity for n in ("reject", "return")} == {5}
    assert not rules["cancel"].execution


def test_what_follows_each_state() -> None:
    states = load_states()
    assert {name: states.following(name) for name in states.states} == {
        "submitted": ("approve", "reject", "return", "cancel"),
        "returned": ("submit", "cancel"),
        "approved": ("pay", "cancel"),
        "partly_paid": ("pay",),
        "paid": ("report",),
        "not_renewed": (),
        "renewed": (),
        "rejected": (),
        "cancelled": (),
    }
    waits = {name: states.next_execution(name) for name in ("submitted", "returned", "approved", "paid", "renewed")}
    assert waits == {"submitted": "approve", "returned": "submit", "approved": "pay", "paid": "report", "renewed": None}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda c: c["states"].pop("paid"), "paid"),
        (lambda c: c["steps"].pop("pay"), "pay"),
        (lambda c: c["steps"]["pay"].update({"from": ["somewhere"]}), "steps.pay.from"),
        (lambda c: c["steps"]["pay"].update({"activity": 3}), "steps.pay.activity"),
        (lambda c: c["steps"]["pay"].update({"output": "invoice"}), "output invoice must be one of attach"),
        (lambda c: c["steps"]["pay"].update({"role": "kepala"}), "steps.pay.role"),
        (lambda c: c["steps"]["pay"].update({"from": ["approved", "rejected"]}), "state rejected is closed, yet pay"),
        (lambda c: c["steps"]["reject"].update({"to": "returned"}), "no step leads to state rejected"),
        (lambda c: c["steps"]["approve"].update({"output": None}), "needs output"),
        (lambda c: c["steps"]["approve"].update({"colour": "red"}), "steps.approve.colour"),
        (lambda c: c["steps"]["pay"].update({"from": ["approved"]}), "no way leads from state partly_paid"),
    ],
)
def test_a_broken_machine_is_refused(change: Any, expected: str) -> None:
    broken = content()
    change(broken)
    with pytest.raises(StatesError) as caught:
        parse_states(broken, "states.yml")
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(StatesError, match="cannot be read"):
        read_states(tmp_path / "none.yml")
    (tmp_path / "bad.yml").write_text("a: [")
    with pytest.raises(StatesError, match="cannot be read"):
        read_states(tmp_path / "bad.yml")
