"""What a restore would change on a host: files and tables that are missing there, that differ, that the set has not."""

from __future__ import annotations

import fnmatch
import os
import stat
from dataclasses import dataclass, field

from reporting.backup_set import manifest as m
from reporting.backup_set.extract import show
from reporting.backup_set.sumslist import read_line
from reporting.backup_set.tablefacts import TableContent
from reporting.backup_set.tarread import Entry

_SHOWN = 30


@dataclass
class HostTree:
    """A tree as it is on the host: raw SHA-256 by name, "mode user group" by name, folders, links."""

    above: str
    top: str
    there: bool
    unreadable: str = ""  # what the account may not read of it: it cannot be saved either
    files: dict[bytes, bytes] = field(default_factory=dict)
    modes: dict[bytes, bytes] = field(default_factory=dict)
    folders: set[bytes] = field(default_factory=set)
    links: set[bytes] = field(default_factory=set)


@dataclass
class TreePlan:
    """Names below the folder above the tree. `replaced`: of another kind there, to be removed first."""

    name: str
    host: HostTree
    added: set[bytes] = field(default_factory=set)
    changed: set[bytes] = field(default_factory=set)
    extra: set[bytes] = field(default_factory=set)
    replaced: list[bytes] = field(default_factory=list)
    same: int = 0
    send_bytes: int = 0
    kept_out: int = 0  # extra files that the backup leaves out by setting: never touched
    targets: set[bytes] = field(default_factory=set)  # unchanged, and sent because a hard link to them is
    special_bits: bool = False  # keep setuid and setgid
    stripped: list[bytes] = field(default_factory=list)  # members whose setuid or setgid is taken off

    def send(self, entry: Entry) -> bool:
        """Whether a member has to be sent: folders and links always (they cost nothing), devices never."""
        name = entry.name.rstrip(b"/")
        if entry.kind in ("directory", "symlink"):
            return True
        wanted = name in self.added or name in self.changed or name in self.targets
        return entry.kind in ("file", "hardlink", "fifo") and wanted

    def mode(self, entry: Entry) -> int:
        """The mode that it gets on the host: a set of a hacked site brings no program that runs as somebody else."""
        return entry.mode if self.special_bits else entry.mode & ~(stat.S_ISUID | stat.S_ISGID)

    def describe(self) -> dict[str, object]:
        """For people and --json."""
        return {
            "part": self.name,
            "folder": f"{self.host.above.rstrip('/')}/{self.host.top}",
            "there": self.host.there,
            "added": len(self.added),
            "changed": len(self.changed),
            "extra": len(self.extra),
            "same": self.same,
            "left_out_by_setting": self.kept_out,
            "send_bytes": self.send_bytes,
            "bits_taken_off": len(self.stripped),
            "examples": {
                "added": _examples(self.added),
                "changed": _examples(self.changed),
                "extra": _examples(self.extra),
            },
        }


@dataclass
class DatabasePlan:
    """Tables of one database. `blocked`: why it cannot be restored as asked, and what to do."""

    name: str
    database: str
    there: bool
    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    extra: list[str] = field(default_factory=list)
    extra_views: list[str] = field(default_factory=list)
    same: int = 0
    definers: list[str] = field(default_factory=list)
    blocked: str = ""

    def describe(self) -> dict[str, object]:
        """For people and --json."""
        return {
            "part": self.name,
            "database": self.database,
            "there": self.there,
            "added": len(self.added),
            "changed": len(self.changed),
            "extra": len(self.extra) + len(self.extra_views),
            "same": self.same,
            "definers": self.definers,
            "blocked": self.blocked,
            "examples": {
                "added": self.added[:_SHOWN],
                "changed": self.changed[:_SHOWN],
                "extra": [*self.extra, *self.extra_views][:_SHOWN],
            },
        }


def _examples(names: set[bytes]) -> list[str]:
    return [show(name) for name in sorted(names)[:_SHOWN]]


def read_sums(output: bytes) -> dict[bytes, bytes]:
    """Lines of `sha256sum` over `./top/…`; a line that is none (a name with a line feed under busybox) is passed over.

    Such a file then counts as missing there, and is sent.
    """
    found = {}
    for line in output.split(b"\n"):
        try:
            name, digest = read_line(line)
        except ValueError:
            continue
        found[name.removeprefix(b"./")] = digest
    return found


