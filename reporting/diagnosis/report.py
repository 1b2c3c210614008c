"""What is handed over of a diagnosis: measures for the record, a JSON file and a readable text as evidence."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

from reporting.contract import CheckSeen, DiagnosisMeasures, Output
from reporting.diagnosis.model import Check
from reporting.diagnosis.request import DiagnosisRequest
from reporting.diagnosis.rules import Cause
from reporting.files import sha256_file, write_whole

JSON_NAME, TEXT_NAME = "diagnosis.json", "diagnosis.txt"
_MARK = {"ok": "ok", "problem": "PROBLEM", "unknown": "unknown", "skipped": "skipped"}


@dataclass(frozen=True)
class Diagnosis:
    """A whole diagnosis. `cause` None: nothing was found."""

    request: DiagnosisRequest
    began_at: datetime
    ended_at: datetime
    entered: bool
    checks: Sequence[Check]
    cause: Cause | None

    def measures(self) -> DiagnosisMeasures:
        """As the contract carries it."""
        return DiagnosisMeasures(
            began_at=self.began_at,
            ended_at=self.ended_at,
            entered=self.entered,
            checks=[
                CheckSeen(name=c.name, side=c.side, state=c.state, detail=c.detail, detail_id=c.detail_id,
                          seconds=c.seconds)
                for c in self.checks
            ],
            rule=self.cause.rule if self.cause else "",
            cause_kind=self.cause.kind if self.cause else None,
            cause=self.cause.en if self.cause else "",
            cause_id=self.cause.id_text if self.cause else "",
        )  # fmt: skip


def write_evidence(diagnosis: Diagnosis, folder: Path, zone: tzinfo) -> list[Output]:
    """Write both files whole into `folder` and read them back.

    Raises:
        OSError: they cannot be written; nothing is left under their names.
    """
    contents = {JSON_NAME: _json(diagnosis), TEXT_NAME: _text(diagnosis, zone)}
    outputs = []
    for name, content in contents.items():
        digest = write_whole(folder / name, content)
        seen, size = sha256_file(folder / name)
        if seen != digest:
            raise OSError(5, "the file reads back different from what was written", str(folder / name))
        outputs.append(Output(name="diagnosis", place="evidence", path=name, bytes=size, sha256=digest,
                              verified="read back, SHA-256 equal"))  # fmt: skip
    return outputs


def _json(diagnosis: Diagnosis) -> bytes:
    cause = diagnosis.cause
    whole: dict[str, Any] = diagnosis.measures().model_dump(mode="json")
    whole |= {"site": diagnosis.request.site, "url": diagnosis.request.url, "also": list(cause.others) if cause else [],
              "evidence": [c.name for c in cause.evidence] if cause else []}  # fmt: skip
    for plain, seen in zip(whole["checks"], diagnosis.checks, strict=True):
        plain |= {"signs": sorted(seen.signs), "facts": dict(seen.facts), "lines": list(seen.lines)}
    return (json.dumps(whole, indent=2, ensure_ascii=False) + "\n").encode("utf-8", "backslashreplace")


def _text(diagnosis: Diagnosis, zone: tzinfo) -> bytes:
    cause, request = diagnosis.cause, diagnosis.request
    began = diagnosis.began_at.astimezone(zone)
    took = (diagnosis.ended_at - diagnosis.began_at) / timedelta(seconds=1)
    lines = [f"Diagnosis of {request.site} ({request.url}), {began:%Y-%m-%d %H:%M:%S %Z}, {took:.1f} s", ""]
    if cause is None:
        lines += ["Nothing was found. / Tidak ditemukan masalah.", ""]
    else:
        lines += [f"Likeliest cause: {cause.en}", f"Penyebab paling mungkin: {cause.id_text}", "", "Evidence / bukti:"]
        lines += [f"  - {c.name} ({c.side}): {c.detail}" for c in cause.evidence]
        lines += (
            [f"Rules that hold besides / aturan lain yang cocok: {', '.join(cause.others)}"] if cause.others else []
        )
        lines.append("")
    for side, title in (("outside", "From outside / dari luar"), ("inside", "From inside / dari dalam")):
        lines.append(title)
        for seen in (c for c in diagnosis.checks if c.side == side):
            lines.append(f"  {_MARK[seen.state]:8} {seen.name:18} {seen.seconds:6.2f} s  {seen.detail}")
            if seen.detail_id != seen.detail:
                lines.append(f"  {'':8} {'':18} {'':8}  {seen.detail_id}")
            lines += [f"  {'':8} | {line}" for line in seen.lines]
        lines.append("")
    return "\n".join(lines).encode("utf-8", "backslashreplace")


__all__ = ["JSON_NAME", "TEXT_NAME", "Diagnosis", "write_evidence"]
