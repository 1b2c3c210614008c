"""What a page says about its own age, and where it says that more can be read. No network, no scripts, no entities."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from typing import Any
from urllib.parse import urljoin

from selectolax.lexbor import LexborHTMLParser, LexborNode

from reporting.content.dates import mask, parse, places

_MAX_DEPTH = 4_000  # lexbor's time grows with the square of the depth: 100,000 levels take 10 s
_TAG = re.compile(rb"<(/?)([a-zA-Z][a-zA-Z0-9:-]*)")
_FLAT = frozenset(
    b"area base br col embed hr img input link meta source track wbr "
    b"p li dt dd td th tr option thead tbody tfoot".split()
)
_SIDE_SHOW = "script, style, noscript, template, svg, nav, aside, footer, form, iframe"
_SIDE_WORDS = frozenset(
    [
        "sidebar",
        "widget",
        "widgets",
        "widget-area",
        "secondary",
        "comments",
        "comment-list",
        "comments-area",
        "footer",
        "site-footer",
        "related",
        "related-posts",
        "breadcrumb",
        "breadcrumbs",
        "menu",
        "navbar",
        "topbar",
    ]
)
_DATE_WORDS = re.compile(
    r"(?:^|[-_\s])(date|dates|tanggal|tgl|waktu|published|posted|posted-on|time|updated|meta)(?:$|[-_\s])", re.I
)
_LABEL = re.compile(
    r"(terakhir\s+(?:di)?(?:perbarui|ubah|update)|di(?:perbarui|publikasikan|posting|terbitkan|tulis|unggah)|"
    r"tanggal|last\s+(?:updated|modified)|updated|published|posted)\b[^.;|]{0,40}$",
    re.IGNORECASE,
)
_WEEKDAY = re.compile(r"\b(?:senin|selasa|rabu|kamis|jum'?at|sabtu|minggu)\b\s*,?", re.IGNORECASE)
_YEAR = re.compile(r"\d{4}")
_MAX_JSON = 1 << 20


@dataclass(frozen=True)
class Dates:
    """Dates that one part of a page gave, e.g. "json-ld"."""

    source: str
    found: tuple[datetime, ...]


@dataclass(frozen=True)
class Page:
    """What was read from a page. `dates` in order of trust."""

    dates: tuple[Dates, ...] = ()
    feeds: tuple[str, ...] = ()
    rest_base: str | None = None  # WordPress: <link rel="https://api.w.org/">
    rest_resource: str | None = None  # WordPress: the REST address of this very archive or page
    text: str = field(default="", repr=False)  # without side shows
    problem: str = ""

    @property
    def fingerprint(self) -> str:
        """Hash of the text without figures and dates; "" when nothing is left. Costly: only the last way needs it."""
        lines = [line.strip() for line in mask(self.text).splitlines() if line.strip()]
        return hashlib.sha256("\n".join(lines).encode("utf-8", "replace")).hexdigest() if lines else ""


def read_page(body: bytes, url: str, tz: tzinfo, today: date) -> Page:
    """Read a page; a page that cannot be read has a `problem` and no dates."""
    if _too_deep(body):
        return Page(problem=f"the page nests more than {_MAX_DEPTH} elements: not read")
    tree = LexborHTMLParser(_decoded(body))
    head = _links(tree, url)
    metas = Dates("meta", tuple(_metas(tree, tz)))
    linked = Dates("json-ld", tuple(_json_ld(tree, tz)))
    _drop_side_shows(tree)
    timed = Dates("time", tuple(_times(tree, tz)))
    shown = Dates("text", tuple(_visible(tree, tz, today)))
    return Page(
        dates=tuple(d for d in (metas, linked, timed, shown) if d.found),
        text=tree.body.text(deep=True, separator="\n") if tree.body is not None else "",
        **head,
    )


def _decoded(body: bytes) -> str:
    if body[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return body.decode("utf-16", "replace")
    return body.decode("utf-8", "replace").replace("\x00", "\ufffd")


def _too_deep(body: bytes) -> bool:
    if body.count(b"<") <= _MAX_DEPTH:
        return False
    depth = 0
    for match in _TAG.finditer(body):
        if match[2].lower() in _FLAT:
            continue
        depth = max(0, depth - 1) if match[1] else depth + 1
        if depth > _MAX_DEPTH:
            return True
    return False


def _links(tree: LexborHTMLParser, url: str) -> dict[str, Any]:
    """Feeds and REST addresses that the page announces; comment feeds are not about the section."""
    feeds: list[str] = []
    base = resource = None
    for link in tree.css("link[rel][href]"):
        rel = (link.attributes.get("rel") or "").lower().split()
        kind = (link.attributes.get("type") or "").lower()
        target = _joined(url, link.attributes.get("href") or "")
        if target is None:
            continue
        if "https://api.w.org/" in rel:
            base = base or target
        elif "alternate" in rel and kind in ("application/rss+xml", "application/atom+xml"):
            about = f"{target} {link.attributes.get('title') or ''}".lower()
            if "comment" not in about and "komentar" not in about and len(feeds) < 20:
                feeds.append(target)
        elif "alternate" in rel and kind == "application/json" and "/wp/v2/" in target:
            resource = resource or target
    return {"feeds": tuple(feeds), "rest_base": base, "rest_resource": resource}


def _joined(base: str, target: str) -> str | None:
    try:
        joined = urljoin(base, target.strip())
    except ValueError:  # real pages hold addresses that urlsplit refuses
        return None
    return joined if joined.lower().startswith(("http://", "https://")) and len(joined) <= 2_000 else None


def _metas(tree: LexborHTMLParser, tz: tzinfo) -> Iterator[datetime]:
    for name in ("article:modified_time", "og:updated_time", "article:published_time"):
        for node in tree.css(f'meta[property="{name}"][content], meta[name="{name}"][content]'):
            moment = parse(node.attributes.get("content") or "", tz)
            if moment is not None:
                yield moment


def _json_ld(tree: LexborHTMLParser, tz: tzinfo) -> Iterator[datetime]:
    for node in tree.css('script[type="application/ld+json"]'):
        text = node.text(deep=True)
        if len(text) > _MAX_JSON:
            continue
        try:
            queue: list[Any] = [json.loads(text)]
        except (ValueError, RecursionError):
            continue  # a page's own mistake: it gives no date
        while queue:
            value = queue.pop()
            if isinstance(value, list):
                queue += value
            elif isinstance(value, dict):
                queue += [v for v in value.values() if isinstance(v, dict | list)]
                for key in ("dateModified", "datePublished"):
                    moment = parse(value[key], tz) if isinstance(value.get(key), str) else None
                    if moment is not None:
                        yield moment


def _drop_side_shows(tree: LexborHTMLParser) -> None:
    """Take away what is on every page of the site: its dates are not this section's."""
    for node in tree.css(_SIDE_SHOW):
        node.decompose()
    for node in tree.css("header"):
        if not _inside(node, ("article", "main")):
            node.decompose()
    for node in tree.css("div[class], div[id], section[class], section[id], ul[class], ol[class], li[class]"):
        if _words(node) & _SIDE_WORDS and node.css_first("article, main, h1") is None:
            node.decompose()


