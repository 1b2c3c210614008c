"""A small agency for tests of the whole: its inventory in a temporary folder, its commands run as a user runs them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from reporting.runner.watchdog import MARK_VARIABLE

PROJECT = Path(__file__).resolve().parents[2]
OWN_MARK = "LAMAN_SECRET_OF_TEST"  # tells the processes of one agency from those of a test that runs beside it
LAMAN = [sys.executable, "-m", "reporting.cli.main"]
OFFICER = {"id": "budi", "name": "Budi Santoso", "title": "Pengelola Sistem dan Jaringan",
           "roles": ["pengelola_sistem_dan_jaringan", "pengelola_laman", "kasi_si", "kasubag_umum"]}  # fmt: skip


@dataclass
class Agency:
    """An inventory with local sites, a declared folder as medium, and everything planned every day."""

    folder: Path
    sites: dict[str, dict[str, Any]] = field(default_factory=dict)
    unit: dict[str, Any] = field(default_factory=dict)

    @property
    def inventory(self) -> Path:
        return self.folder / "inventory"

    @property
    def medium(self) -> Path:
        return self.folder / "medium"

    @property
    def state(self) -> Path:
        return self.folder / "state"

    def write(self) -> Agency:
        """Put the inventory on disk; call again after a change of `sites` or `unit`."""
        group_vars = self.inventory / "group_vars" / "all"
        group_vars.mkdir(parents=True, exist_ok=True)
        (self.inventory / "host_vars").mkdir(exist_ok=True)
        self.medium.mkdir(exist_ok=True)
        (self.medium / "LAMAN-MEDIUM.json").write_text('{"id": "disk"}')
        unit: dict[str, Any] = {
            "id": "uji",
            "name": "Unit Uji",
            "state_dir": str(self.state),
            "officers": [OFFICER],
            "schedule": [{"activity": n, "every": "day"} for n in (1, 2, 3)],
            "review": {"activities": []},
            "media": [{"id": "disk", "path": str(self.medium), "declared_folder": True}],
        }
        unit.update(self.unit)
        _dump(group_vars / "unit.yml", {"laman_unit": unit})
        mapping = {"site_backup_medium": unit["media"][0], "site_backup_minimum_bytes": 1 << 20}
        _dump(group_vars / "roles.yml", mapping)
        _dump(self.inventory / "hosts.yml", {"all": {"children": {"sites": {"hosts": {s: {} for s in self.sites}}}}})
        for site, variables in self.sites.items():
            local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
            base = {} if "ansible_host" in variables else local
            _dump(self.inventory / "host_vars" / f"{site}.yml", base | variables)
        return self

    def command(self, *arguments: str) -> list[str]:
        return [*LAMAN, "-i", str(self.inventory), *arguments]

    def laman(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run one command to its end."""
        return subprocess.run(
            self.command(*arguments), capture_output=True, text=True, timeout=300, check=False, cwd=self.folder,
            env=self.environment(**environment),
        )  # fmt: skip

    def environment(self, **more: str) -> dict[str, str]:
        """What a command sees; its own mark reaches everything that a run starts (secrets are handed on)."""
        return {**os.environ, "PYTHONPATH": str(PROJECT), OWN_MARK: str(self.folder), **more}

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Begin one command, in a process group of its own, as a shell does."""
        return subprocess.Popen(
            self.command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=self.folder,
            env=self.environment(), start_new_session=True,
        )  # fmt: skip

    def status(self) -> dict[str, Any]:
        done = self.laman("status", "--json")
        assert done.returncode == 0, done.stderr
        return dict(json.loads(done.stdout))

    def executions(self) -> list[dict[str, Any]]:
        """What was run; not the tickets that findings opened, which are executions of activity 8."""
        return [e for e in self.status()["executions"] if e["activity"] != 8]

    def sets(self, site: str) -> list[Path]:
        """Backup sets under a final name."""
        root = self.medium / "laman" / site
        return (
            sorted(p for p in root.iterdir() if p.is_dir() and p.suffix == "" and not p.name.startswith("."))
            if root.is_dir()
            else []
        )


def _dump(path: Path, content: Any) -> None:
    path.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True))


def marked_processes(agency: Agency) -> list[str]:
    """Command lines of everything that some run of an agency started and that is still there."""
    found, own = [], f"{OWN_MARK}={agency.folder}".encode()
    for entry in Path("/proc").iterdir():
        try:
            variables = (entry / "environ").read_bytes().split(b"\0") if entry.name.isdigit() else []
            if own in variables and any(v.startswith(MARK_VARIABLE.encode() + b"=") for v in variables):
                found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue  # it ended while we looked
    return found


def wait_until_nothing_is_left(agency: Agency, seconds: float = 20.0) -> None:
    """Poll until no marked process of an agency is left; fails naming those that stay."""
    deadline = time.monotonic() + seconds
    while left := marked_processes(agency):
        assert time.monotonic() < deadline, f"still there after {seconds} s: {left}"
        time.sleep(0.1)


def wait_for_line(process: subprocess.Popen[str], text: str, seconds: float = 60.0) -> None:
    """Read standard error until a line with `text` comes."""
    assert process.stderr is not None
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        line = process.stderr.readline()
        if text in line:
            return
        assert line, f"ended before it said {text!r}"
    raise AssertionError(f"{text!r} was not said within {seconds} s")


def kill_group(process: subprocess.Popen[str]) -> None:
    """kill -9 of laman alone: what it started must be ended by its watchdog, not by the test."""
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=30)
