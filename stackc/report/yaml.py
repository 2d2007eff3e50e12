"""Plain values → YAML text, laid out exactly as go-yaml v3 (docker's writer) does. Pure.

The style of a string follows libyaml's analysis: plain where that reads back as the same string, else quoted;
strings with line breaks become literal blocks. Mappings keep their order: sort with ``natural`` where docker does.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from stackc.parse.scalars import go_text, resolve

_OLD_BOOLEANS = frozenset(
    form for word in ("y", "yes", "on", "n", "no", "off") for form in (word, word.upper(), word.capitalize())
)
_DIGITS = frozenset("0123456789")


def dump(value: Any) -> str:
    """One document, two columns of indentation, lists indented below their key."""
    out: list[str] = []
    if isinstance(value, (dict, list)) and value:
        _block(value, 0, out)
    else:
        out.append(_inline(value, 0) + "\n")
    return "".join(out)


def _block(value: Any, indent: int, out: list[str]) -> None:
    pad = " " * indent
    if isinstance(value, dict):
        for key, child in value.items():
            out.append(f"{pad}{_key(key)}:")
            _child(child, indent, out)
        return
    for item in value:
        if isinstance(item, (dict, list)) and item:
            inner: list[str] = []
            _block(item, indent + 2, inner)
            out.append(f"{pad}- " + "".join(inner)[indent + 2 :])
        else:
            out.append(f"{pad}- {_inline(item, indent + 2)}\n")


def _child(value: Any, indent: int, out: list[str]) -> None:
    if isinstance(value, (dict, list)) and value:
        out.append("\n")
        _block(value, indent + 2, out)
    else:
        out.append(f" {_inline(value, indent + 2)}\n")


def _inline(value: Any, indent: int) -> str:
    if isinstance(value, str):
        return _string(value, indent)
    if value is None:
        return "null"
    if isinstance(value, dict):
        return "{}"
    if isinstance(value, list):
        return "[]"
    return go_text(value)


def _key(key: str) -> str:
    if key == "<<" or _analyse(key).breaks:
        return _double(key)
    return _string(key, 0)


def _string(text: str, indent: int) -> str:
    look = _analyse(text)
    if look.breaks:  # a break that is no line feed would not survive a block
        return _literal(text, indent) if look.block and not _OTHER_BREAKS.intersection(text) else _double(text)
    if type(resolve(text)) is not str or text in _OLD_BOOLEANS or _is_sexagesimal(text):
        return _double(text)
    if look.plain:
        return text
    return "'" + text.replace("'", "''") + "'" if look.single else _double(text)


def _is_sexagesimal(text: str) -> bool:
    """``[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\\.[0-9_]*)?``: a number to YAML 1.1, so it is quoted."""
    body = text[1:] if text[:1] in ("+", "-") else text
    first, *rest = body.split(":")
    if not rest or not first or first[0] not in _DIGITS or not set(first) <= _DIGITS | {"_"}:
        return False
    last, dot, fraction = rest[-1].partition(".")
    if dot and not set(fraction) <= _DIGITS | {"_"}:
        return False
    return all(
        part and set(part) <= _DIGITS and (len(part) == 1 or (len(part) == 2 and part[0] in "012345"))
        for part in (*rest[:-1], last)
    )


class _Look(NamedTuple):
    """What styles a string may take outside of flow collections, and whether it has line breaks."""

    plain: bool
    single: bool
    block: bool
    breaks: bool


_FIRST = frozenset("#,[]{}&*!|>'\"%@`")
_OTHER_BREAKS = frozenset("\r\x85\u2028\u2029")
_BREAKS = _OTHER_BREAKS | {"\n"}


def _is_printable(char: str) -> bool:
    code = ord(char)
    if code < 0x20 or code == 0x7F:
        return char == "\n"
    return not (0x80 <= code < 0xA0 and code != 0x85) and code != 0xFEFF and not 0xD800 <= code < 0xE000


def _analyse(text: str) -> _Look:
    if not text:
        return _Look(plain=True, single=True, block=False, breaks=False)
    indicators = text.startswith(("---", "..."))
    breaks = special = tabs = space_break = break_space = False
    previous_space = previous_break = False
    before_is_blank = True
    for at, char in enumerate(text):
        after_is_blank = at + 1 >= len(text) or text[at + 1] in " \t" or text[at + 1] in _BREAKS
        if at == 0:
            indicators |= char in _FIRST or (char in "?:-" and after_is_blank)
        else:
            indicators |= (char == ":" and after_is_blank) or (char == "#" and before_is_blank)
        if char == "\t":
            tabs = True
        elif not _is_printable(char) and char not in _BREAKS:
            special = True
        if char == " ":
            break_space |= previous_break
            previous_space, previous_break = True, False
        elif char in _BREAKS:
            breaks = True
            space_break |= previous_space
            previous_space, previous_break = False, True
        else:
            previous_space = previous_break = False
        before_is_blank = char in " \t" or char in _BREAKS
    edges = text[0] in _BREAKS or text[-1] in _BREAKS or text[0] == " " or text[-1] == " "
    awkward = break_space or space_break or tabs or special
    return _Look(
        plain=not (edges or awkward or breaks or indicators),
        single=not awkward,
        block=not (text[-1] == " " or space_break or special),
        breaks=breaks,
    )


def _literal(text: str, indent: int) -> str:
    hint = "2" if text[0] in " \n" else ""
    if not text.endswith("\n"):
        chomp = "-"
    else:
        chomp = "+" if text == "\n" or text.endswith("\n\n") else ""
    body = text[:-1] if text.endswith("\n") else text
    pad = " " * indent
    lines = [pad + line if line else "" for line in body.split("\n")]
    return f"|{hint}{chomp}\n" + "\n".join(lines)


_ESCAPES = {
    "\0": "0", "\a": "a", "\b": "b", "\t": "t", "\n": "n", "\v": "v", "\f": "f", "\r": "r", "\x1b": "e",
    '"': '"', "\\": "\\", "\x85": "N", "\xa0": "_", "\u2028": "L", "\u2029": "P",
}  # fmt: skip


def _double(text: str) -> str:
    out = []
    for char in text:
        if char in _ESCAPES and char != "\xa0":
            out.append("\\" + _ESCAPES[char])
        elif _is_printable(char):
            out.append(char)
        else:
            code = ord(char)
            out.append(f"\\x{code:02X}" if code < 256 else f"\\u{code:04X}" if code < 65536 else f"\\U{code:08X}")
    return '"' + "".join(out) + '"'


def natural(keys: list[str]) -> list[str]:
    """go-yaml's order of mapping keys: numbers inside names count as numbers, ``a2`` before ``a10``."""
    from functools import cmp_to_key

    def compare(a: str, b: str) -> int:
        return -1 if _less(a, b) else int(_less(b, a))

    return sorted(keys, key=cmp_to_key(compare))


def _less(a: str, b: str) -> bool:
    digits = False
    for at in range(min(len(a), len(b))):
        one, other = a[at], b[at]
        if one == other:
            digits = one.isdigit()
            continue
        letters = one.isalpha(), other.isalpha()
        if all(letters):
            return one < other
        if any(letters):
            return letters[0] if digits else letters[1]
        return _less_from(a, b, at)
    return len(a) < len(b)


def _less_from(a: str, b: str, at: int) -> bool:
    """The first difference is between two characters that are no letters."""
    start = ""
    if "0" in (a[at], b[at]):
        back = at - 1
        while back >= 0 and a[back].isdigit():
            if a[back] != "0":
                start = "1"
                break
            back -= 1
    one, other = _run(a, at), _run(b, at)
    first, second = int(start + one or "0"), int(start + other or "0")
    if first != second:
        return first < second
    if len(one) != len(other):
        return len(one) < len(other)
    return a[at] < b[at]


def _run(text: str, at: int) -> str:
    end = at
    while end < len(text) and text[end] in _DIGITS:
        end += 1
    return text[at:end]
