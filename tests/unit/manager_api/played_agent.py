"""An agent without processes: tasks do at once what is wanted of them, unless a test says otherwise."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from reconciler.manager.model import Cluster, Task, TaskState, TaskStatus
from reconciler.manager.runtimes.tasklog import LogLine


class PlayedAgent:
    """Reports RUNNING for tasks that are wanted running and SHUTDOWN for those that are not."""

    def __init__(self, report: Callable[[str, TaskStatus], None]) -> None:
        self.report = report
        self.recovered: Mapping[str, Task] | None = None
        self.updates = 0
        self.problems: dict[int, str] = {}
        self.lines: dict[str, list[LogLine]] = {}
        self._told: dict[str, TaskState] = {}

    def recover(self, tasks: Mapping[str, Task]) -> None:
        self.recovered = tasks

    def update(self, cluster: Cluster) -> None:
        self.updates += 1
        for task in cluster.tasks.values():
            wanted = self._next(task)
            if wanted is not None and self._told.get(task.id) != wanted:
                self._told[task.id] = wanted
                self.report(task.id, replace(task.status, state=wanted, message=wanted.name.lower(), pid=4242))

    def _next(self, task: Task) -> TaskState | None:
        state = task.status.state
        if not TaskState.ASSIGNED <= state <= TaskState.RUNNING:
            return None
        if task.desired >= TaskState.SHUTDOWN:
            return TaskState.SHUTDOWN
        if task.desired == TaskState.READY:
            return TaskState.READY if state < TaskState.READY else None
        return TaskState.RUNNING if state < TaskState.RUNNING else None

    def fail(self, task: Task, err: str, code: int = 1) -> None:
        self.report(task.id, replace(task.status, state=TaskState.FAILED, err=err, exit_code=code))

    def logs(
        self,
        task_id: str,
        *,
        since: float = 0.0,
        tail: int | None = None,
        follow: bool = False,
        stopped: Callable[[], bool] = lambda: False,
    ) -> Iterator[LogLine]:
        lines = [line for line in self.lines.get(task_id, []) if line.time >= since]
        given = len(lines)
        yield from lines[-tail:] if tail is not None else lines
        while follow and not stopped():
            more = self.lines.get(task_id, [])[given:]
            given += len(more)
            yield from more
            time.sleep(0.02)

    def close(self) -> None:
        pass
