"""Compliance as an Excel workbook for management: one module a sheet, one for styles, one for words."""

from reporting.workbook.book import workbook_bytes, write_workbook

__all__ = ["workbook_bytes", "write_workbook"]
