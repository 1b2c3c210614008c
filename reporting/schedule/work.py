"""What a timer has to do at an instant: which occasions to run, which were slept through, when to look again. Pure.

One timer that wakes every few minutes serves all plans, because everything is decided from the record: an occasion is
run when its window is open and nothing whole is on record for it. So nothing runs twice, whatever the clock does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from reporting.compliance import Compliance, Execution, Occasion, Window
from reporting.events import Agent, OccasionNoticed

RETRY_AFTER = (timedelta(minutes=30), timedelta(hours=2), timedelta(hours=8))  # after the 1st, 2nd, 3rd bad attempt
MOST_ATTEMPTS = len(RETRY_AFTER) + 1  # of one occasion; every one that fails is a deviation to account for
ASLEEP_AFTER = timedelta(hours=1)  # twice the longest interval of a timer: a longer silence is a node that was off
LAST_CHANCE = timedelta(hours=1)  # before its window closes, a backup no longer waits for its medium
MEDIUM_ACTIVITY = 2  # the one that needs a medium
_CUT = ("killed", "interrupted")  # its end on record is when that was noticed


@dataclass(frozen=True, slots=True)
class ToRun:
    """One activity on one site to run now. `occasion`: the open one it fills ("": none, it only makes up).

    `catches_up`: the missed occasion that it makes up for ("": none). `closes_at`: when its window closes.
    """

    activity: int
    site: str
    occasion: str
    catches_up: str
    closes_at: datetime

    @property
    def ad_hoc(self) -> bool:
        """Whether it fills no plan."""
        return not self.occasion

    @property
    def key(self) -> tuple[int, str, str, str]:
        """What it is, to tell that it was begun already."""
        return (self.activity, self.site, self.occasion, self.catches_up)


@dataclass(frozen=True, slots=True)
class Waits:
    """An open occasion that is not run now, and why, in a sentence; `until`: when that changes by itself."""

    activity: int
    site: str
    reason: str
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Work:
    """What there is to do now. `look_again`: nothing changes before it, unless the record or the settings do."""

    runs: tuple[ToRun, ...]
    noticed: tuple[OccasionNoticed, ...]
    waits: tuple[Waits, ...]
    look_again: datetime


@dataclass(frozen=True, slots=True)
class Seen:
    """What the timer knows of itself. `woke`: when this call began; what it runs may take hours, so `now` is later.

    `born`: its first sign of life; `alive`: the last one before this call (None: none).
    """

    now: datetime
    woke: datetime
    born: datetime | None
    alive: datetime | None
    agent: Agent
    medium_ready: bool = True

    @property
    def asleep_since(self) -> datetime | None:
        """The last sign of life, where the silence since then was too long; a clock set back is no sleep."""
        return self.alive if self.alive is not None and self.woke - self.alive > ASLEEP_AFTER else None

    def slept_through(self, moment: datetime) -> bool:
        """Whether an instant lies in that silence."""
        return self.asleep_since is not None and self.asleep_since < moment <= self.woke


def work(compliance: Compliance, noticed: Mapping[str, OccasionNoticed], coming: Sequence[Window], seen: Seen) -> Work:
    """Decide what to do now.

    Args:
        compliance: of the days up to now that the timer looks back on, as of now.
        noticed: what was noticed before, by occasion: it is never noticed twice.
        coming: the windows that open next, for `look_again`.
        seen: what the timer knows of itself.
    """
    return _Deciding(compliance, noticed, seen).decide(coming)


class _Deciding:
    def __init__(self, compliance: Compliance, noticed: Mapping[str, OccasionNoticed], seen: Seen) -> None:
        self._all = compliance
        self._executions = {e.id: e for e in compliance.executions}
        self._noticed = dict(noticed)
        self._seen, self._now = seen, seen.now
        self._waits: list[Waits] = []
        self._changes: list[datetime] = []  # instants at which the answer may be another

    def decide(self, coming: Sequence[Window]) -> Work:
        new = [n for o in self._all.occasions if (n := self._notice(o)) is not None]
        self._noticed |= {n.occasion: n for n in new}
        open_now = [o for o in self._all.occasions if o.opens_at <= self._now < o.closes_at]
        missed = self._to_make_up()
        runs: dict[tuple[int, str], ToRun] = {}
        for occasion in sorted(open_now, key=lambda o: (o.closes_at, o.activity, o.site)):
            subject = (occasion.activity, occasion.site)
            self._changes.append(occasion.closes_at)
            if subject not in runs and self._is_due(occasion):
                behind = missed.get(subject)
                made_up = behind.key.id if behind else ""
                runs[subject] = ToRun(*subject, occasion.key.id, made_up, occasion.closes_at)
        busy = {(o.activity, o.site) for o in open_now}
        for subject, occasion in missed.items():
            if subject not in busy and self._may_make_up(occasion):
                runs[subject] = ToRun(*subject, "", occasion.key.id, occasion.closes_at)
        self._changes += [w.key.opens_at for w in coming if w.key.opens_at > self._now]
        later = [at for at in self._changes if at > self._now]
        ordered = sorted(runs.values(), key=lambda r: (r.ad_hoc, r.closes_at, r.activity, r.site))
        return Work(tuple(ordered), tuple(new), tuple(self._waits), min(later, default=self._now + timedelta(days=1)))

    # what was slept through

    def _notice(self, occasion: Occasion) -> OccasionNoticed | None:
        """The notice that an occasion is worth now, if it is and has none yet; nothing from before the timer's time."""
        born, before = self._seen.born, self._noticed.get(occasion.key.id)
        if not occasion.obligatory or born is None or occasion.closes_at <= born:
            return None
        asleep = self._seen.asleep_since
        if occasion.state == "terlewat":
            if before is not None and before.state == "missed":
                return None
            since = asleep if self._seen.slept_through(occasion.closes_at) else None
            return self._said(occasion, "missed", since or (before.asleep_since if before else None))
        slept = self._seen.slept_through(occasion.opens_at) and self._now - occasion.opens_at > ASLEEP_AFTER
        if occasion.state == "terbuka" and not occasion.executions and slept and before is None:
            return self._said(occasion, "late", asleep)
        return None

    def _said(self, occasion: Occasion, state: str, asleep_since: datetime | None) -> OccasionNoticed:
        done_since = self._done_since(occasion) if state == "missed" else None
        return OccasionNoticed(
            occasion=occasion.key.id,
            activity=occasion.activity,
            state="missed" if state == "missed" else "late",
            opens_at=occasion.opens_at,
            closes_at=occasion.closes_at,
            planned_at=occasion.opens_at,
            noticed_at=self._now,
            asleep_since=asleep_since,
            agent=self._seen.agent,
            caught_up_by=done_since.id if done_since else "",
        )

    def _done_since(self, occasion: Occasion) -> Execution | None:
        """The first good execution of the same activity and site after a window had closed."""
        same = (e for e in self._all.executions if (e.activity, e.site) == (occasion.activity, occasion.site))
        return next((e for e in same if e.started_at >= occasion.closes_at and not _bad(e)), None)

    def _to_make_up(self) -> dict[tuple[int, str], Occasion]:
        """The last missed occasion of each activity and site, unless it was carried out since: one run makes up."""
        last: dict[tuple[int, str], Occasion] = {}
        for occasion in sorted(self._all.occasions, key=lambda o: o.closes_at):
            notice = self._noticed.get(occasion.key.id)
            if occasion.state == "terlewat" and notice is not None and notice.state == "missed":
                last[occasion.activity, occasion.site] = occasion
        return {s: o for s, o in last.items() if self._done_since(o) is None}

    def _may_make_up(self, occasion: Occasion) -> bool:
        tried = [e for e in self._all.executions if e.catches_up == occasion.key.id]
        return self._may_try(occasion, tried) and self._has_medium(occasion, None)

    # what is due

    def _is_due(self, occasion: Occasion) -> bool:
        """Whether an open occasion is to be run now."""
        notice = self._noticed.get(occasion.key.id)
        if notice is not None and notice.state == "missed":
            return False  # the clock was set back into a window that had closed: what was missed stays missed
        tried = [self._executions[name] for name in occasion.executions if name in self._executions]
        if occasion.state == "menyimpang" and not (tried and _bad(tried[-1])):
            return False  # whole, but over its time: to do it again mends nothing
        if occasion.state not in ("terbuka", "menyimpang"):
            return False
        return self._may_try(occasion, tried) and (bool(tried) or self._has_medium(occasion, occasion.closes_at))

    def _may_try(self, occasion: Occasion, tried: Sequence[Execution]) -> bool:
        """Back off from what fails: longer and longer, and not for ever."""
        if not tried:
            return True
        if any(e.status == "running" for e in tried):
            return False
        word = f"{len(tried)} attempt(s) failed"
        if len(tried) >= MOST_ATTEMPTS:
            self._wait(occasion, f"{word}: not tried again by itself; put it right and run it by hand", None)
            return False
        last = max(tried, key=lambda e: e.started_at)
        ended = last.started_at if last.ended_at is None or last.status in _CUT else last.ended_at
        again = ended + RETRY_AFTER[len(tried) - 1]
        if again <= self._now:
            return True
        self._wait(occasion, f"{word}: tried again", again)
        return False

    def _has_medium(self, occasion: Occasion, closes_at: datetime | None) -> bool:
        """A backup waits until somebody has plugged in its medium; at its last chance it tells on record that none is.

        What only makes up for a missed one (`closes_at` None) waits for as long as it takes.
        """
        if occasion.activity != MEDIUM_ACTIVITY or self._seen.medium_ready:
            return True
        if closes_at is not None:
            last = max(closes_at - LAST_CHANCE, occasion.opens_at + (closes_at - occasion.opens_at) / 2)
            if last <= self._now:
                return True
        # A medium that is plugged in changes no record: nothing but looking again tells.
        self._wait(occasion, "no backup medium is ready: plug it in (laman medium list)", None)
        self._changes.append(self._now + timedelta(microseconds=1))
        return False

    def _wait(self, occasion: Occasion, reason: str, until: datetime | None) -> None:
        self._waits.append(Waits(occasion.activity, occasion.site, reason, until))
        if until is not None:
            self._changes.append(until)


def _bad(execution: Execution) -> bool:
    """Whether another attempt could mend it: what was needed was not there, or what came out is not whole."""
    return "menyimpang" in (execution.requirement.status, execution.output.status)


def grouped(runs: Iterable[ToRun]) -> list[list[ToRun]]:
    """What can go in one run: one activity, planned or not; in the order in which the runs are to be begun."""
    groups: dict[tuple[int, bool], list[ToRun]] = {}
    for run in runs:
        groups.setdefault((run.activity, run.ad_hoc), []).append(run)
    return list(groups.values())
