"""Global services: one task on every node that is not drained or down and satisfies the constraints."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.manager import specs
from reconciler.manager.constraints import node_matches
from reconciler.manager.model import Node, Service, Task, TaskState
from reconciler.manager.orchestrator.dirty import is_dirty
from reconciler.manager.orchestrator.draft import Draft
from reconciler.manager.orchestrator.restart import restart
from reconciler.manager.orchestrator.slots import Slot, occupied_and_dead
from reconciler.manager.orchestrator.updater import supervise


def reconcile(draft: Draft, service: Service) -> None:
    """Look at every node. A paused node keeps what it has: nothing is added to it and nothing on it is updated."""
    occupied, _ = occupied_and_dead(draft, service)
    on_node = {key.node_id: slot for key, slot in occupied.items()}
    to_update: list[Slot] = []
    for node in draft.nodes.values():
        slot = on_node.get(node.id, ())
        if not is_usable(node):
            continue  # what was there has been shut down already
        if not _fits(service, node):
            _shut_down(draft, slot)
        elif node.availability == "pause":
            continue
        elif slot:
            to_update.append(slot)
        else:
            draft.create(service, slot=0, node_id=node.id, desired=TaskState.RUNNING)
    supervise(draft, service, draft.choices.shuffle(to_update))


def reconcile_node(draft: Draft, service: Service, node: Node) -> None:
    """A node changed (joined, was activated, got a label): bring the service up to date there, at once.

    This is no rolling update: it does not honour UpdateConfig and leaves no UpdateStatus.
    """
    if not is_usable(node) or node.availability == "pause" or not _fits(service, node):
        return
    occupied, _ = occupied_and_dead(draft, service)
    slot = next((slot for key, slot in occupied.items() if key.node_id == node.id), ())
    clean = [task for task in slot if not is_dirty(service, task, node)]
    if not clean:
        draft.create(service, slot=0, node_id=node.id, desired=TaskState.RUNNING)
    _shut_down(draft, [task for task in slot if task not in clean[:1]])


def replace_ended(draft: Draft, task: Task, service: Service) -> None:
    """A task ended on a usable node, or its node is lost. Only an active node that fits gets another one."""
    node = draft.node_of(task)
    if node is not None and is_usable(node) and node.availability == "active" and _fits(service, node):
        restart(draft, task, service)
    else:
        draft.want(task.id, TaskState.SHUTDOWN)


def is_usable(node: Node) -> bool:
    return node.availability != "drain" and node.state != "down"


def _fits(service: Service, node: Node) -> bool:
    placement = specs.placement(specs.task_template(service.spec))
    return node_matches(placement.get("Constraints") or (), node)


def _shut_down(draft: Draft, tasks: Iterable[Task]) -> None:
    for task in tasks:
        draft.want(task.id, TaskState.SHUTDOWN)
