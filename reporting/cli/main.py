"""`laman`: finds the command, hands it the rest of the line, turns what went wrong into one line and an exit code.

Only this module is imported for `laman --help`; a command's own module (and what it needs) comes when it is called.
"""

from __future__ import annotations

import argparse
import importlib
import io
import os
import re
import shlex
import sys
from collections.abc import Sequence

EXIT_OK = 0  # done; all that was judged is sesuai
EXIT_CANNOT = 1  # it could not run: nothing is recorded as done
EXIT_DEVIATIONS = 2  # recorded, with deviations

COMMANDS: dict[str, tuple[str, str]] = {
    "run": ("reporting.cli.run", "run activities 1-3 on sites, timed and recorded"),
    "record": ("reporting.cli.record", "enter an execution of 1-3 that was done by hand"),
    "review": ("reporting.cli.review", "read a run's findings and sign them off"),
    "renewal": ("reporting.cli.renewal", "renew connection, hosting, domain: invoice, approval, payment, proof"),
    "ticket": ("reporting.cli.ticket", "problems of a site (activity 8): open, route, pause, solve, reopen"),
    "diagnose": ("reporting.cli.diagnose", "look at a site from outside and inside; name the likeliest cause"),
    "deviation": ("reporting.cli.deviation", "deviations: account for them, accept or return the account"),
    "paper": ("reporting.cli.paper", "print a renewal's papers: submission, approval, receipt, status"),
    "status": ("reporting.cli.status", "executions of a period with verdicts, minutes, reasons"),
    "due": ("reporting.cli.due", "what has to be done now, in plain words"),
    "schedule": ("reporting.cli.schedule", "timers, crontab or CI workflow from the unit's plan"),
    "report": ("reporting.cli.report", "the compliance workbook for management"),
    "period": ("reporting.cli.period", "close a period: its workbook comes out the same for ever"),
    "verify": ("reporting.cli.verify", "recompute the ledger's chain and every evidence file; or tell what a paper is"),
    "check": ("reporting.cli.check", "try settings, sites and media; says what to fix"),
    "backup": ("reporting.cli.backup", "backup sets: list, verify, status, drill, restore, discs, retention"),
    "medium": ("reporting.cli.medium", "the backup media: list them, prepare a new one"),
    "init": ("reporting.cli.init", "make a new agency's inventory, commented, ready to edit"),
    "service": ("reporting.cli.service", "services that end: list, look their ends up, import"),
    "standard": ("reporting.cli.standard", "print the POS"),
}
_WIDTH = max(map(len, COMMANDS))
_EPILOG = f"""commands:
{os.linesep.join(f"  {name:<{_WIDTH}}  {text}" for name, (_, text) in COMMANDS.items())}

exit codes:
  0  done, all sesuai
  1  could not run; nothing is recorded as done
  2  recorded, with deviations

example:
  laman -i inventory/demo run all && laman -i inventory/demo report --period 2026-11

`laman COMMAND --help` tells more about a command. The inventory can also be named by LAMAN_INVENTORY.
"""


class Parser(argparse.ArgumentParser):
    """argparse, but bad usage exits with 1: 2 means deviations here."""

    def error(self, message: str) -> None:  # type: ignore[override]
        """One line, and where to read more."""
        self.exit(EXIT_CANNOT, f"{self.prog}: {message} (see {self.prog} --help)\n")


def _parser() -> Parser:
    parser = Parser(
        prog="laman",
        description="Keeps an agency's website maintained under POS Pemeliharaan Laman, and proves it.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        usage="laman [-i INVENTORY] COMMAND …",
    )
    parser.add_argument("-i", "--inventory", metavar="DIR", help="the unit's inventory folder")
    parser.add_argument("--version", action="store_true", help="print the version")
    parser.add_argument("command", nargs="?", metavar="COMMAND", help=argparse.SUPPRESS)
    parser.add_argument("rest", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that knows only ASCII is no reason to end
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.version:
        from importlib.metadata import version

        print(f"laman {version('laman')}")
        return EXIT_OK
    if options.command is None:
        parser.print_help()
        return EXIT_CANNOT
    if options.command not in COMMANDS:
        parser.error(f"unknown command {options.command!r}")
    return _dispatch(options.command, options.rest, options.inventory)


def _dispatch(name: str, rest: list[str], inventory: str | None) -> int:
    module = importlib.import_module(COMMANDS[name][0])
    parser = Parser(
        prog=f"laman {name}", description=module.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-i", "--inventory", metavar="DIR", default=inventory, help="the unit's inventory folder")
    module.add_arguments(parser)
    options = None
    os.umask(0o077)  # the record holds visitors' addresses; the workbook alone is made for others to read
    try:
        options = parser.parse_args(rest)
        return int(module.run(options))
    except KeyboardInterrupt:
        print("laman: interrupted", file=sys.stderr)
        return EXIT_CANNOT
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader went away; nothing to say to it
        return EXIT_CANNOT
    except Exception as error:
        line = _one_line(error)
        if line is None or os.environ.get("LAMAN_DEBUG"):
            raise
        print(f"laman: {typable(line, options.inventory if options is not None else inventory)}", file=sys.stderr)
        return EXIT_CANNOT


_MENTION = re.compile(rf"(?<![\w./-])laman (?=(?:{'|'.join(COMMANDS)})(?![\w-]))")


def typable(line: str, inventory: str | None) -> str:
    """A refusal whose commands can be copied into a shell: they name the inventory that `-i` named (None: it did not).

    What names an inventory already stays; so does what is no command, like `laman 1.2` or the word in a sentence.
    """
    if inventory is None:
        return line
    named = f"{shlex.join(['laman', '-i', inventory])} "
    return _MENTION.sub(lambda _: named, line)


def _one_line(error: Exception) -> str | None:
    """The message of an error that we foresaw; None for one that we did not (its traceback is wanted)."""
    if type(error).__module__.startswith("reporting."):
        return str(error)
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror or error}"
    return None


if __name__ == "__main__":
    sys.exit(main())
