"""A task to vary."""

from __future__ import annotations

from reconciler.manager.model import Task, TaskState, TaskStatus


def task(task_id: str) -> Task:
    return Task(
        id=task_id,
        service_id="s1",
        service_name="web",
        service_labels={},
        slot=1,
        node_id="n1",
        spec={"ContainerSpec": {"Image": "process/web:1", "Command": ["serve"]}},
        endpoint={},
        spec_version=1,
        desired=TaskState.RUNNING,
        status=TaskStatus(state=TaskState.RUNNING, timestamp=0.0),
        created_at=0.0,
        updated_at=0.0,
    )
