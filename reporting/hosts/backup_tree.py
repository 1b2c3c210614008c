"""One tree of a site into a set: listed, compared with what lies on the medium, and only what changed is read.

A file that changed while it was read is read again; what was listed and neither came nor was named is a problem.
"""

from __future__ import annotations

import secrets
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ansible.errors import AnsibleConnectionFailure

from reporting.backup_set import listing as ls
from reporting.backup_set import manifest as m
from reporting.backup_set import tarcommands as t
from reporting.backup_set.bases import Base, Past, last_set, past_of, unfinished
from reporting.backup_set.commands import NO_PATH, NO_PROGRAM
from reporting.backup_set.draft import Draft, Origin
from reporting.backup_set.index import IndexFileError, decode
from reporting.backup_set.plan import Plan, plan
from reporting.backup_set.request import TreeRequest
from reporting.backup_set.tarstream import CutError, TarError, TarReader
from reporting.backup_set.treewriter import TreeWriter
from reporting.contract import Finding
from reporting.hosts.backup_host import Counted, Doubt, Host, PartFailedError, finding
from reporting.hosts.stream import Ended, HostStream
from reporting.text import harmless

_READ = 1 << 18
_ROUNDS = 3  # how often a file that changes while it is read is read at most
_SHOWN = 50  # names in one finding


@dataclass
class TreeTaken:
    """What came of a tree."""

    part: m.Part
    problems: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    exceptions: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Policy:
    """How often everything is read (every n-th run), and how often a line that broke is tried again.

    `recorded_sets`: SHA-256 of SHA256SUMS by set; only from these are members taken over.
    """

    full_every: int = 7
    retries: int = 1
    recorded_sets: Mapping[str, str] = field(default_factory=dict)


def take_tree(host: Host, tree: TreeRequest, tar: t.Tar, draft: Draft, policy: Policy) -> TreeTaken:
    """Take a tree into the draft.

    Raises:
        AnsibleConnectionFailure: the host cannot be reached. PartFailedError: no whole tree came, however often it was
        tried. OSError, MediumError: the medium.
    """
    failures: list[str] = []
    for attempt in range(policy.retries + 1):
        try:
            return _attempt(host, tree, tar, draft, policy)
        except (CutError, AnsibleConnectionFailure) as error:
            failures.append(harmless(error, 600))
            if attempt == policy.retries:
                if len(failures) == 1 and isinstance(error, AnsibleConnectionFailure):
                    raise
                raise PartFailedError("; tried again: ".join(failures)) from None
        except TarError as error:
            raise PartFailedError("; tried again: ".join([*failures, harmless(error, 600)])) from None
    raise AssertionError("unreachable")


def _attempt(host: Host, tree: TreeRequest, tar: t.Tar, draft: Draft, policy: Policy) -> TreeTaken:
    listing = _list(host, tree)
    past = past_of(draft.folder.parent, tree.name, tree.path, policy.recorded_sets)
    with ExitStack() as stack:
        bases = _bases(draft.rest_of(tree.name), tree, past, policy) if listing.lines and tar.picks else []
        for base in bases:
            stack.enter_context(closing(base.tree))
        todo = _plan(listing, bases)
        origin = Origin(tree.name, tree.path, tar.method + (", changed members only" if todo.carried else ""))
        with draft.tree(origin, listing) as writer:
            taking = _Taking(host, tree, tar, writer, listing, bases)
            writer.taken.line_bytes += listing.received
            if todo.carried:
                writer.taken.carried_from = next((b.label for b in bases if not b.unfinished), "")
                taking.changed_only(todo)
            else:
                taking.everything()
            taking.again()
        part = draft.finish_tree(origin, writer, listing, tree.exclude)
    return taking.report(part, past)


