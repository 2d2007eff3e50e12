"""Why a file does not fit the schema: jsonschema's errors → Diagnostics at the key or value that is to blame.

Imported only when the acceptor has refused. Also prunes what was reported, so that the later passes can go on and
one run shows the schema's findings and the semantic ones.
"""

from __future__ import annotations

from difflib import get_close_matches

from stackc.assemble.context import COMPOSE, STACK, Context
from stackc.attributes import ATTRIBUTES, COMPILED, REFUSED, ROOT, UNKNOWN, Attr, Place
from stackc.diagnostics import Path, Related, Span
from stackc.hints import Any, Iterator
from stackc.parse.nodes import Mapping, Node, Scalar, Sequence, Timestamp, mapping, plain, scalar
from stackc.schema import NAMES, Acceptor, Schema, first_double, first_equal, fits_key
from stackc.schema_patterns import PATTERNS, without_variable
from stackc.suggest import Suggestions

_WORDS = {
    "string": "a string",
    "object": "a mapping",
    "array": "a list",
    "boolean": "true or false",
    "null": "nothing",
    "integer": "a whole number",
    "number": "a number",
}


_OR_COMPOSE = ", or remove `version:` to use the Compose Specification"


def explain(root: Mapping, acceptor: Acceptor, context: Context) -> Mapping:
    """Report every schema error of the file and return the tree without what was reported."""
    from jsonschema import Draft7Validator, validators

    extend: Any = validators.extend
    rules = {"uniqueItems": _unique_items, "type": _types(acceptor)}
    judge = extend(Draft7Validator, rules)(for_version(acceptor))
    removed: set[Path] = set()
    explainer = _Explainer(root, acceptor, context, removed)
    errors = judge.iter_errors(plain(root))
    for error in sorted(errors, key=lambda e: [str(p) for p in e.absolute_path]):
        explainer.explain(error)
    pruned = _prune(root, (), removed)
    assert isinstance(pruned, Mapping)
    return pruned


def _types(acceptor: Acceptor) -> Any:
    """The rule for ``type``, which jsonschema has for all values but times."""
    from jsonschema import Draft7Validator, ValidationError

    usual: Any = Draft7Validator.VALIDATORS["type"]

    def rule(judge: Any, kinds: Any, value: Any, schema: Schema) -> Iterator[Any]:
        if not isinstance(value, Timestamp):
            yield from usual(judge, kinds, value, schema) or ()
        elif not acceptor.takes_times(schema):
            yield ValidationError("a time")

    return rule


def _unique_items(judge: Any, unique: bool, value: Any, schema: Schema) -> Iterator[Any]:
    """jsonschema's own compares every item with every other where they are mappings."""
    from jsonschema import ValidationError

    if unique and isinstance(value, list) and first_equal(value) is not None:
        yield ValidationError("an item stands twice")


def for_version(acceptor: Acceptor) -> Schema:
    """The schema of the acceptor's dialect, as jsonschema can take it: without what belongs to later versions, and
    without variables."""

    def prune(value: Any) -> Any:
        if isinstance(value, dict):
            kept = {k: v for k, v in value.items() if not (isinstance(v, dict) and acceptor.is_later(v))}
            return {key: prune(child) for key, child in _without_variables(kept).items()}
        if isinstance(value, list):
            return [prune(child) for child in value if not (isinstance(child, dict) and acceptor.is_later(child))]
        return value

    other = COMPOSE if acceptor.dialect == STACK else STACK
    own = {name: one for name, one in acceptor.definitions.items() if not name.startswith(other)}
    return {**prune(acceptor.root), "$defs": prune(own)}


def _without_variables(schema: Schema) -> Schema:
    if isinstance(schema.get("pattern"), str):
        pattern = without_variable(schema["pattern"])
        del schema["pattern"]
        if pattern:
            schema["pattern"] = pattern
        else:
            schema["type"] = [kind for kind in schema["type"] if kind != "string"]
    return schema


