"""The life of backup sets after they were made: listed, read back, counted as copies, taken away by retention."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from reporting.backup_set.medium import MediumError
from reporting.backup_set.reading import reading, unread
from reporting.backup_set.rotation import on_turn
from tests.fleet.fixtures import MediumFactory
from tests.fleet.medium import LoopMedium

from .agency import PROJECT, Agency

PROGRAMS = ("xorriso", "par2")


def skip_or_fail(reason: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture
def agency(tmp_path: Path) -> Agency:
    site = tmp_path / "www"
    (site / "sub").mkdir(parents=True)
    for number in range(40):
        (site / "sub" / f"file-{number}").write_bytes(os.urandom(5_000))
    trees = [{"name": "laman", "path": str(site)}]
    return Agency(tmp_path / "kantor", sites={"ppid": {"site_backup_trees": trees}}).write()


@pytest.fixture
def disks(loop_medium: MediumFactory) -> dict[str, LoopMedium]:
    found = {}
    for name in ("disk-a", "disk-b"):
        found[name] = loop_medium(60, name.upper().replace("-", ""))
        (found[name].path / "LAMAN-MEDIUM.json").write_text(json.dumps({"id": name}))
    return found


def backed_up(agency: Agency, times: int = 1) -> list[Path]:
    for _ in range(times):
        done = agency.laman("run", "backup")
        assert done.returncode == 0, done.stdout + done.stderr
    return agency.sets("ppid")


def data(agency: Agency, *words: str, rc: int = 0) -> list[dict]:  # type: ignore[type-arg]
    done = agency.laman("backup", *words, "--json")
    assert done.returncode == rc, done.stdout + done.stderr
    return list(json.loads(done.stdout))


def test_list_show_and_verify_say_what_is_there(agency: Agency) -> None:
    empty = agency.laman("backup", "list")
    assert empty.returncode == 0
    assert "No set yet. Next: laman" in empty.stdout
    (folder,) = backed_up(agency)
    listed = json.loads(agency.laman("backup", "list", "--json").stdout)
    assert [(s["set"], s["state"], s["medium"]) for s in listed["sets"]] == [(folder.name, "whole", "disk")]
    shown = agency.laman("backup", "show", folder.name[:12])
    assert "tree-laman.tar.zst" in shown.stdout
    assert shown.stdout.splitlines()[-1].startswith("Next: laman")
    good = agency.laman("backup", "verify", "--all")
    assert good.returncode == 0, good.stderr
    assert "whole" in good.stdout
    assert "past the page cache" in good.stdout
    assert "MB/s" in good.stdout


def test_a_flipped_byte_is_found_named_recorded_and_red_until_a_new_set_is_there(agency: Agency) -> None:
    (folder,) = backed_up(agency)
    stored = folder / "tree-laman.tar.zst"
    content = bytearray(stored.read_bytes())
    content[len(content) // 2] ^= 1
    stored.write_bytes(content)
    bad = agency.laman("backup", "verify", folder.name)
    assert bad.returncode == 2
    assert "frame 1 of 1" in bad.stdout
    assert "file lost in it: www/sub/file-" in bad.stdout
    (standing,) = data(agency, "status", rc=2)
    assert [flag["code"] for flag in standing["flags"]] == ["damaged", "no_set"]
    assert [s["state"] for s in json.loads(agency.laman("backup", "list", "--json").stdout)["sets"]] == ["damaged"]
    due = agency.laman("due").stdout
    assert f"backups of ppid: set {folder.name} on disk was found damaged" in due
    assert "run backup --site ppid" in due


def test_status_counts_copies_kinds_and_places(agency: Agency) -> None:
    agency.unit["backup"] = {"copies": 2, "media_kinds": 1, "off_site": 0}
    agency.write()
    (before,) = data(agency, "status", rc=2)
    assert [flag["code"] for flag in before["flags"]] == ["no_set"]
    (folder,) = backed_up(agency)
    (after,) = data(agency, "status", rc=2)
    assert (after["copies"], after["media_kinds"], after["off_site"]) == (2, 1, 0)
    assert [flag["code"] for flag in after["flags"]] == ["never_proven"]
    agency.unit["backup"] = {}
    agency.write()
    (strict,) = data(agency, "status", rc=2)
    assert [f["code"] for f in strict["flags"]] == ["few_copies", "few_kinds", "few_off_site", "never_proven"]
    for entry in sorted(folder.rglob("*"), reverse=True):
        entry.unlink()
    folder.rmdir()
    (gone,) = data(agency, "status", rc=2)
    assert "not_there" in {flag["code"] for flag in gone["flags"]}
    said = agency.laman("backup", "status").stdout
    assert "somebody removed it by hand" in said
    assert "Next: laman" in said.splitlines()[-1] or "Next: " in said.splitlines()[-1]


# -- rotation


def _rotating(agency: Agency, disks: dict[str, LoopMedium], place: Path | None = None) -> str:
    """Two disks take turns day by day; returns the one whose day it is. `place`: both have the same mount point."""
    agency.unit["media"] = [
        {"id": name, "path": str(place or disk.path), "uuid": disk.uuid, "off_site": name == "disk-b"}
        for name, disk in disks.items()
    ]
    agency.unit["backup"] = {"rotation": ["disk-a", "disk-b"], "turn": "day"}
    agency.write()
    roles = agency.inventory / "group_vars/all/roles.yml"
    medium = 'site_backup_medium: "{{ laman_unit | laman_medium(inventory_dir) }}"'
    roles.write_text(f"{medium}\nsite_backup_minimum_bytes: 1000000\n")
    for _ in range(3):  # a test that runs at midnight meets another day's disk
        today = _today()
        turn = on_turn(["disk-a", "disk-b"], today, "day")
        if today == _today():
            break
    assert turn is not None
    return turn


def _today() -> date:
    return datetime.now(ZoneInfo("Asia/Jakarta")).date()


def test_the_disk_whose_turn_it_is_takes_the_backup(agency: Agency, disks: dict[str, LoopMedium]) -> None:
    turn = _rotating(agency, disks)
    done = agency.laman("run", "backup")
    assert done.returncode == 0, done.stdout + done.stderr
    written = {name: (disk.path / "laman/ppid").exists() for name, disk in disks.items()}
    assert written == {name: name == turn for name in disks}
    disks[turn].unmount()
    due = agency.laman("due", "--json")
    said = agency.laman("backup", "status").stdout
    assert f"medium {turn} has its turn until {_today()}: it is NOT plugged in" in said
    assert due.returncode == 0


def test_the_wrong_disk_is_refused_with_what_to_do(agency: Agency, disks: dict[str, LoopMedium]) -> None:
    """One slot, two disks: the one that is in has not its turn."""
    turn = _rotating(agency, disks)
    other = next(name for name in disks if name != turn)
    slot = disks[other].path  # the other disk sits in the slot
    _rotating(agency, disks, place=slot)
    done = agency.laman("run", "backup")
    assert done.returncode != 0
    assert f"plug in and mount {turn}" in done.stdout + done.stderr
    assert not (slot / "laman/ppid").exists()
    due = agency.laman("due").stdout
    assert f"plug in disk {turn} (its turn this day)" in due
    assert str(_today()) in due


# -- discs


def test_a_set_is_burnt_counted_as_a_copy_and_put_together_again(agency: Agency, tmp_path: Path) -> None:
    for name in PROGRAMS:
        if shutil.which(name) is None:
            skip_or_fail(f"{name} is not installed (make test-deps)")
    (tmp_path / "www" / "large").write_bytes(os.urandom(9_000_000))
    (folder,) = backed_up(agency)
    target, burnt = tmp_path / "images", tmp_path / "burnt"
    target.mkdir()
    burnt.mkdir()
    command = ["backup", "export-iso", folder.name, "--size", "6000000", "--to", str(target)]
    done = agency.laman(*command, "--burn", f"stdio:{burnt}/disc-{{n}}.img", "--off-site", "--place", "brankas")
    assert done.returncode == 0, done.stderr
    assert "read back through xorriso, SHA-256 equal" in done.stdout
    assert "Next: laman" in done.stdout.splitlines()[-1]
    discs = sorted(burnt.iterdir())
    assert len(discs) == len(list(target.glob("*.iso"))) > 1
    (standing,) = data(agency, "status", rc=2)
    assert (standing["copies"], standing["media_kinds"], standing["off_site"]) == (3, 2, 1)
    assert [flag["code"] for flag in standing["flags"]] == ["never_proven"]
    with discs[0].open("r+b") as stream:
        stream.seek(3_000_000)
        stream.write(bytes(40_000))
    out = tmp_path / "out"
    out.mkdir()
    missing = agency.laman("backup", "import-iso", str(discs[0]), "--to", str(out))
    assert missing.returncode == 1
    assert "missing: disc 2 (" in missing.stderr
    joined = agency.laman("backup", "import-iso", *map(str, discs), "--to", str(out))
    assert joined.returncode == 0, joined.stderr
    assert "repaired: LAMAN_PPID_" in joined.stdout
    again = subprocess.run(["diff", "-r", folder, out / folder.name], capture_output=True)
    assert again.returncode == 0, again.stdout
    restored = agency.laman("backup", "restore", str(out / folder.name), "--to", str(tmp_path / "restored"))
    assert restored.returncode == 0, restored.stderr
    (site,) = (path for path in (tmp_path / "restored").rglob("www") if path.is_dir())
    same = subprocess.run(["diff", "-r", tmp_path / "www", site], capture_output=True)
    assert same.returncode == 0, same.stdout
    twice = agency.laman(*command)
    assert twice.returncode == 1
    assert "is there already" in twice.stderr


def test_discs_are_encrypted_where_the_settings_name_recipients(agency: Agency, tmp_path: Path) -> None:
    for name in (*PROGRAMS, "age-keygen"):
        if shutil.which(name) is None:
            skip_or_fail(f"{name} is not installed (make test-deps)")
    key = tmp_path / "key.txt"
    subprocess.run(["age-keygen", "-o", str(key)], check=True, capture_output=True)
    public = subprocess.run(["age-keygen", "-y", str(key)], check=True, capture_output=True, text=True).stdout.strip()
    agency.unit["backup"] = {"disc_recipients": [public]}
    agency.write()
    (folder,) = backed_up(agency)
    target = tmp_path / "images"
    target.mkdir()
    done = agency.laman("backup", "export-iso", folder.name, "--size", "6000000", "--to", str(target))
    assert done.returncode == 0, done.stderr
    assert "encrypted to 1 key(s)" in done.stdout
    (image,) = target.iterdir()  # nothing else is left: no plain or encrypted copy of the set
    assert b"file-7" not in image.read_bytes()
    closed = agency.laman("backup", "import-iso", str(image), "--to", str(tmp_path))
    assert "It is encrypted still" in closed.stdout
    opened = agency.laman("backup", "import-iso", str(image), "--to", str(tmp_path), "--identity", str(key))
    assert opened.returncode == 0, opened.stderr
    assert subprocess.run(["diff", "-r", folder, tmp_path / folder.name], capture_output=True).returncode == 0
    for path in agency.state.rglob("*"):
        assert not path.is_file() or b"AGE-SECRET-KEY" not in path.read_bytes()


def test_images_alone_are_no_copy_and_one_drive_for_many_discs_wants_a_terminal(agency: Agency, tmp_path: Path) -> None:
    for name in PROGRAMS:
        if shutil.which(name) is None:
            skip_or_fail(f"{name} is not installed (make test-deps)")
    (tmp_path / "www" / "large").write_bytes(os.urandom(6_000_000))
    (folder,) = backed_up(agency)
    target = tmp_path / "images"
    target.mkdir()
    command = ["backup", "export-iso", folder.name, "--size", "6000000", "--to", str(target)]
    refused = agency.laman(*command, "--burn", "/dev/sr0")
    assert refused.returncode == 1
    assert "run it at a terminal" in refused.stderr
    assert list(target.iterdir()) == []
    done = agency.laman(*command)
    assert done.returncode == 0, done.stderr
    assert "Images only" in done.stdout
    (standing,) = data(agency, "status", rc=2)
    assert standing["copies"] == 2
    for wrong in (["--size", "floppy"], ["--size", "6000000", "--par2", "0"]):
        assert agency.laman("backup", "export-iso", folder.name, "--to", str(tmp_path), *wrong).returncode == 1


# -- retention


def _older(agency: Agency, folder: Path, days: int) -> Path:
    """The same set as if it had been made that many days ago: its folder and its papers say so."""
    then = datetime.now(UTC) - timedelta(days=days)
    name = f"{then:%Y%m%dT%H%M%SZ}-old{days}"
    copy = folder.with_name(name)
    shutil.copytree(folder, copy)
    manifest = json.loads((copy / "MANIFEST.json").read_text())
    manifest["set"] = name
    (copy / "MANIFEST.json").write_text(json.dumps(manifest))
    return copy


def test_prune_shows_its_plan_touches_nothing_and_then_does_just_that(agency: Agency) -> None:
    agency.unit["backup"] = {"keep": {"daily": 2, "weekly": 0, "monthly": 0, "yearly": 0}}
    agency.write()
    (folder,) = backed_up(agency)
    old = [_older(agency, folder, days) for days in (1, 2, 40)]
    killed = folder.with_name(".20200101T000000Z-killed.part")
    killed.mkdir()
    plan = agency.laman("backup", "prune")
    assert plan.returncode == 0, plan.stderr
    assert "3 sets would be removed, 2 kept; nothing was touched" in plan.stdout
    assert plan.stdout.splitlines()[-1].endswith("backup prune --apply")
    assert all(path.is_dir() for path in (folder, *old, killed))
    applied = json.loads(agency.laman("backup", "prune", "--apply", "--json").stdout)
    gone = {s["set"] for s in applied["sets"] if s["removed"]}
    assert gone == {s["set"] for s in applied["sets"] if not s["keep"]} == {old[1].name, old[2].name, killed.name}
    assert sorted(p.name for p in folder.parent.iterdir() if p.is_dir()) == sorted([folder.name, old[0].name])
    again = agency.laman("backup", "prune", "--apply")
    assert "0 sets removed" in again.stdout


def test_prune_relies_on_no_set_that_is_not_there_or_not_what_was_written(agency: Agency) -> None:
    agency.unit["backup"] = {"keep": {"daily": 1, "weekly": 0, "monthly": 0, "yearly": 0}}
    agency.write()
    first, second = backed_up(agency, 2)
    stored = second / "tree-laman.tar.zst"
    content = stored.read_bytes()
    stored.write_bytes(content[:100] + bytes([content[100] ^ 1]) + content[101:])
    refused = agency.laman("backup", "prune", "--apply")
    assert refused.returncode == 1
    assert f"ppid: nothing of it is removed: {second.name}, the last verified set, is damaged" in refused.stdout
    assert first.is_dir()
    (standing,) = data(agency, "status", rc=2)
    assert "damaged" in {flag["code"] for flag in standing["flags"]}  # it is on record
    stored.unlink()
    listed = {s["set"]: s for s in json.loads(agency.laman("backup", "list", "--json").stdout)["sets"]}
    assert listed[second.name]["state"] == "damaged"
    assert agency.laman("backup", "prune", "--apply").returncode == 0
    assert first.is_dir()
    stored.write_bytes(content)
    assert agency.laman("backup", "verify", second.name).returncode == 0
    assert agency.laman("backup", "prune", "--apply").returncode == 0
    assert not first.exists()


def _altered(folder: Path) -> None:
    """Somebody changes a set's papers and makes SHA256SUMS agree."""
    paper = folder / "CARA-PULIHKAN.txt"
    paper.write_text(paper.read_text() + "x")
    sums = folder / "SHA256SUMS"
    lines = [line for line in sums.read_text().splitlines() if not line.endswith(paper.name)]
    lines.append(f"{hashlib.sha256(paper.read_bytes()).hexdigest()}  {paper.name}")
    sums.write_text("\n".join(sorted(lines, key=lambda line: line[66:])) + "\n")
    assert subprocess.run(["sha256sum", "--quiet", "-c", "SHA256SUMS"], cwd=folder).returncode == 0


