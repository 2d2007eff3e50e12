"""Parser events → nodes: typing, anchors, merge keys, duplicate keys, budgets. Iterative, so depth costs no stack."""

from __future__ import annotations

from stackc.codes import found
from stackc.diagnostics import Diagnostic, Related, Span
from stackc.hints import TYPE_CHECKING, NamedTuple, TypeVar, cast
from stackc.memo import Memo
from stackc.parse.events import reading
from stackc.parse.nodes import Mapping, Mark, MergeKey, Node, Scalar, Sequence, Timestamp, Value
from stackc.parse.scalars import resolve

if TYPE_CHECKING:
    from collections.abc import Callable

    from stackc.parse import Limits

    Step = Callable[[], object]
    _Open = tuple[Mapping | Sequence | None, list[Node] | None, dict[str, Node], dict[str, Scalar], Scalar | None]

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


_TAG = "tag:yaml.org,2002:"
_NONSTRING = object()
_COLON = "found unexpected ':'"  # go-yaml takes it for a letter: docker reads {data:} as a key called "data:"


class Composer:
    """One text's reading, a handler of the parser's events. Faults that do not stop the reading are gathered in
    ``diagnostics``."""

    def __init__(self, file: str, limits: Limits) -> None:
        self.file = file
        self.limits = limits
        self.most = limits.nodes
        self.diagnostics: list[Diagnostic] = []
        self.tags: list[tuple[str, Span]] = []
        self.tagged: set[tuple[int, int]] = set()  # where scalars with such a tag stand: none can be a key
        self.values: Memo[str, Value] = Memo(resolve)  # what plain scalars mean; each string is kept once
        self.nodes = 0  # nodes of the document with every alias written out
        self.copied = 0  # of these, how many come from aliases and merge keys
        self.anchors: dict[str, tuple[Node, int]] = {}  # the node and its size; size 0 while it is open
        self.outer: list[_Open] = []  # the collections around the one that is being read
        self.node: Mapping | Sequence | None = None  # that one; what it holds is the next three
        self.items: list[Node] | None = None
        self.entries: dict[str, Node] = {}
        self.keys: dict[str, Scalar] = {}
        self.key: Scalar | None = None  # the key that waits for its value
        self.anchored: list[tuple[Node, str, int]] = []  # open collections with an anchor, and the nodes before each
        self.merging: list[tuple[Node, Scalar, Node]] = []  # open mappings with a merge key, that key and its value
        self.start: Span | None = None  # where this document starts
        self.ended = False

    def compose(self, text: str) -> Document:
        """The first document; where another one starts is noted, but not what it is. Raises Refused."""
        return self._read(text, self._first)

    def compose_all(self, text: str) -> list[Document]:
        """Every document. Raises Refused at the first one that cannot be used."""
        return self._read(text, self._all)

    def _read(self, text: str, documents: Callable[[Step], _Read]) -> _Read:
        try:
            with reading(text, self) as step:
                return documents(step)
        except Refused:
            raise
        except Exception as error:
            raise Refused(self._syntax(error, text)) from None

    def _first(self, step: Step) -> Document:
        step()  # the start of the stream
        step()  # the start of the document
        if self.ended:
            raise Refused(found("SC1006", "the file is empty", Span(self.file, 1, 1, 1, 1)))
        root = self._tree(step)
        step()  # the end of the document
        return Document(root, tuple(self.tags), self._more(step))

    def _all(self, step: Step) -> list[Document]:
        documents: list[Document] = []
        step()  # the start of the stream
        step()  # the start of the document
        while not self.ended:
            self.tags, self.anchors = [], {}
            documents.append(Document(self._tree(step), tuple(self.tags), None))
            step()  # the end of the document
            step()  # the start of the next one
        return documents

    def _more(self, step: Step) -> Span | None:
        """Where something stands after the first document. It is not read, and may be no YAML at all as long as its
        first words can be told apart."""
        try:
            step()
        except Exception as error:
            if type(error).__name__ != "ParserError":  # the scanner's or the reader's, which docker would not get past
                raise
            mark = error.problem_mark  # type: ignore[attr-defined]
            return self._span(mark, mark)
        return None if self.ended else self.start

    def _tree(self, step: Step) -> Mapping:
        top: list[Node] = []  # a document is like a list of one item
        self.items = top
        while not top:
            step()
        root = top[0]
        if isinstance(root, Scalar) and root.value is None:
            raise Refused(found("SC1006", "the document is empty", root.span))
        if not isinstance(root, Mapping):
            message = f"the top of the file must be a mapping with `services:`, not {root.kind}"
            raise Refused(found("SC1007", message, Span(root.file, *_first_line(root))))
        return root

    def document_start(self, start: Mark, end: Mark, explicit: bool, version: object, tags: object) -> None:
        """go-yaml reads a document only if it says YAML 1.1, or nothing."""
        self.start = self._span(start, end)
        if version not in (None, (1, 1)):
            message = f"YAML {'.'.join(map(str, version))} is not read"  # type: ignore[call-overload]
            raise Refused(found("SC1005", message, self._span(start, start), hint="remove the `%YAML` line"))

    def stream_end(self, start: Mark, end: Mark) -> None:
        self.ended = True

    def scalar(
        self,
        anchor: str | None,
        tag: str | None,
        implicit: object,
        text: str,
        start: Mark,
        end: Mark,
        style: str | None,
    ) -> None:
        """Most events are of this kind: a tenth of the time of a compile is spent here."""
        value: Value
        if tag is not None and tag != "!":
            value = self._tagged(tag, text, start, end)
        elif style:
            value = text
        else:
            value = self.values[text]
            if type(value) is str:
                text = value
        node = Scalar(value, text, self.file, start, end)
        self.nodes += 1
        if self.nodes > self.most:
            raise self._too_many(start)
        if anchor is not None:
            self._anchor(anchor, node, 1)
        if self.items is not None:
            self.items.append(node)
            return
        key = self.key
        if key is None:
            self.key = node if type(value) is str and not self.tagged else self._key(node)
            return
        self.key = None
        name = key.value
        if type(name) is str and name not in self.entries:
            self.entries[name] = node
            self.keys[name] = key
        else:
            self._odd_entry(key, node)

    def alias(self, anchor: str, start: Mark, end: Mark) -> None:
        span = self._span(start, end)
        known = self.anchors.get(anchor)
        if known is None:
            from difflib import get_close_matches

            close = get_close_matches(anchor, self.anchors, n=1)
            hint = f"did you mean `*{close[0]}`?" if close else ""
            raise Refused(found("SC1013", f"no anchor `&{anchor}` stands before this alias", span, hint=hint))
        node, size = known
        if size == 0:
            raise Refused(found("SC1013", f"the anchor `&{anchor}` contains itself", span))
        self._grow(size, span)
        self.nodes += 1
        if self.nodes > self.most:
            raise self._too_many(start)
        self._place(node)

    def mapping_start(
        self, anchor: str | None, tag: str | None, implicit: object, start: Mark, end: Mark, flow: object
    ) -> None:
        node = Mapping({}, {}, self.file, start, end)
        self._start(node, anchor, tag)
        self.node, self.items, self.entries, self.keys, self.key = node, None, node.entries, node.keys, None

    def sequence_start(
        self, anchor: str | None, tag: str | None, implicit: object, start: Mark, end: Mark, flow: object
    ) -> None:
        node = Sequence([], self.file, start, end)
        self._start(node, anchor, tag)
        self.node, self.items = node, node.items

    def _start(self, node: Mapping | Sequence, anchor: str | None, tag: str | None) -> None:
        if len(self.outer) >= self.limits.depth:
            raise Refused(found("SC1010", f"nested deeper than {self.limits.depth} levels", node.span))
        self.nodes += 1
        if self.nodes > self.most:
            raise self._too_many(node.start)
        if tag is not None and tag not in (_TAG + "map", _TAG + "seq", "!"):
            self._tag(tag, node.span)
        if anchor is not None:
            self._anchor(anchor, node, 0)
            self.anchored.append((node, anchor, self.nodes))
        self.outer.append((self.node, self.items, self.entries, self.keys, self.key))

    def collection_end(self, start: Mark, end: Mark) -> None:
        node = self.node
        last: Node | None = None
        if isinstance(node, Mapping):
            if self.merging and self.merging[-1][0] is node:
                self._merge(node, *self.merging.pop()[1:])
            if node.entries:
                last = next(reversed(node.entries.values()))
        else:
            assert node is not None
            if node.items:
                last = node.items[-1]
        # the end of a flow collection is a bracket; of a block collection it is where the next token starts
        flow = start.column != end.column
        node.end = end if flow or last is None or last.end.line < node.start.line else last.end
        if self.anchored and self.anchored[-1][0] is node:
            _, anchor, before = self.anchored.pop()
            if self.anchors[anchor][0] is node:
                self.anchors[anchor] = (node, self.nodes - before + 1)
        self.node, self.items, self.entries, self.keys, self.key = self.outer.pop()
        self._place(node)

    def _place(self, node: Node) -> None:
        """Put a finished node into the collection around it, as item, key or value."""
        if self.items is not None:
            self.items.append(node)
            return
        key = self.key
        if key is None:
            self.key = self._key(node)
            return
        self.key = None
        name = key.value
        if type(name) is str and name not in self.entries:
            self.entries[name] = node
            self.keys[name] = key
        else:
            self._odd_entry(key, node)

    def _odd_entry(self, key: Scalar, node: Node) -> None:
        """An entry whose key is no string, merges, or stands there already."""
        if isinstance(key.value, MergeKey):
            assert self.node is not None
            if self.merging and self.merging[-1][0] is self.node:
                self._duplicate(key, self.merging[-1][1])
            else:
                self.merging.append((self.node, key, node))
        elif isinstance(key.value, str):
            self._duplicate(key, self.keys[key.value])

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
        placeholder.value = cast("Value", _NONSTRING)
        return placeholder

    def _duplicate(self, key: Scalar, first: Scalar) -> None:
        related = (Related(first.span, "first defined here"),)
        self.diagnostics.append(found("SC1008", f"the key `{key.value}` is defined twice", key.span, related=related))

    def _anchor(self, anchor: str, node: Node, size: int) -> None:
        self.anchors[anchor] = (node, size)
        if len(self.anchors) > self.limits.anchors:
            raise Refused(found("SC1011", f"more than {self.limits.anchors} anchors", node.span))

    def _grow(self, size: int, span: Span) -> None:
        self.nodes += size - 1
        self.copied += size
        written = max(0, self.nodes - self.copied)
        if self.copied > self.limits.alias_growth + 10 * written or self.nodes > self.limits.expanded:
            message = "with its aliases written out the file is far larger than its text"
            raise Refused(found("SC1012", message, span))

    def _merge(self, node: Mapping, key: Scalar, value: Node) -> None:
        """Merge keys, shallow: explicit keys win wherever they stand, an earlier list element beats a later one."""
        if "<<" in node.entries:
            first, second = sorted((key, node.keys["<<"]), key=lambda one: _spot(one.start))
            self._duplicate(second, first)
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

    def _tagged(self, tag: str, text: str, start: Mark, end: Mark) -> Value:
        """A scalar with a tag. The core tags are honoured; any other is noted and the text stays a string."""
        name = tag.removeprefix(_TAG) if tag.startswith(_TAG) else ""
        if name == "str":
            return text
        if name == "merge" and text == "<<":
            return MergeKey(text)
        if name == "binary":
            self.tagged.add(_spot(start))
            return self._binary(text, self._span(start, end))
        if name not in ("int", "float", "bool", "null", "timestamp"):
            self.tagged.add(_spot(start))
            self._tag(tag, self._span(start, end))
            return text
        value = resolve(text)
        if name == "float" and type(value) is int and value < 2**63:
            return float(value)
        wanted = {"int": int, "float": float, "bool": bool, "null": type(None), "timestamp": Timestamp}[name]
        if type(value) is not wanted:
            self.diagnostics.append(found("SC1015", f"`{text}` is no !!{name}", self._span(start, end)))
        return value

    def _binary(self, text: str, span: Span) -> str:
        """Base64 as text: of other bytes nobody could tell what the engine makes of them."""
        from binascii import Error, a2b_base64

        try:
            return a2b_base64(text.replace("\r", "").replace("\n", ""), strict_mode=True).decode("utf-8")
        except (Error, ValueError) as error:
            what = "the text is not UTF-8" if isinstance(error, UnicodeDecodeError) else "this is no base64"
            self.diagnostics.append(found("SC1015", f"binary values are read as text, and {what}", span))
            return ""

    def _tag(self, tag: str, span: Span) -> None:
        self.tags.append((tag.replace(_TAG, "!!"), span))

    def _too_many(self, mark: Mark) -> Refused:
        message = f"the file has more than {self.limits.nodes} values"
        return Refused(found("SC1011", message, self._span(mark, mark)))

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
        hint = "a space must follow the colon, or the word stand in quotes" if problem == _COLON else ""
        return found("SC1005", f"not valid YAML: {problem}", span, hint=hint, related=related)

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
