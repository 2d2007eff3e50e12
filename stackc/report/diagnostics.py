"""Diagnostics → text with carets, JSON, GitHub workflow commands, SARIF. Pure: strings out, nothing printed.

Text of a file is foreign: whatever could move a cursor, change a colour or reorder a line is shown as an escape, in
every form: also what a program reads may be shown by it on a terminal.
"""

from __future__ import annotations

from stackc.codes import CODES
from stackc.diagnostics import Diagnostic, Related, Severity, Span, Suppressed
from stackc.hints import Any, Mapping, Sequence
from stackc.parse.lines import NEWLINES, lines_of

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
    known: dict[str, list[str]] = {}
    blocks = []
    for one in diagnostics:
        block = [_head(one, colour)]
        if one.span is not None:
            block += _snippet(one.span, sources, known, colour, CODES[one.code].hides)
        if one.hint:
            block.append(f"  {_paint('hint:', _CYAN, colour)} {visible(one.hint)}")
        for related in one.related:
            block.append(f"  {visible(str(related.span))}: {visible(related.message)}")
            block += _snippet(related.span, sources, known, colour, CODES[one.code].hides)
        blocks.append("\n".join(block) + "\n")
    return "\n".join(blocks)


def _paint(what: str, code: str, colour: bool) -> str:
    return f"{code}{what}{_OFF}" if colour else what


def _head(one: Diagnostic, colour: bool) -> str:
    place = f"{visible(str(one.span))}: " if one.span is not None else "stackc: "
    shade = _RED if one.severity is Severity.ERROR else _YELLOW
    word = _paint(f"{one.severity.value} {one.code}", shade, colour)
    return f"{_paint(place, _BOLD, colour)}{word}: {visible(one.message)}"


