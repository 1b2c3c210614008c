"""Which members of a tree are taken over, from where, and which are read from the host. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from reporting.backup_set.index import KINDS
from reporting.backup_set.index import key_of_row as _key_of_row
from reporting.backup_set.listing import entry, links_of


@dataclass(frozen=True)
class Plan:
    """`carried`: (key, number of the base, row); `fetched`: keys. Both sorted by key."""

    carried: list[tuple[bytes, int, bytes]]
    fetched: list[bytes]


def plan(lines: Sequence[bytes], bases: Sequence[Iterable[bytes]]) -> Plan:
    """Compare a listing with the rows of stored trees, the preferred one first. Each of them is sorted by key.

    A member is taken over when its kind and its whole stat are the same. Files with several names (hard links) only
    all together: a tar holds the bytes once, and the other names point to it. Sockets are left out, as tar does.
    """
    chosen: list[tuple[int, bytes] | None] = [None] * len(lines)
    for number, rows in enumerate(bases):
        _compare(lines, rows, number, chosen)
    _keep_links_together(lines, chosen)
    carried: list[tuple[bytes, int, bytes]] = []
    fetched: list[bytes] = []
    for line, choice in zip(lines, chosen, strict=True):
        key, kind, _ = entry(line)
        if choice is not None:
            carried.append((key, *choice))
        elif kind != "s":
            fetched.append(key)
    return Plan(carried, fetched)


def _compare(
    lines: Sequence[bytes], rows: Iterable[bytes], number: int, chosen: list[tuple[int, bytes] | None]
) -> None:
    position = 0
    for row in rows:
        key = _key_of_row(row)
        while position < len(lines) and lines[position].partition(b"\0\0")[0] < key:
            position += 1
        if position == len(lines):
            return
        if chosen[position] is not None:
            continue
        listed, kind, stat = entry(lines[position])
        if listed != key:
            continue
        fields = row.split(b" ", 9)
        if fields[8] == stat and fields[1].decode() in KINDS.get(kind, ()):
            chosen[position] = (number, row)


def _keep_links_together(lines: Sequence[bytes], chosen: list[tuple[int, bytes] | None]) -> None:
    groups: dict[bytes, list[int]] = {}
    for position, line in enumerate(lines):
        _, kind, stat = entry(line)
        if kind != "d":
            inode, links = links_of(stat)
            if links > 1:
                groups.setdefault(inode, []).append(position)
    for positions in groups.values():
        bases = {choice[0] if (choice := chosen[position]) else None for position in positions}
        kinds = [choice[1].split(b" ", 2)[1] for position in positions if (choice := chosen[position])]
        if len(bases) > 1 or b"hardlink" in kinds[:1] or kinds.count(b"file") > 1:
            for position in positions:
                chosen[position] = None


__all__ = ["Plan", "plan"]