def _words(node: LexborNode) -> set[str]:
    attributes = node.attributes
    return set(f"{attributes.get('class') or ''} {attributes.get('id') or ''}".lower().split())


def _inside(node: LexborNode, tags: tuple[str, ...]) -> bool:
    parent = node.parent
    while parent is not None:
        if parent.tag in tags:
            return True
        parent = parent.parent
    return False


def _times(tree: LexborHTMLParser, tz: tzinfo) -> Iterator[datetime]:
    for node in tree.css("time[datetime]")[:2_000]:
        moment = parse(node.attributes.get("datetime") or "", tz)
        if moment is not None:
            yield moment


def _visible(tree: LexborHTMLParser, tz: tzinfo, today: date) -> Iterator[datetime]:
    """Dates that visitors read: in an element named for it, or after a label, or in the main text.

    Many sites print today's date at the top of every page. So a date of today counts only inside article or main, or
    after a label such as "Diperbarui".
    """
    html = tree.css_first("html")
    day_first = html is not None and (html.attributes.get("lang") or "").lower().startswith("id")
    for node in tree.css("time, span, p, div, td, li, small, h1, h2, h3, h4, h5, h6, a, em, i, b, strong, font")[
        :20_000
    ]:
        text = node.text(deep=False, separator=" ").strip()
        if not 8 <= len(text) <= 400 or not _YEAR.search(text):
            continue
        found = places(text, tz, day_first=day_first)
        if not found:
            continue
        main = _inside(node, ("article", "main", "table"))
        named = bool(_DATE_WORDS.search(" ".join(_words(node))))
        for place, moment in found:
            is_today = moment.astimezone(tz).date() == today
            if main or (named and not is_today) or _LABEL.search(_before(text[:place], node)):
                yield moment


def _before(text: str, node: LexborNode) -> str:
    """The words before a date, with the end of what stands before the element, without the day of the week."""
    previous = node.prev
    earlier = previous.text(deep=True)[-80:] if previous is not None else ""
    return _WEEKDAY.sub("", f"{earlier} {text}").strip()


__all__ = ["Dates", "Page", "read_page"]
