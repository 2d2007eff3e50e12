"""Which task serves which published port."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from agent_values import task

from reconciler.manager.balancer.ports import Backend, published_ports
from reconciler.manager.model import Service


def port(published: int, target: int, protocol: str = "tcp") -> dict[str, Any]:
    return {"Protocol": protocol, "TargetPort": target, "PublishedPort": published, "PublishMode": "ingress"}


def service(name: str, *ports: dict[str, Any]) -> Service:
    return Service(
        id=f"id-{name}", spec={"Name": name}, spec_version=1, version=1, created_at=0.0, updated_at=0.0, ports=ports
    )


def served(*services: Service, tasks: dict[str, tuple[str, list[dict[str, Any]]]]) -> Any:
    """``tasks``: id → (service, ports of its endpoint spec); its address is 127.64.0.ID."""
    serving = [
        (replace(task(task_id), service_id=f"id-{name}", endpoint={"Ports": ports}), f"127.64.0.{task_id}")
        for task_id, (name, ports) in tasks.items()
    ]
    return published_ports({one.id: one for one in services}, serving)


def test_every_serving_task_of_the_service_in_the_order_of_ids() -> None:
    ports = served(
        service("web", port(80, 8080)), tasks={"2": ("web", [port(80, 8080)]), "1": ("web", [port(80, 8080)])}
    )
    assert ports.routes == {80: (Backend("1", "127.64.0.1", 8080), Backend("2", "127.64.0.2", 8080))}
    assert ports.problems == {}


def test_a_port_without_a_task_is_still_listened_on() -> None:
    assert served(service("web", port(80, 8080)), tasks={}).routes == {80: ()}


def test_during_an_update_each_task_is_reached_on_the_target_port_it_was_made_with() -> None:
    tasks = {"1": ("web", [port(80, 8080)]), "2": ("web", [port(80, 9090)]), "3": ("web", [])}
    ports = served(service("web", port(80, 9090)), tasks=tasks)
    assert ports.routes == {80: (Backend("1", "127.64.0.1", 8080), Backend("2", "127.64.0.2", 9090))}


def test_a_port_that_the_manager_chose_is_found_by_its_target() -> None:
    ports = served(service("web", port(30000, 8080)), tasks={"1": ("web", [{"TargetPort": 8080}])})
    assert ports.routes == {30000: (Backend("1", "127.64.0.1", 8080),)}


def test_udp_and_a_port_published_twice_are_named() -> None:
    ports = served(
        service("b", port(80, 1), port(53, 53, "udp")), service("a", port(80, 2)), tasks={"1": ("b", [port(80, 1)])}
    )
    assert ports.routes == {80: ()}
    assert ports.problems == {
        53: "port 53/udp of service b: only TCP is published here",
        80: "port 80 is published by service a: b gets none of it",
    }
