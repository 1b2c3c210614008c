"""`Evaluasi POS`: the monitoring table of PermenPAN-RB 35/2012 (table 7), filled in from the record of the period."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from reporting.compliance import ActivityTotals, Compliance, Deviation
from reporting.compliance.messages import figure
from reporting.standard import Activity
from reporting.workbook.cells import Page, height
from reporting.workbook.paper import set_paper
from reporting.workbook.phrases import told
from reporting.workbook.rows import ASPECTS
from reporting.workbook.signatures import Signer, day_of, write_block

_WIDTHS = (5, 42, 12, 12, 66, 56, 13)
_LAST = len(_WIDTHS) - 1
_DAYS = 8  # missed windows that are told by their day
_REASONS, _ACTIONS = 2, 4  # told in words; the others are counted
_LONGEST = 220  # characters of a reason; the whole of it stands on the sheet of deviations
_MARK = "√"


def write_evaluation(page: Page, compliance: Compliance, issued: datetime, caption: str) -> None:
    """Write the sheet: eight activities, as they went in the period."""
    words, pos = page.words, compliance.standard
    for column, width in enumerate(_WIDTHS):
        page.sheet.set_column(column, column, width)
    page.sheet.set_row(0, 26)
    page.band(0, 0, _LAST, words("title_evaluation", name=pos.name.render(words.lang)), "title")
    note = words(
        "note_evaluation",
        period=words("period_of", first=words.date(compliance.period.first), last=words.date(compliance.period.last)),
        executions=sum(e.counts for e in compliance.executions),
        deviations=len(compliance.deviations),
    )
    page.band(1, 0, _LAST, note, "subtitle", text_wrap=True)
    page.sheet.set_row(1, height(note, sum(_WIDTHS)))
    row = _head(page, 3)
    for activity in pos.activities:
        _activity(page, row, activity, compliance)
        row += 1
    # on the left who carries the activities out, on the right who assesses
    day = day_of(page, issued)
    signers = [
        Signer(span, words(above), role, compliance.unit.officer_for(role, day))
        for span, above, role in (
            ((1, 3), "executed_by", "pengelola_sistem_dan_jaringan"),
            ((5, _LAST), "eval_assessor", "kasi_si"),
        )
    ]
    write_block(page, row + 1, compliance, issued, signers)
    set_paper(page, caption, (3, 4))
    page.sheet.freeze_panes(5, 2)


def _head(page: Page, top: int) -> int:
    words = page.words
    for column, key in ((0, "no"), (1, "procedure"), (4, "note"), (5, "action"), (6, "paraf")):
        page.sheet.merge_range(top, column, top + 1, column, "", page.styles("head"))
        page.text(top, column, words(f"eval_{key}"), "head")
    page.band(top, 2, 3, words("eval_assessment"), "head")
    page.text(top + 1, 2, words("eval_well"), "head")
    page.text(top + 1, 3, words("eval_badly"), "head")
    page.sheet.set_row(top, 20)
    page.sheet.set_row(top + 1, 32)
    return top + 2


def _activity(page: Page, row: int, activity: Activity, compliance: Compliance) -> None:
    totals = compliance.totals(activity.number)
    deviations = [d for d in compliance.deviations if d.activity == activity.number]
    procedure = activity.text.render(page.words.lang)
    notes, actions = _notes(page, totals, deviations, compliance), _actions(page, totals, deviations)
    well = _runs_well(totals, deviations)
    page.number(row, 0, activity.number, "centre")
    page.text(row, 1, procedure)
    page.text(row, 2, _MARK if well is True else "", "centre", font_size=14, valign="vcenter")
    page.text(row, 3, _MARK if well is False else "", "centre", font_size=14, valign="vcenter")
    page.text(row, 4, notes)
    page.text(row, 5, actions)
    page.text(row, 6, "")
    texts = ((procedure, _WIDTHS[1]), ("\n".join(notes), _WIDTHS[4]), ("\n".join(actions), _WIDTHS[5]))
    page.sheet.set_row(row, max(30, *(height(text, width) for text, width in texts)))


def _runs_well(totals: ActivityTotals, deviations: list[Deviation]) -> bool | None:
    """Whether nothing deviated; None where nothing was done or due, so that the record gives nothing to assess."""
    if deviations:
        return False
    return True if totals.sesuai + totals.kept else None


def _notes(page: Page, totals: ActivityTotals, deviations: list[Deviation], compliance: Compliance) -> tuple[str, ...]:
    words = page.words
    if not totals.executions and not totals.occasions:
        return (words("eval_none"),)
    lines = []
    if totals.occasions:
        running = totals.waiting + totals.open
        counts = {"kept": totals.kept, "deviating": totals.deviating, "missed": totals.missed, "running": running}
        lines.append(words("eval_occasions", occasions=totals.occasions, **counts))
    counts = {"kept": totals.sesuai, "deviating": totals.menyimpang, "waiting": totals.menunggu}
    lines.append(words("eval_executions", executions=totals.executions, **counts))
    measured = [e.minutes for e in compliance.of_activity(totals.activity) if e.counts and e.minutes is not None]
    if measured:
        mean = figure(words.lang, totals.minutes_sum / len(measured))
        standard = compliance.standard.activity(totals.activity).minutes
        lines.append(words("eval_minutes", mean=mean, standard=standard))
    return (*lines, *_reasons(page, deviations, compliance))


def _reasons(page: Page, deviations: list[Deviation], compliance: Compliance) -> list[str]:
    """The reasons that came most often, each with how often; all missed windows are one, and all that was slow is."""
    words = page.words
    if not deviations:
        return []
    common = {aspect: say(page, deviations, compliance) for aspect, say in (("jadwal", _missed), ("waktu", _slow))}
    counted = Counter(
        (words(f"aspect_{ASPECTS[d.aspect]}"), common.get(d.aspect) or told(d.reason, words.lang)) for d in deviations
    )
    frequent = sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))
    lines = [words("eval_reasons")]
    lines += [
        words("eval_reason", aspect=aspect, count=count, reason=_shortened(reason))
        for (aspect, reason), count in frequent[:_REASONS]
    ]
    left = sum(count for _, count in frequent[_REASONS:])
    return [*lines, words("eval_more", count=left)] if left else lines


def _missed(page: Page, deviations: list[Deviation], _compliance: Compliance) -> str:
    """The days whose windows were missed."""
    opened = sorted(
        {d.occasion.opens_at.astimezone(page.tz).date() for d in deviations if d.occasion and not d.execution}
    )
    days = ", ".join(f"{day:%d/%m}" for day in opened[:_DAYS])
    return page.words("eval_missed", days=page.words("eval_and_more", days=days) if len(opened) > _DAYS else days)


def _slow(page: Page, deviations: list[Deviation], compliance: Compliance) -> str:
    """By how much what took too long did so; empty where no minutes are known."""
    slow = {d.execution for d in deviations if d.aspect == "waktu"}
    found = [e for e in compliance.executions if e.id in slow and e.minutes is not None]
    if not found:
        return ""
    longest = figure(page.words.lang, max(e.minutes or 0.0 for e in found))
    return page.words("eval_over", standard=found[0].standard_minutes, longest=longest)


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _actions(page: Page, totals: ActivityTotals, deviations: list[Deviation]) -> tuple[str, ...]:
    """The corrective actions of the accounts, each once; then what nobody has accounted for."""
    words = page.words
    if not deviations:
        if not totals.executions and not totals.occasions:
            return ("–",)
        waits = totals.menunggu + totals.waiting + totals.open
        return (words("eval_watch" if waits else "eval_nothing_to_do"),)
    lines = _accounted(page, deviations)
    lacking = sum(d.lacks_account for d in deviations)
    undecided = sum(d.account_state == "dipertanggungjawabkan" for d in deviations)
    if lacking:
        lines.append(words("eval_lacking", count=lacking))
    if undecided:
        lines.append(words("eval_undecided", count=undecided))
    return tuple(lines)


def _accounted(page: Page, deviations: Iterable[Deviation]) -> list[str]:
    words, found = page.words, dict[str, None]()
    for d in deviations:
        if d.account is None or d.account_state == "dikembalikan":
            continue
        said = d.account.said
        until = words("eval_done" if said.action_done else "eval_until", day=words.date(said.action_until))
        found[words("eval_act", action=_shortened(said.action.rstrip(" .")), by=said.action_by, until=until)] = None
    lines = list(found)
    left = len(lines) - _ACTIONS
    return [*lines[:_ACTIONS], words("eval_more", count=left)] if left > 0 else lines
