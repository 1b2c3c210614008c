"""Working minutes: the agency's calendar as data, and the minutes between two instants on it.

Source of the default pattern: Perpres 21/2023 art. 4 (37.5 h a week; 32.5 h in Ramadan).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: tuple[Weekday, ...] = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DayHours(_Settings):
    """Working hours of one weekday, local time: from `start` to `end`, less the `breaks`."""

    start: time
    end: time
    breaks: list[tuple[time, time]] = []

    @model_validator(mode="after")
    def _in_order(self) -> DayHours:
        if self.start >= self.end:
            raise ValueError(f"start {self.start} must be before end {self.end}")
        edge = self.start
        for begin, finish in self.breaks:
            if not edge <= begin < finish <= self.end:
                raise ValueError(f"break {begin}-{finish} must lie inside the hours, in order and without overlap")
            edge = finish
        return self


class WeekPattern(_Settings):
    """Working hours per weekday; a weekday that is absent is not worked."""

    monday: DayHours | None = None
    tuesday: DayHours | None = None
    wednesday: DayHours | None = None
    thursday: DayHours | None = None
    friday: DayHours | None = None
    saturday: DayHours | None = None
    sunday: DayHours | None = None


class SpecialPeriod(_Settings):
    """A stretch of days (both inclusive) with another pattern, e.g. Ramadan."""

    name: str
    first: date
    last: date
    week: WeekPattern

    @model_validator(mode="after")
    def _in_order(self) -> SpecialPeriod:
        if self.last < self.first:
            raise ValueError(f"special period {self.name!r}: last {self.last} is before first {self.first}")
        return self


def _hours(start: str, end: str, pause: tuple[str, str]) -> DayHours:
    return DayHours.model_validate({"start": start, "end": end, "breaks": [pause]})


_NORMAL = _hours("07:30", "16:00", ("12:00", "13:00"))
_NORMAL_FRIDAY = _hours("07:30", "16:30", ("11:30", "13:00"))


class CalendarSettings(_Settings):
    """The agency's working calendar (`laman_unit.calendar`).

    `holidays`: `indonesia` takes public holidays and cuti bersama from the `holidays` package; `none` takes none.
    `not_worked` and `worked` override both, day by day (decrees change in mid-year).
    """

    zone: str = "Asia/Jakarta"
    week: WeekPattern = WeekPattern(
        monday=_NORMAL, tuesday=_NORMAL, wednesday=_NORMAL, thursday=_NORMAL, friday=_NORMAL_FRIDAY
    )
    special: list[SpecialPeriod] = []
    holidays: Literal["indonesia", "none"] = "indonesia"
    not_worked: list[date] = Field(default_factory=list)
    worked: list[date] = Field(default_factory=list)

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError(f"unknown time zone {value!r}; Indonesia has Asia/Jakarta, Asia/Makassar, Asia/Jayapura")
        return value

    @model_validator(mode="after")
    def _no_contradiction(self) -> CalendarSettings:
        both = sorted(set(self.not_worked) & set(self.worked))
        if both:
            raise ValueError(f"{both[0]} is in both not_worked and worked")
        for one, other in pairwise(sorted(self.special, key=lambda s: s.first)):
            if other.first <= one.last:
                raise ValueError(f"special periods {one.name!r} and {other.name!r} overlap on {other.first}")
        return self

    @property
    def tz(self) -> ZoneInfo:
        """The zone as an object."""
        return ZoneInfo(self.zone)

    @property
    def has_workdays(self) -> bool:
        """Whether any day can ever be worked: of the ordinary week, or of a special period."""
        weeks = [self.week, *(period.week for period in self.special)]
        return any(getattr(week, day) is not None for week in weeks for day in WEEKDAYS)

    def frozen(self, first_year: int, last_year: int) -> CalendarSettings:
        """The same calendar with the holidays of those years written out in `not_worked`, and `holidays: none`.

        What a record is judged by must not change when the `holidays` package learns of a new decree.
        """
        if self.holidays == "none":
            return self
        listed = {day for year in range(first_year, last_year + 1) for day in public_holidays(year)}
        days = sorted((listed | set(self.not_worked)) - set(self.worked))
        return self.model_copy(update={"holidays": "none", "not_worked": days})


class CalendarError(ValueError):
    """Instants or a calendar from which no working minutes follow; one line that says what is expected."""


@lru_cache(maxsize=64)
def public_holidays(year: int) -> dict[date, str]:
    """Public holidays and cuti bersama of Indonesia in one year, with their names (package `holidays`).

    The package knows cuti bersama up to the year that has been decreed; later years hold public holidays only.
    """
    import holidays

    found = holidays.country_holidays("ID", years=year, categories=("public", "government"), language="id")
    return dict(found.items())


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_PER_MINUTE = 60_000_000
_FIRST_YEAR, _LAST_YEAR = 1970, 2200  # a mistyped year is refused, not computed
_YEARS_AHEAD = 20  # a calendar that does not work for that long never will


class _Table(NamedTuple):
    """Working spans of some whole years as instants (µs since 1970), and the work done before each of them."""

    first_year: int
    last_year: int
    begin: int  # the first µs that the table covers …
    end: int  # … and the first that it does not
    starts: list[int]
    before: list[int]  # before[i]: µs of work before starts[i]; one longer than starts: the last is the total


class WorkClock:
    """Working time between instants on one calendar.

    Prefix sums over the calendar's working spans and a bisection; whole years are added as they are asked for. Nothing
    is rounded: the answer is exact to the microsecond, and a whole number when both instants are on whole minutes.
    Spans are instants, so a change of the zone's offset (DST) within working hours counts as the time that passed.
    """

    def __init__(self, calendar: CalendarSettings) -> None:
        self.calendar = calendar
        self._tz = calendar.tz
        self._worked = frozenset(calendar.worked)
        self._not_worked = frozenset(calendar.not_worked)
        self._table: _Table | None = None

    def minutes(self, start: datetime, end: datetime) -> float:
        """Working minutes from `start` to `end`, exact.

        Raises:
            CalendarError: an instant has no zone, or `end` is before `start`.
        """
        begin, finish = _instant(start, "start"), _instant(end, "end")
        if finish < begin:
            raise CalendarError(f"end {end.isoformat()} is before start {start.isoformat()}")
        table = self._covering(begin, finish)
        return (_work_before(table, finish) - _work_before(table, begin)) / _PER_MINUTE

    def deadline(self, start: datetime, minutes: float) -> datetime:
        """The first instant by which `minutes` of work have passed since `start`, in the calendar's zone.

        Zero minutes give `start` itself; a whole day's minutes from its beginning give the end of that day, not the
        next morning.

        Raises:
            CalendarError: `start` has no zone, `minutes` is negative or not finite, or the calendar has no such time.
        """
        begin = _instant(start, "start")
        if not 0 <= minutes < float("inf"):
            raise CalendarError(f"minutes must be a number from 0, not {minutes}")
        needed = round(minutes * _PER_MINUTE)
        if needed == 0:
            return start.astimezone(self._tz)
        reach = begin
        for _ in range(_YEARS_AHEAD):
            table = self._covering(begin, reach)
            wanted = _work_before(table, begin) + needed
            if wanted <= table.before[-1]:
                span = bisect_left(table.before, wanted) - 1
                moment = table.starts[span] + wanted - table.before[span]
                return (_EPOCH + moment * _MICROSECOND).astimezone(self._tz)
            reach = table.end
        raise CalendarError(f"the calendar has no {minutes} working minutes in {_YEARS_AHEAD} years after {start}")

    def is_workday(self, day: date) -> bool:
        """Whether any work is done on that local day."""
        return self.hours(day) is not None

    def next_workday(self, day: date) -> date:
        """The first working day after `day`; CalendarError when the calendar has none within a year."""
        for offset in range(1, 367):
            after = day + timedelta(days=offset)
            if self.is_workday(after):
                return after
        raise CalendarError(f"the calendar has no working day within a year after {day}")

    def hours(self, day: date) -> DayHours | None:
        """The working hours of a local day, None when it is not worked.

        `worked` and `not_worked` win over holidays; then the special period's week, else the normal week. A `worked`
        day on which the week has no hours (a Saturday made up for) takes those of the week's first working day.
        """
        week = next((s.week for s in self.calendar.special if s.first <= day <= s.last), self.calendar.week)
        pattern: DayHours | None = getattr(week, WEEKDAYS[day.weekday()])
        if day in self._worked:
            return pattern or _first_hours(week) or _first_hours(self.calendar.week)
        if day in self._not_worked or self.holiday(day) is not None:
            return None
        return pattern

    def holiday(self, day: date) -> str | None:
        """The name of the public holiday or cuti bersama on that day (in Indonesian), by the settings; else None."""
        return public_holidays(day.year).get(day) if self.calendar.holidays == "indonesia" else None

    def _covering(self, begin: int, end: int) -> _Table:
        table = self._table
        if table is not None and table.begin <= begin and end < table.end:
            return table
        first, last = self._year(begin), self._year(end)
        if not _FIRST_YEAR <= first <= last <= _LAST_YEAR:
            raise CalendarError(f"instants must lie in the years {_FIRST_YEAR} to {_LAST_YEAR}, not {first} to {last}")
        if table is not None:
            first, last = min(first, table.first_year), max(last, table.last_year)
        self._table = table = self._build(first, last)
        return table

    def _year(self, moment: int) -> int:
        return (_EPOCH + moment * _MICROSECOND).astimezone(self._tz).year

    def _build(self, first_year: int, last_year: int) -> _Table:
        starts: list[int] = []
        before = [0]
        for year in range(first_year, last_year + 1):
            for begin, end in self._spans(year):
                starts.append(begin)
                before.append(before[-1] + end - begin)
        edges = [_instant(datetime(y, 1, 1, tzinfo=self._tz), "year") for y in (first_year, last_year + 1)]
        return _Table(first_year, last_year, edges[0], edges[1], starts, before)

    def _spans(self, year: int) -> Iterator[tuple[int, int]]:
        day = date(year, 1, 1)
        while day.year == year:
            hours = self.hours(day)
            if hours is not None:
                edges = [hours.start, *(edge for pause in hours.breaks for edge in pause), hours.end]
                moments = [_instant(datetime.combine(day, edge, self._tz), "edge") for edge in edges]
                yield from ((b, e) for b, e in zip(moments[::2], moments[1::2], strict=True) if b < e)
            day += timedelta(days=1)


def _first_hours(week: WeekPattern) -> DayHours | None:
    return next((hours for name in WEEKDAYS if (hours := getattr(week, name)) is not None), None)


def _instant(moment: datetime, what: str) -> int:
    if moment.tzinfo is None or moment.utcoffset() is None:
        raise CalendarError(f"{what} {moment.isoformat()} has no time zone: working minutes need to know which one")
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def _work_before(table: _Table, moment: int) -> int:
    span = bisect_right(table.starts, moment) - 1
    if span < 0:
        return 0
    return min(table.before[span] + moment - table.starts[span], table.before[span + 1])
