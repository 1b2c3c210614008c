"""Close a period: figures, calendar and the record's head are frozen; the same workbook comes out again for ever.

  laman period close 2026-11              freeze it and write its workbook, for signing
  laman period list                       the periods that were closed
  laman period show 2026-11               one of them, and whether its archived files are whole
  laman period attach 2026-11 --scan F    keep the scan of the signed workbook (PDF, JPG or PNG)

What is recorded afterwards shows as corrections: laman report --period 2026-11 --with-corrections

example:
  laman -i inventory/kantor period close 2026-11 --as dewi
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import secrets
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

from reporting.attachments import attached
from reporting.cli.common import Refused, command_line, inventory_of, local, named_officer, opened, person, this_agent
from reporting.cli.frozen import Basis, Book, archived_copy, language, period_book, reproduced, target_of
from reporting.cli.main import EXIT_CANNOT, EXIT_OK, Parser
from reporting.cli.tables import table
from reporting.compliance import Period
from reporting.compliance.closing import Closure, closure_of, closures, figures_hash, still_waiting
from reporting.compliance.fold import fold
from reporting.events import KIND_PERIOD_CLOSED, KIND_PERIOD_SCAN, EvidenceFile, PeriodClosed, PeriodScan, Person
from reporting.files import replace_whole, write_whole
from reporting.ledger import Draft, Event
from reporting.ledger.model import canonical
from reporting.renewal.fold import fold as fold_cases
from reporting.renewal.fold import input_of
from reporting.renewal.states import load_states
from reporting.runner.locks import AlreadyRunning, run_lock
from reporting.runner.model import Record
from reporting.standard import Language, load_standards
from reporting.text import harmless

_CLOSER = "pengelola_sistem_dan_jaringan"  # whoever holds this role closes, unless --as names somebody
_INSTANT = timedelta(microseconds=1)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True, parser_class=Parser)
    for name, (_, said) in _ACTIONS.items():
        action = actions.add_parser(name, help=said, description=said)
        action.add_argument("-i", "--inventory", metavar="DIR", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
        if name == "list":
            action.add_argument("--json", action="store_true", help="print it as JSON")
            continue
        action.add_argument("period", metavar="PERIOD", help="2026-11, 2026-Q4, 2026 or 2026-11-01..2026-11-15")
        if name == "show":
            action.add_argument("--json", action="store_true", help="print it as JSON")
        elif name == "attach":
            action.add_argument("--scan", required=True, metavar="FILE", help="the signed workbook: PDF, JPG or PNG")
        else:
            action.add_argument("--as", dest="officer", metavar="NAME", help="who closes it (default: by role)")
            action.add_argument("--lang", choices=["id", "en"], help="language (default: laman_unit.language)")
            action.add_argument("--output", metavar="FILE", help="where to write it (default: laman-UNIT-PERIOD.xlsx)")
            action.add_argument("--force", metavar="REASON", help="close it although something still waits: why")


def run(options: argparse.Namespace) -> int:
    """Do one of the actions; returns the exit code."""
    with opened(inventory_of(options)) as record:
        return int(_ACTIONS[options.action][0](options, record))


def _close(options: argparse.Namespace, record: Record) -> int:
    unit = record.inventory.unit
    period = Period.parse(options.period, unit.tz)
    target = target_of(options.output, f"laman-{unit.id}-{period.text}.xlsx")
    with _alone(record):
        events = list(record.ledger.events())
        _refuse_open_or_closed(record, period, events)
        closer = _closer(options, record)
        head, now = record.ledger.head(), record.clock()
        counted = [e for e in events if e.seq <= head.seq]
        lang = language(options.lang or unit.language)
        made = period_book(Basis(counted, load_standards(), head, lang), period, now)
        waiting = [*still_waiting(made.compliance), *_waiting_cases(counted, period)]
        reason = _reason(options, waiting, period)
        closed = _closed(made, counted, closer, lang, now)
        told = [harmless(line, 300) for line in waiting]
        _record(record, made, closed.model_copy(update={"still_waiting": told, "reason": reason}))
    closure = closure_of(record.ledger.events([KIND_PERIOD_CLOSED]), period)
    if closure is None:
        raise Refused(f"period {period.text} was closed, but cannot be found in the record again: run laman verify")
    again = reproduced(closure, list(record.ledger.events()), record.archive, lang)
    if not again.archived or again.content != made.content:
        raise Refused(f"period {period.text}: closed, but its workbook does not come out again: run laman verify")
    replace_whole(target, again.content, mode=0o644)
    print(target)
    print(f"period {period.text} closed by {closer.name} at event {head.seq} ({head.hash})")
    print(f"computed again, it is the same workbook byte for byte (SHA-256 {again.sha256})")
    typed = command_line(record.inventory, "period", "attach", period.text)
    print(f"next: print and sign it, then: {typed} --scan FILE.pdf")
    return EXIT_OK


@contextmanager
def _alone(record: Record) -> Iterator[None]:
    """One closing at a time.

    Raises:
        Refused: another laman is closing a period.
    """
    holder = {"since": record.clock().isoformat(), "pid": str(os.getpid())}
    try:
        with run_lock(record.locks, "period", "close", holder):
            yield
    except AlreadyRunning as error:
        raise Refused(f"another laman is closing a period ({error.holder}): try again when it has ended") from None


def _refuse_open_or_closed(record: Record, period: Period, events: list[Event]) -> None:
    before = closure_of(events, period)
    if before is not None:
        when = local(before.data.issued_at, record.inventory)
        raise Refused(
            f"period {before.data.period} was closed on {when} by {before.data.closed_by.name}: what came later shows "
            f"in: laman report --period {before.data.period} --with-corrections"
        )
    if record.clock() < period.end:
        raise Refused(
            f"period {period.text} has not ended: its last day is {period.last}; close it from "
            f"{local(period.end, record.inventory)} on"
        )


def _closer(options: argparse.Namespace, record: Record) -> Person:
    unit = record.inventory.unit
    day = record.clock().astimezone(unit.tz).date()
    if options.officer:
        return named_officer(record.inventory, options.officer, day, "--as")
    officer = unit.officer_for(_CLOSER, day)
    if officer is None:
        raise Refused(f"nobody in office holds the role {_CLOSER} on {day}: name who closes the period with --as")
    return person(officer)


def _waiting_cases(events: list[Event], period: Period) -> list[str]:
    """Renewals whose next step has had its input since a day of the period: that step will be one of its executions."""
    lines = []
    for case in fold_cases(events).values():
        step, since = load_states().next_execution(case.state), input_of(case)
        if step is not None and since is not None and since in period:
            begun = since.astimezone(period.zone)
            lines.append(f"renewal {case.id} waits for {step} since {begun:%Y-%m-%d %H:%M}")
    return lines


def _reason(options: argparse.Namespace, waiting: list[str], period: Period) -> str:
    """Why it is closed although something waits; empty where nothing does.

    Raises:
        Refused: something waits, and there is no reason.
    """
    reason = harmless((options.force or "").strip(), 2_000)
    if not waiting:
        return ""
    if reason:
        return reason
    for line in waiting:
        print(f"  {harmless(line, 300)}", file=sys.stderr)
    raise Refused(
        f"period {period.text}: {len(waiting)} of its executions still wait (above): finish them, or close it all the "
        "same with --force 'REASON' (the reason is recorded)"
    )


def _closed(made: Book, events: list[Event], closer: Person, lang: Language, now: datetime) -> PeriodClosed:
    """The event, without the archived file: the workbook's own hash stands in until it is written."""
    period = made.compliance.period
    settings = fold(events, period.start, period.start).in_force(min(now, period.end - _INSTANT))
    calendar = canonical(settings.snapshot.unit.calendar.model_dump(mode="json"))
    return PeriodClosed(
        period=period.text,
        head_seq=made.head.seq,
        head_hash=made.head.hash,
        as_of=now,
        issued_at=now,
        language=lang,
        figures_hash=figures_hash(made.compliance),
        workbook=EvidenceFile(path="", bytes=len(made.content), sha256=made.sha256),
        closed_by=closer,
        agent=this_agent(),
        standards=[standard.model_dump(mode="json") for standard in load_standards()],
        settings_seq=settings.seq,
        calendar_hash=hashlib.sha256(calendar.encode()).hexdigest(),
        version=version("laman"),
    )


