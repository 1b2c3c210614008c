"""What a database account may see, and so what its dump would lack without a word.

A dump by a user without TRIGGER ends with exit code 0 and "-- Dump completed", and has no triggers (MariaDB manual,
"mariadb-dump": "--triggers … requires the TRIGGER privilege"). So the grants are read before the dump is believed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_GRANT = re.compile(r"^GRANT (?P<what>.+?) ON (?:TABLE |FUNCTION |PROCEDURE |PACKAGE )?(?P<where>\S.*?) TO ")
_COLUMNS = re.compile(r"\s*\([^)]*\)")
_QUOTED = r"`((?:[^`]|``)*)`"
_SCOPE = re.compile(rf"(?:\*\.\*|{_QUOTED}\.(?:\*|{_QUOTED}))")
_ROUTINES = {"SHOW CREATE ROUTINE", "SHOW_ROUTINE", "CREATE ROUTINE", "ALTER ROUTINE", "EXECUTE"}


@dataclass(frozen=True)
class Held:
    """Privileges of an account: everywhere, on the database as a whole, and on the server's own tables (`mysql`)."""

    everywhere: frozenset[str]
    database: frozenset[str]
    server_tables: frozenset[str]

    def has(self, privilege: str) -> bool:
        """Whether it covers the whole database."""
        return bool({privilege, "ALL PRIVILEGES"} & (self.everywhere | self.database))

    @property
    def sees_routines(self) -> bool:
        """Whether stored routines of other accounts are visible to it."""
        reads_server = bool({"SELECT", "ALL PRIVILEGES"} & (self.everywhere | self.server_tables))
        return reads_server or any(self.has(privilege) for privilege in _ROUTINES)


def read_grants(lines: Iterable[str], database: str) -> Held:
    """Read the lines of SHOW GRANTS, as far as they concern `database`. Lines of other shape (roles) grant nothing."""
    everywhere: set[str] = set()
    on_database: set[str] = set()
    server: set[str] = set()
    for line in lines:
        match = _GRANT.match(line)
        scope = _SCOPE.fullmatch(match["where"]) if match else None
        if match is None or scope is None:
            continue
        named, table = scope.group(1), scope.group(2)
        privileges = {word.strip().upper() for word in _whole_table_privileges(match["what"])}
        if named is None:
            everywhere |= privileges
        elif table is None and _covers(named, database):
            on_database |= privileges
        if named is not None and _covers(named, "mysql") and table in (None, "proc"):
            server |= privileges
    return Held(frozenset(everywhere), frozenset(on_database), frozenset(server))


def missing(held: Held, database: str, account: str, has_views: bool) -> list[str]:
    """Privileges that a complete dump of `database` needs and `held` lacks; one line each, with the remedy."""
    wanted = [
        ("SELECT", "tables without a grant of their own are invisible to it"),
        ("TRIGGER", "its dump has no triggers, and does not say so"),
        ("EVENT", "its dump has no events"),
        *([("SHOW VIEW", "views cannot be dumped")] if has_views else []),
    ]
    quoted = "`" + database.replace("`", "``") + "`"
    lines = [
        f"account {account} lacks the privilege {privilege} on {database}: {why}. "
        f"Remedy: GRANT {privilege} ON {quoted}.* TO {_quote_account(account)}"
        for privilege, why in wanted
        if not held.has(privilege)
    ]
    if not held.sees_routines:
        lines.append(
            f"account {account} cannot see stored routines of {database}: its dump has none of other accounts. "
            f"Remedy: GRANT SHOW CREATE ROUTINE ON {quoted}.* TO {_quote_account(account)} (MariaDB 11.3 and newer), "
            f"or GRANT SELECT ON mysql.proc (before), or GRANT SHOW_ROUTINE ON *.* (MySQL 8)"
        )
    return lines


def _whole_table_privileges(what: str) -> list[str]:
    """The comma list of a grant; a privilege on some columns only is none on the table."""
    return [word for word in re.split(r",\s*(?![^(]*\))", what) if not _COLUMNS.search(word)]


def _covers(pattern: str, database: str) -> bool:
    """Whether the database part of a grant, where `_` and `%` are wildcards unless escaped, covers `database`."""
    expression = ""
    escaped = False
    for character in pattern.replace("``", "`"):
        if escaped or character not in "\\_%":
            expression += re.escape(character)
            escaped = False
        elif character == "\\":
            escaped = True
        else:
            expression += "." if character == "_" else ".*"
    return re.fullmatch(expression, database, re.IGNORECASE | re.DOTALL) is not None


def _quote_account(account: str) -> str:
    user, _, host = account.rpartition("@")
    return "@".join("'" + part.replace("'", "''") + "'" for part in (user, host))


__all__ = ["Held", "missing", "read_grants"]
