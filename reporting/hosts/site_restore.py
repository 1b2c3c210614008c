"""A set brought back onto its host: what would change is shown first, what is there is saved as a set, then it is done.

The order keeps a live site from standing half new: everything new is unpacked beside the tree and compared there, a
WordPress is put into maintenance, the database is loaded, the files take their places, maintenance ends. Then files,
tables and objects are read again on the host and compared with the set.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleConnectionFailure, AnsibleError

from reporting.backup_set import commands as c
from reporting.backup_set import manifest as m
from reporting.backup_set import restorecommands as r
from reporting.backup_set import restoreplan as p
from reporting.backup_set.drill import Comparison, State
from reporting.backup_set.extract import show
from reporting.backup_set.medium import MediumReport
from reporting.backup_set.opened import SetSource, open_part
from reporting.backup_set.request import BackupRequest, MariadbRequest
from reporting.backup_set.store import StoreError
from reporting.backup_set.sumslist import read_list
from reporting.backup_set.tablefacts import TableContent, TableMeter
from reporting.backup_set.tarread import Pull, TarPull
from reporting.backup_set.tarstream import TarError
from reporting.backup_set.tarwrite import rewritten
from reporting.hosts.backup_host import Host
from reporting.hosts.push import Pushed, push
from reporting.hosts.site_backup import back_up
from reporting.hosts.stream import Ended
from reporting.text import harmless

_SHOWN = 20


class HostRestoreError(Exception):
    """It cannot go on; one line: what, where, what to do."""


@dataclass(frozen=True)
class Asked:
    """What is asked: the set, what to do with it. `databases`: the accounts that may write."""

    source: SetSource
    site: str
    name: str  # of this restore; part of the undo set's name and of the folder beside the tree
    databases: list[MariadbRequest]
    apply: bool = False
    delete_extra: bool = False
    definer: str = "keep"
    no_undo: bool = False


@dataclass
class Done:
    """What came of it. `begun`: something on the host may have changed."""

    trees: list[dict[str, object]] = field(default_factory=list)
    databases: list[dict[str, object]] = field(default_factory=list)
    undo: str = ""
    begun: bool = False
    compared: list[Comparison] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def plain(self) -> dict[str, Any]:
        """As an action plugin returns it."""
        return {**asdict(self), "problems": [harmless(problem, 1000) for problem in self.problems[:100]]}


@dataclass
class _Restore:
    host: Host
    asked: Asked
    manifest: m.Manifest
    done: Done
    trees: list[tuple[m.Part, p.TreePlan]] = field(default_factory=list)
    bases: list[tuple[m.Part, MariadbRequest, p.DatabasePlan]] = field(default_factory=list)


def restore_site(connection: Any, asked: Asked, medium: MediumReport | None, *, become: bool, progress: Any) -> Done:
    """Plan, and where asked, restore. Everything that goes wrong is in the result's problems.

    Raises:
        AnsibleConnectionFailure: the host could not be reached before anything was changed.
    """
    done = Done()
    work = _Restore(Host(connection, become, 900, progress), asked, m.read_manifest(asked.source.folder), done)
    try:
        _plan(work)
        if asked.apply and not done.problems:
            _save(work, medium)
            _apply(work)
            _verify(work)
    except (HostRestoreError, StoreError, TarError, OSError) as error:
        done.problems.append(str(error))
    except (AnsibleConnectionFailure, AnsibleError) as error:
        if not done.begun and isinstance(error, AnsibleConnectionFailure):
            raise
        done.problems.append(f"the host stopped answering: {harmless(error, 800)}")
    return done


# -- the plan


def _plan(work: _Restore) -> None:
    for part in work.manifest.parts:
        if part.tree is not None:
            plan = _plan_tree(work, part)
            work.trees.append((part, plan))
            work.done.trees.append(plan.describe())
        elif part.kind == "mariadb":
            request = _account_of(work, part)
            if request is None:
                continue
            database = _plan_database(work, part, request)
            work.bases.append((part, request, database))
            work.done.databases.append(database.describe())
            if database.blocked:
                work.done.problems.append(database.blocked)
        else:
            work.done.problems.append(f"{part.name}: {part.kind} is not restored onto a host: --to DIR, then by hand")


def _account_of(work: _Restore, part: m.Part) -> MariadbRequest | None:
    found = next((d for d in work.asked.databases if part.name == d.name or part.source == d.database), None)
    if found is None:
        work.done.problems.append(f"database {part.source}: no account for it: add it to site_restore_databases")
        return None
    return found.model_copy(update={"database": part.source})


def _plan_tree(work: _Restore, part: m.Part) -> p.TreePlan:
    where, ended = work.host.ask(r.place_command(part.source))
    lines = where.split("\n")
    if ended.code != 0 or len(lines) < 2 or part.tree is None:
        raise HostRestoreError(_refusal(part.source, ended))
    there, above = bool(lines[0]), lines[0].rpartition("/")[0] or "/"
    top = lines[0].rpartition("/")[2] if there else part.source.rstrip("/").rpartition("/")[2]
    if not there:
        above = lines[1]
    if top != part.tree.top:
        raise HostRestoreError(
            f"{part.source} is {above}/{top} there, and {part.tree.top} in the set: move it yourself"
        )
    host = p.HostTree(above, top, there)
    if there:
        host.files = p.read_sums(_bytes(work, r.sums_command(above, top)))
        host.modes = p.read_modes(_bytes(work, r.modes_command(above, top)))
        host.folders = p.read_names(_bytes(work, r.others_command(above, top, "d")))
        host.links = p.read_names(_bytes(work, r.others_command(above, top, "l")))
    plan = p.plan_tree(part, host, read_list(work.asked.source.folder / part.tree.files_list))
    with open_part(work.asked.source, part, whole=False) as stream:
        for entry in TarPull(Pull(stream.next_block)).entries():
            p.compare_entry(plan, entry, work.host.become)
    _room(work, plan)
    return plan


def _room(work: _Restore, plan: p.TreePlan) -> None:
    said, _ = work.host.ask(r.room_command(plan.host.above))
    cells = said.split()
    free = int(cells[3]) << 10 if len(cells) > 3 and cells[3].isdigit() else None
    needed = plan.send_bytes + (16 << 20)
    if free is not None and free < needed:
        raise HostRestoreError(
            f"{plan.host.above}: {free >> 20} MiB free on the host, {needed >> 20} MiB needed: make room there"
        )


def _bytes(work: _Restore, command: str) -> bytes:
    """All that a command prints; what it could not read counts as not there, and is sent again."""
    with work.host.run(command) as stream:
        output = b"".join(iter(lambda: stream.read(1 << 18), b""))
        stream.finish()
    return output


def _plan_database(work: _Restore, part: m.Part, request: MariadbRequest) -> p.DatabasePlan:
    output, ended = work.host.ask(c.inspect_command(request), _secret(request))
    if ended.code != 0 and "1049" not in ended.stderr and "1044" not in ended.stderr:
        raise HostRestoreError(c.database_refusal(ended.stderr, ended.code, request))
    there = ended.code == 0
    facts = c.read_facts(output) if there else c.DatabaseFacts()
    plan = p.plan_database(part, there, _dumped(work, request) if there and facts.tables else [], facts.views)
    if part.database and part.database.definers and work.asked.definer == "keep":
        plan.blocked = _definer_problem(work, request, part.database.definers)
    return plan


def _definer_problem(work: _Restore, request: MariadbRequest, definers: list[str]) -> str:
    """Whether this account may make objects that run as these definers, and whether those exist."""
    query = "SELECT CURRENT_USER(); SHOW GRANTS; SELECT CONCAT(user, '@', host) FROM mysql.user;\n"
    words = ("--batch", "--skip-column-names", "--force")
    said = push(
        work.host.connection,
        r.client_command(request, *words),
        [query.encode()],
        become=work.host.become,
        secret=_secret(request),
    )
    lines = said.output.decode("utf-8", "replace").splitlines()
    others = [definer for definer in definers if lines and definer != lines[0]]
    if not others:
        return ""
    named = ", ".join(map(harmless, others))
    powers = ("ALL PRIVILEGES ON *.*", "SUPER", "SET USER", "SET_USER_ID")
    if not any(power in line for line in lines if line.startswith("GRANT ") for power in powers):
        return (
            f"database {request.database}: its objects run as {named}; the account {harmless(lines[0])} may not make "
            "objects for others: give --definer current, or an administrator's account in site_restore_databases"
        )
    missing = [definer for definer in others if definer not in lines]
    if missing and ended_well(said):
        return (
            f"database {request.database}: the definer {', '.join(map(harmless, missing))} does not exist there: "
            "create that account, or give --definer current"
        )
    return ""


def ended_well(said: Pushed) -> bool:
    """Whether a command took all of its input and ended with 0."""
    return said.took_all and said.ended.code == 0


def _dumped(work: _Restore, request: MariadbRequest) -> list[TableContent]:
    """Rows and digests of every table as they are on the host now."""
    meter = TableMeter()
    with work.host.run(r.rows_command(request), _secret(request)) as stream:
        while piece := stream.read(1 << 18):
            meter.feed(piece)
        ended = stream.finish()
    if ended.code != 0:
        raise HostRestoreError(f"database {request.database} cannot be read there: {ended.last_line()}")
    return meter.contents()


def _secret(request: MariadbRequest) -> bytes:
    return b"" if request.option_file is not None else c.option_file(request)


def _refusal(path: str, ended: Ended) -> str:
    if ended.code == 96:
        return f"{path}: tar or sha256sum is not installed on the host"
    return f"{path}: neither it nor the folder above it can be entered on the host: make the folder above, or become"


# -- what is there is saved first


def _save(work: _Restore, medium: MediumReport | None) -> None:
    trees = [{"name": part.name, "path": part.source} for part, plan in work.trees if plan.host.there]
    bases = [request for _, request, plan in work.bases if plan.there]
    if not trees and not bases:
        return
    if medium is None or not medium.ok:
        why = medium.reason if medium else "no medium (site_backup_medium)"
        _no_undo(work, f"no medium to save it to: {why}")
        return
    request = BackupRequest.model_validate(
        {"site": work.asked.site, "execution": work.asked.name, "trees": trees}
    ).model_copy(update={"databases": bases})
    host = work.host
    outcome = back_up(host.connection, request, medium, become=host.become, progress=host.progress)
    if outcome.measures is not None:
        work.done.undo = outcome.measures.backup_set
    if outcome.measures is None or outcome.problems:
        _no_undo(work, "; ".join(outcome.problems[:3]))


def _no_undo(work: _Restore, why: str) -> None:
    if not work.asked.no_undo:
        raise HostRestoreError(
            f"what is there now cannot be saved first ({why}); nothing was changed. --no-undo goes on"
        )


# -- it is done


def _apply(work: _Restore) -> None:
    for part, plan in work.trees:
        _stage(work, part, plan)
    roots = [f"{plan.host.above.rstrip('/')}/{plan.host.top}" for _, plan in work.trees if plan.host.there]
    work.done.begun = True
    for root in roots:
        work.host.ask(r.maintenance_command(root, on=True))
    for part, request, base in work.bases:
        _load(work, part, request, base)
    for _part, plan in work.trees:
        _place(work, plan)
    for root in roots:
        work.host.ask(r.maintenance_command(root, on=False))


def _stage_name(work: _Restore) -> str:
    return f"{r.STAGE}{work.asked.name}"


def _stage(work: _Restore, part: m.Part, plan: p.TreePlan) -> None:
    """Unpack beside the tree, and compare every file there; on any difference nothing was changed."""
    host, stage = plan.host, _stage_name(work)
    with open_part(work.asked.source, part, whole=False) as stream:
        pieces = rewritten(TarPull(Pull(stream.next_block)), plan.send)
        said = _push(work, r.stage_command(host.above, stage), pieces)
    try:
        if not ended_well(said):
            raise HostRestoreError(f"{part.source}: cannot be unpacked there: {said.ended.last_line()}")
        lines = read_wanted(work.asked.source.folder / part.tree.files_list, plan) if part.tree else b""
        checked = _push(work, r.check_command(host.above, stage), [lines]) if lines else said
        if not ended_well(checked):
            raise HostRestoreError(f"{part.source}: what arrived is not what was sent: {checked.ended.last_line()}")
    except HostRestoreError:
        work.host.ask(r.drop_stage_command(host.above, stage))
        raise


def read_wanted(listing: Path, plan: p.TreePlan) -> bytes:
    """The lines of the set's list for the files that are sent."""
    wanted = plan.added | plan.changed
    lines = listing.read_bytes().split(b"\n")
    return b"".join(line + b"\n" for line in lines if line and next(iter(p.read_sums(line)), b"") in wanted)


