"""Feed and site map of the shared host, dated back from the moment of its start: one section fresh, one stale."""

import datetime as dt
from email.utils import format_datetime

ITEMS = (
    (1, "berita", "Loket Pelayanan Pindah ke Lantai Satu"),
    (8, "berita", "Mobil Keliling Menyapa Pasar Induk"),
    (15, "berita", "Pelajar Belajar Arsip di Kantor Dinas"),
    (220, "regulasi", "Peraturan tentang Izin Usaha Mikro"),
    (310, "regulasi", "Standar Pelayanan Minimal"),
)


def feed(base: str, now: dt.datetime) -> str:
    """RSS 2.0 with the items, newest first."""
    items = "".join(
        f"<item><title>{title}</title><link>{base}/{section}/</link><category>{section}</category>"
        f'<guid isPermaLink="false">dinas-contoh-{days}</guid>'
        f"<pubDate>{format_datetime(now - dt.timedelta(days=days))}</pubDate></item>\n"
        for days, section, title in ITEMS
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<rss version="2.0"><channel>\n'
        f"<title>Dinas Contoh</title><link>{base}/</link><description>Berita Dinas Contoh</description>\n"
        f"{items}</channel></rss>\n"
    )


def sitemap(base: str, now: dt.datetime) -> str:
    """Site map whose ``lastmod`` is the newest item of each section."""
    newest = {section: days for days, section, _ in reversed(ITEMS)}
    urls = {"/": min(newest.values()), **{f"/{section}/": days for section, days in sorted(newest.items())}}
    entries = "".join(
        f"<url><loc>{base}{path}</loc><lastmod>{now - dt.timedelta(days=days):%Y-%m-%d}</lastmod></url>\n"
        for path, days in urls.items()
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
        f"{entries}</urlset>\n"
    )
