"""Activity 2 on one host: streams its trees and databases into a set on the medium, and says what came out.

The steps of the action plugin `site_backup`, without Ansible's task machinery: a connection, a checked request and the
report of a probed medium come in; requirements, outputs, problems, measures and findings of the contract go out.
"""

from __future__ import annotations

import os
from typing import Any

from ansible.errors import AnsibleConnectionFailure, AnsibleError

from reporting.backup_set import commands as c
from reporting.backup_set import manifest as m
from reporting.backup_set import tarcommands as t
from reporting.backup_set.bases import last_part
from reporting.backup_set.draft import Draft, Sealed, new_set
from reporting.backup_set.medium import MediumError, MediumReport, explain
from reporting.backup_set.pages import fetcher, record_pages
from reporting.backup_set.request import BackupRequest, TreeRequest
from reporting.backup_set.sqlstream import DumpError
from reporting.backup_set.store import StoreError
from reporting.backup_set.tarstream import TarError
from reporting.contract import BackupMeasures, BackupPart, Output
from reporting.hosts.backup_databases import Inspected, inspect_databases, take_database
from reporting.hosts.backup_environment import NAME as ENVIRONMENT
from reporting.hosts.backup_environment import take_environment
from reporting.hosts.backup_host import Doubt, Host, Outcome, PartFailedError, Progress, finding, plain
from reporting.hosts.backup_tree import Policy, collapsed, take_tree
from reporting.text import harmless

_SHOWN = 20  # problems of one part that are carried in the document; all others are counted


def back_up(
    connection: Any, request: BackupRequest, medium: MediumReport, *, become: bool = False, progress: Progress
) -> Outcome:
    """Make one set. Everything that goes wrong is in the outcome; nothing unverified has a final name.

    Raises:
        AnsibleConnectionFailure: the host could not be reached before anything was taken.
    """
    host = Host(connection, become, request.idle_timeout, progress, rate=request.bandwidth_kib << 10)
    outcome = Outcome()
    inspected = inspect_databases(host.connection, request, outcome, become=become)
    try:
        with new_set(medium, request.site, request.execution) as draft:
            _take_all(host, request, inspected, draft, outcome)
            if request.pages_url:
                fetch = fetcher(request.pages_url, ca_file=request.pages_ca_file or None)
                draft.pages = record_pages(request.pages_url, fetch)
            if not draft.parts:
                outcome.problems.append("nothing could be saved: no set was made")
                return outcome
            report_set(draft.seal(), medium, outcome)
    except MediumError as error:
        outcome.problems.append(f"no set was made: {error}")
    except OSError as error:
        outcome.problems.append(f"no set was made: medium {medium.id}: {explain(error, medium.path)}")
    except (StoreError, TarError) as error:
        outcome.problems.append(f"no set was made: the medium gave back something else than was written: {error}")
    return outcome


# -- taking the parts


def _take_all(host: Host, request: BackupRequest, inspected: Inspected, draft: Draft, outcome: Outcome) -> None:
    tar = t.which_tar(host.ask(c.is_gnu_tar_command())[0]) if request.trees else t.Tar()
    for part in (*request.trees, *inspected.databases):
        try:
            if isinstance(part, TreeRequest):
                problems = _take_tree(host, part, tar, draft, (request, outcome))
            else:
                problems = take_database(host, part, inspected, draft, outcome)
        except AnsibleConnectionFailure as error:
            problems = [f"{part.name}: the connection to the host broke while it was read: {harmless(error)}"]
        except (PartFailedError, TarError, DumpError, AnsibleError) as error:
            problems = [f"{part.name}: not saved: {harmless(error, 800)}"]
        problems += _collapsed(part.name, draft, request.least_percent)
        if request.as_it_is:
            problems = [problem for problem in problems if not isinstance(problem, Doubt)]
        draft.problems += problems
        outcome.problems += _shortened(part.name, problems)
    problems = _take_environment(host, request, draft)
    draft.problems += problems
    outcome.problems += _shortened(ENVIRONMENT, problems)


def _take_environment(host: Host, request: BackupRequest, draft: Draft) -> list[str]:
    if not request.environment or not draft.parts:
        return []
    try:
        return take_environment(host, request, draft)
    except (AnsibleConnectionFailure, AnsibleError, PartFailedError, TarError) as error:
        return [f"{ENVIRONMENT}: not saved: {harmless(error, 800)}"]


def _take_tree(
    host: Host, tree: TreeRequest, tar: t.Tar, draft: Draft, beside: tuple[BackupRequest, Outcome]
) -> list[str]:
    request, outcome = beside
    taken = take_tree(host, tree, tar, draft, Policy(request.full_every, request.retries, request.recorded_sets))
    outcome.findings += taken.findings
    draft.exceptions += taken.exceptions
    return taken.problems


def _collapsed(name: str, draft: Draft, least_percent: int) -> list[str]:
    """A part that was taken is compared with the same one in the newest set that has it."""
    part = next((part for part in draft.parts if part.name == name), None)
    return collapsed(part, last_part(draft.folder.parent, name, part.source), least_percent) if part else []


def _shortened(name: str, problems: list[str]) -> list[str]:
    if len(problems) <= _SHOWN:
        return problems
    return [*problems[:_SHOWN], f"{name}: and {len(problems) - _SHOWN} more, all of them in the set's MANIFEST.json"]


# -- what came out


def report_set(sealed: Sealed, medium: MediumReport, outcome: Outcome) -> None:
    """Turn the named set into outputs and measures."""
    kinds = {part.file: "backup_tree" if part.kind == "tree" else "backup_database" for part in sealed.manifest.parts}
    outcome.outputs = [
        Output(
            name=kinds.get(name, "backup_papers"),
            place="medium",
            path=f"{sealed.path}/{name}",
            bytes=size,
            sha256=digest,
            verified=sealed.verified,
        )
        for name, (digest, size) in sorted(sealed.files.items())
    ]
    outcome.measures = BackupMeasures(
        backup_set=sealed.path.rpartition("/")[2],
        medium=medium.id,
        medium_kind=medium.kind,
        medium_label=medium.label,
        medium_uuid=medium.uuid,
        medium_bytes=medium.total_bytes,
        medium_free_bytes=_free(medium),
        parts=[_measured(part, sealed) for part in sealed.manifest.parts],
    )


def _measured(part: m.Part, sealed: Sealed) -> BackupPart:
    members = part.tree.files if part.tree else len(part.database.tables) if part.database else 0
    return BackupPart(
        name=part.name,
        kind=part.kind,
        source=harmless(part.source),
        path=f"{sealed.path}/{part.file}",
        source_bytes=part.source_bytes,
        stored_bytes=part.stored_bytes,
        members=members,
        sha256=part.sha256,
        seconds=part.seconds,
        verified=sealed.verified,
        line_bytes=part.line_bytes,
        carried_members=part.tree.carried_members if part.tree else 0,
    )


def _free(medium: MediumReport) -> int:
    space = os.statvfs(medium.path)
    return space.f_bavail * space.f_frsize


__all__ = ["Outcome", "Progress", "back_up", "finding", "inspect_databases", "plain", "report_set"]
