r"""Combined and common access-log lines, as a table; exact: rows + rejects = lines, always.

The format is defined once, by `LINE`. A fast path reads lines without a backslash by splitting them at their quotes;
every line that it does not fit goes through the expression itself, so both give what the expression gives (a test
compares them with Python's `re`). CSV readers are not used: they lose or swallow lines that hold `\"`.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

_MONTHS = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
STAMP = (
    rf"\[(?:0[1-9]|[12][0-9]|3[01])/(?:{_MONTHS})/(?:19[7-9][0-9]|20[0-9][0-9])"
    r":(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9] [+-](?:0[0-9]|1[0-4])[0-5][0-9]\]"
)
_SECOND = 19  # where the seconds begin, in characters
STAMP_FORMAT = "[%d/%b/%Y:%H:%M:%S %z]"
_QUOTED = r'"((?:[^"\\]|\\.)*)"'
# client ident user [time] "request" status bytes ["referer" "agent"] (Apache mod_log_config, nginx "combined").
# Sizes over 12 digits (a terabyte) are not believed. Written so that Python's `re` and Rust's `regex` agree.
LINE = (
    rf"^([^ ]+) ([^ ]+) (.*?) ({STAMP}) {_QUOTED} ([1-9][0-9][0-9]) ([0-9]{{1,12}}|-)"
    rf"(?: {_QUOTED} {_QUOTED})?$"
)
GROUPS = ("client", "ident", "user", "stamp", "request", "status", "size", "referer", "agent")

SCHEMA: dict[str, pl.DataType] = {
    "line": pl.UInt32(),  # 0-based, within the chunk
    "client": pl.String(),
    "at": pl.Int64(),  # seconds since 1970-01-01 UTC
    "request": pl.String(),
    "status": pl.Int16(),
    "size": pl.Int64(),  # bytes; "-" is 0
    "referer": pl.String(),  # null in the common format
    "agent": pl.String(),  # null in the common format
}
REJECT_SCHEMA: dict[str, pl.DataType] = {"line": pl.UInt32(), "reason": pl.String(), "text": pl.String()}

EMPTY, IMPOSSIBLE, NO_STAMP, UNCLOSED, OTHER = (
    "empty line",
    "a date that does not exist",
    "no time in brackets",
    "a quote is not closed",
    "not the common or combined format",
)
OVERLONG = "longer than a chunk"


@dataclass(frozen=True)
class Parsed:
    """What became of the lines of one chunk."""

    rows: pl.DataFrame  # SCHEMA; the rows of the slow path come last
    rejects: pl.DataFrame  # REJECT_SCHEMA
    total: int  # = rows + rejects


def parse(data: bytes) -> Parsed:
    """Read the lines of `data` (the last may lack its newline). Bytes that are not UTF-8 become U+FFFD."""
    if not data:
        return Parsed(pl.DataFrame(schema=SCHEMA), pl.DataFrame(schema=REJECT_SCHEMA), 0)
    lines = _lines(data)
    quick, fits = _quick(lines)
    odd = lines.with_row_index("line").filter(~fits)
    slow = _by_expression(odd)
    stamped = slow.with_columns(at=_epochs(slow["stamp"]))
    accepted = stamped.filter(pl.col("at").is_not_null())
    rows = pl.concat([quick, accepted.select(_typed())]) if accepted.height else quick
    rejects = _rejects(stamped.filter(pl.col("at").is_null()))
    return Parsed(rows, rejects, lines.height)


def reject_overlong(head: bytes, length: int) -> Parsed:
    """One line that no chunk can hold, as a reject that shows its beginning."""
    text = head.decode("utf-8", "replace")
    reject = {"line": [0], "reason": [f"{OVERLONG} ({length} bytes)"], "text": [text]}
    return Parsed(pl.DataFrame(schema=SCHEMA), pl.DataFrame(reject, schema=REJECT_SCHEMA), 1)


def _lines(data: bytes) -> pl.DataFrame:
    """One row a line. No Python string: with one character outside Latin-1 it takes four times the room."""
    whole = data.removesuffix(b"\n")
    try:
        text = pl.Series("text", [whole], dtype=pl.Binary).cast(pl.String)
    except pl.exceptions.PolarsError:  # not UTF-8 throughout
        text = pl.Series("text", [whole.decode("utf-8", "replace")])
    lines = text.str.split("\n").explode()
    if b"\r" in data:
        lines = lines.str.strip_suffix("\r")
    return lines.to_frame()


def _quick(lines: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series]:
    """The rows that splitting at quotes can read, and for every line whether it could."""
    cut = lines.select(
        pl.col("text").str.splitn('"', 8).struct.rename_fields([f"p{n}" for n in range(8)]).alias("p"),
        plain=~pl.col("text").str.contains("\\", literal=True),
    ).unnest("p")
    combined = (pl.col("p6") == "") & pl.col("p7").is_null() & (pl.col("p4") == " ")
    common = pl.col("p2").is_not_null() & pl.col("p3").is_null()
    parts = cut.lazy().select(
        pl.col("p0").str.head(-30).str.splitn(" ", 3).struct.rename_fields(["client", "ident", "user"]).alias("who"),
        pl.col("p0").str.tail(29).alias("stamp"),
        pl.col("p0").str.tail(30).str.head(1).alias("gap"),
        pl.col("p1").alias("request"),
        pl.col("p2").str.splitn(" ", 4).struct.rename_fields(["s0", "status", "size", "s3"]).alias("answer"),
        pl.col("p3").alias("referer"),
        pl.col("p5").alias("agent"),
        shape=(pl.col("plain") & (combined | common)).fill_null(False),
        combined=combined.fill_null(False),
    )
    table = parts.unnest("who", "answer").with_row_index("line").collect()
    table = table.with_columns(_numbers(), at=_epochs(table["stamp"], tail=" "))
    fits = table.select(_fits())["fits"]
    return table.filter(fits).select(*SCHEMA), fits


def _numbers() -> list[pl.Expr]:
    size = pl.col("size")
    usable = (size.str.len_bytes() <= 12) & ~size.str.starts_with("+")
    return [
        pl.when(pl.col("status").str.len_bytes() == 3)
        .then(pl.col("status").cast(pl.Int16, strict=False))
        .alias("status"),
        pl.when(size == "-")
        .then(pl.lit(0, pl.Int64))
        .when(usable)
        .then(size.cast(pl.Int64, strict=False))
        .alias("size"),
    ]


def _fits() -> pl.Expr:
    end = pl.when(pl.col("combined")).then(pl.col("s3") == "").otherwise(pl.col("s3").is_null())
    return (
        (
            pl.col("shape")
            & end
            & (pl.col("s0") == "")
            & (pl.col("gap") == " ")
            & (pl.col("client") != "")
            & (pl.col("ident") != "")
            & pl.col("user").is_not_null()
            & (pl.col("status") >= 100)
            & (pl.col("size") >= 0)
            & pl.col("at").is_not_null()
        )
        .fill_null(False)
        .alias("fits")
    )


def _epochs(stamps: pl.Series, tail: str = "") -> pl.Series:
    """Seconds since 1970 of bracketed times, null where the time is none. Each minute is read once."""
    if stamps.is_empty():
        return pl.Series("at", [], dtype=pl.Int64)
    table = pl.DataFrame({"minute": stamps.str.head(_SECOND), "zone": stamps.str.slice(_SECOND + 2)})
    changed = table.select(_differs("minute") | _differs("zone")).to_series()
    changed[0] = True
    minutes = table.filter(changed)
    whole = pl.concat_str("minute", pl.lit("00"), "zone")
    distinct = minutes.unique().with_columns(
        at=pl.when(whole.str.contains(f"^{STAMP}{tail}$"))
        .then(whole)
        .str.to_datetime(STAMP_FORMAT + tail, time_unit="ms", time_zone="UTC", strict=False, cache=False)
        .dt.epoch("s")
    )
    at = minutes.join(distinct, on=["minute", "zone"], how="left", maintain_order="left", nulls_equal=True)["at"]
    second = pl.when(pl.col("second").str.contains("^[0-5][0-9]$")).then(pl.col("second"))
    seconds = stamps.str.slice(_SECOND, 2).alias("second").to_frame().select(second.cast(pl.Int64, strict=False))
    run = changed.cast(pl.UInt32).cum_sum() - 1
    return at.gather(run) + seconds.to_series()


def _differs(column: str) -> pl.Expr:
    """Whether a row differs from the one before."""
    return pl.col(column).ne_missing(pl.col(column).shift())


def _by_expression(odd: pl.DataFrame) -> pl.DataFrame:
    """Every field of LINE for the lines of `odd` (columns line, text); nulls where the expression does not match."""
    found = odd.select("line", "text", pl.col("text").str.extract_groups(LINE).alias("found"))
    return found.with_columns(pl.col("found").struct.rename_fields(list(GROUPS))).unnest("found")


def _typed() -> list[pl.Expr]:
    size = pl.when(pl.col("size") == "-").then(pl.lit("0")).otherwise(pl.col("size"))
    return [
        pl.col("line"),
        pl.col("client"),
        pl.col("at"),
        pl.col("request"),
        pl.col("status").cast(pl.Int16),
        size.cast(pl.Int64).alias("size"),
        pl.col("referer"),
        pl.col("agent"),
    ]


def _rejects(lines: pl.DataFrame) -> pl.DataFrame:
    text = pl.col("text")
    quotes = text.str.count_matches('"', literal=True) - text.str.count_matches('\\"', literal=True)
    reason = (
        pl.when(text == "").then(pl.lit(EMPTY))
        .when(pl.col("stamp").is_not_null()).then(pl.lit(IMPOSSIBLE))
        .when(~text.str.contains(STAMP)).then(pl.lit(NO_STAMP))
        .when(quotes % 2 == 1).then(pl.lit(UNCLOSED))
        .otherwise(pl.lit(OTHER))
    )  # fmt: skip
    return lines.select("line", reason.alias("reason"), "text")
