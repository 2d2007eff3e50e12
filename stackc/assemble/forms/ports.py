"""Published ports. In the long form of a stack file ``published`` is a number, of a Compose file text."""

from __future__ import annotations

from stackc.assemble.context import Context
from stackc.assemble.ports import check_address, parse_ports, parse_published
from stackc.parse.nodes import Mapping, Node, Scalar, Sequence, Timestamp, mapping, scalar, sequence
from stackc.parse.scalars import go_text

_HINT = 'write "PUBLISHED:TARGET", such as "8080:80", or the long form'
_EVERY = ("", "0.0.0.0", "::")  # noqa: S104


def stack_ports(node: Node, context: Context, path: tuple[str, ...]) -> Node | None:
    if not isinstance(node, Sequence):
        return None
    items: list[Node] = []
    for item in node.items:
        if isinstance(item, Mapping):
            port = _stack_port(item, context, path)
            if port is not None:
                items.append(port)
            continue
        assert isinstance(item, Scalar)
        if isinstance(item.value, (float, Timestamp)):
            context.report("SC3001", f"`{item.text}` is no port", item, path=path)
            continue
        try:
            ports = parse_ports(go_text(item.value))
        except ValueError as error:
            context.report("SC3001", f"`{item.value}` is no port: {error}", item, path=path, hint=_HINT)
            continue
        if context.has_too_many_ports(len(ports), item):
            return sequence(items, node)
        if ports[0].address not in _EVERY:
            _no_address(ports[0].address, item, context, path)
        for one in ports:
            entries: dict[str, Node] = {"mode": scalar("ingress", item), "target": scalar(one.target, item)}
            if one.published:
                entries["published"] = scalar(one.published, item)
            entries["protocol"] = scalar(one.protocol, item)
            items.append(mapping(entries, item))
    return sequence(items, node)


def _no_address(address: str, at: Node, context: Context, path: tuple[str, ...]) -> None:
    context.report("SC3013", f"the address {address} is ignored: the port is open on every interface", at, path=path)


def _stack_port(item: Mapping, context: Context, path: tuple[str, ...]) -> Node | None:
    entries = dict(item.entries)
    for key in ("target", "published"):
        value = entries.get(key)
        if isinstance(value, Scalar) and isinstance(value.value, (int, float)):
            if not 0 <= value.value <= 65535 or value.value != int(value.value):
                context.report("SC3001", f"`{value.text}` is no port: ports are 0 to 65535", value, path=path)
                return None
            entries[key] = scalar(int(value.value), value)
    host = entries.pop("host_ip", None)
    if isinstance(host, Scalar) and host.value not in (None, *_EVERY):
        _no_address(str(host.value), host, context, path)
    entries.pop("app_protocol", None)
    return Mapping(entries, item.keys, item.file, item.start, item.end)


def compose_ports(node: Node, context: Context, path: tuple[str, ...]) -> Node | None:
    """Each with ``target`` (a number) and, where given, ``published`` (text: a port, or a range the engine chooses
    from), ``host_ip``, ``protocol``, ``mode``, ``name`` and ``app_protocol``."""
    if not isinstance(node, Sequence):
        return None
    items: list[Node] = []
    for item in node.items:
        if isinstance(item, Mapping):
            items.extend(_compose_port(item, context, path))
        elif isinstance(item, Scalar):
            items.extend(_short_port(item, context, path))
    return sequence(items, node)


def _short_port(item: Scalar, context: Context, path: tuple[str, ...]) -> list[Mapping]:
    if isinstance(item.value, float):
        context.report("SC3001", f"`{item.text}` is no port", item, path=path)
        return []
    try:
        ports = parse_published(go_text(item.value))
    except ValueError as error:
        context.report("SC3001", f"`{item.value}` is no port: {error}", item, path=path, hint=_HINT)
        return []
    made: list[Mapping] = []
    if context.has_too_many_ports(len(ports), item):
        return made
    for one in ports:
        entries: dict[str, Node] = {"mode": scalar("ingress", item)}
        if one.address:
            entries["host_ip"] = scalar(one.address, item)
        entries["target"] = scalar(one.target, item)
        if one.published:
            entries["published"] = scalar(one.published, item)
        entries["protocol"] = scalar(one.protocol, item)
        made.append(mapping(entries, item))
    return made


def _compose_port(item: Mapping, context: Context, path: tuple[str, ...]) -> list[Mapping]:
    entries = dict(item.entries)
    if "target" not in entries:
        context.report("SC3001", "a port has no `target`", item.start_span, path=path, hint="name the container's port")
        return []
    target = entries["target"]
    if isinstance(target, Scalar) and isinstance(target.value, (int, float)) and not 0 <= target.value <= 65535:
        context.report("SC3001", f"`{target.text}` is no port: ports are 0 to 65535", target, path=path)
        return []
    published = entries.get("published")
    if isinstance(published, Scalar) and isinstance(published.value, float):
        context.report("SC3001", f"`{published.text}` is no port", published, path=path)
        return []
    if isinstance(published, Scalar) and isinstance(published.value, int):
        entries["published"] = scalar(str(published.value), published)
    address = entries.get("host_ip")
    if isinstance(address, Scalar) and isinstance(address.value, str):
        try:
            check_address(address.value)
        except ValueError as error:
            context.report("SC3001", f"`{address.value}` is no address of a port: {error}", address, path=path)
            return []
    return [Mapping(entries, item.keys, item.file, item.start, item.end)]
