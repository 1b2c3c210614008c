"""`Ringkasan`: the page that management reads. Every figure is a live formula; the words around it are plain."""

from __future__ import annotations

from typing import Any

from reporting.compliance import Compliance
from reporting.workbook import charts
from reporting.workbook.cells import Live, Page, height
from reporting.workbook.figures import (
    ActivityFigures,
    aspect_figures,
    quoted,
    result_figures,
    spliced,
    statement,
    totals,
    unaccounted,
)
from reporting.workbook.paper import set_paper
from reporting.workbook.signatures import write_signatures
from reporting.workbook.sources import Issue, Sources

_WIDTHS: tuple[float, ...] = (5, 32, *[9] * 13, 10.5, 12.5, 17)
_LAST = len(_WIDTHS) - 1
_TILES = ((0, 1), (2, 4), (5, 7), (8, 10), (11, 13), (14, 17))
_COLUMNS = (
    *("planned_count", "conforms_count", "deviates_count", "missed_count", "running_count"),
    *("executions_count", "conforms_count", "deviates_count", "waiting_count", "ad_hoc_count"),
    *("mean_minutes", "max_minutes", "standard_minutes", "share", "deviations_count"),
)
_FORMATS = {10: "decimal", 11: "decimal", 13: "percent"}
_SIZE = '[>=1000000000]#,##0.0,,," GB";[>=1000000]#,##0.0,," MB";#,##0.0," kB"'
_LISTED = 8  # open deviations told in words; the others are counted
_CHART_HEIGHT = 320  # pixels; with it the first page is full


def write_summary(page: Page, compliance: Compliance, sources: Sources, issue: Issue) -> None:
    """Write the sheet."""
    for column, width in enumerate(_WIDTHS):
        page.sheet.set_column(column, column, width)
    _titles(page, compliance)
    first = 16  # the row of activity 1, from 1; tiles and the sentence stand above it
    last = first + len(compliance.standard.activities) - 1
    figures = _activities(page, compliance, sources, first)
    sums = totals(figures, first, last)
    _totals(page, last, sums)
    aspects = aspect_figures(sources, page.words)
    chart_row = last + 2
    aspect_row = chart_row + charts.rows(_CHART_HEIGHT) + 1  # zero-based: where the second page begins
    open_cell = f"$P${aspect_row + 3 + len(aspects)}"
    open_count = unaccounted(sources, page.words)
    _tiles(page, 5, _first_tiles(page, last + 1, sums, Live(f"={open_cell}", open_count.value), sources))
    _tiles(page, 8, _second_tiles(page, sources))
    values = {k: int(sums[i].value) for i, k in ((1, "kept"), (2, "deviating"), (3, "missed"))}
    unplanned = {5: "unplanned", 6: "unplanned_kept", 7: "unplanned_deviating"}
    values |= {key: sum(int(f[place].value) for f in figures[3:]) for place, key in unplanned.items()}
    said = statement(page.words, last + 1, {**values, "open": int(open_count.value)}, open_cell)
    page.sheet.set_row(11, 36)
    page.live_band(11, 0, _LAST, said, "statement")
    row = _aspects(page, aspect_row, aspects, open_count)
    places = charts.Places(first - 1, last - 1, aspect_row + 2, aspect_row + 1 + len(aspects), sources.visitors.daily)
    charts.write_charts(page, chart_row, places, int(sum(7 * width + 5 for width in _WIDTHS)), _CHART_HEIGHT)
    row = _open_deviations(page, row + 1, sources, open_cell, int(open_count.value))
    row = write_signatures(page, row + 1, compliance, issue.at, _LAST)
    _anchor(page, row + 1, issue, compliance)
    page.sheet.set_h_pagebreaks([aspect_row])
    set_paper(page, issue.caption)
    page.sheet.freeze_panes(4, 0)


def _titles(page: Page, compliance: Compliance) -> None:
    unit, pos, words = compliance.unit, compliance.standard, page.words
    page.band(0, 0, _LAST, unit.parent, "over_title")
    page.band(1, 0, _LAST, unit.name, "over_title", bold=True, font_size=12)
    for row, (text, size) in enumerate(((unit.parent, 10), (unit.name, 14))):  # bold letters are wider
        page.sheet.set_row(row, max(height(text, sum(_WIDTHS), size), 15))
    page.sheet.set_row(2, 24)
    page.band(2, 0, _LAST, words("title_summary", name=pos.name.render(words.lang).upper()), "title_centre")
    period = words("period_of", first=words.date(compliance.period.first), last=words.date(compliance.period.last))
    as_of = words.moment(page.local(compliance.as_of))
    subtitle = words("subtitle_summary", number=pos.number, period=period, as_of=as_of)
    page.band(3, 0, _LAST, subtitle, "subtitle_centre")
    page.sheet.set_row(4, 6)
    page.sheet.set_row(7, 6)
    page.sheet.set_row(10, 6)
    page.sheet.set_row(12, 6)


