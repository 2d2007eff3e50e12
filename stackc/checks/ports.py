"""A published port belongs to one service, once. Two services may both publish it on their own nodes (mode host)."""

from __future__ import annotations

from stackc.assemble.context import Context
from stackc.diagnostics import Related
from stackc.lower.read import field, items, number, text
from stackc.parse.nodes import Mapping, Node


def check(root: Mapping, stack: str, context: Context) -> None:
    services = field(root, "services")
    if not isinstance(services, Mapping):
        return
    taken: dict[tuple[int, str], list[tuple[str, str, Node]]] = {}
    for key, service in services.items():
        for item in items(service, "ports"):
            published = number(item, "published")
            if not published:
                continue
            protocol = (text(item, "protocol") or "tcp").lower()
            mode = text(item, "mode") or "ingress"
            others = taken.setdefault((published, protocol), [])
            for other, other_mode, place in others:
                if other == key or "ingress" in (mode, other_mode):
                    message = f"the port {published}/{protocol} is published twice" + (
                        f" by `{key}`" if other == key else f", by `{other}` and by `{key}`"
                    )
                    related = (Related(place.span, "first published here"),)
                    hint = "publish it on another port, or once only"
                    context.report("SC4007", message, item, path=("services", key, "ports"), related=related, hint=hint)
                    break
            others.append((key, mode, item))
