"""A dump loaded into a throw-away server over several connections, and read out again to be compared.

Each connection has its tables (as even as their recorded sizes allow), reads the set for itself and passes over the
rest: so none waits for another's table. When its tables are in, it dumps them again through the meter of the backup.
"""

from __future__ import annotations

import subprocess
import tempfile
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import IO

from reporting.backup_set import manifest as m
from reporting.backup_set.dumpsplit import Section, Splitter
from reporting.backup_set.opened import SetSource, open_part
from reporting.backup_set.tablefacts import TableContent, TableMeter
from reporting.backup_set.throwaway import Server
from reporting.text import harmless

_BULK = (
    b"SET autocommit=0, unique_checks=0, foreign_key_checks=0;\n"  # a table's rows in one go: InnoDB sorts, then builds
)
_DUMP = (
    "--single-transaction", "--quick", "--hex-blob", "--default-character-set=utf8mb4", "--no-tablespaces",
    "--max-allowed-packet=1G", "--no-create-info", "--skip-triggers",
)  # fmt: skip
_COMMAND_LINE_NAMES = 500  # tables named in one call


class LoadError(Exception):
    """The dump does not load; what the server said."""


@dataclass
class Loaded:
    """Tables as the throw-away server gives them back, and seconds of each step (the longest of the connections)."""

    tables: dict[str, TableContent] = field(default_factory=dict)
    load_seconds: float = 0.0
    read_seconds: float = 0.0


