"""Replicated services: as many occupied slots as the service has replicas."""

from __future__ import annotations

from reconciler.manager import specs
from reconciler.manager.model import Service, TaskState
from reconciler.manager.orchestrator.draft import Draft
from reconciler.manager.orchestrator.memory import SlotKey
from reconciler.manager.orchestrator.slots import Slot, occupied_and_dead
from reconciler.manager.orchestrator.updater import supervise


def reconcile(draft: Draft, service: Service) -> None:
    """Update the slots that stay, then add missing ones or remove surplus ones. Neither is part of the update: new
    slots get the current spec at once and are not counted."""
    occupied, dead = occupied_and_dead(draft, service)
    wanted = specs.replicas(service.spec)
    surplus: list[Slot] = []
    if wanted < len(occupied):
        ordered = _keep_first(list(occupied.values()))
        staying, surplus = ordered[:wanted], ordered[wanted:]
        supervise(draft, service, staying)
    else:
        supervise(draft, service, draft.choices.shuffle(list(occupied.values())))
    new = _free_slots(occupied, wanted - len(occupied))
    for number in new:
        draft.create(draft.services[service.id], slot=number, desired=TaskState.RUNNING)
    for slot in [*surplus, *(slot for key, slot in dead.items() if key.slot not in new)]:
        for task in slot:
            draft.want(task.id, TaskState.REMOVE)


def _free_slots(occupied: dict[SlotKey, Slot], count: int) -> list[int]:
    """The lowest numbers nobody occupies; numbers may have holes."""
    taken = {key.slot for key in occupied}
    free: list[int] = []
    number = 0
    while len(free) < count:
        number += 1
        if number not in taken:
            free.append(number)
    return free


def _keep_first(slots: list[Slot]) -> list[Slot]:
    """Slots in the order in which a scale-down keeps them, the most expendable last.

    Every slot is numbered as the n-th copy on its node, running ones first and then by slot number, and the lowest
    numbers stay: the fullest nodes give up first. Slots with two tasks or no node yet go before all others.
    """
    by_state = sorted(slots, key=lambda slot: (not _runs(slot), slot[0].slot))
    copies: dict[str, int] = {}
    ranked: list[tuple[float, Slot]] = []
    for slot in by_state:
        node_id = slot[0].node_id
        if len(slot) > 1 or not node_id:
            ranked.append((float("inf"), slot))
            continue
        copies[node_id] = copies.get(node_id, 0) + 1
        ranked.append((copies[node_id], slot))
    return [slot for _, slot in sorted(ranked, key=lambda entry: entry[0])]


def _runs(slot: Slot) -> bool:
    return any(task.status.state == TaskState.RUNNING for task in slot)
