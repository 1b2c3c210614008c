"""The catalogue: whole in both languages, and safe to stand in formulas and lists."""

from __future__ import annotations

import string
from datetime import date, datetime
from typing import get_args

import pytest

from reporting.compliance import AccountState, Aspect, OccasionState
from reporting.workbook.rows import ACCOUNTS, ASPECTS, STATES
from reporting.workbook.words import CATALOGUE, Words

FORMULA_WORDS = ("conforms", "deviates", "waiting", "missed", "open", "yes", "no_word", "planned", "ad_hoc")


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("key", sorted(CATALOGUE))
def test_both_languages_say_it_with_the_same_values(key: str) -> None:
    indonesian, english = CATALOGUE[key]
    assert indonesian
    assert english
    assert fields(indonesian) == fields(english)


def test_every_state_of_compliance_has_a_word() -> None:
    assert set(STATES) == set(get_args(OccasionState))
    assert set(ACCOUNTS) == set(get_args(AccountState))
    assert set(ASPECTS) == set(get_args(Aspect))


@pytest.mark.parametrize("lang", ["id", "en"])
def test_words_that_formulas_look_for_are_distinct_and_plain(lang: str) -> None:
    words = Words("en" if lang == "en" else "id")
    for group in (FORMULA_WORDS, tuple(ACCOUNTS.values()), tuple(f"aspect_{a}" for a in ASPECTS.values())):
        said = [words(key) for key in group]
        assert len(set(said)) == len(said)
        for (
            word
        ) in said:  # no wildcard, comparison, quote or list separator: COUNTIFS and drop-down lists would read it
            assert not set(word) & set("*?~<>=\",'"), word


@pytest.mark.parametrize("lang", ["id", "en"])
def test_sheet_names_are_allowed_and_distinct(lang: str) -> None:
    place = 1 if lang == "en" else 0
    names = [texts[place] for key, texts in CATALOGUE.items() if key.startswith("sheet_")]
    assert len(set(names)) == len(names) == 12
    assert all(len(name) <= 31 and not set(name) & set("[]:*?/\\'") for name in names)


def test_literals_stay_within_what_a_formula_takes() -> None:
    """Excel refuses a formula with a text of more than 255 characters in it."""
    spliced = [CATALOGUE[key] for key in ("say_decided", "say_nothing", "say_account", "say_no_account", "more_open")]
    assert all(len(text) <= 255 and '"' not in text for texts in spliced for text in texts)


def test_dates_are_said_in_the_language() -> None:
    assert Words("id").date(date(2026, 8, 17)) == "17 Agustus 2026"
    assert Words("en").date(date(2026, 8, 17)) == "17 August 2026"
    assert Words("id").moment(datetime(2026, 5, 1, 8, 5)) == "1 Mei 2026 pukul 08.05"  # noqa: DTZ001
    assert Words("id").weekday(date(2026, 11, 22)) == "Minggu"


def test_a_word_that_is_not_there_is_an_error() -> None:
    with pytest.raises(KeyError):
        Words("id")("no_such_key")
