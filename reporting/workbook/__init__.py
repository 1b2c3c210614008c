"""Compliance as an Excel workbook for management: one module a sheet, one for styles, one for words."""

from reporting.workbook.backup_standing import standings_of
from reporting.workbook.book import More, workbook_bytes, write_workbook
from reporting.workbook.corrections_sheet import Corrections
from reporting.workbook.renewals import Renewals, renewals_of
from reporting.workbook.troubles import Troubles, troubles_of

__all__ = [
    "Corrections",
    "More",
    "Renewals",
    "Troubles",
    "renewals_of",
    "standings_of",
    "troubles_of",
    "workbook_bytes",
    "write_workbook",
]
