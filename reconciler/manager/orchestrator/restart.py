"""The restart supervisor: whether a task that ended is replaced, and when the replacement may start.

A replacement is made at once, in the same slot, from the service's *current* spec, but parked: desired READY lets the
agent prepare it (pull the image) during the delay. It goes to RUNNING when the delay of the restart policy is over
and the old task has stopped; the wait for the old task ends after a minute.
"""

from __future__ import annotations

from reconciler.manager import specs
from reconciler.manager.model import Service, Task, TaskState
from reconciler.manager.orchestrator.draft import Draft
from reconciler.manager.orchestrator.memory import DelayedStart, RestartHistory

OLD_TASK_TIMEOUT = 60.0
FAILURE_MEMORY = 300.0  # for how long the scheduler remembers a failure


def restart(draft: Draft, task: Task, service: Service) -> None:
    """Shut ``task`` down (it ended, or its node is lost) and replace it if its restart policy says so.

    A task whose own start is still delayed is left alone until the delay is over: without this, a task that is
    rejected while it is prepared (no such image) would be replaced in a tight loop.
    """
    if task.id in draft.starts:
        return
    draft.want(task.id, TaskState.SHUTDOWN)
    _remember_failure(draft, task)
    if not should_restart(draft, task):
        return
    replacement = draft.create(
        service,
        slot=task.slot,
        node_id="" if task.slot else task.node_id,
        desired=TaskState.READY,
    )
    _record(draft, replacement)
    node = draft.node_of(task)
    drained = node is not None and node.availability == "drain"
    down = node is not None and node.state == "down"
    delay_start(
        draft,
        replacement.id,
        delay=0.0 if drained else specs.RestartPolicy.of(task.spec).delay,
        old=None if down else task,
    )


def should_restart(draft: Draft, task: Task) -> bool:
    """What the restart policy the task was made with says about replacing it.

    Restarts of another spec version do not count: a changed service starts with a clean record.
    """
    policy = specs.RestartPolicy.of(task.spec)
    if policy.condition == "none" or (policy.condition == "on-failure" and task.status.state == TaskState.COMPLETE):
        return False
    if not policy.max_attempts:
        return True
    history = draft.history.get(draft.slot_of(task))
    if history is None or history.spec_version != task.spec_version:
        return True
    if not policy.window:
        return len(history.restarts) < policy.max_attempts
    ended = task.status.timestamp
    recent = [at for at in history.restarts if ended - policy.window < at < ended]
    return len(recent) < policy.max_attempts


def _record(draft: Draft, replacement: Task) -> None:
    if not specs.RestartPolicy.of(replacement.spec).max_attempts:
        return
    key = draft.slot_of(replacement)
    history = draft.history.get(key)
    earlier = history.restarts if history and history.spec_version == replacement.spec_version else ()
    draft.history[key] = RestartHistory(
        spec_version=replacement.spec_version, restarts=(*earlier, replacement.created_at)
    )


def _remember_failure(draft: Draft, task: Task) -> None:
    """The scheduler avoids nodes on which a service keeps failing. Global tasks have no choice of node."""
    if task.status.state not in (TaskState.FAILED, TaskState.REJECTED) or not task.slot or not task.node_id:
        return
    draft.failures = {
        key: recent
        for key, times in draft.failures.items()
        if (recent := tuple(at for at in times if at > draft.now - FAILURE_MEMORY))
    }
    key = (task.node_id, task.service_id, task.spec_version)
    draft.failures[key] = (*draft.failures.get(key, ()), draft.now)


def delay_start(draft: Draft, task_id: str, *, delay: float, old: Task | None) -> None:
    """Let the parked task start after ``delay`` seconds and once ``old`` has stopped. Replaces an earlier delay."""
    waits_for = old.id if old is not None and old.status.state <= TaskState.RUNNING else ""
    draft.starts[task_id] = DelayedStart(
        not_before=draft.now + delay, old_task=waits_for, give_up=draft.now + OLD_TASK_TIMEOUT
    )
    _start_when_due(draft, task_id)


def start_due_tasks(draft: Draft) -> None:
    for task_id in list(draft.starts):
        _start_when_due(draft, task_id)


def _start_when_due(draft: Draft, task_id: str) -> None:
    task = draft.tasks.get(task_id)
    if task is None or task.desired > TaskState.RUNNING:
        del draft.starts[task_id]  # nobody wants it any more
    elif _is_due(draft, draft.starts[task_id]):
        del draft.starts[task_id]
        draft.want(task_id, TaskState.RUNNING)


def _is_due(draft: Draft, start: DelayedStart) -> bool:
    if draft.now < start.not_before:
        return False
    return draft.now >= start.give_up or not _is_stopping(draft, start.old_task)


def _is_stopping(draft: Draft, task_id: str) -> bool:
    """The old task may still hold what its successor needs: it has not ended, and its node is there to end it."""
    task = draft.tasks.get(task_id)
    if task is None or task.status.state > TaskState.RUNNING:
        return False
    node = draft.node_of(task)
    return node is not None and node.state != "down"


def alarms(draft: Draft) -> list[float]:
    """When a delayed start changes by the clock alone."""
    times = []
    for start in draft.starts.values():
        if draft.now < start.not_before:
            times.append(start.not_before)
        if start.old_task:
            times.append(max(start.not_before, start.give_up))
    return [at for at in times if at > draft.now]