def _list(host: Host, tree: TreeRequest) -> ls.Listing:
    """The tree as it is now; without lines where the host cannot list, which costs only the comparison."""
    mark = f"laman-{secrets.token_hex(8)}"
    with host.run(ls.listing_command(tree.path, mark)) as stream:
        try:
            listing = ls.read_listing(_pieces(stream), mark)
        except ls.ListingError as error:
            ended = stream.finish()
            if ended.code == NO_PATH:
                return ls.Listing("none")  # tar says it, too
            raise CutError(f"{tree.path}: {error}: {ended.last_line() or 'nothing was said'}") from None
        ended = stream.finish()
    if ended.code not in (0, 1):  # find says 1 when it could not look at something
        raise CutError(f"{tree.path}: the host's listing was cut (exit code {ended.code}) {ended.last_line()}")
    top = listing.lines[0].partition(b"\0\0")[0] if listing.lines else b""
    listing.lines = list(ls.without(listing.lines, top, tree.exclude))
    listing.problems = [(name, harmless(line, 400)) for name, line in ls.listing_problems(ended.stderr, tree.path)]
    return listing


def _pieces(stream: HostStream) -> Iterator[bytes]:
    return iter(lambda: stream.read(_READ), b"")


def _bases(rest: Path, tree: TreeRequest, past: Past, policy: Policy) -> list[Base]:
    """What members may be taken from; nothing of an old set when it is time to read everything."""
    found = [unfinished(rest, tree.name, tree.path)]
    if past.since_full + 1 < policy.full_every:
        found.append(last_set(past))
    return [base for base in found if base is not None]


def _plan(listing: ls.Listing, bases: Sequence[Base]) -> Plan:
    """Compare; a base whose index cannot be read is none."""
    try:
        return plan(listing.lines, [base.rows() for base in bases])
    except (IndexFileError, OSError):
        return Plan([], [])


