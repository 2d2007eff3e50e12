"""What happened, told from the states before and after a transaction: the engine's event stream, and log lines."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from reconciler.manager.model import Json, Node, Service, Task, TaskState
from reconciler.manager.objects import Changes, State

KEPT = 1000
"""Events that can be asked for afterwards; the engine keeps 256."""


class Events:
    """The last events, and those to come. Thread-safe."""

    def __init__(self) -> None:
        self._kept: deque[Json] = deque(maxlen=KEPT)
        self._count = 0
        self._changed = threading.Condition()

    def publish(self, events: list[Json]) -> None:
        if not events:
            return
        with self._changed:
            self._kept.extend(events)
            self._count += len(events)
            self._changed.notify_all()

    def position(self) -> int:
        """Where the stream stands: the number of events so far."""
        with self._changed:
            return self._count

    def after(self, position: int) -> tuple[list[Json], int]:
        """The events kept since ``position``, and the position after them."""
        with self._changed:
            fresh = min(self._count - position, len(self._kept))
            return (list(self._kept)[-fresh:] if fresh > 0 else []), self._count

    def wait(self, position: int, seconds: float) -> None:
        """Until there is something after ``position``, or for so long."""
        with self._changed:
            self._changed.wait_for(lambda: self._count > position, seconds)

    def follow(self, position: int, ended: Callable[[], bool], heartbeat: float = 0.5) -> Iterator[Json | None]:
        """Events from ``position`` on, None whenever nothing came for ``heartbeat`` seconds, until ``ended()``."""
        while True:
            fresh, position = self.after(position)
            yield from fresh
            if ended():
                return
            if not fresh:
                yield None
                self.wait(position, heartbeat)


def events_between(before: State, after: State, changes: Changes, now: float) -> list[Json]:
    """The engine's events of one transaction. Tasks show as containers, as they do on a node of a swarm."""
    found: list[Json] = []
    for kind in ("network", "config", "secret"):
        for one in getattr(changes, f"{kind}s"):
            action = "update" if one.id in getattr(before, f"{kind}s") else "create"
            found.append(_event(kind, action, one.id, {"name": one.name}, now))
        for name in getattr(changes, f"removed_{kind}s"):
            if name in getattr(before, f"{kind}s"):
                found.append(_event(kind, "remove", name, {"name": getattr(before, f"{kind}s")[name].name}, now))
    for node in changes.nodes:
        found.append(_event("node", *_node_change(before.nodes.get(node.id), node), now))
    for service in changes.services:
        found.append(_event("service", *_service_change(before.services.get(service.id), service), now))
    for name in changes.removed_services:
        if name in before.services:
            found.append(_event("service", "remove", name, {"name": before.services[name].name}, now))
    for task in changes.tasks:
        found += _task_events(before.tasks.get(task.id), task, now)
    for name in changes.removed_tasks:
        if name in before.tasks and before.tasks[name].status.state >= TaskState.STARTING:
            gone = before.tasks[name]
            found.append(_event("container", "destroy", *_container(gone), now))
    return found


def _event(kind: str, action: str, object_id: str, attributes: dict[str, str], now: float) -> Json:
    event: Json = {}
    if kind == "container":
        event = {"status": action, "id": object_id, "from": attributes["image"]}
    return {
        **event,
        "Type": kind,
        "Action": action,
        "Actor": {"ID": object_id, "Attributes": attributes},
        "scope": "local" if kind == "container" else "swarm",
        "time": int(now),
        "timeNano": int(now * 1_000_000) * 1000,
    }


def _service_change(before: Service | None, after: Service) -> tuple[str, str, dict[str, str]]:
    attributes = {"name": after.name}
    if before is None:
        return "create", after.id, attributes
    facts: tuple[tuple[str, Callable[[Service], Any]], ...] = (
        ("image", _image),
        ("replicas", lambda one: one.spec["Mode"].get("Replicated", {}).get("Replicas")),
        ("updatestate", lambda one: one.update_status.state if one.update_status else None),
    )
    for name, read in facts:
        old, new = read(before), read(after)
        if old != new:
            attributes |= {
                f"{name}.{when}": str(value) for when, value in (("new", new), ("old", old)) if value is not None
            }
    return "update", after.id, attributes


