"""Dates as sites write them: ISO 8601, RFC 2822, and Indonesian text with all its spellings of the months.

A date that cannot be read is None, never a guess: "12 Nop" without a year is no date.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from email.utils import parsedate_to_datetime

_SPELLINGS = (
    ("januari", "january", "jan"),
    ("februari", "pebruari", "february", "feb", "peb"),
    ("maret", "march", "mar", "mrt"),
    ("april", "apr"),
    ("mei", "may"),
    ("juni", "june", "jun"),
    ("juli", "july", "jul"),
    ("agustus", "august", "agust", "agu", "ags", "agt", "aug"),
    ("september", "sept", "sep"),
    ("oktober", "october", "okt", "oct"),
    ("november", "nopember", "nov", "nop"),
    ("desember", "december", "des", "dec"),
)
_MONTHS = {name: number for number, names in enumerate(_SPELLINGS, 1) for name in names}
_NAMES = "|".join(sorted(_MONTHS, key=len, reverse=True))
_ZONES = {"wib": 7, "wita": 8, "wit": 9}
_CLOCK = (
    r"(?:[ ,|@-]{0,4}(?:pukul|jam|at)?\s{0,3}(?P<h>[01]?\d|2[0-3])[:.](?P<m>[0-5]\d)(?:[:.][0-5]\d)?"
    r"\s?(?P<z>wib|wita|wit)?)?"
)
_YEAR = r"(?P<y>\d{4})(?!\d)"
_TEXTUAL = re.compile(
    rf"(?<![\w/.-])(?P<d>[0-3]?\d)(?:st|nd|rd|th)?[ \-/.]{{1,3}}(?P<mon>{_NAMES})\.?,?[ \-/]{{1,3}}{_YEAR}{_CLOCK}",
    re.IGNORECASE,
)
_AMERICAN = re.compile(rf"(?<!\w)(?P<mon>{_NAMES})\.? (?P<d>[0-3]?\d)(?:st|nd|rd|th)?, {_YEAR}", re.IGNORECASE)
_NUMERIC = re.compile(
    rf"(?<![\d/.-])(?P<d>[0-3]?\d)(?P<sep>[/.-])(?P<n>[01]?\d)(?P=sep){_YEAR}(?![/.-]){_CLOCK}",
    re.IGNORECASE,
)
_ISO = re.compile(r"(?<!\d)(\d{4})-(\d\d)-(\d\d)(?!\d)")


def parse(text: str, tz: tzinfo) -> datetime | None:
    """One date in machine form (ISO 8601, RFC 2822) or in words; without a zone it is `tz`'s. None when it is none."""
    value = " ".join(text[:200].split())
    return _iso(value, tz) or _rfc2822(value, tz) or next(iter(in_text(value, tz)), None)


def _iso(value: str, tz: tzinfo) -> datetime | None:
    if not re.match(r"\d{4}-\d\d", value):
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    return _plausible(found, tz)


def _rfc2822(value: str, tz: tzinfo) -> datetime | None:
    try:
        found = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return _plausible(found, tz)


def _plausible(found: datetime, tz: tzinfo) -> datetime | None:
    """A zone for those without; None outside the web's lifetime (0000-00-00, 1970, 9999 stand for "no date")."""
    if not 1993 <= found.year <= 2100:
        return None
    try:
        return (found if found.tzinfo else found.replace(tzinfo=tz)).astimezone(UTC)
    except (OverflowError, ValueError):
        return None


def in_text(text: str, tz: tzinfo, *, day_first: bool = False) -> list[datetime]:
    """All dates in running text, in order of appearance; see `places`."""
    return [moment for _, moment in places(text, tz, day_first=day_first)]


def places(text: str, tz: tzinfo, *, day_first: bool = False) -> list[tuple[int, datetime]]:
    """All dates in running text with the place where each begins; 00:00 local where no time is given.

    "5 Nop 2026", "Jum'at, 7 Agt 2026 | 10.30 WIB", "November 5, 2026", "2026-11-05", and 05/11/2026 where it can only
    be one day: because `day_first` says so (an Indonesian page), or because the first number is above 12.
    """
    named = [*_TEXTUAL.finditer(text), *_AMERICAN.finditer(text)]
    found = [(match.start(), _made(match, _MONTHS[match["mon"].lower()], tz)) for match in named]
    found += [
        (match.start(), _made(match, int(match["n"]), tz))
        for match in _NUMERIC.finditer(text)
        if day_first or int(match["d"]) > 12 or int(match["d"]) == int(match["n"])
    ]
    found += [(match.start(), _iso(match.group(), tz)) for match in _ISO.finditer(text)]
    return sorted((place, moment) for place, moment in found if moment is not None)


def _made(match: re.Match[str], month: int, tz: tzinfo) -> datetime | None:
    parts = match.groupdict()
    hour, minute = (int(parts["h"]), int(parts["m"])) if parts.get("h") else (0, 0)
    zone = (parts.get("z") or "").lower()
    where: tzinfo = timezone(timedelta(hours=_ZONES[zone])) if zone else tz
    try:
        return _plausible(datetime(int(match["y"]), month, int(match["d"]), hour, minute, tzinfo=where), tz)
    except ValueError:
        return None  # 31 November


def mask(text: str) -> str:
    """Text without figures, months and week days: what a clock, a counter or "today is" changes by itself."""
    return _CHANGING.sub("", text.lower())


_DAYS = "senin|selasa|rabu|kamis|jum'?at|sabtu|minggu|ahad|monday|tuesday|wednesday|thursday|friday|saturday|sunday"
_CHANGING = re.compile(rf"\d+|\b(?:{_NAMES}|{_DAYS})\b|[^\S\n]+")

__all__ = ["in_text", "mask", "parse", "places"]
