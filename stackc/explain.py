"""Why a file does not fit the schema: jsonschema's errors → Diagnostics at the key or value that is to blame.

Imported only when the acceptor has refused. Also prunes what was reported, so that the later passes can go on and
one run shows the schema's findings and the semantic ones.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

from stackc.assemble.context import Context
from stackc.attributes import REFUSED, ROOT, UNKNOWN, Attr, Place
from stackc.diagnostics import Path, Related
from stackc.parse.nodes import Mapping, Node, Scalar, Sequence, mapping, plain, scalar
from stackc.schema import Acceptor, Schema, first_double, fits_key
from stackc.schema_patterns import PATTERNS, without_variable

_WORDS = {
    "string": "a string",
    "object": "a mapping",
    "array": "a list",
    "boolean": "true or false",
    "null": "nothing",
    "integer": "a whole number",
    "number": "a number",
}


_MOST_GUESSES = 200
"""Looking for a similar word is slow; nobody reads so many hints."""


def explain(root: Mapping, acceptor: Acceptor, context: Context) -> Mapping:
    """Report every schema error of the file and return the tree without what was reported."""
    from jsonschema import Draft7Validator

    schema = for_version(acceptor)
    removed: set[Path] = set()
    explainer = _Explainer(root, acceptor, context, removed)
    for error in sorted(
        Draft7Validator(schema).iter_errors(plain(root)), key=lambda e: [str(p) for p in e.absolute_path]
    ):
        explainer.explain(error)
    pruned = _prune(root, (), removed)
    assert isinstance(pruned, Mapping)
    return pruned


def for_version(acceptor: Acceptor) -> Schema:
    """The schema of the acceptor's dialect, as jsonschema can take it: without what belongs to later versions, without
    variables, and for a fragment without keys that may stand in another file."""

    def prune(value: Any) -> Any:
        if isinstance(value, dict):
            kept = {k: v for k, v in value.items() if not (isinstance(v, dict) and acceptor.is_later(v))}
            return {key: prune(child) for key, child in _without_variables(kept, acceptor).items()}
        if isinstance(value, list):
            return [prune(child) for child in value if not (isinstance(child, dict) and acceptor.is_later(child))]
        return value

    return {**prune(acceptor.root), "$defs": prune(acceptor.definitions)}


def _without_variables(schema: Schema, acceptor: Acceptor) -> Schema:
    if isinstance(schema.get("pattern"), str):
        pattern = without_variable(schema["pattern"])
        del schema["pattern"]
        if pattern:
            schema["pattern"] = pattern
        else:
            schema["type"] = [kind for kind in schema["type"] if kind != "string"]
    if isinstance(schema.get("required"), list):
        schema["required"] = acceptor.required(schema)
    return schema


class _Explainer:
    def __init__(self, root: Mapping, acceptor: Acceptor, context: Context, removed: set[Path]) -> None:
        self.root = root
        self.acceptor = acceptor
        self.context = context
        self.removed = removed
        self.guesses = 0

    def explain(self, error: Any) -> None:
        path: Path = tuple(error.absolute_path)
        node = at(self.root, path)
        if error.validator == "oneOf":
            inner = self._chosen(error, node)
            for one in inner:
                self.explain(one)
            if not inner:
                self._wrong_type(node, path, _alternatives(self.acceptor, error.schema))
        elif error.validator == "additionalProperties":
            self._unknown_keys(node, path, error.schema)
        elif error.validator == "required":
            self._missing(node, path, error)
        elif error.validator == "uniqueItems":
            self._double(node, path)
        elif error.validator == "type":
            self._wrong_type(node, path, _kinds(error.schema))
        elif error.validator == "pattern":
            self._unfit_text(node, path, error.schema)
        else:
            self._not_allowed(node, path, error)

    def _chosen(self, error: Any, node: Node) -> list[Any]:
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
            self.removed.add((*path, key))
            self._unknown_key(node, path, key, known, "properties" in schema)

    def _unknown_key(self, node: Mapping, path: Path, key: str, known: list[str], has_keys: bool) -> None:
        span, where = node.key_span(key), _where(path)
        full = (*path, key)
        attr = row(full)
        context = self.context
        since = self._since(path, key)
        if since:
            message = f"`{key}`{where} needs file version {since}; this file has {context.version}"
            context.report("SC2008", message, span, path=full, hint=f'write version: "{since}"')
        elif not has_keys:
            hint = "letters, digits, `.`, `_` and `-` only" if key else "a name cannot be empty"
            context.report("SC2001", f"`{key}` is no valid name{where}", span, path=full, hint=hint)
        elif attr is not None and context.is_stack and attr.stack == REFUSED:
            context.report("SC2007", f"`{key}` cannot be used in a stack file", span, path=full, hint=attr.instead)
        elif attr is not None and attr.compose == REFUSED:
            message = f"`{key}`{where} cannot be expressed in a Swarm service: {attr.why}"
            context.report("SC2009", message, span, path=full, hint=attr.instead)
        elif attr is not None and attr.compose != UNKNOWN:
            message = f"`{key}`{where} belongs to the Compose Specification"
            hint = "a stack file does not know it: remove it, or remove `version:`" if context.is_stack else "remove it"
            context.report("SC2006", message, span, path=full, hint=hint)
        else:
            hint = self._guess(path, key, known)
            context.report("SC2001", f"unknown key `{key}`{where}", span, path=full, hint=hint)

    def _guess(self, path: Path, key: str, known: list[str]) -> str:
        """The key that was meant, here or (of a service's key) under deploy."""
        self.guesses += 1
        if self.guesses > _MOST_GUESSES:
            return "remove it, or prefix it with x-"
        close = get_close_matches(key.lower(), known, n=1)
        if close:
            return f"did you mean `{close[0]}`?"
        if len(path) == 2 and path[0] == "services":
            deploy = self.acceptor.definitions[f"{self.context.dialect}.deploy"]["properties"]
            close = get_close_matches(key.lower(), deploy, n=1)
            if close:
                return f"did you mean `{close[0]}` under `deploy:`?"
        listed = ", ".join(sorted(known))
        return f"known keys: {listed}" if len(listed) < 150 else "remove it, or prefix it with x-"

    def _since(self, path: Path, key: str) -> str:
        """The version that has the key, where the file's does not have it yet."""
        schema = self.acceptor.root
        for part in path:
            schema = self._below(schema, part)
        below = self.acceptor.resolve(schema).get("properties", {}).get(key)
        if below is None and key.startswith("x-"):
            below = self.acceptor.resolve(schema).get("patternProperties", {}).get("^x-")
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
        for key in self.acceptor.required(error.schema):
            if key not in node.entries:
                self.context.report(
                    "SC2003", f"`{key}` is missing{_where(path)}", node, path=path, hint=f"add `{key}:`"
                )
        self.removed.add(path)

    def _double(self, node: Node, path: Path) -> None:
        assert isinstance(node, Sequence)
        pair = first_double(node)
        if pair is None:
            return
        first, second = node.items[pair[0]], node.items[pair[1]]
        related = (Related(first.span, "the first one stands here"),)
        self.context.report("SC2005", f"the same item stands twice{_where(path)}", second, path=path, related=related)
        self.removed.add((*path, pair[1]))

    def _wrong_type(self, node: Node, path: Path, kinds: list[str]) -> None:
        if path == ("version",):
            return  # reported when the version was looked at
        if self.acceptor.fragment and isinstance(node, Scalar) and node.value is None and isinstance(path[-1], str):
            self.removed.add(path)
            return  # nothing is laid over what the other file says
        wanted = [_WORDS[kind] for kind in kinds if kind != "null" or len(kinds) == 1]
        listed = " or ".join((", ".join(wanted[:-1]), wanted[-1])) if len(wanted) > 1 else wanted[0]
        given = node.text if isinstance(node, Scalar) and node.kind == "a number" and "integer" in kinds else node.kind
        message = f"{_name(path)} must be {listed}, not {given}"
        self.context.report("SC2002", message, node, path=path, hint=_type_hint(node, kinds))
        self.removed.add(path)

    def _not_allowed(self, node: Node, path: Path, error: Any) -> None:
        shown = node.text if isinstance(node, Scalar) else node.kind
        if error.validator == "enum":
            allowed = [str(one) for one in error.validator_value]
            close = get_close_matches(shown, allowed, n=1)
            hint = f"did you mean `{close[0]}`?" if close else ""
            message = f"{_name(path)} must be one of {', '.join(allowed)}, not `{shown}`"
            self.context.report("SC2004", message, node, path=path, hint=hint)
        else:
            bound = "least" if error.validator == "minimum" else "most"
            message = f"{_name(path)} must be at {bound} {error.validator_value}, not `{shown}`"
            self.context.report("SC2004", message, node, path=path)
        self.removed.add(path)

    def _unfit_text(self, node: Node, path: Path, schema: Schema) -> None:
        assert isinstance(node, Scalar)
        pattern = PATTERNS[schema["pattern"]]
        message = f"{_name(path)} must be {pattern.wanted}, not `{node.text}`"
        self.context.report("SC2004", message, node, path=path, hint=pattern.hint)
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
    names = [str(part) for part in path if isinstance(part, str)]
    return f" in `{'.'.join(names)}`" if names else ""


def _name(path: Path) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return f"`{text}`" if text else "the top of the file"


def _type_hint(node: Node, kinds: list[str]) -> str:
    if not isinstance(node, Scalar):
        return ""
    if "string" in kinds and node.value is not None:
        return f'write it in quotes: "{node.text}"'
    if isinstance(node.value, str) and ("integer" in kinds or "number" in kinds) and node.text.lstrip("-").isdigit():
        return f"write it without quotes: {node.text}"
    if "boolean" in kinds and isinstance(node.value, str) and node.text.lower() in ("yes", "no", "on", "off"):
        return "write true or false"
    return ""


_NEUTRAL_IMAGE = "reported"


def _prune(node: Node, path: Path, removed: set[Path]) -> Node | None:
    """The tree without the removed paths. Where a later check would miss something, a neutral value stays."""
    if path in removed:
        if not path:
            return mapping({}, node)
        if path[0] in ("networks", "volumes", "configs", "secrets") and len(path) == 2:
            return mapping({"external": scalar(True, node)}, node)
        if len(path) == 3 and path[0] == "services" and path[2] == "image":
            return scalar(_NEUTRAL_IMAGE, node)
        return None
    if isinstance(node, Mapping):
        entries = {}
        for key, child in node.entries.items():
            kept = _prune(child, (*path, key), removed)
            if kept is not None:
                entries[key] = kept
        return Mapping(entries, node.keys, node.file, node.start, node.end)
    if isinstance(node, Sequence):
        items = [_prune(child, (*path, index), removed) for index, child in enumerate(node.items)]
        return Sequence([item for item in items if item is not None], node.file, node.start, node.end)
    return node
