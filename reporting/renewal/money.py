"""Whole rupiah, as people write them."""

from __future__ import annotations

import re

from reporting.text import harmless

MOST = 999_999_999_999  # twelve digits: what a paper has room for
_FORMS = "whole rupiah like 1250000, 1.250.000 or Rp 1.250.000,00 are expected"
_PLAIN = re.compile(r"\d+")
_INDONESIAN = re.compile(r"(\d{1,3}(?:\.\d{3})+|\d+)(?:,(\d+|-))?")  # 1.250.000,00 and the old ",-"
_ENGLISH = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")


class MoneyError(ValueError):
    """A text that is no amount of whole rupiah; one line."""


def rupiah(text: str, what: str = "amount") -> int:
    """Read "1.250.000", "Rp 1.250.000,00", "Rp1.250.000,-" or "1250000" as whole rupiah (0 to 999,999,999,999).

    Raises:
        MoneyError: anything else: signs, sen, thousands marked with commas, mixed marks, letters. Nothing is guessed.
    """
    shown = f"{what} {harmless(text, 40)!r}"
    bare = re.sub(r"^(rp|idr)\.?\s*", "", text.strip(), flags=re.IGNORECASE | re.ASCII)
    if not bare.isascii():
        raise MoneyError(f"{shown}: {_FORMS}")
    if bare.startswith(("-", "(", "−")):
        raise MoneyError(f"{shown} is negative: {_FORMS}")
    if _ENGLISH.fullmatch(bare):
        raise MoneyError(f"{shown}: thousands are marked with dots, not commas: {_FORMS}")
    match = _INDONESIAN.fullmatch(bare)
    if match is None:
        raise MoneyError(f"{shown}: {_FORMS}")
    if match[2] not in (None, "00", "-"):
        raise MoneyError(f"{shown} has sen: {_FORMS}")
    value = int(match[1].replace(".", ""))
    if value > MOST:
        raise MoneyError(f"{shown} has more than twelve digits: at most {shown_rupiah(MOST)}")
    return value


def shown_rupiah(amount: int) -> str:
    """An amount as it is printed: Rp 1.250.000."""
    return f"Rp {amount:,}".replace(",", ".")
