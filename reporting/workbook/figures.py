"""The figures of the summary: each a live formula over the tables, with the same figure computed here.

No formula divides by zero, and where there is nothing to tell a figure is a dash, not an error. Only functions that
Excel 2007 and LibreOffice both know are used (MAXIFS is not among them).
"""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta
from typing import Any

from reporting.workbook.cells import Live, Page
from reporting.workbook.rows import ACCOUNTS, ASPECTS, NOT_ACCOUNTED, Rows, count, total
from reporting.workbook.sources import Filled, Sources
from reporting.workbook.words import Words

DASH = "–"
BACKUP = 2  # the activity's number in the POS
_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 - Excel's calendar has no zone


def serial(moment: datetime | date) -> float:
    """The number that Excel keeps for a wall-clock moment."""
    if not isinstance(moment, datetime):
        moment = datetime.combine(moment, datetime.min.time())
    return (moment - _EPOCH) / timedelta(days=1)


class ActivityFigures:
    """The row of one activity in the summary's table; columns are letters, `row` is the sheet's row, from 1."""

    def __init__(self, number: int, row: int, sources: Sources, words: Words, standard_minutes: int) -> None:
        self._n = number
        self._row = row
        self._s = sources
        self._words = words
        self._rows = [r for r in sources.executions.rows if r["activity"] == number]
        self._standard_minutes = standard_minutes

    def all(self) -> list[Live]:
        """The figures of the columns C to Q, in order, then the remark."""
        kept, deviating, missed, waiting, still_open = (
            self._occasions(state) for state in ("conforms", "deviates", "missed", "waiting", "open")
        )
        running = Live(f"{waiting.formula}+{still_open.formula[1:]}", _add(waiting.value, still_open.value))
        verdicts = [self._executions(verdict=state) for state in ("conforms", "deviates", "waiting")]
        planned = self._planned()
        occasions = [figure.value for figure in (planned, kept, deviating, missed)]
        ratio = share(self._row, occasions, [v.value for v in verdicts[:2]])
        figures = [planned, kept, deviating, missed, running]
        figures += [self._executions(), *verdicts, self._executions(kind="ad_hoc")]
        figures += [self._mean(), self._max(), Live(f"={self._s.minutes[self._n]}", self._standard_minutes)]
        deviations = self._deviations()
        return [*figures, ratio, deviations, self._verdict([f.value for f in (*figures, ratio, deviations)])]

    def _countifs(self, source: Filled, criteria: list[tuple[str, str]]) -> str:
        pairs = [(source.ref("activity"), str(self._n)), *((source.ref(key), test) for key, test in criteria)]
        return "=COUNTIFS(" + ",".join(f"{ref},{test}" for ref, test in pairs) + ")"

    def _planned(self) -> Live:
        yes = self._words("yes")
        return Live(self._countifs(self._s.executions, [("decides", quoted(yes))]), count(self._rows, decides=yes))

    def _occasions(self, state: str) -> Live:
        yes, word = self._words("yes"), self._words(state)
        criteria = [("decides", quoted(yes)), ("verdict", quoted(word))]
        return Live(self._countifs(self._s.executions, criteria), count(self._rows, decides=yes, verdict=word))

    def _executions(self, **wanted: str) -> Live:
        """Executions (they alone have a start), all of them or those with a verdict or of a kind."""
        words = {key: self._words(value) for key, value in wanted.items()}
        criteria = [("started", '">0"'), *((key, quoted(word)) for key, word in words.items())]
        if "verdict" not in wanted:
            criteria.append(("verdict", self._not_reopened()))
        begun = [row for row in self._counted() if row.get("started") is not None]
        return Live(self._countifs(self._s.executions, criteria), count(begun, **words))

    def _not_reopened(self) -> str:
        """The criterion that leaves out solutions of tickets that did not last: a ticket counts once."""
        return quoted(f"<>{self._words('reopened')}")

    def _counted(self) -> Rows:
        return [row for row in self._rows if row["verdict"] != self._words("reopened")]

    def _minutes(self) -> list[float]:
        return [row["minutes"] for row in self._counted() if row.get("minutes") is not None]

    def _mean(self) -> Live:
        activity, minutes, verdict = (self._s.executions.ref(key) for key in ("activity", "minutes", "verdict"))
        known = self._minutes()
        formula = f"AVERAGEIFS({minutes},{activity},{self._n},{verdict},{self._not_reopened()})"
        return Live(self._unless_unmeasured(formula), math.fsum(known) / len(known) if known else DASH)

    def _max(self) -> Live:
        activity, minutes, verdict = (self._s.executions.ref(key) for key in ("activity", "minutes", "verdict"))
        lasted = f"({verdict}<>{quoted(self._words('reopened'))})"
        formula = f"SUMPRODUCT(MAX(({activity}={self._n})*{lasted}*{minutes}))"
        return Live(self._unless_unmeasured(formula), max(self._minutes(), default=DASH))

    def _unless_unmeasured(self, formula: str) -> str:
        measured = self._countifs(self._s.executions, [("minutes", '">=0"'), ("verdict", self._not_reopened())])[1:]
        return f'=IF({measured}=0,"{DASH}",{formula})'

    def _deviations(self) -> Live:
        return Live(self._countifs(self._s.deviations, []), count(self._s.deviations.rows, activity=self._n))

    def _verdict(self, values: list[Any]) -> Live:
        """The activity as a whole: menyimpang with any deviation, else menunggu while anything waits, else sesuai.

        `values`: of the columns C to Q. Where nothing was done or missed yet there is no verdict.
        """
        row, said = self._row, [quoted(self._words(k)) for k in ("no_execution", "deviates", "waiting", "conforms")]
        nothing, deviates, waiting, conforms = said
        formula = f"=IF(H{row}+F{row}=0,{nothing},IF(Q{row}>0,{deviates},IF(G{row}+K{row}>0,{waiting},{conforms})))"
        executions, missed, running, waits, deviations = (values[i] for i in (5, 3, 4, 8, 14))
        key = "deviates" if deviations else "waiting" if running + waits else "conforms"
        return Live(formula, self._words(key if executions + missed else "no_execution"))


