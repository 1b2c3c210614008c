"""One command on a host, its standard output as a stream of bytes, over the connection that Ansible already has.

Nothing is staged on the host, and it needs nothing but POSIX sh. Four things are easy to get wrong, and live here:

* ``.bashrc`` noise and sudo's ``BECOME-SUCCESS`` line come before the command's own output. A nonce line is printed
  first, on both outputs; what comes before it is kept as *preamble* and never part of the stream.
* Exit code 255 before the nonce is ssh's own ("unreachable"); after it, it is the command's.
* Standard error is drained all the time (bounded), so that a chatty command cannot block.
* The command's life hangs on our end of its standard input: when we close it, or die, a watcher on the host ends the
  command, also one that waits on a lock and would notice nothing by itself.
"""

from __future__ import annotations

import fcntl
import io
import os
import secrets
import select
import shlex
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO, Any

from ansible.errors import AnsibleConnectionFailure, AnsibleError

from reporting.text import harmless

_PIPE = 1 << 20  # of our pipe from ssh: fewer and larger reads
_MOST_NAMES = 8 << 20  # bytes of names that one command is given
_HEAD = 256 * 1024  # bytes of standard error kept from its start (every file that tar names) ...
_TAIL = 16 * 1024  # ... and from its end
_PREAMBLE = 1 << 20  # more noise than this before the command starts is no preamble
_CHUNK = 1 << 18
_GRACE = 5.0  # seconds between TERM and KILL for our own end (ssh, or the local sh)


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code, its standard error (bounded), and how many bytes of that were dropped."""

    code: int
    stderr: str
    stderr_dropped: int = 0

    def last_line(self, limit: int = 300) -> str:
        """The last line of standard error, harmless for a terminal; empty when there was none."""
        lines = [line for line in self.stderr.splitlines() if line.strip()]
        return harmless(lines[-1].strip(), limit) if lines else ""


class _Stderr:
    """Drains one pipe in a thread; keeps its head and its tail."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe
        self._head = bytearray()
        self._tail = bytearray()
        self._lock = threading.Lock()
        self._total = 0
        self._thread = threading.Thread(target=self._drain, daemon=True, name="host-stderr")
        self._thread.start()

    def _drain(self) -> None:
        while chunk := os.read(self._pipe.fileno(), _CHUNK):
            with self._lock:
                self._total += len(chunk)
                room = _HEAD - len(self._head)
                self._head += chunk[:room]
                self._tail += chunk[room:] if room < len(chunk) else b""
                if len(self._tail) > _TAIL:
                    del self._tail[: len(self._tail) - _TAIL]
        self._pipe.close()  # here and nowhere else: closed under a waiting read, its number could become another file's

    def text(self, wait: float) -> tuple[str, int]:
        """What was seen, and the bytes dropped. `wait` is bounded: an ssh master may hold the pipe open for hours."""
        self._thread.join(wait)
        with self._lock:
            dropped = self._total - len(self._head) - len(self._tail)
            gap = f"\n… {dropped} bytes left out …\n".encode() if dropped else b""
            return (self._head + gap + self._tail).decode("utf-8", "backslashreplace"), dropped