def _first_tiles(page: Page, total_row: int, sums: list[Live], open_count: Live, sources: Sources) -> list[Any]:
    def same(letter: str, figure: Live) -> Live:
        return Live(f"={letter}{total_row}", figure.value)

    return [
        ("tile_share", same("P", sums[10]), "0%"),
        ("tile_planned", same("C", sums[0]), "#,##0"),
        ("tile_executions", same("H", sums[5]), "#,##0"),
        ("tile_missed", same("F", sums[3]), "#,##0"),
        ("tile_open", open_count, "#,##0"),
        ("tile_findings", result_figures(page, sources)["findings"], "#,##0"),
    ]


def _second_tiles(page: Page, sources: Sources) -> list[Any]:
    results = result_figures(page, sources)
    return [
        ("tile_last_backup", results["last_backup"], "dd/mm/yyyy hh:mm"),
        ("tile_stored", results["stored"], _SIZE),
        ("tile_fresh", results["fresh"], "0%"),
        ("tile_hits", results["hits"], "#,##0"),
        ("tile_suspicious", results["suspicious_hits"], "#,##0"),
        ("tile_files", results["files"], "#,##0"),
    ]


def _tiles(page: Page, row: int, tiles: list[Any]) -> None:
    page.sheet.set_row(row, 16)
    page.sheet.set_row(row + 1, 28)
    for (first, last), (label, figure, form) in zip(_TILES, tiles, strict=True):
        page.band(row, first, last, page.words(label), "tile_label", left=2, left_color="#FFFFFF")
        page.live_band(row + 1, first, last, figure, "tile", num_format=form, left=2, left_color="#FFFFFF")


def _activities(page: Page, compliance: Compliance, sources: Sources, first: int) -> list[list[Live]]:
    """The table of activities; row `first` (from 1) is that of activity 1."""
    words, group, head = page.words, first - 3, first - 2
    for column, key in ((0, "col_no"), (1, "col_activity_name"), (15, "share"), (16, "deviations_count")):
        page.sheet.merge_range(group, column, head, column, "", page.styles("head"))
        page.text(group, column, words(key), "head")
    page.sheet.merge_range(group, _LAST, head, _LAST, "", page.styles("head"))
    page.text(group, _LAST, words("col_verdict"), "head")
    for (left, right), key in (((2, 6), "group_occasions"), ((7, 11), "group_executions"), ((12, 14), "group_minutes")):
        page.band(group, left, right, words(key), "head")
    page.sheet.set_row(head, 32)
    for column, key in enumerate(_COLUMNS[:13], start=2):
        page.text(head, column, words(key), "head", font_size=9)
    found = []
    for row, activity in enumerate(compliance.standard.activities, start=first - 1):
        figures = ActivityFigures(activity.number, row + 1, sources, words, activity.minutes).all()
        page.sheet.set_row(row, 18)
        page.number(row, 0, activity.number, "centre", valign="vcenter")
        page.text(row, 1, words(f"activity_{activity.number}"), valign="vcenter")
        for offset, figure in enumerate(figures[:-1]):
            page.live(row, 2 + offset, figure, _FORMATS.get(offset, "integer"), align="center", valign="vcenter")
        page.live(row, _LAST, figures[-1], "centre", font_size=9, valign="vcenter")
        found.append(figures)
    _emphasise(page, first, first + len(found) - 1)
    return found


def _totals(page: Page, row: int, sums: list[Live]) -> None:
    page.sheet.set_row(row, 18)
    page.band(row, 0, 1, page.words("total"), "total_text")
    for offset, figure in enumerate(sums[:10]):
        page.live(row, 2 + offset, figure, "total", align="center")
    for column in (12, 13, 14):
        page.text(row, column, "", "total_text")
    page.live(row, 15, sums[10], "total", num_format="0%", align="center")
    page.live(row, 16, sums[11], "total", align="center")
    page.text(row, _LAST, "", "total_text")
    page.band(row + 1, 0, _LAST, page.words("note_summary"), "note")


