"""Everything that runs a program as root: podman, mount, mkfs. One place decides how.

Some machines (nested virtual machines, sandboxes) give root neither CAP_SYS_RESOURCE nor pure cgroups v2. There podman
needs runc and lower limits, named by a ``containers.conf`` of our own. Elsewhere podman runs as it is configured.
"""

import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.fleet.settings import run_dir

CAP_SYS_RESOURCE = 24
PROGRAMS = ("podman", "ssh", "ssh-keygen", "openssl")


class FleetError(RuntimeError):
    """The fleet cannot do what was asked; the message says why and what the program printed."""


def say(line: str) -> None:
    """A line of progress, at once, where it does not mix with JSON on standard output."""
    print(f"fleet: {line}", file=sys.stderr, flush=True)


def bounding_set() -> int:
    """Capabilities that even root can have here."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("CapBnd:"):
            return int(line.split()[1], 16)
    return 0


def cgroups_are_hybrid() -> bool:
    """Whether cgroups v1 and v2 are mixed, which crun refuses and runc takes."""
    return Path("/sys/fs/cgroup/unified").is_dir()


def containers_conf() -> str | None:
    """Text of the ``containers.conf`` that this machine needs, or None where podman works as it is."""
    limited = not bounding_set() >> CAP_SYS_RESOURCE & 1
    if os.environ.get("CONTAINERS_CONF") or not (limited or cgroups_are_hybrid()):
        return None
    text = ""
    if shutil.which("runc"):
        text += '[engine]\nruntime = "runc"\n'
    if limited:
        text += '[containers]\ndefault_ulimits = ["nofile=1024:4096", "nproc=4096:4096"]\n'
    return text or None


def elevation() -> list[str]:
    """Prefix that makes a command run as root: nothing for root, ``sudo -n`` for who may."""
    return [] if os.geteuid() == 0 else ["sudo", "-n"]


@functools.cache
def _podman_prefix(directory: Path) -> tuple[str, ...]:
    text = containers_conf()
    if text is None:
        return (*elevation(), "podman")
    directory.mkdir(parents=True, exist_ok=True)
    conf = directory / "containers.conf"
    conf.write_text(text, encoding="utf-8")
    return (*elevation(), "env", f"CONTAINERS_CONF={conf}", "podman")


def run(argv: Sequence[str | Path], *, timeout: float = 120, stdin: str | None = None) -> str:
    """Run a program to its end and return what it printed; raise FleetError with its words if it fails."""
    done = subprocess.run(
        [str(word) for word in argv], input=stdin, capture_output=True, text=True, timeout=timeout, check=False
    )
    if done.returncode != 0:
        words = (done.stderr or done.stdout).strip()[-2000:]
        raise FleetError(f"{' '.join(str(word) for word in argv)}: rc {done.returncode}: {words}")
    return done.stdout


def as_root(*argv: str | Path, timeout: float = 120) -> str:
    """Run a program as root."""
    return run([*elevation(), *argv], timeout=timeout)


def podman_argv(*arguments: str | Path) -> list[str]:
    """The whole command line of a podman call, for callers that need their own pipes."""
    return [*_podman_prefix(run_dir()), *(str(argument) for argument in arguments)]


def podman(*arguments: str | Path, timeout: float = 120) -> str:
    """Call podman and return its standard output."""
    return run(podman_argv(*arguments), timeout=timeout)


def podman_logged(log: Path, *arguments: str | Path, timeout: float = 1800) -> None:
    """A long podman call whose output goes to a file; the file's end is in the error."""
    logged(log, podman_argv(*arguments), timeout=timeout)


def logged(log: Path, argv: Sequence[str | Path], *, timeout: float = 1800) -> None:
    """Run a long program with its output in a file; the file's end is in the error."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as out:
        done = subprocess.run(
            [str(word) for word in argv], stdout=out, stderr=subprocess.STDOUT, timeout=timeout, check=False
        )
    if done.returncode != 0:
        end = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])
        raise FleetError(f"{Path(argv[0]).name} failed with rc {done.returncode}; the end of {log}:\n{end}")


def may_be_root() -> bool:
    """Whether ``as_root`` can work."""
    if os.geteuid() == 0:
        return True
    if shutil.which("sudo") is None:
        return False
    return subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0


def available() -> str | None:
    """Why the fleet cannot run here, or None if it can."""
    if not sys.platform.startswith("linux"):
        return f"the fleet needs Linux, this is {sys.platform}"
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing:
        return f"not installed: {', '.join(missing)} (tests/fleet/install-deps.sh installs what the fleet needs)"
    if not may_be_root():
        return "the fleet needs root, or sudo without a password"
    try:
        network = podman("info", "--format", "{{.Host.NetworkBackend}}", timeout=60).strip()
    except (FleetError, subprocess.TimeoutExpired) as error:
        return f"podman does not work here: {error}"
    if network != "netavark":
        return f"podman's networks are made by {network}; the fleet needs netavark (podman 4 or newer)"
    return None
