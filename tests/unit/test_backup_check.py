"""A set is read back: what is flipped, missing, added or exchanged is named; what was not touched is not."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from reporting.backup_set import store
from reporting.backup_set.catalog import CatalogError, pick, sets_on
from reporting.backup_set.check import check_set
from reporting.backup_set.draft import Origin, new_set
from reporting.backup_set.medium import MediumError, MediumSpec, Needs, probe

RANDOM = Random(5)
FILES = {f"site/{name}": RANDOM.randbytes(size) for name, size in (
    ("a", 1000), ("b", 300_000), ("new\nline", 50), ("c" * 150, 70_000),
    ("long/" + "d" * 90 + "/" + "e" * 120, 9_000), ("z", 250_000),
)}  # fmt: skip


def _tar() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name, content in FILES.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        link = tarfile.TarInfo("site/hard")
        link.type, link.linkname = tarfile.LNKTYPE, "site/a"
        archive.addfile(link)
    return out.getvalue()


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(store, "FRAME_BYTES", 100_000)
    (tmp_path / "LAMAN-MEDIUM.json").write_text('{"id": "disk"}')
    report = probe(MediumSpec("disk", str(tmp_path), declared_folder=True), Needs(minimum_bytes=0))
    with new_set(report, "web", "x") as draft:
        draft.add_tree(Origin("laman", "/srv/site", "GNU tar"), io.BytesIO(_tar()), [])
        return tmp_path / draft.seal().path


def _edit(name: str, change: Callable[[bytearray], object]) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        content = bytearray((folder / name).read_bytes())
        change(content)
        (folder / name).write_bytes(content)

    return edit


def _flip(content: bytearray, place: int) -> None:
    content[place] ^= 1


def test_a_whole_set_is_whole_and_counted(made: Path) -> None:
    seen: list[int] = []
    checked = check_set(made, progress=seen.append)
    assert checked.ok, checked.problems
    assert checked.files == 5
    assert checked.bytes == sum(seen) == sum(p.stat().st_size for p in made.iterdir() if p.name != "SHA256SUMS")


def test_a_flipped_byte_is_placed_in_its_frame_and_file(made: Path) -> None:
    size = (made / "tree-laman.tar.zst").stat().st_size
    _edit("tree-laman.tar.zst", lambda c: _flip(c, size - 120_000))(made)  # in the middle of z
    problems = check_set(made).problems
    assert problems[0] == "tree-laman.tar.zst: SHA-256 differs from SHA256SUMS"
    (frame,) = [p for p in problems if ": frame " in p]
    assert frame.startswith("tree-laman.tar.zst: frame 6 of 7 (bytes ")
    assert [p.partition("lost in it: ")[2] for p in problems if "lost in it" in p] == ["site/z"]


def test_damage_at_the_beginning_names_what_lay_there_and_finds_the_rest(made: Path) -> None:
    _edit("tree-laman.tar.zst", lambda c: _flip(c, 50))(made)
    problems = check_set(made).problems
    lost = [p.partition("lost in it: ")[2] for p in problems if "lost in it" in p]
    assert lost == ["site/a", "site/b", "site/hard"]  # a hard link has its file's content


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda f: (f / "FILES-laman.sha256").unlink(), "FILES-laman.sha256: is missing"),
        (lambda f: (f / "stranger").write_text("x"), "stranger: is not in SHA256SUMS"),
        (lambda f: (f / "SHA256SUMS").unlink(), "SHA256SUMS: No such file"),
        (lambda f: (f / "SHA256SUMS").write_text("nothing\n"), "SHA256SUMS, line 1: damaged"),
        (_edit("tree-laman.tar.zst", lambda c: c.clear()), "(0 bytes, "),
        (_edit("MANIFEST.json", lambda c: _flip(c, 3)), "MANIFEST.json"),
        (lambda f: ((f / "FILES-laman.sha256").unlink(), (f / "FILES-laman.sha256").symlink_to("/etc/passwd")),
         "FILES-laman.sha256: is no regular file"),
    ],
)  # fmt: skip
def test_whatever_else_happened_is_said(made: Path, spoil: Callable[[Path], object], says: str) -> None:
    spoil(made)
    checked = check_set(made)
    assert not checked.ok
    assert any(says in problem for problem in checked.problems), checked.problems


def test_a_set_exchanged_together_with_its_sums_is_told_by_the_record(made: Path) -> None:
    recorded = {p.name: "0" * 64 for p in made.iterdir()}
    assert any("is not what the record says" in p for p in check_set(made, recorded).problems)


def test_what_a_restore_saved_first_is_an_undo_set(made: Path) -> None:
    manifest = (made / "MANIFEST.json").read_text()
    (made / "MANIFEST.json").write_text(
        manifest.replace('"execution": "x"', '"execution": "20261122T100000-restore-web-1"')
    )
    assert [s.state for s in sets_on(made.parents[2], "disk")] == ["undo"]


def test_the_catalogue_tells_whole_from_the_rest(made: Path) -> None:
    home = made.parent
    (home / ".20200101T000000Z-killed.part").mkdir()
    (home / "20200101T000000Z-old.dihapus").mkdir()
    (home / "20200102T000000Z-empty").mkdir()
    (home / "20200102T000000Z-link").symlink_to(made)
    (home / "notes").mkdir()
    found = sets_on(home.parents[1], "disk")
    assert [(s.name, s.state) for s in found] == [
        (".20200101T000000Z-killed.part", "unfinished"), ("20200101T000000Z-old.dihapus", "removed"),
        ("20200102T000000Z-empty", "damaged"), (made.name, "whole"),
    ]  # fmt: skip
    assert pick(found, made.name[:6]).folder == made
    with pytest.raises(CatalogError, match="no set 'x'"):
        pick(found, "x")
    with pytest.raises(CatalogError, match="is the beginning of 3 sets"):
        pick(found, "20")


def test_a_set_that_lacks_a_file_or_a_part_of_one_is_not_whole(made: Path) -> None:
    home = made.parents[2]
    stored = made / "tree-laman.tar.zst"
    content = stored.read_bytes()
    stored.write_bytes(content[:-1])
    (found,) = sets_on(home, "disk")
    assert (found.state, found.problem) == (
        "damaged", f"tree-laman.tar.zst: has {len(content) - 1} bytes, {len(content)} were written",
    )  # fmt: skip
    for name in ("tree-laman.tar.zst", "FILES-laman.sha256", "SHA256SUMS"):
        stored.write_bytes(content)
        (made / name).rename(home / "beside")
        (found,) = sets_on(home, "disk")
        assert (found.state, found.problem) == ("damaged", f"{name}: No such file or directory")
        (home / "beside").rename(made / name)
    assert [s.state for s in sets_on(home, "disk")] == ["whole"]


@pytest.mark.parametrize("link", ["laman", "laman/web"])
def test_a_folder_of_sets_that_is_a_link_takes_no_backup(made: Path, link: str) -> None:
    root = made.parents[2]
    (root / link).rename(root / "elsewhere")
    (root / link).symlink_to(root / "elsewhere")
    report = probe(MediumSpec("disk", str(root), declared_folder=True), Needs("web", 1))
    with pytest.raises(MediumError, match="a symbolic link"), new_set(report, "web", "y"):
        pass
