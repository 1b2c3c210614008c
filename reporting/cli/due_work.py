"""What `laman due --run` does once the record is open: notices, runs, look-ups, tickets; until nothing is left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from reporting.cli.common import Refused, activity_of, executor_of, standard_today, this_agent, today
from reporting.cli.duties import LOOK_BACK
from reporting.cli.progress import progress_for_this_terminal
from reporting.cli.ticket_triage import triage_findings
from reporting.cli.view import execution_json, execution_row
from reporting.compliance import LONGEST, Compliance, Execution, Period, evaluate, upcoming
from reporting.events import KIND_NOTICED, KIND_WOKE, Agent, OccasionNoticed, TimerWoke
from reporting.ledger import Draft
from reporting.ledger.model import Event
from reporting.runner.model import Record, RunRequest, run_limit
from reporting.runner.play import CannotRun
from reporting.runner.run import run_activity
from reporting.runner.settings import settings_problems
from reporting.schedule.life import Life
from reporting.schedule.work import MEDIUM_ACTIVITY, Seen, ToRun, Waits, Work, grouped, work
from reporting.standard import load_standards
from reporting.text import harmless
from reporting.unit import SettingsError
from reporting.worktime import WorkClock

_FARTHEST = timedelta(days=400)  # how far back a long sleep is looked at
_AHEAD = timedelta(days=2)


@dataclass
class Done:
    """What was done. `problems`: what could not be. `head`: the ledger's last event that was looked at."""

    asleep_since: datetime | None = None
    noticed: list[OccasionNoticed] = field(default_factory=list)
    executions: list[Execution] = field(default_factory=list)
    executions_json: list[dict[str, Any]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    waits: Sequence[Waits] = ()
    looked_up: int = 0
    looked_on: str = ""
    tickets: list[str] = field(default_factory=list)
    mailed: list[str] = field(default_factory=list)
    drills: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    unusable: dict[str, list[str]] = field(default_factory=dict)  # "activity:site" -> what is wrong; told once
    cancelled: bool = False
    head: int = 0
    look_again: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def deviating(self) -> bool:
        """Whether a deviation went on record."""
        missed = any(n.state == "missed" for n in self.noticed)
        return missed or any(e.verdict.status == "menyimpang" for e in self.executions)

    @property
    def did_something(self) -> bool:
        """Whether anything went on record that a reader wants to know of."""
        return bool(self.noticed or self.executions or self.problems or self.tickets or self.mailed or self.drills)


def do_work(record: Record, before: Life | None, now: datetime, known: dict[str, list[str]]) -> Done:
    """Notice, run and look up until nothing is left to do; appends `schedule.woke` where that says something.

    `known`: settings that were found unusable today and have not changed; they are not looked at again.
    """
    done = Done(looked_on=before.looked_on if before else "", unusable=dict(known))
    waking = _Waking(record, before, now)
    done.asleep_since = waking.seen(now).asleep_since
    begun: list[str] = []
    while True:
        decided = waking.decide()
        done.waits, done.head, done.look_again = decided.waits, waking.head, decided.look_again
        if decided.noticed:
            waking.append(
                [Draft(KIND_NOTICED, n.occasion.split(":")[1], waking.actor, n.json_value()) for n in decided.noticed]
            )
            done.noticed += decided.noticed
            continue  # what was noticed is on record before anything makes up for it
        ids = waking.run_next(decided, done)
        if ids is None or done.cancelled:
            break
        begun += ids
    _look_up(record, done)
    _triage(record, done)
    _prove(record, done)
    _mail(record, done)
    if waking.is_worth_an_event(begun, done):
        woke = TimerWoke(at=now, agent=waking.agent, ran=begun)
        waking.append([Draft(KIND_WOKE, record.inventory.unit.id, waking.actor, woke.json_value())])
    if begun:
        _tell_executions(record, waking.evaluated(), begun, done)
    done.head = waking.head
    return done


class _Waking:
    """One call: what the timer knew before it, and the record as it is now."""

    def __init__(self, record: Record, before: Life | None, now: datetime) -> None:
        self.record, self.now = record, now
        self.agent: Agent = this_agent()
        self.actor = f"{self.agent.kind}:{self.agent.name}"
        woke = [TimerWoke.model_validate(e.data).at for e in record.ledger.events([KIND_WOKE])]
        self._woke_last = woke[-1] if woke else None
        self._born = min(woke, default=None)
        self._alive = before.alive_at if before else self._woke_last
        self._tried: set[tuple[int, str, str, str]] = set()  # a run that could not begin is not begun again and again
        self.head = 0
        self._medium_ready: bool | None = None

    def seen(self, now: datetime) -> Seen:
        """What the timer knows of itself; the silence is that before this call, however long the call goes on."""
        return Seen(now, self.now, self._born, self._alive, self.agent, self._ready())

    def decide(self) -> Work:
        """What is to be done, by the record as it is now."""
        events = self._events()
        compliance = self._evaluate(events)
        noticed = (OccasionNoticed.model_validate(e.data) for e in events if e.kind == KIND_NOTICED)
        coming = upcoming(events, compliance.as_of, compliance.as_of + _AHEAD)
        return work(compliance, {n.occasion: n for n in noticed}, coming, self.seen(compliance.as_of))

    def evaluated(self) -> Compliance:
        """The record as it is now; for telling, so what came meanwhile is still to be decided on by the next call."""
        return self._evaluate(list(self.record.ledger.events()))

    def _events(self) -> list[Event]:
        events = list(self.record.ledger.events())
        self.head = events[-1].seq if events else 0
        return events

    def _evaluate(self, events: list[Event]) -> Compliance:
        zone, now = self.record.inventory.unit.tz, datetime.now(UTC)
        since = now - LOOK_BACK
        if self._alive is not None:
            since = max(min(since, self._alive - LONGEST), now - _FARTHEST)
        first, last = since.astimezone(zone).date(), now.astimezone(zone).date()
        return evaluate(load_standards(), events, Period(f"{first}..{last}", first, last, zone), now, "en")

    def append(self, drafts: list[Draft]) -> None:
        """Put events on record. Where somebody else's came between, the next call reads the record again."""
        made = self.record.ledger.append(drafts)
        if made[0].seq == self.head + 1:
            self.head = made[-1].seq

    def _ready(self) -> bool:
        """Whether some backup medium is ready; asked once, and only where backups are planned and media are named."""
        if self._medium_ready is None:
            from reporting.cli.media import reports

            unit = self.record.inventory.unit
            planned = any(plan.activity == MEDIUM_ACTIVITY for plan in unit.schedule)
            self._medium_ready = not (planned and unit.media) or any(r.ok for r in reports(self.record.inventory))
        return self._medium_ready

    def run_next(self, decided: Work, done: Done) -> list[str] | None:
        """Begin the most urgent group that was not begun yet; its executions, or None when nothing is left."""
        for group in grouped(decided.runs):
            left = [run for run in group if run.key not in self._tried]
            self._tried |= {run.key for run in left}
            left = _usable(self.record, left, done)
            if left:
                self._medium_ready = None  # hours may pass
                return _run(self.record, left, self.agent, done)
        return None

    def is_worth_an_event(self, begun: list[str], done: Done) -> bool:
        """Whether the ledger is to know of this call: see reporting.schedule.life."""
        zone = self.record.inventory.unit.tz
        day = self.now.astimezone(zone).date()
        new_day = self._woke_last is None or self._woke_last.astimezone(zone).date() != day
        return bool(begun or done.noticed or done.asleep_since) or new_day


def _mail(record: Record, done: Done) -> None:
    """Letters that wait, and the reminders of the day."""
    from reporting.cli.mail_due import mail_due, next_mail

    done.mailed, problems = mail_due(record)
    done.problems += problems
    again = [at for at in (next_mail(record), _begin_of_work(record)) if at is not None]
    done.look_again = min([done.look_again, *again])


def _begin_of_work(record: Record) -> datetime | None:
    """When the reminders of today go out, if that is still to come."""
    unit, now = record.inventory.unit, record.clock().astimezone(record.inventory.unit.tz)
    hours = WorkClock(unit.calendar).hours(now.date()) if unit.delivery.digest_to and unit.mail else None
    begins = datetime.combine(now.date(), hours.start, unit.tz) if hours else None
    return begins if begins and begins > now else None


def _usable(record: Record, runs: list[ToRun], done: Done) -> list[ToRun]:
    """Those whose sites have usable settings; what is wrong with the others is no deviation of theirs."""
    runs = [run for run in runs if f"{run.activity}:{run.site}" not in done.unusable]
    if not runs:
        return []
    sites = [run.site for run in runs if run.site in record.inventory.sites]
    try:
        wrong = settings_problems(record.inventory, sites, [runs[0].activity]) if sites else {}
    except (CannotRun, SettingsError) as error:
        done.problems.append(str(error))
        return []
    done.problems += [f"{site}: {line}" for site, lines in wrong.items() for line in lines]
    done.unusable |= {f"{runs[0].activity}:{site}": lines for site, lines in wrong.items()}
    return [run for run in runs if run.site in sites and run.site not in wrong]


def _run(record: Record, runs: list[ToRun], agent: Agent, done: Done) -> list[str]:
    """Run one group; its executions."""
    inventory, sites = record.inventory, [run.site for run in runs]
    standard = standard_today(inventory)
    activity = activity_of(standard, runs[0].activity)
    try:
        executor = executor_of(inventory, standard, activity.number, today(inventory))
        request = RunRequest(
            activity=activity,
            sites=sites,
            executors=dict.fromkeys(sites, executor),
            agent=agent,
            ad_hoc=runs[0].ad_hoc,
            limit_minutes=run_limit(activity.standard_minutes * inventory.unit.time_limits.factor, len(sites)),
            catches_up={run.site: run.catches_up for run in runs if run.catches_up},
        )
        result = run_activity(request, record, progress_for_this_terminal())
    except (CannotRun, Refused) as error:
        done.problems.append(str(error))
        return []
    done.lines += [f"left alone: {reason}" for reason in result.left_alone.values()]
    done.cancelled = any(s.finished and s.finished.status == "cancelled" for s in result.sites)
    if done.cancelled:
        done.problems.append(f"{activity.slug} was interrupted; what was not begun yet is left to the next call")
    return [s.started.execution for s in result.sites]


def _tell_executions(record: Record, compliance: Compliance, begun: list[str], done: Done) -> None:
    done.executions = [e for e in compliance.executions if e.id in begun]
    for execution in done.executions:
        made_up = f" (makes up for {execution.catches_up})" if execution.catches_up else ""
        row = "  ".join(harmless(str(cell), 200) for cell in execution_row(execution, record.inventory) if cell != "")
        done.lines.append(f"ran: {row}{made_up}")
        done.executions_json.append(execution_json(execution) | {"catches_up": execution.catches_up})


def _look_up(record: Record, done: Done) -> None:
    """Read the ends of the services once a local day; what nobody can be asked about is left alone."""
    from reporting.cli.service_look import look_up
    from reporting.register import KINDS, fold

    day = today(record.inventory)
    if done.cancelled or done.looked_on == str(day):
        return
    done.looked_on = str(day)
    register = fold(record.ledger.events(KINDS))
    asked = [s for s in register.current if s.watch.method in ("rdap", "whois", "tls")]
    seen = {name: look.observed_at for name, look in register.looks.items()}
    due = [s for s in asked if s.id not in seen or _day(record, seen[s.id]) != day]
    try:
        done.looked_up = len(look_up(record, due))
    except (Refused, CannotRun) as error:
        done.problems.append(str(error))


def _day(record: Record, at: datetime) -> date:
    return at.astimezone(record.inventory.unit.tz).date()


def _prove(record: Record, done: Done) -> None:
    """Drill the sets whose proof is due: the first of a site, then one a month (laman_unit.backup.drill_days)."""
    if done.cancelled:
        return
    from reporting.cli.backup_drill import drill_due

    try:
        made = drill_due(record)
        done.lines += [f"drill of {one.site}: {one.set} {one.status.replace('_', ' ')}" for one in made]
        done.drills += [one.drill for one in made]
    except (Refused, OSError) as error:
        done.problems.append(f"drill: {harmless(error, 500)}")


def _triage(record: Record, done: Done) -> None:
    """Open tickets for what the runs found."""
    found = triage_findings(record)
    done.tickets += found.opened
    done.lines += found.lines(record)