def _snippet(
    span: Span, sources: Mapping[str, str], known: dict[str, list[str]], colour: bool, hides: bool
) -> list[str]:
    """The source line and carets under what is meant; with ``hides`` nothing of the line but that."""
    if span.file not in known:
        known[span.file] = lines_of(sources.get(span.file, ""))
    lines = known[span.file]
    line = lines[span.line - 1] if 0 < span.line <= len(lines) else ""
    if not line or line.isspace():
        return []
    # a line may have megabytes, and as many findings: only what is shown of it is ever copied
    start = min(span.column - 1, len(line))
    first = start if hides else max(0, start - _LONGEST_LINE // 2)
    last = min(first + _LONGEST_LINE, len(line))
    end = span.end_column - 1 if span.end_line == span.line else start + len(line[start:last].rstrip())
    end = max(min(end, last), start + 1)
    before, marked = _cells(line[first:start]), _cells(line[start:end])
    shown = before + marked + ("" if hides else _cells(line[end:last]))
    if hides:
        before, shown = "… ", f"… {shown} …"
    width = len(str(span.line))
    gutter = _paint(f"{span.line:>{width + 2}} |", _DIM, colour)
    below = _paint(" " * (width + 2) + " |", _DIM, colour)
    carets = _paint("^" * max(1, _columns(marked)), _CYAN, colour)
    return [f"{gutter} {shown}", f"{below} {' ' * _columns(before)}{carets}"]


def _cells(line: str) -> str:
    """As it is shown: a tab as one space, as the position counts it, and nothing that moves the cursor."""
    if line.isprintable():
        return line
    return "".join(" " if char == "\t" else char if char.isprintable() else _escape(char) for char in line)


def _columns(shown: str) -> int:
    """How many columns of a terminal a text takes: East Asian wide characters two, combining ones none."""
    if shown.isascii():
        return len(shown)
    from unicodedata import category, east_asian_width

    return sum(
        0 if category(char) in ("Mn", "Me") else 2 if east_asian_width(char) in ("W", "F") else 1 for char in shown
    )


def summary(diagnostics: Sequence[Diagnostic]) -> str:
    """``2 errors, 1 warning``; what is zero is left out."""
    parts = []
    for severity in (Severity.ERROR, Severity.WARNING):
        count = sum(one.severity is severity for one in diagnostics)
        if count:
            parts.append(f"{count} {severity.value}{'s' if count > 1 else ''}")
    return ", ".join(parts)


def json_text(value: Json) -> str:
    """The JSON of ``as_json`` and ``sarif`` as text: whatever is not plain ASCII is an escape."""
    from json import dumps

    return dumps(value, indent=2, ensure_ascii=True) + "\n"


def as_json(diagnostics: Sequence[Diagnostic]) -> Json:
    """``stackc.diagnostics/1``. Messages and hints are texts for people, as they are shown; files and paths are as
    they are."""
    return {
        "format": "stackc.diagnostics/1",
        "errors": sum(one.severity is Severity.ERROR for one in diagnostics),
        "warnings": sum(one.severity is Severity.WARNING for one in diagnostics),
        "diagnostics": [
            {
                "code": one.code,
                "severity": one.severity.value,
                "message": visible(one.message),
                **_place(one.span),
                "path": list(one.path),
                "hint": visible(one.hint),
                "related": [{**_place(related.span), "message": visible(related.message)} for related in one.related],
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


_HELP = "https://stackc.dev/docs/diagnostics.md"


def sarif(diagnostics: Sequence[Diagnostic], version: str, suppressed: Sequence[Suppressed] = ()) -> Json:
    """SARIF 2.1.0, for code scanning. What a comment switches off is a result with a suppression."""
    codes = sorted({one.code for one in (*diagnostics, *(hidden.diagnostic for hidden in suppressed))})
    index = {code: number for number, code in enumerate(codes)}
    results = [_result(one, index) for one in diagnostics]
    for hidden in suppressed:
        reason = {"kind": "inSource", "justification": visible(hidden.reason)}
        results.append({**_result(hidden.diagnostic, index), "suppressions": [reason]})
    driver = {"name": "stackc", "version": version, "rules": _rules(codes)}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "newlineSequences": list(NEWLINES),
        "results": results,
    }
    return {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}


def _rules(codes: Sequence[str]) -> list[Json]:
    from stackc.report.reference import explanation

    rules = []
    for code in codes:
        meaning = CODES[code]
        text = explanation(code) or f"{meaning.summary[:1].upper()}{meaning.summary[1:]}."
        if meaning.hint:
            text += f"\n\nWhat to do: {meaning.hint}."
        rules.append(
            {
                "id": code,
                "shortDescription": {"text": meaning.summary},
                "help": {"text": text.replace("`", ""), "markdown": text},
                "helpUri": f"{_HELP}#{code.lower()}",
                "defaultConfiguration": {"level": meaning.severity.value},
            }
        )
    return rules


def _result(one: Diagnostic, index: Mapping[str, int]) -> Json:
    text = one.message + (f". Hint: {one.hint}" if one.hint else "")
    result: Json = {
        "ruleId": one.code,
        "ruleIndex": index[one.code],
        "level": one.severity.value,
        "message": {"text": visible(text)},
        "locations": [_location(one.span)] if one.span is not None else [],
    }
    if one.related:
        result["relatedLocations"] = [_related(related) for related in dict.fromkeys(one.related)]
    return result


def _related(related: Related) -> Json:
    return {**_location(related.span), "message": {"text": visible(related.message)}}


def _location(span: Span) -> Json:
    region = {
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": span.end_line,
        "endColumn": max(span.end_column, span.column) if span.line == span.end_line else span.end_column,
    }
    return {"physicalLocation": {"artifactLocation": {"uri": _uri(span.file)}, "region": region}}


def _uri(file: str) -> str:
    """A relative path stays relative, which is what code scanning looks for in a repository."""
    from urllib.parse import quote

    try:
        path = quote(file.removeprefix("./"), errors="surrogateescape")
    except UnicodeEncodeError:  # no file has such a name, but a text may name it
        path = quote(visible(file))
    return f"file://{path}" if path.startswith("/") else path
