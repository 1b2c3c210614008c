"""Sets on discs: cut, given recovery data, read back, burnt to a file in place of a disc, damaged, put together."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from reporting.backup_set.agefiles import decrypt_set, encrypt_set
from reporting.backup_set.check import check_set
from reporting.backup_set.discjoin import join
from reporting.backup_set.discmake import Made, lay_out, make_discs, read_back
from reporting.backup_set.discs import SIZES
from reporting.backup_set.disctools import DiscError, address, burn, extract
from reporting.backup_set.draft import Origin, new_set
from reporting.backup_set.medium import MediumSpec, Needs, probe
from tests.fleet.fixtures import MediumFactory

MIB = 1 << 20
PROGRAMS = ("xorriso", "par2")


@pytest.fixture(autouse=True)
def _programs() -> None:
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        if os.environ.get("CI") == "true":
            pytest.fail(f"not installed: {missing}")
        pytest.skip(f"not installed: {', '.join(missing)} (make test-deps)")


class _Tar:
    """A tar of incompressible files, made as it is read: 700 MB of it need no memory."""

    def __init__(self, sizes: list[int]) -> None:
        self._pieces = self._make(sizes)
        self._held = b""

    @staticmethod
    def _make(sizes: list[int]) -> Iterator[bytes]:
        for number, size in enumerate(sizes):
            info = tarfile.TarInfo(f"site/file-{number:04}")
            info.size = size
            yield info.tobuf(tarfile.GNU_FORMAT)
            for left in range(size, 0, -MIB):
                yield os.urandom(min(left, MIB))
            yield bytes(-size % 512)
        yield bytes(1024)

    def read(self, size: int = -1, /) -> bytes:
        while len(self._held) < size and (piece := next(self._pieces, b"")):
            self._held += piece
        out, self._held = self._held[:size], self._held[size:]
        return out


def a_set(folder: Path, sizes: list[int]) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "LAMAN-MEDIUM.json").write_text('{"id": "disk"}')
    report = probe(MediumSpec("disk", str(folder), declared_folder=True), Needs(minimum_bytes=0))
    with new_set(report, "web", "x") as draft:
        draft.add_tree(Origin("laman", "/srv/site", "GNU tar"), _Tar(sizes), [])
        return folder / draft.seal().path


def made(source: Path, target: Path, size: int) -> list[Made]:
    target.mkdir(exist_ok=True)
    return list(make_discs(lay_out(source, "web", size, 5.0), target))


def damage(image: Path, share: float, spots: int, beginning: bool = False) -> int:
    """Overwrite a share of an image in so many places (fixed seed); its directory too when `beginning`."""
    size = image.stat().st_size
    rng = random.Random(11)
    each = int(size * share / spots)
    with image.open("r+b") as stream:
        for _ in range(spots):
            stream.seek(rng.randrange(256 << 10, size - each))
            stream.write(rng.randbytes(each))
        if beginning:
            stream.seek(0)
            stream.write(bytes(256 << 10))
    return each * spots


def equal(one: Path, other: Path) -> bool:
    names = sorted(p.name for p in one.iterdir())
    return names == sorted(p.name for p in other.iterdir()) and all(
        (one / n).read_bytes() == (other / n).read_bytes() for n in names
    )


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return a_set(tmp_path_factory.mktemp("medium"), [9 * MIB, 700_001, 12 * MIB])


@pytest.fixture(scope="module")
def images(source: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Made]:
    if any(shutil.which(name) is None for name in PROGRAMS):
        pytest.skip("xorriso and par2 are not installed")
    return made(source, tmp_path_factory.mktemp("images"), 10 * MIB)


def copies(images: list[Made], folder: Path) -> list[str]:
    return [str(shutil.copy(disc.image, folder)) for disc in images]


def test_every_disc_fits_is_named_and_readable_alone(images: list[Made], tmp_path: Path) -> None:
    assert [d.volume[-3:] for d in images] == ["_01", "_02", "_03"]
    for disc in images:
        assert disc.bytes <= 10 * MIB
        folder = tmp_path / disc.volume
        command = ["xorriso", "-osirrox", "on", "-indev", f"stdio:{disc.image}", "-extract", "/", str(folder)]
        subprocess.run(command, check=True, capture_output=True)
        done = subprocess.run(["sha256sum", "--strict", "-c", "SHA256SUMS"], cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout
        papers = json.loads((folder / "DISC.json").read_text())
        assert papers["volumes"] == [d.volume for d in images]
        assert {"MANIFEST.json", "SHA256SUMS", "CARA-PULIHKAN.txt"} <= {p.name for p in (folder / "set").iterdir()}
        check = ["xorriso", "-md5", "on", "-indev", f"stdio:{disc.image}", "-check_md5_r", "FAILURE", "/", "--"]
        checked = subprocess.run(check, capture_output=True)
        assert checked.returncode == 0


def test_the_text_on_the_disc_joins_them_by_hand(images: list[Made], source: Path, tmp_path: Path) -> None:
    """Its commands as they stand there; `cd /media/cdrom` is each disc in turn, as step 2 says."""
    folders = []
    for disc in images:
        folders.append(tmp_path / disc.volume)
        command = ["xorriso", "-osirrox", "on", "-indev", f"stdio:{disc.image}", "-extract", "/", str(folders[-1])]
        subprocess.run(command, check=True, capture_output=True)
    text = (folders[0] / "CARA-PULIHKAN.txt").read_text().partition("BILA ADA CAKRAM YANG RUSAK")[0]
    lines = [line[4:] for line in text.splitlines() if line.startswith("    ")]
    start, end = lines.index("cd /media/cdrom"), lines.index('cd "$SET"')
    script = ["set -eu", *lines[:start]]
    for folder in folders:
        script += [f"cd '{folder}'", *lines[start + 1 : end]]
    environment = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "LC_ALL": "C"}
    done = subprocess.run(["sh", "-c", "\n".join([*script, *lines[end:]])], env=environment, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    assert equal(tmp_path / source.name, source)


@pytest.mark.parametrize("directory_gone", [False, True])
def test_a_damaged_disc_is_repaired_and_the_set_is_equal(
    images: list[Made], source: Path, tmp_path: Path, directory_gone: bool
) -> None:
    given = copies(images, tmp_path)
    damage(Path(given[1]), 0.01, 8, beginning=directory_gone)
    said: list[str] = []
    joined = join(given, tmp_path, said.append)
    assert joined.repaired == [images[1].volume]
    assert any("repairing with its par2 data" in line for line in said)
    assert equal(joined.folder, source)
    assert check_set(joined.folder).ok
    assert sorted(p.name for p in tmp_path.iterdir() if p.suffix != ".iso") == [source.name]


def test_copied_discs_are_repaired_in_folders_too(images: list[Made], source: Path, tmp_path: Path) -> None:
    folders = []
    for disc in images:
        folder = tmp_path / disc.volume
        command = ["xorriso", "-osirrox", "on", "-indev", f"stdio:{disc.image}", "-extract", "/", str(folder)]
        subprocess.run(command, check=True, capture_output=True)
        folders.append(str(folder))
    piece = next((tmp_path / images[0].volume / "set").glob("*.001"))
    piece.chmod(0o600)
    damage(piece, 0.01, 3)
    out = tmp_path / "out"
    out.mkdir()
    assert equal(join(folders, out, lambda _line: None).folder, source)


def test_a_missing_disc_is_named_and_nothing_is_left(images: list[Made], tmp_path: Path) -> None:
    given = copies(images, tmp_path)
    with pytest.raises(DiscError, match=f"has 3 discs; missing: disc 2 \\({images[1].volume}\\)"):
        join([given[0], given[2]], tmp_path, lambda _line: None)
    assert sorted(p.suffix for p in tmp_path.iterdir()) == [".iso"] * 3


def test_more_damage_than_par2_can_mend_is_said(images: list[Made], tmp_path: Path) -> None:
    given = copies(images, tmp_path)
    damage(Path(given[0]), 0.2, 8)
    with pytest.raises(DiscError, match="damaged beyond what its recovery data can bring back"):
        join(given, tmp_path, lambda _line: None)
    assert sorted(p.suffix for p in tmp_path.iterdir()) == [".iso"] * 3


def test_discs_of_two_sets_are_not_mixed(images: list[Made], tmp_path: Path) -> None:
    other = made(a_set(tmp_path / "m2", [8 * MIB, 5 * MIB]), tmp_path / "i2", 10 * MIB)
    given = [str(images[0].image), str(other[1].image), str(images[2].image)]
    with pytest.raises(DiscError, match="belongs to set"):
        join(given, tmp_path, lambda _line: None)


def test_a_disc_that_names_another_folder_writes_nowhere(images: list[Made], tmp_path: Path) -> None:
    disc, target = tmp_path / "disc", tmp_path / "to"
    disc.mkdir()
    target.mkdir()
    assert extract(str(images[0].image), disc)
    papers = json.loads((disc / "DISC.json").read_text())
    (disc / "DISC.json").chmod(0o600)
    for changed in ({"set": "../escaped"}, {"set": "20260101T000000Z-x\n"}, {"site": "../web"}):
        (disc / "DISC.json").write_text(json.dumps(papers | {"volumes": papers["volumes"][:1], "number": 1} | changed))
        with pytest.raises(DiscError, match="names no set"):
            join([str(disc)], target, lambda _line: None)
    assert list(target.iterdir()) == []
    assert not (tmp_path / "escaped").exists()


def test_a_damaged_set_is_not_exported(tmp_path: Path) -> None:
    source = a_set(tmp_path / "m", [5 * MIB])
    with (source / "tree-laman.tar.zst").open("r+b") as stream:
        stream.seek(MIB)
        stream.write(b"X")
    with pytest.raises(DiscError, match="is damaged: verify the set"):
        made(source, tmp_path / "images", 10 * MIB)
    assert list((tmp_path / "images").iterdir()) == []


def test_a_burnt_disc_is_read_back_and_a_bad_one_is_told(images: list[Made], tmp_path: Path) -> None:
    disc = images[0]
    device = address(tmp_path / "disc.img")
    burn(disc.image, device)
    assert "SHA-256 equal" in read_back(disc, device)
    with pytest.raises(DiscError, match=f"expected {images[1].volume}"):
        read_back(images[1], device)
    damage(tmp_path / "disc.img", 0.001, 1)
    with pytest.raises(DiscError, match="is not what was written"):
        read_back(disc, device)


def test_a_disc_that_is_too_small_is_told(images: list[Made], loop_medium: MediumFactory) -> None:
    small = loop_medium(8, "SMALLDISC")
    with pytest.raises(DiscError, match="the disc is full or too small"):
        burn(images[0].image, address(small.path / "disc.img"))


# -- encrypted


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A private key's file, and its public key."""
    if shutil.which("age-keygen") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("not installed: age")
        pytest.skip("not installed: age (make test-deps)")
    file = tmp_path_factory.mktemp("key") / "key.txt"
    subprocess.run(["age-keygen", "-o", str(file)], check=True, capture_output=True)
    public = subprocess.run(["age-keygen", "-y", str(file)], check=True, capture_output=True, text=True).stdout.strip()
    return file, public


