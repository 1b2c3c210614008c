"""Deviations with their accounts as the rows of the workbook's tables, in the workbook's language."""

from __future__ import annotations

from datetime import date, tzinfo
from pathlib import PurePosixPath
from typing import Any

from reporting.account import Account
from reporting.compliance import Compliance, Deviation, Earlier
from reporting.events import AccountedFor, DeviationAccounted, DeviationDecided
from reporting.workbook.phrases import told
from reporting.workbook.rows import ACCOUNTS, ASPECTS, Rows
from reporting.workbook.words import Words

_ACTIVITY_NAMES = range(1, 9)


def deviation_rows(compliance: Compliance, words: Words) -> Rows:
    """One row for each deviation of the period: those that lack an account first."""
    ordered = sorted(compliance.deviations, key=lambda d: (not d.lacks_account, d.activity, d.site, d.at, d.id))
    today, zone = compliance.as_of.date(), compliance.period.zone
    return [{"no": number, **_row(d, today, zone, words)} for number, d in enumerate(ordered, start=1)]


def earlier_rows(earlier: Earlier, compliance: Compliance, words: Words) -> Rows:
    """What earlier periods left open with what became of it, then accounts whose deviation does not stand any more."""
    today, zone = compliance.as_of.date(), compliance.period.zone
    ordered = sorted(earlier.deviations, key=lambda d: (d.accepted, not d.lacks_account, d.at, d.id))
    rows = [_row(d, today, zone, words) for d in ordered]
    rows += [_gone_row(a, a.said.about, zone, words) for a in earlier.no_longer if a.said.about is not None]
    return [{"no": number, **row} for number, row in enumerate(rows, start=1)]


def _row(d: Deviation, today: date, zone: tzinfo, words: Words) -> dict[str, Any]:
    return {
        "activity": d.activity,
        "activity_name": words(f"short_{d.activity}"),
        "site": d.site,
        "at": d.at,
        "aspect": words(f"aspect_{ASPECTS[d.aspect]}"),
        "reason": told(d.reason, words.lang),
        "executor": d.executor.name if d.executor else words("nobody"),
        "nip": d.executor.nip if d.executor else None,
        "account": words(ACCOUNTS[d.account_state]),
        "account_due": d.account_due,
        "is_open": d.lacks_account,
        "is_late": d.overdue(today),
        "execution": d.execution or (d.occasion.id if d.occasion else ""),
        "deviation": d.id,
        **_said(d.account, zone, words),
    }


def _gone_row(given: Account, about: AccountedFor, zone: tzinfo, words: Words) -> dict[str, Any]:
    name = words(f"short_{about.activity}") if about.activity in _ACTIVITY_NAMES else str(about.activity)
    aspect = words(f"aspect_{ASPECTS[about.aspect]}") if about.aspect in ASPECTS else about.aspect
    return {
        "activity": about.activity,
        "activity_name": name,
        "site": about.site,
        "at": about.at,
        "aspect": aspect,
        "reason": (words("no_longer"), told(about.reason, words.lang)),
        "executor": given.said.executor.name,
        "nip": given.said.executor.nip,
        "account": words(ACCOUNTS[given.state]),
        "account_due": None,
        "is_open": False,
        "is_late": False,
        "execution": about.what,
        "deviation": given.deviation,
        **_said(given, zone, words),
    }


def _said(given: Account | None, zone: tzinfo, words: Words) -> dict[str, Any]:
    """The last account and its decision; what was returned before it stands below, the last one first."""
    if given is None:
        return {}
    said = given.said
    return {
        "cause": said.cause,
        "effect": said.consequence,
        "remedy": said.action,
        "action_by": said.action_by,
        "due": said.action_until,
        "action_done": words("yes" if said.action_done else "no_word"),
        "accountant": (said.executor.name, f"{said.at.astimezone(zone):%d/%m/%y %H:%M}"),
        "proof": _proof(said, words),
        "decision": _decisions(given, zone, words),
    }


def _proof(said: DeviationAccounted, words: Words) -> tuple[str, ...] | str:
    names = [f"{a.original or PurePosixPath(a.path).name} ({a.sha256[:12]}…)" for a in said.attachments]
    return tuple(names) or words("no_proof")


def _decisions(given: Account, zone: tzinfo, words: Words) -> tuple[str, ...]:
    lines: list[str] = []
    for said, decision in reversed((*given.earlier, (given.said, given.decision))):
        if decision is not None:
            lines.append(_decided(decision, zone, words))
        elif said is given.said:
            lines.append(words("decision_waits"))
    return tuple(lines)


def _decided(decision: DeviationDecided, zone: tzinfo, words: Words) -> str:
    state = words(ACCOUNTS["diterima" if decision.decision == "accepted" else "dikembalikan"])
    when = f"{decision.at.astimezone(zone):%d/%m/%y}"
    note = f": {decision.note}" if decision.note else ""
    return f"{state} {when}, {decision.decided_by.name}{note}"
