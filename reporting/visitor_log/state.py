"""What is known of a site's logs, kept between collections. Never lost, never ahead of the record.

A JSON file, replaced in one step, and only after all evidence has its final name. What an execution read stays
*pending* under its id until the record is seen to hold that execution. When a run was killed between reading and
recording, the next run finds its execution missing from the record, forgets what it had read, and reads it again: its
figures are counted once, in the execution that is recorded; the dead run's files are nobody's output.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from reporting.files import replace_whole
from reporting.visitor_log.collect import HEAD, CollectError, Known

_KEEP = 5_000  # logs that are remembered; one a day for thirteen years


class _Known(BaseModel):
    model_config = ConfigDict(extra="forbid")
    head_bytes: int = Field(ge=1, le=HEAD)
    head_sha256: str
    offset: int = Field(ge=1)
    anchor_bytes: int = Field(ge=1, le=HEAD)
    anchor_sha256: str
    name: str


class _Pending(BaseModel):
    model_config = ConfigDict(extra="forbid")
    execution: str
    known: list[_Known]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")
    version: int = Field(ge=1, le=1)
    site: str
    known: list[_Known]
    pending: _Pending | None = None


class State:
    """One site's state file."""

    def __init__(self, path: Path, site: str) -> None:
        self.path = path
        self.site = site
        self.known: list[Known] = []

    def load(self, recorded: Collection[str] | None) -> None:
        """Read what is known. `recorded`: ids of executions that the record holds; None when there is none to ask.

        Raises:
            CollectError: the file is broken, or belongs to another site; it says what to do.
        """
        try:
            text = self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return
        except (OSError, UnicodeDecodeError) as error:
            raise CollectError(f"{self.path}: the collection state cannot be read: {error}") from error
        try:
            content = _File.model_validate_json(text)
        except ValidationError as error:
            what = error.errors()[0]
            where = ".".join(str(part) for part in what["loc"]) or "file"
            raise CollectError(
                f"{self.path}, {where}: {what['msg']}; put a copy back, or move the file away to collect all again"
            ) from error
        if content.site != self.site:
            raise CollectError(f"{self.path}: belongs to site {content.site!r}, not {self.site!r}")
        trusted = content.known
        if content.pending and (recorded is None or content.pending.execution in recorded):
            trusted = content.pending.known
        self.known = [Known(**one.model_dump()) for one in trusted]

    def save(self, known: Sequence[Known], execution: str | None) -> None:
        """Replace the file. With an execution, what is new stays pending until the record holds it."""
        new = [asdict(one) for one in known[-_KEEP:]]
        content: dict[str, Any] = {"version": 1, "site": self.site, "known": new, "pending": None}
        if execution:
            content["known"] = [asdict(one) for one in self.known]
            content["pending"] = {"execution": execution, "known": new}
        replace_whole(self.path, json.dumps(content, ensure_ascii=True, indent=1).encode())

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody else collects this site's logs meanwhile.

        Raises:
            CollectError: somebody does.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.with_suffix(".lock").open("wb") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise CollectError(f"{self.path}: another collection of this site's logs is going on") from None
            yield
