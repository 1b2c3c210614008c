"""PostgreSQL: what runs on the host, what the server says it has, and a dump watched on its way.

The account travels as a connection service file on standard input (libpq, "The Connection Service File"): it is in no
argument, no environment and no file on the host. pg_dump reads one snapshot; it fails where it may not read a table or
where row security would hide rows, so that privileges need no guessing. What it wrote last decides whether it is whole.
"""

from __future__ import annotations

import hashlib
import json
import re
import shlex
from dataclasses import dataclass, field
from typing import Any

from reporting.backup_set.commands import NO_PROGRAM
from reporting.backup_set.request import PostgresqlRequest
from reporting.backup_set.sqlstream import DumpError
from reporting.backup_set.tablefacts import TableContent
from reporting.text import harmless

_SERVICE = "PGSERVICEFILE=/dev/stdin; PGSERVICE=laman; PGAPPNAME=laman; export PGSERVICEFILE PGSERVICE PGAPPNAME; "
_OF_USERS = (  # of users, not of the system, of a session or of an extension
    "n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_toast%' "
    "AND n.nspname NOT LIKE 'pg\\_temp%' AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = x.oid "
    "AND d.classid = x.tableoid AND d.deptype = 'e')"
)
_QUERIES = tuple(
    query.replace("OF_USERS", _OF_USERS)
    for query in (
        "SELECT json_build_array('server', version(), current_user, current_setting('server_encoding'), datcollate) "
        "FROM pg_database WHERE datname = current_database()",
        "SELECT json_build_array(CASE WHEN x.relkind IN ('r', 'p') THEN 'table' WHEN x.relkind IN ('v', 'm') "
        "THEN 'view' ELSE 'foreign' END, n.nspname, x.relname, pg_get_userbyid(x.relowner)) FROM pg_class x "
        "JOIN pg_namespace n ON n.oid = x.relnamespace WHERE x.relkind IN ('r', 'p', 'v', 'm', 'f') AND OF_USERS",
        "SELECT json_build_array('routine', n.nspname, x.proname, pg_get_userbyid(x.proowner)) FROM pg_proc x "
        "JOIN pg_namespace n ON n.oid = x.pronamespace WHERE OF_USERS",
        "SELECT json_build_array('trigger', n.nspname, x.tgname, '') FROM pg_trigger x "
        "JOIN pg_class c ON c.oid = x.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE NOT x.tgisinternal AND OF_USERS",
        "SELECT DISTINCT jsonb_build_array('role', pg_get_userbyid(refobjid)) FROM pg_shdepend "  # owners and grantees
        "WHERE refclassid = 'pg_authid'::regclass AND dbid = "
        "(SELECT oid FROM pg_database WHERE datname = current_database())",
        "SELECT json_build_array('other', datname) FROM pg_database WHERE datallowconn AND NOT datistemplate "
        "AND datname NOT IN (current_database(), 'postgres')",
    )
)
_LIST = "SELECT to_json(datname) FROM pg_database WHERE datallowconn AND NOT datistemplate"
_START = re.compile(rb"\A[-\s]*PostgreSQL database dump\b")
_TAIL = re.compile(rb"\n-- PostgreSQL database dump complete\n--\n(?:\n*\\unrestrict \w+\n)?\n*\Z")
_OBJECT = re.compile(rb"^-- (Data for )?Name: (.{1,300}?); Type: ([A-Z ]{1,40}); Schema: (.{1,200}?); ")
_TABLES = (b"TABLE", b"VIEW", b"MATERIALIZED VIEW", b"FOREIGN TABLE")
_COPY = re.compile(rb"^COPY (.{1,500}?) (?:\(.*\) )?FROM stdin;$", re.DOTALL)
_END = b"\n\\.\n"
_LONG_LINE = 1 << 20  # outside of data no line that matters is longer


def service_file(request: PostgresqlRequest, database: str | None = None) -> bytes:
    """The account as a service file; it goes to the client's standard input and nowhere else."""
    values = {
        "host": request.socket or request.host,
        "port": request.port,
        "user": request.user,
        "password": request.password,
        "dbname": database or request.database,
        "connect_timeout": 30,
    }
    return "".join(["[laman]\n", *(f"{k}={v}\n" for k, v in values.items() if v is not None)]).encode()


