r"""Enter an execution of activities 1-3 that was done by hand (a disc burnt on a desk), with its file as evidence.

The time counts in working minutes on the agency's calendar. The evidence is copied into the archive and hashed.
Record it before its window closes: what is recorded later is judged, but the window stays missed (terlewat).

example:
  laman -i inventory/kantor record backup --site www --from "2026-11-20 09:00" --until "2026-11-20 10:15" \
      --file photo-of-disc.jpg --file disc-contents.txt --note "DVD no. 12, put in the safe"
"""

from __future__ import annotations

import argparse
import shutil
import stat
from datetime import UTC, date, datetime
from pathlib import Path

from reporting.cli.common import (
    ACTIVITIES,
    SOON,
    Refused,
    executor_of,
    instant,
    inventory_of,
    named_officer,
    opened,
    this_agent,
    wanted_sites,
)
from reporting.cli.main import EXIT_DEVIATIONS, EXIT_OK
from reporting.cli.ticket_triage import triage_findings
from reporting.cli.view import evaluated
from reporting.compliance import LONGEST, Compliance
from reporting.contract import Output, Requirement, ResultDocument
from reporting.events import (
    KIND_EVIDENCE,
    KIND_FINISHED,
    KIND_STARTED,
    EvidenceAdded,
    EvidenceFile,
    ExecutionFinished,
    ExecutionStarted,
)
from reporting.files import sha256_file, whole_file
from reporting.ledger import Draft
from reporting.runner.model import Record
from reporting.runner.run import new_execution_id
from reporting.standard import StandardError, standard_on
from reporting.text import harmless
from reporting.unit import Inventory


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("activity", choices=list(ACTIVITIES), help="what was done")
    parser.add_argument("--site", required=True, help="on which site")
    parser.add_argument("--from", dest="begun", required=True, metavar="TIME", help="when the work began (local time)")
    parser.add_argument("--until", dest="ended", required=True, metavar="TIME", help="when its output was there")
    parser.add_argument("--file", action="append", default=[], metavar="FILE", help="evidence (may be repeated)")
    parser.add_argument("--note", required=True, help="what was done, with what result")
    parser.add_argument("--without-access", metavar="WHY", help="the access to the site was missing, and why")
    parser.add_argument("--executor", metavar="NAME", help="the officer who did it (default: by assignment)")
    parser.add_argument("--ad-hoc", action="store_true", help="judge and record it, but let it fill no plan")


def run(options: argparse.Namespace) -> int:
    """Record it; returns the exit code."""
    inventory = inventory_of(options)
    wanted_sites(inventory, [options.site])
    begun, ended = instant(options.begun, inventory, "--from"), instant(options.ended, inventory, "--until")
    _check(options, begun, ended)
    day = _local_day(begun, inventory, options.begun)
    digests = sorted(_digest(name) for name in options.file)
    with opened(inventory) as record:
        started = _started(options, record, begun)
        _refuse_twice(record, options.site, started, ended, digests)
        _append(options, record, started, ended)
        code = _tell(evaluated(record, f"{day - LONGEST}..{day}"), started.execution)
        for line in triage_findings(record).lines(record):  # of runs that were killed before they came to it
            print(line)
        return code


def _tell(compliance: Compliance, name: str) -> int:
    """Print the verdict, and what became of the window; returns the exit code."""
    execution = compliance.execution(name)
    if execution is None:
        raise Refused(f"{name} was recorded, but cannot be found in the record again: run laman verify")
    print(f"recorded {execution.id}: {execution.verdict.status} {execution.verdict.reason}".rstrip())
    occasion = next((o for o in compliance.occasions if o.key == execution.occasion), None)
    missed = occasion is not None and occasion.state == "terlewat"
    if occasion is not None and missed:
        print(f"its window stays missed (terlewat): {occasion.reason}")
    return EXIT_DEVIATIONS if missed or execution.verdict.status == "menyimpang" else EXIT_OK


def _local_day(begun: datetime, inventory: Inventory, typed: str) -> date:
    """The agency's day on which the work began.

    Raises:
        Refused: no POS was in force: what was done then cannot be judged by it.
    """
    try:
        day = begun.astimezone(inventory.unit.tz).date()
        standard_on(day)
    except (StandardError, OverflowError) as error:
        raise Refused(f"--from {typed}: {error}; record what was done since the POS came into force") from error
    return day


def _check(options: argparse.Namespace, begun: datetime, ended: datetime) -> None:
    if ended < begun:
        raise Refused(f"--until {options.ended} is before --from {options.begun}")
    if ended > datetime.now(UTC) + SOON:
        raise Refused(f"--until {options.ended} is in the future: record what has been done")
    if not options.note.strip():
        raise Refused("--note is empty: write what was done, with what result")
    if not options.file and not options.without_access:
        raise Refused("--file is missing: the output (a list of files, a photo, a printout) is the evidence")


