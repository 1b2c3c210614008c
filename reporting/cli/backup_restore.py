r"""`backup restore`: a set becomes files, a loaded database, or the site again.

A set's folder, or a cPanel full backup (backup-*.tar.gz, cpmove-*.tar.gz), can be named by its path too.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reporting.backup_set.cpanel_archive import is_archive, restore_archive
from reporting.backup_set.intoserver import Target, load_into
from reporting.backup_set.manifest import NAME, read_manifest
from reporting.backup_set.opened import SetSource
from reporting.backup_set.reading import reading
from reporting.backup_set.restore import Restored, Wanted, restore_set
from reporting.cli.backup_known import chosen, look, require_recorded, set_argument, size
from reporting.cli.common import Refused, command_line, inventory_of, opened
from reporting.cli.main import EXIT_DEVIATIONS, EXIT_OK
from reporting.text import harmless
from reporting.unit import Inventory

_PASSWORD = "LAMAN_SECRET_RESTORE_DB"  # noqa: S105 - the name of a variable


@dataclass(frozen=True)
class Source:
    """What is restored: the folder of a set, or the file of a cPanel archive. `medium`: its id, "" by path."""

    path: Path
    name: str
    site: str = ""
    medium: str = ""


def add_arguments(_name: str, parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    set_argument(parser)
    parser.add_argument("--medium", metavar="ID", help="only sets on this medium")
    parser.add_argument("--to", metavar="DIR", help="into this folder, which is not there yet or is empty")
    parser.add_argument("--file", action="append", default=[], metavar="PATTERN", help="only these files (* ? [x])")
    parser.add_argument("--table", action="append", default=[], metavar="NAME", help="only these tables, as SQL")
    parser.add_argument("--database", action="append", default=[], metavar="NAME", help="only these databases")
    parser.add_argument("--links-out", action="store_true", help="also make links that lead out of the tree")
    parser.add_argument("--owners", action="store_true", help="keep owners by number (as root)")
    server = parser.add_argument_group("into a database server, with --database")
    server.add_argument("--into", metavar="SERVER", help="/path/of/socket, or host[:port]")
    server.add_argument("--user", metavar="NAME", help=f"account there; its password is in {_PASSWORD}")
    server.add_argument("--as", dest="new_name", metavar="NAME", help="name of the database there (must be new)")
    site = parser.add_argument_group("back onto the site's host")
    site.add_argument("--site", metavar="SITE", help="shows what would change; with --yes it is done")
    site.add_argument("--yes", action="store_true", help="do it: what is there is saved as a set before")
    site.add_argument("--delete-extra", action="store_true", help="remove files and tables that the set has not")
    site.add_argument("--definer", choices=["keep", "current"], default="keep", help="of views, triggers, routines")
    site.add_argument("--no-undo", action="store_true", help="go on where what is there cannot be saved first")
    site.add_argument("--incomplete", action="store_true", help="--delete-extra even with an incomplete set")
    site.add_argument("--special-bits", action="store_true", help="keep setuid and setgid (taken off otherwise)")


def run(options: argparse.Namespace) -> int:
    """Restore; exit 2 when something was left out, or the site is not equal afterwards."""
    inventory = inventory_of(options)
    named = [bool(options.to), bool(options.into), bool(options.site)]
    if named.count(True) != 1:
        raise Refused("say where to: --to DIR, --into SERVER (with --database), or --site SITE")
    source = _source(inventory, options)
    if source.path.is_file():
        return _restored(options, inventory, source)
    with reading(source.path.parent):
        with opened(inventory) as record:
            unknown = require_recorded(source.path, source.site, source.name, record, source.medium)
        if unknown:
            print(unknown, file=sys.stderr)
        return _restored(options, inventory, source)


def _restored(options: argparse.Namespace, inventory: Inventory, source: Source) -> int:
    if options.site:
        from reporting.cli.backup_restore_site import restore_site

        return restore_site(options, inventory, source.path, source.name, source.medium)
    if options.into:
        return _into(options, source)
    return _to_folder(options, inventory, source)


def _source(inventory: Inventory, options: argparse.Namespace) -> Source:
    path = Path(options.set).expanduser()
    if os.sep in options.set and is_archive(path):
        return Source(path, path.name)
    if os.sep in options.set and (path / NAME).is_file():
        return Source(path, path.name, read_manifest(path).site)
    found = chosen(look(inventory, options.medium), options.set)
    return Source(found.folder, found.name, found.site, found.medium)


def _to_folder(options: argparse.Namespace, inventory: Inventory, source: Source) -> int:
    wanted = Wanted(
        tuple(options.file), tuple(options.table), tuple(options.database), options.links_out, options.owners
    )
    target = Path(options.to).expanduser().absolute()
    if source.path.is_file():
        if wanted.tables:
            raise Refused("--table needs a set of laman; from a cPanel archive restore the --database")
        restored, missing = restore_archive(source.path, target, wanted), []
    else:
        missing = read_manifest(source.path).lacks()
        restored = restore_set(SetSource(source.path), target, wanted)
    _tell(restored, source, inventory, missing, options.json)
    return EXIT_DEVIATIONS if restored.left_out or missing else EXIT_OK


def _tell(restored: Restored, source: Source, inventory: Inventory, missing: list[str], as_json: bool) -> None:
    if as_json:
        print(json.dumps(_data(restored, source) | {"set_problems": missing}, indent=2, ensure_ascii=False))
        return
    speed = restored.file_bytes / max(restored.seconds, 1e-6) / 1e6
    print(f"{source.name}: {restored.files} files ({size(restored.file_bytes)}), each compared by SHA-256, "
          f"in {restored.seconds:.1f} s ({speed:.0f} MB/s)")  # fmt: skip
    for what, names in (("databases as files", restored.databases), ("tables as SQL", restored.tables)):
        if names:
            print(f"{what}: {', '.join(map(harmless, names))}")
    for line in restored.left_out[:50]:
        print(f"left out: {harmless(line, 300)}")
    if len(restored.left_out) > 50:
        print(f"left out: and {len(restored.left_out) - 50} more (--json lists all)")
    for line in restored.altered[:50]:
        print(f"altered: {harmless(line, 300)}")
    for line in missing:
        print(line)
    print(f"Next: look at {restored.folder}; a database: mariadb NAME < FILE.sql, or "
          f"{command_line(inventory, 'backup', 'restore', source.name)} --database NAME --into SERVER")  # fmt: skip


def _data(restored: Restored, source: Source) -> dict[str, Any]:
    return {
        "set": source.name,
        "folder": str(restored.folder),
        "files": restored.files,
        "file_bytes": restored.file_bytes,
        "databases": restored.databases,
        "tables": restored.tables,
        "left_out": restored.left_out,
        "altered": restored.altered,
        "seconds": round(restored.seconds, 3),
    }


def _into(options: argparse.Namespace, source: Source) -> int:
    """One database into a server that the person named, under a name that is new there."""
    if len(options.database) != 1 or source.path.is_file():
        raise Refused("--into takes one --database of a set")
    target = Target.read(options.into, options.user, os.environ.get(_PASSWORD))
    loaded = load_into(SetSource(source.path), options.database[0], target, options.new_name)
    if options.json:
        print(json.dumps({"database": loaded.name, "tables": len(loaded.tables), "rows": loaded.rows}, indent=2))
    else:
        print(f"{loaded.name}: {len(loaded.tables)} tables, {loaded.rows} rows loaded; {loaded.checked}")
        print(f"Next: look at it: mariadb {harmless(loaded.name)}")
    return EXIT_OK if loaded.equal else EXIT_DEVIATIONS
