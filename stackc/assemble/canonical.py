"""Short syntax → long syntax: after this pass every file looks the same, whichever way it was written.

The canonical shapes (what ``merge``, ``lower`` and ``stackc config`` rely on): command, entrypoint and
healthcheck.test are lists; labels, sysctls, options and environment are mappings of strings; ports, volumes,
configs and secrets are lists of mappings; service networks and depends_on are mappings; durations are
nanoseconds, memory is bytes; ``external`` is a boolean and an external object has a ``name``.
"""

from __future__ import annotations

from collections.abc import Callable

from stackc.assemble.context import Context
from stackc.assemble.environment import environment
from stackc.assemble.mounts import is_absolute, parse_mount
from stackc.assemble.ports import parse_ports
from stackc.assemble.quantity import duration, size
from stackc.assemble.words import split
from stackc.attributes import ROOT, Place
from stackc.parse.nodes import Mapping, Node, Scalar, Sequence, mapping, scalar, sequence
from stackc.parse.scalars import go_text


def canonical(root: Mapping, context: Context) -> Mapping:
    """The whole file in canonical form. A value that cannot be read is reported and left out. docker reads env files
    here, file by file; Compose after the last merge (``environment.resolve``)."""
    result = _walk(root, ROOT, context, ())
    assert isinstance(result, Mapping)
    services = result.get("services")
    if not isinstance(services, Mapping) or not context.is_stack:
        return result
    done: dict[str, Node] = {
        key: environment(service, context) for key, service in services.items() if isinstance(service, Mapping)
    }
    entries = {**result.entries, "services": Mapping(done, services.keys, services.file, services.start, services.end)}
    return Mapping(entries, result.keys, result.file, result.start, result.end)


def _walk(node: Node, place: Place, context: Context, path: tuple[str, ...]) -> Node | None:
    attr = place.attr
    if attr is not None:
        if attr.short:
            converted = SHORT[attr.short](node, context, path)
            if converted is None:
                return None
            node = converted
    if isinstance(node, Mapping) and (place.children or place.any is not None):
        entries: dict[str, Node] = {}
        keep_null = place.any is not None and place.any.attr is None
        for key, child in node.entries.items():
            below = place.child(key)
            if below is None:
                entries[key] = child
                continue
            if isinstance(child, Scalar) and child.value is None and not keep_null and below.attr is None:
                continue
            new = _walk(child, below, context, (*path, key))
            if new is not None:
                entries[key] = new
        return Mapping(entries, node.keys, node.file, node.start, node.end)
    if isinstance(node, Sequence) and place.item is not None:
        items = [_walk(child, place.item, context, path) for child in node.items]
        return sequence([item for item in items if item is not None], node)
    return node


Convert = Callable[[Node, Context, tuple[str, ...]], Node | None]


def _is_null(node: Node) -> bool:
    return isinstance(node, Scalar) and node.value is None


def _words(node: Node, context: Context, path: tuple[str, ...]) -> Node | None:
    if not isinstance(node, Scalar):
        return _texts(node, context, path)
    if node.value is None:
        return None
    try:
        return sequence([scalar(word, node) for word in split(go_text(node.value))], node)
    except ValueError as error:
        context.report("SC3006", f"the command line {error}", node, path=path)
        return None


def _text(node: Node, context: Context, path: tuple[str, ...]) -> Node | None:
    """One scalar as a string; of a number as it was written."""
    if not isinstance(node, Scalar) or node.value is None or type(node.value) is str:
        return None if _is_null(node) else node
    return Scalar(node.text, node.text, node.file, node.start, node.end)


def _texts(node: Node, context: Context, path: tuple[str, ...]) -> Node | None:
    if not isinstance(node, Sequence):
        return None
    items: list[Node] = []
    for item in node.items:
        if isinstance(item, Scalar) and item.value is not None:
            items.append(item if type(item.value) is str else scalar(go_text(item.value), item))
    return sequence(items, node)


def _strings(node: Node, context: Context, path: tuple[str, ...]) -> Node | None:
    """A string, or a list of strings."""
    if isinstance(node, Scalar):
        return None if node.value is None else sequence([node], node)
    return node


def _pairs(node: Node, context: Context, path: tuple[str, ...]) -> Node | None:
    """``[K=V]`` or ``{K: V}`` as a mapping of strings; what has no value gets ""."""
    entries: dict[str, Node] = {}
    keys: dict[str, Scalar] = {}
    if isinstance(node, Mapping):
        for key, value in node.entries.items():
            assert isinstance(value, Scalar)
            plain = value.value
            entries[key] = value if type(plain) is str else scalar("" if plain is None else go_text(plain), value)
        return Mapping(entries, node.keys, node.file, node.start, node.end)
    if not isinstance(node, Sequence):
        return None
    for item in node.items:
        assert isinstance(item, Scalar)
        key, _, text = go_text(item.value).partition("=")
        entries[key] = scalar(text, item)
        keys[key] = item
    return mapping(entries, node, keys)


