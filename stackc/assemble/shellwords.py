"""Command lines of the Compose dialect: what compose's shell-word splitter makes of a string. Pure, linear."""

from __future__ import annotations

_SPACES = frozenset(" \t\r\n")
_ENDS = frozenset(";&|<>")
_BLOCKED_BY = {"'": '")', '"': "')", "`": "'\")", ")": "'\"`", "(": "'\"`"}
"""Each quote, and the other ones that must not be open for it to count. ``)`` also stands for an open ``$(``."""


def split(text: str) -> list[str]:
    """Words, with four kinds of quotes: ``'``, ``"``, back quotes and ``$( )``, of which the last two stay part of the
    word. Outside of all of them the line ends at the first ``;``, ``&``, ``|``, ``<`` or ``>`` (``2>`` takes the ``2``
    with it). A backslash holds everywhere but in single quotes. Raises ValueError for what is not closed."""
    words: list[str] = []
    word: list[str] = []
    opened: set[str] = set()
    started = escaped = False
    for char in text:
        if escaped or (char == "\\" and "'" not in opened):
            if escaped:
                word.append(char)
                started = True
            escaped = not escaped
            continue
        if not opened and char in _SPACES:
            if started:
                words.append("".join(word))
                word, started = [], False
            continue
        if not opened and char in _ENDS:
            started = started and not (char == ">" and word and word[0] in "0123456789")
            break
        counts = char in _BLOCKED_BY and not opened.intersection(_BLOCKED_BY[char])
        if counts:
            started = started or (char in opened and char in "'\"")
            _toggle(char, opened, word)
        if not counts or char not in "'\"":
            word.append(char)
            started = started or (char not in _SPACES and not (counts and char == "("))
    if started:
        words.append("".join(word))
    if escaped:
        raise ValueError("ends in a backslash")
    if opened:
        quote = min(opened)
        raise ValueError("has an unclosed parenthesis" if quote == ")" else f"has an unclosed quote {quote}")
    return words


def _toggle(char: str, opened: set[str], word: list[str]) -> None:
    if char == "(":
        if ")" in opened or not word or word[-1] != "$":
            raise ValueError("has a parenthesis outside of quotes")
        opened.add(")")
    else:
        opened.symmetric_difference_update(char)
