"""Canonical tree → what ``docker compose config`` prints, as YAML or JSON: its field order, what it adds and what it
leaves out. Pure.

The two forms differ: JSON sorts the top level, has no ``x-`` keys but those of the top level, and no models; it
prints ``command`` and ``entrypoint`` also where there are none, and names some fields of ``blkio_config`` its own way.
"""

from __future__ import annotations

from stackc.assemble.quantity import duration_text, float32
from stackc.hints import Any
from stackc.parse.nodes import Mapping, Node, Scalar, Sequence, Timestamp
from stackc.parse.read import field, value
from stackc.parse.scalars import go_text, rfc3339
from stackc.report import gojson
from stackc.report.compose_shapes import OBJECTS, SERVICE, Default, Each, Struct
from stackc.report.yaml import Whole, dump, natural

Json = dict[str, Any]
_NOTHING = object()


def compose_config(root: Mapping, name: str, *, json: bool = False) -> str:
    """The whole text. ``root``: canonical and complete. ``name``: of the project. A ``$`` is doubled, so that the
    text can be read again."""
    model = compose_model(root, name, json=json)
    if not json:
        return dump(_whole_texts(model)).replace("$", "$$")
    return gojson.dump(model).replace("$", "$$")


def _whole_texts(shape: Any) -> Any:
    if isinstance(shape, dict):
        return {_whole_texts(key): _whole_texts(child) for key, child in shape.items()}
    if isinstance(shape, list):
        return [_whole_texts(child) for child in shape]
    return Whole(shape) if type(shape) is str and shape[:1] in _BREAKS and shape else shape


_BREAKS = ("\n", "\r", "\x85", "\u2028", "\u2029")


def compose_model(root: Mapping, name: str, *, json: bool) -> Json:
    """The same as plain values, in the order that they are printed in."""
    print_ = _Printer(json)
    model: Json = {"name": name}
    services = _services(root)
    if services or "services" in root.entries:
        model["services"] = {key: print_.service(services[key]) for key in print_.sorted(list(services))}
    used = _used(services)
    for kind, struct in OBJECTS:
        if kind == "models" and json:
            continue
        parent = root.get(kind)
        objects = parent.entries if isinstance(parent, Mapping) else {}
        if kind == "networks" and "default" in used[kind] and "default" not in objects:
            objects = {**objects, "default": root}
        kept = print_.sorted([key for key in objects if key in used[kind]])
        if kept:
            model[kind] = {key: print_.named(objects[key], key, struct, kind, name) for key in kept}
    for key in print_.sorted([key for key in root.entries if key.startswith("x-")]):
        model[key] = print_.any(root.entries[key])
    return {key: model[key] for key in sorted(model)} if json else model


def names(root: Mapping, kind: str, project: str) -> list[str]:
    """What ``docker compose config --services`` and the like list, sorted: keys, of services also their images
    (``images``, named after the project where there is none) and profiles."""
    services = _services(root)
    if kind == "images":
        return sorted({str(value(field(node, "image")) or f"{project}-{key}") for key, node in services.items()})
    if kind == "profiles":
        return sorted({str(value(item)) for node in services.values() for item in _items(node, "profiles")})
    if kind == "services":
        return sorted(services)
    parent = root.get(kind)
    objects = set(parent.entries) if isinstance(parent, Mapping) else set()
    used = _used(services)[kind]
    return sorted(used & (objects | {"default"})) if kind == "networks" else sorted(objects & used)


def _services(root: Mapping) -> dict[str, Mapping]:
    node = root.get("services")
    return {key: one for key, one in node.items() if isinstance(one, Mapping)} if isinstance(node, Mapping) else {}


def attached(service: Mapping) -> bool:
    """Whether a service that names no network is on the default one."""
    networks = service.get("networks")
    named = isinstance(networks, Mapping) and networks.entries
    return not named and "network_mode" not in service.entries and "provider" not in service.entries


