"""From events to the answer: what was carried out in a period, what was due, and what deviated from the standard."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from reporting.compliance.deviations import known_at, missed, of_execution
from reporting.compliance.fold import Folded, Record, fold
from reporting.compliance.judge import Case, judge_all, judge_output, judge_requirement, judge_time
from reporting.compliance.messages import moment, say
from reporting.compliance.model import (
    TROUBLESHOOTING,
    Compliance,
    ComplianceError,
    Deviation,
    Evidence,
    Execution,
    Judgement,
    Occasion,
    OccasionState,
    Status,
)
from reporting.compliance.period import Period
from reporting.compliance.windows import LONGEST, Window, assign, windows
from reporting.events import OccasionNoticed, Person
from reporting.ledger.model import Event
from reporting.standard import Language, Standard, StandardError, standard_on

_INSTANT = timedelta(microseconds=1)
_WEIGHT: dict[Status, int] = {"sesuai": 0, "menunggu": 1, "menyimpang": 2}


def evaluate(
    standards: Sequence[Standard],
    events: Iterable[Event],
    period: Period,
    as_of: datetime,
    lang: Language = "id",
) -> Compliance:
    """Judge a period by the standard. Pure: the same arguments always give the same answer, in any order of `events`.

    Everything about the unit comes from the `settings.recorded` events, in force from their time on (the first ones
    also before it). Executions and windows belong to the period in which they start, on the unit's local days; people's
    steps (activities 4-8), whose input may have been there long before, to the one in which they are done; what they
    have not ended yet, to the one that contains `as_of`. `as_of` (aware) decides what is still open; events are not cut
    off at it: pass those that are to count. Reasons are in `lang`.

    Every deviation of every attempt counts, also of one that a retry superseded: the POS asks an account of *every*
    deviation (Peringatan 2). A review, where the unit asks for it, is asked of every whole attempt: each has findings
    of its own, and a retry does not find again what was found before it. The last whole attempt decides its occasion,
    which is not sesuai while an earlier whole one is unread. What `laman record` puts on record after the window closed
    is judged as an execution, and leaves the occasion terlewat.

    Raises:
        ComplianceError: no settings on record, an event not of its kind's shape, no POS in force on a day, or `as_of`
            without a zone; one line.
    """
    if as_of.tzinfo is None:
        raise ComplianceError(f"as_of {as_of.isoformat()} has no time zone")
    folded = fold(events, period.start - LONGEST, period.end + LONGEST)
    try:
        return _Evaluation(standards, folded, period, as_of, lang).answer()
    except StandardError as error:
        raise ComplianceError(str(error)) from error


@dataclass(frozen=True, slots=True)
class _Attempt:
    """An execution with the case that was judged (its window, its rules)."""

    case: Case
    execution: Execution


class _Evaluation:
    """What `evaluate` computes with; everything is derived from the arguments, nothing is kept beyond the call."""

    def __init__(
        self, standards: Sequence[Standard], folded: Folded, period: Period, as_of: datetime, lang: Language
    ) -> None:
        self.standards, self.folded, self.period, self.as_of, self.lang = standards, folded, period, as_of, lang
        self.planned = windows(folded, period.start - LONGEST, period.end + LONGEST)
        self.problems = list(folded.problems)
        self._dues: dict[tuple[date, int], date] = {}  # local day, settings -> the last day for its account
        self.assigned = assign(self.planned, folded.records)
        self.attempts = self._judge_records()
        executions = [a.execution for a in self.attempts.values()]
        self._making_up = {e.catches_up: e for e in executions if e.catches_up}  # the last one of each occasion

    def answer(self) -> Compliance:
        """The period's executions, occasions and deviations."""
        here = [a for a in self.attempts.values() if a.execution.counts_at in self.period]
        executions = tuple(a.execution for a in here)
        opened = [w for w in self.planned if w.key.opens_at in self.period and w.key.opens_at <= self.as_of]
        occasions = tuple(o for o in map(self._occasion, opened) if o is not None)
        found = [(d, known_at(a.case, d)) for a in here for d in of_execution(a.case, a.execution)]
        found += [(d, d.at) for d in (missed(o) for o in occasions if o.state == "terlewat")]
        deviations = [self._with_account(d, known) for d, known in found]
        last = min(self.as_of, self.period.end - _INSTANT)
        settings = self.folded.in_force(last)
        return Compliance(
            period=self.period,
            as_of=self.as_of.astimezone(self.period.zone),
            unit=settings.snapshot.unit,
            sites=tuple(settings.snapshot.sites),
            standard=self._standard(last),
            executions=executions,
            occasions=occasions,
            deviations=tuple(sorted(deviations, key=lambda d: (d.at, d.activity, d.site, d.id))),
            evidence=tuple(Evidence(e.id, e.activity, e.site, f) for e in executions for f in e.evidence),
            problems=tuple(self.problems),
        )

    def _with_account(self, deviation: Deviation, known: datetime) -> Deviation:
        """A deviation with what its executor said about it, and by when that is due, counted from `known`."""
        account = self.folded.accounts.get(deviation.id)
        since = known
        if account is not None and account.state == "dikembalikan" and account.decision is not None:
            since = max(since, account.decision.at)
        due = self._due(since, deviation.at)
        if account is None:
            return replace(deviation, account_due=due)
        return replace(deviation, account_state=account.state, account=account, account_due=due)

    def _due(self, since: datetime, certain: datetime) -> date:
        """The last local day for an account that is asked for since an instant."""
        settings = self.folded.in_force(certain)
        unit = settings.snapshot.unit
        key = (since.astimezone(unit.tz).date(), settings.seq)
        if key not in self._dues:
            day = key[0]
            for _ in range(unit.accounts.within_workdays):
                day = settings.clock.next_workday(day)
            self._dues[key] = day
        return self._dues[key]

    def _standard(self, at: datetime) -> Standard:
        """The POS in force on the local day of an instant."""
        tz = self.folded.in_force(at).snapshot.unit.tz
        return standard_on(at.astimezone(tz).date(), self.standards)

    def _judge_records(self) -> dict[str, _Attempt]:
        """Every record judged, by execution id, in order of start."""
        by_key = {w.key: w for w in self.planned}
        place = {
            _id(record): (by_key[key], number)
            for key, records in self.assigned.counted.items()
            for number, record in enumerate(records, start=1)
        }
        solutions, last = _solutions(self.folded.records)
        cases: dict[str, tuple[Case, int, Standard]] = {}
        for record in self.folded.records:
            standard = self._standard(record.started.started_at)
            known = {a.number: a for a in standard.activities}
            activity = known.get(record.started.activity)
            if activity is None:
                number = record.started.activity
                self.problems.append(f"event {record.seq}: {standard.number} has no activity {number}: not judged")
                continue
            window, number = place.get(_id(record), (None, solutions.get(_id(record), 1)))
            settings = self.folded.in_force(record.started.started_at)
            case = Case(record, activity, settings, window, self.as_of, self.lang)
            cases[_id(record)] = (case, number, standard)
        judging = {
            _decider(by_key[key], [cases[name][0] for name in map(_id, records) if name in cases])
            for key, records in self.assigned.counted.items()
        }
        return {
            name: _Attempt(case, _execution(case, number, _judges(case, name in judging, last), standard))
            for name, (case, number, standard) in cases.items()
        }

    def _occasion(self, window: Window) -> Occasion | None:
        """What became of a window; None for one that was not obligatory, closed, and was never filled."""
        names = map(_id, self.assigned.inside.get(window.key, []))
        attempts = [self.attempts[name] for name in names if name in self.attempts]
        decider = _decider(window, [a.case for a in attempts])
        deciding = None if decider is None else self.attempts[decider]
        state, reason = self._state(window, attempts, deciding)
        if state == "terlewat" and not window.obligatory:
            if not attempts:
                return None
            state, reason = "menyimpang", attempts[-1].execution.verdict.reason
        executor = deciding.execution.executor if deciding and state != "terlewat" else None
        if executor is None:
            executor, nobody = self._officer(window)
            reason = f"{reason}; {nobody}" if nobody else reason
        ids = tuple(a.execution.id for a in attempts)
        noticed, makes_up = self.folded.noticed.get(window.key.id), self._making_up.get(window.key.id)
        reason = "; ".join([reason, *self._slept(noticed, makes_up)])
        by = makes_up.id if makes_up else noticed.caught_up_by if noticed else ""
        return Occasion(window.key, window.closes_at, state, ids, executor, reason, window.obligatory, noticed, by)

    def _slept(self, noticed: OccasionNoticed | None, makes_up: Execution | None) -> Iterator[str]:
        """What the timer noticed about a window, and the execution that made up for it."""
        if noticed is not None:
            asleep = "" if noticed.asleep_since is None else "_asleep"
            since = self._text(noticed.asleep_since) if noticed.asleep_since else ""
            yield say(self.lang, f"noticed.{noticed.state}{asleep}", at=self._text(noticed.noticed_at), since=since)
        if makes_up is not None:
            yield say(self.lang, "occasion.caught_up", execution=makes_up.id, at=self._text(makes_up.started_at))
        elif noticed is not None and noticed.caught_up_by:
            yield say(self.lang, "occasion.done_since", execution=noticed.caught_up_by)

    def _state(self, window: Window, attempts: list[_Attempt], deciding: _Attempt | None) -> tuple[OccasionState, str]:
        if deciding is not None and deciding.case.may_decide:
            return self._decided(attempts, deciding)
        closed = self.as_of >= window.closes_at
        late = [a.execution for a in attempts if a.case.late_for(window)]
        cut = len(attempts) - len(late)
        key = ("occasion.missed" if closed else "occasion.open") + (("_cut" if closed else "_again") if cut else "")
        opens, closes = self._text(window.key.opens_at), self._text(window.closes_at)
        said = [say(self.lang, key, opens=opens, closes=closes, attempts=cut)]
        if closed:
            said += [say(self.lang, "occasion.late", execution=e.id, at=self._text(e.recorded_at)) for e in late]
        return "terlewat" if closed else "terbuka", "; ".join(said)

    def _decided(self, attempts: list[_Attempt], deciding: _Attempt) -> tuple[OccasionState, str]:
        """The verdict of the attempt that decides, or what an attempt before it still lacks: its review."""
        output = say(self.lang, "aspect.output")
        said: list[tuple[int, Judgement]] = []
        for number, attempt in enumerate(attempts, start=1):
            judged = attempt.execution.output
            if attempt is deciding:
                said.insert(0, (number, attempt.execution.verdict))  # of two that weigh the same, its own is said
            elif attempt.execution.review_due is not None:
                said.append((number, Judgement(judged.status, f"{output}: {judged.reason}")))
        number, worst = max(said, key=lambda pair: _WEIGHT[pair[1].status])
        if len(attempts) == 1:
            return worst.status, worst.reason
        return worst.status, say(self.lang, "occasion.attempt", attempt=number, reason=worst.reason)

    def _officer(self, window: Window) -> tuple[Person | None, str]:
        """Who answers for a window that nobody filled: in office when it closes (or now, while it is open)."""
        at = min(window.closes_at - _INSTANT, self.as_of)
        unit = self.folded.in_force(at).snapshot.unit
        standard = self._standard(at)
        number = window.key.activity
        role = unit.assignment.get(number, standard.activity(number).role)
        day = at.astimezone(unit.tz).date()
        officer = unit.officer_for(role, day)
        if officer is None:
            return None, say(self.lang, "occasion.nobody", role=standard.actor(role, self.lang), day=day.isoformat())
        return Person(id=officer.id, name=officer.name, nip=officer.nip, title=officer.title), ""

    def _text(self, at: datetime) -> str:
        return moment(self.lang, at.astimezone(self.period.zone))


