"""`Troubleshooting`: the tickets with minutes and verdicts, minutes per route, what was done, and how fast."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reporting.compliance import Compliance
from reporting.troubleshooting.model import ROUTES
from reporting.workbook.cells import Live, Page, height
from reporting.workbook.figures import DASH
from reporting.workbook.paper import set_paper
from reporting.workbook.rows import Rows
from reporting.workbook.sources import Filled
from reporting.workbook.table import Column, colour_words, set_widths, write_table
from reporting.workbook.trouble_rows import account_texts, breach_rows, route_rows, ticket_rows
from reporting.workbook.troubles import Troubles

_WIDTHS = (11.5, 29, 14, 13, 13, 15, 12.5, 11.5, 9.5, 9.5, 8, 9.5, 9.5, 9.5, 9, 12, 24)
_LAST = len(_WIDTHS) - 1
_TILES = ((0, 1), (2, 3), (4, 5), (6, 8), (9, 13), (14, 16))
_WITH_TEXTS = 6  # tickets whose texts still fit on the page of the table
_SAID = ((1, 2), (3, 5), (6, 9), (10, 14), (15, 16))  # where cause, solution, prevention, diagnosis, pauses stand
_SAID_WORDS = ("said_cause", "said_solution", "said_prevention", "said_diagnosis", "said_pauses")
_TICKETS = (
    *(Column("ticket", 0), Column("problem", 0), Column("site", 0)),
    *(Column("reported", 0, "moment"), Column("solved", 0, "moment"), Column("executor", 0)),
    *(Column("route", 0, "centre"), Column("cause_kind", 0, "centre")),
    *(Column("response", 0, "decimal"), Column("gross", 0, "decimal"), Column("standard_minutes", 0, "integer")),
    *(Column("net", 0, "minutes"), Column("paused", 0, "minutes"), Column("stood", 0, "minutes")),
    *(Column("occurrences", 0, "index"), Column("verdict", 0, "verdict"), Column("remark", 0)),
)
_ROUTES = (
    *(Column("ticket", 0), Column("party", 0), Column("route", 0, "centre")),
    *(Column(key, 0, "minutes") for key in ("gross", "net", "paused", "stood")),
)
_BREACHES = (
    *(Column("ticket", 0), Column("problem", 0), Column("site", 0)),
    *(Column("breach_known", 0, "moment"), Column("breach_due", 0, "moment"), Column("notified", 0, "moment")),
    Column("breach_state", 0, "centre"),
)
_MEANS = (
    *(Column("by", 0, "centre"), Column("group", 0), Column("tickets", 0, "integer")),
    *(Column(key, 0, "integer") for key in ("solved_count", "open_count", "over_count")),
    *(Column(key, 0, "decimal") for key in ("mtta", "mttr", "mttr_net")),
)


def write_troubles(page: Page, troubles: Troubles | None, compliance: Compliance, caption: str) -> None:
    """Write the sheet; without a ticket it says so."""
    set_widths(page, [Column("", width) for width in _WIDTHS])
    words = page.words
    if troubles is None or not troubles.tickets:
        page.heading(words("title_troubles"), [words("nothing_troubles")])
    else:
        _Sheet(page, troubles, compliance).write()
    set_paper(page, caption, (0, 0))
    page.sheet.freeze_panes(1, 1)


class _Sheet:
    """The sheet as it is written from above; `row` is the first free row."""

    def __init__(self, page: Page, troubles: Troubles, compliance: Compliance) -> None:
        self.page, self.troubles, self.compliance = page, troubles, compliance
        self.words = page.words
        self.row = 0

    def write(self) -> None:
        """Everything, one table below the other; the tiles last, for they count over the tables."""
        as_of = self.words.moment(self.page.local(self.compliance.as_of))
        self.page.heading(self.words("title_troubles"), [])
        self._note(1, self.words("note_troubles", as_of=as_of))
        self.page.sheet.set_row(2, 6)
        self.row = 6
        tickets = self._tickets()
        breaches = breach_rows(self.troubles, self.words)
        if breaches:
            filled = self._table("tblInsiden", "breaches_of", "", _BREACHES, breaches)
            meanings = {"breach_late": "deviates", "breach_sent": "conforms", "breach_runs": "waiting"}
            colour_words(self.page, filled.table, "breach_state", meanings)
        breaks = [self.row]
        self._said()
        breaks.append(self.row)
        self._table("tblJalur", "routes_of", "note_routes", _ROUTES, route_rows(self.troubles, self.words))
        means = self._means(tickets)
        self._tiles(3, means)
        self.page.sheet.set_h_pagebreaks(breaks if len(tickets.rows) > _WITH_TEXTS else breaks[1:])

    def _section(self, key: str, note: str) -> int:
        self.page.sheet.set_row(self.row, 20)
        self.page.text(self.row, 0, self.words(key), "section", bottom=0)
        self._note(self.row + 1, self.words(note) if note else "")
        return self.row + 2

    def _note(self, row: int, note: str) -> None:
        self.page.band(row, 0, _LAST, note, "subtitle", text_wrap=True)
        self.page.sheet.set_row(row, height(note, sum(_WIDTHS)) if note else 5)

    def _table(self, name: str, title: str, note: str, columns: Sequence[Column], rows: Rows) -> Filled:
        widened = [Column(c.key, _WIDTHS[place], c.kind, c.choices, c.word, c.title) for place, c in enumerate(columns)]
        table = write_table(self.page, self._section(title, note), name, widened, rows)
        self.row = table.last + 2
        return Filled(table, rows)

    def _tickets(self) -> Filled:
        note = f"note_tickets_{self.compliance.unit.human_clock}"
        filled = self._table("tblTiket", "tickets_of", note, _TICKETS, ticket_rows(self.troubles, self.page))
        table = filled.table
        over = {"type": "formula", "criteria": f"=$J{table.first + 1}>$K{table.first + 1}"}
        area = (table.first, table.places["gross"], table.last, table.places["gross"])
        self.page.sheet.conditional_format(*area, {**over, "format": self.page.styles.verdict("deviates")})
        return filled

    def _said(self) -> None:
        """What was said about each ticket; long texts, in cells that span columns."""
        row = self._section("said_of", "")
        self.page.text(row, 0, self.words("col_ticket"), "head")
        for (first, last), key in zip(_SAID, _SAID_WORDS, strict=True):
            self.page.band(row, first, last, self.words(key), "head")
        self.page.sheet.set_row(row, 18)
        for ticket in self.troubles.tickets:
            row += 1
            texts = account_texts(ticket, self.page)
            self.page.text(row, 0, ticket.id)
            tallest = 15.0
            for (first, last), text in zip(_SAID, texts, strict=True):
                self.page.band(row, first, last, text, "text")
                lines = "\n".join(text) if isinstance(text, tuple) else text
                tallest = max(tallest, height(lines, sum(_WIDTHS[first : last + 1])))
            self.page.sheet.set_row(row, tallest)
        self.row = row + 2

    def _means(self, tickets: Filled) -> Filled:
        """MTTA and MTTR of all tickets, by route, by site, by cause; each figure a formula over the tickets."""
        words = self.words
        groups: list[tuple[str, str, str]] = [("by_all", "", words("all_tickets"))]
        groups += [("by_route", "route", words(f"route_{route}")) for route in ROUTES]
        groups += [("by_site", "site", site) for site in sorted({str(r["site"]) for r in tickets.rows})]
        causes = {str(r["cause_kind"]) for r in tickets.rows if r["cause_kind"]}
        groups += [("by_cause", "cause_kind", cause) for cause in sorted(causes)]
        top = self.row + 4  # the first row of the table, from 1: title, note, head, row
        rows = [_mean_row(tickets, words(by), key, name, f"$B{top + n}") for n, (by, key, name) in enumerate(groups)]
        return self._table("tblRataRata", "means_of", "note_means", _MEANS, rows)

    def _tiles(self, row: int, means: Filled) -> None:
        first, all_ = means.table.first + 1, means.rows[0]
        tiles = (
            *(("tile_tickets", "C", "tickets"), ("tile_solved", "D", "solved_count")),
            *(("tile_open_tickets", "E", "open_count"), ("tile_over", "F", "over_count")),
            *(("tile_mtta", "G", "mtta"), ("tile_mttr", "H", "mttr")),
        )
        self.page.sheet.set_row(row, 16)
        self.page.sheet.set_row(row + 1, 28)
        for (begin, end), (label, letter, key) in zip(_TILES, tiles, strict=True):
            white = {"left": 2, "left_color": "#FFFFFF"}
            form = "#,##0.0" if letter in "GH" else "#,##0"
            self.page.band(row, begin, end, self.words(label), "tile_label", **white)
            figure = Live(f"={letter}{first}", all_[key].value)
            self.page.live_band(row + 1, begin, end, figure, "tile", num_format=form, **white)


def _mean_row(tickets: Filled, by: str, key: str, name: str, cell: str) -> dict[str, Any]:
    """One row: the tickets whose column `key` is `name` (all of them without a key), counted and averaged.

    SUMPRODUCT compares whole texts; COUNTIFS would read a wildcard in the name of a site.
    """
    of = f"({tickets.ref(key)}={cell})" if key else f'({tickets.ref("ticket")}<>"")'
    mine = [r for r in tickets.rows if not key or str(r[key]).casefold() == name.casefold()]
    solved = [r for r in mine if r["solved"] is not None]
    done, answered = f"ISNUMBER({tickets.ref('solved')})", f"ISNUMBER({tickets.ref('response')})"
    over = f"({tickets.ref('gross')}>{tickets.ref('standard_minutes')})"
    count = f"SUMPRODUCT({of}*1)"
    return {
        "by": by,
        "group": name,
        "tickets": Live(f"={count}", len(mine)),
        "solved_count": Live(f"=SUMPRODUCT({of}*{done})", len(solved)),
        "open_count": Live(f"={count}-SUMPRODUCT({of}*{done})", len(mine) - len(solved)),
        "over_count": Live(f"=SUMPRODUCT({of}*{over})", sum(r["gross"] > r["standard_minutes"] for r in mine)),
        "mtta": _mean(tickets, f"{of}*{answered}", "response", [r for r in mine if r["response"] is not None]),
        "mttr": _mean(tickets, f"{of}*{done}", "gross", solved),
        "mttr_net": _mean(tickets, f"{of}*{done}", "net", solved),
    }


def _mean(tickets: Filled, test: str, key: str, rows: Rows) -> Live:
    values = [float(row[key]) for row in rows]
    number = f"SUMPRODUCT({test})"
    formula = f'=IF({number}=0,"{DASH}",SUMPRODUCT({test}*{tickets.ref(key)})/{number})'
    return Live(formula, sum(values) / len(values) if values else DASH)
