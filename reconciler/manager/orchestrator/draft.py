"""The working copy of one step: the snapshot, what this step changes in it, and the memory being rewritten.

The two laws of task states are kept here and nowhere else: neither the desired nor the observed state decreases.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from reconciler.manager import specs
from reconciler.manager.model import Cluster, Node, Service, Task, TaskState, TaskStatus
from reconciler.manager.orchestrator.memory import Memory, SlotKey

T = TypeVar("T")


class Choices(Protocol):
    """Where chance comes in. Both must be deterministic for a step to be reproducible."""

    def new_id(self) -> str: ...

    def shuffle(self, items: Sequence[T]) -> list[T]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one step decided. The caller merges it into its store and gives every changed object a new version.

    ``tasks`` are new or changed. Changed are: the desired state; node and status on the way to ASSIGNED; the status
    of a task that no agent will report on (SHUTDOWN of one that never got a node, REJECTED by a node that no longer
    fits it, ORPHANED on a node that is gone).
    ``wake_at``: when to call again if nothing happens until then; the step's own ``now`` when it changed something.
    """

    services: tuple[Service, ...]
    tasks: tuple[Task, ...]
    removed_tasks: tuple[str, ...]
    wake_at: float | None
    memory: Memory

    @property
    def empty(self) -> bool:
        return not (self.services or self.tasks or self.removed_tasks)


class Draft:
    """Mutable inside one step, never seen outside of it."""

    def __init__(self, cluster: Cluster, memory: Memory, now: float, choices: Choices) -> None:
        self.now = now
        self.choices = choices
        self.services = dict(cluster.services)
        self.tasks = dict(cluster.tasks)
        self.nodes = cluster.nodes
        self.reconciled = dict(memory.reconciled)
        self.seen_nodes = dict(memory.nodes)
        self.updates = dict(memory.updates)
        self.starts = dict(memory.starts)
        self.history = dict(memory.history)
        self.untidy = dict.fromkeys(memory.untidy)
        self.failures = dict(memory.failures)
        self._before = cluster
        self._changed_services: dict[str, None] = {}
        self._changed_tasks: dict[str, None] = {}
        self._removed: dict[str, None] = {}
        self._by_service: dict[str, list[str]] | None = None

    # --- reading ---------------------------------------------------------------------------------------------------

    def tasks_of(self, service_id: str) -> list[Task]:
        """The service's tasks in the order in which they entered the snapshot."""
        if self._by_service is None:
            self._by_service = {}
            for task in self.tasks.values():
                self._by_service.setdefault(task.service_id, []).append(task.id)
        return [self.tasks[task_id] for task_id in self._by_service.get(service_id, ()) if task_id in self.tasks]

    def node_of(self, task: Task) -> Node | None:
        return self.nodes.get(task.node_id)

    def slot_of(self, task: Task) -> SlotKey:
        """Where the task belongs: its slot, or its node when its service is global (slot 0)."""
        return SlotKey(task.service_id, task.slot, "" if task.slot else task.node_id)

    # --- writing ---------------------------------------------------------------------------------------------------

    def write(self, service: Service) -> None:
        self.services[service.id] = service
        self._changed_services[service.id] = None

    def put(self, task: Task) -> None:
        if self._by_service is not None and task.id not in self.tasks:
            self._by_service.setdefault(task.service_id, []).append(task.id)
        self.tasks[task.id] = task
        self._changed_tasks[task.id] = None

    def create(self, service: Service, *, slot: int, node_id: str = "", desired: TaskState) -> Task:
        """A new task for a slot, from the service as given. An absent EndpointSpec is stored as ``{}``, an empty one
        as what Docker stores for it, so that the two stay different."""
        endpoint = service.spec.get("EndpointSpec")
        task = Task(
            id=self.choices.new_id(),
            service_id=service.id,
            service_name=service.name,
            service_labels=service.spec.get("Labels") or {},
            slot=slot,
            node_id=node_id,
            spec=specs.task_template(service.spec),
            endpoint={} if endpoint is None else endpoint or {"Mode": "vip"},
            spec_version=service.spec_version,
            desired=desired,
            status=TaskStatus(state=TaskState.NEW, timestamp=self.now, message="created"),
            created_at=self.now,
            updated_at=self.now,
        )
        self.put(task)
        self.untidy[self.slot_of(task)] = None
        return task

    def want(self, task_id: str, desired: TaskState) -> None:
        """Raise the desired state. A task that no node has yet has no agent to stop it: it is stopped here."""
        task = self.tasks[task_id]
        if task.desired >= desired:
            return
        self.put(replace(task, desired=desired, updated_at=self.now))
        if desired == TaskState.SHUTDOWN and task.status.state < TaskState.ASSIGNED:
            self.report(task_id, TaskState.SHUTDOWN, "shutdown")

    def report(self, task_id: str, state: TaskState, message: str, err: str = "") -> None:
        """Raise the observed state."""
        task = self.tasks[task_id]
        if task.status.state >= state:
            return
        status = replace(task.status, state=state, timestamp=self.now, message=message, err=err)
        self.put(replace(task, status=status, updated_at=self.now))

    def remove(self, task_id: str) -> None:
        del self.tasks[task_id]
        self._changed_tasks.pop(task_id, None)
        if task_id in self._before.tasks:
            self._removed[task_id] = None

    # --- the result ------------------------------------------------------------------------------------------------

    def result(self, alarms: Iterable[float]) -> Step:
        services = tuple(
            self.services[service_id] for service_id in self._changed_services if service_id in self.services
        )
        tasks = tuple(self.tasks[task_id] for task_id in self._changed_tasks)
        removed = tuple(self._removed)
        if services or tasks or removed:
            wake_at: float | None = self.now
        else:
            wake_at = min(alarms, default=None)
        memory = Memory(
            started=True,
            reconciled=self.reconciled,
            nodes=self.seen_nodes,
            updates=self.updates,
            starts=self.starts,
            history=self.history,
            untidy=tuple(self.untidy),
            failures=self.failures,
        )
        return Step(services=services, tasks=tasks, removed_tasks=removed, wake_at=wake_at, memory=memory)
