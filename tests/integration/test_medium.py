"""The medium's proof and the set's way onto it, on real loop-mounted ext4 media."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from reporting.backup_set import medium as medium_module
from reporting.backup_set.draft import Draft, Origin, new_set
from reporting.backup_set.medium import MediumError, MediumReport, MediumSpec, Needs, probe, recognise
from reporting.backup_set.store import StoreError
from tests.fleet.engine import as_root
from tests.fleet.fixtures import MediumFactory
from tests.fleet.medium import LoopMedium

NEEDS = Needs("web", minimum_bytes=1_000_000)


def label(medium: LoopMedium, identity: str = "disk-a") -> LoopMedium:
    (medium.path / "LAMAN-MEDIUM.json").write_text(json.dumps({"id": identity}))
    return medium


def spec(medium: LoopMedium, **more: str | None) -> MediumSpec:
    return MediumSpec("disk-a", str(medium.path), **more)  # type: ignore[arg-type]


def one_tree(size: int = 1000) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        info = tarfile.TarInfo("site/a")
        info.size = size
        archive.addfile(info, io.BytesIO(os.urandom(size)))
    return out.getvalue()


def add(draft: Draft, data: bytes, name: str = "laman") -> None:
    draft.add_tree(Origin(name, "/var/www/site", "GNU tar"), io.BytesIO(data), [])


def everything(root: Path) -> list[str]:
    """Every path on the medium that is not housekeeping of ext4 or ours."""
    ignored = {"lost+found", "LAMAN-MEDIUM.json", ".lock"}
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.name not in ignored)


@pytest.fixture
def medium(loop_medium: MediumFactory) -> LoopMedium:
    return label(loop_medium(40, "LAMANA"))


@pytest.fixture
def report(medium: LoopMedium) -> MediumReport:
    seen = probe(spec(medium), NEEDS)
    assert seen.ok, seen.reason
    return seen


# -- the proof


def test_the_right_medium_is_proven_with_its_identity(medium: LoopMedium) -> None:
    seen = probe(spec(medium, uuid=medium.uuid, label="LAMANA"), NEEDS)
    assert seen.ok, seen.reason
    assert (seen.uuid, seen.label, seen.fstype) == (medium.uuid, "LAMANA", "ext4")
    assert 30e6 < seen.free_bytes <= seen.total_bytes < 40 * 2**20
    assert everything(medium.path) == []


def _unmount(medium: LoopMedium) -> None:
    medium.unmount()
    label(medium)  # even a label file in the folder under the medium must not pass


def _write_id(text: str) -> Callable[[LoopMedium], object]:
    return lambda medium: (medium.path / "LAMAN-MEDIUM.json").write_text(text)


@pytest.mark.parametrize(
    ("prepare", "message"),
    [
        (_unmount, "is not mounted"),
        (lambda medium: medium.remount_ro(), "is read-only"),
        (lambda medium: medium.fill(leave_bytes=500_000), "too full"),
        (lambda medium: (medium.path / "LAMAN-MEDIUM.json").unlink(), "carries no LAMAN-MEDIUM.json"),
        (_write_id('{"id": "disk-b"}'), "says id 'disk-b', expected 'disk-a'"),
        (_write_id("not json"), "expected 'disk-a'"),
        (_write_id("[" * 100_000), "expected 'disk-a'"),
    ],
)
def test_what_is_not_at_hand_is_said(medium: LoopMedium, prepare: Callable[[LoopMedium], object], message: str) -> None:
    prepare(medium)
    seen = probe(spec(medium), NEEDS)
    assert not seen.ok
    assert message in seen.reason
    assert "\n" not in seen.reason
    if not medium.mounted:
        (medium.path / "LAMAN-MEDIUM.json").unlink()
        assert list(medium.path.iterdir()) == []


def test_wrong_filesystem_is_said(medium: LoopMedium) -> None:
    for wrong in ({"label": "LAMANB"}, {"uuid": "00000000-0000-0000-0000-000000000000"}):
        seen = probe(spec(medium, **wrong), NEEDS)
        assert not seen.ok
        assert "the wrong medium is mounted" in seen.reason


def test_a_bind_mount_of_the_systems_own_disk_is_no_medium(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    target.mkdir()
    (source / "LAMAN-MEDIUM.json").write_text('{"id": "disk-a"}')
    if source.stat().st_dev != Path("/").stat().st_dev:
        source = Path("/var/tmp")
    as_root("mount", "--bind", source, target)
    try:
        seen = probe(MediumSpec("disk-a", str(target)), NEEDS)
    finally:
        as_root("umount", target)
    assert not seen.ok
    assert "bind mount of the system's own disk" in seen.reason


def test_a_bind_mount_of_the_medium_is_the_medium(medium: LoopMedium, tmp_path: Path) -> None:
    target = tmp_path / "bound"
    target.mkdir()
    as_root("mount", "--bind", medium.path, target)
    try:
        assert probe(MediumSpec("disk-a", str(target), uuid=medium.uuid), NEEDS).ok
    finally:
        as_root("umount", target)


def test_declared_folder_needs_its_label_and_says_what_it_is(tmp_path: Path) -> None:
    declared = MediumSpec("disk-a", str(tmp_path), declared_folder=True)
    assert "carries no LAMAN-MEDIUM.json" in probe(declared, NEEDS).reason
    (tmp_path / "LAMAN-MEDIUM.json").write_text('{"id": "disk-a"}')
    seen = probe(declared, NEEDS)
    assert seen.ok
    assert "declared folder (stands in for a medium)" in seen.reason
    assert not probe(MediumSpec("disk-a", str(tmp_path)), NEEDS).ok


def test_a_mount_point_that_is_gone_says_what_to_do(tmp_path: Path) -> None:
    """Desktops make /media/<name> with the mount, and take it away with it."""
    report = probe(MediumSpec("disk-a", str(tmp_path / "backup-a")), Needs())
    assert not report.ok
    assert report.reason == f"medium disk-a: {tmp_path}/backup-a is not there: plug in and mount the medium"


def test_room_is_estimated_from_the_last_whole_set(report: MediumReport, medium: LoopMedium) -> None:
    with new_set(report, "web", "x") as draft:
        add(draft, one_tree(10_000_000))
        stored = draft.seal().manifest.stored_bytes
    assert probe(spec(medium), Needs("web", 1, 10)).needed_bytes == stored * 110 // 100
    assert probe(spec(medium), Needs("other", 77, 10)).needed_bytes == 77
    too_much = probe(spec(medium), Needs("web", 1, 400))
    assert not too_much.ok
    assert "too full" in too_much.reason


# -- the set's way


def test_a_set_has_its_name_only_when_it_is_whole(report: MediumReport, medium: LoopMedium) -> None:
    home = medium.path / "laman/web"
    with new_set(report, "web", "exec-1") as draft:
        add(draft, one_tree())
        assert [path.name for path in home.iterdir() if path.is_dir()] == [f".{draft.name}.part"]
        sealed = draft.seal()
    assert sorted(path.name for path in (medium.path / sealed.path).iterdir()) == [
        "CARA-PULIHKAN.txt",
        "FILES-laman.sha256",
        "INDEX-laman.zst",
        "MANIFEST.json",
        "SHA256SUMS",
        "tree-laman.tar.zst",
    ]
    done = subprocess.run(["sha256sum", "--strict", "-c", "SHA256SUMS"], cwd=medium.path / sealed.path)
    assert done.returncode == 0


def test_a_set_that_is_not_sealed_leaves_nothing(report: MediumReport, medium: LoopMedium) -> None:
    with new_set(report, "web", "exec-1") as draft:
        add(draft, one_tree())
    assert everything(medium.path) == ["laman", "laman/web"]


def test_full_in_mid_run(report: MediumReport, medium: LoopMedium) -> None:
    with pytest.raises(OSError, match="No space left"), new_set(report, "web", "exec-1") as draft:
        add(draft, one_tree(50_000_000))
    assert everything(medium.path) == ["laman", "laman/web"]


def test_a_byte_that_changes_on_the_medium_is_found_before_the_name(report: MediumReport, medium: LoopMedium) -> None:
    with pytest.raises(StoreError), new_set(report, "web", "exec-1") as draft:  # noqa: PT012
        add(draft, one_tree(100_000))
        file = draft.folder / "tree-laman.tar.zst"
        content = bytearray(file.read_bytes())
        content[50_000] ^= 1
        file.write_bytes(content)
        draft.seal()
    assert everything(medium.path) == ["laman", "laman/web"]


def test_a_file_list_that_does_not_agree_is_found(report: MediumReport, medium: LoopMedium) -> None:
    with pytest.raises(StoreError, match="does not agree"), new_set(report, "web", "exec-1") as draft:  # noqa: PT012
        add(draft, one_tree())
        listing = draft.folder / "FILES-laman.sha256"
        listing.write_bytes(listing.read_bytes().replace(b"site/a", b"site/b"))
        draft.seal()
    assert everything(medium.path) == ["laman", "laman/web"]


class Meddling(io.BytesIO):
    """A source that does something to the medium when half of it has been read."""

    def __init__(self, data: bytes, meddle: Callable[[], None]) -> None:
        super().__init__(data)
        self._half, self._meddle, self._done = len(data) // 2, meddle, False

    def read(self, size: int | None = -1, /) -> bytes:
        if not self._done and self.tell() >= self._half:
            self._done = True
            self._meddle()
        return super().read(size)


def _pull(medium: LoopMedium) -> None:
    medium.unmount(lazy=True)


def _exchange(medium: LoopMedium) -> None:
    """Another medium in the same place, with the very same label file."""
    medium.unmount(lazy=True)
    as_root("mount", "-t", "tmpfs", "none", medium.path)
    label(medium)


@pytest.mark.parametrize("meddle", [_pull, _exchange])
def test_pulled_out_or_exchanged_in_mid_run(
    report: MediumReport, medium: LoopMedium, meddle: Callable[[LoopMedium], None]
) -> None:
    with pytest.raises(MediumError, match="not the same mount"), new_set(report, "web", "exec-1") as draft:  # noqa: PT012
        source = Meddling(one_tree(20_000_000), lambda: meddle(medium))
        draft.add_tree(Origin("laman", "/x", "tar"), source, [])
        draft.seal()
    assert everything(medium.path) == []  # nothing in the folder under the medium, nor on the other one
    if medium.mounted:
        medium.unmount()
    medium.mount()
    leftovers = [path.name for path in (medium.path / "laman/web").iterdir() if path.is_dir()]
    assert all(name.endswith(".part") for name in leftovers)
    again = probe(spec(medium), NEEDS)
    with new_set(again, "web", "exec-2") as draft:
        add(draft, one_tree())
        draft.seal()
    assert [p.name for p in (medium.path / "laman/web").iterdir() if p.is_dir()] == [draft.name]


_SLOW = """
import sys, time
sys.path.insert(0, {root!r})
from reporting.backup_set.draft import Origin, new_set
from reporting.backup_set.medium import MediumSpec, Needs, probe
report = probe(MediumSpec("disk-a", {path!r}), Needs("web", 1))
with new_set(report, "web", "killed") as draft:
    class Slow:
        def read(self, size):
            print("reading", flush=True)
            time.sleep(60)
    draft.add_tree(Origin("laman", "/x", "tar"), Slow(), [])
