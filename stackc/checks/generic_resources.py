"""An empty generic resource."""

from __future__ import annotations

from stackc.assemble.context import Context
from stackc.parse.nodes import Node
from stackc.parse.read import field, items

EXPLANATION = """\
An entry of `generic_resources` without a `discrete_resource_spec` says nothing, and the engine's answer to it is a
crash of the request (seen with 20.10), so it is refused here. Name a kind and a value, or remove the entry.
"""


def check(key: str, service: Node, context: Context) -> None:
    reservations = field(field(field(service, "deploy"), "resources"), "reservations")
    for item in items(reservations, "generic_resources"):
        if field(item, "discrete_resource_spec") is None:
            path = ("services", key, "deploy", "resources", "reservations", "generic_resources")
            context.report("SC4038", f"a generic resource of `{key}` says nothing", item, path=path)
