"""Whether a service goes on: the end that was seen after the payment against the period that was paid. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from reporting.events import ExpiryObserved
from reporting.renewal.model import Proof, ServiceLine
from reporting.renewal.words import day, moment, say
from reporting.standard import Language
from reporting.text import harmless

_ZONES = timedelta(days=1)  # a registry counts its days in another zone than the invoice


@dataclass(frozen=True, slots=True)
class Since:
    """When a case was paid, and when it is looked at; how the answer is worded."""

    paid_at: datetime
    now: datetime
    tz: ZoneInfo
    lang: Language = "id"


def prove(line: ServiceLine, observed: ExpiryObserved | None, since: Since) -> Proof:
    """What a look-up says about one line of a case.

    Moved: the end that was seen is that of the period that was paid, or later; a day less is its zone. An end that
    moved, but not as far, is not what was paid for. Anything that was seen before the payment says nothing, nor does a
    date that a person typed.
    """
    paid_at, now, tz, lang = since.paid_at, since.now, since.tz, since.lang
    if observed is None:
        why = say(lang, "never_looked", paid=moment(lang, paid_at.astimezone(tz)))
        return Proof(line.service, "unknown", None, say(lang, "unknown", why=why), now)
    if observed.observed_at < paid_at:
        looked, paid = moment(lang, observed.observed_at.astimezone(tz)), moment(lang, paid_at.astimezone(tz))
        why = say(lang, "old_look", looked=looked, paid=paid)
        return Proof(line.service, "unknown", None, say(lang, "unknown", why=why), now)
    source = harmless(f"{observed.method} {observed.source}".strip(), 200)
    if observed.method == "manual":
        return Proof(line.service, "unknown", None, say(lang, "unknown", why=say(lang, "by_hand")), now)
    if observed.state != "known" or observed.ends_at is None:
        why = f"{harmless(observed.reason, 400)} ({source})"
        return Proof(line.service, "unknown", None, say(lang, "unknown", why=why), now)
    seen = observed.ends_at.astimezone(tz).date()
    words = {"seen": day(lang, seen), "paid": day(lang, line.new_end), "source": source}
    if seen >= line.new_end - _ZONES:
        return Proof(line.service, "moved", seen, say(lang, "moved", **words), now)
    moved_some = line.old_end is not None and seen > line.old_end + _ZONES
    return Proof(line.service, "not_moved", seen, say(lang, "short" if moved_some else "not_moved", **words), now)
