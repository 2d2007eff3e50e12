"""Dependencies → waves: a service stands in a later wave than all it depends on."""

from __future__ import annotations

from stackc.parse.nodes import Mapping, Node
from stackc.parse.read import entries, flag, text, value


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


def waves(depends_on: dict[str, list[str]]) -> tuple[tuple[str, ...], ...]:
    """Sorted within a wave. Names that are no keys are ignored; what stands in a circle is left out."""
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
