"""A set removed so that a crash at any moment leaves either a whole set, or something that no command takes for one.

First it is renamed to `<set>.dihapus` (one step, made durable), then that is put on record, then its files are deleted.
What an interrupted run left under that name, the next one puts on record and deletes.
"""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reporting.backup_set.catalog import REMOVED, Found
from reporting.backup_set.medium import SETS, MediumError, MediumReport, check_same
from reporting.backup_set.reading import unread
from reporting.files import sync_folder


@contextmanager
def alone(report: MediumReport, site: str) -> Iterator[None]:
    """No backup of the site writes to the medium meanwhile or takes over from a set there, and nobody reads one.

    Raises:
        MediumError: one does, or the medium is not the same any more. OSError: it is read-only.
    """
    check_same(report)
    home = Path(report.path) / SETS / site
    with (home / ".lock").open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise MediumError(f"a backup of {site} is writing to {home}: prune when it has ended") from None
        with unread(home):
            yield


def take_out(report: MediumReport, found: Found) -> Path:
    """Rename a set so that it is none any more; returns its folder's new place.

    Raises:
        MediumError: the medium is not the same any more. OSError: it cannot be written.
    """
    check_same(report)
    out = found.folder.with_name(found.name.lstrip(".").removesuffix(".part") + REMOVED)
    found.folder.rename(out)
    sync_folder(out.parent)
    return out


def delete(report: MediumReport, folder: Path) -> int:
    """Delete what was taken out; returns the bytes that its files had.

    Raises:
        MediumError: the medium is not the same any more, or the folder is a set. OSError: it cannot be written.
    """
    check_same(report)
    if not folder.name.endswith(REMOVED):
        raise MediumError(f"{folder} was not taken out: it is not deleted")
    size = sum(entry.lstat().st_size for entry in folder.rglob("*") if entry.is_file() and not entry.is_symlink())
    shutil.rmtree(folder)
    sync_folder(folder.parent)
    return size


__all__ = ["alone", "delete", "take_out"]
