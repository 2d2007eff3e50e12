"""A cluster of one node in a test's hands, with a real agent below it."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from reconciler.manager.agent import Agent
from reconciler.manager.clock import SystemClock
from reconciler.manager.model import Cluster, Node, Service, Task, TaskState, TaskStatus

SECOND = 10**9
NODE = Node(id="node1", hostname="host1")
PYTHON = os.path.realpath("/proc/self/exe")


class Contents:
    """Files from two dicts."""

    def __init__(self, configs: Mapping[str, bytes] | None = None, secrets: Mapping[str, bytes] | None = None) -> None:
        self.configs, self.secrets = dict(configs or {}), dict(secrets or {})

    def config(self, id: str) -> bytes:  # noqa: A002
        return self.configs[id]

    def secret(self, id: str) -> bytes:  # noqa: A002
        return self.secrets[id]


def new_task(task_id: str, argv: list[str] | None = None, *, service: str = "web", slot: int = 1, **spec: Any) -> Task:
    """``spec``: further keys of the ContainerSpec."""
    container = {"Image": "process/test:1", "Command": argv or ["sleep", "60"], **spec}
    return Task(
        id=task_id,
        service_id=f"id-{service}",
        service_name=service,
        service_labels={},
        slot=slot,
        node_id=NODE.id,
        spec={"ContainerSpec": container},
        endpoint={},
        spec_version=1,
        desired=TaskState.RUNNING,
        status=TaskStatus(state=TaskState.ASSIGNED, timestamp=time.time()),
        created_at=time.time(),
        updated_at=time.time(),
    )


class Rig:
    """Holds tasks and services as the manager's store would, and merges the agent's reports into them."""

    def __init__(self, state: Path, files: Contents | None = None) -> None:
        self.state, self.files = state, files or Contents()
        self.services: dict[str, Service] = {}
        self.tasks: dict[str, Task] = {}
        self.history: list[tuple[str, TaskState]] = []
        self._news = threading.Condition()
        self.agent = self.start_agent()

    def start_agent(self) -> Agent:
        self.agent = Agent(
            node_id=NODE.id, state_dir=self.state, files=self.files, report=self._merge, clock=SystemClock()
        )
        return self.agent

    def _merge(self, task_id: str, status: TaskStatus) -> None:
        with self._news:
            task = self.tasks.get(task_id)
            if task is not None and status.state > task.status.state:
                self.tasks[task_id] = replace(task, status=status)
                self.history.append((task_id, status.state))
            self._news.notify_all()

    def cluster(self) -> Cluster:
        with self._news:
            return Cluster(services=dict(self.services), tasks=dict(self.tasks), nodes={NODE.id: NODE})

    def update(self) -> None:
        self.agent.update(self.cluster())

    def put(self, *tasks: Task) -> None:
        with self._news:
            self.tasks |= {task.id: task for task in tasks}
        self.update()

    def want(self, task_id: str, desired: TaskState) -> None:
        with self._news:
            self.tasks[task_id] = replace(self.tasks[task_id], desired=desired)
        self.update()

    def drop(self, task_id: str) -> None:
        with self._news:
            del self.tasks[task_id]
        self.update()

    def wait(self, task_id: str, *states: TaskState, seconds: float = 60.0) -> TaskStatus:
        """Until the task's observed state is one of ``states``."""
        with self._news:
            done = self._news.wait_for(lambda: self.tasks[task_id].status.state in states, seconds)
            status = self.tasks[task_id].status
        assert done, f"{task_id} is {status} after {seconds} s"
        return status

    def states(self, task_id: str) -> list[TaskState]:
        return [state for known, state in self.history if known == task_id]

    def lines(self, task_id: str) -> list[bytes]:
        return [line.text for line in self.agent.logs(task_id)]

    def close(self) -> None:
        """End every task, then the agent."""
        with self._news:
            self.tasks.clear()
        self.update()
        until(lambda: not list((self.state / "tasks").glob("*")), "every task's folder is removed")
        self.agent.close()


def until(condition: Callable[[], object], what: str, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.02)


@contextmanager
def rig_at(state: Path, files: Contents | None = None) -> Iterator[Rig]:
    rig = Rig(state, files)
    try:
        yield rig
    finally:
        rig.close()


def alive(pid: int) -> bool:
    """Whether a process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0] != b"Z"
    except OSError:
        return False