def test_a_set_that_was_altered_consistently_is_neither_proven_nor_restored(agency: Agency, tmp_path: Path) -> None:
    (folder,) = backed_up(agency)
    copied = tmp_path / "disalin" / folder.name
    shutil.copytree(folder, copied)
    _altered(folder)
    drilled = agency.laman("backup", "drill", folder.name, "--json")
    assert drilled.returncode == 2, drilled.stderr
    (event,) = json.loads(drilled.stdout)
    assert event["status"] == "failed"
    assert "altered since it was made: CARA-PULIHKAN.txt, SHA256SUMS" in event["compared"][0]["detail"]
    for named in (folder.name, str(folder)):
        refused = agency.laman("backup", "restore", named, "--to", str(tmp_path / "ke-sini"))
        assert refused.returncode == 1, refused.stdout
        assert "was altered since it was made" in refused.stderr
    good = agency.laman("backup", "restore", str(copied), "--to", str(tmp_path / "ke-sini"))
    assert good.returncode == 0, good.stderr
    assert "not on record" not in good.stderr


def test_a_set_that_is_not_on_record_is_restored_and_said_to_be_and_never_proven(
    agency: Agency, tmp_path: Path
) -> None:
    (folder,) = backed_up(agency)
    strange = _older(agency, folder, 1)
    drilled = agency.laman("backup", "drill", strange.name, "--json")
    assert drilled.returncode == 2, drilled.stderr
    (event,) = json.loads(drilled.stdout)
    assert event["status"] == "not_proven"
    assert "is not on record" in event["compared"][-1]["detail"]
    restored = agency.laman("backup", "restore", strange.name, "--to", str(tmp_path / "ke-sini"))
    assert restored.returncode == 0, restored.stderr
    assert "is not on record" in restored.stderr