def share(row: int, occasions: list[Any], executions: list[Any]) -> Live:
    """Compliance of a row: occasions kept of those decided; where nothing is planned, executions instead.

    `occasions` are planned, kept, deviating and missed (columns C to F); `executions` conforming, deviating (I, J).
    """
    formula = (
        f'=IF(C{row}>0,IF(D{row}+E{row}+F{row}>0,D{row}/(D{row}+E{row}+F{row}),"{DASH}"),'
        f'IF(I{row}+J{row}>0,I{row}/(I{row}+J{row}),"{DASH}"))'
    )
    planned, *decided = occasions
    values = decided if planned else executions
    return Live(formula, values[0] / sum(values) if sum(values) else DASH)


def aspect_figures(sources: Sources, words: Words) -> list[tuple[str, Live, Live]]:
    """For each aspect of the standard: its word, its deviations, and those that nobody has accounted for."""
    deviations = sources.deviations
    found = []
    for aspect in ASPECTS.values():
        word = words(f"aspect_{aspect}")
        rows = [row for row in deviations.rows if row["aspect"] == word]
        test = f"{deviations.ref('aspect')},{quoted(word)}"
        open_ = _count_unaccounted(sources, words, f"{test},")
        found.append((word, Live(f"=COUNTIFS({test})", len(rows)), Live(open_, sum(r["is_open"] for r in rows))))
    return found


def unaccounted(sources: Sources, words: Words) -> Live:
    """Deviations that nobody has accounted for yet."""
    return Live(_count_unaccounted(sources, words), sum(row["is_open"] for row in sources.deviations.rows))


def _count_unaccounted(sources: Sources, words: Words, test: str = "") -> str:
    account = sources.deviations.ref("account")
    states = [quoted(words(ACCOUNTS[state])) for state in NOT_ACCOUNTED]
    return "=" + "+".join(f"COUNTIFS({test}{account},{state})" for state in states)


