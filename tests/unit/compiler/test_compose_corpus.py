"""Parity with ``docker compose config`` on recorded documents: what it printed, `stackc config` prints as JSON; what it
refused, we refuse.

The records are no part of the repository. STACKC_TEST_CORPUS names their folder (default: ../shared/corpus beside the
checkout); without them these tests are skipped. Differences that are meant stand in ``compose_differences.json`` with
their reason, and a difference that has gone must be taken out of there: the list can only shrink.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stackc.cli import main
from stackc.cli.shell import Shell

HERE = Path(__file__).parent
DEFAULT = HERE.parents[2].parent / "shared" / "corpus"
CORPUS = Path(os.environ.get("STACKC_TEST_CORPUS", DEFAULT))
MEANT: dict[str, str] = json.loads((HERE / "compose_differences.json").read_text())
HOME = "/home/user"
Json = dict[str, Any]


def records() -> Iterator[Json]:
    path = CORPUS / "compose-golden.jsonl"
    if not path.exists():
        pytest.skip(f"the records are not here: {path}")
    for line in path.read_text().splitlines():
        record = json.loads(line)
        folder = (CORPUS / record["file"]).parent
        for number, parent in reversed(list(enumerate(folder.parents, 1))):
            line = line.replace(f"@UP{number}@", str(parent))
        yield json.loads(line.replace("@DIR@", str(folder)).replace("@HOME@", HOME).replace("@PATH@", "/bin"))


def printed(record: Json) -> Json | None:
    """What `stackc config` prints, or None where it refuses the document."""
    out, err = io.StringIO(), io.StringIO()
    file = str(CORPUS / record["file"])
    environment = {"PATH": "/bin", **record["env"]}
    argv = ["config", "-c", file, "--dialect", "compose", "--format", "json", record["project"]]
    code = main(argv, Shell(io.StringIO(), out, err, environment, str(CORPUS)))
    return json.loads(out.getvalue()) if code == 0 else None


def difference(record: Json, ours: Json | None) -> str:
    """In one line; "" where there is none."""
    if (record["rc"] == 0) != (ours is not None):
        return "refused" if ours is None else f"accepted; docker compose: {record['stderr']}"
    if ours is None:
        return ""
    theirs = record["config"]
    unequal = [key for key in sorted({*theirs, *ours}) if theirs.get(key) != ours.get(key)]
    return f"differs: {', '.join(unequal)}" if unequal else ""


def test_config_prints_what_docker_compose_prints() -> None:
    found = {}
    equal = 0
    for record in records():
        text = difference(record, printed(record))
        if text:
            found[record["file"]] = text
        elif record["rc"] == 0:
            equal += 1
    assert {name: text for name, text in found.items() if name not in MEANT} == {}, "new differences"
    assert [name for name in MEANT if name not in found] == [], "these are equal now: take them out of the list"
    assert equal >= 824