def read_modes(output: bytes) -> dict[bytes, bytes]:
    """Lines "mode user group ./top/…"."""
    found = {}
    for line in output.split(b"\n"):
        pieces = line.split(b" ", 3)
        if len(pieces) == 4 and pieces[0].isdigit():
            found[pieces[3].removeprefix(b"./")] = b" ".join(pieces[:3])
    return found


def read_names(output: bytes) -> set[bytes]:
    """Names that end with a zero byte."""
    return {name.removeprefix(b"./") for name in output.split(b"\0") if name}


def plan_tree(part: m.Part, host: HostTree, recorded: dict[bytes, bytes]) -> TreePlan:
    """Compare contents; `compare_entry` adds modes, owners and kinds while the set is read."""
    plan = TreePlan(part.name, host)
    for name, digest in recorded.items():
        if name not in host.files:
            plan.added.add(name)
        elif host.files[name] != digest:
            plan.changed.add(name)
        else:
            plan.same += 1
    excludes = [os.fsencode(pattern).strip(b"/") for pattern in part.tree.excludes] if part.tree else []
    for name in sorted((host.files.keys() | host.links) - recorded.keys()):
        if _left_out(name.partition(b"/")[2], excludes):
            plan.kept_out += 1
        else:
            plan.extra.add(name)
    return plan


def compare_entry(plan: TreePlan, entry: Entry, owners: bool) -> None:
    """One member of the set against the host: its kind, its mode, and its owner where we may set it."""
    name = entry.name.rstrip(b"/")
    host = plan.host
    plan.extra.discard(name)  # it is in the set, if only as something else than it is there
    if entry.kind != "symlink" and plan.mode(entry) != entry.mode:
        plan.stripped.append(name)
    if entry.kind == "symlink":
        if name in host.folders:
            plan.replaced.append(name)
        return
    if entry.kind == "directory":
        if name in host.files or name in host.links:
            plan.replaced.append(name)
        return
    if name in host.folders or name in host.links:
        plan.replaced.append(name)
    there = host.modes.get(name)
    if name in plan.added or name in plan.changed or there is None:
        plan.send_bytes += entry.size if name in plan.added or name in plan.changed else 0
        _needs(plan, entry)
        return
    wanted = b"%o %s %s" % (plan.mode(entry), entry.user, entry.group)
    if there != wanted and (owners or there.split(b" ")[0] != wanted.split(b" ")[0]):
        plan.changed.add(name)
        plan.same -= 1
        plan.send_bytes += entry.size
        _needs(plan, entry)


def _needs(plan: TreePlan, entry: Entry) -> None:
    """A hard link is unpacked beside the tree, so what it points at has to be there too."""
    if entry.kind == "hardlink":
        plan.targets.add(entry.target.rstrip(b"/"))


def _left_out(below: bytes, excludes: list[bytes]) -> bool:
    parts = below.split(b"/")
    paths = [b"/".join(parts[:depth]) for depth in range(1, len(parts) + 1)]
    return any(fnmatch.fnmatchcase(path, pattern) for pattern in excludes for path in paths)


def plan_database(part: m.Part, there: bool, tables: list[TableContent], views: list[str]) -> DatabasePlan:
    """Compare rows and digests of each table with those on record."""
    described = part.database or m.Database(tables=[])
    plan = DatabasePlan(part.name, part.source, there, definers=described.definers)
    now = {table.name: (table.rows, table.sha256) for table in tables}
    recorded = {table.name: (table.rows, table.sha256) for table in described.contents}
    for name in described.tables:
        if name not in now:
            plan.added.append(name)
        elif name in recorded and now[name] == recorded[name]:
            plan.same += 1
        else:
            plan.changed.append(name)
    plan.extra = sorted(now.keys() - set(described.tables))
    plan.extra_views = sorted(set(views) - set(described.views))
    return plan


__all__ = [
    "DatabasePlan",
    "HostTree",
    "TreePlan",
    "compare_entry",
    "plan_database",
    "plan_tree",
    "read_modes",
    "read_names",
    "read_sums",
]
