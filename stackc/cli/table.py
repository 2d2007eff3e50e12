"""Columns for people. Text that came from elsewhere never reaches the terminal raw."""

from __future__ import annotations

from stackc.hints import Iterable, Sequence


def plain(text: object) -> str:
    """One line, control characters shown as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(text))


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Left-aligned columns, two spaces apart, as the docker CLI prints them; the last one is not padded."""
    lines = [list(head), *([plain(cell) for cell in row] for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    return "".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() + "\n" for line in lines
    )


def ago(seconds: float) -> str:
    """A duration in the two largest units."""
    total = int(max(seconds, 0))
    for size, unit, below, sub in ((86400, "d", 3600, "h"), (3600, "h", 60, "m"), (60, "m", 1, "s")):
        if total >= size:
            rest = total % size // below
            return f"{total // size}{unit}" + (f" {rest}{sub}" if rest else "")
    return f"{total}s"
