"""What runs on the host: POSIX sh command lines for tar and the database clients, and how to read what they say.

No pipe on an output (its exit code would be lost), nothing staged, every foreign word quoted, no secret in any
argument. Exit codes of our own: 96 the program is not there, 97 the path is not there or cannot be entered.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass, field

from reporting.backup_set.request import MariadbRequest, SqliteRequest, TreeRequest
from reporting.text import harmless

NO_PROGRAM = 96
NO_PATH = 97
_DUMP = (
    "--single-transaction --quick --routines --events --triggers --hex-blob "
    "--default-character-set=utf8mb4 --no-tablespaces --max-allowed-packet=1G"
)
_TRANSACTIONAL = {"INNODB", "ROCKSDB", "TOKUDB", "SEQUENCE", ""}
_INSPECT = "; ".join(  # the database is the connection's default: no name has to be put into a query
    (
        "SET NAMES utf8mb4",
        "SELECT 'server', VERSION(), CURRENT_USER()",
        "SELECT 'schema', default_character_set_name, default_collation_name FROM information_schema.schemata "
        "WHERE schema_name = DATABASE()",
        "SELECT 'table', table_name, table_type, COALESCE(engine, ''), COALESCE(table_rows, 0) "
        "FROM information_schema.tables WHERE table_schema = DATABASE()",
        "SELECT 'view', table_name, definer FROM information_schema.views WHERE table_schema = DATABASE()",
        "SELECT 'trigger', trigger_name, definer FROM information_schema.triggers WHERE trigger_schema = DATABASE()",
        "SELECT 'routine', routine_name, definer, IF(routine_definition IS NULL, 'hidden', 'seen') "
        "FROM information_schema.routines WHERE routine_schema = DATABASE()",
        "SELECT 'event', event_name, definer FROM information_schema.events WHERE event_schema = DATABASE()",
        "SELECT 'other', schema_name FROM information_schema.schemata WHERE schema_name <> DATABASE()",
        "SELECT 'holder', grantee, GROUP_CONCAT(privilege_type ORDER BY privilege_type SEPARATOR ', ') "
        "FROM information_schema.schema_privileges WHERE DATABASE() LIKE table_schema GROUP BY grantee",
        "SHOW GRANTS",
    )
)
_COUNTED = {"MYISAM", "ARIA"}
_SYSTEM = {"information_schema", "performance_schema", "mysql", "sys"}
_QUIET = re.compile(r"^tar: (.*: socket ignored|Exiting with failure status due to previous errors|"
                    r"error exit delayed from previous errors|.*: file is on a different filesystem.*)$")  # fmt: skip
_CHANGED = re.compile(r"^tar: (?P<name>.*?): (?:file changed as we read it|File removed before we read it|"
                      r"File shrank by \d+ bytes.*|short read.*)$")  # fmt: skip


# -- tar


def tar_command(tree: TreeRequest, gnu: bool) -> str:
    """Tar of one tree to standard output, its members below one folder named like the tree's real last component."""
    anchored = "--anchored --format=gnu " if gnu else ""
    excludes = " ".join(f'--exclude="$b"/{shlex.quote(pattern)}' for pattern in tree.exclude)
    return (
        "LC_ALL=C; export LC_ALL; unset TAR_OPTIONS; command -v tar >/dev/null || exit 96; "
        f"d=$(cd -- {shlex.quote(tree.path)} && pwd -P) || exit 97; b=${{d##*/}}; "
        '[ -n "$b" ] && cd -- "$d/.." || exit 97; '
        f'exec tar {anchored}{excludes} -cf - -- "$b"'
    )


def is_gnu_tar_command() -> str:
    """Prints the first words of `tar --version`; GNU tar says so there."""
    return "LC_ALL=C tar --version 2>&1 || :"


