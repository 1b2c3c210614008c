"""What a step leaves in its result document, in the unit's language: management reads it."""

from __future__ import annotations

from datetime import date, datetime

from reporting.renewal.prices import REGISTER, Rise
from reporting.standard import Language

_TEXTS: dict[str, tuple[str, str]] = {
    "invoice": (
        "invoice {number} tanggal {issued}, diterima {received}, SHA-256 {sha}",
        "invoice {number} of {issued}, received {received}, SHA-256 {sha}",
    ),
    "at_hand": ("berkas {name}, dilampirkan {done}, SHA-256 {sha}", "file {name}, attached {done}, SHA-256 {sha}"),
    "never": ("tidak pernah dilampirkan", "was never attached"),
    "broken": (
        "berkas {name} di arsip hilang atau berubah sejak dilampirkan",
        "the file {name} in the archive is missing, or changed since it was attached",
    ),
    "verified": ("diperiksa isinya, disalin ke arsip, dibaca ulang, SHA-256", "content checked, archived, read back"),
    "looked_up": ("hasil pemeriksaan setelah pembayaran", "looked up after the payment"),
    "line": ("{service}: {reason}", "{service}: {reason}"),
    "moved": ("berakhir {seen} ({source})", "ends {seen} ({source})"),
    "not_moved": (
        "belum diperpanjang: masih berakhir {seen}, yang dibayar sampai {paid} ({source})",
        "not renewed: still ends {seen}, paid until {paid} ({source})",
    ),
    "short": (
        "diperpanjang hanya sampai {seen}, yang dibayar sampai {paid} ({source})",
        "renewed only until {seen}, paid until {paid} ({source})",
    ),
    "unknown": ("akhir masa layanan tidak diketahui: {why}", "its end is unknown: {why}"),
    "never_looked": (
        "belum diperiksa sejak pembayaran {paid}",
        "was not looked up since the payment of {paid}",
    ),
    "old_look": (
        "terakhir diperiksa {looked}, sebelum pembayaran {paid}",
        "last looked up {looked}, before the payment of {paid}",
    ),
    "by_hand": (
        "tanggalnya dicatat dengan tangan, bukan dibaca: diperlukan dokumen (--attest)",
        "its date was entered by hand, not read: a document is needed (--attest)",
    ),
    "rise": ("{service} naik {percent} % dari {source}", "{service} costs {percent} % more than {source}"),
    "register": ("daftar layanan", "the register"),
    "crosses": ("melewati tahun anggaran", "crosses the budget year"),
    "attested": ("dinyatakan diperpanjang oleh {name}: {note}", "attested as renewed by {name}: {note}"),
}
_MONTHS = {
    "id": ("Jan", "Feb", "Mar", "Apr", "Mei", "Jun", "Jul", "Agu", "Sep", "Okt", "Nov", "Des"),
    "en": ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
}


def say(lang: Language, key: str, **values: object) -> str:
    """The sentence `key`, its blanks filled in."""
    indonesian, english = _TEXTS[key]
    return (english if lang == "en" else indonesian).format(**values)


def rise_remark(rise: Rise, lang: Language) -> str:
    """A price that rose, as a remark: domain naik 25,0 % dari P-2025-003."""
    percent = f"{rise.percent:.1f}"
    source = say(lang, "register") if rise.source == REGISTER else rise.source
    return say(
        lang,
        "rise",
        service=rise.service,
        percent=percent if lang == "en" else percent.replace(".", ","),
        source=source,
    )


def day(lang: Language, when: date) -> str:
    """A date as it is read: 12 Mar 2026."""
    return f"{when.day} {_MONTHS[lang][when.month - 1]} {when.year}"


def moment(lang: Language, at: datetime) -> str:
    """A local instant to the minute, with its zone: 12 Mar 2026 14.00 WIB."""
    return f"{day(lang, at.date())} {at:{'%H:%M' if lang == 'en' else '%H.%M'}} {at.tzname()}"
