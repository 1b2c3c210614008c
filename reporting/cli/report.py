"""The compliance workbook of a period, for management to read and sign (Excel).

The ledger's head is printed in it: it anchors everything recorded before. A copy goes into the archive.

example:
  laman -i inventory/kantor report --period 2026-11
  laman -i inventory/kantor report --period 2026-11 --lang en --output /tmp/november.xlsx
"""

from __future__ import annotations

import argparse
import secrets
from datetime import UTC, datetime
from pathlib import Path

from reporting.cli.common import Refused, inventory_of, opened, this_agent
from reporting.cli.main import EXIT_OK
from reporting.cli.view import evaluated
from reporting.compliance import Compliance
from reporting.events import KIND_REPORT, ReportIssued
from reporting.files import replacing, sha256_file, write_whole
from reporting.ledger import Draft, Head
from reporting.runner.model import Record


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--period", help="2026-11, 2026-Q4, 2026 or 2026-11-01..2026-11-15 (default: this month)")
    parser.add_argument("--lang", choices=["id", "en"], help="language (default: laman_unit.language)")
    parser.add_argument("--output", metavar="FILE", help="where to write it (default: laman-UNIT-PERIOD.xlsx here)")
    parser.add_argument("--force", action="store_true", help="replace a file that was filled in since it was issued")


def run(options: argparse.Namespace) -> int:
    """Write the workbook; returns the exit code."""
    from reporting.workbook import workbook_bytes

    inventory = inventory_of(options)
    lang = options.lang or inventory.unit.language
    with opened(inventory) as record:
        compliance = evaluated(record, options.period, lang)
        target = Path(options.output or f"laman-{inventory.unit.id}-{compliance.period.text}.xlsx")
        _check_target(target, record, force=options.force)
        head = record.ledger.head()
        content = workbook_bytes(compliance, head, "en" if lang == "en" else "id")
        with replacing(target.resolve(), content, mode=0o644):  # what can fail there fails before it counts as issued
            _issue(record, compliance, lang, content, head)
    deviations = len(compliance.deviations)
    print(target.resolve())
    print(f"{len(compliance.executions)} execution(s), {deviations} deviation(s), period {compliance.period.text}")
    if deviations:
        print("next: the executors account for each deviation on the sheet of deviations, then management signs.")
    return EXIT_OK


def _check_target(target: Path, record: Record, *, force: bool) -> None:
    """Refuse a place where the workbook cannot go, and a file there that somebody has written into."""
    if target.suffix.lower() != ".xlsx":
        raise Refused(f"--output {target}: a name that ends in .xlsx is expected")
    if not target.resolve().parent.is_dir():
        raise Refused(f"--output {target}: the folder {target.resolve().parent} does not exist")
    if target.is_dir():
        raise Refused(f"--output {target}: is a folder")
    if force or not target.exists():
        return
    issued = {event.data["file"]["sha256"] for event in record.ledger.events([KIND_REPORT])}
    if sha256_file(target)[0] not in issued:
        raise Refused(f"{target}: is there, and is not as laman issued it (filled in?): name another, or give --force")


def _issue(record: Record, compliance: Compliance, lang: str, content: bytes, head: Head) -> None:
    """Keep a copy as evidence and record that it was handed out, with the head that it prints."""
    now = datetime.now(UTC)
    local = now.astimezone(record.inventory.unit.tz)
    name = f"{local:%Y%m%dT%H%M%S}-report-{compliance.period.text.replace('..', '_')}-{secrets.token_hex(4)}"
    path = record.archive.folder("report", name, local) / f"{record.inventory.unit.id}-{compliance.period.text}.xlsx"
    write_whole(path, content)
    file = record.archive.measure(path)
    agent = this_agent()
    actor = f"{agent.kind}:{agent.name}"
    issued = ReportIssued(
        period=compliance.period.text,
        language="en" if lang == "en" else "id",
        file=file,
        head_seq=head.seq,
        head_hash=head.hash,
    )
    record.ledger.append([Draft(KIND_REPORT, compliance.period.text, actor, issued.json_value())])