def tar_problems(stderr: str, code: int, path: str) -> list[str]:
    """What tar could not read, or read while it changed: one line each, with the file's name.

    GNU tar exits 1 when files changed and 2 when some could not be read; busybox exits 1 for both. So the messages
    decide, and the exit code only makes sure that none is overlooked.
    """
    if re.search(r"(unrecognized|unknown|illegal|invalid) option.*exclude", stderr):
        return [
            f"{path}: the host's tar knows no --exclude (busybox): take the excludes away, or install GNU tar there"
        ]
    changed: list[str] = []
    others: list[str] = []
    for line in stderr.splitlines():
        if not line.strip() or _QUIET.match(line):
            continue
        match = _CHANGED.match(line)
        if match:
            changed.append(match["name"])
        else:
            others.append(line.removeprefix("tar: "))
    problems = [f"{path}: changed while it was read: {harmless(name, 300)}" for name in changed]
    problems += [f"{path}: could not be read: {harmless(line, 300)}" for line in others]
    if code == NO_PROGRAM:
        return [f"{path}: tar is not installed on the host"]
    if code == NO_PATH:
        return [f"{path}: no such folder on the host, or the account may not enter it"]
    if code != 0 and not problems:
        problems.append(f"{path}: tar ended with exit code {code} and said nothing")
    return problems


# -- MariaDB and MySQL


def option_file(request: MariadbRequest) -> bytes:
    """A client option file with the account; it goes to the client's standard input and nowhere else.

    Raises:
        ValueError: a value that an option file cannot hold.
    """
    values: dict[str, str | int | None] = {
        "user": request.user,
        "password": request.password,
        "host": request.host,
        "port": request.port,
        "socket": request.socket,
    }
    lines = ["[client]", *(_option(key, value) for key, value in values.items() if value is not None)]
    lines += [_option(key, value) for key, value in request.client_options.items()]
    return ("\n".join(lines) + "\n").encode()


def _option(key: str, value: str | int | None) -> str:
    if value is None:
        return key
    text = str(value)
    if "\0" in text:
        raise ValueError(f"database option {key} holds a zero byte")
    for character, escaped in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t")):
        text = text.replace(character, escaped)
    return f'{key}="{text}"'


def _account(request: MariadbRequest) -> str:
    """The one source of client options. `--defaults-file`: a stray ~/.my.cnf cannot leave tables out."""
    if request.option_file is not None:
        return f"--defaults-file={shlex.quote(request.option_file)}"
    return "--defaults-file=/dev/stdin"


def dump_command(request: MariadbRequest, events: bool = True) -> str:
    """The dump of one database to standard output; `events` False for an account that may not see them."""
    options = _DUMP if events else _DUMP.replace(" --events", "")
    return (
        "umask 077; c=$(command -v mariadb-dump || command -v mysqldump) || exit 96; "
        f'exec "$c" {_account(request)} {options} {" ".join(request.dump_options)} -- {shlex.quote(request.database)}'
    )


def inspect_command(request: MariadbRequest) -> str:
    """Asks the server what the database holds and what the account may see; rows come tab-separated."""
    return (
        "c=$(command -v mariadb || command -v mysql) || exit 96; "
        f'exec "$c" {_account(request)} --batch --skip-column-names -e {shlex.quote(_INSPECT)} '
        f"-- {shlex.quote(request.database)}"
    )


def list_command(request: MariadbRequest) -> str:
    """Names of all databases that the account sees, one a line."""
    return (
        "c=$(command -v mariadb || command -v mysql) || exit 96; "
        f'exec "$c" {_account(request)} --batch --skip-column-names -e "SET NAMES utf8mb4; SHOW DATABASES"'
    )


def read_list(output: str) -> list[str]:
    """Read the names of `list_command`, without the server's own databases."""
    names = [_unescaped(line) for line in output.split("\n") if line]
    return [name for name in names if name.lower() not in _SYSTEM]


@dataclass
class DatabaseFacts:
    """What a MariaDB or MySQL server says about one database."""

    server: str = ""
    account: str = ""
    character_set: str = ""
    collation: str = ""
    tables: list[str] = field(default_factory=list)
    views: list[str] = field(default_factory=list)
    triggers: list[str] = field(default_factory=list)
    routines: list[str] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    definers: set[str] = field(default_factory=set)
    hidden_routines: list[str] = field(default_factory=list)
    unsafe_tables: list[str] = field(default_factory=list)  # engines without transactions
    counted: dict[str, int] = field(default_factory=dict)  # rows, of engines that know them exactly
    grants: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)  # databases beside it that the account sees
    holders: list[str] = field(default_factory=list)  # who may do what in it, as far as the account sees them