def result_figures(page: Page, sources: Sources) -> dict[str, Live]:
    """What the activities brought: freshness, backups, traffic, suspicion, evidence."""
    sections, backups, visitors = sources.sections, sources.backups, sources.visitors
    state, fresh = sections.ref("state"), page.words("section_fresh")
    known = len(sections.rows)
    good = page.words("conforms")
    done = [r for r in sources.executions.rows if r["activity"] == BACKUP and r["verdict"] == good]
    ends = [serial(page.local(r["ended"])) for r in done if r.get("ended") is not None]
    activity, verdict, ended = (sources.executions.ref(key) for key in ("activity", "verdict", "ended"))
    last = f"SUMPRODUCT(MAX(({activity}={BACKUP})*({verdict}={quoted(good)})*{ended}))"
    whole = [row for row in backups.rows if row["output"] == good]
    return {
        "findings": _sum(sources.executions, "findings"),
        "fresh": Live(
            f'=IF(COUNTIFS({state},"?*")=0,"{DASH}",COUNTIFS({state},{quoted(fresh)})/COUNTIFS({state},"?*"))',
            count(sections.rows, state=fresh) / known if known else DASH,
        ),
        "last_backup": Live(f'=IF({last}=0,"{DASH}",{last})', max(ends, default=DASH)),
        "stored": Live(
            f"=SUMIFS({backups.ref('stored_bytes')},{backups.ref('output')},{quoted(good)})",
            total(whole, "stored_bytes"),
        ),
        "hits": _sum(Filled(visitors.traffic, visitors.traffic_rows), "hits"),
        "suspicious_hits": _sum(Filled(visitors.suspicious, visitors.suspicious_rows), "hits"),
        "files": Live(f'=COUNTIFS({sources.evidence.ref("bytes")},">=0")', len(sources.evidence.rows)),
    }


def _sum(source: Filled, key: str) -> Live:
    return Live(f"=SUM({source.ref(key)})", total(source.rows, key))


def statement(words: Words, row: int, values: dict[str, int], open_cell: str) -> Live:
    """What the period means for management, in few sentences; `row` is the totals' row, `open_cell` the unaccounted.

    Activities 4 to 8 have no schedule and stand in the five rows above the totals: they get a sentence of their own.
    """
    decided = f"(D{row}+E{row}+F{row})"
    said = words("say_decided", decided="{0}", kept="{1}", deviating="{2}", missed="{3}")
    parts = spliced(said, [decided, f"D{row}", f"E{row}", f"F{row}"])
    account = spliced(words("say_account", open="{0}"), [open_cell])
    done, kept, deviating = (f"SUM({letter}{row - 5}:{letter}{row - 1})" for letter in "HIJ")
    unplanned = spliced(words("say_unplanned", done="{0}", kept="{1}", deviating="{2}"), [done, kept, deviating])
    formula = (
        f'=IF({decided}=0,"{words("say_nothing")}",{parts})&IF({done}>0," "&{unplanned},"")'
        f'&" "&IF({open_cell}>0,{account},"{words("say_no_account")}")'
    )
    total_decided = values["kept"] + values["deviating"] + values["missed"]
    first = words("say_decided", decided=total_decided, **{k: values[k] for k in ("kept", "deviating", "missed")})
    second = words("say_account", open=values["open"]) if values["open"] else words("say_no_account")
    said_first = [first if total_decided else words("say_nothing")]
    if values["unplanned"]:
        names = {"done": "unplanned", "kept": "unplanned_kept", "deviating": "unplanned_deviating"}
        said_first.append(words("say_unplanned", **{name: values[key] for name, key in names.items()}))
    return Live(formula, " ".join([*said_first, second]))


def spliced(text: str, references: list[str]) -> str:
    """A sentence with {0}, {1}, … as a formula that joins text and figures."""
    for number, reference in enumerate(references):
        text = text.replace(f"{{{number}}}", f'"&{reference}&"')
    return f'"{text}"'


def quoted(word: str) -> str:
    """A word of the catalogue as text in a formula."""
    return '"' + word.replace('"', '""') + '"'


def _add(one: Any, other: Any) -> int:
    return int(one) + int(other)


def totals(figures: list[list[Live]], first: int, last: int) -> list[Live]:
    """The totals' row under the activities: sums of C to L and Q (columns as in the sheet), compliance over all."""
    row = last + 1
    sums = {}
    for offset in (*range(10), 14):
        letter = chr(ord("C") + offset)
        sums[offset] = Live(f"=SUM({letter}{first}:{letter}{last})", sum(int(f[offset].value) for f in figures))
    ratio = share(row, [sums[i].value for i in range(4)], [sums[i].value for i in (6, 7)])
    return [*(sums[i] for i in range(10)), ratio, sums[14]]
