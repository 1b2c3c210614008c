"""When a domain ends, by WHOIS (RFC 3912, port 43), for endings without RDAP.

The answer is free text in every registry's own way: it counts only when it names the domain that was asked and gives
exactly one end that can be read.
"""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

import yaml

from reporting.expiry.model import DATA, Limits, Look, doubtful, known, unknown
from reporting.expiry.names import ascii_name, host_name, same_name
from reporting.service import Watch
from reporting.text import harmless

PORT = 43
_CHUNK = 16 << 10
_MOST_KEY, _MOST_VALUE = 60, 300  # characters of a line that says something
# The registry's own word comes first; a registrar's date counts only where the registry gives none.
_ENDS = (
    ("registry expiry date", "expiration date", "expiry date", "expire date", "domain expiration date", "expires on",
     "expires", "expiration time", "paid-till", "valid until", "valid-date", "renewal date", "expired date",
     "record expires on", "expire", "free-date"),
    ("registrar registration expiration date",),
)  # fmt: skip
_NAMES = ("domain name", "domain", "domain name (ascii)")
_STATUSES = ("domain status", "status")
_NOT_FOUND = re.compile(
    r"\b(no match|not found|no entries found|no data found|domain not found|not registered|no object found|"
    r"status:\s*(free|available))\b",
    re.IGNORECASE,
)
_TOO_MANY = re.compile(
    r"(limit|quota) (has been )?(exceeded|reached)|too many (requests|queries)|try again later", re.I
)
_FORMATS = (
    "%d-%b-%Y %H:%M:%S", "%d-%b-%Y", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d", "%Y%m%d",
    "%Y.%m.%d %H:%M:%S", "%Y.%m.%d", "%d.%m.%Y %H:%M:%S", "%d.%m.%Y", "%B %d %Y", "%B %d, %Y", "%d %B %Y", "%d %b %Y",
    "%a %b %d %H:%M:%S %Y",
)  # fmt: skip
_ZONES: dict[str, tzinfo] = {
    "utc": UTC, "gmt": UTC, "z": UTC, "wib": ZoneInfo("Asia/Jakarta"), "wita": ZoneInfo("Asia/Makassar"),
    "wit": ZoneInfo("Asia/Jayapura"),
}  # fmt: skip


class WhoisError(Exception):
    """No usable answer; one line."""


@lru_cache(maxsize=1)
def _servers() -> dict[str, dict[str, str]]:
    return dict(yaml.safe_load((DATA / "whois_servers.yml").read_text(encoding="utf-8")))


def look(watch: Watch, now: datetime, limits: Limits) -> Look:
    """Ask the WHOIS server for the end of `watch.name`; whatever is wrong comes back as `unknown` with its reason."""
    source = ""
    try:
        name = ascii_name(watch.name)
        ending = name.rpartition(".")[2]
        host, port = _server(watch, ending)
        source = f"whois://{host}:{port}/{name}"
        zone = ZoneInfo(_servers().get(ending, {}).get("zone", "UTC"))
        ends_at, statuses = read_answer(ask(host, port, name, limits), name, zone)
    except (ValueError, WhoisError) as error:
        return unknown("whois", source or watch.server, str(error))
    doubt = doubtful(ends_at, now)
    if doubt:
        return unknown("whois", source, doubt)
    return known("whois", source, ends_at, "; ".join(statuses), statuses)


def _server(watch: Watch, ending: str) -> tuple[str, int]:
    named = watch.server or _servers().get(ending, {}).get("server", "")
    if not named:
        raise WhoisError(f"no WHOIS server is known for .{ending}: set server, or use method manual")
    bare, port = named, ""
    if named.startswith("[") or named.count(":") == 1:
        bare, _, port = named.rpartition(":") if not named.endswith("]") else (named, "", "")
    if port and not (port.isdigit() and 0 < int(port) <= 65535):
        raise WhoisError(f"server {harmless(named, 80)!r}: host or host:port is expected")
    return host_name(bare), int(port) if port else watch.port or PORT


