"""What a diagnosis saw: checks, each with a state, what was seen in two languages, and the signs that rules read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from reporting.text import harmless

Side = Literal["outside", "inside"]
State = Literal["ok", "problem", "unknown", "skipped"]
_DETAIL = 600  # characters; what is longer stands in the evidence file


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    `signs`: what rules.yml reads, e.g. `disk.full`. `facts`: what a rule's sentence may quote. `lines`: for the
    evidence file only. All text is harmless and bounded.
    """

    name: str
    side: Side
    state: State
    detail: str
    detail_id: str
    signs: frozenset[str] = frozenset()
    facts: Mapping[str, str] = field(default_factory=dict)
    lines: tuple[str, ...] = ()
    seconds: float = 0.0

    def timed(self, seconds: float) -> Check:
        """The same check, with how long it took."""
        return replace(self, seconds=round(max(0.0, seconds), 3))


def check(  # noqa: PLR0913 - a check is these things
    name: str,
    side: Side,
    state: State,
    detail: str,
    detail_id: str,
    *signs: str,
    facts: Mapping[str, object] | None = None,
    lines: tuple[str, ...] = (),
) -> Check:
    """A check whose texts are made harmless here, once for all."""
    return Check(
        name=name,
        side=side,
        state=state,
        detail=harmless(detail, _DETAIL),
        detail_id=harmless(detail_id, _DETAIL),
        signs=frozenset(signs),
        facts={key: harmless(value, 160) for key, value in (facts or {}).items()},
        lines=tuple(harmless(line, 600) for line in lines[:200]),
    )


__all__ = ["Check", "Side", "State", "check"]
