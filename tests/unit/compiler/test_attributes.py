"""The table of attributes against the schema, against the Compose Specification, and against the passes it drives."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stackc.assemble import forms
from stackc.assemble.merge import RULES
from stackc.attributes import (
    ATTRIBUTES,
    BASE_API,
    COMPILED,
    FATES,
    NEVER,
    OURS,
    REFUSED,
    ROOT,
    SILENT,
    UNKNOWN,
    WARNED,
    Attr,
    Place,
)
from stackc.lower.emit import EACH, EMITTERS, OBJECT
from stackc.lower.parts import ALWAYS, OBJECT_PARTS, PARTS
from stackc.lower.table import Table

HERE = Path(__file__).parent
SCHEMA = json.loads((HERE.parents[2] / "schemas" / "stack.schema.json").read_text())
SPECIFICATION = (HERE / "compose_spec_paths.txt").read_text().split()
"""Every path of the schema of the Compose Specification: as docker compose 2.40.3 has it, with `pre_start` and
`build.no_cache_filter`, which are younger."""
ROWS = {attr.path: attr for attr in ATTRIBUTES}
OPEN = ("services.*.volumes.[].bind.", "services.*.volumes.[].volume.", "services.*.volumes.[].tmpfs.")
"""Mappings in which docker stack takes any key and drops what it does not know."""


def schema_paths(schema: Any, path: tuple[str, ...] = ()) -> Iterator[str]:
    """Every property of a schema; ``*`` is any key, ``[]`` each item."""
    if "$ref" in schema:
        yield from schema_paths(SCHEMA["$defs"][schema["$ref"].removeprefix("#/$defs/")], path)
    for one in schema.get("oneOf", ()):
        yield from schema_paths(one, path)
    for key, below in schema.get("properties", {}).items():
        yield ".".join((*path, key))
        yield from schema_paths(below, (*path, key))
    for pattern, below in schema.get("patternProperties", {}).items():
        if pattern != "^x-":
            yield from schema_paths(below, (*path, "*"))
    if "items" in schema:
        yield from schema_paths(schema["items"], (*path, "[]"))


def is_key(path: str) -> bool:
    """Whether a path ends in a key that can be written, not in any key or any item."""
    return path.rpartition(".")[2] not in ("*", "[]")


def test_every_path_of_the_specification_has_a_row() -> None:
    assert sorted(SPECIFICATION) == SPECIFICATION
    assert len(SPECIFICATION) > 350
    missing = [path for path in SPECIFICATION if ROWS.get(path, Attr("", {"compose": UNKNOWN})).compose == UNKNOWN]
    assert missing == []


@pytest.mark.parametrize("dialect", ["stack", "compose"])
def test_the_schema_and_the_table_have_the_same_paths(dialect: str) -> None:
    in_schema = set(schema_paths(SCHEMA["$defs"][dialect]))
    absent = (UNKNOWN, REFUSED) if dialect == "stack" else (UNKNOWN,)  # docker stack refuses by schema
    in_table = {path for path, attr in ROWS.items() if is_key(path) and getattr(attr, dialect) not in absent}
    extensions = {path for path in in_table if "x-cluster-spec" in path}
    dropped = {path for path in in_table if dialect == "stack" and path.startswith(OPEN) and ROWS[path].stack == WARNED}
    assert sorted(in_schema - in_table) == []
    assert sorted(in_table - in_schema - extensions - dropped) == []


def test_a_path_has_one_row() -> None:
    assert len(ROWS) == len(ATTRIBUTES)


def test_rows_have_columns_that_there_are() -> None:
    assert {column for attr in ATTRIBUTES for column in vars(attr)} <= set(Attr.__annotations__)


def test_rows_name_things_that_there_are() -> None:
    emitters = {*EMITTERS, OBJECT, EACH}
    parts = {*PARTS, *OBJECT_PARTS}
    assert not emitters & set(PARTS)
    assert used("emit") <= emitters | parts
    assert used("short") <= {*forms.STACK, *forms.COMPOSE}
    assert used("merge") <= {*RULES, "service", "objects"}
    assert {attr.stack for attr in ATTRIBUTES} | {attr.compose for attr in ATTRIBUTES} <= set(FATES)
    assert set(ALWAYS) <= set(PARTS)


def used(column: str) -> set[str]:
    return {getattr(attr, column) for attr in ATTRIBUTES} - {""}


def test_no_emitter_and_no_part_is_left_over() -> None:
    assert set(EMITTERS) - used("emit") == set()
    assert {*PARTS, *OBJECT_PARTS} - used("emit") == set()


def test_what_is_not_compiled_says_why() -> None:
    silent = [
        attr.path for attr in ATTRIBUTES if {attr.stack, attr.compose} & {WARNED, REFUSED, SILENT} and not attr.why
    ]
    assert silent == []
    refused = [attr.path for attr in ATTRIBUTES if REFUSED in (attr.stack, attr.compose) and not attr.instead]
    assert refused == []


def test_what_is_compiled_has_a_field_or_keys_that_have_one() -> None:
    def reaches(place: Place) -> bool:
        below = [*place.children.values(), *(one for one in (place.any, place.item) if one is not None)]
        return bool(place.attr and place.attr.engine) or any(map(reaches, below))

    without = []
    for attr in ATTRIBUTES:
        place: Place | None = ROOT
        fates = set()
        for part in attr.path.split("."):
            assert place is not None
            place = place.item if part == "[]" else place.any if part == "*" else place.children[part]
            if place is not None and place.attr is not None:
                fates.add(place.attr.compose)
        assert place is not None
        if fates == {COMPILED} and attr.emit != "ports" and not reaches(place):
            without.append(attr.path)
    assert without == []


def test_fields_of_a_service_say_whether_they_restart_tasks() -> None:
    fields: dict[str, bool | None] = {}
    for attr in ATTRIBUTES:
        if attr.path.startswith("services.") and attr.engine:
            assert attr.restarts is not None, attr.path
            assert fields.setdefault(attr.engine, attr.restarts) == attr.restarts, attr.path
        else:
            assert attr.restarts is None, attr.path


def test_versions_are_versions() -> None:
    for since in used("since") - {NEVER}:
        major, minor = since.split(".")
        assert (int(major), int(minor)) > tuple(map(int, BASE_API.split(".")))


@pytest.mark.parametrize("dialect", ["stack", "compose"])
@pytest.mark.parametrize(
    "path",
    [
        "services.*",
        "services.*.healthcheck",
        "services.*.deploy.restart_policy",
        "services.*.networks.*",
        "services.*.ports.[]",
        "services.*.volumes.[]",
        "services.*.configs.[]",
        "services.*.secrets.[]",
        "networks.*",
        "volumes.*",
        "configs.*",
        "secrets.*",
    ],
)
def test_every_part_of_the_table_can_be_walked(dialect: str, path: str) -> None:
    assert Table(dialect)[path].keys


def test_a_key_of_compose_is_no_key_of_stack_files() -> None:
    assert {ROWS[f"services.*.{key}"].stack for key in ("scale", "platform", "gpus")} == {UNKNOWN}
    assert {ROWS[f"services.*.{key}"].stack for key in ("mem_limit", "extends", "volumes_from")} == {REFUSED}
    assert ROWS["services.*.depends_on"].stack == ROWS["services.*.depends_on"].compose == OURS


def test_every_key_that_only_compose_compiles_has_a_case() -> None:
    cases = (HERE.parents[1] / "cases" / "compose-keys").glob("*/in.yml")
    text = "\n".join(path.read_text() for path in cases)
    keys = {
        path.rpartition(".")[2] for path, attr in ROWS.items() if attr.compose == COMPILED != attr.stack and attr.engine
    }
    assert len(keys) > 25
    assert sorted(key for key in keys if f"{key}:" not in text) == []
