"""Published ports → EndpointSpec.Ports, in docker's order."""

from __future__ import annotations

from stackc.assemble.ports import parse_ports
from stackc.hints import Any
from stackc.lower.subject import Subject
from stackc.parse.nodes import Node
from stackc.parse.read import field, items, text, value

Json = dict[str, Any]
STABLE = 12
EVERYWHERE = ("", "0.0.0.0", "::")  # noqa: S104 - what a port without an address means


def ports(subject: Subject) -> list[Json] | None:
    made: list[Json] = []
    for item in items(subject.service, "ports"):
        _check_address(subject, item)
        port = subject.fill(item, "services.*.ports.[]")
        made += [{**port, **published} for published in _published(subject, item)]
    return _in_order(made) or None


def _in_order(made: list[Json]) -> list[Json]:
    """By published port, as Go's sort.Slice leaves them: in their own order up to twelve."""
    if len(made) <= STABLE:
        return sorted(made, key=_published_port)
    from stackc.lower.gosort import sort_by

    return sort_by(made, _published_port)


def _published_port(port: Json) -> int:
    return int(port.get("PublishedPort", 0))


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
    left = subject.table.ports_left
    subject.table.ports_left = left - len(members)
    if len(members) > left:
        if left >= 0:
            subject.report("SC3001", "the stack publishes more ports than there are", node, "ports")
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