def test_prune_waits_for_who_reads_a_set_and_a_backup_does_not(agency: Agency) -> None:
    (folder,) = backed_up(agency)
    (folder.with_name(".20200101T000000Z-killed.part")).mkdir()
    with reading(folder.parent), reading(folder.parent):
        refused = agency.laman("backup", "prune", "--apply")
        assert refused.returncode == 1
        assert "is being read" in refused.stdout
        assert len(backed_up(agency)) == 2
    with unread(folder.parent), pytest.raises(MediumError, match="a prune is removing"), reading(folder.parent):
        pass


def test_an_interrupted_prune_is_finished_by_the_next_and_put_on_record(agency: Agency) -> None:
    (folder,) = backed_up(agency)
    (folder.parent / f"{folder.name}.dihapus").mkdir()
    folder.rename(folder.parent / f"{folder.name}.dihapus" / "x")
    (before,) = data(agency, "status", rc=2)
    assert "not_there" in {flag["code"] for flag in before["flags"]}
    assert agency.laman("backup", "prune", "--apply").returncode == 0
    assert [p for p in folder.parent.iterdir() if p.is_dir()] == []
    (after,) = data(agency, "status", rc=2)
    assert [flag["code"] for flag in after["flags"]] == ["no_set"]  # it is known to be gone, by retention


