"""Whose turn it is: media that take each other's place day by day, week by week or month by month.

A turn depends on the calendar alone, never on what was done: a week that nobody backed up moves nobody's turn.
Weeks begin on Monday and are counted without a break, so the turn of the years (ISO week 53) repeats no disk.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Literal

Turn = Literal["day", "week", "month"]
_MONDAY = 3  # days from 1970-01-01, a Thursday, back to the Monday of its week


def turn_number(day: date, turn: Turn) -> int:
    """How many turns began before the one that `day` lies in, from a fixed beginning."""
    days = day.toordinal() - date(1970, 1, 1).toordinal()
    if turn == "day":
        return days
    if turn == "week":
        return (days + _MONDAY) // 7
    return day.year * 12 + day.month - 1


def on_turn(rotation: Sequence[str], day: date, turn: Turn) -> str | None:
    """The medium whose turn it is on a local day; None without a rotation."""
    return rotation[turn_number(day, turn) % len(rotation)] if rotation else None


def turn_ends(day: date, turn: Turn) -> date:
    """The last day of the turn that `day` lies in."""
    if turn == "day":
        return day
    if turn == "week":
        return day + timedelta(days=6 - day.weekday())
    following = date(day.year + day.month // 12, day.month % 12 + 1, 1)
    return following - timedelta(days=1)


__all__ = ["Turn", "on_turn", "turn_ends", "turn_number"]
