"""Several files into one, both already canonical.

Stack dialect: what docker's reflection-based merge does, faults included. A scalar replaces unless it is Go's zero
value; lists are appended without looking; ports are keyed by their published port, so all unpublished ones collapse,
and they collapse as soon as a later file names the service. Compose dialect: mappings merge, lists are united by
their natural key, scalars replace, commands replace whole.
"""

from __future__ import annotations

from collections.abc import Callable

from stackc.attributes import ROOT, Place
from stackc.parse.nodes import Mapping, Node, Scalar, Sequence, sequence

Merge = Callable[[Node | None, Node | None, bool], Node | None]
"""``(base, override, stack dialect)``; at least one is given. Positions stay those of the node that is kept."""


def merge(base: Mapping, override: Mapping, *, stack: bool) -> Mapping:
    """``base`` changed by ``override``. Pure; neither is changed."""
    entries = dict(base.entries)
    keys = {**override.keys, **base.keys}
    for key, node in override.entries.items():
        merged: Node | None
        if key == "services":
            merged = _services(entries.get(key), node, stack)
        elif key in ("networks", "volumes", "configs", "secrets"):
            merged = _objects(entries.get(key), node, stack)
        elif key in entries and (stack or key == "version"):
            merged = entries[key]  # extras come from the first file
        elif stack and key.startswith("x-"):
            continue
        else:
            place = ROOT.child(key)
            merged = _node(entries.get(key), node, place, stack)
        if merged is not None:
            entries[key] = merged
    return Mapping(entries, keys, base.file, base.start, base.end)


def _services(base: Node | None, override: Node, stack: bool) -> Node:
    if not isinstance(base, Mapping) or not isinstance(override, Mapping):
        return override
    place = ROOT.children["services"].any
    assert place is not None
    entries = dict(base.entries)
    for name, service in override.items():
        if name in entries:
            merged = _mapping(entries[name], service, place, stack)
            assert merged is not None
            entries[name] = merged
        else:
            entries[name] = service
    return Mapping(entries, {**override.keys, **base.keys}, base.file, base.start, base.end)


def _objects(base: Node | None, override: Node, stack: bool) -> Node:
    """Top-level objects: docker replaces an entry whole, Compose merges it."""
    if not isinstance(base, Mapping) or not isinstance(override, Mapping):
        return override
    entries = dict(base.entries)
    for name, node in override.items():
        old = entries.get(name)
        entries[name] = node if stack or old is None else (_mapping(old, node, None, stack) or node)
    return Mapping(entries, {**base.keys, **override.keys}, base.file, base.start, base.end)


def _node(base: Node | None, override: Node | None, place: Place | None, stack: bool) -> Node | None:
    rule = place.attr.merge if place is not None and place.attr is not None else ""
    if rule in RULES:
        return RULES[rule](base, override, stack)
    if override is None:
        return base
    if base is None:
        return override
    if isinstance(base, Mapping) and isinstance(override, Mapping):
        return _mapping(base, override, place, stack)
    if isinstance(base, Sequence) and isinstance(override, Sequence):
        return _append(base, override, stack)
    return base if stack and _is_zero(override) else override


def _mapping(base: Node, override: Node, place: Place | None, stack: bool) -> Node | None:
    if not isinstance(base, Mapping) or not isinstance(override, Mapping):
        return override
    entries: dict[str, Node] = {}
    for key in (*base.entries, *(key for key in override.entries if key not in base.entries)):
        below = place.child(key) if place is not None else None
        merged = _node(base.entries.get(key), override.entries.get(key), below, stack)
        if merged is not None:
            entries[key] = merged
    return Mapping(entries, {**base.keys, **override.keys}, base.file, base.start, base.end)


def _is_zero(node: Node) -> bool:
    """Go's zero value, which mergo takes for "not set"."""
    if isinstance(node, Scalar):
        return node.value is None or node.value == "" or node.value == 0
    if isinstance(node, Sequence):
        return not node.items
    return isinstance(node, Mapping) and not node.entries


def _append(base: Node | None, override: Node | None, stack: bool) -> Node | None:
    if not isinstance(base, Sequence) or not isinstance(override, Sequence):
        return override if override is not None else base
    if stack:
        return sequence([*base.items, *override.items], base)
    known = {_identity(item) for item in base.items}
    fresh = [item for item in override.items if _identity(item) not in known]
    return sequence([*base.items, *fresh], base)


def _identity(node: Node) -> str:
    if isinstance(node, Scalar):
        return f"{type(node.value).__name__} {node.value}"
    if isinstance(node, Mapping):
        return "{" + ",".join(f"{key}={_identity(value)}" for key, value in sorted(node.entries.items())) + "}"
    assert isinstance(node, Sequence)
    return "[" + ",".join(map(_identity, node.items)) + "]"


def _replace(base: Node | None, override: Node | None, stack: bool) -> Node | None:
    if override is None or (stack and base is not None and _is_zero(override)):
        return base
    return override


def _pointer(base: Node | None, override: Node | None, stack: bool) -> Node | None:
    """Numbers that docker holds by reference: 0 is a value."""
    return base if override is None or (isinstance(override, Scalar) and override.value is None) else override


def _duration(base: Node | None, override: Node | None, stack: bool) -> Node | None:
    return _replace(base, override, stack) if stack else _pointer(base, override, stack)


def _concatenate(base: Node | None, override: Node | None, stack: bool) -> Node | None:
    """healthcheck.test: docker appends the override's words to the base's, Compose replaces."""
    return _append(base, override, True) if stack else _replace(base, override, stack)


