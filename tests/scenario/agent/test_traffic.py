"""Published ports while tasks come and go: what clients notice of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from agent_rig import PYTHON, SECOND, Rig, new_task, rig_at, until
from agent_traffic import SERVER, Stream, free_port

from reconciler.manager.model import Service, Task, TaskState


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with rig_at(tmp_path) as rig:
        yield rig


def publish(rig: Rig, published: int, target: int = 8080, name: str = "web") -> None:
    port = {"Protocol": "tcp", "TargetPort": target, "PublishedPort": published, "PublishMode": "ingress"}
    spec = {"Name": name, "EndpointSpec": {"Ports": [port]}}
    service = Service(
        id=f"id-{name}", spec=spec, spec_version=1, version=1, created_at=0.0, updated_at=0.0, ports=(port,)
    )
    rig.services[service.id] = service
    rig.update()


def web_task(task_id: str, published: int, version: str, **spec: object) -> Task:
    probe = "import os, socket; socket.create_connection((os.environ['STACKC_ADDRESS'], 8080), 2).close()"
    check = {"Test": ["CMD", PYTHON, "-S", "-c", probe], "Interval": SECOND // 5, "Retries": 20}
    task = new_task(task_id, [PYTHON, "-S", "-c", SERVER, version], **{"Healthcheck": check, **spec})
    return replace(task, endpoint={"Ports": [{"Protocol": "tcp", "TargetPort": 8080, "PublishedPort": published}]})


@pytest.mark.parametrize("order", ["stop-first", "start-first"])
def test_a_rolling_replacement_loses_no_request(rig: Rig, order: str) -> None:
    published = free_port()
    publish(rig, published)
    rig.put(web_task("old1", published, "v1"), web_task("old2", published, "v1"))
    for name in ("old1", "old2"):
        rig.wait(name, TaskState.RUNNING)
    streams = [
        Stream(published, keep_alive=True).start(),
        Stream(published, keep_alive=True, pause=0.03).start(),
        Stream(published, keep_alive=False).start(),
        Stream(published, keep_alive=False, path="/slow").start(),
    ]
    until(lambda: all(stream.answers for stream in streams), "every client has an answer")
    for number in (1, 2):
        if order == "stop-first":
            rig.want(f"old{number}", TaskState.SHUTDOWN)
            rig.wait(f"old{number}", TaskState.SHUTDOWN)
        rig.put(web_task(f"new{number}", published, "v2"))
        rig.wait(f"new{number}", TaskState.RUNNING)
        if order == "start-first":
            rig.want(f"old{number}", TaskState.SHUTDOWN)
            rig.wait(f"old{number}", TaskState.SHUTDOWN)
    seen = [len(stream.answers) for stream in streams]
    until(lambda: all(len(s.answers) > n + 1 for s, n in zip(streams, seen, strict=True)), "answers afterwards")
    for stream in streams:
        stream.stop()
    assert [stream.failures for stream in streams] == [[], [], [], []]
    for stream in streams:
        assert stream.answers[0].startswith("v1 ")
        assert stream.answers[-1].startswith("v2 ")
