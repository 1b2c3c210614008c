"""The words of the reminder that each officer gets: what is overdue, what is for today, what comes within the week."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Literal

from reporting.notify.report_words import day, moment
from reporting.standard import Language
from reporting.text import harmless

Urgency = Literal["overdue", "today", "soon"]
_ORDER: tuple[Urgency, ...] = ("overdue", "today", "soon")
_MOST = 40  # lines a heading; the others are counted
_TEXTS: dict[str, tuple[str, str]] = {
    "subject": ("{unit}: {said} ({day})", "{unit}: {said} ({day})"),
    "said_both": ("{overdue} pekerjaan lewat batas, {today} untuk hari ini", "{overdue} overdue, {today} for today"),
    "said_overdue": ("{overdue} pekerjaan lewat batas", "{overdue} overdue"),
    "said_today": ("{today} pekerjaan untuk hari ini", "{today} for today"),
    "dear": ("Yth. {name},", "Dear {name},"),
    "own": (
        "Pekerjaan pemeliharaan laman yang menunggu Anda, keadaan per {at}:",
        "The website maintenance that waits for you, as of {at}:",
    ),
    "nothing_own": (
        "Tidak ada pekerjaan pemeliharaan laman yang menunggu Anda sendiri, keadaan per {at}.",
        "No website maintenance waits for you yourself, as of {at}.",
    ),
    "overdue": ("SUDAH LEWAT BATAS", "OVERDUE"),
    "today": ("UNTUK HARI INI", "FOR TODAY"),
    "soon": ("DALAM TUJUH HARI", "WITHIN SEVEN DAYS"),
    "others": ("YANG MENUNGGU PEJABAT LAIN (untuk diketahui)", "WHAT WAITS FOR OTHERS (for your information)"),
    "until": (" (batas {until})", " (by {until})"),
    "other": ("- {who}: {what}{until}{late}", "- {who}: {what}{until}{late}"),
    "late": (" – LEWAT BATAS", " – OVERDUE"),
    "nobody": ("belum ada pejabatnya", "nobody in office"),
    "more": ("dan {count} lagi", "and {count} more"),
    "end": (
        "{unit}\nSurat ini dikirim otomatis oleh laman, paling banyak sekali sehari dan hanya bila ada pekerjaan.",
        "{unit}\nSent by laman, once a day at most and only when there is work to do.",
    ),
}


@dataclass(frozen=True)
class Task:
    """One thing to do, as a letter says it; `command`: what its reader types, "" where he or she types nothing."""

    what: str
    who: str
    until: datetime | None  # local
    urgency: Urgency
    command: str = ""


@dataclass(frozen=True)
class Digest:
    """What one officer is told: his or her own tasks, and those of others where the unit wants that."""

    unit: str
    name: str
    at: datetime  # local
    own: Sequence[Task]
    others: Sequence[Task] = ()

    @property
    def is_due(self) -> bool:
        """Whether anything is overdue or for today: only then there is a letter."""
        return any(t.urgency != "soon" for t in (*self.own, *self.others))


def subject(digest: Digest, lang: Language) -> str:
    """The subject line: how much is overdue, how much is for today (of others, where nothing is one's own)."""
    tasks = [t for t in digest.own if t.urgency != "soon"] or [*digest.own, *digest.others]
    overdue, today = (sum(t.urgency == u for t in tasks) for u in ("overdue", "today"))
    key = "said_both" if overdue and today else "said_overdue" if overdue else "said_today"
    said = _say(lang, key, overdue=overdue, today=today)
    return _say(lang, "subject", unit=harmless(digest.unit, 60), said=said, day=day(digest.at, lang))


def body(digest: Digest, lang: Language) -> str:
    """The letter."""
    at = moment(digest.at, lang)
    parts = [
        [_say(lang, "dear", name=harmless(digest.name, 100))],
        [_say(lang, "own" if digest.own else "nothing_own", at=at)],
    ]
    number = 0
    for urgency in _ORDER:
        tasks = [t for t in digest.own if t.urgency == urgency]
        if tasks:
            lines = [line for n, task in enumerate(tasks, number + 1) for line in _own(task, n, lang)]
            parts.append([_say(lang, urgency), *_capped(lines, lang)])
            number += len(tasks)
    if digest.others:
        ordered = sorted(digest.others, key=lambda t: _ORDER.index(t.urgency))
        parts.append([_say(lang, "others"), *_capped([_other(t, lang) for t in ordered], lang)])
    parts.append([_say(lang, "end", unit=harmless(digest.unit, 200))])
    return "\n\n".join("\n".join(lines) for lines in parts) + "\n"


def _own(task: Task, number: int, lang: Language) -> Iterable[str]:
    yield f"{number}. {harmless(task.what, 400)}{_until(task, lang)}"
    if task.command:
        yield f"   {harmless(task.command, 400)}"


def _other(task: Task, lang: Language) -> str:
    who = harmless(task.who, 80) or _say(lang, "nobody")
    late = _say(lang, "late") if task.urgency == "overdue" else ""
    what = harmless(task.what, 400).removeprefix(f"{who} ").removesuffix(f": {who}")  # the line begins with the name
    return _say(lang, "other", who=who, what=what, until=_until(task, lang), late=late)


def _until(task: Task, lang: Language) -> str:
    """A limit at midnight is the end of the day before: nobody reads "23 November, 00.00" as that."""
    if task.until is None:
        return ""
    midnight = task.until.time() == time()
    shown = day(task.until - timedelta(days=1), lang) if midnight else moment(task.until, lang)
    return _say(lang, "until", until=shown)


def _capped(lines: Sequence[str], lang: Language) -> list[str]:
    if len(lines) <= _MOST:
        return list(lines)
    return [*lines[:_MOST], _say(lang, "more", count=len(lines) - _MOST)]


def _say(lang: Language, key: str, **values: object) -> str:
    return _TEXTS[key][lang == "en"].format(**values)
