"""Parser events → nodes: typing, anchors, merge keys, duplicate keys, budgets. Iterative, so depth costs no stack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

from stackc.codes import found
from stackc.diagnostics import Diagnostic, Related, Span
from stackc.parse.events import parser_for
from stackc.parse.nodes import Mapping, Mark, MergeKey, Node, Scalar, Sequence, Timestamp, Value
from stackc.parse.scalars import resolve

if TYPE_CHECKING:
    from collections.abc import Callable

    from stackc.parse import Limits

_Read = TypeVar("_Read")


class Refused(Exception):  # noqa: N818  (it is no error of ours: the text is refused)
    """The text is given up at this place."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic


class Document(NamedTuple):
    """``tags``: unknown tags, whose node was read as if it had none. ``more``: where a second document starts."""

    root: Mapping
    tags: tuple[tuple[str, Span], ...]
    more: Span | None


class _Open:
    """A collection that is being read. ``key`` is the mapping key that waits for its value."""

    __slots__ = ("anchor", "before", "key", "merges", "node")

    def __init__(self, node: Mapping | Sequence, before: int, anchor: str | None) -> None:
        self.node = node
        self.anchor = anchor
        self.before = before
        self.key: Scalar | None = None
        self.merges: list[tuple[Scalar, Node]] = []


_TAG = "tag:yaml.org,2002:"
_NONSTRING = object()


