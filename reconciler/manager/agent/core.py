"""The agent: one loop thread for every decision, a few pool threads for what may block."""

from __future__ import annotations

import hashlib
import ipaddress
import logging
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.manager.agent.loop import Loop
from reconciler.manager.agent.monitor import HealthReport
from reconciler.manager.agent.runner import TaskRunner, Tools
from reconciler.manager.balancer.ports import Ports, published_ports
from reconciler.manager.clock import Clock
from reconciler.manager.model import Cluster, Node, Task, TaskState, TaskStatus
from reconciler.manager.runtimes.layout import Files
from reconciler.manager.runtimes.process import Exit, Handle, ProcessRuntime
from reconciler.manager.runtimes.tasklog import LogLine, read_log

if TYPE_CHECKING:
    from reconciler.manager.balancer.core import Balancer

POOL_THREADS = 8  # made as needed; most of the time none is
REPEAT_SECONDS = 1.0  # a status that the store does not show by then is reported again
_NETWORK = ipaddress.ip_network("127.64.0.0/10")
_log = logging.getLogger(__name__)


class Agent:
    """Runs the tasks of node ``node_id``: images ``process/NAME:TAG`` as processes, nothing else. Linux only.

    ``report(task_id, status)`` is called on the agent's thread for every change of a task's observed state, in
    order, and again if the store does not show it; what it raises is logged. ``files`` is read from pool threads.
    Tasks live on when the manager ends; ``recover`` finds them again.

    ``publish_address``: where published TCP ports are listened on. A task serves them on its own address
    (STACKC_ADDRESS); with a wildcard address a target port must differ from the published ones.
    """

    def __init__(
        self,
        *,
        node_id: str,
        state_dir: Path,
        files: Files,
        report: Callable[[str, TaskStatus], None],
        clock: Clock,
        publish_address: str = "127.0.0.1",
    ) -> None:
        self._node_id, self._report, self._clock = node_id, report, clock
        self._publish_address = publish_address
        self._balancer: Balancer | None = None
        self._ports = Ports({}, {})
        self._cluster = Cluster(services={}, tasks={}, nodes={})
        self._publish_due = False
        self._runtime = ProcessRuntime(state_dir)
        self._loop = Loop(clock, _complain, name="agent")
        self._pool = ThreadPoolExecutor(POOL_THREADS, thread_name_prefix="agent")
        self._tools = Tools(
            loop=self._loop,
            pool=self._pool,
            runtime=self._runtime,
            files=files,
            clock=clock,
            host=self,
        )
        self._runners: dict[str, TaskRunner] = {}
        self._found: dict[str, Handle | Exit] = {}
        self._recovered = False
        self._addresses: dict[str, str] = {}
        self._reported: dict[str, tuple[TaskState, float]] = {}
        self._next: Cluster | None = None
        self._closed = False
        self._loop.start()

    # -- called by the daemon, from any of its threads

    def recover(self, tasks: Mapping[str, Task]) -> None:
        """Find the tasks of a former manager process again; end and remove those that ``tasks`` does not hold.

        Once, before the first ``update``; may take a moment. Results are reported after that first update.
        """
        self._recovered = True
        for task_id in self._runtime.remains():
            if task_id not in tasks:
                self._pool.submit(self._runtime.remove, task_id)
                continue
            if address := self._runtime.address_of(task_id):
                self._addresses[task_id] = address
            found = self._runtime.adopt(task_id)
            if found is not None:
                self._found[task_id] = found

    def update(self, cluster: Cluster) -> None:
        """Move this node's tasks towards their desired state. Returns at once; only the latest cluster counts."""
        if not self._recovered:
            self.recover(cluster.tasks)
        waiting, self._next = self._next, cluster
        if waiting is None:
            self._loop.soon(self._apply)

    def logs(
        self,
        task_id: str,
        *,
        since: float = 0.0,
        tail: int | None = None,
        follow: bool = False,
        stopped: Callable[[], bool] = lambda: False,
    ) -> Iterator[LogLine]:
        """The task's output, oldest first; nothing for an unknown task. ``since`` in Unix seconds.

        ``follow``: waits for more until the task has ended, the agent is closed or ``stopped()`` (asked about ten
        times a second) says so. ``tail`` counts lines before following.
        """

        def more() -> bool:
            runner = self._runners.get(task_id)
            return not (self._closed or stopped() or runner is None or runner.status.state >= TaskState.COMPLETE)

        if Path(task_id).name != task_id:
            return iter(())
        folder = self._runtime.tasks / task_id / "log"
        return read_log(folder, since=since, tail=tail, follow=more if follow else None)

    def health(self, task_id: str) -> HealthReport | None:
        """The last verdict on a task with a health check."""
        runner = self._runners.get(task_id)
        return runner.health if runner else None

    @property
    def problems(self) -> dict[int, str]:
        """Published port → why it is not, or not fully, served. Binding is retried by itself."""
        balancer = self._balancer
        return {**self._ports.problems, **(balancer.problems if balancer else {})}

    def close(self) -> None:
        """Stop managing. Tasks keep running; connections to published ports end."""
        if self._closed:
            return
        self._closed = True
        self._loop.close(self._release)
        if self._balancer:
            self._balancer.close()
        self._pool.shutdown(wait=True, cancel_futures=True)

    # -- on the loop's thread

    def _apply(self) -> None:
        cluster, self._next = self._next, None
        if cluster is None or self._closed:
            return
        self._cluster = cluster
        for task_id, runner in list(self._runners.items()):
            if task_id not in cluster.tasks and not runner.removing:
                runner.remove()
        for task in cluster.tasks.values():
            if task.node_id == self._node_id:
                self._apply_task(task)
        self._publish()
        for task_id, found in self._found.items():  # known at recovery, gone from the cluster since
            if isinstance(found, Handle):
                found.release()
            self._pool.submit(self._runtime.remove, task_id)
        self._found.clear()

    def _apply_task(self, task: Task) -> None:
        node = self._cluster.nodes.get(self._node_id) or Node(id=self._node_id, hostname=self._node_id)
        runner = self._runners.get(task.id)
        if runner is None:
            runner = self._runners[task.id] = TaskRunner(task, node, self._tools, self._found.pop(task.id, None))
        if not runner.removing:
            runner.update(task, node)
            self._report_again(runner)

    def _report_again(self, runner: TaskRunner) -> None:
        """Level-triggered: a status that got lost on its way to the store is sent once more."""
        state, when = self._reported.get(runner.task.id, (runner.status.state, 0.0))
        late = self._clock.monotonic() - when > REPEAT_SECONDS
        if runner.task.status.state < runner.status.state and (state < runner.status.state or late):
            self._send(runner)

    def _send(self, runner: TaskRunner) -> None:
        self._reported[runner.task.id] = (runner.status.state, self._clock.monotonic())
        try:
            self._report(runner.task.id, runner.status)
        except Exception as error:
            _complain(error)

    def _publish(self) -> None:
        """Tell the balancer which tasks serve which port, if that has changed."""
        self._publish_due = False
        runners = (runner for runner in self._runners.values() if runner.serving)
        ports = published_ports(self._cluster.services, ((runner.task, runner.status.address) for runner in runners))
        if ports.routes != self._ports.routes:
            if self._balancer is None:
                from reconciler.manager.balancer.core import Balancer  # asyncio, only where ports are published

                self._balancer = Balancer(self._publish_address)
            self._balancer.route(ports.routes)
        self._ports = ports

    def _release(self) -> None:
        for runner in self._runners.values():
            runner.close()

    # -- what the runners ask for (runner.Host), on the loop's thread

    def changed(self, runner: TaskRunner) -> None:
        state, _ = self._reported.get(runner.task.id, (runner.task.status.state, 0.0))
        if runner.status.state > state and not runner.removing:
            self._send(runner)
        if not self._publish_due:
            self._publish_due = True
            self._loop.soon(self._publish)

    def drain(self, task_id: str, limit: float, done: Callable[[], None]) -> None:
        self._publish()  # out of rotation first
        if self._balancer is None:
            done()
        else:
            self._balancer.drain(task_id, limit, lambda: self._loop.soon(done))

    def gone(self, runner: TaskRunner) -> None:
        self._runners.pop(runner.task.id, None)
        self._addresses.pop(runner.task.id, None)
        self._reported.pop(runner.task.id, None)
        if (task := self._cluster.tasks.get(runner.task.id)) is not None:
            self._apply_task(task)  # it came back while its remains were being removed

    def address_for(self, task_id: str) -> str:
        """The task's own 127/8 address: the same for the same id, unless a living task has it already."""
        if task_id not in self._addresses:
            taken = set(self._addresses.values())
            size = _NETWORK.num_addresses - 2
            number = int.from_bytes(hashlib.sha256(task_id.encode()).digest()[:8], "big") % size
            while str(_NETWORK[1 + number]) in taken:
                number = (number + 1) % size
            self._addresses[task_id] = str(_NETWORK[1 + number])
        return self._addresses[task_id]


def _complain(error: Exception) -> None:
    _log.error("agent: %s: %s", type(error).__name__, error)
    _log.debug("agent", exc_info=error)
