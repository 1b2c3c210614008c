"""Ends what a run started: at its deadline, on Ctrl-C or SIGTERM, and when it is over.

ansible's workers call setsid(), so neither a process group nor ansible-runner's own time-out reaches them. What does:
we become the subreaper of everything that descends from us, and look in /proc for descendants.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from types import FrameType, TracebackType
from typing import Literal

import psutil

from reporting.runner import watchdog

_PR_SET_CHILD_SUBREAPER = 36
_GRACE_SECONDS = 10.0
Cause = Literal["timed_out", "cancelled"]


class Supervisor:
    """A context in which a run lives, with a private folder; nothing that it started outlives the context.

    `stop_cause` tells why the run was ended, if it was.
    """

    def __init__(self, limit_seconds: float, tick: Callable[[], None] = lambda: None) -> None:
        self.mark = uuid.uuid4().hex
        self.stop_cause: Cause | None = None
        self._deadline = time.monotonic() + limit_seconds
        self._tick = tick
        self._told_at: float | None = None
        self._before = {child.pid for child in psutil.Process().children()}
        self._handlers: dict[int, signal.Handlers | Callable[[int, FrameType | None], object] | int | None] = {}
        memory = Path("/dev/shm")  # noqa: S108 - mkdtemp makes a private folder; secrets do not touch a disk there
        base = memory if os.access(memory, os.W_OK) else None
        self.folder = Path(tempfile.mkdtemp(prefix="laman-", dir=base))

    def __enter__(self) -> Supervisor:
        _become_subreaper()
        self._watchdog = subprocess.Popen(
            [sys.executable, "-I", "-S", watchdog.__file__, self.mark, str(self.folder)],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        self._before.add(self._watchdog.pid)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            self._handlers[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._end(self._descendants())
        watchdog.end_processes(self.mark, str(self.folder), grace=0.2)
        shutil.rmtree(self.folder, ignore_errors=True)
        self._watchdog.communicate(b"done")
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def environment(self) -> dict[str, str]:
        """What marks the processes of this run."""
        return {watchdog.MARK_VARIABLE: self.mark}

    def should_stop(self) -> bool:
        """ansible-runner's cancel callback: told once to end, everything gets a grace before the run is given up."""
        self._tick()
        now = time.monotonic()
        if self.stop_cause is None and now > self._deadline:
            self.stop_cause = "timed_out"
        if self.stop_cause is None:
            return False
        if self._told_at is None:
            self._told_at = now
            for process in self._descendants():
                _tell(process, signal.SIGTERM)
        return now - self._told_at > _GRACE_SECONDS

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.stop_cause = self.stop_cause or "cancelled"

    def _descendants(self) -> list[psutil.Process]:
        """All that descends from us, but for what was there before and the watchdog."""
        found = []
        for child in psutil.Process().children(recursive=False):
            if child.pid in self._before:
                continue
            found.append(child)
            try:
                found.extend(child.children(recursive=True))
            except psutil.NoSuchProcess:
                continue  # it ended meanwhile; its children are ours now and come with the next look
        return found

    def _end(self, processes: list[psutil.Process]) -> None:
        """KILL and wait until nothing descends from us any more."""
        for _ in range(100):
            if not processes:
                return
            for process in processes:
                _tell(process, signal.SIGKILL)
            psutil.wait_procs(processes, timeout=0.2)
            processes = self._descendants()


def _tell(process: psutil.Process, number: int) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return  # ended meanwhile


def _become_subreaper() -> None:
    """Orphans of ours become our children instead of init's (Linux; elsewhere the watchdog's mark has to do)."""
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER) failed")
