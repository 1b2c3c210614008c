"""What an event is, how it is chained, and what a store of events must be able to do."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

GENESIS = "0" * 64
_STAMP = 27  # characters of an instant


class LedgerError(Exception):
    """The ledger cannot be read or written; one line that says what to do."""


@dataclass(frozen=True, slots=True)
class Draft:
    """An event before the ledger has numbered, timed and chained it."""

    kind: str
    subject: str
    actor: str
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Event:
    """One row of the ledger. `at` is UTC; `prev` and `hash` are SHA-256 in hex."""

    seq: int
    id: str
    at: datetime
    unit: str
    actor: str
    kind: str
    subject: str
    data: dict[str, Any]
    prev: str
    hash: str


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the chain: what an issued report prints to anchor everything before it."""

    seq: int
    hash: str


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that does not hold: where, and what is wrong."""

    where: str
    what: str


class Ledger(Protocol):
    """A store of events. Nothing in it is ever updated or deleted."""

    unit: str

    def append(self, drafts: Iterable[Draft]) -> list[Event]:
        """Append all drafts in one transaction, durable on return; raises LedgerError and appends none otherwise."""
        ...

    def events(self, kinds: Iterable[str] | None = None) -> Iterator[Event]:
        """All events in order, or those of some kinds."""
        ...

    def head(self) -> Head:
        """The end of the chain; seq 0 and GENESIS while it is empty."""
        ...

    def verify(self) -> list[Problem]:
        """Recompute the chain; what does not hold, in order. Empty when all is well."""
        ...

    def close(self) -> None:
        """Let go of the store."""
        ...


def canonical(data: dict[str, Any]) -> str:
    """The one JSON text of a value: sorted keys, no spaces, UTF-8 kept. NaN and infinity are refused (ValueError)."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def chain_hash(prev: str, columns: tuple[int, str, str, str, str, str, str, str]) -> str:
    """SHA-256 over the previous hash and all columns (seq, id, at, unit, actor, kind, subject, data) as stored.

    A JSON list keeps the borders between columns: ("ab","c") and ("a","bc") hash differently.
    """
    return hashlib.sha256(json.dumps([prev, *columns], ensure_ascii=False).encode("utf-8", "surrogatepass")).hexdigest()


def stamp(moment: datetime) -> str:
    """An instant as the ledger writes it: UTC, microseconds, `Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_stamp(text: str) -> datetime:
    """The inverse of `stamp`; raises ValueError. Every event is read through it: strptime takes ten times as long."""
    moment = datetime.fromisoformat(text)
    if len(text) != _STAMP or not text.endswith("Z"):
        raise ValueError(f"{text[:40]!r} is no instant as the ledger writes it")
    return moment
