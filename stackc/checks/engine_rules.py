"""Values that Swarm's control API refuses, found before anything is sent."""

from __future__ import annotations

from stackc.assemble.context import Context
from stackc.lower.read import field, items, number, strings, text
from stackc.parse.nodes import Mapping, Node

_LEAST_MEMORY = 4 * 1024 * 1024
_MILLISECOND = 1_000_000

_WORDS = (
    (("update_config", "failure_action"), ("pause", "continue", "rollback")),
    (("rollback_config", "failure_action"), ("pause", "continue")),
    (("update_config", "order"), ("stop-first", "start-first")),
    (("rollback_config", "order"), ("stop-first", "start-first")),
    (("restart_policy", "condition"), ("none", "on-failure", "any")),
)


def check(root: Mapping, stack: str, context: Context) -> None:
    services = field(root, "services")
    if not isinstance(services, Mapping):
        return
    for key, service in services.items():
        deploy = field(service, "deploy")
        if deploy is not None:
            _deploy(key, deploy, context)
        _ports(key, service, deploy, context)
        health = field(service, "healthcheck")
        for name in ("interval", "timeout", "start_period", "start_interval"):
            if 0 < number(health, name) < _MILLISECOND:
                _refuse(context, key, field(health, name), f"`{name}` must be 0 or at least 1ms")


def _refuse(context: Context, key: str, at: Node | None, message: str, hint: str = "") -> None:
    context.report("SC3016", message, at, path=("services", key), hint=hint)


def _deploy(key: str, deploy: Node, context: Context) -> None:
    for (section, name), allowed in _WORDS:
        word = text(field(deploy, section), name)
        if word and word not in allowed:
            at = field(field(deploy, section), name)
            _refuse(context, key, at, f"`{section}.{name}` is `{word}`", f"one of {', '.join(allowed)}")
    for section in ("update_config", "rollback_config"):
        config = field(deploy, section)
        ratio = field(config, "max_failure_ratio")
        value = getattr(ratio, "value", 0)
        if isinstance(value, (int, float)) and not 0 <= value <= 1:
            _refuse(context, key, ratio, f"`{section}.max_failure_ratio` must be between 0 and 1")
    for section in ("limits", "reservations"):
        amounts = field(field(deploy, "resources"), section)
        memory = field(amounts, "memory")
        if memory is not None and 0 < number(amounts, "memory") < _LEAST_MEMORY:
            _refuse(context, key, memory, f"`{section}.memory` must be at least 4 MiB")
    mode = text(deploy, "endpoint_mode").lower()
    if mode not in ("", "vip", "dnsrr"):
        _refuse(context, key, field(deploy, "endpoint_mode"), f"`endpoint_mode` is `{mode}`", "one of vip, dnsrr")
    constraints = field(field(deploy, "placement"), "constraints")
    for constraint in strings(field(deploy, "placement"), "constraints"):
        if "==" not in constraint and "!=" not in constraint:
            _refuse(context, key, constraints, f"the constraint `{constraint}` has neither == nor !=")


def _ports(key: str, service: Node, deploy: Node | None, context: Context) -> None:
    round_robin = text(deploy, "endpoint_mode").lower() == "dnsrr"
    for item in items(service, "ports"):
        mode, protocol = text(item, "mode"), text(item, "protocol").lower()
        if mode not in ("", "ingress", "host"):
            _refuse(context, key, field(item, "mode"), f"the port mode is `{mode}`", "one of ingress, host")
        elif round_robin and mode != "host":
            _refuse(context, key, item, "with `endpoint_mode: dnsrr` a port needs `mode: host`")
        if protocol not in ("", "tcp", "udp", "sctp"):
            _refuse(context, key, field(item, "protocol"), f"the protocol is `{protocol}`", "one of tcp, udp, sctp")
        if not number(item, "target"):
            _refuse(context, key, item, "a port needs a `target` from 1 to 65535")
