"""How a sheet lies on paper: A4 landscape, one or two pages wide, its header on every page, "page n of m" below."""

from __future__ import annotations

from reporting.workbook.cells import Page

_A4 = 9


def set_paper(page: Page, caption: str, head: tuple[int, int] | None = None, *, wide: int = 1) -> None:
    """Set the sheet up for printing.

    Args:
        page: the sheet.
        caption: left in the footer (what document this is); it came from the settings, so it is made harmless.
        head: first and last row that are repeated on every page.
        wide: over how many pages the columns spread.
    """
    sheet = page.sheet
    sheet.set_landscape()
    sheet.set_paper(_A4)
    sheet.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.75)
    sheet.fit_to_pages(wide, 0)
    sheet.set_footer(
        f"&L&8{footer_text(caption)}&C&8{footer_text(page.sheet.get_name())}&R&8{page.words('page_of')}",
        {"scale_with_doc": False, "margin": 0.25},
    )
    sheet.hide_gridlines(2)
    if head is not None:
        sheet.repeat_rows(*head)


def footer_text(value: str) -> str:
    """Text for a footer, where & begins a command, a digit after it would be a font size, and 255 is the end."""
    from reporting.workbook.cells import safe

    text = safe(value).replace("&", "&&")
    return text if len(text) <= 100 else text[:99].rstrip("&") + "…"