class Composer:
    """One document's reading. Faults that do not stop the reading are gathered in ``diagnostics``."""

    def __init__(self, file: str, limits: Limits) -> None:
        self.file = file
        self.limits = limits
        self.diagnostics: list[Diagnostic] = []
        self.tags: list[tuple[str, Span]] = []
        self.tagged: set[tuple[int, int]] = set()  # where scalars with such a tag stand: none can be a key
        self.nodes = 0  # nodes of the document with every alias written out
        self.copied = 0  # of these, how many come from aliases and merge keys
        self.anchors: dict[str, tuple[Node, int]] = {}  # the node and its size; size 0 while it is open

    def compose(self, text: str) -> Document:
        """The first document; where another one starts is noted, but not what it is. Raises Refused."""
        return self._read(text, self._first)

    def compose_all(self, text: str) -> list[Document]:
        """Every document. Raises Refused at the first one that cannot be used."""
        return self._read(text, self._all)

    def _read(self, text: str, documents: Callable[[Any], _Read]) -> _Read:
        parser: Any = None
        try:
            parser = parser_for(text)
            return documents(parser.get_event)
        except Refused:
            raise
        except Exception as error:
            raise Refused(self._syntax(error, text)) from None
        finally:
            if hasattr(parser, "dispose"):
                parser.dispose()

    def _first(self, get_event: Any) -> Document:
        get_event()  # the start of the stream
        if type(get_event()).__name__ == "StreamEndEvent":
            raise Refused(found("SC1006", "the file is empty", Span(self.file, 1, 1, 1, 1)))
        root = self._root(get_event)
        get_event()  # the end of the document
        return Document(root, tuple(self.tags), self._more(get_event))

    def _all(self, get_event: Any) -> list[Document]:
        get_event()  # the start of the stream
        documents: list[Document] = []
        while type(get_event()).__name__ != "StreamEndEvent":
            self.tags, self.anchors = [], {}
            documents.append(Document(self._root(get_event), tuple(self.tags), None))
            get_event()  # the end of the document
        return documents

    def _root(self, get_event: Any) -> Mapping:
        root = self._tree(get_event)
        if isinstance(root, Scalar) and root.value is None:
            raise Refused(found("SC1006", "the document is empty", root.span))
        if not isinstance(root, Mapping):
            message = f"the top of the file must be a mapping with `services:`, not {root.kind}"
            raise Refused(found("SC1007", message, Span(root.file, *_first_line(root))))
        return root

    def _more(self, get_event: Any) -> Span | None:
        """Where something stands after the first document. It is not read: it may be no YAML at all."""
        try:
            event = get_event()
        except Exception as error:
            mark = getattr(error, "problem_mark", None)
            return None if mark is None else self._span(mark, mark)
        return None if type(event).__name__ == "StreamEndEvent" else self._span(event.start_mark, event.end_mark)

    def _tree(self, get_event: Any) -> Node:  # noqa: C901  (the hot loop of a compile: one long function on purpose)
        file = self.file
        stack: list[_Open] = []
        most, deepest = self.limits.nodes, self.limits.depth
        while True:
            event = get_event()
            name = type(event).__name__
            if name == "ScalarEvent":
                text = event.value
                value: Value
                if event.implicit[0]:
                    value = resolve(text)
                    if event.style and type(value) is not str:  # `! "5"`: quoted all the same
                        value = text
                elif event.tag is None or event.tag == "!":
                    value = text
                else:
                    value = self._tagged(event)
                node: Node = Scalar(value, text, file, event.start_mark, event.end_mark)
            elif name in ("MappingStartEvent", "SequenceStartEvent"):
                if len(stack) >= deepest:
                    message = f"nested deeper than {deepest} levels"
                    raise Refused(found("SC1010", message, self._span(event.start_mark, event.end_mark)))
                node = (
                    Mapping({}, {}, file, event.start_mark, event.end_mark)
                    if name == "MappingStartEvent"
                    else Sequence([], file, event.start_mark, event.end_mark)
                )
                if event.tag is not None and event.tag not in (_TAG + "map", _TAG + "seq", "!"):
                    self._tag(event)
                self.nodes += 1
                if event.anchor is not None:
                    self._anchor(event, node, 0)
                stack.append(_Open(node, self.nodes, event.anchor))
                continue
            elif name == "AliasEvent":
                node = self._alias(event)
            else:  # the end of a collection
                node = self._close(stack.pop(), event)
                if not stack:
                    return node
                self._place(stack[-1], node)
                continue
            self.nodes += 1
            if self.nodes > most:
                self._count(event.start_mark)
            if event.anchor is not None and name == "ScalarEvent":
                self._anchor(event, node, 1)
            if not stack:
                return node
            self._place(stack[-1], node)

    def _place(self, top: _Open, node: Node) -> None:
        """Put a finished node into the collection around it, as item, key or value."""
        parent = top.node
        if isinstance(parent, Sequence):
            parent.items.append(node)
            return
        key = top.key
        if key is None:
            top.key = self._key(node)
            return
        top.key = None
        name = key.value
        if name is _NONSTRING:
            return
        assert isinstance(name, str)
        if isinstance(name, MergeKey):
            if top.merges:
                self._duplicate(key, top.merges[0][0])
            top.merges.append((key, node))
        elif name in parent.entries:
            self._duplicate(key, parent.keys[name])
        else:
            parent.entries[name] = node
            parent.keys[name] = key

    def _key(self, node: Node) -> Scalar:
        """The node as a key. A key that is no string is reported and its entry is dropped."""
        if isinstance(node, Scalar):
            if isinstance(node.value, MergeKey) or (type(node.value) is str and _spot(node.start) not in self.tagged):
                return node
            tagged = type(node.value) is str
            shown = f"the key `{node.text}` {'has a tag' if tagged else f'is {node.kind}'}"
            hint = "remove the tag" if tagged else f'write it in quotes: "{node.text}"'
        else:
            shown, hint = f"{node.kind} stands where a key must stand", ""
        self.diagnostics.append(found("SC1009", f"{shown}; keys must be strings", node.span, hint=hint))
        placeholder = Scalar(None, "", node.file, node.start, node.end)
        placeholder.value = cast(Value, _NONSTRING)
        return placeholder

    def _duplicate(self, key: Scalar, first: Scalar) -> None:
        related = (Related(first.span, "first defined here"),)
        self.diagnostics.append(found("SC1008", f"the key `{key.value}` is defined twice", key.span, related=related))

    def _close(self, top: _Open, event: Any) -> Node:
        node = top.node
        if isinstance(node, Mapping):
            if top.merges:
                self._merge(node, top.merges)
            last = next(reversed(node.entries.values())) if node.entries else None
        else:
            last = node.items[-1] if node.items else None
        # the end of a flow collection is a bracket; of a block collection it is where the next token starts
        flow = event.start_mark.column != event.end_mark.column
        node.end = event.end_mark if flow or last is None or last.end.line < node.start.line else last.end
        if top.anchor is not None:
            known = self.anchors.get(top.anchor)
            if known is not None and known[0] is node:
                self.anchors[top.anchor] = (node, self.nodes - top.before + 1)
        return node

    def _anchor(self, event: Any, node: Node, size: int) -> None:
        self.anchors[event.anchor] = (node, size)
        if len(self.anchors) > self.limits.anchors:
            message = f"more than {self.limits.anchors} anchors"
            raise Refused(found("SC1011", message, self._span(event.start_mark, event.end_mark)))

    def _alias(self, event: Any) -> Node:
        span = self._span(event.start_mark, event.end_mark)
        known = self.anchors.get(event.anchor)
        if known is None:
            from difflib import get_close_matches

            close = get_close_matches(event.anchor, self.anchors, n=1)
            hint = f"did you mean `*{close[0]}`?" if close else ""
            raise Refused(found("SC1013", f"no anchor `&{event.anchor}` stands before this alias", span, hint=hint))
        node, size = known
        if size == 0:
            raise Refused(found("SC1013", f"the anchor `&{event.anchor}` contains itself", span))
        self._grow(size, span)
        return node

    def _grow(self, size: int, span: Span) -> None:
        self.nodes += size - 1
        self.copied += size
        written = max(0, self.nodes - self.copied)
        if self.copied > self.limits.alias_growth + 10 * written or self.nodes > self.limits.expanded:
            message = "with its aliases written out the file is far larger than its text"
            raise Refused(found("SC1012", message, span))

    def _merge(self, node: Mapping, merges: list[tuple[Scalar, Node]]) -> None:
        """Merge keys, shallow: explicit keys win wherever they stand, an earlier list element beats a later one."""
        key, value = merges[0]
        sources = value.items if isinstance(value, Sequence) else [value]
        for source in sources:
            if not isinstance(source, Mapping):
                message = f"`<<` takes a mapping or a list of mappings, not {source.kind}"
                self.diagnostics.append(found("SC1014", message, source.span))
                return
            self._grow(len(source.entries) + 1, key.span)
            for name, child in source.entries.items():
                if name not in node.entries:
                    node.entries[name] = child
                    node.keys[name] = source.keys[name]

    def _tagged(self, event: Any) -> Value:
        """A scalar with a tag. The core tags are honoured; any other is noted and the text stays a string."""
        text: str = event.value
        name = event.tag.removeprefix(_TAG) if event.tag.startswith(_TAG) else ""
        if name == "str":
            return text
        if name == "merge" and text == "<<":
            return MergeKey(text)
        if name == "binary":
            self.tagged.add(_spot(event.start_mark))
            return self._binary(event)
        if name not in ("int", "float", "bool", "null", "timestamp"):
            self.tagged.add(_spot(event.start_mark))
            self._tag(event)
            return text
        value = resolve(text)
        if name == "float" and type(value) is int and value < 2**63:
            return float(value)
        wanted = {"int": int, "float": float, "bool": bool, "null": type(None), "timestamp": Timestamp}[name]
        if type(value) is not wanted:
            span = self._span(event.start_mark, event.end_mark)
            self.diagnostics.append(found("SC1015", f"`{text}` is no !!{name}", span))
        return value

    def _binary(self, event: Any) -> str:
        """Base64 as text: of other bytes nobody could tell what the engine makes of them."""
        from binascii import Error, a2b_base64

        try:
            return a2b_base64(event.value.replace("\r", "").replace("\n", ""), strict_mode=True).decode("utf-8")
        except (Error, ValueError) as error:
            what = "the text is not UTF-8" if isinstance(error, UnicodeDecodeError) else "this is no base64"
            span = self._span(event.start_mark, event.end_mark)
            self.diagnostics.append(found("SC1015", f"binary values are read as text, and {what}", span))
            return ""

    def _tag(self, event: Any) -> None:
        shown = event.tag.replace(_TAG, "!!")
        self.tags.append((shown, self._span(event.start_mark, event.end_mark)))

    def _count(self, mark: Mark) -> None:
        self.nodes += 1
        if self.nodes > self.limits.nodes:
            message = f"the file has more than {self.limits.nodes} values"
            raise Refused(found("SC1011", message, self._span(mark, mark)))

    def _span(self, start: Mark, end: Mark) -> Span:
        return Span(self.file, start.line + 1, start.column + 1, end.line + 1, end.column + 1)

    def _syntax(self, error: Exception, text: str) -> Diagnostic:
        """What the parser says, at its place. It stops at the first fault, so there is one of these per file."""
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        problem = getattr(error, "problem", None)
        if mark is None or problem is None:
            return self._unreadable(error, text)
        lines = text.rstrip().split("\n")
        if mark.line < len(lines):
            line, at, column = lines[mark.line], mark.line, mark.column
        else:  # the end of the text: show the last line that has something
            line, at, column = lines[-1], len(lines) - 1, len(lines[-1].rstrip("\r"))
        span = Span(self.file, at + 1, column + 1, at + 1, column + 2)
        if "\t" in line[: mark.column + 1] and not line[: mark.column].strip():
            return found("SC1005", "a tab stands in the indentation", span, hint="indent with spaces")
        context = getattr(error, "context", None)
        before = getattr(error, "context_mark", None)
        related: tuple[Related, ...] = ()
        if context and before is not None and before.line != mark.line:
            related = (Related(self._span(before, before), context),)
        return found("SC1005", f"not valid YAML: {problem}", span, related=related)

    def _unreadable(self, error: Exception, text: str) -> Diagnostic:
        """A character that YAML forbids: libyaml tells which, not on which line."""
        character = getattr(error, "character", None)
        if isinstance(character, int):
            character = chr(character)
        at = text.find(character) if isinstance(character, str) and character else -1
        if at < 0:
            return found("SC1005", "not valid YAML", Span(self.file, 1, 1, 1, 1))
        line = text.count("\n", 0, at) + 1
        column = at - text.rfind("\n", 0, at)
        message = f"the character U+{ord(text[at]):04X} is not allowed in YAML"
        return found("SC1017", message, Span(self.file, line, column, line, column + 1))


def _spot(mark: Mark) -> tuple[int, int]:
    return mark.line, mark.column


def _first_line(node: Node) -> tuple[int, int, int, int]:
    span = node.span
    if span.end_line == span.line:
        return span[1:]
    return span.line, span.column, span.line, span.column + 1
