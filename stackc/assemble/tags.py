"""``!reset`` and ``!override``: what a layer takes away from the layers below it."""

from __future__ import annotations

from stackc.assemble.layers import TagPath
from stackc.diagnostics import Span
from stackc.hints import NamedTuple
from stackc.parse import Document
from stackc.parse.nodes import Mapping, Node, Sequence

RESET, OVERRIDE = "!reset", "!override"
TAGS = (RESET, OVERRIDE)


class Cuts(NamedTuple):
    """Paths of one document, in its order. ``resets``: those of a ``!reset``, with its place."""

    paths: tuple[TagPath, ...] = ()
    resets: tuple[tuple[TagPath, Span], ...] = ()

    def of_services(self) -> dict[str, list[TagPath]]:
        """The paths below each service, from there."""
        found: dict[str, list[TagPath]] = {}
        for path in self.paths:
            if path[0] == "services" and len(path) > 2:
                found.setdefault(path[1], []).append(path[2:])
        return found


NOTHING = Cuts()


def cut(document: Document) -> tuple[Mapping, Cuts]:
    """The document without what its ``!reset`` tags stand at, and where its tags stand. In a list both mean nothing to
    the layers below: a ``!reset`` item is left out, an ``!override`` is kept."""
    places = {(span.line, span.column): tag for tag, span in document.tags if tag in TAGS}
    if not places:
        return document.root, NOTHING
    walk = _Walk(places)
    root = walk.node(document.root, ())
    assert isinstance(root, Mapping)
    return root, Cuts(tuple(walk.paths), tuple(walk.resets))


class _Walk:
    def __init__(self, places: dict[tuple[int, int], str]) -> None:
        self.places = places
        self.paths: list[TagPath] = []
        self.resets: list[tuple[TagPath, Span]] = []

    def node(self, node: Node, path: TagPath) -> Node | None:
        tag = self.places.get((node.start.line + 1, node.start.column + 1)) if path else None
        if tag is not None:
            if "" not in path:
                self.paths.append(path)
                if tag == RESET:
                    self.resets.append((path, node.start_span))
            return None if tag == RESET else node
        if isinstance(node, Mapping):
            kept = {key: self.node(child, (*path, key)) for key, child in node.entries.items()}
            if all(kept[key] is child for key, child in node.entries.items()):
                return node
            entries = {key: child for key, child in kept.items() if child is not None}
            return Mapping(entries, node.keys, node.file, node.start, node.end)
        if isinstance(node, Sequence):
            items = [self.node(child, (*path, "")) for child in node.items]
            if all(new is old for new, old in zip(items, node.items, strict=True)):
                return node
            return Sequence([item for item in items if item is not None], node.file, node.start, node.end)
        return node