"""


def test_killed_run_is_swept_by_the_next_and_two_runs_never_meet(report: MediumReport, medium: LoopMedium) -> None:
    root = str(Path(__file__).parents[2])
    script = _SLOW.format(root=root, path=str(medium.path))
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"reading\n"
        with pytest.raises(MediumError, match="another backup of web"), new_set(report, "web", "second"):
            pass
        with new_set(report, "other", "x") as draft:  # another site is not in the way
            add(draft, one_tree())
        process.send_signal(signal.SIGKILL)
    home = medium.path / "laman/web"
    stranger = home / ".notes.part"
    stranger.mkdir()
    assert [p.name for p in home.glob(".2*.part")] != []
    with new_set(report, "web", "third") as draft:
        assert [p.name for p in home.glob(".2*.part")] == [f".{draft.name}.part"]
        assert stranger.exists()


@pytest.mark.parametrize("site", ["../web", "/web", "", "Web", "a b", ".hidden"])
def test_site_names_that_are_no_folder_are_refused(report: MediumReport, medium: LoopMedium, site: str) -> None:
    with pytest.raises(MediumError, match="expected lower case"), new_set(report, site, "x"):
        pass
    assert everything(medium.path) == []


@pytest.mark.parametrize("link", ["laman", "laman/web"])
def test_a_link_on_the_medium_that_leads_elsewhere_is_not_followed(
    report: MediumReport, medium: LoopMedium, tmp_path: Path, link: str
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (medium.path / link).parent.mkdir(exist_ok=True)
    (medium.path / link).symlink_to(elsewhere)
    with pytest.raises(MediumError, match="points elsewhere"), new_set(report, "web", "x"):
        pass
    assert list(elsewhere.iterdir()) == []


def test_reading_back_reads_the_device_and_not_the_memory(report: MediumReport, medium: LoopMedium) -> None:
    """The image is changed behind the mounted filesystem: only a read from the device can notice."""
    data = one_tree(8_000_000)
    with pytest.raises(StoreError), new_set(report, "web", "x") as draft:  # noqa: PT012
        add(draft, data)
        stored = (draft.folder / "tree-laman.tar.zst").read_bytes()
        as_root("sync")
        needle = stored[4_000_000:4_000_064]
        with medium.image.open("r+b") as image:
            place = image.read().index(needle)
            image.seek(place)
            image.write(b"\0" * 64)
            image.flush()
            os.fsync(image.fileno())
        _drop_loop_cache(medium)
        draft.seal()


def _drop_loop_cache(medium: LoopMedium) -> None:
    """The loop device has a cache of its own between the filesystem and the image."""
    device = subprocess.run(
        ["findmnt", "-n", "-o", "SOURCE", "--mountpoint", medium.path], capture_output=True, check=True
    ).stdout.decode()
    as_root("blockdev", "--flushbufs", device.strip())


def test_fat32_is_told_before_the_run_when_a_file_would_not_fit(
    report: MediumReport, medium: LoopMedium, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This kernel has no vfat: the filesystem's name is all that is pretended, and its limit lowered to what fits."""
    with new_set(report, "web", "x") as draft:
        add(draft, one_tree(3_000_000))
        draft.seal()
    pretended = {"source": "/dev/none", "fstype": "vfat", "uuid": medium.uuid, "label": "LAMANA"}
    monkeypatch.setattr(medium_module, "_mount", lambda _root: pretended)
    assert probe(spec(medium), NEEDS).ok  # 3 MB fit
    monkeypatch.setitem(medium_module._LARGEST_FILE, "vfat", 3_100_000)
    seen = probe(spec(medium), Needs("web", minimum_bytes=1_000_000, growth_percent=10))
    assert not seen.ok
    assert "holds no file above 3.0 MiB; tree-laman.tar.zst had 2.9 MiB last time" in seen.reason
    assert "Format it with ext4 or exFAT" in seen.reason
    assert probe(spec(medium), Needs("other", minimum_bytes=1_000_000)).ok


def test_a_medium_can_be_recognised_for_reading_when_it_is_full_or_read_only(medium: LoopMedium) -> None:
    medium.fill(leave_bytes=0)
    medium.remount_ro()
    seen = recognise(spec(medium, uuid=medium.uuid))
    assert (seen.ok, seen.uuid) == (True, medium.uuid)
    with pytest.raises(MediumError, match=r"the wrong medium is mounted .* Take it out, plug in and mount disk-a"):
        recognise(spec(medium, uuid="00000000-0000-0000-0000-000000000000"))
