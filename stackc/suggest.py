"""What may have been meant: hints for keys and values that the schema refuses.

Imported only to explain a refusal. A hint names the nearest thing that fits: the same key one level up or down, a
similar key, the value in another spelling.
"""

from __future__ import annotations

from difflib import SequenceMatcher, get_close_matches

from stackc.diagnostics import Path
from stackc.parse.nodes import Mapping, Node, Scalar, Sequence
from stackc.schema import Acceptor, Schema

Place = tuple[str, ...]
"""Where a key may stand: the keys above it, with ``*`` for any name and ``[]`` for a list item."""

_FORMER = {"net": "network_mode", "log_driver": "logging.driver", "log_opt": "logging.options", "env": "environment"}
"""Keys of old file formats and of `docker run`, in a service."""

_WITH_COLON = ("devices", "external_links", "extra_hosts", "links", "ports", "volumes", "volumes_from")
"""Lists whose items have parts with colons between; all others have KEY=VALUE."""

_SURE = 0.84
_MOST_GUESSES = 200  # looking for similar words is slow, and nobody reads so many hints


class Suggestions:
    """For one file. ``places`` is made when the first key is looked up."""

    def __init__(self, acceptor: Acceptor) -> None:
        self.acceptor = acceptor
        self.guesses = 0
        self._places: dict[str, list[Place]] | None = None

    def key(self, key: str, node: Node, path: Path, schema: Schema) -> str:
        """What to do about an unknown ``key`` of the mapping at ``path``, whose schema is given."""
        self.guesses += 1
        if self.guesses > _MOST_GUESSES:
            return "remove it"
        known = [name for name, below in schema.get("properties", {}).items() if not self.acceptor.is_later(below)]
        spelt = key.lower().replace("-", "_")
        return (
            ("`x-` keys do not stand here: write it one level up" if key.startswith("x-") else "")
            or self._of_top_level(path)
            or self._of_service(spelt, node, path)
            or _similar(spelt, known, _SURE)
            or self._elsewhere(spelt, path)
            or _longer(spelt, known)
            or _similar(spelt, known, 0.6)
            or self._similar_below(spelt, path)
            or self._only_place(spelt, path)
            or _remove(known, schema)
        )

    def is_top_level(self, path: Path) -> bool:
        """`volumes:` and its like, indented by mistake, look like a service."""
        return len(path) == 2 and path[0] == "services" and path[1] in self.acceptor.root["properties"]

    def _of_top_level(self, path: Path) -> str:
        if self.is_top_level(path):
            return f"the top-level `{path[1]}:` stands without indentation; here it is taken for a service"
        return ""

    def _of_service(self, key: str, node: Node, path: Path) -> str:
        if not path:
            if isinstance(node, Mapping) and ("image" in node.entries or "build" in node.entries):
                return "services stand below `services:`"
            if ("services", "*") in self.places.get(key, ()):
                return "write it in a service, below `services:`"
        elif len(path) == 2 and path[0] == "services" and key in _FORMER:
            return f"write `{_FORMER[key]}`"
        return ""

    @property
    def places(self) -> dict[str, list[Place]]:
        if self._places is None:
            self._places = {}
            self._gather(self.acceptor.root, (), self._places)
        return self._places

    def _gather(self, schema: Schema, place: Place, found: dict[str, list[Place]]) -> None:
        schema = self.acceptor.resolve(schema)
        for one in schema.get("oneOf", ()):
            self._gather(one, place, found)
        for key, below in schema.get("properties", {}).items():
            if not self.acceptor.is_later(below):
                found.setdefault(key, []).append(place)
                self._gather(below, (*place, key), found)
        for pattern, below in schema.get("patternProperties", {}).items():
            if not pattern.startswith("^x-"):
                self._gather(below, (*place, "*"), found)
        if "items" in schema:
            self._gather(schema["items"], (*place, "[]"), found)

    def _elsewhere(self, key: str, path: Path) -> str:
        """The same key at a place nearby: below this mapping, one level up, or beside it."""
        nearest: list[str] = []
        least = 4
        for place in self.places.get(key, ()):
            common = _common(place, path)
            up, down = len(path) - common, place[common:]
            if up > 1 or "*" in down or "[]" in down or up + len(down) > least:
                continue
            if up + len(down) < least:
                least, nearest = up + len(down), []
            nearest.append(".".join((*map(str, path[:common]), *down)))
        return f"it belongs in {' or '.join(f'`{one}`' for one in nearest)}" if 0 < len(nearest) < 3 else ""

    def _only_place(self, key: str, path: Path) -> str:
        """Where the key belongs, of a key at the top, or of one that goes with what it stands in."""
        places = self.places.get(key, ())
        is_of_top = not path or path[0] == "x-stackc"
        if len(places) != 1 or not (is_of_top or _common(places[0], path) > 1):
            return ""
        names = ("NAME" if part == "*" else part for part in places[0] if part != "[]")
        return f"it belongs in `{'.'.join(names)}`"

    def _similar_below(self, key: str, path: Path) -> str:
        """A similar key in a mapping below this one."""
        below = {
            name: place[len(path) :]
            for name, places in self.places.items()
            for place in places
            if _common(place, path) == len(path) < len(place) <= len(path) + 2
            and not {"*", "[]"} & {*place[len(path) :]}
        }
        close = get_close_matches(key, below, n=1, cutoff=0.75)
        return f"did you mean `{'.'.join((*below[close[0]], close[0]))}`?" if close else ""

    def value(self, node: Node, path: Path, kinds: list[str], examples: list[str]) -> str:
        """What to do about a value that is of none of these types."""
        if len(path) == 2 and path[0] == "services":
            if hint := self._of_top_level(path):
                return hint
            if isinstance(node, Scalar) and isinstance(node.value, str):
                return f"write it on the line below, indented: `image: {node.text}`"
        if isinstance(node, Scalar):
            return _scalar(node, kinds, examples)
        if isinstance(node, Sequence):
            return _list(node, kinds)
        assert isinstance(node, Mapping)
        return _mapping(node, path, kinds)


