"""A host port with more replicas than one node can hold."""

from __future__ import annotations

from stackc.assemble.context import Context
from stackc.checks.service import constraints, host_ports, mode, most_per_node, published, replicas
from stackc.parse.nodes import Node

EXPLANATION = """\
A port in the mode `host` is taken on the node itself, so a node can run one task of the service and no more. With
more replicas than nodes the rest stays pending ("host-mode port already in use"), for ever and without an error.

Use the mode `ingress` if any node may answer, or the deploy mode `global` for one task on every node. If the swarm
has enough nodes, say so with `max_replicas_per_node: 1` or a placement constraint.
"""


def check(key: str, service: Node, context: Context) -> None:
    ports = host_ports(service)
    count = replicas(service)
    if not ports or count < 2 or mode(service) != "replicated":
        return
    if most_per_node(service) == 1 or constraints(service):
        return
    port = published(ports[0])[0]
    message = f"`{key}` has {count} replicas and the host port {port}, so it needs {count} nodes"
    context.report("SC4021", message, ports[0], path=("services", key, "ports"))
