"""A canonical mapping beside the table of attributes: each key that is there goes where its row says.

``Steps`` are the rows below one place, made ready once per compile. What several keys make together is left to a
part: the walk notes its name, and the caller calls it.
"""

from __future__ import annotations

from stackc.assemble.context import STACK, Context
from stackc.attributes import COMPILED, ROOT, Place
from stackc.diagnostics import Path
from stackc.hints import Any
from stackc.lower.emit import EACH, EMITTERS, KEPT, NOTHING, OBJECT, Emitter, Unfit
from stackc.parse.nodes import Mapping, Node, Scalar, Sequence

Json = dict[str, Any]
Field = tuple[str, ...]
"""Keys from the body's top to a value."""


class Step:
    """What to do with one key. At most one of ``emit``, ``part`` and ``items`` is there."""

    __slots__ = ("below", "copies", "emit", "field", "is_object", "items", "last", "parents", "part", "path")

    def __init__(self, path: Path, field: Field) -> None:
        self.path = path
        self.field = field
        self.parents = field[:-1]
        self.last = field[-1] if field else ""
        self.copies = False  # a scalar goes as it is, without asking ``emit``
        self.is_object = False
        self.emit: Emitter | None = None
        self.part = ""
        self.items: Steps | None = None
        self.below: Steps | None = None


class Steps:
    """The keys of a mapping. ``defaults``: what is sent where nothing is said."""

    __slots__ = ("defaults", "keys")

    def __init__(self) -> None:
        self.keys: dict[str, Step] = {}
        self.defaults: list[tuple[Field, Any]] = []


class Table(dict[str, Steps]):
    """The table of attributes for one dialect: path → what stands below it, made ready when it is first asked for.
    Fields begin below the field of that path, or of the list that it is an item of."""

    def __init__(self, dialect: str) -> None:
        super().__init__()
        self.is_stack = dialect == STACK
        self.ports_left = 3 * 65_535  # each port of a protocol can be published once in a stack

    def __missing__(self, dotted: str) -> Steps:
        path = tuple(dotted.split("."))
        place, base = ROOT, ""
        for part in path:
            below = place.item if part == "[]" else place.any if part == "*" else place.children[part]
            assert below is not None, path
            place = below
            if place.attr is not None and place.attr.engine:
                base = place.attr.engine + "."
            elif part in ("*", "[]") and base:
                base += "[]."
        made = self[dotted] = self._below(place, base, path[2:])
        return made

    def _below(self, place: Place, base: str, path: Path) -> Steps:
        steps = Steps()
        for key, child in place.children.items():
            attr = child.attr
            if attr is not None and (attr.stack if self.is_stack else attr.compose) != COMPILED:
                continue
            engine = attr.engine if attr is not None else ""
            assert engine.startswith(base) or not engine, (engine, base)
            step = Step((*path, key), tuple(engine[len(base) :].split(".")) if engine else ())
            if attr is not None and attr.emit:
                self._emission(step, attr.emit, child, engine)
                if engine and attr.default is not None:
                    steps.defaults.append((step.field, attr.default))
            if not step.part and step.items is None:
                below = self._below(child, base, step.path)
                step.below = below if below.keys else None
            steps.keys[key] = step
        return steps

    def _emission(self, step: Step, emit: str, place: Place, engine: str) -> None:
        if emit == OBJECT:
            step.is_object = True
        elif emit == EACH:
            assert place.item is not None
            step.items = self._below(place.item, f"{engine}.[].", step.path)
        elif emit in EMITTERS:
            step.emit = EMITTERS[emit]
            step.copies = emit == "copy"
        else:
            step.part = emit


class Filler:
    """Walks mappings and fills bodies. ``where``: the path of what is walked, for findings."""

    __slots__ = ("context", "parts", "where")

    def __init__(self, context: Context, where: Path) -> None:
        self.context = context
        self.where = where
        self.parts: dict[str, None] = {}

    def fill(self, node: Node | None, steps: Steps, body: Json) -> Json:
        """``body`` with the fields of what ``node`` says. The parts that are wanted are noted in ``parts``."""
        for field, value in steps.defaults:
            put(body, field, value)
        if not isinstance(node, Mapping):
            return body
        for key, child in node.entries.items():
            step = steps.keys.get(key)
            if step is None:
                continue
            if type(child) is Scalar:
                value = child.value
                if step.copies:
                    if value:
                        target = body
                        for name in step.parents:
                            target = target.setdefault(name, {})
                        target[step.last] = value
                    continue
                if value is None:
                    continue
            if step.emit is not None:
                self._emit(step, child, body)
            elif step.part:
                self.parts[step.part] = None
            else:
                self._structure(step, child, body)
        return body

    def _structure(self, step: Step, node: Node, body: Json) -> None:
        if step.is_object:
            within(body, step.field)
        if step.below is not None:
            self.fill(node, step.below, body)
        elif step.items is not None and isinstance(node, Sequence) and node.items:
            put(body, step.field, [self.fill(item, step.items, {}) for item in node.items])

    def _emit(self, step: Step, node: Node, body: Json) -> None:
        assert step.emit is not None
        try:
            value = step.emit(node)
        except Unfit as unfit:
            self._unfit(unfit, node, step.path)
            return
        if value is NOTHING:
            return
        for name in step.parents:
            body = body.setdefault(name, {})
        if value is not KEPT:
            body[step.last] = value

    def emitted(self, emit: Emitter, node: Node, path: Path) -> Any:
        """The value of a node, or ``NOTHING`` after a finding."""
        try:
            return emit(node)
        except Unfit as unfit:
            self._unfit(unfit, node, path)
            return NOTHING

    def _unfit(self, unfit: Unfit, node: Node, path: Path) -> None:
        self.context.report(unfit.code, unfit.message, node, path=(*self.where, *path), hint=unfit.hint)


def within(body: Json, field: Field) -> Json:
    """The object at a field, made where it is not there yet."""
    for key in field:
        body = body.setdefault(key, {})
    return body


def put(body: Json, field: Field, value: Any) -> None:
    for key in field[:-1]:
        body = body.setdefault(key, {})
    body[field[-1]] = value
