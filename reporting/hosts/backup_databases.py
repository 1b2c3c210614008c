"""The databases of a backup: which there are, whether each answers, and each as a part of the set."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from reporting.backup_set import commands as c
from reporting.backup_set import postgres as pg
from reporting.backup_set.draft import Draft
from reporting.backup_set.request import BackupRequest, DatabaseRequest, MariadbRequest, PostgresqlRequest
from reporting.backup_set.sqlstream import DumpError
from reporting.contract import Requirement
from reporting.hosts.backup_host import Host, Outcome, PartFailedError, finding
from reporting.hosts.backup_mariadb import inspect_mariadb, list_mariadb, take_mariadb
from reporting.hosts.backup_postgres import inspect_postgres, list_postgres, take_postgres
from reporting.hosts.backup_sqlite import look_at_sqlite, take_sqlite
from reporting.text import harmless

_ALL = "*"
_LONGEST_NAME = 60


@dataclass
class Inspected:
    """The databases that are to be saved, each by its own name, and what those said that answered."""

    databases: list[DatabaseRequest] = field(default_factory=list)
    mariadb: dict[str, c.DatabaseFacts] = field(default_factory=dict)
    postgresql: dict[str, pg.PostgresFacts] = field(default_factory=dict)


def inspect_databases(connection: Any, request: BackupRequest, outcome: Outcome, *, become: bool = False) -> Inspected:
    """Find out what `*` is, and ask each database what it holds. Adds the requirement `database_access` for them."""
    host = Host(connection, become, request.idle_timeout, lambda _name, _bytes: None)
    inspected, refusals = Inspected(), []
    for asked in request.databases:
        try:
            for database in _each(host, asked, {d.name for d in inspected.databases}):
                inspected.databases.append(database)
                try:
                    _ask(host, database, inspected)
                except (PartFailedError, DumpError) as error:
                    refusals.append(str(error))
        except (PartFailedError, DumpError, ValueError) as error:
            refusals.append(f"{asked.name}: {harmless(error, 500)}")
    if request.databases:
        answered = ", ".join(_title(item) for item in inspected.databases)
        reason = "; ".join(refusals) or f"answered: {answered}"
        outcome.requirements.append(Requirement(name="database_access", ok=not refusals, reason=reason[:2000]))
    _tell_others(inspected, outcome)
    return inspected


def _each(host: Host, asked: DatabaseRequest, taken: set[str]) -> Iterator[DatabaseRequest]:
    """The request itself, or one for each database that its server has.

    Raises:
        PartFailedError: the server does not tell. ValueError: a name that cannot be used.
    """
    if isinstance(asked, MariadbRequest) and asked.database == _ALL:
        names = list_mariadb(host, asked)
    elif isinstance(asked, PostgresqlRequest) and asked.database == _ALL:
        names = list_postgres(host, asked)
    else:
        yield asked
        return
    if not names:
        raise PartFailedError("the server shows no database to this account")
    for name in names:
        part = _part_name(f"{asked.name}-{name}", taken)
        taken.add(part)
        yield type(asked).model_validate({**asked.model_dump(), "name": part, "database": name})


def _part_name(wanted: str, taken: set[str]) -> str:
    plain = re.sub(r"[^a-z0-9_-]+", "-", wanted.lower()).strip("-_")[:_LONGEST_NAME]
    name, number = plain, 2
    while name in taken:
        name, number = f"{plain[: _LONGEST_NAME - 4]}-{number}", number + 1
    return name


def _ask(host: Host, database: DatabaseRequest, inspected: Inspected) -> None:
    if isinstance(database, MariadbRequest):
        inspected.mariadb[database.name] = inspect_mariadb(host, database)
    elif isinstance(database, PostgresqlRequest):
        inspected.postgresql[database.name] = inspect_postgres(host, database)
    else:
        look_at_sqlite(host, database)


def _title(database: DatabaseRequest) -> str:
    return database.database if isinstance(database, MariadbRequest | PostgresqlRequest) else database.path


def _tell_others(inspected: Inspected, outcome: Outcome) -> None:
    """Databases that an account sees and that nobody asked for are named: nothing is missing in silence."""
    saved = {_title(database) for database in inspected.databases}
    others = {name for facts in inspected.mariadb.values() for name in facts.others} - saved
    others |= {name for facts in inspected.postgresql.values() for name in facts.others} - saved
    if others:
        named = ", ".join(sorted(others))
        outcome.findings.append(
            finding(
                "databases_not_saved",
                "low",
                f"{len(others)} databases of the server are in no backup by the settings",
                f"Seen by the account and not in site_backup_databases: {named}",
                title_id=f"{len(others)} basis data pada server tidak ikut di-backup menurut pengaturan",
                detail_id=f"Terlihat oleh akun dan tidak ada dalam site_backup_databases: {named}",
            )
        )


def take_database(
    host: Host, database: DatabaseRequest, inspected: Inspected, draft: Draft, outcome: Outcome
) -> list[str]:
    """Take one database into the set; returns what is wrong with it.

    Raises:
        PartFailedError, DumpError: it could not be taken. AnsibleConnectionFailure: the host is gone.
    """
    if isinstance(database, MariadbRequest) and database.name in inspected.mariadb:
        return take_mariadb(host, database, inspected.mariadb[database.name], draft, outcome)
    if isinstance(database, PostgresqlRequest) and database.name in inspected.postgresql:
        return take_postgres(host, database, inspected.postgresql[database.name], draft, outcome)
    if isinstance(database, MariadbRequest | PostgresqlRequest):
        return [f"database {database.database}: not saved, see the requirement database_access"]
    return take_sqlite(host, database, draft)


__all__ = ["Inspected", "inspect_databases", "take_database"]
