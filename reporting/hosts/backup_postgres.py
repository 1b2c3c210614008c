"""PostgreSQL on a host: asked, dumped from one snapshot, watched on the way."""

from __future__ import annotations

import json
from dataclasses import asdict

from reporting.backup_set import manifest as m
from reporting.backup_set import postgres as pg
from reporting.backup_set.draft import Draft, Origin
from reporting.backup_set.request import PostgresqlRequest
from reporting.backup_set.sqlstream import DumpError
from reporting.hosts.backup_host import Counted, Host, Outcome, PartFailedError, finding
from reporting.hosts.stream import HostStream

_MAINTENANCE = "postgres"  # the database that every server has, to ask for the others


def inspect_postgres(host: Host, database: PostgresqlRequest) -> pg.PostgresFacts:
    """Ask the server what the database holds.

    Raises:
        PartFailedError: it did not answer. DumpError: the answer is none.
    """
    output, ended = host.ask(pg.inspect_command(), pg.service_file(database))
    if ended.code != 0:
        raise PartFailedError(pg.refusal(ended.stderr, ended.code, database))
    return pg.read_facts(output)


def list_postgres(host: Host, database: PostgresqlRequest) -> list[str]:
    """The databases of the server, without templates.

    Raises:
        PartFailedError: the server did not answer.
    """
    output, ended = host.ask(pg.list_command(), pg.service_file(database, _MAINTENANCE))
    if ended.code != 0:
        raise PartFailedError(pg.refusal(ended.stderr, ended.code, database))
    return [str(json.loads(line)) for line in output.splitlines() if line]


class _Watcher:
    kind: m.DatabaseKind = "postgresql"

    def __init__(self, facts: pg.PostgresFacts, stream: HostStream, database: PostgresqlRequest) -> None:
        self._dump = pg.PgDump()
        self._facts, self._stream, self._database = facts, stream, database
        self.problems: list[str] = []
        self.feed = self._dump.feed

    def finish(self) -> m.Database:
        ended = self._stream.finish()
        facts, name = self._facts, self._database.database
        if ended.code != 0:
            raise DumpError(pg.dump_refusal(ended.stderr, ended.code))
        self._dump.check([*facts.tables, *facts.views, *facts.foreign])
        if not facts.tables:
            self.problems.append(f"database {name} has no table: is it the right one?")
        elif not self._dump.has_rows:
            self.problems.append(f"database {name}: all of its {len(facts.tables)} tables are empty")
        return m.Database(
            server=facts.server,
            character_set=facts.encoding,
            collation=facts.collation,
            tables=sorted(facts.tables),
            views=sorted(facts.views),
            triggers=sorted(facts.triggers),
            routines=sorted(facts.routines),
            definers=sorted(facts.owners),
            contents=[m.TableRows(**asdict(table)) for table in self._dump.contents],
        )


def take_postgres(
    host: Host, database: PostgresqlRequest, facts: pg.PostgresFacts, draft: Draft, outcome: Outcome
) -> list[str]:
    """Take the dump; returns what is wrong with it.

    Raises:
        PartFailedError: it could not be taken.
    """
    if facts.foreign:
        foreign, count = ", ".join(facts.foreign), len(facts.foreign)
        outcome.findings.append(
            finding(
                "foreign_tables",
                "low",
                f"{database.database}: {count} foreign tables are saved without their rows",
                f"Their rows are on another server: {foreign}",
                title_id=f"{database.database}: {count} tabel asing (foreign table) disimpan tanpa barisnya",
                detail_id=f"Barisnya ada pada server lain: {foreign}",
            )
        )
    with host.run(pg.dump_command(), pg.service_file(database)) as stream:
        watcher = _Watcher(facts, stream, database)
        counted = Counted(stream, database.name, host.progress)
        try:
            draft.add_database(Origin(database.name, database.database, "pg_dump"), counted, watcher)
        except DumpError as error:
            raise PartFailedError(str(error)) from None
    return watcher.problems
