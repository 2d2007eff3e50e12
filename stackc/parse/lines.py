"""Lines as YAML counts them: beside line feed and carriage return also NEL, LS and PS end one."""

from __future__ import annotations

NEWLINES = ("\r\n", "\n", "\r", "\x85", "\u2028", "\u2029")


def lines_of(text: str) -> list[str]:
    """The lines without their ends; line N of a position is item N - 1."""
    for end in NEWLINES:
        if end != "\n" and end in text:
            text = text.replace(end, "\n")
    return text.split("\n")
