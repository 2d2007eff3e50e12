"""Diagnostics are values: what is wrong, where, why, and what to do next.

A pass returns its result and a list of Diagnostics; nobody prints before the last layer (``stackc.report``).
This module is on the start-up path of every command: it imports nothing heavy (no dataclasses).
"""

from __future__ import annotations

from stackc.hints import ClassVar, NamedTuple

Path = tuple[str | int, ...]
"""Where a value stands in a document: ``("services", "web", "ports", 0)``."""


class Span(NamedTuple):
    """A stretch of source text. Lines and columns are 1-based; the end is exclusive."""

    file: str
    line: int
    column: int
    end_line: int
    end_column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Severity:
    """An error stops a compile; a warning never does. There are these two."""

    __slots__ = ("value",)
    ERROR: ClassVar[Severity]
    WARNING: ClassVar[Severity]

    def __init__(self, value: str) -> None:
        self.value = value

    def __repr__(self) -> str:
        return f"Severity.{self.value.upper()}"


Severity.ERROR, Severity.WARNING = Severity("error"), Severity("warning")


class Related(NamedTuple):
    """A second place that explains the first one, such as the first definition of a duplicate."""

    span: Span
    message: str


class Diagnostic(NamedTuple):
    """One finding.

    ``code`` is a key of ``stackc.codes.CODES`` and never changes its meaning. ``message`` is one sentence
    without a final full stop; ``hint`` says what to do. ``span`` is None only where no file is to blame.
    """

    code: str
    severity: Severity
    message: str
    span: Span | None = None
    path: Path = ()
    hint: str = ""
    related: tuple[Related, ...] = ()


class Suppressed(NamedTuple):
    """A finding that a comment in the file switches off, and the reason that stands there."""

    diagnostic: Diagnostic
    reason: str


def sort(diagnostics: list[Diagnostic]) -> list[Diagnostic]:
    """Source order; findings without a place come first. The order is the same on every run."""
    return sorted(set(diagnostics), key=_order)


def _order(one: Diagnostic) -> tuple[Span, str, str, tuple[str, ...], str, tuple[Related, ...]]:
    span = one.span or Span("", 0, 0, 0, 0)
    return (span, one.code, one.message, tuple(map(str, one.path)), one.hint, one.related)


def has_errors(diagnostics: list[Diagnostic]) -> bool:
    return any(d.severity is Severity.ERROR for d in diagnostics)
