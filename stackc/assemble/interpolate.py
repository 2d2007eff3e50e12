"""Variables into values: walks the tree beside the attribute table, expands strings and casts them.

Nodes without a ``$`` are kept as they are, so a file without variables costs one walk and no copy.
"""

from __future__ import annotations

from stackc.assemble.context import Context
from stackc.assemble.quantity import boolean, integer, size
from stackc.assemble.template import TemplateError, expand_compose, expand_stack
from stackc.attributes import ROOT, Place
from stackc.diagnostics import Span
from stackc.hints import Callable
from stackc.hints import Mapping as Variables
from stackc.parse.nodes import Mapping, Node, Scalar, Sequence, Value
from stackc.parse.numerals import parse_float


def interpolate(root: Mapping, context: Context, environment: Variables[str, str] | None = None) -> Mapping:
    """The tree with every variable replaced by its value in ``environment`` (without one, the context's). Faults go to
    the context; their nodes stay as they were."""
    entries = dict(root.entries)
    walk = _Walk(context, context.environment if environment is None else environment)
    for key, node in root.entries.items():
        if key != "version":
            entries[key] = walk.node(node, ROOT.child(key))
    return Mapping(entries, root.keys, root.file, root.start, root.end)


class _Walk:
    def __init__(self, context: Context, environment: Variables[str, str]) -> None:
        self.context = context
        self.environment = environment
        self.is_stack = context.is_stack
        self.expand = expand_stack if self.is_stack else expand_compose
        self.seen: set[tuple[str, Span]] = set()

    def node(self, node: Node, place: Place | None) -> Node:
        if isinstance(node, Mapping):
            return self._mapping(node, place)
        if isinstance(node, Sequence):
            return self._sequence(node, place.item if place is not None else None)
        assert isinstance(node, Scalar)
        value = node.value
        if type(value) is str and ("$" in value or (place is not None and place.attr is not None)):
            return self._text(node, value, place)
        if type(value) is float and value - value != 0 and self.is_stack:
            self.context.report("SC3010", f"`{node.text}` is no number that can be sent", node)
        return node

    def _mapping(self, node: Mapping, place: Place | None) -> Mapping:
        changed: dict[str, Node] | None = None
        is_stack = self.is_stack
        for key, child in node.entries.items():
            if type(child) is Scalar:  # most stay as they are; only Compose casts strings without a variable
                value = child.value
                if type(value) is str:
                    if is_stack and "$" not in value:
                        continue
                elif type(value) is not float:
                    continue
            new = self.node(child, self.below(place, key) if place is not None else None)
            if new is not child:
                changed = changed or dict(node.entries)
                changed[key] = new
        return node if changed is None else Mapping(changed, node.keys, node.file, node.start, node.end)

    def _sequence(self, node: Sequence, item: Place | None) -> Sequence:
        changed: list[Node] | None = None
        for at, child in enumerate(node.items):
            new = self.node(child, item)
            if new is not child:
                changed = changed or list(node.items)
                changed[at] = new
        return node if changed is None else Sequence(changed, node.file, node.start, node.end)

    def below(self, place: Place, key: str) -> Place | None:
        """docker joins the keys of a path by dots and splits it there again: below ``networks: {a.b:}`` it casts
        nothing, and a dotted key may lead to another row."""
        if "." not in key or not self.is_stack:
            return place.child(key)
        found: Place | None = place
        for part in key.split("."):
            found = found.child(part) if found is not None else None
        return found

    def _text(self, node: Scalar, text: str, place: Place | None) -> Scalar:
        context, value = self.context, text
        if "$" in text:
            try:
                value, unset, odd = self.expand(text, self.environment)
            except TemplateError as error:
                hint = _hint(error)
                context.report(error.code, error.message, _spot(node, text, error.offset), hint=hint)
                context.faulty.add((node.file, node.start.line, node.start.column))
                return node
            if len(value) > len(text) and context.has_grown(len(value) - len(text), node):
                return node
            for name, offset in unset:
                spot = _spot(node, text, offset)
                if (name, spot) not in self.seen:
                    self.seen.add((name, spot))
                    context.report("SC1203", f"the variable {name} is not set; it counts as empty", spot)
            for words, offset in odd:
                hint = "put the name alone in braces, ${NAME}, and no `-` or `?` into the words of ${NAME:?words}"
                context.report("SC1206", words, _spot(node, text, offset), hint=hint)
        if value == text and context.is_stack:
            return node
        typed = self._cast(node, text, value, place)
        return node if typed is text else Scalar(typed, node.text, node.file, node.start, node.end)

    def _cast(self, node: Scalar, text: str, value: str, place: Place | None) -> Value:
        attr = place.attr if place is not None else None
        kind = (attr.cast or (attr.lenient if not self.context.is_stack else "")) if attr is not None else ""
        if attr is not None and attr.lenient and not self.context.is_stack:
            kind = attr.lenient
        if not kind:
            return value if value != text else text
        try:
            return _CASTS[kind](value)
        except ValueError as error:
            if value == text:
                return text
            name = {"int": "a whole number", "float": "a number", "bool": "a boolean"}.get(kind, f"a {kind}")
            self.context.report("SC1204", f"`{text}` is `{value}` here, which {error}; {name} must stand here", node)
            return False if kind == "bool" else 0  # so that the schema does not complain again


def _octal(text: str) -> int:
    """A file mode in quotes: octal, as the Compose Specification has it."""
    body = text[2:] if text[:2] in ("0o", "0O") else text
    if not body or not set(body) <= set("01234567") or len(body) > 8:
        raise ValueError("is no octal file mode")
    return int(body, 8)


_CASTS: dict[str, Callable[[str], Value]] = {
    "int": integer,
    "float": parse_float,
    "bool": boolean,
    "size": size,
    "mode": _octal,
    "text": str,
}


def _hint(error: TemplateError) -> str:
    return "set it in the environment, or give a default: ${NAME:-default}" if error.code == "SC1202" else ""


def _spot(node: Scalar, text: str, offset: int) -> Span:
    """Where the ``$`` stands, when the scalar stands on one line as it is; else the whole scalar."""
    span = node.span
    width = span.end_column - span.column
    if span.line == span.end_line and text == node.text and width - len(text) in (0, 2) and "\n" not in text:
        column = span.column + (width - len(text)) // 2 + offset
        return Span(span.file, span.line, column, span.line, span.end_column - (width - len(text)) // 2)
    return span
