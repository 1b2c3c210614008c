"""A MariaDB server of the test's own: temporary data directory and socket, no network."""

from __future__ import annotations

import getpass
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_SBIN = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"


def need_mariadb() -> None:
    """Skip on a machine without MariaDB, fail where CI=true."""
    missing = [
        name for name in ("mariadbd", "mariadb-install-db", "mariadb-dump") if not shutil.which(name, path=_SBIN)
    ]
    if missing and os.environ.get("CI") == "true":
        pytest.fail(f"not installed: {', '.join(missing)} (apt-get install mariadb-server)")
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)} (apt-get install mariadb-server)")


# Binary columns as hexadecimal digits, so that rows can be compared as text.
ROWS = ["--batch", "--skip-column-names", "--binary-as-hex"]
_SESSION = "SET NAMES utf8mb4; SET time_zone = '+00:00'; "


class Server:
    """A running server; `home` holds a .my.cnf for its root account."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket = folder / "s"
        self.home = folder / "home"
        self.home.mkdir()
        (self.home / ".my.cnf").write_text(f"[client]\nuser=root\nsocket={self.socket}\n")

    def sql(self, text: str, database: str = "") -> str:
        """Run statements as root; rows come tab-separated."""
        command = ["mariadb", "--no-defaults", "-uroot", f"-S{self.socket}", *ROWS]
        done = subprocess.run([*command, database], input=text.encode(), capture_output=True)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode("utf-8", "backslashreplace")


@contextmanager
def server() -> Iterator[Server]:
    """Start a server on a fresh data directory, end it and remove the directory afterwards."""
    need_mariadb()
    folder = Path(tempfile.mkdtemp(prefix="lm-db-"))
    install = shutil.which("mariadb-install-db", path=_SBIN) or "mariadb-install-db"
    daemon = shutil.which("mariadbd", path=_SBIN) or "mariadbd"
    user = f"--user={getpass.getuser()}"
    words = [f"--datadir={folder}/d", "--auth-root-authentication-method=normal", "--skip-test-db", user]
    subprocess.run([install, "--no-defaults", *words], check=True, capture_output=True)
    options = [f"--socket={folder}/s", "--skip-networking", "--event-scheduler=OFF", "--innodb-buffer-pool-size=64M"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([daemon, "--no-defaults", f"--datadir={folder}/d", *options, user], stderr=log)
    try:
        deadline = time.monotonic() + 60
        while not (folder / "s").exists():
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < deadline, "MariaDB did not start within 60 s"
            time.sleep(0.05)
        yield Server(folder)
    finally:
        process.terminate()
        process.wait(30)
        shutil.rmtree(folder)


_OBJECTS = """
SELECT 'trigger', trigger_name, event_object_table, action_timing, event_manipulation, action_statement
  FROM information_schema.triggers WHERE trigger_schema = DATABASE() ORDER BY 2;
SELECT 'routine', routine_name, routine_type, routine_definition
  FROM information_schema.routines WHERE routine_schema = DATABASE() ORDER BY 2;
SELECT 'event', event_name, event_definition, interval_value, interval_field
  FROM information_schema.events WHERE event_schema = DATABASE() ORDER BY 2;
SELECT 'view', table_name, REPLACE(view_definition, CONCAT('`', DATABASE(), '`.'), '')
  FROM information_schema.views WHERE table_schema = DATABASE() ORDER BY 2;
SELECT 'column', table_name, column_name, column_type, collation_name
  FROM information_schema.columns WHERE table_schema = DATABASE() ORDER BY table_name, ordinal_position;
"""
_TABLES = (
    "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE'"
)


def content(ask: Callable[[str], str]) -> dict[str, list[str]]:
    """Every row of every table, and the text of every trigger, routine, event and view. `ask`: SQL text -> rows."""

    def lines(text: str) -> list[str]:
        return ask(_SESSION + text).rstrip("\n").split("\n")

    tables = lines(_TABLES)
    rows = {name: sorted(lines(f"SELECT * FROM `{name}`")) for name in sorted(tables)}
    return rows | {"(objects)": lines(_OBJECTS)}
