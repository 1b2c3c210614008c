"""The working-minutes clock against 600 intervals computed minute by minute, and against such a loop of its own."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from reporting.worktime import WEEKDAYS, CalendarError, CalendarSettings, WorkClock, public_holidays

DATA = Path(__file__).parents[1] / "data" / "worktime"
WIB = ZoneInfo("Asia/Jakarta")


def week(raw: dict[str, Any]) -> dict[str, Any]:
    def hours(day: dict[str, Any]) -> dict[str, Any]:
        return {"start": day["start"], "end": day["end"], "breaks": [day["break"]]}

    return {**dict.fromkeys(WEEKDAYS[:4], hours(raw["mon-thu"])), "friday": hours(raw["fri"])}


def golden_calendar(**changes: Any) -> CalendarSettings:
    raw = yaml.safe_load((DATA / "worktime_calendar_2026.yml").read_text(encoding="utf-8"))
    ramadan = {"name": "Ramadan", "first": raw["ramadan"]["from"], "last": raw["ramadan"]["until"]}
    content = {
        "zone": raw["zone"],
        "week": week(raw["normal"]),
        "special": [{**ramadan, "week": week(raw["ramadan_hours"])}],
        "holidays": "none",
        "not_worked": raw["not_worked"],
    }
    return CalendarSettings.model_validate({**content, **changes})


def golden_rows() -> list[dict[str, str]]:
    with (DATA / "worktime_2026.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=WIB)


CLOCK = WorkClock(golden_calendar())


@pytest.mark.parametrize("calendar", ["written out", "from the holidays package"])
def test_all_600_rows(calendar: str) -> None:
    if calendar == "written out":
        clock = WorkClock(golden_calendar())
    else:
        clock = WorkClock(golden_calendar(holidays="indonesia", not_worked=[]))
    rows = golden_rows()
    wrong = [
        row
        for row in rows
        if clock.minutes(local(row["start"]), local(row["end"])) != int(row["working_minutes"])
        or clock.deadline(local(row["start"]), int(row["deadline_after"])) != local(row["deadline"])
    ]
    assert len(rows) == 600
    assert wrong == []


def test_the_default_calendar_is_the_golden_one_without_ramadan() -> None:
    assert CalendarSettings().week == golden_calendar().week


def test_the_holidays_package_knows_the_golden_list() -> None:
    """Weekdays only: the golden file does not list holidays that fall on a weekend."""
    package = {day for day in public_holidays(2026) if day.weekday() < 5}
    assert sorted(package) == golden_calendar().not_worked


def test_holidays_have_names_and_obey_the_settings() -> None:
    clock = WorkClock(CalendarSettings(worked=[date(2026, 12, 24)], not_worked=[date(2026, 12, 23)]))
    assert "Natal" in (clock.holiday(date(2026, 12, 25)) or "")
    assert clock.holiday(date(2026, 12, 22)) is None
    worked = [clock.is_workday(date(2026, 12, day)) for day in range(22, 29)]
    assert worked == [True, False, True, False, False, False, True]  # Tue 22 … Mon 28; cuti bersama 24 is worked
    assert clock.next_workday(date(2026, 12, 24)) == date(2026, 12, 28)
    assert WorkClock(CalendarSettings(holidays="none")).is_workday(date(2026, 12, 25))


def test_a_saturday_made_up_for_has_the_hours_of_the_first_working_day() -> None:
    clock = WorkClock(CalendarSettings(worked=[date(2026, 11, 28)]))
    assert clock.minutes(local("2026-11-28T00:00"), local("2026-11-29T00:00")) == 450
    ramadan = WorkClock(golden_calendar(worked=[date(2026, 2, 21)]))
    assert ramadan.minutes(local("2026-02-21T00:00"), local("2026-02-22T00:00")) == 390


def test_a_special_period_ends_with_its_last_day() -> None:
    short = {"monday": {"start": "08:00", "end": "09:00"}, "tuesday": {"start": "08:00", "end": "09:00"}}
    special = {"name": "x", "first": date(2026, 11, 23), "last": date(2026, 11, 24), "week": short}
    clock = WorkClock(CalendarSettings.model_validate({"special": [special], "holidays": "none"}))
    days = [clock.minutes(local(f"2026-11-{d}T00:00"), local(f"2026-11-{d}T23:59")) for d in (20, 23, 24, 25)]
    assert days == [450, 60, 60, 450]


def test_a_frozen_calendar_is_the_same_calendar() -> None:
    calendar = CalendarSettings(worked=[date(2026, 12, 24)], not_worked=[date(2026, 12, 23)])
    frozen = calendar.frozen(2026, 2026)
    assert frozen.holidays == "none"
    assert date(2026, 12, 25) in frozen.not_worked
    one, other = WorkClock(calendar), WorkClock(frozen)
    days = [date(2026, 1, 1) + timedelta(days=n) for n in range(365)]
    assert [one.hours(d) for d in days] == [other.hours(d) for d in days]
    assert CalendarSettings.model_validate_json(frozen.model_dump_json()) == frozen
    assert frozen.frozen(2020, 2030) is frozen


def test_ramadan_spills_activity_6_into_the_next_day() -> None:
    """900 min from Thu 12 Mar 14:00: 60 + Fri 390 + Mon 390 = 840, the last 60 on Tue from 08:00."""
    assert CLOCK.deadline(local("2026-03-12T14:00"), 900) == local("2026-03-17T09:00")


def test_nothing_is_rounded() -> None:
    start = local("2026-11-23T11:59:30.000001")  # Monday, a working morning
    assert CLOCK.minutes(start, local("2026-11-23T13:00:15")) == (29_999_999 + 15_000_000) / 60e6
    assert CLOCK.deadline(start, 0.75) == local("2026-11-23T13:00:15.000001")


def test_edges() -> None:
    monday = local("2026-11-23T07:30")
    assert CLOCK.minutes(monday, monday) == 0
    assert CLOCK.deadline(local("2026-11-22T03:00"), 0) == local("2026-11-22T03:00")  # a Sunday
    assert CLOCK.deadline(monday, 450) == local("2026-11-23T16:00")
    assert CLOCK.deadline(monday, 1e-9) == monday
    utc = datetime(2026, 11, 23, 0, 30, tzinfo=UTC)
    assert CLOCK.minutes(utc, utc + timedelta(hours=1)) == 60
    assert CLOCK.deadline(utc, 60).tzinfo == WIB


def test_years_come_as_they_are_asked_for_in_any_order() -> None:
    clock = WorkClock(CalendarSettings(holidays="none"))
    whole = clock.minutes(local("2024-12-30T00:00"), local("2027-01-04T00:00"))
    parts = [
        clock.minutes(local("2026-06-01T00:00"), local("2027-01-04T00:00")),
        clock.minutes(local("2024-12-30T00:00"), local("2026-06-01T00:00")),
    ]
    assert sum(parts) == whole
    assert whole == 105 * 5 * 450  # 735 days = 105 weeks of five days


def test_a_zone_with_summer_time_counts_the_time_that_passed() -> None:
    night = {"start": time(0), "end": time(6)}
    weekly = dict.fromkeys(WEEKDAYS, night)
    calendar = CalendarSettings.model_validate({"zone": "Europe/Berlin", "week": weekly, "holidays": "none"})
    clock, zone = WorkClock(calendar), ZoneInfo("Europe/Berlin")

    def day(month: int, number: int) -> float:
        first = datetime(2026, month, number, tzinfo=zone)
        return clock.minutes(first, first + timedelta(days=1))

    assert [day(3, 28), day(3, 29), day(10, 25)] == [360, 300, 420]


@pytest.mark.parametrize(
    ("start", "end", "message"),
    [
        (datetime(2026, 1, 5, 8), local("2026-01-05T09:00"), "start 2026-01-05T08:00:00 has no time zone"),  # noqa: DTZ001
        (local("2026-01-05T08:00"), datetime(2026, 1, 5, 9), "end 2026-01-05T09:00:00 has no time zone"),  # noqa: DTZ001
        (local("2026-01-05T09:00"), local("2026-01-05T08:59"), r"end 2026-01-05T08:59.* is before start"),
        (local("0026-01-05T09:00"), local("2026-01-05T09:00"), "years 1970 to 2200, not 26 to 2026"),
    ],
)
def test_bad_instants_are_refused(start: datetime, end: datetime, message: str) -> None:
    with pytest.raises(CalendarError, match=message):
        CLOCK.minutes(start, end)


def test_bad_deadlines_are_refused() -> None:
    monday = local("2026-11-23T07:30")
    for minutes in (-1.0, float("inf"), float("nan")):
        with pytest.raises(CalendarError, match="minutes must be a number from 0"):
            CLOCK.deadline(monday, minutes)
    with pytest.raises(CalendarError, match="no time zone"):
        CLOCK.deadline(datetime(2026, 11, 23), 1)  # noqa: DTZ001
    idle = WorkClock(CalendarSettings.model_validate({"week": {}, "holidays": "none"}))
    assert idle.minutes(monday, monday + timedelta(days=30)) == 0
    with pytest.raises(CalendarError, match="no 30 working minutes in 20 years"):
        idle.deadline(monday, 30)
    with pytest.raises(CalendarError, match="no working day within a year"):
        idle.next_workday(date(2026, 1, 1))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"worked": [date(2026, 1, 1)], "not_worked": [date(2026, 1, 1)]}, "2026-01-01 is in both"),
        ({"zone": "WIB"}, "unknown time zone 'WIB'"),
        (
            {"special": [{"name": "R", "first": date(2026, 2, 2), "last": date(2026, 2, 1), "week": {}}]},
            "last 2026-02-01 is before first",
        ),
        (
            {
                "special": [
                    {"name": "A", "first": date(2026, 2, 1), "last": date(2026, 2, 9), "week": {}},
                    {"name": "B", "first": date(2026, 2, 9), "last": date(2026, 2, 10), "week": {}},
                ]
            },
            "'A' and 'B' overlap on 2026-02-09",
        ),
    ],
)
def test_calendars_that_contradict_themselves(content: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        CalendarSettings.model_validate(content)


# --- properties, against a loop that shares nothing with the clock but the day's hours as the settings print them

MINUTES = st.integers(min_value=0, max_value=120 * 24 * 60)
ORIGIN = datetime(2026, 1, 1, tzinfo=WIB)
INSTANTS = MINUTES.map(lambda minutes: ORIGIN + timedelta(minutes=minutes))


def loop(calendar: CalendarSettings, start: datetime, end: datetime) -> int:
    """Working minutes one by one; start and end on whole minutes."""
    count, moment = 0, start
    while moment < end:
        count += _is_worked(calendar, moment)
        moment += timedelta(minutes=1)
    return count


def _is_worked(calendar: CalendarSettings, moment: datetime) -> bool:
    day, now = moment.date(), moment.time()
    if day in calendar.not_worked:
        return False
    ramadan = calendar.special[0]
    chosen = ramadan.week if ramadan.first <= day <= ramadan.last else calendar.week
    hours = getattr(chosen, WEEKDAYS[day.weekday()])
    if hours is None or not hours.start <= now < hours.end:
        return False
    return not any(begin <= now < finish for begin, finish in hours.breaks)


@settings(max_examples=40, deadline=None)
@given(INSTANTS, st.integers(min_value=0, max_value=12 * 24 * 60))
def test_equals_a_loop_over_minutes(start: datetime, length: int) -> None:
    end = start + timedelta(minutes=length)
    assert CLOCK.minutes(start, end) == loop(CLOCK.calendar, start, end)


@settings(deadline=None)
@given(st.lists(INSTANTS, min_size=3, max_size=3).map(sorted), st.timedeltas(timedelta(0), timedelta(minutes=1)))
def test_minutes_add_up(instants: list[datetime], offset: timedelta) -> None:
    start, middle, end = (instant + offset for instant in instants)
    parts = CLOCK.minutes(start, middle) + CLOCK.minutes(middle, end)
    assert parts == pytest.approx(CLOCK.minutes(start, end), abs=1e-9)


@settings(deadline=None)
@given(INSTANTS, st.integers(min_value=1, max_value=20_000))
def test_a_deadline_is_the_first_instant_that_reaches_it(start: datetime, minutes: int) -> None:
    deadline = CLOCK.deadline(start, minutes)
    assert CLOCK.minutes(start, deadline) == minutes
    assert CLOCK.minutes(start, deadline - timedelta(microseconds=1)) < minutes
