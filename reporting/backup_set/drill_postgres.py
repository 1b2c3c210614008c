"""PostgreSQL in a drill: a throw-away server, the dump loaded into it, read out again, and its objects asked for.

It runs as an account without rights where we are root (PostgreSQL refuses root), and is killed at the end.
"""

from __future__ import annotations

import os
import pwd
import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import which

from reporting.backup_set import manifest as m
from reporting.backup_set import postgres as pg
from reporting.backup_set.load import LoadError
from reporting.backup_set.opened import SetSource, open_part
from reporting.backup_set.request import PostgresqlRequest
from reporting.backup_set.scratch import Scratch, dies_with_us
from reporting.backup_set.sqlstream import DumpError
from reporting.backup_set.tablefacts import TableContent
from reporting.backup_set.throwaway import NotAvailable, ServerError
from reporting.text import harmless

_START_SECONDS = 60
_DEBIAN = Path("/usr/lib/postgresql")  # one folder a version; the server's programs are not in PATH there


@dataclass(frozen=True)
class Postgres:
    """A running server: the folder of its socket, the folder of its programs, its major version."""

    socket: Path
    programs: Path
    major: int

    def run(self, command: str, database: str, take: Callable[[bytes], object]) -> tuple[int, str]:
        """Run one of `postgres.*_command` as the superuser; `take` gets its output. Exit code and standard error."""
        request = PostgresqlRequest(
            name="drill", kind="postgresql", database=database, user="drill", socket=str(self.socket)
        )
        environment = {"PATH": f"{self.programs}:{os.environ.get('PATH', '')}", "LC_ALL": "C.UTF-8"}
        with tempfile.TemporaryFile() as account, tempfile.TemporaryFile() as errors:
            account.write(pg.service_file(request))
            account.seek(0)
            with subprocess.Popen(
                ["sh", "-c", command], stdin=account, stdout=subprocess.PIPE, stderr=errors, env=environment
            ) as process:
                while process.stdout is not None and (piece := process.stdout.read(1 << 20)):
                    take(piece)
            errors.seek(0)
            return process.returncode, errors.read(1 << 16).decode("utf-8", "replace")

    def psql(self, database: str) -> list[str]:
        """The command line of a client that reads statements and stops at the first that is refused."""
        words = ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-o", "/dev/null", "-h", str(self.socket), "-U", "drill"]
        return [str(self.programs / "psql"), *words, "-d", f"dbname={database}"]


@dataclass(frozen=True)
class Restored:
    """What the throw-away server has: rows and digest of each table, and its objects."""

    tables: dict[str, TableContent]
    facts: pg.PostgresFacts


def _programs() -> Path:
    """The folder of the newest server's programs.

    Raises:
        NotAvailable: none is installed.
    """
    installed = sorted(_DEBIAN.glob("*/bin/initdb"), key=lambda p: int(p.parts[-3]) if p.parts[-3].isdigit() else 0)
    found = installed[-1] if installed else which("initdb")
    if found is None:
        raise NotAvailable("PostgreSQL is not installed on the control node (Debian: apt-get install postgresql)")
    return Path(found).parent


@contextmanager
def postgres_server(place: Scratch, parts: list[m.Part]) -> Iterator[Postgres]:
    """Start a server in the scratch place for these parts.

    Raises:
        NotAvailable: no PostgreSQL here, or only an older one. ServerError: it does not start.
    """
    programs = _programs()
    asked = subprocess.run([programs / "postgres", "--version"], capture_output=True, text=True, check=False)
    major = _major(asked.stdout)
    newest = max((_major(p.database.server) for p in parts if p.database), default=0)
    if newest > major:
        raise NotAvailable(f"the set comes from PostgreSQL {newest}; the control node has {major} only")
    data, log, runs_as = place.folder / "pg", place.folder / "pg.log", _account()
    data.mkdir(mode=0o700)
    socket = place.sockets / "pg"
    socket.mkdir(mode=0o711)
    if runs_as is not None:
        for folder in (data, socket):
            os.chown(folder, *runs_as)
    _install(programs, data, runs_as)
    with log.open("wb") as out:
        process = _start(programs, data, socket, out, runs_as)
    try:
        _wait(process, log, socket / ".s.PGSQL.5432")
        yield Postgres(socket, programs, major)
    finally:
        process.kill()
        process.wait()


def _major(version: str) -> int:
    match = re.search(r"(\d+)", version)
    return int(match[1]) if match else 0


def _account() -> tuple[int, int] | None:
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return entry.pw_uid, entry.pw_gid
    raise NotAvailable("neither account postgres nor nobody exists: PostgreSQL does not run as root")


def _identity(runs_as: tuple[int, int] | None) -> dict[str, object]:
    return {} if runs_as is None else {"user": runs_as[0], "group": runs_as[1], "extra_groups": []}


