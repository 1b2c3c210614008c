"""Ends what a run started when laman itself is gone (kill -9, out of memory).

Started by `supervise` as a small process of its own with a pipe on its standard input. While laman lives it waits.
`done` on the pipe means that laman has cleaned up. End of file without it means that laman died: every process that
carries the run's mark in its environment, or names the run's folder in its command line (ssh's control master), is
ended, and the run's private folder is removed. Standard library only, so that it starts fast.

Usage: watchdog.py MARK PRIVATE_FOLDER
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from pathlib import Path

MARK_VARIABLE = "LAMAN_RUN"
_GRACE_SECONDS = 3.0


def marked_processes(mark: str, folder: str) -> list[int]:
    """Processes of this user, other than ourselves, that belong to the run."""
    wanted = f"{MARK_VARIABLE}={mark}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            marked = wanted in (entry / "environ").read_bytes().split(b"\0")
            if marked or folder.encode() in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue  # it ended meanwhile, or is another user's
    return found


def end_processes(mark: str, folder: str, grace: float = _GRACE_SECONDS) -> None:
    """TERM, a grace, then KILL until nothing that carries the mark is left."""
    for pid in marked_processes(mark, folder):
        _signal(pid, signal.SIGTERM)
    deadline = time.monotonic() + grace
    while time.monotonic() < deadline:
        if not marked_processes(mark, folder):
            return
        time.sleep(0.1)
    for _ in range(50):
        left = marked_processes(mark, folder)
        if not left:
            return
        for pid in left:
            _signal(pid, signal.SIGKILL)
        time.sleep(0.1)


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        return  # ended meanwhile


def main() -> None:
    """Wait for laman's word, or for its end."""
    mark, folder = sys.argv[1:3]
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)  # a terminal's Ctrl-C reaches us too; laman decides
    if sys.stdin.buffer.read() == b"done":
        return
    end_processes(mark, folder)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
