"""What becomes of each key is in the table of attributes: here the keys that a stack cannot have, or does not heed,
are told of. One walk of tree and table side by side; it knows no key. Only what somebody wrote and what asks for
something is told: not the keys that a pass made up, nor ``privileged: false``.
"""

from __future__ import annotations

from stackc.assemble.context import Context
from stackc.attributes import COMPILED, OURS, REFUSED, ROOT, WARNED, Attr, Place
from stackc.diagnostics import Path
from stackc.parse.nodes import Mapping, Node, Scalar, Sequence


def check(root: Mapping, stack: str, context: Context) -> None:
    _walk(root, ROOT, (), context)


def _walk(node: Node, place: Place, path: Path, context: Context) -> None:
    if isinstance(node, Mapping):
        for key, child in node.entries.items():
            below = place.child(key)
            if below is None or not below.told:
                continue
            attr = below.attr
            fate = COMPILED if attr is None else attr.stack if context.is_stack else attr.compose
            if fate in (COMPILED, OURS):
                _walk(child, below, (*path, key), context)
            elif attr is not None and key in node.keys and _asks(child, attr):
                _tell(attr, fate, node, (*path, key), context)
    elif isinstance(node, Sequence) and place.item is not None:
        for index, item in enumerate(node.items):
            _walk(item, place.item, (*path, index), context)


def _asks(node: Node, attr: Attr) -> bool:
    """Whether the value asks for anything."""
    if isinstance(node, Mapping):
        return bool(node.entries)
    if isinstance(node, Sequence):
        return bool(node.items)
    assert isinstance(node, Scalar)
    return node.value not in (None, False, "") and str(node.value) not in attr.harmless


def _tell(attr: Attr, fate: str, parent: Mapping, path: Path, context: Context) -> None:
    key = str(path[-1])
    why = f": {attr.why}" if attr.why else ""
    if fate == REFUSED:
        message = f"`{key}` cannot be expressed in a Swarm service{why}"
        context.report("SC2009", message, parent.key_span(key), path=path, hint=attr.instead)
    elif fate == WARNED:
        message = f"`{key}` has no effect in a stack{why}"
        context.report("SC2101", message, parent.key_span(key), path=path, hint=attr.instead)
