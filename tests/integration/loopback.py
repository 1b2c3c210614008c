"""An sshd of the test's own on a loopback port, and Ansible connections to it: no root, no containers."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


@dataclass(frozen=True)
class Loopback:
    port: int
    key: Path
    known_hosts: Path
    control: Path
    user: str

    def inventory_line(self, name: str) -> str:
        """This host as one line of an INI inventory."""
        args = f"-o UserKnownHostsFile={self.known_hosts} -o ControlPath={self.control}/%C"
        return (
            f"{name} ansible_host=127.0.0.1 ansible_port={self.port} ansible_user={self.user} "
            f"ansible_ssh_private_key_file={self.key} ansible_ssh_common_args='{args}'"
        )


def need_sshd() -> str:
    """Path of sshd; on a machine without it the test is skipped, and fails where CI=true."""
    if SSHD:
        return SSHD
    if os.environ.get("CI") == "true":
        pytest.fail("sshd is not installed (apt-get install openssh-server)")
    pytest.skip("sshd is not installed (apt-get install openssh-server)")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def sshd(folder: Path, force_command: str = "") -> Iterator[Loopback]:
    """Run sshd for the present user until the block ends. `folder` must be short (control sockets live in it)."""
    program = need_sshd()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in ("host", "client"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    (folder / "authorized").write_bytes((folder / "client.pub").read_bytes())
    port = _free_port()
    host_key = (folder / "host.pub").read_text().split()[:2]
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {' '.join(host_key)}\n")
    (folder / "control").mkdir(exist_ok=True)
    (folder / "sshd_config").write_text(
        f"ListenAddress 127.0.0.1\nPort {port}\nHostKey {folder}/host\nAuthorizedKeysFile {folder}/authorized\n"
        f"PidFile none\nStrictModes no\nUsePAM no\nPasswordAuthentication no\nMaxSessions 50\n"
        "Subsystem sftp internal-sftp\n" + (f"ForceCommand {force_command}\n" if force_command else "")
    )
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    daemon = subprocess.Popen([program, "-D", "-e", "-f", str(folder / "sshd_config")], stderr=subprocess.PIPE)
    try:
        _await_port(port, daemon)
        yield Loopback(port, folder / "client", folder / "known_hosts", folder / "control", getpass.getuser())
    finally:
        for socket_file in (folder / "control").glob("*"):
            subprocess.run(
                ["ssh", "-o", f"ControlPath={socket_file}", "-O", "exit", "x"], capture_output=True, check=False
            )
        daemon.terminate()
        daemon.wait(10)


def _await_port(port: int, daemon: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if daemon.poll() is not None:
            raise RuntimeError(f"sshd ended: {daemon.stderr.read().decode()!r}")  # type: ignore[union-attr]
        time.sleep(0.02)
    raise RuntimeError("sshd did not listen within 10 s")


def ansible_connection(kind: str = "local", become: str = "", **options: Any) -> Any:
    """One of Ansible's own connection objects, as an action plugin gets it."""
    from ansible.playbook.play_context import PlayContext
    from ansible.plugins.loader import become_loader, connection_loader, init_plugin_loader

    if not getattr(ansible_connection, "ready", False):
        init_plugin_loader()
        ansible_connection.ready = True  # type: ignore[attr-defined]
    context = PlayContext()
    context.remote_addr = options.get("ansible_host", "localhost")
    connection = connection_loader.get(kind, context)
    connection.set_options(var_options=options)
    if become:
        plugin = become_loader.get(become)
        plugin.set_options(var_options=options)
        connection.set_become_plugin(plugin)
    return connection


def loopback_connection(host: Loopback, **more: Any) -> Any:
    return ansible_connection(
        "ssh",
        ansible_host="127.0.0.1",
        ansible_port=host.port,
        ansible_user=host.user,
        ansible_ssh_private_key_file=str(host.key),
        ansible_ssh_args="-o ControlMaster=auto -o ControlPersist=30s",
        ansible_ssh_common_args=f"-o UserKnownHostsFile={host.known_hosts} -o ControlPath={host.control}/%C",
        **more,
    )