def _place(work: _Restore, plan: p.TreePlan) -> None:
    host, stage = plan.host, _stage_name(work)
    if plan.replaced:
        _removed(work, host.above, plan.replaced)
    _, ended = work.host.ask(r.apply_command(host.above, stage, host.top, fresh=not host.there))
    if ended.code != 0:
        raise HostRestoreError(f"{host.above}/{host.top}: cannot be put in place: {ended.last_line()}")
    if work.asked.delete_extra and plan.extra:
        _removed(work, host.above, sorted(plan.extra))


def _removed(work: _Restore, above: str, names: list[bytes]) -> None:
    said = _push(work, r.remove_command(above), [b"".join(b"./" + name + b"\0" for name in names)])
    if not ended_well(said):
        raise HostRestoreError(f"{above}: cannot remove what the set has not: {said.ended.last_line()}")


def _load(work: _Restore, part: m.Part, request: MariadbRequest, plan: p.DatabasePlan) -> None:
    described = part.database or m.Database(tables=[])
    statement = r.create_database(part.source, described.character_set, described.collation)
    _sql(work, request, "", [statement], "cannot be created")
    if work.asked.delete_extra and (plan.extra or plan.extra_views):
        _sql(work, request, part.source, [r.drop_tables(plan.extra, plan.extra_views)], "extra tables stay")
    _sql(work, request, part.source, _statements(work, part), "does not load")


