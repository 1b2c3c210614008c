"""Folders for what is thrown away: marked, locked while in use, swept with their processes when their run was killed.

<home>/laman-drill-<random>/LAMAN-SCRATCH.json   what it is, and the short folder of its sockets
<home>/laman-drill-<random>/.lock                held (flock) by the run as long as it lives, however it ends
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import shutil
import signal
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_PREFIX = "laman-drill-"
_MARK = "LAMAN-SCRATCH.json"
_SOCKETS = "lmd-"
_PDEATHSIG = 1  # prctl(2)


@dataclass(frozen=True)
class Scratch:
    """`folder` for data; `sockets`: a folder with a path short enough for a socket (107 bytes)."""

    folder: Path
    sockets: Path


@contextmanager
def scratch(home: Path) -> Iterator[Scratch]:
    """A scratch folder below `home`, gone after the block; leftovers of killed runs are removed first.

    Raises:
        OSError: `home` cannot be written.
    """
    home.mkdir(mode=0o711, parents=True, exist_ok=True)
    sweep(home)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=home))
    sockets = Path(tempfile.mkdtemp(prefix=_SOCKETS))
    try:
        with (folder / ".lock").open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            (folder / _MARK).write_text(json.dumps({"sockets": str(sockets)}))
            for each in (folder, sockets):
                each.chmod(0o711)  # servers that run as somebody else pass through
            yield Scratch(folder, sockets)
    finally:
        _end_processes(folder)
        remove_tree(folder)
        remove_tree(sockets)


def reachable(home: Path) -> bool:
    """Whether an account without rights could enter a folder in `home`: a server that root starts runs as one."""
    if os.geteuid() != 0:
        return True
    home = home.absolute()
    there = [folder for folder in (home, *home.parents) if folder.exists()]
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in there)


def home_for(wanted: Path) -> Path:
    """`wanted`, or a folder of ours in /var/tmp where the servers could not enter it (a state folder is ours alone).

    Raises:
        OSError: somebody else put something in its place.
    """
    if reachable(wanted if wanted.exists() else wanted.parent):
        return wanted
    home = Path("/var/tmp/laman-scratch")  # noqa: S108 - ours, checked below; what is in it has random names
    home.mkdir(mode=0o711, exist_ok=True)
    seen = home.lstat()
    if not stat.S_ISDIR(seen.st_mode) or seen.st_uid != os.geteuid() or seen.st_mode & 0o022:
        raise OSError(1, "is there and not ours: remove it, or give --scratch DIR", str(home))
    home.chmod(0o711)
    return home


def sweep(home: Path) -> list[str]:
    """Remove what killed runs left below `home`, their processes first; returns the folders' names."""
    swept = []
    for folder in sorted(home.glob(f"{_PREFIX}*")):
        if folder.is_symlink() or not folder.is_dir() or not _abandoned(folder):
            continue
        _end_processes(folder)
        with suppress(OSError, ValueError, KeyError, TypeError):  # no mark yet: it has no sockets either
            sockets = Path(json.loads((folder / _MARK).read_text())["sockets"])
            if sockets.name.startswith(_SOCKETS) and sockets.is_dir() and not sockets.is_symlink():
                remove_tree(sockets)
        remove_tree(folder)
        swept.append(folder.name)
    return swept


def _abandoned(folder: Path) -> bool:
    """Whether nobody holds its lock; a folder without one is a minute old at least, or it is just being made."""
    try:
        with (folder / ".lock").open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
    except BlockingIOError:
        return False
    except FileNotFoundError:
        return time.time() - folder.stat().st_mtime > 60


def _end_processes(folder: Path) -> None:
    """End whatever has the folder in its command line: servers that outlived their run."""
    wanted = os.fsencode(folder) + b"/"
    deadline = time.monotonic() + 10
    while found := [pid for pid in _pids() if wanted in _command_line(pid)]:
        for pid in found:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if time.monotonic() > deadline:
            raise OSError(16, f"processes {found} of an old drill do not end", str(folder))
        time.sleep(0.05)


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit() and int(name) != os.getpid()]  # noqa: PTH208


def _command_line(pid: int) -> bytes:
    try:
        stat_line = Path(f"/proc/{pid}/stat").read_bytes()
        if stat_line.rpartition(b")")[2].split()[0] == b"Z":
            return b""
        return Path(f"/proc/{pid}/cmdline").read_bytes() + b"/"
    except OSError:
        return b""  # it ended while we looked


def dies_with_us() -> None:
    """For a child, after the fork: the kernel ends it when the thread that started it ends, also by kill -9."""
    ctypes.CDLL(None, use_errno=True).prctl(_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def remove_tree(folder: Path) -> None:
    """Remove a folder of ours, also where restored folders in it may not be written."""
    for _, names, _, handle in os.fwalk(os.fsencode(folder)):
        for name in names:
            if stat.S_ISDIR(os.stat(name, dir_fd=handle, follow_symlinks=False).st_mode):
                os.chmod(name, 0o700, dir_fd=handle)
    shutil.rmtree(folder)


__all__ = ["Scratch", "dies_with_us", "home_for", "reachable", "remove_tree", "scratch", "sweep"]
