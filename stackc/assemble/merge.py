"""Several stack files into one, each already canonical, as docker's reflection-based merge does it, faults included.

A scalar replaces unless it is Go's zero value; lists are appended without looking; ports are keyed by their published
port, so all unpublished ones collapse, and they collapse as soon as a later file names the service. Compose projects
are merged by ``stackc.assemble.layers``.
"""

from __future__ import annotations

from stackc.assemble.context import Context
from stackc.attributes import ROOT, Place
from stackc.diagnostics import Path, Related
from stackc.hints import Callable
from stackc.parse.nodes import Mapping, Node, Scalar, Sequence, sequence

Merge = Callable[[Node | None, Node | None], Node | None]
"""``(base, override)``; at least one is given. Positions stay those of the node that is kept."""


def merge(base: Mapping, override: Mapping, context: Context) -> Mapping:
    """``base`` changed by ``override``; neither is changed. What is neither a service nor an object comes from the
    first file."""
    entries = dict(base.entries)
    keys = {**override.keys, **base.keys}
    for key, node in override.entries.items():
        if key == "services":
            entries[key] = _services(entries.get(key), node, context)
        elif key in ("networks", "volumes", "configs", "secrets"):
            entries[key] = _objects(entries.get(key), node)
        elif key not in entries and not key.startswith("x-"):
            entries[key] = node
    return Mapping(entries, keys, base.file, base.start, base.end)


def _services(base: Node | None, override: Node, context: Context) -> Node:
    if not isinstance(base, Mapping) or not isinstance(override, Mapping):
        return override
    place = ROOT.children["services"].any
    assert place is not None
    entries = dict(base.entries)
    for name, service in override.items():
        old = entries.get(name)
        if not isinstance(old, Mapping) or not isinstance(service, Mapping):
            entries[name] = service
            continue
        merged = _mapping(old, service, place)
        for key in (key for key in service.entries if key.startswith("x-")):
            extra, before = service.entries[key], old.entries.get(key)
            path = ("services", name, key)
            merged.entries[key] = extra if before is None else _extra(before, extra, path, context)
        entries[name] = merged
    return Mapping(entries, {**override.keys, **base.keys}, base.file, base.start, base.end)


def _objects(base: Node | None, override: Node) -> Node:
    """docker replaces a top-level object whole."""
    if not isinstance(base, Mapping) or not isinstance(override, Mapping):
        return override
    entries = {**base.entries, **override.entries}
    return Mapping(entries, {**base.keys, **override.keys}, base.file, base.start, base.end)


def _node(base: Node | None, override: Node | None, place: Place | None) -> Node | None:
    rule = place.attr.merge if place is not None and place.attr is not None else ""
    if rule in RULES:
        return RULES[rule](base, override)
    if override is None:
        return base
    if base is None:
        # appending nothing to nothing leaves nothing
        return None if isinstance(override, Sequence) and not override.items else override
    if isinstance(base, Mapping) and isinstance(override, Mapping):
        return _mapping(base, override, place)
    if isinstance(base, Sequence) and isinstance(override, Sequence):
        return _append(base, override)
    return base if _is_zero(override) else override


def _extra(base: Node, override: Node, path: Path, context: Context) -> Node:
    """Values of extension fields: mappings are united, lists appended, all else replaces, even when it is empty."""
    if isinstance(override, Mapping) and isinstance(base, Mapping):
        entries = dict(base.entries)
        for key, node in override.items():
            entries[key] = _extra(entries[key], node, (*path, key), context) if key in entries else node
        return Mapping(entries, {**base.keys, **override.keys}, base.file, base.start, base.end)
    if not isinstance(override, Sequence) or (isinstance(base, Scalar) and base.value is None):
        return override
    if isinstance(base, Sequence):
        return sequence([*base.items, *override.items], base)
    related = (Related(base.span, "no list here"),)
    context.report(
        "SC2002", "a list cannot be merged into what an earlier file has here", override, path=path, related=related
    )
    return base


def _mapping(base: Mapping, override: Mapping, place: Place | None) -> Mapping:
    entries: dict[str, Node] = {}
    for key in (*base.entries, *(key for key in override.entries if key not in base.entries)):
        below = place.child(key) if place is not None else None
        merged = _node(base.entries.get(key), override.entries.get(key), below)
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


