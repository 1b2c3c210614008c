"""Activity 3 on one site, from the host's log files to the parts of its result document."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from reporting.contract import MAX_DOCUMENT_BYTES, Finding, Output, Requirement, VisitorLogMeasures
from reporting.files import sha256_file
from reporting.text import harmless
from reporting.visitor_log.analyse import Analysis, Source, empty_file, write_results, zst_file
from reporting.visitor_log.collect import Collected, CollectError, Harvest, Host, Memory, collect
from reporting.visitor_log.state import State

REQUIREMENT = "log_access"
# How many paths, samples of a finding, outputs and problems the document names; the archive holds all.
_KEEP = ((50, 5, 200, 50), (25, 3, 60, 20), (10, 1, 20, 5), (0, 0, 5, 1))
_ROOM = MAX_DOCUMENT_BYTES - 32 * 1024  # the rest is for the other requirements and the site's name
_REASON = 1_900  # characters


@dataclass(frozen=True)
class Request:
    """What to collect and where to put it."""

    site: str
    patterns: Sequence[str]
    zone: ZoneInfo
    evidence: Path  # folder of this execution; its files get their final names there
    state: Path  # folder of the collection states, one file a site
    execution: str | None = None  # its id in the record; None when nobody records
    recorded: Sequence[str] | None = None  # ids of earlier executions that the record holds; None: nobody to ask


@dataclass(frozen=True)
class Outcome:
    """The parts of the result document, and whether there was anything new."""

    requirement: Requirement
    outputs: list[Output] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    measures: VisitorLogMeasures | None = None
    findings: list[Finding] = field(default_factory=list)
    new_bytes: int = 0

    def document(self) -> dict[str, Any]:
        """The parts as plain JSON values, without the requirements of other roles; never too large to be carried.

        What a log shows is chosen by strangers: lists are shortened until it fits. `analysis.json` has them whole.
        """
        for keep in _KEEP:
            document = self._shortened(*keep)
            if len(json.dumps(document)) <= _ROOM:
                break
        return document

    def _shortened(self, paths: int, samples: int, outputs: int, problems: int) -> dict[str, Any]:
        measures = self.measures.model_dump(mode="json") if self.measures else None
        if measures:
            measures["top_paths"] = measures["top_paths"][:paths]
        found = [one.model_dump(mode="json") for one in self.findings]
        return {
            "activity": 3,
            "requirements": [self.requirement.model_dump(mode="json")],
            "outputs": [one.model_dump(mode="json") for one in self.outputs[:outputs]],
            "output_problems": _some(self.problems, problems),
            "measures": measures,
            "findings": [{**one, "samples": one["samples"][:samples]} for one in found],
            "findings_total": len(found),
        }


def carry_out(host: Host, request: Request) -> Outcome:
    """Collect what is new, analyse it, leave it all in the evidence folder, and only then remember that it was read.

    A log that is missing or cannot be read is a problem of the output, and named; the others are collected. No new
    lines is a good output: the log was looked at.

    Raises:
        CollectError: the state cannot be used, a path is no path, the host does not answer as it should.
        OSError: the evidence or the state cannot be written; nothing is remembered then.
    """
    state = State(request.state / f"{request.site}.json", request.site)
    with state.locked():
        state.load(request.recorded)
        memory = Memory(state.known)
        harvest = collect(host, request.patterns, memory, request.evidence)
        if not harvest.files:
            return Outcome(_requirement(harvest), problems=harvest.problems)
        collection = [_described(one) for one in harvest.files]
        sources = [_source(request.evidence, one) for one in harvest.files]
        analysis = write_results(request.evidence, request.site, sources, request.zone, {"collection": collection})
        problems = harvest.problems + _read_back(harvest, analysis) + _all_rejected(analysis)
        outputs = _outputs(request.evidence, harvest)
        state.save(memory.known, request.execution)
    return Outcome(
        requirement=_requirement(harvest),
        outputs=outputs,
        problems=problems,
        measures=analysis.measures(),
        findings=analysis.findings(request.site),
        new_bytes=sum(one.new_bytes for one in harvest.files),
    )


def would_read(host: Host, request: Request) -> Outcome:
    """For check mode: which logs are there and readable. Writes nothing, and collects nothing."""
    found = host.find(request.patterns)
    readable = [one for one in found if one.kind == "file"]
    unreadable = [harmless(one.path, 300) for one in found if one.kind == "unreadable"]
    return Outcome(_requirement(Harvest(matched=len(readable) + len(unreadable), unreadable=unreadable)))


def _requirement(harvest: Harvest) -> Requirement:
    if not harvest.matched:
        reason = "; ".join(harvest.problems[:3]) or "no log file is there (visitor_log_paths)"
        return Requirement(name=REQUIREMENT, ok=False, reason=reason[:_REASON])
    if harvest.unreadable:
        names = ", ".join(harvest.unreadable[:5])
        reason = f"{len(harvest.unreadable)} of {harvest.matched} log files not readable for this account: {names}"
        return Requirement(name=REQUIREMENT, ok=False, reason=reason[:_REASON])
    return Requirement(name=REQUIREMENT, ok=True, reason=f"log files readable: {harvest.matched}")


def _source(folder: Path, one: Collected) -> Source:
    return zst_file(folder / one.evidence, one.name) if one.evidence else empty_file(one.name)


def _described(one: Collected) -> dict[str, Any]:
    return {
        "name": harmless(one.name, 1_000),
        "evidence": one.evidence,
        "new_bytes": one.new_bytes,
        "waiting_bytes": one.waiting,  # an unfinished last line; it is collected when it is complete
        "note": one.note,
    }


def _read_back(harvest: Harvest, analysis: Analysis) -> list[str]:
    """Every byte that was collected came back out of the archive."""
    return [
        f"{harmless(one.name, 300)}: {one.new_bytes} bytes were collected, {lines.bytes} read back from {one.evidence}"
        for one, lines in zip(harvest.files, analysis.files, strict=True)
        if one.new_bytes != lines.bytes
    ]


def _all_rejected(analysis: Analysis) -> list[str]:
    """A log of which no line can be read was not watched."""
    return [
        f"{harmless(one.name, 300)}: none of its {one.total} lines is in the combined or common format"
        for one in analysis.files
        if one.total and not one.parsed
    ]


def _outputs(folder: Path, harvest: Harvest) -> list[Output]:
    outputs = []
    names = [("visitor_log_analysis", "analysis.json"), ("visitor_log_rejects", "rejects.log.zst")]
    names += [("visitor_log", one.evidence) for one in harvest.files if one.evidence]
    for name, file in names[: _KEEP[0][2]]:
        digest, size = sha256_file(folder / file)
        how = "decompressed whole, checksum equal" if file.endswith(".zst") else "read back"
        if name == "visitor_log":
            how = "decompressed whole, bytes as collected, every line parsed or rejected"
        outputs.append(Output(name=name, place="evidence", path=file, bytes=size, sha256=digest, verified=how))
    return outputs


def _some(problems: Sequence[str], count: int) -> list[str]:
    shown = [problem[:1_000] for problem in problems[:count]]
    return shown + ([f"and {len(problems) - count} more"] if len(problems) > count else [])


__all__ = ["REQUIREMENT", "CollectError", "Outcome", "Request", "carry_out", "would_read"]
