"""One task's way from assigned to its end. Lives on the agent's loop; whatever may block runs in the pool."""

from __future__ import annotations

import signal
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from reconciler.manager.agent.loop import Loop, Timer
from reconciler.manager.agent.monitor import HealthMonitor, HealthReport
from reconciler.manager.agent.step import Step, next_step
from reconciler.manager.clock import Clock
from reconciler.manager.model import Node, Task, TaskState
from reconciler.manager.runtimes.launch import DEFAULT_GRACE, Launch, RejectedError
from reconciler.manager.runtimes.layout import Files
from reconciler.manager.runtimes.process import Exit, Handle, ProcessRuntime, StartError

DRAIN_LIMIT = 10.0  # seconds at most for open connections of a stopping task, and never more than its grace period
KILL_PATIENCE = 5.0  # seconds from SIGKILL until the shim is given up too
Result = TypeVar("Result")


class Host(Protocol):
    """What a runner needs of the agent it belongs to."""

    def changed(self, runner: TaskRunner) -> None:
        """The task's status, or whether it takes connections, has changed."""

    def drain(self, task_id: str, limit: float, done: Callable[[], None]) -> None:
        """Let the task's open connections finish; ``done`` on the loop, at the latest after ``limit`` seconds."""

    def address_for(self, task_id: str) -> str: ...

    def gone(self, runner: TaskRunner) -> None:
        """Nothing is left of the task."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What all runners of an agent share."""

    loop: Loop
    pool: Executor
    runtime: ProcessRuntime
    files: Files
    clock: Clock
    host: Host


