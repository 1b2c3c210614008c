"""A bed for faults of activity 2: a real sshd, a real MariaDB, a real medium, and programs that misbehave."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reporting.backup_set.manifest import INCOMPLETE, Manifest, read_manifest
from reporting.backup_set.medium import MediumReport, MediumSpec, Needs, probe
from reporting.backup_set.request import read_request
from reporting.contract import Requirement
from reporting.hosts.site_backup import Outcome, back_up
from tests.fleet.medium import LoopMedium
from tests.integration.loopback import Loopback, loopback_connection
from tests.integration.mariadb import Server

SITE = "web"
PASSWORD = "kenari-gangguan-5e1c"
SCHEMA = f"""
CREATE DATABASE isi CHARACTER SET utf8mb4;
USE isi;
CREATE TABLE berita (id INT PRIMARY KEY, judul VARCHAR(200)) ENGINE=InnoDB;
INSERT INTO berita SELECT seq, CONCAT('judul ', REPEAT(MD5(seq), 3)) FROM seq_1_to_20000;
CREATE VIEW terbaru AS SELECT * FROM berita WHERE id > 100;
CREATE TRIGGER tr BEFORE INSERT ON berita FOR EACH ROW SET NEW.judul = NEW.judul;
CREATE PROCEDURE p() SELECT 1;
CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO SELECT 1;
CREATE USER penuh@localhost IDENTIFIED BY '{PASSWORD}';
GRANT SELECT, SHOW VIEW, TRIGGER, EVENT, LOCK TABLES ON isi.* TO penuh@localhost;
GRANT SELECT ON mysql.proc TO penuh@localhost;
"""


@dataclass
class Bed:
    """Everything that one row of the table needs. `shims` goes before PATH on the host."""

    folder: Path
    medium: LoopMedium
    server: Server
    host: Loopback
    site: Path
    shims: Path
    taken: int = 0
    spec: dict[str, Any] = field(default_factory=dict)

    def database(self, **changes: Any) -> dict[str, Any]:
        known = {"name": "isi", "kind": "mariadb", "database": "isi", "user": "penuh", "password": PASSWORD}
        return known | {"socket": str(self.server.socket)} | changes

    def run(self, **more: Any) -> Outcome:
        """One backup, as the role does it: the medium is probed, then the set is made."""
        self.taken += 1
        raw = {"site": SITE, "execution": f"x{self.taken}", "trees": [{"name": "laman", "path": str(self.site)}],
               "databases": [self.database()]}  # fmt: skip
        request = read_request({**raw, **more})
        report = self.probe()
        if not report.ok:
            refused = Requirement(name="backup_medium", ok=False, reason=report.reason)
            return Outcome(requirements=[refused])
        connection = loopback_connection(self.host)
        try:
            return back_up(connection, request, report, progress=lambda _name, _size: None)
        finally:
            connection.close()

    def probe(self) -> MediumReport:
        known = {"id": "disk-a", "path": str(self.medium.path), "kind": "hard_disk", "uuid": self.medium.uuid}
        spec = MediumSpec(**{**known, "label": None, "declared_folder": False, **self.spec})
        return probe(spec, Needs(SITE, 1_000_000, 10))

    def shim(self, program: str, script: str) -> None:
        """Put a program before the real one on the host; `$REAL` is that one. It leaves a mark when it was called."""
        real = shutil.which(program)
        assert real is not None
        fired = self.folder / "fired"
        text = f'#!/bin/sh\nREAL={real}\ncase "$1" in --version) exec "$REAL" "$@";; esac\ntouch {fired}\n{script}\n'
        (self.shims / program).write_text(text)
        (self.shims / program).chmod(0o755)

    @property
    def fired(self) -> bool:
        """Whether a misbehaving program was called at all."""
        return (self.folder / "fired").exists()

    @contextmanager
    def misbehaving(self, program: str, script: str) -> Iterator[None]:
        """A shim for as long as the block runs; it must have been called in it."""
        (self.folder / "fired").unlink(missing_ok=True)
        self.shim(program, script)
        try:
            yield
        finally:
            (self.shims / program).unlink()
        assert self.fired, f"the fault never was there: {program} was not called"

    def helper(self, text: str) -> str:
        """A command that runs Python on the host; standard input and output are its own."""
        path = self.folder / f"helper-{len(list(self.folder.glob('helper-*')))}.py"
        path.write_text(text)
        return f"{sys.executable} {path}"

    # -- what there is afterwards

    def folders(self) -> list[Path]:
        """All folders of sets, under whatever name."""
        home = self.medium.path / "laman" / SITE
        return sorted(p for p in home.iterdir() if p.is_dir()) if home.is_dir() else []

    def whole(self) -> list[Path]:
        """Sets that have a whole set's name."""
        return [p for p in self.folders() if p.suffix == "" and not p.name.startswith(".")]

    def manifest(self) -> Manifest:
        return read_manifest(self.whole()[-1])


