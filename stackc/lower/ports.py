"""Published ports → EndpointSpec.Ports, in docker's order."""

from __future__ import annotations

from stackc.assemble.ports import parse_ports
from stackc.hints import Any
from stackc.lower.gosort import sort_by
from stackc.lower.read import field, items, text, value
from stackc.lower.subject import Subject
from stackc.parse.nodes import Node

Json = dict[str, Any]
EVERYWHERE = ("", "0.0.0.0", "::")  # noqa: S104 - what a port without an address means


def ports(subject: Subject) -> list[Json] | None:
    made: list[Json] = []
    for item in items(subject.service, "ports"):
        _check_address(subject, item)
        port = subject.fill(item, "services.*.ports.[]")
        made += [{**port, **published} for published in _published(subject, item)]
    return sort_by(made, lambda port: int(port.get("PublishedPort", 0))) or None


def _published(subject: Subject, item: Node) -> list[Json]:
    """One entry, or one for each port of a range."""
    node = field(item, "published")
    given = value(node)
    if not given:
        return [{}]
    if isinstance(given, (int, float)):
        return [{"PublishedPort": int(given)}]
    try:
        members = parse_ports(f"{given}:1")
    except ValueError as error:
        subject.report("SC3001", f"`{given}` is no port: {error}", node, "ports")
        return []
    return [{"PublishedPort": one.published} if one.published else {} for one in members]


def _check_address(subject: Subject, item: Node) -> None:
    address = text(item, "host_ip")
    if address in EVERYWHERE:
        return
    at = field(item, "host_ip")
    if subject.context.is_stack:
        message = f"the address {address} is ignored: the port is open on every interface"
        subject.report("SC3013", message, at, "ports")
    else:
        subject.report("SC3014", f"a port cannot be bound to the address {address}", at, "ports")
