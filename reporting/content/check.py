"""Check the sections of a site: fetch each page, then find the date of its last update, the most trusted way first.

CMS REST -> feed -> site map -> date in the page -> change of the text since the last run. A section without a
date is unknown, never guessed; a date in the future is set aside and told. Each section is a generator (see `fetch`).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Literal
from urllib.parse import urljoin

from reporting.content import sources
from reporting.content.fetch import JSON, XML, Reply, Request, drive
from reporting.content.page import Page, read_page
from reporting.content.settings import Method, Plan, Section
from reporting.content.state import Memory, Seen
from reporting.text import harmless

State = Literal["fresh", "stale", "unknown", "unreachable"]
FUTURE = timedelta(hours=24)  # a local time that is labelled UTC is up to 14 h ahead, and no lie
_MAX_MAPS = 10  # of an index of site maps
Asking = Generator[Request, Reply, list[datetime]]


@dataclass
class Checked:
    """What was found out about one section. `notes` says what was tried and why it gave nothing."""

    section: Section
    reply: Reply  # of its page, without the body
    bytes_read: int = 0
    state: State = "unknown"
    reason: str = ""
    method: Method | Literal["none"] = "none"
    updated_at: datetime | None = None
    age_days: float | None = None
    future: datetime | None = None  # a date that lies ahead
    tls_expires_at: datetime | None = None
    detail: str = ""  # which part of the source, e.g. json-ld
    notes: list[str] = field(default_factory=list)


def check(plan: Plan, now: datetime, memory: Memory) -> list[Checked]:
    """Check all sections of `plan` at `now` (aware); `memory` is what earlier runs saw, and takes what this one saw."""
    tasks = [_Section(plan, section, now, memory).run() for section in plan.sections]
    return drive(tasks, plan.limits, plan.user_agent, plan.ca_file)


class _Section:
    """The check of one section."""

    def __init__(self, plan: Plan, section: Section, now: datetime, memory: Memory) -> None:
        self._plan = plan
        self._section = section
        self._now = now
        self._memory = memory
        self._page = Page()
        self._feeds_notes: list[str] = []

    @property
    def _tz(self) -> tzinfo:
        return self._plan.tz

    def run(self) -> Generator[Request, Reply, Checked]:
        reply = yield from self._fetch()
        checked = Checked(
            self._section, replace(reply, body=b""), len(reply.body), tls_expires_at=reply.tls_expires_at
        )  # 300 bodies are not kept
        barred = _barred(reply, self._section)
        if barred is not None:
            checked.state, checked.reason = barred
            if reply.failure is not None and reply.failure.kind == "tls":
                seen = yield Request(reply.final_url, tls_only=True)
                checked.tls_expires_at = seen.tls_expires_at
            return checked
        try:
            yield from self._judge(checked, reply)
        except Exception as error:  # noqa: BLE001 - one page that our parsers trip over must not blind the whole check
            checked.state = "unknown"
            checked.reason = f"this page could not be judged: {type(error).__name__}: {harmless(error, 200)}"
        return checked

    def _judge(self, checked: Checked, reply: Reply) -> Generator[Request, Reply, None]:
        if reply.truncated:
            checked.notes.append(f"page: only the first {len(reply.body)} bytes were read")
        self._page = read_page(reply.body, reply.final_url, self._tz, self._now.astimezone(self._tz).date())
        if self._page.problem:
            checked.notes.append(f"page: {self._page.problem}")
        yield from self._date(checked)

    def _fetch(self) -> Generator[Request, Reply, Reply]:
        reply = yield Request(self._section.url)
        for attempt in range(1, self._plan.limits.retries + 1):
            if reply.failure is None and (reply.status or 0) < 500:
                break
            if reply.failure is not None and reply.failure.kind not in ("timeout", "network", "dns", "refused"):
                break
            reply = yield Request(self._section.url, again=attempt)
        return reply

    def _date(self, checked: Checked) -> Generator[Request, Reply, None]:
        ways: dict[Method, Callable[[list[str]], Asking]] = {
            "rest": self._rest,
            "feed": self._feed,
            "sitemap": self._sitemap,
            "page": self._dates_of_page,
        }
        for method in self._section.methods:
            if method == "hash":
                yield from self._hash(checked)
                return
            try:
                moments = yield from ways[method](checked.notes)
            except sources.SourceError as error:
                checked.notes.append(f"{method}: {harmless(error, 200)}")
                continue
            past = [m for m in moments if m <= self._now + FUTURE]
            ahead = [m for m in moments if m > self._now + FUTURE]
            if ahead:
                checked.future = max([*ahead, *([checked.future] if checked.future else [])])
                checked.notes.append(f"{method}: a date in the future was set aside: {checked.future:%Y-%m-%d}")
            if past:
                self._decide(checked, max(past), method)
                return
        self._unknown(checked)

    def _decide(self, checked: Checked, moment: datetime, method: Method) -> None:
        limit = self._section.limit_days
        age = max(0.0, (self._now - moment).total_seconds() / 86_400)
        checked.updated_at, checked.method, checked.age_days = moment, method, round(age, 2)
        checked.state = "stale" if age > limit else "fresh"
        day = moment.astimezone(self._tz).date()
        checked.reason = f"last update {day} ({age:.0f} days ago), limit {limit} days, from {method}"

    def _unknown(self, checked: Checked) -> None:
        why = "only dates in the future were found" if checked.future else "no date was found"
        checked.reason = f"{why} by {', '.join(self._section.methods)}"

    # --- the ways, in order of trust --------------------------------------------------------------------------------

    def _rest(self, notes: list[str]) -> Asking:
        address = yield from self._rest_query(notes)
        if address is None:
            return []
        reply = yield Request(address, JSON)
        if reply.status == 400 and "include_children" in address:  # WordPress before 5.7 knows a plain list only
            plain = address.replace("categories%5Bterms%5D", "categories").replace(
                "&categories%5Binclude_children%5D=1", ""
            )
            reply = yield Request(plain, JSON)
        moments = sources.rest_dates(_content(reply, "REST", notes))
        if not moments:
            notes.append("rest: no posts")
        return moments

    def _rest_query(self, notes: list[str]) -> Generator[Request, Reply, str | None]:
        """The address to ask; None when nothing says which posts are the section's."""
        wanted, url = self._section.rest, self._section.url
        base = (wanted.base if wanted else None) or self._page.rest_base
        if wanted is not None:
            base = base or urljoin(url, "/wp-json/")
            category = wanted.category
            if isinstance(category, str) and not category.isdigit():
                category = yield from self._category_id(base, category, notes)
            return _posts(base, wanted.type, "categories", category)
        if base is None:
            return None
        if not sources.same_site(base, url):
            notes.append("rest: the page announces another site's REST")
            return None
        return self._announced(base)

    def _announced(self, base: str) -> str | None:
        """The address for what the page says it is: a category, a tag, a page, or the front page with all posts."""
        resource = sources.rest_resource(self._page.rest_resource) if self._page.rest_resource else None
        kind, number = resource or ("", 0)
        if kind in ("categories", "tags"):
            return _posts(base, "posts", kind, number)
        if kind in ("pages", "posts"):
            return sources.rest_address(base, f"wp/v2/{kind}/{number}", {"_fields": "modified_gmt,date_gmt"})
        is_front = resource is None and sources.is_root(self._section.url)
        return _posts(base, "posts", "categories", None) if is_front else None

    def _category_id(self, base: str, slug: str, notes: list[str]) -> Generator[Request, Reply, int]:
        reply = yield Request(sources.rest_address(base, "wp/v2/categories", {"slug": slug, "_fields": "id"}), JSON)
        items = sources.rest_items(_content(reply, "REST", notes))
        number = items[0].get("id") if items else None
        if not isinstance(number, int):
            raise sources.SourceError(f"REST: no category with the slug {harmless(slug, 80)}")
        return number

    def _feed(self, notes: list[str]) -> Asking:
        for address in self._feeds():
            reply = yield Request(address, XML, keep=True)
            moments = sources.feed_dates(_content(reply, "feed", notes), self._tz, self._section.feed_category)
            if moments:
                return moments
            notes.append("feed: no dated entry" + (" of the category" if self._section.feed_category else ""))
        return []

    def _feeds(self) -> list[str]:
        """The configured feed; else those that are announced *and* are the section's own, not the whole site's."""
        if self._section.feed:
            return [self._section.feed]
        return [feed for feed in self._page.feeds if sources.is_below(feed, self._section.url)][:2]

    def _sitemap(self, notes: list[str]) -> Asking:
        if self._section.sitemap:
            addresses = [self._section.sitemap]
        else:
            robots = yield Request(urljoin(self._section.url, "/robots.txt"), "text/plain", keep=True)
            named = sources.robots_sitemaps(robots.body) if robots.ok else []
            addresses = [a for a in named if sources.same_site(a, self._section.url)]
            addresses = addresses or [urljoin(self._section.url, "/sitemap.xml")]
        moments: list[datetime] = []
        for address in addresses[:_MAX_MAPS]:
            pages = yield from self._map(address, notes)
            moments += sources.section_dates(pages, self._section.url)
        if not moments:
            notes.append("sitemap: no dated entry for the section")
        return moments

    def _map(self, address: str, notes: list[str]) -> Generator[Request, Reply, list[tuple[str, datetime | None]]]:
        first = yield from self._one_map(address, notes)
        if not first.is_index:
            return list(first.entries)
        oldest = datetime.min.replace(tzinfo=UTC)
        maps = sorted(
            (e for e in first.entries if sources.same_site(e[0], address)), key=lambda e: e[1] or oldest, reverse=True
        )
        if len(maps) > _MAX_MAPS:
            notes.append(f"sitemap: the newest {_MAX_MAPS} of {len(maps)} maps were read")
        pages: list[tuple[str, datetime | None]] = []
        for url, _ in maps[:_MAX_MAPS]:
            child = yield from self._one_map(url, notes)
            pages += [] if child.is_index else child.entries
        return pages

    def _one_map(self, address: str, notes: list[str]) -> Generator[Request, Reply, sources.Sitemap]:
        reply = yield Request(address, XML, max_bytes=sources.SITEMAP_BYTES, keep=True)
        return sources.read_sitemap(_content(reply, "site map", notes), self._tz)

    def _dates_of_page(self, notes: list[str]) -> Asking:
        """The first part of the page that gives a date which is not in the future; else all that are."""
        yield from ()
        ahead: list[datetime] = []
        for part in self._page.dates:
            if any(moment <= self._now + FUTURE for moment in part.found):
                notes.append(f"page: dates from {part.source}")
                return [*part.found, *ahead]
            ahead += part.found
        return ahead

    def _hash(self, checked: Checked) -> Generator[Request, Reply, None]:
        """Changed since an earlier run? The page is read twice: one that differs from itself tells nothing."""
        print_now = self._page.fingerprint
        second = yield Request(checked.reply.url, again=1_000)
        today = self._now.astimezone(self._tz).date()
        again = read_page(second.body, second.final_url, self._tz, today).fingerprint if second.ok else ""
        if not print_now or again != print_now:
            self._unknown(checked)
            checked.notes.append("hash: the text differs from one look to the next, or is empty")
            return
        seen = self._memory.note(self._section.url, print_now, self._now)
        self._decide_by_hash(checked, seen)

    def _decide_by_hash(self, checked: Checked, seen: Seen) -> None:
        limit = self._section.limit_days
        still = (self._now - seen.since).total_seconds() / 86_400
        if seen.changed:
            self._decide(checked, seen.since, "hash")
            checked.reason += " (a change that was seen between two runs)"
        elif still > limit:
            checked.state, checked.method, checked.age_days = "stale", "hash", round(still, 2)
            checked.reason = f"no change for at least {still:.0f} days, limit {limit} days, from hash"
        else:
            self._unknown(checked)
            checked.reason += f"; the text is watched for changes since {seen.since.astimezone(self._tz).date()}"