class HostStream(io.RawIOBase):
    """The standard output of the command, from its first own byte on. Read it to its end, then call `finish()`."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        nonce: str,
        where: str,
        idle_timeout: float | None,
        rate: int = 0,
    ) -> None:
        super().__init__()
        if process.stdout is None or process.stderr is None:
            raise ValueError("the process must have pipes on its outputs")
        self._process = process
        self._nonce = nonce
        self._where = where
        self._idle = idle_timeout
        self._rate = rate
        self._due = time.monotonic()
        self._stdout = process.stdout.fileno()
        self._stderr = _Stderr(process.stderr)
        self._pending = b""
        self._ended: Ended | None = None
        with suppress(OSError):  # as large as the system allows
            fcntl.fcntl(self._stdout, fcntl.F_SETPIPE_SZ, _PIPE)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer` with what is there; 0 at the end of the stream.

        Raises:
            AnsibleConnectionFailure: nothing came for `idle_timeout` seconds.
        """
        if not self._pending:
            self._pending = self._next(self._idle)
        size = min(len(self._pending), len(buffer))
        buffer[:size] = self._pending[:size]
        self._pending = self._pending[size:]
        return size

    def read(self, size: int = -1, /) -> bytes:
        """Up to `size` bytes (all that is left when negative); empty at the end of the stream."""
        if size < 0:
            return b"".join(iter(lambda: self.read(_CHUNK), b""))
        if not self._pending:
            self._pending = self._next(self._idle)
        taken, self._pending = self._pending[:size], self._pending[size:]
        return taken

    def finish(self) -> Ended:
        """Wait for the command's end and say how it ended. What was not read yet is read and dropped."""
        if self._ended is None:
            while self.read(_CHUNK):
                pass
            code = self._process.wait()
            text, dropped = self._stderr.text(wait=2.0)
            marker = f"{self._nonce}\n"
            self._ended = Ended(code, text.partition(marker)[2] if marker in text else text, dropped)
        return self._ended

    def _next(self, timeout: float | None) -> bytes:
        ready = select.poll()
        ready.register(self._stdout, select.POLLIN | select.POLLHUP)
        if not ready.poll(None if timeout is None else max(0, int(timeout * 1000))):
            raise AnsibleConnectionFailure(f"{self._where}: nothing came for {timeout:.0f} seconds, given up")
        piece = os.read(self._stdout, _CHUNK)
        if self._rate:
            self._pace(len(piece))
        return piece

    def _pace(self, size: int) -> None:
        """Take no more than so many bytes a second; the line's own flow control holds the host back."""
        now = time.monotonic()
        self._due = max(self._due, now - 1) + size / self._rate
        if self._due > now:
            time.sleep(self._due - now)

    def await_start(self, timeout: float) -> None:
        """Read up to and including the nonce line; the rest is the command's."""
        wanted = f"\n{self._nonce}\n".encode()
        deadline = time.monotonic() + timeout
        seen = b"\n"
        while wanted not in seen:
            if len(seen) > _PREAMBLE:
                raise AnsibleError(
                    f"{self._where}: more than {_PREAMBLE} bytes of text before the command started; "
                    "look at what .bashrc and .profile print there"
                )
            chunk = self._next(max(0.0, deadline - time.monotonic()))
            if not chunk:
                self._refuse_start(seen)
            seen += chunk
        self._pending = seen.partition(wanted)[2]

    def _refuse_start(self, seen: bytes) -> None:
        code = self._process.wait()
        text, _ = self._stderr.text(wait=2.0)
        said = harmless((text.strip() or seen.decode("utf-8", "replace").strip()) or "nothing was said")
        if code == 255:
            raise AnsibleConnectionFailure(f"{self._where}: {said}")
        raise AnsibleError(f"{self._where}: the command did not start (exit code {code}): {said}")


@contextmanager
def open_stream(  # noqa: PLR0913 - five of them are choices, each with its name
    connection: Any,
    command: str,
    *,
    become: bool = False,
    stdin: bytes = b"",
    start_timeout: float = 60.0,
    idle_timeout: float | None = None,
    names: bytes | None = None,
    rate: int = 0,
) -> Iterator[HostStream]:
    r"""Run `command` (one POSIX sh command; quote every foreign word with shlex) and stream its standard output.

    Args:
        connection: the action plugin's ``self._connection``; ssh (with keys) or local.
        command: what runs; it must not end with a semicolon or an ampersand.
        become: run it through the task's become plugin (a password prompt is refused).
        stdin: what the command reads on its standard input (at most 32 KiB), a secret for instance: it is in no
            argument list, no environment and no file, here or there. The command sees the end of input after it.
        start_timeout: seconds until the command must have started.
        idle_timeout: seconds without a byte until the command is given up; None waits for ever (ssh's ServerAlive
            options still notice a dead line).
        names: instead of `stdin`: up to 8 MiB of text for `printf %b`, whose output the command reads (names of files,
            with ``\0000`` for the zero byte, which no shell can hold). The host needs `head -c`.
        rate: at most so many bytes a second; 0 for no limit.

    Raises:
        AnsibleConnectionFailure: the host cannot be reached, or fell silent.
        AnsibleError: a connection that cannot stream, or a command that could not start.
    """
    nonce = f"laman-{secrets.token_hex(16)}"
    given = stdin if names is None else names
    script = _wrapped(command, nonce, len(given), as_names=names is not None)
    argv = _argv(connection, script, become)
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        with HostStream(process, nonce, _where(connection), idle_timeout, rate) as stream:
            _feed(process, given, 32 * 1024 if names is None else _MOST_NAMES)
            stream.await_start(start_timeout)
            yield stream
    finally:
        _end(process)


