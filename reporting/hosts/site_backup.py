"""Activity 2 on one host: streams its trees and databases into a set on the medium, and says what came out.

The steps of the action plugin `site_backup`, without Ansible's task machinery: a connection, a checked request and the
report of a probed medium come in; requirements, outputs, problems, measures and findings of the contract go out.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from ansible.errors import AnsibleConnectionFailure, AnsibleError

from reporting.backup_set import commands as c
from reporting.backup_set import manifest as m
from reporting.backup_set.draft import Draft, Origin, Sealed, new_set
from reporting.backup_set.medium import MediumError, MediumReport, explain
from reporting.backup_set.privileges import missing, read_grants
from reporting.backup_set.request import BackupRequest, DatabaseRequest, MariadbRequest, SqliteRequest, TreeRequest
from reporting.backup_set.sqlstream import DumpError, MariadbDump, SqliteDump
from reporting.backup_set.store import Source, StoreError
from reporting.backup_set.tarstream import TarError
from reporting.contract import BackupMeasures, BackupPart, Finding, Output, Requirement
from reporting.hosts.stream import Ended, HostStream, open_stream
from reporting.text import harmless

_SHOWN = 20  # problems of one part that are carried in the document; all others are counted
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


class _PartFailedError(Exception):
    """One part could not be taken; the set goes on without it and is incomplete."""


@dataclass
class _Host:
    """The connection and how it is used."""

    connection: Any
    become: bool
    idle: float
    progress: Progress

    @property
    def is_here(self) -> bool:
        """Whether the site's files can be opened by this very process."""
        return bool(self.connection.transport == "local") and not self.become

    @contextmanager
    def run(self, command: str, stdin: bytes = b"") -> Iterator[HostStream]:
        with open_stream(self.connection, command, become=self.become, stdin=stdin, idle_timeout=self.idle) as stream:
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


class _Counted:
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


def back_up(
    connection: Any, request: BackupRequest, medium: MediumReport, *, become: bool = False, progress: Progress
) -> Outcome:
    """Make one set. Everything that goes wrong is in the outcome; nothing unverified has a final name.

    Raises:
        AnsibleConnectionFailure: the host could not be reached before anything was taken.
    """
    host = _Host(connection, become, request.idle_timeout, progress)
    outcome = Outcome()
    facts = inspect_databases(host.connection, request, outcome, become=become)
    try:
        with new_set(medium, request.site, request.execution) as draft:
            _take_all(host, request, facts, draft, outcome)
            if not draft.parts:
                outcome.problems.append("nothing could be saved: no set was made")
                return outcome
            report_set(draft.seal(), medium, outcome)
    except MediumError as error:
        outcome.problems.append(f"no set was made: {error}")
    except OSError as error:
        outcome.problems.append(f"no set was made: medium {medium.id}: {explain(error, medium.path)}")
    except (StoreError, TarError) as error:
        outcome.problems.append(f"no set was made: the medium gave back something else than was written: {error}")
    return outcome


def inspect_databases(
    connection: Any, request: BackupRequest, outcome: Outcome, *, become: bool = False
) -> dict[str, c.DatabaseFacts]:
    """Ask each database what it holds. Adds one requirement `database_access` when there are databases.

    Returns facts of the MariaDB databases that answered, by the name of their part.
    """
    host = _Host(connection, become, request.idle_timeout, lambda _name, _bytes: None)
    facts: dict[str, c.DatabaseFacts] = {}
    refusals: list[str] = []
    for database in request.databases:
        try:
            if isinstance(database, MariadbRequest):
                facts[database.name] = _inspect(host, database)
            else:
                _look_at_sqlite(host, database)
        except _PartFailedError as error:
            refusals.append(str(error))
    if request.databases:
        reason = "; ".join(refusals) or "answered: " + ", ".join(_title(item) for item in request.databases)
        outcome.requirements.append(Requirement(name="database_access", ok=not refusals, reason=reason[:2000]))
    return facts


def _title(database: DatabaseRequest) -> str:
    return database.database if isinstance(database, MariadbRequest) else database.path


