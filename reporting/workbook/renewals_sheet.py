"""`Perpanjangan`: the cases, their steps with minutes and verdicts, the calendar of ends, the cost of the year."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from reporting.compliance import Compliance
from reporting.renewal.states import load_states
from reporting.workbook.cells import Live, Page, height
from reporting.workbook.charts import cost_chart
from reporting.workbook.figures import DASH, quoted
from reporting.workbook.paper import set_paper
from reporting.workbook.renewal_rows import (
    calendar_rows,
    case_rows,
    cost_rows,
    month_lines,
    state_word,
    step_rows,
    sum_of,
)
from reporting.workbook.renewals import Renewals
from reporting.workbook.rows import Rows, count, total
from reporting.workbook.sources import Filled
from reporting.workbook.table import Column, Table, colour_words, set_widths, write_table

_WIDTHS = (11, 26, 20, 25, 13, 14, 13, 13, 13, 11, 11, 11, 11, 13, 26)
_LAST = len(_WIDTHS) - 1
_TILES = ((0, 1), (2, 3), (4, 6), (7, 8), (9, 11), (12, 14))
_WITH_STEPS, _WITH_COSTS = 11, 8  # rows of two tables that still fit on one page of paper
_SOON = 30  # days before its end from which a service is pointed out
_STEPS = (4, 5, 6, 7)
_CHART_AT = 6  # the chart stands beside the table of months, from this column on
_STATES = ("paid", "under_way", "expected")


def write_renewals(page: Page, renewals: Renewals | None, compliance: Compliance, caption: str) -> None:
    """Write the sheet; without any data it says so."""
    set_widths(page, [Column("", width) for width in _WIDTHS])
    words = page.words
    if renewals is None or not (renewals.cases or renewals.endings or renewals.costs):
        page.heading(words("title_renewals"), [words("nothing_renewals")])
    else:
        _Sheet(page, renewals, compliance).write()
    set_paper(page, caption, (0, 0))
    page.sheet.freeze_panes(1, 1)


class _Sheet:
    """The sheet as it is written from above; `row` is the first free row."""

    def __init__(self, page: Page, renewals: Renewals, compliance: Compliance) -> None:
        self.page, self.renewals, self.compliance = page, renewals, compliance
        self.words = page.words
        self.row = 0

    def write(self) -> None:
        """Everything, one table below the other; the tiles last, for they count over the tables."""
        as_of = self.words.moment(self.page.local(self.compliance.as_of))
        self._note(self.page.heading(self.words("title_renewals"), []) - 1, self.words("note_renewals", as_of=as_of))
        self.page.sheet.set_row(2, 6)
        tiles = 3
        self.row = tiles + 3
        cases = self._cases()
        summary = self.row
        self.row += 4 + len(_STEPS)
        before_steps = self.row
        steps = self._steps()
        self._summary(summary, steps)
        before_calendar = self.row
        calendar = self._calendar()
        before_costs = self.row
        year_cost = self._costs()
        breaks = [before_steps] if len(cases.rows) + len(steps.rows) > _WITH_STEPS else []
        breaks += [before_calendar]
        breaks += [before_costs] if len(calendar.rows) + len(self.renewals.costs) > _WITH_COSTS else []
        self._tiles(tiles, cases, steps, calendar, year_cost)
        self.page.sheet.set_h_pagebreaks(breaks)

    def _section(self, key: str, note: str) -> int:
        """A title and its note from the first free row on; returns the row for a table."""
        self.page.sheet.set_row(self.row, 20)
        self.page.text(self.row, 0, self.words(key, year=self.renewals.year), "section", bottom=0)
        self._note(self.row + 1, note)
        return self.row + 2

    def _note(self, row: int, note: str) -> None:
        self.page.band(row, 0, _LAST, note, "subtitle", text_wrap=True)
        self.page.sheet.set_row(row, height(note, sum(_WIDTHS)) if note else 5)

    def _table(self, name: str, columns: Sequence[Column], rows: Rows, top: int) -> Filled:
        widened = [Column(c.key, _WIDTHS[place], c.kind, c.choices, c.word, c.title) for place, c in enumerate(columns)]
        table = write_table(self.page, top, name, widened, rows)
        self.row = table.last + 2
        return Filled(table, rows)

    def _cases(self) -> Filled:
        rows = case_rows(self.renewals, self.words)
        top = self._section("cases_of", self.words("note_cases" if rows else "nothing_cases"))
        columns = (
            *(Column("case", 0), Column("services", 0), Column("provider", 0), Column("invoice", 0)),
            *(Column(key, 0, "integer") for key in ("amount", "tax", "total", "paid")),
            *(Column("case_state", 0, "centre"), Column("old_end", 0, "centre"), Column("new_end", 0, "centre")),
            *(Column("rise", 0, "centre"), Column("on_paper_steps", 0, "index", word="col_paper_steps")),
            Column("outstanding", 0, "integer"),
            Column("proven", 0),
        )
        for number, row in enumerate(rows, start=top + 2):
            left = int(row["total"]) - int(row["paid"])
            row["outstanding"] = Live(f"=G{number}-H{number}", left)
        filled = self._table("tblKasus", columns, rows, top)
        states = {name: rule.render(self.words.lang) for name, rule in load_states().states.items()}
        colours = {"renewed": "conforms", "not_renewed": "deviates", "rejected": "missed", "cancelled": "missed"}
        for state in ("submitted", "returned", "approved", "partly_paid", "paid"):
            colours[state] = "waiting"
        for state, palette in colours.items():
            self._colour(filled.table, "case_state", quoted(next(w for n, w in states.items() if n == state)), palette)
        self._starts_with(filled.table, "rise", "+")
        return filled

    def _colour(self, table: Table, key: str, value: str, palette: str, criteria: str = "==") -> None:
        place = table.places[key]
        rule = {"type": "cell", "criteria": criteria, "value": value, "format": self.page.styles.verdict(palette)}
        self.page.sheet.conditional_format(table.first, place, table.last, place, rule)

    def _starts_with(self, table: Table, key: str, text: str) -> None:
        place = table.places[key]
        rule = {
            "type": "text",
            "criteria": "begins with",
            "value": text,
            "format": self.page.styles.verdict("waiting"),
        }
        self.page.sheet.conditional_format(table.first, place, table.last, place, rule)

    def _steps(self) -> Filled:
        rows = step_rows(self.renewals, self.compliance, self.words)
        clock = self.compliance.unit.human_clock
        top = self._section("steps_of", self.words(f"note_steps_{clock}" if rows else "nothing_steps"))
        columns = (
            *(Column("case", 0), Column("step", 0), Column("executor", 0), Column("nip", 0, "centre")),
            *(Column("agent", 0), Column("done", 0, "moment"), Column("way", 0, "centre")),
            *(Column("activity", 0, "index"), Column("verdict", 0, "verdict"), Column("counted", 0, "centre")),
            *(Column(key, 0, "decimal") for key in ("gross", "waiting", "net")),
            *(Column("standard_minutes", 0, "integer"), Column("attachments", 0)),
        )
        filled = self._table("tblLangkah", columns, rows, top)
        colour_words(self.page, filled.table, "way", {"on_paper": "waiting"})
        return filled

    def _summary(self, at: int, steps: Filled) -> None:
        """A row for each activity 4 to 7: steps recorded directly, those on paper, and minutes; all live."""
        after, self.row = self.row, at
        top = self._section("summary_of", self.words("note_summary_steps"))
        rows = [_summary_row(self.page, steps, n, self.compliance) for n in _STEPS]
        counts = ("direct", "direct_conforms", "direct_deviates", "paper", "paper_conforms", "paper_deviates")
        columns = (
            *(Column("activity", 0, "index"), Column("activity_name", 0)),
            *(Column(key, 0, "integer") for key in counts),
            *(Column(key, 0, "decimal", word=f"col_mean_{key}") for key in ("gross", "waiting", "net")),
            Column("longest", 0, "decimal"),
            Column("standard_minutes", 0, "integer"),
        )
        table = self._table("tblLangkahKegiatan", columns, rows, top).table
        for key in ("direct_deviates", "paper_deviates"):
            self._colour(table, key, "0", "deviates", ">")
        self._colour(table, "paper", "0", "waiting", ">")
        self.row = after

    def _calendar(self) -> Filled:
        rows = calendar_rows(self.renewals, self.words)
        top = self._section("calendar_of", self.words("note_calendar" if rows else "nothing_calendar"))
        self.page.text(top, 0, self.words("day_of_calendar"), "label")
        self.page.moment(top, 1, self.renewals.as_of, "date")
        today = f"$B${top + 1}"
        top += 1
        for number, row in enumerate(rows, start=top + 2):
            end = row["ends"]
            left: int | str = (end - self.renewals.as_of).days if end is not None else DASH
            row["days_left"] = Live(f'=IF(F{number}="","{DASH}",F{number}-{today})', left)
        columns = (
            *(Column("service", 0), Column("service_name", 0), Column("provider", 0), Column("budget_line", 0)),
            *(Column("service_kind", 0, "centre"), Column("ends", 0, "date"), Column("days_left", 0, "integer")),
            *(Column("end_state", 0, "centre"), Column("phase", 0, "centre"), Column("open_case", 0, "centre")),
            *(Column("reminder", 0, "date"), Column("watch", 0, "centre"), Column("looked", 0, "date")),
            *(Column("cost_now", 0, "integer"), Column("seen", 0)),
        )
        for row in rows:
            looked = row["looked"]
            row["looked"] = looked.astimezone(self.page.tz).date() if looked is not None else None
        filled = self._table("tblAkhirLayanan", columns, rows, top)
        place = filled.table.places["days_left"]
        for low, high, palette in ((-99_999, 0, "deviates"), (1, _SOON, "waiting")):
            rule = {"type": "cell", "criteria": "between", "minimum": low, "maximum": high}
            self.page.sheet.conditional_format(
                filled.table.first, place, filled.table.last, place,
                {**rule, "format": self.page.styles.verdict(palette)},
            )  # fmt: skip
        colour_words(self.page, filled.table, "end_state", {"end_unknown": "waiting"})
        return filled

    def _costs(self) -> Live:
        """The year's months with a chart, months by budget line, the costs one by one; and the sum of the year."""
        rows = cost_rows(self.renewals, self.words)
        note = self.words("note_costs" if rows else "nothing_costs")
        if self.renewals.unforeseen:
            names = ", ".join(self.renewals.unforeseen)
            note = f"{note} {self.words('note_unforeseen', names=names)}"
        months_top = self._section("costs_of", note)
        keys = month_lines(rows)
        lines_top = months_top + 17 + 2
        details_top = lines_top + 1 + max(len(keys), 1) + 4
        self.row = details_top - 2
        details = self._details(rows, details_top)
        end = self.row
        all_months = [(date(self.renewals.year, month, 1), None) for month in range(1, 13)]
        months = self._sums("tblBiayaBulan", "month_name", all_months, details, months_top)
        self._month_total(months)
        chart = cost_chart(self.page, months.table, [self.words(f"cost_{s}") for s in _STATES])
        options = {"x_offset": 10, "y_offset": 2, "object_position": 2, "description": self.words("chart_cost")}
        chart.set_size({"width": int(sum(7 * w + 5 for w in _WIDTHS[_CHART_AT:])) - 20, "height": 330})
        self.page.sheet.insert_chart(months_top, _CHART_AT, chart, options)
        self.row = lines_top - 2
        self._section("lines_of", "")
        self._sums("tblBiayaMataAnggaran", "budget_line", keys, details, lines_top)
        self.row = end
        return Live(f"=SUM({details.ref('cost')})", total(rows, "cost"))

    def _details(self, rows: Rows, top: int) -> Filled:
        self._section("details_of", "")
        flag = self.words("price_rose")
        for number, row in enumerate(rows, start=top + 2):
            before, now = row["before"], row["now"]
            rose = bool(before and now > before)
            test = f"AND(ISNUMBER(H{number}),I{number}>H{number})"
            percent = (now - before) / before if rose else DASH
            row["percent"] = Live(f'=IF({test},(I{number}-H{number})/H{number},"{DASH}")', percent)
            row["flag"] = Live(f'=IF({test},{quoted(flag)},"{DASH}")', flag if rose else DASH)
        columns = (
            *(Column("month", 0, "month"), Column("service_name", 0), Column("provider", 0), Column("budget_line", 0)),
            *(Column("cost", 0, "integer"), Column("ends", 0, "date"), Column("cost_state", 0, "centre")),
            *(Column("before", 0, "integer"), Column("now", 0, "integer"), Column("percent", 0, "rise")),
            *(Column("flag", 0, "index"), Column("crosses", 0, "centre"), Column("case", 0, "centre")),
        )
        filled = self._table("tblBiaya", columns, rows, top)
        self._colour(filled.table, "flag", quoted(flag), "waiting")
        colour_words(self.page, filled.table, "cost_state", {"cost_paid": "conforms", "cost_under_way": "waiting"})
        colour_words(self.page, filled.table, "crosses", {"yes": "waiting"})
        return filled

    def _sums(
        self, name: str, second: str, keys: Sequence[tuple[date, str | None]], details: Filled, top: int
    ) -> Filled:
        """Rupiah by month (and budget line), one column for each state; every figure is a live sum over the costs."""
        rows: Rows = []
        for number, (month, line) in enumerate(keys, start=top + 2):
            row: dict[str, Any] = {"month": month, second: line if line is not None else self.words.month(month)}
            for state in _STATES:
                word = self.words(f"cost_{state}")
                tests = f"({details.ref('month')}=$A{number})*({details.ref('cost_state')}={quoted(word)})"
                if line is not None:
                    tests += f"*({details.ref('budget_line')}=$B{number})"
                key = "year_paid" if state == "paid" else state
                formula = f"=SUMPRODUCT({tests}*{details.ref('cost')})"
                row[key] = Live(formula, sum_of(details.rows, month, word, line))
            row["sum"] = Live(f"=SUM(C{number}:E{number})", sum(int(row[k].value) for k in _SUMMED))
            rows.append(row)
        columns = (
            Column("month", 0, "month"),
            Column(second, 0),
            *(Column(key, 0, "integer") for key in (*_SUMMED, "sum")),
        )
        return self._table(name, columns, rows, top)

    def _month_total(self, months: Filled) -> None:
        """The year's sums under the table of months."""
        row, table = months.table.last + 1, months.table
        self.page.band(row, 0, 1, f"{self.words('total')} {self.renewals.year}", "total_text")
        for place, key in enumerate((*_SUMMED, "sum"), start=2):
            letter = "CDEF"[place - 2]
            value = sum(int(r[key].value) for r in months.rows)
            formula = f"=SUM({letter}{table.first + 1}:{letter}{table.last + 1})"
            self.page.live(row, place, Live(formula, value), "total")

    def _tiles(self, row: int, cases: Filled, steps: Filled, calendar: Filled, year_cost: Live) -> None:
        words = self.words
        states = load_states().states
        open_states = [state_word(name, words) for name, rule in states.items() if rule.open]
        state = cases.ref("case_state")
        going_on = "=" + "+".join(f"COUNTIFS({state},{quoted(word)})" for word in open_states)
        unproven = state_word("not_renewed", words)
        left, known = calendar.ref("days_left"), calendar.ref("end_state")
        unknown = words("end_unknown")
        near = [r for r in calendar.rows if isinstance(r["days_left"].value, int) and r["days_left"].value <= _SOON]
        blind = [r for r in calendar.rows if r["end_state"] == unknown and r not in near]
        ending = f'=COUNTIFS({left},"<={_SOON}")+COUNTIFS({known},{quoted(unknown)})'
        ending += f'-COUNTIFS({left},"<={_SOON}",{known},{quoted(unknown)})'
        tiles = (
            ("tile_open_cases", Live(going_on, sum(r["case_state"] in open_states for r in cases.rows))),
            ("tile_steps", _counted(steps, words)),
            ("tile_on_paper", _counted(steps, words, way=words("on_paper"))),
            ("tile_unproven", Live(f"=COUNTIFS({state},{quoted(unproven)})", count(cases.rows, case_state=unproven))),
            ("tile_ending", Live(ending, len(near) + len(blind))),
            ("tile_year_cost", year_cost),
        )
        self.page.sheet.set_row(row, 26)
        self.page.sheet.set_row(row + 1, 28)
        for (first, last), (label, figure) in zip(_TILES, tiles, strict=True):
            white = {"left": 2, "left_color": "#FFFFFF"}
            self.page.band(row, first, last, words(label, year=self.renewals.year), "tile_label", **white)
            self.page.live_band(row + 1, first, last, figure, "tile", num_format="#,##0", **white)


