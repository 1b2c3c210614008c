r"""Renewing connection, hosting, domain: from the invoice to the proof that the service goes on (POS activities 4-7).

  list    [--open] [--state STATE]                 every case
  show    CASE                                     one case: invoice, lines, steps with minutes, proofs
  take    CASE | --invoice FILE                    work on its next step begins (shows how long it waited)
  submit  --number N --issued DATE --received TIME [--due DATE] [--amount RP] [--tax RP]
          --service ID[=RP][@DATE] ... --invoice FILE [--sheet FILE]    open a case (activity 4)
  submit  --case CASE [--sheet FILE] [...]         again, after it was returned
  approve CASE --sheet FILE                        the signed sheet, scanned (activity 5)
  reject  CASE --sheet FILE --note WHY             ... with the signed decision; the case ends
  return  CASE --sheet FILE --note WHY             ... back to whoever submits
  pay     CASE --proof FILE [--amount RP]          the proof from outside (activity 6); default: all that is left
  report  CASE [--attest FILE --attested-by NAME]  look the ends up again and report (activity 7)
  prove   CASE [--attest FILE --attested-by NAME]  look again, when the report could not prove it
  cancel  CASE --note WHY                          before anything is paid
  inbox   [--for ROLE] [--export FILE.xlsx | --import FILE.xlsx [--attach CASE=FILE]...]
  inbox   --for ROLE --send [--again]              mail that workbook to the officer; the answer comes by --import

Every step also takes:
  --executor NAME (or --as NAME)     the officer who does it (default: by role on that day); who typed is recorded too
  --note TEXT
  --at "2026-03-12 14:00" --paper FILE [--taken TIME]   it was done on paper then: the dated paper is attached
  --json

Without --sheet, submit prints the submission sheet itself (PDF, with LibreOffice) into the archive, ready to sign.
Files are PDF, JPG or PNG by content. RP: 1250000, 1.250.000 or "Rp 1.250.000,00". Ends are looked up by
`laman service check`; --offline takes the last look on record.
`inbox --send` needs laman_unit.mail; its password is in the environment alone: LAMAN_SECRET_SMTP. No link approves.

example:
  laman -i inventory/kantor renewal submit --number INV-77 --issued 2026-03-10 --received "2026-03-12 09:00" \
      --amount 1.250.000 --tax 137.500 --service domain-utama --invoice invoice.pdf
  laman -i inventory/kantor renewal approve P-2026-001 --sheet scan.pdf --executor siti
  laman -i inventory/kantor renewal pay P-2026-001 --proof sp2d.pdf
  laman -i inventory/kantor renewal report P-2026-001
"""

from __future__ import annotations

import argparse
import importlib

_STEPS = "reporting.cli.renewal_steps"
_ACTIONS = {
    "list": ("reporting.cli.renewal_view", "every case"),
    "show": ("reporting.cli.renewal_view", "one case with its steps and minutes"),
    "take": (_STEPS, "work on the next step begins"),
    "submit": (_STEPS, "submit an invoice: a new case (activity 4)"),
    "approve": (_STEPS, "approve with the signed sheet (activity 5)"),
    "reject": (_STEPS, "reject with the signed decision"),
    "return": (_STEPS, "send back to whoever submits"),
    "pay": (_STEPS, "pay, with the proof from outside (activity 6)"),
    "report": ("reporting.cli.renewal_prove", "look the ends up again and report (activity 7)"),
    "prove": ("reporting.cli.renewal_prove", "look again after the report"),
    "cancel": (_STEPS, "give a case up before anything is paid"),
    "inbox": ("reporting.cli.renewal_inbox", "what waits for an officer, as a workbook and back"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options: one sub-command an action."""
    parser.usage = "laman [-i INVENTORY] renewal ACTION …"
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, (module, text) in _ACTIONS.items():
        action = actions.add_parser(
            name,
            prog=f"laman renewal {name}",
            help=text,
            description=f"{text[0].upper()}{text[1:]}.\n\n{_examples(name)}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        action.add_argument("-i", "--inventory", metavar="DIR", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
        action.add_argument("--json", action="store_true", help="print it as JSON")
        importlib.import_module(module).add_arguments(name, action)


def _examples(name: str) -> str:
    """The lines of this page's synopsis and examples that are about an action."""
    lines = (__doc__ or "").splitlines()
    found: list[str] = []
    for line, before in zip(lines, ["", *lines], strict=False):
        words = line.split()
        goes_on = before.endswith("\\") or line.startswith("          --")
        if words[:1] == [name] or f"renewal {name} " in line or (goes_on and found and found[-1] == before):
            found.append(line)
    return "\n".join(found)


def run(options: argparse.Namespace) -> int:
    """Do one action; returns the exit code."""
    module = importlib.import_module(_ACTIONS[options.action][0])
    return int(module.run(options))
