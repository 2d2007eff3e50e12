"""Simulated tasks on a virtual clock: the orchestrator's own rules, played through without a process or a sleep.

``SimulatedAgent`` moves tasks through their states as a node's agent would, by a script per task; ``Simulation`` is a
whole cluster: services written as the API writes them, the orchestrator's steps, the agent, and time that jumps from
one event to the next. Tests and rehearsals run on it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from reconciler.manager.model import Cluster, Json, Node, Service, Task, TaskState, TaskStatus
from reconciler.manager.orchestrator import Memory, Step, step
from reconciler.manager.orchestrator.revision import revert, revise

T = TypeVar("T")

# So many rounds per task at one moment of time are taken for endless.
_PATIENCE = 50
UNHEALTHY = "dockerexec: unhealthy container"


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """How one task behaves; all times in seconds.

    ``prepare``: ASSIGNED → READY. ``start``: from the start of the process to its first healthy probe (RUNNING).
    ``fails_after``: from the start of the process to its end by itself with ``exit_code``, which may be before it is
    RUNNING. ``healthy`` False: no probe ever succeeds; it stays STARTING and after ``fails_after`` is stopped as
    unhealthy. ``stop``: how long it takes to stop. ``rejected``: preparing it ends with this error.
    """

    prepare: float = 0.1
    start: float = 0.1
    fails_after: float | None = None
    exit_code: int = 1
    healthy: bool = True
    stop: float = 0.1
    rejected: str | None = None


class SimulatedAgent:
    """Plays the tasks of every node that is not down. ``script`` is asked once per task, when it is assigned."""

    def __init__(self, script: Callable[[Task], Script]) -> None:
        self._script = script
        self._scripts: dict[str, Script] = {}
        self._started: dict[str, float] = {}
        self._stopping: dict[str, float] = {}
        self._killed: dict[str, int] = {}

    def rewrite(self, script: Callable[[Task], Script]) -> None:
        """Tasks that were not assigned yet behave by another script."""
        self._script = script

    def kill(self, task_id: str, exit_code: int) -> None:
        """The task's process ends by itself, as soon as the agent looks."""
        self._killed[task_id] = exit_code

    def due(self, task: Task, now: float) -> float | None:
        """When the task's next observed state begins; None if nothing will happen to it by itself."""
        coming = self._next(task, now)
        return None if coming is None else max(now, coming[0])

    def advance(self, task: Task, now: float) -> TaskStatus | None:
        """The task's next status if it is due; one state per call, as a real agent reports them."""
        coming = self._next(task, now)
        if coming is None or coming[0] > now:
            return None
        _, state, message, err, exit_code = coming
        if state == TaskState.STARTING:
            self._started[task.id] = now
        return replace(task.status, state=state, timestamp=now, message=message, err=err, exit_code=exit_code)

    def _next(self, task: Task, now: float) -> tuple[float, TaskState, str, str, int | None] | None:
        state = task.status.state
        if state < TaskState.ASSIGNED or state >= TaskState.COMPLETE:
            return None
        script = self._scripts.setdefault(task.id, self._script(task))
        since = task.status.timestamp
        if task.desired >= TaskState.SHUTDOWN:
            return self._stop(task, script, now)
        if task.id in self._killed and state >= TaskState.STARTING:
            return self._ended(now, self._killed[task.id], "")
        if state < TaskState.PREPARING:
            return now, TaskState.PREPARING, "preparing", "", None
        if state == TaskState.PREPARING:
            if script.rejected is not None:
                return since + script.prepare, TaskState.REJECTED, "preparing", script.rejected, None
            return since + script.prepare, TaskState.READY, "prepared", "", None
        if state == TaskState.READY:
            return None if task.desired <= TaskState.READY else (now, TaskState.STARTING, "starting", "", None)
        return self._running(task, script, now)

    def _running(self, task: Task, script: Script, now: float) -> tuple[float, TaskState, str, str, int | None] | None:
        began = self._started.setdefault(task.id, task.status.timestamp)
        ends = None if script.fails_after is None else began + script.fails_after
        healthy = began + script.start if script.healthy else None
        if task.status.state == TaskState.STARTING and healthy is not None and (ends is None or healthy < ends):
            return healthy, TaskState.RUNNING, "started", "", None
        if ends is None:
            return None
        return self._ended(ends, script.exit_code, "" if script.healthy else UNHEALTHY)

    def _ended(self, at: float, exit_code: int, why: str) -> tuple[float, TaskState, str, str, int | None]:
        """A process that ends with 0 is complete even if it was stopped for being unhealthy."""
        if exit_code == 0:
            return at, TaskState.COMPLETE, "finished", "", 0
        err = f"task: non-zero exit ({exit_code})" + (f": {why}" if why else "")
        return at, TaskState.FAILED, "started", err, exit_code

    def _stop(self, task: Task, script: Script, now: float) -> tuple[float, TaskState, str, str, int | None]:
        """What was never started stops at once."""
        takes = script.stop if task.status.state >= TaskState.STARTING else 0.0
        told = self._stopping.setdefault(task.id, now)
        return told + takes, TaskState.SHUTDOWN, "shutdown", "", None


