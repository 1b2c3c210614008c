"""The host stream over the local connection and over a real sshd."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.loader import become_loader

from reporting.hosts.stream import open_stream
from tests.fleet.manager import Fleet

from .loopback import Loopback, ansible_connection, loopback_connection, sshd

CANARY = "canary-3f9a-Secret'\"$`"


@pytest.fixture(scope="module")
def loopback() -> Iterator[Loopback]:
    folder = Path(tempfile.mkdtemp(prefix="lm-"))
    try:
        with sshd(folder) as host:
            yield host
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def noisy() -> Iterator[Loopback]:
    """A host whose login prints on both outputs before anything runs, as a careless .bashrc does."""
    folder = Path(tempfile.mkdtemp(prefix="lm-"))
    (folder / "noise").write_text(
        "#!/bin/sh\necho 'Selamat datang'\nprintf 'no newline at the end'\necho warning >&2\n"
        'exec /bin/sh -c "$SSH_ORIGINAL_COMMAND"\n'
    )
    (folder / "noise").chmod(0o755)
    try:
        with sshd(folder, force_command=str(folder / "noise")) as host:
            yield host
    finally:
        shutil.rmtree(folder)


@pytest.fixture(params=["local", "ssh", "noisy"])
def connection(request: pytest.FixtureRequest) -> Any:
    if request.param == "local":
        return ansible_connection("local")
    return loopback_connection(request.getfixturevalue("loopback" if request.param == "ssh" else "noisy"))


def _await(condition: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def _running(words: str) -> bool:
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = entry.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace").strip()
        except OSError:
            continue
        if line == words:
            return True
    return False


def test_every_byte_arrives_and_nothing_else(connection: Any, tmp_path: Path) -> None:
    source = tmp_path / "data"
    source.write_bytes(os.urandom(5_000_000))
    digest = hashlib.sha256()
    with open_stream(connection, f"exec cat {source}") as stream:
        buffer = bytearray(100_003)
        while size := stream.readinto(buffer):
            digest.update(buffer[:size])
        ended = stream.finish()
    assert digest.digest() == hashlib.sha256(source.read_bytes()).digest()
    assert (ended.code, ended.stderr) == (0, "")


def test_exit_code_and_stderr_are_the_commands_own(connection: Any) -> None:
    with open_stream(connection, "echo out; echo why >&2; exit 255") as stream:
        assert stream.read() == b"out\n"
        ended = stream.finish()
    assert (ended.code, ended.stderr, ended.last_line()) == (255, "why\n", "why")


def test_a_flood_on_stderr_neither_blocks_nor_fills_memory(connection: Any) -> None:
    flood = "i=0; while [ $i -lt 60000 ]; do echo line-$i-of-a-flood >&2; i=$((i+1)); done; echo done; echo last >&2"
    with open_stream(connection, flood) as stream:
        assert stream.read() == b"done\n"
        ended = stream.finish()
    assert "line-0-of-a-flood" in ended.stderr
    assert ended.last_line() == "last"
    assert len(ended.stderr) < 300_000
    assert ended.stderr_dropped > 500_000


def test_stdin_reaches_the_command_exactly_and_shows_in_no_argument_list(connection: Any) -> None:
    secret = f"[client]\npassword={CANARY}\n\n".encode()
    with open_stream(connection, "cat; exec sleep 0.5", stdin=secret) as stream:
        got = stream.read(1000)
        for entry in Path("/proc").glob("[0-9]*"):
            for name in ("cmdline", "environ"):
                try:
                    assert CANARY.encode() not in (entry / name).read_bytes()
                except OSError:
                    continue
        got += stream.read()
    assert got == secret


@pytest.mark.parametrize("stdin", [b"", b"secret"])
def test_leaving_early_ends_a_silent_command_on_the_host(connection: Any, stdin: bytes) -> None:
    seconds = f"98{time.time_ns() % 10**6}"
    with open_stream(connection, f"exec sleep {seconds}", stdin=stdin):
        _await(lambda: _running(f"sleep {seconds}"))
    _await(lambda: not _running(f"sleep {seconds}"))


def test_a_killed_ssh_client_ends_the_command_on_the_host(loopback: Loopback) -> None:
    seconds = f"97{time.time_ns() % 10**6}"
    with open_stream(loopback_connection(loopback), f"exec sleep {seconds}") as stream:
        _await(lambda: _running(f"sleep {seconds}"))
        stream._process.kill()
        assert stream.finish().code == -9
        _await(lambda: not _running(f"sleep {seconds}"))


def test_silence_is_given_up(connection: Any) -> None:
    with (
        pytest.raises(AnsibleConnectionFailure, match="nothing came for 1 seconds"),
        open_stream(connection, "echo x; exec sleep 30", idle_timeout=1) as stream,
    ):
        stream.read()


def test_unreachable_host_is_a_connection_failure(loopback: Loopback) -> None:
    gone = Loopback(1, loopback.key, loopback.known_hosts, loopback.control, loopback.user)
    with pytest.raises(AnsibleConnectionFailure, match="refused"), open_stream(loopback_connection(gone), "true"):
        pass


def test_wrong_host_key_is_a_connection_failure(loopback: Loopback, tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "other"], check=True)
    other = " ".join((tmp_path / "other.pub").read_text().split()[:2])
    (tmp_path / "known").write_text(f"[127.0.0.1]:{loopback.port} {other}\n")
    wrong = Loopback(loopback.port, loopback.key, tmp_path / "known", tmp_path, loopback.user)
    with (
        pytest.raises(AnsibleConnectionFailure, match=r"(?i)host key"),
        open_stream(loopback_connection(wrong), "true"),
    ):
        pass


def test_password_ssh_is_refused_before_anything_runs(loopback: Loopback) -> None:
    connection = loopback_connection(loopback, ansible_password=CANARY)
    with pytest.raises(AnsibleError, match="key, not with a password") as caught, open_stream(connection, "true"):
        pass
    assert CANARY not in str(caught.value)


def test_other_connections_are_refused() -> None:
    with pytest.raises(AnsibleError, match="cannot stream"), open_stream(ansible_connection("psrp"), "true"):
        pass


def test_become_without_a_prompt_works_and_its_marker_is_not_in_the_stream() -> None:
    if not shutil.which("sudo"):
        if os.environ.get("CI") == "true":
            pytest.fail("sudo is not installed")
        pytest.skip("sudo is not installed")
    connection = ansible_connection("local", become="sudo")
    with open_stream(connection, "exec printf abc", become=True) as stream:
        assert stream.read() == b"abc"
        assert stream.finish().code == 0


def test_become_that_asks_for_a_password_is_refused() -> None:
    connection = ansible_connection("local", become="sudo", ansible_become_password="x")
    with pytest.raises(AnsibleError, match="would ask for a password"), open_stream(connection, "true", become=True):
        pass


def test_a_command_that_cannot_start_says_so() -> None:
    connection = ansible_connection("local", become="sudo", ansible_become_exe="/nonexistent/sudo")
    with pytest.raises(AnsibleError, match="did not start"), open_stream(connection, "true", become=True):
        pass


def _fleet_connection(fleet: Fleet, name: str) -> Any:
    """Ansible's connection to a host of the fleet, from the variables that its inventory has."""
    inventory = json.loads((fleet.inventory_dir / "hosts.yml").read_text())
    variables = inventory["sites"]["hosts"][name]
    return ansible_connection("ssh", **{key: value for key, value in variables.items() if key.startswith("ansible_")})


def test_a_shared_host_without_python_and_with_a_noisy_bashrc(fleet: Fleet) -> None:
    with open_stream(_fleet_connection(fleet, "shared"), "exec head -c 2000000 /dev/zero") as stream:
        assert stream.read() == bytes(2_000_000)
        assert stream.finish().code == 0


def test_sudo_on_a_vps_runs_as_root_and_its_marker_stays_out(fleet: Fleet) -> None:
    connection = _fleet_connection(fleet, "vps")
    plugin = become_loader.get("sudo")
    plugin.set_options()
    connection.set_become_plugin(plugin)
    with open_stream(connection, "id -u; exec cat", become=True, stdin=b"rahasia") as stream:
        assert stream.read() == b"0\nrahasia"
        assert stream.finish().code == 0


def test_nothing_goes_on_on_a_host_that_was_left(fleet: Fleet) -> None:
    seconds = f"96{time.time_ns() % 10**6}"
    with open_stream(_fleet_connection(fleet, "shared"), f"exec sleep {seconds}"):
        _await(lambda: _running(f"sleep {seconds}"))
    look = f"ps ax -o args | grep -c '^sleep {seconds}' || :"
    _await(lambda: fleet.shared.admin(look).stdout.strip() == "0")
