"""What a manager does first after it has started: its memory is empty, the tasks are not.

Updates need nothing here: the first reconcile of a service whose status says ``updating`` or ``rollback_started``
begins over what is still dirty, with fresh counters, and one that is paused is left alone.
"""

from __future__ import annotations

from reconciler.manager import specs
from reconciler.manager.model import Task, TaskState
from reconciler.manager.orchestrator.draft import Draft
from reconciler.manager.orchestrator.memory import RestartHistory
from reconciler.manager.orchestrator.restart import delay_start
from reconciler.manager.orchestrator.slots import group


def resume(draft: Draft) -> None:
    _rebuild_history(draft)
    for task in list(draft.tasks.values()):
        if task.desired == TaskState.READY and task.status.state <= TaskState.RUNNING:
            delay_start(draft, task.id, delay=_remaining_delay(draft, task), old=None)


def _remaining_delay(draft: Draft, task: Task) -> float:
    """A parked task waits for what is left of its restart delay, counted from its last change of state."""
    delay = specs.RestartPolicy.of(task.spec).delay
    return max(0.0, min(delay, task.status.timestamp + delay - draft.now))


def _rebuild_history(draft: Draft) -> None:
    """All tasks of a slot's newest spec version, but the first, were restarts. The reaper keeps enough of them."""
    for key, tasks in group(draft, draft.tasks.values()).items():
        newest = max(task.spec_version for task in tasks)
        made = sorted((task.created_at, task.id) for task in tasks if task.spec_version == newest)
        if len(made) > 1:
            restarts = tuple(created_at for created_at, _ in made[1:])
            draft.history[key] = RestartHistory(spec_version=newest, restarts=restarts)
