"""``schemas/plan.schema.json`` holds what ``stackc compile --format json`` prints, field by field and nothing else."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema.validators import validator_for

from stackc.attributes import ATTRIBUTES
from stackc.compile import compile_stack
from stackc.disk import DiskReader, package_text
from stackc.plan import to_json

Json = dict[str, Any]
TOP = Path(__file__).parents[3]
CASES = sorted(TOP.glob("tests/cases/*/*/expect.json"))
CORPUS = Path(os.environ.get("STACKC_TEST_CORPUS", TOP.parent / "shared" / "corpus"))
SCHEMA: Json = json.loads(package_text("plan.schema.json"))
JUDGE = validator_for(SCHEMA)(SCHEMA)
BODIES = {"services": "service", "networks": "network", "volumes": "volume", "configs": "config", "secrets": "secret"}


def faults(plan: Json) -> list[str]:
    return [f"{one.json_path}: {one.message}" for one in JUDGE.iter_errors(plan)]


def plan_of(case: Path) -> Json:
    """A golden plan: its digest is left out there."""
    return {**json.loads(case.read_text()), "digest": "sha256:" + "0" * 64}


@pytest.mark.parametrize("name", ["stack.schema.json", "plan.schema.json", "reconciler.schema.json"])
def test_the_schemas_are_valid(name: str) -> None:
    schema = json.loads(package_text(name))
    validator_for(schema, default=None).check_schema(schema)


@pytest.mark.parametrize("case", CASES, ids=lambda path: f"{path.parent.parent.name}/{path.parent.name}")
def test_golden_plans_fit(case: Path) -> None:
    assert faults(plan_of(case)) == []


def test_the_plans_of_the_examples_fit() -> None:
    files = sorted(TOP.glob("examples/*/compose.y*ml"))
    assert files
    for file in files:
        plan = compile_stack([str(file)], DiskReader(str(file.parent)), stack="s", environment=dict(os.environ)).plan
        assert plan is not None, file
        assert faults(json.loads(json.dumps(to_json(plan)))) == []


def test_the_plans_of_real_files_fit() -> None:
    if not CORPUS.exists():
        pytest.skip(f"the records are not here: {CORPUS}")
    seen: dict[str, int] = {}  # plans of one shape are judged once
    for records, dialect in (("stack-golden.jsonl", "stack"), ("compose-golden.jsonl", "compose")):
        for line in (CORPUS / records).read_text().splitlines()[::2]:
            record = json.loads(line)
            file = CORPUS / record["file"]
            plan = compile_stack(
                [str(file)], DiskReader("/"), stack="s", environment=record["env"], dialect=dialect
            ).plan
            if plan is not None:
                made = to_json(plan)
                text = json.dumps(shape(made))
                seen[text] = seen.get(text, 0) + 1
                assert seen[text] > 1 or faults(made) == [], file
    assert sum(seen.values()) > 400


def shape(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: shape(child) for key, child in value.items() if key not in ("key", "Name")}
    return [shape(child) for child in value] if isinstance(value, list) else type(value).__name__


def mappings(value: Any) -> Iterator[Json]:
    if isinstance(value, dict):
        yield value
        for child in value.values():
            yield from mappings(child)
    elif isinstance(value, list):
        for child in value:
            yield from mappings(child)


def test_a_field_too_many_is_refused() -> None:
    """Wherever it stands: what has free keys takes texts, numbers or whole objects only, never this."""
    plan = plan_of(TOP / "tests/cases/keys/healthcheck/expect.json")
    count = 0
    for mapping in mappings(plan):
        mapping["Surplus"] = [None]
        assert faults(plan) != []
        del mapping["Surplus"]
        count += 1
    assert faults(plan) == []
    assert count > 10


def resolved(schema: Json) -> Json:
    while "$ref" in schema:
        schema = SCHEMA["$defs"][schema["$ref"].removeprefix("#/$defs/")]
    return schema


def has_field(schema: Json, field: list[str]) -> bool:
    schema = resolved(schema)
    alternatives = [schema, *map(resolved, schema.get("oneOf", ()))]
    if not field:
        return True
    if field[0] == "[]":
        return any("items" in one and has_field(one["items"], field[1:]) for one in alternatives)
    return any(
        field[0] in one.get("properties", {}) and has_field(one["properties"][field[0]], field[1:])
        for one in alternatives
    )


def test_every_field_of_the_table_of_attributes_is_in_the_schema() -> None:
    fields = [(BODIES[one.path.split(".")[0]], one.engine) for one in ATTRIBUTES if one.engine and one.engine != "Data"]
    missing = [
        f"{body} {field}" for body, field in fields if not has_field(SCHEMA["$defs"][body], ["spec", *field.split(".")])
    ]
    assert missing == []
    assert len(fields) > 100
