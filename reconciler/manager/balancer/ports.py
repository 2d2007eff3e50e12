"""Which task serves which published port: pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from reconciler.manager.model import Json, Service, Task


class Backend(NamedTuple):
    """Where a task listens for one published port."""

    task_id: str
    address: str
    port: int


class Ports(NamedTuple):
    """``routes``: published port → the tasks that serve it, by id. ``problems``: published
    port → why it is not, or not fully, served."""

    routes: dict[int, tuple[Backend, ...]]
    problems: dict[int, str]


def published_ports(services: Mapping[str, Service], serving: Iterable[tuple[Task, str]]) -> Ports:
    """``serving``: the tasks that take new connections, each with its own address.

    Ingress and host ports are served alike: there is one machine. A task serves the ports of the endpoint spec it
    was made from, so that during an update each task is reached on the target port that it knows.
    """
    routes: dict[int, tuple[Backend, ...]] = {}
    problems: dict[int, str] = {}
    owners: dict[int, str] = {}
    tasks: dict[str, list[tuple[Task, str]]] = {}
    for task, address in sorted(serving, key=lambda pair: pair[0].id):
        tasks.setdefault(task.service_id, []).append((task, address))
    for service in sorted(services.values(), key=lambda service: service.name):
        for port in service.ports:
            published = int(port.get("PublishedPort") or 0)
            if not published:
                continue
            if (port.get("Protocol") or "tcp") != "tcp":
                problem = f"port {published}/{port['Protocol']} of service {service.name}: only TCP is published here"
                problems.setdefault(published, problem)
                continue
            owner = owners.setdefault(published, service.name)
            if owner != service.name:
                problems[published] = (
                    f"port {published} is published by service {owner}: {service.name} gets none of it"
                )
                continue
            own = tasks.get(service.id, ())
            found = (Backend(task.id, address, _target(task, port)) for task, address in own)
            routes[published] = tuple(backend for backend in found if backend.port)
    return Ports(routes, problems)


def _target(task: Task, published: Json) -> int:
    """The target port under which ``task`` serves a port of its service; 0: it does not."""
    for port in task.endpoint.get("Ports") or ():
        if (port.get("Protocol") or "tcp") != "tcp":
            continue
        number, target = int(port.get("PublishedPort") or 0), int(port.get("TargetPort") or 0)
        if number == int(published["PublishedPort"]) or (
            not number and target == int(published.get("TargetPort") or 0)
        ):
            return target
    return 0
