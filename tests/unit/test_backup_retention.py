"""Retention never takes the last good set, asks nothing twice, and a longer rule keeps more."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from reporting.backup_set.retention import Fate, Held, Rules, plan
from reporting.backup_set.rotation import Turn, on_turn, turn_ends, turn_number

ZONE = ZoneInfo("Asia/Jakarta")
NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)

_HELD = st.builds(
    Held,
    site=st.sampled_from(["web", "ppid"]),
    medium=st.sampled_from(["disk-a", "disk-b"]),
    name=st.uuids().map(str),
    at=st.integers(-3 * 365 * 24, 48).map(lambda hours: NOW + timedelta(hours=hours)),
    state=st.sampled_from(["whole", "whole", "whole", "incomplete", "damaged", "unfinished", "undo"]),
    verified=st.sampled_from([True, True, False]),
    proven=st.booleans(),
)
_SETS = st.lists(_HELD, max_size=60, unique_by=lambda s: s.name)
_COUNT = st.integers(0, 4)
_RULES = st.builds(Rules, _COUNT, _COUNT, _COUNT, _COUNT, st.integers(1, 60))


def kept(fates: list[Fate]) -> set[Held]:
    return {fate.held for fate in fates if fate.keep}


def good(sets: list[Held]) -> list[Held]:
    return [s for s in sets if s.state == "whole" and s.verified and s.at <= NOW]


def run(sets: list[Held], rules: Rules, now: datetime = NOW) -> list[Fate]:
    return plan(sets, now, lambda _medium: rules, ZONE)


@given(_SETS, _RULES)
@settings(deadline=None)
def test_the_last_verified_and_the_last_proven_set_always_stay(sets: list[Held], rules: Rules) -> None:
    stays = kept(run(sets, rules))
    for site, medium in {(s.site, s.medium) for s in sets}:
        here = [s for s in good(sets) if (s.site, s.medium) == (site, medium)]
        if here:
            assert max(here, key=lambda s: (s.at, s.name)) in stays
        proven = [s for s in sets if s.site == site and s.proven and s.verified and s.at <= NOW]
        proven = [s for s in proven if s.state != "damaged"]
        if proven:
            assert max(proven, key=lambda s: (s.at, s.name)) in stays


@given(_SETS, _RULES)
@settings(deadline=None)
def test_every_set_has_one_fate_and_a_reason(sets: list[Held], rules: Rules) -> None:
    fates = run(sets, rules)
    assert sorted(f.held.name for f in fates) == sorted(s.name for s in sets)
    assert all(f.reason for f in fates)
    assert all(f.keep for f in fates if f.held.at > NOW)


@given(_SETS, _RULES)
@settings(deadline=None)
def test_carried_out_twice_takes_nothing_more_and_costs_no_copy(sets: list[Held], rules: Rules) -> None:
    stays = kept(run(sets, rules))
    assert kept(run(sorted(stays, key=lambda s: s.name), rules)) == stays
    copies = {(s.site, s.medium) for s in good(sets)}
    assert {(s.site, s.medium) for s in good(list(stays))} == copies


@given(_SETS, _RULES, _COUNT, _COUNT, _COUNT, _COUNT, st.integers(0, 30))
@settings(deadline=None)
def test_a_longer_rule_keeps_all_that_a_shorter_one_kept(
    sets: list[Held], rules: Rules, days: int, weeks: int, months: int, years: int, sweep: int
) -> None:
    longer = Rules(
        rules.daily + days, rules.weekly + weeks, rules.monthly + months, rules.yearly + years, rules.sweep_days + sweep
    )
    assert kept(run(sets, rules)) <= kept(run(sets, longer))


@given(_SETS, _RULES, _HELD)
@settings(deadline=None)
def test_what_went_once_is_not_wanted_back_when_a_newer_set_comes(sets: list[Held], rules: Rules, new: Held) -> None:
    later = NOW + timedelta(days=1)
    newer = replace(new, name="newer", at=later)
    before = {f.held for f in run(sets, rules) if not f.keep}
    after = {f.held for f in run([*sets, newer], rules, later) if not f.keep}
    assert before <= after | {s for s in before if s.at > NOW}


def _daily(days: int) -> list[Held]:
    return [Held("web", "disk-a", f"{n:04}", NOW - timedelta(days=n)) for n in range(days)]


def test_two_years_of_daily_sets_become_the_rules() -> None:
    stays = kept(run(_daily(730), Rules(daily=7, weekly=5, monthly=12, yearly=5)))
    ages = sorted((NOW - s.at).days for s in stays)
    assert ages[:7] == [0, 1, 2, 3, 4, 5, 6]
    assert len(stays) == 7 + 4 + 11 + 1  # today's is the newest of its week and month; 2025's year is December's month
    assert {s.at.astimezone(ZONE).year for s in stays} == {2024, 2025, 2026}


def test_a_clock_that_jumped_a_year_ahead_takes_nothing_that_today_would_not() -> None:
    sets = _daily(60)
    rules = Rules(daily=7, weekly=4, monthly=2, yearly=1)
    assert kept(run(sets, rules, NOW + timedelta(days=365))) == kept(run(sets, rules))


def test_all_rules_at_nought_still_leave_the_last_good_set() -> None:
    sets = [*_daily(5), Held("web", "disk-a", "bad", NOW, verified=False)]
    assert {s.name for s in kept(run(sets, Rules(0, 0, 0, 0, 1)))} == {"0000", "bad"}  # bad: younger than a day


def test_an_incomplete_set_stays_as_long_as_it_is_all_there_is() -> None:
    old = Held("web", "disk-a", "old", NOW - timedelta(days=400), state="incomplete")
    assert kept(run([old], Rules())) == {old}
    newer = Held("web", "disk-a", "new", NOW - timedelta(days=1))
    assert kept(run([old, newer], Rules())) == {newer}


def test_a_proven_set_that_was_found_damaged_since_is_not_the_last_proven_one() -> None:
    first = Held("web", "disk-a", "first", NOW - timedelta(days=300), proven=True)
    newer = Held("web", "disk-b", "newer", NOW - timedelta(days=200), proven=True, verified=False)
    lost = replace(newer, name="lost", verified=True, state="damaged")
    last = Held("web", "disk-a", "last", NOW - timedelta(days=1))
    assert first in kept(run([first, newer, lost, last], Rules(1, 0, 0, 0, 1)))


def test_what_was_there_before_a_restore_never_pushes_out_the_set_that_the_site_came_back_from() -> None:
    """01:00 backup, 09:00 broken, 10:00 restored: the undo set is the newest of the day, and of no worth tomorrow."""
    good = Held("web", "disk-a", "good", NOW - timedelta(hours=9))
    undo = Held("web", "disk-a", "undo", NOW, state="undo")
    later = Held("web", "disk-a", "later", NOW + timedelta(days=1))
    rules = Rules(daily=2, weekly=0, monthly=0, yearly=0, sweep_days=30)
    assert kept(run([good, undo, later], rules, NOW + timedelta(days=1, hours=1))) == {good, undo, later}
    after = kept(run([good, undo, later], rules, NOW + timedelta(days=31)))
    assert after == {good, later}


@given(st.dates(date(2020, 1, 1), date(2040, 1, 1)), st.sampled_from(["day", "week", "month"]))
def test_turns_follow_one_another_without_gap_or_repetition(day: date, turn: Turn) -> None:
    last = turn_ends(day, turn)
    assert last >= day
    assert turn_number(last, turn) == turn_number(day, turn)
    assert turn_number(last + timedelta(days=1), turn) == turn_number(day, turn) + 1


def test_whose_turn_it_is() -> None:
    disks = ["disk-a", "disk-b"]
    week = [on_turn(disks, date(2026, 11, 16) + timedelta(days=n), "week") for n in range(8)]
    assert len(set(week[:7])) == 1  # Monday to Sunday
    assert week[7] != week[0]
    around_new_year = [on_turn(disks, date(2026, 12, 28) + timedelta(days=7 * n), "week") for n in range(3)]
    assert around_new_year[0] == around_new_year[2] != around_new_year[1]  # ISO week 53 repeats no disk
    assert on_turn([], date(2026, 1, 1), "week") is None
