"""The script of the pull request action, on a local repository with a base and a head commit."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from git_upstream import ENVIRONMENT, Upstream

ACTION = Path(__file__).parents[3] / ".github/actions/validate"
DEFINITION = yaml.safe_load((ACTION / "action.yml").read_text())
GOOD = "services:\n  web:\n    image: nginx:1\n"
BROKEN = "services:\n  web:\n    imagee: nginx\n    image: nginx:1\n"


def check(upstream: Upstream, base: str, **inputs: str) -> subprocess.CompletedProcess[str]:
    values = {name: DEFINITION["inputs"][name]["default"] for name in ("head", "patterns", "variables", "dialect")}
    values |= {"base": base, **inputs}
    env = {**ENVIRONMENT, **{f"INPUT_{name.upper()}": value for name, value in values.items()}, "TOKEN": "hunter2"}
    return subprocess.run(
        [sys.executable, str(ACTION / "validate.py")],
        cwd=upstream.tree,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )


def test_only_what_is_touched_is_checked_and_every_finding_is_shown(upstream: Upstream) -> None:
    base = upstream.commit({"old/compose.yml": BROKEN, "a/compose.yml": GOOD, "b/stack.prod.yaml": GOOD, "README": "x"})
    upstream.commit(
        {"a/compose.yml": BROKEN, "b/stack.prod.yaml": GOOD + "    imag: x\n", "README": "y", "c.yml": BROKEN}
    )
    done = check(upstream, base)
    assert done.returncode == 1
    assert "::error file=a/compose.yml,line=3" in done.stdout
    assert "::error file=b/stack.prod.yaml,line=4" in done.stdout
    assert "old/compose.yml" not in done.stdout
    assert "c.yml" not in done.stdout
    assert done.stdout.endswith("2 checked, 2 with errors\n")


def test_good_files_and_no_files(upstream: Upstream) -> None:
    base = upstream.commit({"compose.yml": GOOD})
    other = upstream.commit({"README": "y"})
    assert (check(upstream, base).returncode, check(upstream, base).stdout) == (0, "no stack file is touched\n")
    upstream.commit({"compose.yml": GOOD + "    hostname: a\n"})
    done = check(upstream, other)
    assert (done.returncode, "1 checked, 0 with errors" in done.stdout) == (0, True)


def test_what_the_base_branch_got_in_the_meantime_is_not_the_pull_requests(upstream: Upstream) -> None:
    root = upstream.commit({"compose.yml": GOOD})
    upstream.git("checkout", "-q", "-b", "topic")
    upstream.commit({"README": "x"}, push=False)
    upstream.git("checkout", "-q", "main")
    base = upstream.commit({"compose.yml": BROKEN})
    upstream.git("checkout", "-q", "topic")
    assert check(upstream, base).stdout == "no stack file is touched\n"
    assert check(upstream, root).returncode == 0


def test_a_file_that_a_stack_file_names_brings_it_in(upstream: Upstream) -> None:
    text = GOOD + "    env_file: [conf/web.env]\n"
    base = upstream.commit({"app/compose.yml": text, "app/conf/web.env": "A=1\n"})
    (upstream.tree / "app/conf/web.env").unlink()
    upstream.commit()
    done = check(upstream, base)
    assert done.returncode == 1
    assert "::error file=app/compose.yml,line=4" in done.stdout


def test_an_override_is_checked_with_what_it_overrides(upstream: Upstream) -> None:
    base = upstream.commit({"compose.yaml": GOOD})
    upstream.commit({"compose.override.yaml": "services:\n  web:\n    hostname: a\n"})
    done = check(upstream, base)
    assert (done.returncode, "checking compose.yaml with compose.override.yaml" in done.stdout) == (0, True)


def test_names_and_contents_of_a_stranger_do_nothing(upstream: Upstream, tmp_path: Path) -> None:
    base = upstream.commit({"README": "x"})
    names = [
        "stack;touch pwned;.yml",
        "stack$(touch pwned).yml",
        "stack`touch pwned`.yml",
        "-x/stack.yml",
        "stack\n::error::x.yml",
    ]
    upstream.commit(dict.fromkeys(names, BROKEN))
    (upstream.tree / "stack.link.yml").symlink_to("/etc/passwd")
    upstream.commit()
    done = check(upstream, base)
    assert done.returncode == 1
    assert not list(upstream.tree.rglob("pwned"))
    for line in done.stdout.splitlines():
        assert line.startswith(("checking ", "::error file=", "::error title=", "6 checked")), line
    assert "::error::x" not in [line[:10] for line in done.stdout.splitlines()]
    assert "root:" not in done.stdout


def test_the_jobs_environment_is_not_seen_but_given_variables_are(upstream: Upstream) -> None:
    base = upstream.commit({"README": "x"})
    upstream.commit({"stack.yml": GOOD + "    stop_grace_period: ${TOKEN}${GIVEN}\n"})
    done = check(upstream, base, variables="GIVEN=7x")
    assert done.returncode == 1
    assert "hunter2" not in done.stdout
    assert "7x" in done.stdout
    assert check(upstream, base, variables="GIVEN=7s").returncode == 0


@pytest.mark.parametrize("base", ["", "--output=pwned", "0" * 40])
def test_without_a_base_it_says_what_to_do(upstream: Upstream, base: str) -> None:
    upstream.commit({"stack.yml": GOOD})
    done = check(upstream, base)
    assert done.returncode == 1
    assert "give it 'base'" in done.stdout or "fetch-depth: 0" in done.stdout
    assert not (upstream.tree / "pwned").exists()


def test_patterns(upstream: Upstream) -> None:
    base = upstream.commit({"README": "x"})
    upstream.commit({"deploy/app.yml": BROKEN, "stack.yml": BROKEN, "skip/stack.yml": BROKEN})
    done = check(upstream, base, patterns="deploy/*.yml\nstack*.yml\n!skip/*\n")
    assert "2 checked, 2 with errors" in done.stdout
    assert "skip/" not in done.stdout


def test_no_input_is_part_of_a_shell_script() -> None:
    for step in DEFINITION["runs"]["steps"]:
        assert "${{" not in step["run"]
