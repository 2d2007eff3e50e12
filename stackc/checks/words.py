"""For some keys the engine knows a few words only, and refuses the service, or silently takes its default, for any
other: modes and protocols of ports, `endpoint_mode`, orders and failure actions of updates, conditions of restarts.
A rollback that fails cannot be rolled back in turn: its `failure_action` is `pause` or `continue`.
"""

from __future__ import annotations

from stackc.assemble.context import Context
from stackc.lower.read import field, items, text
from stackc.parse.nodes import Node

_WORDS = (
    ("update_config", "failure_action", ("pause", "continue", "rollback")),
    ("rollback_config", "failure_action", ("pause", "continue")),
    ("update_config", "order", ("stop-first", "start-first")),
    ("rollback_config", "order", ("stop-first", "start-first")),
    ("restart_policy", "condition", ("none", "on-failure", "any")),
)


def check(key: str, service: Node, context: Context) -> None:
    deploy = field(service, "deploy")
    if deploy is not None:
        for section, name, allowed in _WORDS:
            node = field(deploy, section)
            if node is not None and text(node, name):
                _one_of(allowed, f"`{section}.{name}`", node, name, key, context)
        if text(deploy, "endpoint_mode"):
            _one_of(("vip", "dnsrr"), "`endpoint_mode`", deploy, "endpoint_mode", key, context)
    for item in items(service, "ports"):
        _one_of(("ingress", "host"), "the port mode", item, "mode", key, context)
        _one_of(("tcp", "udp", "sctp"), "the protocol", item, "protocol", key, context)


def _one_of(allowed: tuple[str, ...], what: str, node: Node, name: str, key: str, context: Context) -> None:
    word = text(node, name)
    known = word if name in ("failure_action", "order", "condition") else word.lower()
    if word and known not in allowed:
        hint = f"one of {', '.join(allowed)}"
        context.report("SC3016", f"{what} is `{word}`", field(node, name), path=("services", key), hint=hint)
