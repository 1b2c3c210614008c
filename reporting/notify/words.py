"""The words of the e-mail that carries an inbox; there is no link in it, for nothing is approved by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reporting.standard import Language
from reporting.text import harmless

_SUBJECT = {
    "id": "{unit}: {count} perpanjangan layanan menunggu keputusan Anda ({role})",
    "en": "{unit}: {count} renewal(s) wait for your decision ({role})",
}
_CASE = {
    "id": "{n}. {case}: {services}; invoice {invoice}; {money}; batas waktu {until}",
    "en": "{n}. {case}: {services}; invoice {invoice}; {money}; until {until}",
}
_BODY = {
    "id": """Yth. {name},

{count} perpanjangan layanan menunggu keputusan Anda ({role}):

{cases}

Rinciannya ada dalam berkas Excel terlampir. Isi hanya kolom kuning, lalu kirimkan kembali berkas itu kepada pengelola
bersama pindaian lembar yang ditandatangani atau bukti pembayaran tiap kasus. Tanpa itu keputusan tidak dicatat:
tidak ada yang disetujui lewat tautan atau dengan membalas surat ini.

{unit}
Dikirim oleh laman pada {at}.
""",
    "en": """Dear {name},

{count} renewal(s) wait for your decision ({role}):

{cases}

The details are in the Excel file attached. Fill in the yellow columns only and send the file back to the administrator
with a scan of each case's signed sheet or proof of payment. Without it nothing is recorded: nothing is approved by a
link, or by answering this letter.

{unit}
Sent by laman on {at}.
""",
}


@dataclass(frozen=True)
class CaseLine:
    """One case as the letter names it; texts as they are printed."""

    case: str
    services: str
    invoice: str
    money: str  # e.g. Rp 1.110.000
    until: str


@dataclass(frozen=True)
class Words:
    """Who is written to, by whom, when."""

    unit: str
    role: str  # as the POS calls it
    name: str
    at: str


def subject(words: Words, count: int, lang: Language) -> str:
    """The subject line."""
    return _SUBJECT[lang].format(unit=harmless(words.unit, 60), count=count, role=harmless(words.role, 60))


def body(words: Words, cases: Sequence[CaseLine], lang: Language) -> str:
    """The letter: how many cases, which, until when."""
    lines = [
        _CASE[lang].format(
            n=n, case=c.case, services=harmless(c.services, 300), invoice=harmless(c.invoice, 80), money=c.money,
            until=c.until,
        )
        for n, c in enumerate(cases, 1)
    ]  # fmt: skip
    return _BODY[lang].format(
        name=harmless(words.name, 100), count=len(cases), role=harmless(words.role, 100), cases="\n".join(lines),
        unit=harmless(words.unit, 200), at=words.at,
    )  # fmt: skip
