"""Counts per local day, client and path; partial counts of chunks and files merge to those of the whole, exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import polars as pl

from reporting.contract import DayTraffic, Tally

_CLIENT_DAY: dict[str, pl.DataType] = {
    "day": pl.Date(),
    "client": pl.String(),
    "hits": pl.Int64(),
    "bytes": pl.Int64(),
    "status_2xx": pl.Int64(),
    "status_3xx": pl.Int64(),
    "status_4xx": pl.Int64(),
    "status_5xx": pl.Int64(),
}
_PATH: dict[str, pl.DataType] = {"path": pl.String(), "hits": pl.Int64()}
NO_PATH = "(no path)"  # an empty request, a TLS handshake: nothing that names a page


@dataclass(frozen=True)
class Counts:
    """What was counted. Distinct clients are kept, so that visitors of a day stay exact across chunks and files."""

    client_days: pl.DataFrame  # one row a local day and client
    paths: pl.DataFrame  # one row a path, without its query
    first: int | None = None  # seconds since 1970 UTC
    last: int | None = None

    def days(self) -> list[DayTraffic]:
        """One entry a local day, in order; visitors = distinct client addresses."""
        summed = self.client_days.group_by("day").agg(pl.len().alias("visitors"), pl.exclude("day", "client").sum())
        known = pl.sum_horizontal("status_2xx", "status_3xx", "status_4xx", "status_5xx")
        table = summed.with_columns(status_other=pl.col("hits") - known).sort("day")
        return [DayTraffic.model_validate(row) for row in table.iter_rows(named=True)]

    def top_paths(self, count: int) -> list[Tally]:
        """The most requested paths; equals in the order of their names. Clients are not counted per path (0)."""
        top = self.paths.sort(["hits", "path"], descending=[True, False]).head(count)
        return [Tally(name=row["path"][:2_000], hits=row["hits"]) for row in top.iter_rows(named=True)]


def with_day(rows: pl.DataFrame, zone: ZoneInfo) -> pl.DataFrame:
    """`rows` (columns of `parse.SCHEMA`) and the local day of each in `zone`."""
    utc = pl.from_epoch(pl.col("at"), time_unit="s").dt.replace_time_zone("UTC")
    return rows.with_columns(day=utc.dt.convert_time_zone(zone.key).dt.date())


def count(rows: pl.DataFrame) -> Counts:
    """Count `rows`: the columns of `parse.SCHEMA`, and day."""
    if rows.is_empty():
        return merge([])
    hundreds = pl.col("status") // 100
    client_days = rows.group_by("day", "client").agg(
        hits=pl.len().cast(pl.Int64),
        bytes=pl.col("size").sum(),
        **{f"status_{n}xx": (hundreds == n).sum().cast(pl.Int64) for n in (2, 3, 4, 5)},
    )
    requests = rows.group_by("request").agg(hits=pl.len().cast(pl.Int64))
    paths = requests.select(path_of(), "hits").group_by("path").agg(pl.col("hits").sum())
    first, last = rows.select(pl.col("at").min().alias("a"), pl.col("at").max().alias("b")).row(0)
    return Counts(client_days, paths, first, last)


def path_of() -> pl.Expr:
    """The path in column `request`: its second word without query and fragment."""
    target = pl.col("request").str.extract(r"^[^ ]+ +([^ ?#]+)")
    return target.fill_null(NO_PATH).alias("path")


def merge(parts: Sequence[Counts]) -> Counts:
    """The counts of several chunks or files as one."""
    client_days = pl.concat([pl.DataFrame(schema=_CLIENT_DAY), *(part.client_days for part in parts)])
    paths = pl.concat([pl.DataFrame(schema=_PATH), *(part.paths for part in parts)])
    return Counts(
        client_days.group_by("day", "client").agg(pl.all().sum()).select(*_CLIENT_DAY),
        paths.group_by("path").agg(pl.col("hits").sum()),
        min((part.first for part in parts if part.first is not None), default=None),
        max((part.last for part in parts if part.last is not None), default=None),
    )
