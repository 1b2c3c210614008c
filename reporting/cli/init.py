"""Make a new agency's inventory: commented, ready to edit.

example:
  laman init ~/laman-kantor
  nano ~/laman-kantor/group_vars/all/unit.yml
  laman -i ~/laman-kantor check
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from reporting.cli.common import Refused
from reporting.cli.main import EXIT_OK
from reporting.runner.play import PROJECT

_EXAMPLE = PROJECT / "inventory" / "example"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("folder", metavar="DIR", help="the new inventory folder")


def run(options: argparse.Namespace) -> int:
    """Copy the example; returns the exit code."""
    folder = Path(options.folder).expanduser()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Refused(f"{folder}: is there already and is not empty; name a new folder")
    if not _EXAMPLE.is_dir():
        raise Refused(f"{_EXAMPLE}: the example is missing; run laman from a whole checkout")
    shutil.copytree(_EXAMPLE, folder, dirs_exist_ok=True)
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    print(f"{folder}: {', '.join(files)}")
    print(f"next: edit {folder / 'hosts.yml'} and {folder / 'group_vars/all/unit.yml'}, then: laman -i {folder} check")
    return EXIT_OK
