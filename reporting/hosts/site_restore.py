"""A set brought back onto its host: what would change is shown first, what is there is saved as a set, then it is done.

The order keeps a live site from standing half new: everything new is unpacked beside the tree and compared there, a
WordPress is put into maintenance, the database is loaded, the files take their places, maintenance ends. Then files,
tables and objects are read again on the host and compared with the set.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
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
from reporting.backup_set.opened import open_part
from reporting.backup_set.request import BackupRequest, MariadbRequest
from reporting.backup_set.store import StoreError
from reporting.backup_set.sumslist import read_list
from reporting.backup_set.tarread import Pull, TarPull
from reporting.backup_set.tarstream import TarError
from reporting.backup_set.tarwrite import rewritten
from reporting.hosts.backup_host import Host
from reporting.hosts.restore_look import look, undo_refused
from reporting.hosts.restore_work import (
    Asked,
    Done,
    HostRestoreError,
    Work,
    all_of,
    ended_well,
    push_to,
    rows_there,
    secret_of,
)
from reporting.hosts.site_backup import back_up
from reporting.text import harmless

_SHOWN = 20


def restore_site(connection: Any, asked: Asked, medium: MediumReport | None, *, become: bool, progress: Any) -> Done:
    """Plan, and where asked, restore. Everything that goes wrong is in the result's problems.

    Raises:
        AnsibleConnectionFailure: the host could not be reached before anything was changed.
    """
    done = Done()
    work = Work(Host(connection, become, 900, progress), asked, m.read_manifest(asked.source.folder), done)
    try:
        look(work, medium)
        if asked.apply and not done.problems:
            _save(work, medium)
            _apply(work)
            compare(work)
    except (HostRestoreError, StoreError, TarError, OSError) as error:
        done.problems.append(str(error))
    except (AnsibleConnectionFailure, AnsibleError) as error:
        if not done.begun and isinstance(error, AnsibleConnectionFailure):
            raise
        done.problems.append(f"the host stopped answering: {harmless(error, 800)}")
    return done


# -- what is there is saved first


def _save(work: Work, medium: MediumReport | None) -> None:
    trees = [{"name": part.name, "path": part.source} for part, plan in work.trees if plan.host.there]
    bases = [request for _, request, plan in work.bases if plan.there]
    if not trees and not bases:
        return
    if medium is None or not medium.ok:
        return  # `look` refused it, or --no-undo
    request = BackupRequest.model_validate(
        {"site": work.asked.site, "execution": work.asked.name, "trees": trees}
    ).model_copy(update={"databases": bases, "least_percent": 0, "as_it_is": True})  # damaged, and saved as it is
    host = work.host
    outcome = back_up(host.connection, request, medium, become=host.become, progress=host.progress)
    if outcome.measures is not None:
        work.done.undo = outcome.measures.backup_set
    if outcome.measures is None or outcome.problems:
        _no_undo(work, "; ".join(outcome.problems[:3]))


def _no_undo(work: Work, why: str) -> None:
    if not work.asked.no_undo:
        raise HostRestoreError(undo_refused(why))


# -- it is done


def _apply(work: Work) -> None:
    for above in {plan.host.above for _, plan in work.trees}:
        work.host.ask(r.drop_stage_command(above, r.stage_of(work.asked.site)))  # left by a restore that was killed
    for part, plan in work.trees:
        _stage(work, part, plan)
    roots = [f"{plan.host.above.rstrip('/')}/{plan.host.top}" for _, plan in work.trees if plan.host.there]
    work.done.begun = True
    with _maintenance(work, roots):
        for part, request, base in work.bases:
            _load(work, part, request, base)
        for _part, plan in work.trees:
            _place(work, plan)


@contextmanager
def _maintenance(work: Work, roots: list[str]) -> Iterator[None]:
    """Visitors get status 503 meanwhile, and not for ever when a step fails."""
    try:
        for root in roots:
            work.host.ask(r.maintenance_command(root, on=True))
        yield
    finally:
        for root in roots:
            try:
                _, ended = work.host.ask(r.maintenance_command(root, on=False))
                left = ended.last_line() if ended.code != 0 else ""
            except (AnsibleConnectionFailure, AnsibleError) as error:
                left = harmless(error, 300)
            if left:
                work.done.problems.append(f"{root}/.maintenance may still be there (status 503): remove it: {left}")


def _stage_name(work: Work, plan: p.TreePlan) -> str:
    return r.stage_of(work.asked.site, work.asked.name, plan.name)


def _stage(work: Work, part: m.Part, plan: p.TreePlan) -> None:
    """Unpack beside the tree, and compare every file there; on any difference nothing was changed."""
    host, stage = plan.host, _stage_name(work, plan)
    with open_part(work.asked.source, part, whole=False) as stream:
        pieces = rewritten(TarPull(Pull(stream.next_block)), plan.send, plan.mode)
        said = push_to(work, r.stage_command(host.above, stage), pieces)
    try:
        if not ended_well(said):
            raise HostRestoreError(f"{part.source}: cannot be unpacked there: {said.ended.last_line()}")
        lines = read_wanted(work.asked.source.folder / part.tree.files_list, plan) if part.tree else b""
        checked = push_to(work, r.check_command(host.above, stage), [lines]) if lines else said
        if not ended_well(checked):
            raise HostRestoreError(f"{part.source}: what arrived is not what was sent: {checked.ended.last_line()}")
    except HostRestoreError:
        work.host.ask(r.drop_stage_command(host.above, stage))
        raise


def read_wanted(listing: Path, plan: p.TreePlan) -> bytes:
    """The lines of the set's list for the files that are sent."""
    wanted = plan.added | plan.changed | plan.targets
    lines = listing.read_bytes().split(b"\n")
    return b"".join(line + b"\n" for line in lines if line and next(iter(p.read_sums(line)), b"") in wanted)


