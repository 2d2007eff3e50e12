"""/nodes: this machine, the only one."""

from __future__ import annotations

from reconciler.manager import bodies
from reconciler.manager.api import render
from reconciler.manager.api.context import Context, answer, body, version_of
from reconciler.manager.api.filters import any_of, labels_match, read_filters
from reconciler.manager.api.http import Request, Response
from reconciler.manager.control import resources as control
from reconciler.manager.control.lookup import find_node
from reconciler.manager.control.refusal import failed_precondition
from reconciler.manager.objects import Changes, State


def list_(context: Context, request: Request) -> Response:
    accepted = ("id", "label", "membership", "name", "node.label", "role")
    filters = read_filters(request.query.get("filters", ""), accepted)
    found = [
        render.node(one, engine_version=context.version)
        for one in sorted(context.manager.state.nodes.values(), key=lambda one: one.id)
        if any_of(filters, "id", one.id.startswith)
        and any_of(filters, "name", one.hostname.startswith)
        and any_of(filters, "role", one.role.__eq__)
        and any_of(filters, "membership", "accepted".__eq__)
        and labels_match(filters, "label", one.engine_labels)
        and labels_match(filters, "node.label", one.labels)
    ]
    return answer(found)


def inspect(context: Context, request: Request, name: str) -> Response:
    return answer(render.node(find_node(context.manager.state, name), engine_version=context.version))


def update(context: Context, request: Request, name: str) -> Response:
    spec = body(request, bodies.NODE)
    version = version_of(request, "node")

    def build(state: State, now: float) -> Changes:
        return Changes(nodes=(control.update_node(find_node(state, name), spec, version=version, now=now),))

    context.manager.transact(build)
    return Response(200)


def remove(context: Context, request: Request, name: str) -> Response:
    node = find_node(context.manager.state, name)
    raise failed_precondition(
        f"node {node.id} is a cluster manager and is a member of the raft cluster. It must be demoted to worker before "
        "removal"
    )