class _Explainer:
    def __init__(self, root: Mapping, acceptor: Acceptor, context: Context, removed: set[Path]) -> None:
        self.root = root
        self.acceptor = acceptor
        self.context = context
        self.removed = removed
        self.suggestions = Suggestions(acceptor)

    def explain(self, error: Any) -> None:
        path: Path = tuple(error.absolute_path)
        node = at(self.root, path)
        if error.validator == "oneOf":
            inner = self._chosen(error)
            kinds = _alternatives(self.acceptor, error.schema)
            if "string" in kinds and path and isinstance(path[-1], int) and _is_split(node, inner):
                self._wrong_type(node, path, ["string"])
                return
            for one in inner:
                self.explain(one)
            if not inner:
                self._wrong_type(node, path, kinds)
        elif error.validator == "additionalProperties":
            self._unknown_keys(node, path, error.schema)
        elif error.validator == "required":
            self._missing(node, path, error)
        elif error.validator == "uniqueItems":
            self._double(node, path)
        elif error.validator == "type":
            self._wrong_type(node, path, _kinds(error.schema), error.schema.get("examples", []))
        elif error.validator == "pattern":
            self._unfit_text(node, path, error.schema)
        else:
            self._not_allowed(node, path, error)

    def _chosen(self, error: Any) -> list[Any]:
        """The errors of the alternative that the value meant: the one of its type."""
        depth = len(error.absolute_path)
        return [
            one
            for one in error.context
            if not (one.validator == "type" and len(one.absolute_path) == depth)
        ]  # fmt: skip

    def _unknown_keys(self, node: Node, path: Path, schema: Schema) -> None:
        assert isinstance(node, Mapping)
        known = [key for key, below in schema.get("properties", {}).items() if not self.acceptor.is_later(below)]
        patterns = schema.get("patternProperties", {})
        for key in node.entries:
            if key in known or any(fits_key(key, one) for one in patterns if not self.acceptor.is_later(patterns[one])):
                continue
            self.removed.add(path if self.suggestions.is_top_level(path) else (*path, key))
            self._unknown_key(node, path, key, schema)

    def _unknown_key(self, node: Mapping, path: Path, key: str, schema: Schema) -> None:
        span, where = node.key_span(key), _where(path)
        full = (*path, key)
        attr = row(full)
        context = self.context
        since = self._since(path, key)
        if since:
            message = f"`{key}`{where} needs file version {since}; this file has {context.version}"
            context.report("SC2008", message, span, path=full, hint=f'write version: "{since}"')
        elif "properties" not in schema:
            hint = "letters, digits, `.`, `_` and `-` only" if key else "a name cannot be empty"
            context.report("SC2001", f"`{key}` is no valid name{where}", span, path=full, hint=hint)
        elif attr is not None and context.is_stack and attr.stack == REFUSED:
            context.report("SC2007", f"`{key}` cannot be used in a stack file", span, path=full, hint=attr.instead)
        elif attr is not None and attr.compose == REFUSED:
            message = f"`{key}`{where} cannot be expressed in a Swarm service: {attr.why}"
            context.report("SC2009", message, span, path=full, hint=attr.instead)
        elif attr is not None and attr.compose != UNKNOWN:
            message = f"`{key}`{where} belongs to the Compose Specification"
            context.report("SC2006", message, span, path=full, hint=(_beside(attr) or "remove it") + _OR_COMPOSE)
        else:
            hint = self._other_dialect(attr, key) or self.suggestions.key(key, node.entries[key], path, schema)
            context.report("SC2001", f"unknown key `{key}`{where}", span, path=full, hint=hint)

    def _other_dialect(self, attr: Attr | None, key: str) -> str:
        if key == "x-stackc":
            return "`x-stackc` stands in a service or at the top of the file"
        if attr is not None and not self.context.is_stack and attr.stack != UNKNOWN:
            return (
                "a key of stack files, which have a `version:`; the Compose Specification has none like it: remove it"
            )
        return ""

    def _since(self, path: Path, key: str) -> str:
        """The version that has the key, where the file's does not have it yet."""
        schema = self.acceptor.root
        for part in path:
            schema = self._below(schema, part)
        schema = self.acceptor.resolve(schema)
        forms = (schema, *map(self.acceptor.resolve, schema.get("oneOf", ())))
        below = next((one["properties"][key] for one in forms if key in one.get("properties", ())), None)
        if below is None and key.startswith("x-"):
            below = schema.get("patternProperties", {}).get("^x-")
        return str(below["x-since"]) if below and self.acceptor.is_later(below) else ""

    def _below(self, schema: Schema, part: str | int) -> Schema:
        schema = self.acceptor.resolve(schema)
        for one in (schema, *map(self.acceptor.resolve, schema.get("oneOf", ()))):
            if isinstance(part, int) and "items" in one:
                return dict(one["items"])
            if part in one.get("properties", {}):
                return dict(one["properties"][part])
            if isinstance(part, str) and one.get("patternProperties"):
                return dict(next(iter(one["patternProperties"].values())))
        return {}

    def _missing(self, node: Node, path: Path, error: Any) -> None:
        assert isinstance(node, Mapping)
        for key in error.validator_value:
            if key not in node.entries:
                below = self.acceptor.resolve(error.schema["properties"][key])
                among = f" with one of {', '.join(below['enum'])}" if "enum" in below else ""
                message = f"`{key}` is missing{_where(path)}"
                self.context.report("SC2003", message, self._spot(path), path=path, hint=f"add `{key}:`{among}")
        self.removed.add(path)

    def _spot(self, path: Path) -> Span:
        """The key of the value at ``path``, or where the value starts."""
        above = at(self.root, path[:-1])
        if path and isinstance(above, Mapping):
            return above.key_span(str(path[-1]))
        return at(self.root, path).start_span

    def _double(self, node: Node, path: Path) -> None:
        assert isinstance(node, Sequence)
        pair = first_double(node)
        if pair is None:
            return
        first, second = node.items[pair[0]], node.items[pair[1]]
        related = (Related(first.span, "the first one stands here"),)
        self.context.report("SC2005", f"the same item stands twice{_where(path)}", second, path=path, related=related)
        self.removed.add((*path, pair[1]))

    def _wrong_type(self, node: Node, path: Path, kinds: list[str], examples: list[str] | None = None) -> None:
        if path == ("version",) and self.context.is_stack:
            return  # reported when the version was looked at
        given = node.text if isinstance(node, Scalar) and node.kind == "a number" and "integer" in kinds else node.kind
        message = f"{_name(path)} must be {_listed(kinds)}, not {given}"
        if self._is_of_compose(node, path):
            hint = f"write {_listed(kinds)}{_OR_COMPOSE}"
        else:
            hint = self.suggestions.value(node, path, kinds, examples or [])
        self.context.report("SC2002", message, node, path=path, hint=hint)
        self.removed.add(path)

    def _is_of_compose(self, node: Node, path: Path) -> bool:
        """In a stack file: whether the Compose Specification has this form."""
        if not self.context.is_stack or isinstance(node, Scalar):
            return False
        compose = Acceptor({"$defs": self.acceptor.definitions}, COMPOSE, "")
        schema = compose.root
        for part in path:
            schema = self._below(schema, part)
        compose.root = schema
        return bool(schema) and compose.accepts(node)

    def _not_allowed(self, node: Node, path: Path, error: Any) -> None:
        shown = node.text if isinstance(node, Scalar) else node.kind
        if error.validator == "enum":
            allowed = [str(one) for one in error.validator_value if one]
            close = get_close_matches(shown, allowed, n=1)
            hint = f"did you mean `{close[0]}`?" if close else f"write {' or '.join(allowed)}"
            among = f"one of {', '.join(allowed)}" if len(allowed) > 1 else f"`{allowed[0]}`"
            message = f"{_name(path)} must be {among}, not `{shown}`"
            self.context.report("SC2004", message, node, path=path, hint=hint)
        else:
            bound = "least" if error.validator == "minimum" else "most"
            message = f"{_name(path)} must be at {bound} {error.validator_value}, not `{shown}`"
            hint = f"write {error.validator_value} or {'more' if bound == 'least' else 'less'}"
            self.context.report("SC2004", message, node, path=path, hint=hint)
        self.removed.add(path)

    def _unfit_text(self, node: Node, path: Path, schema: Schema) -> None:
        assert isinstance(node, Scalar)
        pattern = PATTERNS[schema["pattern"]]
        message = f"{_name(path)} must be {pattern.wanted}, not `{node.text}`"
        self.context.report("SC2004", message, node, path=path, hint=pattern.hint or f"write {pattern.wanted}")
        self.removed.add(path)


