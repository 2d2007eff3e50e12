"""The acceptor accepts exactly what jsonschema accepts, and the whole compiler survives any tree."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from stackc.compile import VERSIONS, compile_stack
from stackc.disk import MemoryReader
from stackc.explain import for_version
from stackc.parse import parse
from stackc.parse.nodes import plain
from stackc.schema import Acceptor
from stackc.schema_file import schema_document

DOCUMENT = schema_document()
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 3),
    st.sampled_from([0.5, 2.0, "x", "", "5s", "80:80", "1g", "a=b", "${A}", "$$", "start-first", "service_healthy"]),
)


def instances(schema: dict[str, Any], depth: int = 0) -> st.SearchStrategy[Any]:
    """Values that mostly fit a schema of ours, with wrong ones strewn in."""
    definitions = DOCUMENT["$defs"]
    while "$ref" in schema:
        schema = definitions[schema["$ref"].removeprefix("#/$defs/")]
    if depth > 6:
        return LEAVES
    if "oneOf" in schema:
        return st.one_of([st.deferred(lambda one=one: instances(one, depth + 1)) for one in schema["oneOf"]])  # type: ignore[misc]
    choices: list[st.SearchStrategy[Any]] = []
    kinds = schema.get("type", [])
    for kind in [kinds] if isinstance(kinds, str) else kinds:
        if kind == "object":
            choices.append(objects(schema, depth))
        elif kind == "array":
            items = st.deferred(lambda: instances(schema.get("items", {}), depth + 1))
            some = st.lists(items, max_size=3)
            choices.append(st.one_of(some, some.map(lambda found: [*found, *found[:1]])))
    if "enum" in schema:
        choices.append(st.sampled_from(schema["enum"]))
    return st.one_of([*choices, LEAVES] if choices else [LEAVES])


def objects(schema: dict[str, Any], depth: int) -> st.SearchStrategy[Any]:
    properties = {
        key: st.deferred(lambda below=below: instances(below, depth + 1))  # type: ignore[misc]
        for key, below in schema.get("properties", {}).items()
    }
    patterns = list(schema.get("patternProperties", {}).values())
    extra = instances(patterns[0], depth + 1) if patterns else LEAVES
    some = st.lists(st.sampled_from(sorted(properties)), max_size=4, unique=True) if properties else st.just([])
    named = some.flatmap(lambda keys: st.fixed_dictionaries({key: properties[key] for key in keys}))
    others = st.dictionaries(st.sampled_from(["a", "web", "x-y", "bad key", "", "é"]), extra, max_size=2)
    return st.tuples(named, others).map(lambda pair: {**pair[1], **pair[0]})


FILES = {dialect: instances(DOCUMENT["$defs"][dialect]) for dialect in ("stack", "compose")}


def agree(value: Any, acceptor: Acceptor) -> None:
    document, _ = parse("f", json.dumps({"value": value}).encode())
    if document is None:
        return
    node = document.root.entries["value"]
    judge = Draft7Validator(for_version(acceptor))
    assert acceptor.accepts(node) == judge.is_valid(plain(node)), value


@given(data=st.data())
def test_the_acceptor_and_jsonschema_agree_on_each_definition(data: st.DataObject) -> None:
    """Deep parts of the schema are rarely reached from the top, so each is judged by itself."""
    name = data.draw(st.sampled_from(sorted(DOCUMENT["$defs"])))
    dialect = "stack" if name.startswith("stack") else "compose"
    acceptor = Acceptor(DOCUMENT, dialect, data.draw(st.sampled_from(VERSIONS)) if dialect == "stack" else "")
    acceptor.root = DOCUMENT["$defs"][name]
    agree(data.draw(instances(acceptor.root)), acceptor)


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
        ("stack.deploy", {"replicas": 2.0}),
        ("stack.deploy", {"replicas": True}),
        ("compose.depends_on", {"a": {}}),
        ("compose.depends_on", {"a\n": {"condition": "service_healthy"}}),
        ("compose.env_file", [{"path": "a"}, {"path": "a"}]),
    ],
)
def test_the_acceptor_and_jsonschema_agree_at_the_edges(definition: str, value: Any) -> None:
    acceptor = Acceptor(DOCUMENT, definition.partition(".")[0], "")
    acceptor.root = DOCUMENT["$defs"][definition]
    agree(value, acceptor)


@pytest.mark.parametrize("dialect", ["stack", "compose"])
@given(data=st.data())
def test_the_acceptor_and_jsonschema_agree(dialect: str, data: st.DataObject) -> None:
    version = data.draw(st.sampled_from(VERSIONS)) if dialect == "stack" else ""
    agree(data.draw(FILES[dialect]), Acceptor(DOCUMENT, dialect, version))


@pytest.mark.parametrize("dialect", ["stack", "compose"])
@given(data=st.data())
def test_the_compiler_never_fails_on_any_tree(dialect: str, data: st.DataObject) -> None:
    value = data.draw(FILES[dialect])
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
    Draft7Validator.check_schema(DOCUMENT)
    whole = Draft7Validator(DOCUMENT)
    assert whole.is_valid({"version": "3.8", "services": {"a": {"image": "x", "user": "1"}}})
    assert not whole.is_valid({"version": "3.8", "services": {"a": {"image": "x", "user": 1}}})
    assert not whole.is_valid({"services": {"web\n": {"image": "x"}}})
    assert whole.is_valid({"services": {"a": {"image": "x", "depends_on": {"b": {"condition": "service_healthy"}}}}})