def _barred(reply: Reply, section: Section) -> tuple[State, str] | None:
    """Why the page says nothing about the section, if so: not reached, refused, or another site's."""
    if reply.failure is not None:
        return "unreachable", reply.failure.text
    status = reply.status or 0
    if status in (401, 403, 429):
        return "unreachable", f"HTTP {status}: the site refuses the checker (a firewall or a limit?); look in a browser"
    if not 200 <= status < 300:
        return "unreachable", f"HTTP {status}"
    if not sources.same_site(reply.final_url, section.url):
        return "unknown", f"another site answers: {harmless(reply.final_url, 200)}"
    return None


def _content(reply: Reply, what: str, notes: list[str]) -> bytes:
    """The body of a source that was fetched whole from where it was asked for.

    Raises:
        SourceError: it was not.
    """
    if reply.failure is not None:
        raise sources.SourceError(f"{what}: {reply.failure.text}")
    if not reply.ok:
        raise sources.SourceError(f"{what}: HTTP {reply.status}")
    if reply.truncated:
        raise sources.SourceError(f"{what}: more than {len(reply.body)} bytes")
    if not sources.same_site(reply.final_url, reply.url):
        notes.append(f"{what}: answered by {harmless(reply.final_url, 200)}")
    return reply.body


def _posts(base: str, kind: str, taxonomy: str, number: int | str | None) -> str:
    params = {"per_page": "1", "orderby": "modified", "order": "desc", "_fields": "modified_gmt,date_gmt"}
    if number is not None and taxonomy == "categories":
        params |= {"categories[terms]": str(number), "categories[include_children]": "1"}
    elif number is not None:
        params |= {taxonomy: str(number)}
    return sources.rest_address(base, f"wp/v2/{kind}", params)


def reached(results: Iterable[Checked]) -> int:
    """How many sections were fetched, whatever they said."""
    return sum(1 for checked in results if checked.state != "unreachable")


__all__ = ["Checked", "check", "reached"]
