"""How many rows each table has and a digest of them, taken from the dump itself as it goes by: the host pays nothing.

The digest is over the rows as the dump writes them, in its order, without the INSERT heads and line feeds around
them: it is the same however the client cuts rows into statements and lines. mariadb-dump escapes every line feed in a
value (mysql_real_escape_string), so a line feed in a dump's data is always the client's own.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Any

_DATA = re.compile(rb"\n-- Dumping data for table `((?:[^`\n]|``){1,256})`\n")
_BEGIN = re.compile(rb"\n(?=(INSERT )|(?:UNLOCK TABLES;|-- [TDF]))")
_HEAD = re.compile(rb"INSERT (?:IGNORE )?INTO `(?:[^`\n]|``)+`(?: \([^\n]*?`\))? VALUES[ \n]")
_END = re.compile(rb"\n[^(I\n]")
_STRING = re.compile(rb"'[^'\\]*(?:\\.[^'\\]*|''[^'\\]*)*'", re.DOTALL)
_CARRY = 4096  # longer than any head of lines that is looked for
_LONGEST = 4 << 20  # bytes of one row that are kept together; the rest of a longer one is taken piece by piece


@dataclass(frozen=True)
class TableContent:
    """One table: its rows, the SHA-256 (hex) over them, and how many bytes that were."""

    name: str
    rows: int
    sha256: str
    bytes: int = 0


class TableMeter:
    """Feed it a dump in pieces of any size, then ask for `contents`."""

    def __init__(self) -> None:
        self._held = b"\n"
        self._table: str | None = None
        self._state = self._between
        self._head = b""
        self._old_style = False
        self._rows = 0
        self._bytes = 0
        self._digest: Any = hashlib.sha256()
        self._within = False  # the next byte continues a line that was taken in part
        self._found: list[TableContent] = []

    def feed(self, piece: bytes) -> None:
        """Take the next bytes of the dump."""
        self._held = self._held + piece if self._held else piece
        while self._state():
            pass

    def contents(self) -> list[TableContent]:
        """The tables in the order of the dump, once all of it was fed."""
        if self._table is not None:
            self._end_table()
        return self._found

    # -- states: each takes what it can from `_held`, and says whether to go on at once

    def _between(self) -> bool:
        match = _DATA.search(self._held)
        if match is None:
            self._held = self._held[-_CARRY:]
            return False
        self._table = match[1].replace(b"``", b"`").decode("utf-8", "replace")
        self._rows, self._bytes, self._digest, self._within = 0, 0, hashlib.sha256(), False
        self._held = self._held[match.end() - 1 :]
        self._state = self._before_rows
        return True

    def _before_rows(self) -> bool:
        match = _BEGIN.search(self._held)
        if match is None:
            self._held = self._held[-_CARRY:]
            return False
        if match[1] is None:  # a table without rows
            return self._end_table(match.start())
        head = _HEAD.match(self._held, match.end())
        if head is None:
            if len(self._held) - match.end() > 1 << 20:
                return self._end_table(match.end())  # no INSERT that we know: it has no digest
            return False
        self._head = head[0]
        self._old_style = head[0].endswith(b" ")
        self._held = self._held[match.end() :]
        self._state = self._in_rows
        return True

    def _in_rows(self) -> bool:
        match = _END.search(self._held, 0)
        if match is not None:
            self._take(self._held[: match.start() + 1])
            return self._end_table(match.start())
        whole = self._held.rfind(b"\n") + 1
        if whole:
            self._take(self._held[:whole])
            # the last line feed stays: what follows it tells whether the rows go on
            self._held = self._held[whole:]
            self._state = self._at_line
            return bool(self._held)
        longest = _LONGEST * 16 if self._old_style else _LONGEST  # in the old style a line is a statement, not a row
        if len(self._held) > longest + _CARRY:
            self._take(self._held[:longest])
            self._held, self._within = self._held[longest:], True
        return False

    def _at_line(self) -> bool:
        """At the start of a line: rows or statements go on, or the table's data is over."""
        if not self._held:
            return False
        self._state = self._in_rows
        if self._held[:1] not in (b"(", b"I"):
            self._held = b"\n" + self._held
            return self._end_table(0)
        return True

    def _end_table(self, rest: int = 0) -> bool:
        if self._table is not None:
            self._found.append(TableContent(self._table, self._rows, self._digest.hexdigest(), self._bytes))
        self._table = None
        self._held = self._held[rest:]
        self._state = self._between
        return True

    def _take(self, part: bytes) -> None:
        """Whole lines, or a piece of one row. Measured: a search for two bytes costs six times one for a whole head."""
        text = part
        if not self._within and text.startswith(self._head):
            text = text[len(self._head) :]
        self._within = False
        if text.endswith(b");\n"):
            text = text[:-2] + b",\n"
        text = text.replace(b");\n" + self._head, b"),\n")
        flat = text.replace(b"\n", b"")
        self._rows += _old_style_rows(text) if self._old_style else len(text) - len(flat)
        self._bytes += len(flat)
        self._digest.update(flat)


def _old_style_rows(text: bytes) -> int:
    """Rows that stand side by side: the texts are taken out, then "),(" and the first of each line count."""
    bare = _STRING.sub(b"", text)
    return bare.count(b"),(") + bare.count(b"\n(") + bare.startswith(b"(")


__all__ = ["TableContent", "TableMeter"]
