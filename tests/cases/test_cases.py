"""Golden cases: one folder per key and per fault. ``in.yml`` (and ``in2.yml``… for several -c files) with the files
it names; ``env.json`` for variables; ``expect.json`` is the plan (without digest and what every plan repeats),
``expect.txt`` the findings as text. STACKC_TEST_UPDATE=1 writes what is there now: read the diff before committing."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from stackc.codes import CODES
from stackc.compile import Compiled, compile_stack
from stackc.disk import DiskReader
from stackc.plan import to_json
from stackc.report.diagnostics import text

HERE = Path(__file__).parent
CASES = sorted(path.parent for path in HERE.glob("*/*/in.yml"))
ELSEWHERE = {
    "SC1003": "tests/unit/compiler/test_compiler_parse.py: a file of megabytes",
    "SC1011": "tests/unit/compiler/test_compiler_parse.py: thousands of anchors",
    "SC1012": "tests/unit/compiler/test_compiler_parse.py: alias bombs",
    "SC1205": "tests/unit/compiler/test_compiler_values.py: values of megabytes",
    "SC4010": "tests/unit/compiler/test_compile_stack.py: a plan without a name",
    "SC1307": "tests/unit/compiler/test_project.py: hundreds of files",
    "SC4018": "tests/unit/compiler/test_compile_stack.py: thousands of services",
}
"""Codes whose input is too large for a folder, or that have none."""


def run(case: Path) -> Compiled:
    files = sorted(path.name for path in case.glob("in*.yml"))
    env_file = case / "env.json"
    environment = json.loads(env_file.read_text()) if env_file.exists() else {}
    return compile_stack(files, DiskReader(str(case)), stack="stack", environment=environment)


def shape(compiled: Compiled, case: Path) -> dict[str, Any]:
    """The plan without its digest, and with the folder's path taken out."""
    assert compiled.plan is not None
    plan = to_json(compiled.plan)
    del plan["digest"]
    return json.loads(json.dumps(plan).replace(str(case), "@DIR@").replace(str(case.parent), "@UP@"))  # type: ignore[no-any-return]


def compare(path: Path, actual: str) -> None:
    if os.environ.get("STACKC_TEST_UPDATE"):
        if actual:
            path.write_text(actual)
        elif path.exists():
            path.unlink()
        return
    expected = path.read_text() if path.exists() else ""
    assert actual == expected, f"{path} differs"


@pytest.mark.parametrize("case", CASES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_case(case: Path) -> None:
    compiled = run(case)
    compare(case / "expect.txt", text(compiled.diagnostics, compiled.sources).replace(str(case), "@DIR@"))
    plan = "" if compiled.plan is None else json.dumps(shape(compiled, case), indent=1, sort_keys=True) + "\n"
    compare(case / "expect.json", plan)
    assert (compiled.plan is None) == (case.parent.name == "errors")


def test_every_code_has_a_case() -> None:
    seen = {
        code
        for path in HERE.glob("*/*/expect.txt")
        for code in CODES
        if f"error {code}:" in path.read_text() or f"warning {code}:" in path.read_text()
    }
    assert set(CODES) - seen == set(ELSEWHERE)
