"""A host port that two services want."""

from __future__ import annotations

from stackc.assemble.context import Context
from stackc.checks.service import constraints, host_ports, protocol, published
from stackc.diagnostics import Related
from stackc.parse.nodes import Mapping, Node
from stackc.parse.read import field

EXPLANATION = """\
Two services publish the same port in the mode `host`. The engine takes that, but a node has the port once: tasks of
the two can never run on one node. On a swarm with too few nodes one of them stays pending, and a node that fails can
leave no room for what ran on it.

Give one of them another port, or keep them apart with placement constraints.
"""


def check(root: Mapping, stack: str, context: Context) -> None:
    services = field(root, "services")
    if not isinstance(services, Mapping):
        return
    first: dict[tuple[int, str], tuple[str, Node]] = {}
    told: set[tuple[str, str]] = set()
    for key, service in services.items():
        if constraints(service):
            continue
        for item in host_ports(service):
            for number in published(item):
                other, place = first.setdefault((number, protocol(item)), (key, item))
                if other == key or (other, key) in told:
                    continue
                told.add((other, key))
                port = f"{number}/{protocol(item)}"
                message = f"`{other}` and `{key}` both want the host port {port}, so no node can run both"
                related = (Related(place.span, "wanted here first"),)
                context.report("SC4022", message, item, path=("services", key, "ports"), related=related)
