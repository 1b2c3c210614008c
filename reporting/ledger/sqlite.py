"""The ledger in SQLite: WAL, full fsync, one table, triggers that refuse UPDATE and DELETE."""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from reporting.ledger.model import (
    GENESIS,
    Draft,
    Event,
    Head,
    LedgerError,
    Problem,
    canonical,
    chain_hash,
    parse_stamp,
    stamp,
)

_SCHEMA = """
BEGIN IMMEDIATE;
CREATE TABLE events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE, at TEXT NOT NULL, unit TEXT NOT NULL, actor TEXT NOT NULL,
    kind TEXT NOT NULL, subject TEXT NOT NULL, data TEXT NOT NULL,
    prev TEXT NOT NULL, hash TEXT NOT NULL UNIQUE
) STRICT;
CREATE INDEX events_kind ON events (kind, seq);
CREATE TRIGGER events_no_update BEFORE UPDATE ON events
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER events_no_delete BEFORE DELETE ON events
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
COMMIT;
"""
_GUARDS = {"events_no_update", "events_no_delete"}
_COLUMNS = "seq, id, at, unit, actor, kind, subject, data, prev, hash"
_RESERVE_BYTES = 2 * 1024 * 1024  # room kept for recording that the disk was full
_Row = tuple[int, str, str, str, str, str, str, str, str, str]


