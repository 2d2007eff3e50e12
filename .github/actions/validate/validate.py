"""Find the stack files that a pull request touches and run ``stackc validate --format github`` on each.

A stack file is checked when it was changed, or when a file was changed, added or removed whose path it names. Inputs
come as INPUT_* variables. The files are a stranger's: names are never part of a shell command and never printed raw,
and stackc sees nothing of this job's environment. Exit code 1 when a file has an error or the changes cannot be found.
"""

from __future__ import annotations

import os
import posixpath
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

REVISION = re.compile(r"[0-9A-Za-z][0-9A-Za-z._/-]{0,200}", re.ASCII)
VARIABLE = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.ASCII)
OVERRIDE = re.compile(r"((?:docker-)?compose)\.override\.(ya?ml)", re.ASCII)
READ_LIMIT = 4 * 1024 * 1024


class ProblemError(Exception):
    """Nothing can be checked; the text says what to do."""


def main(env: Mapping[str, str]) -> int:
    patterns = lines(env.get("INPUT_PATTERNS", ""))
    try:
        variables = read_variables(env.get("INPUT_VARIABLES", ""))
        touched = changed_files(env.get("INPUT_BASE", ""), env.get("INPUT_HEAD", "") or "HEAD")
        tracked = [name for name in git("ls-files", "-z") if is_stack_file(name, patterns)]
        chosen = [name for name in tracked if name in touched or names_one(name, touched)]
        groups = list(dict.fromkeys(with_base(name, tracked) for name in chosen))
    except ProblemError as problem:
        say(f"::error::{visible(str(problem))}")
        return 1
    if not groups:
        say("no stack file is touched")
        return 0
    failed = [group for group in groups if not validate(group, variables, env.get("INPUT_DIALECT", ""), env)]
    say(f"{len(groups)} checked, {len(failed)} with errors")
    return 1 if failed else 0


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def read_variables(text: str) -> dict[str, str]:
    found = {}
    for line in lines(text):
        match = VARIABLE.fullmatch(line)
        if match is None:
            raise ProblemError("'variables' has a line that is not NAME=value")
        found[match[1]] = match[2]
    return found


def git(*arguments: str) -> list[str]:
    """The NUL-separated answer of git. Raises ProblemError."""
    done = subprocess.run(["git", *arguments], capture_output=True, check=False)
    if done.returncode:
        raise ProblemError(f"git {arguments[0]} failed: {done.stderr.decode('utf-8', 'replace').strip()}")
    return [os.fsdecode(name) for name in done.stdout.split(b"\0") if name]


def changed_files(base: str, head: str) -> set[str]:
    """Paths that differ between the branch point and ``head``; a renamed file with both its names."""
    for revision in (base, head):
        if not REVISION.fullmatch(revision):
            raise ProblemError("no commit to compare with: this action is for pull requests, or give it 'base'")
    options = ("--no-renames", "--no-ext-diff", "--no-textconv", "--ignore-submodules")
    try:
        return set(git("diff", "--name-only", "-z", *options, "--end-of-options", f"{base}...{head}"))
    except ProblemError as problem:
        raise ProblemError(f"{problem}; check out with fetch-depth: 0") from None


def is_stack_file(name: str, patterns: Sequence[str]) -> bool:
    found = False
    for pattern in patterns:
        wanted = pattern.removeprefix("!")
        if fnmatchcase(name if "/" in wanted else posixpath.basename(name), wanted):
            found = not pattern.startswith("!")
    return found


def names_one(stack_file: str, touched: set[str]) -> bool:
    """Does the text of the stack file name one of the touched files, relative to its own folder?"""
    path = Path(stack_file)
    if path.is_symlink() or not path.is_file() or path.stat().st_size > READ_LIMIT:
        return False
    text = path.read_text(encoding="utf-8", errors="replace")
    folder = posixpath.dirname(stack_file) or "."
    return any(posixpath.relpath(name, folder) in text for name in touched)


def with_base(name: str, tracked: Sequence[str]) -> tuple[str, ...]:
    """An override file makes sense only behind the file that it overrides."""
    match = OVERRIDE.fullmatch(posixpath.basename(name))
    for extension in (match[2], "yaml", "yml") if match else ():
        base = posixpath.join(posixpath.dirname(name), f"{match[1]}.{extension}") if match else ""
        if base in tracked:
            return (base, name)
    return (name,)


def validate(group: Sequence[str], variables: Mapping[str, str], dialect: str, env: Mapping[str, str]) -> bool:
    """One run of stackc; its annotations go to our output."""
    command = [sys.executable, "-I", "-m", "stackc", "validate", "--format=github", "--no-color"]
    command += [f"--compose-file={name}" for name in group]
    command += [f"--dialect={dialect}"] if dialect else []
    clean = {"PATH": env.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", **variables}
    say(f"checking {' with '.join(map(visible, group))}")
    done = subprocess.run(command, env=clean, capture_output=True, check=False)
    sys.stdout.buffer.write(done.stdout)
    sys.stdout.buffer.flush()
    if done.returncode and b"::error" not in done.stdout:  # a refusal that is no finding: make it seen
        say(f"::error::{visible(done.stderr.decode('utf-8', 'replace').strip() or 'stackc failed')}")
    return done.returncode == 0


def visible(text: str) -> str:
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text).replace("%", "%25")


def say(line: str) -> None:
    sys.stdout.write(line.encode("utf-8", "backslashreplace").decode("utf-8") + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(os.environ))