def ask(host: str, port: int, name: str, limits: Limits) -> str:
    """Send one question and read the answer to its end.

    Raises:
        WhoisError: no connection, too slow, too large, or nothing was said.
    """
    deadline = time.monotonic() + limits.timeout
    answer = bytearray()
    try:
        with socket.create_connection((host, port), timeout=min(limits.connect_timeout, limits.timeout)) as connection:
            connection.settimeout(max(0.001, deadline - time.monotonic()))
            connection.sendall(f"{name}\r\n".encode("ascii"))
            while chunk := connection.recv(_CHUNK):
                answer += chunk
                if len(answer) > limits.max_bytes:
                    raise WhoisError(f"the answer is larger than {limits.max_bytes >> 10} KiB")
                left = deadline - time.monotonic()
                if left <= 0:
                    raise TimeoutError
                connection.settimeout(left)
    except TimeoutError:
        raise WhoisError(f"no whole answer within {limits.timeout:g} s") from None
    except socket.gaierror:
        raise WhoisError(f"DNS: {harmless(host, 80)} cannot be resolved") from None
    except OSError as error:
        raise WhoisError(f"no connection: {harmless(error.strerror or error, 120)}") from None
    if not answer.strip():
        raise WhoisError("the connection was closed without an answer")
    return answer.decode("utf-8", "replace")


def read_answer(text: str, name: str, zone: tzinfo = UTC) -> tuple[datetime, tuple[str, ...]]:
    """The end and the statuses in a WHOIS answer for the ASCII name; a date that names no zone is read in `zone`.

    Raises:
        WhoisError: not found, refused, another domain, no end, an end that cannot be read, or several that differ.
    """
    lines = list(_lines(text))
    named = [value.split()[0] for key, value in lines if key in _NAMES and value.split()]
    if not named:
        raise WhoisError(_why_nothing(text, name))
    if not all(same_name(value, name) for value in named):
        other = next(value for value in named if not same_name(value, name))
        raise WhoisError(f"the answer is about another domain: {harmless(other, 100)!r}")
    statuses = tuple(harmless(_status(value), 60) for key, value in lines if key in _STATUSES)[:50]
    for keys in _ENDS:
        found = {_moment(value, zone) for key, value in lines if key in keys}
        if len(found) > 1:
            several = ", ".join(f"{moment.date()}" for moment in sorted(found)[:3])
            raise WhoisError(f"the answer gives several ends that differ: {several}")
        if found:
            return found.pop(), statuses
    raise WhoisError("the answer names the domain and gives no end")


def _lines(text: str) -> Iterator[tuple[str, str]]:
    """`Key: value` lines; the key in lower case, without the dots that some registries fill up with."""
    for line in text.splitlines():
        key, colon, value = line.partition(":")
        if colon and len(key) <= _MOST_KEY and value.strip():
            yield key.strip(" \t.").lower(), value.strip()[:_MOST_VALUE]


def _why_nothing(text: str, name: str) -> str:
    if _TOO_MANY.search(text):
        return "the registry has had too many questions; ask again later"
    if _NOT_FOUND.search(text):
        return f"the registry knows no {name}: mistyped, or no longer registered"
    first = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return f"the answer does not name the domain; it begins: {harmless(first, 80)}"


def _status(value: str) -> str:
    """`clientHold https://icann.org/epp#clientHold` -> `client hold`, as RDAP writes it (RFC 8056)."""
    word = value.split(maxsplit=1)[0] if "http" in value else value
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", word).lower()


def _moment(value: str, zone: tzinfo) -> datetime:
    """A moment from the ways in which registries write it. Numbers that could be read two ways are refused."""
    text = re.sub(r"\s*\([^)]*\)$|\.$", "", value.strip())
    text = re.sub(r"(?<=:\d\d)\.\d+", "", text)  # parts of a second
    text = re.sub(r"\s+", " ", text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = _written(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    if not 1 < moment.year < 9999:
        raise WhoisError(f"the end {harmless(value, 60)!r} is no date")
    return moment.astimezone(UTC)


def _written(text: str) -> datetime:
    words, _, last = text.rpartition(" ")
    zone = _ZONES.get(last.lower())
    bare = words if zone else text
    for form in _FORMATS:
        try:
            return datetime.strptime(bare, form).replace(tzinfo=zone)
        except ValueError:
            continue
    raise WhoisError(f"the end {harmless(text, 60)!r} is no date that can be read with certainty")
