"""Command lines and lines of env files. Pure, linear, hand-written."""

from __future__ import annotations

_SPACES = frozenset(" \t\r\n")


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
    """``line`` is 1-based."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


def env_file(text: str) -> list[tuple[str, str | None]]:
    """Lines of ``KEY=value`` as docker's stack files read them: the value verbatim (quotes, trailing spaces and
    ``# x`` are part of it), ``#`` comments only on lines of their own, ``KEY`` alone is None (taken from the
    environment). Raises EnvLineError."""
    pairs: list[tuple[str, str | None]] = []
    for number, raw in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        line = raw.removesuffix("\r").lstrip(" \t\r\v\f\x85\xa0")
        if not line or line.startswith("#"):
            continue
        name, equals, value = line.partition("=")
        if not name:
            raise EnvLineError(number, "no variable name stands before the =")
        if any(char.isspace() for char in name):
            raise EnvLineError(number, f"the variable name `{name}` contains spaces")
        pairs.append((name, value if equals else None))
    return pairs


def dotenv(text: str) -> list[tuple[str, str | None, bool]]:
    """Lines of a ``.env`` or of an env file in the Compose dialect: name, value, and whether variables in the value
    are to be expanded (not in single quotes). ``export``, quotes, escapes and `` # comments`` are understood.
    Raises EnvLineError."""
    pairs: list[tuple[str, str | None, bool]] = []
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    at, line = 0, 1
    while at < len(text):
        newline = text.find("\n", at)
        newline = len(text) if newline < 0 else newline
        raw = text[at:newline].lstrip()
        if not raw or raw.startswith("#"):
            at, line = newline + 1, line + 1
            continue
        name, equals, rest = raw.removeprefix("export ").lstrip().partition("=")
        name = name.strip()
        if not equals and ":" in name:
            name, equals, rest = (part.strip() for part in raw.partition(":"))
        if not name or any(char.isspace() for char in name):
            raise EnvLineError(
                line, f"`{name}` is no variable name" if name else "no variable name stands before the ="
            )
        if not equals:
            pairs.append((name, None, False))
            at, line = newline + 1, line + 1
            continue
        rest = rest.lstrip(" \t")
        if rest[:1] in ("'", '"'):
            start = newline - len(rest) + 1
            value, end = _quoted(text, start, rest[0], line)
            pairs.append((name, value, rest[0] == '"'))
            after = text.find("\n", end)
            after = len(text) if after < 0 else after
            line += text.count("\n", at, after) + 1
            at = after + 1
            continue
        comment = rest.find(" #")
        value = (rest if comment < 0 else rest[:comment]).rstrip()
        pairs.append((name, "" if value.startswith("#") else value, True))
        at, line = newline + 1, line + 1
    return pairs


_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", '"': '"', "$": "$$"}


def _quoted(text: str, at: int, quote: str, line: int) -> tuple[str, int]:
    out: list[str] = []
    while at < len(text):
        char = text[at]
        if char == quote:
            return "".join(out), at + 1
        if char == "\\" and quote == '"' and at + 1 < len(text):
            out.append(_ESCAPES.get(text[at + 1], "\\" + text[at + 1]))
            at += 2
            continue
        out.append(char)
        at += 1
    raise EnvLineError(line, f"the quote {quote} is not closed")