def _install(programs: Path, data: Path, runs_as: tuple[int, int] | None) -> None:
    words = ["-D", str(data), "-U", "drill", "-E", "UTF8", "--locale=C.UTF-8", "-A", "trust", "-N"]
    done = subprocess.run(  # type: ignore[call-overload]
        [programs / "initdb", *words], capture_output=True, check=False, cwd=data,
        env={"PATH": f"{programs}:/usr/bin:/bin", "HOME": str(data), "LC_ALL": "C.UTF-8"}, **_identity(runs_as),
    )  # fmt: skip
    if done.returncode != 0:
        raise ServerError(f"initdb: {harmless(done.stderr.decode('utf-8', 'replace').strip()[-500:])}")


def _start(
    programs: Path, data: Path, socket: Path, out: object, runs_as: tuple[int, int] | None
) -> subprocess.Popen[bytes]:
    options = ["listen_addresses=", f"unix_socket_directories={socket}", "fsync=off", "full_page_writes=off",
               "synchronous_commit=off", "autovacuum=off", "max_wal_size=4GB"]  # fmt: skip
    words = [word for option in options for word in ("-c", option)]
    return subprocess.Popen(  # type: ignore[call-overload,no-any-return]
        [programs / "postgres", "-D", str(data), *words], stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=data,
        env={"PATH": f"{programs}:/usr/bin:/bin", "HOME": str(data), "LC_ALL": "C.UTF-8"},
        preexec_fn=dies_with_us,  # noqa: PLW1509 - no thread of ours holds a lock that prctl would want
        **_identity(runs_as),
    )  # fmt: skip


def _wait(process: subprocess.Popen[bytes], log: Path, socket: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while b"ready to accept connections" not in log.read_bytes() or not socket.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            said = log.read_text("utf-8", "replace").strip().splitlines()[-3:]
            raise ServerError(f"the throw-away PostgreSQL did not start: {harmless(' '.join(said), 800)}")
        time.sleep(0.05)


def load_postgres(source: SetSource, part: m.Part, server: Postgres, database: str) -> Restored:
    """Load a part into `database` (made here), dump it again, and ask what there is.

    Raises:
        LoadError: a statement is refused, or it cannot be read out. StoreError: the set is damaged.
    """
    _prepare(part, server, database)
    with subprocess.Popen(server.psql(database), stdin=subprocess.PIPE, stderr=subprocess.PIPE) as client:
        _feed(source, part, client)
        said = client.stderr.read() if client.stderr is not None else b""
    if client.returncode != 0:
        raise LoadError(f"the dump does not load: {harmless(said.decode('utf-8', 'replace').strip(), 500)}")
    return _read_out(server, database)


def _prepare(part: m.Part, server: Postgres, database: str) -> None:
    """The owners' roles, and the empty database."""
    owners = [] if part.database is None else part.database.definers
    names = [name.replace('"', '""') for name in owners if name != "drill" and not name.startswith("pg_")]
    sql = "".join(f'CREATE ROLE "{name}" NOLOGIN;\n' for name in names)
    sql += f"CREATE DATABASE \"{database}\" TEMPLATE template0 ENCODING 'UTF8';\n"
    words = [w for w in server.psql("postgres") if w not in ("-v", "ON_ERROR_STOP=1")]
    done = subprocess.run(words, input=sql.encode(), capture_output=True, check=False)
    said = done.stderr.decode("utf-8", "replace")
    refused = [line for line in said.splitlines() if "ERROR" in line and "already exists" not in line]
    if done.returncode != 0 or refused:
        raise LoadError(f"the database cannot be made: {harmless(said.strip(), 300)}")


def _feed(source: SetSource, part: m.Part, client: subprocess.Popen[bytes]) -> None:
    if client.stdin is None:
        raise LoadError("the client takes no input")
    with open_part(source, part) as stream, client.stdin as pipe:
        try:
            while block := stream.next_block():
                pipe.write(block)
        except BrokenPipeError:
            return  # the client ended at a statement that the server refused, and says which


def _read_out(server: Postgres, database: str) -> Restored:
    meter, answer = pg.PgDump(), bytearray()
    try:
        code, said = server.run(pg.dump_command(), database, meter.feed)
        if code != 0:
            raise DumpError(pg.dump_refusal(said, code))
        meter.check([])
        server.run(pg.inspect_command(), database, answer.extend)
        facts = pg.read_facts(answer.decode("utf-8", "replace"))
    except DumpError as error:
        raise LoadError(f"what was loaded cannot be read out: {error}") from None
    return Restored({table.name: table for table in meter.contents}, facts)


__all__ = ["Postgres", "Restored", "load_postgres", "postgres_server"]