def _solutions(records: Iterable[Record]) -> tuple[dict[str, int], set[str]]:
    """The executions of tickets, counted from 1 for each ticket (a reopening begins one more), and the last of each."""
    counts: dict[str, int] = {}
    numbers: dict[str, int] = {}
    last: dict[str, str] = {}
    for record in records:
        if record.started.activity == TROUBLESHOOTING:
            counts[record.site] = numbers[_id(record)] = counts.get(record.site, 0) + 1
            last[record.site] = _id(record)
    return numbers, set(last.values())


def _judges(case: Case, decides: bool, last: set[str]) -> bool:
    """Whether an attempt judges: the one that decides its window, the last solution of a ticket; anything ad hoc."""
    if case.activity.number == TROUBLESHOOTING:
        return _id(case.record) in last
    return case.window is None or decides


def _decider(window: Window, cases: Sequence[Case]) -> str | None:
    """Id of the attempt that decides a window: the last that is whole, or running and so may become it; else the last.

    None where there is none, or where all were put on record after the window had closed.
    """
    in_time = [c for c in cases if not c.late_for(window)]
    found = next((c for c in reversed(in_time) if c.may_decide), in_time[-1] if in_time else None)
    return _id(found.record) if found else None


def _id(record: Record) -> str:
    return record.started.execution


