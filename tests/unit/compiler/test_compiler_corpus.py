"""Parity with docker on recorded documents: what `docker stack deploy` sent, we compile to; what it refused, we refuse.

The records are no part of the repository. STACKC_TEST_CORPUS names their folder (default: ../shared/corpus beside
the checkout); without them these tests are skipped. Differences that are meant stand in ``corpus_differences.json``
with their reason, and a difference that has gone must be taken out of there: the list can only shrink.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stackc.compile import Compiled, assemble_files, compile_stack
from stackc.diagnostics import has_errors
from stackc.disk import DiskReader, MemoryReader
from stackc.plan import StackPlan
from stackc.report.config import stack_config

HERE = Path(__file__).parent
DEFAULT = HERE.parents[2].parent / "shared" / "corpus"
CORPUS = Path(os.environ.get("STACKC_TEST_CORPUS", DEFAULT))
MEANT: dict[str, dict[str, str]] = json.loads((HERE / "corpus_differences.json").read_text())
HOME = "/home/user"
Json = dict[str, Any]


def records(name: str) -> list[Json]:
    path = CORPUS / name
    if not path.exists():
        pytest.skip(f"the records are not here: {path}")
    return [json.loads(line) for line in path.read_text().splitlines()]


def real_paths(value: Any, folder: str) -> Any:
    """The records' tokens for paths, replaced."""
    text = json.dumps(value)
    parents = [str(parent) for parent in Path(folder).parents]
    for number in range(len(parents), 0, -1):
        text = text.replace(f"@UP{number}@", parents[number - 1])
    return json.loads(text.replace("@DIR@", folder).replace("@HOME@", HOME).replace("@PATH@", "/bin"))


def wanted(requests: list[Json], ids: dict[str, str]) -> dict[str, Json]:
    """What docker sent, by ``kind name``, references by name as our plan has them."""
    found = {}
    for request in requests:
        text = json.dumps(request["body"])
        for identity, name in ids.items():
            text = text.replace(json.dumps(identity), json.dumps(name))
        body = json.loads(text)
        body.pop("CheckDuplicate", None)
        container = body.get("TaskTemplate", {}).get("ContainerSpec", {})
        for reference in (*container.get("Configs", []), *container.get("Secrets", [])):
            reference.pop("ConfigID", None)
            reference.pop("SecretID", None)
        found[f"{request['path'].split('/')[1]} {body['Name']}"] = body
    return found


def planned(plan: StackPlan) -> dict[str, Json]:
    found = {f"services {name}": one.spec for name, one in plan.services.items()}
    found |= {f"networks {name}": one.spec for name, one in plan.networks.items() if not one.external}
    for kind, files in (("configs", plan.configs), ("secrets", plan.secrets)):
        for name, one in files.items():
            if not one.external:
                data = {"Data": base64.b64encode(one.data).decode()} if one.data else {}
                found[f"{kind} {name}"] = {**one.spec, **data}
    return found


def compiled_documents(name: str) -> Iterator[tuple[str, Json, Compiled]]:
    for record in records(name):
        file = CORPUS / record["file"]
        real = real_paths({key: record[key] for key in ("env", "requests", "ids")}, str(file.parent))
        compiled = compile_stack(
            [str(file)], DiskReader("/"), stack=record["stack"], environment=real["env"], dialect="stack"
        )
        yield record["file"], {**real, "rc": record["rc"]}, compiled


def compiled_probes() -> Iterator[tuple[str, Json, Compiled]]:
    for record in records("probes-golden.jsonl"):
        real = real_paths({key: record[key] for key in ("env", "deploy")}, "/a/b/c/project")
        files = [name for name in ("c.yml", "c2.yml", "c3.yml") if name in record["files"]]
        reader = MemoryReader({name: text.encode() for name, text in record["files"].items()}, "/a/b/c/project")
        compiled = compile_stack(files, reader, stack=record["stack"], environment=real["env"], dialect="stack")
        yield record["name"], real["deploy"], compiled


def differences(cases: Iterator[tuple[str, Json, Compiled]]) -> tuple[dict[str, str], int]:
    """Name to what differs, and the number of equal service specs."""
    found: dict[str, str] = {}
    equal = 0
    for name, record, compiled in cases:
        if (record["rc"] == 0) != (compiled.plan is not None):
            errors = sorted({d.code for d in compiled.diagnostics if d.severity.value == "error"})
            found[name] = f"docker: {record['rc']}, ours: {' '.join(errors) or 'accepted'}"
        elif compiled.plan is not None:
            docker, ours = wanted(record["requests"], record["ids"]), planned(compiled.plan)
            unequal = [key for key in sorted({*docker, *ours}) if docker.get(key) != ours.get(key)]
            equal += sum(key.startswith("services ") for key in docker) - len(unequal)
            if unequal:
                found[name] = f"differs: {', '.join(unequal)}"
    return found, equal


def compare(kind: str, found: dict[str, str]) -> None:
    meant = MEANT[kind]
    assert {name: text for name, text in found.items() if name not in meant} == {}, "new differences from docker"
    assert [name for name in meant if name not in found] == [], "these are equal now: take them out of the list"


def test_documents_that_docker_deploys() -> None:
    found, equal = differences(compiled_documents("stack-golden.jsonl"))
    compare("documents", found)
    assert equal >= 475


def test_documents_that_docker_refuses() -> None:
    found, _ = differences(compiled_documents("stack-rejected.jsonl"))
    compare("rejected", found)


def test_probes() -> None:
    found, equal = differences(compiled_probes())
    compare("probes", found)
    assert equal >= 161


def test_config_prints_what_docker_prints() -> None:
    found: dict[str, str] = {}
    for record in records("stack-golden.jsonl"):
        file = CORPUS / record["file"]
        real = real_paths({key: record[key] for key in ("env", "config")}, str(file.parent))
        made = assemble_files([str(file)], DiskReader("/"), environment=real["env"], dialect="stack")
        if made.root is None or has_errors(made.context.findings):
            found[record["file"]] = "refused"
        elif stack_config(made.root, made.context.version) != real["config"]:
            found[record["file"]] = "another text"
    compare("config", found)