_SUMMED = ("year_paid", "under_way", "expected")


def _counted(steps: Filled, words: Any, **wanted: Any) -> Live:
    """Steps that count in the period and are executions, with these values in their columns."""
    test = {"counted": words("yes"), **wanted}
    pairs = ",".join(
        f"{steps.ref(key)},{quoted(value) if isinstance(value, str) else value}" for key, value in test.items()
    )
    return Live(f"=COUNTIFS({pairs})", count(steps.rows, **test))


def _summary_row(page: Page, steps: Filled, number: int, compliance: Compliance) -> dict[str, Any]:
    words = page.words
    row: dict[str, Any] = {"activity": number, "activity_name": words(f"activity_{number}")}
    for way, name in (("direct", "direct"), ("on_paper", "paper")):
        test = {"activity": number, "way": words(way)}
        row[name] = _counted(steps, words, **test)
        for verdict in ("conforms", "deviates"):
            row[f"{name}_{verdict}"] = _counted(steps, words, **test, verdict=words(verdict))
    mine = [r for r in steps.rows if r["counted"] == words("yes") and r["activity"] == number]
    for key in ("gross", "waiting", "net"):
        row[key] = _mean(steps, key, number, [r[key] for r in mine if r[key] is not None], words("yes"))
    tests = f"({steps.ref('activity')}={number})*({steps.ref('counted')}={quoted(words('yes'))})"
    longest = f"SUMPRODUCT(MAX({tests}*{steps.ref('gross')}))"
    found = [r["gross"] for r in mine if r["gross"] is not None]
    measured = _measured(steps, "gross", number, words("yes"))
    row["longest"] = Live(f'=IF({measured}=0,"{DASH}",{longest})', max(found, default=DASH))
    row["standard_minutes"] = compliance.standard.activity(number).minutes
    return row


def _measured(steps: Filled, key: str, number: int, yes: str) -> str:
    tests = f'{steps.ref("activity")},{number},{steps.ref("counted")},{quoted(yes)},{steps.ref(key)},">=0"'
    return f"COUNTIFS({tests})"


def _mean(steps: Filled, key: str, number: int, known: list[float], yes: str) -> Live:
    tests = f"{steps.ref('activity')},{number},{steps.ref('counted')},{quoted(yes)}"
    formula = f"AVERAGEIFS({steps.ref(key)},{tests})"
    value = sum(known) / len(known) if known else DASH
    return Live(f'=IF({_measured(steps, key, number, yes)}=0,"{DASH}",{formula})', value)
