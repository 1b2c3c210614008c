"""What is to be checked: the sections of a site, their owners and limits, and how far the check may go."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal
from urllib.parse import urljoin, urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError

from reporting.text import harmless

MAX_SECTIONS = 300  # what the contract carries
_MAX_LABELS = 110_000
Method = Literal["rest", "feed", "sitemap", "page", "hash"]
METHODS: tuple[Method, ...] = ("rest", "feed", "sitemap", "page", "hash")  # in order of trust


class SettingsError(ValueError):
    """Settings that cannot be used; the message names the key and what is expected."""


def _web(value: str) -> str:
    try:
        parts = urlsplit(value)
        port_ok = parts.port is None or 0 < parts.port < 65536
    except ValueError:
        raise ValueError("expected a URL") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_ok:
        raise ValueError("expected a URL that begins with http:// or https://")
    if parts.username or parts.password:
        raise ValueError("a URL must not hold a user or password")
    if any(c.isspace() or not c.isprintable() for c in value):
        raise ValueError("expected a URL without blanks or control characters")
    return value


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ValueError, OSError, KeyError):
        raise ValueError("expected a time zone such as Asia/Jakarta") from None
    return value


def _none_when_empty(value: Any) -> Any:
    return None if value == "" else value


Url = Annotated[str, StringConstraints(min_length=1, max_length=2_000), AfterValidator(_web)]
OptionalUrl = Annotated[Url | None, BeforeValidator(_none_when_empty)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RestSource(_Settings):
    """Where the CMS tells about the section: WordPress's REST API, posts of a category, or pages."""

    base: OptionalUrl = None  # default: what the page announces, else /wp-json/ of its host
    category: int | Name | None = None  # id or slug
    type: Literal["posts", "pages"] = "posts"


class Section(_Settings):
    """One part of the site that somebody has to keep up to date."""

    name: Name
    url: Url
    owner: Name
    limit_days: Annotated[int, Field(ge=1, le=3650)]
    method: Literal["auto", "rest", "feed", "sitemap", "page", "hash"] = "auto"
    rest: RestSource | None = None
    feed: OptionalUrl = None
    feed_category: Name | None = None  # only entries of that category count
    sitemap: OptionalUrl = None

    @property
    def methods(self) -> tuple[Method, ...]:
        """The methods to try, in this order."""
        return METHODS if self.method == "auto" else (self.method,)


class Limits(_Settings):
    """How far the check goes. Seconds and bytes."""

    connect_timeout: Annotated[float, Field(gt=0, le=300)] = 10
    timeout: Annotated[float, Field(gt=0, le=600)] = 30  # one answer, redirects included
    total_timeout: Annotated[float, Field(gt=0, le=18_000)] = 900  # the whole check
    retries: Annotated[int, Field(ge=0, le=5)] = 1  # of a page that could not be fetched
    per_host: Annotated[int, Field(ge=1, le=32)] = 4  # at once
    at_once: Annotated[int, Field(ge=1, le=256)] = 32
    redirects: Annotated[int, Field(ge=0, le=20)] = 5
    max_bytes: Annotated[int, Field(ge=10_000, le=100_000_000)] = 5_000_000  # of a body, unpacked


class Plan(_Settings):
    """Everything that one check needs to know."""

    site: Name
    sections: Annotated[list[Section], Field(min_length=1, max_length=MAX_SECTIONS)]
    timezone: Annotated[str, AfterValidator(_zone)] = "Asia/Jakarta"
    user_agent: Annotated[str, StringConstraints(pattern=r"^[\x20-\x7e]{1,200}$")] = "laman (content status check)"
    ca_file: str | None = None  # PEM with the CAs to trust; None: the system's
    tls_warning_days: Annotated[int, Field(ge=1, le=365)] = 30
    limits: Limits = Limits()

    @property
    def tz(self) -> ZoneInfo:
        """Zone of dates that name none."""
        return ZoneInfo(self.timezone)


def read_plan(raw: dict[str, Any], base_url: str = "") -> Plan:
    """Check settings as the role gives them; a section's url may be relative to `base_url`.

    Raises:
        SettingsError: one line naming section, key and what is expected.
    """
    given = raw.get("sections")
    if not isinstance(given, list) or not given:
        raise SettingsError(
            "content_status_sections: expected a list with at least one section (name, url, owner, limit_days)"
        )
    sections = [_with_base(section, base_url) for section in given]
    try:
        plan = Plan.model_validate({**raw, "sections": sections})
    except ValidationError as error:
        raise SettingsError(_first_line(error, sections)) from None
    names = [section.name for section in plan.sections]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise SettingsError(f"content_status_sections: the name {harmless(twice, 80)!r} is used twice")
    size = sum(len(json.dumps([s.name, s.url, s.owner])) for s in plan.sections)
    if size > _MAX_LABELS:
        raise SettingsError(
            f"content_status_sections: names, addresses and owners have {size} bytes together, at most {_MAX_LABELS} "
            "fit a result document: shorten the addresses, or divide the site into two hosts of the inventory"
        )
    return plan


def _with_base(section: Any, base_url: str) -> Any:
    if not isinstance(section, dict) or not base_url:
        return section
    joined = dict(section)
    try:
        for key in ("url", "feed", "sitemap"):
            if joined.get(key) or (key == "url" and joined.get(key) == ""):  # "" is the base itself (RFC 3986, 4.2)
                joined[key] = urljoin(base_url, str(joined[key]))
    except ValueError:
        return section  # the validation that follows names the key
    return joined


def _first_line(error: ValidationError, sections: list[Any]) -> str:
    first = error.errors()[0]
    where = [str(part) for part in first["loc"]]
    if len(where) > 1 and where[0] == "sections":
        section = sections[int(where[1])]
        name = section.get("name", "") if isinstance(section, dict) else ""
        label = f"content_status_sections[{where[1]}]" + (f" ({harmless(name, 80)})" if name else "")
        where = [label, *where[2:]]
    given = harmless(repr(first.get("input")), 80) if first["type"] != "missing" else "nothing"
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return f"{'.'.join(where)}: {first['msg'].removeprefix('Value error, ')}; given: {given}{more}"


__all__ = ["MAX_SECTIONS", "METHODS", "Limits", "Method", "Plan", "RestSource", "Section", "SettingsError", "read_plan"]