def _image(service: Service) -> str:
    return str(service.spec["TaskTemplate"]["ContainerSpec"].get("Image", ""))


def _node_change(before: Node | None, after: Node) -> tuple[str, str, dict[str, str]]:
    attributes = {"name": after.hostname}
    if before is None:
        return "create", after.id, attributes
    for name in ("availability", "state"):
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            attributes |= {f"{name}.new": new, f"{name}.old": old}
    return "update", after.id, attributes


def _container(task: Task) -> tuple[str, dict[str, str]]:
    name = task_name(task)
    return task.status.container_id or task.id, {
        "com.docker.swarm.node.id": task.node_id,
        "com.docker.swarm.service.id": task.service_id,
        "com.docker.swarm.service.name": task.service_name,
        "com.docker.swarm.task": "",
        "com.docker.swarm.task.id": task.id,
        "com.docker.swarm.task.name": name,
        "image": str(task.spec["ContainerSpec"].get("Image", "")),
        "name": name,
    }


def task_name(task: Task) -> str:
    """``service.slot.id``; a global task has its node's id for a slot."""
    return f"{task.service_name}.{task.slot or task.node_id}.{task.id}"


def _task_events(before: Task | None, after: Task, now: float) -> list[Json]:
    """By the states that were passed, so that several steps in one transaction lose nothing."""
    was = before.status.state if before else TaskState.NEW
    state = after.status.state
    if was == state:
        return []
    name, attributes = _container(after)
    checked = bool(after.spec["ContainerSpec"].get("Healthcheck", {}).get("Test"))
    found: list[Json] = []
    began = was >= TaskState.STARTING or TaskState.STARTING <= state <= TaskState.RUNNING
    if was < TaskState.STARTING and began:
        found.append(_event("container", "create", name, attributes, now))
        found.append(_event("container", "start", name, attributes, now))
    if was < TaskState.RUNNING == state and checked:
        found.append(_event("container", "health_status: healthy", name, attributes, now))
    if was <= TaskState.RUNNING < state and began:
        if checked and "unhealthy" in after.status.err:
            found.append(_event("container", "health_status: unhealthy", name, attributes, now))
        code = after.status.exit_code
        exited = {**attributes, "exitCode": str(code)} if code is not None else attributes
        found.append(_event("container", "die", name, exited, now))
    return found


def log_lines(before: State, changes: Changes) -> list[str]:
    """What is worth a line in the manager's log."""
    lines: list[str] = []
    for service in changes.services:
        lines += _service_lines(before.services.get(service.id), service)
    lines += [
        f"service {before.services[name].name} removed" for name in changes.removed_services if name in before.services
    ]
    for task in changes.tasks:
        was = before.tasks.get(task.id)
        state = task.status.state
        if state in (TaskState.FAILED, TaskState.REJECTED) and (was is None or was.status.state != state):
            why = _printable(task.status.err or task.status.message)
            lines.append(f"task {task_name(task)} {state.name.lower()}: {why}")
    for node in changes.nodes:
        known = before.nodes.get(node.id)
        if known is not None and known.availability != node.availability:
            lines.append(f"node {node.hostname}: availability {known.availability} -> {node.availability}")
    return lines


def _service_lines(before: Service | None, after: Service) -> list[str]:
    if before is None:
        return [f"service {after.name} created ({after.id})"]
    lines = []
    if before.spec is not after.spec and before.spec != after.spec:
        lines.append(f"service {after.name} has a new spec")
    old, new = before.update_status, after.update_status
    if new is not None and (old is None or old.state != new.state):
        lines.append(f"service {after.name}: {new.state}: {_printable(new.message)}")
    return lines


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text)
