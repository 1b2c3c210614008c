"""The register of services and what is known of their ends, as of a moment: a fold over the events.

Services come from the unit's settings (`settings.recorded`) and from imports (`service.registered`); for each service
the later word counts. A settings event speaks of a service only where it changed it: an officer's new title does not
undo an import. A service that was taken out stays known, for the cases that name it. A renewal that was proven moves
the end of a service of which nothing else tells.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, tzinfo
from typing import Any, Literal

from reporting.events import (
    KIND_EXPIRY,
    KIND_RENEWAL_OPENED,
    KIND_RENEWAL_PROVEN,
    KIND_SERVICE,
    KIND_SETTINGS,
    ExpiryObserved,
    RenewalOpened,
    RenewalProven,
    ServiceRegistered,
)
from reporting.ledger import Event
from reporting.service import Service

KINDS = (KIND_SETTINGS, KIND_SERVICE, KIND_EXPIRY, KIND_RENEWAL_OPENED, KIND_RENEWAL_PROVEN)
SETTINGS = "settings"


@dataclass(frozen=True, slots=True)
class Entry:
    """One service of the register: where it came from (`settings` or a file), since when, and when it was taken out."""

    service: Service
    source: str
    since: datetime
    removed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class End:
    """What is known of the end of a service, on the agency's days.

    `known`: the latest word is a date. Otherwise `ends` is the last date that was known, if any: good for a reminder,
    no proof of anything. `look` is the latest observation.
    """

    service: str
    state: Literal["known", "unknown"]
    ends: date | None
    reason: str
    look: ExpiryObserved | None

    def look_of(self, zone: tzinfo) -> ExpiryObserved | None:
        """The look that tells of this end: an older one, of the end before a renewal, says nothing of its phase."""
        if self.look is None or self.look.ends_at is None or self.look.ends_at.astimezone(zone).date() != self.ends:
            return None
        return self.look


@dataclass
class Register:
    """The register as of a moment."""

    entries: dict[str, Entry] = field(default_factory=dict)
    looks: dict[str, ExpiryObserved] = field(default_factory=dict)  # the latest of each service
    seen: dict[str, ExpiryObserved] = field(default_factory=dict)  # the latest of each service that gave a date
    proven: dict[str, date] = field(default_factory=dict)  # until when renewals of each service were proven

    @property
    def current(self) -> list[Service]:
        """The services in force, in the order in which they came."""
        return [entry.service for entry in self.entries.values() if entry.removed_at is None]

    def find(self, service: str) -> Entry | None:
        """A service by id, also one that was taken out."""
        return self.entries.get(service)

    def end(self, service: Service, zone: tzinfo) -> End:
        """What is known of the end of a service. A registry that answers goes before what a renewal has proven."""
        look, seen, proven = self.looks.get(service.id), self.seen.get(service.id), self.proven.get(service.id)
        by_hand = service.watch.method in ("manual", "cpanel")
        if by_hand and proven is not None and (service.ends is None or service.ends < proven):
            return End(service.id, "known", proven, "", look)
        if by_hand and service.ends is not None:
            return End(service.id, "known", service.ends, "date of the settings", look)
        last = seen.ends_at.astimezone(zone).date() if seen and seen.ends_at and not by_hand else service.ends
        if (look is None or look.state == "unknown") and proven is not None:
            last = max(last or proven, proven)
        if look is None or look.method != service.watch.method:
            return End(service.id, "unknown", last, "not looked up yet", look)
        return End(service.id, look.state, last, look.reason, look)


def fold(events: Iterable[Event], as_of: datetime | None = None) -> Register:
    """The register that events of KINDS (others are passed over) give, as of a moment (default: all of them)."""
    register = Register()
    before: dict[str, Service] = {}
    bought: dict[str, dict[str, date]] = {}  # by case: until when each service is paid
    for event in events:
        if as_of is not None and event.at > as_of:
            break
        if event.kind == KIND_SETTINGS:
            now = _of_settings(event.data)
            _take_settings(register, before, now, event.at)
            before = now
        elif event.kind == KIND_SERVICE:
            _take_import(register, event)
        elif event.kind == KIND_EXPIRY:
            _take_look(register, ExpiryObserved.model_validate(event.data))
        elif event.kind == KIND_RENEWAL_OPENED:
            opened = RenewalOpened.model_validate(event.data)
            bought[opened.case] = {line.service: line.new_end for line in opened.lines}
        elif event.kind == KIND_RENEWAL_PROVEN:
            _take_proof(register, bought, RenewalProven.model_validate(event.data))
    return register


def _of_settings(data: dict[str, Any]) -> dict[str, Service]:
    listed = (data.get("unit") or {}).get("services") or []
    return {service.id: service for service in map(Service.model_validate, listed)}


def _take_settings(register: Register, before: dict[str, Service], now: dict[str, Service], at: datetime) -> None:
    for key, service in now.items():
        if before.get(key) != service:
            _enter(register, Entry(service, SETTINGS, at))
    for key in before.keys() - now.keys():
        entry = register.entries[key]
        if entry.source == SETTINGS:
            register.entries[key] = replace(entry, removed_at=entry.removed_at or at)


def _enter(register: Register, entry: Entry) -> None:
    """Put a service in. What was seen of another name, or in another way, tells nothing about it any more."""
    key = entry.service.id
    before = register.entries.get(key)
    if before is not None and before.service.watch != entry.service.watch:
        register.looks.pop(key, None)
        register.seen.pop(key, None)
    register.entries[key] = entry


def _take_import(register: Register, event: Event) -> None:
    told = ServiceRegistered.model_validate(event.data)
    if told.service is not None:
        _enter(register, Entry(told.service, told.source, event.at))
    elif event.subject in register.entries:
        register.entries[event.subject] = replace(register.entries[event.subject], removed_at=event.at)


def _take_look(register: Register, look: ExpiryObserved) -> None:
    register.looks[look.service] = look
    if look.state == "known":
        register.seen[look.service] = look


def _take_proof(register: Register, bought: dict[str, dict[str, date]], proof: RenewalProven) -> None:
    """A renewal that was seen or attested: the service goes on until the day that was paid for."""
    until = bought.get(proof.case, {}).get(proof.service)
    if proof.state in ("moved", "attested") and until is not None:
        register.proven[proof.service] = max(until, register.proven.get(proof.service, until))
