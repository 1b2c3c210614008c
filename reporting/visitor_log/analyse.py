"""The whole analysis of any number of log files: every line accounted for, counted, and looked at."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, closing
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

import polars as pl
import zstandard

from reporting.contract import Finding, VisitorLogMeasures
from reporting.files import whole_file
from reporting.text import harmless
from reporting.visitor_log import detect, tally
from reporting.visitor_log.lines import CHUNK_BYTES, Chunk, Readable, chunks
from reporting.visitor_log.parse import parse, reject_overlong
from reporting.visitor_log.rules import RuleSet, built_in

_TOP = 50
_MERGE_AFTER = 16  # chunks whose partial counts are kept apart before they are merged: bounds memory, saves work
_REJECT_TEXT = 2_000  # characters of a rejected line in rejects.log; the evidence file has it whole
Opener = Callable[[], AbstractContextManager[Readable]]


@dataclass(frozen=True)
class Source:
    """One log file to analyse: its name as people know it, and how to open it."""

    name: str
    open: Opener


@dataclass
class FileLines:
    """What became of the lines of one file. parsed + rejected = total."""

    name: str
    total: int = 0
    parsed: int = 0
    rejected: int = 0
    bytes: int = 0
    reasons: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Analysis:
    """Everything that was found out."""

    files: list[FileLines]
    counts: tally.Counts
    suspicions: list[detect.Suspicion]
    zone: str
    rules: RuleSet

    def measures(self) -> VisitorLogMeasures:
        """The contract's figures of activity 3. At most 400 days and 50 paths; `analysis.json` has all days."""
        first, last = self.counts.first, self.counts.last
        return VisitorLogMeasures(
            files=len(self.files),
            lines_total=sum(f.total for f in self.files),
            lines_parsed=sum(f.parsed for f in self.files),
            lines_rejected=sum(f.rejected for f in self.files),
            bytes_collected=sum(f.bytes for f in self.files),
            first_at=None if first is None else datetime.fromtimestamp(first, UTC),
            last_at=None if last is None else datetime.fromtimestamp(last, UTC),
            days=self.counts.days()[-400:],
            top_paths=[t.model_copy(update={"name": harmless(t.name, 300)}) for t in self.counts.top_paths(_TOP)],
            suspicious=detect.tallies(self.suspicions),
        )

    def findings(self, site: str) -> list[Finding]:
        """One finding a class of suspicion, worst first."""
        return detect.findings(self.suspicions, self.rules, site)

    def document(self, site: str) -> dict[str, Any]:
        """Everything, as plain JSON values: the content of `analysis.json`."""
        measures = self.measures().model_dump(mode="json")
        measures["days"] = [day.model_dump(mode="json") for day in self.counts.days()]
        return {
            "site": site,
            "zone": self.zone,
            "measures": measures,
            "files": [{**asdict(f), "name": harmless(f.name, 1_000)} for f in self.files],
            "findings": [f.model_dump(mode="json") for f in self.findings(site)],
        }


def analyse(
    sources: Iterable[Source],
    zone: ZoneInfo,
    rejects: BinaryIO | None = None,
    rules: RuleSet | None = None,
    chunk_bytes: int = CHUNK_BYTES,
) -> Analysis:
    """Parse, count and inspect every line of `sources`.

    Args:
        sources: the files, in the order in which they are to be listed.
        zone: the agency's zone: days are its days.
        rejects: receives one line for each line that could not be read: file, line number, reason, text (harmless).
        rules: what is suspicious; the built-in rules by default.
        chunk_bytes: how much is parsed at once.

    Raises:
        OSError, zstandard.ZstdError: a source could not be read to its end.
    """
    with_rules = rules or built_in()
    run = _Run(zone, with_rules, rejects)
    for source in sources:
        with source.open() as stream:
            run.file(source.name)
            for chunk in chunks(stream, chunk_bytes):
                run.chunk(chunk)
    run.settle()
    suspicions = detect.suspicions(run.hits[0], with_rules, zone)
    return Analysis(run.files, run.counts[0], suspicions, zone.key, with_rules)


class _Run:
    """Partial results of one analysis, merged now and then."""

    def __init__(self, zone: ZoneInfo, rules: RuleSet, rejects: BinaryIO | None) -> None:
        self.zone = zone
        self.rules = rules
        self.rejects = rejects
        self.files: list[FileLines] = []
        self.counts: list[tally.Counts] = []
        self.hits: list[pl.DataFrame] = []

    def file(self, name: str) -> None:
        self.files.append(FileLines(name))

    def chunk(self, chunk: Chunk) -> None:
        parsed = reject_overlong(chunk.data, chunk.overlong) if chunk.overlong else parse(chunk.data)
        if parsed.rows.height + parsed.rejects.height != parsed.total or parsed.total != chunk.lines:
            counted = f"{parsed.rows.height} parsed, {parsed.rejects.height} rejected, {chunk.lines} lines"
            raise AssertionError(f"{self.files[-1].name}, from line {chunk.first_line}: {counted}: a line was lost")
        file = self.files[-1]
        file.total += parsed.total
        file.parsed += parsed.rows.height
        file.rejected += parsed.rejects.height
        file.bytes += chunk.overlong + 1 if chunk.overlong else len(chunk.data)
        self._reject(parsed.rejects, chunk.first_line)
        if not parsed.rows.is_empty():
            rows = tally.with_day(parsed.rows, self.zone)
            self.counts.append(tally.count(rows))
            self.hits.append(detect.hits_of(rows, self.rules))
        if len(self.counts) >= _MERGE_AFTER:
            self.settle()

    def settle(self) -> None:
        self.counts = [tally.merge(self.counts)]
        self.hits = [detect.merge_hits(self.hits)]

    def _reject(self, rejects: pl.DataFrame, first_line: int) -> None:
        file = self.files[-1]
        for line, reason, text in rejects.iter_rows():
            kind = str(reason).partition(" (")[0]
            file.reasons[kind] = file.reasons.get(kind, 0) + 1
            if self.rejects is not None:
                shown = f"{harmless(file.name, 500)}\t{first_line + line}\t{reason}\t{harmless(text, _REJECT_TEXT)}\n"
                self.rejects.write(shown.encode())


def plain_file(path: Path, name: str | None = None) -> Source:
    """A log file as it lies there."""
    return Source(name or path.name, lambda: path.open("rb"))


def zst_file(path: Path, name: str) -> Source:
    """A log file in the archive, compressed with zstd."""

    def opened() -> AbstractContextManager[Readable]:
        return zstandard.open(path, "rb")  # type: ignore[no-any-return]

    return Source(name, opened)


def empty_file(name: str) -> Source:
    """A log file without new lines."""
    return Source(name, lambda: closing(BytesIO()))


def write_results(
    folder: Path, site: str, sources: Iterable[Source], zone: ZoneInfo, about: dict[str, Any] | None = None
) -> Analysis:
    """Analyse and leave `rejects.log.zst` and `analysis.json` (with `about` in it) in `folder`, whole or not there."""
    compressor = zstandard.ZstdCompressor(level=3, write_checksum=True)
    with whole_file(folder / "rejects.log.zst") as raw, compressor.stream_writer(raw, closefd=False) as rejects:
        analysis = analyse(sources, zone, rejects=rejects)
    with whole_file(folder / "analysis.json") as out:
        out.write(json.dumps({**analysis.document(site), **(about or {})}, ensure_ascii=False, indent=1).encode())
    return analysis
