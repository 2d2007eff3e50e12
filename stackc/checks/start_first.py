"""Start-first where there is no room for two tasks."""

from __future__ import annotations

from stackc.assemble.context import Context
from stackc.checks.service import host_ports, is_job, mode, most_per_node, published
from stackc.diagnostics import Related
from stackc.parse.nodes import Node
from stackc.parse.read import field, text

EXPLANATION = """\
With `order: start-first` the new task starts beside the old one, so a node must have room for both. A host port can
be taken once on a node, and `max_replicas_per_node` counts both tasks. If no other node is free the new task stays
pending, the old one is never stopped, and the update hangs in `updating` without an error. For a global service it
must hang, because each task belongs to its node.

Use `order: stop-first` for such a service; or publish the port in the mode `ingress`; or keep more nodes than tasks.
"""


def check(key: str, service: Node, context: Context) -> None:
    deploy = field(service, "deploy")
    for section in ("update_config", "rollback_config"):
        order = field(field(deploy, section), "order")
        if text(field(deploy, section), "order") != "start-first" or is_job(service):
            continue
        path = ("services", key, "deploy", section, "order")
        ports = host_ports(service)
        if ports:
            where = "each node" if mode(service) == "global" else "a node"
            message = f"`{key}` starts new tasks first, but {where} has room for one task with the host port"
            message += f" {published(ports[0])[0]}"
            context.report("SC4025", message, order, path=path, related=(Related(ports[0].span, "the host port"),))
        elif most_per_node(service) and mode(service) == "replicated":
            limit = field(field(deploy, "placement"), "max_replicas_per_node")
            assert limit is not None
            message = f"`{key}` starts new tasks first, but a node may have {most_per_node(service)} of them in all"
            context.report("SC4025", message, order, path=path, related=(Related(limit.span, "the limit"),))
