"""What a ticket leaves in its result document and in the paper of its solution, in the unit's language."""

from __future__ import annotations

from datetime import datetime

from reporting.standard import Language

_TEXTS: dict[str, tuple[str, str]] = {
    "reported": ("{ticket}, dilaporkan {at}{by}: {title}", "{ticket}, reported {at}{by}: {title}"),
    "by": (" oleh {name}", " by {name}"),
    "verified": ("ditulis utuh ke arsip, dibaca ulang, SHA-256", "written whole into the archive, read back, SHA-256"),
    "heading": ("Solusi pemecahan masalah {ticket}", "Solution of {ticket}"),
    "title": ("Permasalahan", "Problem"),
    "site": ("Laman", "Site"),
    "no_site": ("bukan satu laman saja", "not one site alone"),
    "reported_at": ("Dilaporkan", "Reported"),
    "solved_at": ("Diselesaikan", "Solved"),
    "executor": ("Pelaksana", "Executor"),
    "route": ("Jalur", "Route"),
    "mandiri": ("mandiri", "alone"),
    "subbag_umum": ("bersama Subbag Umum", "with the general affairs subdivision"),
    "pihak_ketiga": ("melibatkan pihak ketiga", "with a third party"),
    "cause": ("Penyebab", "Cause"),
    "solution": ("Solusi", "Solution"),
    "prevention": ("Pencegahan", "Prevention"),
    "steps": ("Riwayat", "History"),
    "minutes": ("Menit kerja", "Working minutes"),
    "gross_net": (
        "{gross} bruto, {net} neto; dijeda {paused}, sempat dianggap selesai {stood}",
        "{gross} gross, {net} net; paused {paused}, taken for solved {stood}",
    ),
    "take": ("diambil", "taken"),
    "pause": ("dijeda", "paused"),
    "resume": ("dilanjutkan", "resumed"),
    "note": ("catatan", "note"),
    "attach": ("lampiran", "attachment"),
    "solve": ("diselesaikan", "solved"),
    "reopen": ("dibuka kembali", "reopened"),
    "breach": ("dinyatakan kegagalan pelindungan data pribadi", "called a breach of personal data"),
    "notified": ("pemberitahuan tertulis dikirim", "written notice sent"),
    "routed": ("dialihkan", "routed"),
    "gathered": ("{count} temuan {kind} sekaligus", "{count} findings of {kind} at once"),
    "gathered_rest": (
        "{count} temuan lain sekaligus ({kinds} jenis)",
        "{count} other findings at once ({kinds} kinds)",
    ),
    "gathered_why": (
        "Pelaksanaan {execution} menemukan lebih dari yang dibuatkan tiket satu per satu. Antara lain: {some}",
        "Execution {execution} found more than what one ticket each is opened for. Among them: {some}",
    ),
    "uncounted": ("; {count} lagi hanya dihitung", "; {count} more were only counted"),
    "found": ("temuan {execution}", "found by {execution}"),
}
_MONTHS = {
    "id": ("Jan", "Feb", "Mar", "Apr", "Mei", "Jun", "Jul", "Agu", "Sep", "Okt", "Nov", "Des"),
    "en": ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
}


def say(lang: Language, key: str, **values: object) -> str:
    """The sentence `key`, its blanks filled in."""
    indonesian, english = _TEXTS[key]
    return (english if lang == "en" else indonesian).format(**values)


def moment(lang: Language, at: datetime) -> str:
    """A local instant to the minute, with its zone: 12 Mar 2026 14.00 WIB."""
    clock = f"{at:%H:%M}" if lang == "en" else f"{at:%H.%M}"
    return f"{at.day} {_MONTHS[lang][at.month - 1]} {at.year} {clock} {at.tzname()}"


def figure(lang: Language, minutes: float) -> str:
    """Minutes to 0.1, with the language's decimal mark."""
    text = f"{minutes:.1f}"
    return text if lang == "en" else text.replace(".", ",")
