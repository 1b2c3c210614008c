"""The sentences that reasons are made of, in Indonesian (what management reads by default) and English."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from reporting.compliance.model import shown
from reporting.standard import Language
from reporting.text import harmless

_TEXTS: dict[str, tuple[str, str]] = {
    # perlengkapan
    "requirement.ok": ("tersedia: {names}", "at hand: {names}"),
    "requirement.none": (
        "tidak tercatat perlengkapan apa yang tersedia",
        "not on record what was at hand",
    ),
    "requirement.running": ("masih berjalan", "still running"),
    "requirement.interrupted": (
        "belum tercatat: pelaksanaan terputus sebelum melaporkan perlengkapannya",
        "not on record yet: interrupted before it told what was at hand",
    ),
    "requirement.goes_on": ("masih dikerjakan", "still being worked on"),
    # waktu
    "time.ok": ("{minutes} menit ({clock}), paling lama {limit} menit", "{minutes} min ({clock}), at most {limit} min"),
    "time.over": (
        "{minutes} menit ({clock}), melewati {limit} menit selama {over}",
        "{minutes} min ({clock}), over {limit} min by {over}",
    ),
    "time.backwards": (
        "waktu tidak dapat dipastikan: tercatat selesai {ended} sebelum mulai {started}",
        "time cannot be told: on record as ended {ended} before it began {started}",
    ),
    "time.running": ("masih berjalan, paling lama {limit} menit", "still running, at most {limit} min"),
    "time.interrupted": (
        "belum tercatat: pelaksanaan terputus tanpa catatan selesai",
        "not on record yet: interrupted without an end",
    ),
    "time.so_far": (
        "{minutes} menit ({clock}) sampai sekarang, paling lama {limit} menit",
        "{minutes} min ({clock}) so far, at most {limit} min",
    ),
    "time.killed": (
        "tidak tercatat: pelaksanaan terputus, dan baru kemudian diketahui",
        "not on record: the execution was killed, which was noticed only later",
    ),
    "clock.elapsed": ("waktu berjalan", "elapsed"),
    "clock.working": ("menit kerja", "working minutes"),
    "clock.input": ("menit kerja sejak masukan ada", "working minutes since its input was there"),
    "clock.taken": ("menit kerja sejak mulai dikerjakan", "working minutes since work was begun"),
    # output
    "output.ok": ("{count} berkas, utuh dan terverifikasi", "{count} file(s), whole and verified"),
    "output.none": ("tidak ada output", "no output"),
    "output.running": ("masih berjalan", "still running"),
    "output.interrupted": (
        "terputus: sampai {limit} tidak ada output yang tercatat",
        "interrupted: no output on record until {limit}",
    ),
    "output.goes_on": ("belum ada", "none yet"),
    "output.status": ("pelaksanaan berakhir tidak wajar: {status}", "the execution ended badly: {status}"),
    "output.reviewed": ("diparaf {name} pada {at}", "reviewed by {name} on {at}"),
    "output.review_waits": ("menunggu paraf, paling lambat {due}", "waits for review, by {due} at the latest"),
    "output.review_late": (
        "tidak diparaf dalam jadwal: diparaf {at}, paling lambat {due}",
        "not reviewed in time: reviewed {at}, due by {due}",
    ),
    "output.review_missing": (
        "tidak diparaf dalam jadwal, paling lambat {due}",
        "not reviewed in time, due by {due}",
    ),
    # verdict
    "verdict.ok": (
        "perlengkapan, waktu, dan output sesuai mutu baku",
        "requirement, time and output keep the standard",
    ),
    "aspect.perlengkapan": ("perlengkapan", "requirement"),
    "aspect.waktu": ("waktu", "time"),
    "aspect.output": ("output", "output"),
    # jadwal
    "occasion.open": (
        "belum dilaksanakan, jadwal terbuka sampai {closes}",
        "not carried out yet, open until {closes}",
    ),
    "occasion.open_again": (
        "{attempts} percobaan terputus, jadwal terbuka sampai {closes}",
        "{attempts} attempt(s) cut short, open until {closes}",
    ),
    "occasion.missed": (
        "tidak dilaksanakan dalam jadwal {opens} sampai {closes}",
        "not carried out between {opens} and {closes}",
    ),
    "occasion.missed_cut": (
        "tidak ada pelaksanaan yang utuh dalam jadwal {opens} sampai {closes} ({attempts} percobaan terputus)",
        "no whole execution between {opens} and {closes} ({attempts} attempt(s) cut short)",
    ),
    "occasion.late": (
        "dicatat terlambat: {execution} baru dicatat pada {at}",
        "recorded late: {execution} was put on record only on {at}",
    ),
    "noticed.late": ("terlambat dimulai, diketahui {at}", "begun late, noticed {at}"),
    "noticed.late_asleep": (
        "terlambat dimulai: penjadwal tidak hidup sejak {since}, diketahui {at}",
        "begun late: the timer gave no sign of life since {since}, noticed {at}",
    ),
    "noticed.missed": ("diketahui terlewat pada {at}", "noticed as missed {at}"),
    "noticed.missed_asleep": (
        "diketahui terlewat pada {at}: penjadwal tidak hidup sejak {since}",
        "noticed as missed {at}: the timer gave no sign of life since {since}",
    ),
    "occasion.caught_up": ("disusulkan {at} oleh {execution}", "made up for {at} by {execution}"),
    "occasion.done_since": ("sudah dilaksanakan kemudian: {execution}", "carried out since: {execution}"),
    "occasion.attempt": ("percobaan ke-{attempt}: {reason}", "attempt {attempt}: {reason}"),
    "occasion.nobody": (
        "tidak ada pejabat yang bertugas sebagai {role} pada {day}",
        "nobody was in office as {role} on {day}",
    ),
    # how an execution ended
    "status.completed": ("selesai", "completed"),
    "status.failed": ("gagal", "failed"),
    "status.unreachable": ("laman tidak terjangkau", "site unreachable"),
    "status.timed_out": ("dihentikan karena melewati batas waktu", "ended because it ran over its limit"),
    "status.cancelled": ("dibatalkan", "cancelled"),
    "status.killed": ("terputus", "killed"),
    "status.running": ("sedang berjalan", "running"),
    "status.interrupted": ("terputus", "interrupted"),
    # what has to be at hand, by the names that roles give it
    "name.site_access": ("akses sistem laman", "access to the site"),
    "name.backup_medium": ("media backup", "backup medium"),
    "name.database_access": ("akses basis data", "access to the database"),
    "name.invoice": ("invoice", "invoice"),
    "name.submission_sheet": ("lembar pengajuan pembayaran", "payment submission sheet"),
    "name.approved_sheet": ("lembar pengajuan yang disetujui", "approved submission sheet"),
    "name.proof_of_payment": ("bukti pembayaran", "proof of payment"),
    "name.problem_reported": ("permasalahan yang dilaporkan", "the problem that was reported"),
    # units of time
    "unit.h": ("jam", "h"),
    "unit.min": ("menit", "min"),
    "unit.s": ("detik", "s"),
}
_MONTHS = {
    "id": ("Jan", "Feb", "Mar", "Apr", "Mei", "Jun", "Jul", "Agu", "Sep", "Okt", "Nov", "Des"),
    "en": ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
}


def say(lang: Language, key: str, **values: object) -> str:
    """The sentence `key` in a language, its blanks filled in."""
    indonesian, english = _TEXTS[key]
    return (english if lang == "en" else indonesian).format(**values)


def requirement_name(lang: Language, name: str) -> str:
    """What a role calls a requirement, in words; a name that the catalogue has not is shown as it is."""
    return say(lang, f"name.{name}") if f"name.{name}" in _TEXTS else name.replace("_", " ")


def figure(lang: Language, minutes: float) -> str:
    """Minutes rounded half up to 0.1, with the language's decimal mark."""
    text = f"{shown(minutes):.1f}"
    return text if lang == "en" else text.replace(".", ",")


def span(lang: Language, length: timedelta) -> str:
    """A stretch of time to the second, rounded up, so that what is over is never shown as nothing."""
    seconds = -(-length // timedelta(seconds=1))
    parts = ((seconds // 3600, "h"), (seconds % 3600 // 60, "min"), (seconds % 60, "s"))
    return " ".join(f"{count} {say(lang, f'unit.{unit}')}" for count, unit in parts if count)


def moment(lang: Language, at: datetime) -> str:
    """A local instant to the minute, with its zone's name, e.g. `2 Nov 2026 16.00 WIB`."""
    clock = f"{at:%H:%M}" if lang == "en" else f"{at:%H.%M}"
    return f"{at.day} {_MONTHS[lang][at.month - 1]} {at.year} {clock} {at.tzname()}"


def joined(texts: Iterable[str]) -> str:
    """Several reasons as one; each made harmless, because some come from hosts."""
    return "; ".join(harmless(text) for text in texts)
