"""Only what is new in a host's log files, each byte once, however the files are rotated.

A log is known by its content, never by its name: SHA-256 of its first bytes (up to 4 KiB), how far it was read, and
SHA-256 of the bytes just before that point (the anchor). So ``access.log`` -> ``access.log.1`` -> ``access.log.2.gz``
stays one log; a file truncated after copying is a new one; and a file that merely begins like another is not taken for
it. A gzip file is its members: cPanel appends each day to the month's archive as one more member, and every member that
starts a line is looked up as a log of its own.

What is known is kept by `state`; what a collection learns counts only when that is saved.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any, Literal, Protocol

import zstandard

from reporting.files import whole_file
from reporting.text import harmless
from reporting.visitor_log.lines import Readable

HEAD = 4_096  # bytes that a log is known by: some 25 lines, more than a monitor's equal checks of two sites
_BLOCK = 1 << 18
_LONGEST_WAIT = 8 << 20  # bytes of an unfinished last line that are kept in memory before they count as a line
_ROUNDS = 3  # how often the files are listed again when they were rotated while being read
_COMPRESSED = {b"\xfd7zXZ\x00": "xz", b"BZh": "bzip2", b"(\xb5/\xfd": "zstd", b"PK\x03\x04": "zip"}
_GZIP = b"\x1f\x8b"


class CollectError(Exception):
    """The logs cannot be collected, or the state cannot be used; one line that says what to do."""


class ReadFailed(Exception):
    """One file could not be read to its end; the message says why."""


@dataclass(frozen=True)
class Found:
    """A file that a pattern matched on the host."""

    path: str
    pattern: int
    kind: Literal["file", "unreadable", "special", "outside"] = "file"
    size: int = 0
    head: bytes = b""  # its first bytes, at least HEAD of them if it has so many
    settled: bool = False  # not written to for some minutes: its last line is complete


class Host(Protocol):
    """How files of a host are found and read."""

    def find(self, patterns: Sequence[str]) -> list[Found]:
        """The files that the patterns match; what is not a file of bytes comes with its kind."""

    def read(self, path: str, skip: int) -> AbstractContextManager[Readable]:
        """The bytes of a file from byte `skip` on. Leaving the context raises ReadFailed when reading failed."""


@dataclass(frozen=True)
class Known:
    """A log that was read before, up to byte `offset` of its content."""

    head_bytes: int
    head_sha256: str
    offset: int
    anchor_bytes: int  # just before `offset`
    anchor_sha256: str
    name: str  # where it was seen last: for people, and to choose among logs that begin alike


@dataclass(frozen=True)
class Collected:
    """What became of one file: the evidence file that holds its new bytes, or None when there were none."""

    name: str  # its path on the host
    new_bytes: int
    evidence: str | None = None
    waiting: int = 0  # bytes of an unfinished last line, left for the next time
    note: str = ""


@dataclass
class Harvest:
    """What one collection brought."""

    files: list[Collected] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    matched: int = 0  # log files there, readable or not
    unreadable: list[str] = field(default_factory=list)


class Memory:
    """The logs that are known, while a collection goes on."""

    def __init__(self, known: Sequence[Known]) -> None:
        self.known = list(known)

    def like(self, head: bytes, name: str) -> list[Known]:
        """Logs that begin like this, the most alike first."""
        found = [k for k in self.known if len(head) >= k.head_bytes and _sha(head[: k.head_bytes]) == k.head_sha256]
        return sorted(found, key=lambda k: (k.name != name, -k.head_bytes, -k.offset))

    def learn(self, old: Known | None, new: Known) -> None:
        """Replace what was known of a log."""
        if old in self.known:
            self.known.remove(old)
        self.known.append(new)


class _Moved(Exception):
    """The name leads to another file than it did when the files were listed."""


class _Mistaken(Exception):
    """A log begins like a known one but is not it."""

    def __init__(self, known: Known) -> None:
        super().__init__(known.name)
        self.known = known


class _Nothing(Exception):
    """There was nothing new: the evidence file is not kept."""


def collect(host: Host, patterns: Sequence[str], memory: Memory, folder: Path) -> Harvest:
    """Bring what is new in the matching files to `folder`, one zstd file a log; `memory` learns what was read.

    Files are listed again when one changed under our hands (rotation); what was read already is known then.

    Raises:
        CollectError: a pattern that is neither absolute nor below the home folder.
        OSError: the evidence cannot be written.
    """
    harvest = Harvest()
    brought: list[Collected] = []
    quiet: dict[str, Collected] = {}
    for _ in range(_ROUNDS):
        harvest.problems, harvest.unreadable = [], []
        files = _sorted_out(host.find(patterns), patterns, harvest)
        harvest.matched = len(files) + len(harvest.unreadable)
        moved = []
        known_names = {known.name for known in memory.known}
        for found in sorted(files, key=lambda f: (f.path not in known_names, f.path)):
            try:
                one = _collect_file(host, found, memory, folder, len(brought) + 1)
            except _Moved:
                moved.append(found.path)
            except ReadFailed as error:
                harvest.problems.append(f"{harmless(found.path, 300)}: {error}")
            else:
                if one.evidence:
                    brought.append(one)
                else:
                    quiet[one.name] = one
        if not moved:
            break
    else:
        harvest.problems += [f"{harmless(path, 300)}: replaced again and again while it was read" for path in moved]
    names = {one.name for one in brought}
    harvest.files = brought + [one for one in quiet.values() if one.name not in names]
    return harvest


def _sorted_out(listed: Sequence[Found], patterns: Sequence[str], harvest: Harvest) -> list[Found]:
    """The files to read; what cannot be read becomes a problem that names it."""
    for number, pattern in enumerate(patterns):
        if not re.search(r"[*?\[]", pattern) and all(found.pattern != number for found in listed):
            harvest.problems.append(f"{harmless(pattern, 300)}: no such log on the site (visitor_log_paths)")
    unique = {found.path: found for found in reversed(listed)}
    files = []
    for found in unique.values():
        shown = harmless(found.path, 300)
        packed = next((name for magic, name in _COMPRESSED.items() if found.head.startswith(magic)), None)
        if found.kind == "unreadable":
            harvest.unreadable.append(shown)
            harvest.problems.append(f"{shown}: not readable for this account (give it read access, or use become)")
        elif found.kind == "special":
            harvest.problems.append(f"{shown}: not a regular file, left alone (narrow visitor_log_paths)")
        elif found.kind == "outside":
            harvest.problems.append(
                f"{shown}: a link that leads out of its folder, or behind a folder that is a link of another account: "
                "left alone (name the file where it really is in visitor_log_paths)"
            )
        elif packed:
            harvest.problems.append(f"{shown}: compressed with {packed}; plain and gzip are read")
        else:
            files.append(found)
    if not unique and not harvest.problems:
        shown = ", ".join(harmless(pattern, 200) for pattern in patterns)
        harvest.problems.append(f"no log file matches {shown} (visitor_log_paths)")
    return files


@dataclass(frozen=True)
class _Job:
    """One file to read, and what is known about it."""

    found: Found
    memory: Memory
    mistaken: set[Known] = field(default_factory=set)  # logs that it only begins like
    known: Known | None = None

    @property
    def start(self) -> int:
        """The byte to read from: the anchor is read again."""
        return self.known.offset - self.known.anchor_bytes if self.known else 0


def _collect_file(host: Host, found: Found, memory: Memory, folder: Path, number: int) -> Collected:
    job = _Job(found, memory)
    while True:  # every round takes one known log out of consideration: it ends
        known, note = _recognise(job)
        if note:
            return Collected(found.path, 0, note=note)
        try:
            return _bring(host, replace(job, known=known), folder / f"{number:03}-{safe_name(found.path)}.log.zst")
        except _Mistaken as error:
            job.mistaken.add(error.known)


def _recognise(job: _Job) -> tuple[Known | None, str]:
    """The known log that this file continues, if any; and, when there is nothing to read, why."""
    size = job.found.size
    if not size:
        return None, "empty"
    for known in job.memory.like(job.found.head[:HEAD], job.found.path):
        if known in job.mistaken:
            continue
        if known.offset == size and known.name == job.found.path:
            return known, "nothing new"
        if known.offset <= size:  # under another name even an equal length is checked, by the anchor
            return known, ""
        if known.head_bytes == HEAD:
            return known, f"an older copy of {harmless(known.name, 200)}"
    return None, ""


def _bring(host: Host, job: _Job, target: Path) -> Collected:
    """Write what is new in one file to `target`; nothing is written, and nothing learnt, when that fails."""
    found = job.found
    reader: _PlainReader | _GzipReader | None = None
    with suppress(_Nothing), whole_file(target) as raw:
        with zstandard.ZstdCompressor(level=3, write_checksum=True).stream_writer(raw, closefd=False) as out:
            reader = (_GzipReader if found.head.startswith(_GZIP) else _PlainReader)(job, out.write)
            with host.read(found.path, job.start) as stream:
                while data := stream.read(_BLOCK):
                    reader.feed(data)
            reader.finish()
        if not reader.new_bytes:
            raise _Nothing
    if reader is None:
        raise CollectError(f"{target}: could not be begun")
    for old, new in reader.learnt:
        job.memory.learn(old, new)
    return Collected(found.path, reader.new_bytes, target.name if reader.new_bytes else None, reader.waiting)


Write = Callable[[bytes], object]


class _Trail:
    """How far a log was read: drops what is known, checks the anchor, and ends as something Known."""

    def __init__(self, start: int, known: Known | None) -> None:
        self.known = known
        self.position = start  # of the next byte to come
        self.offset = known.offset if known else 0  # of the next byte to keep
        self._last = b""  # the last bytes before `offset`
        self._checked = known is None

    def fresh(self, data: bytes) -> bytes:
        """The part of `data` that was not read before."""
        if self._checked or self.known is None:
            self.position += len(data)
            return data
        old = data[: self.offset - self.position]
        self.position += len(data)
        self._last = (self._last + old)[-HEAD:]
        if self.position >= self.offset:
            self.check()
        return data[len(old) :]

    def check(self) -> None:
        """The bytes before the offset are the ones that were there last time, all of them.

        Raises:
            _Mistaken: they are not, or the log ends before that point: it is another log.
        """
        if self.known is None or self._checked:
            return
        anchor = self._last[-self.known.anchor_bytes :]
        if self.position < self.offset or _sha(anchor) != self.known.anchor_sha256:
            raise _Mistaken(self.known)
        self._checked = True

    def keep(self, data: bytes) -> None:
        """These bytes have gone to the evidence."""
        self.offset += len(data)
        self._last = (self._last + data[-HEAD:])[-HEAD:]

    def learnt(self, head: bytes, name: str) -> list[tuple[Known | None, Known]]:
        """What is known now, and what it replaces; nothing when nothing was kept yet."""
        if not self.offset:
            return []
        begin = head[: min(HEAD, self.offset)]
        new = Known(len(begin), _sha(begin), self.offset, len(self._last), _sha(self._last), name)
        return [(self.known, new)]


class _Lines:
    """Passes whole lines on and keeps an unfinished one back."""

    def __init__(self, write: Write, trail: _Trail) -> None:
        self._write = write
        self.trail = trail
        self._rest = b""

    def feed(self, data: bytes) -> None:
        data = self._rest + data
        cut = data.rfind(b"\n") + 1
        if not cut and len(data) > _LONGEST_WAIT:
            cut = len(data)
        self._pass(data[:cut])
        self._rest = data[cut:]

    def _pass(self, data: bytes) -> None:
        if data:
            self._write(data)
            self.trail.keep(data)

    def at_start(self) -> bool:
        """Whether the next byte begins a line."""
        return not self._rest

    def finish(self, final: bool) -> int:
        """The end of the log. `final`: an unfinished line counts as one. Gives the bytes left waiting."""
        if final:
            self._pass(self._rest)
            self._rest = b""
        return len(self._rest)


class _PlainReader:
    """The new bytes of a plain log file."""

    def __init__(self, job: _Job, write: Write) -> None:
        self._found = job.found
        self._known = job.known
        self._trail = _Trail(job.start, job.known)
        self._lines = _Lines(write, self._trail)
        self._head = job.found.head[:HEAD] if job.known else b""
        self.new_bytes = 0
        self.waiting = 0
        self.learnt: list[tuple[Known | None, Known]] = []

    def feed(self, data: bytes) -> None:
        if self._known is None and len(self._head) < HEAD:
            self._head = (self._head + data)[:HEAD]
        self._lines.feed(self._trail.fresh(data))

    def finish(self) -> None:
        """Raises _Moved when the file does not begin as it did when it was listed."""
        self._trail.check()
        before = self._found.head[:HEAD]
        if not self._head.startswith(before):
            raise _Moved
        self.waiting = self._lines.finish(self._found.settled)
        self.new_bytes = self._trail.offset - (self._known.offset if self._known else 0)
        self.learnt = self._trail.learnt(self._head, self._found.path)


class _GzipReader:
    """The new content of a gzip file: of its new members, what is not known as a log of its own."""

    def __init__(self, job: _Job, write: Write) -> None:
        self._job = job
        self._found = job.found
        self._write = write
        self._packed = _Trail(job.start, job.known)
        self._packed_head = job.found.head[:HEAD] if job.known else b""
        self._inflate: Any = None
        self._log: _Content | None = None
        self.new_bytes = 0
        self.waiting = 0
        self.learnt: list[tuple[Known | None, Known]] = []

    def feed(self, data: bytes) -> None:
        if self._job.known is None and len(self._packed_head) < HEAD:
            self._packed_head = (self._packed_head + data)[:HEAD]
        fresh = self._packed.fresh(data)
        self._packed.keep(fresh)
        while fresh:
            fresh = self._member(fresh)

    def _member(self, data: bytes) -> bytes:
        """Unpack some bytes of a member; gives what belongs to the next one."""
        if self._inflate is None:
            data = data.lstrip(b"\0")  # padding between or after members
            if not data:
                return b""
            self._inflate = zlib.decompressobj(wbits=31)
        if self._log is None:
            self._log = _Content(self._write, self._choose)
        try:
            self._log.feed(self._inflate.decompress(data, _BLOCK * 4))
            while self._inflate.unconsumed_tail:
                self._log.feed(self._inflate.decompress(self._inflate.unconsumed_tail, _BLOCK * 4))
        except zlib.error as error:
            raise ReadFailed(f"broken gzip data ({error})") from error
        if not self._inflate.eof:
            return b""
        rest: bytes = self._inflate.unused_data
        self._inflate = None
        if self._log.at_line_start():
            self._end_log()
        return rest

    def _choose(self, head: bytes) -> Known | None:
        fits = self._job.memory.like(head, self._found.path)
        return next((known for known in fits if known not in self._job.mistaken and known != self._job.known), None)

    def _end_log(self) -> None:
        if self._log is not None:
            passed, learnt = self._log.finish(self._found.path)
            self.new_bytes += passed
            self.learnt += learnt
            self._log = None

    def finish(self) -> None:
        """Raises ReadFailed when the last member is cut off, _Moved when it is another file than the listed one."""
        self._packed.check()
        if not self._packed_head.startswith(self._found.head[:HEAD]):
            raise _Moved
        if self._inflate is not None:
            raise ReadFailed("gzip data ends early: the file is being written, or was cut off")
        self._end_log()
        self.learnt += self._packed.learnt(self._packed_head, self._found.path)


class _Content:
    """The content of one log within a gzip file. Which known log it is shows when its head is there."""

    def __init__(self, write: Write, choose: Callable[[bytes], Known | None]) -> None:
        self._write = write
        self._choose = choose
        self._head = b""
        self._lines: _Lines | None = None

    def feed(self, data: bytes) -> None:
        if self._lines is None:
            self._head += data
            if len(self._head) < HEAD:
                return
            data, self._head = self._head, self._head[:HEAD]
        lines = self._begun()
        lines.feed(lines.trail.fresh(data))

    def _begun(self) -> _Lines:
        if self._lines is None:
            self._lines = _Lines(self._write, _Trail(0, self._choose(self._head)))
        return self._lines

    def at_line_start(self) -> bool:
        """Whether a next member would begin a line, and may be a log of its own."""
        return self._lines.at_start() if self._lines else self._head.endswith(b"\n")

    def finish(self, name: str) -> tuple[int, list[tuple[Known | None, Known]]]:
        """The end of the content: bytes passed on, and what was learnt.

        An unfinished line counts, for a packed file does not grow inside. Content that ends before the point that a
        log of the same beginning was read to is an older copy of that.
        """
        if self._lines is None:
            lines = self._begun()
            lines.feed(lines.trail.fresh(self._head))
        lines = self._begun()
        trail = lines.trail
        if trail.known and trail.position < trail.offset and trail.known.head_bytes == HEAD:
            return 0, []
        trail.check()
        lines.finish(final=True)
        return trail.offset - (trail.known.offset if trail.known else 0), trail.learnt(self._head, name)


def safe_name(path: str) -> str:
    """A file name for the archive, from a path on the host."""
    base = re.sub(r"[^A-Za-z0-9._-]+", "_", PurePosixPath(path).name).lstrip(".-")
    return re.sub(r"\.(?:gz|log)$", "", base)[:80] or "log"


def _sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
