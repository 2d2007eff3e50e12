"""Canonical tree → StackPlan: the Engine API's JSON, as ``docker stack deploy`` would send it. Pure, given a Reader."""

from __future__ import annotations

from typing import Any

from stackc.assemble.context import Context
from stackc.diagnostics import Path, Span
from stackc.lower.container import container_spec
from stackc.lower.deploy import (
    attachments,
    endpoint_spec,
    log_driver,
    mode,
    placement,
    resources,
    restart_policy,
    update_config,
)
from stackc.lower.names import is_predefined, labelled, object_name, objects
from stackc.lower.order import dependencies, waves
from stackc.lower.read import field, pairs, text
from stackc.lower.toplevel import files, networks, used_networks, volumes
from stackc.parse.nodes import Mapping
from stackc.plan import IMAGE_LABEL, ServicePlan, StackPlan

Json = dict[str, Any]


def lower(stack: str, root: Mapping, context: Context) -> StackPlan:
    """The plan, still without its digest. It is worth something only if the context has no errors afterwards."""
    services = {key: node for key, node in sorted(objects(root, "services").items()) if isinstance(node, Mapping)}
    used = used_networks(root, dict(services))
    targets = {key: object_name(stack, key, node) for key, node in used.items()}
    predefined = {name for name in targets.values() if is_predefined(name)}
    depends_on = {key: dependencies(service) for key, service in services.items()}
    plans = {}
    for key, service in services.items():
        spec = _service(stack, key, service, root, context)
        spec["TaskTemplate"]["Networks"] = attachments(key, service, targets, predefined)
        scoped = {f"{stack}_{name}": condition for name, condition in depends_on[key].items() if name in services}
        plans[f"{stack}_{key}"] = ServicePlan(key, spec, scoped)
    order = waves({f"{stack}_{key}": [f"{stack}_{dep}" for dep in deps] for key, deps in depends_on.items()})
    return StackPlan(
        stack=stack,
        services=dict(sorted(plans.items())),
        networks=networks(stack, used),
        configs=files("configs", stack, root, context),
        secrets=files("secrets", stack, root, context),
        volumes=volumes(stack, root, dict(services)),
        order=order,
        digest="",
        origins=origins(root),
    )


def _service(stack: str, key: str, service: Mapping, root: Mapping, context: Context) -> Json:
    labels = {**pairs(field(service, "deploy"), "labels"), IMAGE_LABEL: text(service, "image")}
    task: Json = {
        "ContainerSpec": container_spec(stack, key, service, root, context),
        "Resources": resources(key, service, context),
        "Placement": placement(service),
        "ForceUpdate": 0,
    }
    policy, logs = restart_policy(key, service, context), log_driver(service)
    if policy is not None:
        task["RestartPolicy"] = policy
    if logs is not None:
        task["LogDriver"] = logs
    spec: Json = {
        "Name": f"{stack}_{key}",
        "Labels": labelled(stack, labels),
        "TaskTemplate": task,
        "Mode": mode(key, service, context),
        "EndpointSpec": endpoint_spec(service),
    }
    for name, engine in (("update_config", "UpdateConfig"), ("rollback_config", "RollbackConfig")):
        config = update_config(service, name)
        if config is not None:
            spec[engine] = config
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