def _emphasise(page: Page, first: int, last: int) -> None:
    """What deviates stands out, on screen and in a grey print; what is nought steps back."""
    quiet = page.styles.over("nought", font_color="#B8C4D0")
    for letter, state in (("E", "deviates"), ("F", "missed"), ("J", "deviates"), ("Q", "deviates")):
        area = f"{letter}{first}:{letter}{last}"
        rule = {"type": "cell", "criteria": ">", "value": 0, "format": page.styles.verdict(state)}
        page.sheet.conditional_format(area, rule)
    for area in (f"C{first}:L{last}", f"Q{first}:Q{last}"):
        page.sheet.conditional_format(area, {"type": "cell", "criteria": "==", "value": 0, "format": quiet})
    for state in ("deviates", "waiting", "conforms"):
        word = {
            "type": "cell",
            "criteria": "==",
            "value": quoted(page.words(state)),
            "format": page.styles.verdict(state),
        }
        page.sheet.conditional_format(f"R{first}:R{last}", word)
    over = {"type": "formula", "criteria": f"=AND(ISNUMBER($N{first}),$N{first}>$O{first})"}
    page.sheet.conditional_format(f"N{first}:N{last}", {**over, "format": page.styles.verdict("deviates")})
    bar = {"type": "data_bar", "bar_solid": True, "bar_color": "#A9D8B8", "min_type": "num", "min_value": 0}
    page.sheet.conditional_format(f"P{first}:P{last}", {**bar, "max_type": "num", "max_value": 1})


def _aspects(page: Page, row: int, aspects: list[tuple[str, Live, Live]], open_count: Live) -> int:
    """Deviations by aspect; returns the first free row."""
    words = page.words
    page.sheet.set_row(row, 20)
    page.band(row, 0, _LAST, words("aspects_of"), "section")
    for (first, last), key in (
        ((0, 1), "col_aspect"),
        ((2, 14), "aspect_means"),
        ((15, 16), "open_count"),
        ((17, 17), "deviations_count"),
    ):
        page.band(row + 1, first, last, words(key), "head")
    page.sheet.set_row(row + 1, 18)
    keys = ("requirement", "time", "output", "schedule")
    for number, (key, (word, figure, unaccounted_)) in enumerate(zip(keys, aspects, strict=True), start=row + 2):
        page.band(number, 0, 1, word, "text")
        page.band(number, 2, 14, words(f"means_{key}"), "text")
        page.live_band(number, 15, 16, unaccounted_, "integer", align="center")
        page.live(number, 17, figure, "integer", align="center")
    end = row + 2 + len(aspects)
    page.band(end, 0, 14, words("total"), "total_text")
    page.live_band(end, 15, 16, open_count, "total", align="center")
    total = sum(int(figure.value) for _, figure, _ in aspects)
    page.live(end, 17, Live(f"=SUM(R{row + 3}:R{end})", total), "total", align="center")
    return end + 1


def _open_deviations(page: Page, row: int, sources: Sources, open_cell: str, open_count: int) -> int:
    """The first open deviations in words, and how many more there are."""
    words = page.words
    page.sheet.set_row(row, 20)
    page.band(row, 0, _LAST, words("open_of"), "section")
    open_rows = [r for r in sources.deviations.rows if r["is_open"]]
    if not open_rows:
        page.band(row + 1, 0, _LAST, words("nothing_open"), "plain")
        return row + 2
    spans = ((0, 0, "col_no"), (1, 1, "col_activity_name"), (2, 3, "col_site"), (4, 5, "col_aspect"))
    for first, last, key in (*spans, (6, 14, "col_reason"), (15, 17, "col_executor")):
        page.band(row + 1, first, last, words(key), "head")
    row += 2
    for deviation in open_rows[:_LISTED]:
        reason = _shortened(deviation["reason"], 320)
        texts = ((reason, 86), (deviation["site"][:60], 17), (deviation["executor"], 38))
        page.sheet.set_row(row, max(height(text, width) for text, width in texts))
        page.number(row, 0, deviation["no"], "centre")
        page.text(row, 1, deviation["activity_name"])
        page.band(row, 2, 3, _shortened(deviation["site"], 60), "text")
        page.band(row, 4, 5, deviation["aspect"], "centre")
        page.band(row, 6, 14, reason, "text")
        page.band(row, 15, 17, deviation["executor"], "text")
        row += 1
    more = spliced(words("more_open", more="{0}"), [f"({open_cell}-{_LISTED})"])
    formula = f'=IF({open_cell}>{_LISTED},{more},"{words("all_listed")}")'
    left = open_count - _LISTED
    page.live_band(
        row, 0, _LAST, Live(formula, words("more_open", more=left) if left > 0 else words("all_listed")), "note"
    )
    return row + 1


def _shortened(text: str, limit: int) -> str:
    """Text for the summary; the whole of it stands on its own sheet."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _anchor(page: Page, row: int, issue: Issue, compliance: Compliance) -> None:
    """What ties this paper to the record: the end of the ledger's chain, and when it was printed."""
    words = page.words
    when = words.moment(page.local(issue.at))
    page.band(row, 0, _LAST, words("anchor", seq=issue.head.seq, issued=when, unit=compliance.unit.id), "note")
    page.band(row + 1, 0, _LAST, issue.head.hash, "mono")
