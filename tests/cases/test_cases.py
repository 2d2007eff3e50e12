"""Golden cases: one folder per key (``keys``), per fault (``errors``), and two per code of a semantic check
(``checks/CODE-words/bad`` and ``good``). ``in.yml`` (and ``in2.yml``… for several -c files) with the files it names;
``env.json`` for variables; ``options.json`` for the stack's name; ``expect.json`` is the plan (without digest and what
every plan repeats), ``expect.txt`` the findings as text. docs/diagnostics.md shows the cases of the checks.
STACKC_TEST_UPDATE=1 writes what is there now: read the diff before committing."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from stackc.checks import CHECKS
from stackc.codes import CODES
from stackc.compile import Compiled, compile_stack
from stackc.disk import DiskReader
from stackc.plan import to_json
from stackc.report.diagnostics import text

HERE = Path(__file__).parent
CASES = sorted(path.parent for path in HERE.rglob("in.yml"))
CHECKED = sorted(path.name for path in (HERE / "checks").iterdir())
ELSEWHERE = {
    "SC1003": "tests/unit/compiler/test_compiler_parse.py: a file of megabytes",
    "SC1011": "tests/unit/compiler/test_compiler_parse.py: thousands of anchors",
    "SC1012": "tests/unit/compiler/test_compiler_parse.py: alias bombs",
    "SC1205": "tests/unit/compiler/test_compiler_values.py: values of megabytes",
    "SC1307": "tests/unit/compiler/test_project.py: hundreds of files",
    "SC4055": "tests/unit/compiler/test_bad_inputs.py: hundreds of thousands of ports",
    "SC4018": "tests/unit/compiler/test_compile_stack.py: thousands of services",
}
"""Codes whose input is too large for a folder, or that have none."""


def run(case: Path) -> Compiled:
    files = sorted(path.name for path in case.glob("in*.yml"))
    env_file = case / "env.json"
    environment = json.loads(env_file.read_text()) if env_file.exists() else {}
    options = case / "options.json"
    given = {"stack": "stack", **(json.loads(options.read_text()) if options.exists() else {})}
    return compile_stack(files, DiskReader(str(case)), environment=environment, **given)


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


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.relative_to(HERE).as_posix())
def test_case(case: Path) -> None:
    compiled = run(case)
    compare(case / "expect.txt", text(compiled.diagnostics, compiled.sources).replace(str(case), "@DIR@"))
    group = case.relative_to(HERE).parts[0]
    if group == "checks":
        code = case.parent.name.partition("-")[0]
        seen = {one.code for one in compiled.diagnostics}
        assert seen == ({code} if case.name == "bad" else set())
        return
    plan = "" if compiled.plan is None else json.dumps(shape(compiled, case), indent=1, sort_keys=True) + "\n"
    compare(case / "expect.json", plan)
    assert (compiled.plan is None) == (group == "errors")


def test_every_code_of_a_check_has_a_bad_and_a_good_case() -> None:
    codes = [code for check in CHECKS for code in check.codes]
    assert len(codes) == len(set(codes))
    assert sorted(name.partition("-")[0] for name in CHECKED) == sorted(codes)
    assert all((HERE / "checks" / name / kind / "in.yml").exists() for name in CHECKED for kind in ("bad", "good"))


def test_every_code_has_a_case() -> None:
    seen = {
        code
        for path in HERE.rglob("expect.txt")
        for code in CODES
        if f"error {code}:" in path.read_text() or f"warning {code}:" in path.read_text()
    }
    assert set(CODES) - seen == set(ELSEWHERE)
