"""Reading canonical nodes: typed values out of a mapping, Go's zero value where there is none."""

from __future__ import annotations

from stackc.hints import Iterator
from stackc.parse.nodes import Mapping, Node, Scalar, Sequence, Value


def value(node: Node | None) -> Value:
    return node.value if isinstance(node, Scalar) else None


def field(node: Node | None, key: str) -> Node | None:
    """The child, or None where the node is no mapping, has no such key, or the child is null."""
    child = node.entries.get(key) if isinstance(node, Mapping) else None
    return None if isinstance(child, Scalar) and child.value is None else child


def text(node: Node | None, key: str) -> str:
    found = value(field(node, key))
    return "" if found is None else str(found)


def number(node: Node | None, key: str) -> int:
    found = value(field(node, key))
    return int(found) if isinstance(found, (int, float)) else 0


def flag(node: Node | None, key: str) -> bool:
    return value(field(node, key)) is True


def strings(node: Node | None, key: str) -> list[str]:
    child = field(node, key)
    return [str(value(item)) for item in child.items] if isinstance(child, Sequence) else []


def items(node: Node | None, key: str) -> list[Node]:
    child = field(node, key)
    return child.items if isinstance(child, Sequence) else []


def entries(node: Node | None, key: str) -> Iterator[tuple[str, Node]]:
    child = field(node, key)
    return iter(child.entries.items()) if isinstance(child, Mapping) else iter(())


def pairs(node: Node | None, key: str) -> dict[str, str]:
    """A mapping of strings, in the order of its keys."""
    return {name: str(value(child)) for name, child in sorted(entries(node, key), key=lambda pair: pair[0])}
