"""The ends of error logs: what was written in the last minutes, classified. All of it is hostile text."""

from __future__ import annotations

import calendar
import re
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone

from reporting.diagnosis.model import Check, check
from reporting.diagnosis.request import DiagnosisRequest
from reporting.diagnosis.rules import Pattern, Rules
from reporting.diagnosis.script import Section
from reporting.text import harmless

_MONTHS = {m: n for n, m in enumerate(calendar.month_abbr) if n}
_ISO = re.compile(
    r"(?P<y>20\d\d)[-/](?P<m>\d\d)[-/](?P<d>\d\d)[T ]+(?P<h>\d{1,2}):(?P<i>\d\d):(?P<s>\d\d)"
)  # nginx, MariaDB
_PHP = re.compile(
    r"\[(?P<d>\d\d)-(?P<b>[A-Z][a-z]{2})-(?P<y>20\d\d) (?P<h>\d\d):(?P<i>\d\d):(?P<s>\d\d)(?P<z> [^\]]+)?\]"
)
_APACHE = re.compile(
    r"\[[A-Z][a-z]{2} (?P<b>[A-Z][a-z]{2}) +(?P<d>\d\d?) (?P<h>\d\d):(?P<i>\d\d):(?P<s>\d\d)(\.\d+)? (?P<y>20\d\d)\]"
)
_CALL = re.compile(r"\b(\w*(?:connect|__construct|login|auth|password)\w*)\s*\([^()]*\)?", re.IGNORECASE)
_ASSIGNED = re.compile(
    r"(?i)(?<![a-z])(pass(?:word|wd)?|pwd|secret|token|api_?key)(['\"]?\s*(?:=>|[=:])\s*)(['\"]?)[^\s'\",;&)]+"
)
_EARLY = 60  # characters: a time stands at the beginning of a line


def log_check(sections: Iterable[Section], request: DiagnosisRequest, rules: Rules, zone: str, now: datetime) -> Check:
    """The check `error_log`. `zone`: the host's offset as `date +%z` says it; `now`: the host's own clock."""
    since = now - timedelta(minutes=request.limits.log_minutes)
    counted: Counter[str] = Counter()
    known: dict[str, Pattern] = {}
    samples: list[str] = []
    read, unread = [], []
    for section in sections:
        if "readable" not in section.lines[:1]:
            unread.append(section.about)
            continue
        read.append(section.about)
        for line, pattern in _recent(section.lines[1:], rules, _offset(zone), since):
            counted[pattern.sign] += 1
            known[pattern.sign] = pattern
            samples.append(f"{section.about}: {harmless(redacted(line, request.secrets), 400)}")
    return _told(counted, known, samples, read, unread, request.limits.log_minutes)


def _told(  # noqa: PLR0913, PLR0917
    counted: Counter[str], known: dict[str, Pattern], samples: list[str], read: list[str], unread: list[str],
    minutes: float,
) -> Check:  # fmt: skip
    where = ", ".join(read[:4])
    barred = f"; not readable: {', '.join(unread[:4])}" if unread else ""
    barred_id = f"; tidak terbaca: {', '.join(unread[:4])}" if unread else ""
    if not read:
        return check("error_log", "inside", "unknown", f"no error log can be read{barred}",
                     f"tidak ada log galat yang terbaca{barred_id}")  # fmt: skip
    if not counted:  # a log that could not be read may hold anything
        return check("error_log", "inside", "unknown" if unread else "ok",
                     f"nothing of weight in {minutes:g} minutes ({where}){barred}",
                     f"tidak ada yang penting dalam {minutes:g} menit ({where}){barred_id}")  # fmt: skip
    classes = ", ".join(f"{known[sign].en} ({count})" for sign, count in counted.most_common())
    classes_id = ", ".join(f"{known[sign].id} ({count})" for sign, count in counted.most_common())
    last = samples[-1]
    return check("error_log", "inside", "problem", f"in the last {minutes:g} minutes: {classes}; last: {last}",
                 f"dalam {minutes:g} menit terakhir: {classes_id}; terakhir: {last}",
                 *(f"log.{sign}" for sign in counted), facts={"classes": classes},
                 lines=tuple(samples[-50:]))  # fmt: skip


def _recent(lines: Iterable[str], rules: Rules, offset: timezone, since: datetime) -> Iterable[tuple[str, Pattern]]:
    moment: datetime | None = None
    for line in lines:
        moment = time_of(line, offset) or moment  # a line without a time belongs to the one before it
        if moment is not None and moment >= since and (pattern := rules.of_line(line)):
            yield line, pattern


def time_of(line: str, offset: timezone) -> datetime | None:
    """When a line was written; None when it says no time."""
    head = line[:_EARLY]
    match = _PHP.search(head) or _APACHE.search(head) or _ISO.search(head)
    if match is None:
        return None
    parts = match.groupdict()
    month = int(parts["m"]) if parts.get("m") else _MONTHS.get(parts.get("b") or "", 0)
    zone: timezone = UTC if (parts.get("z") or "").strip() == "UTC" else offset
    try:
        return datetime(int(parts["y"]), month, int(parts["d"]), int(parts["h"]), int(parts["i"]), int(parts["s"]),
                        tzinfo=zone)  # fmt: skip
    except ValueError:
        return None


def _offset(text: str) -> timezone:
    match = re.fullmatch(r"([+-])(\d\d)(\d\d)", text.strip())
    if match is None:
        return UTC
    minutes = int(match[2]) * 60 + int(match[3])
    return timezone(timedelta(minutes=minutes if match[1] == "+" else -minutes)) if minutes < 1440 else UTC


def redacted(line: str, secrets: Iterable[str]) -> str:
    """A log line without what may be a password: PHP's stack traces print the arguments of calls."""
    for secret in secrets:
        line = line.replace(secret, "***")
    line = _CALL.sub(r"\1(…)", line)
    return _ASSIGNED.sub(r"\1\2\3***", line)


__all__ = ["log_check", "redacted", "time_of"]
