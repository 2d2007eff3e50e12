"""``reconciler run`` on a repository of its own, and what a test asks of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

from reconciler.engine import connect
from reconciler.rollout import History, journal
from reconciler.rollout.journal import Attempt

GIT = {
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


def stack_file(version: str, *, healthy: bool = True, monitor: str = "300ms", replicas: int = 1) -> str:
    """A stack of one service that runs, or whose tasks end at once."""
    command = '["sleep", "600"]' if healthy else '["false"]'
    return f"""\
services:
  web:
    image: process/web:v1
    command: {command}
    environment: {{VERSION: "{version}"}}
    stop_signal: SIGKILL
    deploy:
      replicas: {replicas}
      restart_policy: {{condition: any, delay: 0s}}
      update_config: {{monitor: {monitor}, failure_action: rollback, order: start-first}}
      rollback_config: {{monitor: 300ms}}
"""


class Site:
    def __init__(self, folder: Path, host: str) -> None:
        self.folder = folder
        self.stack = f"t{uuid4().hex[:8]}"
        self.host = host
        self.bare = folder / "repo.git"
        self.work = folder / "work"
        self.state = folder / "state"
        self.settings = folder / "reconciler.yaml"
        self.process: subprocess.Popen[bytes] | None = None
        self.git("init", "-q", "--bare", "-b", "main", str(self.bare), cwd=folder)
        self.git("init", "-q", "-b", "main", str(self.work), cwd=folder)
        self.configure()

    def configure(self, extra: str = "", interval: str = "1h") -> None:
        """The long interval makes sure that a test waits for a hint, not for a poll."""
        self.settings.write_text(
            f"state: state\nhost: {self.host}\ninterval: {interval}\nstacks:\n  - name: {self.stack}\n"
            f"    repo: {{url: repo.git, branch: main}}\n    files: [stack.yml]\n{extra}"
        )

    def git(self, *arguments: str, cwd: Path | None = None) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=cwd or self.work, env=GIT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def push(self, stack_file: str | None, *arguments: str, message: str = "change") -> str:
        """Commit (an empty commit for None) and push; the commit's id."""
        if stack_file is not None:
            (self.work / "stack.yml").write_text(stack_file)
            self.git("add", "stack.yml")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        self.git("push", "-q", *arguments, str(self.bare), "HEAD:refs/heads/main")
        return self.git("rev-parse", "HEAD")

    # -- the reconciler --------------------------------------------------------------------------------------

    def start(self) -> subprocess.Popen[bytes]:
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "reconciler", "run", "--config", str(self.settings)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={k: v for k, v in os.environ.items() if not k.startswith(("GIT_", "DOCKER_"))},
            )
        return self.process

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def terminate(self) -> int:
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(30)

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.stackc("rm", "--yes", self.stack)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self._run("reconciler", *arguments, "--config", str(self.settings))

    def stackc(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self._run("stackc", *arguments, "--host", self.host)

    def _run(self, module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", module, *arguments], capture_output=True, text=True, check=False, timeout=120
        )

    # -- what is seen ----------------------------------------------------------------------------------------

    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def history(self) -> History:
        engine = connect(self.host, {}, start=False)
        try:
            return journal.read(engine, self.stack)
        finally:
            engine.close()

    def status(self) -> dict[str, Any]:
        """The stack's part of status.json; empty before it is there."""
        try:
            stacks = json.loads((self.state / "status.json").read_text())["stacks"]
        except FileNotFoundError:
            return {}
        return stacks[0] if stacks else {}

    def condition(self, kind: str = "Ready") -> dict[str, Any]:
        found = [c for c in self.status().get("conditions", []) if c["type"] == kind]
        return found[0] if found else {"status": False, "reason": "", "message": ""}

    def wait(self, condition: Callable[[], Any], seconds: float = 90.0) -> Any:
        deadline = time.monotonic() + seconds
        while not (found := condition()):
            ended = self.process is not None and self.process.poll() is not None
            assert not ended, self.log()[-3000:]
            assert time.monotonic() < deadline, f"{self.log()[-3000:]}\n{self.status()}"
            time.sleep(0.03)
        return found

    def wait_reason(self, reason: str, tip: str = "") -> dict[str, Any]:
        """Until the Ready condition has this reason (and the newest commit seen is ``tip``)."""

        def there() -> dict[str, Any] | None:
            ready = self.condition()
            seen = (self.status().get("tip") or {}).get("commit", "")
            return ready if ready["reason"] == reason and (not tip or seen == tip) else None

        found: dict[str, Any] = self.wait(there)
        return found

    def wait_ready(self, commit: str) -> None:
        def there() -> bool:
            status = self.status()
            applied = (status.get("applied_revision") or {}).get("commit")
            return bool(applied == commit and self.condition()["status"])

        self.wait(there)

    def attempts(self, commit: str) -> list[Attempt]:
        return [a for a in self.history().attempts if a.revision.commit == commit]
