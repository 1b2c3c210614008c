"""Activity 2 where there is no shell: cPanel's HTTPS port gives databases and the home directory as streams.

Two ways to the files: `stream`, cPanel's download of the home directory, which needs no room on the host; `full`, a
full backup that cPanel makes in the home directory, which is fetched when it is whole and then removed. Databases come
one by one as dumps in both (`/getsqlbackup/`), and are watched as every other dump is.

Nothing that cPanel says is taken for proof: a started backup is none, an archive counts when its gzip trailer and its
end of tar were seen, a dump when its last line was. Known from documentation and an emulator only.
"""

from __future__ import annotations

import re
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from reporting.backup_set import manifest as m
from reporting.backup_set.draft import Draft, Origin, new_set
from reporting.backup_set.medium import MediumError, MediumReport, explain
from reporting.backup_set.request_cpanel import CpanelBackupRequest
from reporting.backup_set.sqlstream import DumpError, MariadbDump
from reporting.backup_set.store import Source, StoreError
from reporting.backup_set.tarstream import TarError
from reporting.contract import Requirement
from reporting.hosts.backup_host import Counted, Outcome, Progress, finding
from reporting.hosts.cpanel import Cpanel, CpanelError, Download, number
from reporting.hosts.site_backup import report_set
from reporting.text import harmless

_CHUNK = 1 << 20
_FIRST_POLL, _LAST_POLL = 1.0, 15.0  # seconds between two looks for an archive
_STABLE = 3  # looks in a row at which its size is the same
_COLLAPSED = 0.5  # fewer files than this share of what the quota counts: not the whole account


class GunzipError(ValueError):
    """What came is no whole gzip file."""


class Gunzip:
    """The source bytes of a gzip stream; its end counts only with the trailer (RFC 1952: CRC-32 and length)."""

    def __init__(self, source: Source, name: str) -> None:
        self._source, self._name = source, name
        self._inflater = zlib.decompressobj(wbits=31)

    def read(self, size: int = _CHUNK, /) -> bytes:
        """Up to `size` bytes; empty at the verified end.

        Raises:
            GunzipError: no gzip, damaged, or cut before its trailer.
        """
        while True:
            if self._inflater.eof and not self._next_member():
                return b""
            packed = self._inflater.unconsumed_tail or self._source.read(_CHUNK) or b""
            if not packed:
                raise GunzipError(f"{self._name}: the gzip stream ends before its trailer: it was cut")
            try:
                piece = self._inflater.decompress(packed, size)
            except zlib.error as error:
                raise GunzipError(f"{self._name}: no gzip file, or a damaged one ({error})") from None
            if piece:
                return piece

    def _next_member(self) -> bool:
        """A gzip file may have several members; whatever else follows the trailer is damage."""
        rest = self._inflater.unused_data or self._source.read(_CHUNK) or b""
        if not rest.strip(b"\0"):  # padding is allowed
            return False
        self._inflater = zlib.decompressobj(wbits=31)
        self._source = _Again(rest, self._source)
        return True


class _Again:
    """A source with bytes put back in front of it."""

    def __init__(self, first: bytes, rest: Source) -> None:
        self._first, self._rest = first, rest

    def read(self, size: int, /) -> bytes:
        if self._first:
            first, self._first = self._first, b""
            return first
        return self._rest.read(size) or b""


@dataclass(frozen=True)
class _Archive:
    """A full backup in the home directory, as cPanel lists it."""

    path: str
    size: int
    ready: bool | None  # None: the server cannot tell


class _Watcher:
    """Sees a dump of cPanel's on its way. Which tables there should be, the API does not tell."""

    kind: m.DatabaseKind = "mariadb"

    def __init__(self, name: str, used: int) -> None:
        self._dump = MariadbDump()
        self._name, self._used = name, used
        self.problems: list[str] = []
        self.feed = self._dump.feed

    def finish(self) -> m.Database:
        self._dump.check([])
        self.problems += [f"database {self._name}: not in the dump: {harmless(text)}" for text in self._dump.denied]
        if not self._dump.tables:
            self.problems.append(f"database {self._name} has no table in its dump: is it the right one?")
        elif not self._dump.has_rows and self._used:
            self.problems.append(f"database {self._name}: all of its {len(self._dump.tables)} tables are empty")
        return m.Database(tables=sorted(name.decode("utf-8", "replace") for name in self._dump.tables))


def back_up_cpanel(client: Cpanel, request: CpanelBackupRequest, medium: MediumReport, progress: Progress) -> Outcome:
    """Make one set of a cPanel account. Everything that goes wrong is in the outcome; nothing unverified has a name."""
    outcome = Outcome()
    databases = _databases(client, request, outcome)
    archive: _Archive | None = None
    try:
        with new_set(medium, request.site, request.execution) as draft:
            taking = _Taking(client, request, draft, outcome, progress)
            if request.home != "none":
                archive = taking.home(databases)
            for name, used in databases.items():
                taking.database(name, used)
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
    if archive is not None and outcome.measures is not None:  # else it is the only copy that this run made
        _remove(client, archive, outcome)
    return outcome


