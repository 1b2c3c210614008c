"""What a restore would change on the host: its trees and databases as they are now, beside the set."""

from __future__ import annotations

from reporting.backup_set import commands as c
from reporting.backup_set import manifest as m
from reporting.backup_set import restorecommands as r
from reporting.backup_set import restoreplan as p
from reporting.backup_set.medium import MediumReport
from reporting.backup_set.opened import open_part
from reporting.backup_set.request import MariadbRequest
from reporting.backup_set.sumslist import read_list
from reporting.backup_set.tarread import Pull, TarPull
from reporting.hosts.push import push
from reporting.hosts.restore_work import HostRestoreError, Work, all_of, ended_well, rows_there, secret_of, whole_answer
from reporting.hosts.stream import Ended
from reporting.text import harmless


def look(work: Work, medium: MediumReport | None) -> None:
    """Plan every part. What stands in the way, of the undo set too, is in the problems of `work.done`."""
    if work.asked.delete_extra and not work.manifest.complete and not work.asked.incomplete:
        work.done.problems.append(
            f"set {work.manifest.set} is INCOMPLETE: --delete-extra would remove what it merely could not read. "
            "Leave --delete-extra out, or add --incomplete if that is what you want"
        )
    for part in work.manifest.parts:
        if part.for_reading:
            work.done.by_hand.append(f"{part.name}: by hand (--to DIR shows it): crontab, server settings, certificate")
        elif part.tree is not None:
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
    _foresee_undo(work, medium)


def undo_refused(why: str) -> str:
    """The line for what is there now and cannot be saved."""
    return (
        f"what is there now cannot be saved first ({why}): put that right, or give --no-undo: "
        "then there is no way back to what is there now"
    )


def _foresee_undo(work: Work, medium: MediumReport | None) -> None:
    there = any(plan.host.there for _, plan in work.trees) or any(plan.there for _, _, plan in work.bases)
    if work.asked.no_undo or not there:
        return
    if medium is None or not medium.ok:
        why = medium.reason if medium else "site_restore_medium is not set"
        work.done.problems.append(undo_refused(f"no medium to save it to: {why}"))
    for _, plan in work.trees:
        if plan.host.unreadable:
            work.done.problems.append(undo_refused(plan.host.unreadable))


def _account_of(work: Work, part: m.Part) -> MariadbRequest | None:
    found = next((d for d in work.asked.databases if part.name == d.name or part.source == d.database), None)
    if found is None:
        work.done.problems.append(f"database {part.source}: no account for it: add it to site_restore_databases")
        return None
    return found.model_copy(update={"database": part.source})


def _plan_tree(work: Work, part: m.Part) -> p.TreePlan:
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
        output, ended = whole_answer(work, r.sums_command(above, top))
        host.files = p.read_sums(output)
        if "Permission denied" in ended.stderr:
            host.unreadable = f"{above}/{top}: {ended.last_line()}"
        host.modes = p.read_modes(all_of(work, r.modes_command(above, top)))
        host.folders = p.read_names(all_of(work, r.others_command(above, top, "d")))
        host.links = p.read_names(all_of(work, r.others_command(above, top, "l")))
    plan = p.plan_tree(part, host, read_list(work.asked.source.folder / part.tree.files_list))
    plan.special_bits = work.asked.special_bits
    with open_part(work.asked.source, part, whole=False) as stream:
        for entry in TarPull(Pull(stream.next_block)).entries():
            p.compare_entry(plan, entry, work.host.become)
    _room(work, plan)
    return plan


def _room(work: Work, plan: p.TreePlan) -> None:
    said, _ = work.host.ask(r.room_command(plan.host.above))
    cells = said.split()
    free = int(cells[3]) << 10 if len(cells) > 3 and cells[3].isdigit() else None
    needed = plan.send_bytes + (16 << 20)
    if free is not None and free < needed:
        raise HostRestoreError(
            f"{plan.host.above}: {free >> 20} MiB free on the host, {needed >> 20} MiB needed: make room there"
        )


def _plan_database(work: Work, part: m.Part, request: MariadbRequest) -> p.DatabasePlan:
    output, ended = work.host.ask(c.inspect_command(request), secret_of(request))
    if ended.code != 0 and not r.says_no_database(ended.stderr):
        raise HostRestoreError(c.database_refusal(ended.stderr, ended.code, request))
    there = ended.code == 0
    facts = c.read_facts(output) if there else c.DatabaseFacts()
    plan = p.plan_database(part, there, rows_there(work, request) if there and facts.tables else [], facts.views)
    if part.database and part.database.definers and work.asked.definer == "keep":
        plan.blocked = _definer_problem(work, request, part.database.definers)
    return plan


def _definer_problem(work: Work, request: MariadbRequest, definers: list[str]) -> str:
    """Whether this account may make objects that run as these definers, and whether those exist."""
    query = "SELECT CURRENT_USER(); SHOW GRANTS; SELECT CONCAT(user, '@', host) FROM mysql.user;\n"
    words = ("--batch", "--skip-column-names", "--force")
    said = push(
        work.host.connection,
        r.client_command(request, *words),
        [query.encode()],
        become=work.host.become,
        secret=secret_of(request),
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


def _refusal(path: str, ended: Ended) -> str:
    if ended.code == 96:
        return f"{path}: tar or sha256sum is not installed on the host"
    return f"{path}: neither it nor the folder above it can be entered on the host: make the folder above, or become"


__all__ = ["look", "undo_refused"]
