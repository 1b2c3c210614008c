r"""Deviations from the standard, and the account that their executor owes for each (POS, Peringatan 2).

  list    [--state open|given|accepted|returned] [--overdue] [--executor NAME] [--site SITE] [--all]
          all that are not accepted, since the first event of the record, across periods
  show    D-ID ...                     one deviation: what, who, until when; every account and decision
  account D-ID ... --cause TEXT --consequence TEXT --action TEXT --by WHO --until DATE [--done]
          [--evidence FILE ...] [--as NAME] [--again]     one account may answer several of one cause
  account --template [D-ID ...]        a form (YAML) of all that lack an account, or of those
  account --form FILE.yml              every entry of it that was filled in
  accept  D-ID ... [--account A-ID] [--note TEXT] [--as NAME]     Kasi SI is satisfied
  return  D-ID ... --note WHY [--account A-ID] [--as NAME]        Kasi SI is not: the executor accounts again

The executor accounts, or whoever holds the executor's role now. Kasi SI decides, but nobody on an own account: then
Kasubag Umum does. --until is the day by which the action is carried out; with --done, the day on which it was.
Nothing closes by itself: a deviation stays open, across periods, until its account was accepted.

example:
  laman -i inventory/kantor deviation list --overdue
  laman -i inventory/kantor deviation account D-0123456789 --cause "listrik padam semalam" \
      --consequence "backup malam itu tidak ada" --action "pasang UPS" --by "Budi Santoso" --until 2026-12-15
  laman -i inventory/kantor deviation account --template > akun.yml
  laman -i inventory/kantor deviation accept D-0123456789 --account A-1F2E3D4C-1
"""

from __future__ import annotations

import argparse
import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reporting.cli.duties import Duty
    from reporting.compliance import Compliance
    from reporting.runner.model import Record

_VIEW, _STEPS = "reporting.cli.deviation_view", "reporting.cli.deviation_steps"
_ACTIONS = {
    "list": (_VIEW, "all that are not accepted yet"),
    "show": (_VIEW, "one deviation with its accounts"),
    "account": (_STEPS, "the executor accounts for it"),
    "accept": (_STEPS, "Kasi SI accepts the account"),
    "return": (_STEPS, "Kasi SI returns the account"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options: one sub-command an action."""
    parser.usage = "laman [-i INVENTORY] deviation ACTION …"
    actions = parser.add_subparsers(dest="verb", required=True, metavar="ACTION")
    for name, (module, text) in _ACTIONS.items():
        description = f"{text[0].upper()}{text[1:]}.\n\n{_examples(name)}"
        action = actions.add_parser(
            name,
            prog=f"laman deviation {name}",
            help=text,
            description=description,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        action.add_argument("-i", "--inventory", metavar="DIR", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
        action.add_argument("--json", action="store_true", help="print it as JSON")
        importlib.import_module(module).add_arguments(name, action)


def _examples(name: str) -> str:
    """The lines of this page that are about an action."""
    found: list[str] = []
    ours = False
    for line in (__doc__ or "").splitlines():
        words = line.split()
        if not line.startswith("      "):
            ours = words[:1] == [name] or f"deviation {name} " in line
        if ours and line:
            found.append(line)
    return "\n".join(found)


def run(options: argparse.Namespace) -> int:
    """Do one action; returns the exit code."""
    return int(importlib.import_module(_ACTIONS[options.verb][0]).run(options))


def duties(record: Record, compliance: Compliance) -> list[Duty]:
    """Accounts that executors owe, the overdue ones first, and accounts that wait for a decision; of the whole record.

    `compliance` says as of when.
    """
    from reporting.cli.deviation_duties import duties as found

    return found(record, compliance)
