"""No service may wait for itself, directly or through others."""

from __future__ import annotations

from itertools import pairwise

from stackc.assemble.context import Context
from stackc.diagnostics import Related
from stackc.lower.order import circle, dependencies
from stackc.lower.read import field
from stackc.parse.nodes import Mapping


def check(root: Mapping, stack: str, context: Context) -> None:
    services = field(root, "services")
    if not isinstance(services, Mapping):
        return
    graph = {key: list(dependencies(service)) for key, service in services.items()}
    path = circle(graph) if any(graph.values()) else []
    if not path:
        return
    places = []
    for key, dependency in pairwise(path):
        depends_on = field(services.entries[key], "depends_on")
        assert isinstance(depends_on, Mapping)
        places.append((depends_on.key_span(dependency), f"`{key}` depends on `{dependency}` here"))
    message = "the services depend on each other in a circle: " + " → ".join(path)
    related = tuple(Related(span, text) for span, text in places[1:])
    context.report("SC4006", message, places[0][0], path=("services", path[0], "depends_on"), related=related)
