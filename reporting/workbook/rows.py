"""Compliance as the rows of the workbook's tables: plain dictionaries, in the workbook's language, no cell in sight."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

from reporting.compliance import Compliance, Execution, Occasion
from reporting.contract import BackupMeasures, ContentMeasures, VisitorLogMeasures
from reporting.workbook.cells import safe
from reporting.workbook.phrases import told
from reporting.workbook.words import Words

Rows = list[dict[str, Any]]
STATES = {  # POS words (and those of the schedule) -> keys of the catalogue
    "sesuai": "conforms",
    "menyimpang": "deviates",
    "menunggu": "waiting",
    "terlewat": "missed",
    "terbuka": "open",
}
ACCOUNTS = {
    "belum dipertanggungjawabkan": "account_none",
    "dipertanggungjawabkan": "account_given",
    "diterima": "account_accepted",
    "dikembalikan": "account_returned",
}
ASPECTS = {"perlengkapan": "requirement", "waktu": "time", "output": "output", "jadwal": "schedule"}
NOT_ACCOUNTED = ("belum dipertanggungjawabkan", "dikembalikan")
_COUNTED = {
    "files": "files",
    "lines_total": "lines",
    "lines_parsed": "parsed",
    "lines_rejected": "rejected",
    "bytes_collected": "collected",
}
TOP_PATHS = 20  # per site; the evidence files have them all


def execution_rows(compliance: Compliance, words: Words) -> Rows:
    """One row for each execution, and one for each occasion that no such row decides: missed, still open, overlapping.

    `decides` is "yes" on exactly one row of each occasion, so that a count of those rows is a count of occasions.
    """
    executions = {e.id: e for e in compliance.executions}
    closes = {o.key: o.closes_at for o in compliance.occasions}
    deciding: set[str] = set()
    alone: list[tuple[Occasion, Execution | None]] = []
    own_first = sorted(compliance.occasions, key=lambda o: _deciding(o, executions, own=True) is None)
    for occasion in own_first:
        last = _deciding(occasion, executions)
        if last is not None and last.id not in deciding:
            deciding.add(last.id)
        else:
            alone.append((occasion, last))
    keyed = [
        ((e.activity, e.site, e.occasion.opens_at if e.occasion else e.started_at, e.started_at, e.id), e)
        for e in compliance.executions
    ]
    rows: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
        (key, _execution_row(e, closes.get(e.occasion) if e.occasion else None, e.id in deciding, words))
        for key, e in keyed
    ]
    rows += [
        ((o.activity, o.site, o.opens_at, o.closes_at, o.key.id), _occasion_row(o, last, compliance, words))
        for o, last in alone
    ]
    rows.sort(key=lambda pair: pair[0])
    return [{"no": number, **row} for number, (_, row) in enumerate(rows, start=1)]


def _deciding(occasion: Occasion, executions: dict[str, Execution], own: bool = False) -> Execution | None:
    """The latest execution whose verdict is the occasion's state; with `own` only if the occasion is the one it is for.

    Where windows overlap an execution decides several; None where none does (missed, open).
    """
    attempts = [executions[name] for name in reversed(occasion.executions) if name in executions]
    found = next((e for e in attempts if e.verdict.status == occasion.state), None)
    return None if found is None or (own and found.occasion != occasion.key) else found


def _execution_row(e: Execution, closes_at: datetime | None, decides: bool, words: Words) -> dict[str, Any]:
    return {
        "activity": e.activity,
        "activity_name": words(f"short_{e.activity}"),
        "site": e.site,
        "kind": words(e.kind),
        "opens": e.occasion.opens_at if e.occasion else None,
        "closes": closes_at,
        "attempt": e.attempt,
        "decides": words("yes" if decides else "no_word"),
        "executor": e.executor.name,
        "nip": e.executor.nip,
        "agent": f"{words(f'agent_{e.agent.kind}')}: {e.agent.name}",
        "clock": words(f"clock_{e.clock}"),
        "started": e.started_at,
        "ended": e.ended_at,
        "minutes": e.minutes,
        "standard_minutes": e.standard_minutes,
        "requirement": words(STATES[e.requirement.status]),
        "time": words(STATES[e.time.status]),
        "output": words(STATES[e.output.status]),
        "verdict": words(STATES[e.verdict.status] if e.counts else "reopened"),
        "reasons": _reasons(e, words),
        "findings": e.findings,
        "review": _review(e, words),
        "execution": e.id,
        "remark": _remark(e, words),
    }


def _occasion_row(o: Occasion, last: Execution | None, compliance: Compliance, words: Words) -> dict[str, Any]:
    return {
        "activity": o.activity,
        "activity_name": words(f"short_{o.activity}"),
        "site": o.site,
        "kind": words("planned"),
        "opens": o.opens_at,
        "closes": o.closes_at,
        "decides": words("yes"),
        "executor": o.executor.name if o.executor else words("nobody"),
        "nip": o.executor.nip if o.executor else None,
        "standard_minutes": compliance.standard.activity(o.activity).minutes,
        "verdict": words(STATES[o.state]),
        "reasons": told(o.reason, words.lang),
        "execution": last.id if last else None,
        "remark": (
            *((words("decided_too"),) if last else ()),
            *(() if o.obligatory else (words("not_obligatory"),)),
        ),
    }


def _reasons(e: Execution, words: Words) -> tuple[str, ...] | str:
    """Why it is not (yet) sesuai, an aspect a line; what is well needs no words."""
    judged = (("requirement", e.requirement), ("time", e.time), ("output", e.output))
    lines = [
        f"{words(f'col_{name}')}: {told(j.reason, words.lang)}"
        for name, j in judged
        if j.status != "sesuai" and j.reason
    ]
    return tuple(lines) or ("" if e.verdict.status == "sesuai" else told(e.verdict.reason, words.lang))


def _review(e: Execution, words: Words) -> tuple[str, ...] | str:
    if e.review is not None:
        when = f"{e.review.reviewed_at.astimezone(e.started_at.tzinfo):%d/%m/%Y %H:%M}"
        return (e.review.reviewer.name, when, e.review.note)
    return words("review_none") if e.review_due is not None else ""


def _remark(e: Execution, words: Words) -> tuple[str, ...]:
    remarks = []
    if e.by_hand:
        recorded = f"{e.recorded_at.astimezone(e.started_at.tzinfo):%d/%m/%Y %H:%M}"
        remarks.append(words("by_hand", recorded=recorded))
    if e.status != "completed":
        remarks.append(words(f"status_{e.status}"))
    if e.note:
        remarks.append(e.note)
    return tuple(remarks)


def section_rows(compliance: Compliance, words: Words) -> Rows:
    """The last known freshness of each section, and how often it was checked and found stale."""
    seen: dict[tuple[str, str], list[tuple[Execution, Any]]] = defaultdict(list)
    for execution, measures in _measured(compliance, ContentMeasures):
        for section in measures.sections:
            seen[execution.site, section.section].append((execution, section))
    rows: Rows = []
    for (site, name), checks in sorted(seen.items()):
        execution, last = max(checks, key=lambda check: (check[0].started_at, check[0].id))
        rows.append(
            {
                **last.model_dump(exclude={"section", "url", "state", "method"}),
                "site": site,
                "section": (name, last.url),
                # the columns beside it say it all, in the reader's language
                "reason": "" if last.state in ("fresh", "stale") else told(last.reason, words.lang),
                "state": words(f"section_{last.state}"),
                "method": words(f"method_{last.method}"),
                "checked": execution.started_at,
                "checks": len(checks),
                "times_stale": sum(s.state == "stale" for _, s in checks),
            }
        )
    return rows


def finding_rows(compliance: Compliance, activity: int, words: Words) -> Rows:
    """Findings of one activity, the same cause on the same site once: how often, and when last."""
    import pandas as pd

    records = [
        {
            "site": safe(e.site),
            "fingerprint": f.fingerprint,
            "severity": f.severity,
            "kind": f.kind,
            "title": safe(f.told(words.lang)[0]),
            "detail": safe(told(f.told(words.lang)[1], words.lang)),
            "count": f.count,
            "last_seen": e.started_at.isoformat(),
            "executions": 1,
        }
        for e in _of(compliance, activity)
        if e.document
        for f in e.document.findings
    ]
    if not records:
        return []
    how = {
        **dict.fromkeys(("severity", "kind", "title", "detail", "last_seen"), "last"),
        **dict.fromkeys(("count", "executions"), "sum"),
    }
    frame = pd.DataFrame(records).groupby(["site", "fingerprint"], as_index=False, sort=True).agg(how)
    rank = ("critical", "high", "medium", "low", "info")
    rows = sorted(_plain(frame), key=lambda r: (rank.index(r["severity"]), -r["count"], r["site"], r["fingerprint"]))
    for row in rows:
        row["severity"] = words(f"severity_{row['severity']}")
        row["finding_kind"] = words.kind(row.pop("kind"))
        row["title"] = tuple(x for x in (row["title"], row.pop("detail")) if x)
        row["last_seen"] = datetime.fromisoformat(row["last_seen"])
    return rows


def backup_rows(compliance: Compliance, words: Words) -> Rows:
    """One row for each part of each backup set, and one for each file that proves a backup made by hand."""
    rows: Rows = []
    for e in _of(compliance, 2):
        measures = e.document.measures if e.document else None
        if isinstance(measures, BackupMeasures):
            rows += _part_rows(e, measures, words)
        elif e.by_hand:
            rows += _by_hand_rows(e, words)
    return rows


def _part_rows(e: Execution, measures: BackupMeasures, words: Words) -> Rows:
    return [
        {
            **part.model_dump(include={"source_bytes", "stored_bytes", "members", "seconds", "sha256", "path"}),
            "site": e.site,
            "finished": e.ended_at,
            "backup_set": measures.backup_set,
            "medium": _medium(measures),
            "medium_kind": words(f"medium_{measures.medium_kind}"),
            "part": part.name,
            "part_kind": words(f"part_{part.kind}"),
            "verified": told(part.verified, words.lang),
            "output": words(STATES[e.output.status]),
            "verdict": words(STATES[e.verdict.status]),
            "remark": _remark(e, words) if e.by_hand else "",
        }
        for part in measures.parts
    ]


def _by_hand_rows(e: Execution, words: Words) -> Rows:
    """What was recorded of a backup that nobody's machine measured: its evidence; without any, one row that says so."""
    common = {
        "site": e.site,
        "finished": e.ended_at,
        "backup_set": words("by_hand_set"),
        "part_kind": words("by_hand_part"),
        "output": words(STATES[e.output.status]),
        "verdict": words(STATES[e.verdict.status]),
        "remark": _remark(e, words),
    }
    verified = {o.sha256: o.verified for o in e.document.outputs} if e.document else {}
    files = [
        {
            **common,
            "part": PurePosixPath(file.path).name,
            "evidence_bytes": file.bytes,
            "verified": told(verified.get(file.sha256, ""), words.lang),
            "sha256": file.sha256,
            "path": file.path,
        }
        for file in e.evidence
    ]
    return files or [{**common, "part": words("by_hand_no_file")}]


