"""The variables of a project: its ``.env`` files under the environment."""

from __future__ import annotations

from stackc.assemble.dotenv import read_into
from stackc.assemble.words import EnvLineError
from stackc.codes import found
from stackc.diagnostics import Diagnostic, Span
from stackc.hints import Mapping, Sequence


def variables(
    files: Sequence[tuple[str, bytes]],
    environment: Mapping[str, str],
    findings: list[Diagnostic],
    sources: dict[str, str],
) -> dict[str, str]:
    """What the files (names and contents, a later one wins) define; their values may refer to ``environment`` and to
    what stands before. Faults go to ``findings``, the texts to ``sources``."""
    known: dict[str, str] = {}
    for name, data in files:
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            findings.append(found("SC1004", "the env file is not UTF-8", Span(name, 1, 1, 1, 1)))
            continue
        sources[name] = text.removeprefix("\ufeff")

        def unset(variable: str, line: int, name: str = name) -> None:
            span = Span(name, line, 1, line, 1)
            findings.append(found("SC1203", f"the variable {variable} is not set; it counts as empty", span))

        try:
            read_into(known, text, environment, unset)
        except EnvLineError as error:
            span = Span(name, error.line, 1, error.line, 1)
            hint = "write one KEY=value per line" if error.code == "SC3007" else ""
            findings.append(found(error.code, str(error), span, hint=hint))
    return known