def inspect_command() -> str:
    """Asks the server what the database holds; one JSON array a line."""
    queries = " ".join(f"-c {shlex.quote(query)}" for query in _QUERIES)
    return f"{_SERVICE}command -v psql >/dev/null || exit 96; exec psql -XAtqw -v ON_ERROR_STOP=1 {queries}"


def list_command() -> str:
    """Names of all databases that can be connected to; one JSON string a line."""
    query = shlex.quote(_LIST)
    return f"{_SERVICE}command -v psql >/dev/null || exit 96; exec psql -XAtqw -v ON_ERROR_STOP=1 -c {query}"


def dump_command() -> str:
    """The dump of one database to standard output, owners and grants included, from one snapshot."""
    return (
        f"{_SERVICE}command -v pg_dump >/dev/null || exit 96; "
        "exec pg_dump -w --format=plain --encoding=UTF8 --lock-wait-timeout=120s"
    )


@dataclass
class PostgresFacts:
    """What a server says about one database; names as `schema.name`."""

    server: str = ""
    account: str = ""
    encoding: str = ""
    collation: str = ""
    tables: list[str] = field(default_factory=list)
    views: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)  # their rows are on another server
    routines: list[str] = field(default_factory=list)
    triggers: list[str] = field(default_factory=list)
    owners: set[str] = field(default_factory=set)
    others: list[str] = field(default_factory=list)  # databases beside it on the server


def read_facts(output: str) -> PostgresFacts:
    """Read the lines of `inspect_command`.

    Raises:
        DumpError: not what it prints.
    """
    facts = PostgresFacts()
    lists = {"table": facts.tables, "view": facts.views, "foreign": facts.foreign, "routine": facts.routines,
             "trigger": facts.triggers}  # fmt: skip
    try:
        for kind, *values in map(json.loads, filter(None, output.splitlines())):
            if kind == "server":
                facts.server, facts.account, facts.encoding, facts.collation = map(str, values)
            elif kind == "role":
                facts.owners.add(str(values[0]))
            elif kind == "other":
                facts.others.append(str(values[0]))
            else:
                schema, name, owner = map(str, values)
                lists[kind].append(f"{schema}.{name}")
                facts.owners |= {owner} if owner else set()
    except (ValueError, TypeError, KeyError) as error:
        raise DumpError(f"the server's answer is not what psql prints: {harmless(error, 100)}") from None
    facts.server = facts.server.partition(",")[0].removesuffix(" on").strip()
    return facts


def refusal(stderr: str, code: int, request: PostgresqlRequest) -> str:
    """Why the server could not be asked, in one line that says what to correct."""
    if code == NO_PROGRAM:
        return f"database {request.database}: psql and pg_dump (the client) are not installed on the host"
    lines = [line for line in stderr.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower() or "FATAL" in line]
    said = harmless("".join((errors or lines)[-1:]), 300)
    known = {
        "password authentication failed": "wrong user or password",
        "Peer authentication failed": "the account cannot log in from this system account (peer)",
        "no password supplied": "a password is needed, and none is set",
        "does not exist": "no such database or account",
        "Connection refused": "the server does not answer (is it running, is the host and port right?)",
        "No such file or directory": "the server does not answer (is it running, is the socket right?)",
        "no pg_hba.conf entry": "the server admits no such account from there (pg_hba.conf)",
    }
    meaning = next((text for words, text in known.items() if words in said), "cannot be asked")
    return f"database {request.database}: {meaning} [{said}]"


def dump_refusal(stderr: str, code: int) -> str:
    """Why pg_dump gave up: its first error, not the query that it ends with."""
    errors = [line for line in stderr.splitlines() if "error:" in line]
    said = harmless((errors or stderr.splitlines()[:1] or [""])[0], 300)
    return f"the dump ended with exit code {code}: {said}"