def _inspect(host: _Host, database: MariadbRequest) -> c.DatabaseFacts:
    output, ended = host.ask(c.inspect_command(database), _account(database))
    if ended.code != 0:
        raise _PartFailedError(c.database_refusal(ended.stderr, ended.code, database))
    return c.read_facts(output)


def _account(database: MariadbRequest) -> bytes:
    return b"" if database.option_file is not None else c.option_file(database)


def _look_at_sqlite(host: _Host, database: SqliteRequest) -> None:
    if host.is_here:
        try:
            with Path(database.path).open("rb") as stream:
                start = stream.read(16)
        except OSError as error:
            raise _PartFailedError(f"database {database.path}: {error.strerror}") from None
        if start not in (b"SQLite format 3\0", b""):
            raise _PartFailedError(f"database {database.path}: is no SQLite file (or an encrypted one)")
        return
    _, ended = host.ask(c.sqlite_look(database))
    if ended.code != 0:
        raise _PartFailedError(_sqlite_refusal(database, ended))


def _sqlite_refusal(database: SqliteRequest, ended: Ended) -> str:
    known = {
        c.NO_PROGRAM: "sqlite3 (the shell) is not installed on the host, so its file cannot be read consistently",
        c.NO_PATH: "no such file on the host, or the account may not read it",
    }
    return f"database {database.path}: {known.get(ended.code) or ended.last_line() or f'exit code {ended.code}'}"


# -- taking the parts


def _take_all(
    host: _Host, request: BackupRequest, facts: dict[str, c.DatabaseFacts], draft: Draft, outcome: Outcome
) -> None:
    gnu = "GNU tar" in host.ask(c.is_gnu_tar_command())[0] if request.trees else False
    for part in (*request.trees, *request.databases):
        try:
            if isinstance(part, TreeRequest):
                problems = _take_tree(host, part, draft, gnu, outcome)
            elif isinstance(part, SqliteRequest):
                problems = _take_sqlite(host, part, draft)
            elif part.name in facts:
                problems = _take_mariadb(host, part, facts[part.name], draft, outcome)
            else:
                problems = [f"database {part.database}: not saved, see the requirement database_access"]
        except AnsibleConnectionFailure as error:
            problems = [f"{part.name}: the connection to the host broke while it was read: {harmless(error)}"]
        except (_PartFailedError, TarError, DumpError, AnsibleError) as error:
            problems = [f"{part.name}: not saved: {harmless(error, 800)}"]
        draft.problems += problems
        outcome.problems += _shortened(part.name, problems)


def _shortened(name: str, problems: list[str]) -> list[str]:
    if len(problems) <= _SHOWN:
        return problems
    return [*problems[:_SHOWN], f"{name}: and {len(problems) - _SHOWN} more, all of them in the set's MANIFEST.json"]


def _take_tree(host: _Host, tree: TreeRequest, draft: Draft, gnu: bool, outcome: Outcome) -> list[str]:
    method = "GNU tar" if gnu else "tar"
    with host.run(c.tar_command(tree, gnu)) as stream:
        try:
            counted = _Counted(stream, tree.name, host.progress)
            part = draft.add_tree(Origin(tree.name, tree.path, method), counted, tree.exclude)
        except TarError as error:
            said: list[str] = []
            if not stream.read(1):  # else there is more to come, which nobody wants
                ended = stream.finish()
                said = c.tar_problems(ended.stderr, ended.code, tree.path)
            raise _PartFailedError("; ".join([*said[:5], str(error)])) from None
        ended = stream.finish()
    problems = c.tar_problems(ended.stderr, ended.code, tree.path)
    if part.tree is not None and part.tree.files == 0:
        problems.append(f"{tree.path}: holds no file at all: is it the right folder?")
    if tree.exclude:
        outcome.findings.append(
            finding("backup_excludes", "info", f"{tree.name}: left out by setting", ", ".join(tree.exclude))
        )
    return problems


