"""A backup of a cPanel account over HTTPS, against the emulator: both ways to the files, and every fault that hides."""

from __future__ import annotations

import gzip
import io
import os
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reporting.backup_set.manifest import read_manifest
from reporting.backup_set.medium import MediumReport, MediumSpec, Needs, probe
from reporting.backup_set.request import RequestError
from reporting.backup_set.request_cpanel import read_cpanel_request
from reporting.hosts.cpanel import Account, Cpanel
from reporting.hosts.cpanel_backup import Gunzip, GunzipError, back_up_cpanel
from reporting.hosts.site_backup import Outcome
from tests.emulators.cpanel import CpanelEmulator, Fault
from tests.integration.agency import Agency

DUMP = b"""-- MariaDB dump 10.19  Distrib 10.11.11-MariaDB
--
-- Table structure for table `berita`
--

CREATE TABLE `berita` (`id` int);
INSERT INTO `berita` VALUES (1),(2);
-- Dump completed on 2026-11-20 10:00:00
"""
USER = "dinas"


def tar_of(top: str, files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(f"{top}/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return out.getvalue()


HOME = {f"public_html/{n}.html": os.urandom(2000) for n in range(30)}
FULL = {f"homedir/{name}": content for name, content in HOME.items()} | {"mysql/dinas_web.sql": DUMP, "version": b"1"}


@pytest.fixture
def cpanel(tmp_path: Path) -> Iterator[CpanelEmulator]:
    with CpanelEmulator(tmp_path) as emulator:
        emulator.databases["dinas_web"] = DUMP
        emulator.home = tar_of("home", HOME)
        emulator.account = tar_of("backup-11.20.2026_10-00-00_dinas", FULL)
        emulator.inodes = 31
        yield emulator


@pytest.fixture
def medium(tmp_path: Path) -> MediumReport:
    folder = tmp_path / "medium"
    folder.mkdir()
    (folder / "LAMAN-MEDIUM.json").write_text('{"id": "disk"}')
    spec = MediumSpec(id="disk", path=str(folder), kind="hard_disk", uuid=None, label=None, declared_folder=True)
    return probe(spec, Needs("arsip", 1 << 20, 10))


@pytest.fixture
def agency(tmp_path: Path) -> Agency:
    (tmp_path / "agency").mkdir()
    return Agency(tmp_path / "agency")


def back_up(cpanel: CpanelEmulator, medium: MediumReport, **asked: Any) -> Outcome:
    account = Account("localhost", cpanel.user, cpanel.token, cpanel.port, cpanel.ca_file, timeout=3.0)
    request = read_cpanel_request({"site": "arsip", "execution": "x", "poll_seconds": 0.05, **asked})
    return back_up_cpanel(Cpanel(account), request, medium, lambda _name, _size: None)


def sets(medium: MediumReport) -> list[Path]:
    home = Path(medium.path) / "laman" / "arsip"
    return sorted(p for p in home.iterdir() if p.is_dir()) if home.is_dir() else []


def test_home_and_dumps_come_as_streams_and_nothing_is_staged(cpanel: CpanelEmulator, medium: MediumReport) -> None:
    outcome = back_up(cpanel, medium)
    assert (outcome.problems, [r.ok for r in outcome.requirements]) == ([], [True])
    (folder,) = sets(medium)
    manifest = read_manifest(folder)
    assert manifest.complete
    assert {p.name: p.kind for p in manifest.parts} == {"home": "tree", "dinas_web": "mariadb"}
    lines = (folder / "FILES-home.sha256").read_text().splitlines()
    assert len(lines) == len(HOME)
    assert not any("fullbackup" in path for path, _ in cpanel.seen)


@pytest.mark.parametrize("fault", ["", "no_backupinfo"])
def test_a_full_backup_is_waited_for_fetched_whole_and_removed(
    cpanel: CpanelEmulator, medium: MediumReport, fault: Fault
) -> None:
    cpanel.fault, cpanel.backup_after = fault, 0.6
    outcome = back_up(cpanel, medium, home="full", wait_minutes=0.5, poll_seconds=0.3)
    assert outcome.problems == []
    assert cpanel.backups == {}
    assert read_manifest(sets(medium)[0]).complete


def test_an_archive_that_cannot_be_removed_is_named(cpanel: CpanelEmulator, medium: MediumReport) -> None:
    cpanel.fault = "no_unlink"
    outcome = back_up(cpanel, medium, home="full")
    assert outcome.problems == []
    (left,) = [f for f in outcome.findings if f.kind == "cpanel_archive_left"]
    assert "File Manager" in left.detail
    assert next(iter(cpanel.backups)) in left.detail


@pytest.mark.parametrize(
    ("fault", "home", "said"),
    [
        ("backup_never", "full", "nowhere in the home directory"),
        ("backup_cut", "full", "before its trailer"),
        ("cut", "stream", "cut off"),
        ("cut_unannounced", "stream", "not JSON"),
        ("download_cut", "stream", "the dump of dinas_web: the gzip stream ends before its trailer"),
        ("empty_gzip", "stream", "stops after 0 bytes|no dump"),
        ("dump_error", "stream", "what came is no dump"),
        ("login_page", "stream", "log-in page"),
        ("http_403", "stream", "403"),
        ("status_0", "full", "feature"),
    ],
)
def test_no_fault_passes_for_a_backup(
    cpanel: CpanelEmulator, medium: MediumReport, fault: Fault, home: str, said: str
) -> None:
    """The fault is there, nothing claims success, and without it the next run is whole."""
    cpanel.fault = fault
    outcome = back_up(cpanel, medium, home=home, wait_minutes=0.01)
    told = [*outcome.problems, *(r.reason for r in outcome.requirements if not r.ok)]
    assert re.search(said, "\n".join(told)), told
    assert all(not read_manifest(s).complete and s.name.endswith(".tidak-lengkap") for s in sets(medium))
    assert not any(cpanel.token in line for line in told)
    cpanel.fault = ""
    assert back_up(cpanel, medium, home=home, execution="y").problems == []


def test_what_is_silently_absent_is_noticed(cpanel: CpanelEmulator, medium: MediumReport) -> None:
    without = {k: v for k, v in FULL.items() if not k.startswith("mysql/")} | {"homedir/cpbackup-exclude.conf": b"x\n"}
    cpanel.account = tar_of("backup-1_dinas", without)
    cpanel.inodes = 5000
    problems = "\n".join(back_up(cpanel, medium, home="full").problems)
    assert "dinas_web: not in the full backup" in problems
    assert "cpbackup-exclude.conf" in problems
    assert "the quota counts 5000" in problems
    cpanel.account = tar_of("backup-1_dinas", {"mysql/dinas_web.sql": DUMP})
    assert "homedir/ is empty" in "\n".join(back_up(cpanel, medium, home="full", execution="y").problems)


def test_an_empty_database_and_one_that_is_not_there(cpanel: CpanelEmulator, medium: MediumReport) -> None:
    cpanel.databases["dinas_web"] = DUMP.replace(b"INSERT INTO `berita` VALUES (1),(2);\n", b"")
    outcome = back_up(cpanel, medium, databases=["dinas_web", "dinas_lain"])
    assert [r.ok for r in outcome.requirements] == [False]
    assert "dinas_lain" in outcome.requirements[0].reason
    assert any("are empty" in problem for problem in outcome.problems)


def test_hostile_members_of_the_archive_are_refused(cpanel: CpanelEmulator, medium: MediumReport) -> None:
    cpanel.home = tar_of("home", {"../../etc/cron.d/x": b"x"})
    assert any("plain paths" in problem for problem in back_up(cpanel, medium).problems)


def test_gzip_counts_with_its_trailer_only() -> None:
    whole = gzip.compress(b"a" * 100_000) + gzip.compress(b"b" * 10)

    def read(data: bytes) -> bytes:
        source, out = Gunzip(io.BytesIO(data), "x"), b""
        while piece := source.read(4096):
            assert len(piece) <= 4096
            out += piece
        return out

    assert read(whole) == b"a" * 100_000 + b"b" * 10
    assert read(whole + b"\0" * 512) == b"a" * 100_000 + b"b" * 10
    for broken in (whole[:-1], whole[:20], b"", b"<html>", whole + b"rest", gzip.compress(b"a")[:-8] + b"\0" * 8):
        with pytest.raises(GunzipError):
            read(broken)


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ({"home": "zip"}, "site_backup_cpanel_home"),
        ({"databases": ["a/b"]}, "site_backup_cpanel_databases"),
        ({"home": "none", "databases": []}, "nothing to back up"),
        ({"wait_minutes": 0}, "site_backup_cpanel_wait_minutes"),
    ],
)
def test_settings_that_cannot_be_used_are_named(asked: dict[str, Any], named: str) -> None:
    with pytest.raises(RequestError, match=named):
        read_cpanel_request({"site": "arsip", "execution": "x", **asked})


