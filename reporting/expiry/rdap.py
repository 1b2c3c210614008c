"""When a domain ends, by RDAP (queries RFC 9082, answers RFC 9083, over HTTP by RFC 7480)."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from reporting.expiry.bootstrap import SHIPPED, BootstrapError, base_url, read_bootstrap
from reporting.expiry.http import Answer, NoAnswer, get
from reporting.expiry.model import Limits, Look, doubtful, known, unknown
from reporting.expiry.names import ascii_name, same_name
from reporting.service import Watch
from reporting.text import harmless

ACCEPT = "application/rdap+json, application/json;q=0.9"
_TYPES = ("application/rdap+json", "application/json")
TOO_MANY = "HTTP 429"
_MOST_EVENTS = 1000
_MOST_STATUSES = 50


@dataclass(frozen=True)
class Registry:
    """Where RDAP is asked: the bootstrap registry, overrides (ending -> base URL), and how we name ourselves."""

    services: dict[str, tuple[str, ...]] = field(default_factory=lambda: read_bootstrap(SHIPPED))
    bases: dict[str, str] = field(default_factory=dict)
    user_agent: str = "laman (service expiry)"
    ca_file: str = ""


class _Wrong(Exception):
    """An answer that is none; one line."""


def look(watch: Watch, now: datetime, limits: Limits, registry: Registry | None = None) -> Look:
    """Ask the registry for the end of `watch.name`. Whatever is wrong comes back as `unknown` with its reason."""
    registry = registry or Registry()
    try:
        name = ascii_name(watch.name)
        url = query_url(watch, name, registry)
    except (ValueError, BootstrapError) as error:
        return unknown("rdap", watch.base_url, str(error))
    if url is None:
        return unknown("rdap", "", f"no RDAP server is known for {name}: set base_url, or use method whois or manual")
    try:
        answer = _asked(url, limits, registry, watch.ca_file)
        _check_http(answer, name)
        ends_at, statuses = read_answer(bytes(answer.body), name)
    except (NoAnswer, _Wrong) as error:
        return unknown("rdap", url, str(error))
    doubt = doubtful(ends_at, now)
    if doubt:
        return unknown("rdap", answer.url, doubt)
    return known("rdap", answer.url, ends_at, "; ".join(statuses), statuses)


def query_url(watch: Watch, name: str, registry: Registry) -> str | None:
    """The address to ask (RFC 9082, 3.1.3); None when no server is known. An explicit base may be plain http."""
    base = watch.base_url or base_url(name, registry.services, registry.bases)
    if base is None:
        return None
    if not urlsplit(base).hostname:
        raise BootstrapError(f"base_url {harmless(base, 120)!r} names no host")
    return f"{base.rstrip('/')}/domain/{name}"


def _asked(url: str, limits: Limits, registry: Registry, ca_file: str) -> Answer:
    for attempt in range(limits.retries + 1):
        last = attempt == limits.retries
        try:
            answer = get(url, ACCEPT, limits, registry.user_agent, ca_file or registry.ca_file)
        except NoAnswer as error:
            if last or not error.again:
                raise
            continue
        if answer.status < 500 or last:
            return answer
    raise AssertionError("unreachable")  # pragma: no cover - the last attempt returns or raises


def _check_http(answer: Answer, name: str) -> None:
    status = answer.status
    if status == 429:
        wait = harmless(answer.retry_after, 60)
        raise _Wrong(f"{TOO_MANY}: the registry has had too many questions; ask again {_when(wait)}")
    if status == 404:
        raise _Wrong(f"HTTP 404: the registry knows no {name}: mistyped, or no longer registered")
    if not 200 <= status < 300:
        raise _Wrong(f"HTTP {status} instead of an answer")
    if answer.content_type not in _TYPES:
        said = harmless(answer.content_type, 60) or "no content type"
        raise _Wrong(f"the answer is {said} instead of RDAP (application/rdap+json)")


def _when(retry_after: str) -> str:
    if not retry_after:
        return "later (it did not say when)"
    return f"in {retry_after} s" if retry_after.isdigit() else f"after {retry_after}"


def read_answer(body: bytes, name: str) -> tuple[datetime, tuple[str, ...]]:
    """The end and the statuses (lower case) that an RDAP answer gives for the ASCII name.

    Raises:
        _Wrong: not JSON, not a domain, another domain, no date, a date that is none, or more than one.
    """
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        raise _Wrong("the answer is not JSON") from None
    if not isinstance(content, dict):
        raise _Wrong("the answer is not an RDAP object")
    kind = content.get("objectClassName")
    if kind != "domain":
        raise _Wrong(f"the answer is about {harmless(kind, 40)!r} instead of a domain (objectClassName)")
    said = content.get("ldhName", content.get("unicodeName"))
    if not same_name(said, name):
        raise _Wrong(f"the answer is about another domain: {harmless(said, 100)!r} (ldhName)")
    return _expiration(content.get("events")), _statuses(content.get("status"))


def _expiration(events: Any) -> datetime:
    """The one `expiration` event (RFC 9083, 4.5). The registrar's own date is another event and does not count."""
    listed = events if isinstance(events, list) else []
    dates = [
        event.get("eventDate")
        for event in listed[:_MOST_EVENTS]
        if isinstance(event, dict) and str(event.get("eventAction", "")).strip().lower() == "expiration"
    ]
    if not dates:
        raise _Wrong("the answer has no expiration event")
    found = {_instant(date) for date in dates}
    if len(found) > 1:
        several = ", ".join(f"{moment.date()}" for moment in sorted(found)[:3])
        raise _Wrong(f"the answer has {len(dates)} expiration events that differ: {several}")
    return found.pop()


def _instant(value: Any) -> datetime:
    """A moment by RFC 3339: with its zone."""
    try:
        moment = datetime.fromisoformat(str(value).strip())
    except ValueError:
        raise _Wrong(f"the expiration date {harmless(value, 60)!r} is no date") from None
    if moment.tzinfo is None or not 1 < moment.year < 9999:
        raise _Wrong(f"the expiration date {harmless(value, 60)!r} is no moment with its zone (RFC 3339)")
    return moment


def _statuses(value: Any) -> tuple[str, ...]:
    listed = value if isinstance(value, list) else []
    return tuple(harmless(word, 60).lower() for word in listed[:_MOST_STATUSES] if isinstance(word, str))
