"""GitPython stays behind its fence: one module imports it, and that module uses one call of it."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[3]
WORKER = ROOT / "reconciler/sources/worker.py"


def imports(path: Path) -> set[str]:
    """Top-level names of what a module imports, also inside functions."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def test_only_the_worker_imports_gitpython() -> None:
    modules = [*(ROOT / "stackc").rglob("*.py"), *(ROOT / "reconciler").rglob("*.py")]
    assert [m for m in modules if "git" in imports(m) or "gitdb" in imports(m)] == [WORKER]


def test_the_worker_imports_nothing_of_ours() -> None:
    assert not imports(WORKER) & {"reconciler", "stackc"}


def test_the_worker_calls_execute_with_fixed_keywords_only() -> None:
    tree = ast.parse(WORKER.read_text(encoding="utf-8"))
    calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call) and ast.unparse(n.func).startswith("self._git")]
    assert [ast.unparse(call.func) for call in calls] == ["self._git.execute"]
    keywords = {k.arg: ast.unparse(k.value) for call in calls for k in call.keywords}
    assert keywords == {
        "with_extended_output": "True",
        "with_exceptions": "False",
        "stdout_as_string": "False",
        "strip_newline_in_stdout": "False",
    }
    names = {n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute)} | {
        n.id for n in ast.walk(tree) if isinstance(n, ast.Name)
    }
    assert not names & {"Repo", "Remote", "USE_SHELL", "shell"}