def _medium(measures: BackupMeasures) -> tuple[str, ...]:
    label = f" ({measures.medium_label})" if measures.medium_label else ""
    return tuple(x for x in (f"{measures.medium}{label}", measures.medium_uuid) if x)


def measured_notes(compliance: Compliance, activity: int, some: bool, key: str, words: Words) -> list[str]:
    """What stands under a title of measures: its note, or that nothing was measured; what was done by hand has none."""
    by_hand = sum(e.by_hand and (e.document is None or e.document.measures is None) for e in _of(compliance, activity))
    notes = [words("note_by_hand", count=by_hand)] if by_hand else []
    if some or not notes:
        notes.insert(0, words(f"note_{key}" if some else f"nothing_{key}"))
    return notes


def _of(compliance: Compliance, activity: int) -> list[Execution]:
    return sorted(compliance.of_activity(activity), key=lambda e: (e.started_at, e.id))


def day_rows(compliance: Compliance) -> Rows:
    """Traffic per day and site, summed over the runs that each collected a piece of the day."""
    import pandas as pd

    records = [
        {"site": safe(e.site), **day.model_dump(), "day": day.day.isoformat()}
        for e, measures in _measured(compliance, VisitorLogMeasures)
        for day in measures.days
    ]
    if not records:
        return []
    frame = pd.DataFrame(records).groupby(["day", "site"], as_index=False, sort=True).sum()
    rows = _plain(frame)
    for row in rows:
        row["day"] = datetime.fromisoformat(row["day"]).date()
    return rows


