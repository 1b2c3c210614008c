"""What a visitor gets of a site: a few pages, recorded with the backup and fetched again from the restored site.

A page's digest is over what stays the same between two fetches: nonces, tokens and the host's address are taken out.
Each page is fetched twice when it is recorded; one that differs even so is marked, and never compared.
"""

from __future__ import annotations

import hashlib
import html
import http.client
import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urljoin, urlsplit

from reporting.backup_set.manifest import Page, Pages
from reporting.text import harmless

_MAX_PAGE = 8 << 20
_HREF = re.compile(rb"""<(?:a|link)\b[^>]*?\bhref\s*=\s*["']([^"'<>\s]{1,500})["']""", re.IGNORECASE)
_ITEM = re.compile(rb"<link>\s*([^<>\s]{1,500})\s*</link>")
_SKIPPED = re.compile(
    r"\.(?:css|js|json|png|jpe?g|gif|svg|ico|webp|pdf|zip|xml|woff2?)$|/wp-(?:login|admin|json)|xmlrpc", re.I
)
# What differs from one fetch to the next without the page being another: what is found is cut out.
_VOLATILE = [
    re.compile(rb"""(?i)\b(?:_?(?:wp)?nonce|csrf[-_.]?token|token|_ajax_nonce)["']?\s*[:=]\s*["'][0-9a-f]{8,64}["']"""),
    re.compile(rb"""(?i)name=["'](?:_wpnonce|[0-9a-f]{32}|csrf\w*)["']\s+value=["'][^"']{1,100}["']"""),
    re.compile(rb"(?i)[?&;](?:_wpnonce|nonce)=[0-9a-f]{8,40}"),
    re.compile(rb"""(?i)\snonce=["'][^"']{8,80}["']"""),
    re.compile(rb"<!--[^>]{0,400}?(?:cached|generated|seconds|queries)[^>]{0,400}?-->", re.IGNORECASE),
]


@dataclass(frozen=True)
class Answer:
    """Status, content and content type of one page."""

    status: int
    content: bytes
    kind: str = ""


Fetch = Callable[[str], Answer]


class PageError(Exception):
    """A page did not come; why."""


def fetcher(base: str, *, connect_to: tuple[str, int] | None = None, ca_file: str | None = None) -> Fetch:
    """Fetches paths below `base` (scheme, host, port). `connect_to`: address that is asked instead, without TLS.

    Raises (from the fetch):
        PageError: no answer, or not HTTP.
    """
    where = urlsplit(base)
    host = where.hostname or ""
    headers = {"Host": where.netloc, "User-Agent": "laman-backup/1", "Accept-Encoding": "identity"}

    def fetch(path: str) -> Answer:
        connection: http.client.HTTPConnection
        if connect_to is not None:
            connection = http.client.HTTPConnection(*connect_to, timeout=60)
        elif where.scheme == "https":
            context = ssl.create_default_context(cafile=ca_file)
            connection = http.client.HTTPSConnection(host, where.port or 443, timeout=30, context=context)
        else:
            connection = http.client.HTTPConnection(host, where.port or 80, timeout=30)
        try:
            connection.request("GET", path, headers=headers)
            response = connection.getresponse()
            content = response.read(_MAX_PAGE + 1)
            return Answer(response.status, content[:_MAX_PAGE], response.getheader("Content-Type", ""))
        except (OSError, http.client.HTTPException) as error:
            raise PageError(f"{base}{path}: {harmless(error, 200) or type(error).__name__}") from None
        finally:
            connection.close()

    return fetch


def record_pages(base: str, fetch: Fetch, most: int = 7) -> Pages:
    """Record the front page and up to `most` pages that it leads to. Never raises for a site that does not answer."""
    where = urlsplit(base)
    root = f"{where.scheme}://{where.netloc}"
    start = where.path or "/"
    now = datetime.now(UTC)
    try:
        first = fetch(start)
        paths = [start, *_paths(root, start, first, fetch)][: most + 1]
        pages = [_recorded(path, root, fetch) for path in paths]
    except PageError as error:
        return Pages(base=root, fetched_at=now, problem=str(error))
    problem = "" if first.status == 200 else f"{root}{start} answers with status {first.status}"
    return Pages(base=root, fetched_at=now, pages=pages, problem=problem)


def _recorded(path: str, root: str, fetch: Fetch) -> Page:
    one, two = (_digest(fetch(path), root) for _ in range(2))
    answer = fetch(path)
    return Page(path=path, status=answer.status, sha256=one, bytes=len(answer.content), stable=one == two)


def _digest(answer: Answer, root: str) -> str:
    return hashlib.sha256(b"%d\n" % answer.status + normalised(answer.content, root)).hexdigest()


def _paths(root: str, start: str, first: Answer, fetch: Fetch) -> list[str]:
    """Paths of pages that the front page links to; the feed comes first, then its posts, then the others."""
    found = _links(root, start, _HREF.findall(first.content))
    feed = next((path for path in found if path.rstrip("/").endswith("/feed")), "")
    posts = _links(root, start, _ITEM.findall(fetch(feed).content)) if feed else []
    chosen = [feed, *posts[:3], *(path for path in found if "/feed" not in path)]
    return [path for path in dict.fromkeys(chosen) if path and path != start]


def _links(root: str, start: str, found: list[bytes]) -> list[str]:
    paths = []
    for raw in found:
        try:
            link = urlsplit(urljoin(root + start, html.unescape(raw.decode("ascii"))))
        except ValueError:
            continue
        same = f"{link.scheme}://{link.netloc}" == root
        if same and link.path.isprintable() and not link.query and not _SKIPPED.search(link.path):
            paths.append(link.path or "/")
    return list(dict.fromkeys(paths))


def normalised(content: bytes, root: str) -> bytes:
    """A page without what differs between two fetches, and without the address that it was asked at."""
    text = content
    for pattern in _VOLATILE:
        text = pattern.sub(b"", text)
    host = root.partition("://")[2].encode()
    for scheme in (b"https:", b"http:", b""):
        for slashes in (b"//", rb"\/\/"):
            text = text.replace(scheme + slashes + host, b"//SITE")
    return text.replace(host, b"SITE")


def compare_pages(recorded: Pages, fetch: Fetch, root: str | None = None) -> list[tuple[Page, str]]:
    """Each stable page fetched again, with what is wrong with it ("" when it is equal).

    `root`: the address that the pages carry, where it is not the recorded one.
    """
    results = []
    for page in recorded.pages:
        if not page.stable:
            continue
        try:
            answer = fetch(page.path)
        except PageError as error:
            results.append((page, str(error)))
            continue
        same = _digest(answer, root or recorded.base) == page.sha256
        wrong = f"status {answer.status}, {page.status} was recorded" if answer.status != page.status else "differs"
        results.append((page, "" if same else wrong))
    return results


__all__ = ["Answer", "Fetch", "PageError", "compare_pages", "fetcher", "normalised", "record_pages"]
