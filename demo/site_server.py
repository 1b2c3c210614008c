"""The demo's sites: pages and feeds out of a small SQLite database, served on loopback. Standard library only.

python site_server.py build FOLDER   makes FOLDER/portal and FOLDER/arsip
python site_server.py serve FOLDER   serves both, port in FOLDER/port, until its standard input ends
"""

from __future__ import annotations

import html
import os
import sqlite3
import sys
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

# section -> (title, age in days of its newest article, number of articles)
SECTIONS = {
    "berita": ("Berita", 2, 12),
    "pengumuman": ("Pengumuman", 9, 6),
    "agenda": ("Agenda Kegiatan", 203, 4),  # nobody has kept it up: the demo's stale section
}
TOPICS = ["Bimbingan teknis penjaminan mutu", "Rapat koordinasi satuan pendidikan", "Rapor mutu sekolah",
          "Supervisi SPMI", "Pelatihan pengawas", "Pemetaan mutu pendidikan"]  # fmt: skip


def build(folder: Path) -> None:
    """Make the two sites: articles in SQLite, a few files beside them."""
    now = datetime.now(UTC)
    for site in ("portal", "arsip"):
        root = folder / site
        (root / "public" / "unggahan").mkdir(parents=True, exist_ok=True)
        (root / "public" / "profil.html").write_text("<h1>Profil</h1><p>Lembaga Penjaminan Mutu Pendidikan.</p>\n")
        (root / "public" / "unggahan" / "laporan tahunan.txt").write_text("Laporan tahunan\n" * 200)
        (root / "public" / "unggahan" / "logo.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>\n")
        (root / "data").mkdir(exist_ok=True)
        (root / "data" / "artikel.sqlite").unlink(missing_ok=True)
        name = "artikel.sqlite" if site == "portal" else "artikel-lama.sqlite"  # arsip's settings name another file
        _articles(root / "data" / name, now)


def _articles(path: Path, now: datetime) -> None:
    path.unlink(missing_ok=True)
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE artikel (id INTEGER PRIMARY KEY, bagian TEXT, judul TEXT, isi TEXT, terbit TEXT)")
        for section, (_, newest, count) in SECTIONS.items():
            for n in range(count):
                published = now - timedelta(days=newest + 6 * n, hours=n)
                title = f"{TOPICS[n % len(TOPICS)]} {published.year}"
                db.execute(
                    "INSERT INTO artikel (bagian, judul, isi, terbit) VALUES (?, ?, ?, ?)",
                    (section, title, f"{title}. " * 20, published.isoformat(timespec="seconds")),
                )
    db.close()


class Handler(BaseHTTPRequestHandler):
    """Home page, section pages, one feed a section, one page without a date."""

    folder: Path

    def do_GET(self) -> None:
        parts = [p for p in self.path.split("?")[0].split("/") if p]
        if not parts or parts[0] not in ("portal", "arsip"):
            return self._send(404, "text/html", "<h1>404</h1>")
        site, rest = parts[0], parts[1:]
        if not rest:
            links = "".join(f"<li><a href='/{site}/{s}/'>{t}</a></li>" for s, (t, _, _) in SECTIONS.items())
            return self._send(200, "text/html", f"<h1>{site}</h1><ul>{links}</ul>")
        if rest == ["profil"]:
            return self._send(200, "text/html", (self.folder / site / "public" / "profil.html").read_text())
        if rest[0] in SECTIONS and rest[1:] in ([], ["feed"]):
            return self._section(site, rest[0], feed=rest[1:] == ["feed"])
        return self._send(404, "text/html", "<h1>404</h1>")

    def _section(self, site: str, section: str, *, feed: bool) -> None:
        file = next((self.folder / site / "data").glob("*.sqlite"))
        db = sqlite3.connect(file)
        rows = db.execute(
            "SELECT id, judul, isi, terbit FROM artikel WHERE bagian = ? ORDER BY terbit DESC LIMIT 10", (section,)
        ).fetchall()
        db.close()
        title = SECTIONS[section][0]
        if not feed:
            body = "".join(
                f"<article><h2>{html.escape(j)}</h2><p>{html.escape(i)}</p></article>" for _, j, i, _ in rows
            )
            head = f"<link rel='alternate' type='application/rss+xml' href='/{site}/{section}/feed'>"
            return self._send(200, "text/html", f"<html><head>{head}</head><body><h1>{title}</h1>{body}</body></html>")
        items = "".join(
            f"<item><title>{html.escape(j)}</title><link>/{site}/{section}/{n}</link>"
            f"<pubDate>{format_datetime(datetime.fromisoformat(t))}</pubDate></item>"
            for n, j, _, t in rows
        )
        return self._send(
            200, "application/rss+xml", f"<rss version='2.0'><channel><title>{title}</title>{items}</channel></rss>"
        )

    def _send(self, status: int, kind: str, body: str) -> None:
        content = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing: the demo's visitor log comes from a real site's sample."""


def serve(folder: Path) -> None:
    """Serve on a free port of the loopback until standard input is closed."""
    Handler.folder = folder
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    beside = folder / f".port-{os.getpid()}"
    beside.write_text(str(server.server_port))
    beside.replace(folder / "port")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.buffer.read()
    server.shutdown()


if __name__ == "__main__":
    if sys.argv[1] == "build":
        build(Path(sys.argv[2]))
    else:
        serve(Path(sys.argv[2]))