def _nullable_pairs(node: Node, context: Context, path: tuple[str, ...]) -> Node | None:
    """The same, but what has no value stays null."""
    pairs = _pairs(node, context, path)
    if not isinstance(pairs, Mapping):
        return None
    entries = dict(pairs.entries)
    for key, child in entries.items():
        original = node.entries[key] if isinstance(node, Mapping) else None
        is_bare = isinstance(node, Sequence) and any(isinstance(i, Scalar) and i.value == key for i in node.items)
        if is_bare or (original is not None and _is_null(original)):
            entries[key] = scalar(None, child)
    return Mapping(entries, pairs.keys, node.file, node.start, node.end)


def _duration(node: Node, context: Context, path: tuple[str, ...]) -> Node | None:
    assert isinstance(node, Scalar)
    if node.value is None:
        return None
    try:
        nanoseconds = duration(go_text(node.value), days=not context.is_stack)
    except ValueError as error:
        context.report("SC3003", f"`{node.value}` {error}", node, path=path)
        return None
    if nanoseconds < 0:
        context.report("SC3003", f"`{node.value}` is negative", node, path=path)
        return None
    return Scalar(nanoseconds, node.text, node.file, node.start, node.end)


def _bytes(node: Node, context: Context, path: tuple[str, ...]) -> Node | None:
    assert isinstance(node, Scalar)
    if node.value is None:
        return None
    try:
        return Scalar(size(go_text(node.value)), node.text, node.file, node.start, node.end)
    except ValueError as error:
        context.report("SC3004", f"`{node.value}` {error}", node, path=path)
        return None


def _whole(node: Node, context: Context, path: tuple[str, ...]) -> Node | None:
    """A number that may have been written as 2.0; docker truncates."""
    assert isinstance(node, Scalar)
    if node.value is None or not isinstance(node.value, (int, float)):
        return None
    if node.value != node.value or not -(2**63) <= node.value < 2**64:
        context.report("SC3010", f"`{node.text}` is too large", node, path=path)
        return None
    if node.value < 0 and path[-1] != "pids":
        context.report("SC3010", f"`{node.text}` is negative", node, path=path)
        return None
    return Scalar(int(node.value), node.text, node.file, node.start, node.end)


def _test(node: Node, context: Context, path: tuple[str, ...]) -> Node | None:
    if isinstance(node, Scalar):
        return None if node.value is None else sequence([scalar("CMD-SHELL", node), node], node)
    return node


def _hosts(node: Node, context: Context, path: tuple[str, ...]) -> Node | None:
    """``host:ip`` each; of a mapping in the order of the names."""
    items: list[Node] = []
    if isinstance(node, Mapping):
        for name in sorted(node.entries):
            value = node.entries[name]
            for one in value.items if isinstance(value, Sequence) else [value]:
                assert isinstance(one, Scalar)
                if one.value is not None:
                    items.append(scalar(f"{name}:{_bare(go_text(one.value))}", one))
    elif isinstance(node, Sequence):
        for item in node.items:
            assert isinstance(item, Scalar)
            text = str(item.value)
            cut = min((at for at in (text.find("="), text.find(":")) if at >= 0), default=-1)
            if cut < 0:
                context.report("SC2101", f"`{text}` has no address and has no effect", item, path=path)
                continue
            items.append(scalar(f"{text[:cut]}:{_bare(text[cut + 1 :])}", item))
    return sequence(items, node)


def _bare(address: str) -> str:
    return address[1:-1] if address[:1] == "[" and address[-1:] == "]" else address


def _ulimit(node: Node, context: Context, path: tuple[str, ...]) -> Node | None:
    if isinstance(node, Mapping):
        numbers = {k: v for k, v in node.items() if isinstance(v, Scalar)}
        for value in numbers.values():
            if isinstance(value.value, float):
                context.report("SC3010", f"`{value.text}` is no whole number", value, path=path)
                return None
        return node
    assert isinstance(node, Scalar)
    if not isinstance(node.value, int):
        context.report("SC3010", f"`{node.text}` is no whole number", node, path=path)
        return None
    return mapping({"single": node}, node)


def _networks(node: Node, context: Context, path: tuple[str, ...]) -> Node | None:
    """A list of names is a mapping of names to null."""
    if not isinstance(node, Sequence):
        return node
    entries: dict[str, Node] = {}
    keys: dict[str, Scalar] = {}
    for item in node.items:
        assert isinstance(item, Scalar)
        entries[str(item.value)] = scalar(None, item)
        keys[str(item.value)] = item
    return mapping(entries, node, keys)


