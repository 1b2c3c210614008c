"""How the workbook looks: one palette, named styles, the colours of a verdict. Nothing here knows what a cell says."""

from __future__ import annotations

from typing import Any

FONT = "Calibri"
INK = "#1F2933"
NAVY = "#1F3A5F"
RULE = "#B8C4D0"
PAPER = "#F3F6F9"
QUIET = "#5F6C7B"

# A verdict must be told apart in a grey print too: lightness rises in this order, and each has its own weight or slant.
VERDICT_COLOURS: dict[str, dict[str, Any]] = {
    "deviates": {"bg_color": "#B42318", "font_color": "#FFFFFF", "bold": True},
    "missed": {"bg_color": "#7A7F87", "font_color": "#FFFFFF", "bold": True, "italic": True},
    "waiting": {"bg_color": "#FCE7B2", "font_color": "#6B4A00", "italic": True},
    "conforms": {"bg_color": "#DDF3E4", "font_color": "#14532D"},
}
CHART_COLOURS = {"conforms": "#9AD5AF", "deviates": "#B42318", "waiting": "#8A6100", "missed": "#33383F"}

_BOX: dict[str, Any] = {"border": 1, "border_color": RULE, "valign": "top"}
_NUMBER: dict[str, Any] = {**_BOX, "align": "right", "indent": 1}

_NAMED: dict[str, dict[str, Any]] = {
    "text": {**_BOX, "text_wrap": True},
    "centre": {**_BOX, "align": "center", "text_wrap": True},
    "hash": {**_BOX, "text_wrap": True, "font_name": "Consolas", "font_size": 8},
    "integer": {**_NUMBER, "num_format": "#,##0"},
    "index": {**_BOX, "align": "center", "num_format": "0"},
    "decimal": {**_NUMBER, "num_format": "[<1]0.00;#,##0.0"},
    "minutes": {**_NUMBER, "num_format": '#,##0.0;-#,##0.0;"–"'},  # of no minutes nothing is told
    "percent": {**_NUMBER, "num_format": "0%"},
    "moment": {**_BOX, "num_format": "dd/mm/yy hh:mm", "align": "center"},
    "date": {**_BOX, "num_format": "dd/mm/yyyy", "align": "center"},
    "rise": {**_NUMBER, "num_format": "+0.0%;-0.0%"},
    "month": {**_BOX, "num_format": "mm/yyyy", "align": "center"},
    "verdict": {**_BOX, "align": "center"},
    "input": {**_BOX, "text_wrap": True, "bg_color": "#FFFBEA"},
    "input_date": {**_BOX, "num_format": "dd/mm/yyyy", "bg_color": "#FFFBEA"},
    "head": {
        "bold": True,
        "font_color": "#FFFFFF",
        "bg_color": NAVY,
        "border": 1,
        "border_color": RULE,
        "align": "center",
        "valign": "vcenter",
        "text_wrap": True,
    },
    "total": {
        **_NUMBER,
        "valign": "vcenter",
        "bold": True,
        "bg_color": PAPER,
        "num_format": "#,##0",
        "top": 2,
        "top_color": NAVY,
    },
    "total_text": {**_BOX, "valign": "vcenter", "bold": True, "bg_color": PAPER, "top": 2, "top_color": NAVY},
    "title": {"bold": True, "font_size": 16, "font_color": NAVY, "valign": "vcenter"},
    "title_centre": {"bold": True, "font_size": 15, "font_color": NAVY, "align": "center", "valign": "vcenter"},
    "over_title": {"text_wrap": True, "font_size": 10, "font_color": QUIET, "align": "center", "valign": "vcenter"},
    "subtitle": {"font_color": QUIET, "valign": "vcenter"},
    "subtitle_centre": {"font_color": QUIET, "align": "center", "valign": "vcenter"},
    "section": {
        "bold": True,
        "font_size": 12,
        "font_color": NAVY,
        "valign": "vcenter",
        "bottom": 1,
        "bottom_color": NAVY,
    },
    "note": {"italic": True, "font_color": QUIET, "font_size": 9, "text_wrap": True, "valign": "top"},
    "plain": {"text_wrap": True, "valign": "top"},
    "label": {"bold": True, "valign": "top", "text_wrap": True, "font_color": NAVY},
    "statement": {
        "font_size": 12,
        "text_wrap": True,
        "valign": "vcenter",
        "bg_color": PAPER,
        "left": 5,
        "left_color": NAVY,
        "indent": 1,
    },
    "tile_label": {
        "font_size": 9,
        "font_color": QUIET,
        "align": "center",
        "valign": "vcenter",
        "bg_color": PAPER,
        "top": 2,
        "top_color": NAVY,
        "text_wrap": True,
    },
    "tile": {
        "font_size": 18,
        "bold": True,
        "font_color": NAVY,
        "align": "center",
        "valign": "vcenter",
        "bg_color": PAPER,
        "num_format": "#,##0",
    },
    "sign": {"align": "center", "valign": "top", "text_wrap": True},
    "sign_name": {"align": "center", "valign": "top", "bold": True, "underline": 1, "text_wrap": True},
    "mono": {"font_name": "Consolas", "font_size": 8, "font_color": QUIET, "valign": "vcenter"},
}


class Styles:
    """The styles of one workbook, by name; a format is made once and shared."""

    def __init__(self, book: Any) -> None:
        self._book = book
        self._made: dict[tuple[str, tuple[tuple[str, Any], ...]], Any] = {}

    def __call__(self, name: str, **changes: Any) -> Any:
        """The style of that name, with `changes` over it (XlsxWriter's format properties)."""
        if changes.get("align") == "center":
            changes["indent"] = 0  # an indented cell would be aligned left, whatever else is asked for
        key = (name, tuple(sorted(changes.items())))
        if key not in self._made:
            self._made[key] = self._book.add_format(
                {"font_name": FONT, "font_size": 10, "font_color": INK, **_NAMED[name], **changes}
            )
        return self._made[key]

    def verdict(self, state: str) -> Any:
        """What conditional formatting lays over a cell with that verdict."""
        return self.over(f"verdict {state}", **VERDICT_COLOURS[state])

    def over(self, name: str, **properties: Any) -> Any:
        """Properties that conditional formatting lays over a cell's own style, made once under `name`."""
        key = ("over", (("name", name),))
        if key not in self._made:
            self._made[key] = self._book.add_format(properties)
        return self._made[key]
