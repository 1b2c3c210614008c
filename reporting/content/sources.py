"""Dates from machine-readable sources: WordPress REST, feeds, site maps. Hostile XML is refused, never expanded."""

from __future__ import annotations

import io
import json
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import feedparser
from lxml import etree

from reporting.content.dates import parse
from reporting.text import harmless

SITEMAP_BYTES = 10 * 1024 * 1024  # unpacked; a fifth of what sitemaps.org allows, for up to ten maps in memory
MAX_ENTRIES = 50_000  # a map; sitemaps.org
_SAME_STAMP = 10  # so many entries with one and the same lastmod were stamped by a generator, not by an editor


class SourceError(ValueError):
    """A source that cannot be read; one harmless line."""


# --- WordPress REST -------------------------------------------------------------------------------------------------


def rest_address(base: str, route: str, params: dict[str, str]) -> str:
    """Address of a REST route under `base`, for pretty (/wp-json/) and plain (?rest_route=/) permalinks alike."""
    parts = urlsplit(base)
    query = dict(parse_qsl(parts.query))
    if "rest_route" in query:
        query["rest_route"] = "/" + route.strip("/")
        return urlunsplit(parts._replace(query=urlencode(query | params)))
    path = parts.path.rstrip("/") + "/" + route.strip("/")
    return urlunsplit(parts._replace(path=path, query=urlencode(query | params)))


def rest_resource(address: str) -> tuple[str, int] | None:
    """("categories", 3) of an announced resource such as …/wp-json/wp/v2/categories/3; None for anything else."""
    parts = urlsplit(address)
    route = dict(parse_qsl(parts.query)).get("rest_route") or parts.path
    kind, _, number = route.rstrip("/").rpartition("/wp/v2/")[2].partition("/")
    return (kind, int(number)) if number.isascii() and number.isdigit() and len(number) < 12 else None


def rest_dates(body: bytes) -> list[datetime]:
    """`modified_gmt` of one post or of a list of posts; the newest of `modified_gmt` and `date_gmt` of each.

    Raises:
        SourceError: not what WordPress answers.
    """
    found = []
    for post in rest_items(body):
        moments = [parse(str(post.get(key) or ""), UTC) for key in ("modified_gmt", "date_gmt")]
        found += [max(m for m in moments if m is not None)] if any(moments) else []
    return found


def rest_items(body: bytes) -> list[dict[str, Any]]:
    """The objects of a REST answer.

    Raises:
        SourceError: not JSON, or not an object or a list of objects.
    """
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise SourceError("REST: the answer is not JSON") from None
    items = value if isinstance(value, list) else [value]
    if not all(isinstance(item, dict) for item in items):
        raise SourceError("REST: the answer is not a list of posts")
    return items


# --- feeds ----------------------------------------------------------------------------------------------------------


def feed_dates(body: bytes, tz: tzinfo, category: str | None = None) -> list[datetime]:
    """Newest date of each entry of an RSS or Atom feed; only entries of `category` where one is given.

    Raises:
        SourceError: no feed, or XML that declares entities.
    """
    _refuse_entities(body, "feed")
    try:
        stream = io.BytesIO(body)  # bytes would be taken for the name of a local file when there is one
        read = feedparser.parse(stream, sanitize_html=False, resolve_relative_uris=False)
    except Exception as error:  # noqa: BLE001 - its loose parser raises whatever a hostile feed provokes
        raise SourceError(f"feed: not readable ({type(error).__name__})") from None
    if not read.get("version"):
        raise SourceError("feed: neither RSS nor Atom")
    found = []
    for entry in read.entries[:MAX_ENTRIES]:
        if category is not None and category.casefold() not in _categories(entry):
            continue
        moments = [parse(str(dict.get(entry, key) or ""), tz) for key in ("updated", "published")]
        found += [max(m for m in moments if m is not None)] if any(moments) else []
    return found


def _categories(entry: Any) -> set[str]:
    tags = entry.get("tags") or []
    return {str(tag.get(key)).casefold() for tag in tags for key in ("term", "label") if tag.get(key)}


# --- site maps ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sitemap:
    """Pages with their `lastmod`, or (an index) further maps with theirs."""

    entries: tuple[tuple[str, datetime | None], ...]
    is_index: bool