def tally_rows(compliance: Compliance, which: str, limit: int | None = None) -> Rows:
    """`suspicious` or `top_paths` of the visitor logs, per site, most hits first; at most `limit` per site."""
    import pandas as pd

    records = [
        {"site": safe(e.site), "name": safe(tally.name), "hits": tally.hits, "clients": tally.clients}
        for e, measures in _measured(compliance, VisitorLogMeasures)
        for tally in getattr(measures, which)
    ]
    if not records:
        return []
    frame = pd.DataFrame(records).groupby(["site", "name"], as_index=False, sort=True).sum()
    frame = frame.sort_values(["site", "hits", "name"], ascending=[True, False, True], kind="stable")
    return _plain(frame if limit is None else frame.groupby("site", sort=False).head(limit))


def log_totals(compliance: Compliance) -> Rows:
    """What was collected, per site: files, lines read and rejected, bytes, from when to when."""
    rows: dict[str, dict[str, Any]] = {}
    for e, m in _measured(compliance, VisitorLogMeasures):
        row = rows.setdefault(e.site, dict.fromkeys(_COUNTED.values(), 0))
        for measure, key in _COUNTED.items():
            row[key] += getattr(m, measure)
        for key, value, pick in (("first_line", m.first_at, min), ("last_line", m.last_at, max)):
            known = [x for x in (row.get(key), value) if x is not None]
            row[key] = pick(known) if known else None
    return [{"site": site, **row} for site, row in sorted(rows.items())]


