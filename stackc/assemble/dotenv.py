"""The grammar of ``.env`` files and of env files in the Compose dialect. Pure, linear, hand-written.

compose-go's: a name ends at ``=`` or ``:``; ``export`` before it is skipped; single quotes take everything but ``\\'``
literally, double quotes know escapes and run over lines; an unquoted value ends at `` #``; what follows a closing
quote is the next entry. A name without a value is taken from the environment.
"""

from __future__ import annotations

from stackc.assemble.template import LONGEST, TemplateError, Variables, expand_compose
from stackc.assemble.words import EnvLineError
from stackc.hints import Callable, NamedTuple

MOST_GROWTH = 16 * LONGEST
"""So many characters may the values of one file have, with their variables replaced."""

_BLANKS = frozenset(" \t\v\f\r\x85\xa0")
_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\", '"': '"'}


class Entry(NamedTuple):
    """``value`` is None where only a name stands. ``expands``: variables in the value are replaced (not in single
    quotes). ``line`` is 1-based."""

    name: str
    value: str | None
    expands: bool
    line: int


def entries(text: str) -> list[Entry]:
    """Raises EnvLineError."""
    text = text.removeprefix("\ufeff")
    found: list[Entry] = []
    at, counted, line = 0, 0, 1
    while True:
        at = _start(text, at)
        if at >= len(text):
            return found
        line += text.count("\n", counted, at)
        counted = at
        name, at, has_value = _name(text, at, line)
        if not has_value:
            found.append(Entry(name, None, False, line))
            continue
        while at < len(text) and text[at] in _BLANKS:
            at += 1
        quote = text[at : at + 1]
        if quote in ("'", '"') and quote:
            value, at = _quoted(text, at + 1, quote, line)
            value = _unescaped(value) if quote == '"' else value
        else:
            newline = text.find("\n", at)
            newline = len(text) if newline < 0 else newline
            value = text[at:newline]
            comment = value.find(" #")
            value, at = (value if comment < 0 else value[:comment]).rstrip(), newline
        found.append(Entry(name, value, quote != "'", line))


def _start(text: str, at: int) -> int:
    """Where the next entry starts, behind blank lines and comments."""
    while at < len(text):
        if text[at] == "#":
            newline = text.find("\n", at)
            at = len(text) if newline < 0 else newline
        elif text[at].isspace():
            at += 1
        else:
            break
    return at


def _name(text: str, at: int, line: int) -> tuple[str, int, bool]:
    """A name, where the text goes on, and whether a value stands there."""
    if text.startswith("export", at) and text[at + 6 : at + 7].isspace():
        at += 6
        while at < len(text) and text[at] in _BLANKS:
            at += 1
    end = at
    while end < len(text) and text[end] not in "=:\n":
        char = text[end]
        if not (char in "_.-[]" or char in _BLANKS or char.isalpha() or char.isnumeric()):
            raise EnvLineError(line, f"`{char}` cannot stand in the name of a variable")
        end += 1
    name = text[at:end].rstrip()
    if not name:
        raise EnvLineError(line, "no variable name stands before the =")
    if any(char in _BLANKS for char in name):
        raise EnvLineError(line, f"the variable name `{name}` contains spaces")
    return name, end + 1, text[end : end + 1] in ("=", ":") and end < len(text)


def _quoted(text: str, at: int, quote: str, line: int) -> tuple[str, int]:
    """The text up to the closing quote, a backslash taken away only from a quote, and where the text goes on."""
    out: list[str] = []
    start = at
    while at < len(text):
        char = text[at]
        if char == quote:
            out.append(text[start:at])
            return "".join(out), at + 1
        if char == "\\":
            if text[at + 1 : at + 2] == quote:
                out.append(text[start:at])
                start = at + 1
            at += 1
        at += 1
    raise EnvLineError(line, f"the quote {quote} is not closed")


def _unescaped(text: str) -> str:
    r"""The escapes of a value in double quotes; ``\$`` becomes ``$$``, which the expansion takes for one dollar."""
    if "\\" not in text:
        return text
    out: list[str] = []
    at = 0
    while (back := text.find("\\", at)) >= 0:
        out.append(text[at:back])
        char = text[back + 1 : back + 2]
        octal = text[back + 2 : back + 5] if char == "0" else ""
        if len(octal) == 3 and set(octal) <= set("01234567") and int(octal, 8) < 256:
            out.append(chr(int(octal, 8)))
            at = back + 5
        elif char == "$":
            out.append("$$")
            at = back + 2
        else:
            out.append(_ESCAPES.get(char, text[back : back + 2]))
            at = back + 2
    out.append(text[at:])
    return "".join(out)


class Lookup:
    """Two sets of variables as one; the first that has a name counts."""

    __slots__ = ("first", "second")

    def __init__(self, first: Variables, second: Variables) -> None:
        self.first = first
        self.second = second

    def get(self, name: str, /) -> str | None:
        value = self.first.get(name)
        return value if value is not None else self.second.get(name)


Unset = Callable[[str, int], None]
"""Hears of a variable without a value, and its line."""


def read_into(known: dict[str, str], text: str, before: Variables, unset: Unset) -> list[str]:
    """The entries of ``text`` put into ``known``; their names. A variable in a value is looked up in ``before``, then
    in what is known so far; a bare name is taken from ``before`` only. Raises EnvLineError."""
    lookup = Lookup(before, known)
    names: list[str] = []
    growth = 0
    for name, value, expands, line in entries(text):
        if value is None:
            value = before.get(name)
            if value is None:
                continue
        elif expands and "$" in value:
            try:
                value, missing, _ = expand_compose(value, lookup)
            except TemplateError as error:
                raise EnvLineError(line, error.message, error.code) from None
            growth += len(value)
            if growth > MOST_GROWTH:
                raise EnvLineError(line, f"the values grow beyond {MOST_GROWTH} characters", "SC1205")
            for one, _ in missing:
                unset(one, line)
        known[name] = value
        names.append(name)
    return names
