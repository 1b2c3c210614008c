"""Plain implementations that say what the fast ones must say."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from reporting.visitor_log.parse import GROUPS, LINE

Row = tuple[int, str, int, str, int, int, str | None, str | None]
_EXPRESSION = re.compile(LINE)


def parse_line(number: int, line: str) -> Row | None:
    """One line by Python's `re` and datetime; None when it is rejected."""
    match = _EXPRESSION.fullmatch(line)
    if not match:
        return None
    found = dict(zip(GROUPS, match.groups(), strict=True))
    stamp = str(found["stamp"])[1:-1]
    try:
        at = datetime.strptime(stamp, "%d/%b/%Y:%H:%M:%S %z")
    except ValueError:
        return None
    size = 0 if found["size"] == "-" else int(str(found["size"]))
    epoch = (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1)
    status = int(str(found["status"]))
    return number, str(found["client"]), epoch, str(found["request"]), status, size, found["referer"], found["agent"]


def parse(data: bytes) -> tuple[list[Row], int]:
    """Rows in the order of their lines, and the number of lines."""
    if not data:
        return [], 0
    lines = data.decode("utf-8", "replace").removesuffix("\n").split("\n")
    rows = [parse_line(n, line.removesuffix("\r")) for n, line in enumerate(lines)]
    return [row for row in rows if row is not None], len(lines)


def days(rows: list[Row], zone: ZoneInfo) -> dict[str, tuple[int, int, int, Counter[int]]]:
    """Per local day: hits, distinct clients, bytes, hits by hundred of the status."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(datetime.fromtimestamp(row[2], zone).date().isoformat(), []).append(row)
    return {
        day: (len(r), len({x[1] for x in r}), sum(x[5] for x in r), Counter(x[4] // 100 for x in r))
        for day, r in found.items()
    }


def paths(rows: list[Row]) -> Counter[str]:
    """Hits by path without query."""
    found: Counter[str] = Counter()
    for row in rows:
        match = re.match(r"[^ ]+ +([^ ?#]+)", row[3])
        found[match.group(1) if match else "(no path)"] += 1
    return found