def _kinds(schema: Schema) -> list[str]:
    """The types that a value may have. Where strings have a pattern they only spell a value of the other types."""
    kinds = schema["type"]
    if isinstance(kinds, str):
        return [kinds]
    return [kind for kind in kinds if kind != "string" or "pattern" not in schema]


def row(path: Path) -> Attr | None:
    """The row of the table of attributes for a path of a file."""
    place: Place | None = ROOT
    for part in path:
        place = None if place is None else place.item if isinstance(part, int) else place.child(part)
    return place.attr if place is not None else None


def _beside(attr: Attr) -> str:
    """The key that stack files have for the same field."""
    above = attr.path.split("*")[0] + "*."
    for other in ATTRIBUTES:
        if attr.engine and other.engine == attr.engine and other.stack == COMPILED and other.path.startswith(above):
            return f"use `{other.path.removeprefix(above)}`"
    return ""


def _is_split(node: Node, errors: list[Any]) -> bool:
    """``- a: b`` in a list of strings and mappings: a blank too many made one key of what was meant as text."""
    if not isinstance(node, Mapping) or len(node.entries) != 1:
        return False
    key, value = next(iter(node.entries.items()))
    known = [one.schema["properties"] for one in errors if one.validator == "additionalProperties"]
    return isinstance(value, Scalar) and bool(known) and not get_close_matches(key, known[0])


