"""Both command lines: a defect of ours reaches the user as two lines, never as a traceback."""

from __future__ import annotations

import io
import subprocess
import sys
from argparse import Namespace
from pathlib import Path
from types import ModuleType

import pytest

import reconciler.cli
import stackc.cli
from stackc.cli.shell import Shell


def broken(args: Namespace, shell: Shell) -> int:
    raise KeyError("\x1b[31mnot\nthought of")


@pytest.mark.parametrize(("program", "package"), [("stackc", stackc.cli), ("reconciler", reconciler.cli)])
def test_a_defect_is_said_in_two_lines(program: str, package: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib import import_module

    monkeypatch.setattr(import_module(f"{program}.cli.history"), "run", broken)
    shell = Shell(io.StringIO(), io.StringIO(), io.StringIO(), {}, "/")
    assert package.main(["history", "s"], shell) == 1
    said = shell.err.getvalue()  # type: ignore[attr-defined]
    assert said.startswith(f"{program}: internal error: KeyError: ")
    assert said.count("\n") == 2
    assert "\x1b" not in said
    assert "Traceback" not in said
    with pytest.raises(KeyError):
        package.main(["history", "s"], shell._replace(env={"STACKC_DEBUG": "1"}))


@pytest.mark.parametrize("program", ["stackc", "reconciler"])
def test_in_a_folder_that_is_gone(program: str, tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    command = f"cd {folder}; rmdir {folder}; exec {sys.executable} -m {program} status s"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "the current folder is gone" in done.stderr
    assert "Traceback" not in done.stderr
