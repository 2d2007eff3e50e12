"""Services depend on each other in a circle."""

from __future__ import annotations

from itertools import pairwise

from stackc.assemble.context import Context
from stackc.diagnostics import Related
from stackc.hints import Iterator
from stackc.lower.order import dependencies
from stackc.parse.nodes import Mapping
from stackc.parse.read import field

EXPLANATION = """\
A service waits until what it depends on runs. Services that wait for each other in a circle would never start, so
there is no order to deploy them in.

Remove the dependency that is not needed at the start: most programs can retry until the other side answers.
"""

Graph = dict[str, list[str]]


def check(root: Mapping, stack: str, context: Context) -> None:
    services = field(root, "services")
    if not isinstance(services, Mapping):
        return
    wanted = {key: dependencies(service) for key, service in services.items()}
    graph = {key: [name for name in names if name in wanted] for key, names in wanted.items()}
    for path in circles(graph):
        places = []
        for key, dependency in pairwise(path):
            depends_on = field(services.entries[key], "depends_on")
            assert isinstance(depends_on, Mapping)
            places.append((depends_on.key_span(dependency), f"`{key}` depends on `{dependency}` here"))
        message = "the services depend on each other in a circle: " + " → ".join(path)
        related = tuple(Related(span, text) for span, text in places[1:])
        context.report("SC4006", message, places[0][0], path=("services", path[0], "depends_on"), related=related)


def circles(graph: Graph) -> Iterator[list[str]]:
    """One circle, as a path that ends where it starts, of every group of nodes that reach each other. Linear in nodes
    and edges, and iterative: a long chain costs no stack."""
    group = _groups(graph)
    done: set[int] = set()
    for start in graph:
        if group[start] in done:
            continue
        path = _way_back(graph, group, start)
        if path:
            done.add(group[start])
            yield path


def _groups(graph: Graph) -> dict[str, int]:
    """Tarjan: the number of each node's strongly connected component."""
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    group: dict[str, int] = {}
    waiting: list[str] = []
    for root in graph:
        work = [] if root in order else [(root, 0)]
        while work:
            name, at = work.pop()
            if at:  # back from the child before this one
                low[name] = min(low[name], low[graph[name][at - 1]])
            else:
                order[name] = low[name] = len(order)
                waiting.append(name)
            for position in range(at, len(graph[name])):
                child = graph[name][position]
                if child not in order:
                    work += [(name, position + 1), (child, 0)]
                    break
                if child not in group:
                    low[name] = min(low[name], order[child])
            else:
                if low[name] == order[name]:
                    _close(name, waiting, group)
    return group


def _close(name: str, waiting: list[str], group: dict[str, int]) -> None:
    number = len(group)
    while name not in group:
        group[waiting.pop()] = number


def _way_back(graph: Graph, group: dict[str, int], start: str) -> list[str]:
    """The shortest way from a node to itself, within its group; nothing if there is none."""
    came: dict[str, str] = {}
    queue = [start]
    for name in queue:
        for child in graph[name]:
            if child == start:
                path = [start, name]
                while path[-1] != start:
                    path.append(came[path[-1]])
                return path[::-1]
            if child not in came and group[child] == group[start]:
                came[child] = name
                queue.append(child)
    return []
