"""Profiles: which services of a Compose project are wanted."""

from __future__ import annotations

from stackc.assemble.context import Context
from stackc.hints import Sequence as Names
from stackc.parse.nodes import Mapping, Node, Scalar, Sequence


def put_aside(root: Mapping, profiles: Names[str], context: Context) -> Mapping:
    """The tree with the services that have no profile or one of ``profiles`` (``*``: any); the others go to
    ``context.inactive``."""
    services = root.get("services")
    if not isinstance(services, Mapping) or "*" in profiles:
        return root
    asked = frozenset(profiles)
    inactive = {name: node for name, node in services.items() if not _is_active(node, asked)}
    if not inactive:
        return root
    context.inactive.update(inactive)
    active = {name: node for name, node in services.items() if name not in inactive}
    left = Mapping(active, services.keys, services.file, services.start, services.end)
    return Mapping({**root.entries, "services": left}, root.keys, root.file, root.start, root.end)


def _is_active(service: Node, asked: frozenset[str]) -> bool:
    own = service.get("profiles") if isinstance(service, Mapping) else None
    if not isinstance(own, Sequence) or not own.items:
        return True
    return any(isinstance(one, Scalar) and one.value in asked for one in own.items)
