"""The two managers behind one interface, for tests that run on both: Swarm in a lab engine, and our own."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from reconciler.engine.errors import EngineError
from reconciler.engine.transport import Answer, Transport, connect

Json = dict[str, Any]
Found = TypeVar("Found")

IMAGE = "process/box:v1"  # busybox in a container on Swarm; the host's own programs on the built-in manager
SECOND = 1_000_000_000  # nanoseconds, the unit of durations in specs
ENDED = ("complete", "failed", "rejected", "shutdown", "orphaned")


class Manager:
    """What tests do with a manager. Whatever fails raises AssertionError with the answer in it."""

    def __init__(self, name: str, host: str) -> None:
        self.name = name
        self.host = host
        self.transport: Transport = connect(host)

    def request(self, method: str, path: str, query: Json | None = None, body: Any = None) -> Answer:
        return self.transport.request(method, path, query, body)

    def ok(self, method: str, path: str, query: Json | None = None, body: Any = None) -> Any:
        answer = self.request(method, path, query, body)
        assert answer.status < 400, f"{method} {path}: {answer}"
        return answer.body

    def create(self, spec: Json) -> str:
        return str(self.ok("POST", "/services/create", None, spec)["ID"])

    def service(self, service: str) -> Json:
        found: Json = self.ok("GET", f"/services/{service}")
        return found

    def update(self, service: str, spec: Json, **query: str) -> None:
        """With the version read just before; again when something (a VIP, an update's state) was written between."""
        deadline = time.monotonic() + 10
        while True:
            version = self.service(service)["Version"]["Index"]
            answer = self.request("POST", f"/services/{service}/update", {"version": version, **query}, spec)
            if answer.status < 400:
                return
            assert "out of sequence" in str(answer.body), f"update: {answer}"
            assert time.monotonic() < deadline

    def tasks(self, service: str, **filters: str) -> list[Json]:
        """Oldest first."""
        wanted = {"service": [service], **{key.replace("__", "-"): [value] for key, value in filters.items()}}
        found: list[Json] = self.ok("GET", "/tasks", {"filters": wanted})
        return sorted(found, key=lambda task: task["CreatedAt"])

    def running(self, service: str, replicas: int) -> list[Json]:
        """Waits until so many up-to-date tasks, and no other, are meant to run and do; their list by slot."""

        def ready() -> list[Json]:
            live = [t for t in self.tasks(service) if t["DesiredState"] in ("ready", "running")]
            fresh = {t["ID"] for t in self.tasks(service, **{"_up-to-date": "true"})}
            good = [t for t in live if t["Status"]["State"] == "running" and t["ID"] in fresh]
            return good if len(good) == len(live) == replicas else []

        if replicas == 0:
            return []
        return sorted(self.wait(ready, lambda: brief(self.tasks(service))), key=lambda t: t.get("Slot", 0))

    def update_state(self, service: str, *states: str) -> Json:
        """Waits until UpdateStatus is in one of the states; the service."""

        def there() -> Json | None:
            found = self.service(service)
            return found if found.get("UpdateStatus", {}).get("State") in states else None

        return self.wait(there, lambda: [self.service(service).get("UpdateStatus"), brief(self.tasks(service))])

    def wait(self, condition: Callable[[], Found | None], told: Callable[[], Any] = str, seconds: float = 90) -> Found:
        """What the condition answers once that is true. ``told``: what to show when it never is."""
        deadline = time.monotonic() + seconds
        while not (found := condition()):
            assert time.monotonic() < deadline, f"still not so after {seconds} s: {told()}"
            time.sleep(0.05)
        return found

    @contextmanager
    def tidy(self, prefix: str) -> Iterator[None]:
        """Removes every service, network, config and secret whose name begins with the prefix, afterwards."""
        try:
            yield
        finally:
            for kind, key in (("services", "Spec"), ("networks", ""), ("configs", "Spec"), ("secrets", "Spec")):
                for found in self.ok("GET", f"/{kind}", {"filters": {"name": [prefix]}}) or []:
                    named = found[key] if key else found
                    if named["Name"].startswith(prefix):
                        self.request("DELETE", f"/{kind}/{found.get('ID') or found['Id']}")


def service(
    name: str,
    *command: str,
    replicas: int = 1,
    container: Json | None = None,
    task: Json | None = None,
    restart: Json | None = None,
    **spec: Any,
) -> Json:
    """A service spec. The tasks end at once when they are stopped (no two seconds of grace, SIGKILL), and restart
    without delay unless told otherwise."""
    made = {"Image": IMAGE, "Command": list(command or ("sleep", "600")), "StopSignal": "SIGKILL", **(container or {})}
    template = {"ContainerSpec": made, "RestartPolicy": restart or {"Condition": "any", "Delay": 0}, "Placement": {}}
    return {
        "Name": name,
        "TaskTemplate": {**template, **(task or {})},
        "Mode": {"Replicated": {"Replicas": replicas}},
        **spec,
    }


def brief(tasks: list[Json]) -> list[str]:
    """Tasks in one line each, for a failed assertion."""
    return [
        f"{t['CreatedAt'][14:22]} {t['ID'][:6]}.{t.get('Slot', 0)} {t['DesiredState']}/{t['Status']['State']} "
        f"{t['Status']['Timestamp'][14:22]} {t['Status'].get('Err', '')}"
        for t in tasks
    ]


Scenario = Callable[[Manager, str], None]
"""A test that shares its manager with others that run at the same time: its own names begin with the given one."""


class BuiltIn:
    """``stackc manager`` as a process of its own, in a folder that is given."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.host = f"unix://{folder}/s"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, seconds: float = 30) -> None:
        command = [sys.executable, "-m", "stackc", "manager", "--socket", f"{self.folder}/s"]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "--state", f"{self.folder}/state"], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        deadline = time.monotonic() + seconds
        client = connect(self.host)
        try:
            while True:
                try:
                    if client.request("GET", "/_ping").status == 200:
                        return
                except EngineError:
                    pass
                ended = self._process.poll()
                assert ended is None, f"the manager ended with {ended}:\n{self.log()}"
                assert time.monotonic() < deadline, self.log()
                time.sleep(0.05)
        finally:
            client.close()

    def stop(self, seconds: float = 20) -> int:
        """SIGTERM; SIGKILL when that is not enough. The exit code."""
        if self._process is None:
            return 0
        self._process.terminate()
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()
        finally:
            self._process = None

    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")[-4000:]


def without_times(value: Any) -> Any:
    """For comparing answers: objects without ids, versions and times."""
    if isinstance(value, dict):
        left_out = {"ID", "Id", "Version", "CreatedAt", "UpdatedAt", "Created"}
        return {key: without_times(item) for key, item in value.items() if key not in left_out}
    if isinstance(value, list):
        return [without_times(item) for item in value]
    return value


def copy(spec: Json) -> Json:
    made: Json = json.loads(json.dumps(spec))
    return made