def _used(services: dict[str, Mapping]) -> dict[str, set[str]]:
    """Keys of the top-level objects that services refer to: docker compose leaves out the others."""
    used: dict[str, set[str]] = {kind: set() for kind, _ in OBJECTS}
    for service in services.values():
        for kind in ("networks", "models"):
            node = service.get(kind)
            if isinstance(node, Mapping):
                used[kind].update(node.entries)
        if attached(service):
            used["networks"].add("default")
        for kind, holder in (("configs", service), ("secrets", service), ("secrets", field(service, "build"))):
            for item in _items(holder, kind):
                used[kind].add(str(value(field(item, "source"))))
        for item in _items(service, "volumes"):
            if value(field(item, "type")) == "volume":
                used["volumes"].add(str(value(field(item, "source"))))
    return used


def _items(node: Node | None, key: str) -> list[Node]:
    child = field(node, key)
    return child.items if isinstance(child, Sequence) else []


class _Printer:
    """Nodes → plain values for one of the two forms."""

    def __init__(self, json: bool) -> None:
        self.json = json

    def sorted(self, keys: list[str]) -> list[str]:
        return sorted(keys) if self.json else natural(keys)

    def service(self, node: Mapping) -> Json:
        entries = dict(node.entries)
        if attached(node):
            entries["networks"] = Mapping(
                {"default": Scalar(None, "", node.file, node.start, node.end)}, {}, *_at(node)
            )
        build = entries.get("build")
        if (
            isinstance(build, Mapping)
            and "dockerfile" not in build.entries
            and "dockerfile_inline" not in build.entries
        ):
            named = {**build.entries, "dockerfile": Scalar("Dockerfile", "", *_at(build))}
            entries["build"] = Mapping(named, build.keys, *_at(build))
        entries.update(
            (key, Sequence([_secret(item) for item in child.items], *_at(child)))
            for key, child in node.items()
            if key == "secrets" and isinstance(child, Sequence)
        )
        return self.struct(Mapping(entries, node.keys, *_at(node)), SERVICE)

    def named(self, node: Node, key: str, struct: Struct, kind: str, project: str) -> Json:
        """A top-level object; without a name of its own it is called after project and key."""
        entries = dict(node.entries) if isinstance(node, Mapping) and "services" not in node.entries else {}
        if kind != "models" and "name" not in entries:
            entries["name"] = Scalar(f"{project}_{key}", "", *_at(node))
        if kind in ("configs", "secrets") and "environment" in entries:
            entries.pop("content", None)
        return self.struct(Mapping(entries, {}, *_at(node)), struct)

    def struct(self, node: Node | None, struct: Struct) -> Json:
        shape: Json = {}
        entries = node.entries if isinstance(node, Mapping) else {}
        for key, kind in struct.fields:
            child = entries.get(key)
            if child is None or (type(child) is Scalar and child.value is None):
                if key not in struct.spoken:
                    continue
                child = None
            printed = self.field(child, kind)
            if printed is not _NOTHING:
                shape[key.capitalize() if self.json and struct.capital else key] = printed
        if struct.extras and not self.json:
            for key in natural([key for key in entries if key.startswith("x-")]):
                shape[key] = self.any(entries[key])
        return shape

    def field(self, node: Node | None, kind: Any) -> Any:
        if isinstance(kind, Struct):
            if node is None and not (kind.always and self.json):
                return _NOTHING
            shape = self.struct(node, kind)
            return shape if shape or kind.kept or self.json else _NOTHING
        if node is None:
            if isinstance(kind, Default):
                return kind.value
            return None if kind == "words" and self.json else _NOTHING
        if isinstance(kind, Default):
            return self.pointer(node) if kind.zero else self.scalar(node)
        if isinstance(kind, Each):
            return self.each(node, kind.struct)
        return _KINDS[kind](self, node)

    def each(self, node: Node, struct: Struct) -> Any:
        if isinstance(node, Sequence):
            return [self.struct(item, struct) for item in node.items] or _NOTHING
        if isinstance(node, Mapping):
            keys = self.sorted(list(node.entries))
            return {
                key: None if field(node, key) is None else self.struct(node.entries[key], struct) for key in keys
            } or _NOTHING
        return _NOTHING

    def any(self, node: Node) -> Any:
        if isinstance(node, Mapping):
            return {key: self.any(node.entries[key]) for key in self.sorted(list(node.entries))}
        if isinstance(node, Sequence):
            return [self.any(item) for item in node.items]
        found = value(node)
        return rfc3339(found) if self.json and isinstance(found, Timestamp) else found

    def list(self, node: Node) -> Any:
        return [_text(item) for item in node.items] or _NOTHING if isinstance(node, Sequence) else _NOTHING

    def words(self, node: Node) -> Any:
        return [_text(item) for item in node.items] if isinstance(node, Sequence) else _NOTHING

    def map(self, node: Node) -> Any:
        if not isinstance(node, Mapping) or not node.entries:
            return _NOTHING
        return {key: _text(node.entries[key]) for key in self.sorted(list(node.entries))}

    def lists(self, node: Node) -> Any:
        if not isinstance(node, Mapping) or not node.entries:
            return _NOTHING
        return {key: self.words(node.entries[key]) for key in self.sorted(list(node.entries))}

    def hosts(self, node: Node) -> Any:
        lines = self.list(node)
        return lines if lines is _NOTHING else [line.replace(":", "=", 1) for line in lines]

    def ssh(self, node: Node) -> Any:
        """docker compose cannot print keys with a path as JSON; we use the form that a file has."""
        if not isinstance(node, Mapping) or not node.entries:
            return _NOTHING
        join = "=" if self.json else ": "
        found = [(key, value(node.entries[key])) for key in self.sorted(list(node.entries))]
        return [f"{key}{join}{where}" if where else key for key, where in found]

    def ulimits(self, node: Node) -> Any:
        if not isinstance(node, Mapping) or not node.entries:
            return _NOTHING
        return {key: self.ulimit(node.entries[key]) for key in self.sorted(list(node.entries))}

    def ulimit(self, node: Node) -> Any:
        single = value(field(node, "single"))
        if single:
            return single
        limits = {key: value(field(node, key)) or 0 for key in ("soft", "hard")}
        return {key: limit for key, limit in limits.items() if limit} if self.json else limits

    def scalar(self, node: Node) -> Any:
        found = value(node)
        return _NOTHING if found in ("", 0, False, None) else _whole(found)

    def pointer(self, node: Node) -> Any:
        return _whole(value(node))

    def text(self, node: Node) -> Any:
        return _text(node) or _NOTHING

    def bytes(self, node: Node) -> Any:
        return str(value(node)) if value(node) else _NOTHING

    def rate(self, node: Node) -> Any:
        return str(value(node) or 0)

    def mode(self, node: Node) -> Any:
        found = value(node)
        return f"0{found:o}" if isinstance(found, int) else _NOTHING

    def float32(self, node: Node) -> Any:
        found = value(node)
        return float32(found) if isinstance(found, (int, float)) and found else _NOTHING

    def cpus(self, node: Node) -> Any:
        """The number as text."""
        found = value(node)
        number = float(found) if found else 0.0
        return float32(number) if number else _NOTHING

    def duration(self, node: Node) -> Any:
        return self.pointer_duration(node) if value(node) else _NOTHING

    def pointer_duration(self, node: Node) -> Any:
        found = value(node)
        return duration_text(found) if isinstance(found, int) else _NOTHING


