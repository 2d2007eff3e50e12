"""Numbers written as text, as Go's standard library reads them: strconv.ParseFloat and big.Rat.SetString.

Both know prefixes, underscores and exponents that Python's own readers lack, and refuse what those take.
Every function raises ValueError with a message that says what is wrong. Pure, one walk over the text.
"""

from __future__ import annotations

_DIGITS = {
    2: frozenset("01"),
    8: frozenset("01234567"),
    10: frozenset("0123456789"),
    16: frozenset("0123456789abcdefABCDEF"),
}
_BASES = {"b": 2, "o": 8, "x": 16}
_LONGEST = 200  # characters
_FARTHEST = 1000  # beyond this exponent no text of that length has a value that fits 64 bits


def parse_float(text: str) -> float:
    """Go's ParseFloat: ``1.5``, ``.5``, ``1_0e3``, ``0x1.8p3``; infinities and NaN are refused as no number."""
    body = text[1:] if text[:1] in ("+", "-") else text
    base = 16 if body[:2] in ("0x", "0X") else 10
    rest = body[2:] if base == 16 else body
    end = _end_of_mantissa(rest, base)
    mantissa, exponent = rest[:end], rest[end:]
    whole, _, fraction = mantissa.replace("_", "").partition(".")
    if len(text) > _LONGEST or not (whole or fraction) or "." in fraction:
        raise ValueError("is no number")
    wanted = "pP" if base == 16 else "eE"
    if (exponent and exponent[0] not in wanted) or (base == 16 and not exponent):
        raise ValueError("is no number")
    power = _exponent(exponent) if exponent else 0
    if not _separates_digits(mantissa, base, after_prefix=base == 16):
        raise ValueError("is no number")
    try:
        number = float.fromhex(f"0x{whole}.{fraction}p{power}") if base == 16 else float(f"{whole}.{fraction}e{power}")
    except OverflowError:
        number = float("inf")
    if number == float("inf"):
        raise ValueError("is too large")
    return -number if text[:1] == "-" else number


def parse_rational(text: str) -> tuple[int, int]:
    """Numerator and denominator of what Go's big.Rat reads: ``0.5``, ``1/4``, ``1e-3``, ``0x1p-2``, ``010/8``.

    A decimal may have the prefix 0x, 0o or 0b and either exponent; in a fraction a leading 0 makes it octal.
    """
    if len(text) > _LONGEST:
        raise ValueError("is no number")
    sign = -1 if text[:1] == "-" else 1
    body = text[1:] if text[:1] in ("+", "-") else text
    top, slash, bottom = body.partition("/")
    if slash:
        denominator = _whole(bottom)
        if not denominator:
            raise ValueError("is no number")
        return sign * _whole(top), denominator
    base = _BASES.get(body[1:2].lower(), 10) if body[:1] == "0" else 10
    rest = body[2:] if base != 10 else body
    end = _end_of_mantissa(rest, base)
    mantissa, exponent = rest[:end], rest[end:]
    whole, _, fraction = mantissa.replace("_", "").partition(".")
    if not (whole or fraction) or "." in fraction or not _separates_digits(mantissa, base, after_prefix=base != 10):
        raise ValueError("is no number")
    if exponent and exponent[0] not in "eEpP":
        raise ValueError("is no number")
    power = _exponent(exponent) if exponent else 0
    number = sign * int(whole + fraction, base)
    if number == 0:
        return 0, 1
    if abs(power) > _FARTHEST:
        raise ValueError("is too large" if power > 0 else "is too precise: at most nine decimal places count")
    step = 2 if exponent[:1] in ("p", "P") else 10
    below: int = base ** len(fraction)
    scale: int = step ** abs(power)
    return (number * scale, below) if power >= 0 else (number, below * scale)


def _whole(text: str) -> int:
    """A natural number with Go's base 0: a prefix or a leading 0 tells the base."""
    base = 10
    digits = text
    if text[:1] == "0" and len(text) > 1:
        base = _BASES.get(text[1].lower(), 8)
        digits = text[1:] if text[1].lower() not in _BASES else text[2:]
    bare = digits.replace("_", "")
    if not bare or not _DIGITS[base].issuperset(bare) or not _separates_digits(digits, base, after_prefix=base != 10):
        raise ValueError("is no number")
    return int(bare, base)


def _end_of_mantissa(text: str, base: int) -> int:
    digits = _DIGITS[base]
    for at, char in enumerate(text):
        if char not in digits and char not in "._":
            return at
    return len(text)


def _separates_digits(text: str, base: int, *, after_prefix: bool) -> bool:
    """Whether every underscore stands between two digits, or between the prefix and a digit."""
    digits = _DIGITS[base]
    before = after_prefix
    for at, char in enumerate(text):
        if char == "_" and (not before or text[at + 1 : at + 2] not in digits or at + 1 == len(text)):
            return False
        before = char in digits
    return True


def _exponent(text: str) -> int:
    """The number after e or p; its underscores stand between digits."""
    body = text[2:] if text[1:2] in ("+", "-") else text[1:]
    bare = body.replace("_", "")
    if not bare or not _DIGITS[10].issuperset(bare) or not _separates_digits(body, 10, after_prefix=False):
        raise ValueError("is no number")
    power = int(bare)
    return -power if text[1:2] == "-" else power
