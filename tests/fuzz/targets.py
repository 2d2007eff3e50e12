"""One entry per parser of foreign text. A target takes bytes and raises only for a fault of ours.

``tests/property/compiler/test_fuzz_targets.py`` runs each with hypothesis on every test run; ``python -m tests.fuzz
TARGET`` runs one under atheris, by hand, for as long as wanted.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from stackc.assemble.dotenv import entries as dotenv
from stackc.assemble.mounts import parse_mount
from stackc.assemble.ports import parse_ports
from stackc.assemble.quantity import boolean, duration, integer, nano_cpus, size
from stackc.assemble.template import TemplateError, expand_compose, expand_stack
from stackc.assemble.words import EnvLineError, env_file, split
from stackc.compile import Compiled, compile_stack
from stackc.diagnostics import has_errors
from stackc.disk import MemoryReader
from stackc.lower.image import familiar
from stackc.parse import parse
from stackc.parse.numerals import parse_float, parse_rational
from stackc.report.diagnostics import text as shown

VARIABLES = {"A": "1", "EMPTY": "", "SELF": "${SELF}${SELF}", "LINES": "x\nprivileged: true"}


def yaml(data: bytes) -> None:
    document, diagnostics = parse("f.yml", data)
    assert document is not None or has_errors(diagnostics)
    assert all(one.span is not None for one in diagnostics)


def interpolation(data: bytes) -> None:
    text = _text(data)
    for expand in (expand_stack, expand_compose):
        with suppress(TemplateError):
            expand(text, VARIABLES)


def values(data: bytes) -> None:
    """Every short syntax: its reader either reads or raises ValueError."""
    text = _text(data)
    for read in (
        split,
        parse_ports,
        parse_mount,
        duration,
        size,
        nano_cpus,
        integer,
        parse_float,
        parse_rational,
        boolean,
        familiar,
    ):
        with suppress(ValueError):
            read(text)


def env_files(data: bytes) -> None:
    text = _text(data)
    for read in (env_file, dotenv):
        with suppress(EnvLineError):
            list(read(text))


def stack_file(data: bytes) -> None:
    _compile(data, "stack")


def compose_file(data: bytes) -> None:
    _compile(data, "compose")


def _compile(data: bytes, dialect: str) -> Compiled:
    """A whole compile: a plan or errors, each error at a place, and text that a terminal may see."""
    files = {"f.yml": data, ".env": data, "other.yml": data}
    compiled = compile_stack(["f.yml"], MemoryReader(files), stack="s", environment=VARIABLES, dialect=dialect)
    assert (compiled.plan is None) == has_errors(compiled.diagnostics)
    assert all(one.span is not None for one in compiled.diagnostics if one.code != "SC1001")
    page = shown(compiled.diagnostics, compiled.sources)
    assert not any((ord(char) < 0x20 and char != "\n") or 0x7F <= ord(char) < 0xA0 for char in page)
    return compiled


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


TARGETS: dict[str, Callable[[bytes], None]] = {
    "yaml": yaml,
    "interpolation": interpolation,
    "values": values,
    "env-files": env_files,
    "stack-file": stack_file,
    "compose-file": compose_file,
}
