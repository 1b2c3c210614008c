"""The plan as timers, crontab and workflow; what a timer decides; what a schedule must not say."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from reporting.schedule.plan import doubts, openings, plan_words
from reporting.schedule.timers import INTERVALS, TimerError, TimerSpec, crontab_block, marks, units, with_block
from reporting.schedule.workflow import WorkflowSpec, utc_crons, workflow
from reporting.unit import Plan, SettingsError, Snapshot, Unit, read_inventory
from reporting.worktime import WEEKDAYS, WorkClock
from tests.fleet.fixtures import require

OFFICER = {"id": "budi", "name": "Budi", "title": "Pengelola", "roles": ["pengelola_laman"]}
NOW = datetime(2026, 11, 22, 3, tzinfo=UTC)


def unit(*plans: dict[str, Any], **more: Any) -> Unit:
    return Unit.model_validate({"id": "uji", "name": "Uji", "officers": [OFFICER], "schedule": list(plans), **more})


SPEC = TimerSpec(
    unit="uji",
    name="Unit 100% $HOME \x1b[31m\nsecond line",
    command=("/opt/la man/bin/laman", "-i", "/srv/in%v/$x"),
    minutes=15,
    environment=Path("/etc/laman/uji.env"),
    user="laman",
    writable=(Path("/srv/state"), Path("/media/back up")),
)


# units and crontab


def systemd_analyze() -> str:
    program = shutil.which("systemd-analyze")
    require(None if program else "systemd-analyze is not on this machine")
    return str(program)


@pytest.mark.parametrize("user", ["laman", None])
@pytest.mark.parametrize("vault", [None, Path("/etc/laman/vault pass%word")])
def test_systemd_understands_the_units(tmp_path: Path, user: str | None, vault: Path | None) -> None:
    program = systemd_analyze()
    command = tmp_path / "la man 100% $x"
    command.write_text("#!/bin/sh\n")
    command.chmod(0o755)
    spec = replace(SPEC, user=user, vault_password=vault, command=(str(command), "-i", "/srv/in%v/$x"))
    for name, text in units(spec).items():
        (tmp_path / name).write_text(text)
    scope = [] if user else ["--user"]
    done = subprocess.run(
        [program, *scope, "--recursive-errors=no", "verify", *map(str, tmp_path.glob("laman-*"))],
        capture_output=True, text=True, env={"XDG_RUNTIME_DIR": str(tmp_path), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert not [line for line in done.stderr.splitlines() if "laman-" in line]


def test_systemd_fires_as_often_as_was_asked() -> None:
    program = systemd_analyze()
    for minutes in INTERVALS:
        timer = units(replace(SPEC, minutes=minutes))["laman-uji.timer"]
        expression = timer.split("OnCalendar=")[1].splitlines()[0]
        words = [program, "calendar", "--iterations=7", "--base-time=2026-11-22 00:00:00 UTC", expression]
        done = subprocess.run(words, capture_output=True, text=True, env={"TZ": "UTC", "PATH": "/usr/bin:/bin"})
        assert done.returncode == 0, done.stderr
        fired = [line.split("UTC")[0].split()[-1] for line in done.stdout.splitlines() if "UTC" in line and ":" in line]
        moments = [datetime.strptime(text, "%H:%M:%S").replace(tzinfo=UTC) for text in fired if text.count(":") == 2]
        steps = {(b - a) % timedelta(days=1) for a, b in pairwise(moments)}
        assert steps == {timedelta(minutes=minutes)}, (expression, done.stdout)


def test_no_secret_and_nothing_of_a_name_gets_into_a_unit() -> None:
    text = units(SPEC)["laman-uji.service"]
    assert "\x1b" not in text
    assert 'ExecStart="/opt/la man/bin/laman" -i /srv/in%%v/$$x due --run --quiet' in text
    assert "Description=laman: what is due at Unit 100%% $HOME" in text
    assert 'ReadWritePaths=-"/media/back up"' in text
    assert "EnvironmentFile=-/etc/laman/uji.env" in text
    assert "NoNewPrivileges=yes" in text
    assert len([line for line in text.splitlines() if line.startswith("second")]) == 0


@pytest.mark.parametrize("bad", ["/srv/a\nExecStart=/bin/sh", "/srv/\x07"])
def test_a_path_that_would_be_another_line_is_refused(bad: str) -> None:
    spec = replace(SPEC, command=(bad, "-i", "/srv"))
    with pytest.raises(TimerError, match="control character"):
        units(spec)
    with pytest.raises(TimerError, match="control character"):
        crontab_block(spec)


@pytest.mark.parametrize("before", ["", "# mine\n5 4 * * * x\n", "no newline at the end", "\n\n", "MAILTO=a\r\n"])
def test_a_block_comes_and_goes_and_leaves_all_else_as_it_was(before: str) -> None:
    block = crontab_block(SPEC)
    with_it = with_block(before, "uji", block)
    assert with_it.startswith(before)
    assert with_block(with_it, "uji", block) == with_it
    other = crontab_block(replace(SPEC, unit="uji2"))
    both = with_block(with_it, "uji2", other)
    assert with_block(both, "uji", "") == with_block(with_block(before, "uji2", other), "uji", "")
    gap = "" if before.endswith("\n") or not before else "\n"
    assert with_block(with_it, "uji", "") == before + gap


def test_marks_that_are_no_pair_are_refused() -> None:
    begin, end = marks("uji")
    for broken in (f"{begin}\n", f"{end}\n{begin}\n", f"{begin}\n{begin}\n{end}\n"):
        with pytest.raises(TimerError, match="not one pair"):
            with_block(broken, "uji", crontab_block(SPEC))


# workflow


@pytest.mark.parametrize("zone", ["Asia/Jakarta", "Asia/Jayapura", "Europe/Amsterdam", "America/St_Johns", "UTC"])
@pytest.mark.parametrize(
    "plan",
    [
        {"every": "day", "start": "00:00"},
        {"every": "day", "start": "23:45"},
        {"every": "workday", "start": "06:30"},
        {"every": "week", "day": "monday", "start": "05:00", "hours": 48},
        {"every": "week", "day": "sunday", "start": "23:00", "hours": 48},
        {"every": "month", "day": 1, "start": "01:00"},
        {"every": "month", "day": 28, "start": "23:30"},
    ],
)
def test_every_window_opens_at_a_minute_that_a_cron_line_names(plan: dict[str, Any], zone: str) -> None:
    """Beside a reading of cron lines of its own: each instant of four years is named by one of the lines."""
    planned = unit({"activity": 1, **plan}, calendar={"zone": zone})
    lines = [line for line in utc_crons(planned) if not line.startswith("17 */3")]
    start = datetime(2026, 1, 1, tzinfo=ZoneInfo(zone))
    clock = WorkClock(planned.calendar)
    for n in range(4 * 366):
        day = start.date() + timedelta(days=n)
        if not _is_due(planned.schedule[0], day, clock):
            continue
        at = datetime.combine(day, planned.schedule[0].start, ZoneInfo(zone)).astimezone(UTC)
        assert any(_names(line, at) for line in lines), f"{at} is named by none of {lines}"


def _is_due(plan: Plan, day: date, clock: WorkClock) -> bool:
    """The plan read anew, without the product's own function."""
    if plan.every == "week":
        return day.strftime("%A").lower() == plan.day
    if plan.every == "month":
        return day.day == plan.day
    return plan.every == "day" or clock.is_workday(day)


