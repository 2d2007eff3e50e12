"""The manager itself: one state, one writer, one loop.

API calls and the loop change the state in transactions under one lock; a transaction is on disk before anybody
sees it. Readers take the current snapshot without a lock. A turn of the loop merges what the agent reported, asks
the orchestrator until it has nothing more to say, writes all of that at once, and hands the result to the agent.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Protocol, TypeVar

from reconciler.manager.clock import Clock
from reconciler.manager.control.refusal import Refused
from reconciler.manager.control.services import allocated_ports
from reconciler.manager.events import Events, events_between, log_lines
from reconciler.manager.model import Cluster, Service, Task, TaskStatus
from reconciler.manager.objects import Changes, State, apply, combined
from reconciler.manager.orchestrator import Choices, Memory, step
from reconciler.manager.runtimes.layout import Files
from reconciler.manager.runtimes.tasklog import LogLine
from reconciler.manager.store import Store, StoreError

_log = logging.getLogger(__name__)

RETRY_SECONDS = 1.0
_LONGEST_SLEEP = 30.0  # so that a clock that is set is noticed
_LOOK_SECONDS = 1.0
_MAX_STEPS = 1000

T = TypeVar("T")


class AgentPort(Protocol):
    """What the loop needs of an agent; ``reconciler.manager.agent.Agent`` is the real one."""

    def recover(self, tasks: Mapping[str, Task]) -> None: ...

    def update(self, cluster: Cluster) -> None: ...

    def logs(
        self,
        task_id: str,
        *,
        since: float = 0.0,
        tail: int | None = None,
        follow: bool = False,
        stopped: Callable[[], bool] = ...,
    ) -> Iterator[LogLine]: ...

    @property
    def problems(self) -> dict[int, str]: ...

    def close(self) -> None: ...


Report = Callable[[str, TaskStatus], None]
MakeAgent = Callable[[Files, Report], AgentPort]


class Manager:
    """Everything the API may ask and tell. ``run`` is the loop; all else may be called from any thread."""

    def __init__(
        self,
        *,
        store: Store,
        state: State,
        make_agent: MakeAgent,
        clock: Clock,
        choices: Choices,
    ) -> None:
        self.store = store
        self.clock = clock
        self.choices = choices
        self.events = Events()
        self._state = state
        self._memory = Memory()
        self._writing = threading.Lock()
        self._reports: list[tuple[str, TaskStatus]] = []
        self._reported = threading.Lock()
        self._wake = threading.Event()
        self._stopping = False
        self._broken = ""
        self._problems: dict[int, str] = {}
        self.agent = make_agent(_Files(self), self.report)

    @property
    def state(self) -> State:
        return self._state

    def transact(self, build: Callable[[State, float], Changes]) -> State:
        """Change the state by what ``build(state, now)`` says; on disk when this returns. ``build`` runs under the
        lock, and may refuse by raising. Raises StoreError; then nothing has changed."""
        with self._writing:
            changes = build(self._state, self.clock.now())
            if not changes:
                return self._state
            after, stamped = apply(self._state, changes)
            self._commit(after, stamped)
        self._wake.set()
        return after

    def report(self, task_id: str, status: TaskStatus) -> None:
        """What the agent has observed of a task."""
        with self._reported:
            self._reports.append((task_id, status))
        self._wake.set()

    def start(self) -> None:
        """Find running tasks again. Once, before ``run``."""
        self.agent.recover(self._state.tasks)

    def run(self) -> None:
        """The loop, until ``stop``."""
        while not self._stopping:
            self._wake.clear()
            if self._stopping:  # told between the two lines above
                return
            self._rest(self._turn_or_retry())

    def stop(self) -> None:
        """End the loop. Tasks go on running; the next manager finds them again."""
        self._stopping = True
        self._wake.set()

    def close(self) -> None:
        self.agent.close()
        self.store.close()

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is not as it was asked for, and is tried again all the time: published ports that are taken."""
        return tuple(f"published port {port}: {why}" for port, why in sorted(self._problems.items()))

    def _rest(self, wake_at: float | None) -> None:
        """Until something happens or ``wake_at``; meanwhile say what the agent has trouble with."""
        end = self.clock.monotonic() + _LONGEST_SLEEP
        if wake_at is not None:
            end = min(end, self.clock.monotonic() + max(wake_at - self.clock.now(), 0.0))
        while True:
            self._look_for_problems()
            publishes = any(service.ports for service in self._state.services.values())
            left = end - self.clock.monotonic()
            if left <= 0 or self._wake.wait(min(left, _LOOK_SECONDS) if publishes else left):
                return

    def _look_for_problems(self) -> None:
        before, self._problems = self._problems, dict(self.agent.problems)
        for port, why in sorted(self._problems.items()):
            if before.get(port) != why:
                _log.warning("published port %d: %s; trying again", port, why)
        for port in sorted(before.keys() - self._problems.keys()):
            _log.info("published port %d is served, or no longer asked for", port)

    def _turn_or_retry(self) -> float | None:
        try:
            wake_at = self._turn()
            self._note("")
        except StoreError as error:
            self._note(str(error))
            return self.clock.now() + RETRY_SECONDS
        except Exception as error:
            if str(error) != self._broken:
                _log.exception("the loop could not go on, and tries again")
            self._broken = str(error)
            return self.clock.now() + RETRY_SECONDS
        return wake_at

    def _note(self, problem: str) -> None:
        """One line when a problem begins, one when it is over."""
        if problem and problem != self._broken:
            _log.error("%s; trying again every %g s", problem, RETRY_SECONDS)
        elif self._broken and not problem:
            _log.info("that is over; everything is written again")
        self._broken = problem

    def _turn(self) -> float | None:
        with self._writing:
            reports = self._take_reports()
            try:
                state, done = self._merged(self._state, reports, self.clock.now())
                state, memory, steps, wake_at = self._orchestrated(state)
                done += steps
                if done:
                    self._commit(state, combined(done))
                self._memory = memory
            except BaseException:
                with self._reported:
                    self._reports[:0] = reports
                raise
        self.agent.update(self._state.cluster)
        return wake_at

    def _take_reports(self) -> list[tuple[str, TaskStatus]]:
        with self._reported:
            reports, self._reports = self._reports, []
        return reports

    def _merged(self, state: State, reports: list[tuple[str, TaskStatus]], now: float) -> tuple[State, list[Changes]]:
        """The state with the newest report of every task. The observed state of a task never decreases."""
        changed: dict[str, Task] = {}
        for task_id, status in reports:
            task = changed.get(task_id) or state.tasks.get(task_id)
            if task is None or status.state < task.status.state or status == task.status:
                continue
            changed[task_id] = replace(task, status=status, updated_at=now)
        if not changed:
            return state, []
        after, stamped = apply(state, Changes(tasks=tuple(changed.values())))
        return after, [stamped]

    def _orchestrated(self, state: State) -> tuple[State, Memory, list[Changes], float | None]:
        memory = self._memory
        done: list[Changes] = []
        for _ in range(_MAX_STEPS):
            now = self.clock.now()
            made = step(state.cluster, memory, now, self.choices)
            memory = made.memory
            if made.empty:
                return state, memory, done, made.wake_at
            state, stamped = apply(
                state,
                Changes(
                    services=tuple(_with_ports(state, replace(one, updated_at=now)) for one in made.services),
                    tasks=tuple(replace(one, updated_at=now) for one in made.tasks),
                    removed_tasks=made.removed_tasks,
                ),
            )
            done.append(stamped)
        raise RuntimeError(f"the orchestrator did not come to rest in {_MAX_STEPS} steps")

    def _commit(self, after: State, changes: Changes) -> None:
        """Write, then publish: nobody sees what is not on disk. Called with the lock held."""
        before = self._state
        self.store.commit(changes, after.index)
        self._state = after
        for line in log_lines(before, changes):
            _log.info("%s", line)
        self.events.publish(events_between(before, after, changes, self.clock.now()))


class _Files:
    """The bytes of configs and secrets for the agent; KeyError for one that is gone."""

    def __init__(self, manager: Manager) -> None:
        self._manager = manager

    def config(self, id: str) -> bytes:  # noqa: A002 (the word of the Engine API)
        return self._manager.state.configs[id].data

    def secret(self, id: str) -> bytes:  # noqa: A002
        return self._manager.store.sealer.open(id, self._manager.state.secrets[id].sealed)


def _with_ports(state: State, service: Service) -> Service:
    """A rollback of the orchestrator's brings back an earlier spec: the published ports follow it."""
    before = state.services.get(service.id)
    if before is None or before.spec == service.spec:
        return service
    try:
        return replace(service, ports=allocated_ports(state, service.spec, service.id, service.ports))
    except Refused:  # no port is free: those of the failed version are better than none
        return service
