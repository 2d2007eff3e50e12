"""Interpolation against naive models, merging with itself, sorting as Go does, quantities there and back."""

from __future__ import annotations

import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackc.assemble.dotenv import entries as dotenv
from stackc.assemble.quantity import boolean, duration, duration_text, integer, nano_cpus, size
from stackc.assemble.template import TemplateError, expand_compose, expand_stack
from stackc.assemble.words import EnvLineError, env_file, split
from stackc.compile import assemble_files
from stackc.disk import MemoryReader
from stackc.lower.gosort import sort_by
from stackc.report.config import stack_config

TEXTS = st.lists(
    st.sampled_from([*"$${}}:-?+AB ab1_-.{\n", "${A", "${A:-", "${B-", "${A:?", "$A", "${C", "ſ"]), max_size=25
).map("".join)
VARIABLES = st.dictionaries(st.sampled_from(["A", "B", "a", "AB", "_"]), st.sampled_from(["", "x", "$A", "}"]))

# docker's own expression (its Go flags spelt out), and its way to choose the operator
_S = r"[_a-zA-ZſK][_a-zA-Z0-9ſK]*(?::?[-?][^}]*)?"
_PATTERN = re.compile(rf"\$(?:(?P<escaped>\$)|(?P<named>{_S})|\{{(?P<braced>{_S})\}}|(?P<invalid>))")


def naive(text: str, variables: dict[str, str]) -> str:
    faults: list[str] = []

    def one(match: re.Match[str]) -> str:
        if match["escaped"]:
            return "$"
        try:
            value = expanded(match["named"] or match["braced"])
        except ValueError as error:
            faults.append(str(error))
            return ""
        faults.clear()  # the last variable decides
        return value

    def expanded(expression: str) -> str:
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

    result = _PATTERN.sub(one, text)
    if faults:
        raise ValueError(faults[-1])
    return result


@given(TEXTS, VARIABLES)
def test_the_stack_scanner_is_dockers_expression(text: str, variables: dict[str, str]) -> None:
    try:
        expected = naive(text, variables)
    except ValueError:
        with pytest.raises(TemplateError):
            expand_stack(text, variables)
        return
    assert expand_stack(text, variables).text == expected


# compose-go's expression, and what it does with a match: cut it at the brace that it takes for the end
_NAME = "[_a-zA-ZſK][_a-zA-Z0-9ſK]*"
_BRACED = rf"\{{(?:(?P<braced>{_NAME}(?::?[-+?].*)?)\}}|(?P<invalid>))"
_COMPOSE = re.compile(rf"\$(?:(?P<escaped>\$)|(?P<named>{_NAME})|{_BRACED})")


def recursive(text: str, variables: dict[str, str]) -> str:
    return _COMPOSE.sub(lambda match: replacement(match[0], variables), text)


def replacement(matched: str, variables: dict[str, str]) -> str:
    end = closing(matched)
    matched, rest = (matched[: end + 1], matched[end + 1 :]) if end >= 0 else (matched, "")
    match = _COMPOSE.match(matched)
    assert match is not None
    if match["escaped"]:
        return "$"
    if match["named"]:
        return variables.get(match["named"], "")
    if not match["braced"]:
        raise ValueError(matched)
    operator = re.search(r":?[-+?]", match["braced"])
    if operator is None:
        return variables.get(match["braced"], "")
    name = match["braced"][: operator.start()]
    word = recursive(match["braced"][operator.end() :], variables)
    value = variables.get(name)
    present = value is not None and not (operator[0][0] == ":" and value == "")
    if operator[0][-1] == "?" and not present:
        raise ValueError(name)
    if operator[0][-1] == "+":
        return (word if present else value or "") + recursive(rest, variables)
    return (value or "" if present else word) + recursive(rest, variables)


def closing(text: str) -> int:
    at = depth = 0
    while at < len(text):
        if text[at] == "}":
            depth -= 1
            if depth == 0:
                return at
        if text[at] == "{":
            depth += 1
            at += 1
        at += 1
    return -1


@given(TEXTS, VARIABLES)
def test_the_compose_scanner_is_composes_expression(text: str, variables: dict[str, str]) -> None:
    try:
        expected = recursive(text, variables)
    except ValueError:
        with pytest.raises(TemplateError):
            expand_compose(text, variables)
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
