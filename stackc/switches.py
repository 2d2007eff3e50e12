"""Comments that switch a finding off at its line: ``# stackc: ignore SC4011 -- the image has its own health check``.

A switch stands at the end of the finding's line, or alone on the line above it (several may stand there, one below
the other). Only codes that are a judgement can be switched off, and only with a reason. What is switched off is kept
apart with its reason (SARIF shows it); a switch that is malformed, without a reason or without an effect is reported.

libyaml gives no comments, so a text that has ``stackc:`` in it is read once more, for the places of its scalars: a
``#`` within one of these starts no comment. Linear in the text.
"""

from __future__ import annotations

from stackc.codes import CODES, found
from stackc.diagnostics import Diagnostic, Severity, Span, Suppressed, sort
from stackc.hints import Any, NamedTuple, Sequence
from stackc.hints import Mapping as Table
from stackc.parse.events import parser_for
from stackc.parse.lines import lines_of
from stackc.parse.nodes import Node

_MARK, _WORD, _BEFORE_REASON = "stackc:", "ignore", "--"
_DEEPEST = 64
_BLOCK = ("|", ">")


class Comment(NamedTuple):
    """``line`` and ``column``: 1-based, of the ``#`` that ``text`` begins with. ``means``: the line whose findings a
    switch in it concerns: its own, or, where nothing else is on its line, the next one that is no such comment."""

    line: int
    column: int
    text: str
    means: int


class Switch(NamedTuple):
    """One code of a comment. ``at``: where the code stands."""

    code: str
    line: int
    reason: str
    at: Span


def switched(
    findings: Sequence[Diagnostic], sources: Table[str, str], inactive: Sequence[Node] | None
) -> tuple[list[Diagnostic], tuple[Suppressed, ...]]:
    """What is left of the findings, with what there is to say about the switches, and what is switched off; both in
    source order. ``inactive``: nodes that no check has looked at, so that a switch there may well find nothing; None if
    the checks have not run at all."""
    kept: list[Diagnostic] = []
    by_place: dict[tuple[str, int, str], list[Switch]] = {}
    for file, text in sources.items():
        for comment in comments(text) if _MARK in text else ():
            for switch in _read(file, comment, kept):
                by_place.setdefault((file, switch.line, switch.code), []).append(switch)
    used: set[Span] = set()
    suppressed: list[Suppressed] = []
    for finding in sort(list(findings)):
        span = finding.span
        fitting = by_place.get((span.file, span.line, finding.code)) if span is not None else None
        if fitting:
            used.add(fitting[0].at)
            suppressed.append(Suppressed(finding, fitting[0].reason))
        else:
            kept.append(finding)
    if inactive is not None and not any(one.severity is Severity.ERROR for one in findings):
        unseen = _lines(inactive)
        for several in by_place.values():
            kept += [_unused(one) for one in several if one.at not in used and not _is_unseen(one.at, unseen)]
    return sort(kept), tuple(suppressed)


def _unused(switch: Switch) -> Diagnostic:
    return found("SC4104", f"there is no {switch.code} on line {switch.line} to switch off", switch.at)


def _lines(nodes: Sequence[Node]) -> dict[str, list[tuple[int, int]]]:
    """By file, the first and last lines of the nodes, with their key above them."""
    lines: dict[str, list[tuple[int, int]]] = {}
    for span in sorted(node.span for node in nodes):
        lines.setdefault(span.file, []).append((span.line - 2, span.end_line))
    return lines


def _is_unseen(at: Span, lines: dict[str, list[tuple[int, int]]]) -> bool:
    from bisect import bisect_right

    known = lines.get(at.file, [])
    place = bisect_right(known, (at.line, at.line + (1 << 30))) - 1
    return place >= 0 and at.line <= known[place][1]


def comments(text: str) -> list[Comment]:
    """The comments of a text that begin with ``stackc:``."""
    lines = lines_of(text)
    places = []
    for line, column in _hashes(text, lines):
        if lines[line][column + 1 :].lstrip(" \t").startswith(_MARK):
            places.append((line + 1, column + 1, not lines[line][:column].strip()))
    means: dict[int, int] = {}
    below = 0  # the line of the switch that stands alone below this one
    for line, _, alone in reversed(places):
        means[line] = line if not alone else means[below] if below == line + 1 else line + 1
        below = line if alone else 0
    return [Comment(line, column, lines[line - 1][column - 1 :], means[line]) for line, column, _ in places]