def claims(outcome: Outcome) -> bool:
    """Whether it says that a whole backup was made."""
    return not outcome.problems and all(r.ok for r in outcome.requirements) and outcome.measures is not None


def told(outcome: Outcome) -> str:
    """Everything that it says is wrong."""
    return "\n".join([*outcome.problems, *(r.reason for r in outcome.requirements if not r.ok)])


# Faults of the table that are injected where their subject is tested; tests/conftest.py counts them with the others.
ELSEWHERE = {
    "names with newline, invalid UTF-8, 255 bytes": "test_backup_listing.py::test_every_name_is_listed_by_every_find",
    "the same names restored": "test_restore_hostile.py::test_hard_names_come_back_as_they_were",
    "file growing while read": "test_backup_repeat.py::test_a_file_that_never_rests_is_named",
    "file vanishing while read": "test_backup_repeat.py::test_a_file_that_vanishes_is_named",
    "tar that leaves a file out": "test_backup_repeat.py::test_a_tar_that_leaves_a_file_out_is_found_out",
    "source collapsed": "test_backup_repeat.py::test_a_source_that_collapsed_is_a_problem_until_a_person_accepts",
    "host's disk full": "test_backup_repeat.py::test_a_site_whose_disk_has_no_free_byte",
    "5 GiB sparse file": "test_backup_repeat.py::test_a_sparse_file_of_5_gib",
    "unreadable files": "test_site_backup.py::test_files_that_the_account_cannot_read_are_named",
    "stray option file": "test_site_backup.py::test_a_stray_option_file_of_the_host_leaves_nothing_out",
    "missing disc": "test_backup_discs.py::test_a_missing_disc_is_named_and_nothing_is_left",
    "damaged disc": "test_backup_discs.py::test_a_damaged_disc_is_repaired_and_the_set_is_equal",
    "control node's disk full": "test_fleet_run.py::test_a_full_disk_of_the_control_node_is_said",
    "kill -9 of laman": "test_run.py::test_twenty_kills",
    "kill -9 of the engine": "test_backup_kills.py::test_kill_at_any_moment",
    "cPanel": "test_cpanel_backup.py::test_no_fault_passes_for_a_backup",
    "cPanel, silently absent": "test_cpanel_backup.py::test_what_is_silently_absent_is_noticed",
}


@dataclass(frozen=True)
class Fault:
    """One row: the fault is there inside of `inject`; `said`: how the outcome names it (a pattern).

    `control`: what a peer does over the same fault; True when that passes without a word.
    """

    name: str
    inject: Callable[[Bed], AbstractContextManager[Any]]
    said: str
    control: Callable[[Bed], bool] | None = None
    asked: Callable[[Bed], dict[str, Any]] = lambda _bed: {}


def passes(command: str, stdin: bytes = b"", **environment: str) -> bool:
    """Whether a peer's command line ends with 0."""
    done = subprocess.run(["sh", "-c", command], input=stdin, capture_output=True, env={**os.environ, **environment})
    return done.returncode == 0


def wait_for(what: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.02)


__all__ = ["INCOMPLETE", "Bed", "Fault", "claims", "passes", "told", "wait_for"]
