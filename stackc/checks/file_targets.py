"""Two files with one target in a service."""

from __future__ import annotations

from stackc.assemble.context import Context
from stackc.diagnostics import Related
from stackc.parse.nodes import Node
from stackc.parse.read import items, text

EXPLANATION = """\
Two configs, or two secrets, of a service with one target: the task can see only one file there, and the engine
refuses the service. Without `target:` the target is the name under which the config or secret is defined.
"""


def check(key: str, service: Node, context: Context) -> None:
    for kind in ("configs", "secrets"):
        seen: dict[str, Node] = {}
        for item in items(service, kind):
            target = text(item, "target") or text(item, "source")
            if kind == "secrets" and not context.is_stack:
                target = target.removeprefix("/run/secrets/")
            other = seen.setdefault(target, item)
            if other is not item:
                message = f"two {kind} of `{key}` have the target `{target}`"
                related = (Related(other.span, "the first one stands here"),)
                path = ("services", key, kind)
                context.report("SC4013", message, item, path=path, related=related)
