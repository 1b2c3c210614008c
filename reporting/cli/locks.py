"""One person at a time: from reading what is on record to appending the step that was decided upon."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from reporting.cli.common import Refused
from reporting.runner.model import Record

PATIENCE_SECONDS = 30.0  # a step takes a moment; somebody who holds the lock for longer is stuck


@contextmanager
def step_lock(record: Record, name: str, what: str, patience: float = PATIENCE_SECONDS) -> Iterator[None]:
    """Hold `locks/<name>.lock`. `what`: what is being changed, for the one who has to wait in vain.

    Raises:
        Refused: another laman has held it for `patience` seconds.
    """
    record.locks.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(record.locks / f"{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        deadline = time.monotonic() + patience
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise Refused(f"another laman is changing {what} and does not end: try again") from None
                time.sleep(0.05)
        yield
    finally:
        os.close(descriptor)