def _pairs(base: Node | None, override: Node | None, stack: bool) -> Node | None:
    if not isinstance(base, Mapping) or not isinstance(override, Mapping):
        return override if override is not None else base
    keys = {**base.keys, **override.keys}
    return Mapping({**base.entries, **override.entries}, keys, base.file, base.start, base.end)


def _environment(base: Node | None, override: Node | None, stack: bool) -> Node | None:
    """docker: an empty or null value does not replace."""
    if not isinstance(base, Mapping) or not isinstance(override, Mapping) or not stack:
        return _pairs(base, override, stack)
    entries = dict(base.entries)
    for name, node in override.items():
        if name not in entries or not (isinstance(node, Scalar) and node.value in (None, "")):
            entries[name] = node
    return Mapping(entries, {**base.keys, **override.keys}, base.file, base.start, base.end)


def _logging(base: Node | None, override: Node | None, stack: bool) -> Node | None:
    if not isinstance(base, Mapping) or not isinstance(override, Mapping):
        return override if override is not None else base
    old, new = base.get("driver"), override.get("driver")
    same = (
        old is None or new is None or (isinstance(old, Scalar) and isinstance(new, Scalar) and old.value == new.value)
    )
    if not same:
        return override
    options = _pairs(base.get("options"), override.get("options"), stack)
    if stack and base.get("options") is None:
        options = None
    entries: dict[str, Node] = {}
    if (driver := new if new is not None else old) is not None:
        entries["driver"] = driver
    if options is not None:
        entries["options"] = options
    return Mapping(entries, {**base.keys, **override.keys}, base.file, base.start, base.end)


def _networks(base: Node | None, override: Node | None, stack: bool) -> Node | None:
    if not isinstance(base, Mapping) or not isinstance(override, Mapping):
        return override if override is not None else base
    entries = dict(base.entries)
    for name, node in override.items():
        old = entries.get(name)
        if not isinstance(old, Mapping):
            entries[name] = node if isinstance(node, Mapping) or old is None else old
        elif isinstance(node, Mapping):
            entries[name] = _attachment(old, node, stack)
    return Mapping(entries, {**base.keys, **override.keys}, base.file, base.start, base.end)


def _attachment(old: Mapping, new: Mapping, stack: bool) -> Mapping:
    """docker: the aliases are the override's, also when it has none; its driver_opts are ignored."""
    entries = dict(old.entries)
    if stack:
        entries.pop("aliases", None)
    for key, value in new.items():
        if not (stack and (key == "driver_opts" or _is_zero(value))):
            entries[key] = value
    return Mapping(entries, {**old.keys, **new.keys}, old.file, old.start, old.end)


def _keyed(key_of: Callable[[Node], str], sort_key: Callable[[Node], object]) -> Merge:
    def united(base: Node | None, override: Node | None, stack: bool) -> Node | None:
        if not isinstance(base, Sequence) or (not stack and not isinstance(override, Sequence)):
            return override if isinstance(override, Sequence) else base
        later = override.items if isinstance(override, Sequence) else []
        if not stack:
            known = {key_of(item): at for at, item in enumerate(base.items)}
            items = list(base.items)
            for item in later:
                if key_of(item) in known:
                    items[known[key_of(item)]] = item
                else:
                    items.append(item)
            return sequence(items, base)
        table: dict[str, Node] = {}
        for item in (*base.items, *later):
            table[key_of(item)] = item
        return sequence(sorted(table.values(), key=sort_key), base)  # type: ignore[arg-type]

    return united


def _field(node: Node, key: str) -> str:
    value = node.get(key) if isinstance(node, Mapping) else None
    return str(value.value) if isinstance(value, Scalar) and value.value is not None else ""


def _number(node: Node, key: str) -> int:
    value = node.get(key) if isinstance(node, Mapping) else None
    return int(value.value) if isinstance(value, Scalar) and isinstance(value.value, (int, float)) else 0


def _ports(base: Node | None, override: Node | None, stack: bool) -> Node | None:
    if stack:
        return _keyed(lambda port: str(_number(port, "published")), lambda port: _number(port, "published"))(
            base, override, stack
        )
    identity = _keyed(_identity_of_port, lambda port: 0)
    return identity(base, override, stack)


def _identity_of_port(port: Node) -> str:
    return ":".join((_field(port, "published"), _field(port, "target"), _field(port, "protocol") or "tcp"))


def _file_refs(base: Node | None, override: Node | None, stack: bool) -> Node | None:
    key = "source" if stack else "target"
    by = _keyed(lambda ref: _field(ref, key) or _field(ref, "source"), lambda ref: _field(ref, "source"))
    return by(base, override, stack)


def _volumes(base: Node | None, override: Node | None, stack: bool) -> Node | None:
    return _keyed(lambda mount: _field(mount, "target"), lambda mount: _field(mount, "target"))(base, override, stack)


def _depends_on(base: Node | None, override: Node | None, stack: bool) -> Node | None:
    return _pairs(base, override, stack)


RULES: dict[str, Merge] = {
    "append": _concatenate,
    "replace": _replace,
    "pointer": _pointer,
    "duration": _duration,
    "pairs": _pairs,
    "environment": _environment,
    "logging": _logging,
    "networks": _networks,
    "ports": _ports,
    "volumes": _volumes,
    "file_refs": _file_refs,
    "depends_on": _depends_on,
}
