"""Two mounts with one target."""

from __future__ import annotations

from stackc.assemble.context import Context
from stackc.diagnostics import Related
from stackc.parse.nodes import Node
from stackc.parse.read import items, text

EXPLANATION = """\
Two mounts with one target: the engine refuses the service. Often one of them came in with an override file or an
anchor, and it is not clear which of the two the program was to see.
"""


def check(key: str, service: Node, context: Context) -> None:
    targets: dict[str, Node] = {}
    for item in items(service, "volumes"):
        target = text(item, "target").rstrip("/") or "/"
        other = targets.setdefault(target, item)
        if other is item:
            continue
        message = f"two mounts of `{key}` have the target `{target}`"
        related = (Related(other.span, "first mounted here"),)
        path = ("services", key, "volumes")
        context.report("SC4015", message, item, path=path, related=related, hint="keep one of the two")
