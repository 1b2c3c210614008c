"""Where visitor logs come from: a host with a shell, or a cPanel account's archives."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from reporting.hosts.cpanel import Cpanel, CpanelError
from reporting.hosts.stream import open_stream
from reporting.text import harmless
from reporting.visitor_log.collect import HEAD, CollectError, Found, ReadFailed
from reporting.visitor_log.lines import Readable
from reporting.visitor_log.shell import list_command, read_command, read_list

_MAX_LIST = 64 << 20  # bytes of a list of files: about 7,000 files
_BLOCK = 1 << 18


class ShellHost:
    """A host with POSIX sh, over Ansible's own connection (ssh or local)."""

    def __init__(self, connection: Any, become: bool, timeout: float) -> None:
        self._connection = connection
        self._become = become
        self._timeout = timeout

    def find(self, patterns: Sequence[str]) -> list[Found]:
        """The files that the patterns match on the host."""
        answer = bytearray()
        with self._open(list_command(patterns)) as stream:
            while data := stream.read(_BLOCK):
                answer += data
                if len(answer) > _MAX_LIST:
                    raise CollectError("visitor_log_paths match too many files: narrow them")
            ended = stream.finish()
        if ended.code:
            raise CollectError(f"the site could not list its log files: {ended.last_line() or ended.code}")
        return read_list(bytes(answer))

    @contextmanager
    def read(self, path: str, skip: int) -> Iterator[Readable]:
        """The bytes of a file from byte `skip` on."""
        with self._open(read_command(path, skip)) as stream:
            yield stream
            ended = stream.finish()
        if ended.code:
            raise ReadFailed(f"could not be read to its end: {ended.last_line() or f'exit code {ended.code}'}")

    def _open(self, command: str) -> Any:
        return open_stream(
            self._connection,
            command,
            become=self._become,
            start_timeout=self._timeout,
            idle_timeout=4 * self._timeout,  # a listing over slow disks says nothing for a while
        )


class CpanelHost:
    """The monthly archives of a cPanel account (LogManager), fetched once into a folder on the control node.

    The live logs of ~/access-logs cannot be had through the API: with SSH they can.
    """

    def __init__(self, client: Cpanel, spool: Path) -> None:
        self._client = client
        self._spool = spool
        self._fetched: dict[str, Path] = {}

    def find(self, patterns: Sequence[str]) -> list[Found]:
        """The archives whose path or name a pattern matches (shell-style; ~/ is any home folder)."""
        try:
            listed = self._client.call("LogManager", "list_archives")
        except CpanelError as error:
            raise CollectError(str(error)) from error
        found = []
        for entry in listed or []:
            path = str(entry.get("path") or entry.get("file") or "")
            pattern = next((n for n, p in enumerate(patterns) if _matches(path, p)), None)
            if path and pattern is not None:
                found.append(self._found(path, pattern))
        return found

    def _found(self, path: str, pattern: int) -> Found:
        local = self._fetch(path)
        with local.open("rb") as stream:
            return Found(path, pattern, size=local.stat().st_size, head=stream.read(HEAD), settled=True)

    def _fetch(self, path: str) -> Path:
        if path not in self._fetched:
            target = self._spool / f"{len(self._fetched)}.gz"
            try:
                with self._client.download_file(path) as download, target.open("wb") as out:
                    while data := download.read(_BLOCK):
                        out.write(data)
            except CpanelError as error:
                raise CollectError(f"{harmless(path, 300)}: {error}") from error
            self._fetched[path] = target
        return self._fetched[path]

    @contextmanager
    def read(self, path: str, skip: int) -> Iterator[Readable]:
        """The bytes of a fetched archive from byte `skip` on."""
        with self._fetch(path).open("rb") as stream:
            stream.seek(skip)
            yield stream


def _matches(path: str, pattern: str) -> bool:
    wanted = "*" + pattern[1:] if pattern.startswith("~/") else pattern
    return fnmatch.fnmatchcase(path, wanted) or fnmatch.fnmatchcase(path.rpartition("/")[2], wanted)
