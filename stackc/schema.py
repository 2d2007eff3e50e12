"""Does a file fit ``schemas/stack.schema.json``? A small acceptor says yes; only a no brings in jsonschema.

The acceptor knows the keywords that our schema uses and walks the node tree itself, so a good file costs neither
the import of jsonschema (about 100 ms) nor a copy of the tree. It may only accept what jsonschema accepts (a
property test holds them together); ``stackc.explain`` turns a refusal into Diagnostics.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from stackc.parse.nodes import Mapping, Node, Scalar, Sequence, plain

Schema = dict[str, Any]

KEYWORDS = frozenset(
    ["$ref", "additionalProperties", "enum", "items", "maximum", "minimum", "oneOf", "pattern", "patternProperties"]
)
KEYWORDS |= {"properties", "required", "type", "uniqueItems", "x-mergeable", "x-since"}
REMARKS = frozenset(["default", "deprecated", "deprecationMessage", "description"])
"""What the acceptor looks at, and what it need not look at: the schema's definitions use nothing else (a test)."""

_NAME_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
_PATTERNS: dict[str, Callable[[str], bool]] = {
    "^x-": lambda text: text.startswith("x-"),
    "^x-(?!stackc$(?!\\n))": lambda text: text.startswith("x-") and text != "x-stackc",
    "^.+": lambda text: text != "" and text[0] != "\n",
    "^[a-zA-Z0-9._-]+$(?!\\n)": lambda text: text != "" and _NAME_CHARACTERS.issuperset(text),
}


def release(version: str) -> tuple[int, ...]:
    """``3.10`` → (3, 10), for comparing."""
    return tuple(int(part) for part in version.split("."))


class Acceptor:
    """``version`` is the stack file's, or "" in the Compose dialect, where every key is there. A ``fragment`` is laid
    over another file: keys that it lacks may stand in that one."""

    def __init__(self, document: Schema, dialect: str, version: str, *, fragment: bool = False) -> None:
        self.fragment = fragment
        self.definitions: dict[str, Schema] = document["$defs"]
        self.root = self.definitions[dialect]
        self.version = release(version) if version else ()
        self.later: dict[str, bool] = {}

    def accepts(self, root: Node) -> bool:
        return self._accepts(root, self.root)

    def resolve(self, schema: Schema) -> Schema:
        while "$ref" in schema:
            schema = self.definitions[schema["$ref"].removeprefix("#/$defs/")]
        return schema

    def required(self, schema: Schema) -> list[str]:
        """The keys that a mapping of this file must have."""
        return [] if self.fragment and "x-mergeable" in schema else schema.get("required", [])

    def is_later(self, schema: Schema) -> bool:
        """Does the key belong to a later version than the file's?"""
        since = schema.get("x-since")
        if since is None or not self.version:
            return False
        if since not in self.later:
            self.later[since] = release(since) > self.version
        return self.later[since]

    def _accepts(self, node: Node, schema: Schema) -> bool:
        schema = self.resolve(schema)
        alternatives = schema.get("oneOf")
        if alternatives is not None and sum(
            not self.is_later(one) and self._accepts(node, one) for one in alternatives
        ) != 1:  # fmt: skip
            return False
        kind = schema.get("type")
        if kind is not None and not fits(node, kind):
            return False
        if "enum" in schema and (not isinstance(node, Scalar) or node.value not in schema["enum"]):
            return False
        if isinstance(node, Mapping):
            return self._accepts_mapping(node, schema)
        if isinstance(node, Sequence):
            return self._accepts_sequence(node, schema)
        assert isinstance(node, Scalar)
        if isinstance(node.value, str):
            return "pattern" not in schema or _fits_pattern(node.value, schema["pattern"])
        return "minimum" not in schema or not _is_number(node) or _is_within(node.value, schema)

    def _accepts_mapping(self, node: Mapping, schema: Schema) -> bool:
        entries = node.entries
        if any(key not in entries for key in self.required(schema)):
            return False
        properties = schema.get("properties", {})
        patterns = schema.get("patternProperties", {})
        closed = schema.get("additionalProperties") is False
        for key, child in entries.items():
            below = properties.get(key)
            known = below is not None and not self.is_later(below)
            if known and not self._accepts(child, below):
                return False
            for pattern, one in patterns.items():
                if _PATTERNS[pattern](key) and not self.is_later(one):
                    known = True
                    if one and not self._accepts(child, one):
                        return False
            if not known and closed:
                return False
        return True

    def _accepts_sequence(self, node: Sequence, schema: Schema) -> bool:
        items = schema.get("items")
        if items is not None and not all(self._accepts(item, items) for item in node.items):
            return False
        return not (schema.get("uniqueItems") and len(node.items) > 1 and first_double(node) is not None)


def fits_key(key: str, pattern: str) -> bool:
    """Whether a key is one of those that ``patternProperties`` names by this pattern."""
    return _PATTERNS[pattern](key)


def _fits_pattern(text: str, pattern: str) -> bool:
    from stackc.schema_patterns import fits_pattern

    return fits_pattern(text, pattern)


def _is_within(number: Any, schema: Schema) -> bool:
    return not (number < schema["minimum"] or number > schema.get("maximum", number))


def fits(node: Node, kinds: str | list[str]) -> bool:
    """JSON Schema's ``type``: a float without a fraction is an integer, a boolean is no number."""
    if isinstance(kinds, str):
        return _TYPES[kinds](node)
    return any(_TYPES[kind](node) for kind in kinds)


def _is_integer(node: Node) -> bool:
    value = node.value if isinstance(node, Scalar) else None
    return (isinstance(value, int) and not isinstance(value, bool)) or (isinstance(value, float) and value.is_integer())


def _is_number(node: Node) -> bool:
    return isinstance(node, Scalar) and isinstance(node.value, (int, float)) and not isinstance(node.value, bool)


_TYPES: dict[str, Callable[[Node], bool]] = {
    "string": lambda node: isinstance(node, Scalar) and isinstance(node.value, str),
    "object": lambda node: isinstance(node, Mapping),
    "array": lambda node: isinstance(node, Sequence),
    "boolean": lambda node: isinstance(node, Scalar) and isinstance(node.value, bool),
    "null": lambda node: isinstance(node, Scalar) and node.value is None,
    "integer": _is_integer,
    "number": _is_number,
}


def first_double(node: Sequence) -> tuple[int, int] | None:
    """The first two items that JSON takes for equal, by index."""
    seen: dict[object, int] = {}
    for index, item in enumerate(node.items):
        key = identity(plain(item))
        if key in seen:
            return seen[key], index
        seen[key] = index
    return None


def identity(value: Any) -> object:
    """Hashable, and equal exactly where JSON values are equal: 1 is 1.0, True is not 1."""
    if isinstance(value, bool):
        return ("boolean", value)
    if isinstance(value, dict):
        return ("object", tuple(sorted((key, identity(child)) for key, child in value.items())))
    if isinstance(value, list):
        return ("array", tuple(identity(child) for child in value))
    if isinstance(value, str):
        return str(value)
    return value