def load_and_read(source: SetSource, part: m.Part, server: Server, database: str, connections: int) -> Loaded:
    """Load a MariaDB part into `database` (made here) and read every table out again.

    Raises:
        LoadError: a statement is refused. StoreError: the set is damaged. OSError: medium, disk.
    """
    described = part.database or m.Database(tables=[])
    server.ask(f"CREATE DATABASE `{database}`" + _charset(described))
    shares = _shares(described, connections)
    workers = [_Worker(source, part, server, database, share, number == 0) for number, share in enumerate(shares)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for worker in workers:
        if worker.error is not None:
            raise worker.error
    started = time.monotonic()
    with _Client(server, database) as client:
        for piece in workers[0].last:
            client.write(piece)
    result = Loaded()
    for worker in workers:
        result.tables |= {table.name: table for table in worker.tables}
    result.load_seconds = max(w.load_seconds for w in workers) + time.monotonic() - started
    result.read_seconds = max(w.read_seconds for w in workers)
    return result


def _charset(database: m.Database) -> str:
    words = (database.character_set, database.collation)
    if not all(word.replace("_", "").isalnum() and word.isascii() for word in words):
        return ""
    return f" CHARACTER SET {words[0]} COLLATE {words[1]}"


def _shares(database: m.Database, connections: int) -> list[set[str]]:
    """The tables dealt out by size; one share where sizes are not on record."""
    sizes = {table.name: table.bytes for table in database.contents}
    if not sizes:
        return [set(database.tables)]
    shares: list[tuple[int, set[str]]] = [(0, set()) for _ in range(max(1, min(connections, len(sizes))))]
    for name in sorted(database.tables, key=lambda n: -sizes.get(n, 0)):
        smallest = min(range(len(shares)), key=lambda i: shares[i][0])
        shares[smallest] = (shares[smallest][0] + sizes.get(name, 0) + 4096, shares[smallest][1] | {name})
    return [share for _, share in shares]


class _Worker(threading.Thread):
    """One connection: loads its tables, then reads them out. The first one also keeps what comes last in the dump."""

    def __init__(  # noqa: PLR0913, PLR0917 - what a connection works on
        self, source: SetSource, part: m.Part, server: Server, database: str, share: set[str], first: bool
    ) -> None:
        super().__init__(daemon=True, name="drill-load")
        self._source, self._part, self._server = source, part, server
        self._database, self._share, self._first = database, share, first
        self._seen: list[str] = []
        self._rest = tempfile.SpooledTemporaryFile(max_size=16 << 20)  # noqa: SIM115 - read after the thread has ended
        self.tables: list[TableContent] = []
        self.error: Exception | None = None
        self.load_seconds = self.read_seconds = 0.0

    def run(self) -> None:
        try:
            started = time.monotonic()
            self._load()
            self.load_seconds = time.monotonic() - started
            self.tables = read_tables(self._server, self._database, sorted(self._seen))
            self.read_seconds = time.monotonic() - started - self.load_seconds
        except Exception as error:  # noqa: BLE001 - raised by the thread that waits for this one
            self.error = error

    @property
    def last(self) -> Iterable[bytes]:
        """Head, views, routines and events: for when all tables are in."""
        self._rest.seek(0)
        return iter(lambda: self._rest.read(1 << 20), b"")

    def _load(self) -> None:
        splitter, section = Splitter(), Section("head")
        with open_part(self._source, self._part, whole=self._first) as stream, self._client() as client:
            while True:
                block = stream.next_block()
                for belongs, data in splitter.feed(block) if block else splitter.finish():
                    if belongs is not section and belongs.kind == "table" and section.kind != "table":
                        client.write(_BULK)
                    self._pass_on(client, belongs, data, belongs is not section)
                    section = belongs
                if not block:
                    break
            client.write(b"\nCOMMIT;\n")

    def _client(self) -> _Client:
        return _Client(self._server, self._database)

    def _pass_on(self, client: _Client, section: Section, data: bytes, new: bool) -> None:
        if section.kind == "head":
            client.write(data)
        if section.kind != "table" and self._first:
            self._rest.write(data)
        if section.kind == "table" and (section.name in self._share or (self._first and self._unknown(section))):
            if new:
                self._seen.append(section.name)
                client.write(b"\nCOMMIT;\n")
            client.write(data)

    def _unknown(self, section: Section) -> bool:
        """A table that the manifest does not name: the first connection takes it, and the comparison finds it."""
        return self._part.database is None or section.name not in self._part.database.tables


class _Client:
    """A client program that is fed on its standard input."""

    def __init__(self, server: Server, database: str) -> None:
        words = ["--default-character-set=utf8mb4", "--max-allowed-packet=1G", "--binary-mode", "--", database]
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the client
        self._process = subprocess.Popen(
            server.client(*words), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=self._errors, bufsize=0
        )

    def __enter__(self) -> _Client:
        return self

    def __exit__(self, kind: type[BaseException] | None, _error: object, _trace: object) -> None:
        if self._process.stdin is not None and not self._process.stdin.closed:
            self._process.stdin.close()
        if kind is not None:
            self._process.kill()
        code = self._process.wait()
        with self._errors:
            if kind is None and code != 0:
                raise self._refused()

    def write(self, data: bytes) -> None:
        """Send statements.

        Raises:
            LoadError: the server refused one, and the client ended.
        """
        view = memoryview(data)
        try:
            while view and self._process.stdin is not None:
                view = view[self._process.stdin.write(view) or 0 :]
        except BrokenPipeError:
            self._process.wait()
            raise self._refused() from None

    def _refused(self) -> LoadError:
        self._errors.seek(0)
        said = self._errors.read(4096).decode("utf-8", "replace").strip()
        return LoadError(f"the dump does not load: {harmless(said or 'the client ended without a word', 600)}")


def read_tables(server: Server, database: str, names: list[str]) -> list[TableContent]:
    """Dump the rows of these tables through the meter.

    Raises:
        LoadError: the dump fails.
    """
    found: list[TableContent] = []
    for begin in range(0, len(names), _COMMAND_LINE_NAMES):
        meter = TableMeter()
        command = server.client(
            *_DUMP, "--", database, *names[begin : begin + _COMMAND_LINE_NAMES], program="mariadb-dump"
        )
        with tempfile.TemporaryFile() as errors:
            with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, bufsize=0) as process:
                while process.stdout is not None and (piece := process.stdout.read(1 << 18)):
                    meter.feed(piece)
            if process.returncode != 0:
                errors.seek(0)
                raise LoadError(
                    f"the restored tables cannot be read: {harmless(errors.read(2000).decode('utf-8', 'replace'))}"
                )
        found += meter.contents()
    return found


__all__ = ["LoadError", "Loaded", "load_and_read", "read_tables"]
