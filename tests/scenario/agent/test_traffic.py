"""Published ports while tasks come and go: what clients notice of it."""

from __future__ import annotations

import os
import signal
import socket
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
    rig.put(web_task(f"{order}-old1", published, "v1"), web_task(f"{order}-old2", published, "v1"))
    for name in (f"{order}-old1", f"{order}-old2"):
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
            rig.want(f"{order}-old{number}", TaskState.SHUTDOWN)
            rig.wait(f"{order}-old{number}", TaskState.SHUTDOWN)
        rig.put(web_task(f"{order}-new{number}", published, "v2"))
        rig.wait(f"{order}-new{number}", TaskState.RUNNING)
        if order == "start-first":
            rig.want(f"{order}-old{number}", TaskState.SHUTDOWN)
            rig.wait(f"{order}-old{number}", TaskState.SHUTDOWN)
    seen = [len(stream.answers) for stream in streams]
    until(lambda: all(len(s.answers) > n + 1 for s, n in zip(streams, seen, strict=True)), "answers afterwards")
    for stream in streams:
        stream.stop()
    assert [stream.failures for stream in streams] == [[], [], [], []]
    for stream in streams:
        assert stream.answers[0].startswith("v1 ")
        assert stream.answers[-1].startswith("v2 ")


def test_a_killed_task_loses_only_its_own_connections(rig: Rig) -> None:
    published = free_port()
    publish(rig, published)
    rig.put(web_task("a", published, "a"), web_task("b", published, "b"))
    pids = {name: rig.wait(name, TaskState.RUNNING).pid for name in ("a", "b")}
    slow = {}
    for _ in range(2):  # one call under way on each task
        client = socket.create_connection(("127.0.0.1", published), timeout=10)
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = client.recv(1000)
        while not answer.partition(b"\r\n\r\n")[2][9:]:
            answer += client.recv(1000)
            if len(answer.partition(b"\r\n\r\n")[2]) >= 3:
                break
        client.sendall(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        slow[answer.partition(b"\r\n\r\n")[2][:1].decode()] = client
    assert sorted(slow) == ["a", "b"]
    assert pids["a"] is not None
    os.kill(pids["a"], signal.SIGKILL)
    rig.wait("a", TaskState.FAILED)
    with slow["a"], slow["b"]:
        try:
            assert slow["a"].recv(1000) == b""
        except ConnectionResetError:
            pass
        assert slow["b"].recv(1000).startswith(b"HTTP/1.1 200")
    stream = Stream(published, keep_alive=False).start()
    until(lambda: len(stream.answers) > 20, "the other task goes on")
    stream.stop()
    assert stream.failures == []
    assert {answer[:1] for answer in stream.answers} == {"b"}


def test_a_port_that_is_taken_is_a_problem_but_the_task_runs(rig: Rig) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        published = taken.getsockname()[1]
        publish(rig, published)
        rig.put(replace(new_task("t1"), endpoint={"Ports": [{"TargetPort": 8080, "PublishedPort": published}]}))
        rig.wait("t1", TaskState.RUNNING)
        until(lambda: published in rig.agent.problems, "the problem is shown")
        assert rig.agent.problems[published].endswith(f"127.0.0.1:{published}: Address already in use")
    until(lambda: not rig.agent.problems, "the port is taken once it is free")


def test_every_task_can_bind_the_same_port_on_its_own_address(rig: Rig) -> None:
    script = (
        "import os, socket, time; s = socket.create_server((os.environ['STACKC_ADDRESS'], 8080));"
        " print('up', flush=True); time.sleep(60)"
    )
    names = [f"t{number}" for number in range(3)]
    rig.put(*(new_task(name, [PYTHON, "-S", "-c", script]) for name in names))
    for name in names:
        until(lambda name=name: rig.lines(name) == [b"up"], f"{name} listens")
    assert len({rig.wait(name, TaskState.RUNNING).address for name in names}) == 3
