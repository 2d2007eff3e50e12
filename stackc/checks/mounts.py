"""No two mounts of a service share a target: the engine refuses the service."""

from __future__ import annotations

from stackc.assemble.context import Context
from stackc.diagnostics import Related
from stackc.lower.read import field, items, text
from stackc.parse.nodes import Mapping, Node


def check(root: Mapping, stack: str, context: Context) -> None:
    services = field(root, "services")
    if not isinstance(services, Mapping):
        return
    for key, service in services.items():
        targets: dict[str, Node] = {}
        for item in items(service, "volumes"):
            target = text(item, "target").rstrip("/") or "/"
            if target in targets:
                message = f"two mounts of `{key}` have the target `{target}`"
                related = (Related(targets[target].span, "first mounted here"),)
                context.report(
                    "SC4015",
                    message,
                    item,
                    path=("services", key, "volumes"),
                    related=related,
                    hint="keep one of the two",
                )
            targets.setdefault(target, item)
