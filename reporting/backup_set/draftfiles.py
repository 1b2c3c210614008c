"""The files of a draft: written whole, hashed, removed again; and the part of the manifest that describes one."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from reporting.backup_set import manifest as m
from reporting.backup_set.store import Stored


@dataclass(frozen=True)
class Origin:
    """Where a part comes from: its name in the set, its path or database name on the host, how it was read there."""

    name: str
    source: str
    method: str


def part_of(
    origin: Origin,
    kind: Literal["tree"] | m.DatabaseKind,
    stored: Stored,
    what: m.Tree | m.Database,
    cost: tuple[float, int],
) -> m.Part:
    """The manifest's part for a stored file; `cost`: when it began (monotonic clock), and bytes that came for it."""
    return m.Part(
        name=origin.name,
        kind=kind,
        source=origin.source,
        method=origin.method,
        file=stored.name,
        source_bytes=stored.source_bytes,
        source_sha256=stored.source_sha256,
        stored_bytes=stored.stored_bytes,
        sha256=stored.sha256,
        frames=stored.frames,
        seconds=round(time.monotonic() - cost[0], 3),
        line_bytes=cost[1],
        tree=what if isinstance(what, m.Tree) else None,
        database=what if isinstance(what, m.Database) else None,
    )


def lines(path: Path) -> Iterator[bytes]:
    """The lines of a file, one by one."""
    with path.open("rb") as stream:
        yield from stream


def hashed(path: Path) -> str:
    """SHA-256 (hex) of a file that was just written."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def remove(paths: Iterable[Path]) -> None:
    """Remove files, whichever are there."""
    for path in paths:
        remove_quietly(path)


def write(path: Path, content: bytes) -> None:
    """Write a new file, durably."""
    with path.open("xb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def remove_quietly(path: Path) -> None:
    """Remove a part's file; on a medium that is gone there is nothing to remove, and the first error matters."""
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return


__all__ = ["Origin", "hashed", "lines", "part_of", "remove", "remove_quietly", "write"]
