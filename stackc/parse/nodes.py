"""The positioned node tree: every node and every key knows where it stands.

Nodes are shared where the text uses aliases, so nobody ever changes one: a pass builds new nodes with
``derive``-style constructors and keeps the position of what they came from.
"""

from __future__ import annotations

from stackc.diagnostics import Span
from stackc.hints import Iterator, Protocol


class Mark(Protocol):
    """A place in the text, 0-based, as the parser gives it."""

    @property
    def line(self) -> int: ...
    @property
    def column(self) -> int: ...


class Node:
    """What is common to all nodes. ``kind`` is the word for the type in messages."""

    __slots__ = ("end", "file", "start")
    kind = "a value"

    def __init__(self, file: str, start: Mark, end: Mark) -> None:
        self.file = file
        self.start = start
        self.end = end

    @property
    def span(self) -> Span:
        start, end = self.start, self.end
        return Span(self.file, start.line + 1, start.column + 1, end.line + 1, end.column + 1)

    @property
    def start_span(self) -> Span:
        """Only the first character: for findings about the whole of something long."""
        line, column = self.start.line + 1, self.start.column + 1
        return Span(self.file, line, column, line, column + 1)


Value = str | int | float | bool | None


class Timestamp(str):
    """A plain scalar that YAML reads as a time: text for the schema, Go's long form when it becomes a string."""

    __slots__ = ()


class MergeKey(str):
    """A plain ``<<``: as a key it merges, as a value it is text. A quoted one is an ordinary key."""

    __slots__ = ()


class Scalar(Node):
    """``value`` is typed as go-yaml v3 types it; ``text`` is what stood there before typing and interpolation."""

    __slots__ = ("text", "value")

    def __init__(self, value: Value, text: str, file: str, start: Mark, end: Mark) -> None:
        self.value = value
        self.text = text
        self.file = file
        self.start = start
        self.end = end

    @property
    def kind(self) -> str:  # type: ignore[override]
        value = self.value
        if value is None:
            return "null"
        if isinstance(value, bool):
            return "a boolean"
        if isinstance(value, Timestamp):
            return "a time"
        return "a number" if isinstance(value, (int, float)) else "a string"


class Mapping(Node):
    """``entries`` in source order; ``keys`` has the key's own node, for its position."""

    __slots__ = ("entries", "keys")
    kind = "a mapping"

    def __init__(self, entries: dict[str, Node], keys: dict[str, Scalar], file: str, start: Mark, end: Mark) -> None:
        self.entries = entries
        self.keys = keys
        self.file = file
        self.start = start
        self.end = end

    def get(self, key: str) -> Node | None:
        return self.entries.get(key)

    def items(self) -> Iterator[tuple[str, Node]]:
        return iter(self.entries.items())

    def key_span(self, key: str) -> Span:
        """Where the key stands; of a key that was made up by a pass, where its value stands."""
        node = self.keys.get(key)
        return node.span if node is not None else self.entries[key].span


class Sequence(Node):
    __slots__ = ("items",)
    kind = "a list"

    def __init__(self, items: list[Node], file: str, start: Mark, end: Mark) -> None:
        self.items = items
        self.file = file
        self.start = start
        self.end = end


def scalar(value: Value, at: Node) -> Scalar:
    """A new scalar at the place of ``at``."""
    return Scalar(value, str(value), at.file, at.start, at.end)


def sequence(items: list[Node], at: Node) -> Sequence:
    return Sequence(items, at.file, at.start, at.end)


def mapping(entries: dict[str, Node], at: Node, keys: dict[str, Scalar] | None = None) -> Mapping:
    return Mapping(entries, keys if keys is not None else {}, at.file, at.start, at.end)


Plain = dict[str, "Plain"] | list["Plain"] | str | int | float | bool | None


def plain(node: Node) -> Plain:
    """The bare values, as a JSON Schema validator takes them."""
    if isinstance(node, Mapping):
        return {key: plain(value) for key, value in node.entries.items()}
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    assert isinstance(node, Scalar)
    return node.value
