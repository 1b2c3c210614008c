"""A dump of mariadb-dump or mysqldump, cut where its own comments say that another table or object begins.

Every section can go to a connection of its own once that has had the head. A line feed never stands raw in a value, so
the comments are found by their line feeds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

_MARK = b"\n--\n-- "
_BOUND = re.compile(
    rb"\n--\n-- (?:(?P<table>Table structure for table)|(?P<view>Temporary (?:table|view) structure for view)|"
    rb"(?P<rest>Dumping (?:events|routines) for database|Final view structure for view)) "
    rb"(?:`(?P<name>(?:[^`\n]|``){1,256})`|'[^\n]*')\n"
)
_CARRY = 700  # longer than any boundary


@dataclass(frozen=True)
class Section:
    """What a piece of the dump belongs to: the head, one table (with its rows and triggers), or what comes last."""

    kind: Literal["head", "table", "rest"]
    name: str = ""


class Splitter:
    """Feed it a dump; it gives pieces with the section that they belong to, in order and without loss."""

    def __init__(self) -> None:
        self._held = b""
        self._section = Section("head")

    def feed(self, piece: bytes) -> list[tuple[Section, bytes]]:
        """Take the next bytes; what is sure comes back."""
        text = self._held + piece if self._held else piece
        found: list[tuple[Section, bytes]] = []
        begin = 0
        if text.find(_MARK) >= 0:
            for match in _BOUND.finditer(text):
                self._give(found, text[begin : match.start() + 1])
                begin = match.start() + 1
                self._section = _section(match)
        keep = max(begin, self._tail(text))
        self._give(found, text[begin:keep])
        self._held = text[keep:]
        return found

    def finish(self) -> list[tuple[Section, bytes]]:
        """The dump is over: what was held back."""
        found: list[tuple[Section, bytes]] = []
        self._give(found, self._held)
        self._held = b""
        return found

    @staticmethod
    def _tail(text: bytes) -> int:
        """From where the end of `text` may be the beginning of a boundary."""
        mark = text.rfind(_MARK, -_CARRY)
        if mark >= 0 and _BOUND.match(text, mark) is None:
            return mark
        return max(0, len(text) - len(_MARK))

    def _give(self, found: list[tuple[Section, bytes]], data: bytes) -> None:
        if data:
            found.append((self._section, data))


def _section(match: re.Match[bytes]) -> Section:
    name = (match["name"] or b"").replace(b"``", b"`").decode("utf-8", "replace")
    return Section("table", name) if match["table"] else Section("rest", name)


__all__ = ["Section", "Splitter"]
