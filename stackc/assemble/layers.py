"""A Compose project's files as layers: a later one over what lies there, as it was written (short or long).

The table's ``layer`` column says how: mappings are united, lists are joined, scalars replaced, except where a row names
a rule of ``RULES``. A null changes nothing. What lies below is copied where the first layer above touches it, and
changed in place from then on, so that many layers cost no more than their own size.
"""

from __future__ import annotations

from stackc.assemble.context import Context
from stackc.attributes import Place
from stackc.diagnostics import Related
from stackc.hints import Callable
from stackc.parse.nodes import Mapping, Node, Scalar, Sequence, mapping, scalar, sequence
from stackc.parse.scalars import go_text

TagPath = tuple[str, ...]
"""Where a ``!reset`` or ``!override`` stands: keys from the top of its document."""


class Layers:
    """``tree`` is what the layers so far come to; None before the first one."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.tree: Node | None = None
        self._own: dict[int, Node] = {}  # collections that only this object knows; kept alive, so an id stays theirs

    def lay(self, layer: Node, place: Place | None, path: TagPath = ()) -> Node:
        """``layer`` over the tree, which is returned. ``place`` and ``path``: of its top."""
        self.tree = layer if self.tree is None else self.over(self.tree, layer, place, path)
        return self.tree

    def remove(self, paths: list[TagPath]) -> list[TagPath]:
        """Take out what stands at ``paths``, for ``!reset`` and ``!override``; the result is those without anything."""
        missing: list[TagPath] = []
        for path in paths:
            node, known = self.tree, True
            for key in path:
                known = isinstance(node, Mapping) and key in node.entries
                if not known:
                    break
                node = node.entries[key]  # type: ignore[union-attr]
            if not known:
                missing.append(path)
                continue
            assert isinstance(self.tree, Mapping)
            parent = self.tree = self.owned(self.tree)
            for key in path[:-1]:
                below = parent.entries[key]
                assert isinstance(below, Mapping)
                parent.entries[key] = parent = self.owned(below)
            del parent.entries[path[-1]]
        return missing

    def owned(self, node: Mapping) -> Mapping:
        """``node``, or a copy of it that may be changed."""
        if id(node) in self._own:
            return node
        copy = Mapping(dict(node.entries), dict(node.keys), node.file, node.start, node.end)
        self._own[id(copy)] = copy
        return copy

    def _owned_list(self, node: Sequence) -> Sequence:
        if id(node) in self._own:
            return node
        copy = sequence(list(node.items), node)
        self._own[id(copy)] = copy
        return copy

    def over(self, base: Node, layer: Node, place: Place | None, path: TagPath) -> Node:
        rule = place.attr.layer if place is not None and place.attr is not None else ""
        if rule:
            return RULES[rule](self, base, layer, place, path)
        return self.plain(base, layer, place, path)

    def plain(self, base: Node, layer: Node, place: Place | None, path: TagPath) -> Node:
        """Without a rule of its own."""
        if is_null(layer) or layer is base:
            return base
        if isinstance(base, Scalar):
            return layer
        if isinstance(base, Mapping) and isinstance(layer, Mapping):
            return self.mappings(base, layer, place, path)
        if isinstance(base, Sequence) and isinstance(layer, Sequence):
            joined = self._owned_list(base)
            joined.items.extend(layer.items)
            return joined
        return self.mismatch(base, layer, path)

    def mappings(self, base: Mapping, layer: Mapping, place: Place | None, path: TagPath) -> Mapping:
        united = self.owned(base)
        entries = united.entries
        for key, node in layer.entries.items():
            below = entries.get(key)
            if below is None:
                entries[key] = node
                if key in layer.keys:
                    united.keys[key] = layer.keys[key]
            else:
                child = place.child(key) if place is not None else None
                entries[key] = self.over(below, node, child, (*path, key))
        return united

    def mismatch(self, base: Node, layer: Node, path: TagPath) -> Node:
        message = f"`{'.'.join(path)}` is {layer.kind} here and {base.kind} where it comes from: they cannot be merged"
        related = (Related(base.span, f"{base.kind} stands here"),)
        hint = "write both in the same form, or replace the whole with !override"
        self.context.report("SC1301", message, layer, path=path, hint=hint, related=related)
        return base


def is_null(node: Node) -> bool:
    return isinstance(node, Scalar) and node.value is None


Rule = Callable[[Layers, Node, Node, Place | None, TagPath], Node]


def _replace(layers: Layers, base: Node, layer: Node, place: Place | None, path: TagPath) -> Node:
    """The whole value, a null too."""
    return layer


def _pairs(layers: Layers, base: Node, layer: Node, place: Place | None, path: TagPath) -> Node:
    """``[K=V]`` and ``{K: V}`` by key; a null value replaces as well. What is neither is left for the schema."""
    if is_null(layer) or layer is base:
        return base
    new = as_pairs(layer)
    if new is None or is_null(base):
        return layer
    old = as_pairs(base)
    if old is None:
        return base
    united = layers.owned(old)
    united.entries.update(new.entries)
    united.keys.update(new.keys)
    return united


def as_pairs(node: Node) -> Mapping | None:
    """A list of ``K=V`` as a mapping, ``K`` alone with null; None for what is neither."""
    if isinstance(node, Mapping):
        return node if all(isinstance(value, Scalar) for value in node.entries.values()) else None
    if not isinstance(node, Sequence):
        return None
    entries: dict[str, Node] = {}
    keys: dict[str, Scalar] = {}
    for item in node.items:
        if not isinstance(item, Scalar) or not isinstance(item.value, str):
            return None
        key, equals, text = item.value.partition("=")
        entries[key] = scalar(text if equals else None, item)
        keys[key] = item
    return mapping(entries, node, keys)


def _list(layers: Layers, base: Node, layer: Node, place: Place | None, path: TagPath) -> Node:
    """One string counts as a list of one."""
    if is_null(layer) or is_null(base):
        return base if is_null(layer) else layer
    return layers.plain(_as_list(base), _as_list(layer), place, path)


def _as_list(node: Node) -> Node:
    return sequence([node], node) if isinstance(node, Scalar) else node


def _hosts(layers: Layers, base: Node, layer: Node, place: Place | None, path: TagPath) -> Node:
    """Lists and mappings of names to addresses as one list, without what is there already."""
    if is_null(layer) or is_null(base):
        return base if is_null(layer) else layer
    old, new = _as_hosts(base), _as_hosts(layer)
    known = {item.value for item in old.items if isinstance(item, Scalar)}
    fresh: list[Node] = [item for item in new.items if not isinstance(item, Scalar) or item.value not in known]
    return layers.plain(old, sequence(fresh, new), place, path)


def _as_hosts(node: Node) -> Sequence:
    if isinstance(node, Sequence):
        return node
    if not isinstance(node, Mapping):
        return sequence([node], node)
    items: list[tuple[str, Node]] = []
    for name, value in node.entries.items():
        for one in value.items if isinstance(value, Sequence) else (value,):
            text = f"{name}={go_text(one.value)}" if isinstance(one, Scalar) and one.value is not None else name
            items.append((text, scalar(text, one)))
    return sequence([item for _, item in sorted(items, key=lambda pair: pair[0])], node)


def _names(layers: Layers, base: Node, layer: Node, place: Place | None, path: TagPath) -> Node:
    """A list of names is a mapping of names to null."""
    if is_null(layer) or is_null(base):
        return base if is_null(layer) else layer
    return layers.plain(_as_names(base, None), _as_names(layer, None), place, path)


def _dependencies(layers: Layers, base: Node, layer: Node, place: Place | None, path: TagPath) -> Node:
    """In a list each name means that the service is started, and must be there."""
    if is_null(layer) or is_null(base):
        return base if is_null(layer) else layer
    return layers.plain(_as_names(base, _DEPENDENCY), _as_names(layer, _DEPENDENCY), place, path)


_DEPENDENCY: dict[str, str | bool] = {"condition": "service_started", "required": True}


def _as_names(node: Node, value: dict[str, str | bool] | None) -> Node:
    if not isinstance(node, Sequence):
        return node
    entries: dict[str, Node] = {}
    keys: dict[str, Scalar] = {}
    for item in node.items:
        if not isinstance(item, Scalar) or not isinstance(item.value, str):
            return node
        meant: dict[str, Node] | None = None if value is None else {k: scalar(v, item) for k, v in value.items()}
        entries[item.value] = scalar(None, item) if meant is None else mapping(meant, item)
        keys[item.value] = item
    return mapping(entries, node, keys)


def _build(layers: Layers, base: Node, layer: Node, place: Place | None, path: TagPath) -> Node:
    """A string is the context."""
    if is_null(layer) or is_null(base):
        return base if is_null(layer) else layer
    return layers.plain(_as_build(base), _as_build(layer), place, path)


def _as_build(node: Node) -> Node:
    return mapping({"context": node}, node) if isinstance(node, Scalar) else node


def _gpus(layers: Layers, base: Node, layer: Node, place: Place | None, path: TagPath) -> Node:
    """``all`` is a list of one request for any number."""
    if is_null(layer) or is_null(base):
        return base if is_null(layer) else layer
    return layers.plain(_as_requests(base), _as_requests(layer), place, path)


def _as_requests(node: Node) -> Node:
    if isinstance(node, Scalar) and node.value == "all":
        return sequence([mapping({"count": node}, node)], node)
    return node


def _logging(layers: Layers, base: Node, layer: Node, place: Place | None, path: TagPath) -> Node:
    """Options belong to their driver: another driver replaces all."""
    if isinstance(base, Mapping) and isinstance(layer, Mapping):
        old, new = base.get("driver"), layer.get("driver")
        if isinstance(old, Scalar) and isinstance(new, Scalar) and old.value != new.value:
            return layer
    return layers.plain(base, layer, place, path)


def _external(layers: Layers, base: Node, layer: Node, place: Place | None, path: TagPath) -> Node:
    """``external: true`` does not take away the name of a deprecated ``external: {name: …}``."""
    if isinstance(base, Mapping) and isinstance(layer, Scalar) and layer.value is not False:
        return base
    return layer if isinstance(base, Mapping) and isinstance(layer, Scalar) else layers.plain(base, layer, place, path)


def _subnets(layers: Layers, base: Node, layer: Node, place: Place | None, path: TagPath) -> Node:
    """Address ranges by their ``subnet``."""
    if not isinstance(base, Sequence) or not isinstance(layer, Sequence):
        return layers.plain(base, layer, place, path)
    items = list(base.items)
    known = {_subnet(item): at for at, item in enumerate(items)}
    for item in layer.items:
        at = known.get(_subnet(item))
        if at is None or not isinstance(item, Mapping):
            items.append(item)
            continue
        old = items[at]
        assert isinstance(old, Mapping)
        items[at] = layers.mappings(old, item, place.item if place is not None else None, path)
    return sequence(items, base)


def _subnet(node: Node) -> object:
    value = node.get("subnet") if isinstance(node, Mapping) else None
    return value.value if isinstance(value, Scalar) else node


RULES: dict[str, Rule] = {
    "replace": _replace,
    "pairs": _pairs,
    "list": _list,
    "hosts": _hosts,
    "names": _names,
    "dependencies": _dependencies,
    "build": _build,
    "gpus": _gpus,
    "logging": _logging,
    "external": _external,
    "subnets": _subnets,
}
