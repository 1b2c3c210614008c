"""A repeat over SSH: only what changed comes over the line, the set is whole by itself, and broken runs are resumed."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from reporting.backup_set.index import decode, read_index
from reporting.backup_set.manifest import Manifest, Part, read_manifest
from reporting.backup_set.medium import MediumSpec, Needs, probe
from reporting.backup_set.request import BackupRequest
from reporting.hosts.site_backup import Outcome, back_up

from .loopback import ansible_connection, loopback_connection, sshd

HOSTILE = (b"new\nline", b"back\\slash", b"caf\xe9", b"x" * 255, b"-rf", b" blank ", b"$(id)`\"'", b"\\0000", b"%2F")
SEED = 20261122


@dataclass
class Site:
    """A tree, a medium, and a connection that sees `programs` first in its PATH."""

    folder: Path
    connection: Any
    programs: Path
    runs: int = 0
    outcomes: list[Outcome] = field(default_factory=list)
    recorded: dict[str, str] = field(default_factory=dict)  # as the ledger would have them

    @property
    def tree(self) -> Path:
        return self.folder / "site"

    @property
    def home(self) -> Path:
        return self.folder / "medium" / "laman" / "web"

    def back_up(self, tree: dict[str, Any] | None = None, **more: Any) -> Outcome:
        self.runs += 1
        report = probe(MediumSpec("disk-a", str(self.folder / "medium"), declared_folder=True), Needs("web", 1))
        one = {"name": "laman", "path": str(self.tree)} | (tree or {})
        raw = {"site": "web", "execution": f"run-{self.runs}", "trees": [one], **more}
        raw.setdefault("recorded_sets", self.recorded)
        outcome = back_up(self.connection, BackupRequest.model_validate(raw), report, progress=lambda _n, _b: None)
        self.outcomes.append(outcome)
        for output in outcome.outputs:
            folder, _, name = output.path.rpartition("/")
            if name == "SHA256SUMS":
                self.recorded[folder.rpartition("/")[2]] = output.sha256
        return outcome

    def newest(self) -> tuple[Path, Manifest, Part]:
        folder = next(
            path
            for path in self.home.iterdir()
            if path.name.removesuffix(".tidak-lengkap").endswith(f"run-{self.runs}")
        )
        manifest = read_manifest(folder)
        return folder, manifest, manifest.parts[0]

    def taken(self) -> Part:
        """Back up; all of it must be whole."""
        outcome = self.back_up()
        assert outcome.problems == []
        return self.newest()[2]

    def program(self, name: str, script: str) -> None:
        file = self.programs / name
        file.write_text(
            f"#!/bin/sh\nPATH=/usr/sbin:/usr/bin:/sbin:/bin; real={name}\n"
            f'[ "$1" = --version ] && exec $real --version\n{script}\n'
        )
        file.chmod(0o755)

    def restored(self) -> Path:
        """The newest set by hand, checked by its own list."""
        folder, _, part = self.newest()
        target = Path(tempfile.mkdtemp(dir=self.folder))
        script = f'zstd -dcq "{folder}/{part.file}" | tar -xpf - -C "{target}"'
        subprocess.run(["bash", "-o", "pipefail", "-c", script], check=True)
        done = subprocess.run(
            ["sha256sum", "--quiet", "-c", folder / "FILES-laman.sha256"], cwd=target, capture_output=True
        )
        assert (done.returncode, done.stdout) == (0, b"")
        done = subprocess.run(["sha256sum", "--strict", "--quiet", "-c", "SHA256SUMS"], cwd=folder, capture_output=True)
        assert done.returncode == 0
        return target / "site"

    def is_equal(self) -> bool:
        return contents(self.restored()) == contents(self.tree)


def contents(tree: Path) -> list[tuple[bytes, str, int, int, bytes]]:
    """What a restore has to bring back: names, kinds, modes, mtimes, contents, how many names a file has."""
    found = []
    for folder, folders, names in os.walk(os.fsencode(tree)):
        for name in (b"", *folders, *names):
            path = Path(os.fsdecode(folder + b"/" + name))
            status = path.lstat()
            what = os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes() if path.is_file() else b""
            kind = "l" if path.is_symlink() else f"{path.is_dir()}{status.st_nlink if path.is_file() else 0}"
            shown = os.fsencode(path.relative_to(tree))
            found.append((shown, kind, status.st_mode, int(status.st_mtime), what))
    return sorted(set(found))


def fill(tree: Path, files: int = 300) -> None:
    chance = random.Random(SEED)
    for number in range(files):
        path = tree / f"bagian {number % 7}" / f"berkas-{number}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(chance.randbytes(chance.randint(0, 200_000)))
    for name in HOSTILE:
        Path(os.fsdecode(os.fsencode(tree) + b"/" + name)).write_bytes(name)
    (tree / "besar").write_bytes(chance.randbytes(20_000_000))
    (tree / "tautan").symlink_to("../luar")
    os.link(tree / "bagian 1" / "berkas-1", tree / "sama")
    (tree / "bagian 2").chmod(0o555)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    folder = Path(tempfile.mkdtemp(prefix="lm-"))
    (tmp_path / "medium").mkdir()
    (tmp_path / "medium" / "LAMAN-MEDIUM.json").write_text(json.dumps({"id": "disk-a"}))
    (tmp_path / "site").mkdir()
    fill(tmp_path / "site")
    (folder / "bin").mkdir()
    (folder / "sh").write_text(f'#!/bin/sh\nPATH={folder}/bin:$PATH exec /bin/sh -c "$SSH_ORIGINAL_COMMAND"\n')
    (folder / "sh").chmod(0o755)
    try:
        with sshd(folder, force_command=str(folder / "sh")) as host:
            time.sleep(0.1)
            _await_settled(tmp_path / "site")
            yield Site(tmp_path, loopback_connection(host), folder / "bin")
    finally:
        (tmp_path / "site" / "bagian 2").chmod(0o755)
        shutil.rmtree(folder)


def _await_settled(tree: Path) -> None:
    """Files that were written in the seconds before a listing are not relied on: let them get old enough."""
    newest = max(path.lstat().st_ctime for path in (tree, *tree.rglob("*")))
    while time.time() < newest + 3.1:
        time.sleep(0.1)


def change_one_percent(tree: Path) -> None:
    (tree / "bagian 1" / "berkas-8").write_bytes(b"lain")
    (tree / "bagian 3" / "berkas-10").unlink()
    (tree / "bagian 3" / "baru é\n").write_bytes(b"baru" * 1000)
    (tree / "bagian 4").rename(tree / "bagian empat")
    (tree / "sama").unlink()
    (tree / "tautan").unlink()
    (tree / "tautan").symlink_to("ke tempat lain")


def test_a_repeat_brings_only_what_changed_and_needs_no_older_set(site: Site) -> None:
    first = site.taken()
    assert first.tree is not None
    assert (first.tree.carried_members, first.tree.carried_from) == (0, "")
    assert first.line_bytes is not None
    assert first.line_bytes > first.tree.file_bytes
    assert site.is_equal()
    second = site.taken()
    assert second.tree is not None
    assert second.tree.carried_bytes > 0.99 * first.source_bytes
    assert (second.line_bytes or 0) < first.line_bytes / 50
    assert second.tree.carried_from == next(site.home.glob("*run-1")).name
    change_one_percent(site.tree)
    third = site.taken()
    assert third.tree is not None
    shutil.rmtree(next(site.home.glob("*run-1")))
    shutil.rmtree(next(site.home.glob("*run-2")))
    assert site.is_equal()
    rows = [decode(row) for row in read_index(site.newest()[0] / "INDEX-laman.zst")]
    came = {row.name: row.came for row in rows}
    assert came[b"site/besar"] == "c"
    assert came["site/bagian 3/baru é\n".encode()] == "r"
    assert len([row for row in rows if row.came == "c"]) == third.tree.carried_members


def test_every_member_of_the_index_lies_where_it_says(site: Site) -> None:
    site.taken()
    change_one_percent(site.tree)
    site.taken()
    folder, _, part = site.newest()
    stream = subprocess.run(["zstd", "-dcq", folder / part.file], capture_output=True, check=True).stdout
    assert len(stream) == part.source_bytes
    for row in map(decode, read_index(folder / "INDEX-laman.zst")):
        if row.kind == "file":
            start, end = row.data
            path = Path(os.fsdecode(os.fsencode(site.tree.parent) + b"/" + row.name))
            assert stream[start:end] == path.read_bytes()


def test_every_nth_run_reads_everything(site: Site) -> None:
    def carried() -> int:
        assert site.back_up(full_every=3).problems == []
        tree = site.newest()[2].tree
        assert tree is not None
        return tree.carried_members

    assert [carried() > 0 for _ in range(7)] == [False, True, True, False, True, True, False]


@pytest.mark.parametrize("where", ["data", "index", "manifest"])
def test_a_damaged_last_set_costs_only_another_reading(site: Site, where: str) -> None:
    site.taken()
    folder, _, part = site.newest()
    victim = folder / {"data": part.file, "index": "INDEX-laman.zst", "manifest": "MANIFEST.json"}[where]
    content = bytearray(victim.read_bytes())
    if where == "manifest":
        content = bytearray(content.replace(b'"execution": "run-1"', b'"execution": "run-0"'))
    else:
        content[len(content) // 2] ^= 0x10
    victim.write_bytes(content)
    outcome = site.back_up()
    assert outcome.problems == []
    assert site.is_equal()
    second = site.newest()[2]
    assert second.tree is not None
    if where == "data":
        assert [found.kind for found in outcome.findings] == ["backup_set_damaged"]
        assert 0 < second.tree.carried_members < 300
    else:
        assert second.tree.carried_members == 0


@pytest.mark.parametrize("how", ["altered", "unknown", "from the future"])
def test_nothing_is_taken_over_from_a_set_that_the_record_does_not_know_like_this(site: Site, how: str) -> None:
    """Whoever changed a set and all its papers consistently must not see it inherited by the next ones."""
    site.taken()
    folder = site.newest()[0]
    if how == "altered":
        sums = folder / "SHA256SUMS"
        sums.write_bytes(b"".join(sorted(sums.read_bytes().splitlines(keepends=True), reverse=True)))
    elif how == "unknown":
        site.recorded.clear()
    else:
        folder.rename(folder.with_name("29991231T000000Z-run-1"))
        site.recorded = {"29991231T000000Z-run-1": next(iter(site.recorded.values()))}
    part = site.taken()
    assert part.tree is not None
    assert (part.tree.carried_members, part.tree.carried_from) == (0, "")
    again = site.taken()
    assert again.tree is not None
    assert again.tree.carried_members > 300


def test_what_was_there_before_a_restore_is_no_measure_of_a_collapse(site: Site) -> None:
    site.taken()
    small = {"path": str(site.tree)}
    kept = site.folder / "semula"
    site.tree.rename(kept)
    site.tree.mkdir()
    (site.tree / "x").write_bytes(b"x")
    assert site.back_up(small, execution="20261122T100000-restore-web-abc", least_percent=0).problems == []
    assert len(site.back_up(small).problems) == 2
    shutil.rmtree(site.tree)
    kept.rename(site.tree)


# -- a line that breaks


CUT = """n=$(cat {0}/calls 2>/dev/null || echo 0); echo $((n+1)) > {0}/calls
[ $n -ge {1} ] && exec $real "$@"
$real "$@" | head -c {2}; kill -9 $PPID"""


def test_a_cut_line_is_taken_up_where_it_broke(site: Site) -> None:
    site.program("tar", CUT.format(site.programs, 1, 15_000_000))
    outcome = site.back_up()
    assert outcome.problems == []
    assert site.is_equal()
    part = site.newest()[2]
    assert part.tree is not None
    assert part.tree.carried_bytes > 5_000_000
    assert (part.line_bytes or 0) < part.source_bytes - 5_000_000
    assert list(site.home.glob(".s*")) == []


def test_what_a_broken_run_had_serves_the_next_run_too(site: Site) -> None:
    site.program("tar", CUT.format(site.programs, 2, 15_000_000))
    outcome = site.back_up(retries=1)
    assert outcome.measures is None
    assert "it was cut" in outcome.problems[0]
    assert [path for path in site.home.iterdir() if not path.name.startswith(".")] == []
    (site.programs / "tar").unlink()
    part = site.taken()
    assert part.tree is not None
    assert part.tree.carried_bytes > 5_000_000
    assert part.tree.carried_from == ""
    assert site.is_equal()


def test_damage_in_what_a_broken_run_left_is_found(site: Site) -> None:
    site.program("tar", CUT.format(site.programs, 1, 15_000_000))
    site.back_up(retries=0)
    left = site.home / ".sisa-laman" / "tree-laman.tar.zst"
    content = bytearray(left.read_bytes())
    for place in range(100, len(content), 700_000):
        content[place] ^= 1
    left.write_bytes(content)
    assert site.back_up().problems == []
    assert site.is_equal()


# -- files that move under our hands


def _once(site: Site, before: str, during: str = ":") -> None:
    """The first tar runs after `before`, and while `during` goes on."""
    site.program(
        "tar",
        f'[ -e {site.programs}/done ] && exec $real "$@"\n: > {site.programs}/done\n{before}\n'
        f'(while :; do {during}; sleep 0.001; done) & p=$!\n$real "$@"; r=$?; kill $p; exit $r',
    )


@pytest.mark.parametrize("repeat", [False, True])
def test_a_file_that_grows_is_read_again(site: Site, repeat: bool) -> None:
    if repeat:
        site.taken()
        (site.tree / "besar").write_bytes(os.urandom(20_000_000))
    _once(site, ":", f'echo x >> "{site.tree}/besar"')
    outcome = site.back_up()
    assert outcome.problems == []
    assert [found.kind for found in outcome.findings] == ["backup_read_again"]
    part = site.newest()[2]
    assert part.tree is not None
    assert part.tree.again == ["site", "site/besar"]
    assert site.is_equal()


def test_a_file_that_never_rests_is_named(site: Site) -> None:
    site.program(
        "tar",
        f'(while :; do echo x >> "{site.tree}/besar"; sleep 0.001; done) & p=$!\n$real "$@"; r=$?; kill $p; exit $r',
    )
    outcome = site.back_up()
    (problem,) = outcome.problems
    assert "changed while it was read 3 times: site/besar" in problem
    assert site.newest()[0].name.endswith(".tidak-lengkap")


@pytest.mark.parametrize("repeat", [False, True])
def test_a_file_that_vanishes_is_named(site: Site, repeat: bool) -> None:
    if repeat:
        site.taken()
        (site.tree / "bagian 1" / "berkas-8").write_text("x")
    _once(site, f'rm "{site.tree}/bagian 1/berkas-8"')
    outcome = site.back_up()
    assert outcome.problems == []
    (found,) = [found for found in outcome.findings if found.kind == "backup_vanished"]
    assert found.detail == "site/bagian 1/berkas-8"


def test_a_tar_that_leaves_a_file_out_is_found_out(site: Site) -> None:
    site.program("tar", 'exec $real --exclude="*berkas-8" "$@"')
    outcome = site.back_up()
    assert [line for line in outcome.problems if "was there, but did not come: site/bagian 1/berkas-8" in line]


# -- what cannot be read, what shrank, slow lines, full hosts


def test_a_source_that_collapsed_is_a_problem_until_a_person_accepts(site: Site) -> None:
    site.taken()
    for number in range(7):
        if number != 1:
            (site.tree / f"bagian {number}").chmod(0o755)
            shutil.rmtree(site.tree / f"bagian {number}")
    (site.tree / "bagian 2").mkdir()
    outcome = site.back_up()
    few, small = outcome.problems
    assert "54 files, in the last set it had 311: less than 50 %" in few
    assert "bytes, in the last set it had" in small
    assert len(site.back_up().problems) == 2  # an incomplete set is no measure: the one before it is
    assert site.back_up(least_percent=0).problems == []
    assert site.back_up().problems == []


def test_bandwidth_is_limited(site: Site) -> None:
    shutil.rmtree(site.folder / "kecil", ignore_errors=True)
    (site.folder / "kecil").mkdir()
    (site.folder / "kecil" / "x").write_bytes(os.urandom(3 << 20))
    started = time.monotonic()
    assert site.back_up({"path": str(site.folder / "kecil")}, bandwidth_kib=2048).problems == []
    assert 0.4 < time.monotonic() - started < 10


def test_a_site_whose_disk_has_no_free_byte(site: Site, loop_medium: Callable[[int, str], Any]) -> None:
    disk = loop_medium(30, "PENUH")
    (disk.path / "isi").mkdir()
    (disk.path / "isi" / "x").write_bytes(os.urandom(1_000_000))
    disk.fill(leave_bytes=0)
    tree = {"path": str(disk.path / "isi")}
    assert site.back_up(tree).problems == []
    assert site.back_up(tree).problems == []


def test_local_connection_carries_too(site: Site) -> None:
    site.connection = ansible_connection("local")
    site.taken()
    part = site.taken()
    assert part.tree is not None
    assert part.tree.carried_members > 300
    assert site.is_equal()


@pytest.mark.soak
def test_cost_grows_with_the_number_of_files_and_not_faster(site: Site) -> None:
    def seconds(files: int) -> tuple[float, float]:
        tree = site.folder / f"banyak-{files}"
        for number in range(files):
            path = tree / f"{number % 100}" / f"{number}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"%d" % number)
        _await_settled(tree)
        taken = []
        for _ in range(2):
            started = time.process_time()
            assert site.back_up({"path": str(tree), "name": f"banyak-{files}"}).problems == []
            taken.append(time.process_time() - started)
        tree_of = site.newest()[2].tree
        assert tree_of is not None
        assert tree_of.carried_members == files + 101
        return taken[0], taken[1]

    few, many = seconds(20_000), seconds(200_000)
    assert many[0] < 10 * few[0] * 1.5
    assert many[1] < 10 * few[1] * 1.5


@pytest.mark.soak
def test_a_sparse_file_of_5_gib(site: Site) -> None:
    with (site.tree / "jarang").open("wb") as out:
        out.truncate(5 << 30)
    _await_settled(site.tree)
    first = site.taken()
    assert first.stored_bytes < 100_000_000
    second = site.taken()
    assert (second.line_bytes or 0) < 1_000_000
