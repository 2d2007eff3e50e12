"""Names that the engine accepts: services, networks, configs and secrets; no two objects with one name."""

from __future__ import annotations

from stackc.assemble.context import Context
from stackc.diagnostics import Related
from stackc.lower.names import object_name
from stackc.lower.read import field, flag
from stackc.parse.nodes import Mapping

_ALNUM = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
_SERVICE_LIMIT, _FILE_LIMIT = 63, 64


def is_service_name(name: str) -> bool:
    """Swarm: letters, digits, ``-`` and ``_``, first and last a letter or digit."""
    return _fits(name, "-_") and name[-1] in _ALNUM


def _fits(name: str, more: str) -> bool:
    return (
        bool(name) and name[0] in _ALNUM and name[-1] in _ALNUM and all(char in _ALNUM or char in more for char in name)
    )


def check(root: Mapping, stack: str, context: Context) -> None:
    if not is_service_name(stack):
        message = f"the stack name `{stack}` is not allowed" if stack else "the stack has no name"
        context.report("SC4010", message, None, hint="letters, digits, - and _; first and last a letter or digit")
    services = field(root, "services")
    if not isinstance(services, Mapping) or not services.entries:
        if not context.is_stack:
            context.report("SC4016", "the file has no services", root.start_span, hint="add one under `services:`")
        return
    for key in services.entries:
        if not is_service_name(key):
            context.report(
                "SC4009",
                f"the service name `{key}` is not allowed by the engine",
                services.key_span(key),
                path=("services", key),
            )
        elif len(stack) + 1 + len(key) > _SERVICE_LIMIT:
            message = f"the service name `{stack}_{key}` is longer than {_SERVICE_LIMIT} characters"
            context.report("SC4009", message, services.key_span(key), path=("services", key))
    for kind in ("networks", "volumes", "configs", "secrets"):
        _objects(root, kind, stack, context)


def _objects(root: Mapping, kind: str, stack: str, context: Context) -> None:
    parent = field(root, kind)
    if not isinstance(parent, Mapping):
        return
    seen: dict[str, str] = {}
    for key, node in parent.items():
        name = object_name(stack, key, node)
        path = (kind, key)
        if kind in ("configs", "secrets") and not (len(name) <= _FILE_LIMIT and _fits(name, "-_.")):
            hint = f"letters, digits, -, _ and .; at most {_FILE_LIMIT} characters"
            context.report(
                "SC4009", f"the name `{name}` is not allowed by the engine", parent.key_span(key), path=path, hint=hint
            )
        if name in seen and not (flag(node, "external") and flag(parent.entries[seen[name]], "external")):
            related = (Related(parent.key_span(seen[name]), "the other one stands here"),)
            message = f"`{key}` and `{seen[name]}` are both called `{name}`"
            context.report(
                "SC4014", message, parent.key_span(key), path=path, related=related, hint="give one another `name:`"
            )
        seen[name] = key
