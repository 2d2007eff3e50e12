"""What strings the schema's patterns let through, without regular expressions: foreign text is never backtracked.

One function for each ``pattern`` of ``schemas/stack.schema.json``, under the pattern's own text; a property test holds
each to what ``re.search`` says. ``$(?!\\n)`` is the end of the text: ``$`` alone matches before a last newline too.
"""

from __future__ import annotations

from stackc.hints import Callable, NamedTuple

VARIABLE = "\\$"
"""Lets a variable through in an editor: alone, or as the last alternative. When stackc validates, none is left."""

_DIGITS = frozenset("0123456789")
_OCTAL = frozenset("01234567")
_WORDS = frozenset(["y", "yes", "true", "on", "n", "no", "false", "off"])
_NAME_START = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
_NAME = _NAME_START | frozenset("_.-")
_POLICIES = ("always", "never", "build", "if_not_present", "missing", "refresh", "daily", "weekly")
_MOST_DIGITS = {"": 18, "k": 15, "m": 12, "g": 9, "t": 6}


def without_variable(pattern: str) -> str:
    """The pattern as it is once variables are replaced; "" lets nothing through."""
    return "" if pattern == VARIABLE else pattern.removesuffix("|" + VARIABLE)


def fits_pattern(text: str, pattern: str) -> bool:
    """Whether the schema's ``pattern``, with no variable left, is found in ``text``."""
    known = without_variable(pattern)
    return bool(known) and PATTERNS[known].matches(text)


def _are_digits(text: str, most: int) -> bool:
    return 0 < len(text) <= most and _DIGITS.issuperset(text)


def _unsigned(text: str) -> str:
    return text[1:] if text[:1] in ("+", "-") else text


def _boolean(text: str) -> bool:
    return len(text) <= 5 and text.isascii() and text.lower() in _WORDS


def _whole(text: str) -> bool:
    return _are_digits(_unsigned(text), 18)


def _fraction(text: str) -> bool:
    mantissa, exponent_sign, exponent = _unsigned(text).replace("E", "e").partition("e")
    if exponent_sign and not _are_digits(_unsigned(exponent), len(text)):
        return False
    whole, _, part = mantissa.partition(".")
    return bool(whole or part) and _DIGITS.issuperset(whole + part)


def _octal(text: str) -> bool:
    body = text[2:] if text[:2] in ("0o", "0O") else text
    return 0 < len(body) <= 8 and _OCTAL.issuperset(body)


def _size(text: str) -> bool:
    end = 0
    while end < len(text) and (text[end] in _DIGITS or text[end] == "."):
        end += 1
    whole, point, part = text[:end].partition(".")
    unit = text[end:].removeprefix(" ").lower() if text[end:].isascii() else "?"
    plain = unit in ("", "b")
    if not plain and (unit[0] not in "kmgt" or unit[1:] not in ("", "b", "ib")):
        return False
    if text[end:] == " " and not plain:
        return False
    if point and (plain or not _are_digits(part, 9)):
        return False
    return _are_digits(whole, _MOST_DIGITS["" if plain else unit[0]])


def _container_name(text: str) -> bool:
    return any(text[at] in _NAME_START and text[at + 1] in _NAME for at in range(len(text) - 1))


def _pull_policy(text: str) -> bool:
    if any(policy in text for policy in _POLICIES):
        return True
    for after in text.split("every_")[1:]:
        end = 0
        while end < len(after) and after[end] in _DIGITS:
            end += 1
        if end and after[end : end + 1] in ("w", "d", "h", "m", "s"):
            return True
    return False


class Pattern(NamedTuple):
    """``wanted`` and ``hint`` say in a finding what must stand there, and what to do."""

    matches: Callable[[str], bool]
    wanted: str
    hint: str = ""


PATTERNS = {
    "^([Yy]([Ee][Ss])?|[Tt][Rr][Uu][Ee]|[Oo][Nn]|[Nn][Oo]?|[Ff][Aa][Ll][Ss][Ee]|[Oo][Ff][Ff])$(?!\\n)": Pattern(
        _boolean, "true or false"
    ),
    "^[+-]?[0-9]{1,18}$(?!\\n)": Pattern(_whole, "a whole number"),
    "^[+-]?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][+-]?[0-9]+)?$(?!\\n)": Pattern(_fraction, "a number"),
    "^(0[oO])?[0-7]{1,8}$(?!\\n)": Pattern(_octal, "a file mode", "write it in octal digits, such as 0440"),
    "^([0-9]{1,15}(\\.[0-9]{1,9})? ?[kK]([iI]?[bB])?|[0-9]{1,12}(\\.[0-9]{1,9})? ?[mM]([iI]?[bB])?"
    "|[0-9]{1,9}(\\.[0-9]{1,9})? ?[gG]([iI]?[bB])?|[0-9]{1,6}(\\.[0-9]{1,9})? ?[tT]([iI]?[bB])?"
    "|[0-9]{1,18} ?[bB]?)$(?!\\n)": Pattern(
        _size, "a size in bytes", "write a number with a unit, such as 64m or 1.5g"
    ),
    "[a-zA-Z0-9][a-zA-Z0-9_.-]": Pattern(
        _container_name, "a container name", "two characters at least: letters, digits, `_`, `.` and `-`"
    ),
    "always|never|build|if_not_present|missing|refresh|daily|weekly|every_[0-9]+[wdhms]": Pattern(
        _pull_policy, "a pull policy", "such as always, missing, never, daily or every_12h"
    ),
}
