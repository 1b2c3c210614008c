"""Cutting: every byte once, in order, and a disc is never fuller than it may be."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reporting.backup_set.discs import SIZES, CutError, cut, disc_size, recovery, room, volume_id

_FILES = st.dictionaries(st.sampled_from([f"part-{n}" for n in range(8)]), st.integers(0, 60_000_000), min_size=1)


@given(_FILES, st.integers(0, 300_000), st.integers(8 << 20, 60 << 20), st.sampled_from([1.0, 5.0, 20.0]))
@settings(deadline=None)
def test_every_byte_goes_on_one_disc_in_order(files: dict[str, int], papers: int, size: int, percent: float) -> None:
    discs = cut(files, papers, size, percent)
    for name, length in files.items():
        pieces = [piece for disc in discs for piece in disc if piece.file == name]
        assert [p.number for p in pieces] == ([0] if len(pieces) == 1 else list(range(1, len(pieces) + 1)))
        assert sum(p.size for p in pieces) == length
        assert [p.offset for p in pieces] == [sum(q.size for q in pieces[:n]) for n in range(len(pieces))]
        assert sorted(p.name for p in pieces) == [p.name for p in pieces]  # `cat name.*` joins them in order
    limit = room(size, papers, len(files), percent)
    for disc in discs:
        assert sum(p.size for p in disc) <= limit
        taken = sum(p.size for p in disc) + papers + recovery([*(p.size for p in disc), papers], percent).bytes
        assert taken < size
    assert all(sum(p.size for p in disc) > limit - (64 << 10) for disc in discs[:-1])  # none is left half empty


def test_a_set_that_fits_is_not_cut() -> None:
    (disc,) = cut({"tree-laman.tar.zst": 600_000_000, "FILES-laman.sha256": 1000}, 20_000, SIZES["cd"], 5)
    assert [p.name for p in disc] == ["FILES-laman.sha256", "tree-laman.tar.zst"]


def test_seven_hundred_megabytes_of_a_disc_hold_most_of_it() -> None:
    assert room(SIZES["cd"], 50_000, 5, 5) > SIZES["cd"] * 0.93


@pytest.mark.parametrize("text", ["floppy", "-5", "1000", "", "4.7GB"])
def test_sizes_that_are_none(text: str) -> None:
    with pytest.raises(CutError, match="--size"):
        disc_size(text)


def test_too_many_discs_and_too_small_ones_are_refused() -> None:
    with pytest.raises(CutError, match="99 are the most"):
        cut({"a": 10**12}, 1000, SIZES["cd"], 5)
    with pytest.raises(CutError, match="too small for this set"):
        cut({"a": 10**6}, 30_000_000, 8 << 20, 5)


def test_volume_names_are_legal() -> None:
    assert volume_id("www.bppk-3", "20261122T010203Z-e-1", 7) == "LAMAN_WWW_BPPK_3_2611220102_07"
    assert len(volume_id("x" * 60, "20261122T010203Z-e-1", 99)) <= 32