class _Taking:
    """The members of one tree on their way, and what was noticed."""

    def __init__(  # noqa: PLR0913, PLR0917 - what one tree needs
        self,
        host: Host,
        tree: TreeRequest,
        tar: t.Tar,
        writer: TreeWriter,
        listing: ls.Listing,
        bases: Sequence[Base],
    ) -> None:
        self._host, self._tree, self._tar = host, tree, tar
        self._writer, self._listing, self._bases = writer, listing, bases
        self._waiting: Iterator[tuple[bytes, int, bytes]] = iter(())
        self._next: tuple[bytes, int, bytes] | None = None
        self._messages = t.Messages()
        self._damaged: list[bytes] = []
        self._repaired: list[bytes] = []
        self._reread: list[bytes] = []

    # -- reading

    def everything(self) -> None:
        """The host's tar walks the tree."""
        self._read(t.walk_command(self._tree, self._tar))

    def changed_only(self, todo: Plan) -> None:
        """Members of the host and members taken over, in one order."""
        self._waiting = iter(todo.carried)
        self._next = next(self._waiting, None)
        self._writer.before = self._carry_before
        self._read_names([ls.name_of(key) for key in todo.fetched])
        self._writer.before = None
        while self._next is not None:
            self._carry()

    def again(self) -> None:
        """Once more: files that changed while they were read, members damaged where they lay, and what did not come."""
        self._repaired = list(self._damaged)
        for _ in range(_ROUNDS - 1 if self._tar.picks else 0):
            changed = [name for name in dict.fromkeys(self._messages.changed) if self._is_single_file(name)]
            wanted = {*changed, *self._missing()}
            if not wanted:
                return
            self._messages.changed = [name for name in self._messages.changed if name not in wanted]
            self._reread += [name for name in changed if self._writer.members.holds(name)]
            wanted |= {above for name in wanted for above in _above(name)}  # or they would keep the time of a restore
            names = sorted(wanted, key=ls.key_of)  # a set's own order differs from run to run
            self._writer.read_again(name for name in names if self._writer.members.holds(name))
            self._read_names(names)

    def _is_single_file(self, name: bytes) -> bool:
        line = self._line(name)
        if line is None:
            return True
        _, kind, stat = ls.entry(line)
        return kind == "f" and ls.links_of(stat)[1] == 1

    def _read_names(self, names: list[bytes]) -> None:
        batch: list[bytes] = []
        size = 0
        for name in names:
            batch.append(name)
            size += len(name) + 6
            if size >= t.NAMES_BYTES:
                self._read(t.names_command(self._tree), t.names_input(batch))
                batch, size = [], 0
        if batch:
            self._read(t.names_command(self._tree), t.names_input(batch))

    def _read(self, command: str, names: bytes | None = None) -> None:
        reader = TarReader(members=self._writer.members, sink=self._writer)
        with self._host.run(command, names=names) as stream:
            counted = Counted(stream, self._tree.name, self._host.progress)
            try:
                while piece := counted.read(_READ):
                    self._writer.taken.line_bytes += len(piece)
                    reader.feed(piece)
                reader.close()
            except CutError as error:
                raise self._explained(error, stream.finish()) from None
            except TarError as error:
                said = None if stream.read(1) else stream.finish()  # else there is more to come, which nobody wants
                raise (self._explained(error, said) if said else error) from None
            self._take_messages(stream.finish())

    def _explained(self, error: TarError, ended: Ended) -> TarError:
        """What the host said about it; only what a broken line or a killed tar did is worth another try."""
        found = t.read_messages(ended.stderr, ended.code, self._tree.path)
        said = [*found.others, *(line for _, line in found.unreadable)][:5]
        kind = TarError if ended.code in (NO_PATH, NO_PROGRAM) else type(error)
        return kind("; ".join([*said, str(error)]))

    def _take_messages(self, ended: Ended) -> None:
        found = t.read_messages(ended.stderr, ended.code, self._tree.path)
        self._messages.changed += found.changed
        self._messages.unreadable += found.unreadable
        self._messages.others += found.others
        self._messages.gone += found.gone
        if ended.stderr_dropped:
            self._messages.others.append(f"{self._tree.path}: {ended.stderr_dropped} bytes of tar's messages were lost")

    # -- taking over

    def _carry_before(self, name: bytes) -> None:
        key = ls.key_of(name)
        while self._next is not None and self._next[0] < key:
            self._carry()

    def _carry(self) -> None:
        if self._next is None:
            return
        key, number, line = self._next
        self._next = next(self._waiting, None)
        try:
            row = decode(line)
            whole = row.kind != "hardlink" or self._writer.members.holds(row.target)
        except IndexFileError:
            whole = False
        if not whole or not self._writer.carry(self._bases[number].tree, row):
            self._damaged.append(ls.name_of(key))

    # -- what came out

    def report(self, part: m.Part, past: Past) -> TreeTaken:
        """Everything that was noticed, in the contract's terms."""
        path, found = self._tree.path, TreeTaken(part)
        named = self._messages.unreadable + [
            (name, line) for name, line in self._listing.problems
            if name not in {seen for seen, _ in self._messages.unreadable}
        ]  # fmt: skip
        self._decide(named, found)
        found.problems += self._messages.others
        found.problems += [f"{path}: {self._changed}: {_shown(name)}" for name in self._unsettled]
        found.problems += [f"{path}: was there, but did not come: {_shown(name)}" for name in self._missing()]
        if part.tree is not None and part.tree.files == 0:
            found.problems.append(Doubt(f"{path}: holds no file at all: is it the right folder?"))
        name = self._tree.name
        noticed: tuple[tuple[str, Literal["info", "low"], str, str, list[bytes]], ...] = (
            (
                "backup_vanished",
                "info",
                "were gone before they could be read",
                "hilang sebelum sempat dibaca",
                self._messages.gone,
            ),
            (
                "backup_read_again",
                "info",
                "changed while they were read, and were read again",
                "berubah saat dibaca, dan dibaca sekali lagi",
                list(dict.fromkeys(self._reread)),
            ),
            (
                "backup_set_damaged",
                "low",
                f"are damaged in set {past.label}, read from the host again",
                f"rusak dalam set {past.label}, dibaca lagi dari host",
                self._repaired,
            ),
        )
        for kind, severity, title, title_id, names in noticed:
            if names:
                shown, about = ", ".join(_shown(each) for each in names[:_SHOWN]), f"{name}: {len(names)}"
                found.findings.append(
                    finding(kind, severity, f"{about} files {title}", shown, title_id=f"{about} berkas {title_id}")
                )
        if self._tree.exclude:
            title, title_id = f"{name}: left out by setting", f"{name}: dikecualikan menurut pengaturan"
            shown = ", ".join(self._tree.exclude)
            found.findings.append(finding("backup_excludes", "info", title, shown, title_id=title_id))
        return found

    @property
    def _changed(self) -> str:
        return f"changed while it was read {_ROUNDS} times" if self._tar.picks else "changed while it was read"

    @property
    def _unsettled(self) -> list[bytes]:
        """Files that were never read in peace. A folder that changed only got or lost names: those are looked after."""
        return [name for name in dict.fromkeys(self._messages.changed) if self._kind(name) != "d"]

    def _decide(self, named: list[tuple[bytes, str]], found: TreeTaken) -> None:
        """What could not be read is a problem, unless the settings say that it may be missing."""
        accepted = ls.matcher(self._tree.accept)
        left: list[str] = []
        for name, line in named:
            if accepted is not None and accepted.match(ls.key_of(name).partition(b"\0")[2]):
                left.append(line)
            else:
                found.problems.append(line)
        if left:
            found.exceptions += left
            about, shown = f"{self._tree.name}: {len(left)}", "; ".join(left[:_SHOWN])
            title = f"{about} files could not be read, which the settings accept"
            title_id = f"{about} berkas tidak dapat dibaca, dan diterima menurut pengaturan"
            found.findings.append(finding("backup_accepted", "low", title, shown, title_id=title_id))

    def _missing(self) -> list[bytes]:
        """What was listed and did not come, and was not named as gone or unreadable either."""
        known = {name for name, _ in (*self._messages.unreadable, *self._listing.problems)} | set(self._messages.gone)
        listed = ((ls.name_of(key), kind) for key, kind, _ in map(ls.entry, self._listing.lines))
        return [
            name for name, kind in listed if kind != "s" and name not in known and not self._writer.members.holds(name)
        ]

    def _kind(self, name: bytes) -> str:
        line = self._line(name)
        return ls.entry(line)[1] if line else "f"  # it was not there yet when the tree was listed

    def _line(self, name: bytes) -> bytes | None:
        lines, start = self._listing.lines, ls.key_of(name) + b"\0\0"
        position = bisect_left(lines, start)
        return lines[position] if position < len(lines) and lines[position].startswith(start) else None


def _above(name: bytes) -> Iterator[bytes]:
    """The folders that a member lies in."""
    while b"/" in name:
        name = name.rpartition(b"/")[0]
        yield name


def _shown(name: bytes) -> str:
    return harmless(name.decode("utf-8", "backslashreplace"), 300)


def collapsed(part: m.Part, past: m.Part | None, least_percent: int) -> list[str]:
    """Whether a part is suspiciously small beside the same one in the last set; `least_percent` of it is enough."""
    if past is None or not least_percent:
        return []
    figures = [("bytes", part.source_bytes, past.source_bytes)]
    if part.tree is not None and past.tree is not None:
        figures = [("files", part.tree.files, past.tree.files), ("bytes", part.tree.file_bytes, past.tree.file_bytes)]
    return [
        f"{part.source}: {now:,} {what}, in the last set it had {before:,}: less than {least_percent} %. "
        "If that is right, one run without site_backup_least_percent"
        for what, now, before in figures
        if now * 100 < before * least_percent
    ]


__all__ = ["Policy", "TreeTaken", "collapsed", "take_tree"]
