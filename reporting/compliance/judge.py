"""The verdict on one execution: requirement ∧ time ∧ output, each with its reason. Findings have no say in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from reporting.compliance.fold import Record, Settings
from reporting.compliance.messages import figure, joined, moment, requirement_name, say, span
from reporting.compliance.model import ExecutionStatus, Judgement
from reporting.compliance.windows import Window
from reporting.contract import ResultDocument
from reporting.events import Clock
from reporting.standard import Activity, Language

_MINUTE = timedelta(minutes=1)
_CUT = ("cancelled", "killed", "running", "interrupted")  # an attempt that ended so is not whole


@dataclass(frozen=True, slots=True)
class Case:
    """One execution as it is judged: the record, the rules of its day, the window that it counts in."""

    record: Record
    activity: Activity
    settings: Settings
    window: Window | None
    as_of: datetime
    lang: Language

    @property
    def limit(self) -> datetime:
        """When an execution that has not ended counts as interrupted: the runner would have ended it by then."""
        factor = self.settings.snapshot.unit.time_limits.factor
        minutes = self.record.started.limit_minutes
        return (
            self.record.started.started_at + (self.activity.minutes * factor if minutes is None else minutes) * _MINUTE
        )

    @property
    def status(self) -> ExecutionStatus:
        """How it ended, or whether it may still be running; what people do is not interrupted by the clock."""
        if self.record.finished is not None:
            return self.record.finished.status
        if self.record.by_people:
            return "running"
        return "running" if self.as_of < self.limit else "interrupted"

    @property
    def whole(self) -> bool:
        """Whether it came to an end of its own and left its result, however it is judged."""
        return self.status not in _CUT

    @property
    def may_decide(self) -> bool:
        """Whether its occasion can follow it: it is whole, or still running and may become so."""
        return self.whole or self.status == "running"

    def late_for(self, window: Window) -> bool:
        """Whether a record made by hand came after a window that was due had closed: it can no longer fill it.

        What was done is listed and judged, but a missed occasion cannot be unmissed by what is written down later. What
        a machine does is on record as it begins. A window that was not obligatory cannot be missed: it is filled.
        """
        return window.obligatory and self.record.started.by_hand and self.record.recorded_at > window.closes_at

    @property
    def clock(self) -> Clock:
        """What is done by hand is measured in working minutes, what a machine does in elapsed ones."""
        return "working" if self.record.started.by_hand else self.record.started.clock

    @property
    def clock_name(self) -> str:
        """Which of the two figures of a person's step judged it, where work was taken; else just the clock."""
        if self.record.taken_at is None:
            return self.clock
        return "taken" if self.settings.snapshot.unit.human_clock == "from_taken" else "input"

    @property
    def begin(self) -> datetime:
        """From when the minutes count: the first task on this site (waiting for other sites is no one's minutes).

        A person's step: when its input was there, or (setting `human_clock: from_taken`) when its work was begun.
        """
        started, finished, taken = self.record.started, self.record.finished, self.record.taken_at
        if taken is not None and self.settings.snapshot.unit.human_clock == "from_taken":
            return max(started.started_at, taken)
        return max(started.started_at, finished.began_at) if finished and finished.began_at else started.started_at

    @property
    def minutes(self) -> float | None:
        """Minutes from `begin` to the end, exact.

        None without an end, with one before `begin` (a clock set back), or for a run that was killed: the end on record
        is then the moment in which that was noticed.
        """
        finished = self.record.finished
        if finished is None or finished.status == "killed" or finished.ended_at < self.begin:
            return None
        if self.clock == "working":
            return self.settings.clock.minutes(self.begin, finished.ended_at)
        return (finished.ended_at - self.begin) / _MINUTE

    @property
    def minutes_so_far(self) -> float:
        """A person's step that goes on: working minutes from `begin` to `as_of`, exact."""
        return self.settings.clock.minutes(self.begin, max(self.begin, self.as_of))

    @property
    def used_up_at(self) -> datetime:
        """A person's step: when the standard's working minutes are used up."""
        return self.settings.clock.deadline(self.begin, self.activity.minutes)

    @property
    def minutes_gross(self) -> float | None:
        """A person's step: working minutes from its input to its output, waiting included. None for a machine's."""
        return self._working_since(self.record.started.started_at)

    @property
    def minutes_net(self) -> float | None:
        """A person's step: working minutes from its take to its output; None where no take was recorded, or a ticket.

        What of a ticket is net (its pauses left out) is told with its routes, and has no say in the verdict.
        """
        taken = self.record.started.taken_at
        return None if taken is None else self._working_since(max(taken, self.record.started.started_at))

    def _working_since(self, begin: datetime) -> float | None:
        finished = self.record.finished
        if self.clock != "working" or finished is None or finished.ended_at < begin:
            return None
        return self.settings.clock.minutes(begin, finished.ended_at)

    @property
    def review_due(self) -> datetime | None:
        """The last instant at which a review counts: the window closes then; ad hoc: the next working day ends.

        Every whole attempt is asked for its own, also one that a retry followed: what it found, the retry (which reads
        only what is new) does not find again. None where no review is asked for: the unit does not ask it of this
        activity, the executor did it by hand (and so has seen it), or the output is not whole (not there yet, cut
        short, failed), so that a review would change nothing.
        """
        finished = self.record.finished
        asked = self.activity.number in self.settings.snapshot.unit.review.activities
        if finished is None or not asked or self.record.started.by_hand or not self.lacks_only_review:
            return None
        if self.window is not None:
            return self.window.closes_at
        tz = self.settings.snapshot.unit.tz
        day = self.settings.clock.next_workday(finished.ended_at.astimezone(tz).date())
        return datetime.combine(day + timedelta(days=1), time(), tz)

    @property
    def lacks_only_review(self) -> bool:
        """Whether what came out is whole, so that only its review can still be missing."""
        return self.record.finished is not None and not _output_problems(self, self.record.finished.document)

    def local(self, at: datetime) -> str:
        """An instant as reasons print it."""
        return moment(self.lang, at.astimezone(self.settings.snapshot.unit.tz))


