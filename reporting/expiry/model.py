"""What is asked of a look-up and what it found."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from reporting.service import AfterEnd, ServiceId, ServiceKind, Watch, WatchMethod
from reporting.text import harmless

DATA = Path(__file__).parent
_LONGEST_PAST = timedelta(days=366)  # a registry deletes a name long before; older is a wrong answer
_LONGEST_AHEAD = timedelta(days=366 * 20)  # registries sell ten years at most


class Job(BaseModel):
    """One service whose end is wanted; what else is known of it stays at home."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: ServiceId
    kind: ServiceKind = "other"
    watch: Watch = Watch()
    ends: date | None = None  # from the settings: the only source of method manual
    after_end: AfterEnd | None = None


class Limits(BaseModel):
    """How long and how much, for one look-up and for all. Seconds and bytes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    connect_timeout: Annotated[float, Field(gt=0, le=300)] = 10.0
    timeout: Annotated[float, Field(gt=0, le=600)] = 30.0  # one look-up, name resolution and redirects included
    total_timeout: Annotated[float, Field(gt=0, le=7200)] = 300.0  # all look-ups
    max_bytes: Annotated[int, Field(ge=1024, le=16 << 20)] = 512 << 10
    redirects: Annotated[int, Field(ge=0, le=10)] = 3
    retries: Annotated[int, Field(ge=0, le=5)] = 1  # after a network failure or an answer 5xx; never after a 429
    at_once: Annotated[int, Field(ge=1, le=64)] = 16
    per_host: Annotated[int, Field(ge=1, le=16)] = 4  # look-ups at once at one registry


@dataclass(frozen=True, slots=True)
class Look:
    """What one look-up found. `source`: what was asked. `reason`: why unknown, or what was seen. Harmless text."""

    state: Literal["known", "unknown"]
    method: WatchMethod
    source: str
    reason: str
    ends_at: datetime | None = None
    statuses: tuple[str, ...] = ()  # the registry's own words on the state of the name, lower case


def known(
    method: WatchMethod, source: str, ends_at: datetime, reason: str = "", statuses: tuple[str, ...] = ()
) -> Look:
    """An end that was read."""
    return Look("known", method, harmless(source, 300), harmless(reason, 500), ends_at.astimezone(UTC), statuses)


def unknown(method: WatchMethod, source: str, reason: str) -> Look:
    """An end that could not be read, and why."""
    return Look("unknown", method, harmless(source, 300), harmless(reason, 500))


def doubtful(ends_at: datetime, now: datetime) -> str:
    """Why a registry's date cannot be believed; empty when it can."""
    if ends_at < now - _LONGEST_PAST:
        return f"the end {ends_at.date()} lies more than a year back: a registry deletes a name long before that"
    if ends_at > now + _LONGEST_AHEAD:
        return f"the end {ends_at.date()} lies more than 20 years ahead: no registry sells that"
    return ""


def as_observation(job: str, look: Look, phase: str, now: datetime) -> dict[str, Any]:
    """A look as plain JSON values, with the fields of the event `expiry.observed`."""
    return {
        "service": job,
        "state": look.state,
        "ends_at": look.ends_at.isoformat() if look.ends_at else None,
        "phase": phase,
        "method": look.method,
        "source": look.source,
        "reason": look.reason,
        "observed_at": now.isoformat(),
    }
