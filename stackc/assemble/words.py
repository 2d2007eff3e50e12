"""Command lines and lines of env files. Pure, linear, hand-written."""

from __future__ import annotations

_SPACES = frozenset(" \t\r\n")
# what Go's unicode.IsSpace knows; Python's own set has four control characters more
_GO_SPACES = " \t\n\v\f\r\x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000"
_LONGEST_LINE = 65_535  # bytes, without the line feed: what Go's bufio.Scanner takes


def split(text: str) -> list[str]:
    """google/shlex as docker uses it: in double quotes a backslash escapes any character, ``#`` starts a comment
    only where a word would start. Raises ValueError for an unclosed quote or a backslash at the end."""
    words: list[str] = []
    at, end = 0, len(text)
    while at < end:
        char = text[at]
        if char in _SPACES:
            at += 1
        elif char == "#":
            newline = text.find("\n", at)
            at = end if newline < 0 else newline + 1
        else:
            word, at = _word(text, at)
            words.append(word)
    return words


def _word(text: str, at: int) -> tuple[str, int]:
    out: list[str] = []
    end = len(text)
    while at < end and text[at] not in _SPACES:
        char = text[at]
        if char == "\\":
            if at + 1 >= end:
                raise ValueError("ends in a backslash")
            out.append(text[at + 1])
            at += 2
        elif char == "'":
            close = text.find("'", at + 1)
            if close < 0:
                raise ValueError("has an unclosed quote '")
            out.append(text[at + 1 : close])
            at = close + 1
        elif char == '"':
            part, at = _double_quoted(text, at + 1)
            out.append(part)
        else:
            out.append(char)
            at += 1
    return "".join(out), at


def _double_quoted(text: str, at: int) -> tuple[str, int]:
    out: list[str] = []
    while at < len(text):
        char = text[at]
        if char == '"':
            return "".join(out), at + 1
        if char == "\\":
            at += 1
            if at >= len(text):
                break
            char = text[at]
        out.append(char)
        at += 1
    raise ValueError('has an unclosed quote "')


class EnvLineError(ValueError):
    """``line`` is 1-based. ``code``: of the finding that it becomes."""

    def __init__(self, line: int, message: str, code: str = "SC3007") -> None:
        super().__init__(message)
        self.line = line
        self.code = code


def env_file(text: str) -> list[tuple[str, str | None]]:
    """Lines of ``KEY=value`` as docker's stack files read them: the value verbatim (quotes, trailing spaces and
    ``# x`` are part of it), ``#`` comments only on lines of their own, ``KEY`` alone is None (taken from the
    environment). Raises EnvLineError."""
    pairs: list[tuple[str, str | None]] = []
    for number, raw in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        if len(raw) * 4 > _LONGEST_LINE and len(raw.encode("utf-8", "surrogatepass")) > _LONGEST_LINE:
            raise EnvLineError(number, f"the line is longer than {_LONGEST_LINE} bytes")
        line = raw.removesuffix("\r").lstrip(_GO_SPACES)
        if not line or line.startswith("#"):
            continue
        name, equals, value = line.partition("=")
        if not name:
            raise EnvLineError(number, "no variable name stands before the =")
        if " " in name or "\t" in name:
            raise EnvLineError(number, f"the variable name `{name}` contains spaces")
        pairs.append((name, value if equals else None))
    return pairs
