"""Words about how the sites' backups stand (3-2-1), in Indonesian and English."""

from __future__ import annotations

BACKUP_WORDS: dict[str, tuple[str, str]] = {
    "standing_of": ("Keadaan backup tiap laman (3-2-1)", "How the backups of each site stand (3-2-1)"),
    "note_standing": (
        "Diminta: {copies} salinan (laman itu sendiri terhitung), {kinds} jenis media, {off_site} di tempat lain, "
        "tidak lebih tua dari {fresh} hari. Dibaca ulang: terakhir set dibaca kembali dari medianya dan ternyata utuh. "
        "Dibuktikan: terakhir dipulihkan dan ternyata sama.",
        "Asked for: {copies} copies (the site itself is one), {kinds} kinds of media, {off_site} in another place, "
        "none older than {fresh} days. Read back: last time a set was read from its medium and found whole. Proven: "
        "last time it was restored and found equal.",
    ),
    "col_standing_site": ("Laman", "Site"),
    "col_standing_made": ("Set Terbaru", "Newest Set"),
    "col_standing_set": ("Nama Set", "Set Name"),
    "col_standing_verified": ("Dibaca Ulang", "Read Back"),
    "col_standing_proven": ("Dibuktikan", "Proven"),
    "col_standing_flags": ("Yang Kurang", "What Is Wrong"),
    "col_standing_copies": ("Salinan", "Copies"),
    "col_standing_kinds": ("Jenis Media", "Kinds of Media"),
    "col_standing_off_site": ("Di Tempat Lain", "In Another Place"),
    "standing_good": ("tidak ada", "nothing"),
}