class SqliteLedger:
    """Events in one SQLite file. Safe for several processes; durable when `append` returns."""

    def __init__(
        self,
        path: Path,
        unit: str,
        *,
        read_only: bool = False,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Open or create the ledger file. `read_only` changes nothing, also on a medium that cannot be written.

        Raises:
            LedgerError: the folder cannot be written, the file is not a ledger or another unit's, its guards are gone.
        """
        self.unit = unit
        self._path = path
        self._clock = clock
        with self._said():
            if read_only:
                self._db = _connect_read_only(path)
                return
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._db = sqlite3.connect(path, timeout=30, isolation_level=None)
            with _one_at_a_time(path.with_name("ledger.opening")):
                self._db.execute("PRAGMA journal_mode = WAL")  # waits for nobody, whatever the timeout says
                self._make_or_check()
            self._db.execute("PRAGMA synchronous = FULL")
            self._keep_reserve()

    def _make_or_check(self) -> None:
        """Make the table in a new file; in an old one, refuse to go on where somebody took the guards away."""
        if not self._has_table():
            self._db.executescript(_SCHEMA)
        missing = self._missing_guards()
        if missing:
            raise LedgerError(f"{self._path}: {missing[0].what}; run: laman verify")
        other = self._db.execute("SELECT unit FROM events WHERE unit <> ? LIMIT 1", (self.unit,)).fetchone()
        if other:
            raise LedgerError(
                f"{self._path}: this is the record of unit {other[0]!r}, not of {self.unit!r}: "
                "give each unit a laman_unit.state_dir of its own"
            )

    def _has_table(self) -> bool:
        return (
            self._db.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'events'").fetchone()
            is not None
        )

    def _missing_guards(self) -> list[Problem]:
        found = {name for (name,) in self._db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")}
        gone = sorted(_GUARDS - found)
        what = f"the guards that refuse changes were removed ({', '.join(gone)})"
        return [Problem(str(self._path), what)] if gone else []

    def append(self, drafts: Iterable[Draft]) -> list[Event]:
        """Append all drafts in one transaction; see `Ledger.append`. A full disk is met once with the reserve."""
        planned = list(drafts)
        with self._said():
            try:
                return self._append(planned)
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_FULL or not self._spend_reserve():
                    raise
                return self._append(planned)

    def _append(self, drafts: list[Draft]) -> list[Event]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            head = self._head()
            if self._counter() > head.seq:
                raise LedgerError(f"{self._path}: events are missing at its end; nothing is added: run laman verify")
            made: list[Event] = []
            for draft in drafts:
                event = self._chained(draft, head)
                self._db.execute(f"INSERT INTO events ({_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?)", _row(event))  # noqa: S608
                head = Head(event.seq, event.hash)
                made.append(event)
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise
        return made

    def _chained(self, draft: Draft, head: Head) -> Event:
        moment = parse_stamp(stamp(self._clock()))
        seq, identity, data = head.seq + 1, uuid.uuid4().hex, canonical(draft.data)
        columns = (seq, identity, stamp(moment), self.unit, draft.actor, draft.kind, draft.subject, data)
        digest = chain_hash(head.hash, columns)
        return Event(
            seq,
            identity,
            moment,
            self.unit,
            draft.actor,
            draft.kind,
            draft.subject,
            json.loads(data),
            head.hash,
            digest,
        )

    def events(self, kinds: Iterable[str] | None = None) -> Iterator[Event]:
        """All events in order, or those of some kinds."""
        wanted = None if kinds is None else sorted(set(kinds))
        where = "" if wanted is None else f" WHERE kind IN ({','.join('?' * len(wanted))})"
        with self._said():
            for row in self._db.execute(f"SELECT {_COLUMNS} FROM events{where} ORDER BY seq", wanted or ()):  # noqa: S608
                yield _event(row)

    def head(self) -> Head:
        """The end of the chain."""
        with self._said():
            return self._head()

    def _head(self) -> Head:
        row = self._db.execute("SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1").fetchone()
        return Head(*row) if row else Head(0, GENESIS)

    def _counter(self) -> int:
        """The highest number that SQLite ever gave out here."""
        row = self._db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'events'").fetchone()
        return int(row[0]) if row else 0

    def verify(self) -> list[Problem]:
        """Recompute every hash from the columns as stored; a cut tail shows in SQLite's own counter."""
        with self._said():
            problems = self._missing_guards()
            problems += [
                Problem(str(self._path), f"SQLite integrity check: {line}")
                for (line,) in self._db.execute("PRAGMA integrity_check")
                if line != "ok"
            ]
            prev, expected = GENESIS, 1
            for row in self._db.execute(f"SELECT {_COLUMNS} FROM events ORDER BY seq"):  # noqa: S608
                problems.extend(_row_problems(row, prev, expected))
                prev, expected = row[9], row[0] + 1
            counter = self._counter()
            if counter >= expected:
                problems.append(Problem(f"event {expected}", f"events {expected} to {counter} are missing at the end"))
            elif counter < expected - 1:
                problems.append(Problem(str(self._path), "the counter of its events was changed"))
            return problems

    def close(self) -> None:
        """Let go of the file."""
        with closing(self._db):
            pass

    @property
    def _reserve(self) -> Path:
        return self._path.with_name("ledger.reserve")

    def _keep_reserve(self) -> None:
        """Keep room aside, so that a full disk can still be recorded; without room there is none, and that is said."""
        if self._reserve.exists():
            return
        descriptor = os.open(self._reserve, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, _RESERVE_BYTES)
        except OSError:
            self._reserve.unlink(missing_ok=True)  # the disk is full already: `append` will say so
        finally:
            os.close(descriptor)

    def _spend_reserve(self) -> bool:
        if not self._reserve.exists():
            return False
        self._reserve.unlink()
        return True

    @contextmanager
    def _said(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            full = "full" in str(error).lower() or getattr(error, "errno", None) == 28
            advice = "free some room on that disk" if full else "check the disk and the folder's permissions"
            raise LedgerError(f"{self._path}: {error}; {advice}") from error


@contextmanager
def _one_at_a_time(path: Path) -> Iterator[None]:
    """Hold a file lock while the ledger is opened: two first commands at once must not meet in a file half made."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _connect_read_only(path: Path) -> sqlite3.Connection:
    """A connection that writes nothing, not even the shared-memory file that WAL wants beside a live ledger."""
    if not path.is_file():
        raise LedgerError(f"{path}: there is no record yet; the first one is made by: laman run all")
    uri = f"file:{quote(str(path))}?mode=ro"
    if not os.access(path.parent, os.W_OK) and not path.with_name(f"{path.name}-wal").exists():
        uri += "&immutable=1"
    return sqlite3.connect(uri, uri=True, timeout=30, isolation_level=None)


def _row(event: Event) -> _Row:
    return (
        event.seq, event.id, stamp(event.at), event.unit, event.actor, event.kind, event.subject,
        canonical(event.data), event.prev, event.hash,
    )  # fmt: skip


def _event(row: _Row) -> Event:
    seq, identity, at, unit, actor, kind, subject, data, prev, digest = row
    try:
        return Event(seq, identity, parse_stamp(at), unit, actor, kind, subject, json.loads(data), prev, digest)
    except ValueError as error:
        raise LedgerError(f"event {seq} cannot be read ({error}); run: laman verify") from error


def _row_problems(row: _Row, prev: str, expected: int) -> list[Problem]:
    where = f"event {row[0]} ({row[5]}, {row[1]})"
    problems = []
    if row[0] != expected:
        problems.append(Problem(where, f"events {expected} to {row[0] - 1} are missing before it"))
    if row[8] != prev:
        problems.append(Problem(where, "does not follow from the event before it (prev differs)"))
    if chain_hash(row[8], row[:8]) != row[9]:
        problems.append(Problem(where, "was changed after it was written (hash differs)"))
    return problems
