"""docs/diagnostics.md, written from the table of codes, the explanations of the checks, and the golden cases."""

from __future__ import annotations

from stackc.checks import CHECKS, module_of
from stackc.codes import CODES, Code
from stackc.hints import Mapping, NamedTuple

_GROUPS = (
    ("SC10", "Reading files and YAML"),
    ("SC11", "Versions and dialects"),
    ("SC12", "Interpolation"),
    ("SC13", "Projects of several files"),
    ("SC20", "Schema"),
    ("SC21", "Without effect"),
    ("SC30", "Values"),
    ("SC40", "Semantics of a stack"),
    ("SC41", "Switches"),
)

_INTRODUCTION = """\
# Diagnostics

Every finding has a code that never changes its meaning, a place (`file:line:column`) and, mostly, a hint.
An error stops a compile, a warning never does. Examples of each stand in `tests/cases`.

## Switching a finding off

A finding that is a judgement can be switched off where it stands, with a reason, by a comment at the end of its line
or alone on the line above:

```yaml
services:
  web:
    image: registry.example.com/web:latest  # stackc: ignore SC4023 -- staging always runs the last build
    deploy:
      update_config:
        # stackc: ignore SC4011, SC4024 -- the image brings its own health check
        failure_action: rollback
```

Codes are separated by commas. A switch without a reason has no effect, and a switch that switches nothing off is
reported, so none outlives what it was made for. Errors, and warnings about what cannot work, have no switch: in the
tables those that have one are marked. With `--format sarif` what is switched off is there with its reason.

This page is written from `stackc/codes.py`, the checks in `stackc/checks` and the cases in `tests/cases/checks`."""


class Example(NamedTuple):
    """Of one code: a file with the finding, the finding as text, and a file without it."""

    bad: str
    found: str
    good: str


def explanation(code: str) -> str:
    """Why a code of a check matters and what to do, in Markdown; "" for a code that needs no more than its row."""
    for check in CHECKS:
        if code in check.codes:
            return str(module_of(check).EXPLANATION).strip()
    return ""


def diagnostics_page(examples: Mapping[str, Example]) -> str:
    """The whole page, in Markdown. ``examples`` by code."""
    lines = [_INTRODUCTION]
    for prefix, title in _GROUPS:
        lines += ["", f"## {title}", "", "| code | | | meaning | what to do |", "|---|---|---|---|---|"]
        group = {code: meaning for code, meaning in sorted(CODES.items()) if code.startswith(prefix)}
        lines += [_row(code, meaning) for code, meaning in group.items()]
        for code, meaning in group.items():
            if explanation(code):
                lines += _section(code, meaning, examples.get(code))
    return "\n".join(lines) + "\n"


def _row(code: str, meaning: Code) -> str:
    name = f"[{code}](#{code.lower()})" if explanation(code) else f'<a id="{code.lower()}"></a>{code}'
    hint = meaning.hint.replace("|", "\\|")
    switch = "switch" if meaning.switchable else ""
    return f"| {name} | {meaning.severity.value} | {switch} | {meaning.summary} | {hint} |"


def _section(code: str, meaning: Code, example: Example | None) -> list[str]:
    check = next(check for check in CHECKS if code in check.codes)
    switch = ", can be switched off" if meaning.switchable else ""
    lines = ["", f"### {code}", "", f"**{meaning.summary[:1].upper()}{meaning.summary[1:]}** "]
    lines[-1] += f"({meaning.severity.value}{switch})"
    if code == check.codes[0]:
        lines += ["", explanation(code)]
    else:
        lines += ["", f"See [{check.codes[0]}](#{check.codes[0].lower()})."]
    if example is not None:
        lines += ["", "```yaml", example.bad.rstrip(), "```", "```text", example.found.rstrip(), "```"]
        lines += ["", "Good:", "", "```yaml", example.good.rstrip(), "```"]
    return lines