class TaskRunner:
    """``found``: what ``ProcessRuntime.adopt`` found of a former manager's task of this id."""

    def __init__(self, task: Task, node: Node, tools: Tools, found: Handle | Exit | None) -> None:
        self.task, self.node, self._tools = task, node, tools
        self.status = task.status
        self.removing = False
        self._launch: Launch | None = None
        self._handle: Handle | None = None
        self._busy = False
        self._stopping = False
        self._unhealthy = ""  # why the task is being stopped, if health is the reason
        self._monitor: HealthMonitor | None = None
        self._timer: Timer | None = None
        self._resume(found)

    @property
    def serving(self) -> bool:
        """Whether new connections may be sent to the task."""
        return self.status.state == TaskState.RUNNING and not self._stopping and self._desired <= TaskState.RUNNING

    @property
    def health(self) -> HealthReport | None:
        return self._monitor.report if self._monitor else None

    @property
    def _desired(self) -> TaskState:
        return TaskState.REMOVE if self.removing else self.task.desired

    def update(self, task: Task, node: Node) -> None:
        was = self.serving
        self.task, self.node = task, node
        if was != self.serving:
            self._tools.host.changed(self)
        self.advance()

    def remove(self) -> None:
        """The task is no longer in the cluster: stop it if it runs and remove its remains."""
        self.removing = True
        self.advance()

    def advance(self) -> None:
        """Take steps until there is none to take, or one is under way."""
        while not self._busy:
            step = next_step(self.status.state, self._desired)
            if step is Step.ACCEPT:
                self._enter(TaskState.ACCEPTED, "accepted")
                continue
            if step is Step.PREPARE:
                self._prepare()
            elif step is Step.START and self._handle is None:
                self._start()
            elif step is Step.STOP:
                self._stop()
            elif self.removing:
                self._run(lambda: self._tools.runtime.remove(self.task.id), self._removed)
            return

    def close(self) -> None:
        """The manager goes away; the task stays."""
        if self._monitor:
            self._monitor.stop()
        if self._handle:
            self._tools.loop.unwatch(self._handle.descriptor)
            self._handle.release()
            self._handle = None

    def _removed(self, result: Exception | None) -> None:
        self._busy = True  # for good: there is no further step
        self._tools.host.gone(self)

    # -- preparing and starting

    def _prepare(self) -> None:
        self._enter(TaskState.PREPARING, "preparing")
        read = self._reader()

        def build() -> Launch:
            launch = read()
            self._tools.runtime.prepare(launch, self._tools.files)
            return launch

        self._run(build, self._prepared)

    def _reader(self) -> Callable[[], Launch]:
        """How to read the task's spec, to be called on any thread."""
        runtime, task, node, address = self._tools.runtime, self.task, self.node, self._address
        return lambda: runtime.launch(task, node, address)

    @property
    def _address(self) -> str:
        return self._tools.host.address_for(self.task.id)

    def _prepared(self, result: Launch | Exception) -> None:
        if isinstance(result, Exception):
            self._fail(result)
        else:
            self._launch = result
            self._enter(TaskState.READY, "prepared")

    def _start(self) -> None:
        runtime, files, read, known = self._tools.runtime, self._tools.files, self._reader(), self._launch

        def start() -> tuple[Launch, Handle]:
            launch = known or read()
            if not runtime.is_prepared(launch.task_id):  # the folder of a parked task was lost
                runtime.prepare(launch, files)
            return launch, runtime.start(launch)

        self._enter(TaskState.STARTING, "starting")
        self._run(start, self._started)

    def _started(self, result: tuple[Launch, Handle] | Exception) -> None:
        if isinstance(result, Exception):
            self._fail(result)
            return
        self._launch, handle = result
        self._take_over(handle)

    def _take_over(self, handle: Handle) -> None:
        """The task runs: watch it, and let its health say when it counts as running."""
        self._handle = handle
        self._tools.loop.watch(handle.descriptor, self._ended)
        if self._launch is None:
            try:
                self._launch = self._reader()()
            except RejectedError:
                pass  # a spec that was started once; without it the defaults apply
        if self._desired >= TaskState.SHUTDOWN:
            return  # the next step stops it
        if self._launch and self._launch.healthcheck:
            starting = self.status.state < TaskState.RUNNING
            age = max(0.0, self._tools.clock.now() - handle.started)
            self._monitor = HealthMonitor(
                self._launch, self._tools, self._judged, started=self._tools.clock.monotonic() - age, starting=starting
            )
        elif self.status.state < TaskState.RUNNING:
            self._enter(TaskState.RUNNING, "started")

    def _resume(self, found: Handle | Exit | None) -> None:
        """Go on where a former manager process was; what it started shows in ``found``, whatever the store says."""
        if isinstance(found, Handle):
            self._take_over(found)
            if self.status.state >= TaskState.COMPLETE:
                self._kill()  # given up by the store (orphaned): it must not run beside its replacement
        elif self.status.state < TaskState.COMPLETE:
            if isinstance(found, Exit):
                self._conclude(found)
            elif self.status.state == TaskState.RUNNING:
                self._conclude(Exit(137, "its remains are gone"))
        # a task that was about to be started, and was not, is started by the next step

    # -- health

    def _judged(self, monitor: HealthMonitor) -> None:
        report = monitor.report
        if report.healthy and self.status.state < TaskState.RUNNING:
            self._enter(TaskState.RUNNING, "started")
        elif report.unhealthy and not self._stopping:
            self._unhealthy = report.output or "health check failed"
            self._stopping = True
            monitor.stop()
            self._tools.host.changed(self)
            self._signal()

    # -- stopping and the end

    def _stop(self) -> None:
        if self._handle is None:
            self._enter(TaskState.SHUTDOWN, "shutdown")
            self.advance()
            return
        if self._stopping:
            return
        self._stopping = True
        if self._monitor:
            self._monitor.stop()
        self._tools.host.changed(self)
        self._tools.host.drain(self.task.id, min(self._grace, DRAIN_LIMIT), self._signal)

    @property
    def _grace(self) -> float:
        return self._launch.grace if self._launch else DEFAULT_GRACE

    def _signal(self) -> None:
        if self._handle is None:
            return
        if self._grace <= 0:
            self._kill()
            return
        self._handle.signal(self._launch.stop_signal if self._launch else signal.SIGTERM)
        self._timer = self._tools.loop.later(self._grace, self._kill)

    def _kill(self) -> None:
        if self._handle is not None:
            self._handle.signal(signal.SIGKILL)
            self._timer = self._tools.loop.later(KILL_PATIENCE, self._kill_shim)

    def _kill_shim(self) -> None:
        if self._handle is not None:
            self._handle.kill_shim()

    def _ended(self) -> None:
        handle, self._handle = self._handle, None
        if handle is None:
            return
        self._tools.loop.unwatch(handle.descriptor)
        if self._timer:
            self._timer.cancel()
        if self._monitor:
            self._monitor.stop()
        self._run(handle.finish, self._finished)

    def _finished(self, result: Exit | Exception) -> None:
        self._conclude(Exit(137, str(result)) if isinstance(result, Exception) else result)

    def _conclude(self, end: Exit) -> None:
        """SwarmKit's verdict on how a task ended."""
        if self._desired >= TaskState.SHUTDOWN:
            self._enter(TaskState.SHUTDOWN, "shutdown", exit_code=end.code)
        elif end.code == 0:
            self._enter(TaskState.COMPLETE, "finished", exit_code=0)
        else:
            cause = "dockerexec: unhealthy container" if self._unhealthy else end.reason
            err = f"task: non-zero exit ({end.code})" + (f": {cause}" if cause else "")
            message = f"unhealthy: {self._unhealthy}" if self._unhealthy else self.status.message
            self._enter(TaskState.FAILED, message, err=err, exit_code=end.code)

    def _fail(self, error: Exception) -> None:
        """What keeps a task from starting: rejected before `starting`, failed from there on."""
        known = isinstance(error, (RejectedError, StartError))
        text = str(error) if known else f"the agent cannot handle this task: {type(error).__name__}: {error}"
        early = self.status.state < TaskState.STARTING or isinstance(error, RejectedError)
        self._enter(TaskState.REJECTED if early else TaskState.FAILED, self.status.message, err=text)

    # -- mechanics

    def _enter(self, state: TaskState, message: str, *, err: str = "", exit_code: int | None = None) -> None:
        """Observed states only grow; entering the present one again is nothing new."""
        if state <= self.status.state:
            return
        self.status = replace(
            self.status,
            state=state,
            timestamp=self._tools.clock.now(),
            message=message,
            err=err,
            exit_code=exit_code,
            pid=self._handle.pid if self._handle else self.status.pid,
            container_id=self.task.id if state >= TaskState.READY else "",
            address=self._address if state < TaskState.COMPLETE else self.status.address,
        )
        if state >= TaskState.COMPLETE:
            self._tools.pool.submit(self._tools.runtime.remove_secrets, self.task)
        self._tools.host.changed(self)

    def _run(self, work: Callable[[], Result], done: Callable[[Result | Exception], None]) -> None:
        """Do ``work`` in the pool, then ``done`` with its result or exception, then the next steps."""
        self._busy = True

        def finished(future: Future[Result]) -> None:
            if not future.cancelled():
                self._tools.loop.soon(lambda: back(future))

        def back(future: Future[Result]) -> None:
            self._busy = False
            error = future.exception()
            if error is None:
                done(future.result())
            elif isinstance(error, Exception):
                done(error)
            self.advance()

        self._tools.pool.submit(work).add_done_callback(finished)