def _names(line: str, at: datetime) -> bool:
    minute, hour, month_day, month, week_day = line.split()
    assert month == "*"
    fields = ((minute, at.minute), (hour, at.hour), (month_day, at.day), (week_day, (at.weekday() + 1) % 7))
    return all(_field(text, value) for text, value in fields)


def _field(text: str, value: int) -> bool:
    if text == "*":
        return True
    parts = (part.split("-") for part in text.split(","))
    return any(int(part[0]) <= value <= int(part[-1]) for part in parts)


def spec_of(**more: Any) -> WorkflowSpec:
    base = WorkflowSpec(
        unit="uji", name='Uji "x": #1', laman=Path("/opt/laman"), inventory=Path("/srv/a: #b"),
        state=Path("/srv/state"), secrets=("LAMAN_SECRET_SMTP",),
    )  # fmt: skip
    return replace(base, **more)


def test_the_workflow_is_for_a_runner_of_our_own_and_never_overlaps(tmp_path: Path) -> None:
    text = workflow(spec_of(), ["0 17 * * *"])
    told = yaml.safe_load(text)
    assert told[True] == {"schedule": [{"cron": "0 17 * * *"}], "workflow_dispatch": {}}  # `on:` is true in YAML 1.1
    assert told["permissions"] == {"contents": "read"}
    assert told["concurrency"] == {"group": "laman-uji", "cancel-in-progress": False}
    job = told["jobs"]["due"]
    assert job["runs-on"] == ["self-hosted", "laman-uji"]
    (step,) = job["steps"]
    assert "${{" not in step["run"]
    assert "uses" not in step
    assert step["env"]["LAMAN_INVENTORY"] == "/srv/a: #b"
    assert step["env"]["LAMAN_SECRET_SMTP"] == "${{ secrets.LAMAN_SECRET_SMTP }}"
    with pytest.raises(TimerError, match="expression"):
        workflow(spec_of(inventory=Path("/srv/${{ github.event.issue.title }}")), [])