def _record(record: Record, made: Book, closed: PeriodClosed) -> None:
    """Archive the workbook and append the event; nothing is left of the one when the other fails."""
    folder = _folder(record, closed.period)
    try:
        path = folder / f"{record.inventory.unit.id}-{closed.period}.xlsx"
        write_whole(path, made.content)
        file = record.archive.measure(path)
        whole = closed.model_copy(update={"workbook": file})
        actor = f"{closed.agent.kind}:{closed.agent.name}"
        record.ledger.append([Draft(KIND_PERIOD_CLOSED, closed.period, actor, whole.json_value())])
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _folder(record: Record, period: str) -> Path:
    """A new folder of the archive for a period."""
    now = record.clock().astimezone(record.inventory.unit.tz)
    name = f"{now:%Y%m%dT%H%M%S}-period-{period.replace('..', '_')}-{secrets.token_hex(4)}"
    return record.archive.folder("period", name, now)


def _wanted(options: argparse.Namespace, record: Record) -> Closure:
    """The closed period that was named.

    Raises:
        Refused: it is not closed.
    """
    period = Period.parse(options.period, record.inventory.unit.tz)
    closure = closure_of(record.ledger.events([KIND_PERIOD_CLOSED, KIND_PERIOD_SCAN]), period)
    if closure is None:
        raise Refused(f"period {period.text} is not closed (laman period list; laman period close {period.text})")
    return closure