def _append(base: Node | None, override: Node | None) -> Node | None:
    """Also of healthcheck.test: the override's words come behind the base's."""
    if not isinstance(base, Sequence) or not isinstance(override, Sequence):
        return override if override is not None else base
    return sequence([*base.items, *override.items], base)


def _replace(base: Node | None, override: Node | None) -> Node | None:
    return base if override is None or (base is not None and _is_zero(override)) else override


def _pointer(base: Node | None, override: Node | None) -> Node | None:
    """Numbers that docker holds by reference: 0 is a value."""
    return base if override is None or (isinstance(override, Scalar) and override.value is None) else override


def _pairs(base: Node | None, override: Node | None) -> Node | None:
    if not isinstance(base, Mapping) or not isinstance(override, Mapping):
        return override if override is not None else base
    keys = {**base.keys, **override.keys}
    return Mapping({**base.entries, **override.entries}, keys, base.file, base.start, base.end)


def _environment(base: Node | None, override: Node | None) -> Node | None:
    """An empty or null value does not replace."""
    if not isinstance(base, Mapping) or not isinstance(override, Mapping):
        return _pairs(base, override)
    entries = dict(base.entries)
    for name, node in override.items():
        if name not in entries or not (isinstance(node, Scalar) and node.value in (None, "")):
            entries[name] = node
    return Mapping(entries, {**base.keys, **override.keys}, base.file, base.start, base.end)


def _logging(base: Node | None, override: Node | None) -> Node | None:
    """Options are united for one driver, and only where the base has some; another driver replaces all."""
    if not isinstance(base, Mapping) or not isinstance(override, Mapping):
        return override if override is not None else base
    old, new = base.get("driver"), override.get("driver")
    if isinstance(old, Scalar) and isinstance(new, Scalar) and old.value != new.value:
        return override
    options = _pairs(base.get("options"), override.get("options")) if base.get("options") is not None else None
    entries: dict[str, Node] = {}
    if (driver := new if new is not None else old) is not None:
        entries["driver"] = driver
    if options is not None:
        entries["options"] = options
    return Mapping(entries, {**base.keys, **override.keys}, base.file, base.start, base.end)


def _networks(base: Node | None, override: Node | None) -> Node | None:
    if not isinstance(base, Mapping) or not isinstance(override, Mapping):
        return override if override is not None else base
    entries = dict(base.entries)
    for name, node in override.items():
        old = entries.get(name)
        if not isinstance(old, Mapping):
            entries[name] = node if isinstance(node, Mapping) or old is None else old
        elif isinstance(node, Mapping):
            entries[name] = _attachment(old, node)
    return Mapping(entries, {**base.keys, **override.keys}, base.file, base.start, base.end)


def _attachment(old: Mapping, new: Mapping) -> Mapping:
    """The aliases are the override's, also when it has none; its driver_opts are ignored."""
    entries = {key: value for key, value in old.items() if key != "aliases"}
    for key, value in new.items():
        if key != "driver_opts" and not _is_zero(value):
            entries[key] = value
    return Mapping(entries, {**old.keys, **new.keys}, old.file, old.start, old.end)


def _keyed(key_of: Callable[[Node], str], sort_key: Callable[[Node], object]) -> Merge:
    """Lists whose items are told apart, the later one counts; sorted, also when only the base has one."""

    def united(base: Node | None, override: Node | None) -> Node | None:
        if not isinstance(base, Sequence):
            return override if isinstance(override, Sequence) else base
        later = override.items if isinstance(override, Sequence) else []
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


def _source(node: Node) -> str:
    return _field(node, "source")


def _target(node: Node) -> str:
    return _field(node, "target")


RULES: dict[str, Merge] = {
    "append": _append,
    "replace": _replace,
    "pointer": _pointer,
    "duration": _replace,
    "pairs": _pairs,
    "environment": _environment,
    "logging": _logging,
    "networks": _networks,
    "ports": _keyed(lambda port: str(_number(port, "published")), lambda port: _number(port, "published")),
    "volumes": _keyed(_target, _target),
    "file_refs": _keyed(_source, _source),
    "depends_on": _pairs,
}
