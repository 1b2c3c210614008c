"""A host that is this machine: the same commands as over SSH, given to /bin/sh."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from reporting.visitor_log.collect import Found, ReadFailed
from reporting.visitor_log.lines import Readable
from reporting.visitor_log.shell import list_command, read_command, read_list


class LocalHost:
    """Runs the product's own commands; `before_read` lets a test change the files in between."""

    def __init__(self, home: Path, shell: str = "/bin/sh") -> None:
        self._shell = [shell, "-c"]
        self._env = {"HOME": str(home), "PATH": "/usr/bin:/bin"}
        self.before_read: Callable[[str], None] = lambda _path: None
        self.reads: list[tuple[str, int]] = []

    def find(self, patterns: Sequence[str]) -> list[Found]:
        command = [*self._shell, list_command(patterns)]
        return read_list(subprocess.run(command, env=self._env, check=True, capture_output=True).stdout)

    @contextmanager
    def read(self, path: str, skip: int) -> Iterator[Readable]:
        self.before_read(path)
        self.reads.append((path, skip))
        command = [*self._shell, read_command(path, skip)]
        with subprocess.Popen(command, env=self._env, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert process.stdout is not None
            yield process.stdout
            code = process.wait()
        if code:
            raise ReadFailed(f"exit code {code}")
