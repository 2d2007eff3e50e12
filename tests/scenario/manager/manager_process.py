"""A built-in manager as a process of its own, with tasks that are processes too; nothing of it outlives its test."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Json = Any
DEADLINE = 60.0


class ManagerProcess:
    def __init__(self, folder: Path) -> None:
        self.state = folder / "state"
        self.socket = self.state / "manager.sock"
        self._home = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self._home / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "stackc", "manager", "--state", str(self.state)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.wait(self._answers, "the manager answers")

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log
        try:
            return self.call("GET", "/_ping")[0] == 200
        except OSError:
            return False

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def log(self) -> str:
        return (self._home / "log").read_text()

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def terminate(self) -> int:
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(DEADLINE)

    def close(self) -> None:
        """End all tasks through the manager, then the manager."""
        assert self._process is not None
        if self._process.poll() is not None:
            self.start()
        for service in self.get("/services"):
            self.call("DELETE", f"/services/{service['ID']}")
        self.wait(lambda: not self.get("/tasks"), "all tasks are gone")
        assert self.terminate() == 0, self.log
        assert "Traceback" not in self.log, self.log

    def call(self, method: str, path: str, body: Json = None) -> tuple[int, Json]:
        connection = http.client.HTTPConnection("localhost", timeout=20)
        connection.sock = socket.socket(socket.AF_UNIX)
        try:
            connection.sock.settimeout(20)
            connection.sock.connect(str(self.socket))
            connection.request(method, path.replace('"', "%22"), None if body is None else json.dumps(body))
            answer = connection.getresponse()
            text = answer.read()
            is_json = answer.getheader("Content-Type") == "application/json" and text
            return answer.status, json.loads(text) if is_json else text
        finally:
            connection.close()

    def get(self, path: str) -> Json:
        status, body = self.call("GET", path)
        assert status == 200, body
        return body

    def create(self, spec: Json) -> str:
        status, body = self.call("POST", "/services/create", spec)
        assert status == 201, body
        return str(body["ID"])

    def update(self, name: str, spec: Json) -> None:
        def done() -> bool:
            version = self.get(f"/services/{name}")["Version"]["Index"]
            status, body = self.call("POST", f"/services/{name}/update?version={version}", spec)
            assert status == 200 or "out of sequence" in body["message"], body
            return status == 200

        self.wait(done, "updated")

    def tasks(self, service: str) -> list[Json]:
        return list(self.get(f'/tasks?filters={{"service":["{service}"]}}'))

    def running(self, service: str, count: int) -> list[Json]:
        def found() -> list[Json]:
            live = [one for one in self.tasks(service) if one["DesiredState"] == "running"]
            return live if [one["Status"]["State"] for one in live] == ["running"] * count else []

        return sorted(self.wait(found, f"{count} tasks of {service} run"), key=lambda one: one.get("Slot", 0))

    def wait(self, true: Callable[[], Any], what: str) -> Any:
        deadline = time.monotonic() + DEADLINE
        while not (found := true()):
            assert time.monotonic() < deadline, f"never: {what}\n{self.log}"
            time.sleep(0.05)
        return found


def pid_of(task: Json) -> int:
    return int(task["Status"]["ContainerStatus"]["PID"])


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class DockerClient:
    """The docker command line client against one manager."""

    def __init__(self, manager: ManagerProcess, home: Path) -> None:
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "DOCKER_HOST": f"unix://{manager.socket}",
            "NO_COLOR": "1",
        }

    def __call__(self, *arguments: str, stdin: str = "", fails: bool = False) -> str:
        done = subprocess.run(
            ["docker", *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            env=self._environment,
            timeout=DEADLINE * 2,
            check=False,
        )
        assert (done.returncode != 0) == fails, f"docker {arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stderr if fails else done.stdout

    def table(self, *arguments: str) -> list[list[str]]:
        """The rows of a listing, without its head, split at white space."""
        return [line.split() for line in self(*arguments).splitlines()[1:]]


def docker_missing() -> str | None:
    return None if shutil.which("docker") else "the docker command line client is not on PATH"