_KINDS: dict[str, Any] = {
    "": _Printer.scalar,
    "pointer": _Printer.pointer,
    "text": _Printer.text,
    "bytes": _Printer.bytes,
    "mode": _Printer.mode,
    "float32": _Printer.float32,
    "cpus": _Printer.cpus,
    "duration": _Printer.duration,
    "pointer duration": _Printer.pointer_duration,
    "list": _Printer.list,
    "words": _Printer.words,
    "map": _Printer.map,
    "lists": _Printer.lists,
    "hosts": _Printer.hosts,
    "ssh": _Printer.ssh,
    "ulimits": _Printer.ulimits,
    "rate": _Printer.rate,
}


def _at(node: Node) -> tuple[str, Any, Any]:
    return node.file, node.start, node.end


def _secret(item: Node) -> Node:
    """docker compose names the file that a secret without a target becomes."""
    if not isinstance(item, Mapping) or "target" in item.entries:
        return item
    target = Scalar(f"/run/secrets/{value(item.get('source'))}", "", *_at(item))
    return Mapping({**item.entries, "target": target}, item.keys, *_at(item))


def _text(node: Node) -> Any:
    found = value(node)
    return found if found is None or isinstance(found, str) else go_text(found)


def _whole(found: Any) -> Any:
    """Numbers of these fields are whole ones in Go."""
    return int(found) if isinstance(found, float) else found