def judge_requirement(case: Case) -> Judgement:
    """What had to be at hand: every requirement of the document ok, and at least one on record.

    With none on record, a whole output is not enough (nothing proves the requirement); an output that is not whole
    decides the verdict alone, and what was at hand stays unknown.
    """
    if case.record.finished is None:
        return Judgement("menunggu", say(case.lang, f"requirement.{_going(case)}"))
    document = case.record.finished.document
    failed = [f"{requirement_name(case.lang, r.name)}: {r.reason}" for r in document.requirements if not r.ok]
    if failed:
        return Judgement("menyimpang", joined(failed))
    if not document.requirements:
        unknown = bool(_output_problems(case, document))
        return Judgement("menunggu" if unknown else "menyimpang", say(case.lang, "requirement.none"))
    names = ", ".join(requirement_name(case.lang, r.name) for r in document.requirements)
    return Judgement("sesuai", say(case.lang, "requirement.ok", names=names))


def judge_time(case: Case) -> Judgement:
    """The minutes against the standard's, exactly: 300 minutes and a microsecond are over 300."""
    limit = case.activity.minutes
    if case.record.finished is None and case.record.by_people:
        return _time_so_far(case)
    if case.record.finished is None or case.status == "killed":
        return Judgement("menunggu", say(case.lang, f"time.{case.status}", limit=limit))
    minutes = case.minutes
    if minutes is None:
        ended, started = case.local(case.record.finished.ended_at), case.local(case.begin)
        return Judgement("menyimpang", say(case.lang, "time.backwards", ended=ended, started=started))
    if minutes > limit:
        return _over(case, minutes)
    shown, clock = figure(case.lang, minutes), say(case.lang, f"clock.{case.clock_name}")
    return Judgement("sesuai", say(case.lang, "time.ok", minutes=shown, clock=clock, limit=limit))