def _execution(case: Case, attempt: int, judges: bool, standard: Standard) -> Execution:
    record = case.record
    started, finished = record.started, record.finished
    tz = case.settings.snapshot.unit.tz
    requirement, minutes, output = judge_requirement(case), judge_time(case), judge_output(case)
    return Execution(
        id=started.execution,
        activity=started.activity,
        activity_slug=case.activity.slug,
        site=record.site,
        executor=record.executor,
        agent=started.agent,
        occasion=case.window.key if case.window else None,
        kind="planned" if case.window else "ad_hoc",
        attempt=attempt,
        judges=judges,
        started_at=started.started_at.astimezone(tz),
        ended_at=finished.ended_at.astimezone(tz) if finished else None,
        recorded_at=record.recorded_at.astimezone(tz),
        clock=case.clock,
        minutes=case.minutes,
        standard_minutes=case.activity.minutes,
        standard_number=standard.number,
        status=case.status,
        requirement=requirement,
        time=minutes,
        output=output,
        verdict=judge_all(case, requirement, minutes, output),
        document=finished.document if finished else None,
        findings=_findings(record),
        review=record.review,
        review_due=case.review_due,
        evidence=tuple(record.evidence),
        tasks=tuple(finished.tasks) if finished else (),
        by_hand=started.by_hand,
        run=started.run,
        measured_from=case.begin.astimezone(tz),
        note=finished.note if finished else "",
        taken_at=record.taken_at.astimezone(tz) if record.taken_at else None,
        minutes_gross=case.minutes_gross,
        minutes_net=case.minutes_net,
        catches_up=started.catches_up,
        as_of=case.as_of.astimezone(tz) if finished is None and record.by_people else None,
    )


def _findings(record: Record) -> int:
    """How many findings there were: a document lists at most MAX_FINDINGS of them and counts the rest."""
    document = record.finished.document if record.finished else None
    return max(document.findings_total, len(document.findings)) if document else 0