def _hashes(text: str, lines: list[str]) -> list[tuple[int, int]]:
    """Line and column, from 0, of the ``#`` of each comment on a line that has the mark."""
    marked = [number for number, line in enumerate(lines) if _MARK in line]
    taken: dict[int, list[tuple[int, int]]] = {number: [] for number in marked}
    for start, end in _scalars(text):
        for number in _between(marked, start[0], end[0]):
            first = start[1] if number == start[0] else 0
            last = end[1] if number == end[0] else len(lines[number])
            taken[number].append((first, last))
    places = []
    for number in marked:
        column = _hash(lines[number], taken[number])
        if column >= 0:
            places.append((number, column))
    return places


def _between(numbers: list[int], first: int, last: int) -> list[int]:
    from bisect import bisect_left, bisect_right

    return numbers[bisect_left(numbers, first) : bisect_right(numbers, last)]


def _hash(line: str, taken: list[tuple[int, int]]) -> int:
    """Where the comment of a line starts, or -1. ``taken``: the columns of its scalars, in order."""
    at = line.find("#")
    spans = iter(taken)
    span = next(spans, None)
    while at >= 0:
        while span is not None and span[1] <= at:
            span = next(spans, None)
        if span is not None and span[0] <= at:
            at = line.find("#", span[1])
        elif at == 0 or line[at - 1] in " \t":
            return at
        else:
            at = line.find("#", at + 1)
    return -1


Place = tuple[int, int]


def _scalars(text: str) -> list[tuple[Place, Place]]:
    """Start and end of the content of each scalar, 0-based, in the order of the text."""
    places: list[tuple[Place, Place]] = []
    parser: Any = None
    depth = 0
    try:
        parser = parser_for(text)
        while depth <= _DEEPEST:
            event = parser.get_event()
            name = type(event).__name__
            if name == "StreamEndEvent":
                break
            if name == "ScalarEvent":
                start = (event.start_mark.line, event.start_mark.column)
                if event.style in _BLOCK:  # a comment may follow the indicator
                    start = (event.start_mark.line + 1, 0)
                places.append((start, (event.end_mark.line, event.end_mark.column)))
            elif name in ("MappingStartEvent", "SequenceStartEvent"):
                depth += 1
            elif name in ("MappingEndEvent", "SequenceEndEvent"):
                depth -= 1
    except Exception:  # noqa: S110  (the text is broken from here on, and that was reported)
        pass
    finally:
        if hasattr(parser, "dispose"):
            parser.dispose()
    return places


def _read(file: str, comment: Comment, told: list[Diagnostic]) -> list[Switch]:
    """The switches of a comment; what is wrong with it is told."""
    text = comment.text
    at = text.index(_MARK) + len(_MARK)
    listed, dashes, reason = text[at:].partition(_BEFORE_REASON)
    words = listed.replace(",", " , ").split()
    if words[:1] != [_WORD]:
        shown = words[0] if words else ""
        message = f"`{shown}` is no word of a switch" if shown else "the switch does not say what it is to do"
        told.append(found("SC4102", message, _span(file, comment, 0, len(text.rstrip()))))
        return []
    at = text.index(_WORD, at) + len(_WORD)
    switches = []
    for name in listed.split(_WORD, 1)[1].split(","):
        start = at + len(name) - len(name.lstrip())
        span = _span(file, comment, start, start + len(name.strip()))
        at += len(name) + 1
        problem = _problem(name.strip(), bool(dashes) and any(map(str.isalnum, reason)))
        if problem is None:
            switches.append(Switch(name.strip(), comment.means, reason.strip(), span))
        else:
            told.append(found(*problem, span))
    return switches


def _span(file: str, comment: Comment, start: int, end: int) -> Span:
    column = comment.column + start
    return Span(file, comment.line, column, comment.line, max(comment.column + end, column + 1))


def _problem(name: str, has_reason: bool) -> tuple[str, str] | None:
    """Code and message of what is wrong with one code of a switch."""
    if not name:
        return "SC4102", "the switch names no code"
    if name not in CODES and name.split()[0] in CODES:
        return "SC4102", f"what follows {name.split()[0]} is no code: a reason stands after {_BEFORE_REASON}"
    if name not in CODES:
        shown = f"{name[:40]}…" if len(name) > 40 else name
        return "SC4102", f"there is no code `{shown}`"
    if not CODES[name].switchable:
        return "SC4103", f"{name} cannot be switched off: {CODES[name].summary}"
    if not has_reason:
        return "SC4101", f"the switch for {name} gives no reason, so it has no effect"
    return None