@pytest.mark.parametrize(("code", "ends"), [(0, 0), (1, 1), (2, 0), (137, 137)])
def test_the_job_fails_on_exit_1_only_and_its_log_gives_no_command(tmp_path: Path, code: int, ends: int) -> None:
    """The step is run as the runner runs it: bash -eo pipefail, on a `laman` that prints what a hostile site might."""
    laman = tmp_path / "laman"
    laman.write_text(
        f"#!/bin/sh\necho '::error::planted'\necho '</pre>```'\n[ \"$4\" = --run ] || exit 0\nexit {code}\n"
    )
    laman.chmod(0o755)
    script = tmp_path / "step.sh"
    script.write_text(yaml.safe_load(workflow(spec_of(), []))["jobs"]["due"]["steps"][0]["run"])
    (tmp_path / "work").mkdir()
    environment = {
        "PATH": "/usr/bin:/bin", "LAMAN": str(laman), "LAMAN_INVENTORY": "/srv/x", "LAMAN_STATE": "/srv/state",
        "GITHUB_WORKSPACE": str(tmp_path / "work"), "RUNNER_TEMP": str(tmp_path),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
    }  # fmt: skip
    words = ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)]
    done = subprocess.run(words, capture_output=True, text=True, env=environment)
    assert done.returncode == ends, done.stderr
    lines = done.stdout.splitlines()
    stop = next(n for n, line in enumerate(lines) if line.startswith("::stop-commands::"))
    again = lines.index(f"::{lines[stop].removeprefix('::stop-commands::')}::")
    planted = [n for n, line in enumerate(lines) if line == "::error::planted"]
    assert planted
    assert all(stop < n < again for n in planted)
    assert ("::warning title=laman::" in done.stdout) == (code == 2)
    summary = (tmp_path / "summary.md").read_text()
    assert f"exit code {code}" in summary
    assert "\n    </pre>```" in summary
    inside = subprocess.run(
        words, capture_output=True, text=True, env={**environment, "LAMAN_STATE": str(tmp_path / "work" / "state")}
    )
    assert inside.returncode == 1
    assert "::error::the record is inside the workspace" in inside.stdout


# the plan itself


def test_the_plan_in_words_and_what_it_opens() -> None:
    planned = unit({"activity": 2, "every": "week", "day": "friday", "hours": 24, "sites": ["www"]})
    assert plan_words(planned.schedule[0], {2: "backup"}) == (
        "backup: every week on friday from 00:00, open for 24 h, www"
    )
    found = openings(planned, ["www", "blog"], NOW, 14)
    assert [(o.site, f"{o.opens_at:%a %d %H:%M}") for o in found] == [("www", "Fri 27 00:00"), ("www", "Fri 04 00:00")]


def test_windows_that_overlap_and_lines_that_never_open_are_told() -> None:
    planned = unit(
        {"activity": 1, "every": "day"},
        {"activity": 1, "every": "week", "day": "monday", "hours": 48, "sites": ["www"]},
        {"activity": 2, "every": "workday"},
        calendar={"not_worked": [str(NOW.date() + timedelta(days=n)) for n in range(-1, 370)]},
    )
    said = doubts(planned, ["www", "blog"], NOW)
    assert said == [
        "laman_unit.schedule.2: it opens no window in the next year",
        "laman_unit.schedule.0 and .1 overlap for activity 1 of www, first on 2026-11-23 00:00: one run fills both "
        "windows",
    ]
    assert doubts(unit({"activity": 1, "every": "day"}), ["www"], NOW) == []


@pytest.mark.parametrize(
    ("plans", "more", "says"),
    [
        ([{"sites": ["www", "tidak-ada"]}], {}, "schedule.0.sites: unknown site 'tidak-ada'; hosts.yml has: blog, www"),
        ([{"sites": ["www", "www"]}], {}, "schedule.0.sites: 'www' is named twice"),
        ([{"sites": []}], {}, "schedule.0.sites: names no site"),
        ([{}, {"sites": ["www"]}], {}, "schedule.1: plans activity 1 of www again, as line 0 does: leave one out"),
        ([{"hours": 2}, {}], {}, "schedule.1: plans activity 1 of blog again, as line 0 does, for 2 h and for 24 h"),
        ([{"every": "workday"}], {"calendar": {"week": {}}}, "schedule.0: every: workday never comes"),
        ([{"hours": 25}], {}, "schedule.0: every: day with hours: 25 would overlap itself"),
    ],
)
def test_a_schedule_that_contradicts_itself_is_one_line_and_old_snapshots_are_read_all_the_same(
    tmp_path: Path, plans: list[dict[str, Any]], more: dict[str, Any], says: str
) -> None:
    schedule = [{"activity": 1, "every": "day", **plan} for plan in plans]
    told = {"id": "uji", "name": "Uji", "officers": [OFFICER], "schedule": schedule, **more}
    (tmp_path / "group_vars/all").mkdir(parents=True)
    (tmp_path / "group_vars/all/unit.yml").write_text(yaml.safe_dump({"laman_unit": told}))
    (tmp_path / "hosts.yml").write_text("all: {children: {sites: {hosts: {blog: {}, www: {}}}}}\n")
    with pytest.raises(SettingsError) as refused:
        read_inventory(tmp_path)
    assert says in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1
    if "hours: 25" not in says:
        assert Snapshot.model_validate({"unit": told, "sites": ["www"]}).unit.schedule


def test_weekdays_are_as_cron_counts_them() -> None:
    for number, name in enumerate(WEEKDAYS):
        planned = unit({"activity": 1, "every": "week", "day": name, "start": "12:00"}, calendar={"zone": "UTC"})
        assert utc_crons(planned)[0] == f"0 12 * * {(number + 1) % 7}"
