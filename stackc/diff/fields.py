"""What the table of attributes says of the Engine API's fields: which restart tasks, which an older manager drops."""

from __future__ import annotations

from stackc.attributes import ATTRIBUTES, BASE_API, CONTAINER, NEVER, YOUNGER
from stackc.hints import Any, Iterator, NamedTuple
from stackc.plan import Json, StackPlan


class Dropped(NamedTuple):
    """A field that a manager would drop without a word. ``path``: of the key in the file, with the object's name;
    ``field``: of the API; ``since``: the first API version whose managers keep it."""

    path: str
    field: str
    since: str


_RESTARTS = {attr.engine: attr.restarts for attr in ATTRIBUTES if attr.engine and attr.path.startswith("services.")}


def restarts(field: str) -> bool:
    """Whether a change of a ServiceSpec's field replaces tasks. What the table does not know does, to be safe."""
    while field:
        known = _RESTARTS.get(field)
        if known is not None:
            return known
        field = field.rpartition(".")[0]
    return True


_MOUNTS = f"{CONTAINER}.Mounts.[]."
NEVER_KEPT = frozenset(attr.engine.removeprefix(_MOUNTS) for attr in ATTRIBUTES if attr.since == NEVER)
"""Keys of a mount that docker sends and no manager keeps: no difference from what is stored."""


class _Young(NamedTuple):
    path: str
    field: tuple[str, ...]
    since: str
    pointer: bool  # of a pointer false and 0 are values


_YOUNG = [
    _Young(attr.path, tuple(attr.engine.split(".")), attr.since, attr.emit in ("pointer", "whole", "swap"))
    for attr in ATTRIBUTES
    if attr.since not in ("", NEVER)
] + [
    _Young(path, tuple(field.split(".")), since, False)
    for path, fields in YOUNGER.items()
    for field, since in fields.items()
]
_KINDS = ("services", "networks")


def release(version: str) -> tuple[int, ...]:
    """``1.44`` → (1, 44)."""
    return tuple(int(part) for part in version.split("."))


def needed_api(kind: str, spec: Json) -> str:
    """The API version that a body of ``services`` or ``networks`` must be sent with, so that nothing of it is dropped
    on the way in; ``BASE_API`` mostly."""
    needed = [young.since for young in _of(kind) if _is_set(spec, young)]
    return max([BASE_API, *needed], key=release)


def dropped(plan: StackPlan, api: str) -> tuple[Dropped, ...]:
    """What a manager of this API version would drop of a plan, in the order of the plan."""
    oldest = release(api)
    found = []
    for kind in _KINDS:
        young = [one for one in _of(kind) if release(one.since) > oldest]
        for planned in getattr(plan, kind).values():
            for one in young:
                if _is_set(planned.spec, one):
                    path = one.path.replace("*", planned.key, 1)
                    found.append(Dropped(path, ".".join(one.field), one.since))
    return tuple(found)


def _of(kind: str) -> Iterator[_Young]:
    return (young for young in _YOUNG if young.path.startswith(f"{kind}."))


def _is_set(spec: Json, young: _Young) -> bool:
    return any(value is not None and (young.pointer or _says(value)) for value in _values(spec, young.field))


def _says(value: Any) -> bool:
    return value not in (0, "", [], {})


def _values(body: Any, field: tuple[str, ...]) -> Iterator[Any]:
    """Every value at a field; ``[]`` stands for each item of a list."""
    if not field:
        yield body
    elif field[0] == "[]":
        for item in body if isinstance(body, list) else ():
            yield from _values(item, field[1:])
    elif isinstance(body, dict) and field[0] in body:
        yield from _values(body[field[0]], field[1:])