@pytest.fixture(scope="module")
def locked(source: Path, keys: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory) -> list[Made]:
    folder = tmp_path_factory.mktemp("age") / source.name
    encrypt_set(source, folder, [keys[1]])
    target = tmp_path_factory.mktemp("locked")
    return list(make_discs(lay_out(folder, "web", 10 * MIB, 5.0, encrypted=True), target))


def test_encrypted_discs_show_nothing_of_the_site_and_open_with_the_key(
    locked: list[Made], source: Path, keys: tuple[Path, str], tmp_path: Path
) -> None:
    for disc in locked:
        content = disc.image.read_bytes()
        assert b"site/file-" not in content
        assert b"/srv/site" not in content
        assert b"AGE-SECRET-KEY" not in content
    damage(locked[1].image, 0.01, 5)  # repaired without the key
    given = [str(disc.image) for disc in locked]
    still = join(given, tmp_path, lambda _line: None)
    assert still.encrypted
    assert {p.suffix for p in still.folder.iterdir() if p.name != "SHA256SUMS"} == {".age"}
    opened = join(given, tmp_path, lambda _line: None, keys[0])
    assert equal(opened.folder, source)


def test_the_text_on_an_encrypted_disc_opens_it_by_hand(
    locked: list[Made], source: Path, keys: tuple[Path, str], tmp_path: Path
) -> None:
    still = join([str(disc.image) for disc in locked], tmp_path, lambda _line: None).folder
    folder = tmp_path / "disc"
    command = ["xorriso", "-osirrox", "on", "-indev", f"stdio:{locked[0].image}", "-extract", "/", str(folder)]
    subprocess.run(command, check=True, capture_output=True)
    text = (folder / "CARA-PULIHKAN.txt").read_text().partition("4. Set ini dienkripsi")[2].partition("5. ")[0]
    shutil.copy(keys[0], tmp_path / "kunci-age.txt")
    script = "set -eu\n" + "\n".join(line[4:] for line in text.splitlines() if line.startswith("    "))
    environment = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(["sh", "-c", script], cwd=still, env=environment, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    assert equal(still, source)


def test_another_key_opens_nothing_and_leaves_nothing(locked: list[Made], tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.txt"
    subprocess.run(["age-keygen", "-o", str(wrong)], check=True, capture_output=True)
    with pytest.raises(DiscError, match=r"cannot be decrypted with .*wrong\.txt"):
        join([str(disc.image) for disc in locked], tmp_path, lambda _line: None, wrong)
    assert [p.name for p in tmp_path.iterdir()] == ["wrong.txt"]


def test_a_cut_encrypted_file_is_refused_though_age_gives_its_beginning(
    source: Path, keys: tuple[Path, str], tmp_path: Path
) -> None:
    folder = tmp_path / source.name
    encrypt_set(source, folder, [keys[1]])
    cut = folder / "tree-laman.tar.zst.age"
    os.truncate(cut, cut.stat().st_size // 2)
    with pytest.raises(DiscError, match=r"tree-laman\.tar\.zst\.age: cannot be decrypted"):
        decrypt_set(folder, tmp_path / "out", keys[0])


def test_a_damaged_set_is_not_encrypted_and_a_wrong_recipient_is_told(
    source: Path, keys: tuple[Path, str], tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(source, copy)
    with pytest.raises(DiscError, match="age could not encrypt it"):
        encrypt_set(copy, tmp_path / "a", ["age1" + "q" * 58])
    with (copy / "MANIFEST.json").open("ab") as stream:
        stream.write(b" ")
    with pytest.raises(DiscError, match=r"MANIFEST.json is damaged: verify the set"):
        encrypt_set(copy, tmp_path / "b", [keys[1]])


@pytest.mark.soak
def test_seven_hundred_megabyte_discs_one_damaged_by_one_percent(tmp_path: Path) -> None:
    """The real size: incompressible data on two CDs; 1 % of one overwritten in 20 places."""
    source = a_set(tmp_path / "m", [100 * MIB] * 8)
    discs = made(source, tmp_path / "images", SIZES["cd"])
    assert len(discs) == 2
    assert all(d.bytes <= SIZES["cd"] for d in discs)
    assert discs[0].bytes > SIZES["cd"] * 0.97
    damage(discs[0].image, 0.01, 20)
    out = tmp_path / "out"
    out.mkdir()
    joined = join([str(d.image) for d in discs], out, lambda _line: None)
    assert joined.repaired == [discs[0].volume]
    assert check_set(joined.folder).ok
