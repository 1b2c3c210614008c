"""The stretch of local days that a report is about."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_MONTH = re.compile(r"(\d{4})-(\d{2})")
_QUARTER = re.compile(r"(\d{4})-[Qq]([1-4])")
_YEAR = re.compile(r"(\d{4})")
_DAYS = re.compile(r"(\d{4}-\d{2}-\d{2})\.\.(\d{4}-\d{2}-\d{2})")
_FIRST_YEAR, _LAST_YEAR = 2000, 2199  # a mistyped year is refused, not computed
_FORMS = "a month 2026-11, a quarter 2026-Q4, a year 2026, or days 2026-11-01..2026-11-15"


class PeriodError(ValueError):
    """A text that names no period; one line that says which forms there are."""


@dataclass(frozen=True, slots=True)
class Period:
    """Local days from `first` to `last`, both inclusive, in `zone`; `text` is how it was asked for."""

    text: str
    first: date
    last: date
    zone: ZoneInfo

    @property
    def start(self) -> datetime:
        """The first instant (local midnight)."""
        return datetime.combine(self.first, time(), self.zone)

    @property
    def end(self) -> datetime:
        """The first instant after it (local midnight)."""
        return datetime.combine(self.last + timedelta(days=1), time(), self.zone)

    def __contains__(self, moment: datetime) -> bool:
        """Whether an aware instant lies in it: compared as instants, so a UTC stamp counts on its local day."""
        return self.start <= moment < self.end

    @classmethod
    def parse(cls, text: str, zone: ZoneInfo | str) -> Period:
        """Read "2026-11", "2026-Q4", "2026" or "2026-11-01..2026-11-15".

        Raises:
            PeriodError: another form, a day that does not exist, or the last day before the first.
        """
        tz = ZoneInfo(zone) if isinstance(zone, str) else zone
        wanted = text.strip()
        try:
            first, last = _days(wanted)
            if not _FIRST_YEAR <= first.year <= last.year <= _LAST_YEAR and first <= last:
                raise ValueError(f"years from {_FIRST_YEAR} to {_LAST_YEAR} are expected")
        except ValueError as error:
            raise PeriodError(f"period {wanted[:40]!r}: {error}; expected {_FORMS}") from error
        if last < first:
            raise PeriodError(f"period {wanted!r}: its last day is before its first")
        return cls(wanted.upper(), first, last, tz)


def _days(text: str) -> tuple[date, date]:
    if match := _DAYS.fullmatch(text):
        return date.fromisoformat(match[1]), date.fromisoformat(match[2])
    if match := _MONTH.fullmatch(text):
        return _months(int(match[1]), int(match[2]), 1)
    if match := _QUARTER.fullmatch(text):
        return _months(int(match[1]), int(match[2]) * 3 - 2, 3)
    if match := _YEAR.fullmatch(text):
        return _months(int(match[1]), 1, 12)
    raise ValueError("not a period")


def _months(year: int, month: int, count: int) -> tuple[date, date]:
    first = date(year, month, 1)
    after = year * 12 + month - 1 + count
    return first, date(after // 12, after % 12 + 1, 1) - timedelta(days=1)