def _statements(work: _Restore, part: m.Part) -> Iterator[bytes]:
    definers = r.Definers() if work.asked.definer == "current" else None
    with open_part(work.asked.source, part) as stream:
        while block := stream.next_block():
            yield definers.feed(block) if definers else block
    if definers:
        yield definers.finish()


def _sql(work: _Restore, request: MariadbRequest, database: str, statements: Any, what: str) -> None:
    words = ("--", database) if database else ()
    said = _push(work, r.client_command(request, *words), statements, _secret(request))
    if not ended_well(said):
        raise HostRestoreError(f"database {request.database} {what}: {said.ended.last_line()}")


def _push(work: _Restore, command: str, chunks: Any, secret: bytes = b"") -> Pushed:
    return push(work.host.connection, command, chunks, become=work.host.become, secret=secret)


# -- compared on the host


def _verify(work: _Restore) -> None:
    for part, plan in work.trees:
        now = p.read_sums(_bytes(work, r.sums_command(plan.host.above, plan.host.top)))
        recorded = read_list(work.asked.source.folder / part.tree.files_list) if part.tree else {}
        wrong = [show(name) for name, digest in recorded.items() if now.get(name) != digest]
        extra = len(now.keys() - recorded.keys())
        note = f"{extra} files that the set has not are still there" if extra else ""
        _compared(work, Comparison(part.name, "files", "equal", len(recorded)), wrong, note)
    for part, request, _plan_of in work.bases:
        _verify_database(work, part, request)