class PgDump:
    """Watches a plain dump of pg_dump: start, end, which tables, and rows and digest of each."""

    def __init__(self) -> None:
        self._held = b""  # within data, its first byte was taken already
        self._begun = b""
        self._tail = b"\n"
        self._head = b""  # of data, as far as it came
        self._kind = b""  # of the object that the lines belong to
        self._cut = False  # the line that is held lacks its beginning
        self._copying: str | None = None
        self._rows = self._bytes = self.total = 0
        self._digest: Any = hashlib.sha256()
        self.objects: set[str] = set()
        self.contents: list[TableContent] = []

    @property
    def has_rows(self) -> bool:
        """Whether any table has one."""
        return any(content.rows for content in self.contents)

    def feed(self, piece: bytes) -> None:
        """Take the next bytes of the dump."""
        self.total += len(piece)
        if len(self._begun) < 512:
            self._begun += piece[:512]
        self._tail = (self._tail + piece)[-512:]
        held, place = self._held + piece, 0
        while place >= 0:
            place = self._lines(held, place) if self._copying is None else self._data(held, place)
        self._held = held[~place:]

    def _lines(self, held: bytes, place: int) -> int:
        """Lines outside of data, from `place` on; where data begins, or ~(where the line begins that is not whole)."""
        while (end := held.find(b"\n", place)) >= 0:
            line, place = held[place:end], end + 1
            if not self._cut and self._meaning(line):
                return end  # the line feed before the data: its end is found where there is no row
            self._cut = False
        if len(held) - place > _LONG_LINE:
            self._cut, place = True, len(held)
        return ~place

    def _meaning(self, line: bytes) -> bool:
        """What a line says about objects; True where data follows it."""
        if found := _OBJECT.match(line):
            data, name, self._kind, schema = found.groups()
            if data is None and self._kind in _TABLES:
                self.objects.add(f"{schema.decode('utf-8', 'replace')}.{name.decode('utf-8', 'replace')}")
        elif self._kind == b"TABLE DATA" and (found := _COPY.match(self._whole_head(line))):
            self._copying = found[1].decode("utf-8", "replace")
            self._rows = self._bytes = 0
            self._digest = hashlib.sha256()
            return True
        return False

    def _whole_head(self, line: bytes) -> bytes:
        """The head of data: several lines where a name has line feeds in it."""
        if line.startswith(b"COPY ") or self._head:
            self._head = (self._head + b"\n" + line if self._head else line)[-_LONG_LINE:]
            if not line.endswith(b"FROM stdin;"):
                return b""
        head, self._head = self._head, b""
        return head

    def _data(self, held: bytes, place: int) -> int:
        """Rows of one table, behind the line feed at `place`; where they end, or ~(the last byte that was taken)."""
        end = held.find(_END, place)
        if end < 0:
            last = max(place, len(held) - len(_END))
            self._take(held[place + 1 : last + 1])
            return ~last
        self._take(held[place + 1 : end + 1])
        self.contents.append(TableContent(self._copying or "", self._rows, self._digest.hexdigest(), self._bytes))
        self._copying = None
        return end + len(_END)

    def _take(self, rows: bytes) -> None:
        self._rows += rows.count(b"\n")
        self._bytes += len(rows)
        self._digest.update(rows)

    def check(self, expected: list[str]) -> None:
        """The dump is over: it must be whole and hold the expected tables and views.

        Raises:
            DumpError: cut off, not a dump, or without a table that the server has.
        """
        if not _START.match(self._begun):
            raise DumpError("what came is no dump: it does not start with '-- PostgreSQL database dump'")
        if self._copying is not None or not _TAIL.search(self._tail):
            raise DumpError(f"the dump stops after {self.total} bytes without '-- PostgreSQL database dump complete'")
        missing = sorted({name.replace("\n", " ").replace("\r", " ") for name in expected} - self.objects)
        if missing:
            raise DumpError(f"{len(missing)} tables are not in the dump: {harmless(', '.join(missing[:5]), 300)}")


__all__ = [
    "PgDump", "PostgresFacts", "dump_command", "dump_refusal", "inspect_command", "list_command", "read_facts",
    "refusal", "service_file",
]  # fmt: skip
