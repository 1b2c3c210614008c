"""The native charts of the summary, in colours and patterns that a grey print keeps apart."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from reporting.workbook.cells import Page
from reporting.workbook.styles import CHART_COLOURS, FONT, INK, NAVY, RULE
from reporting.workbook.table import Table

_ROW_PIXELS = 20  # a row of Excel's default height
_PLANNED = 3  # only activities 1 to 3 have a schedule


@dataclass(frozen=True, slots=True)
class Places:
    """Where the figures stand, in zero-based rows: activities, aspects, and the table of days."""

    activity_first: int
    activity_last: int
    aspect_first: int
    aspect_last: int
    daily: Table


def rows(height: int) -> int:
    """How many rows of default height a chart of `height` pixels covers."""
    return math.ceil(height / _ROW_PIXELS)


def write_charts(page: Page, row: int, places: Places, width: int, height: int) -> None:
    """Put the three charts side by side under the table, from `row` on, over `width` pixels."""
    made = (_occasions(page, places), _aspects(page, places), _visits(page, places))
    gap = 8
    each = (width - 2 * gap) // 3
    for number, chart in enumerate(made):
        chart.set_size({"width": each, "height": height})
        options = {"x_offset": number * (each + gap), "y_offset": 2, "object_position": 2}
        description = page.words(("chart_occasions", "chart_aspects", "chart_visits")[number])
        page.sheet.insert_chart(row, 0, chart, {**options, "description": description})


def _occasions(page: Page, places: Places) -> Any:
    """Occasions of the planned activities, stacked by what became of them."""
    sheet = page.sheet.get_name()
    first, last = places.activity_first, places.activity_first + _PLANNED - 1
    chart = page.book.add_chart({"type": "bar", "subtype": "stacked"})
    solid = {state: {"fill": {"color": CHART_COLOURS[state]}} for state in ("conforms", "missed")}
    hatched = {
        state: {"pattern": {"pattern": pattern, "fg_color": CHART_COLOURS[state], "bg_color": ground}}
        for state, pattern, ground in (
            ("deviates", "wide_upward_diagonal", "#F6D5D1"),
            ("waiting", "dotted_grid", "#FCE7B2"),
        )
    }
    for column, state in ((3, "conforms"), (4, "deviates"), (5, "missed"), (6, "waiting")):
        chart.add_series(
            {
                "name": [sheet, places.activity_first - 1, column],
                "categories": [sheet, first, 1, last, 1],
                "values": [sheet, first, column, last, column],
                "border": {"color": INK, "width": 0.5},
                "gap": 60,
                **({**solid, **hatched}[state]),
            }
        )
    _dress(chart, page.words("chart_occasions"))
    chart.set_legend({"position": "bottom", "font": _font(9)})
    chart.set_x_axis(
        {
            "num_font": _font(9),
            "major_gridlines": _grid(),
            "line": {"none": True},
            "num_format": "0",
            "label_position": "high",
        }
    )
    chart.set_y_axis({"num_font": _font(9), "reverse": True, "major_gridlines": {"visible": False}})
    return chart


def _aspects(page: Page, places: Places) -> Any:
    sheet = page.sheet.get_name()
    chart = page.book.add_chart({"type": "column"})
    chart.add_series(
        {
            "name": page.words("deviations_count"),
            "categories": [sheet, places.aspect_first, 0, places.aspect_last, 0],
            "values": [sheet, places.aspect_first, 17, places.aspect_last, 17],
            "fill": {"color": CHART_COLOURS["deviates"]},
            "border": {"color": INK, "width": 0.5},
            "gap": 80,
            "data_labels": {"value": True, "font": _font(9)},
        }
    )
    _dress(chart, page.words("chart_aspects"))
    chart.set_legend({"none": True})
    chart.set_x_axis({"num_font": _font(9)})
    chart.set_y_axis({"visible": False, "min": 0, "major_gridlines": {"visible": False}})
    return chart


def _visits(page: Page, places: Places) -> Any:
    daily = places.daily
    chart = page.book.add_chart({"type": "column"})
    day, hits = daily.places["day"], daily.places["hits"]
    chart.add_series(
        {
            "name": page.words("col_hits"),
            "categories": [daily.sheet, daily.first, day, daily.last, day],
            "values": [daily.sheet, daily.first, hits, daily.last, hits],
            "fill": {"color": NAVY},
            "gap": 30,
        }
    )
    _dress(chart, page.words("chart_visits"))
    chart.set_legend({"none": True})
    chart.set_x_axis({"num_font": {**_font(8), "rotation": -90}, "num_format": "dd/mm", "date_axis": True})
    chart.set_y_axis({"num_font": _font(8), "major_gridlines": _grid(), "num_format": "#,##0", "min": 0})
    return chart


def cost_chart(page: Page, months: Table, names: list[str]) -> Any:
    """Cost per month, stacked: paid, under way, expected (the three columns after the month's name)."""
    chart = page.book.add_chart({"type": "column", "subtype": "stacked"})
    looks = (
        {"fill": {"color": NAVY}},
        {"pattern": {"pattern": "wide_upward_diagonal", "fg_color": NAVY, "bg_color": "#DCE6F2"}},
        {"pattern": {"pattern": "percent_10", "fg_color": NAVY, "bg_color": "#FFFFFF"}},
    )
    for place, (name, look) in enumerate(zip(names, looks, strict=True), start=2):
        chart.add_series(
            {
                "name": name,
                "categories": [months.sheet, months.first, 1, months.last, 1],
                "values": [months.sheet, months.first, place, months.last, place],
                "border": {"color": INK, "width": 0.5},
                "gap": 60,
                **look,
            }
        )
    _dress(chart, page.words("chart_cost"))
    chart.set_legend({"position": "bottom", "font": _font(9)})
    chart.set_x_axis({"num_font": _font(9)})
    chart.set_y_axis({"num_font": _font(9), "major_gridlines": _grid(), "num_format": "#,##0", "min": 0})
    return chart


def _dress(chart: Any, title: str) -> None:
    font = {**_font(11), "bold": True, "color": NAVY}
    chart.set_title({"name": title, "name_font": font, "overlay": False})
    chart.set_chartarea({"border": {"color": RULE}})


def _font(size: int) -> dict[str, Any]:
    return {"name": FONT, "size": size, "color": INK, "bold": False}


def _grid() -> dict[str, Any]:
    return {"visible": True, "line": {"color": RULE, "width": 0.5}}
