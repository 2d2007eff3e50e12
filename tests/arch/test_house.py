"""Shape of the repository: sizes, names, links. What may import what is import-linter's business (`make lint`)."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
SOURCES = sorted(path for top in ("stackc", "reconciler") for path in (ROOT / top).rglob("*.py"))
FILE_LINES = 600
USUAL_FILE_LINES = 400  # for 95 of 100
FUNCTION_LINES = 80
USUAL_FUNCTION_LINES = 50  # for 95 of 100
DOCUMENTS = sorted(
    path
    for pattern in (
        "*.md",
        "docs/**/*.md",
        "examples/**/*.md",
        "tests/**/*.md",
        "benchmarks/**/*.md",
        ".github/**/*.md",
    )
    for path in ROOT.glob(pattern)
)


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


def functions() -> Iterator[tuple[str, int]]:
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert node.end_lineno is not None
                yield f"{shown(path)}:{node.lineno} {node.name}", node.end_lineno - node.lineno + 1


def test_files_stay_readable() -> None:
    sizes = {shown(path): len(path.read_text().splitlines()) for path in SOURCES}
    long = {name: size for name, size in sizes.items() if size > FILE_LINES}
    assert not long, f"files of more than {FILE_LINES} lines: {long}"
    percentile = sorted(sizes.values())[len(sizes) * 95 // 100]
    assert percentile <= USUAL_FILE_LINES, f"95th percentile of the length of files: {percentile}"


def test_functions_stay_short() -> None:
    sizes = dict(functions())
    long = {name: size for name, size in sizes.items() if size > FUNCTION_LINES}
    assert not long, f"functions of more than {FUNCTION_LINES} lines: {long}"
    percentile = sorted(sizes.values())[len(sizes) * 95 // 100]
    assert percentile <= USUAL_FUNCTION_LINES, f"95th percentile of the length of functions: {percentile}"


def test_module_names_say_something() -> None:
    empty = {"utils", "util", "helpers", "helper", "common", "misc", "tools", "base"}
    assert [shown(path) for path in SOURCES if path.stem in empty or path.parent.name in empty] == []


def test_names_of_test_modules_are_unique() -> None:
    """Test folders are no packages, so two modules of one name would shadow each other."""
    names = Counter(
        path.name for path in (ROOT / "tests").rglob("*.py") if path.name not in ("conftest.py", "__init__.py")
    )
    assert [name for name, count in names.items() if count > 1] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=shown)
def test_links_lead_somewhere(document: Path) -> None:
    text = re.sub(r"^```.*?^```", "", document.read_text(), flags=re.MULTILINE | re.DOTALL)
    broken = []
    for target in re.findall(r"!?\[[^\]]*\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        found = (document.parent / path).resolve() if path else document
        if not found.exists() or (anchor and anchor not in anchors(found)):
            broken.append(target)
    assert broken == []


def anchors(document: Path) -> set[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


def test_ci_runs_what_a_newcomer_runs() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
    steps = [step.get("run", "") for job in workflow["jobs"].values() for step in job["steps"]]
    assert any("make test" in step for step in steps)
    assert any("bash .ci/run" in step for step in steps)
    assert (ROOT / ".ci/run").read_text().rstrip().endswith("make test")
    subprocess.run([shutil.which("bash") or "bash", "-n", ROOT / ".ci/run"], check=True)
