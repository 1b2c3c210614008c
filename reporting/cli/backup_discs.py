"""`backup export-iso` and `backup import-iso`: a set cut to discs, burnt and read back; and put together again."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from reporting.backup_set import manifest as m
from reporting.backup_set.agefiles import encrypt_set
from reporting.backup_set.catalog import Found
from reporting.backup_set.discjoin import join
from reporting.backup_set.discmake import Layout, Made, check_room, lay_out, make_discs, read_back
from reporting.backup_set.discs import SIZES, disc_size
from reporting.backup_set.disctools import address, burn
from reporting.backup_set.reading import reading
from reporting.cli.backup_known import Meter, chosen, look, place_arguments, set_argument, size
from reporting.cli.common import Refused, command_line, inventory_of, opened, this_agent
from reporting.cli.main import EXIT_OK
from reporting.events import KIND_BACKUP_COPIED, BackupCopied, DiscMade
from reporting.ledger import Draft
from reporting.text import harmless
from reporting.unit import Inventory

_NUMBER = "{n}"


def add_arguments(name: str, parser: argparse.ArgumentParser) -> None:
    """The options of one action."""
    parser.add_argument("--to", metavar="DIR", required=True, help="the folder for the result (it must be there)")
    if name == "import-iso":
        parser.add_argument("disc", nargs="+", metavar="DISC", help="image, drive, or folder with a disc's content")
        parser.add_argument("--identity", metavar="FILE", help="private age key, for discs that are encrypted")
        return
    set_argument(parser)
    place_arguments(parser)
    sizes = ", ".join(f"{key} {size(value)}" for key, value in SIZES.items())
    parser.add_argument("--size", required=True, metavar="SIZE", help=f"{sizes}, or a number of bytes")
    parser.add_argument("--par2", type=float, metavar="PERCENT", help="recovery data (default: backup.par2_percent)")
    parser.add_argument("--burn", metavar="DEVICE", help="burn each image, e.g. /dev/sr0 (stdio:FILE-{n}: to a file)")
    parser.add_argument("--off-site", action="store_true", help="the discs leave the building")
    parser.add_argument("--place", default="", metavar="TEXT", help="where the discs are kept, for the record")


def run(options: argparse.Namespace) -> int:
    """Cut a set to discs, or join discs; returns the exit code."""
    inventory = inventory_of(options)
    target = Path(options.to).expanduser()
    if not target.is_dir():
        raise Refused(f"--to {target}: no such folder")
    if options.action == "import-iso":
        return _join(options, target, inventory)
    found = chosen(look(inventory, options.medium, options.site), options.set)
    if found.state != "whole":
        raise Refused(f"set {found.name} is {found.state}: export a whole one ({harmless(found.problem, 200)})")
    percent = inventory.unit.backup.par2_percent if options.par2 is None else options.par2
    if not 1 <= percent <= 100:
        raise Refused(f"--par2 {percent:g}: a share from 1 to 100 percent is expected")
    with reading(found.folder.parent), _source(found, target, inventory, options.json) as (folder, encrypted):
        layout = lay_out(folder, found.site, disc_size(options.size), percent, encrypted)
        check_room(layout, target)
        _check_device(options.burn, len(layout.discs))
        return _export(options, found, layout, target, inventory)


@contextmanager
def _source(found: Found, target: Path, inventory: Inventory, quiet: bool) -> Iterator[tuple[Path, bool]]:
    """The set's folder as it goes onto the discs: as it is, or encrypted beside them for the time of the run."""
    recipients = inventory.unit.backup.disc_recipients
    if not recipients:
        yield found.folder, False
        return
    free = shutil.disk_usage(target).free
    if free < found.stored_bytes * 3:
        raise Refused(f"--to {target}: {size(free)} free, {size(found.stored_bytes * 3)} are needed to encrypt the set")
    meter = Meter(found.stored_bytes, quiet=quiet)
    meter.name(f"encrypting {found.name}")
    with tempfile.TemporaryDirectory(prefix=".laman-age-", dir=target) as work:
        encrypt_set(found.folder, Path(work) / found.name, recipients, meter)
        meter.end()
        yield Path(work) / found.name, True


def _check_device(device: str | None, discs: int) -> None:
    if device is not None and discs > 1 and _NUMBER not in device and not sys.stdin.isatty():
        raise Refused(f"--burn {device}: {discs} discs have to be put in one after another: run it at a terminal")


