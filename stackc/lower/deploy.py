"""How a service runs: mode, updates, restarts, resources, placement, logging, ports and networks."""

from __future__ import annotations

from typing import Any

from stackc.assemble.context import Context
from stackc.assemble.quantity import float32, nano_cpus
from stackc.lower.gosort import sort_by
from stackc.lower.read import entries, field, items, number, pairs, strings, text, value
from stackc.parse.nodes import Mapping, Node, Scalar

Json = dict[str, Any]
_ATTEMPTS_LIMIT = 2**63


def mode(key: str, service: Mapping, context: Context) -> Json:
    deploy = field(service, "deploy")
    name = text(deploy, "mode")
    replicas = field(deploy, "replicas")
    scale = field(service, "scale") if not context.is_stack else None
    replicas = replicas if replicas is not None else scale
    count: Json = {"Replicas": value(replicas)} if replicas is not None else {}
    if name in ("", "replicated"):
        return {"Replicated": count}
    if name == "replicated-job":
        return {"ReplicatedJob": {k: n for k in ("MaxConcurrent", "TotalCompletions") for n in count.values()}}
    path = ("services", key, "deploy", "mode")
    if name not in ("global", "global-job"):
        context.report("SC3012", f"the mode `{name}` is unknown", field(deploy, "mode"), path=path)
        return {}
    if replicas is not None:
        message = f"`{key}` has the mode {name} and `replicas`, which only replicated services have"
        context.report("SC3011", message, replicas, path=path, hint="remove `replicas`, or use the mode replicated")
    return {"Global": {}} if name == "global" else {"GlobalJob": {}}


def update_config(service: Mapping, name: str) -> Json | None:
    node = field(field(service, "deploy"), name)
    if node is None:
        return None
    parallelism = field(node, "parallelism")
    config: Json = {"Parallelism": value(parallelism) if parallelism is not None else 1}
    if number(node, "delay"):
        config["Delay"] = number(node, "delay")
    if text(node, "failure_action"):
        config["FailureAction"] = text(node, "failure_action")
    if number(node, "monitor"):
        config["Monitor"] = number(node, "monitor")
    ratio = value(field(node, "max_failure_ratio"))
    config["MaxFailureRatio"] = float32(ratio) if isinstance(ratio, (int, float)) else 0
    config["Order"] = text(node, "order")
    return config


def restart_policy(key: str, service: Mapping, context: Context) -> Json | None:
    node = field(field(service, "deploy"), "restart_policy")
    if node is not None:
        policy: Json = {}
        if text(node, "condition"):
            policy["Condition"] = text(node, "condition")
        for name, engine in (("delay", "Delay"), ("max_attempts", "MaxAttempts"), ("window", "Window")):
            given = field(node, name)
            if given is not None:
                policy[engine] = value(given)
        return policy
    given = field(service, "restart")
    name, colon, count = text(service, "restart").partition(":")
    if given is None or (name in ("", "no") and not colon):
        return None
    counts = not colon or (count.isascii() and count.isdigit() and int(count[:20]) < _ATTEMPTS_LIMIT)
    if name in ("always", "unless-stopped") and counts:
        return {"Condition": "any"}
    if name == "on-failure" and counts:
        return {"Condition": "on-failure", "MaxAttempts": int(count) if colon else 0}
    context.report(
        "SC3009",
        f"the restart policy `{text(service, 'restart')}` is unknown",
        given,
        path=("services", key, "restart"),
    )
    return None


def resources(key: str, service: Mapping, context: Context) -> Json:
    node = field(field(service, "deploy"), "resources")
    result: Json = {}
    limits = field(node, "limits")
    if limits is not None:
        result["Limits"] = _amounts(key, "limits", limits, context)
        if number(limits, "pids"):
            result["Limits"]["Pids"] = number(limits, "pids")
    reserved = field(node, "reservations")
    if reserved is not None:
        result["Reservations"] = _amounts(key, "reservations", reserved, context)
        generic = []
        for item in items(reserved, "generic_resources"):
            spec = field(item, "discrete_resource_spec")
            if spec is not None:
                generic.append({"DiscreteResourceSpec": {"Kind": text(spec, "kind"), "Value": number(spec, "value")}})
            else:
                generic.append({})
        if generic:
            result["Reservations"]["GenericResources"] = generic
    return result


def _amounts(key: str, what: str, node: Node, context: Context) -> Json:
    amounts: Json = {}
    cpus = field(node, "cpus")
    if isinstance(cpus, Scalar) and cpus.value != "":
        try:
            nano = nano_cpus(str(cpus.value))
            if nano:
                amounts["NanoCPUs"] = nano
        except ValueError as error:
            path = ("services", key, "deploy", "resources", what, "cpus")
            context.report("SC3005", f"`{cpus.value}` {error}", cpus, path=path)
    if number(node, "memory"):
        amounts["MemoryBytes"] = number(node, "memory")
    return amounts


def placement(service: Mapping) -> Json:
    node = field(field(service, "deploy"), "placement")
    result: Json = {}
    constraints = strings(node, "constraints")
    if constraints:
        result["Constraints"] = constraints
    preferences = [{"Spread": {"SpreadDescriptor": text(item, "spread")}} for item in items(node, "preferences")]
    if preferences:
        result["Preferences"] = preferences
    if number(node, "max_replicas_per_node"):
        result["MaxReplicas"] = number(node, "max_replicas_per_node")
    return result


def log_driver(service: Mapping) -> Json | None:
    node = field(service, "logging")
    if node is None:
        return None
    driver: Json = {}
    if text(node, "driver"):
        driver["Name"] = text(node, "driver")
    options = pairs(node, "options")
    if options:
        driver["Options"] = options
    return driver


def endpoint_spec(service: Mapping) -> Json:
    spec: Json = {}
    endpoint_mode = text(field(service, "deploy"), "endpoint_mode").lower()
    if endpoint_mode:
        spec["Mode"] = endpoint_mode
    ports = [_port(item) for item in items(service, "ports")]
    if ports:
        spec["Ports"] = sort_by(ports, lambda port: int(port.get("PublishedPort", 0)))
    return spec


def _port(item: Node) -> Json:
    port: Json = {}
    if text(item, "name"):
        port["Name"] = text(item, "name")
    if text(item, "protocol"):
        port["Protocol"] = text(item, "protocol")
    if number(item, "target"):
        port["TargetPort"] = number(item, "target")
    if number(item, "published"):
        port["PublishedPort"] = number(item, "published")
    if text(item, "mode"):
        port["PublishMode"] = text(item, "mode")
    return port


def attachments(key: str, service: Mapping, targets: dict[str, str], predefined: set[str]) -> list[Json]:
    """Networks of a task, sorted by target. ``targets``: key of the file to engine name; unknown ones are left out."""
    listed = list(entries(service, "networks"))
    result = []
    default: list[tuple[str, Node | None]] = [("default", None)]
    for name, node in listed or default:
        if name not in targets:
            continue
        attachment: Json = {"Target": targets[name]}
        aliases = strings(node, "aliases")
        if targets[name] not in predefined:
            aliases = [*aliases, key]
        if aliases:
            attachment["Aliases"] = aliases
        options = pairs(node, "driver_opts")
        if options:
            attachment["DriverOpts"] = options
        result.append(attachment)
    return sorted(result, key=lambda entry: str(entry["Target"]))
