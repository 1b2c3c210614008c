"""A set proven: restored into a scratch tree and a throw-away server, compared with what was recorded at the backup.

Three outcomes: `proven` (all that the set holds was restored and is equal), `failed` (something is not equal, or does
not restore), `not_proven` (this machine lacks a program, or the set has no record to compare with): never proven.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from reporting.backup_set import manifest as m
from reporting.backup_set.drill_postgres import Postgres, load_postgres, postgres_server
from reporting.backup_set.drill_site import hand_over, wordpress, wordpress_root
from reporting.backup_set.extract import files_below, show
from reporting.backup_set.load import LoadError, load_and_read
from reporting.backup_set.opened import SetSource, open_part
from reporting.backup_set.pages import compare_pages
from reporting.backup_set.restore import RestoreError, Wanted, extract_tree, foresee, needed
from reporting.backup_set.scratch import Scratch, reachable, scratch
from reporting.backup_set.store import StoreError
from reporting.backup_set.sumslist import read_list
from reporting.backup_set.tablefacts import TableContent
from reporting.backup_set.tarstream import TarError
from reporting.backup_set.throwaway import NotAvailable, Server, ServerError, mariadb_server
from reporting.text import harmless

State = Literal["equal", "differs", "not_compared"]
Status = Literal["proven", "failed", "not_proven"]
Tell = Callable[[str], None]
_SHOWN = 20
_LOADED = 3  # bytes on disk for each byte of SQL: tables, indexes, logs
_OBJECTS = {
    "triggers": "SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = DATABASE()",
    "routines": "SELECT routine_name FROM information_schema.routines WHERE routine_schema = DATABASE()",
    "events": "SELECT event_name FROM information_schema.events WHERE event_schema = DATABASE()",
    "views": "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type = 'VIEW'",
}


@dataclass(frozen=True)
class Comparison:
    """One kind of thing in one part: how many were compared, and what was found. `seconds` of this step."""

    part: str
    what: str  # files, tables, triggers, routines, events, views, rows, pages
    state: State
    recorded: int = 0
    restored: int = 0
    detail: str = ""
    seconds: float = 0.0


@dataclass
class Drill:
    """What a drill came to."""

    set: str
    site: str
    comparisons: list[Comparison] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def status(self) -> Status:
        """Proven only when everything was compared and is equal."""
        states = {comparison.state for comparison in self.comparisons}
        if "differs" in states:
            return "failed"
        return "proven" if states == {"equal"} else "not_proven"

    def add(self, part: str, what: str, state: State, **more: object) -> None:
        """Note a comparison."""
        self.comparisons.append(Comparison(part, what, state, **more))  # type: ignore[arg-type]


def drill(source: SetSource, home: Path, tell: Tell = lambda _text: None, connections: int = 2) -> Drill:
    """Prove the set; everything made for it (below `home`, and its processes) is gone afterwards.

    Args:
        source: the set, on its medium.
        home: folder for the scratch place; it needs room for the site and three times its SQL.
        tell: told what is being done.
        connections: to the throw-away server at once.

    Raises:
        ManifestError: no set. RestoreError: no room. OSError: `home` cannot be written.
    """
    started = time.monotonic()
    manifest = m.read_manifest(source.folder)
    if not reachable(home if home.exists() else home.parent):
        raise RestoreError(
            f"{home}: the throw-away servers run without rights and cannot enter it: chmod o+x, or another"
        )
    result = Drill(manifest.set, manifest.site)
    with scratch(home) as place:
        foresee(place.folder, sum(needed(p) if p.tree else needed(p) * _LOADED for p in manifest.parts))
        _Work(source, manifest, place, result, tell, connections).run()
    if not manifest.complete:
        result.add(
            "", "set", "not_compared", detail="the set itself is incomplete: " + "; ".join(manifest.problems[:3])
        )
    result.seconds = time.monotonic() - started
    return result


@dataclass
class _Work:
    source: SetSource
    manifest: m.Manifest
    place: Scratch
    result: Drill
    tell: Tell
    connections: int

    def run(self) -> None:
        parts = self.manifest.parts
        trees = [part for part in parts if part.tree is not None and self._guarded(part, self._tree)]
        for part in parts:
            if part.kind == "sqlite":
                self._guarded(part, self._sqlite)
        if postgres := [part for part in parts if part.kind == "postgresql"]:
            self._postgres(postgres)
        databases = [part for part in parts if part.kind == "mariadb"]
        if databases:
            self._mariadb(databases, trees)
        elif self.manifest.pages and self.manifest.pages.pages:
            self.result.add("", "pages", "not_compared", detail="pages are on record, and the set has no database")

    def _guarded(self, part: m.Part, step: Callable[[m.Part], None]) -> bool:
        """Run a step; what stops it is a finding of this part."""
        try:
            step(part)
        except (StoreError, TarError, RestoreError, LoadError, ServerError, sqlite3.Error) as error:
            self.result.add(part.name, part.kind, "differs", detail=harmless(error, 800))
            return False
        except OSError as error:
            self.result.add(part.name, part.kind, "differs", detail=f"{part.file}: {harmless(error, 300)}")
            return False
        except NotAvailable as error:
            self.result.add(part.name, part.kind, "not_compared", detail=str(error))
            return False
        return True

    # -- trees

    def _tree(self, part: m.Part) -> None:
        self.tell(f"{part.name}: restoring the files")
        started = time.monotonic()
        home = self._home(part)
        home.mkdir(mode=0o700)
        extracted = extract_tree(self.source, part, home, Wanted())
        recorded = read_list(self.source.folder / part.tree.files_list) if part.tree else {}
        wrong = _differences(recorded, dict(files_below(home)))
        self.result.add(
            part.name,
            "files",
            "differs" if wrong else "equal",
            recorded=len(recorded),
            restored=len(extracted.files),
            detail="; ".join([*wrong, *extracted.left_out[:_SHOWN]]),
            seconds=time.monotonic() - started,
        )

    def _home(self, part: m.Part) -> Path:
        return self.place.folder / f"tree-{part.name}"

    # -- SQLite

    def _sqlite(self, part: m.Part) -> None:
        self.tell(f"{part.name}: restoring the SQLite database")
        started = time.monotonic()
        file = self.place.folder / f"{part.name}.sqlite"
        with open_part(self.source, part) as stream:
            if ".sql." in part.file:
                _load_sqlite(file, stream.next_block)
            else:
                with file.open("xb") as out:
                    while block := stream.next_block():
                        out.write(block)
        described = part.database or m.Database(tables=[])
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
            verdict = str(database.execute("PRAGMA integrity_check(1)").fetchone()[0])
            rows = database.execute("SELECT type, name FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'")
            names = {(kind, name) for kind, name in rows}
        wrong = [] if verdict == "ok" else [f"integrity check: {harmless(verdict, 200)}"]
        tables = {name for kind, name in names if kind == "table"}
        wrong += _names_differ("table", described.tables, tables)
        if ".sql." not in part.file:
            wrong += _names_differ("view", described.views, {name for kind, name in names if kind == "view"})
            wrong += _names_differ("trigger", described.triggers, {name for kind, name in names if kind == "trigger"})
        seconds = time.monotonic() - started
        state: State = "differs" if wrong else "equal"
        counts = {"recorded": len(described.tables), "restored": len(tables)}
        self.result.add(part.name, "tables", state, **counts, detail="; ".join(wrong), seconds=seconds)

    # -- PostgreSQL

    def _postgres(self, databases: list[m.Part]) -> None:
        self.tell("starting a throw-away PostgreSQL")
        try:
            with postgres_server(self.place, databases) as server:
                for part in databases:
                    self._guarded(part, lambda p: self._postgres_database(p, server))
        except (NotAvailable, ServerError) as error:
            for part in databases:
                self.result.add(part.name, "tables", "not_compared", detail=str(error))

    def _postgres_database(self, part: m.Part, server: Postgres) -> None:
        self.tell(f"{part.name}: loading the database and reading it out again")
        started = time.monotonic()
        described = part.database or m.Database(tables=[])
        restored = load_postgres(self.source, part, server, _database_name(part))
        wrong = _names_differ("table", described.tables, set(restored.facts.tables))
        wrong += _rows_differ(described, restored.tables)
        rows = sum(table.rows for table in restored.tables.values())
        detail = "; ".join(wrong[:_SHOWN]) or f"{rows} rows, each table's count and SHA-256"
        counts = {"recorded": len(described.tables), "restored": len(restored.facts.tables)}
        seconds = time.monotonic() - started
        self.result.add(part.name, "tables", _state(wrong), **counts, detail=detail, seconds=seconds)
        for what in ("views", "triggers", "routines"):
            recorded, there = getattr(described, what), getattr(restored.facts, what)
            wrong = _names_differ(what.removesuffix("s"), recorded, set(there))
            counts = {"recorded": len(recorded), "restored": len(there)}
            self.result.add(part.name, what, _state(wrong), **counts, detail="; ".join(wrong[:_SHOWN]))

    # -- MariaDB, and the site on it

    def _mariadb(self, databases: list[m.Part], trees: list[m.Part]) -> None:
        foreign = [p for p in databases if p.database and not _is_mariadb(p.database.server)]
        for part in foreign:
            version = part.database.server if part.database else ""
            detail = f"it comes from MySQL {harmless(version, 60)}; the control node has MariaDB only"
            self.result.add(part.name, "tables", "not_compared", detail=detail)
        ours = [part for part in databases if part not in foreign]
        try:
            self.tell("starting a throw-away MariaDB")
            with mariadb_server(self.place, sum(part.source_bytes for part in ours)) as server:
                loaded = {p.name: p for p in ours if self._guarded(p, lambda p: self._database(p, server))}
                if len(loaded) == len(databases):
                    self._pages(list(loaded.values()), trees, server)
        except (NotAvailable, ServerError) as error:
            for part in ours:
                self.result.add(part.name, "tables", "not_compared", detail=str(error))

    def _database(self, part: m.Part, server: Server) -> None:
        self.tell(f"{part.name}: loading the database and reading it out again")
        started = time.monotonic()
        described = part.database or m.Database(tables=[])
        loaded = load_and_read(self.source, part, server, _database_name(part), self.connections)
        seconds = time.monotonic() - started
        wrong = _names_differ("table", described.tables, set(loaded.tables)) + _rows_differ(described, loaded.tables)
        recorded = {table.name: table for table in described.contents}
        rows = sum(table.rows for table in loaded.tables.values())
        counts = {"recorded": len(described.tables), "restored": len(loaded.tables)}
        if recorded or not described.tables:
            detail = "; ".join(wrong[:_SHOWN]) or f"{rows} rows, each table's count and SHA-256"
            state: State = "differs" if wrong else "equal"
        else:
            state, detail = "not_compared", "the set is older than the record of rows and digests: make a new one"
        self.result.add(part.name, "tables", state, **counts, detail=detail, seconds=seconds)
        self._objects(part, described, server)

    def _objects(self, part: m.Part, described: m.Database, server: Server) -> None:
        for what, query in _OBJECTS.items():
            recorded = list(getattr(described, what))
            restored = [row[0] for row in server.ask(query, _database_name(part))]
            wrong = _names_differ(what.removesuffix("s"), recorded, set(restored))
            if len(restored) != len(recorded) and not wrong:
                wrong.append(f"{len(restored)} {what}, {len(recorded)} were recorded")
            state: State = "differs" if wrong else "equal"
            counts = {"recorded": len(recorded), "restored": len(restored)}
            self.result.add(part.name, what, state, **counts, detail="; ".join(wrong[:_SHOWN]))

    def _pages(self, databases: list[m.Part], trees: list[m.Part], server: Server) -> None:
        recorded = self.manifest.pages
        found = [(tree, root) for tree in trees if (root := self._wordpress(tree)) is not None]
        if not found and (recorded is None or not recorded.pages):
            return
        if recorded is None or not any(page.stable and page.status == 200 for page in recorded.pages):
            why = recorded.problem if recorded else "set site_backup_pages_url"
            self.result.add("", "pages", "not_compared", detail=f"no page was recorded with the set: {why}")
            return
        if len(found) != 1 or len(databases) != 1:
            detail = (
                f"{len(found)} WordPress sites and {len(databases)} databases in the set: which is started with which?"
            )
            self.result.add("", "pages", "not_compared", detail=detail)
            return
        self.tell("starting the restored site and asking it for its pages")
        self._compare_pages(recorded, found[0], databases[0], server)

    def _wordpress(self, tree: m.Part) -> Path | None:
        inside = list(self._home(tree).iterdir())
        return wordpress_root(inside[0]) if len(inside) == 1 and inside[0].is_dir() else None

    def _compare_pages(self, recorded: m.Pages, found: tuple[m.Part, Path], database: m.Part, server: Server) -> None:
        tree, root = found
        started = time.monotonic()
        try:
            hand_over(self._home(tree))
            with wordpress(root, self.place, server, _database_name(database), recorded.base) as fetch:
                results = compare_pages(recorded, fetch)
        except (NotAvailable, ServerError) as error:
            self.result.add(tree.name, "pages", "not_compared", detail=str(error))
            return
        wrong = [f"{harmless(page.path, 150)}: {what}" for page, what in results if what]
        self.result.add(
            tree.name,
            "pages",
            "differs" if wrong else "equal",
            recorded=len(results),
            restored=len(results) - len(wrong),
            detail="; ".join(wrong),
            seconds=time.monotonic() - started,
        )


def _database_name(part: m.Part) -> str:
    return f"drill_{part.name}"[:64]


def _is_mariadb(server: str) -> bool:
    return "mariadb" in server.lower() or not server


def _state(wrong: list[str]) -> State:
    return "differs" if wrong else "equal"


def _rows_differ(described: m.Database, restored: dict[str, TableContent]) -> list[str]:
    """Tables whose rows are not those that were recorded; missing ones are told by name elsewhere."""
    wrong = []
    for table in described.contents:
        found = restored.get(table.name)
        if found is not None and found.rows != table.rows:
            wrong.append(f"table {harmless(table.name)}: {found.rows} rows, {table.rows} were recorded")
        elif found is not None and found.sha256 != table.sha256:
            wrong.append(f"table {harmless(table.name)}: its rows are not those that were recorded")
    return wrong


def _names_differ(what: str, recorded: list[str], restored: set[str]) -> list[str]:
    missing = [f"{what} {harmless(name)} is missing" for name in sorted(set(recorded) - restored)]
    return missing + [f"{what} {harmless(name)} was not recorded" for name in sorted(restored - set(recorded))]


def _differences(recorded: dict[bytes, bytes], restored: dict[bytes, bytes]) -> list[str]:
    wrong = [
        f"{show(name)} {'is missing' if name not in restored else 'differs'}"
        for name, digest in recorded.items()
        if restored.get(name) != digest
    ]
    wrong += [f"{show(name)} was not recorded" for name in restored.keys() - recorded.keys()]
    return wrong[:_SHOWN]


def _load_sqlite(file: Path, next_block: Callable[[], bytes]) -> None:
    """Run a dump of the sqlite3 shell, statement by statement."""
    with closing(sqlite3.connect(file, isolation_level=None)) as database:
        held = ""
        pending = b""
        while block := next_block():
            lines = (pending + block).split(b"\n")
            pending = lines.pop()
            for line in lines:
                held += line.decode("utf-8", "surrogateescape") + "\n"
                if line.rstrip().endswith(b";") and sqlite3.complete_statement(held):
                    database.execute(held)
                    held = ""
        if (held + pending.decode("utf-8", "replace")).strip():
            database.execute(held + pending.decode("utf-8", "replace"))


__all__ = ["Comparison", "Drill", "State", "Status", "drill"]
