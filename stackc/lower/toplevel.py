"""Top-level networks, volumes, configs and secrets → the bodies that create them."""

from __future__ import annotations

from typing import Any

from stackc.assemble.context import Context
from stackc.lower.names import labelled, object_name, objects
from stackc.lower.read import entries, field, flag, items, pairs, text
from stackc.parse.nodes import Mapping, Node, Scalar, mapping
from stackc.plan import FilePlan, NetworkPlan, VolumePlan

Json = dict[str, Any]


def used_networks(root: Mapping, services: dict[str, Node]) -> dict[str, Node]:
    """The networks that services are in, by key; ``default`` is there without being declared."""
    declared = objects(root, "networks")
    used: dict[str, Node] = {}
    for service in services.values():
        names = [name for name, _ in entries(service, "networks")] or ["default"]
        for name in names:
            if name in declared:
                used[name] = declared[name]
            elif name == "default":
                used[name] = mapping({}, service)
    return used


def networks(stack: str, used: dict[str, Node]) -> dict[str, NetworkPlan]:
    plans = {}
    for key, node in used.items():
        name = object_name(stack, key, node)
        if flag(node, "external"):
            plans[name] = NetworkPlan(key, {"Name": name}, True)
        else:
            plans[name] = NetworkPlan(key, _network(stack, name, node), False)
    return dict(sorted(plans.items()))


def _network(stack: str, name: str, node: Node) -> Json:
    return {
        "Name": name,
        "Driver": text(node, "driver") or "overlay",
        "Scope": "",
        "IPAM": _ipam(field(node, "ipam")),
        "Internal": flag(node, "internal"),
        "Attachable": flag(node, "attachable"),
        "Ingress": False,
        "ConfigOnly": False,
        "ConfigFrom": None,
        "Options": pairs(node, "driver_opts") if field(node, "driver_opts") is not None else None,
        "Labels": labelled(stack, pairs(node, "labels")),
    }


def _ipam(node: Node | None) -> Json | None:
    driver, configs = text(node, "driver"), items(node, "config")
    if not driver and not configs:
        return None
    subnets = [{"Subnet": text(item, "subnet")} if text(item, "subnet") else {} for item in configs]
    return {"Driver": driver, "Options": None, "Config": subnets or None}


def volumes(stack: str, root: Mapping, services: dict[str, Node]) -> dict[str, VolumePlan]:
    """Those that services mount."""
    declared = objects(root, "volumes")
    plans = {}
    for service in services.values():
        for item in items(service, "volumes"):
            key = text(item, "source")
            if key not in declared or text(item, "type") not in ("volume", "cluster"):
                continue
            node = declared[key]
            name = object_name(stack, key, node)
            spec: Json = {"Name": name}
            if not flag(node, "external"):
                spec["Driver"] = text(node, "driver")
                spec["DriverOpts"] = pairs(node, "driver_opts")
                spec["Labels"] = labelled(stack, pairs(node, "labels"))
            plans[name] = VolumePlan(key, spec, flag(node, "external"))
    return dict(sorted(plans.items()))


def files(kind: str, stack: str, root: Mapping, context: Context) -> dict[str, FilePlan]:
    """All configs or all secrets of the file, used or not, as docker creates them."""
    plans: dict[str, FilePlan] = {}
    for key, node in objects(root, kind).items():
        name = object_name(stack, key, node)
        if flag(node, "external"):
            plans[name] = FilePlan(key, {"Name": name}, True, None, "external")
            continue
        spec: Json = {"Name": name, "Labels": labelled(stack, pairs(node, "labels"))}
        driver = text(node, "driver")
        if text(node, "template_driver"):
            spec["Templating"] = {"Name": text(node, "template_driver")}
        if driver:
            spec["Driver"] = {"Name": driver}
            options = pairs(node, "driver_opts")
            if options or field(node, "driver_opts") is not None:
                spec["Driver"]["Options"] = options
            plans[name] = FilePlan(key, spec, False, None, f"driver {driver}")
            continue
        data, origin = _content(kind[:-1], key, node, root, context)
        plans[name] = FilePlan(key, spec, False, data, origin)
    return dict(sorted(plans.items()))


def _content(kind: str, key: str, node: Node, root: Mapping, context: Context) -> tuple[bytes, str]:
    path = (f"{kind}s", key)
    content, variable, file = (field(node, name) for name in ("content", "environment", "file"))
    if isinstance(content, Scalar):
        return str(content.value).encode(), "content"
    if isinstance(variable, Scalar):
        name = str(variable.value)
        if name not in context.environment:
            context.report("SC1202", f"the variable {name} of the {kind} `{key}` is not set", variable, path=path)
        return context.environment.get(name, "").encode(), f"environment {name}"
    if not isinstance(file, Scalar) or not file.value:
        message = f"the {kind} `{key}` does not say where its content is"
        context.report(
            "SC2003",
            message,
            _key(root, f"{kind}s", key, node),
            path=path,
            hint="give it a `file:`, or `external: true`",
        )
        return b"", "nothing"
    data = context.read(str(file.value), file)
    return data or b"", f"file {file.text}"


def _key(root: Mapping, kind: str, key: str, node: Node) -> Node:
    parent = root.get(kind)
    return parent.keys.get(key, node) if isinstance(parent, Mapping) else node
