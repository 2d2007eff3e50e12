"""Compose lists without doubles: of two items that the table's ``unique`` column takes for one, the later one counts,
at the place of the first. In each document, in the whole project, and once more where the long form of a range of
ports may have brought new ones."""

from __future__ import annotations

from stackc.assemble.context import Context
from stackc.assemble.mounts import parse_mount
from stackc.attributes import ATTRIBUTES, ROOT, Place
from stackc.diagnostics import Related
from stackc.hints import Callable
from stackc.parse.nodes import Mapping, Node, Scalar, Sequence, plain, sequence

Identity = Callable[[Node, Context], object]
"""What an item is told apart by; None is like nothing else."""


def unique(root: Mapping, context: Context, *, report: bool = False) -> Mapping:
    """The tree without doubles; the same one where there are none. ``report``: lists are as somebody wrote them, so an
    item that another one replaces is most likely a mistake."""
    return _Walk(context, report, _ALL).node(root, ROOT)  # type: ignore[return-value]


def unique_ports(root: Mapping, context: Context) -> Mapping:
    """The same for published ports alone."""
    return _Walk(context, False, _PORTS).node(root, ROOT)  # type: ignore[return-value]


class _Walk:
    """``concerned``: the places with a list below that is looked at, or that are one."""

    def __init__(self, context: Context, report: bool, concerned: frozenset[Place]) -> None:
        self.context = context
        self.report = report
        self.concerned = concerned

    def node(self, node: Node, place: Place) -> Node:
        if isinstance(node, Sequence):
            rule = place.attr.unique if place.attr is not None else ""
            return self._without_doubles(node, IDENTITY[rule]) if rule and len(node.items) > 1 else node
        if not isinstance(node, Mapping):
            return node
        changed: dict[str, Node] | None = None
        concerned = self.concerned
        for key, child in node.entries.items():
            below = place.child(key)
            if below not in concerned or isinstance(child, Scalar):
                continue
            assert below is not None
            new = self.node(child, below)
            if new is not child:
                changed = changed or dict(node.entries)
                changed[key] = new
        return node if changed is None else Mapping(changed, node.keys, node.file, node.start, node.end)

    def _without_doubles(self, node: Sequence, identity: Identity) -> Sequence:
        kept: dict[object, Node] = {}
        for at, item in enumerate(node.items):
            key = identity(item, self.context)
            if key is None:
                key = (at,)
            elif self.report and key in kept and plain(kept[key]) != plain(item):
                message, related = (
                    "a later item of the list replaces this one",
                    (Related(item.span, "this one counts"),),
                )
                self.context.report("SC1309", message, kept[key], related=related)
            kept[key] = item
        return node if len(kept) == len(node.items) else sequence(list(kept.values()), node)


def _field(node: Mapping, key: str) -> str:
    value = node.get(key)
    return str(value.value) if isinstance(value, Scalar) and value.value is not None else ""


def _name(node: Node, context: Context) -> object:
    """What stands before the first ``=``."""
    return node.value.partition("=")[0] if isinstance(node, Scalar) and isinstance(node.value, str) else None


def _text(node: Node, context: Context) -> object:
    return str(node.value) if isinstance(node, Scalar) else None


def _target(node: Node, context: Context) -> object:
    if isinstance(node, Mapping):
        return _field(node, "target") if "target" in node.entries else None
    if not isinstance(node, Scalar) or not isinstance(node.value, str):
        return None
    try:
        return parse_mount(node.value).target
    except ValueError:
        return node.value


def _path(node: Node, context: Context) -> object:
    """The file that is meant, whichever folder its name starts from."""
    path = node.get("path") if isinstance(node, Mapping) else node
    is_text = isinstance(path, Scalar) and isinstance(path.value, str)
    return context.absolute(path.value, path) if is_text else None  # type: ignore[union-attr]


def _port(node: Node, context: Context) -> object:
    if not isinstance(node, Mapping):
        return _text(node, context)
    host = _field(node, "host_ip") or "0.0.0.0"  # noqa: S104  (what compose-go puts there)
    return (host, _field(node, "published"), _field(node, "target"), _field(node, "protocol") or "tcp")


def _mounted(folder: str) -> Identity:
    def identity(node: Node, context: Context) -> object:
        if isinstance(node, Mapping):
            return _field(node, "target") if "target" in node.entries else f"{folder}/{_field(node, 'source')}"
        return f"{folder}/{node.value}" if isinstance(node, Scalar) and isinstance(node.value, str) else None

    return identity


IDENTITY: dict[str, Identity] = {
    "name": _name,
    "text": _text,
    "target": _target,
    "path": _path,
    "port": _port,
    "config": _mounted(""),
    "secret": _mounted("/run/secrets"),
}


def _places(wanted: Callable[[str], bool]) -> frozenset[Place]:
    """The places of lists with a wanted rule, and those on the way to them."""
    into = {ROOT}
    for attr in ATTRIBUTES:
        if not attr.unique or not wanted(attr.unique):
            continue
        place: Place | None = ROOT
        for part in attr.path.split("."):
            assert place is not None
            place = place.any if part == "*" else place.item if part == "[]" else place.children[part]
            assert place is not None
            into.add(place)
    return frozenset(into)


_ALL = _places(bool)
_PORTS = _places("port".__eq__)
