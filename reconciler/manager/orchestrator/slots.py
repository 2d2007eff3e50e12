"""Slots: the tasks that occupy one place of a service, and which of them an update has to look at."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.manager.model import Service, Task, TaskState
from reconciler.manager.orchestrator.draft import Draft
from reconciler.manager.orchestrator.memory import SlotKey
from reconciler.manager.orchestrator.restart import should_restart

Slot = tuple[Task, ...]


def group(draft: Draft, tasks: Iterable[Task]) -> dict[SlotKey, list[Task]]:
    slots: dict[SlotKey, list[Task]] = {}
    for task in tasks:
        slots.setdefault(draft.slot_of(task), []).append(task)
    return slots


def occupied_and_dead(draft: Draft, service: Service) -> tuple[dict[SlotKey, Slot], dict[SlotKey, Slot]]:
    """The service's slots in two disjoint sets, both in slot order.

    Occupied: some task is still meant to run, or the newest one ended and its restart policy leaves it at that.
    Dead: nothing lives there any more. Tasks on their way out (desired REMOVE) occupy nothing.
    """
    occupied: dict[SlotKey, Slot] = {}
    dead: dict[SlotKey, Slot] = {}
    staying = (task for task in draft.tasks_of(service.id) if task.desired != TaskState.REMOVE)
    for key, tasks in sorted(group(draft, staying).items()):
        updatable = updatable_tasks(draft, service, tasks)
        if updatable:
            occupied[key] = updatable
        else:
            dead[key] = tuple(tasks)
    return occupied, dead


def updatable_tasks(draft: Draft, service: Service, tasks: list[Task]) -> Slot:
    """What an update may replace in a slot: the live tasks; in a slot that was given up, its newest task.

    A slot that ended for good still holds its place, so that reconciling does not refill it, and a changed spec
    revives it. A rollback must end with every slot filled, so there it holds nothing.
    """
    live = tuple(task for task in tasks if task.desired <= TaskState.RUNNING)
    if live:
        return live
    if service.update_status is not None and service.update_status.state == "rollback_started":
        return ()
    newest = max(tasks, key=age)
    return () if should_restart(draft, newest) else (newest,)


def age(task: Task) -> tuple[float, float, str]:
    """Orders tasks from old to new: by their last change of state, as Docker does."""
    return task.status.timestamp, task.created_at, task.id
