"""docs/diagnostics.md, written from the table of codes."""

from __future__ import annotations

from stackc.codes import CODES

_GROUPS = (
    ("SC10", "Reading files and YAML"),
    ("SC11", "Versions and dialects"),
    ("SC12", "Interpolation"),
    ("SC20", "Schema"),
    ("SC21", "Without effect"),
    ("SC30", "Values"),
    ("SC40", "Semantics of a stack"),
)


def diagnostics_page() -> str:
    """The whole page. A test holds the file to it; STACKC_TEST_UPDATE=1 writes the file."""
    lines = [
        "# Diagnostics",
        "",
        "Every finding has a code that never changes its meaning, a place (`file:line:column`) and, mostly, a hint.",
        "An error stops a compile, a warning never does. Examples of each stand in `tests/cases`.",
        "This page is written from `stackc/codes.py`.",
    ]
    for prefix, title in _GROUPS:
        lines += ["", f"## {title}", "", "| code | | meaning | what to do |", "|---|---|---|---|"]
        for code, meaning in sorted(CODES.items()):
            if code.startswith(prefix):
                hint = meaning.hint.replace("|", "\\|")
                lines.append(f"| {code} | {meaning.severity.value} | {meaning.summary} | {hint} |")
    return "\n".join(lines) + "\n"
