"""What an unquoted scalar means, as go-yaml v3 (docker's reader) types it.

It is neither YAML 1.1 nor 1.2: ``22:22``, ``yes`` and ``on`` are strings, ``0777`` and ``0o777`` are octal,
``08`` is the float 8, ``1_000`` is 1000, an integer of 2^64 and more is a float.
"""

from __future__ import annotations

from stackc.parse.nodes import MergeKey, Timestamp, Value
from stackc.parse.numerals import parse_float

_WORDS: dict[str, Value] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True,
    "false": False, "False": False, "FALSE": False,
    ".nan": float("nan"), ".NaN": float("nan"), ".NAN": float("nan"),
    ".inf": float("inf"), ".Inf": float("inf"), ".INF": float("inf"),
    "+.inf": float("inf"), "+.Inf": float("inf"), "+.INF": float("inf"),
    "-.inf": float("-inf"), "-.Inf": float("-inf"), "-.INF": float("-inf"),
    "<<": MergeKey("<<"),
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
    if text[4:5] == "-" and _are_digits(text[:4]):
        return _timestamp(text)
    if text[0] == ".":
        return _point(text)
    bare = text.replace("_", "")
    number = _integer(bare)
    if number is not None:
        return number
    fraction = _float(bare)
    return text if fraction is None else fraction


def _point(text: str) -> float | str:
    try:
        return parse_float(text)
    except ValueError:
        return text


def _integer(text: str) -> int | float | None:
    """Go's ParseInt with base 0; None where it refuses. From 2^64 on a float, as Go falls back to one."""
    body = text[1:] if text[:1] in "+-" else text
    negative = text[0] == "-"
    base = 10
    if body[:1] == "0" and len(body) > 1:
        base = _BASES.get(body[1].lower(), 8)
        if base == 8 and body[1] not in "oO":
            body = body[1:]
        else:
            # after the prefix go-yaml tries once more what follows, and there a sign may stand
            signed = text[:2] in ("0b", "0o") and body[2:3] in ("+", "-")
            negative |= signed and body[2] == "-"
            body = body[3:] if signed else body[2:]
    if not body or not _DIGITS[base].issuperset(body):
        return None
    if len(body) > _LONGEST_INTEGER:
        body = body.lstrip("0") or "0"
        if len(body) > _LONGEST_INTEGER:
            return None
    number = -int(body, base) if negative else int(body, base)
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
    """``2020-1-2``, ``2020-1-2 3:4:5.6`` and ``2020-1-2T3:4:5.6+07:00``; anything else stays a string.

    Read as Go's time.Parse reads go-yaml's layouts: one or two digits, a comma for the point, offsets up to 24:60.
    """
    year = text[:4]
    (month, day), rest = _numbers(text[5:], "-", 2)
    if not 1 <= month <= 12 or not 1 <= day <= _days(int(year), month):
        return text
    clock, zone = "00:00:00", "+0000 UTC"
    if rest:
        (hour, minute, second), after = _numbers(rest.lstrip(" ") if rest[0] == " " else rest[1:], ":", 3)
        if rest[0] not in " Tt" or not (0 <= hour < 24 and 0 <= minute < 60 and 0 <= second < 60):
            return text
        digits, after = _fraction(after)
        clock = f"{hour:02}:{minute:02}:{second:02}{'.' if digits else ''}{digits}"
        if rest[0] == " ":
            zone = zone if not after else ""
        else:
            zone = _zone(after)
        if not zone:
            return text
    return Timestamp(f"{year}-{month:02}-{day:02} {clock} {zone}")


def _numbers(text: str, separator: str, count: int) -> tuple[list[int], str]:
    """``count`` numbers of one or two digits, and what follows them; -1 for one that is not there."""
    found: list[int] = []
    for position in range(count):
        if position:
            if text[:1] != separator:
                return [*found, *[-1] * (count - position)], text
            text = text[1:]
        width = 0 if not _are_digits(text[:1]) else 2 if _are_digits(text[1:2]) else 1
        found.append(int(text[:width]) if width else -1)
        text = text[width:]
    return found, text


def _are_digits(text: str) -> bool:
    return text != "" and _DIGITS[10].issuperset(text)


def _fraction(text: str) -> tuple[str, str]:
    """The digits of a fraction of a second (nine of them count, zeros at the end do not), and what follows."""
    if text[:1] not in (".", ",") or not _are_digits(text[1:2]):
        return "", text
    end = 1
    while _are_digits(text[end : end + 1]):
        end += 1
    return text[1:end][:9].rstrip("0"), text[end:]


def _days(year: int, month: int) -> int:
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if month in (4, 6, 9, 11) else 31


def _zone(text: str) -> str:
    """The zone as Go prints it: twice its offset, as it has no name; "" where it is no zone."""
    if text == "Z":
        return "+0000 UTC"
    hours, minutes = text[1:3], text[4:6]
    if len(text) != 6 or text[0] not in "+-" or text[3] != ":" or not _are_digits(hours + minutes):
        return ""
    if int(hours) > 24 or int(minutes) > 60:
        return ""
    offset = int(hours) * 60 + int(minutes)
    name = f"{text[0] if offset else '+'}{offset // 60:02}{offset % 60:02}"
    return f"{name} {name}" if offset else "+0000 UTC"


def rfc3339(time: Timestamp) -> str:
    """How a YAML writer of Go writes a time: ``2020-01-02T03:04:05.6+07:00``."""
    date, clock, offset, _ = time.split(" ")
    return f"{date}T{clock}{'Z' if offset == '+0000' else f'{offset[:3]}:{offset[3:]}'}"


def go_text(value: Value) -> str:
    """What Go's ``fmt.Sprint`` prints: how docker turns a scalar into a string."""
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return go_float(value)
    return str(value)


def go_string_verb(value: Value) -> str:
    """What ``%s`` of Go's fmt prints, which is not meant for numbers."""
    if isinstance(value, str):
        return str(value)
    kind = "bool" if isinstance(value, bool) else "float64" if isinstance(value, float) else "int"
    if isinstance(value, int) and value >= 2**63:
        kind = "uint64"
    return f"%!s({kind}={go_text(value)})"


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
