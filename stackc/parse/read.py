"""Reading canonical nodes: typed values out of a mapping, Go's zero value where there is none."""

from __future__ import annotations

from stackc.hints import Iterator
from stackc.parse.nodes import Mapping, Node, Scalar, Sequence, Value


def value(node: Node | None) -> Value:
    return node.value if type(node) is Scalar else None


def field(node: Node | None, key: str) -> Node | None:
    """The child, or None where the node is no mapping, has no such key, or the child is null."""
    if type(node) is not Mapping:  # nodes have no subclasses, and everything after the parse asks here
        return None
    child = node.entries.get(key)
    return None if type(child) is Scalar and child.value is None else child


def text(node: Node | None, key: str) -> str:
    child = node.entries.get(key) if type(node) is Mapping else None
    if type(child) is not Scalar:
        return ""
    found = child.value
    return found if type(found) is str else "" if found is None else str(found)


def number(node: Node | None, key: str) -> int:
    child = node.entries.get(key) if type(node) is Mapping else None
    found = child.value if type(child) is Scalar else None
    return int(found) if isinstance(found, (int, float)) else 0


def flag(node: Node | None, key: str) -> bool:
    child = node.entries.get(key) if type(node) is Mapping else None
    return type(child) is Scalar and child.value is True


def strings(node: Node | None, key: str) -> list[str]:
    child = node.entries.get(key) if type(node) is Mapping else None
    return [str(value(item)) for item in child.items] if type(child) is Sequence else []


def items(node: Node | None, key: str) -> list[Node]:
    child = node.entries.get(key) if type(node) is Mapping else None
    return child.items if type(child) is Sequence else []


def entries(node: Node | None, key: str) -> Iterator[tuple[str, Node]]:
    child = field(node, key)
    return iter(child.entries.items()) if isinstance(child, Mapping) else iter(())


def pairs(node: Node | None, key: str) -> dict[str, str]:
    """A mapping of strings, in the order of its keys."""
    return {name: str(value(child)) for name, child in sorted(entries(node, key), key=lambda pair: pair[0])}
