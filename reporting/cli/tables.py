"""Plain columns for a terminal; what came from outside is made harmless here."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence

from reporting.text import harmless

_NARROWEST = 20  # characters that the last column keeps on a narrow terminal


def table(headers: Sequence[str], rows: Sequence[Sequence[object]], limit: int = 70) -> str:
    """Left-aligned columns, two spaces apart; a cell longer than `limit` is cut visibly.

    On a terminal the last column is cut so that a row fits a line.
    """
    cells = [[harmless(cell, limit) for cell in row] for row in (headers, *rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(headers))]
    if sys.stdout.isatty():
        room = shutil.get_terminal_size().columns - sum(widths[:-1]) - 2 * (len(widths) - 1)
        widths[-1] = min(widths[-1], max(room, _NARROWEST))
        cells = [[*row[:-1], harmless(row[-1], widths[-1])] for row in cells]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]
    lines.insert(1, "  ".join("─" * width for width in widths))
    return "\n".join(lines)
