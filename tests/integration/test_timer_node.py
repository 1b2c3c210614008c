"""A control node of its own: systemd as its first process, laman from this checkout, the timer that laman installs.

It is switched off for two days and on again. A container's clock is the machine's, so its time comes from libfaketime,
loaded into every process of the container but systemd itself: laman, Ansible and the ledger see two days pass, while
systemd's own clock decides by itself when the timer fires. Nothing is started by the test after the node is on again.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from tests.fleet import engine, images
from tests.fleet.fixtures import require
from tests.integration.agency import PROJECT

LAMAN = ("/opt/laman/.venv/bin/laman", "-i", "/srv/inventory")
SHIPPED = (
    "reporting", "playbooks", "roles", "plugins", "requirements", ".ci", "pyproject.toml", "README.md", "LICENSE",
    "ansible.cfg",
)  # fmt: skip
FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"
OTHERS = (
    "# mine\nMAILTO=\"\"\n\n15 3 * * *\t/usr/bin/true % with a percent\n@reboot echo 'it''s mine'"  # no last newline
)


@dataclass
class Node:
    """The container; everything in it is done through `podman exec`."""

    name: str

    def run(self, *words: str, stdin: bytes = b"", user: str = "root", code: int | None = 0) -> str:
        argv = engine.podman_argv("exec", "-i", "--user", user, "--workdir", "/srv", self.name, *words)
        done = subprocess.run(argv, input=stdin, capture_output=True, timeout=300, check=False)
        said = done.stdout.decode() + done.stderr.decode()
        assert code is None or done.returncode == code, f"{words}: exit {done.returncode}: {said}"
        return done.stdout.decode()

    def laman(self, *words: str, user: str = "laman", code: int | None = 0) -> str:
        return self.run(*LAMAN, *words, user=user, code=code)

    def put(self, path: str, text: str) -> None:
        self.run("sh", "-c", 'mkdir -p "$(dirname "$0")"; cat >"$0"', path, stdin=text.encode())

    def travel(self, offset: str) -> None:
        """The time of every process that begins from now on."""
        self.put("/etc/faketimerc", f"{offset}\n")

    def off_and_on(self) -> None:
        engine.podman("stop", "--time", "30", self.name)
        engine.podman("start", self.name)

    def status(self) -> dict[str, Any]:
        """The record around the days of the test."""
        first = datetime.now(UTC).date() - timedelta(days=3)
        period = f"{first}..{first + timedelta(days=9)}"
        return dict(json.loads(self.laman("status", "--json", "--period", period)))

    def wait_for_executions(self, count: int, seconds: float) -> dict[str, Any]:
        """Poll until so many executions are on record and have ended."""
        deadline = time.monotonic() + seconds
        while True:
            told = self.status() if self._has_woken() else {"executions": []}
            if sum(e["ended_at"] is not None for e in told["executions"]) >= count:
                return told
            log = self.run("journalctl", "--no-pager", "-n", "30", code=None)
            assert time.monotonic() < deadline, f"the timer ran nothing within {seconds} s:\n{log}"
            time.sleep(1)

    def wait_until_idle(self, seconds: float) -> None:
        """Poll until the service has come to its end."""
        deadline = time.monotonic() + seconds
        words = ("systemctl", "show", "laman-uji.service", "--property=ActiveState", "--value")
        while (state := self.run(*words).strip()) != "inactive":
            assert time.monotonic() < deadline, f"laman-uji.service is {state} after {seconds} s"
            time.sleep(0.5)

    def _has_woken(self) -> bool:
        """Whether the timer's first call has come to its end; asking laman before would open the record itself."""
        words = ("exec", self.name, "test", "-s", "/srv/state/timer.json")
        return subprocess.run(engine.podman_argv(*words), capture_output=True, check=False).returncode == 0


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A booted control node with laman installed, an inventory in /srv, and an officer's account `laman`."""
    require(engine.available())
    wheels = tmp_path_factory.mktemp("wheels")
    _download(wheels)
    name = f"laman-node-{os.getpid()}"
    # The settings that systemd takes in its place as the first process: podman's --systemd; it must see its cgroups.
    engine.podman(
        "run", "--detach", "--name", name, "--systemd=always", "--privileged", "--network=none",
        "--env", "FAKETIME_SKIP_CMDS=systemd,init", "--volume", f"{wheels}:/wheels:ro", images.ensure("node"),
    )  # fmt: skip
    try:
        made = Node(name)
        _install(made)
        yield made
    finally:
        engine.podman("rm", "--force", "--time", "2", name)
        for wheel in wheels.iterdir():
            wheel.unlink()


def _download(wheels: Path) -> None:
    """The locked packages for the image's Python, as this machine's pip gets them; the node itself has no network."""
    words = ["download", "--quiet", "--no-deps", "--only-binary", ":all:", "--python-version", "3.11",
             "--require-hashes", "-r", str(PROJECT / "requirements/py3.11.txt"), "-d", str(wheels)]  # fmt: skip
    subprocess.run([sys.executable, "-m", "pip", *words], check=True, capture_output=True, timeout=600)


