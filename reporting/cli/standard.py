"""Print the POS that executions are judged by: header, legal basis, the eight activities.

example:
  laman standard
  laman standard --on 2026-11-22 --lang en
"""

from __future__ import annotations

import argparse
import json
from datetime import UTC, date, datetime

from reporting.cli.common import Refused
from reporting.cli.main import EXIT_OK
from reporting.standard import standard_on
from reporting.standard.render import to_text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--on", metavar="DATE", help="the POS in force on that day (default: today)")
    parser.add_argument("--lang", choices=["id", "en"], default="id", help="the POS's own words, or the English gloss")
    parser.add_argument("--json", action="store_true", help="print it as JSON, both languages")


def run(options: argparse.Namespace) -> int:
    """Print it; returns the exit code."""
    try:
        day = date.fromisoformat(options.on) if options.on else datetime.now(UTC).astimezone().date()
    except ValueError:
        raise Refused(f"--on {options.on!r}: a date like 2026-11-22 is expected") from None
    standard = standard_on(day)
    if options.json:
        print(json.dumps(standard.model_dump(mode="json"), indent=2, ensure_ascii=False))
    else:
        print(to_text(standard, options.lang))
    return EXIT_OK
