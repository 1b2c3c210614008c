"""The compliance workbook of a period, for management to read and sign (Excel).

The ledger's head is printed in it: it anchors everything recorded before. A copy goes into the archive.

Of a period that was closed (laman period close) it is the same workbook again, byte for byte, whatever was recorded
since; --with-corrections adds a sheet that tells what later events changed.

--send mails it, with a summary as the letter, through the unit's own server (laman_unit.mail; the password is in the
environment: LAMAN_SECRET_SMTP), and puts it into laman_unit.delivery.folder. Nobody gets the same figures twice
unasked; what could not be sent is tried again, here for --wait seconds, then by `laman due --run`.
With --send the exit code is 1 when anything could not be delivered, and 0 when all went well.

example:
  laman -i inventory/kantor report --period 2026-11
  laman -i inventory/kantor report --period 2026-11 --send --to kasi_si --to siti
  laman -i inventory/kantor report --period 2026-11 --lang en --output /tmp/november.xlsx
  laman -i inventory/kantor report --period 2026-11 --with-corrections
"""

from __future__ import annotations

import argparse
import secrets
import sys
from pathlib import Path

from reporting.cli.common import Refused, command_line, inventory_of, local, opened, this_agent
from reporting.cli.frozen import Basis, Book, Issue, corrected, language, period_book, reproduced, target_of
from reporting.cli.main import EXIT_OK
from reporting.compliance import Period
from reporting.compliance.closing import Closure, closure_of
from reporting.events import KIND_PERIOD_CLOSED, KIND_REPORT, EvidenceFile, ReportIssued
from reporting.files import replacing, sha256_file, write_whole
from reporting.ledger import Draft, Event
from reporting.runner.model import Record
from reporting.standard import Language, load_standards


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--period", help="2026-11, 2026-Q4, 2026 or 2026-11-01..2026-11-15 (default: this month)")
    parser.add_argument("--lang", choices=["id", "en"], help="language (default: laman_unit.language)")
    parser.add_argument("--output", metavar="FILE", help="where to write it (default: laman-UNIT-PERIOD.xlsx here)")
    parser.add_argument(
        "--with-corrections", action="store_true", help="of a closed period: add a sheet of what changed since"
    )
    parser.add_argument(
        "--send", action="store_true", help="mail it, and put it into the folder of laman_unit.delivery"
    )
    parser.add_argument(
        "--to", action="append", default=[], metavar="OFFICER|ROLE", help="with --send: to whom (default: report_to)"
    )
    parser.add_argument("--again", action="store_true", help="with --send: even to those who have the same figures")
    parser.add_argument(
        "--wait", type=float, metavar="SECONDS", help="with --send: how long to go on trying (default: 30)"
    )
    parser.add_argument("--force", action="store_true", help="replace a file that was filled in since it was issued")


def run(options: argparse.Namespace) -> int:
    """Write the workbook; returns the exit code."""
    if not options.send and (options.to or options.again or options.wait is not None):
        raise Refused("--to, --again and --wait go with --send")
    inventory = inventory_of(options)
    with opened(inventory) as record:
        if not options.send:
            _write(options, record)
            return EXIT_OK
        from reporting.cli.post import mail_lock, patience
        from reporting.cli.report_send import deliver_report, destinations

        options.wait = patience(options.wait)
        with mail_lock(record):
            where = destinations(options, record)
            return deliver_report(options, record, where, _write(options, record))


def _write(options: argparse.Namespace, record: Record) -> Issue:
    """Write the workbook, put it on record, say what it is."""
    unit, now = record.inventory.unit, record.clock()
    period = Period.parse(options.period or f"{now.astimezone(unit.tz):%Y-%m}", unit.tz)
    events = list(record.ledger.events())
    closure = closure_of(events, period)
    text = closure.data.period if closure is not None else period.text
    ending = "-corrections" if options.with_corrections else ""
    target = target_of(options.output, f"laman-{unit.id}-{text}{ending}.xlsx")
    _check_not_filled_in(target, events, force=options.force)
    made = _book(options, record, period, closure, events)
    lang = language(options.lang or (closure.data.language if closure is not None else unit.language))
    with replacing(target, made.content, mode=0o644):  # what can fail there fails before it counts as issued
        if closure is not None and made.archived:
            file = closure.data.workbook
        else:
            file = _issue(record, made, lang, corrections=options.with_corrections)
    print(target)
    _say(made, closure, record)
    return Issue(made, file, lang, closure, events)


def _check_not_filled_in(target: Path, events: list[Event], *, force: bool) -> None:
    """Refuse to replace a workbook that somebody has written into since it was issued."""
    if target.is_dir():
        raise Refused(f"--output {target}: is a folder")
    if force or not target.exists():
        return
    issued = {e.data["file"]["sha256"] for e in events if e.kind == KIND_REPORT}
    issued |= {e.data["workbook"]["sha256"] for e in events if e.kind == KIND_PERIOD_CLOSED}
    if sha256_file(target)[0] not in issued:
        raise Refused(f"{target}: is there, and is not as laman issued it (filled in?): name another, or give --force")


def _book(
    options: argparse.Namespace, record: Record, period: Period, closure: Closure | None, events: list[Event]
) -> Book:
    """The workbook that was asked for."""
    now, head = record.clock(), record.ledger.head()
    events = [e for e in events if e.seq <= head.seq]
    if closure is None:
        if options.with_corrections:
            raise Refused(f"period {period.text} is not closed: there is nothing to correct (laman period close)")
        lang = language(options.lang or record.inventory.unit.language)
        return period_book(Basis(events, load_standards(), head, lang), period, now)
    lang = language(options.lang or closure.data.language)
    if options.with_corrections:
        return corrected(closure, events, head, lang, now)
    return reproduced(closure, events, record.archive, lang)


def _say(made: Book, closure: Closure | None, record: Record) -> None:
    """What it is, in a few lines."""
    compliance = made.compliance
    executions, deviations = sum(e.counts for e in compliance.executions), len(compliance.deviations)
    print(f"{executions} execution(s), {deviations} deviation(s), period {compliance.period.text}")
    if closure is not None:
        print(f"closed {local(closure.data.issued_at, record.inventory)} by {closure.data.closed_by.name}")
    for line in made.said:
        print(line)
    for line in made.warnings:
        print(f"laman: {line}", file=sys.stderr)
    if deviations and closure is None:
        open_ = sum(not d.accepted for d in compliance.deviations)
        typed = command_line(record.inventory, "deviation", "list")
        more = f"{open_} still to be accounted for and accepted: {typed}" if open_ else "sign it."
        print(f"next: {more}")


def _issue(record: Record, made: Book, lang: Language, *, corrections: bool) -> EvidenceFile:
    """Keep a copy as evidence and record that it was handed out, with the head that it prints."""
    local_now = record.clock().astimezone(record.inventory.unit.tz)
    text, unit = made.compliance.period.text, record.inventory.unit.id
    kind = "corrections" if corrections else "report"
    name = f"{local_now:%Y%m%dT%H%M%S}-{kind}-{text.replace('..', '_')}-{secrets.token_hex(4)}"
    path = record.archive.folder("report", name, local_now) / f"{unit}-{text}.xlsx"
    write_whole(path, made.content)
    agent = this_agent()
    issued = ReportIssued(
        period=text,
        language=lang,
        file=record.archive.measure(path),
        head_seq=made.head.seq,
        head_hash=made.head.hash,
    )
    record.ledger.append([Draft(KIND_REPORT, text, f"{agent.kind}:{agent.name}", issued.json_value())])
    return issued.file
