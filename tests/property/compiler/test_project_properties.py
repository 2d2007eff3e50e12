"""Loading Compose projects: cut into files, documents, included files and bases it is the same project."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from stackc.compile import Assembled, assemble_files
from stackc.diagnostics import has_errors
from stackc.disk import MemoryReader
from stackc.parse.nodes import plain

NAMES = st.sampled_from(["a", "b", "c"])
WORDS = st.sampled_from(["x", "y", "1", "", "${V}", "${U:-u}"])
PAIRS = st.dictionaries(NAMES, WORDS | st.none(), max_size=3) | st.lists(
    st.sampled_from(["a=1", "a", "b=", "c=$V"]), max_size=3
)
MOUNTS = st.sampled_from(["/a", "v:/a", "./b:/b:ro", "v:/c"]) | st.fixed_dictionaries(
    {"type": st.just("volume"), "source": st.just("v"), "target": st.sampled_from(["/a", "/c"])}
)
PORTS = st.sampled_from(["80", "80:80", "81-82:81-82", "127.0.0.1:80:80/udp"]) | st.fixed_dictionaries(
    {"target": st.sampled_from([80, 81])}, optional={"published": st.sampled_from(["80", "81"])}
)
SERVICES = st.fixed_dictionaries(
    {},
    optional={
        "command": st.just("a b") | st.lists(WORDS, max_size=2) | st.none(),
        "environment": PAIRS,
        "labels": PAIRS,
        "ports": st.lists(PORTS, max_size=3, unique_by=repr),
        "volumes": st.lists(MOUNTS, max_size=3, unique_by=repr),
        "cap_add": st.lists(NAMES, unique=True, max_size=3),
        "dns": st.sampled_from(["1.1.1.1", "2.2.2.2"]) | st.just(["2.2.2.2", "3.3.3.3"]),
        "healthcheck": st.fixed_dictionaries({}, optional={"test": st.just(["CMD", "x"]), "retries": st.just(3)}),
        "logging": st.fixed_dictionaries(
            {}, optional={"driver": st.sampled_from(["l", "m"]), "options": st.dictionaries(NAMES, st.just("o"))}
        ),
        "networks": st.just(["n"]) | st.just({"n": {"aliases": ["q"]}}),
        "deploy": st.fixed_dictionaries({}, optional={"replicas": st.integers(0, 3), "labels": PAIRS}),
        "depends_on": st.just(["z"]) | st.just({"z": {"condition": "service_healthy", "required": False}}),
        "x-more": st.dictionaries(NAMES, st.dictionaries(NAMES, st.integers())),
    },
)
LAYERS = st.dictionaries(NAMES, SERVICES, max_size=3)
BASE: dict[str, Any] = {
    "services": {**{name: {"image": "x:1"} for name in "abc"}, "z": {"image": "z:1"}},
    "networks": {"n": None},
    "volumes": {"v": {}},
}


def load(files: dict[str, str], *names: str) -> Assembled:
    reader = MemoryReader({name: text.encode() for name, text in files.items()})
    return assemble_files(names, reader, environment={"V": "v"}, dialect="compose", stack="s", dotenv=())


def text(layer: dict[str, Any]) -> str:
    return json.dumps({"services": layer})


def result(made: Assembled) -> Any:
    assume(not has_errors(made.context.findings))  # an invalid whole, such as an item that stands twice
    assert made.root is not None
    return plain(made.root)


@given(st.lists(LAYERS, min_size=1, max_size=3))
def test_documents_of_one_file_are_as_good_as_files(layers: list[dict[str, Any]]) -> None:
    texts = [json.dumps(BASE), *map(text, layers)]
    files = {f"{at}.yml": one for at, one in enumerate(texts)}
    assert result(load({"all.yml": "\n---\n".join(texts)}, "all.yml")) == result(load(files, *files))


@given(st.lists(LAYERS, min_size=1, max_size=3))
def test_an_include_of_all_files_is_as_good_as_the_files(layers: list[dict[str, Any]]) -> None:
    texts = [json.dumps(BASE), *map(text, layers)]
    files = {f"{at}.yml": one for at, one in enumerate(texts)}
    included = {**files, "main.yml": json.dumps({"include": [{"path": list(files)}]})}
    assert result(load(included, "main.yml")) == result(load(files, *files))


@given(st.lists(SERVICES, min_size=1, max_size=3))
def test_extending_is_as_good_as_a_later_file(layers: list[dict[str, Any]]) -> None:
    files = {"0.yml": json.dumps(BASE)}
    chain = {"services": {**BASE["services"], "s0": {"image": "x:1"}}}
    for at, layer in enumerate(layers, 1):
        files[f"{at}.yml"] = text({"a": layer})
        chain["services"][f"s{at}"] = {**layer, "extends": f"s{at - 1}"}
    once = result(load({"main.yml": json.dumps({**BASE, **chain})}, "main.yml"))
    assert once["services"][f"s{len(layers)}"] == result(load(files, *files))["services"]["a"]


@given(LAYERS)
def test_a_layer_twice_is_a_layer_once(layer: dict[str, Any]) -> None:
    files = {"0.yml": json.dumps(BASE), "1.yml": text(layer)}
    assert result(load(files, "0.yml", "1.yml", "1.yml")) == result(load(files, "0.yml", "1.yml"))


@given(LAYERS, LAYERS)
def test_what_an_override_tag_stands_at_replaces_the_rest(one: dict[str, Any], other: dict[str, Any]) -> None:
    whole = "services: !override " + json.dumps(
        {**BASE["services"], **{n: {"image": "i:1", **s} for n, s in other.items()}}
    )
    files = {"0.yml": json.dumps(BASE), "1.yml": text(one), "2.yml": whole}
    assert result(load(files, "0.yml", "1.yml", "2.yml")) == result(load(files, "0.yml", "2.yml"))


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["", "a", "a.yml", "../x", "a=b", "$V", "${"]),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(
        st.sampled_from(["services", "include", "extends", "file", "service", "path", "env_file", "a", "b", "labels",
                         "ports", "volumes", "networks", "depends_on", "build", "logging", "driver", "gpus", "ipam",
                         "config", "subnet", "external", "name", "profiles", "label_file", "environment", "x-a"]),
        below, max_size=4,
    ),
    max_leaves=20,
)  # fmt: skip
TAGGED = st.sampled_from(["", "", "!reset ", "!override "])


@given(st.lists(st.tuples(TAGGED, ANYTHING, TAGGED, ANYTHING), min_size=1, max_size=3))
def test_whatever_stands_in_the_files_is_a_finding_with_a_place(layers: list[tuple[str, Any, str, Any]]) -> None:
    files = {
        f"{at}.yml": f"services: {one}{json.dumps(services)}\ninclude: {other}{json.dumps(include)}\n"
        for at, (one, services, other, include) in enumerate(layers)
    }
    files["a.yml"] = '{"services": {"a": {"image": "x:1", "extends": {"file": "0.yml", "service": "a"}}}}'
    made = load(files, *(f"{at}.yml" for at in range(len(layers))))
    assert all(one.span is not None for one in made.context.findings)
