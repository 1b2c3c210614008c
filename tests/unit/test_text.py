"""Text from outside cannot move a terminal's cursor, reorder a line, or grow without bound."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting.text import harmless


@pytest.mark.parametrize(
    "hostile",
    ["\x1b[2J\x1b[31m", "\x9b31m", "a\rb", "\u202egnp.exe", "bell\a", "\x7f", "nul\x00", "\ud800", "line\u2028two"],
)
def test_controls_become_visible(hostile: str) -> None:
    clean = harmless(hostile)
    assert clean.isprintable() or "�" in clean
    clean.encode("utf-8")  # a lone surrogate would raise


@given(st.text(st.characters(codec=None)))
def test_always_one_printable_line_of_bounded_length(text: str) -> None:
    clean = harmless(text, 50)
    assert len(clean) <= 50
    assert not any(ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 for c in clean)
    assert "\n" not in clean


def test_a_cut_is_visible() -> None:
    assert harmless("x" * 1_000_000, 10) == "x" * 9 + "…"
