"""One call of ansible-runner: a fresh private folder, a scrubbed environment, events handed on one by one."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reporting.runner.supervise import Cause, Supervisor

PROJECT = Path(__file__).resolve().parents[2]  # the checkout: playbooks/, roles/, plugins/, ansible.cfg
PLAYBOOKS = PROJECT / "playbooks"
FORKS = 10  # sites at once; the rest wait, and their minutes begin when their turn comes

# What ansible may see of our environment. Secrets that the inventory looks up are named LAMAN_SECRET_*.
_PASSED = {
    "HOME", "PATH", "USER", "LOGNAME", "SHELL", "TZ", "SSH_AUTH_SOCK", "TMPDIR", "XDG_RUNTIME_DIR",
    "ANSIBLE_VAULT_PASSWORD_FILE", "ANSIBLE_VAULT_IDENTITY_LIST", "VIRTUAL_ENV",
}  # fmt: skip
_KEPT_BACK = {"LAMAN_SECRET_SMTP"}  # laman's own; no playbook has use for it
_PASSED_PREFIXES = ("LAMAN_SECRET_", "SSL_CERT_")


class CannotRun(Exception):
    """The run did not come about; one line that says why and what to do."""


@dataclass(frozen=True)
class Play:
    """What to run: a playbook, on some hosts of an inventory's hosts.yml (none named: the hosts of the playbook)."""

    playbook: Path
    inventory: Path
    hosts: list[str]
    extra_vars: dict[str, Any]
    limit_seconds: float
    forks: int = FORKS


@dataclass(frozen=True)
class Played:
    """How it ended: ansible's exit code (None when it was ended), and why it was ended, if it was."""

    exit_code: int | None
    stop_cause: Cause | None


def scrubbed(environment: Mapping[str, str]) -> dict[str, str]:
    """The part of an environment that a run may see."""
    kept = {
        k: v for k, v in environment.items() if (k in _PASSED or k.startswith(_PASSED_PREFIXES)) and k not in _KEPT_BACK
    }
    kept["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{kept.get('PATH', os.defpath)}"
    return kept | {"LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "PYTHONUNBUFFERED": "1"}


def play(request: Play, on_event: Callable[[dict[str, Any]], None], tick: Callable[[], None]) -> Played:
    """Run a playbook to its end, its deadline or a signal; nothing that it started is left.

    Args:
        request: what to run.
        on_event: called with every event, in order; what it raises is raised here, after the run has been ended.
        tick: called about twice a second.

    Raises:
        CannotRun: ansible could not be started.
    """
    import ansible_runner

    if not request.playbook.is_file():
        raise CannotRun(f"{request.playbook}: no such playbook; run laman from a whole checkout")
    raised: list[BaseException] = []
    with Supervisor(request.limit_seconds, _guarded(tick, raised)) as supervisor:

        def stop() -> bool:
            if raised:
                supervisor.stop_cause = supervisor.stop_cause or "cancelled"
            return supervisor.should_stop()

        environment = scrubbed(os.environ) | supervisor.environment() | _ansible_settings(supervisor.folder)
        with _only(environment):
            runner = ansible_runner.run(
                private_data_dir=str(supervisor.folder),
                playbook=str(request.playbook),
                inventory=str(request.inventory),
                limit=",".join(request.hosts) or None,
                extravars=request.extra_vars,
                forks=request.forks,
                quiet=True,
                settings={"pexpect_timeout": 0.5},
                event_handler=_handler(on_event, raised),
                status_handler=_forget_command,
                cancel_callback=stop,
                suppress_env_files=False,
            )
        played = Played(
            exit_code=runner.rc if supervisor.stop_cause is None else None, stop_cause=supervisor.stop_cause
        )
    if raised:
        raise raised[0]
    return played


def _ansible_settings(folder: Path) -> dict[str, str]:
    return {
        "ANSIBLE_CONFIG": str(PROJECT / "ansible.cfg"),
        "ANSIBLE_HOME": str(folder / "ansible"),
        "ANSIBLE_LOCAL_TEMP": str(folder / "ansible" / "tmp"),
        "ANSIBLE_SSH_CONTROL_PATH_DIR": str(folder / "cp"),
        "ANSIBLE_NOCOLOR": "1",
    }


def _handler(
    on_event: Callable[[dict[str, Any]], None], raised: list[BaseException]
) -> Callable[[dict[str, Any]], bool]:
    """A handler never raises into ansible-runner (the run would be left without an end): it is kept, and stops it."""

    def handle(event: dict[str, Any]) -> bool:
        if not raised:
            try:
                on_event(event)
            except Exception as error:  # noqa: BLE001 - raised again by `play` when the run has ended
                raised.append(error)
        return False  # no file per event

    return handle


def _guarded(tick: Callable[[], None], raised: list[BaseException]) -> Callable[[], None]:
    def guarded() -> None:
        if not raised:
            try:
                tick()
            except Exception as error:  # noqa: BLE001 - as above
                raised.append(error)

    return guarded


def _forget_command(status: dict[str, Any], runner_config: Any) -> None:
    """Remove the file in which ansible-runner keeps the whole environment of the run."""
    if status.get("status") == "running":
        (Path(runner_config.artifact_dir) / "command").unlink(missing_ok=True)


@contextmanager
def _only(environment: dict[str, str]) -> Iterator[None]:
    """Our own environment is that of the run, for as long as ansible-runner copies it."""
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(environment)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