def _install(node: Node) -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name in SHIPPED:
            archive.add(PROJECT / name, name, filter=lambda i: None if "__pycache__" in i.name else i)
    node.run("sh", "-c", "mkdir -p /opt/laman && tar x -C /opt/laman", stdin=stream.getvalue())
    environment = ("env", "PIP_NO_INDEX=1", "PIP_FIND_LINKS=/wheels")
    node.run("sh", "-c", 'cd /opt/laman && exec "$@"', "sh", *environment, "bash", ".ci/venv", "python3", ".venv")
    node.run("useradd", "--create-home", "laman")
    node.put("/srv/log/access.log", '203.0.113.9 - - [22/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 12 "-" "x"\n')
    local = {"ansible_connection": "local", "ansible_python_interpreter": "/opt/laman/.venv/bin/python"}
    for file, content in {
        "group_vars/all/unit.yml": {"laman_unit": _unit()},
        "hosts.yml": {"all": {"children": {"sites": {"hosts": {"www": {}}}}}},
        "host_vars/www.yml": {**local, "visitor_log_paths": ["/srv/log/access.log*"]},
    }.items():
        node.put(f"/srv/inventory/{file}", yaml.safe_dump(content))
    node.run("chown", "--recursive", "laman:", "/srv/inventory", "/srv/log")
    node.travel("+0")
    node.put("/etc/ld.so.preload", f"{FAKETIME}\n")


def _unit() -> dict[str, Any]:
    """The window of each day opens six hours before the test's hour: whenever it runs, it is open."""
    start = (datetime.now(ZoneInfo("Asia/Jakarta")) - timedelta(hours=6)).strftime("%H:00")
    roles = ["pengelola_sistem_dan_jaringan", "pengelola_laman", "kasi_si", "kasubag_umum"]
    return {
        "id": "uji",
        "name": "Unit Uji 100% $HOME",
        "state_dir": "../state",
        "officers": [{"id": "budi", "name": "Budi Santoso", "title": "Pengelola", "roles": roles}],
        "schedule": [{"activity": 3, "every": "day", "start": start}],
        "review": {"activities": []},
    }


def test_two_occasions_slept_through_are_caught_up_and_stand_on_record_as_missed_and_late(node: Node) -> None:
    install = ("schedule", "install", "--system", "--run-as", "laman", "--every", "5")
    shown = node.laman(*install, "--dry-run", user="root")
    assert "+OnCalendar=*:0/5" in shown
    assert "nothing was changed" in shown
    assert node.run("systemctl", "list-unit-files", "laman-*", "--no-legend", code=None) == ""
    assert "active, every 5 minutes" in node.laman(*install, user="root")
    assert "nothing had to change" in node.laman(*install, user="root")
    assert "active, enabled" in node.laman("schedule", "show")

    first = node.wait_for_executions(1, 120)
    assert [(e["site"], e["verdict"], e["agent"]["kind"]) for e in first["executions"]] == [("www", "sesuai", "timer")]
    node.travel("+2d")
    node.off_and_on()
    told = node.wait_for_executions(2, 180)

    before, missed, late = told["occasions"]
    assert (before["state"], missed["state"], late["state"]) == ("sesuai", "terlewat", "sesuai")
    assert "the timer gave no sign of life since" in missed["reason"]
    assert "begun late: the timer gave no sign of life since" in late["reason"]
    run = told["executions"][1]
    assert late["executions"] == [run["id"]]
    assert f"made up for {run['started_at'][8:10]}" in missed["reason"]
    assert missed["reason"].endswith(run["id"])
    assert [d["aspect"] for d in told["deviations"]] == ["jadwal"], "what was missed is still to be accounted for"

    node.wait_until_idle(120)
    journal = node.run("journalctl", "--no-pager", "--unit", "laman-uji*")
    assert "Finished laman-uji.service" in journal
    assert "Failed" not in journal, "exit code 2, deviations, is a result and no failure of the service"
    node.laman("verify")
    node.travel("+2d")
    node.run("systemctl", "start", "laman-uji.service")
    assert len(node.status()["executions"]) == 2, "nothing runs twice"
    node.laman("schedule", "install", "--system", "--run-as", "laman", "--remove", user="root")
    assert node.run("sh", "-c", "ls /etc/systemd/system | grep laman || true") == ""


def test_a_crontab_keeps_every_line_that_is_not_ours(node: Node) -> None:
    node.run("crontab", "-", stdin=OTHERS.encode() + b"\n", user="laman")
    before = node.run("crontab", "-l", user="laman")
    node.laman("schedule", "install", "--crontab", "--dry-run")
    assert node.run("crontab", "-l", user="laman") == before
    node.laman("schedule", "install", "--crontab")
    assert "nothing has to change" in node.laman("schedule", "install", "--crontab")
    after = node.run("crontab", "-l", user="laman")
    assert after.startswith(before)
    ours = after[len(before) :].splitlines()
    assert len(ours) == 3
    assert ours[1].startswith("*/15 * * * * ")
    # What cron hands to sh: the line without its five fields, `\%` made `%`.
    command = ours[1].split(" ", 5)[5].replace("\\%", "%")
    node.run("env", "-i", "HOME=/home/laman", "LOGNAME=laman", "sh", "-c", command, user="laman", code=None)
    assert node.run("env", "-i", "HOME=/home/laman", "sh", "-c", command, user="laman") == "", "cron mails what is said"
    node.laman("schedule", "install", "--crontab", "--every", "30")
    assert "*/30 * * * * " in node.run("crontab", "-l", user="laman")
    node.laman("schedule", "install", "--crontab", "--remove")
    assert node.run("crontab", "-l", user="laman") == before
