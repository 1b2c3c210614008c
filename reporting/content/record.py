"""What a check hands over: measures and findings for the result document, and the record as an evidence file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any

from reporting.content.check import Checked, reached
from reporting.content.settings import Plan
from reporting.contract import (
    MAX_DOCUMENT_BYTES,
    MAX_FINDINGS,
    ContentMeasures,
    Finding,
    Output,
    Requirement,
    ResultDocument,
    SectionStatus,
    dump,
)
from reporting.files import sha256_file, write_whole
from reporting.text import harmless

RECORD_NAME = "content-status.json"
FORMAT_VERSION = 1


@dataclass(frozen=True)
class Outcome:
    """One check of one site at one moment (aware)."""

    results: Sequence[Checked]
    plan: Plan
    now: datetime


def section_status(checked: Checked, reason_limit: int = 500) -> SectionStatus:
    """One section as the contract has it."""
    section = checked.section
    return SectionStatus(
        section=section.name,
        url=section.url,
        owner=section.owner,
        limit_days=section.limit_days,
        state=checked.state,
        reason=harmless(checked.reason, reason_limit),
        http_status=checked.reply.status if checked.reply.status and 100 <= checked.reply.status <= 599 else None,
        response_ms=checked.reply.milliseconds if checked.reply.failure is None else None,
        tls_expires_at=checked.tls_expires_at,
        updated_at=checked.updated_at,
        age_days=checked.age_days,
        method=checked.method,
    )


def findings(outcome: Outcome) -> list[Finding]:
    """What was discovered, most severe first. The same cause has the same fingerprint in every run."""
    found: list[Finding] = []
    for checked in outcome.results:
        found += _of_section(checked, outcome.plan)
    found += _of_certificates(outcome)
    order = ("critical", "high", "medium", "low", "info")
    return sorted(found, key=lambda finding: order.index(finding.severity))


_TITLES_ID = {
    "stale_section": "Bagian lewat batas pembaruan",
    "section_unreachable": "Bagian tidak terjangkau",
    "section_unknown": "Tanggal pembaruan tidak diketahui",
    "section_future_date": "Tanggal di masa depan",
    "tls_expires_soon": "Sertifikat TLS segera berakhir",
    "tls_expired": "Sertifikat TLS sudah berakhir",
}


def _of_section(checked: Checked, plan: Plan) -> list[Finding]:
    section, site = checked.section, plan.site
    severity = {"stale": "medium", "unreachable": "high", "unknown": "low"}.get(checked.state)
    found = []
    if severity is not None:
        kind = {"stale": "stale_section", "unreachable": "section_unreachable"}.get(checked.state, "section_unknown")
        about = f"{section.name} ({section.owner})"
        found.append(_finding(kind, severity, (site, section.url), about, checked.reason, _detail_id(checked, plan.tz)))
    if checked.future is not None:
        when = f"{checked.future.astimezone(plan.tz):%Y-%m-%d %H:%M %Z}"
        detail = f"a date in the future: {when}; it was not used"
        detail_id = f"{when}; tidak dipakai"
        found.append(_finding("section_future_date", "low", (site, section.url), section.name, detail, detail_id))
    return found


def _detail_id(checked: Checked, tz: tzinfo) -> str:
    """What the figures say, in Indonesian; why a page could not be fetched stays in the words of the network."""
    if checked.state == "stale" and checked.updated_at is not None and checked.age_days is not None:
        return (
            f"diperbarui terakhir {checked.updated_at.astimezone(tz):%Y-%m-%d} ({checked.age_days:.0f} hari lalu), "
            f"batas {checked.section.limit_days} hari, menurut {checked.method}"
        )
    return ""


def _of_certificates(outcome: Outcome) -> list[Finding]:
    """One finding a host, not one a section: all share the certificate."""
    plan, now = outcome.plan, outcome.now
    soonest: dict[str, datetime] = {}
    for checked in outcome.results:
        host = checked.section.url.split("/")[2].lower()
        if checked.tls_expires_at is not None:
            soonest[host] = min(checked.tls_expires_at, soonest.get(host, checked.tls_expires_at))
    found = []
    for host, expires in sorted(soonest.items()):
        days = (expires - now).total_seconds() / 86_400
        if days < plan.tls_warning_days:
            severity = "critical" if days < 0 else "high" if days < 7 else "medium"
            kind = "tls_expired" if days < 0 else "tls_expires_soon"
            detail = f"the certificate expires on {expires.astimezone(plan.tz):%Y-%m-%d %H:%M %Z} ({days:.0f} days)"
            detail_id = f"berlaku sampai {expires.astimezone(plan.tz):%Y-%m-%d %H:%M %Z} ({days:.0f} hari lagi)"
            found.append(_finding(kind, severity, (plan.site, host), host, detail, detail_id))
    return found


def _finding(  # noqa: PLR0913, PLR0917 - a finding in two languages
    kind: str, severity: Any, about: tuple[str, str], title: str, detail: str, detail_id: str
) -> Finding:
    site, subject = about
    return Finding(
        kind=kind,
        severity=severity,
        title=harmless(f"{kind.replace('_', ' ')}: {title}", 200),
        detail=harmless(detail, 500),
        title_id=harmless(f"{_TITLES_ID[kind]}: {title}", 200),
        detail_id=harmless(detail_id, 500),
        fingerprint=hashlib.sha256("\n".join(("content", site, kind, subject)).encode()).hexdigest()[:32],
    )


def record(outcome: Outcome) -> dict[str, Any]:
    """The whole record, as it is kept as evidence: every section with what was tried."""
    plan = outcome.plan
    return {
        "format": "laman content status",
        "version": FORMAT_VERSION,
        "site": plan.site,
        "checked_at": outcome.now.isoformat(),
        "timezone": plan.timezone,
        "user_agent": plan.user_agent,
        "sections": [
            {
                **section_status(checked, 2_000).model_dump(mode="json"),
                "asked_method": checked.section.method,
                "final_url": harmless(checked.reply.final_url, 2_000),
                "content_type": harmless(checked.reply.content_type, 200),
                "bytes_read": checked.bytes_read,
                "truncated": checked.reply.truncated,
                "failure": checked.reply.failure.kind if checked.reply.failure else None,
                "future_date": checked.future.isoformat() if checked.future else None,
                "notes": [harmless(note) for note in checked.notes],
            }
            for checked in outcome.results
        ],
    }


def write_record(folder: Path, content: dict[str, Any]) -> Output:
    """Write the record into `folder` and read it back. A record is never overwritten: a second gets a number.

    Raises:
        OSError: the folder cannot be written, or the disk is full; nothing is left under a final name.
    """
    body = (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()
    for number in range(1, 1_000):
        path = folder / (RECORD_NAME if number == 1 else f"content-status-{number}.json")
        try:
            wanted = write_whole(path, body)
        except FileExistsError:
            continue
        seen, size = sha256_file(path)
        if seen != wanted:
            raise OSError(f"{path}: what was read back is not what was written")
        json.loads(path.read_bytes())
        return Output(
            name="content_record", place="evidence", path=path.name, bytes=size, sha256=seen,
            verified="read back, SHA-256 equal, parsed as JSON",
        )  # fmt: skip
    raise OSError(f"{folder}: holds 999 records already; give another evidence folder")


def document(
    outcome: Outcome, requirements: Sequence[Requirement], output: Output | None, problems: Sequence[str] = ()
) -> dict[str, Any]:
    """The result document of activity 1 as JSON values, within the contract's size.

    A section that cannot be reached is a finding: the activity was done. Only when *no* section could be fetched is
    there no content-status record, and the output problem says so.
    """
    results, found, problems = outcome.results, findings(outcome), list(problems)
    if not reached(results):
        first = results[0].reason if results else "no section"
        problems.append(f"none of the {len(results)} sections could be fetched, so there is no status (first: {first})")
    for reason_limit, keep in ((500, MAX_FINDINGS), (150, MAX_FINDINGS), (60, 40), (1, 5)):  # the evidence has it all
        made = ResultDocument(
            activity=1,
            site=outcome.plan.site,
            requirements=list(requirements),
            outputs=[output] if output else [],
            output_problems=[harmless(problem, 1_000) for problem in problems],
            measures=ContentMeasures(sections=[section_status(checked, reason_limit) for checked in results]),
            findings=found[:keep],
            findings_total=len(found),
        )
        if len(json.dumps(dump(made))) <= MAX_DOCUMENT_BYTES:
            break
    return dump(made)


__all__ = ["RECORD_NAME", "Outcome", "document", "findings", "record", "section_status", "write_record"]