def _list(options: argparse.Namespace, record: Record) -> int:
    found = closures(record.ledger.events([KIND_PERIOD_CLOSED, KIND_PERIOD_SCAN]))
    if options.json:
        print(json.dumps([_json(c, record) for c in found], indent=2, ensure_ascii=False))
        return EXIT_OK
    if not found:
        print("No period is closed yet: laman period close 2026-11")
        return EXIT_OK
    rows = [
        [
            *(c.data.period, local(c.data.issued_at, record.inventory), c.data.closed_by.name, c.data.head_seq),
            *(c.data.workbook.sha256[:16], len(c.scans) or "none", c.data.reason),
        ]
        for c in found
    ]
    print(table(["period", "closed", "by", "at event", "workbook", "signed scans", "closed although"], rows))
    return EXIT_OK


def _show(options: argparse.Namespace, record: Record) -> int:
    closure = _wanted(options, record)
    told = _json(closure, record)
    if options.json:
        print(json.dumps(told, indent=2, ensure_ascii=False))
    else:
        for key, value in told.items():
            lines = value if isinstance(value, list) else [value]
            for number, line in enumerate(lines or ["none"]):
                print(f"{key.replace('_', ' ') if number == 0 else '':<16}  {_plain(line)}")
    broken = [f for f in _files(closure) if archived_copy(record.archive, f) is None]
    for file in broken:
        print(f"laman: {record.archive.root / file.path} is missing or was altered: laman verify", file=sys.stderr)
    return EXIT_CANNOT if broken else EXIT_OK


def _plain(line: object) -> str:
    if isinstance(line, dict):
        return harmless(", ".join(str(value) for value in line.values() if value), 400)
    return harmless("none" if line in (None, "") else line, 400)


def _files(closure: Closure) -> list[EvidenceFile]:
    return [closure.data.workbook, *(scan.file for scan in closure.scans)]


def _json(closure: Closure, record: Record) -> dict[str, Any]:
    """One closed period as `--json` prints it."""
    data = closure.data
    return {
        "period": data.period,
        "closed_at": local(data.issued_at, record.inventory),
        "closed_by": data.closed_by.name,
        "typed_by": data.agent.name,
        "event": closure.seq,
        "head": f"{data.head_seq} {data.head_hash}",
        "language": data.language,
        "settings_event": data.settings_seq,
        "calendar": data.calendar_hash,
        "figures": data.figures_hash,
        "standards": [f"{s.get('number', '?')} (effective {s.get('effective', '?')})" for s in data.standards],
        "workbook": data.workbook.path,
        "sha256": data.workbook.sha256,
        "still_waiting": list(data.still_waiting),
        "closed_although": data.reason,
        "version": data.version,
        "scans": [
            {"path": s.file.path, "sha256": s.file.sha256, "original": s.original, "by": s.agent.name}
            for s in closure.scans
        ],
    }


def _attach(options: argparse.Namespace, record: Record) -> int:
    closure = _wanted(options, record)
    file = attached(Path(options.scan), "scan")
    if any(scan.file.sha256 == file.sha256 for scan in closure.scans):
        raise Refused(f"--scan {harmless(options.scan, 200)}: this very file is attached to {closure.data.period}")
    folder = _folder(record, closure.data.period)
    try:
        path = folder / file.archive_name(len(closure.scans) + 1)
        write_whole(path, file.source.read_bytes())
        kept = record.archive.measure(path)
        if kept.sha256 != file.sha256:
            raise Refused(
                f"--scan {harmless(options.scan, 200)}: the file changed while it was copied: attach it again"
            )
        agent = this_agent()
        scan = PeriodScan(period=closure.data.period, file=kept, agent=agent, original=harmless(file.source.name, 200))
        draft = Draft(KIND_PERIOD_SCAN, closure.data.period, f"{agent.kind}:{agent.name}", scan.json_value())
        record.ledger.append([draft])
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    print(f"attached to {closure.data.period}: {record.archive.root / kept.path} (SHA-256 {kept.sha256})")
    return EXIT_OK


_ACTIONS = {
    "close": (_close, "freeze a period that has ended and write its workbook"),
    "list": (_list, "the periods that were closed"),
    "show": (_show, "one closed period, and whether its files are whole"),
    "attach": (_attach, "keep the scan of the signed workbook"),
}
