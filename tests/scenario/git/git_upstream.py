"""A real repository to push to."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    **{
        f"GIT_{who}_{what}": value
        for who in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", "Ada"), ("EMAIL", "a@b"))
    },
}


class Upstream:
    """A bare repository and a work tree that pushes to it. ``path`` is the bare repository."""

    def __init__(self, folder: Path, branch: str = "main") -> None:
        self.path = folder / "upstream.git"
        self.tree = folder / "work"
        self.branch = branch
        self.git("init", "-q", "--bare", "-b", branch, str(self.path), cwd=folder)
        self.git("init", "-q", "-b", branch, str(self.tree), cwd=folder)

    def git(self, *arguments: str, cwd: Path | None = None, stdin: bytes = b"") -> str:
        command = ["git", "-c", "protocol.file.allow=always", *arguments]
        done = subprocess.run(
            command, cwd=cwd or self.tree, env=ENVIRONMENT, input=stdin, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr.decode("utf-8", "replace")
        return done.stdout.decode("utf-8", "replace").strip()

    def write(self, **files: str | bytes) -> None:
        for name, content in files.items():
            self.write_file(name, content)

    def write_file(self, name: str, content: str | bytes) -> None:
        path = self.tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)

    def commit(self, files: dict[str, str | bytes] | None = None, message: str = "change", *, push: bool = True) -> str:
        for name, content in (files or {}).items():
            self.write_file(name, content)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        if push:
            self.push()
        return self.git("rev-parse", "HEAD")

    def push(self, *arguments: str) -> None:
        self.git("push", "-q", *arguments, str(self.path), f"HEAD:refs/heads/{self.branch}")
