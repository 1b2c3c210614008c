"""A MariaDB server for one drill: its own data directory and socket, no network, no events, nothing it keeps is needed.

It runs as an account without rights where we are root, and is killed at the end: its data is thrown away anyway.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from reporting.backup_set.scratch import Scratch, dies_with_us
from reporting.text import harmless

_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin:/usr/libexec"
_PROGRAMS = ("mariadbd", "mariadb-install-db", "mariadb", "mariadb-dump")
_START_SECONDS = 120


class NotAvailable(Exception):
    """A program that a drill needs is not on this machine; what to install. The drill then proves nothing."""


class ServerError(Exception):
    """The throw-away server did what it should not; its last words."""


@dataclass(frozen=True)
class Server:
    """A running server. `version` as it says itself; root needs no password, over the socket only."""

    socket: Path
    version: str

    def client(self, *words: str, program: str = "mariadb") -> list[str]:
        """The command line of a client program."""
        return [find(program), "--no-defaults", "-uroot", f"--socket={self.socket}", *words]

    def ask(self, sql: str, database: str = "") -> list[list[str]]:
        """Rows of a query, cells as text.

        Raises:
            ServerError: the server refuses it.
        """
        words = ["--batch", "--skip-column-names", "--raw", "--default-character-set=utf8mb4"]
        command = self.client(*words, *(["--", database] if database else []))
        done = subprocess.run(command, input=sql.encode(), capture_output=True, check=False)
        if done.returncode != 0:
            raise ServerError(harmless(done.stderr.decode("utf-8", "replace").strip(), 500))
        return [line.split("\t") for line in done.stdout.decode("utf-8", "replace").splitlines()]


def find(program: str) -> str:
    """Where a program is.

    Raises:
        NotAvailable: nowhere.
    """
    found = shutil.which(program, path=_PATH)
    if found is None:
        raise NotAvailable(f"{program} is not installed on the control node (Debian: apt-get install mariadb-server)")
    return found


def account() -> tuple[str, int, int] | None:
    """Name, uid and gid of the account that servers run as when we are root; None: as we are."""
    if os.geteuid() != 0:
        return None
    for name in ("mysql", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return name, entry.pw_uid, entry.pw_gid
    raise NotAvailable("neither account mysql nor nobody exists: a database server does not run as root")


@contextmanager
def mariadb_server(place: Scratch, expected_bytes: int) -> Iterator[Server]:
    """Start a server in the scratch place; `expected_bytes` of SQL will be loaded.

    Raises:
        NotAvailable: no MariaDB here. ServerError: it does not start.
    """
    for program in _PROGRAMS:
        find(program)
    data, log, socket = place.folder / "db", place.folder / "db.log", place.sockets / "s"
    data.mkdir(mode=0o700)
    runs_as = account()
    if runs_as is not None:
        for folder in (data, place.sockets):
            os.chown(folder, runs_as[1], runs_as[2])
    _install(data, runs_as)
    process = _start(data, log, socket, runs_as, expected_bytes)
    try:
        yield _wait(process, log, socket)
    finally:
        process.kill()
        process.wait()


def _identity(runs_as: tuple[str, int, int] | None) -> dict[str, object]:
    return {} if runs_as is None else {"user": runs_as[1], "group": runs_as[2], "extra_groups": []}


def _install(data: Path, runs_as: tuple[str, int, int] | None) -> None:
    words = ["--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve"]
    done = subprocess.run(  # type: ignore[call-overload]
        [find("mariadb-install-db"), "--no-defaults", f"--datadir={data}", *words],
        capture_output=True,
        check=False,
        cwd=data,
        env={"PATH": _PATH, "HOME": str(data), "LC_ALL": "C"},
        **_identity(runs_as),
    )
    if done.returncode != 0:
        raise ServerError(f"mariadb-install-db: {harmless(done.stderr.decode('utf-8', 'replace').strip()[-500:])}")


def _start(
    data: Path, log: Path, socket: Path, runs_as: tuple[str, int, int] | None, expected: int
) -> subprocess.Popen[bytes]:
    pool = max(64, min(1024, expected >> 20, _available_mib() // 4))
    options = [
        f"--datadir={data}", f"--socket={socket}", "--skip-networking", "--event-scheduler=OFF", "--skip-log-bin",
        f"--innodb-buffer-pool-size={pool}M", f"--innodb-log-file-size={max(64, pool)}M", "--skip-slave-start",
        "--innodb-flush-log-at-trx-commit=0", "--innodb-doublewrite=0", "--innodb-flush-method=nosync",
        "--max-allowed-packet=1G", "--performance-schema=OFF", "--local-infile=OFF", "--lower-case-table-names=0",
        "--innodb-stats-auto-recalc=OFF", f"--tmpdir={data}", "--log-warnings=1",
    ]  # fmt: skip
    with log.open("wb") as out:
        return subprocess.Popen(  # type: ignore[call-overload,no-any-return]
            [find("mariadbd"), "--no-defaults", *options],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            cwd=data,
            env={"PATH": _PATH, "HOME": str(data), "LC_ALL": "C"},
            preexec_fn=dies_with_us,  # noqa: PLW1509 - no thread of ours holds a lock that prctl would want
            **_identity(runs_as),
        )


def _available_mib() -> int:
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) // 1024
    return 1024


def _wait(process: subprocess.Popen[bytes], log: Path, socket: Path) -> Server:
    deadline = time.monotonic() + _START_SECONDS
    while not socket.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            said = log.read_text("utf-8", "replace").strip().splitlines()[-3:]
            raise ServerError(f"the throw-away MariaDB did not start: {harmless(' '.join(said), 800)}")
        time.sleep(0.05)
    server = Server(socket, "")
    return Server(socket, server.ask("SELECT VERSION()")[0][0])


__all__ = ["NotAvailable", "Server", "ServerError", "account", "find", "mariadb_server"]
