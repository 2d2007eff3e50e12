"""Does a file fit ``schemas/stack.schema.json``? A small acceptor says yes; only a no brings in jsonschema.

The acceptor knows the keywords that our schema uses and walks the node tree itself, so a good file costs neither
the import of jsonschema (about 100 ms) nor a copy of the tree. It may only accept what jsonschema accepts (a
property test holds them together); ``stackc.explain`` turns a refusal into Diagnostics.
"""

from __future__ import annotations

from stackc.hints import Any, Callable
from stackc.parse.nodes import Mapping, MergeKey, Node, Scalar, Sequence, Timestamp, plain

Schema = dict[str, Any]

KEYWORDS = frozenset(
    ["$ref", "additionalProperties", "enum", "items", "maximum", "minimum", "oneOf", "pattern", "patternProperties"]
)
KEYWORDS |= {"properties", "required", "type", "uniqueItems", "x-since"}
REMARKS = frozenset(["default", "deprecated", "description", "examples", "patternErrorMessage"])
"""What the acceptor looks at, and what it need not look at: the schema's definitions use nothing else (a test)."""

_NAME_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
NAMES = "^[a-zA-Z0-9._-]+$(?!\\n)"
"""The schema's pattern for names of services and other objects."""

_PATTERNS: dict[str, Callable[[str], bool]] = {
    "^x-": lambda text: text.startswith("x-"),
    "^x-(?!stackc$(?!\\n))": lambda text: text.startswith("x-") and text != "x-stackc",
    "^.+": lambda text: text != "" and text[0] != "\n",
    NAMES: lambda text: text != "" and _NAME_CHARACTERS.issuperset(text),
}


def release(version: str) -> tuple[int, ...]:
    """``3.10`` → (3, 10), for comparing."""
    return tuple(int(part) for part in version.split("."))


Check = Callable[[Any], bool]
Table = dict[type, "Check | None"]
"""A schema, ready for use: the class of a value to what is still to be looked at, None for nothing. A class that is
missing is refused. Of a scalar it is the class of its value."""

_STRINGS: tuple[type, ...] = (str, MergeKey)
_NUMBERS: tuple[type, ...] = (int, float)
_TYPES: dict[str, Table] = {
    "string": dict.fromkeys(_STRINGS),
    "object": {Mapping: None},
    "array": {Sequence: None},
    "boolean": {bool: None},
    "null": {type(None): None},
    "integer": {int: None},
    "number": dict.fromkeys(_NUMBERS),
}
_ALL_TYPES = ("string", "object", "array", "boolean", "null", "number")
_ANYTHING: Table = {kind: None for name in _ALL_TYPES for kind in _TYPES[name]}
_ANYTHING[Timestamp] = None


def _refuse(node: Any) -> bool:
    return False


def _accepts(table: Table, node: Node) -> bool:
    rest = table.get(type(node.value) if isinstance(node, Scalar) else type(node), _refuse)
    return rest is None or rest(node)


