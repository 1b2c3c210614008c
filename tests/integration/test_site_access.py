"""The role `site_access` through ansible-playbook: every way in, and every way that is barred."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.emulators.cpanel import CpanelEmulator

from .loopback import Loopback, sshd

ROOT = Path(__file__).parents[2]
PLAYBOOK = """
- name: Prove access
  hosts: all
  gather_facts: false
  tasks:
    - name: Access
      ansible.builtin.include_role:
        name: site_access
    - name: The play goes on, on the control node
      ansible.builtin.copy:
        content: "{{ site_access_requirement | to_json }}"
        dest: "{{ out }}/{{ inventory_hostname }}.json"
        mode: "0600"
      delegate_to: localhost
      vars:
        ansible_connection: local
        ansible_python_interpreter: "{{ ansible_playbook_python }}"
"""


@pytest.fixture(scope="module")
def loopback() -> Iterator[Loopback]:
    folder = Path(tempfile.mkdtemp(prefix="lm-"))
    try:
        with sshd(folder) as host:
            yield host
    finally:
        shutil.rmtree(folder)


def _play(folder: Path, hosts: list[str], extra: dict[str, Any] | None = None, *arguments: str) -> dict[str, Any]:
    """Run the role on the given inventory lines; host -> requirement. The output must hold no surprise."""
    (folder / "play.yml").write_text(PLAYBOOK)
    (folder / "hosts.ini").write_text("\n".join(hosts) + "\n")
    (folder / "extra.json").write_text(json.dumps({"out": str(folder), **(extra or {})}))
    run = subprocess.run(
        [
            Path(sys.executable).with_name("ansible-playbook"), "-i", folder / "hosts.ini", folder / "play.yml",
            "-e", f"@{folder}/extra.json", *arguments,
        ],
        cwd=ROOT, env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "NO_COLOR": "1"},
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr
    (folder / "output.txt").write_text(run.stdout + run.stderr)
    return {path.stem: json.loads(path.read_text()) for path in folder.glob("*.json") if path.stem != "extra"}


def test_ssh_and_local(tmp_path: Path, loopback: Loopback) -> None:
    hosts = [
        loopback.inventory_line("over-ssh"),
        "here ansible_connection=local",
        "missing ansible_connection=local",
        "mismatch ansible_connection=local site_access_method=ssh",
    ]
    hosts[2] += f""" site_access_tools='["tar","no-such-tool"]' site_access_paths='["{tmp_path}/absent"]'"""
    told = _play(tmp_path, hosts, None, "--check") | _play(tmp_path, hosts)
    assert told["over-ssh"] == {
        "name": "site_access",
        "ok": True,
        "reason": "ssh: a POSIX shell carried out the probe; tar, gzip present",
    }
    assert told["here"]["ok"]
    assert not told["missing"]["ok"]
    assert "no-such-tool" in told["missing"]["reason"]
    assert f"{tmp_path}/absent does not exist" in told["missing"]["reason"]
    assert not told["mismatch"]["ok"]
    assert "make them agree" in told["mismatch"]["reason"]


def test_each_barred_way_over_ssh_is_told_and_the_play_goes_on(tmp_path: Path, loopback: Loopback) -> None:
    other = tmp_path / "other"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", other], check=True)
    wrong_key = tmp_path / "changed"
    wrong_key.write_text(f"[127.0.0.1]:{loopback.port} {' '.join(other.with_suffix('.pub').read_text().split()[:2])}\n")
    unknown = tmp_path / "unknown"
    unknown.write_text("")
    with socket.socket() as free, socket.create_server(("127.0.0.1", 0)) as silent:
        free.bind(("127.0.0.1", 0))
        control = tmp_path / "c"  # no master connection of another host may be shared
        barred = [
            replace(loopback, known_hosts=wrong_key, control=control).inventory_line("changed"),
            replace(loopback, known_hosts=unknown, control=control).inventory_line("unknown"),
            replace(loopback, key=other, control=control).inventory_line("refused"),
            replace(loopback, port=free.getsockname()[1]).inventory_line("closed"),
            replace(loopback, port=silent.getsockname()[1]).inventory_line("silent"),
            loopback.inventory_line("nodns").replace("127.0.0.1", "no-such-host.invalid", 1),
            loopback.inventory_line("password") + " ansible_password=canary-7c1",
        ]
        told = _play(tmp_path, barred, {"site_access_timeout": 3})
    expected = {
        "changed": "wrong SSH host key",
        "unknown": "not known yet",
        "refused": "login was refused",
        "closed": "connection refused",
        "silent": "no answer in time",
        "nodns": "DNS",
        "password": "with a key",
    }
    assert told.keys() == expected.keys()
    for host, words in expected.items():
        assert told[host]["ok"] is False
        assert words in told[host]["reason"], (host, told[host]["reason"])
    assert "canary-7c1" not in (tmp_path / "output.txt").read_text() + json.dumps(told)


def test_a_login_without_a_shell_is_no_access(tmp_path: Path) -> None:
    folder = Path(tempfile.mkdtemp(prefix="lm-"))
    try:
        with sshd(folder, force_command="/bin/echo sftp only") as host:
            told = _play(tmp_path, [host.inventory_line("noshell")])
    finally:
        shutil.rmtree(folder)
    assert told["noshell"]["ok"] is False
    assert "sftp only" in told["noshell"]["reason"]


def test_cpanel(tmp_path: Path) -> None:
    with CpanelEmulator(tmp_path / "emulator") as cpanel:
        common = (
            f"site_access_method=cpanel_api site_access_cpanel_host=localhost site_access_cpanel_port={cpanel.port} "
            f"site_access_cpanel_user={cpanel.user} ansible_host=no-such-host.invalid"
        )
        hosts = [
            f"good {common} site_access_cpanel_ca_file={cpanel.ca_file}",
            f"untrusted {common}",
            f"stranger {common} site_access_cpanel_ca_file={cpanel.ca_file} site_access_cpanel_user=someone",
        ]
        told = _play(tmp_path, hosts, {"site_access_cpanel_token": cpanel.token}, "-vvv")
        assert told["good"]["ok"], told
        assert "dinas.example" in told["good"]["reason"]
        assert "not trusted" in told["untrusted"]["reason"]
        assert "HTTP 401" in told["stranger"]["reason"]
        output = (tmp_path / "output.txt").read_text()
        assert cpanel.token not in output
        cpanel.fault = "login_page"
        assert "log-in page" in _play(tmp_path, hosts[:1], {"site_access_cpanel_token": cpanel.token})["good"]["reason"]


def test_the_token_is_in_no_process_list(tmp_path: Path) -> None:
    seen: list[bytes] = []
    looks = 0
    with CpanelEmulator(tmp_path / "emulator") as cpanel:
        cpanel.fault, cpanel.delay = "slow", 1.0
        line = (
            f"slow site_access_method=cpanel_api site_access_cpanel_host=localhost "
            f"site_access_cpanel_port={cpanel.port} site_access_cpanel_user={cpanel.user} "
            f"site_access_cpanel_ca_file={cpanel.ca_file}"
        )
        done = threading.Event()

        def look() -> None:
            nonlocal looks
            while not done.wait(0.05):
                for name in ("cmdline", "environ"):
                    for path in Path("/proc").glob(f"[0-9]*/{name}"):
                        with contextlib.suppress(OSError):  # a process that ended meanwhile
                            content = path.read_bytes()
                            seen.extend([content] if cpanel.token.encode() in content else [])
                looks += bool(cpanel.seen)

        watcher = threading.Thread(target=look)
        watcher.start()
        try:
            told = _play(tmp_path, [line], {"site_access_cpanel_token": cpanel.token})
        finally:
            done.set()
            watcher.join()
    assert told["slow"]["ok"], told
    assert looks > 3  # it was watched while the call was under way
    assert seen == []
