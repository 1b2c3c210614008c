r"""Suspicious requests, found by the rules, each *distinct* text looked at once.

Texts are decoded twice before they are looked at (%XX, \xXX as nginx and Apache write bytes, %uXXXX, + as a space):
attackers encode once more than the server decodes. What a request carried in its body is not in the log.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import unquote_plus
from zoneinfo import ZoneInfo

import polars as pl

from reporting.contract import Finding, Tally
from reporting.text import harmless
from reporting.visitor_log.rules import LogField, RuleSet, Severity

MAX_TEXT = 16_384  # characters of a request that are looked at; servers refuse longer ones (nginx: 8 KiB a line)
_SAMPLES = 5
_HEX = re.compile(r"\\x([0-9a-fA-F]{2})")
_WIDE = re.compile(r"%u00([0-9a-fA-F]{2})", re.IGNORECASE)
_ENCODED = r"[%+\\]"
_FIELDS: tuple[LogField, ...] = ("request", "agent", "referer")

# One row a class, client, local day, status, request (and agent or referer, where that was the cause).
HIT_SCHEMA: dict[str, pl.DataType] = {
    "suspect": pl.String(),
    "client": pl.String(),
    "day": pl.Date(),
    "status": pl.Int16(),
    "request": pl.String(),
    "cause": pl.String(),  # the agent or referer that was suspicious; empty when the request was
    "hits": pl.UInt32(),
    "first": pl.Int64(),  # seconds since 1970 UTC
}
_KEYS = ["suspect", "client", "day", "status", "request", "cause"]


def decode(text: str) -> str:
    """What a server or an application may make of a piece of a request, in lower case."""
    text = _HEX.sub(r"%\1", text[:MAX_TEXT]).replace('\\"', '"')
    for _ in range(2):
        text = unquote_plus(_WIDE.sub(r"%\1", text), errors="replace")
    return text.lower()


def _decoded(values: pl.Series) -> pl.DataFrame:
    """Columns raw and text (decoded), for distinct values; plain ones need no Python."""
    frame = values.drop_nulls().unique().to_frame("raw")
    encoded = pl.col("raw").str.contains(_ENCODED)
    plain = frame.filter(~encoded).with_columns(text=pl.col("raw").str.slice(0, MAX_TEXT).str.to_lowercase())
    coded = frame.filter(encoded)
    if coded.is_empty():
        return plain
    texts = pl.Series("text", [decode(raw) for raw in coded["raw"]], dtype=pl.String)
    return pl.concat([plain, coded.with_columns(texts)])


def classify(values: pl.Series, field: LogField, rules: RuleSet) -> pl.DataFrame:
    """Columns raw and suspect: every distinct value that looks suspicious, once for each class that it falls in."""
    screened = _decoded(values).filter(pl.col("text").str.contains(rules.screen(field)))
    found = [pl.DataFrame(schema={"raw": pl.String, "suspect": pl.String})]
    if not screened.is_empty():
        found += [screened.filter(rule.hits()).select("raw", suspect=pl.lit(rule.suspect)) for rule in rules.of(field)]
    return pl.concat(found).unique()


def hits_of(rows: pl.DataFrame, rules: RuleSet) -> pl.DataFrame:
    """HIT_SCHEMA: the suspicious ones among `rows` (columns of `parse.SCHEMA`, and day)."""
    parts = [pl.DataFrame(schema=HIT_SCHEMA)]
    for field in _FIELDS:
        suspects = classify(rows[field], field, rules)
        if suspects.is_empty():
            continue
        cause = pl.lit("") if field == "request" else pl.col(field)
        suspicious = rows.filter(pl.col(field).is_in(suspects["raw"].implode()))
        joined = suspicious.join(suspects, left_on=field, right_on="raw").with_columns(cause=cause)
        parts.append(
            joined.group_by(_KEYS).agg(hits=pl.len().cast(pl.UInt32), first=pl.col("at").min()).select(*HIT_SCHEMA)
        )
    return pl.concat(parts)


def merge_hits(parts: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """The hits of several chunks or files as one."""
    together = pl.concat([pl.DataFrame(schema=HIT_SCHEMA), *parts])
    return together.group_by(_KEYS).agg(pl.col("hits").sum(), pl.col("first").min())


@dataclass(frozen=True)
class Suspicion:
    """One class of suspicion at a site."""

    suspect: str
    severity: Severity
    hits: int
    clients: int
    answered: int  # suspicious requests (not agents or referers) that got a 2xx
    failed: int  # requests that got a 5xx
    first: datetime  # in the agency's zone
    samples: list[str]


def suspicions(hits: pl.DataFrame, rules: RuleSet, zone: ZoneInfo) -> list[Suspicion]:
    """The classes that were seen, worst first. Where a class counts per client, quiet clients are left out.

    A line that falls in one class through two fields (request and agent) is one hit for each: rare, and both are shown.
    """
    found = []
    for suspect, about in rules.classes.items():
        mine = hits.filter(pl.col("suspect") == suspect)
        if about.per_client_day > 1:
            busy = mine.group_by("client", "day").agg(pl.col("hits").sum())
            busy = busy.filter(pl.col("hits") >= about.per_client_day)
            mine = mine.join(busy, on=["client", "day"], how="semi")
        if mine.is_empty():
            continue
        # A page that answers 200 says nothing about an attack in the agent or the referer.
        answered = _sum(mine, pl.col("status").is_between(200, 299) & (pl.col("cause") == ""))
        found.append(
            Suspicion(
                suspect=suspect,
                severity=about.answered if answered else about.severity,
                hits=int(mine["hits"].sum()),
                clients=mine["client"].n_unique(),
                answered=answered,
                failed=_sum(mine, pl.col("status") >= 500),
                first=datetime.fromtimestamp(int(mine["first"].min()), zone),  # type: ignore[arg-type]
                samples=_samples(mine, zone),
            )
        )
    order = ("critical", "high", "medium", "low", "info")
    return sorted(found, key=lambda one: (order.index(one.severity), -one.hits))


def _sum(hits: pl.DataFrame, which: pl.Expr) -> int:
    return int(hits.filter(which)["hits"].sum())


def _samples(hits: pl.DataFrame, zone: ZoneInfo) -> list[str]:
    """The worst requests: answered ones first, then the most frequent; one for each request text; harmless."""
    rank = pl.when(pl.col("status").is_between(200, 299)).then(0).when(pl.col("status") >= 500).then(1).otherwise(2)
    ordered = hits.with_columns(rank=rank).sort(
        ["rank", "hits", "first", "request", "client"], descending=[False, True, False, False, False]
    )
    shown = ordered.unique("request", keep="first", maintain_order=True).head(_SAMPLES)
    return [_sample(row, zone) for row in shown.iter_rows(named=True)]


def _sample(row: dict[str, object], zone: ZoneInfo) -> str:
    moment = datetime.fromtimestamp(int(str(row["first"])), zone).strftime("%Y-%m-%d %H:%M:%S")
    cause = f" ({harmless(row['cause'], 200)})" if row["cause"] else ""
    client, request = harmless(row["client"], 60), harmless(row["request"], 300)
    return f'{client} {moment} "{request}" -> {row["status"]}, {row["hits"]}x{cause}'


def tallies(found: Sequence[Suspicion]) -> list[Tally]:
    """Hits and distinct clients of each class."""
    return [Tally(name=one.suspect, hits=one.hits, clients=one.clients) for one in found]


def findings(found: Sequence[Suspicion], rules: RuleSet, site: str) -> list[Finding]:
    """One finding for each class, with the same fingerprint for the same site and class, always."""
    return [
        Finding(
            kind=one.suspect,
            severity=one.severity,
            title=rules.classes[one.suspect].en,
            detail=(
                f"requests: {one.hits}, clients: {one.clients}, first at {one.first:%Y-%m-%d %H:%M:%S %Z}; "
                f"answered with 2xx: {one.answered}, with 5xx: {one.failed}"
            ),
            title_id=rules.classes[one.suspect].id,
            detail_id=(
                f"permintaan: {one.hits}, alamat klien: {one.clients}, pertama {one.first:%Y-%m-%d %H:%M:%S %Z}; "
                f"dijawab 2xx: {one.answered}, 5xx: {one.failed}"
            ),
            fingerprint=hashlib.sha256(f"visitor_log\0{site}\0{one.suspect}".encode()).hexdigest()[:32],
            count=one.hits,
            samples=one.samples,
        )
        for one in found
    ]
