"""Plain columns for a terminal; what came from outside is made harmless here."""

from __future__ import annotations

from collections.abc import Sequence

from reporting.text import harmless


def table(headers: Sequence[str], rows: Sequence[Sequence[object]], limit: int = 70) -> str:
    """Left-aligned columns, two spaces apart; a cell longer than `limit` is cut visibly."""
    cells = [[harmless(cell, limit) for cell in row] for row in (headers, *rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(headers))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]
    lines.insert(1, "  ".join("─" * width for width in widths))
    return "\n".join(lines)
