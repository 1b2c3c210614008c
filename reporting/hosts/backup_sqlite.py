"""SQLite on a host: from the file where this process can open it, else by the host's sqlite3."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from reporting.backup_set import commands as c
from reporting.backup_set import manifest as m
from reporting.backup_set.draft import Draft, Origin
from reporting.backup_set.request import SqliteRequest
from reporting.backup_set.sqlstream import SqliteDump
from reporting.hosts.backup_host import Counted, Host, PartFailedError
from reporting.hosts.stream import Ended, HostStream
from reporting.text import harmless


def look_at_sqlite(host: Host, database: SqliteRequest) -> None:
    if host.is_here:
        try:
            with Path(database.path).open("rb") as stream:
                start = stream.read(16)
        except OSError as error:
            raise PartFailedError(f"database {database.path}: {error.strerror}") from None
        if start not in (b"SQLite format 3\0", b""):
            raise PartFailedError(f"database {database.path}: is no SQLite file (or an encrypted one)")
        return
    _, ended = host.ask(c.sqlite_look(database))
    if ended.code != 0:
        raise PartFailedError(_sqlite_refusal(database, ended))


def _sqlite_refusal(database: SqliteRequest, ended: Ended) -> str:
    known = {
        c.NO_PROGRAM: "sqlite3 (the shell) is not installed on the host, so its file cannot be read consistently",
        c.NO_PATH: "no such file on the host, or the account may not read it",
    }
    return f"database {database.path}: {known.get(ended.code) or ended.last_line() or f'exit code {ended.code}'}"


def take_sqlite(host: Host, database: SqliteRequest, draft: Draft) -> list[str]:
    if host.is_here:
        return _copy_sqlite(host, database, draft)
    with host.run(c.sqlite_command(database)) as stream:
        watcher = _SqliteWatcher(stream, database)
        counted = Counted(stream, database.name, host.progress)
        draft.add_database(Origin(database.name, database.path, "sqlite3 .dump"), counted, watcher)
    return watcher.problems


class _SqliteWatcher:
    kind: m.DatabaseKind = "sqlite"

    def __init__(self, stream: HostStream, database: SqliteRequest) -> None:
        self._dump = SqliteDump()
        self._stream, self._database = stream, database
        self.problems: list[str] = []
        self.feed = self._dump.feed

    def finish(self) -> m.Database:
        ended = self._stream.finish()
        if ended.code != 0:
            raise PartFailedError(_sqlite_refusal(self._database, ended))
        self._dump.check()
        if not self._dump.tables:
            self.problems.append(f"database {self._database.path} has no table: is it the right one?")
        return m.Database(tables=sorted(self._dump.tables))


class _CopiedSqlite:
    """The copy was checked before it is stored; nothing is left to watch."""

    kind: m.DatabaseKind = "sqlite"

    def __init__(self, database: m.Database) -> None:
        self._database = database

    def feed(self, _piece: bytes) -> None:
        return

    def finish(self) -> m.Database:
        return self._database


def _copy_sqlite(host: Host, database: SqliteRequest, draft: Draft) -> list[str]:
    """SQLite's own online backup: page by page in one read transaction, the very same database, WAL included."""
    copy = draft.scratch(database.name)
    try:
        _online_backup(Path(database.path), copy)
        described = _describe_copy(copy)
        with copy.open("rb") as stream:
            origin = Origin(database.name, database.path, "SQLite online backup, the database file itself")
            draft.add_database(
                origin, Counted(stream, database.name, host.progress), _CopiedSqlite(described), "sqlite"
            )
    except sqlite3.Error as error:
        raise PartFailedError(f"database {database.path}: {error}") from None
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
            raise PartFailedError(f"the SQLite database is damaged: {harmless(verdict)}")
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
