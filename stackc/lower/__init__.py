"""Canonical tree → StackPlan: the Engine API's JSON, as ``docker stack deploy`` would send it. Pure, given a Reader."""

from __future__ import annotations

from stackc.assemble.context import Context
from stackc.diagnostics import Path, Span
from stackc.hints import Any
from stackc.lower.names import object_name, objects
from stackc.lower.order import dependencies, followed, wave, waves
from stackc.lower.parts import ALWAYS, PARTS
from stackc.lower.subject import Subject
from stackc.lower.table import Table, put
from stackc.lower.toplevel import files, networks, used_networks, volumes
from stackc.parse.nodes import Mapping
from stackc.plan import ServicePlan, StackPlan

Json = dict[str, Any]


def lower(stack: str, root: Mapping, context: Context) -> StackPlan:
    """The plan, still without its digest. It is worth something only if the context has no errors afterwards."""
    services = {key: node for key, node in sorted(objects(root, "services").items()) if isinstance(node, Mapping)}
    table = Table(context.dialect)
    used = used_networks(root, dict(services), context.is_stack)
    targets = {key: object_name(stack, key, node) for key, node in used.items()}
    depends_on = {key: dependencies(service) for key, service in services.items()}
    plans = {}
    for key, service in services.items():
        spec = _service(Subject(stack, key, service, root, context, table, targets))
        scoped = {f"{stack}_{name}": condition for name, condition in depends_on[key].items() if name in services}
        follows = tuple(f"{stack}_{name}" for name in followed(service) if name in services)
        plans[f"{stack}_{key}"] = ServicePlan(key, spec, scoped, follows, wave(service))
    order = waves(
        {f"{stack}_{key}": [f"{stack}_{dep}" for dep in deps] for key, deps in depends_on.items()},
        {name: one.wave for name, one in plans.items() if one.wave},
    )
    return StackPlan(
        stack=stack,
        services=dict(sorted(plans.items())),
        networks=networks(stack, used, table, context),
        configs=files("configs", stack, root, table, context),
        secrets=files("secrets", stack, root, table, context),
        volumes=volumes(stack, root, dict(services), table, context),
        order=order,
        digest="",
        origins=origins(root),
    )


def _service(subject: Subject) -> Json:
    """What is always there, what the table says of each key, and the fields that several keys make together."""
    spec: Json = {
        "Name": f"{subject.stack}_{subject.key}",
        "TaskTemplate": {"ContainerSpec": {"Image": ""}, "Resources": {}, "Placement": {}, "ForceUpdate": 0},
        "Mode": {},
        "EndpointSpec": {},
    }
    filler = subject.filler
    filler.parts.update(dict.fromkeys(ALWAYS))
    filler.fill(subject.service, subject.table["services.*"], spec)
    for name in tuple(filler.parts):
        field, part = PARTS[name]
        value = part(subject)
        if value is not None:
            put(spec, field, value)
    return spec


def origins(root: Mapping) -> dict[Path, Span]:
    """Where each object and each key of it stands."""
    places: dict[Path, Span] = {}
    for kind in ("services", "networks", "configs", "secrets", "volumes"):
        parent = root.get(kind)
        if not isinstance(parent, Mapping):
            continue
        for key, node in parent.items():
            places[(kind, key)] = parent.key_span(key)
            if isinstance(node, Mapping):
                for name, child in node.items():
                    places[(kind, key, name)] = child.span
    return places
