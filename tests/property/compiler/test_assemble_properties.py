"""Interpolation against naive models, merging with itself, sorting as Go does, quantities there and back."""

from __future__ import annotations

import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackc.assemble.quantity import boolean, duration, duration_text, integer, nano_cpus, size
from stackc.assemble.template import TemplateError, expand_compose, expand_stack
from stackc.assemble.words import EnvLineError, dotenv, env_file, split
from stackc.compile import assemble_files
from stackc.disk import MemoryReader
from stackc.lower.gosort import sort_by
from stackc.report.config import stack_config

TEXTS = st.lists(
    st.sampled_from([*"$${}}:-?+AB ab1_-.", "${A", "${A:-", "${B-", "${A:?", "$A", "${C", "ſ"]), max_size=25
).map("".join)
VARIABLES = st.dictionaries(st.sampled_from(["A", "B", "a", "AB", "_"]), st.sampled_from(["", "x", "$A", "}"]))

# docker's own expression (its Go flags spelt out), and its way to choose the operator
_S = r"[_a-zA-ZſK][_a-zA-Z0-9ſK]*(?::?[-?][^}]*)?"
_PATTERN = re.compile(rf"\$(?:(?P<escaped>\$)|(?P<named>{_S})|\{{(?P<braced>{_S})\}}|(?P<invalid>))")


def naive(text: str, variables: dict[str, str]) -> str:
    def one(match: re.Match[str]) -> str:
        if match["escaped"]:
            return "$"
        expression = match["named"] or match["braced"]
        if not expression:
            raise ValueError(text)
        for operator in (":-", "-", ":?", "?"):
            if operator in expression:
                name, word = expression.split(operator, 1)
                value = variables.get(name)
                if value is not None and not (operator[0] == ":" and value == ""):
                    return value
                if operator[-1] == "?":
                    raise ValueError(name)
                return word
        return variables.get(expression, "")

    return _PATTERN.sub(one, text)


@given(TEXTS, VARIABLES)
def test_the_stack_scanner_is_dockers_expression(text: str, variables: dict[str, str]) -> None:
    try:
        expected = naive(text, variables)
    except ValueError:
        with pytest.raises(TemplateError):
            expand_stack(text, variables)
        return
    assert expand_stack(text, variables).text == expected


def recursive(text: str, variables: dict[str, str]) -> str:
    """Compose's grammar by the book: find the brace that closes, look at the operator, go on inside."""
    out = ""
    while text:
        if text[0] != "$":
            out, text = out + text[0], text[1:]
            continue
        if text[1:2] == "$":
            out, text = out + "$", text[2:]
            continue
        bare = re.match(r"\$([_a-zA-Z][_a-zA-Z0-9]*)", text)
        if bare:
            out, text = out + variables.get(bare[1], ""), text[bare.end() :]
            continue
        start = re.match(r"\$\{([_a-zA-Z][_a-zA-Z0-9]*)(:?[-?+])?", text)
        if not start:
            raise ValueError(text)
        depth, end = 0, start.end()
        while end < len(text) and not (text[end] == "}" and depth == 0):
            depth += {"{": 1, "}": -1}.get(text[end], 0)
            end += 1
        if end == len(text) or (not start[2] and end != start.end()):
            raise ValueError(text)
        word = recursive(text[start.end() : end], variables)
        value = variables.get(start[1])
        present = value is not None and not ((start[2] or "")[:1] == ":" and value == "")
        operator = (start[2] or "-")[-1]
        if operator == "?" and not present:
            raise ValueError(start[1])
        out += (word if present else "") if operator == "+" else (value or "" if present else word if start[2] else "")
        text = text[end + 1 :]
    return out


@given(TEXTS, VARIABLES)
def test_the_compose_scanner_follows_the_grammar(text: str, variables: dict[str, str]) -> None:
    try:
        expected = recursive(text, variables)
    except ValueError:
        try:  # a required variable in a word that is not used sets nothing off: the model is stricter there
            expand_compose(text, variables)
        except TemplateError:
            return
        assert ":?" in text or "?" in text
        return
    assert expand_compose(text, variables).text == expected


