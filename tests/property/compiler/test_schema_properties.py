"""The acceptor accepts exactly what jsonschema accepts, everywhere in the schema; the compiler survives any tree."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from stackc.compile import VERSIONS, compile_stack
from stackc.disk import MemoryReader
from stackc.explain import for_version
from stackc.parse.nodes import Mapping, Node, Scalar, Sequence, plain
from stackc.schema import KEYWORDS, REMARKS, Acceptor, fits_key
from stackc.schema_file import schema_document
from stackc.schema_patterns import PATTERNS, fits_pattern, without_variable

Schema = dict[str, Any]
DOCUMENT = schema_document()
DEFINITIONS: dict[str, Schema] = DOCUMENT["$defs"]
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 3),
    st.sampled_from([0.5, 2.0, "x", "", "5s", "80:80", "1g", "a=b", "${A}", "$$", "start-first", "service_healthy"]),
    st.sampled_from(["3", "-1", "0440", "0o17", "64m", "1.5", "yes", "Off", "true\n", "3\n", "every_2d", "all"]),
)
DEEPEST = 6


def resolve(schema: Schema) -> Schema:
    while "$ref" in schema:
        schema = DEFINITIONS[schema["$ref"].removeprefix("#/$defs/")]
    return schema


def dialect_of(name: str) -> str:
    return "stack" if name.startswith("stack") else "compose"


def below(schema: Any) -> Iterator[Schema]:
    """The schema and every one written inside it."""
    yield schema
    for name in ("properties", "patternProperties"):
        for one in schema.get(name, {}).values():
            yield from below(one)
    for one in (*schema.get("oneOf", ()), *([schema["items"]] if "items" in schema else [])):
        yield from below(one)


EVERYTHING = [one for definition in DEFINITIONS.values() for one in below(definition)]


# --- values from the schema


def instances(schema: Schema, depth: int = 0) -> st.SearchStrategy[Any]:
    """Values that mostly fit, with wrong ones strewn in."""
    schema = resolve(schema)
    if depth > DEEPEST:
        return LEAVES
    if "oneOf" in schema:
        return st.one_of([st.deferred(lambda one=one: instances(one, depth + 1)) for one in schema["oneOf"]])  # type: ignore[misc]
    choices: list[st.SearchStrategy[Any]] = []
    for kind in kinds(schema):
        if kind == "object":
            choices.append(objects(schema, depth))
        elif kind == "array":
            items = st.deferred(lambda: instances(schema.get("items", {}), depth + 1))
            some = st.lists(items, max_size=3)
            choices.append(st.one_of(some, some.map(lambda found: [*found, *found[:1]])))
    if "enum" in schema:
        choices.append(st.sampled_from(schema["enum"]))
    return st.one_of([*choices, LEAVES] if choices else [LEAVES])


def objects(schema: Schema, depth: int) -> st.SearchStrategy[Any]:
    properties = {
        key: st.deferred(lambda one=one: instances(one, depth + 1))  # type: ignore[misc]
        for key, one in schema.get("properties", {}).items()
    }
    patterns = list(schema.get("patternProperties", {}).values())
    extra = instances(patterns[0], depth + 1) if patterns else LEAVES
    some = st.lists(st.sampled_from(sorted(properties)), max_size=4, unique=True) if properties else st.just([])
    named = some.flatmap(lambda keys: st.fixed_dictionaries({key: properties[key] for key in keys}))
    names = st.sampled_from(["a", "web", "x-y", "x-stackc", "x-stackc\n", "bad key", "", "é"])
    return st.tuples(named, st.dictionaries(names, extra, max_size=2)).map(lambda pair: {**pair[1], **pair[0]})


def kinds(schema: Schema) -> list[str]:
    given = schema.get("type", [])
    return [given] if isinstance(given, str) else given


def fitting(schema: Schema, depth: int = 0) -> st.SearchStrategy[Any]:
    """Values that fit: required keys are there, and strings are of the pattern."""
    schema = resolve(schema)
    if "oneOf" in schema:
        return st.one_of([st.deferred(lambda one=one: fitting(one, depth + 1)) for one in schema["oneOf"]])  # type: ignore[misc]
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    return st.one_of([of_kind(kind, schema, depth) for kind in kinds(schema) or ["string"]])


def of_kind(kind: str, schema: Schema, depth: int) -> st.SearchStrategy[Any]:
    least, most = schema.get("minimum", -5), schema.get("maximum", 5000)
    if kind == "string":
        pattern = without_variable(schema["pattern"]) if "pattern" in schema else None
        if pattern == "":
            return st.integers(max(least, 0), most) if "boolean" not in kinds(schema) else st.booleans()
        return st.sampled_from(["x", "5s", "a=b", "80:80"]) if pattern is None else st.from_regex(pattern)
    if kind == "array":
        items = st.deferred(lambda: fitting(schema.get("items", {}), depth + 1))
        size = 0 if depth > DEEPEST else 2
        return st.lists(items, max_size=size, unique_by=lambda one: json.dumps(one, sort_keys=True))
    if kind == "object":
        properties = schema.get("properties", {})
        must = {
            key: st.deferred(lambda one=properties[key]: fitting(one, depth + 1)) for key in schema.get("required", ())
        }  # type: ignore[misc]
        may = sorted(set(properties) - set(must))
        some = st.lists(st.sampled_from(may), max_size=3, unique=True) if may and depth < DEEPEST else st.just([])
        named = some.flatmap(
            lambda keys: st.fixed_dictionaries(must | {key: fitting(properties[key], depth + 1) for key in keys})
        )
        free = [one for pattern, one in schema.get("patternProperties", {}).items() if not pattern.startswith("^x-")]
        if not free:
            return named
        return st.dictionaries(
            st.sampled_from(["a", "b-1"]), st.deferred(lambda: fitting(free[0], depth + 1)), max_size=2
        )
    return {
        "null": st.none(),
        "boolean": st.booleans(),
        "integer": st.integers(least, most),
        "number": st.one_of(st.integers(max(least, 0), most), st.sampled_from([0.5, 2.0])),
    }[kind]


@st.composite
def damaged(draw: st.DrawFn, schema: Schema) -> Any:
    """A fitting value with one thing changed, anywhere."""
    value = draw(fitting(schema))
    places = list(containers(value))
    if not places:
        return draw(LEAVES)
    place = draw(st.sampled_from(places))
    if isinstance(place, list):
        at = draw(st.integers(0, len(place)))
        place.insert(at, draw(st.one_of(LEAVES, st.sampled_from(place) if place else LEAVES)))
        return value
    key = draw(st.sampled_from(sorted(place))) if place else ""
    how = draw(st.sampled_from(["drop", "rename", "replace", "wrap", "add"])) if place else "add"
    if how == "drop":
        del place[key]
    elif how == "rename":
        place[draw(st.sampled_from([key + "s", key[:-1], "x-" + key, key.upper()]))] = place.pop(key)
    elif how == "wrap":
        place[key] = draw(st.sampled_from([[place[key]], {"a": place[key]}, json.dumps(place[key])]))
    else:
        place[key if how == "replace" else draw(st.sampled_from(["x-a", "x-stackc", "surplus", ""]))] = draw(LEAVES)
    return value


def containers(value: Any) -> Iterator[Any]:
    if isinstance(value, (dict, list)):
        yield value
        for child in value.values() if isinstance(value, dict) else value:
            yield from containers(child)


# --- both judges


@cache
def judges(name: str, version: str) -> tuple[Acceptor, Any]:
    acceptor = Acceptor(DOCUMENT, dialect_of(name), version)
    acceptor.root = DEFINITIONS[name]
    return acceptor, Draft7Validator(for_version(acceptor))


class Mark(NamedTuple):
    line: int = 0
    column: int = 0


def node_of(value: Any) -> Node:
    if isinstance(value, dict):
        keys = {key: Scalar(key, key, "f", Mark(), Mark()) for key in value}
        return Mapping({key: node_of(child) for key, child in value.items()}, keys, "f", Mark(), Mark())
    if isinstance(value, list):
        return Sequence([node_of(child) for child in value], "f", Mark(), Mark())
    return Scalar(value, str(value), "f", Mark(), Mark())


def accepted(value: Any, name: str, version: str) -> bool:
    """What both say of the value."""
    node = node_of(value)
    acceptor, judge = judges(name, version)
    answer = acceptor.accepts(node)
    assert answer == judge.is_valid(plain(node)), (name, version, value)
    return answer


def versions(name: str) -> st.SearchStrategy[str]:
    return st.sampled_from(VERSIONS) if dialect_of(name) == "stack" else st.just("")


@pytest.mark.parametrize("name", sorted(DEFINITIONS))
@settings(max_examples=14)
@given(data=st.data())
def test_acceptor_and_jsonschema_agree_on_each_definition(name: str, data: st.DataObject) -> None:
    """Deep parts of the schema are rarely reached from the top, so each is judged by itself."""
    version = data.draw(versions(name))
    accepted(data.draw(instances(DEFINITIONS[name])), name, version)
    accepted(data.draw(damaged(DEFINITIONS[name])), name, version)


@pytest.mark.parametrize("name", sorted(DEFINITIONS))
@settings(max_examples=6)
@given(data=st.data())
def test_what_fits_is_accepted_by_both(name: str, data: st.DataObject) -> None:
    assert accepted(data.draw(fitting(DEFINITIONS[name])), name, VERSIONS[-1] if dialect_of(name) == "stack" else "")


@pytest.mark.parametrize(
    ("definition", "value"),
    [
        ("stack.strings", ["a", "b", "a"]),
        ("stack.strings", ["a", "b"]),
        ("stack.ulimit", {"soft": 1}),
        ("stack.ulimit", {"soft": 1, "hard": 2}),
        ("stack.volume_mount", {"target": "/a"}),
        ("stack.volume_mount", {"type": "tmpfs", "tmpfs": {"size": -1}}),
        ("stack.service", {"ports": [80, "80", 80.0]}),
        ("stack.service", {"ports": [{"target": 1}, {"target": 1.0}]}),
        ("stack.service", {"expose": [True, 1]}),
        ("stack.service", {"x-stackc": {"wave": 1}}),
        ("stack.service", {"x-stackc": {"waves": 1}}),
        ("stack.service", {"tty": "$$"}),
        ("stack.port", {"target": 1}),
        ("stack.volume_mount", {"type": "volume"}),
        ("stack.deploy", {"replicas": 2.0}),
        ("stack.deploy", {"replicas": True}),
        ("stack.deploy", {"replicas": "$"}),
        ("compose.depends_on", {"a": {}}),
        ("compose.depends_on", {"a\n": {"condition": "service_healthy"}}),
        ("compose.env_file", [{"path": "a"}, {"path": "a"}]),
        ("compose.gpus", []),
        ("compose.boolean", "true\n"),
        ("compose.boolean", "$"),
        ("compose.service", {"oom_score_adj": 1001}),
        ("compose.service", {"oom_score_adj": "9999"}),
        ("compose.healthcheck", {"x-stackc": 1}),
    ],
)
def test_acceptor_and_jsonschema_agree_at_the_edges(definition: str, value: Any) -> None:
    for version in ("", "3.1", VERSIONS[-1]) if dialect_of(definition) == "stack" else ("",):
        accepted(value, definition, version)


@pytest.mark.parametrize("version", ["", *VERSIONS])
@settings(max_examples=8)
@given(data=st.data())
def test_acceptor_and_jsonschema_agree_on_files_of_every_version(version: str, data: st.DataObject) -> None:
    name = "stack" if version else "compose"
    accepted(data.draw(instances(DEFINITIONS[name])), name, version)
    accepted(data.draw(damaged(DEFINITIONS[name])), name, version)


# --- what the acceptor knows of the schema


def test_the_schema_has_no_keyword_that_the_acceptor_does_not_know() -> None:
    assert {keyword for schema in EVERYTHING for keyword in schema} <= KEYWORDS | REMARKS
    assert all(
        schema["type"]
        for schema in EVERYTHING
        if "minimum" in schema or "enum" in schema or "pattern" in schema
        if "type" in schema
    )


def test_every_pattern_of_the_schema_is_known() -> None:
    assert {without_variable(schema["pattern"]) for schema in EVERYTHING if "pattern" in schema} - {""} == set(PATTERNS)
    for pattern in {pattern for schema in EVERYTHING for pattern in schema.get("patternProperties", {})}:
        assert fits_key("a", pattern) == bool(re.search(pattern, "a"))


NEAR = st.one_of(
    st.text("0123456789.+-eE kKmMgGtTiIbB\noO_", max_size=20),
    st.sampled_from(["true", "Yes", "oN", "N", "off", "ſ", "K", "0o17", "x-stackc", "x-stackc\n", "always", "\u0660"]),
    st.text(max_size=5),
)


@pytest.mark.parametrize("pattern", sorted(PATTERNS))
@settings(max_examples=40)
@given(data=st.data())
def test_patterns_are_what_re_search_says(pattern: str, data: st.DataObject) -> None:
    text = data.draw(st.one_of(NEAR, st.from_regex(pattern), st.tuples(st.from_regex(pattern), NEAR).map("".join)))
    assert fits_pattern(text, pattern) == bool(re.search(pattern, text)), text


@pytest.mark.parametrize("pattern", sorted(PATTERNS))
def test_patterns_count_digits_as_re_search_does(pattern: str) -> None:
    for count in (1, 3, 6, 7, 8, 9, 10, 12, 13, 15, 16, 18, 19, 40):
        for unit in (
            "",
            "b",
            "k",
            "KB",
            "m",
            "MiB",
            "g",
            " Gi",
            " gib",
            "t",
            "p",
            " ",
            ".5m",
            ".5",
            "." + "1" * 10 + "m",
        ):
            text = "1" * count + unit
            assert fits_pattern(text, pattern) == bool(re.search(pattern, text)), text


@pytest.mark.parametrize("pattern", sorted({p for schema in EVERYTHING for p in schema.get("patternProperties", {})}))
@settings(max_examples=40)
@given(text=st.one_of(NEAR, st.text(max_size=8), st.from_regex("^x-(stackc)?.?", fullmatch=True)))
@example(text="x-stackc")
@example(text="a\n")
def test_patterns_of_keys_are_what_re_search_says(pattern: str, text: str) -> None:
    assert fits_key(text, pattern) == bool(re.search(pattern, text)), text


# --- the whole compiler


@pytest.mark.parametrize("dialect", ["stack", "compose"])
@given(data=st.data())
def test_the_compiler_never_fails_on_any_tree(dialect: str, data: st.DataObject) -> None:
    value = data.draw(st.one_of(instances(DEFINITIONS[dialect]), damaged(DEFINITIONS[dialect])))
    compiled = compile_stack(
        ["a.yml"],
        MemoryReader({"a.yml": json.dumps(value).encode()}),
        stack="s",
        environment={"A": "1"},
        dialect=dialect,
    )
    errors = [one for one in compiled.diagnostics if one.severity.value == "error"]
    assert (compiled.plan is None) == bool(errors)
    if compiled.plan is None and isinstance(value, dict) and value:
        assert all(one.span is not None for one in errors)


def test_the_schema_itself_is_valid_and_complete_for_editors() -> None:
    """An editor takes the schema as it is: variables stand where docker and Compose replace them."""
    whole = Draft7Validator(DOCUMENT)
    web = {"image": "x"}
    assert whole.is_valid({"version": "3.8", "services": {"a": {**web, "user": "1"}}})
    assert not whole.is_valid({"version": "3.8", "services": {"a": {**web, "user": 1}}})
    assert not whole.is_valid({"services": {"web\n": web}})
    assert whole.is_valid({"services": {"a": {**web, "depends_on": {"b": {"condition": "service_healthy"}}}}})
    for version in ({"version": "3.8"}, {}):
        assert whole.is_valid({**version, "services": {"a": {**web, "tty": "${TTY}", "deploy": {"replicas": "$N"}}}})
        assert not whole.is_valid({**version, "services": {"a": {**web, "tty": "maybe"}}})
    assert whole.is_valid({"services": {"a": {**web, "tty": "yes", "scale": "3"}}})
    assert not whole.is_valid({"version": "3.8", "services": {"a": {**web, "deploy": {"replicas": "3"}}}})