class Acceptor:
    """``version`` is the stack file's, or "" in the Compose dialect, where every key is there."""

    def __init__(self, document: Schema, dialect: str, version: str) -> None:
        self.dialect = dialect
        self.definitions: dict[str, Schema] = document["$defs"]
        self.root = self.definitions[dialect]
        self.version = release(version) if version else ()
        self.later: dict[str, bool] = {}
        self.tables: dict[int, Table] = {}

    def accepts(self, root: Node) -> bool:
        return _accepts(self.table(self.root), root)

    def resolve(self, schema: Schema) -> Schema:
        while "$ref" in schema:
            schema = self.definitions[schema["$ref"].removeprefix("#/$defs/")]
        return schema

    def is_later(self, schema: Schema) -> bool:
        """Does the key belong to a later version than the file's?"""
        since = schema.get("x-since")
        if since is None or not self.version:
            return False
        if since not in self.later:
            self.later[since] = release(since) > self.version
        return self.later[since]

    def table(self, schema: Schema) -> Table:
        """Made when first asked for: a file uses a small part of the schema."""
        schema = self.resolve(schema)
        known = self.tables.get(id(schema))
        if known is None:
            known = self._own(schema)
            if "oneOf" in schema:
                known = _both(known, self._one_of(schema["oneOf"]))
            self.tables[id(schema)] = known
        return known

    def _own(self, schema: Schema) -> Table:
        """All of the schema but its ``oneOf``."""
        kinds = schema.get("type", _ALL_TYPES)
        table: Table = {Timestamp: None} if self.takes_times(schema) else {}
        for kind in (kinds,) if isinstance(kinds, str) else kinds:
            table.update(_TYPES[kind])
            if kind == "integer":
                table.setdefault(float, _is_whole)
        if Mapping in table:
            table[Mapping] = self._mapping(schema)
        if Sequence in table:
            table[Sequence] = self._sequence(schema)
        if "pattern" in schema:
            _narrow(table, _STRINGS, _fits_pattern(schema["pattern"]))
        if "minimum" in schema:
            _narrow(table, _NUMBERS, _is_within(schema["minimum"], schema.get("maximum", float("inf"))))
        if "enum" in schema:
            _narrow(table, tuple(table), _is_among(schema["enum"]))
        return table

    def takes_times(self, schema: Schema) -> bool:
        """docker makes text of a time where it does so of a number; elsewhere, and in Compose, nobody reads one."""
        kinds = schema.get("type")
        if kinds is None:
            return True
        return bool(self.version) and "string" in kinds and "number" in kinds and "pattern" not in schema

    def _one_of(self, alternatives: list[Schema]) -> Table:
        """Where only one alternative takes values of a class at all, that one decides."""
        tables = [self.table(one) for one in alternatives if not self.is_later(one)]
        checks: dict[type, list[Check | None]] = {}
        for table in tables:
            for kind, check in table.items():
                checks.setdefault(kind, []).append(check)
        return {kind: some[0] if len(some) == 1 else _exactly_one(some) for kind, some in checks.items()}

    def _mapping(self, schema: Schema) -> Check | None:
        required = schema.get("required", [])
        closed = schema.get("additionalProperties") is False
        if not (required or closed or "properties" in schema or "patternProperties" in schema):
            return None
        tables = _Keys(self, schema)

        def accepts(node: Mapping) -> bool:
            entries = node.entries
            for key in required:
                if key not in entries:
                    return False
            for key, child in entries.items():
                rest = tables[key].get(type(child.value) if type(child) is Scalar else type(child), _refuse)
                if rest is not None and not rest(child):
                    return False
            return True

        return accepts

    def _sequence(self, schema: Schema) -> Check | None:
        table = self.table(schema["items"]) if "items" in schema else None
        unique = schema.get("uniqueItems", False)
        if table is None and not unique:
            return None

        def accepts(node: Sequence) -> bool:
            items = node.items
            if table is not None:
                for item in items:
                    rest = table.get(type(item.value) if type(item) is Scalar else type(item), _refuse)
                    if rest is not None and not rest(item):
                        return False
            return not (unique and len(items) > 1 and first_double(node) is not None)

        return accepts


class _Keys(dict[str, Table]):
    """The table for the value of each key of a mapping, made when the key first appears."""

    def __init__(self, acceptor: Acceptor, schema: Schema) -> None:
        super().__init__()
        self.acceptor = acceptor
        self.schema = schema

    def __missing__(self, key: str) -> Table:
        schema = self.schema
        below = [schema["properties"][key]] if key in schema.get("properties", ()) else []
        if "patternProperties" in schema:
            below += [one for pattern, one in schema["patternProperties"].items() if _PATTERNS[pattern](key)]
        tables = [self.acceptor.table(one) for one in below if not self.acceptor.is_later(one)]
        if not tables:
            tables.append({} if schema.get("additionalProperties") is False else _ANYTHING)
        table = tables.pop()
        for other in tables:
            table = _both(table, other)
        self[key] = table
        return table


def _both(one: Table, other: Table) -> Table:
    """What both take."""
    return {kind: _and(rest, other[kind]) for kind, rest in one.items() if kind in other}


def _narrow(table: Table, kinds: tuple[type, ...], check: Check) -> None:
    for kind in kinds:
        if kind in table:
            table[kind] = _and(table[kind], check)


def _and(one: Check | None, other: Check | None) -> Check | None:
    if one is None or other is None:
        return one or other
    first, second = one, other
    return lambda node: first(node) and second(node)


def _exactly_one(checks: list[Check | None]) -> Check:
    return lambda node: sum(check is None or check(node) for check in checks) == 1


def _is_whole(node: Any) -> bool:
    """JSON Schema takes a float without a fraction for an integer."""
    return bool(node.value.is_integer())


def _is_among(values: list[Any]) -> Check:
    return lambda node: isinstance(node, Scalar) and node.value in values


def _is_within(least: float, most: float) -> Check:
    return lambda node: not (node.value < least or node.value > most)


def _fits_pattern(pattern: str) -> Check:
    def fits(node: Any) -> bool:
        from stackc.schema_patterns import fits_pattern

        return fits_pattern(node.value, pattern)

    return fits


def fits_key(key: str, pattern: str) -> bool:
    """Whether a key is one of those that ``patternProperties`` names by this pattern."""
    return _PATTERNS[pattern](key)


def first_double(node: Sequence) -> tuple[int, int] | None:
    """The first two items that JSON takes for equal, by index."""
    return first_equal([plain(item) for item in node.items])


def first_equal(values: list[Any]) -> tuple[int, int] | None:
    """The first two values that are equal in JSON, by index. Linear."""
    seen: dict[object, int] = {}
    for index, value in enumerate(values):
        key = identity(value)
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