def test_a_backup_in_progress_is_not_disturbed(agency: Agency) -> None:
    (folder,) = backed_up(agency)
    stale = folder.with_name(".20200101T000000Z-running.part")
    stale.mkdir()
    with (folder.parent / ".lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        refused = agency.laman("backup", "prune", "--apply")
    assert refused.returncode == 1
    assert "a backup of ppid is writing" in refused.stdout
    assert stale.is_dir()
    assert agency.laman("backup", "prune", "--apply").returncode == 0
    assert not stale.exists()
    assert folder.is_dir()


_CRASH = """
import os, sys
from reporting.cli import backup_prune
from reporting.cli.main import main
setattr(backup_prune, {where!r}, lambda *_: os._exit(9))
sys.exit(main({arguments!r}))
"""


@pytest.mark.parametrize("where", ["_note", "delete"])
def test_killed_between_two_steps_of_a_removal_leaves_no_half_set_and_is_finished(agency: Agency, where: str) -> None:
    """After the rename and before the record; after the record and before the deletion."""
    agency.unit["backup"] = {"keep": {"daily": 1, "weekly": 0, "monthly": 0, "yearly": 0}}
    agency.write()
    first, second = backed_up(agency, 2)
    script = _CRASH.format(where=where, arguments=["-i", str(agency.inventory), "backup", "prune", "--apply"])
    killed = subprocess.run([sys.executable, "-c", script], cwd=PROJECT, capture_output=True)
    assert killed.returncode == 9, killed.stderr
    assert not first.exists()
    assert (first.parent / f"{first.name}.dihapus" / "MANIFEST.json").is_file()
    listed = json.loads(agency.laman("backup", "list", "--json").stdout)["sets"]
    assert {s["set"]: s["state"] for s in listed} == {f"{first.name}.dihapus": "removed", second.name: "whole"}
    assert agency.laman("backup", "prune", "--apply").returncode == 0
    assert sorted(p.name for p in first.parent.iterdir() if p.is_dir()) == [second.name]
    (standing,) = data(agency, "status", rc=2)
    assert "not_there" not in {flag["code"] for flag in standing["flags"]}
    with closing(sqlite3.connect(agency.state / "ledger.sqlite")) as ledger:
        (events,) = ledger.execute("SELECT count(*) FROM events WHERE kind = 'backup.pruned'").fetchone()
    assert events == 1


def test_a_repeat_takes_over_from_the_set_that_the_ledger_knows(agency: Agency, tmp_path: Path) -> None:
    """Through the runner, the role and the engine: the digest of the last set's SHA256SUMS gets there."""
    newest = max(path.lstat().st_ctime for path in (tmp_path / "www").rglob("*"))
    while time.time() < newest + 3.1:  # files of the last seconds are not relied on
        time.sleep(0.1)
    carried = []
    for folder in backed_up(agency, 2):
        (part,) = json.loads((folder / "MANIFEST.json").read_text())["parts"]
        carried.append(part["tree"]["carried_members"] > 0)
    assert carried == [False, True]
