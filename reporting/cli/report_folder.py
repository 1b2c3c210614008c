"""The workbook into a folder or a mounted share: written beside, read back, compared, then named. Never twice."""

from __future__ import annotations

import errno
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from reporting.cli.common import Refused, local, this_agent
from reporting.events import KIND_DELIVERED, ReportDelivered
from reporting.files import sha256_file, whole_file
from reporting.ledger import Draft
from reporting.runner.model import Record

_FSTAB = Path("/etc/fstab")
_MOST_NAMES = 1_000
_WHY = {
    errno.ENOSPC: "is full",
    errno.EDQUOT: "is full (quota)",
    errno.EROFS: "is read-only",
    errno.EACCES: "may not be written to by this user",
    errno.EPERM: "may not be written to by this user",
    errno.ESTALE: "is a share that went away: mount it again",
}


@dataclass(frozen=True)
class Parcel:
    """A workbook to be put somewhere, and what it says (`figures_hash`), whatever its bytes are."""

    period: str
    content: bytes
    figures_hash: str


def put(record: Record, folder: Path, parcel: Parcel, *, again: bool) -> str:
    """Put a workbook into a folder that is there already; returns what is to be said about it.

    A file that has the name keeps it: the new one is called `…-2.xlsx`. The same figures go there once, unless `again`.

    Raises:
        Refused: the folder is not there, not mounted, full, read-only; or what was read back is not what was written.
    """
    before = _delivered(record, folder, parcel)
    if before is not None and not again:
        when = local(before.at, record.inventory)
        return f"not put there again: {before.folder}/{before.file} has the same figures since {when}"
    check_folder(folder)
    stem = f"laman-{record.inventory.unit.id}-{parcel.period.replace('..', '_')}"
    try:
        name = _write(folder, stem, parcel.content)
    except OSError as error:
        why = _WHY.get(error.errno or 0, f"cannot be written to: {error.strerror or error}")
        raise Refused(f"{folder} {why}; nothing was put there (laman_unit.delivery.folder)") from None
    agent = this_agent()
    event = ReportDelivered(
        period=parcel.period,
        folder=str(folder),
        file=name,
        sha256=hashlib.sha256(parcel.content).hexdigest(),
        figures_hash=parcel.figures_hash,
        at=record.clock(),
        agent=agent,
    )
    record.ledger.append([Draft(KIND_DELIVERED, parcel.period, f"{agent.kind}:{agent.name}", event.json_value())])
    return f"{folder / name}: written and read back"


def _delivered(record: Record, folder: Path, parcel: Parcel) -> ReportDelivered | None:
    """The last time that the same figures were put there."""
    found = None
    for event in record.ledger.events([KIND_DELIVERED]):
        delivered = ReportDelivered.model_validate(event.data)
        same = (delivered.period, delivered.figures_hash) == (parcel.period, parcel.figures_hash)
        if same and delivered.folder == str(folder):
            found = delivered
    return found


def check_folder(folder: Path) -> None:
    """The folder is there; where it belongs to a share of /etc/fstab, that is mounted. It is never made here.

    Raises:
        Refused: it is not.
    """
    point = unmounted(folder)
    if point is not None:
        raise Refused(f"{point} is in {_FSTAB} and is not mounted: mount it (nothing was put beside it)")
    try:
        is_folder = folder.is_dir()
    except OSError as error:
        raise Refused(f"{folder}: {error.strerror or error}: is the share mounted?") from None
    if not is_folder:
        raise Refused(f"{folder}: no such folder: is the share mounted? laman does not make it")


def unmounted(folder: Path, fstab: Path = _FSTAB) -> Path | None:
    """The mount point of `fstab` that the folder belongs to, if nothing is mounted there now."""
    try:
        lines = fstab.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None  # a system without one says nothing about mounts
    fields = [line.split() for line in lines if not line.lstrip().startswith("#")]
    points = [Path(f[1].replace("\\040", " ")) for f in fields if len(f) > 2 and f[1].startswith("/")]
    ours = [p for p in points if p != Path("/") and folder.is_relative_to(p)]
    deepest = max(ours, key=lambda p: len(p.parts), default=None)
    return deepest if deepest is not None and not os.path.ismount(deepest) else None


def _write(folder: Path, stem: str, content: bytes) -> str:
    """Under the first name that is free; returns the name."""
    for number in range(1, _MOST_NAMES):
        path = folder / (f"{stem}.xlsx" if number == 1 else f"{stem}-{number}.xlsx")
        if os.path.lexists(path):
            continue
        try:
            _write_and_read_back(path, content)
        except FileExistsError:
            continue  # somebody took the name in this moment
        return path.name
    raise Refused(f"{folder}: {stem}.xlsx and {_MOST_NAMES - 2} more of that name are there: tidy it up")


def _write_and_read_back(path: Path, content: bytes) -> None:
    """The name comes last: a file that was not read back equal never has it."""
    with whole_file(path, mode=0o644) as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
        os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)  # read the medium, not the memory of it
        beside = Path(f"/proc/self/fd/{stream.fileno()}").readlink()
        if sha256_file(beside)[0] != hashlib.sha256(content).hexdigest():
            raise OSError(errno.EIO, "what was read back is not what was written")
