"""Short syntax → long syntax: after this pass every file looks the same, whichever way it was written.

The canonical shapes are described in ``stackc.assemble.forms``.
"""

from __future__ import annotations

from stackc.assemble.context import Context
from stackc.assemble.environment import environment
from stackc.assemble.forms import COMPOSE, STACK
from stackc.assemble.forms.values import Convert
from stackc.attributes import ROOT, Place
from stackc.parse.nodes import Mapping, Node, Scalar, Sequence, sequence


def canonical(root: Mapping, context: Context) -> Mapping:
    """The whole file in canonical form. A value that cannot be read is reported and left out. docker reads env files
    here, file by file; Compose after the last merge (``environment.resolve``)."""
    result = _walk(root, ROOT, STACK if context.is_stack else COMPOSE, context, ())
    assert isinstance(result, Mapping)
    services = result.get("services")
    if not isinstance(services, Mapping) or not context.is_stack:
        return result
    done: dict[str, Node] = {
        key: environment(service, context) for key, service in services.items() if isinstance(service, Mapping)
    }
    entries = {**result.entries, "services": Mapping(done, services.keys, services.file, services.start, services.end)}
    return Mapping(entries, result.keys, result.file, result.start, result.end)


def _walk(node: Node, place: Place, forms: dict[str, Convert], context: Context, path: tuple[str, ...]) -> Node | None:
    attr = place.attr
    if attr is not None and attr.short in forms:
        converted = forms[attr.short](node, context, path)
        if converted is None:
            return None
        node = converted
    if isinstance(node, Mapping) and (place.children or place.any is not None):
        entries: dict[str, Node] = {}
        children, other = place.children, place.any
        keep_null = other is not None and other.attr is None
        for key, child in node.entries.items():
            below = children.get(key, other)
            attr = below.attr if below is not None else None
            if below is None:
                entries[key] = child
            elif type(child) is Scalar and (attr is None or attr.short not in forms):
                if child.value is not None or keep_null or attr is not None:
                    entries[key] = child
            else:
                new = _walk(child, below, forms, context, (*path, key))
                if new is not None:
                    entries[key] = new
        return Mapping(entries, node.keys, node.file, node.start, node.end)
    if isinstance(node, Sequence) and place.item is not None:
        items = [_walk(child, place.item, forms, context, path) for child in node.items]
        return sequence([item for item in items if item is not None], node)
    return node
