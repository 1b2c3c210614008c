"""Amounts of rupiah as people type them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting.money import MOST, rupiah, written


@pytest.mark.parametrize(
    ("typed", "amount"),
    [
        ("1.250.000", 1_250_000), ("Rp 1.250.000,00", 1_250_000), ("1250000", 1_250_000), (1_250_000, 1_250_000),
        (1_250_000.0, 1_250_000), ("Rp.500", 500), ("IDR 1,250,000.00", 1_250_000), ("1.250.000,-", 1_250_000),
        (" 0 ", 0), ("Rp\u00a0999.999.999.999", MOST), ("1250000,00", 1_250_000),
    ],
)  # fmt: skip
def test_amounts(typed: Any, amount: int) -> None:
    assert rupiah(typed) == amount


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("-5", "negative"), ("Rp -5", "negative"), ("(5)", "negative"), ("\u22125", "negative"), (-5, "negative"),
        ("12,50", "no amount"), ("1.250,000", "no amount"), ("1.250.00", "no amount"), ("1,250,00", "no amount"),
        ("12.50.000", "no amount"), ("1e6", "no amount"), (1.5, "no amount"), ("", "no amount"), (None, "no amount"),
        (True, "no amount"), ("USD 5", "no amount"), ("٣٠٠", "no amount"), (float("nan"), "no amount"),
        (float("inf"), "no amount"), ("1000000000000", "more than Rp999.999.999.999"), ("5\x00", "no amount"),
    ],
)  # fmt: skip
def test_what_is_no_amount_is_told_in_one_line(typed: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said) as error:
        rupiah(typed)
    assert "\n" not in str(error.value)
    assert "\x00" not in str(error.value)


@given(st.integers(0, MOST))
def test_what_is_printed_is_read_again(amount: int) -> None:
    assert rupiah(written(amount)) == amount
    assert rupiah(f"{amount:,}") == amount
    assert rupiah(f"{written(amount)},00") == amount
