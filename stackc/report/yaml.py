"""Plain values → YAML text, laid out exactly as go-yaml v3 (docker's writer) does. Pure.

The style of a string follows libyaml's analysis: plain where that reads back as the same string, else quoted;
strings with line breaks become literal blocks. Mappings keep their order: sort with ``natural`` where docker does.
"""

from __future__ import annotations

from stackc.hints import Any, Iterable, NamedTuple
from stackc.memo import Memo
from stackc.parse.nodes import Timestamp
from stackc.parse.scalars import go_text, resolve, rfc3339

_OLD_BOOLEANS = frozenset(
    form for word in ("y", "yes", "on", "n", "no", "off") for form in (word, word.upper(), word.capitalize())
)
_DIGITS = frozenset("0123456789")


class Whole(str):
    """A string whose leading line break is written, as the go-yaml of docker compose does."""

    __slots__ = ()


def dump(value: Any) -> str:
    """One document, two columns of indentation, lists indented below their key."""
    out: list[str] = []
    if isinstance(value, (dict, list)) and value:
        _Writer(out).block(value, "", "")
    else:
        out.append(_inline(value, 0) + "\n")
    return "".join(out)


class _Writer:
    """Lines of blocks, one after another, into ``out``."""

    def __init__(self, out: list[str]) -> None:
        self.out = out
        self.keys = Memo(_key)
        self.texts = Memo(_one_line)

    def block(self, value: Any, pad: str, lead: str) -> None:
        """``pad``: the indentation; ``lead``: what stands before the first line instead, such as a list's dash."""
        add, keys, texts = self.out.append, self.keys, self.texts
        if isinstance(value, dict):
            for key, child in value.items():
                name = keys[key]
                written = texts[child] if type(child) is str else None
                if name is None:
                    add(_line(f"{lead}? {_inline(key, len(pad) + 2)}"))
                    self.item(child, pad, f"{pad}:")
                elif written is not None:
                    add(f"{lead}{name}: {written}\n")
                else:
                    self.child(child, pad, f"{lead}{name}:")
                lead = pad
            return
        for child in value:
            written = texts[child] if type(child) is str else None
            if written is not None:
                add(f"{lead}- {written}\n")
            else:
                self.item(child, pad, f"{lead}-")
            lead = pad

    def item(self, value: Any, pad: str, before: str) -> None:
        """What stands behind a dash: a collection begins on the same line."""
        if isinstance(value, (dict, list)) and value:
            self.block(value, pad + "  ", before + " ")
        else:
            self.child(value, pad, before)

    def child(self, value: Any, pad: str, before: str) -> None:
        """What stands behind a key: a collection begins on the next line."""
        if isinstance(value, (dict, list)) and value:
            self.out.append(before + "\n")
            below = pad + "  "
            self.block(value, below, below)
        else:
            self.out.append(_line(f"{before} {_inline(value, len(pad) + 2)}"))


def _line(text: str) -> str:
    """Ended by a line feed, unless it ends in a line break already."""
    return text if text[-1:] in _LINE_ENDS else text + "\n"


def _inline(value: Any, indent: int) -> str:
    if isinstance(value, Timestamp):
        return rfc3339(value)
    if isinstance(value, str):
        return _one_line(value) or _several_lines(value, indent)
    if value is None:
        return "null"
    if isinstance(value, dict):
        return "{}"
    if isinstance(value, list):
        return "[]"
    written = go_text(value)
    return {"+Inf": ".inf", "-Inf": "-.inf"}.get(written, written)


def _key(key: str) -> str | None:
    """How a key is written; None where it needs a line of its own, with a question mark."""
    longest = len(key) if key.isascii() else len(key.encode("utf-8", "surrogatepass"))
    return _one_line(key) if longest <= _LONGEST_KEY and _BREAKS.isdisjoint(key) else None


def _one_line(text: str) -> str | None:
    """A string on one line; None where it has line breaks that are written as such."""
    if text.isascii() and text.isprintable():  # nearly always; no character needs to be looked at by itself
        plain, single = _is_plain_ascii(text), True
    else:
        look = _analyse(text)
        if look.breaks:
            return None if (look.block if "\n" in text else look.single) else _double(text)
        plain, single = look.plain, look.single
    if type(resolve(text)) is not str or text in _OLD_BOOLEANS or (":" in text and _is_sexagesimal(text)):
        return text if text == "<<" else _double(text)
    if plain:
        return text
    return "'" + text.replace("'", "''") + "'" if single else _double(text)


def _several_lines(text: str, indent: int) -> str:
    """A literal block; in quotes, where the only breaks are such as go-yaml does not make a block for."""
    if "\n" in text:
        return _literal(text, indent)
    written = _indented(text.replace("'", "''"), indent, fresh=False)
    return f"'{written}'"


