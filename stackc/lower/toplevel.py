"""Top-level networks, volumes, configs and secrets → the bodies that create them."""

from __future__ import annotations

from stackc.assemble.context import Context
from stackc.hints import Any
from stackc.lower.names import labelled, object_name, objects
from stackc.lower.networks import DEFAULT, mode_of
from stackc.lower.table import Filler, Table
from stackc.parse.nodes import Mapping, Node, Scalar, mapping
from stackc.parse.read import entries, field, flag, items, pairs, text
from stackc.plan import FilePlan, NetworkPlan, VolumePlan

Json = dict[str, Any]
LOCAL_DRIVERS = ("bridge", "host", "ipvlan", "macvlan", "none", "null", "nat", "transparent", "l2bridge")


def used_networks(root: Mapping, services: dict[str, Node], is_stack: bool) -> dict[str, Node]:
    """The networks that services are in, by key; ``default`` is there without being declared."""
    declared = objects(root, "networks")
    used: dict[str, Node] = {}
    for service in services.values():
        if mode_of(service, is_stack):
            continue
        names = [name for name, _ in entries(service, "networks")] or [DEFAULT]
        for name in names:
            if name in declared:
                used[name] = declared[name]
            elif name == DEFAULT:
                used[name] = mapping({}, service)
    return used


def networks(stack: str, used: dict[str, Node], table: Table, context: Context) -> dict[str, NetworkPlan]:
    plans = {}
    for key, node in used.items():
        name = object_name(stack, key, node)
        if flag(node, "external"):
            plans[name] = NetworkPlan(key, {"Name": name}, True)
        else:
            body = _network(stack, name, node)
            Filler(context, ("networks", key)).fill(node, table["networks.*"], body)
            if "IPAM" in body:
                body["IPAM"] = {"Driver": "", "Options": None, "Config": None, **body["IPAM"]}
            plans[name] = NetworkPlan(key, {"IPAM": None, **body}, False)
            if not context.is_stack:
                _check_driver(key, node, context)
    return dict(sorted(plans.items()))


def _network(stack: str, name: str, node: Node) -> Json:
    return {
        "Name": name,
        "Scope": "",
        "Internal": False,
        "Attachable": False,
        "Ingress": False,
        "ConfigOnly": False,
        "ConfigFrom": None,
        "Options": None,
        "Labels": labelled(stack, pairs(node, "labels")),
    }


def _check_driver(key: str, node: Node, context: Context) -> None:
    """Networks of one node cannot be made for services; docker would make one and then fail."""
    driver = text(node, "driver")
    if driver in LOCAL_DRIVERS:
        message = f"the driver `{driver}` makes networks of one node, which no Swarm service can be in"
        hint = "remove `driver:`, for an overlay network"
        context.report("SC2009", message, field(node, "driver"), path=("networks", key, "driver"), hint=hint)


def volumes(
    stack: str, root: Mapping, services: dict[str, Node], table: Table, context: Context
) -> dict[str, VolumePlan]:
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
                spec |= {"DriverOpts": {}, "Labels": labelled(stack, pairs(node, "labels"))}
                Filler(context, ("volumes", key)).fill(node, table["volumes.*"], spec)
            plans[name] = VolumePlan(key, spec, flag(node, "external"))
    return dict(sorted(plans.items()))


def files(kind: str, stack: str, root: Mapping, table: Table, context: Context) -> dict[str, FilePlan]:
    """All configs or all secrets of the file, used or not, as docker creates them."""
    plans: dict[str, FilePlan] = {}
    for key, node in objects(root, kind).items():
        name = object_name(stack, key, node)
        if flag(node, "external"):
            plans[name] = FilePlan(key, {"Name": name}, True, None, "external")
            continue
        spec: Json = {"Name": name, "Labels": labelled(stack, pairs(node, "labels"))}
        Filler(context, (kind, key)).fill(node, table[f"{kind}.*"], spec)
        if "Name" not in spec.get("Driver", {}):
            spec.pop("Driver", None)
        else:
            plans[name] = FilePlan(key, spec, False, None, f"driver {text(node, 'driver')}")
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
    if not isinstance(file, Scalar) or not file.text:  # docker would read the project's folder
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
