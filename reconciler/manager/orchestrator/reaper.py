"""The task reaper: deletes tasks that are on their way out, and cuts each slot's history."""

from __future__ import annotations

from reconciler.manager import specs
from reconciler.manager.model import Task, TaskState
from reconciler.manager.orchestrator.draft import Draft
from reconciler.manager.orchestrator.memory import SlotKey
from reconciler.manager.orchestrator.slots import age

HISTORY_LIMIT = 5  # the cluster's default TaskHistoryRetentionLimit


def delete_leaving(draft: Draft) -> None:
    """A task to be removed goes once nothing of it is left on a node: it never got there, or it has ended."""
    for task in list(draft.tasks.values()):
        if task.desired == TaskState.REMOVE and (
            task.status.state < TaskState.ASSIGNED or task.status.state >= TaskState.COMPLETE
        ):
            draft.remove(task.id)


def cut_history(draft: Draft) -> None:
    """Only a slot that got a new task since is looked at; it stays on the list while more than one task lives."""
    if not draft.untidy:
        return
    by_slot: dict[SlotKey, list[Task]] = {key: [] for key in draft.untidy}
    for service_id in dict.fromkeys(key.service_id for key in draft.untidy):
        for task in draft.tasks_of(service_id):
            if (key := draft.slot_of(task)) in by_slot:
                by_slot[key].append(task)
    for key, tasks in by_slot.items():
        if _cut(draft, key, tasks) <= 1:
            del draft.untidy[key]


def _cut(draft: Draft, key: SlotKey, tasks: list[Task]) -> int:
    """Delete the oldest ended tasks beyond the limit, which counts the living too. Returns how many live."""
    service = draft.services.get(key.service_id)
    if service is None:
        return 0
    attempts = specs.RestartPolicy.of(specs.task_template(service.spec)).max_attempts
    limit = attempts + 1 if attempts else HISTORY_LIMIT
    living = [task for task in tasks if not _is_history(task)]
    history = sorted((task for task in tasks if _is_history(task)), key=age)
    for task in history[: max(0, len(tasks) - limit)]:
        draft.remove(task.id)
    return len(living)


def _is_history(task: Task) -> bool:
    return task.desired > TaskState.RUNNING and (
        task.status.state > TaskState.RUNNING or task.status.state < TaskState.ASSIGNED
    )
