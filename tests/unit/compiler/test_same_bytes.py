"""The same input gives the same bytes: whatever the hash seed, the locale, the time zone, the folder and the Python."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]
CASES = REPOSITORY / "tests" / "cases"
SURROUNDINGS = [
    {"PYTHONHASHSEED": "0"},
    {"PYTHONHASHSEED": "1", "LC_ALL": "C", "TZ": "Asia/Kolkata"},
    {"PYTHONHASHSEED": "4242", "LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8", "TZ": "Pacific/Kiritimati"},
    {"PYTHONHASHSEED": "77", "LC_ALL": "C.UTF-8", "PYTHONUTF8": "0", "PYTHONOPTIMIZE": "2", "COLUMNS": "20"},
]
PROGRAM = """
import json, sys
from pathlib import Path
from stackc.compile import compile_stack
from stackc.disk import DiskReader
from stackc.plan import to_json
from stackc.report.diagnostics import as_json, sarif, text
for case in map(Path, sys.argv[1:]):
    files = sorted(path.name for path in case.glob("in*.yml"))
    env_file = case / "env.json"
    environment = json.loads(env_file.read_bytes()) if env_file.exists() else {}
    done = compile_stack(files, DiskReader(str(case)), stack="stack", environment=environment)
    plan = json.dumps(to_json(done.plan)) if done.plan is not None else "none"
    found = json.dumps([as_json(done.diagnostics), sarif(done.diagnostics, "0")])
    sys.stdout.buffer.write("\\n".join((case.name, plan, found, text(done.diagnostics, done.sources))).encode())
"""


def run(python: str, surroundings: dict[str, str], cases: list[str], folder: Path) -> bytes:
    env = {"PATH": os.environ["PATH"], "HOME": "/nowhere", **surroundings}
    done = subprocess.run([python, "-c", PROGRAM, *cases], capture_output=True, env=env, cwd=folder, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def cases() -> list[str]:
    return [str(path.parent) for path in sorted(CASES.glob("**/in.yml"))]


def test_plans_and_findings_do_not_depend_on_the_surroundings(tmp_path: Path) -> None:
    first, *others = (run(sys.executable, one, cases(), tmp_path) for one in SURROUNDINGS)
    assert len(first) > 100_000
    assert all(other == first for other in others)


def _runs(python: str) -> bool:
    """A name on PATH may be a stand-in that knows no such version."""
    return subprocess.run([python, "-c", "import venv"], capture_output=True, check=False).returncode == 0


def pythons() -> list[str]:
    """Every interpreter from 3.11 on that this machine has, one of each minor version."""
    versions = Path.home() / ".pyenv" / "versions"
    found: dict[str, str] = {}
    for minor in range(11, 20):
        name = f"python3.{minor}"
        candidates = [shutil.which(name), *sorted(map(str, versions.glob(f"3.{minor}.*/bin/{name}")))]
        for path in candidates:
            if path and name not in found and _runs(path):
                found[name] = path
    return list(found.values())


@pytest.mark.soak
def test_every_python_gives_the_same_bytes(tmp_path: Path) -> None:
    """Each gets a venv with the two libraries of a compile; the rest is the checkout."""
    results = {}
    for python in pythons():
        venv = tmp_path / Path(python).name
        subprocess.run([python, "-m", "venv", str(venv)], check=True)
        pip = [str(venv / "bin" / "python"), "-m", "pip", "install", "--quiet", "pyyaml", "jsonschema"]
        subprocess.run(pip, check=True)
        surroundings = {"PYTHONHASHSEED": "5", "PYTHONPATH": str(REPOSITORY)}
        results[Path(python).name] = run(str(venv / "bin" / "python"), surroundings, cases(), tmp_path)
    print(f"compared: {', '.join(results)}")
    assert len(results) > 1, "there is only one Python here"
    assert len(set(results.values())) == 1
