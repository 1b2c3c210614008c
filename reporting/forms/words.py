"""How papers say things: days, numbers, NIP, NPWP, states. Indonesian only: the payment desk reads them."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_UP, Decimal

MONTHS = (
    *("Januari", "Februari", "Maret", "April", "Mei", "Juni", "Juli"),
    *("Agustus", "September", "Oktober", "November", "Desember"),
)
TITLES = {
    "submission": "LEMBAR PENGAJUAN PEMBAYARAN",
    "approval": "LEMBAR PERSETUJUAN PEMBAYARAN",
    "receipt": "KUITANSI / BUKTI PEMBAYARAN",
    "status_report": "NOTA DINAS",
}
STEPS = {
    "submit": "Pengajuan",
    "approve": "Persetujuan",
    "reject": "Penolakan",
    "return": "Pengembalian",
    "pay": "Pembayaran",
    "report": "Pelaporan status",
    "cancel": "Pembatalan",
}
PROOFS = {
    "moved": "terbukti diperpanjang",
    "attested": "diperpanjang (pernyataan)",
    "not_moved": "belum diperpanjang",
    "unknown": "belum dapat dipastikan",
}
CASE_STATES = {
    "submitted": "diajukan",
    "returned": "dikembalikan",
    "approved": "disetujui",
    "partly_paid": "dibayar sebagian",
    "paid": "dibayar, belum dilaporkan",
    "not_renewed": "belum terbukti diperpanjang",
    "renewed": "diperpanjang",
    "rejected": "ditolak",
    "cancelled": "dibatalkan",
}
VERDICTS = {"sesuai": "sesuai", "menyimpang": "menyimpang", "menunggu": "menunggu"}
FIRST_LINES = {
    "submission": "Bersama ini kami ajukan pembayaran perpanjangan layanan dengan rincian sebagai berikut.",
    "approval": "Berdasarkan pengajuan pembayaran perpanjangan layanan berikut,",
    "receipt": "Sudah terima dari",
    "status_report": "Dengan hormat kami laporkan status perpanjangan layanan berikut.",
}


def day_text(day: date | None) -> str:
    """12 Maret 2026; "-" for none."""
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}" if day else "-"


def number_text(amount: int) -> str:
    """Rupiah with dots: 1.250.000."""
    return f"{amount:,}".replace(",", ".")


def percent_text(percent: float) -> str:
    """11%, 1,5%."""
    return f"{percent:g}%".replace(".", ",")


def minutes_text(minutes: float | None) -> str:
    """Working minutes to a tenth, halves up: 30, 30,5; "-" for none."""
    if minutes is None:
        return "-"
    shown = Decimal(str(minutes)).quantize(Decimal("0.1"), ROUND_HALF_UP)
    return f"{shown:f}".removesuffix(".0").replace(".", ",")


def grouped_nip(nip: str | None) -> str:
    """NIP in its four parts: birth, start, sex, serial; empty for none."""
    return f"{nip[:8]} {nip[8:14]} {nip[14]} {nip[15:]}" if nip and len(nip) == 18 else nip or ""


def grouped_npwp(npwp: str | None) -> str:
    """NPWP as it is written: 15 digits with dots and dash, 16 in fours, 22 as 16 and the branch; "-" for none."""
    if not npwp:
        return "-"
    if len(npwp) == 15:
        return f"{npwp[:2]}.{npwp[2:5]}.{npwp[5:8]}.{npwp[8]}-{npwp[9:12]}.{npwp[12:]}"
    fours = " ".join(npwp[i : i + 4] for i in range(0, 16, 4))
    return f"{fours} {npwp[16:]}".strip()