class _MariadbWatcher:
    kind: Literal["mariadb", "sqlite"] = "mariadb"

    def __init__(self, facts: c.DatabaseFacts, stream: HostStream, name: str) -> None:
        self._dump = MariadbDump()
        self._facts, self._stream, self._name = facts, stream, name
        self.problems: list[str] = []
        self.feed = self._dump.feed

    def finish(self) -> m.Database:
        ended = self._stream.finish()
        if ended.code != 0:
            raise DumpError(f"the dump ended with exit code {ended.code}: {ended.last_line()}")
        facts = self._facts
        self._dump.check([*facts.tables, *facts.views])
        self.problems += [f"database {self._name}: not in the dump: {harmless(text)}" for text in self._dump.denied]
        if not facts.tables:
            self.problems.append(f"database {self._name} has no table: is it the right one?")
        elif not self._dump.has_rows:
            self.problems.append(f"database {self._name}: all of its {len(facts.tables)} tables are empty")
        return m.Database(
            server=facts.server,
            character_set=facts.character_set,
            collation=facts.collation,
            tables=sorted(facts.tables),
            views=sorted(facts.views),
            triggers=sorted(facts.triggers),
            routines=sorted(facts.routines),
            events=sorted(facts.events),
            definers=sorted(facts.definers),
            contents=[m.TableRows(**asdict(table)) for table in self._dump.contents()],
        )


def _take_mariadb(
    host: _Host, database: MariadbRequest, facts: c.DatabaseFacts, draft: Draft, outcome: Outcome
) -> list[str]:
    held = read_grants(facts.grants, database.database)
    problems = missing(held, database.database, facts.account, bool(facts.views))
    problems += [
        f"account {facts.account} may not read the body of routine {harmless(name)}: its dump lacks it"
        for name in facts.hidden_routines
    ]
    if facts.unsafe_tables:
        outcome.findings.append(
            finding(
                "non_transactional_tables",
                "low",
                f"{database.database}: {len(facts.unsafe_tables)} tables are saved without a common moment",
                "Not InnoDB, so --single-transaction does not cover them: " + ", ".join(facts.unsafe_tables),
            )
        )
    command = c.dump_command(database, events=held.has("EVENT"))
    with host.run(command, _account(database)) as stream:
        watcher = _MariadbWatcher(facts, stream, database.database)
        counted = _Counted(stream, database.name, host.progress)
        try:
            draft.add_database(Origin(database.name, database.database, "mariadb-dump"), counted, watcher)
        except DumpError as error:
            raise _PartFailedError("; ".join([str(error), *problems[:5]])) from None
    return problems + watcher.problems


# -- SQLite: from the file where this process can open it, else by the host's sqlite3


def _take_sqlite(host: _Host, database: SqliteRequest, draft: Draft) -> list[str]:
    if host.is_here:
        return _copy_sqlite(host, database, draft)
    with host.run(c.sqlite_command(database)) as stream:
        watcher = _SqliteWatcher(stream, database)
        counted = _Counted(stream, database.name, host.progress)
        draft.add_database(Origin(database.name, database.path, "sqlite3 .dump"), counted, watcher)
    return watcher.problems


class _SqliteWatcher:
    kind: Literal["mariadb", "sqlite"] = "sqlite"

    def __init__(self, stream: HostStream, database: SqliteRequest) -> None:
        self._dump = SqliteDump()
        self._stream, self._database = stream, database
        self.problems: list[str] = []
        self.feed = self._dump.feed

    def finish(self) -> m.Database:
        ended = self._stream.finish()
        if ended.code != 0:
            raise _PartFailedError(_sqlite_refusal(self._database, ended))
        self._dump.check()
        if not self._dump.tables:
            self.problems.append(f"database {self._database.path} has no table: is it the right one?")
        return m.Database(tables=sorted(self._dump.tables))


class _CopiedSqlite:
    """The copy was checked before it is stored; nothing is left to watch."""

    kind: Literal["mariadb", "sqlite"] = "sqlite"

    def __init__(self, database: m.Database) -> None:
        self._database = database

    def feed(self, _piece: bytes) -> None:
        return

    def finish(self) -> m.Database:
        return self._database


