"""One running host: commands over SSH, the administrator's way in, and the ways in which a host goes away."""

import contextlib
import shlex
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from tests.fleet.engine import FleetError, podman, podman_argv
from tests.fleet.payload import Facts, Paths

START_SECONDS = 60


class Host:
    """A managed host of the fleet."""

    def __init__(self, *, name: str, container: str, address: str, user: str, facts: Facts, run_dir: Path) -> None:
        """``user`` is the account that the inventory uses."""
        self.name = name
        self.container = container
        self.address = address
        self.user = user
        self.facts = facts
        self._paths = Paths(run_dir)

    @property
    def ssh_options(self) -> list[str]:
        """Options of ssh: this key and no other, and the host's real key, known beforehand."""
        options = {
            "IdentitiesOnly": "yes",
            "UserKnownHostsFile": f'"{self._paths.known_hosts}"',
            "GlobalKnownHostsFile": "/dev/null",
            "StrictHostKeyChecking": "yes",
            "BatchMode": "yes",
            "ConnectTimeout": "10",
        }
        return [word for key, value in options.items() for word in ("-o", f"{key}={value}")]

    def ssh_argv(self, command: str, user: str | None = None) -> list[str]:
        """The command line that runs ``command`` in the login shell of ``user``."""
        target = f"{user or self.user}@{self.address}"
        return ["ssh", "-F", "/dev/null", "-i", str(self._paths.key), *self.ssh_options, target, command]

    def run(
        self,
        command: str,
        user: str | None = None,
        *,
        check: bool = True,
        stdin: str | None = None,
        timeout: float = 60,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command over SSH as ``user`` (by default the inventory's)."""
        return _completed(self.ssh_argv(command, user), check, stdin, timeout)

    def admin(
        self, command: str, *, check: bool = True, stdin: str | None = None, timeout: float = 60
    ) -> subprocess.CompletedProcess[str]:
        """Run a command as root inside, past SSH: to arrange a fault or to look at what the account cannot see."""
        argv = podman_argv("exec", "--interactive", self.container, "sh", "-c", command)
        return _completed(argv, check, stdin, timeout)

    def stop(self) -> None:
        """Switch the host off; its files stay."""
        podman("stop", "--time", "10", self.container)

    def start(self) -> None:
        """Switch the host on again, at the same address, and wait until it answers."""
        podman("start", self.container)
        self.wait()

    def pause(self) -> None:
        """Freeze the host: connections hang instead of being refused."""
        podman("pause", self.container)

    def unpause(self) -> None:
        """Let a frozen host go on."""
        podman("unpause", self.container)

    @contextlib.contextmanager
    def stopped(self) -> Iterator[None]:
        """The host is off inside the block and on again after it."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """The host hangs inside the block and goes on after it."""
        self.pause()
        try:
            yield
        finally:
            self.unpause()

    def answers(self) -> bool:
        """Whether sshd greets; it is started last, so everything else is up then."""
        try:
            with socket.create_connection((self.address, 22), timeout=2) as connection:
                return connection.recv(4) == b"SSH-"
        except OSError:
            return False

    def wait(self, seconds: float = START_SECONDS) -> None:
        """Wait until the host answers; if it ends instead, say what it printed."""
        deadline = time.monotonic() + seconds
        while not self.answers():
            running = podman("inspect", "--format", "{{.State.Running}}", self.container).strip() == "true"
            if not running or time.monotonic() > deadline:
                state = "does not answer" if running else "ended"
                printed = _completed(podman_argv("logs", "--tail", "20", self.container), False, None, 30)
                raise FleetError(f"{self.name} {state}; it printed:\n{printed.stdout}{printed.stderr}")
            time.sleep(0.1)


def _completed(argv: list[str], check: bool, stdin: str | None, timeout: float) -> subprocess.CompletedProcess[str]:
    # With an input of its own, even an empty one, ssh does not eat that of the test run.
    done = subprocess.run(
        argv,
        input=stdin or "",
        capture_output=True,
        encoding="utf-8",
        errors="surrogateescape",
        timeout=timeout,
        check=False,
    )
    if check and done.returncode != 0:
        raise FleetError(f"{shlex.join(argv)}: rc {done.returncode}: {done.stderr.strip()[-2000:]}")
    return done