def read_sitemap(body: bytes, tz: tzinfo) -> Sitemap:
    """Read a site map or an index of maps, plain or gzip.

    Raises:
        SourceError: no site map, too large, or XML that declares entities.
    """
    content = _gunzipped(body)
    _refuse_entities(content, "site map")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, recover=False)
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise SourceError(f"site map: not XML ({harmless(error, 100)})") from None
    name = etree.QName(root).localname
    if name not in ("urlset", "sitemapindex"):
        raise SourceError(f"site map: unexpected element {harmless(name, 40)}")
    entries = [_entry(node, tz) for node in root.iterchildren("{*}url", "{*}sitemap")][:MAX_ENTRIES]
    return Sitemap(tuple((url, moment) for url, moment in entries if url), name == "sitemapindex")


def _entry(node: Any, tz: tzinfo) -> tuple[str, datetime | None]:
    return (node.findtext("{*}loc") or "").strip(), parse(node.findtext("{*}lastmod") or "", tz)


def _gunzipped(body: bytes) -> bytes:
    if body[:2] != b"\x1f\x8b":
        return body
    unpacker = zlib.decompressobj(wbits=31)
    try:
        content = unpacker.decompress(body, SITEMAP_BYTES)
    except zlib.error as error:
        raise SourceError(f"site map: broken gzip ({harmless(error, 80)})") from None
    if unpacker.unconsumed_tail:
        raise SourceError(f"site map: more than {SITEMAP_BYTES} bytes unpacked")
    if not unpacker.eof:
        raise SourceError("site map: gzip cut off")
    return content


def _refuse_entities(content: bytes, what: str) -> None:
    """Refuse declared entities in any spelling of the bytes (UTF-16 has zeros between the letters)."""
    if b"<!ENTITY" in content.replace(b"\x00", b"")[: 1 << 20]:
        raise SourceError(f"{what}: XML that declares entities is refused")


def section_dates(pages: Iterable[tuple[str, datetime | None]], section_url: str) -> list[datetime]:
    """`lastmod` of the section's own address and of all below it.

    Raises:
        SourceError: every entry of the map bears the same stamp: it tells when the map was made, not the pages.
    """
    pages = list(pages)
    stamps = {moment for _, moment in pages if moment is not None}
    if len(stamps) == 1 and len(pages) >= _SAME_STAMP:
        raise SourceError(f"site map: all {len(pages)} entries bear the same lastmod: a generator's stamp")
    return [moment for url, moment in pages if moment is not None and is_below(url, section_url)]


def is_below(url: str, section_url: str) -> bool:
    """Whether `url` is the section's address or lies below it, on the same host (www. or not).

    A section with a query ("/?cat=3") has nothing below it but itself: its path would be the whole site's.
    """
    if not same_site(url, section_url):
        return False
    page, section = urlsplit(url), urlsplit(section_url)
    root = section.path.rstrip("/")
    if section.query:
        return page.query == section.query and page.path.rstrip("/") == root
    return page.path.rstrip("/") == root or page.path.startswith(root + "/")


def is_root(url: str) -> bool:
    """Whether the address is the site's front page."""
    parts = urlsplit(url)
    return parts.path in ("", "/") and not parts.query


def same_site(one: str, other: str) -> bool:
    """Same host and port, with or without www., over http or https."""
    try:
        first, second = urlsplit(one), urlsplit(other)
        ports = {p for p in (first.port, second.port) if p not in (None, 80, 443)}
        default = first.port in (None, 80, 443) or second.port in (None, 80, 443)
    except ValueError:
        return False
    hosts = {(s.hostname or "").lower().removeprefix("www.") for s in (first, second)}
    return len(hosts) == 1 and (not ports or (len(ports) == 1 and not default))


def robots_sitemaps(body: bytes) -> list[str]:
    """Addresses after "Sitemap:" in robots.txt (RFC 9309, 2.2.4)."""
    lines = body[:500_000].decode("utf-8", "replace").splitlines()
    pairs = (line.partition(":") for line in lines if line.lower().lstrip().startswith("sitemap"))
    return [value.strip() for key, _, value in pairs if key.strip().lower() == "sitemap" and value.strip()][:10]


__all__ = [
    "MAX_ENTRIES",
    "SITEMAP_BYTES",
    "Sitemap",
    "SourceError",
    "feed_dates",
    "is_below",
    "is_root",
    "read_sitemap",
    "rest_address",
    "rest_dates",
    "rest_items",
    "rest_resource",
    "robots_sitemaps",
    "same_site",
    "section_dates",
]