def test_the_role_backs_up_a_site_that_has_no_shell(cpanel: CpanelEmulator, agency: Agency) -> None:
    """`laman run backup`: judged, recorded, and the token in nothing that is kept."""
    agency.sites["arsip"] = {
        "ansible_host": "localhost", "ansible_connection": "local", "site_access_method": "cpanel_api",
        "site_access_cpanel_host": "localhost", "site_access_cpanel_port": cpanel.port,
        "site_access_cpanel_user": cpanel.user, "site_access_cpanel_ca_file": str(cpanel.ca_file),
        "site_access_cpanel_token": "{{ lookup('ansible.builtin.env', 'LAMAN_SECRET_CPANEL') }}",
    }  # fmt: skip
    agency.write()
    done = agency.laman("run", "backup", "--json", LAMAN_SECRET_CPANEL=cpanel.token)
    assert done.returncode == 0, done.stderr + done.stdout
    assert len(agency.sets("arsip")) == 1
    for path in agency.folder.rglob("*"):
        if path.is_file() and "inventory" not in path.parts:
            assert cpanel.token.encode() not in path.read_bytes(), path
    cpanel.fault = "dump_error"
    assert agency.laman("run", "backup", LAMAN_SECRET_CPANEL=cpanel.token).returncode == 2
    assert "what came is no dump" in agency.executions()[-1]["output"]["reason"]
