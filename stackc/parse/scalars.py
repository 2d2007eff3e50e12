"""What an unquoted scalar means, as go-yaml v3 (docker's reader) types it.

It is neither YAML 1.1 nor 1.2: ``22:22``, ``yes`` and ``on`` are strings, ``0777`` and ``0o777`` are octal,
``08`` is the float 8, ``1_000`` is 1000, an integer of 2^64 and more is a float.
"""

from __future__ import annotations

from stackc.parse.nodes import Timestamp, Value

_WORDS: dict[str, Value] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True,
    "false": False, "False": False, "FALSE": False,
    ".nan": float("nan"), ".NaN": float("nan"), ".NAN": float("nan"),
    ".inf": float("inf"), ".Inf": float("inf"), ".INF": float("inf"),
    "+.inf": float("inf"), "+.Inf": float("inf"), "+.INF": float("inf"),
    "-.inf": float("-inf"), "-.Inf": float("-inf"), "-.INF": float("-inf"),
}  # fmt: skip
_NUMERIC_START = frozenset("0123456789+-.")
_BASES = {"x": 16, "o": 8, "b": 2}
_DIGITS = {
    2: frozenset("01"),
    8: frozenset("01234567"),
    10: frozenset("0123456789"),
    16: frozenset("0123456789abcdefABCDEF"),
}
_LONGEST_INTEGER = 80


def resolve(text: str) -> Value:
    """The value of a plain scalar without a tag."""
    if text[:1] not in _NUMERIC_START:
        return _WORDS.get(text, text)
    return _number(text)


def _number(text: str) -> Value:
    if text in _WORDS:
        return _WORDS[text]
    if text[4:5] == "-" and text[:4].isdigit() and text.isascii():
        return _timestamp(text)
    bare = text.replace("_", "") if text[0] != "." else text
    number = _integer(bare)
    if number is not None:
        return number
    fraction = _float(bare)
    return text if fraction is None else fraction


def _integer(text: str) -> int | float | None:
    """Go's ParseInt with base 0; None where it refuses. From 2^64 on a float, as Go falls back to one."""
    if len(text) > _LONGEST_INTEGER:
        return None
    body = text[1:] if text[:1] in "+-" else text
    base = 10
    if body[:1] == "0" and len(body) > 1:
        base = _BASES.get(body[1].lower(), 8)
        body = body[2:] if base != 8 or body[1] in "oO" else body[1:]
    if not body or not _DIGITS[base].issuperset(body):
        return None
    number = int(body, base)
    if text[0] == "-":
        number = -number
    if -(2**63) <= number < 2**64:
        return number
    return float(number) if base == 10 else None


def _float(text: str) -> float | None:
    """``[-+]?(\\.[0-9]+|[0-9]+(\\.[0-9]*)?)([eE][-+]?[0-9]+)?``, without a regular expression."""
    body = text[1:] if text[:1] in "+-" else text
    mantissa, e, exponent = body.replace("E", "e").partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = _DIGITS[10]
    if not digits.issuperset(whole) or not digits.issuperset(fraction) or not (whole or fraction):
        return None
    if e:
        power = exponent[1:] if exponent[:1] in "+-" else exponent
        if not power or not digits.issuperset(power):
            return None
    number = float(text)
    return None if number in (float("inf"), float("-inf")) else number


def _timestamp(text: str) -> Value:
    """``2020-1-2`` and ``2020-1-2T3:4:5.6+07:00`` (also with a space); anything else stays a string."""
    from datetime import datetime, timedelta, timezone

    date, separator, clock = text.partition(" ")
    for other in "Tt":
        if not separator:
            date, separator, clock = text.partition(other)
    parts = date.split("-")
    if len(parts) != 3 or not all(p.isdigit() and len(p) <= n for p, n in zip(parts, (4, 2, 2), strict=True)):
        return text
    zone_name, offset, seconds, fraction = "+0000 UTC", timedelta(0), "0:0:0", ""
    if separator:
        if separator in "Tt":
            clock, zone_name, minutes = _zone(clock)
            if minutes is None:
                return text
            offset = timedelta(minutes=minutes)
        seconds, _, fraction = clock.partition(".")
        if clock.endswith(".") or (fraction and not (fraction.isdigit() and len(fraction) <= 9)):
            return text
    hms = seconds.split(":")
    if len(hms) != 3 or not all(p.isdigit() and len(p) <= 2 for p in hms):
        return text
    try:
        when = datetime(*map(int, parts), *map(int, hms), tzinfo=timezone(offset))  # type: ignore[arg-type,misc]
    except ValueError:
        return text
    tail = fraction.rstrip("0")
    return Timestamp(when.strftime("%Y-%m-%d %H:%M:%S").rjust(19, "0") + ("." + tail if tail else "") + " " + zone_name)


def _zone(clock: str) -> tuple[str, str, int | None]:
    """The time without its zone, the zone as Go prints it, and the offset in minutes (None: no valid zone)."""
    if clock.endswith("Z"):
        return clock[:-1], "+0000 UTC", 0
    body, sign, zone = clock[:-6], clock[-6:-5], clock[-5:]
    hours, colon, minutes = zone.partition(":")
    if (
        sign not in ("+", "-")
        or colon != ":"
        or not (hours + minutes).isdigit()
        or int(hours) > 23
        or int(minutes) > 59
    ):
        return clock, "", None
    name = f"{sign}{hours}{minutes}"
    return (
        body,
        f"{name} {name}" if hours + minutes != "0000" else "+0000 UTC",
        (1 if sign == "+" else -1) * (int(hours) * 60 + int(minutes)),
    )


def go_text(value: Value) -> str:
    """What Go's ``fmt.Sprint`` prints: how docker turns a scalar into a string."""
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return go_float(value)
    return str(value)


def go_float(number: float) -> str:
    """As docker prints a float: shortest digits, exponent form where the decimal exponent is < -4 or >= 6."""
    if number != number or number in (float("inf"), float("-inf")):
        return {"inf": "+Inf", "-inf": "-Inf"}.get(str(number), "NaN")
    if number == 0:
        return "-0" if str(number)[0] == "-" else "0"
    sign = "-" if number < 0 else ""
    mantissa, _, exponent = f"{abs(number)!r}".partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).strip("0") or "0"
    lead = len(whole.lstrip("0")) or -(len(fraction) - len(fraction.lstrip("0")))
    power = lead - 1 + int(exponent or 0)
    if power < -4 or power >= 6:
        tail = f".{digits[1:]}" if len(digits) > 1 else ""
        return f"{sign}{digits[0]}{tail}e{'-' if power < 0 else '+'}{abs(power):02d}"
    if power < 0:
        return f"{sign}0.{'0' * (-power - 1)}{digits}"
    padded = digits.ljust(power + 1, "0")
    tail = padded[power + 1 :]
    return f"{sign}{padded[: power + 1]}{'.' + tail if tail else ''}"
