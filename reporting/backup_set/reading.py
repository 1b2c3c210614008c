"""Who reads a set that prune might remove: a lock beside the sets of a site, shared by readers, alone for prune.

It is another lock than the one of a backup (`.lock`): a backup adds a set and removes none, so that a drill of an hour
keeps nobody from making one, and a restore may save what was there as a set while it reads another.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reporting.backup_set.medium import MediumError

NAME = ".baca"
_NOT_WRITABLE = (errno.EROFS, errno.EACCES, errno.EPERM)


@contextmanager
def reading(home: Path) -> Iterator[None]:
    """No prune removes a set below `home` (a site's folder on a medium) meanwhile; many may read at once.

    A folder that no backup writes to (a set that was put together from discs) has no lock; a medium that cannot be
    written has none that prune could take either.

    Raises:
        MediumError: a prune is at work. OSError: the folder cannot be read.
    """
    if not (home / ".lock").exists():
        yield
        return
    try:
        number = os.open(home / NAME, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        if error.errno not in _NOT_WRITABLE:
            raise
        yield
        return
    try:
        _lock(number, fcntl.LOCK_SH, f"a prune is removing sets of {home}: wait for its end")
        yield
    finally:
        os.close(number)


@contextmanager
def unread(home: Path) -> Iterator[None]:
    """Nobody reads a set below `home` meanwhile.

    Raises:
        MediumError: somebody does. OSError: the medium cannot be written.
    """
    number = os.open(home / NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        _lock(number, fcntl.LOCK_EX, f"a set in {home} is being read (drill, restore, export): prune when it has ended")
        yield
    finally:
        os.close(number)


def _lock(number: int, kind: int, busy: str) -> None:
    try:
        fcntl.flock(number, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        raise MediumError(busy) from None


__all__ = ["reading", "unread"]
