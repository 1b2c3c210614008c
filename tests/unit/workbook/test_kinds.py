"""Every kind of finding that our engines give has words for management in both languages."""

from __future__ import annotations

from reporting.content.record import _TITLES_ID
from reporting.kinds import KINDS
from reporting.visitor_log.rules import built_in
from reporting.workbook.words import Words


def test_every_kind_has_its_words() -> None:
    kinds = set(_TITLES_ID) | set(built_in().classes)
    assert kinds == set(KINDS)


def test_a_kind_that_is_new_is_shown_as_it_is_written() -> None:
    assert Words("id").kind("something_new") == "something new"