def _verify_database(work: _Restore, part: m.Part, request: MariadbRequest) -> None:
    described = part.database or m.Database(tables=[])
    now = {table.name: (table.rows, table.sha256) for table in _dumped(work, request)}
    recorded = {table.name: (table.rows, table.sha256) for table in described.contents}
    wrong = [name for name, content in recorded.items() if now.get(name) != content]
    wrong += [name for name in described.tables if name not in now and name not in wrong]
    _compared(work, Comparison(part.name, "tables", "equal", len(described.tables)), wrong)
    output, ended = work.host.ask(c.inspect_command(request), _secret(request))
    if ended.code != 0:
        raise HostRestoreError(c.database_refusal(ended.stderr, ended.code, request))
    facts = c.read_facts(output)
    for what in ("triggers", "routines", "events", "views"):
        wanted = getattr(described, what)
        missing = sorted(set(wanted) - set(getattr(facts, what)))
        _compared(work, Comparison(part.name, what, "equal", len(wanted)), missing)


def _compared(work: _Restore, found: Comparison, wrong: Sequence[str], note: str = "") -> None:
    state: State = "differs" if wrong else "equal"
    detail = "; ".join(harmless(line, 200) for line in wrong[:_SHOWN]) or note
    work.done.compared.append(replace(found, state=state, restored=found.recorded - len(wrong), detail=detail))


__all__ = ["Asked", "Done", "HostRestoreError", "restore_site"]
