"""A whole manager in the test's process: real store, real socket, real loop; only the tasks are played."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from played_agent import PlayedAgent

from reconciler.manager.api.context import Context
from reconciler.manager.api.router import Router
from reconciler.manager.api.server import Server
from reconciler.manager.clock import SystemClock
from reconciler.manager.daemon import Manager
from reconciler.manager.foreground import load_state
from reconciler.manager.ids import SystemChoices
from reconciler.manager.store import Store
from reconciler.manager.store.database import Connect, connect

Json = Any


class Answer(NamedTuple):
    status: int
    body: Json
    headers: dict[str, str]

    @property
    def message(self) -> str:
        return str(self.body["message"])


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=20)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(20)
        self.sock.connect(str(self._path))


class Served:
    def __init__(self, folder: Path, *, connect: Connect = connect) -> None:
        choices = SystemChoices()
        clock = SystemClock()
        store = Store.open(folder, connect=connect)
        state = load_state(store, choices, address="127.0.0.1", now=clock.now())
        self.agents: list[PlayedAgent] = []

        def make(files: Any, report: Any) -> PlayedAgent:
            self.files = files
            self.agents.append(PlayedAgent(report))
            return self.agents[0]

        self.manager = Manager(store=store, state=state, make_agent=make, clock=clock, choices=choices)
        self.path = folder / "m.sock"
        self.server = Server.bind(self.path)
        self.manager.start()
        self.server.start(Router(Context(self.manager, "0.0.1", str(folder))))
        self._loop = threading.Thread(target=self.manager.run)
        self._loop.start()

    @property
    def agent(self) -> PlayedAgent:
        return self.agents[0]

    def close(self) -> None:
        self.server.close()
        self.manager.stop()
        self._loop.join()
        self.manager.close()

    def call(self, method: str, path: str, body: Json = None, *, raw: bytes | None = None) -> Answer:
        connection = UnixConnection(self.path)
        try:
            data = raw if raw is not None else (None if body is None else json.dumps(body).encode())
            connection.request(method, path.replace(" ", "%20").replace('"', "%22"), data)
            answer = connection.getresponse()
            text = answer.read()
            headers = dict(answer.getheaders())
        finally:
            connection.close()
        is_json = headers.get("Content-Type") == "application/json" and text and "/events" not in path
        return Answer(answer.status, json.loads(text) if is_json else text, headers)

    def create(self, name: str, **more: Json) -> str:
        answer = self.call("POST", "/services/create", service_spec(name, **more))
        assert answer.status == 201, answer
        return str(answer.body["ID"])

    def version(self, service: str) -> int:
        return int(self.call("GET", f"/services/{service}").body["Version"]["Index"])

    def update(self, name: str, spec: Json, query: str = "") -> None:
        """Again when the version has moved on meanwhile, as the orchestrator's writes make it."""

        def done() -> bool:
            answer = self.call("POST", f"/services/{name}/update?version={self.version(name)}{query}", spec)
            assert answer.status == 200 or "out of sequence" in answer.message, answer
            return answer.status == 200

        self.wait(done, f"update of {name}")

    def tasks(self, service: str) -> list[Json]:
        return list(self.call("GET", f'/tasks?filters={{"service":["{service}"]}}').body)

    def wait(self, true: Callable[[], Any], what: str) -> Any:
        deadline = time.monotonic() + 20
        while not (found := true()):
            assert time.monotonic() < deadline, f"never: {what}"
            time.sleep(0.01)
        return found

    def running(self, service: str, count: int) -> list[Json]:
        def found() -> list[Json]:
            live = [one for one in self.tasks(service) if one["DesiredState"] == "running"]
            return live if [one["Status"]["State"] for one in live] == ["running"] * count else []

        return list(self.wait(found, f"{count} running tasks of {service}")) if count else []


def service_spec(name: str, *, container: Json = None, task: Json = None, **more: Json) -> Json:
    return {
        "Name": name,
        "TaskTemplate": {"ContainerSpec": {"Image": "process/x:1", **(container or {})}, **(task or {})},
        "Mode": {"Replicated": {"Replicas": 0}},
        **more,
    }