def _digest(name: str) -> str:
    """SHA-256 of an evidence file.

    Raises:
        Refused: it is not there, cannot be read, is empty, or is no file at all; each in its own words.
    """
    what = f"--file {harmless(name, 200)!r}"
    try:
        found = Path(name).stat()
        if stat.S_ISDIR(found.st_mode):
            raise Refused(f"{what} is a folder: name the files in it, each with --file, or pack it into one file")
        if not stat.S_ISREG(found.st_mode):
            raise Refused(f"{what} is a pipe, a device or a socket: a regular file is expected")
        digest, size = sha256_file(Path(name))
    except FileNotFoundError:
        raise Refused(f"{what}: there is no such file") from None
    except OSError as error:
        raise Refused(f"{what} cannot be read: {error.strerror or error}") from error
    if size == 0:
        raise Refused(f"{what} is empty: it proves nothing")
    return digest


def _refuse_twice(record: Record, site: str, started: ExecutionStarted, ended: datetime, digests: list[str]) -> None:
    """Refuse what is on record already: same activity, site, times and files."""
    same = set()
    for event in record.ledger.events([KIND_STARTED]):
        if event.subject == site and event.data.get("by_hand") and event.data.get("activity") == started.activity:
            known = ExecutionStarted.model_validate(event.data)
            if known.started_at == started.started_at:
                same.add(known.execution)
    for event in record.ledger.events([KIND_FINISHED]) if same else ():
        if event.data.get("execution") in same:
            end = ExecutionFinished.model_validate(event.data)
            if end.ended_at == ended and sorted(o.sha256 for o in end.document.outputs) == digests:
                raise Refused(f"on record already as {end.execution}: the same activity, site, times and files")


def _started(options: argparse.Namespace, record: Record, begun: datetime) -> ExecutionStarted:
    inventory = record.inventory
    local = begun.astimezone(inventory.unit.tz)
    standard = standard_on(local.date())
    activity = standard.activity(ACTIVITIES[options.activity])
    executor = (
        named_officer(inventory, options.executor, local.date(), "--executor")
        if options.executor
        else executor_of(inventory, standard, activity.number, local.date())
    )
    execution = new_execution_id(local, activity.slug, options.site)
    return ExecutionStarted(
        execution=execution,
        run=execution,
        activity=activity.number,
        executor=executor,
        agent=this_agent(),
        clock="working",
        started_at=begun,
        by_hand=True,
        ad_hoc=options.ad_hoc,
    )


def _append(options: argparse.Namespace, record: Record, started: ExecutionStarted, ended: datetime) -> None:
    """Copy the evidence, then append start, evidence and end in one transaction."""
    local = started.started_at.astimezone(record.inventory.unit.tz)
    slug = standard_on(local.date()).activity(started.activity).slug
    folder = record.archive.folder(slug, started.execution, local)
    files = [_archived(record, folder, Path(name), number) for number, name in enumerate(options.file, 1)]
    access = Requirement(name="site_access", ok=not options.without_access, reason=options.without_access or "attested")
    document = ResultDocument(
        activity=started.activity,
        site=options.site,
        requirements=[access],
        outputs=[
            Output(
                name="by_hand",
                place="evidence",
                path=Path(f.path).name,
                bytes=f.bytes,
                sha256=f.sha256,
                verified="copied into the archive, read back, SHA-256",
            )
            for f in files
        ],
        output_problems=[] if files else ["no output: " + harmless(options.note, 1_000)],
    )
    finished = ExecutionFinished(
        execution=started.execution,
        ended_at=ended,
        status="completed" if files and access.ok else "failed",
        document=document,
        note=options.note.strip()[:2_000],
    )
    actor = f"{started.agent.kind}:{started.agent.name}"
    drafts = [Draft(KIND_STARTED, options.site, actor, started.json_value())]
    if files:
        added = EvidenceAdded(execution=started.execution, files=files)
        drafts.append(Draft(KIND_EVIDENCE, options.site, actor, added.json_value()))
    drafts.append(Draft(KIND_FINISHED, options.site, actor, finished.json_value()))
    record.ledger.append(drafts)


def _archived(record: Record, folder: Path, source: Path, number: int) -> EvidenceFile:
    safe = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in source.name)[-100:]
    target = folder / f"{number:02d}-{safe}"
    with source.open("rb") as stream, whole_file(target) as copy:
        shutil.copyfileobj(stream, copy, 1 << 20)
    return record.archive.measure(target)
