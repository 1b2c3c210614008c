r"""Backup sets (activity 2): what is on which medium, is it whole, was it proven, and the way back.

  list    [--site SITE] [--medium ID]              every set on the media that are plugged in
  show    SET                                      one set: parts, sizes, copies, what was verified and when
  verify  SET | --all [--medium ID]                read back from the medium, compared with manifest and SHA256SUMS
  status  [--site SITE]                            3-2-1 of each site: copies, media kinds, off-site, each with its age
  drill   [SET | --latest] [--site SITE]           restore into a throw-away place and prove it equal
  drill   --due                                    the sites whose proof is due (for the schedule)
  restore SET --to DIR [--file PATTERN | --table NAME | --database NAME]   into a fresh folder, compared
  restore SET --database NAME --into SERVER        into a database server, under a new name
  restore SET --site SITE [--yes]                  onto the host: shown first; what is there is saved before
  export-iso SET --size cd|dvd|bd|BYTES --to DIR   cut to disc-size images, each readable alone, with par2 recovery
  export-iso … --burn DEVICE                       ... and burnt, and read back from the disc
  import-iso DISC... --to DIR                      put together again, damaged discs repaired; a missing one is named
  prune   [--medium ID] [--apply]                  what retention would remove; with --apply it is removed

SET is a set's name or the beginning of it that no other has. `laman run backup` makes new ones.

example:
  laman -i inventory/kantor backup status
  laman -i inventory/kantor backup verify --all --medium disk-a
  laman -i inventory/kantor backup export-iso 20261122T0100 --size dvd --to /srv/discs --burn /dev/sr0
  laman -i inventory/kantor backup prune --apply
  laman -i inventory/kantor backup drill --latest --site www
  laman -i inventory/kantor backup restore 20261122T0100 --to /srv/lihat --file 'wp-content/uploads/*.pdf'
  laman -i inventory/kantor backup restore 20261122T0100 --site www --yes
"""

from __future__ import annotations

import argparse
import importlib

from reporting.cli.main import Parser

_ACTIONS = {
    "list": ("reporting.cli.backup_list", "every set on the media that are plugged in"),
    "show": ("reporting.cli.backup_list", "one set with its parts, copies and proofs"),
    "verify": ("reporting.cli.backup_verify", "read sets back from their medium and compare"),
    "status": ("reporting.cli.backup_status", "copies, media kinds, off-site (3-2-1) of each site, each with its age"),
    "drill": ("reporting.cli.backup_drill", "restore into a throw-away place and prove it equal"),
    "restore": ("reporting.cli.backup_restore", "bring a set, a database, a file or a whole site back"),
    "export-iso": ("reporting.cli.backup_discs", "cut a set to discs with par2 recovery; burn them"),
    "import-iso": ("reporting.cli.backup_discs", "put a set together from its discs; damaged ones are repaired"),
    "prune": ("reporting.cli.backup_prune", "retention: show the plan, or carry it out"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options: an action, and the rest of the line for its own parser."""
    parser.usage = "laman [-i INVENTORY] backup ACTION …"
    parser.add_argument("action", choices=_ACTIONS, metavar="ACTION", help=", ".join(_ACTIONS))
    parser.add_argument("rest", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)


def run(options: argparse.Namespace) -> int:
    """Do one action; only its own module is imported. Returns the exit code."""
    name, text = options.action, _ACTIONS[options.action][1]
    module = importlib.import_module(_ACTIONS[name][0])
    parser = Parser(
        prog=f"laman backup {name}",
        description=f"{text[0].upper()}{text[1:]}.\n\n{_examples(name)}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("-i", "--inventory", metavar="DIR", default=options.inventory, help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true", help="print it as JSON")
    module.add_arguments(name, parser)
    return int(module.run(parser.parse_args(options.rest, argparse.Namespace(action=name))))


def _examples(name: str) -> str:
    """The lines of this page's synopsis and examples that are about an action."""
    lines = (__doc__ or "").splitlines()
    return "\n".join(line for line in lines if line.split()[:1] == [name] or f" backup {name} " in f"{line} ")
