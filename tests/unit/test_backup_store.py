"""Stored files: frames, hashes, and what is found when the medium gives back something else."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import subprocess
from pathlib import Path

import pytest

from reporting.backup_set import store as module
from reporting.backup_set.packer import Packer
from reporting.backup_set.store import Stored, StoreError, read_back, store


@pytest.fixture
def small_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FRAME_BYTES", 100_000)


def _store(data: bytes, path: Path) -> Stored:
    seen: list[bytes] = []
    stored = store(io.BytesIO(data), path, seen.append)
    assert b"".join(seen) == data
    return stored


@pytest.mark.usefixtures("small_frames")
@pytest.mark.parametrize("size", [0, 1, 99_999, 100_000, 100_001, 350_000, 2_500_000])
def test_what_is_stored_is_plain_zstd_and_comes_back(tmp_path: Path, size: int) -> None:
    data = os.urandom(size // 2) + b"a" * (size - size // 2)
    path = tmp_path / "f.zst"
    stored = _store(data, path)
    assert subprocess.run(["zstd", "-dcq", path], capture_output=True, check=True).stdout == data
    assert stored.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (stored.source_bytes, stored.stored_bytes) == (size, path.stat().st_size)
    assert len(stored.frames) == max(1, -(-size // 100_000))
    assert sum(source for source, _ in stored.frames) == size
    again: list[bytes] = []
    read_back(path, stored, again.append)
    assert b"".join(again) == data


@pytest.mark.usefixtures("small_frames")
def test_a_frame_can_be_read_alone_from_its_recorded_place(tmp_path: Path) -> None:
    data = os.urandom(350_000)
    stored = _store(data, tmp_path / "f.zst")
    start = sum(size for _, size in stored.frames[:2])
    piece = (tmp_path / "f.zst").read_bytes()[start : start + stored.frames[2][1]]
    assert (
        subprocess.run(["zstd", "-dcq"], input=piece, capture_output=True, check=True).stdout == data[200_000:300_000]
    )


@pytest.mark.usefixtures("small_frames")
def test_a_cut_at_a_frame_boundary_is_found_where_zstd_finds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "f.zst"
    stored = _store(os.urandom(350_000), path)
    os.truncate(path, sum(size for _, size in stored.frames[:2]))
    assert subprocess.run(["zstd", "-tq", path]).returncode == 0
    with pytest.raises(StoreError, match="read back"):
        read_back(path, stored, lambda _piece: None)


@pytest.mark.usefixtures("small_frames")
@pytest.mark.parametrize("place", [5, 1000, -1, -5])
def test_one_flipped_byte_is_found(tmp_path: Path, place: int) -> None:
    path = tmp_path / "f.zst"
    stored = _store(os.urandom(250_000), path)
    content = bytearray(path.read_bytes())
    content[place] ^= 0x10
    path.write_bytes(content)
    with pytest.raises(StoreError):
        read_back(path, stored, lambda _piece: None)


def test_bytes_behind_the_end_are_found(tmp_path: Path) -> None:
    path = tmp_path / "f.zst"
    stored = _store(b"abc", path)
    with path.open("ab") as out:
        out.write(subprocess.run(["zstd", "-cq"], input=b"", capture_output=True, check=True).stdout)
    with pytest.raises(StoreError):
        read_back(path, stored, lambda _piece: None)


def test_never_overwrites(tmp_path: Path) -> None:
    (tmp_path / "f.zst").write_bytes(b"old")
    with pytest.raises(FileExistsError):
        _store(b"new", tmp_path / "f.zst")
    assert (tmp_path / "f.zst").read_bytes() == b"old"


def test_full_disk_is_an_error() -> None:
    def pack() -> None:
        with Path("/dev/full").open("wb", buffering=0) as out:
            packer = Packer(out, None)
            packer.write(os.urandom(1_000_000))
            packer.close()

    with pytest.raises(OSError, match="space") as caught:
        pack()
    assert caught.value.errno == errno.ENOSPC
