"""A database dump, watched as it goes by: does it start and end as a whole dump, and which tables are in it.

`mysqldump | gzip` without pipefail leaves a 1,560-byte "backup" of a 1.2 GB database and exit code 0. A whole dump of
mariadb-dump or mysqldump ends with "-- Dump completed"; one of the sqlite3 shell ends with "COMMIT;".
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from reporting.backup_set.tablefacts import TableContent, TableMeter

_TAIL = 512  # bytes of the end that are looked at
_CARRY = 1024  # bytes kept between pieces: longer than any line that is searched for
_TABLE = re.compile(
    rb"\n-- (?:Table|Temporary table|Temporary view) structure for (?:table|view) `((?:[^`\n]|``){1,256})`\n"
)
_SQLITE_TABLE = re.compile(
    rb"\nCREATE (?:VIRTUAL )?TABLE (?:IF NOT EXISTS )?"
    rb"(?:'((?:[^'\n]|''){1,300})'|\"((?:[^\"\n]|\"\"){1,300})\"|(?!IF )([^\s('\"]{1,300})[\s(])"
)
_ROWS = b"\nINSERT INTO `"
_DENIED = re.compile(rb"\n-- insufficient privileges to ([^\n]{1,200})\n")
_COMPLETED = re.compile(rb"\n-- Dump completed[^\n]*\n*\Z")


class DumpError(ValueError):
    """The dump is not whole; the message says why."""


class _Searcher:
    """Runs patterns over a stream of pieces; a match that lies across two pieces is found once."""

    def __init__(self, *patterns: re.Pattern[bytes]) -> None:
        self._patterns = patterns
        self._carry = b"\n"
        self._seen_to = 0  # where in the carry a new match may end at the earliest
        self.total = 0

    def feed(self, piece: bytes) -> list[tuple[int, re.Match[bytes]]]:
        """New matches as (number of the pattern, match)."""
        text = self._carry + piece
        self.total += len(piece)
        found = [
            (number, match)
            for number, pattern in enumerate(self._patterns)
            for match in pattern.finditer(text)
            if match.end() > self._seen_to
        ]
        self._carry = text[-_CARRY:]
        self._seen_to = len(self._carry)
        return found

    @property
    def tail(self) -> bytes:
        return self._carry[-_TAIL:]


class MariadbDump:
    """Watches a dump of mariadb-dump or mysqldump."""

    def __init__(self) -> None:
        self._search = _Searcher(_TABLE, _DENIED)
        self._start = b""
        self._meter = TableMeter()
        self.tables: set[bytes] = set()
        self.denied: list[str] = []
        self.has_rows = False

    def feed(self, piece: bytes) -> None:
        """Take the next bytes of the dump."""
        if len(self._start) < _CARRY:
            self._start += piece[:_CARRY]
        if not self.has_rows:
            self.has_rows = _ROWS in self._search.tail + piece
        self._meter.feed(piece)
        for number, match in self._search.feed(piece):
            if number == 0:
                self.tables.add(match.group(1).replace(b"``", b"`"))
            else:
                self.denied.append(match.group(1).decode("utf-8", "replace"))

    def contents(self) -> list[TableContent]:
        """Rows and digest of each table, once the dump is over."""
        return self._meter.contents()

    def check(self, expected: Iterable[str]) -> None:
        """The dump is over: it must be whole and hold the expected tables and views.

        Raises:
            DumpError: cut off, not a dump, or without a table that the server has.
        """
        if not re.search(rb"^-- (MariaDB|MySQL) dump", self._start, re.MULTILINE):
            raise DumpError("what came is no dump: it does not start with '-- MariaDB dump' or '-- MySQL dump'")
        if not _COMPLETED.search(self._search.tail):
            raise DumpError(f"the dump stops after {self._search.total} bytes without '-- Dump completed': it was cut")
        missing = sorted(set(expected) - {name.decode("utf-8", "replace") for name in self.tables})
        if missing:
            raise DumpError(f"{len(missing)} tables are not in the dump: {', '.join(missing[:5])}")


class SqliteDump:
    """Watches a dump of the sqlite3 shell."""

    def __init__(self) -> None:
        self._search = _Searcher(_SQLITE_TABLE, re.compile(rb"\nBEGIN TRANSACTION;\n"))
        self._began = False
        self.tables: set[str] = set()

    def feed(self, piece: bytes) -> None:
        """Take the next bytes of the dump."""
        for number, match in self._search.feed(piece):
            if number == 0:
                self.tables.add((match[1] or match[2] or match[3]).decode("utf-8", "replace"))
            else:
                self._began = True

    def check(self) -> None:
        """The dump is over.

        Raises:
            DumpError: cut off, ended with the shell's "ROLLBACK; -- due to errors", or no dump at all.
        """
        if not self._began:
            raise DumpError("what came is no dump of sqlite3: it has no BEGIN TRANSACTION")
        if not self._search.tail.rstrip(b"\n").endswith(b"\nCOMMIT;"):
            raise DumpError(
                f"the dump stops after {self._search.total} bytes without COMMIT: it was cut, or has errors"
            )


__all__ = ["DumpError", "MariadbDump", "SqliteDump"]