def _ports(node: Node, context: Context, path: tuple[str, ...]) -> Node | None:
    assert isinstance(node, Sequence)
    items: list[Node] = []
    for item in node.items:
        if isinstance(item, Mapping):
            port = _long_port(item, context, path)
            if port is not None:
                items.append(port)
            continue
        assert isinstance(item, Scalar)
        if isinstance(item.value, float):
            context.report("SC3001", f"`{item.text}` is no port", item, path=path)
            continue
        try:
            ports = parse_ports(go_text(item.value))
        except ValueError as error:
            hint = 'write "PUBLISHED:TARGET", such as "8080:80", or the long form'
            context.report("SC3001", f"`{item.value}` is no port: {error}", item, path=path, hint=hint)
            continue
        if ports[0].address not in ("", "0.0.0.0", "::"):  # noqa: S104
            _address(ports[0].address, item, context, path)
        for one in ports:
            entries = {"mode": scalar("ingress", item), "target": scalar(one.target, item)}
            if one.published:
                entries["published"] = scalar(one.published, item)
            entries["protocol"] = scalar(one.protocol, item)
            items.append(mapping({**entries}, item))
    return sequence(items, node)


def _address(address: str, at: Node, context: Context, path: tuple[str, ...]) -> None:
    if context.is_stack:
        context.report(
            "SC3013", f"the address {address} is ignored: the port is open on every interface", at, path=path
        )
    else:
        context.report("SC3014", f"a port cannot be bound to the address {address}", at, path=path)


def _long_port(item: Mapping, context: Context, path: tuple[str, ...]) -> Node | None:
    entries = dict(item.entries)
    for key in ("target", "published"):
        value = entries.get(key)
        if isinstance(value, Scalar) and isinstance(value.value, (int, float)):
            if not 0 <= value.value <= 65535 or value.value != int(value.value):
                context.report("SC3001", f"`{value.text}` is no port: ports are 0 to 65535", value, path=path)
                return None
            entries[key] = scalar(int(value.value), value)
        elif isinstance(value, Scalar) and key == "published" and isinstance(value.value, str):
            try:
                low, dash, high = value.value.partition("-")
                if dash and low != high:
                    raise ValueError("a range needs the short form")
                entries[key] = scalar(parse_ports(low)[0].target, value)
            except ValueError as error:
                context.report("SC3001", f"`{value.value}` is no port: {error}", value, path=path)
                return None
    host = entries.pop("host_ip", None)
    if isinstance(host, Scalar) and host.value not in (None, "", "0.0.0.0", "::"):  # noqa: S104
        _address(str(host.value), host, context, path)
    entries.pop("app_protocol", None)
    return Mapping(entries, item.keys, item.file, item.start, item.end)


def _volumes(node: Node, context: Context, path: tuple[str, ...]) -> Node | None:
    assert isinstance(node, Sequence)
    items: list[Node] = []
    for item in node.items:
        entries: dict[str, Node]
        if isinstance(item, Mapping):
            entries = dict(item.entries)
            keys = item.keys
        else:
            assert isinstance(item, Scalar)
            keys = {}
            try:
                mount = parse_mount(go_text(item.value))
            except ValueError as error:
                hint = "write SOURCE:TARGET[:ro], or the long form"
                context.report("SC3002", f"`{item.value}` {error}", item, path=path, hint=hint)
                continue
            entries = {"type": scalar(mount.type, item)}
            if mount.source:
                entries["source"] = scalar(mount.source, item)
            entries["target"] = scalar(mount.target, item)
            if mount.read_only:
                entries["read_only"] = scalar(True, item)
            if mount.propagation:
                entries["bind"] = mapping({"propagation": scalar(mount.propagation, item)}, item)
            if mount.nocopy:
                entries["volume"] = mapping({"nocopy": scalar(True, item)}, item)
        if _scalar_text(entries.get("type")) == "bind":
            source = _bind_source(entries.get("source"), item, context, path)
            if source is None:
                continue
            entries["source"] = source
        items.append(Mapping(entries, keys, item.file, item.start, item.end))
    return sequence(items, node)


def _scalar_text(node: Node | None) -> str:
    return str(node.value) if isinstance(node, Scalar) and node.value is not None else ""


def _bind_source(node: Node | None, item: Node, context: Context, path: tuple[str, ...]) -> Node | None:
    source = _scalar_text(node)
    if node is None or not source:
        context.report("SC3002", "a bind mount needs a `source`", item, path=path, hint="name the folder of the host")
        return None
    if source.startswith("~"):
        source = context.environment.get("HOME", "") + source[1:]
    return scalar(source if is_absolute(source) else context.absolute(source, node), node)


