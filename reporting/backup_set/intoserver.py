"""One database of a set, loaded into a server that a person named, under a name that is new there, and compared."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from reporting.backup_set import manifest as m
from reporting.backup_set.opened import SetSource, open_part
from reporting.backup_set.restore import RestoreError
from reporting.backup_set.tablefacts import TableMeter
from reporting.backup_set.throwaway import find
from reporting.text import harmless

_DUMP = (
    "--single-transaction", "--quick", "--hex-blob", "--default-character-set=utf8mb4", "--no-tablespaces",
    "--max-allowed-packet=1G", "--no-create-info", "--skip-triggers",
)  # fmt: skip
_NAME = re.compile(r"[^\x00-\x1f`/\\.]{1,64}")


@dataclass(frozen=True)
class Target:
    """A server and an account. The password goes to the client through a pipe, never into a command line."""

    socket: str | None
    host: str | None
    port: int | None
    user: str | None
    password: str | None

    @classmethod
    def read(cls, server: str, user: str | None, password: str | None) -> Target:
        """From what a person typed: /path/of/socket, or host[:port].

        Raises:
            RestoreError: neither.
        """
        if server.startswith("/"):
            return cls(server, None, None, user, password)
        host, _, port = server.partition(":")
        if not re.fullmatch(r"[A-Za-z0-9.-]{1,253}", host) or (port and not port.isdigit()):
            raise RestoreError(f"--into {server!r}: expected /path/of/socket, or host[:port]")
        return cls(None, host, int(port) if port else None, user, password)

    def options(self) -> bytes:
        """A client option file."""
        values = {
            "socket": self.socket, "host": self.host, "port": self.port, "user": self.user, "password": self.password,
        }  # fmt: skip
        lines = ["[client]"]
        for key, value in values.items():
            if value is not None:
                text = str(value).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
                lines.append(f'{key}="{text}"')
        return ("\n".join(lines) + "\n").encode()


@dataclass(frozen=True)
class IntoServer:
    """What was loaded: the database's new name, its tables, rows, and how it was compared."""

    name: str
    tables: list[str]
    rows: int
    equal: bool
    checked: str


def load_into(source: SetSource, database: str, target: Target, new_name: str | None) -> IntoServer:
    """Load a database of the set under a new name, and read every table out again.

    Raises:
        RestoreError: no such database, the name is taken, the server refuses. StoreError: the set is damaged.
    """
    manifest = m.read_manifest(source.folder)
    part = next((p for p in manifest.parts if p.kind == "mariadb" and database in (p.source, p.name)), None)
    if part is None or part.database is None:
        raise RestoreError(f"set {manifest.set} has no MariaDB or MySQL database {database!r}")
    name = new_name or part.source
    if not _NAME.fullmatch(name):
        raise RestoreError(f"{name!r} is no name for a database")
    charset = "".join(
        f" {word} {value}"
        for word, value in (("CHARACTER SET", part.database.character_set), ("COLLATE", part.database.collation))
        if re.fullmatch(r"[A-Za-z0-9_]+", value)
    )
    _run(target, "mariadb", ["-e", f"CREATE DATABASE `{name}`{charset}"])  # fails where it is there already
    with open_part(source, part) as stream, _client(target, "mariadb", _load_words(name)) as process:
        _pour(process, iter(stream.next_block, b""))
    meter = TableMeter()
    tables = part.database.tables
    with _client(target, "mariadb-dump", [*_DUMP, "--", name, *tables], reads=True) as process:
        while process.stdout is not None and (piece := process.stdout.read(1 << 18)):
            meter.feed(piece)
    found = meter.contents()
    recorded = {table.name: (table.rows, table.sha256) for table in part.database.contents}
    equal = {table.name: (table.rows, table.sha256) for table in found} == recorded
    checked = "each table's rows and SHA-256 are those of the backup" if equal else "NOT equal to the record of the set"
    if not recorded:
        checked = "the set has no record of rows to compare with"
    return IntoServer(name, [t.name for t in found], sum(t.rows for t in found), equal, checked)


def _load_words(name: str) -> list[str]:
    return ["--default-character-set=utf8mb4", "--max-allowed-packet=1G", "--binary-mode", "--", name]


def _pour(process: subprocess.Popen[bytes], blocks: Iterator[bytes]) -> None:
    try:
        for block in blocks:
            if process.stdin is not None:
                process.stdin.write(block)
    except BrokenPipeError:
        return  # the client ended: it says why


def _run(target: Target, program: str, words: list[str]) -> None:
    with _client(target, program, words):
        pass


@contextmanager
def _client(
    target: Target, program: str, words: list[str], *, reads: bool = False
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a client program; its option file comes through a pipe of its own."""
    read_end, write_end = os.pipe()
    os.write(write_end, target.options())
    os.close(write_end)
    with tempfile.TemporaryFile() as errors:
        command = [find(program), f"--defaults-file=/dev/fd/{read_end}", *words]
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL if reads else subprocess.PIPE,
            stdout=subprocess.PIPE if reads else subprocess.DEVNULL,
            stderr=errors,
            pass_fds=[read_end],
        )
        os.close(read_end)
        try:
            yield process
        except BaseException:
            process.kill()
            raise
        finally:
            _close(process)
        if process.returncode != 0:
            errors.seek(0)
            raise RestoreError(f"{Path(program).name}: {harmless(errors.read(3000).decode('utf-8', 'replace'), 500)}")


def _close(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            try:
                pipe.close()
            except BrokenPipeError:
                continue  # it ended before all was read: its exit code tells
    process.wait()


__all__ = ["IntoServer", "Target", "load_into"]
