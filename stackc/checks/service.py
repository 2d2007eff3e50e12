"""What several checks ask about one service. ``service`` is its canonical node."""

from __future__ import annotations

from stackc.parse.nodes import Mapping, Node
from stackc.parse.read import entries, field, flag, items, number, strings, text, value

_LAST_PORT = (1 << 16) - 1


def mode(service: Node) -> str:
    """replicated, global, replicated-job or global-job; an unknown one as it is."""
    return text(field(service, "deploy"), "mode") or "replicated"


def is_job(service: Node) -> bool:
    return mode(service).endswith("-job")


def replicas(service: Node) -> int:
    """How many tasks a replicated service has; the engine's default is 1."""
    deploy = field(service, "deploy")
    if field(deploy, "replicas") is not None:
        return number(deploy, "replicas")
    return number(service, "scale") if field(service, "scale") is not None else 1


def host_ports(service: Node) -> list[Node]:
    """The ports that are published on each task's own node, under a number that was chosen."""
    return [port for port in items(service, "ports") if text(port, "mode").lower() == "host" and published(port)]


def published(port: Node) -> range:
    """The numbers that a port is published under: none where the engine chooses one, several for a range."""
    given = value(field(port, "published"))
    if not isinstance(given, str):
        return range(int(given), int(given) + 1) if isinstance(given, (int, float)) and given else range(0)
    low, dash, high = given.partition("-")
    if not low.isdecimal() or (dash and not high.isdecimal()) or len(given) > 11:
        return range(0)  # what is no port is reported elsewhere
    return range(max(1, int(low)), min(_LAST_PORT, int(high or low)) + 1)


def protocol(port: Node) -> str:
    return (text(port, "protocol") or "tcp").lower()


def health_is_off(service: Node) -> bool:
    """Whether the file switches the image's own health check off."""
    health = field(service, "healthcheck")
    return flag(health, "disable") or strings(health, "test")[:1] == ["NONE"]


def has_health_check(service: Node) -> bool:
    """Whether the file gives the service a health check. Its image may have one that the file does not name."""
    return field(service, "healthcheck") is not None and not health_is_off(service)


def constraints(service: Node) -> list[str]:
    return strings(field(field(service, "deploy"), "placement"), "constraints")


def most_per_node(service: Node) -> int:
    """``max_replicas_per_node``; 0 without one."""
    return number(field(field(service, "deploy"), "placement"), "max_replicas_per_node")


def used_networks(services: Mapping) -> set[str]:
    """The keys of the networks that services are in; one without any is in ``default``."""
    used: set[str] = set()
    for service in services.entries.values():
        used.update([name for name, _ in entries(service, "networks")] or ["default"])
    return used
