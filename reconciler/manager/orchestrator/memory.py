"""What the orchestrator remembers between two steps: values, lost when the manager stops.

Everything that must survive is in the services and tasks themselves; ``resume`` says how the rest comes back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from reconciler.manager.model import Service, Task
from reconciler.manager.specs import UpdateConfig


class SlotKey(NamedTuple):
    """One place where one task of a service should live: a slot number, or a node for a global service."""

    service_id: str
    slot: int
    node_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DelayedStart:
    """A task parked at READY. It may run from ``not_before`` on, once ``old_task`` ("" for none) has stopped, which
    is waited for until ``give_up`` at most."""

    not_before: float
    old_task: str
    give_up: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RestartHistory:
    """When the restart supervisor replaced tasks of one slot, all of the same spec version."""

    spec_version: int
    restarts: tuple[float, ...]


class Wait(Enum):
    START = "until the kept task may start"
    RUN = "until the new task runs"
    DELAY = "until the delay is over"


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """An update worker that is busy with ``slot``. ``old``: tasks to stop once ``task_id`` runs (start-first)."""

    slot: SlotKey
    wait: Wait
    task_id: str = ""
    old: tuple[str, ...] = ()
    until: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """A rolling update in progress. ``service`` is the service as it was when the update began.

    ``queue``: slots (with their tasks at that moment) that no worker has taken yet.
    ``total``: dirty slots at the beginning, the denominator of the failure ratio.
    ``created``: tasks this update made, with the time a worker saw them run.
    ``ended``: those of them that were seen to end; ``unread``: ended, but not judged yet.
    ``stopped``: take no further slot; ``monitor_until``: all slots done, watching.
    """

    service: Service
    config: UpdateConfig
    total: int
    queue: tuple[tuple[Task, ...], ...]
    workers: tuple[Worker, ...] = ()
    created: Mapping[str, float | None] = field(default_factory=dict)
    ended: frozenset[str] = frozenset()
    unread: tuple[str, ...] = ()
    failures: int = 0
    stopped: bool = False
    monitor_until: float | None = None

    @property
    def slots_in_progress(self) -> int:
        """Slots whose tasks are being exchanged right now; a worker that only waits out its delay has none."""
        return sum(worker.wait is not Wait.DELAY for worker in self.workers)


FailureKey = tuple[str, str, int]  # node, service, spec version


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """``Memory()`` is what a manager knows that has just started.

    ``reconciled``: service id → version at which it was last reconciled. ``nodes``: node id → version last seen.
    ``untidy``: slots in which a task was created and the history has not been cut since.
    ``failures``: times at which tasks of a spec version failed on a node, for the scheduler.
    """

    started: bool = False
    reconciled: Mapping[str, int] = field(default_factory=dict)
    nodes: Mapping[str, int] = field(default_factory=dict)
    updates: Mapping[str, Update] = field(default_factory=dict)
    starts: Mapping[str, DelayedStart] = field(default_factory=dict)
    history: Mapping[SlotKey, RestartHistory] = field(default_factory=dict)
    untidy: tuple[SlotKey, ...] = ()
    failures: Mapping[FailureKey, tuple[float, ...]] = field(default_factory=dict)