def _export(options: argparse.Namespace, found: Found, layout: Layout, target: Path, inventory: Inventory) -> int:
    meter = Meter(layout.total_bytes, quiet=options.json)
    meter.name(f"{len(layout.discs)} discs of {found.name}")
    burnt: list[DiscMade] = []
    how = ""
    for made in make_discs(layout, target, meter):
        device = ""
        how = "image read back through xorriso, SHA-256 of every file equal"
        if options.burn is not None:
            device = options.burn.replace(_NUMBER, str(made.number))
            how = _burn(made, len(layout.discs), device, ask=_NUMBER not in options.burn and len(layout.discs) > 1)
        burnt.append(DiscMade(number=made.number, volume=made.volume, file=made.image.name, bytes=made.bytes,
                              sha256=made.sha256, device=device))  # fmt: skip
        if not options.json:
            print(f"disc {made.number} of {len(layout.discs)}: {made.volume}, {size(made.bytes)}, {made.image}: {how}")
    summary = meter.end()
    with opened(inventory) as record:
        to = inventory.unit.backup.disc_recipients if layout.encrypted else []
        more = {"par2_percent": layout.percent, "verified": how, "encrypted_to": to}
        copied = _copied(options, found, burnt).model_copy(update=more)
        who = f"{copied.agent.kind}:{copied.agent.name}"
        record.ledger.append([Draft(KIND_BACKUP_COPIED, found.site, who, copied.json_value())])
    _tell(options, copied, summary, inventory)
    return EXIT_OK


def _burn(made: Made, discs: int, device: str, ask: bool) -> str:
    """One disc, read back from it. At a terminal the next disc is asked for."""
    if ask:
        print(f"put an empty disc into {device} for disc {made.number} of {discs}, then press Enter", file=sys.stderr)
        input()
    burn(made.image, device)
    return read_back(made, address(device))


def _copied(options: argparse.Namespace, found: Found, discs: list[DiscMade]) -> BackupCopied:
    now = datetime.now(UTC)
    return BackupCopied(
        copy_id=f"{found.set}-{now:%Y%m%dT%H%M%SZ}",
        set=found.name,
        site=found.site,
        from_medium=found.medium,
        kind="optical_disc",
        burnt=options.burn is not None,
        off_site=options.off_site,
        place=harmless(options.place, 500),
        discs=discs,
        at=now,
        agent=this_agent(),
    )


def _tell(options: argparse.Namespace, copied: BackupCopied, summary: str, inventory: Inventory) -> None:
    if options.json:
        print(json.dumps(copied.json_value(), indent=2, ensure_ascii=False))
        return
    locked = f", encrypted to {len(copied.encrypted_to)} key(s)" if copied.encrypted_to else ""
    print(f"{len(copied.discs)} discs, {summary}, {copied.par2_percent:g} % recovery data on each{locked}")
    if copied.burnt:
        print(f"Write the volume name on each disc. Next: {command_line(inventory, 'backup', 'status')}")
    else:
        print("Images only: they count as a copy once they are burnt. Next: the same command with --burn DEVICE into "
              "another folder, or burn the images elsewhere")  # fmt: skip


def _join(options: argparse.Namespace, target: Path, inventory: Inventory) -> int:
    discs = list(_expanded(options.disc))
    identity = Path(options.identity).expanduser() if options.identity else None
    if identity is not None and not identity.is_file():
        raise Refused(f"--identity {identity}: no such file")
    joined = join(discs, target, lambda line: print(harmless(line, 300), file=sys.stderr), identity)
    if options.json:
        print(json.dumps({"set": joined.set, "site": joined.site, "folder": str(joined.folder),
                          "repaired": joined.repaired, "encrypted": joined.encrypted}, indent=2))  # fmt: skip
        return EXIT_OK
    mended = f", repaired: {', '.join(joined.repaired)}" if joined.repaired else ""
    print(f"set {joined.set} of {joined.site} put together from {len(discs)} discs, {m.SUMS} fulfilled{mended}")
    if joined.encrypted:
        print(f"It is encrypted still: {joined.folder}. Next: the same command with --identity FILE (the private key)")
        return EXIT_OK
    print(f"Next: follow {joined.folder / m.HOWTO}, or: "
          f"{command_line(inventory, 'backup', 'restore', str(joined.folder), '--to')} DIR")  # fmt: skip
    return EXIT_OK


def _expanded(named: list[str]) -> Iterator[str]:
    for source in named:
        if not source.startswith("/dev/") and not Path(source).exists():
            raise Refused(f"{source}: no such image, drive or folder")
        yield source