def _copy_sqlite(host: _Host, database: SqliteRequest, draft: Draft) -> list[str]:
    """SQLite's own online backup: page by page in one read transaction, the very same database, WAL included."""
    copy = draft.scratch(database.name)
    try:
        _online_backup(Path(database.path), copy)
        described = _describe_copy(copy)
        with copy.open("rb") as stream:
            origin = Origin(database.name, database.path, "SQLite online backup, the database file itself")
            draft.add_database(
                origin, _Counted(stream, database.name, host.progress), _CopiedSqlite(described), "sqlite"
            )
    except sqlite3.Error as error:
        raise _PartFailedError(f"database {database.path}: {error}") from None
    finally:
        for leftover in (copy, *(copy.with_name(copy.name + tail) for tail in ("-journal", "-wal", "-shm"))):
            leftover.unlink(missing_ok=True)
    return [] if described.tables else [f"database {database.path} has no table: is it the right one?"]


def _online_backup(source: Path, copy: Path) -> None:
    with (
        closing(sqlite3.connect(f"file:{quote(str(source))}?mode=ro", uri=True, timeout=20)) as origin,
        closing(sqlite3.connect(copy)) as target,
    ):
        target.execute("PRAGMA journal_mode=OFF")
        target.execute("PRAGMA synchronous=OFF")
        try:
            origin.backup(target)
        except sqlite3.OperationalError as error:
            if "disk" in str(error) and "full" in str(error):
                raise OSError(28, "No space left on device", str(copy)) from error
            raise


def _describe_copy(copy: Path) -> m.Database:
    with closing(sqlite3.connect(f"file:{quote(str(copy))}?mode=ro&immutable=1", uri=True)) as database:
        verdict = str(database.execute("PRAGMA integrity_check(1)").fetchone()[0])
        if verdict != "ok":
            raise _PartFailedError(f"the SQLite database is damaged: {harmless(verdict)}")
        rows = database.execute("SELECT type, name FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'")
        named: dict[str, list[str]] = {"table": [], "view": [], "trigger": [], "index": []}
        for kind, name in rows:
            named[kind].append(name)
    return m.Database(
        server=f"SQLite {sqlite3.sqlite_version}",
        tables=sorted(named["table"]),
        views=sorted(named["view"]),
        triggers=sorted(named["trigger"]),
    )


# -- what came out


def report_set(sealed: Sealed, medium: MediumReport, outcome: Outcome) -> None:
    """Turn the named set into outputs and measures."""
    kinds = {part.file: "backup_tree" if part.kind == "tree" else "backup_database" for part in sealed.manifest.parts}
    outcome.outputs = [
        Output(
            name=kinds.get(name, "backup_papers"),
            place="medium",
            path=f"{sealed.path}/{name}",
            bytes=size,
            sha256=digest,
            verified=sealed.verified,
        )
        for name, (digest, size) in sorted(sealed.files.items())
    ]
    outcome.measures = BackupMeasures(
        backup_set=sealed.path.rpartition("/")[2],
        medium=medium.id,
        medium_kind=medium.kind,
        medium_label=medium.label,
        medium_uuid=medium.uuid,
        medium_bytes=medium.total_bytes,
        medium_free_bytes=_free(medium),
        parts=[_measured(part, sealed) for part in sealed.manifest.parts],
    )


def _measured(part: m.Part, sealed: Sealed) -> BackupPart:
    members = part.tree.files if part.tree else len(part.database.tables) if part.database else 0
    return BackupPart(
        name=part.name,
        kind=part.kind,
        source=harmless(part.source),
        path=f"{sealed.path}/{part.file}",
        source_bytes=part.source_bytes,
        stored_bytes=part.stored_bytes,
        members=members,
        sha256=part.sha256,
        seconds=part.seconds,
        verified=sealed.verified,
    )


def _free(medium: MediumReport) -> int:
    space = os.statvfs(medium.path)
    return space.f_bavail * space.f_frsize


def finding(kind: str, severity: Literal["info", "low"], title: str, detail: str) -> Finding:
    fingerprint = hashlib.sha256(f"{kind}\n{title}".encode()).hexdigest()
    return Finding(
        kind=kind,
        severity=severity,
        title=harmless(title, 200),
        detail=harmless(detail, 2000),
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


__all__ = ["Outcome", "Progress", "back_up", "finding", "inspect_databases", "plain", "report_set"]
