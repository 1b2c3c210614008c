"""The commands of a restore, run by this machine's sh in a folder as a hacked site may have left it."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from ansible.errors import AnsibleConnectionFailure

from reporting.backup_set import restorecommands as r
from reporting.backup_set import restoreplan as p
from reporting.backup_set.extract import Extractor, Rules
from reporting.backup_set.request import BackupRequest, TreeRequest
from reporting.backup_set.restore import chooser
from reporting.backup_set.tarread import Entry, Pull, TarPull
from reporting.backup_set.tarwrite import rewritten
from reporting.hosts.backup_host import Doubt
from reporting.hosts.restore_work import Done, HostRestoreError, Work
from reporting.hosts.site_restore import _maintenance
from reporting.hosts.stream import Ended

NONCE = "laman-0123456789abcdef0123456789abcdef"


def sh(command: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["/bin/sh", "-c", command], input=stdin, capture_output=True, check=False)


def entry(name: str, kind: str = "file", mode: int = 0o644, target: str = "") -> Entry:
    return Entry(os.fsencode(name), kind, 3, mode, b"0", os.fsencode(target), 0, 0, b"root", b"root")


def test_maintenance_is_not_written_through_a_link_of_the_site(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    root = tmp_path / "web"
    root.mkdir()
    (root / "wp-settings.php").touch()
    (root / ".maintenance").symlink_to(victim)
    assert sh(r.maintenance_command(str(root), on=True)).returncode == 0
    assert victim.read_text() == "mine"
    assert not (root / ".maintenance").is_symlink()
    assert "$upgrading" in (root / ".maintenance").read_text()
    assert sh(r.maintenance_command(str(root), on=False)).returncode == 0
    assert not (root / ".maintenance").exists()


def test_placing_writes_nothing_through_a_link_in_the_stage_and_sees_a_tar_that_fails(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    stage = tmp_path / "stage"
    (stage / "web").mkdir(parents=True)
    (stage / "failed").symlink_to(victim)
    (tmp_path / "web").mkdir()
    done = sh(r.apply_command(str(tmp_path), "stage", "gone", fresh=False))
    assert done.returncode == 98
    assert not victim.exists()
    (stage / "web/new").write_text("1")
    assert sh(r.apply_command(str(tmp_path), "stage", "web", fresh=False)).returncode == 0
    assert (tmp_path / "web/new").read_text() == "1"
    assert not stage.exists()


@pytest.mark.parametrize("cut", [1, len(NONCE) + 1, len(NONCE) + 2, len(NONCE) + 12])
def test_a_list_of_what_to_remove_that_was_cut_removes_nothing(cut: int, tmp_path: Path) -> None:
    """The beginning of `./web/uploads/x.php` names its folder."""
    (tmp_path / "web/up").mkdir(parents=True)
    for name in ("web/a", "web/up/load.php"):
        (tmp_path / name).touch()
    listed = b"./web/a\0./web/up/load.php\0" + NONCE.encode() + b"\0"
    for folders in (False, True):
        done = sh(r.remove_command(str(tmp_path), NONCE, folders=folders), listed[:-cut])
        assert done.returncode == 99, done.stderr
        assert (tmp_path / "web/a").exists()
        assert (tmp_path / "web/up/load.php").exists()
    assert sh(r.remove_command(str(tmp_path), NONCE), listed).returncode == 0
    assert sorted(path.name for path in (tmp_path / "web").rglob("*")) == ["up"]
    folder = b"./web/up\0" + NONCE.encode() + b"\0"
    assert sh(r.remove_command(str(tmp_path), NONCE), folder).returncode not in (0, 99)
    assert (tmp_path / "web/up").is_dir(), "a list of files removes no folder"
    assert sh(r.remove_command(str(tmp_path), NONCE, folders=True), folder).returncode == 0
    assert not (tmp_path / "web/up").exists()


def test_only_the_own_stages_of_a_site_are_dropped(tmp_path: Path) -> None:
    own, other = r.stage_of("a", "R1", "web"), r.stage_of("a-b", "R1", "web")
    (tmp_path / own).mkdir()
    (tmp_path / other).mkdir()
    sh(r.drop_stage_command(str(tmp_path), r.stage_of("a")))
    assert [path.name for path in tmp_path.iterdir()] == [other]


def test_only_the_code_of_a_missing_database_counts_as_missing() -> None:
    assert r.says_no_database("ERROR 1049 (42000): Unknown database 'web'")
    assert r.says_no_database("ERROR 1044 (42000): Access denied for user 'a'@'b' to database 'web'")
    assert not r.says_no_database("ERROR 2002 (HY000): Can't connect to server on 'db1049' (111)")
    assert not r.says_no_database("ERROR 1045 (28000): Access denied for user 'u1044'@'localhost'")


def plan_of(entries: list[Entry], **host: object) -> p.TreePlan:
    there = p.HostTree("/srv", "web", True, modes=dict.fromkeys((e.name for e in entries), b"644 root root"))
    plan = p.TreePlan("laman", there)
    for key, value in host.items():
        setattr(plan, key, value)
    for each in entries:
        p.compare_entry(plan, each, owners=False)
    return plan


def test_what_a_hard_link_points_at_is_sent_with_it() -> None:
    entries = [entry("web/a"), entry("web/b", "hardlink", target="web/a"), entry("web/c")]
    plan = plan_of(entries, added={b"web/b"})
    assert [plan.send(each) for each in entries] == [True, True, False]


def test_setuid_and_setgid_do_not_come_back_unless_asked() -> None:
    entries = [entry("web/su", mode=0o4755), entry("web/plain"), entry("web/d", "directory", 0o2775)]
    plan = plan_of(entries)
    assert [plan.mode(each) for each in entries] == [0o755, 0o644, 0o775]
    assert plan.describe()["bits_taken_off"] == 2
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        info = tarfile.TarInfo("web/su")
        info.mode = 0o4755
        tar.addfile(info)
    data = iter([buffer.getvalue()])
    sent = b"".join(rewritten(TarPull(Pull(lambda: next(data, b""))), lambda _: True, plan.mode))
    with tarfile.open(fileobj=io.BytesIO(sent)) as tar:
        assert tar.getmember("web/su").mode == 0o755
    assert plan_of(entries, special_bits=True).mode(entries[0]) == 0o4755


def test_a_hard_link_alone_comes_with_the_data_of_what_it_points_at(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        info = tarfile.TarInfo("web/a")
        info.size = 3
        tar.addfile(info, io.BytesIO(b"abc"))
        for name in ("web/b", "web/c"):
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.LNKTYPE, "web/a"
            tar.addfile(link)
    data = iter([buffer.getvalue()])
    rules = Rules(most_bytes=100, wanted=chooser(["b", "c"]), instead={b"web/a": b"web/b"})
    result = Extractor(tmp_path, rules).take_all(TarPull(Pull(lambda: next(data, b""))))
    assert set(result.files) == {b"web/b", b"web/c"}
    assert sorted(path.name for path in (tmp_path / "web").iterdir()) == ["b", "c"]
    assert (tmp_path / "web/b").read_bytes() == (tmp_path / "web/c").read_bytes() == b"abc"


class _Host:
    """Notes what it is asked; takes maintenance off only where it is reachable."""

    def __init__(self, *, reachable: bool = True) -> None:
        self.asked: list[str] = []
        self.reachable = reachable

    def ask(self, command: str) -> tuple[str, Ended]:
        self.asked.append(command)
        if not self.reachable and command == r.maintenance_command("/srv/web", on=False):
            raise AnsibleConnectionFailure("gone")
        return "", Ended(0, "")


@pytest.mark.parametrize("reachable", [True, False])
def test_a_step_that_fails_leaves_no_maintenance_or_names_it(reachable: bool) -> None:
    host = _Host(reachable=reachable)
    done = Done()
    work = cast("Work", SimpleNamespace(host=host, done=done))
    with pytest.raises(HostRestoreError), _maintenance(work, ["/srv/web"]):
        raise HostRestoreError("database web does not load")
    assert host.asked[-1] == r.maintenance_command("/srv/web", on=False)
    assert ["/srv/web/.maintenance" in problem for problem in done.problems] == ([] if reachable else [True])


def test_empty_is_a_doubt_and_unreadable_is_none() -> None:
    """What the undo set passes over: it came whole, and is little."""
    assert isinstance(Doubt("database web has no table"), str)
    request = BackupRequest(site="web", execution="x", trees=[TreeRequest(name="laman", path="/srv/web")])
    assert not request.as_it_is, "a backup that is due says so"
