r"""Problems of a site, from the report to the solution (POS activity 8: 900 working minutes).

  open     --title TEXT [--site SITE] [--problem TEXT] [--reported TIME] [--by WHO] [--route ROUTE]
           [--party WHO] [--breach] [--file FILE]
  list     [--open] [--site SITE] [--route ROUTE] [--state STATE]
  show     TICKET
  take     TICKET                                    the first response; or take it over from a colleague
  route    TICKET mandiri|subbag_umum|pihak_ketiga [--party WHO]
  pause    TICKET --reason TEXT --evidence FILE      it has to wait, and a file shows it; shown, and still counted
  resume   TICKET
  note     TICKET TEXT
  attach   TICKET FILE ...
  solve    TICKET --kind KIND --cause TEXT --solution TEXT --prevention TEXT [--file FILE]
  reopen   TICKET --note WHY                         it was not solved: the same clock goes on, from the first report
  breach   TICKET --note WHAT [--known TIME]         personal data got out: a second clock, 3 x 24 h for the notice
  notified TICKET --evidence FILE                    the written notice was sent
  stats    [--period PERIOD]                         minutes to the first response and to the solution; repeats

Findings of a run open tickets by themselves (laman_unit.tickets). A paused ticket is resumed before it is routed or
solved. Gross minutes run from the report to the last solution, pauses included, and are judged; net leaves them out.

Every step also takes:
  --executor NAME (or --as NAME)   the officer who does it (default: who has the ticket); who typed is recorded too
  --at "2026-03-12 14:00" --note   it was done then; the note says how that is known; not before the step before it
  --clock-is-right --note          the step before it has a later time, because the clock was ahead then
  --seen N                         only if nothing was recorded about it since you read it (N: see show)
  --json
Files are PDF, JPG or PNG by content.

example:
  laman -i inventory/kantor ticket open --site www --title "halaman depan galat 500" --by "Sekretariat, telepon"
  laman -i inventory/kantor ticket take T-2026-001
  laman -i inventory/kantor ticket route T-2026-001 pihak_ketiga --party "PT Hosting"
  laman -i inventory/kantor ticket pause T-2026-001 --reason "menunggu PT Hosting" --evidence surat.pdf
  laman -i inventory/kantor ticket resume T-2026-001
  laman -i inventory/kantor ticket solve T-2026-001 --kind disk --cause "disk penuh oleh log" \
      --solution "log lama dihapus" --prevention "logrotate tiap hari"
"""

from __future__ import annotations

import argparse
import importlib

_STEPS = "reporting.cli.ticket_steps"
_VIEW = "reporting.cli.ticket_view"
_ACTIONS = {
    "open": ("reporting.cli.ticket_open", "a problem is reported"),
    "list": (_VIEW, "every ticket"),
    "show": (_VIEW, "one ticket with its steps and minutes"),
    "take": (_STEPS, "the first response, or taking it over"),
    "route": (_STEPS, "alone, with Subbag Umum, or with a third party"),
    "pause": (_STEPS, "it has to wait: a reason and a file that shows it"),
    "resume": (_STEPS, "work goes on after a pause"),
    "note": (_STEPS, "something to remember"),
    "attach": (_STEPS, "keep files with a ticket"),
    "solve": (_STEPS, "cause, solution, prevention: activity 8 ends"),
    "reopen": (_STEPS, "it was not solved: the same clock goes on"),
    "breach": (_STEPS, "personal data got out: 3 x 24 h for the notice"),
    "notified": (_STEPS, "the written notice of a breach was sent"),
    "stats": ("reporting.cli.ticket_stats", "minutes to the first response and to the solution"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options: one sub-command an action."""
    parser.usage = "laman [-i INVENTORY] ticket ACTION …"
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, (module, text) in _ACTIONS.items():
        action = actions.add_parser(
            name,
            prog=f"laman ticket {name}",
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
        goes_on = (before.endswith("\\") or line.startswith("           [")) and found and found[-1] == before
        if line.split()[:1] == [name] or f"ticket {name} " in line or goes_on:
            found.append(line)
    return "\n".join(found)


def run(options: argparse.Namespace) -> int:
    """Do one action; returns the exit code."""
    module = importlib.import_module(_ACTIONS[options.action][0])
    return int(module.run(options))
