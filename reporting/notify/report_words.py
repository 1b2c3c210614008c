"""The words of the letter that carries a workbook: what a director reads before (or without) opening it."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from reporting.compliance import ActivityTotals, Compliance, Deviation
from reporting.ledger.model import Head
from reporting.standard import Language
from reporting.text import harmless

_LISTED = 8  # deviations told one by one; the others are counted
_MONTHS = {
    "id": ("Januari", "Februari", "Maret", "April", "Mei", "Juni",
           "Juli", "Agustus", "September", "Oktober", "November", "Desember"),
    "en": ("January", "February", "March", "April", "May", "June",
           "July", "August", "September", "October", "November", "December"),
}  # fmt: skip
ACTIVITIES = {
    1: ("Pemantauan status konten", "Content status"),
    2: ("Backup sistem dan data", "Backup of system and data"),
    3: ("Pemantauan aktivitas pengunjung", "Visitor activity"),
    4: ("Pengajuan perpanjangan layanan", "Renewal: submission"),
    5: ("Persetujuan pengajuan", "Renewal: approval"),
    6: ("Pemenuhan pembayaran", "Renewal: payment"),
    7: ("Pelaporan status pengajuan", "Renewal: status report"),
    8: ("Pemecahan masalah", "Troubleshooting"),
}
_ASPECTS = {
    "perlengkapan": ("perlengkapan", "requirement"),
    "waktu": ("waktu", "time"),
    "output": ("output", "output"),
    "jadwal": ("jadwal", "schedule"),
}
_TEXTS: dict[str, tuple[str, str]] = {
    "subject": ("{unit}: laporan pemeliharaan laman {period}, {said}", "{unit}: website maintenance {period}, {said}"),
    "subject_ok": ("tanpa penyimpangan", "no deviation"),
    "subject_nothing": ("belum ada yang tercatat", "nothing on record"),
    "subject_done": ("semua penyimpangan selesai", "all deviations settled"),
    "subject_open": ("{open} penyimpangan terbuka", "{open} deviation(s) open"),
    "subject_overdue": (
        "{open} penyimpangan terbuka ({overdue} lewat batas)",
        "{open} deviation(s) open ({overdue} overdue)",
    ),
    "dear": ("Yth. {name},", "Dear {name},"),
    "attached": (
        "Terlampir laporan kepatuhan terhadap POS {pos} ({number}) pada {unit} untuk {period}, keadaan per {as_of}.",
        "Attached is the report on how {unit} kept the POS {pos} ({number}) in {period}, as of {as_of}.",
    ),
    "running": (
        "Periode ini belum berakhir; angkanya masih dapat berubah.",
        "The period has not ended; its figures can still change.",
    ),
    "closed": (
        "Periode ini sudah ditutup oleh {name}; angkanya tidak berubah lagi.",
        "The period was closed by {name}; its figures change no more.",
    ),
    "h_activities": ("PELAKSANAAN DELAPAN KEGIATAN", "THE EIGHT ACTIVITIES"),
    "activity": (
        "{n}. {name}: {sesuai} sesuai, {menyimpang} menyimpang, {menunggu} menunggu",
        "{n}. {name}: {sesuai} conform, {menyimpang} deviate, {menunggu} waiting",
    ),
    "activity_missed": ("; {missed} jadwal terlewat", "; {missed} occasion(s) missed"),
    "activity_none": ("{n}. {name}: tidak ada pelaksanaan", "{n}. {name}: not carried out"),
    "h_deviations": ("PENYIMPANGAN", "DEVIATIONS"),
    "none": ("Tidak ada penyimpangan.", "There is no deviation."),
    "counts": (
        "{all} penyimpangan pada periode ini: {lacking} belum dipertanggungjawabkan ({overdue} lewat batas waktu), "
        "{waiting} menunggu putusan {kasi}, {accepted} diterima.",
        "{all} deviation(s) in this period: {lacking} not accounted for ({overdue} overdue), "
        "{waiting} to be decided on by {kasi}, {accepted} accepted.",
    ),
    "earlier": (
        "Dari periode sebelumnya masih terbuka: {open} penyimpangan ({overdue} lewat batas waktu).",
        "Still open from earlier periods: {open} deviation(s) ({overdue} overdue).",
    ),
    "deviation": ("- {activity}, {site} ({aspect}): {reason}", "- {activity}, {site} ({aspect}): {reason}"),
    "by": (". Pelaksana {name}", ". Executor {name}"),
    "until": (", dipertanggungjawabkan paling lambat {day}", ", to be accounted for by {day}"),
    "late": (" – LEWAT BATAS", " – OVERDUE"),
    "decide": (", menunggu putusan {kasi}", ", to be decided on by {kasi}"),
    "more": (
        "- dan {count} lagi pada lembar Penyimpangan dalam berkas terlampir",
        "- and {count} more on the sheet of deviations in the attached file",
    ),
    "h_todo": ("YANG PERLU DILAKUKAN", "WHAT IS TO BE DONE"),
    "todo_account": (
        "Pelaksana mempertanggungjawabkan penyimpangannya: {who}.",
        "The executors account for their deviations: {who}.",
    ),
    "person": ("{name} ({count})", "{name} ({count})"),
    "person_late": ("{name} ({count}, {late} lewat batas)", "{name} ({count}, {late} overdue)"),
    "nobody": ("belum ada pejabatnya", "nobody in office"),
    "todo_decide": (
        "{kasi} memutuskan {count} pertanggungjawaban: diterima atau dikembalikan.",
        "{kasi} decides on {count} account(s): accept or return.",
    ),
    "todo_review": (
        "Pelaksana membaca dan memaraf {count} hasil pelaksanaan; tanpa paraf hasil itu menjadi penyimpangan.",
        "The executors read and sign off {count} result(s); unread they become deviations.",
    ),
    "todo_sign": (
        "Pimpinan membaca dan menandatangani lembar Ringkasan; pindaiannya diserahkan kepada pengelola.",
        "Management reads and signs the summary sheet; its scan goes to the administrator.",
    ),
    "todo_wait": (
        "Saat ini tidak ada. Laporan untuk ditandatangani menyusul setelah periode berakhir.",
        "Nothing now. The report to be signed follows when the period has ended.",
    ),
    "h_file": ("KEASLIAN BERKAS", "THE FILE IS GENUINE"),
    "file": (
        "Berkas: {file}\nSHA-256: {sha}\nCatatan (ledger): kejadian ke-{seq}, {head}\n"
        "Berkas yang diterima asli bila SHA-256-nya sama dengan yang tertulis di sini.",
        "File: {file}\nSHA-256: {sha}\nLedger: event {seq}, {head}\n"
        "The file you received is genuine when its SHA-256 is the one written here.",
    ),
    "end": (
        "{unit}\nSurat ini dikirim otomatis oleh laman. Tidak ada yang disetujui dengan membalasnya.",
        "{unit}\nSent by laman. Nothing is approved by answering this letter.",
    ),
}


@dataclass(frozen=True)
class Issued:
    """The workbook that the letter carries. `earlier`: deviations that earlier periods left open."""

    compliance: Compliance
    file: str
    sha256: str
    head: Head
    earlier: Sequence[Deviation] = ()
    closed_by: str = ""  # who closed the period; "": it is not closed


def day(moment: dt.date, lang: Language) -> str:
    """A day in words: 4 Desember 2017."""
    return f"{moment.day} {_MONTHS[lang][moment.month - 1]} {moment.year}"


def moment(at: dt.datetime, lang: Language) -> str:
    """A local moment in words: 4 Desember 2017 pukul 08.30 WIB."""
    return f"{day(at, lang)} pukul {at:%H.%M %Z}" if lang == "id" else f"{day(at, lang)}, {at:%H:%M %Z}"


def period_name(issued: Issued, lang: Language) -> str:
    """The days of the report: a whole month by its name, else from when to when."""
    period = issued.compliance.period
    whole = period.first.day == 1 and (period.last + dt.timedelta(days=1)).day == 1
    if whole and (period.first.year, period.first.month) == (period.last.year, period.last.month):
        return f"{_MONTHS[lang][period.first.month - 1]} {period.first.year}"
    return f"{day(period.first, lang)} {'s.d.' if lang == 'id' else 'to'} {day(period.last, lang)}"


def subject(issued: Issued, lang: Language) -> str:
    """The subject line: whose, which period, whether something is open."""
    ours, today = [*issued.compliance.deviations, *issued.earlier], issued.compliance.as_of.date()
    still = [d for d in ours if not d.accepted]
    overdue = sum(d.overdue(today) for d in still)
    key = "subject_overdue" if overdue else "subject_open" if still else "subject_done" if ours else "subject_ok"
    if not ours and not issued.compliance.executions:
        key = "subject_nothing"
    said = _say(lang, key, open=len(still), overdue=overdue)
    unit = harmless(issued.compliance.unit.name, 60)
    return _say(lang, "subject", unit=unit, period=period_name(issued, lang), said=said)


def body(issued: Issued, name: str, lang: Language) -> str:
    """The letter: the eight activities, deviations, what is to be done, and how to tell that the file is genuine."""
    compliance, head = issued.compliance, issued.head
    unit = harmless(compliance.unit.name, 200)
    parts = [
        [_say(lang, "dear", name=harmless(name, 100))],
        _opening(issued, unit, lang),
        [_say(lang, "h_activities"), *(_activity(t, lang) for t in compliance.all_totals())],
        [_say(lang, "h_deviations"), *_deviations(issued, lang)],
        [_say(lang, "h_todo"), *_todo(issued, lang)],
        [_say(lang, "h_file"),
         _say(lang, "file", file=issued.file, sha=issued.sha256, seq=head.seq, head=head.hash)],
        [_say(lang, "end", unit=unit)],
    ]  # fmt: skip
    return "\n\n".join("\n".join(lines) for lines in parts) + "\n"


def _opening(issued: Issued, unit: str, lang: Language) -> list[str]:
    compliance, pos = issued.compliance, issued.compliance.standard
    as_of, period = moment(compliance.as_of, lang), period_name(issued, lang)
    values = {"pos": pos.name.render(lang), "number": pos.number, "unit": unit, "period": period, "as_of": as_of}
    lines = [_say(lang, "attached", **values)]
    if issued.closed_by:
        lines.append(_say(lang, "closed", name=harmless(issued.closed_by, 100)))
    elif not _ended(compliance):
        lines.append(_say(lang, "running"))
    return lines


def _ended(compliance: Compliance) -> bool:
    return compliance.as_of >= compliance.period.end


def _activity(totals: ActivityTotals, lang: Language) -> str:
    name = ACTIVITIES[totals.activity][lang == "en"]
    if not totals.executions:
        said = _say(lang, "activity_none", n=totals.activity, name=name)
    else:
        counts = {"sesuai": totals.sesuai, "menyimpang": totals.menyimpang, "menunggu": totals.menunggu}
        said = _say(lang, "activity", n=totals.activity, name=name, **counts)
    return said + (_say(lang, "activity_missed", missed=totals.missed) if totals.missed else "")


def _deviations(issued: Issued, lang: Language) -> list[str]:
    ours, today = issued.compliance.deviations, issued.compliance.as_of.date()
    left = [d for d in issued.earlier if not d.accepted]
    lines = []
    if ours:
        counts = {
            "all": len(ours),
            "lacking": sum(d.lacks_account for d in ours),
            "overdue": sum(d.overdue(today) for d in ours),
            "waiting": sum(not d.lacks_account and not d.accepted for d in ours),
            "accepted": sum(d.accepted for d in ours),
        }
        lines.append(_say(lang, "counts", kasi=_kasi(issued, lang), **counts))
    if left:
        lines.append(_say(lang, "earlier", open=len(left), overdue=sum(d.overdue(today) for d in left)))
    still = sorted((d for d in [*left, *ours] if not d.accepted), key=lambda d: (not d.overdue(today), d.at))
    lines += [_deviation(issued, d, lang) for d in still[:_LISTED]]
    if len(still) > _LISTED:
        lines.append(_say(lang, "more", count=len(still) - _LISTED))
    return lines or [_say(lang, "none")]


def _deviation(issued: Issued, deviation: Deviation, lang: Language) -> str:
    names = ACTIVITIES[deviation.activity][lang == "en"]
    aspect, reason = _ASPECTS[deviation.aspect][lang == "en"], harmless(deviation.reason, 200)
    line = _say(lang, "deviation", activity=names, site=deviation.site, aspect=aspect, reason=reason)
    name = harmless(deviation.executor.name, 80) if deviation.executor else _say(lang, "nobody")
    line += _say(lang, "by", name=name)
    if not deviation.lacks_account:
        return line + _say(lang, "decide", kasi=_kasi(issued, lang))
    if deviation.account_due is not None:
        line += _say(lang, "until", day=day(deviation.account_due, lang))
    return line + (_say(lang, "late") if deviation.overdue(issued.compliance.as_of.date()) else "")


def _todo(issued: Issued, lang: Language) -> list[str]:
    compliance, today = issued.compliance, issued.compliance.as_of.date()
    lacking = [d for d in [*issued.earlier, *compliance.deviations] if d.lacks_account]
    counts, late = (
        Counter(_name(d, lang) for d in lacking),
        Counter(_name(d, lang) for d in lacking if d.overdue(today)),
    )
    decide = sum(not d.lacks_account and not d.accepted for d in [*issued.earlier, *compliance.deviations])
    review = sum(e.review is None and e.review_due is not None and e.review_due >= compliance.as_of
                 for e in compliance.executions)  # fmt: skip
    todo = []
    if lacking:
        who = [
            _say(lang, "person_late" if late[n] else "person", name=n, count=c, late=late[n]) for n, c in counts.items()
        ]
        todo.append(_say(lang, "todo_account", who=", ".join(who)))
    if decide:
        todo.append(_say(lang, "todo_decide", kasi=_kasi(issued, lang), count=decide))
    if review:
        todo.append(_say(lang, "todo_review", count=review))
    if _ended(compliance):
        todo.append(_say(lang, "todo_sign"))
    return [f"{n}. {line}" for n, line in enumerate(todo, 1)] or [_say(lang, "todo_wait")]


def _name(deviation: Deviation, lang: Language) -> str:
    return harmless(deviation.executor.name, 80) if deviation.executor else _say(lang, "nobody")


def _kasi(issued: Issued, lang: Language) -> str:
    return issued.compliance.standard.actor("kasi_si", lang)


def _say(lang: Language, key: str, **values: object) -> str:
    return _TEXTS[key][lang == "en"].format(**values)
