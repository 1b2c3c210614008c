"""MariaDB and MySQL on a host: asked, dumped in one transaction, watched on the way."""

from __future__ import annotations

from dataclasses import asdict

from reporting.backup_set import commands as c
from reporting.backup_set import manifest as m
from reporting.backup_set.draft import Draft, Origin
from reporting.backup_set.privileges import missing, read_grants
from reporting.backup_set.request import MariadbRequest
from reporting.backup_set.sqlstream import DumpError, MariadbDump
from reporting.hosts.backup_host import Counted, Doubt, Host, Outcome, PartFailedError, finding
from reporting.hosts.stream import HostStream
from reporting.text import harmless


def inspect_mariadb(host: Host, database: MariadbRequest) -> c.DatabaseFacts:
    """Ask the server what the database holds, and what the account may see.

    Raises:
        PartFailedError: it did not answer.
    """
    output, ended = host.ask(c.inspect_command(database), _account(database))
    if ended.code != 0:
        raise PartFailedError(c.database_refusal(ended.stderr, ended.code, database))
    return c.read_facts(output)


def _account(database: MariadbRequest) -> bytes:
    return b"" if database.option_file is not None else c.option_file(database)


def list_mariadb(host: Host, database: MariadbRequest) -> list[str]:
    """The databases that the account sees, without the system's own.

    Raises:
        PartFailedError: the server did not answer.
    """
    output, ended = host.ask(c.list_command(database), _account(database))
    if ended.code != 0:
        raise PartFailedError(c.database_refusal(ended.stderr, ended.code, database))
    return c.read_list(output)


class _MariadbWatcher:
    kind: m.DatabaseKind = "mariadb"

    def __init__(self, facts: c.DatabaseFacts, stream: HostStream, name: str) -> None:
        self._dump = MariadbDump()
        self._facts, self._stream, self._name = facts, stream, name
        self.problems: list[str] = []
        self.feed = self._dump.feed

    def finish(self) -> m.Database:
        ended = self._stream.finish()
        if ended.code != 0:
            raise DumpError(f"the dump ended with exit code {ended.code}: {ended.last_line()}")
        facts = self._facts
        self._dump.check([*facts.tables, *facts.views])
        self.problems += [f"database {self._name}: not in the dump: {harmless(text)}" for text in self._dump.denied]
        if not facts.tables:
            self.problems.append(Doubt(f"database {self._name} has no table: is it the right one?"))
        elif not self._dump.has_rows:
            self.problems.append(Doubt(f"database {self._name}: all of its {len(facts.tables)} tables are empty"))
        return m.Database(
            server=facts.server,
            character_set=facts.character_set,
            collation=facts.collation,
            tables=sorted(facts.tables),
            views=sorted(facts.views),
            triggers=sorted(facts.triggers),
            routines=sorted(facts.routines),
            events=sorted(facts.events),
            definers=sorted(facts.definers),
            grants=sorted(facts.holders),
            contents=[m.TableRows(**asdict(table)) for table in self._dump.contents()],
        )


def take_mariadb(
    host: Host, database: MariadbRequest, facts: c.DatabaseFacts, draft: Draft, outcome: Outcome
) -> list[str]:
    """Take the dump; returns what is wrong with it.

    Raises:
        PartFailedError: it could not be taken.
    """
    held = read_grants(facts.grants, database.database)
    problems = missing(held, database.database, facts.account, bool(facts.views))
    problems += [
        f"account {facts.account} may not read the body of routine {harmless(name)}: its dump lacks it"
        for name in facts.hidden_routines
    ]
    if facts.unsafe_tables:
        unsafe, count = ", ".join(facts.unsafe_tables), len(facts.unsafe_tables)
        outcome.findings.append(
            finding(
                "non_transactional_tables",
                "low",
                f"{database.database}: {count} tables are saved without a common moment",
                f"Not InnoDB, so --single-transaction does not cover them: {unsafe}",
                title_id=f"{database.database}: {count} tabel disimpan tidak pada saat yang sama",
                detail_id=f"Bukan InnoDB, jadi tidak tercakup --single-transaction: {unsafe}",
            )
        )
    command = c.dump_command(database, events=held.has("EVENT"))
    with host.run(command, _account(database)) as stream:
        watcher = _MariadbWatcher(facts, stream, database.database)
        counted = Counted(stream, database.name, host.progress)
        try:
            part = draft.add_database(Origin(database.name, database.database, "mariadb-dump"), counted, watcher)
        except DumpError as error:
            raise PartFailedError("; ".join([str(error), *problems[:5]])) from None
    return problems + watcher.problems + _fewer_rows(host, database, facts, part)


def _fewer_rows(host: Host, database: MariadbRequest, facts: c.DatabaseFacts, part: m.Part) -> list[str]:
    """A cut MyISAM or Aria table gives fewer rows than it has, and no error where a row ended: its own count tells.

    Rows may also have been deleted in the meantime, so the server is asked once more. Not by CHECK TABLE: that marks a
    damaged table as crashed, and the site could use it no more.
    """
    came = {table.name: table.rows for table in part.database.contents} if part.database else {}
    fewer = {name: rows for name, rows in facts.counted.items() if came.get(name, 0) < rows}
    if not fewer:
        return []
    now = inspect_mariadb(host, database).counted
    return [
        f"database {database.database}: table {harmless(name)} has {min(rows, now.get(name, 0))} rows by its own "
        f"count, {came.get(name, 0)} came: it is damaged (CHECK TABLE, REPAIR TABLE)"
        for name, rows in sorted(fewer.items())
        if came.get(name, 0) < min(rows, now.get(name, 0))
    ]