def _databases(client: Cpanel, request: CpanelBackupRequest, outcome: Outcome) -> dict[str, int]:
    """Name and bytes of every database that is wanted; adds the requirement `database_access` where any is."""
    if request.databases == []:
        return {}
    try:
        listed = client.call("Mysql", "list_databases") or []
        there = {str(entry["database"]): number(entry.get("disk_usage")) for entry in listed}
    except (CpanelError, KeyError, TypeError) as error:
        outcome.requirements.append(Requirement(name="database_access", ok=False, reason=harmless(error, 1000)))
        return {}
    wanted = list(there) if request.databases == "all" else request.databases
    gone = [name for name in wanted if name not in there]
    shown = harmless(", ".join(gone or wanted) or "the account has none", 1500)
    reason = f"cPanel knows no database {shown}" if gone else f"cPanel lists: {shown}"
    outcome.requirements.append(Requirement(name="database_access", ok=not gone, reason=reason))
    return {name: there[name] for name in wanted if name in there}


@dataclass
class _Taking:
    """The parts of one set, one after the other."""

    client: Cpanel
    request: CpanelBackupRequest
    draft: Draft
    outcome: Outcome
    progress: Progress

    def database(self, name: str, used: int) -> None:
        """One database as a dump."""
        watcher = _Watcher(name, used)
        part = _part_name(name, {p.name for p in self.draft.parts})
        with self._noted(f"database {name}"):
            with self.client.download(f"/getsqlbackup/{name}.sql.gz") as download:
                source = Counted(Gunzip(download, f"the dump of {harmless(name, 64)}"), part, self.progress)
                self.draft.add_database(Origin(part, name, "cPanel getsqlbackup"), source, watcher)
            self._problems(watcher.problems)

    def home(self, databases: dict[str, int]) -> _Archive | None:
        """The home directory; returns the archive that cPanel left there, if it did."""
        archive = None
        with self._noted("home directory"):
            if self.request.home == "full":
                archive = _full_backup(self.client, self.request, self.progress)
                with self.client.download_file(archive.path) as download:
                    tree = self._take(download, "cPanel full backup", harmless(archive.path, 200))
                self._problems(_lacking(self._names(tree), list(databases)))
            else:
                with self.client.download(_home_path(self.client)) as download:
                    tree = self._take(download, "cPanel home directory", "the home directory")
            self._problems(self._collapsed(tree))
        return archive

    def _take(self, download: Download, method: str, name: str) -> m.Tree:
        source = Counted(Gunzip(download, name), "home", self.progress)
        part = self.draft.add_tree(Origin("home", "~", method), source, [])
        if part.tree is None:
            raise TarError("the part that came is no tree")
        return part.tree

    def _names(self, tree: m.Tree) -> list[bytes]:
        """The files of the tree, as its list has them."""
        lines = (self.draft.folder / tree.files_list).read_bytes().splitlines()
        return [line.partition(b"  ")[2] for line in lines]

    def _collapsed(self, tree: m.Tree) -> list[str]:
        """Files that the account does not own are silently absent: the quota knows how many there are."""
        try:
            quota = self.client.call("Quota", "get_quota_info")
            used = number(quota.get("inodes_used")) if isinstance(quota, dict) else 0
        except CpanelError as error:
            self.outcome.findings.append(
                finding(
                    "cpanel_no_quota",
                    "info",
                    "cPanel does not tell how many files there are",
                    str(error),
                    title_id="cPanel tidak memberitahukan jumlah berkas",
                )
            )
            return []
        came = tree.files + tree.directories + tree.links
        if came >= _COLLAPSED * used:
            return []
        return [f"home directory: {came} files and folders came, the quota counts {used}: is all of it there?"]

    def _problems(self, problems: list[str]) -> None:
        self.draft.problems += problems
        self.outcome.problems += problems

    @contextmanager
    def _noted(self, what: str) -> Iterator[None]:
        """What one part fails of is noted; the others are still taken."""
        try:
            yield
        except (CpanelError, GunzipError, TarError, DumpError) as error:
            self._problems([f"{harmless(what, 100)}: not saved: {harmless(error, 800)}"])


def _part_name(database: str, taken: set[str]) -> str:
    """A file name for a database: names may hold what FAT32 and people cannot."""
    plain = re.sub(r"[^a-z0-9_-]+", "-", database.lower()).strip("-_")[:50] or "db"
    name, number_ = plain, 2
    while name in taken or name == "home":
        name, number_ = f"{plain}-{number_}", number_ + 1
    return name


def _home_path(client: Cpanel) -> str:
    """Where cPanel's page "Download a Home Directory Backup" points to."""
    data = client.call("DomainInfo", "list_domains")
    domain = data.get("main_domain") if isinstance(data, dict) else None
    if not isinstance(domain, str) or not re.fullmatch(r"[A-Za-z0-9.-]{1,253}", domain):
        raise CpanelError("protocol", f"{client!r}: DomainInfo::list_domains names no main domain")
    now = datetime.now(UTC)  # part of the name that the browser would save it as; cPanel makes it on the spot
    return f"/getbackup/backup-{domain}-{now.month}-{now.day}-{now.year}.tar.gz"