def _common(place: Place, path: Path) -> int:
    """How many levels the two have in common."""
    count = 0
    for level, part in zip(place, path, strict=False):
        if level != part and level != ("[]" if isinstance(part, int) else "*"):
            break
        count += 1
    return count


def _similar(key: str, known: list[str], cutoff: float) -> str:
    close = get_close_matches(key, known, n=1, cutoff=cutoff)
    return f"did you mean `{close[0]}`?" if close else ""


def _longer(key: str, known: list[str]) -> str:
    """Known keys that begin or end with the key, or it with them."""
    if len(key) < 3:
        return ""
    fitting = [name for name in known if name.startswith(key) or name.endswith("_" + key) or key.startswith(name + "_")]
    fitting.sort(key=lambda name: -SequenceMatcher(None, key, name).ratio())
    return f"did you mean {' or '.join(f'`{name}`' for name in fitting[:2])}?" if fitting else ""


def _remove(known: list[str], schema: Schema) -> str:
    listed = ", ".join(sorted(known))
    if not known:
        return "remove it; no keys are known here"
    if len(listed) < 150:
        return f"known keys: {listed}"
    return "remove it, or prefix it with x-" if schema.get("patternProperties") else "remove it"


def _scalar(node: Scalar, kinds: list[str], examples: list[str]) -> str:
    text = node.text
    if node.value is None:
        return (
            f"{_below(kinds)}, or remove it"
            if "object" in kinds or "array" in kinds
            else "give it a value, or remove it"
        )
    if "string" in kinds:
        return (
            f'write it in quotes and with a unit, such as "{examples[0]}"'
            if examples
            else f'write it in quotes: "{text}"'
        )
    if "array" in kinds and ("object" not in kinds or "=" in text):
        return f"write a list: [{text}]" if len(text) < 40 and "\n" not in text else _below(kinds)
    if "object" in kinds or "array" in kinds:
        return _below(kinds)
    if isinstance(node.value, str) and {"integer", "number"} & {*kinds} and text.lstrip("+-").isdigit():
        return f"write it without quotes: {text}"
    if "boolean" in kinds:
        return "write true or false" + (", without quotes" if isinstance(node.value, str) else "")
    return "write a number without a fraction" if isinstance(node.value, float) else "write a number"


def _below(kinds: list[str]) -> str:
    return "write its keys on the lines below, indented" if "object" in kinds else "write a list: `- ` before each item"


def _list(node: Sequence, kinds: list[str]) -> str:
    first = node.items[0] if node.items else None
    text = first.text if isinstance(first, Scalar) and len(first.text) < 40 else ""
    if "object" in kinds:
        return (
            f"write a key for each item, without `- `: {text}:"
            if text and "=" not in text
            else "write KEY: VALUE on each line, without `- `"
        )
    return f"write the value alone: {text}" if text and len(node.items) == 1 else "write one value, without `- `"


def _mapping(node: Mapping, path: Path, kinds: list[str]) -> str:
    if "array" in kinds:
        return "write a list: `- ` before each item"
    key, value = next(iter(node.entries.items()), ("", None))
    if "string" in kinds and isinstance(path[-1], int) and len(node.entries) == 1 and isinstance(value, Scalar):
        between = ":" if path[-2] in _WITH_COLON else "="
        return f"a colon and a blank make a mapping; write {key}{between}{value.text}"
    return "write one value, not a mapping"
