"""Runs a task's health check and keeps its verdict. Lives on the agent's loop."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import Protocol

from reconciler.manager.agent.loop import Loop, Timer
from reconciler.manager.clock import Clock
from reconciler.manager.health import Health, HealthStatus, judge, next_probe
from reconciler.manager.runtimes.launch import Launch
from reconciler.manager.runtimes.probe import Probe
from reconciler.manager.runtimes.process import ProcessRuntime

SHOWN_OUTPUT = 300  # characters of a probe's output in a report


@dataclass(frozen=True, slots=True)
class HealthReport:
    """``exit_code`` and ``output`` (printable, bounded) are the last probe's; None and "" before the first one."""

    status: HealthStatus
    streak: int
    exit_code: int | None = None
    output: str = ""

    @property
    def healthy(self) -> bool:
        return self.status is HealthStatus.HEALTHY

    @property
    def unhealthy(self) -> bool:
        return self.status is HealthStatus.UNHEALTHY


class Tools(Protocol):
    @property
    def loop(self) -> Loop: ...
    @property
    def pool(self) -> Executor: ...
    @property
    def runtime(self) -> ProcessRuntime: ...
    @property
    def clock(self) -> Clock: ...


class HealthMonitor:
    """``judged`` is called after every probe. ``started``: when the task was started (monotonic); ``starting``:
    whether it still has to become healthy, as opposed to a running task found again."""

    def __init__(
        self,
        launch: Launch,
        tools: Tools,
        judged: Callable[[HealthMonitor], None],
        *,
        started: float,
        starting: bool,
    ) -> None:
        assert launch.healthcheck is not None
        self._launch, self._check, self._tools, self._judged = launch, launch.healthcheck, tools, judged
        self._health = Health(started, HealthStatus.STARTING if starting else HealthStatus.HEALTHY)
        self._root = tools.runtime.root(launch.task_id)
        self._timer: Timer | None = None
        self._probe: Probe | None = None
        self._probed = 0.0
        self._stopped = False
        self.report = HealthReport(self._health.status, 0)
        self._schedule()

    def stop(self) -> None:
        """No further probe; one under way is ended."""
        self._stopped = True
        if self._timer:
            self._timer.cancel()
        self._end_probe()

    def _schedule(self) -> None:
        now = self._tools.clock.monotonic()
        when = next_probe(self._check, self._health, now)
        if when is not None and not self._stopped:
            self._timer = self._tools.loop.later(when - now, self._start_probe)

    def _start_probe(self) -> None:
        self._probed = self._tools.clock.monotonic()
        future = self._tools.pool.submit(Probe, self._launch, self._root)
        future.add_done_callback(lambda done: self._tools.loop.soon(lambda: self._probe_started(done)))

    def _probe_started(self, future: Future[Probe]) -> None:
        if future.cancelled():
            return
        error = future.exception()
        if error is not None:
            if not self._stopped:
                self._conclude(126, getattr(error, "strerror", None) or str(error))
            return
        if self._stopped:
            future.result().finish()
            return
        self._probe = future.result()
        loop = self._tools.loop
        loop.watch(self._probe.output_descriptor, self._read)
        loop.watch(self._probe.descriptor, self._probe_ended)
        self._timer = loop.later(self._check.timeout, self._timed_out)

    def _read(self) -> None:
        if self._probe and not self._probe.read():
            self._tools.loop.unwatch(self._probe.output_descriptor)
            self._probe.reading = False

    def _probe_ended(self) -> None:
        if self._timer:
            self._timer.cancel()
        if (ended := self._end_probe()) is not None:
            self._conclude(*ended)

    def _timed_out(self) -> None:
        if (ended := self._end_probe()) is not None:
            self._conclude(-1, f"Health check exceeded timeout ({self._check.timeout:g}s): {ended[1]}".rstrip(": "))

    def _end_probe(self) -> tuple[int, str] | None:
        probe, self._probe = self._probe, None
        if probe is None:
            return None
        if probe.reading:
            self._tools.loop.unwatch(probe.output_descriptor)
        self._tools.loop.unwatch(probe.descriptor)
        code = probe.finish()
        return code, printable(probe.output)

    def _conclude(self, code: int, output: str) -> None:
        self._health = judge(self._check, self._health, passed=code == 0, probed=self._probed)
        self.report = HealthReport(self._health.status, self._health.streak, code, output)
        self._judged(self)
        self._schedule()


def printable(output: bytes) -> str:
    """A probe's output as one short line without control characters."""
    text = " ".join(output.decode("utf-8", "replace").split())
    clean = "".join(character if character.isprintable() else "?" for character in text)
    return clean if len(clean) <= SHOWN_OUTPUT else clean[: SHOWN_OUTPUT - 1] + "…"