def _indented(text: str, indent: int, *, fresh: bool) -> str:
    """Each line indented that is not empty; ``fresh``: the first one too. A separator of lines or paragraphs ends a
    line as well."""
    pad = " " * indent
    if _SEPARATORS.isdisjoint(text):
        first, *rest = text.split("\n")
        lines = [pad + line if line else "" for line in rest]
        return "\n".join([pad + first if fresh and first else first, *lines])
    out = []
    for char in text:
        if char in _BREAKS:
            fresh = True
        elif fresh:
            fresh = False
            out.append(pad)
        out.append(char)
    return "".join(out)


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


_LONGEST_KEY = 128
_FIRST = frozenset("#,[]{}&*!|>'\"%@`")
_BREAKS = frozenset("\n\r\x85\u2028\u2029")
_SEPARATORS = frozenset("\u2028\u2029")
_LINE_ENDS = _SEPARATORS | {"\n"}


def _is_printable(char: str) -> bool:
    """go-yaml writes no character beyond the basic plane as it is."""
    code = ord(char)
    if code < 0x7F:
        return code >= 0x20 or char == "\n"
    return 0xA0 <= code < 0xD800 or (0xE000 <= code < 0xFFFE and code != 0xFEFF)


def _is_plain_ascii(text: str) -> bool:
    """``_analyse(text).plain`` of printable ASCII."""
    if not text:
        return True
    first = text[0]
    return not (
        first in _FIRST
        or first == " "
        or text[-1] in " :"
        or (first in "?:-" and text[1:2] in ("", " "))
        or ": " in text
        or " #" in text
        or text.startswith(("---", "..."))
    )


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
        elif not _is_printable(char):
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
    """A leading line break ends the line of the indicator: go-yaml forgets to write one more (but see ``Whole``)."""
    broken = text[0] in _BREAKS
    hint = "2" if broken or text[0] == " " else ""
    chomp = "-" if text[-1] not in _BREAKS else "+" if len(text) == 1 or text[-2] in _BREAKS else ""
    return (
        f"|{hint}{chomp}"
        + ("" if broken and not isinstance(text, Whole) else "\n")
        + _indented(text, indent, fresh=True)
    )


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


def natural(keys: Iterable[str]) -> list[str]:
    """go-yaml's order of mapping keys: numbers inside names count as numbers, ``a2`` before ``a10``."""
    names = list(keys)
    if len(names) < 2:
        return names
    joined = "".join(names)
    if not joined.isascii():
        return sorted(names, key=_slow_rank)
    data = joined.encode()
    return sorted(names, key=_rank_of_words if data == data.translate(None, b"0123456789") else _rank)


_OTHERS = "".join(char for char in map(chr, range(128)) if not char.isalnum())
_LETTERS = "".join(char for char in map(chr, range(128)) if char.isalpha())


def _table(order: str) -> bytes:
    places = {char: at for at, char in enumerate(order)}
    return bytes(places.get(chr(code), 0) for code in range(256))


_ORDER = _table(_OTHERS + "0123456789" + _LETTERS)
_ORDER_AFTER_DIGITS = _table(_LETTERS + _OTHERS)


def _rank_of_words(text: str) -> bytes:
    return text.encode().translate(_ORDER)


def _rank(text: str) -> bytes:
    """Bytes that sort as go-yaml compares: others before digits before letters, but right behind a number letters
    before others; of a number first the value counts, then how many digits it is written with."""
    parts = []
    at, end = 0, len(text)
    while at < end:
        start = at
        while at < end and text[at] not in _DIGITS:
            at += 1
        words = text[start:at].encode()
        if start:
            parts.append(words[:1].translate(_ORDER_AFTER_DIGITS))
            words = words[1:]
        parts.append(words.translate(_ORDER))
        start = at
        while at < end and text[at] in _DIGITS:
            at += 1
        if at > start:
            value = text[start:at].lstrip("0")
            length, digits = len(value).to_bytes(4, "big"), (at - start).to_bytes(4, "big")
            parts += (_ORDER[48:49], length, value.encode(), digits)
    return b"".join(parts)


def _slow_rank(text: str) -> Any:
    """The comparison itself, for names beyond ASCII."""
    from functools import cmp_to_key

    return cmp_to_key(_compare)(text)


def _compare(a: str, b: str) -> int:
    return -1 if _less(a, b) else int(_less(b, a))


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
    first, second = (start + one).lstrip("0"), (start + other).lstrip("0")
    if first != second:
        return (len(first), first) < (len(second), second)
    if len(one) != len(other):
        return len(one) < len(other)
    return a[at] < b[at]


def _run(text: str, at: int) -> str:
    end = at
    while end < len(text) and text[end] in _DIGITS:
        end += 1
    return text[at:end]
