"""What the summary counts over: the tables of the other sheets, with the rows that are in them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from reporting.ledger import Head
from reporting.workbook.rows import Rows
from reporting.workbook.table import Table
from reporting.workbook.visitors_sheet import Visitors


@dataclass(frozen=True, slots=True)
class Filled:
    """A table and its rows."""

    table: Table
    rows: Rows

    def ref(self, key: str) -> str:
        """The structured reference to a column."""
        return self.table.ref(key)


@dataclass(frozen=True, slots=True)
class Sources:
    """Everything that the summary refers to. `minutes`: reference to an activity's minutes on the POS sheet."""

    minutes: dict[int, str]
    executions: Filled
    deviations: Filled
    sections: Filled
    backups: Filled
    visitors: Visitors
    evidence: Filled


@dataclass(frozen=True, slots=True)
class Issue:
    """One handing out of the workbook: the end of the ledger's chain, when, and what the footers call it."""

    head: Head
    at: datetime
    caption: str
