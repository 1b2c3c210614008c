"""The unit's plan: show it, install the timer that keeps it, write a workflow for a self-hosted runner.

example:
  laman -i inventory/kantor schedule show --days 14
  laman -i inventory/kantor schedule install --dry-run       what would be written
  sudo laman -i /srv/kantor schedule install --system        as root: runs as the one who called sudo
  laman -i inventory/kantor schedule install --crontab       where there is no systemd
  laman -i inventory/kantor schedule ci --output .github/workflows/laman.yml

One timer calls `laman due --run` every 15 minutes; what is due is decided from the record.
"""

from __future__ import annotations

import argparse
import json
import os
from datetime import UTC, datetime
from pathlib import Path

from reporting.cli.common import Refused, command_line, inventory_of, local, standard_today
from reporting.cli.main import EXIT_OK
from reporting.cli.schedule_install import environment_file, install, installed, laman_program
from reporting.files import replace_whole
from reporting.schedule.life import alarm, raise_alarm, read_life
from reporting.schedule.plan import doubts, openings, plan_words
from reporting.schedule.timers import INTERVALS
from reporting.schedule.workflow import WorkflowSpec, utc_crons, workflow
from reporting.unit import Inventory

_MOST_DAYS = 366


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's actions."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="ACTION")
    show = verbs.add_parser("show", help="the plan in words, what comes next, whether a timer is installed")
    show.add_argument("--days", type=int, default=7, help="how many days ahead (default: 7)")
    show.add_argument("--json", action="store_true", help="print it as JSON")
    put = verbs.add_parser("install", help="install the timer (or --remove it)")
    kind = put.add_mutually_exclusive_group()
    kind.add_argument("--user", action="store_true", help="systemd units of your own (default, unless root)")
    kind.add_argument("--system", action="store_true", help="systemd units of the system (default for root)")
    kind.add_argument("--crontab", action="store_true", help="a block in your crontab")
    put.add_argument("--every", type=int, choices=INTERVALS, default=15, metavar="MIN", help=f"one of {INTERVALS}")
    put.add_argument("--run-as", metavar="USER", help="with --system: whom the service runs as (default: who called)")
    put.add_argument("--vault-password-file", type=Path, metavar="FILE", help="the password of ansible-vault")
    put.add_argument("--dry-run", action="store_true", help="show what would change, change nothing")
    put.add_argument("--remove", action="store_true", help="take the timer out again")
    ci = verbs.add_parser("ci", help="a GitHub Actions workflow for a self-hosted runner on the control node")
    ci.add_argument("--output", type=Path, metavar="FILE", help="write it there (default: print it)")
    ci.add_argument("--vault-password-file", type=Path, metavar="FILE", help="on the control node")
    verbs.add_parser("alarm", help="what the timer's unit calls when a run failed or was killed")


def run(options: argparse.Namespace) -> int:
    """Do one action; returns the exit code."""
    inventory = inventory_of(options)
    if options.verb == "show":
        return _show(options, inventory)
    if options.verb == "install":
        return install(options, inventory)
    if options.verb == "ci":
        return _ci(options, inventory)
    return _alarm(inventory)


def _show(options: argparse.Namespace, inventory: Inventory) -> int:
    if not 1 <= options.days <= _MOST_DAYS:
        raise Refused(f"--days {options.days}: 1 to {_MOST_DAYS} are expected")
    unit, now = inventory.unit, datetime.now(UTC)
    names = {a.number: a.slug for a in standard_today(inventory).activities}
    lines = [plan_words(plan, names) for plan in unit.schedule]
    coming = openings(unit, inventory.sites, now, options.days)
    said, timers, life = doubts(unit, inventory.sites, now), installed(inventory), read_life(inventory.state_dir)
    if options.json:
        told = {
            "zone": str(unit.tz),
            "plan": lines,
            "doubts": said,
            "next": [
                {"activity": o.activity, "site": o.site, "opens_at": o.opens_at.isoformat(),
                 "closes_at": o.closes_at.isoformat()}
                for o in coming
            ],
            "timers": [t.json_value() for t in timers],
            "alive_at": life.alive_at.isoformat() if life else None,
        }  # fmt: skip
        print(json.dumps(told, indent=2, ensure_ascii=False))
        return EXIT_OK
    print(f"the plan of {unit.name}, {unit.tz}:")
    print("\n".join(f"  {line}" for line in lines) or "  nothing is planned: see laman_unit.schedule")
    for doubt in said:
        print(f"  CHECK: {doubt}")
    print(f"\nopens in the next {options.days} day(s):")
    for opening in coming:
        opens, closes = local(opening.opens_at, inventory), local(opening.closes_at, inventory)
        print(f"  {opens}  {names[opening.activity]} of {opening.site}, until {closes}")
    print("\ntimer:")
    for timer in timers:
        print(f"  {timer.kind}: {timer.said}")
    if life is not None:
        print(f"  last sign of life: {local(life.alive_at, inventory)}")
    if not any(timer.active for timer in timers):
        print(f"no timer keeps this plan on this machine:  {command_line(inventory, 'schedule', 'install')}")
    return EXIT_OK


def _ci(options: argparse.Namespace, inventory: Inventory) -> int:
    vault = options.vault_password_file
    if options.output is not None and not options.output.resolve().parent.is_dir():
        raise Refused(
            f"--output {options.output}: the folder {options.output.resolve().parent} does not exist: make it"
        )
    spec = WorkflowSpec(
        unit=inventory.unit.id,
        name=inventory.unit.name,
        laman=laman_program(),
        inventory=inventory.folder,
        state=inventory.state_dir,
        secrets=("LAMAN_SECRET_SMTP",) if inventory.unit.mail is not None else (),
        vault_password=vault.resolve() if vault else None,
    )
    text = workflow(spec, utc_crons(inventory.unit))
    if options.output is None:
        print(text, end="")
        return EXIT_OK
    replace_whole(options.output, text.encode(), mode=0o644)
    print(f"{options.output}: written. Commit it to a private repository, give the runner on this control node")
    print(f"the label laman-{inventory.unit.id}, and put no secret into the file: repository secrets, or")
    print(f"{environment_file(inventory, system=False)} on the node, are for that.")
    return EXIT_OK


def _alarm(inventory: Inventory) -> int:
    """Keep how our service ended, as systemd tells it (systemd.exec(5), MONITOR_*)."""
    result = os.environ.get("MONITOR_SERVICE_RESULT", "unknown")
    code = os.environ.get("MONITOR_EXIT_STATUS", "?")
    if result != "exit-code" or alarm(inventory.state_dir) is None:  # what ended by itself has told why, if it could
        said = (
            f"its service was ended: {result}, {code}; see: journalctl -u {os.environ.get('MONITOR_UNIT', 'laman-*')}"
        )
        raise_alarm(inventory.state_dir, datetime.now(UTC), said)
    print(f"laman: the timer of {inventory.unit.id} failed ({result}, {code})")
    return EXIT_OK
