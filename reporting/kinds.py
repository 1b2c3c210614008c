"""Kinds of findings in words, for whoever names one: a workbook, a ticket."""

from __future__ import annotations

from typing import Literal

# Kinds of findings and classes of suspicion as people say them; a kind that is new here is shown as it is written.
KINDS: dict[str, tuple[str, str]] = {
    "stale_section": ("bagian kedaluwarsa", "stale section"),
    "section_unreachable": ("bagian tidak terjangkau", "section unreachable"),
    "section_unknown": ("tanggal tidak diketahui", "date unknown"),
    "section_future_date": ("tanggal di masa depan", "date in the future"),
    "tls_expires_soon": ("sertifikat segera berakhir", "certificate expires soon"),
    "tls_expired": ("sertifikat berakhir", "certificate expired"),
    "sql_injection": ("injeksi SQL", "SQL injection"),
    "xss": ("skrip lintas situs (XSS)", "cross-site scripting (XSS)"),
    "path_traversal": ("penembusan direktori", "path traversal"),
    "command_injection": ("perintah dari jauh (RCE)", "remote commands (RCE)"),
    "sensitive_files": ("berkas sensitif", "sensitive files"),
    "web_shell": ("web shell", "web shell"),
    "scanner": ("pemindai kerentanan", "vulnerability scanner"),
    "login_brute_force": ("tebak sandi", "log-in brute force"),
    "gambling_seo": ("halaman judi daring", "gambling pages"),
}


def kind_words(slug: str, lang: Literal["id", "en"]) -> str:
    """A kind of finding, or a class of suspicion, as people say it."""
    known = KINDS.get(slug)
    return known[1 if lang == "en" else 0] if known else slug.replace("_", " ")