def read_facts(output: str) -> DatabaseFacts:
    """Read the rows of `inspect_command`."""
    facts = DatabaseFacts()
    for line in output.split("\n"):
        cells = [_unescaped(cell) for cell in line.split("\t")]
        kind, values = cells[0], cells[1:]
        if kind.startswith("GRANT "):
            facts.grants.append(cells[0])
        elif kind == "server" and len(values) == 2:
            facts.server, facts.account = values
        elif kind == "schema" and len(values) == 2:
            facts.character_set, facts.collation = values
        elif kind == "table" and len(values) == 4:
            _take_table(facts, *values)
        elif kind == "other" and len(values) == 1 and values[0].lower() not in _SYSTEM:
            facts.others.append(values[0])
        elif kind == "holder" and len(values) == 2:
            facts.holders.append(f"GRANT {values[1]} TO {values[0]}")
        elif kind in ("view", "trigger", "routine", "event") and len(values) >= 2:
            _take_object(facts, kind, values)
    return facts


def _take_table(facts: DatabaseFacts, name: str, kind: str, engine: str, rows: str) -> None:
    if kind == "VIEW":
        facts.views.append(name)
    elif kind != "SYSTEM VIEW":
        facts.tables.append(name)
        if engine.upper() not in _TRANSACTIONAL:
            facts.unsafe_tables.append(f"{name} ({engine})")
        if engine.upper() in _COUNTED and rows.isdigit():
            facts.counted[name] = int(rows)


def _take_object(facts: DatabaseFacts, kind: str, values: list[str]) -> None:
    facts.definers.add(values[1])
    if kind == "routine" and values[-1] == "hidden":
        facts.hidden_routines.append(values[0])
    if kind != "view":  # views are in the list of tables
        {"trigger": facts.triggers, "routine": facts.routines, "event": facts.events}[kind].append(values[0])


def _unescaped(cell: str) -> str:
    """Undo the client's --batch escapes."""
    known = {"\\n": "\n", "\\t": "\t", "\\0": "\0", "\\\\": "\\"}
    return re.sub(r"\\[nt0\\]", lambda match: known[match.group()], cell)


def database_refusal(stderr: str, code: int, request: MariadbRequest) -> str:
    """Why the server could not be asked, in one line that says what to correct."""
    said = harmless(_last_error(stderr.splitlines()), 300)
    known = {
        "1045": "wrong user or password",
        "1698": "the account cannot log in with a password (unix_socket)",
        "1044": "the account may not use this database",
        "1049": "no such database",
        "2002": "the server does not answer (is it running, is the socket or host right?)",
        "2003": "the server does not answer (is it running, is the host and port right?)",
        "2005": "unknown database host",
    }
    number = re.search(r"(?:ERROR |error: )(\d{4})", said)
    meaning = known.get(number.group(1), "") if number else ""
    if code == NO_PROGRAM:
        meaning, said = "neither mariadb nor mysql (the client) is installed on the host", ""
    head = f"database {request.database}: {meaning or 'cannot be asked'}"
    return f"{head} [{said}]" if said else head


def _last_error(lines: Iterable[str]) -> str:
    errors = [line for line in lines if "error" in line.lower()]
    return errors[-1] if errors else ""


# -- SQLite on a host


def sqlite_look(request: SqliteRequest) -> str:
    """Whether the file can be opened by the host's sqlite3 as a database."""
    path = shlex.quote(request.path)
    return (
        f"command -v sqlite3 >/dev/null || exit 96; [ -f {path} ] && [ -r {path} ] || exit 97; "
        f"exec sqlite3 -init /dev/null -batch -bail -readonly -cmd '.timeout 20000' {path} "
        "'PRAGMA schema_version'"
    )


def sqlite_command(request: SqliteRequest) -> str:
    """The dump of one SQLite file by the sqlite3 shell, in one read transaction; nothing is written on the host."""
    path = shlex.quote(request.path)
    pragma = "SELECT 'PRAGMA {0}=' || {0} || ';' FROM pragma_{0}"
    queries = " ".join(f'"{pragma.format(name)}"' for name in ("user_version", "application_id"))
    return (
        f"command -v sqlite3 >/dev/null || exit 96; [ -f {path} ] && [ -r {path} ] || exit 97; "
        f"exec sqlite3 -init /dev/null -batch -bail -readonly -cmd '.timeout 20000' {path} {queries} .dump"
    )


__all__ = [
    "NO_PATH",
    "NO_PROGRAM",
    "DatabaseFacts",
    "database_refusal",
    "dump_command",
    "inspect_command",
    "is_gnu_tar_command",
    "list_command",
    "option_file",
    "read_facts",
    "read_list",
    "sqlite_command",
    "sqlite_look",
    "tar_command",
    "tar_problems",
]
