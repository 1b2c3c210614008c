"""A GitHub Actions workflow for a self-hosted runner on the control node, from the unit's plan. Pure.

GitHub's schedule knows UTC only, and starts late or not at all when it is busy. So its hours are those at which windows
open, turned into UTC, and every three hours between them; what is due is decided by `laman due --run`, for which one
call too many is nothing. Where UTC has another date than the unit, days that a cron line cannot name (the last of a
month) are widened to days that contain them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from reporting.schedule.timers import TimerError
from reporting.text import harmless
from reporting.unit import Plan, Unit
from reporting.worktime import WEEKDAYS

_BETWEEN = "17 */3 * * *"
_REFERENCE = date(2026, 1, 1)  # only offsets are taken from this year


@dataclass(frozen=True, slots=True)
class WorkflowSpec:
    """What the workflow needs to know. Paths are absolute, on the control node, outside the runner's workspace.

    `secrets`: names of repository secrets that are handed over as environment variables of the same name.
    """

    unit: str
    name: str
    laman: Path
    inventory: Path
    state: Path
    secrets: tuple[str, ...] = ()
    vault_password: Path | None = None


def utc_crons(unit: Unit) -> list[str]:
    """The cron lines (UTC) at which the plan's windows open; each once, in order."""
    lines = {line for plan in unit.schedule for line in _plan_crons(plan, unit)}
    return sorted(lines | {_BETWEEN})


def _plan_crons(plan: Plan, unit: Unit) -> set[str]:
    """One line for every offset that the zone has in a year: with summer time, one of them is an idle call."""
    lines = set()
    for offset in _offsets(unit.tz):
        local = datetime.combine(_REFERENCE, plan.start, UTC)
        at = local - offset
        shift = (at.date() - local.date()).days
        lines.add(f"{at.minute} {at.hour} {_month_days(plan, shift)} * {_weekdays(plan, unit, shift)}")
    return lines


def _offsets(zone: ZoneInfo) -> set[timedelta]:
    days = (_REFERENCE + timedelta(days=n) for n in range(0, 366, 7))
    found = (datetime.combine(day, datetime.min.time(), zone).utcoffset() for day in days)
    return {offset for offset in found if offset is not None}


def _month_days(plan: Plan, shift: int) -> str:
    if plan.every != "month" or not isinstance(plan.day, int):
        return "*"
    wanted = plan.day + shift
    if wanted < 1:
        return "28-31"  # the day before the first: cron has no name for it
    return "1,29" if wanted > 28 else str(wanted)  # the day after 28 February is 1 March, three years in four


def _weekdays(plan: Plan, unit: Unit, shift: int) -> str:
    """Days of the week as cron counts them: Sunday is 0."""
    if plan.every == "week":
        days = [WEEKDAYS.index(plan.day)] if plan.day in WEEKDAYS else []
    elif plan.every == "workday" and not unit.calendar.worked and not unit.calendar.special:
        days = [n for n, name in enumerate(WEEKDAYS) if getattr(unit.calendar.week, name) is not None]
    else:
        return "*"
    return ",".join(str(n) for n in sorted((day + 1 + shift) % 7 for day in days))


def workflow(spec: WorkflowSpec, crons: list[str]) -> str:
    """The workflow's text. Nothing that an outsider can write comes near a shell: there is no expression in `run:`.

    Raises:
        TimerError: a path that a workflow cannot hold.
    """
    schedule = "".join(f"    - cron: {_scalar(cron)}\n" for cron in crons)
    environment = {
        "LAMAN": str(spec.laman),
        "LAMAN_INVENTORY": str(spec.inventory),
        "LAMAN_STATE": str(spec.state),
    }
    if spec.vault_password is not None:
        environment["ANSIBLE_VAULT_PASSWORD_FILE"] = str(spec.vault_password)
    lines = "".join(f"          {name}: {_scalar(value)}\n" for name, value in environment.items())
    lines += "".join(f"          {name}: ${{{{ secrets.{name} }}}}\n" for name in spec.secrets)
    return _TEXT.format(
        name=_scalar(f"laman: what is due at {harmless(spec.name, 100)}"),
        unit=spec.unit,
        schedule=schedule,
        environment=lines,
        script="".join(f"          {line}\n" if line else "\n" for line in _SCRIPT.splitlines()),
    )


def _scalar(text: str) -> str:
    """A double-quoted YAML scalar (JSON is one)."""
    if "${{" in text:
        raise TimerError(f"{text[:80]!r}: a workflow would take ${{{{ for an expression of its own; rename it")
    return json.dumps(text, ensure_ascii=False)


_TEXT = """\
# Made by `laman schedule ci` from the unit's plan; make it again when the plan's hours change.
# For a SELF-HOSTED runner on the control node, with the label laman-{unit}: the record, the media and the keys to the
# sites live there, outside the workspace, and nothing of them is uploaded. Hours are UTC.
name: {name}
on:
  schedule:
{schedule}  workflow_dispatch: {{}}
permissions:
  contents: read
concurrency:
  group: laman-{unit}
  cancel-in-progress: false
jobs:
  due:
    runs-on: [self-hosted, laman-{unit}]
    timeout-minutes: 1440
    steps:
      - name: Run what is due
        shell: bash
        env:
{environment}        run: |
{script}"""

_SCRIPT = """\
set +e -u
case "$(realpath -m -- "$LAMAN_STATE")/" in
  "$(realpath -m -- "$GITHUB_WORKSPACE")"/*)
    echo "::error::the record is inside the workspace, where a checkout removes it: move laman_unit.state_dir"
    exit 1 ;;
esac
# What laman prints comes partly from the sites: no line of it is a command to the runner.
token=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \\n')
echo "::stop-commands::$token"
"$LAMAN" -i "$LAMAN_INVENTORY" due --run 2>&1 | tee "$RUNNER_TEMP/laman-due.txt"
code=${PIPESTATUS[0]}
"$LAMAN" -i "$LAMAN_INVENTORY" due >"$RUNNER_TEMP/laman-duties.txt" 2>&1
echo "::$token::"
{
  echo "### laman: exit code $code"
  echo
  sed 's/^/    /' "$RUNNER_TEMP/laman-due.txt"
  echo
  echo "What has to be done now:"
  echo
  sed 's/^/    /' "$RUNNER_TEMP/laman-duties.txt"
} >>"$GITHUB_STEP_SUMMARY"
rm -f "$RUNNER_TEMP/laman-due.txt" "$RUNNER_TEMP/laman-duties.txt"
# 2: recorded, with deviations: the executor accounts for them, the job is none the worse.
if [ "$code" -eq 2 ]; then
  echo "::warning title=laman::recorded, with deviations from the POS; see the summary of this job"
  exit 0
fi
exit "$code"
"""
