"""What an archive may say and must not get: nothing outside of its folder, nothing half under a final name."""

from __future__ import annotations

import gzip
import io
import os
import stat
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from reporting.backup_set.cpanel_archive import restore_archive
from reporting.backup_set.extract import Extracted, Extractor, Rules, leads_out
from reporting.backup_set.restore import RestoreError, Wanted, fresh_folder
from reporting.backup_set.tarread import Pull, TarPull
from reporting.backup_set.tarstream import TarError

STRICT = Rules(most_bytes=1 << 20)
TOLERANT = replace(STRICT, tolerant=True)
Make = Callable[[tarfile.TarFile], None]


def packed(make: Make, form: int = tarfile.GNU_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as tar:
        make(tar)
    return buffer.getvalue()


def add(tar: tarfile.TarFile, name: str, content: bytes = b"x", **more: object) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(content) if more.get("type", tarfile.REGTYPE) == tarfile.REGTYPE else 0
    for key, value in more.items():
        setattr(info, key, value)
    tar.addfile(info, io.BytesIO(content))


def extract(root: Path, data: bytes, rules: Rules = STRICT, step: int = 1 << 20) -> Extracted:
    blocks = iter([data[i : i + step] for i in range(0, len(data), step)])
    return Extractor(root, rules).take_all(TarPull(Pull(lambda: next(blocks, b""))))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "jail" / "root"
    folder.mkdir(parents=True)
    return folder


def outside(root: Path) -> list[str]:
    return sorted(
        str(path.relative_to(root.parent.parent))
        for path in root.parent.parent.rglob("*")
        if root not in path.parents and path not in (root, root.parent)
    )


HOSTILE: dict[str, Make] = {
    "absolute": lambda tar: add(tar, "/abs"),
    "dotdot": lambda tar: add(tar, "web/../../evil"),
    "dotdot first": lambda tar: add(tar, "../evil"),
    "sparse": lambda tar: add(tar, "web/sparse", type=tarfile.GNUTYPE_SPARSE),
    "hard link out": lambda tar: add(tar, "web/passwd", type=tarfile.LNKTYPE, linkname="/etc/passwd"),
    "hard link dotdot": lambda tar: add(tar, "web/passwd", type=tarfile.LNKTYPE, linkname="../../etc/passwd"),
    "unknown type": lambda tar: add(tar, "web/odd", type=b"Z"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_member_is_refused_and_nothing_is_outside(name: str, root: Path) -> None:
    data = packed(HOSTILE[name])
    with pytest.raises(TarError):
        extract(root, data)
    assert outside(root) == []


@pytest.mark.parametrize("name", HOSTILE)
def test_a_tolerant_reader_leaves_it_out_by_name_and_takes_the_rest(name: str, root: Path) -> None:
    def make(tar: tarfile.TarFile) -> None:
        add(tar, "web/before", b"1")
        HOSTILE[name](tar)
        add(tar, "web/after", b"2")

    result = extract(root, packed(make), TOLERANT)
    assert set(result.files) == {b"web/before", b"web/after"}
    assert len(result.left_out) == 1
    assert outside(root) == []


@pytest.mark.parametrize("target", ["/etc", "../../..", "../outside", "a/../../../x"])
def test_a_link_out_of_the_tree_is_not_made_and_nothing_is_written_through_it(target: str, root: Path) -> None:
    def make(tar: tarfile.TarFile) -> None:
        add(tar, "web", type=tarfile.DIRTYPE, mode=0o755)
        add(tar, "web/link", type=tarfile.SYMTYPE, linkname=target)

    result = extract(root, packed(make))
    assert not (root / "web/link").is_symlink()
    assert "link out of the tree" in result.left_out[0]
    kept = root.parent / "kept"
    kept.mkdir()
    assert extract(kept, packed(make), replace(STRICT, links_out=True)).left_out == []
    assert str((kept / "web/link").readlink()) == target

    def through(tar: tarfile.TarFile) -> None:
        make(tar)
        add(tar, "web/link/passwd", b"root::0:0")

    other = root.parent / "other"
    other.mkdir()
    with pytest.raises(TarError, match="behind a symbolic link"):
        extract(other, packed(through), replace(STRICT, links_out=True))


def test_a_link_within_the_tree_stays(root: Path) -> None:
    def make(tar: tarfile.TarFile) -> None:
        add(tar, "web/a/real", b"1")
        add(tar, "web/b/link", type=tarfile.SYMTYPE, linkname="../a/real")

    assert extract(root, packed(make)).left_out == []
    assert (root / "web/b/link").read_bytes() == b"1"
    assert not leads_out(b"web/b/link", b"../a/real")


def test_a_file_in_the_place_of_a_folder_is_refused(root: Path) -> None:
    def make(tar: tarfile.TarFile) -> None:
        add(tar, "web/x", b"1")
        add(tar, "web/x/y", b"2")

    with pytest.raises(TarError):
        extract(root, packed(make))


def test_devices_and_fifos_are_left_out_by_name(root: Path) -> None:
    def make(tar: tarfile.TarFile) -> None:
        add(tar, "web/null", type=tarfile.CHRTYPE, devmajor=1, devminor=3)
        add(tar, "web/disk", type=tarfile.BLKTYPE, devmajor=8, devminor=0)
        add(tar, "web/pipe", type=tarfile.FIFOTYPE)
        add(tar, "web/file", b"1")

    result = extract(root, packed(make))
    assert len(result.left_out) == 3
    assert [path.name for path in (root / "web").iterdir()] == ["file"]


def test_setuid_and_setgid_are_taken_off_and_named(root: Path) -> None:
    def make(tar: tarfile.TarFile) -> None:
        add(tar, "web/su", mode=0o4755)
        add(tar, "web/sg", type=tarfile.DIRTYPE, mode=0o2775)
        add(tar, "web/sticky", type=tarfile.DIRTYPE, mode=0o1777)

    result = extract(root, packed(make))
    assert stat.S_IMODE((root / "web/su").stat().st_mode) == 0o755
    assert stat.S_IMODE((root / "web/sg").stat().st_mode) == 0o775
    assert stat.S_IMODE((root / "web/sticky").stat().st_mode) == 0o1777
    assert len(result.altered) == 2


def test_more_data_than_is_allowed_is_refused(root: Path) -> None:
    data = packed(lambda tar: add(tar, "web/big", bytes(3 << 20)))
    with pytest.raises(TarError, match="bomb"):
        extract(root, data)


def test_a_size_that_lies_ends_in_an_error(root: Path) -> None:
    data = bytearray(packed(lambda tar: add(tar, "web/a", b"x" * 100)))
    data[124:136] = b"%011o\0" % (900_000)
    total = sum(data[:148]) + 8 * 32 + sum(data[156:512])
    data[148:156] = b"%06o\0 " % total
    with pytest.raises(TarError, match="cut"):
        extract(root, bytes(data))


@pytest.mark.parametrize("cut", [0, 512, 1024, 1500, 2048])
def test_an_archive_cut_anywhere_is_refused_at_a_member_boundary_too(cut: int, root: Path) -> None:
    def make(tar: tarfile.TarFile) -> None:
        add(tar, "web/a", b"1")
        add(tar, "web/b", b"2")

    with pytest.raises(TarError, match="cut"):
        extract(root, packed(make)[:cut])


@pytest.mark.parametrize("step", [1, 511, 513, 100_000])
@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_hard_names_come_back_as_they_were(form: int, step: int, root: Path) -> None:
    names = [
        "web/baris\nbaru", "web/" + "n" * 255, "web/" + "/".join(["d" * 200] * 8), "web/latin-\udce9\udcff",
        "web/日本\\ \"'", "web/-rf", "web/ blank ",
    ]  # fmt: skip

    def make(tar: tarfile.TarFile) -> None:
        for number, name in enumerate(names):
            add(tar, name, b"%d" % number, mtime=1_600_000_000 + number, mode=0o640)

    result = extract(root, packed(make, form), step=step)
    assert set(result.files) == {os.fsencode(name) for name in names}
    for number, name in enumerate(names):
        path = root / name
        assert path.read_bytes() == b"%d" % number
        assert (path.stat().st_mtime, stat.S_IMODE(path.stat().st_mode)) == (1_600_000_000 + number, 0o640)


def test_a_path_longer_than_the_kernel_takes_at_once(root: Path) -> None:
    name = "web/" + "/".join(["d" * 250] * 20) + "/f"  # 5,000 bytes: PATH_MAX is 4,096
    result = extract(root, packed(lambda tar: add(tar, name, b"deep")))
    assert os.fsencode(name) in result.files


def test_folders_that_may_not_be_written_get_their_mode_at_the_end(root: Path) -> None:
    def make(tar: tarfile.TarFile) -> None:
        add(tar, "web", type=tarfile.DIRTYPE, mode=0o555, mtime=1_500_000_000)
        add(tar, "web/f", b"1")

    extract(root, packed(make))
    assert stat.S_IMODE((root / "web").stat().st_mode) == 0o555
    assert (root / "web").stat().st_mtime == 1_500_000_000
    (root / "web").chmod(0o755)


def test_a_member_that_comes_twice_counts_only_where_the_set_says_so(root: Path) -> None:
    def make(tar: tarfile.TarFile) -> None:
        add(tar, "web/a", b"old")
        add(tar, "web/a", b"new")

    with pytest.raises(TarError, match="twice"):
        extract(root, packed(make))
    other = root.parent / "other"
    other.mkdir()
    extract(other, packed(make), replace(STRICT, again=frozenset([b"web/a"])))
    assert (other / "web/a").read_bytes() == b"new"


# -- the folder


def test_nothing_is_restored_over_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there/file").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "empty")
    for name in ("there", "link", "no/such/parent"):
        with pytest.raises(RestoreError), fresh_folder(tmp_path / name):
            pytest.fail("it was begun")
    assert (tmp_path / "there/file").read_text() == "mine"


def test_half_a_restore_has_no_name_and_leaves_nothing(tmp_path: Path) -> None:
    def half() -> None:
        with fresh_folder(tmp_path / "to") as beside:
            (beside / "half").write_text("x")
            (beside / "locked").mkdir(mode=0o000)
            raise TarError("cut")

    with pytest.raises(TarError):
        half()
    assert list(tmp_path.iterdir()) == []
    with fresh_folder(tmp_path / "to") as beside:
        (beside / "whole").write_text("x")
        assert not (tmp_path / "to").exists()
    assert (tmp_path / "to/whole").read_text() == "x"


# -- cPanel archives

NAME = "backup-11.22.2026_01-02-03_dinas"
DUMP = b"-- MariaDB dump\nCREATE TABLE a (b INT);\n-- Dump completed on 2026-11-22\n"


def cpanel(tmp_path: Path, more: Make = lambda _tar: None, dump: bytes = DUMP) -> Path:
    def make(tar: tarfile.TarFile) -> None:
        add(tar, f"{NAME}/version", b"pkgacct version: 10\n")
        add(tar, f"{NAME}/shadow", b"$6$secret")
        add(tar, f"{NAME}/homedir/public_html/index.php", b"<?php")
        add(tar, f"{NAME}/mysql/dinas_web.create", b"CREATE DATABASE `dinas_web`")
        add(tar, f"{NAME}/mysql/dinas_web.sql", dump)
        more(tar)

    file = tmp_path / f"{NAME}.tar.gz"
    file.write_bytes(gzip.compress(packed(make)))
    return file


def test_a_cpanel_archive_gives_home_directory_and_dumps(tmp_path: Path) -> None:
    restored = restore_archive(cpanel(tmp_path), tmp_path / "to", Wanted())
    assert (tmp_path / "to/homedir/public_html/index.php").read_bytes() == b"<?php"
    assert (tmp_path / "to/mysql/dinas_web.sql").read_bytes() == DUMP
    assert (restored.files, restored.databases, restored.left_out) == (1, ["dinas_web"], [])
    assert not (tmp_path / "to/shadow").exists()
    only = restore_archive(cpanel(tmp_path), tmp_path / "one", Wanted(files=("public_html/*.php",)))
    assert (only.files, only.databases) == (1, [])
    assert not (tmp_path / "one/mysql").exists()


def test_hostile_members_of_a_cpanel_archive_are_left_out_by_name(tmp_path: Path) -> None:
    def make(tar: tarfile.TarFile) -> None:
        add(tar, "/etc/cron.d/evil")
        add(tar, f"{NAME}/homedir/../../../evil")
        add(tar, f"{NAME}/homedir/out", type=tarfile.SYMTYPE, linkname="/etc")
        add(tar, f"{NAME}/homedir/out/evil")
        add(tar, f"{NAME}/homedir/null", type=tarfile.CHRTYPE, devmajor=1, devminor=3)
        add(tar, f"{NAME}/homedir/su", mode=0o6755)
        add(tar, f"{NAME}/homedir/baris\nbaru", b"1")

    (tmp_path / "in").mkdir()
    restored = restore_archive(cpanel(tmp_path, make), tmp_path / "in/to", Wanted())
    assert len(restored.left_out) == 4
    assert len(restored.altered) == 1
    assert sorted(path.name for path in (tmp_path / "in").iterdir()) == ["to"]
    assert (tmp_path / "in/to/homedir/out/evil").is_file()  # the link was not made: it is a folder of ours
    assert not Path("/etc/cron.d/evil").exists()


@pytest.mark.parametrize("damage", ["cut in the middle", "without its end", "flipped", "dump cut"])
def test_a_cpanel_archive_that_is_not_whole_restores_nothing(damage: str, tmp_path: Path) -> None:
    file = cpanel(tmp_path, dump=DUMP[:-40] if damage == "dump cut" else DUMP)
    data = bytearray(file.read_bytes())
    if damage == "cut in the middle":
        del data[len(data) // 2 :]
    elif damage == "without its end":
        del data[-8:]
    elif damage == "flipped":
        data[-6] ^= 1
    file.write_bytes(data)
    with pytest.raises((TarError, RestoreError)):
        restore_archive(file, tmp_path / "to", Wanted())
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


def test_a_cpanel_archive_without_home_directory_says_so(tmp_path: Path) -> None:
    file = tmp_path / f"{NAME}.tar.gz"
    file.write_bytes(gzip.compress(packed(lambda tar: add(tar, f"{NAME}/version", b"1"))))
    restored = restore_archive(file, tmp_path / "to", Wanted())
    assert [line.partition(":")[0] for line in restored.left_out] == ["homedir", "mysql"]
