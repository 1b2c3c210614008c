"""The other way: bytes pushed into one command on a host, over the connection that Ansible already has.

Nothing is staged on the host by this. The command's standard input ends when we are done, and also when our end dies:
a command that reads to its end cannot tell the two apart. So whoever pushes checks what arrived (hashes, tables) before
anything of it counts.
"""

from __future__ import annotations

import secrets
import shlex
import subprocess
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ansible.errors import AnsibleConnectionFailure

from reporting.hosts.stream import Ended, HostStream, _argv, _end, _where

_MOST_OUTPUT = 8 << 20


@dataclass(frozen=True)
class Pushed:
    """What the command printed (bounded), how it ended, and whether it took all of what was pushed."""

    output: bytes
    ended: Ended
    took_all: bool


class _Output(threading.Thread):
    """Takes the command's output while we write, so that neither waits for the other."""

    def __init__(self, stream: HostStream) -> None:
        super().__init__(daemon=True, name="push-output")
        self._stream = stream
        self.kept = bytearray()
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            while piece := self._stream.read(1 << 16):
                if len(self.kept) < _MOST_OUTPUT:
                    self.kept += piece
        except Exception as error:  # noqa: BLE001 - raised by `push`
            self.error = error


def push(
    connection: Any, command: str, chunks: Iterable[bytes], *, become: bool = False, secret: bytes = b""
) -> Pushed:
    """Run `command` (POSIX sh; every foreign word quoted) and give it `chunks` on its standard input.

    Args:
        connection: the action plugin's connection; ssh with keys, or local.
        command: it reads its input to the end.
        chunks: what it reads.
        become: run it through the task's become plugin.
        secret: at most 32 KiB that the command reads from its descriptor 4 (/dev/fd/4): in no argument and no file.

    Raises:
        AnsibleConnectionFailure: the host cannot be reached. AnsibleError: it cannot be started.
        Whatever `chunks` raises; the command's input then ends early.
    """
    nonce = f"laman-{secrets.token_hex(16)}"
    argv = _argv(connection, _script(command, nonce, len(secret)), become)
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
    try:
        with HostStream(process, nonce, _where(connection), None) as stream:
            _write(process, secret)
            stream.await_start(60.0)
            output = _Output(stream)
            output.start()
            took_all = all(_write(process, chunk) for chunk in chunks)
            if process.stdin is not None:
                process.stdin.close()
            output.join()
            if output.error is not None:
                raise output.error
            ended = stream.finish()
            if ended.code == 255 and connection.transport == "ssh":
                raise AnsibleConnectionFailure(f"the line to the host was cut: {ended.last_line()}")
            return Pushed(bytes(output.kept), ended, took_all)
    finally:
        _end(process)


def _script(command: str, nonce: str, size: int) -> str:
    """The secret is taken byte by byte from the input (dd bs=1 takes no more) and given on descriptor 4."""
    start = f"exec 3<&0; echo; echo {nonce}; echo {nonce} >&2; "
    if not size:
        return f"/bin/sh -c {shlex.quote(f'{start}exec <&3 3<&-; {command}')}"
    guard = '[ "$(command -v printf)" = printf ] || { echo sh has no builtin printf >&2; exit 125; }; '
    take = f's=$(dd bs=1 count={size} <&3 2>/dev/null; echo .); printf %s "${{s%.}}" | '
    return f"/bin/sh -c {shlex.quote(f'{guard}{start}{take}{{ exec 4<&0 <&3 3<&-; {command}; }}')}"


def _write(process: subprocess.Popen[bytes], data: bytes) -> bool:
    """Write all of it; False when the command ended before it took it."""
    view = memoryview(data)
    try:
        while view and process.stdin is not None:
            view = view[process.stdin.write(view) or 0 :]
    except BrokenPipeError:
        return False
    return True


__all__ = ["Pushed", "push"]