def _place(work: Work, plan: p.TreePlan) -> None:
    host, stage = plan.host, _stage_name(work, plan)
    for folders in (False, True):
        _removed(work, host.above, [name for name in plan.replaced if (name in host.folders) is folders], folders)
    _, ended = work.host.ask(r.apply_command(host.above, stage, host.top, fresh=not host.there))
    if ended.code != 0:
        raise HostRestoreError(f"{host.above}/{host.top}: cannot be put in place: {ended.last_line()}")
    if work.asked.delete_extra:
        _removed(work, host.above, sorted(plan.extra), folders=False)


def _removed(work: Work, above: str, names: list[bytes], folders: bool) -> None:
    if not names:
        return
    nonce = f"laman-{secrets.token_hex(16)}"
    listed = b"".join(b"./" + name + b"\0" for name in names) + nonce.encode() + b"\0"
    said = push_to(work, r.remove_command(above, nonce, folders=folders), [listed])
    if not ended_well(said):
        raise HostRestoreError(f"{above}: cannot remove what the set has not: {said.ended.last_line()}")


def _load(work: Work, part: m.Part, request: MariadbRequest, plan: p.DatabasePlan) -> None:
    described = part.database or m.Database(tables=[])
    statement = r.create_database(part.source, described.character_set, described.collation)
    _sql(work, request, "", [statement], "cannot be created")
    if work.asked.delete_extra and (plan.extra or plan.extra_views):
        _sql(work, request, part.source, [r.drop_tables(plan.extra, plan.extra_views)], "extra tables stay")
    _sql(work, request, part.source, _statements(work, part), "does not load")


def _statements(work: Work, part: m.Part) -> Iterator[bytes]:
    definers = r.Definers() if work.asked.definer == "current" else None
    with open_part(work.asked.source, part) as stream:
        while block := stream.next_block():
            yield definers.feed(block) if definers else block
    if definers:
        yield definers.finish()


def _sql(work: Work, request: MariadbRequest, database: str, statements: Any, what: str) -> None:
    words = ("--", database) if database else ()
    said = push_to(work, r.client_command(request, *words), statements, secret_of(request))
    if not ended_well(said):
        raise HostRestoreError(f"database {request.database} {what}: {said.ended.last_line()}")


# -- compared on the host


def compare(work: Work) -> None:
    for part, plan in work.trees:
        now = p.read_sums(all_of(work, r.sums_command(plan.host.above, plan.host.top)))
        recorded = read_list(work.asked.source.folder / part.tree.files_list) if part.tree else {}
        wrong = [show(name) for name, digest in recorded.items() if now.get(name) != digest]
        extra = len(now.keys() - recorded.keys())
        note = f"{extra} files that the set has not are still there" if extra else ""
        if plan.stripped:
            note = "; ".join(filter(None, [note, f"setuid or setgid taken off {len(plan.stripped)} (--special-bits)"]))
        _compared(work, Comparison(part.name, "files", "equal", len(recorded)), wrong, note)
    for part, request, _plan_of in work.bases:
        _verify_database(work, part, request)


def _verify_database(work: Work, part: m.Part, request: MariadbRequest) -> None:
    described = part.database or m.Database(tables=[])
    now = {table.name: (table.rows, table.sha256) for table in rows_there(work, request)}
    recorded = {table.name: (table.rows, table.sha256) for table in described.contents}
    wrong = [name for name, content in recorded.items() if now.get(name) != content]
    wrong += [name for name in described.tables if name not in now and name not in wrong]
    _compared(work, Comparison(part.name, "tables", "equal", len(described.tables)), wrong)
    output, ended = work.host.ask(c.inspect_command(request), secret_of(request))
    if ended.code != 0:
        raise HostRestoreError(c.database_refusal(ended.stderr, ended.code, request))
    facts = c.read_facts(output)
    for what in ("triggers", "routines", "events", "views"):
        wanted = getattr(described, what)
        missing = sorted(set(wanted) - set(getattr(facts, what)))
        _compared(work, Comparison(part.name, what, "equal", len(wanted)), missing)


def _compared(work: Work, found: Comparison, wrong: Sequence[str], note: str = "") -> None:
    state: State = "differs" if wrong else "equal"
    detail = "; ".join(harmless(line, 200) for line in wrong[:_SHOWN]) or note
    work.done.compared.append(replace(found, state=state, restored=found.recorded - len(wrong), detail=detail))


__all__ = ["Asked", "Done", "HostRestoreError", "compare", "restore_site"]
