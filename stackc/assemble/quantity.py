"""Durations, sizes, CPUs and numbers as Go's standard library and docker's go-units read them. Pure, no regexes.

Every function raises ValueError with a message that says what is wrong.
"""

from __future__ import annotations

from stackc.memo import Memo
from stackc.parse.numerals import parse_float, parse_rational

MOST_KNOWN = 1000  # answers that are kept of each of these functions
_LONGEST = 100
_INT64 = 2**63 - 1
_UNITS = {"ns": 1, "us": 1_000, "µs": 1_000, "μs": 1_000, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
_LONG_UNITS = _UNITS | {"d": 24 * 3600 * 10**9, "w": 7 * 24 * 3600 * 10**9}
_DIGITS = frozenset("0123456789")
_SIZES = {"k": 1, "m": 2, "g": 3, "t": 4, "p": 5}


def duration(text: str, *, days: bool = False) -> int:
    """Nanoseconds. Go's ParseDuration; with ``days`` also ``d`` and ``w``, as the Compose Specification has them."""
    if len(text) > _LONGEST:
        raise ValueError("is no duration")
    return (_LONG_DURATIONS if days else _DURATIONS)[text]


def _duration(text: str, units: dict[str, int]) -> int:
    sign = -1 if text[:1] == "-" else 1
    rest = text[1:] if text[:1] in ("-", "+") else text
    if rest == "0":
        return 0
    if not rest:
        raise ValueError("is no duration")
    total, at = 0, 0
    while at < len(rest):
        whole, at = _digits(rest, at)
        fraction = ""
        if rest[at : at + 1] == ".":
            fraction, at = _digits(rest, at + 1)
        if not whole and not fraction:
            raise ValueError("is no duration")
        start = at
        while at < len(rest) and rest[at] != "." and rest[at] not in _DIGITS:
            at += 1
        unit = rest[start:at]
        if not unit:
            raise ValueError("has a number without a unit")
        if unit not in units:
            raise ValueError(f"has the unknown unit `{unit}`")
        total += int(whole or "0") * units[unit]
        if fraction:
            total += int(float(int(fraction[:18])) * (units[unit] / float(10 ** len(fraction[:18]))))
        if total > _INT64:
            raise ValueError("is longer than 292 years")
    return sign * total


_DURATIONS: Memo[str, int] = Memo(lambda text: _duration(text, _UNITS), MOST_KNOWN)
_LONG_DURATIONS: Memo[str, int] = Memo(lambda text: _duration(text, _LONG_UNITS), MOST_KNOWN)


def _digits(text: str, at: int) -> tuple[str, int]:
    start = at
    while at < len(text) and text[at] in _DIGITS:
        at += 1
    return text[start:at], at


def duration_text(nanoseconds: int) -> str:
    """Go's ``Duration.String``: ``1m30s``, ``1h0m0s``, ``500ms``, ``5µs``, ``0s``."""
    return _DURATION_TEXTS[nanoseconds]


def _duration_text(nanoseconds: int) -> str:
    if nanoseconds == 0:
        return "0s"
    sign, rest = ("-", -nanoseconds) if nanoseconds < 0 else ("", nanoseconds)
    for unit, size in (("ns", 1), ("µs", 1_000), ("ms", 10**6)):
        if rest < size * 1000 and rest < 10**9:
            return f"{sign}{_decimal(rest, size)}{unit}"
    minutes, below = divmod(rest, 60 * 10**9)
    hours, minutes = divmod(minutes, 60)
    text = f"{_decimal(below, 10**9)}s"
    if hours:
        return f"{sign}{hours}h{minutes}m{text}"
    return f"{sign}{minutes}m{text}" if minutes else f"{sign}{text}"


_DURATION_TEXTS = Memo(_duration_text, MOST_KNOWN)


def _decimal(number: int, unit: int) -> str:
    whole, rest = divmod(number, unit)
    if not rest:
        return str(whole)
    return f"{whole}.{str(rest).zfill(len(str(unit)) - 1).rstrip('0')}"


def size(text: str) -> int:
    """Bytes. go-units RAMInBytes: k, m, g, t, p with an optional b or ib, always 1024-based, truncated."""
    return _SIZES_OF[text] if len(text) <= _LONGEST else _size(text)


def _size(text: str) -> int:
    at = max((text.rfind(char) for char in "0123456789. "), default=-1)
    if at < 0:
        raise ValueError("is no size")
    number, suffix = (text[: at + 1], text[at + 1 :]) if text[at] != " " else (text[:at], text[at + 1 :])
    amount = _amount(number)
    if amount < 0:
        raise ValueError("is negative")
    suffix = suffix.lower()
    if suffix not in ("", "b"):
        if suffix[0] not in _SIZES or suffix[1:] not in ("", "b", "ib"):
            raise ValueError(f"has the unknown unit `{suffix}`")
        amount *= 1024 ** _SIZES[suffix[0]]
    if amount > _INT64:
        raise ValueError("is too large")
    return int(amount)


_SIZES_OF = Memo(_size, MOST_KNOWN)


def _amount(text: str) -> float:
    try:
        return parse_float(text)
    except ValueError as error:
        raise ValueError("is no size" if str(error) == "is no number" else str(error)) from None


def nano_cpus(text: str) -> int:
    """CPUs × 10^9, exactly: Go's big.Rat (``0.5``, ``1/4``, ``1e-3``, ``1_0``)."""
    return _NANO_CPUS[text] if len(text) <= _LONGEST else _nano_cpus(text)


def _nano_cpus(text: str) -> int:
    try:
        numerator, denominator = parse_rational(text)
    except ValueError as error:
        raise ValueError("is no number of CPUs" if str(error) == "is no number" else str(error)) from None
    if numerator < 0:
        raise ValueError("is negative")
    nano, rest = divmod(numerator * 10**9, denominator)
    if rest:
        raise ValueError("is too precise: at most nine decimal places count")
    if nano > _INT64:
        raise ValueError("is too large")
    return nano


_NANO_CPUS = Memo(_nano_cpus, MOST_KNOWN)


def integer(text: str) -> int:
    """Go's Atoi: an optional sign and decimal digits, 64 bits."""
    body = text[1:] if text[:1] in ("+", "-") else text
    if not body or not _DIGITS.issuperset(body) or len(body) > 40:
        raise ValueError("is no whole number")
    number = int(text)
    if not -(2**63) <= number <= _INT64:
        raise ValueError("is too large")
    return number


def boolean(text: str) -> bool:
    """docker's casting of an interpolated boolean."""
    word = text.lower()
    if word in ("y", "yes", "true", "on"):
        return True
    if word in ("n", "no", "false", "off"):
        return False
    raise ValueError("is no boolean")


def float32(number: float) -> float:
    """The shortest decimal that is the same 32-bit float: how Go prints a float32."""
    from struct import pack, unpack

    try:
        narrow = unpack("f", pack("f", number))[0]
    except OverflowError:
        return float("inf") if number > 0 else float("-inf")
    for precision in range(1, 10):
        short = float(f"{narrow:.{precision}g}")
        if unpack("f", pack("f", short))[0] == narrow:
            return short
    return float(narrow)
