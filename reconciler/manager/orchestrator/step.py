"""One step: look at the whole snapshot, and do everything that is to be done at this moment."""

from __future__ import annotations

from collections.abc import Callable

from reconciler.manager import specs
from reconciler.manager.model import Cluster, Service, Task, TaskState
from reconciler.manager.orchestrator import global_, nodes, reaper, replicated, restart, updater
from reconciler.manager.orchestrator.draft import Choices, Draft, Step
from reconciler.manager.orchestrator.memory import Memory
from reconciler.manager.orchestrator.resume import resume
from reconciler.manager.scheduler import schedule

# How a service of each mode is reconciled, and how a task of it that ended is replaced. Jobs belong here.
RECONCILE: dict[str, Callable[[Draft, Service], None]] = {
    "Replicated": replicated.reconcile,
    "Global": global_.reconcile,
}
REPLACE: dict[str, Callable[[Draft, Task, Service], None]] = {
    "Replicated": restart.restart,
    "Global": global_.replace_ended,
}


def step(cluster: Cluster, memory: Memory, now: float, choices: Choices) -> Step:
    """Decide what is to be done about ``cluster`` at ``now``. Pure; the same arguments give the same Step.

    Level-triggered: what happened since the last call shows in the snapshot, as observed states of tasks (merged by
    the caller, never decreasing) and as new versions of services and nodes. A service is reconciled when its version
    differs from the one last reconciled, which includes versions given to what a step itself wrote; with an empty
    memory all are. Call again at ``wake_at``, or when anything changed.
    """
    draft = Draft(cluster, memory, now, choices)
    if not memory.started:
        resume(draft)
    _forget_deleted_services(draft)
    restart.start_due_tasks(draft)
    changed_nodes = [node for node in draft.nodes.values() if memory.nodes.get(node.id) != node.version]
    for node in changed_nodes:
        nodes.reject_misfits(draft, node)
    nodes.orphan_tasks(draft)
    _replace_ended_tasks(draft)
    _reconcile_services(draft)
    if memory.started:
        _reconcile_nodes(draft, [node.id for node in changed_nodes])
    draft.seen_nodes = {node.id: node.version for node in draft.nodes.values()}
    _advance_updates(draft)
    reaper.delete_leaving(draft)
    reaper.cut_history(draft)
    for task in schedule(draft.tasks, draft.services, draft.nodes, draft.failures, now, choices.shuffle):
        draft.put(task)
    return draft.result(_alarms(draft))


def _forget_deleted_services(draft: Draft) -> None:
    """A deleted service takes its tasks with it, and everything that is remembered about it."""
    known = draft.services
    for task in [task for task in draft.tasks.values() if task.service_id not in known]:
        draft.want(task.id, TaskState.REMOVE)
    draft.reconciled = {key: version for key, version in draft.reconciled.items() if key in known}
    draft.updates = {key: update for key, update in draft.updates.items() if key in known}
    if draft.history:
        draft.history = {key: history for key, history in draft.history.items() if key.service_id in known}


def _replace_ended_tasks(draft: Draft) -> None:
    """Tasks that are meant to live and do not: they ended, or their node is gone, down or drained."""
    usable = {node.id for node in draft.nodes.values() if global_.is_usable(node)}
    usable.add("")  # not placed yet
    over = [
        task
        for task in draft.tasks.values()
        if task.desired <= TaskState.RUNNING and (task.status.state > TaskState.RUNNING or task.node_id not in usable)
    ]
    for task in over:
        service = draft.services.get(task.service_id)
        if service is not None and (replace_task := REPLACE.get(specs.mode(service.spec))) is not None:
            replace_task(draft, task, service)


def _reconcile_services(draft: Draft) -> None:
    for service in list(draft.services.values()):
        if draft.reconciled.get(service.id) == service.version:
            continue
        draft.reconciled[service.id] = service.version
        if (reconcile := RECONCILE.get(specs.mode(service.spec))) is not None:
            reconcile(draft, service)


def _reconcile_nodes(draft: Draft, node_ids: list[str]) -> None:
    if not node_ids:
        return
    for service in list(draft.services.values()):
        if specs.mode(service.spec) == "Global":
            for node_id in node_ids:
                global_.reconcile_node(draft, service, draft.nodes[node_id])


def _advance_updates(draft: Draft) -> None:
    for service_id, update in list(draft.updates.items()):
        moved = updater.advance(draft, update)
        if moved is None:
            del draft.updates[service_id]
        else:
            draft.updates[service_id] = moved


def _alarms(draft: Draft) -> list[float]:
    of_updates = [at for update in draft.updates.values() for at in updater.alarms(update)]
    return [*of_updates, *restart.alarms(draft), *nodes.alarms(draft)]