def _file_refs(node: Node, context: Context, path: tuple[str, ...]) -> Node | None:
    """Configs and secrets of a service: a bare name is its source."""
    assert isinstance(node, Sequence)
    items: list[Node] = []
    for item in node.items:
        if not isinstance(item, Scalar):
            items.append(item)
        elif item.value is not None:
            items.append(mapping({"source": item}, item))
    return sequence(items, node)


def _depends_on(node: Node, context: Context, path: tuple[str, ...]) -> Node | None:
    """A mapping of service to ``condition`` (a list means service_started)."""
    if not isinstance(node, Sequence):
        return None if _is_null(node) else node
    entries: dict[str, Node] = {}
    keys: dict[str, Scalar] = {}
    for item in node.items:
        assert isinstance(item, Scalar)
        entries[str(item.value)] = mapping({"condition": scalar("service_started", item)}, item)
        keys[str(item.value)] = item
    return mapping(entries, node, keys)


def _build(node: Node, context: Context, path: tuple[str, ...]) -> Node | None:
    if isinstance(node, Scalar):
        return None if node.value is None else mapping({"context": node}, node)
    return node


def _env_files(node: Node, context: Context, path: tuple[str, ...]) -> Node | None:
    if isinstance(node, Scalar):
        return None if node.value is None else sequence([node], node)
    return node


def _keep(node: Node, context: Context, path: tuple[str, ...]) -> Node | None:
    return None if _is_null(node) else node


def _object(node: Node, context: Context, path: tuple[str, ...]) -> Node | None:
    """A top-level network, volume, config or secret: ``external`` becomes a boolean with a ``name``."""
    if not isinstance(node, Mapping):
        return mapping({}, node)
    kind, key = path[0][:-1], path[1]
    entries = dict(node.entries)
    if kind in ("config", "secret"):
        file = entries.get("file")
        if isinstance(file, Scalar) and isinstance(file.value, str) and _is_external(entries) is False:
            entries["file"] = Scalar(context.absolute(file.value, file), file.value, file.file, file.start, file.end)
    if kind == "secret" and _scalar_text(entries.get("driver")) and _scalar_text(entries.get("file")):
        message = f"the secret `{key}` has both `driver` and `file`"
        context.report("SC3011", message, node.key_span("file"), path=path, hint="keep one of the two")
    external = entries.get("external")
    if external is None or _is_external(entries) is False:
        entries.pop("external", None)
        return Mapping(entries, node.keys, node.file, node.start, node.end)
    name = entries.get("name")
    if isinstance(external, Mapping) and (inner := external.get("name")) is not None:
        if name is not None and _scalar_text(name):
            message = f"the {kind} `{key}` has both `name` and `external.name`"
            context.report("SC3011", message, inner, path=path, hint="keep only `name`")
        elif _scalar_text(inner):
            message = f"`external.name` of the {kind} `{key}` is deprecated"
            context.report(
                "SC2102", message, inner, path=path, hint=f"write `name: {_scalar_text(inner)}` and `external: true`"
            )
            name = inner
    if kind == "volume":
        for other in ("driver", "driver_opts", "labels"):
            if other in entries and not _is_empty(entries[other]):
                message = f"the external volume `{key}` cannot have `{other}`"
                context.report(
                    "SC3011", message, node.key_span(other), path=path, hint=f"remove `{other}` or `external`"
                )
    entries["name"] = name if name is not None and _scalar_text(name) else scalar(key, external)
    entries["external"] = scalar(True, external)
    return Mapping(entries, node.keys, node.file, node.start, node.end)


def _is_external(entries: dict[str, Node]) -> bool:
    node = entries.get("external")
    return node is not None and not (isinstance(node, Scalar) and node.value in (None, False, ""))


def _is_empty(node: Node) -> bool:
    return isinstance(node, Scalar) and node.value in (None, "")


SHORT: dict[str, Convert] = {
    "words": _words,
    "text": _text,
    "texts": _texts,
    "strings": _strings,
    "pairs": _pairs,
    "nullable_pairs": _nullable_pairs,
    "environment": _keep,
    "env_file": _env_files,
    "duration": _duration,
    "bytes": _bytes,
    "whole": _whole,
    "test": _test,
    "hosts": _hosts,
    "ulimit": _ulimit,
    "networks": _networks,
    "ports": _ports,
    "volumes": _volumes,
    "file_refs": _file_refs,
    "depends_on": _depends_on,
    "build": _build,
    "object": _object,
}