def evidence_rows(compliance: Compliance, words: Words) -> Rows:
    """One row for each file of the archive."""
    return [
        {
            "no": number,
            "activity": evidence.activity,
            "activity_name": words(f"short_{evidence.activity}"),
            "site": evidence.site,
            "execution": evidence.execution,
            "path": evidence.file.path,
            "bytes": evidence.file.bytes,
            "sha256": evidence.file.sha256,
        }
        for number, evidence in enumerate(compliance.evidence, start=1)
    ]


def _measured(compliance: Compliance, kind: type[Any]) -> Iterator[tuple[Execution, Any]]:
    """The executions that left measures of that kind, with them, in the order of their start."""
    for execution in sorted(compliance.executions, key=lambda e: (e.started_at, e.id)):
        if execution.document is not None and isinstance(execution.document.measures, kind):
            yield execution, execution.document.measures


def _plain(frame: Any) -> Rows:
    """Records of a frame as Python's own values: numpy's integers are none that the ledger or JSON would know."""
    return [
        {key: value.item() if hasattr(value, "item") else value for key, value in record.items()}
        for record in frame.to_dict("records")
    ]


def count(rows: Iterable[dict[str, Any]], **wanted: Any) -> int:
    """How many rows have all these values: what COUNTIFS answers."""
    return sum(all(row.get(key) == value for key, value in wanted.items()) for row in rows)


def total(rows: Iterable[dict[str, Any]], key: str) -> int | float:
    """The sum of a column: what SUM answers, which skips empty cells."""
    values = [row[key] for row in rows if row.get(key) is not None]
    return math.fsum(values) if any(isinstance(value, float) for value in values) else sum(values)