def test_hostile_templates_end_at_once() -> None:
    codes: list[str] = []
    for text in ("${a:-" * 16000, "${a:-" * 16000 + "}" * 16000, "$" * 100_001, "${" * 50_000, "$A-" * 30_000):
        for expand in (expand_stack, expand_compose):
            try:
                expand(text, {})
            except TemplateError as error:
                codes.append(error.code)
    assert set(codes) <= {"SC1201", "SC1205"}


@given(st.lists(st.integers(0, 20), max_size=120))
def test_gos_sort_sorts(numbers: list[int]) -> None:
    items = list(enumerate(numbers))
    ordered = sort_by(items, lambda item: item[1])
    assert sorted(ordered) == items
    assert [item[1] for item in ordered] == sorted(numbers)
    if len(items) <= 12:
        assert ordered == sorted(items, key=lambda item: item[1])


@given(st.integers(0, 2**63 - 1))
def test_a_duration_reads_back_as_itself(nanoseconds: int) -> None:
    assert duration(duration_text(nanoseconds)) == nanoseconds


@given(st.text(st.sampled_from("0123456789.eE+-/_ kKmMgibsuµhdwn"), max_size=14))
def test_quantities_give_a_number_or_a_reason(text: str) -> None:
    for read in (duration, size, nano_cpus, integer, boolean):
        with suppress(ValueError):
            assert isinstance(read(text), int)


@given(st.text(st.sampled_from("ab \"'\\#\n=\t$"), max_size=30))
def test_words_and_env_lines_never_fail_otherwise(text: str) -> None:
    for read, fault in ((split, ValueError), (env_file, EnvLineError), (dotenv, EnvLineError)):
        with suppress(fault):
            read(text)  # type: ignore[operator]


NAMES = st.sampled_from(["a", "b", "c"])
STRINGS = st.sampled_from(["x", "y", "1", ""])
SERVICES = st.fixed_dictionaries(
    {"image": st.just("nginx")},
    optional={
        "command": st.lists(STRINGS, max_size=2),
        "environment": st.dictionaries(NAMES, st.one_of(STRINGS, st.none()), max_size=2),
        "labels": st.dictionaries(NAMES, STRINGS, max_size=2),
        "ports": st.lists(st.sampled_from(["80:80", "81:80", "53:53/udp"]), unique=True, max_size=3),
        "volumes": st.lists(st.sampled_from(["/a", "/b:/c", "/d:/e:ro"]), unique=True, max_size=3),
        "cap_add": st.lists(NAMES, unique=True, max_size=3),
        "dns": st.lists(NAMES, unique=True, max_size=2),
        "tty": st.booleans(),
        "deploy": st.fixed_dictionaries(
            {}, optional={"replicas": st.integers(0, 3), "labels": st.dictionaries(NAMES, STRINGS, max_size=2)}
        ),
        "healthcheck": st.fixed_dictionaries({"test": st.just(["CMD", "x"])}, optional={"interval": st.just("5s")}),
        "logging": st.fixed_dictionaries({"driver": st.just("local")}, optional={"options": st.just({"a": "b"})}),
        "depends_on": st.lists(NAMES, unique=True, max_size=2),
    },
)


@given(st.dictionaries(NAMES, SERVICES, min_size=1, max_size=3))
def test_a_file_merged_with_itself_is_itself(services: dict[str, object]) -> None:
    import json

    text = json.dumps({"services": services}).encode()
    reader = MemoryReader({"a.yml": text})
    once, twice = (assemble_files(["a.yml"] * count, reader, environment={}) for count in (1, 2))
    assert once.root is not None
    assert twice.root is not None
    assert stack_config(once.root, "") == stack_config(twice.root, "")
