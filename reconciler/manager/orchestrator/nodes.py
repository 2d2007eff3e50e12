"""What a change of a node does to the tasks on it, apart from restarting them."""

from __future__ import annotations

from reconciler.manager import specs
from reconciler.manager.constraints import node_matches
from reconciler.manager.model import Node, Task, TaskState
from reconciler.manager.orchestrator.draft import Draft

ORPHANED_AFTER = 24 * 3600.0


def reject_misfits(draft: Draft, node: Node) -> None:
    """The node changed: tasks that its labels or resources no longer allow are rejected, and so replaced elsewhere.

    It is the *service's* constraints that count. A paused or drained node is left alone.
    """
    if node.availability != "active":
        return
    cpus, memory = node.nano_cpus, node.memory_bytes
    for task in [task for task in draft.tasks.values() if task.node_id == node.id and _is_live(task)]:
        service = draft.services.get(task.service_id)
        template = specs.task_template(service.spec) if service else task.spec
        fits = node_matches(specs.placement(template).get("Constraints") or (), node)
        task_cpus, task_memory = specs.reservations(task.spec)
        if fits and task_cpus <= cpus and task_memory <= memory:
            cpus, memory = cpus - task_cpus, memory - task_memory
        else:
            draft.report(
                task.id,
                TaskState.REJECTED,
                "task rejected by constraint enforcer",
                "assigned node no longer meets constraints",
            )


def _is_live(task: Task) -> bool:
    return task.desired <= TaskState.RUNNING and task.status.state <= TaskState.RUNNING


def orphan_tasks(draft: Draft) -> None:
    """Nobody will report on tasks of a node that is gone for good: deleted, or down for a day."""
    for task, at in _unreachable(draft):
        if draft.now >= at:
            draft.report(task.id, TaskState.ORPHANED, "task orphaned by the loss of its node")


def alarms(draft: Draft) -> list[float]:
    return [at for _, at in _unreachable(draft)]


def _unreachable(draft: Draft) -> list[tuple[Task, float]]:
    """Tasks that were last seen alive on a node that is down or deleted, and when they are given up."""
    up = {node.id for node in draft.nodes.values() if node.state != "down"}
    return [
        (task, node.updated_at + ORPHANED_AFTER if (node := draft.node_of(task)) else draft.now)
        for task in draft.tasks.values()
        if task.node_id not in up and TaskState.ASSIGNED <= task.status.state <= TaskState.RUNNING
    ]
