"""Earlier tickets that look like a new one; a solved one offers what helped then. Pure, in memory, a word at a time.

The score is made of what two tickets share: the fingerprint of the finding, its kind, and their words, of which a rare
one says more than a common one (inverse document frequency); the same site decides between equals.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from reporting.events import CauseKind
from reporting.text import fold
from reporting.troubleshooting.model import Ticket

_SAME_PRINT, _SAME_KIND, _WORDS, _SAME_SITE = 4.0, 1.5, 3.0, 0.4
_LEAST = 1.2  # below this a ticket is not offered: one shared everyday word is no likeness
_WORD = re.compile(r"[a-z0-9]+")
_STOP_WORDS = """
ada adalah agar akan aku anda apa atas atau bagi bahwa banyak baru beberapa belum bisa bila boleh bukan cara cuma dalam
dan dapat dari dengan di dia dua dulu guna hal hanya hari harus hingga ia ini itu jadi jam jangan jika juga kalau kami
kamu karena ke kembali kepada kita lagi lain lalu lebih mana masih mau mereka mohon namun nya oleh pada para pernah
perlu saat saja sangat sampai satu saya sebagai sebelum sebuah sedang sejak sekarang selalu semua seperti serta sesudah
setelah setiap sudah supaya tadi tapi telah terhadap tersebut tidak tak tolong untuk yaitu yang
a after all an and are as at be been but by can cannot could did do does for from had has have he her his how i if in
into is it its just me my no not now of off on or our out over please she since so some such than that the their them
then there these they this to too up us very was we were what when where which while who why will with would you your
"""
_STOP = frozenset(_STOP_WORDS.split())
_SAME = {
    word: group[0]
    for group in (
        ("laman", "situs", "website", "web", "site", "webnya"),
        ("mati", "down", "padam", "tumbang", "offline", "unreachable"),
        ("lambat", "lemot", "lelet", "slow", "berat"),
        ("galat", "error", "eror", "kesalahan", "gagal", "failed", "failure"),
        ("sertifikat", "certificate", "ssl", "tls", "https"),
        ("disk", "hardisk", "harddisk", "penyimpanan", "storage"),
        ("penuh", "full"),
        ("basisdata", "database", "db", "mysql", "mariadb", "postgresql"),
        ("surel", "email", "mail", "surat"),
        ("halaman", "page", "beranda", "home", "homepage"),
        ("masuk", "login", "signin"),
        ("akses", "access", "buka", "dibuka", "diakses", "mengakses"),
        ("jaringan", "network", "koneksi", "internet", "connection"),
        ("serangan", "attack", "peretas", "hack", "diretas", "hacked", "deface"),
        ("gambar", "image", "foto", "photo"),
        ("unggah", "upload", "mengunggah", "diunggah"),
        ("kedaluwarsa", "kadaluarsa", "kadaluwarsa", "expired", "expires", "expire"),
        ("kosong", "blank", "empty", "putih"),
    )
    for word in group
}


@dataclass(frozen=True, slots=True)
class Like:
    """An earlier ticket that looks alike; `solution` and `cause` are there when it is solved."""

    ticket: str
    title: str
    site: str | None
    score: float
    cause_kind: CauseKind | None
    cause: str
    solution: str
    prevention: str


def words_of(text: str) -> frozenset[str]:
    """The telling words of a text: without accents, stop words, and with one name for the same thing."""
    found = (_SAME.get(w, w) for w in _WORD.findall(fold(text)) if w not in _STOP)
    return frozenset(w for w in found if len(w) > 1)


@dataclass(frozen=True, slots=True)
class Problem:
    """What earlier tickets are compared with. `text`: title and description; `kind`: of the finding, if it is one."""

    text: str
    site: str | None = None
    fingerprint: str = ""
    kind: str = ""


def similar(tickets: Iterable[Ticket], problem: Problem, most: int = 3) -> list[Like]:
    """Earlier tickets like a problem, the likest first, at most `most`."""
    earlier = [(t, words_of(f"{t.title} {t.problem}")) for t in tickets]
    common = Counter(word for _, words in earlier for word in words)
    wanted = words_of(problem.text)
    scored = []
    for ticket, words in earlier:
        score = _WORDS * _overlap(words, wanted, common, len(earlier)) + _shape(ticket, problem)
        if score and problem.site is not None and ticket.site == problem.site:
            score += _SAME_SITE
        scored.append((score, ticket))
    best = sorted((s for s in scored if s[0] >= _LEAST), key=lambda s: (-s[0], -s[1].seq))[:most]
    return [_like(ticket, score) for score, ticket in best]


def _shape(ticket: Ticket, problem: Problem) -> float:
    """What two findings share beside their words."""
    score = _SAME_PRINT if problem.fingerprint and ticket.fingerprint == problem.fingerprint else 0.0
    if problem.kind and ticket.finding is not None and ticket.finding.kind == problem.kind:
        score += _SAME_KIND
    return score


def _overlap(one: frozenset[str], other: frozenset[str], common: Counter[str], count: int) -> float:
    """How much of what two texts say is the same, 0 to 1 (cosine, each word weighed by how rare it is)."""

    def weight(words: Iterable[str]) -> float:
        return math.fsum(math.log(1 + (count + 1) / (max(common[w], 1) + 0.5)) ** 2 for w in words)

    whole = math.sqrt(weight(one) * weight(other))
    return weight(one & other) / whole if whole else 0.0


def _like(ticket: Ticket, score: float) -> Like:
    solved = ticket.last("solve") if ticket.state == "solved" else None
    return Like(
        ticket=ticket.id,
        title=ticket.title,
        site=ticket.site,
        score=round(score, 2),
        cause_kind=solved.cause_kind if solved else None,
        cause=solved.cause if solved else "",
        solution=solved.solution if solved else "",
        prevention=solved.prevention if solved else "",
    )
