"""A set cut to discs: which bytes of which file go on which disc, so that recovery data and papers still fit. Pure.

Every disc carries the set's papers; the other files follow one another from disc to disc and are cut at a byte where a
disc is full. `cat` in the order of their numbers joins the pieces.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

SIZES = {  # bytes that a writer takes for sure
    "cd": 359_700 * 2048,  # 80 minutes are 360,000 sectors; a track that ends cleanly takes some
    "dvd": 4_700_372_992,  # DVD+R; a DVD-R holds 6.9 MB more
    "bd": 24_220_008_448,  # BD-R, 25 GB, with its spare area
}
BLOCKS = 1900  # par2: more blocks stand more spots, and cost more
MOST_DISCS = 99
SMALLEST = 4 << 20  # bytes of a disc; papers and the file system take their share
_SECTOR = 2048
_IMAGE = 640 << 10  # the file system without its files, and 300 KiB at the end that drives like to read beyond
_PER_FILE = 8 << 10  # directory entries in three forms, padding to whole sectors, checksums
_CRUMB = 64 << 10  # a piece smaller than this is not begun on a disc that is nearly full


class CutError(ValueError):
    """The set cannot be cut so; the message says what to choose instead."""


@dataclass(frozen=True)
class Piece:
    """Bytes of one file of the set. `number` 0: the whole file, under its own name."""

    file: str
    offset: int
    size: int
    number: int = 0

    @property
    def name(self) -> str:
        """Its file name on the disc."""
        return f"{self.file}.{self.number:03}" if self.number else self.file


@dataclass(frozen=True)
class Recovery:
    """What par2 is asked for: block size in bytes, number of recovery blocks; and what that takes at most, in bytes."""

    block: int
    count: int
    bytes: int


def disc_size(text: str) -> int:
    """Bytes of a disc from `cd`, `dvd`, `bd` or a number of bytes.

    Raises:
        CutError: none of these, or too small to hold anything.
    """
    if text in SIZES:
        return SIZES[text]
    if not re.fullmatch(r"\d{1,15}", text):
        raise CutError(f"--size {text[:40]!r}: expected {', '.join(SIZES)} or a number of bytes")
    if int(text) < SMALLEST:
        raise CutError(f"--size {text}: a disc of less than {SMALLEST} bytes holds nothing but its own papers")
    return int(text)


def recovery(sizes: list[int], percent: float) -> Recovery:
    """Recovery data for files of these sizes: about `percent` of their blocks."""
    total = max(sum(sizes), 1)
    block = max(_SECTOR * 2, math.ceil(total / BLOCKS / _SECTOR) * _SECTOR)
    blocks = sum(max(1, math.ceil(size / block)) for size in sizes)
    count = max(1, math.ceil(blocks * percent / 100))
    packets = blocks * 20 + len(sizes) * 400 + 600  # checksums of the blocks, descriptions of the files
    copies = count.bit_length() + 2  # in the index, and again and again among the recovery blocks
    return Recovery(block, count, count * (block + 68) + packets * copies)


def room(size: int, papers: int, files: int, percent: float) -> int:
    """Bytes of pieces that a disc of `size` takes beside papers (bytes), recovery data and the file system."""
    low, high = 0, size
    while low < high:
        middle = (low + high + 1) // 2
        taken = _IMAGE + (files + 8) * _PER_FILE + papers + middle
        spread = [middle // max(files, 1)] * max(files, 1)
        if taken + recovery([*spread, papers], percent).bytes <= size:
            low = middle
        else:
            high = middle - 1
    return low // _SECTOR * _SECTOR


def cut(files: Mapping[str, int], papers: int, size: int, percent: float) -> list[list[Piece]]:
    """The pieces of each disc. `files`: size in bytes by name, without the papers that every disc carries.

    Raises:
        CutError: the papers leave no room, or it would be more than 99 discs.
    """
    each = room(size, papers, len(files), percent)
    if each < size // 4:
        raise CutError(f"discs of {size} bytes are too small for this set: its papers alone have {papers} bytes")
    if sum(files.values()) > each * MOST_DISCS:
        needed = math.ceil(sum(files.values()) / each)
        raise CutError(f"that would be {needed} discs, {MOST_DISCS} are the most: choose larger ones")
    discs: list[list[Piece]] = [[]]
    left = each
    for name, length in sorted(files.items(), key=lambda item: (item[1], item[0])):
        spans: list[tuple[int, int, int]] = []  # disc, offset, size
        done = 0
        while done < length or not spans:
            if left < min(_CRUMB, length - done):
                discs.append([])
                left = each
            taken = min(left, length - done)
            spans.append((len(discs) - 1, done, taken))
            done, left = done + taken, left - taken
        for number, (disc, offset, taken) in enumerate(spans, 1):
            discs[disc].append(Piece(name, offset, taken, number if len(spans) > 1 else 0))
    return discs


def volume_id(site: str, set_name: str, number: int) -> str:
    """The name that a disc shows: capitals, digits and `_`, at most 32 (ECMA-119), and the disc's number."""
    stamp = re.sub(r"\D", "", set_name)[2:12]
    return f"LAMAN_{re.sub(r'[^A-Z0-9]', '_', site.upper())[:12]}_{stamp}_{number:02}"


__all__ = [
    "MOST_DISCS",
    "SIZES",
    "CutError",
    "Piece",
    "Recovery",
    "cut",
    "disc_size",
    "recovery",
    "room",
    "volume_id",
]
