"""Text that came from outside (a log, a page, a registry, a file name), made harmless for a terminal or a cell.

Everyone may import this room; it imports nobody.
"""

from __future__ import annotations

import re
import unicodedata

# C0 and C1 controls, DEL, and the bidirectional overrides that make a line read as something else.
_HOSTILE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2028\u2029\u2066-\u2069\ufeff]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")


def harmless(value: object, limit: int = 500) -> str:
    """One line of printable text, at most `limit` characters: controls, escapes and bidi overrides made visible.

    A control becomes its Unicode picture (ESC -> ␛) or U+FFFD, so that the reader sees that it was there.
    """
    text = value if isinstance(value, str) else str(value)
    if len(text) > limit:
        text = text[: limit - 1] + "…"
    text = _SURROGATE.sub("\ufffd", text)
    return _HOSTILE.sub(_visible, text)


def _visible(match: re.Match[str]) -> str:
    code = ord(match.group())
    if match.group() in "\t\n\r\u2028\u2029":
        return " "
    return chr(0x2400 + code) if code < 0x20 else "\ufffd"


def fold(value: str) -> str:
    """Lower case without accents, for comparing names that people typed."""
    decomposed = unicodedata.normalize("NFKD", value)
    return "".join(c for c in decomposed if not unicodedata.combining(c)).casefold().strip()
