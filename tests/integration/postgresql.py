"""A PostgreSQL server of the test's own: temporary data directory and socket, no network. It will not run as root."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_ACCOUNT = "postgres"  # where the tests are root


def _program(name: str) -> str | None:
    """A server's program: Debian keeps them away from PATH, one folder a version."""
    versions = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda p: int(p.parts[-3]))
    return shutil.which(name) or (str(versions[-1]) if versions else None)


def need_postgresql() -> None:
    """Skip on a machine without PostgreSQL, fail where CI=true."""
    missing = [name for name in ("initdb", "pg_ctl", "psql", "pg_dump") if _program(name) is None]
    if missing and os.environ.get("CI") == "true":
        pytest.fail(f"not installed: {', '.join(missing)} (apt-get install postgresql)")
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)} (apt-get install postgresql)")


class Postgres:
    """A running server; `root` is the superuser, who enters without a password; everybody else needs one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket = folder

    def sql(self, text: str, database: str = "postgres") -> str:
        """Run statements as the superuser; rows come with `|` between columns."""
        command = ["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-h", str(self.socket), "-U", "root", "-d", database]
        done = subprocess.run(command, input=text.encode(), capture_output=True)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()


def _as_account(*command: str) -> None:
    prefix = ["setpriv", f"--reuid={_ACCOUNT}", f"--regid={_ACCOUNT}", "--init-groups"] if os.getuid() == 0 else []
    done = subprocess.run([*prefix, *command], capture_output=True, cwd="/", stdin=subprocess.DEVNULL)
    assert done.returncode == 0, (done.stdout + done.stderr).decode()


@contextmanager
def postgres() -> Iterator[Postgres]:
    """Start a server on a fresh data directory, end it and remove the directory afterwards."""
    need_postgresql()
    folder = Path(tempfile.mkdtemp(prefix="lm-pg-"))
    if os.getuid() == 0:
        owner = pwd.getpwnam(_ACCOUNT)
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    folder.chmod(0o755)  # the socket is there
    data = folder / "d"
    initdb, control = str(_program("initdb")), str(_program("pg_ctl"))
    _as_account(initdb, "-D", str(data), "-U", "root", "-E", "UTF8", "--locale=C.UTF-8", "-A", "scram-sha-256",
                "--auth-local=trust", "-N")  # fmt: skip
    hba = "local all root trust\nlocal all all scram-sha-256\n"
    (data / "pg_hba.conf").write_text(hba)
    options = f"-k {folder} -c listen_addresses= -c fsync=off"
    _as_account(control, "-D", str(data), "-o", options, "-l", str(data / "log"), "-w", "-t", "60", "start")
    try:
        yield Postgres(folder)
    finally:
        _as_account(control, "-D", str(data), "-m", "fast", "-w", "stop")
        shutil.rmtree(folder)
