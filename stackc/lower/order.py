"""Dependencies and wave numbers → waves: a service stands in a later wave than all it waits for."""

from __future__ import annotations

from stackc.hints import Iterable
from stackc.hints import Mapping as Table
from stackc.parse.nodes import Mapping, Node
from stackc.parse.read import entries, field, flag, text, value

Waves = tuple[tuple[str, ...], ...]


def dependencies(service: Node) -> dict[str, str]:
    """Key of the dependency to its condition."""
    found = {}
    for name, node in entries(service, "depends_on"):
        found[name] = text(node, "condition") or "service_started"
    return dict(sorted(found.items()))


def followed(service: Node) -> list[str]:
    """The dependencies that the service restarts after. Only what the file says: Compose also means it of `links`, but
    in a stack a service is found by its name."""
    found = []
    for name, node in entries(service, "depends_on"):
        if flag(node, "restart") and isinstance(node, Mapping) and "restart" in node.keys:
            found.append(name)
    return sorted(found)


def is_required(service: Node, name: str) -> bool:
    for key, node in entries(service, "depends_on"):
        if key == name:
            required = node.get("required") if isinstance(node, Mapping) else None
            return value(required) is not False if required is not None else True
    return flag(service, name)


def wave(service: Node) -> int:
    """The number below ``x-stackc``: services wait for all of lower numbers."""
    number = value(field(field(service, "x-stackc"), "wave"))
    return number if isinstance(number, int) else 0


def waves(depends_on: Table[str, Iterable[str]], numbers: Table[str, int] | None = None) -> Waves:
    """Sorted within a wave. Names that are no keys are ignored; what stands in a circle is left out. ``numbers``: of
    the services that have another one than 0; all of one number stand before all of the next."""
    if not numbers:
        return _layers(depends_on)
    groups: dict[int, dict[str, Iterable[str]]] = {}
    for name, needed in depends_on.items():
        groups.setdefault(numbers.get(name, 0), {})[name] = needed
    return tuple(layer for _, group in sorted(groups.items()) for layer in _layers(group))


def _layers(depends_on: Table[str, Iterable[str]]) -> Waves:
    waiting = {name: len({dep for dep in deps if dep in depends_on}) for name, deps in depends_on.items()}
    followers: dict[str, list[str]] = {name: [] for name in depends_on}
    for name, deps in depends_on.items():
        for dep in sorted({dep for dep in deps if dep in depends_on}):
            followers[dep].append(name)
    result = []
    ready = sorted(name for name, count in waiting.items() if not count)
    while ready:
        result.append(tuple(ready))
        following = []
        for name in ready:
            for follower in followers[name]:
                waiting[follower] -= 1
                if not waiting[follower]:
                    following.append(follower)
        ready = sorted(following)
    return tuple(result)
