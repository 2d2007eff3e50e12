"""A folder with a stack file, and the real command line to apply it with."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from reconciler.engine import connect

STACK = """\
services:
  web:
    image: process/box:v1
    command: [sleep, "600"]
    environment: {{V: "{version}"}}
    configs: [conf]
    secrets: [token]
    healthcheck: {{test: [CMD, "{health}"], interval: 200ms, retries: 2}}
    stop_signal: SIGKILL
    deploy: {{replicas: 2, update_config: {{monitor: 500ms, failure_action: {action}}}, restart_policy: {{delay: 0s}}}}
  side:
    image: process/box:v1
    command: [sleep, "600"]
    environment: {{V: "{version}"}}
    stop_signal: SIGKILL
    deploy: {{update_config: {{monitor: 500ms}}}}
  after:
    image: process/box:v1
    command: [sleep, "600"]
    environment: {{V: "{version}"}}
    stop_signal: SIGKILL
    depends_on: {{web: {{condition: service_healthy}}}}
    deploy: {{update_config: {{monitor: 500ms}}}}
configs:
  conf: {{file: ./conf}}
secrets:
  token: {{file: ./token}}
"""


class Bench:
    """Runs the real command line in a folder of its own against one manager."""

    def __init__(self, folder: Path, host: str, stack: str) -> None:
        self.folder = folder
        self.host = host
        self.stack = stack
        self.env: dict[str, str] = {}
        (folder / "token").write_text("s3cr3t-canary")
        self.write("1")

    def write(
        self, version: str, *, health: str = "true", side: str | None = None, conf: str = "c1", action: str = "rollback"
    ) -> None:
        text = STACK.format(version=version, health=health, side=side or version, action=action)
        (self.folder / "compose.yaml").write_text(text)
        (self.folder / "conf").write_text(conf)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "stackc", *arguments, "--host", self.host]
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env={**environment(), **self.env},
            stdin=subprocess.DEVNULL,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def run(self, *arguments: str, code: int = 0) -> str:
        """Output and error text together; the exit code must be ``code``."""
        process = self.start(*arguments)
        out, err = process.communicate(timeout=150)
        assert process.returncode == code, (
            f"stackc {' '.join(arguments)} ended with {process.returncode}:\n{out}\n{err}"
        )
        assert "Traceback" not in out + err, out + err
        assert "internal error" not in out + err, out + err
        assert "s3cr3t-canary" not in out + err
        return out + err

    def apply(self, *more: str, code: int = 0) -> str:
        return self.run("apply", "--yes", *more, self.stack, code=code)

    def history(self) -> list[dict[str, Any]]:
        """Newest first."""
        found: list[dict[str, Any]] = json.loads(self.run("history", self.stack, "--format", "json"))
        return found

    def services(self) -> list[str]:
        """Engine names."""
        engine = connect(self.host, {})
        found = [service["Spec"]["Name"] for service in engine.read_stack("services", self.stack)]
        engine.close()
        return found

    def versions(self) -> dict[str, str]:
        """Service key to the V of its environment, as the manager has it."""
        engine = connect(self.host, {})
        found = {}
        for service in engine.read_stack("services", self.stack):
            env = service["Spec"]["TaskTemplate"]["ContainerSpec"]["Env"]
            found[service["Spec"]["Name"].removeprefix(f"{self.stack}_")] = env[0].partition("=")[2]
        engine.close()
        return found


def environment() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith(("DOCKER_", "STACKC_"))}


@contextmanager
def on_manager(host: str, stack: str) -> Iterator[Bench]:
    """A bench in a folder of its own; its stack is removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="ap-", dir="/tmp"))
    bench = Bench(folder, host, stack)
    try:
        yield bench
    finally:
        bench.start("rm", "--yes", stack).communicate(timeout=60)
        shutil.rmtree(folder)