def _time_so_far(case: Case) -> Judgement:
    """What people have not ended yet: it deviates as soon as the minutes are used up, whenever it will end."""
    minutes, limit = case.minutes_so_far, case.activity.minutes
    if minutes > limit:
        return _over(case, minutes)
    shown, clock = figure(case.lang, minutes), say(case.lang, f"clock.{case.clock_name}")
    return Judgement("menunggu", say(case.lang, "time.so_far", minutes=shown, clock=clock, limit=limit))


def _over(case: Case, minutes: float) -> Judgement:
    limit, clock = case.activity.minutes, say(case.lang, f"clock.{case.clock_name}")
    over, shown = span(case.lang, (minutes - limit) * _MINUTE), figure(case.lang, minutes)
    return Judgement("menyimpang", say(case.lang, "time.over", minutes=shown, clock=clock, limit=limit, over=over))


def _going(case: Case) -> str:
    """How the reasons name an execution without an end."""
    return "goes_on" if case.record.by_people else case.status


def judge_output(case: Case) -> Judgement:
    """What had to come out: at least one output, no problem with any, and reviewed in time where that is asked for."""
    if case.record.finished is None:
        status: ExecutionStatus = case.status
        waits = status == "running"
        reason = say(case.lang, f"output.{_going(case)}", limit=case.local(case.limit))
        return Judgement("menunggu" if waits else "menyimpang", reason)
    document = case.record.finished.document
    problems = _output_problems(case, document)
    if problems:
        return Judgement("menyimpang", joined(problems))
    proven = say(case.lang, "output.ok", count=len(document.outputs))
    return _with_review(case, proven)


def _output_problems(case: Case, document: ResultDocument) -> list[str]:
    """Why the output is not whole; empty when it is.

    A status other than completed is a problem of its own, unless the document says what failed: a role fails its host
    when a requirement does not hold, even though what came out may be whole.
    """
    problems = list(document.output_problems)
    if not document.outputs:
        problems.append(say(case.lang, "output.none"))
    explained = case.status == "failed" and (problems or not all(r.ok for r in document.requirements))
    if case.status != "completed" and not explained:
        status = say(case.lang, f"status.{case.status}")
        problems.append(say(case.lang, "output.status", status=status))
    return problems


def _with_review(case: Case, proven: str) -> Judgement:
    review, due = case.record.review, case.review_due
    if review is not None and (due is None or review.reviewed_at <= due):
        by = say(case.lang, "output.reviewed", name=review.reviewer.name, at=case.local(review.reviewed_at))
        return Judgement("sesuai", joined([proven, by]))
    if due is None:
        return Judgement("sesuai", proven)
    if review is not None:
        late = say(case.lang, "output.review_late", at=case.local(review.reviewed_at), due=case.local(due))
        return Judgement("menyimpang", late)
    if case.as_of <= due:
        return Judgement("menunggu", say(case.lang, "output.review_waits", due=case.local(due)))
    return Judgement("menyimpang", say(case.lang, "output.review_missing", due=case.local(due)))


def judge_all(case: Case, requirement: Judgement, minutes: Judgement, output: Judgement) -> Judgement:
    """The verdict: menyimpang when an aspect is, else menunggu when one is, else sesuai."""
    named = (("perlengkapan", requirement), ("waktu", minutes), ("output", output))
    for status in ("menyimpang", "menunggu"):
        said = [f"{say(case.lang, f'aspect.{aspect}')}: {j.reason}" for aspect, j in named if j.status == status]
        if said:
            return Judgement("menyimpang" if status == "menyimpang" else "menunggu", "; ".join(said))
    return Judgement("sesuai", say(case.lang, "verdict.ok"))
