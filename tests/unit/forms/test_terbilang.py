"""Amounts in words: the traps of the language, and every number reads back as itself."""

from __future__ import annotations

import random

import pytest

from reporting.forms.terbilang import terbilang

TRAPS = {
    0: "Nol", 1: "Satu", 10: "Sepuluh", 11: "Sebelas", 12: "Dua belas", 19: "Sembilan belas", 20: "Dua puluh",
    21: "Dua puluh satu", 100: "Seratus", 101: "Seratus satu", 110: "Seratus sepuluh", 111: "Seratus sebelas",
    200: "Dua ratus", 999: "Sembilan ratus sembilan puluh sembilan", 1_000: "Seribu", 1_001: "Seribu satu",
    1_100: "Seribu seratus", 2_000: "Dua ribu", 10_000: "Sepuluh ribu", 11_000: "Sebelas ribu",
    21_000: "Dua puluh satu ribu", 100_000: "Seratus ribu", 101_000: "Seratus satu ribu", 1_000_000: "Satu juta",
    1_001_000: "Satu juta seribu", 1_000_001: "Satu juta satu", 1_100_000: "Satu juta seratus ribu",
    1_250_000: "Satu juta dua ratus lima puluh ribu", 1_000_000_000: "Satu miliar",
    1_001_001_001: "Satu miliar satu juta seribu satu",
    11_011_011_011: "Sebelas miliar sebelas juta sebelas ribu sebelas",
    999_999_999_999: "Sembilan ratus sembilan puluh sembilan miliar sembilan ratus sembilan puluh sembilan juta "
    "sembilan ratus sembilan puluh sembilan ribu sembilan ratus sembilan puluh sembilan",
}  # fmt: skip
_ONES = ("nol", "satu", "dua", "tiga", "empat", "lima", "enam", "tujuh", "delapan", "sembilan")
DIGITS = {w: n for n, w in enumerate(_ONES)}
SCALES = {"ribu": 10**3, "juta": 10**6, "miliar": 10**9}


def read_back(words: str) -> int:
    """The number that the words say; written without looking at how they are made."""
    total = part = digit = 0
    for word in words.lower().removesuffix(" rupiah").split():
        if word in DIGITS:
            digit = DIGITS[word]
        elif word in ("puluh", "ratus"):
            part, digit = part + digit * {"puluh": 10, "ratus": 100}[word], 0
        elif word == "belas":
            part, digit = part + 10 + digit, 0
        elif word in ("sepuluh", "sebelas", "seratus"):
            part += {"sepuluh": 10, "sebelas": 11, "seratus": 100}[word]
        elif word == "seribu":
            total += 1000
        else:
            total, part, digit = total + (part + digit) * SCALES[word], 0, 0
    return total + part + digit


@pytest.mark.parametrize(("amount", "words"), TRAPS.items())
def test_traps(amount: int, words: str) -> None:
    assert terbilang(amount) == f"{words} rupiah"


def test_every_amount_reads_back_as_itself() -> None:
    chance = random.Random(20260322)
    amounts = [*range(3_000), *(chance.randrange(10 ** chance.randint(4, 12)) for _ in range(20_000))]
    assert [a for a in amounts if read_back(terbilang(a)) != a] == []


@pytest.mark.parametrize("amount", [-1, 10**15])
def test_what_cannot_be_said_is_refused(amount: int) -> None:
    with pytest.raises(ValueError, match="is not between"):
        terbilang(amount)
