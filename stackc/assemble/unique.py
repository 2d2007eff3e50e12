"""Compose lists without doubles: of two items that the table's ``unique`` column takes for one, the later one counts,
at the place of the first. Once as they are written, before the schema looks, once in long form."""

from __future__ import annotations

from collections.abc import Callable

from stackc.attributes import ROOT, Place
from stackc.parse.nodes import Mapping, Node, Scalar, Sequence, sequence


def unique(root: Mapping) -> Mapping:
    """The tree without doubles; the same one where there are none."""
    return _walk(root, ROOT)  # type: ignore[return-value]


def _walk(node: Node, place: Place) -> Node:
    if isinstance(node, Sequence):
        return _without_doubles(node, IDENTITY[place.attr.unique]) if place.attr and place.attr.unique else node
    if not isinstance(node, Mapping):
        return node
    changed: dict[str, Node] | None = None
    for key, child in node.entries.items():
        below = place.child(key)
        if below is None or isinstance(child, Scalar) or not _CONCERNED[below]:
            continue
        new = _walk(child, below)
        if new is not child:
            changed = changed or dict(node.entries)
            changed[key] = new
    return node if changed is None else Mapping(changed, node.keys, node.file, node.start, node.end)


def _without_doubles(node: Sequence, identity: Callable[[Node], object]) -> Sequence:
    if len(node.items) < 2:
        return node
    kept: dict[object, Node] = {}
    for at, item in enumerate(node.items):
        key = identity(item)
        kept[at if key is None else key] = item
    return node if len(kept) == len(node.items) else sequence(list(kept.values()), node)


def _concerned(place: Place, into: dict[Place, bool]) -> bool:
    """Does a row here or below ask for it?"""
    below = [*place.children.values(), *(one for one in (place.any, place.item) if one is not None)]
    into[place] = any([_concerned(one, into) for one in below]) or bool(place.attr and place.attr.unique)
    return into[place]


_CONCERNED: dict[Place, bool] = {}
_concerned(ROOT, _CONCERNED)


def _field(node: Mapping, key: str) -> str:
    value = node.get(key)
    return str(value.value) if isinstance(value, Scalar) and value.value is not None else ""


def _name(node: Node) -> object:
    """What stands before the first ``=``."""
    return node.value.partition("=")[0] if isinstance(node, Scalar) and isinstance(node.value, str) else None


def _text(node: Node) -> object:
    return str(node.value) if isinstance(node, Scalar) else None


def _target(node: Node) -> object:
    if isinstance(node, Mapping):
        return ("target", _field(node, "target")) if "target" in node.entries else None
    return _name_of_string(node)


def _name_of_string(node: Node) -> object:
    return node.value if isinstance(node, Scalar) and isinstance(node.value, str) else None


def _path(node: Node) -> object:
    return _field(node, "path") if isinstance(node, Mapping) else _name_of_string(node)


def _port(node: Node) -> object:
    if not isinstance(node, Mapping):
        return _text(node)
    host = _field(node, "host_ip") or "0.0.0.0"  # noqa: S104  (what compose-go puts there)
    return (host, _field(node, "published"), _field(node, "target"), _field(node, "protocol") or "tcp")


def _mounted(folder: str) -> Callable[[Node], object]:
    def identity(node: Node) -> object:
        if isinstance(node, Mapping):
            return _field(node, "target") if "target" in node.entries else f"{folder}/{_field(node, 'source')}"
        return f"{folder}/{node.value}" if isinstance(node, Scalar) and isinstance(node.value, str) else None

    return identity


IDENTITY: dict[str, Callable[[Node], object]] = {
    "name": _name,
    "text": _text,
    "target": _target,
    "path": _path,
    "port": _port,
    "config": _mounted(""),
    "secret": _mounted("/run/secrets"),
}
