"""What a restore onto a host carries along, and how it asks the host: shared by looking, doing and comparing."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from reporting.backup_set import commands as c
from reporting.backup_set import manifest as m
from reporting.backup_set import restorecommands as r
from reporting.backup_set import restoreplan as p
from reporting.backup_set.drill import Comparison
from reporting.backup_set.opened import SetSource
from reporting.backup_set.request import MariadbRequest
from reporting.backup_set.tablefacts import TableContent, TableMeter
from reporting.hosts.backup_host import Host
from reporting.hosts.push import Pushed, push
from reporting.hosts.stream import Ended
from reporting.text import harmless


class HostRestoreError(Exception):
    """It cannot go on; one line: what, where, what to do."""


@dataclass(frozen=True)
class Asked:
    """What is asked: the set, what to do with it. `databases`: the accounts that may write."""

    source: SetSource
    site: str
    name: str  # of this restore; part of the undo set's name and of the folder beside the tree
    databases: list[MariadbRequest]
    apply: bool = False
    delete_extra: bool = False
    definer: str = "keep"
    no_undo: bool = False
    incomplete: bool = False  # delete what an incomplete set has not, too
    special_bits: bool = False  # keep setuid and setgid


@dataclass
class Done:
    """What came of it. `begun`: something on the host may have changed."""

    trees: list[dict[str, object]] = field(default_factory=list)
    databases: list[dict[str, object]] = field(default_factory=list)
    by_hand: list[str] = field(default_factory=list)  # parts that never go onto a host by themselves
    undo: str = ""
    begun: bool = False
    compared: list[Comparison] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def plain(self) -> dict[str, Any]:
        """As an action plugin returns it."""
        return {**asdict(self), "problems": [harmless(problem, 1000) for problem in self.problems[:100]]}


@dataclass
class Work:
    host: Host
    asked: Asked
    manifest: m.Manifest
    done: Done
    trees: list[tuple[m.Part, p.TreePlan]] = field(default_factory=list)
    bases: list[tuple[m.Part, MariadbRequest, p.DatabasePlan]] = field(default_factory=list)


def all_of(work: Work, command: str) -> bytes:
    """All that a command prints; what it could not read counts as not there, and is sent again."""
    return whole_answer(work, command)[0]


def whole_answer(work: Work, command: str) -> tuple[bytes, Ended]:
    """All that a command prints, and how it ended."""
    with work.host.run(command) as stream:
        output = b"".join(iter(lambda: stream.read(1 << 18), b""))
        return output, stream.finish()


def rows_there(work: Work, request: MariadbRequest) -> list[TableContent]:
    """Rows and digests of every table as they are on the host now."""
    meter = TableMeter()
    with work.host.run(r.rows_command(request), secret_of(request)) as stream:
        while piece := stream.read(1 << 18):
            meter.feed(piece)
        ended = stream.finish()
    if ended.code != 0:
        raise HostRestoreError(f"database {request.database} cannot be read there: {ended.last_line()}")
    return meter.contents()


def secret_of(request: MariadbRequest) -> bytes:
    return b"" if request.option_file is not None else c.option_file(request)


def push_to(work: Work, command: str, chunks: Any, secret: bytes = b"") -> Pushed:
    return push(work.host.connection, command, chunks, become=work.host.become, secret=secret)


def ended_well(said: Pushed) -> bool:
    """Whether a command took all of its input and ended with 0."""
    return said.took_all and said.ended.code == 0


__all__ = [
    "Asked",
    "Done",
    "HostRestoreError",
    "Work",
    "all_of",
    "ended_well",
    "push_to",
    "rows_there",
    "secret_of",
    "whole_answer",
]