def _wrapped(command: str, nonce: str, size: int, as_names: bool = False) -> str:
    """The script that the host runs: nonce, command, and the watcher that ends the command when our end is gone.

    `dd bs=1` takes exactly the bytes meant for the command and leaves the rest of the input to the watcher; they stay
    in the shell's memory, and printf must be a builtin (an external one would show them in its arguments). The pipe
    is on the command's input only: its exit code is the pipeline's.
    """
    take = f"LC_ALL=C head -c {size}" if as_names else f"dd bs=1 count={size}"  # dd is slow, and everywhere
    given = f"s=$({take} <&3 2>/dev/null; echo .); " if size else ""
    source = f'printf %{"b" if as_names else "s"} "${{s%.}}" | ' if size else ""
    guard = '[ "$(command -v printf)" = printf ] || { echo sh has no builtin printf >&2; exit 125; }; ' if size else ""
    script = (
        f"exec 3<&0; {guard}echo; echo {nonce}; echo {nonce} >&2; "
        f"{given}{source}{{ exec 3<&-; {command}; }} & p=$!; "
        "(while read -r x <&3; do :; done; kill -TERM $p) >/dev/null 2>&1 & w=$!; "
        "exec 3<&- >/dev/null; wait $p; r=$?; kill $w 2>/dev/null; exit $r"
    )
    return f"/bin/sh -c {shlex.quote(script)}"


def _argv(connection: Any, script: str, become: bool) -> list[str | bytes]:
    if become:
        script = _with_become(connection, script)
    if connection.transport == "local":
        return ["/bin/sh", "-c", script]
    if connection.transport != "ssh":
        raise AnsibleError(
            f"connection {connection.transport!r} cannot stream: use ansible_connection ssh or local for this host"
        )
    connection.host = connection.get_option("host") or connection._play_context.remote_addr  # ControlPath reads it
    if (
        connection.get_option("password")
        or connection._play_context.password
        or connection.get_option("pkcs11_provider")
    ):
        raise AnsibleError(
            f"{connection.host}: streaming over SSH works with a key, not with a password or a PIN: "
            "put the key's path into ansible_ssh_private_key_file and drop ansible_password"
        )
    executable = connection.get_option("ssh_executable")
    return list(connection._build_command(executable, "ssh", "-T", connection.host, script))


def _with_become(connection: Any, script: str) -> str:
    plugin = connection.become
    if plugin is None:
        raise AnsibleError("become was asked for, but this task has no become plugin: set become: true on the task")
    built = plugin.build_become_command(script, connection._shell)
    if plugin.expect_prompt():
        raise AnsibleError(
            f"become method {plugin.name!r} would ask for a password, which a stream cannot answer: "
            "allow the command without one (sudo NOPASSWD), or do without become"
        )
    return str(built)


def _where(connection: Any) -> str:
    return harmless(connection._play_context.remote_addr or "localhost", 100)


def _feed(process: subprocess.Popen[bytes], given: bytes, most: int) -> None:
    """Write the command's input and leave the pipe open: its end is what the watcher on the host waits for.

    The host's shell takes all of it before the command starts, so that the two cannot wait for each other.
    """
    if len(given) > most:
        raise AnsibleError(f"at most {most >> 10} KiB of standard input can be given to a streamed command")
    if process.stdin is None:
        return
    view = memoryview(given)
    try:
        while view:
            view = view[os.write(process.stdin.fileno(), view) :]
    except BrokenPipeError:
        return  # it ended already: await_start tells why


def _end(process: subprocess.Popen[bytes]) -> None:
    """Leave no process behind: end of input ends the far side, then TERM, then KILL for ours."""
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(BrokenPipeError):  # nothing buffered is lost: _feed writes past the buffer
                pipe.close()
    if process.poll() is None:
        try:
            process.wait(0.5)
        except subprocess.TimeoutExpired:
            process.terminate()
    try:
        process.wait(_GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


__all__ = ["Ended", "HostStream", "open_stream"]
