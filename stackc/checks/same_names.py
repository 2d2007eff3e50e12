"""Two objects with one name."""

from __future__ import annotations

from stackc.assemble.context import Context
from stackc.diagnostics import Related
from stackc.lower.names import object_name
from stackc.parse.nodes import Mapping
from stackc.parse.read import flag

EXPLANATION = """\
Two services, networks, configs or secrets with one name: the engine refuses the second, or it silently becomes the
first. The engine does not tell upper and lower case apart in these names, so `web` and `Web` are one name to it.
Volumes are told apart by case, as the folders of a node are.
"""


def check(root: Mapping, stack: str, context: Context) -> None:
    for kind in ("services", "networks", "volumes", "configs", "secrets"):
        parent = root.get(kind)
        if isinstance(parent, Mapping):
            _objects(kind, stack, parent, context)


def _objects(kind: str, stack: str, parent: Mapping, context: Context) -> None:
    seen: dict[str, str] = {}
    for key, node in parent.items():
        name = f"{stack}_{key}" if kind == "services" else object_name(stack, key, node)
        known = name if kind == "volumes" else name.lower()
        other = seen.setdefault(known, key)
        if other == key or (flag(node, "external") and flag(parent.entries[other], "external")):
            continue
        related = (Related(parent.key_span(other), "the other one stands here"),)
        message = f"`{key}` and `{other}` are both called `{name}`"
        if name != (f"{stack}_{other}" if kind == "services" else object_name(stack, other, parent.entries[other])):
            message = f"`{key}` and `{other}` differ in upper and lower case only, which is one name to the engine"
        hint = "rename one of them" if kind == "services" else "give one another `name:`"
        context.report("SC4014", message, parent.key_span(key), path=(kind, key), related=related, hint=hint)