def _alternatives(acceptor: Acceptor, schema: Schema) -> list[str]:
    kinds: list[str] = []
    for one in schema.get("oneOf", ()):
        if acceptor.is_later(one):
            continue
        resolved = acceptor.resolve(one)
        kinds += _kinds(resolved) if "type" in resolved else ["string"] if "enum" in resolved else []
        kinds += _alternatives(acceptor, resolved)
    return kinds


def at(root: Node, path: Path) -> Node:
    node = root
    for part in path:
        node = node.entries[str(part)] if isinstance(node, Mapping) else node.items[int(part)]  # type: ignore[attr-defined]
    return node


def _where(path: Path) -> str:
    return f" in {_name(path)}" if path else ""


def _listed(kinds: list[str]) -> str:
    wanted = [_WORDS[kind] for kind in kinds if kind != "null" or len(kinds) == 1]
    if len(wanted) == 1:
        return wanted[0]
    wanted = ["a boolean" if word == _WORDS["boolean"] else word for word in dict.fromkeys(wanted)]
    return f"{', '.join(wanted[:-1])} or {wanted[-1]}"


def _name(path: Path) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return f"`{text}`" if text else "the top of the file"


_NEUTRAL_NAME, _NEUTRAL_IMAGE = "reported", "reported:1"


def _prune(node: Node, path: Path, removed: set[Path]) -> Node | None:
    """The tree without the removed paths. Where a later check would miss something, a neutral value stays."""
    if path in removed:
        return _neutral(node, path)
    if isinstance(node, Mapping):
        entries = {}
        for key, child in node.entries.items():
            kept = _prune(child, (*path, key), removed)
            if kept is not None:
                entries[key] = kept
        if len(entries) < len(node.entries) and len(path) == 2:
            if path[0] in ("configs", "secrets"):
                return _neutral(node, path)
            if path[0] == "services":
                entries.setdefault("image", scalar(_NEUTRAL_IMAGE, node))
        return Mapping(entries, node.keys, node.file, node.start, node.end)
    if isinstance(node, Sequence):
        items = [_prune(child, (*path, index), removed) for index, child in enumerate(node.items)]
        whole = [new for new, old in zip(items, node.items, strict=True) if new is not None and _is_whole(new, old)]
        return Sequence(whole, node.file, node.start, node.end)
    return node


def _neutral(node: Node, path: Path) -> Node | None:
    """What later checks have nothing against, in place of what was reported."""
    service = mapping({"image": scalar(_NEUTRAL_IMAGE, node)}, node)
    if not path:
        return mapping({}, node)
    if path == ("services",):
        return mapping({_NEUTRAL_NAME: service}, node)
    if len(path) == 2 and path[0] == "services":
        return service if fits_key(str(path[1]), NAMES) else None
    if len(path) == 2 and path[0] in ("networks", "volumes", "configs", "secrets"):
        return mapping({"external": scalar(True, node)}, node)
    if len(path) == 3 and path[0] == "services" and path[2] == "image":
        return scalar(_NEUTRAL_IMAGE, node)
    return None


def _is_whole(new: Node, old: Node) -> bool:
    return not (isinstance(new, Mapping) and isinstance(old, Mapping) and len(new.entries) < len(old.entries))
