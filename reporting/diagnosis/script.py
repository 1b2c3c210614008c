"""The one script that a host is asked to run, and its answer, cut into sections. One round trip.

The script and the databases' accounts travel on standard input; what the host's command line shows is `COMMAND`.
"""

from __future__ import annotations

import re
import secrets
import shlex
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path, PurePosixPath

from reporting.backup_set.commands import option_file
from reporting.backup_set.postgres import service_file
from reporting.backup_set.request import MariadbRequest, PostgresqlRequest
from reporting.diagnosis.request import DiagnosisError, DiagnosisRequest

COMMAND = 'eval "$(cat)"'
MOST_BYTES = 32 * 1024  # what a stream can give as standard input
MOST_ANSWER = 2 << 20
_SAFE = re.compile(r"[A-Za-z0-9_./*?\[\]!^-]")
_DATABASE_FOLDERS = ("/var/lib/mysql", "/var/lib/pgsql", "/var/lib/postgresql")


@dataclass
class Section:
    """One answer: what it is about, its lines, how many seconds after the one before it came."""

    name: str
    about: str
    lines: list[str] = field(default_factory=list)
    seconds: float = 0.0


@dataclass(frozen=True)
class Script:
    """The text for standard input, the word that marks its answers, and the folders whose file systems it looks at."""

    text: bytes
    marker: str
    folders: list[str]


@cache
def _functions() -> str:
    lines = Path(__file__).with_name("inside.sh").read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if not line.lstrip().startswith("#"))


def script_for(request: DiagnosisRequest) -> Script:
    """Put the script together.

    Raises:
        DiagnosisError: it does not fit (too many paths), or an account cannot be written as options.
    """
    marker = f"laman-{secrets.token_hex(12)}"
    folders = _folders(request)
    calls = [f"N={marker}", _functions(), "clock", "system", f"storage {_words(folders)}", "services", "php_runs",
             "web_config"]  # fmt: skip
    # The logs before the log-ins: a refused one of ours is written there too.
    calls.append(f"logs {' '.join(_glob(pattern) for pattern in request.error_logs)}")
    for number, database in enumerate(request.databases):
        if isinstance(database, MariadbRequest):
            calls.append(f"database {number} {_words([database.database, database.option_file or ''])} "
                         f"{shlex.quote(_options(database))}")  # fmt: skip
        elif isinstance(database, PostgresqlRequest):
            calls.append(f"postgres {number} {shlex.quote(service_file(database).decode())}")
        else:
            calls.append(f"sqlite_file {number} {_words([database.path])}")
    calls += [f"wordpress {number} {_words([tree.rstrip('/') or '/'])}" for number, tree in enumerate(request.trees)]
    calls.append(f"certificates {_words(request.certificate_files)}")
    calls.append("section end")
    text = "\n".join(calls).encode() + b"\n"
    if len(text) > MOST_BYTES:
        raise DiagnosisError(
            f"the paths and databases of the site make a script of {len(text)} bytes, at most {MOST_BYTES} can be "
            "sent: name fewer of them in site_diagnosis_trees, _paths, _databases or _error_logs"
        )
    return Script(text, marker, folders)


def _options(database: MariadbRequest) -> str:
    if database.option_file is not None:
        return ""
    try:
        return option_file(database).decode()
    except ValueError as error:
        raise DiagnosisError(f"site_diagnosis_databases: {error}") from None


def _folders(request: DiagnosisRequest) -> list[str]:
    logs = [str(PurePosixPath(path).parent) for path in request.error_logs if path.startswith("/") and "*" not in path]
    sqlite = [str(PurePosixPath(d.path).parent) for d in request.databases if d.kind == "sqlite"]
    return list(dict.fromkeys([*request.trees, *sqlite, *_DATABASE_FOLDERS, "/var/log", *logs, "/tmp", *request.paths]))  # noqa: S108 - looked at, not used


def _words(words: Iterable[str]) -> str:
    return " ".join(shlex.quote(word) for word in words)


def _glob(pattern: str) -> str:
    """A pattern as one word of sh: `*`, `?` and `[…]` are expanded there, a leading `~/` is the home folder."""
    home, rest = ('"$HOME"', pattern[1:]) if pattern.startswith("~/") else ("", pattern)
    return home + "".join(char if _SAFE.match(char) else shlex.quote(char) for char in rest)


class Answer:
    """Takes the host's bytes as they come and cuts them into sections; what is too long is dropped."""

    def __init__(self, script: Script, clock: Callable[[], float] = time.monotonic) -> None:
        self.sections: list[Section] = []
        self.whole = False  # the end was seen
        self._mark = f"{script.marker} "
        self._clock = clock
        self._last = clock()
        self._rest = b""
        self._bytes = 0

    def feed(self, data: bytes) -> None:
        """Take what came."""
        self._bytes += len(data)
        if self._bytes > MOST_ANSWER:
            return
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._line(line.decode("utf-8", "replace"))

    def _line(self, line: str) -> None:
        if not line.startswith(self._mark):
            if self.sections:
                self.sections[-1].lines.append(line)
            return
        now = self._clock()
        if self.sections:
            self.sections[-1].seconds = now - self._last
        self._last = now
        name, _, about = line.removeprefix(self._mark).partition(" ")
        if name == "end":
            self.whole = True
        else:
            self.sections.append(Section(name, about))

    def named(self, name: str) -> list[Section]:
        """The sections of a name, in order, without empty lines at their end."""
        return [section for section in self.sections if section.name == name]


__all__ = ["COMMAND", "Answer", "Script", "Section", "script_for"]
