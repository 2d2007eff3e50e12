"""The scheduler: puts new tasks on nodes, or says of each why there is no node for it.

Per task: filters leave the feasible nodes, spread preferences pick a branch of them, ranking picks one. A task that
is on a node never moves again, whatever becomes of the balance.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from reconciler.manager import specs
from reconciler.manager.constraints import label_value, node_matches
from reconciler.manager.model import Json, Node, Service, Task, TaskState, TaskStatus

Shuffle = Callable[[Sequence[Node]], list[Node]]
Failures = Mapping[tuple[str, str, int], tuple[float, ...]]

MAX_FAILURES = 5  # from here on a node is avoided …
FAILURE_WINDOW = 300.0  # … as long as the failures are not older than this, in seconds


def schedule(
    tasks: Mapping[str, Task],
    services: Mapping[str, Service],
    nodes: Mapping[str, Node],
    failures: Failures,
    now: float,
    shuffle: Shuffle,
) -> list[Task]:
    """The tasks that get a node, reach PENDING or have a new explanation. Pure; ``shuffle`` breaks ties.

    Waiting tasks are tried again every time. Docker forgets one whose service was updated meanwhile (moby#53722);
    here it goes on waiting.
    """
    waiting = [
        task
        for task in tasks.values()
        if task.status.state < TaskState.ASSIGNED and task.desired <= TaskState.RUNNING and task.service_id in services
    ]
    if not waiting:
        return []
    board = _Board(tasks.values(), nodes.values(), failures, now)
    changed = []
    for task in waiting:
        placed = _place(task, board, shuffle, now)
        if placed is not task:
            changed.append(placed)
    return changed


def _place(task: Task, board: _Board, shuffle: Shuffle, now: float) -> Task:
    preassigned = bool(task.node_id)
    candidates = [board.load[task.node_id]] if task.node_id in board.load else [] if preassigned else board.all
    feasible, explanation = _filter(task, candidates)
    if not feasible:
        return _explain(task, explanation if preassigned else f"no suitable node ({explanation})", now)
    best = feasible[0] if len(feasible) == 1 else _choose(task, feasible, board, shuffle)
    message = (
        "scheduler confirmed task can run on preassigned node" if preassigned else "scheduler assigned task to node"
    )
    status = replace(task.status, state=TaskState.ASSIGNED, timestamp=now, message=message, err="")
    placed = replace(task, node_id=best.node.id, status=status, updated_at=now)
    best.add(placed)
    return placed


def _explain(task: Task, explanation: str, now: float) -> Task:
    if explanation == "no suitable node ()":
        explanation = "no suitable node"
    if task.status.state == TaskState.PENDING and task.status.err == explanation:
        return task
    status = TaskStatus(state=TaskState.PENDING, timestamp=now, message="pending task scheduling", err=explanation)
    return replace(task, status=status, updated_at=now)


# --- what is on the nodes ------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Load:
    """A node with what its tasks take. Resources and host ports are held until a task has ended, so also while it
    stops; only while it is not to be stopped it counts as active."""

    node: Node
    nano_cpus: int
    memory_bytes: int
    ports: set[tuple[str, int]] = field(default_factory=set)
    active: int = 0
    active_by_service: Counter[str] = field(default_factory=Counter)

    def add(self, task: Task) -> None:
        if task.status.state > TaskState.RUNNING:
            return
        cpus, memory = specs.reservations(task.spec)
        self.nano_cpus -= cpus
        self.memory_bytes -= memory
        self.ports |= specs.host_ports(task.endpoint)
        if task.desired <= TaskState.COMPLETE:
            self.active_by_service[task.service_id] += 1
            self.active += 1


class _Board:
    """All nodes with their load, kept up to date while tasks are placed."""

    def __init__(self, tasks: Iterable[Task], nodes: Iterable[Node], failures: Failures, now: float) -> None:
        self.load = {node.id: _Load(node, node.nano_cpus, node.memory_bytes) for node in nodes}
        self.all = list(self.load.values())
        self._failures = failures
        self._now = now
        for task in tasks:
            if task.node_id in self.load and task.status.state >= TaskState.ASSIGNED:
                self.load[task.node_id].add(task)

    def failures(self, task: Task, load: _Load) -> int:
        """Recent failures of this very spec on the node, 0 below the number from which they matter."""
        times = self._failures.get((load.node.id, task.service_id, task.spec_version), ())
        recent = sum(at > self._now - FAILURE_WINDOW for at in times)
        return recent if recent >= MAX_FAILURES else 0


# --- filters -------------------------------------------------------------------------------------------------------


def _is_ready(task: Task, load: _Load) -> bool:
    return load.node.state == "ready" and load.node.availability == "active"


def _has_resources(task: Task, load: _Load) -> bool:
    cpus, memory = specs.reservations(task.spec)
    return cpus <= load.nano_cpus and memory <= load.memory_bytes


def _meets_constraints(task: Task, load: _Load) -> bool:
    return node_matches(specs.placement(task.spec).get("Constraints") or (), load.node)


_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def _is_platform(task: Task, load: _Load) -> bool:
    """Only here do ``x86_64`` and ``amd64`` mean the same; an empty field of a platform fits everything."""
    platforms = specs.placement(task.spec).get("Platforms") or ()
    has = _ARCHITECTURES.get(load.node.arch, load.node.arch)
    return not platforms or any(
        (platform.get("OS") or load.node.os) == load.node.os
        and _ARCHITECTURES.get(arch := platform.get("Architecture") or has, arch) == has
        for platform in platforms
    )


def _has_free_ports(task: Task, load: _Load) -> bool:
    return load.ports.isdisjoint(specs.host_ports(task.endpoint))


def _has_room(task: Task, load: _Load) -> bool:
    limit = specs.placement(task.spec).get("MaxReplicas") or 0
    return not limit or load.active_by_service[task.service_id] < limit


# In Docker's order: of the filters that refuse a node only the first is counted. The texts are Docker's.
_FILTERS: tuple[tuple[Callable[[Task, _Load], bool], str, str], ...] = (
    (_is_ready, "1 node not available for new tasks", "{} nodes not available for new tasks"),
    (_has_resources, "insufficient resources on 1 node", "insufficient resources on {} nodes"),
    (
        _meets_constraints,
        "scheduling constraints not satisfied on 1 node",
        "scheduling constraints not satisfied on {} nodes",
    ),
    (_is_platform, "unsupported platform on 1 node", "unsupported platform on {} nodes"),
    (_has_free_ports, "host-mode port already in use on 1 node", "host-mode port already in use on {} nodes"),
    (_has_room, "max replicas per node limit exceed", "max replicas per node limit exceed"),
)


def _filter(task: Task, candidates: Sequence[_Load]) -> tuple[list[_Load], str]:
    """The nodes that pass, and why the others do not, the most frequent reason first."""
    feasible: list[_Load] = []
    refused: Counter[int] = Counter()
    for load in candidates:
        first = next((index for index, (passes, *_) in enumerate(_FILTERS) if not passes(task, load)), None)
        if first is None:
            feasible.append(load)
        else:
            refused[first] += 1
    reasons = [
        _FILTERS[index][1] if count == 1 else _FILTERS[index][2].format(count)
        for index, count in sorted(refused.items(), key=lambda item: (-item[1], item[0]))
    ]
    return feasible, "; ".join(reasons)


# --- spread and ranking --------------------------------------------------------------------------------------------


def _choose(task: Task, feasible: Sequence[_Load], board: _Board, shuffle: Shuffle) -> _Load:
    """Among nodes that are equally good the shuffle decides."""
    order = {node.id: index for index, node in enumerate(shuffle([load.node for load in feasible]))}
    branch = sorted(feasible, key=lambda load: order[load.node.id])
    everywhere = board.all
    for descriptor in _spread(task.spec):
        branch, everywhere = _emptiest_branch(task, descriptor, branch, everywhere)

    def rank(load: _Load) -> tuple[int, int, int]:
        return board.failures(task, load), load.active_by_service[task.service_id], load.active

    return min(branch, key=rank)


def _spread(template: Json) -> list[str]:
    """The labels to spread over, outermost first. Anything that is not a label puts all nodes in one branch."""
    return [
        str((preference.get("Spread") or {}).get("SpreadDescriptor") or "")
        for preference in specs.placement(template).get("Preferences") or ()
    ]


def _emptiest_branch(
    task: Task, descriptor: str, feasible: Sequence[_Load], everywhere: Sequence[_Load]
) -> tuple[list[_Load], list[_Load]]:
    """Each value of the label is a branch, a missing one too. Of the branches that have a feasible node the one with
    the fewest tasks of the service takes the task; tasks on its other nodes count as well."""
    counts: Counter[str] = Counter()
    for load in everywhere:
        counts[label_value(descriptor, load.node) or ""] += load.active_by_service[task.service_id]
    branches = dict.fromkeys(label_value(descriptor, load.node) or "" for load in feasible)
    emptiest = min(branches, key=lambda value: counts[value])
    return (
        [load for load in feasible if (label_value(descriptor, load.node) or "") == emptiest],
        [load for load in everywhere if (label_value(descriptor, load.node) or "") == emptiest],
    )