# -- a full backup: asked for, waited for, looked at


def _full_backup(client: Cpanel, request: CpanelBackupRequest, progress: Progress) -> _Archive:
    """Have cPanel make a full backup, and wait until it is whole.

    Raises:
        CpanelError: it was refused, never appeared, or never stopped growing.
    """
    home, user = _home(client)
    before = {a.path for a in _archives(client, home, user)}
    client.call("Backup", "fullbackup_to_homedir")
    deadline = time.monotonic() + request.wait_minutes * 60
    pause, last, same = min(_FIRST_POLL, request.poll_seconds), -1, 0
    while time.monotonic() < deadline:
        time.sleep(pause)
        pause = min(pause * 1.5, _LAST_POLL, request.poll_seconds)
        new = [a for a in _archives(client, home, user) if a.path not in before]
        if len(new) != 1:
            continue
        archive = new[0]
        progress("full backup on the host", archive.size)
        same = same + 1 if archive.size == last and archive.size else 0
        last = archive.size
        if archive.ready or (archive.ready is None and same >= _STABLE):
            return archive
    what = f"still growing ({last} bytes)" if last > 0 else "nowhere in the home directory"
    raise CpanelError(
        "timeout",
        f"{client!r}: cPanel said that the full backup began, but after {request.wait_minutes:g} minutes its archive "
        f"is {what}: {_room(client)}",
    )


def _home(client: Cpanel) -> tuple[str, str]:
    data = client.call("Variables", "get_user_information")
    known = data if isinstance(data, dict) else {}
    home, user = str(known.get("home", "")), str(known.get("user", ""))
    if not home.startswith("/") or not re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", user):
        raise CpanelError("protocol", f"{client!r}: Variables::get_user_information names no home directory")
    return home, user


def _archives(client: Cpanel, home: str, user: str) -> list[_Archive]:
    """The full backups that lie in the home directory. Three patterns of names are in use."""
    name = re.compile(rf"backup-[0-9._-]{{4,40}}_{re.escape(user)}\.tar\.gz")
    try:
        listed = client.call("BackupInfo", "list") or []
        entries = [(str(e.get("fullpath") or e.get("name")), e.get("sizeBytes"), e.get("status")) for e in listed]
    except CpanelError as error:
        if error.kind != "status":
            raise
        found = client.call("Fileman", "list_files", dir=home, types="file") or []  # an older server
        entries = [(str(e.get("fullpath") or e.get("file")), e.get("size"), None) for e in found]
    archives = []
    for path, size, status in entries:
        whole = path if path.startswith("/") else f"{home}/{path}"
        if name.fullmatch(whole.rpartition("/")[2]) and whole.startswith(f"{home}/"):
            archives.append(_Archive(whole, number(size), None if status is None else status == "ready"))
    return archives


def _room(client: Cpanel) -> str:
    """What the quota says, for whoever has to find out why nothing came."""
    try:
        quota: Any = client.call("Quota", "get_quota_info")
        limit, left = number(quota.get("megabyte_limit")), number(quota.get("megabytes_remain"))
    except (CpanelError, AttributeError) as error:
        return f"and the quota cannot be asked ({harmless(error, 200)})"
    return f"the account has {left} MB of {limit} MB left" if limit else "the account has no limit of its own"


def _lacking(names: list[bytes], databases: list[str]) -> list[str]:
    """What a full backup should hold and does not."""
    inside = [name.partition(b"/")[2] for name in names]
    problems = [
        f"database {harmless(name, 64)}: not in the full backup (mysql/{harmless(name, 64)}.sql)"
        for name in databases
        if f"mysql/{name}.sql".encode() not in inside
    ]
    if not any(name.startswith(b"homedir/") for name in inside):
        problems.append("the full backup holds no file of the home directory (homedir/ is empty)")
    if b"homedir/cpbackup-exclude.conf" in inside:
        problems.append("~/cpbackup-exclude.conf leaves files out of every full backup: remove it, or use `stream`")
    return problems


def _remove(client: Cpanel, archive: _Archive, outcome: Outcome) -> None:
    """Take our own archive away again: it counts against the account's quota."""
    try:
        client.call_api2("Fileman", "fileop", op="unlink", sourcefiles=archive.path)
        left = any(a.path == archive.path for a in _archives(client, *_home(client)))
        reason, reason_id = ("it is still listed", "masih tercantum di sana") if left else ("", "")
    except CpanelError as error:
        reason = reason_id = str(error)
    if reason:
        size = archive.size / (1 << 20)
        outcome.findings.append(
            finding(
                "cpanel_archive_left",
                "low",
                f"cPanel's archive of {size:,.0f} MiB stays in the home directory",
                f"{archive.path}: {reason}. Remove it in cPanel's File Manager: it counts against the quota",
                title_id=f"arsip cPanel sebesar {size:,.0f} MiB tertinggal di direktori home",
                detail_id=f"{archive.path}: {reason_id}. Hapus lewat File Manager cPanel: arsip itu memakan kuota",
            )
        )


__all__ = ["Gunzip", "GunzipError", "back_up_cpanel"]
