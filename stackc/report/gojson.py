"""Plain values → JSON text as Go's encoder writes it, indented by two. Pure."""

from __future__ import annotations

from stackc.hints import Any
from stackc.json_text import quoted

_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def dump(value: Any) -> str:
    """Mappings keep their order. There is no line feed at the end. Infinite numbers are written as text."""
    out: list[str] = []
    _write(value, "\n", out)
    return "".join(out)


def _write(value: Any, newline: str, out: list[str]) -> None:
    if not isinstance(value, (dict, list)) or not value:
        out.append(_scalar(value))
        return
    inner = newline + "  "
    opening, closing = ("{", "}") if isinstance(value, dict) else ("[", "]")
    out.append(opening)
    for at, item in enumerate(value):
        out.append(("," if at else "") + inner)
        if isinstance(value, dict):
            out.append(f"{_string(item)}: ")
            _write(value[item], inner, out)
        else:
            _write(item, inner, out)
    out.append(newline + closing)


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        return _string(value)
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, float):
        return _float(value)
    return "{}" if isinstance(value, dict) else "[]" if isinstance(value, list) else str(value)


def _string(text: str) -> str:
    written = quoted(text)
    for char, escape in _ESCAPES.items():
        if char in written:
            written = written.replace(char, escape)
    return written


def _float(number: float) -> str:
    """The shortest digits; an exponent below 1e-6 and from 1e21 on."""
    text = repr(number)
    if number != number or text in ("inf", "-inf"):
        return _string(text)
    mantissa, _, exponent = text.partition("e")
    sign = "-" if mantissa[0] == "-" else ""
    whole, _, fraction = mantissa.lstrip("-").partition(".")
    digits = (whole + fraction).lstrip("0").rstrip("0")
    if not digits:
        return f"{sign}0"
    point = len(whole) + int(exponent or 0) - (len(whole + fraction) - len((whole + fraction).lstrip("0")))
    if not -6 < point <= 21:
        tail = f".{digits[1:]}" if len(digits) > 1 else ""
        return f"{sign}{digits[0]}{tail}e{point - 1:+d}"
    if point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    return f"{sign}{digits[:point].ljust(point, '0')}" + (f".{digits[point:]}" if len(digits) > point else "")
