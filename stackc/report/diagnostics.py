"""Diagnostics → text with carets, JSON, GitHub workflow commands, SARIF. Pure: strings out, nothing printed.

Text of a file is foreign: whatever could move a cursor, change a colour or reorder a line is shown as an escape.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stackc.diagnostics import Diagnostic, Severity, Span

Json = dict[str, Any]
FORMATS = ("text", "json", "sarif", "github")

_RED, _YELLOW, _BOLD, _DIM, _CYAN, _OFF = "\x1b[31;1m", "\x1b[33;1m", "\x1b[1m", "\x1b[2m", "\x1b[36m", "\x1b[0m"
_LONGEST_LINE = 160


def visible(text: str) -> str:
    """``text`` with every character that is not plainly printable written as an escape."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escape(char) for char in text)


def _escape(char: str) -> str:
    code = ord(char)
    named = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(char)
    return named or (f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}")


def text(diagnostics: Sequence[Diagnostic], sources: Mapping[str, str], *, colour: bool = False) -> str:
    """``file:line:column: error CODE: message``, the line with a caret below, the hint, related places."""
    lines_of: dict[str, list[str]] = {}
    blocks = []
    for one in diagnostics:
        block = [_head(one, colour)]
        if one.span is not None:
            block += _snippet(one.span, sources, lines_of, colour)
        if one.hint:
            block.append(f"  {_paint('hint:', _CYAN, colour)} {visible(one.hint)}")
        for related in one.related:
            block.append(f"  {visible(str(related.span))}: {visible(related.message)}")
            block += _snippet(related.span, sources, lines_of, colour)
        blocks.append("\n".join(block) + "\n")
    return "\n".join(blocks)


def _paint(what: str, code: str, colour: bool) -> str:
    return f"{code}{what}{_OFF}" if colour else what


def _head(one: Diagnostic, colour: bool) -> str:
    place = f"{visible(str(one.span))}: " if one.span is not None else "stackc: "
    shade = _RED if one.severity is Severity.ERROR else _YELLOW
    word = _paint(f"{one.severity.value} {one.code}", shade, colour)
    return f"{_paint(place, _BOLD, colour)}{word}: {visible(one.message)}"


def _snippet(span: Span, sources: Mapping[str, str], lines_of: dict[str, list[str]], colour: bool) -> list[str]:
    """The source line and a caret under what is meant. Tabs count as one column, as in the position."""
    if span.file not in lines_of:
        lines_of[span.file] = sources.get(span.file, "").split("\n")
    lines = lines_of[span.file]
    if not 0 < span.line <= len(lines) or not lines[span.line - 1].strip():
        return []
    line = lines[span.line - 1].rstrip("\r")
    start = min(span.column - 1, len(line))
    end = span.end_column - 1 if span.end_line == span.line else len(line.rstrip())
    end = max(min(end, len(line)), start + 1)
    first = max(0, start - _LONGEST_LINE // 2)
    last = first + _LONGEST_LINE
    shown = _cells(line[first:last])
    before = "".join(_cells(line[first:start]))
    marked = _cells(line[start : min(end, last)]) or [" "]
    width = len(str(span.line))
    gutter = _paint(f"{span.line:>{width + 2}} |", _DIM, colour)
    below = _paint(" " * (width + 2) + " |", _DIM, colour)
    carets = _paint("^" * len("".join(marked)), _CYAN, colour)
    return [f"{gutter} {''.join(shown)}", f"{below} {' ' * len(before)}{carets}"]


def _cells(line: str) -> list[str]:
    return [" " if char == "\t" else char if char.isprintable() else _escape(char) for char in line]


def summary(diagnostics: Sequence[Diagnostic]) -> str:
    """``2 errors, 1 warning``; what is zero is left out."""
    parts = []
    for severity in (Severity.ERROR, Severity.WARNING):
        count = sum(one.severity is severity for one in diagnostics)
        if count:
            parts.append(f"{count} {severity.value}{'s' if count > 1 else ''}")
    return ", ".join(parts)


def as_json(diagnostics: Sequence[Diagnostic]) -> Json:
    return {
        "format": "stackc.diagnostics/1",
        "errors": sum(one.severity is Severity.ERROR for one in diagnostics),
        "warnings": sum(one.severity is Severity.WARNING for one in diagnostics),
        "diagnostics": [
            {
                "code": one.code,
                "severity": one.severity.value,
                "message": one.message,
                **_place(one.span),
                "path": list(one.path),
                "hint": one.hint,
                "related": [{**_place(related.span), "message": related.message} for related in one.related],
            }
            for one in diagnostics
        ],
    }


def _place(span: Span | None) -> Json:
    if span is None:
        return {}
    return {
        "file": span.file,
        "line": span.line,
        "column": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
    }


def github(diagnostics: Sequence[Diagnostic]) -> str:
    """Workflow commands, which GitHub shows at the line of a pull request."""
    lines = []
    for one in diagnostics:
        fields = []
        if one.span is not None:
            span = one.span
            fields = [f"file={_property(span.file)}", f"line={span.line}", f"endLine={span.end_line}"]
            if span.line == span.end_line:
                fields += [f"col={span.column}", f"endColumn={span.end_column}"]
        fields.append(f"title={_property(one.code)}")
        message = one.message + (f"\nhint: {one.hint}" if one.hint else "")
        for related in one.related:
            message += f"\n{related.span}: {related.message}"
        lines.append(f"::{one.severity.value} {','.join(fields)}::{_data(message)}\n")
    return "".join(lines)


def _data(text: str) -> str:
    escaped = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return visible(escaped)


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def sarif(diagnostics: Sequence[Diagnostic], version: str) -> Json:
    """SARIF 2.1.0, for code scanning."""
    from stackc.codes import CODES

    codes = sorted({one.code for one in diagnostics})
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "stackc",
                        "version": version,
                        "rules": [_rule(code, CODES[code]) for code in codes],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "results": [_result(one, codes) for one in diagnostics],
            }
        ],
    }


def _rule(code: str, meaning: Any) -> Json:
    rule: Json = {"id": code, "shortDescription": {"text": meaning.summary}}
    if meaning.hint:
        rule["help"] = {"text": meaning.hint}
    rule["defaultConfiguration"] = {"level": meaning.severity.value}
    return rule


def _result(one: Diagnostic, codes: list[str]) -> Json:
    text = one.message + (f". Hint: {one.hint}" if one.hint else "")
    result: Json = {
        "ruleId": one.code,
        "ruleIndex": codes.index(one.code),
        "level": one.severity.value,
        "message": {"text": text},
        "locations": [_location(one.span)] if one.span is not None else [],
    }
    if one.related:
        result["relatedLocations"] = [
            {**_location(related.span), "message": {"text": related.message}} for related in one.related
        ]
    return result


def _location(span: Span) -> Json:
    from urllib.parse import quote

    region = {
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": span.end_line,
        "endColumn": max(span.end_column, span.column) if span.line == span.end_line else span.end_column,
    }
    return {"physicalLocation": {"artifactLocation": {"uri": quote(span.file)}, "region": region}}