class SeededChoices:
    """Chance for simulations: readable ids in order of creation, and shuffles that repeat with the seed.

    Without a seed nothing is shuffled.
    """

    def __init__(self, seed: int | None = None) -> None:
        self._random = None if seed is None else random.Random(seed)  # noqa: S311 - not for secrets
        self._count = 0

    def new_id(self) -> str:
        self._count += 1
        return f"t{self._count:04d}"

    def shuffle(self, items: Sequence[T]) -> list[T]:
        shuffled = list(items)
        if self._random is not None:
            self._random.shuffle(shuffled)
        return shuffled


@dataclass(frozen=True, slots=True)
class Moment:
    """A task reached an observed state."""

    time: float
    service: str
    task_id: str
    slot: int
    node_id: str
    image: str
    state: TaskState


@dataclass(kw_only=True)
class Simulation:
    """A cluster that lives in virtual time. ``script``: the behaviour of each task, or scripts by image tag.

    ``check`` is called with every step that was made, before it is merged.
    """

    script: Callable[[Task], Script] | dict[str, Script] = field(default_factory=dict)
    nodes: dict[str, Node] = field(default_factory=lambda: {"n1": single_node()})
    seed: int | None = None
    check: Callable[[Simulation, Step], None] | None = None
    now: float = 0.0
    services: dict[str, Service] = field(default_factory=dict, init=False)
    tasks: dict[str, Task] = field(default_factory=dict, init=False)
    memory: Memory = field(default_factory=Memory, init=False)
    timeline: list[Moment] = field(default_factory=list, init=False)
    statuses: list[tuple[float, str, str]] = field(default_factory=list, init=False)  # time, service, state

    def __post_init__(self) -> None:
        self._version = max((node.version for node in self.nodes.values()), default=0)
        self._choices = SeededChoices(self.seed)
        script = self.script
        self.agent = SimulatedAgent(script if callable(script) else _by_tag(script))

    # --- what the API does -----------------------------------------------------------------------------------------

    def create(self, spec: Json) -> Service:
        """Create a service; its name is its id."""
        version = self._next_version()
        service = Service(
            id=str(spec["Name"]),
            spec=spec,
            spec_version=version,
            version=version,
            created_at=self.now,
            updated_at=self.now,
        )
        self.services[service.id] = service
        return service

    def update(self, service_id: str, spec: Json) -> None:
        self.services[service_id] = revise(self.services[service_id], spec, version=self._next_version(), now=self.now)

    def roll_back(self, service_id: str) -> bool:
        """``rollback=previous``; False if there is no previous spec."""
        reverted = revert(self.services[service_id], version=self._next_version(), now=self.now)
        if reverted is not None:
            self.services[service_id] = reverted
        return reverted is not None

    def delete(self, service_id: str) -> None:
        del self.services[service_id]

    def change_node(self, node_id: str, **changes: Any) -> None:
        node = self.nodes[node_id]
        self.nodes[node_id] = replace(node, **changes, version=self._next_version(), updated_at=self.now)

    def kill(self, task_id: str, exit_code: int = 137) -> None:
        self.agent.kill(task_id, exit_code)

    def restart_manager(self) -> None:
        self.memory = Memory()

    # --- what one asks ---------------------------------------------------------------------------------------------

    def snapshot(self) -> Cluster:
        return Cluster(services=dict(self.services), tasks=dict(self.tasks), nodes=dict(self.nodes))

    def of(self, service_id: str) -> list[Task]:
        return [task for task in self.tasks.values() if task.service_id == service_id]

    def live(self, service_id: str) -> list[Task]:
        return [task for task in self.of(service_id) if task.desired <= TaskState.RUNNING]

    def running(self, service_id: str) -> list[Task]:
        return [task for task in self.live(service_id) if task.status.state == TaskState.RUNNING]

    def update_state(self, service_id: str) -> str | None:
        status = self.services[service_id].update_status
        return status.state if status else None

    # --- time ------------------------------------------------------------------------------------------------------

    def run_until(self, deadline: float) -> bool:
        """Let everything happen up to and including ``deadline``. True if nothing is left to happen ever after."""
        while True:
            at = self._settle()
            if at is None or at > deadline:
                self.now = max(self.now, deadline)
                return at is None
            self.now = at

    def run_for(self, seconds: float) -> bool:
        return self.run_until(self.now + seconds)

    def run_until_quiet(self, deadline: float) -> bool:
        """Run until nothing more happens by itself (the clock stops there); False if ``deadline`` came first."""
        while True:
            at = self._settle()
            if at is None:
                return True
            if at > deadline:
                self.now = deadline
                return False
            self.now = at

    def _settle(self) -> float | None:
        """Everything that happens at this very moment; returns the moment at which something happens next."""
        for _ in range(1000 + _PATIENCE * len(self.tasks)):
            made = step(self.snapshot(), self.memory, self.now, self._choices)
            if self.check is not None:
                self.check(self, made)
            self._merge(made)
            reported = self._report()
            if made.empty and not reported:
                break
        else:
            raise RuntimeError(f"the cluster does not settle at {self.now} s: something fails and restarts in no time")
        coming = [due for task in self._playable() if (due := self.agent.due(task, self.now)) is not None]
        if made.wake_at is not None:
            coming.append(made.wake_at)
        following = min(coming, default=None)
        assert following is None or following > self.now, "what is due has happened"
        return following

    def _merge(self, made: Step) -> None:
        self.memory = made.memory
        for service in made.services:
            self.services[service.id] = replace(service, version=self._next_version(), updated_at=self.now)
            if service.update_status is not None:
                self.statuses.append((self.now, service.id, service.update_status.state))
        for task in made.tasks:
            before = self.tasks.get(task.id)
            self.tasks[task.id] = replace(task, version=self._next_version())
            if before is None or before.status.state != task.status.state:
                self._note(task)
        for task_id in made.removed_tasks:
            del self.tasks[task_id]

    def _report(self) -> bool:
        """One new state per task at most, so that the orchestrator sees every state."""
        reported = False
        for task in self._playable():
            status = self.agent.advance(task, self.now)
            if status is not None and status.state > task.status.state:
                changed = replace(task, status=status, updated_at=self.now, version=self._next_version())
                self.tasks[task.id] = changed
                self._note(changed)
                reported = True
        return reported

    def _playable(self) -> list[Task]:
        up = {node.id for node in self.nodes.values() if node.state != "down"}
        return [task for task in self.tasks.values() if task.node_id in up]

    def _note(self, task: Task) -> None:
        self.timeline.append(
            Moment(self.now, task.service_name, task.id, task.slot, task.node_id, image_of(task), task.status.state)
        )

    def _next_version(self) -> int:
        self._version += 1
        return self._version


def single_node(node_id: str = "n1", **attributes: Any) -> Node:
    return Node(id=node_id, hostname=node_id, **{"nano_cpus": 4_000_000_000, "memory_bytes": 8 << 30, **attributes})


def image_of(task: Task) -> str:
    return str((task.spec.get("ContainerSpec") or {}).get("Image") or "")


def _by_tag(scripts: dict[str, Script]) -> Callable[[Task], Script]:
    default = Script()
    return lambda task: scripts.get(image_of(task).rpartition(":")[2], default)
