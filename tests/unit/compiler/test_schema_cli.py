"""`stackc schema` prints what stands in schemas/, and what it prints fits an editor."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stackc.cli import main
from stackc.cli.schema import SCHEMAS
from stackc.cli.shell import Shell

TOP = Path(__file__).parents[3]
Json = dict[str, Any]


def ran(*argv: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    code = main(argv, Shell(io.StringIO(), out, err, {}, "/"))
    return code, out.getvalue(), err.getvalue()


def test_every_schema_is_printed_and_listed() -> None:
    assert {f"{name}.schema.json" for name in SCHEMAS} == {path.name for path in (TOP / "schemas").iterdir()}
    for name in SCHEMAS:
        assert ran("schema", name) == (0, (TOP / "schemas" / f"{name}.schema.json").read_text(), "")
    assert ran("schema") == ran("schema", "stack")
    code, out, _ = ran("schema", "--list")
    assert (code, [line.split()[0] for line in out.splitlines()]) == (0, list(SCHEMAS))


def test_another_name_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert ran("schema", "plans")[0] == 64
    assert "plans" in capsys.readouterr().err


def schemas_in(schema: Any) -> Iterator[Json]:
    """Every schema below, also behind alternatives; what stands elsewhere by ``$ref`` is reached there."""
    if isinstance(schema, dict):
        yield schema
        for name in ("properties", "patternProperties", "$defs"):
            for below in schema.get(name, {}).values():
                yield from schemas_in(below)
        for name in ("items", "additionalProperties", "propertyNames"):
            yield from schemas_in(schema.get(name))
        for below in schema.get("oneOf", ()):
            yield from schemas_in(below)


@pytest.mark.parametrize("name", ["stack", "reconciler"])
def test_every_key_that_people_write_is_described(name: str) -> None:
    """An editor shows the description beside the key: short, and in one style."""
    described = 0
    for schema in schemas_in(json.loads(ran("schema", name)[1])):
        for key, below in schema.get("properties", {}).items():
            text = below.get("description", "")
            assert text, key
            assert len(text) < 160, (key, text)
            assert text[-1] in ".…", (key, text)
            described += 1
    assert described > 10


def test_both_dialects_say_the_same_of_a_key_and_its_default() -> None:
    """Where their texts differ, the stack dialect's names what docker stack does differently."""
    definitions = json.loads(ran("schema", "stack")[1])["$defs"]
    differing = []
    for name, schema in definitions.items():
        other = definitions.get(name.replace("stack", "compose", 1)) if name.startswith("stack") else None
        for mine, theirs in zip(schemas_in(schema), schemas_in(other), strict=False):
            for key in mine.get("properties", {}).keys() & theirs.get("properties", {}).keys():
                one, two = mine["properties"][key], theirs["properties"][key]
                assert one.get("default") == two.get("default") or key == "version", key
                if one["description"] != two["description"]:
                    differing.append(key)
    assert set(differing) <= {
        *("cgroup_parent", "depends_on", "devices", "environment", "ipc", "network_mode", "oom_score_adj", "pid"),
        *("privileged", "security_opt", "shm_size", "tmpfs", "userns_mode", "version"),
    }


def test_the_package_takes_the_schemas_along(tmp_path: Path) -> None:
    """Where the wheel puts them is where an installed stackc looks first."""
    settings = tomllib.loads((TOP / "pyproject.toml").read_text())
    where = settings["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]["schemas"]
    shutil.copytree(TOP / "stackc", tmp_path / "stackc", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(TOP / "schemas", tmp_path / where)
    command = [sys.executable, "-c", "from stackc.cli import main; raise SystemExit(main(['schema', 'plan']))"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True, env={})
    assert done.stdout == (TOP / "schemas" / "plan.schema.json").read_text()
