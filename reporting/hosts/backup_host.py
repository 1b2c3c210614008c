"""What every way of taking a part of a backup needs: the host, what came to what, and one line per thing noticed."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from ansible.errors import AnsibleError

from reporting.backup_set.store import Source
from reporting.contract import BackupMeasures, Finding, Output, Requirement
from reporting.hosts.stream import Ended, HostStream, open_stream
from reporting.text import harmless

_MAX_INSPECT = 8 << 20
Progress = Callable[[str, int], None]  # name of the part, bytes that came so far


@dataclass
class Outcome:
    """What a backup came to, in the contract's terms. Whole when nothing is in `problems` and a set was named."""

    requirements: list[Requirement] = field(default_factory=list)
    outputs: list[Output] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    measures: BackupMeasures | None = None


class Doubt(str):
    """A problem that is no failure to read: all that is there came, and it is suspiciously little."""

    __slots__ = ()


class PartFailedError(Exception):
    """One part could not be taken; the set goes on without it and is incomplete."""


@dataclass
class Host:
    """The connection and how it is used."""

    connection: Any
    become: bool
    idle: float
    progress: Progress
    rate: int = 0  # bytes a second at most; 0 for no limit

    @property
    def is_here(self) -> bool:
        """Whether the site's files can be opened by this very process."""
        return bool(self.connection.transport == "local") and not self.become

    @contextmanager
    def run(self, command: str, stdin: bytes = b"", names: bytes | None = None) -> Iterator[HostStream]:
        with open_stream(
            self.connection,
            command,
            become=self.become,
            stdin=stdin,
            idle_timeout=self.idle,
            names=names,
            rate=self.rate,
        ) as stream:
            yield stream

    def ask(self, command: str, stdin: bytes = b"") -> tuple[str, Ended]:
        """Run a command whose output is short; more than 8 MiB is an error."""
        output = bytearray()
        with self.run(command, stdin) as stream:
            while piece := stream.read(1 << 16):
                output += piece
                if len(output) > _MAX_INSPECT:
                    raise AnsibleError("the host's answer is longer than 8 MiB: given up")
            ended = stream.finish()
        return output.decode("utf-8", "replace"), ended


class Counted:
    """Tells how far a part has come."""

    def __init__(self, source: Source, name: str, progress: Progress) -> None:
        self._source, self._name, self._progress = source, name, progress
        self._total = 0
        self._told = time.monotonic()

    def read(self, size: int, /) -> bytes:
        piece = self._source.read(size) or b""
        self._total += len(piece)
        if time.monotonic() - self._told >= 5:
            self._told = time.monotonic()
            self._progress(self._name, self._total)
        return piece


def finding(  # noqa: PLR0913 - what one line has, in both languages
    kind: str, severity: Literal["info", "low"], title: str, detail: str, *, title_id: str, detail_id: str = ""
) -> Finding:
    """Something noticed. `…_id` is what management reads; a detail that is names alone needs none."""
    fingerprint = hashlib.sha256(f"{kind}\n{title}".encode()).hexdigest()
    return Finding(
        kind=kind,
        severity=severity,
        title=harmless(title, 200),
        detail=harmless(detail, 2000),
        title_id=harmless(title_id, 200),
        detail_id=harmless(detail_id, 2000),
        fingerprint=fingerprint,
    )


def plain(outcome: Outcome) -> dict[str, Any]:
    """An outcome as an action plugin returns it."""
    return {
        "requirements": [item.model_dump(mode="json") for item in outcome.requirements],
        "outputs": [item.model_dump(mode="json") for item in outcome.outputs],
        "output_problems": _bounded([harmless(problem, 1000) for problem in outcome.problems]),
        "measures": outcome.measures.model_dump(mode="json") if outcome.measures else None,
        "findings": [item.model_dump(mode="json") for item in outcome.findings],
        "findings_total": len(outcome.findings),
    }


def _bounded(problems: list[str]) -> list[str]:
    """The contract carries 100; the rest is counted, and stands in the set's MANIFEST.json."""
    if len(problems) <= 100:
        return problems
    return [*problems[:99], f"and {len(problems) - 99} more problems: see the set's MANIFEST.json"]
