"""Members taken over from a stored tree: byte for byte, whole frames as they are packed, damage found in time."""

from __future__ import annotations

import os
import random
import subprocess
from pathlib import Path

import pytest

from reporting.backup_set import carry as carrying
from reporting.backup_set import store as storing
from reporting.backup_set.carry import Carrier, StoredTree
from reporting.backup_set.index import Row, decode, encode
from reporting.backup_set.packer import Packer
from reporting.backup_set.store import Stored, packing
from reporting.backup_set.tarstream import TarReader
from reporting.backup_set.treewriter import TreeWriter

from .test_backup_tar import made

SIZES = (0, 1, 511, 512, 513, 99_000, 300_000, 40_000, 7, 1_250_000, 64, 20_000, 20_000, 20_000)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storing, "FRAME_BYTES", 50_000)
    monkeypatch.setattr(carrying, "_WHOLE", 10_000)


@pytest.fixture
def stored(tmp_path: Path) -> tuple[Path, Stored, list[Row], bytes]:
    """A stored tree with members that end within frames, at their ends, and go over many."""
    data = made(("t", None, {}), *((f"t/{number:02}", os.urandom(size), {}) for number, size in enumerate(SIZES)))
    path = tmp_path / "tree.tar.zst"
    with (tmp_path / "rows").open("w+b") as rows, (tmp_path / "sums").open("wb") as sums:
        with packing(path) as packed:
            writer = TreeWriter(packed.packer, sums, rows)
            reader = TarReader(members=writer.members, sink=writer)
            reader.feed(data)
            reader.close()
            writer.end()
        rows.seek(0)
        found = [decode(line) for line in rows]
    return path, packed.stored(), found, subprocess.run(["zstd", "-dcq", path], capture_output=True, check=True).stdout


@pytest.mark.parametrize("seed", range(30))
def test_any_choice_of_members_comes_out_as_it_went_in(
    stored: tuple[Path, Stored, list[Row], bytes], tmp_path: Path, seed: int
) -> None:
    path, described, rows, stream = stored
    chance = random.Random(seed)
    tree = StoredTree(path, described.frames)
    expected = b""
    with packing(tmp_path / "new.zst") as packed:
        carrier = Carrier(packed.packer)
        for row in rows:
            choice = chance.random()
            if choice < 0.15:
                carrier.flush()
                piece = chance.randbytes(chance.randint(1, 120_000))
                packed.packer.write(piece)
                expected += piece
            elif choice < 0.85:
                assert carrier.carry(tree, row)
                expected += stream[row.offset : row.offset + row.length]
                assert carrier.position == len(expected)
        carrier.flush()
    tree.close()
    new = packed.stored()
    done = subprocess.run(["zstd", "-dcq", tmp_path / "new.zst"], capture_output=True, check=True)
    assert done.stdout == expected
    assert new.source_bytes == len(expected)
    storing.read_back(tmp_path / "new.zst", new, lambda _piece: None)


def test_frames_that_are_taken_over_whole_are_not_packed_anew(
    stored: tuple[Path, Stored, list[Row], bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, described, rows, _ = stored
    packed_anew: list[int] = []
    real = Packer._compress

    def noted(packer: Packer, source: memoryview) -> bytes:
        packed_anew.append(len(source))
        return real(packer, source)

    monkeypatch.setattr(Packer, "_compress", noted)
    tree = StoredTree(path, described.frames)
    with packing(tmp_path / "new.zst") as packed:
        carrier = Carrier(packed.packer)
        for row in rows:
            assert carrier.carry(tree, row)
        carrier.flush()
    tree.close()
    assert len(packed_anew) == 1  # the end, without the end-of-archive blocks
    assert packed.packer.frames[:-1] == described.frames[:-1]


@pytest.mark.parametrize("victim", range(0, 30, 3))
def test_damage_is_found_before_anything_of_the_member_is_taken(
    stored: tuple[Path, Stored, list[Row], bytes], tmp_path: Path, victim: int
) -> None:
    path, described, rows, stream = stored
    frame = victim % len(described.frames)
    place = sum(size for _, size in described.frames[:frame]) + described.frames[frame][1] // 2
    content = bytearray(path.read_bytes())
    content[place] ^= 0x40
    path.write_bytes(content)
    tree = StoredTree(path, described.frames)
    low, high = tree.bounds(frame)
    expected = b""
    with packing(tmp_path / "new.zst") as packed:
        carrier = Carrier(packed.packer)
        for row in rows:
            whole = carrier.carry(tree, row)
            assert whole == (row.offset + row.length <= low or row.offset >= high)
            expected += stream[row.offset : row.offset + row.length] if whole else b""
        carrier.flush()
    tree.close()
    assert subprocess.run(["zstd", "-dcq", tmp_path / "new.zst"], capture_output=True, check=True).stdout == expected


def test_another_content_with_a_right_frame_is_found_by_its_hash(
    stored: tuple[Path, Stored, list[Row], bytes], tmp_path: Path
) -> None:
    path, described, rows, _ = stored
    tree = StoredTree(path, described.frames)
    row = next(row for row in rows if row.size == 300_000)
    line = encode(row.member(), "r", row.offset, row.length).replace(row.sha256.encode(), b"0" * 64)
    with packing(tmp_path / "new.zst") as packed:
        assert not Carrier(packed.packer).carry(tree, decode(line))
    tree.close()
