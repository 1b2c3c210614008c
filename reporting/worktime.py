"""Working minutes: the agency's calendar as data, and the minutes between two instants on it.

Source of the default pattern: Perpres 21/2023 art. 4 (37.5 h a week; 32.5 h in Ramadan).
"""

from __future__ import annotations

from datetime import date, time
from typing import Literal
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

    @property
    def tz(self) -> ZoneInfo:
        """The zone as an object."""
        return ZoneInfo(self.zone)
