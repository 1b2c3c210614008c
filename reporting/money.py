"""Amounts of rupiah as people type them. Ground floor."""

from __future__ import annotations

import re

MOST = 999_999_999_999  # rupiah that the product handles, and spells out
_SHAPE = re.compile(
    r"(?:rp\.?|idr)?\s*(\d+|\d{1,3}(?:\.\d{3})+|\d{1,3}(?:,\d{3})+)([.,]0{2})?(?:,?-)?", re.IGNORECASE | re.ASCII
)


def rupiah(value: object) -> int:
    """Whole rupiah from "1.250.000", "Rp 1.250.000,00", "1250000" or a whole number of a cell.

    Raises:
        ValueError: negative, with cents, separators mixed, too large, no amount; one line with what is expected.
    """
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = str(value).strip().replace("\u00a0", " ") if not isinstance(value, bool) else ""
    if re.match(r"(?:rp\.?|idr)?\s*[-(\u2212]", text, re.IGNORECASE):
        raise ValueError(f"{text[:40]!r} is negative; whole rupiah like 1.250.000 are expected")
    match = _SHAPE.fullmatch(text)
    if match is None or _mixed(match):
        raise ValueError(f"{text[:40]!r} is no amount; whole rupiah like 1.250.000 or 1250000 are expected")
    amount = int(re.sub(r"\D", "", match[1]))
    if amount > MOST:
        raise ValueError(f"{text[:40]!r} is more than {written(MOST)}")
    return amount


def _mixed(match: re.Match[str]) -> bool:
    """The mark of the decimals also parts the thousands: "1.250.00" is no Indonesian way of writing."""
    return bool(match[2]) and match[2][0] in match[1]


def written(amount: int) -> str:
    """As it is printed: Rp1.250.000."""
    return f"Rp{amount:,}".replace(",", ".")
