"""An invalid value for a Swarm service."""

from __future__ import annotations

from stackc.assemble.context import Context
from stackc.parse.nodes import Mapping, Node
from stackc.parse.read import field, items, text

EXPLANATION = """\
For some keys the engine knows a few words only, and refuses the service, or silently takes its default, for any
other: modes and protocols of ports, `endpoint_mode`, orders and failure actions of updates, conditions of restarts.
A rollback that fails cannot be rolled back in turn: its `failure_action` is `pause` or `continue`.
"""

_WORDS = (
    ("update_config", "failure_action", ("pause", "continue", "rollback")),
    ("rollback_config", "failure_action", ("pause", "continue")),
    ("update_config", "order", ("stop-first", "start-first")),
    ("rollback_config", "order", ("stop-first", "start-first")),
    ("restart_policy", "condition", ("none", "on-failure", "any")),
)
_ENDPOINT, _MODES, _PROTOCOLS = ("vip", "dnsrr"), ("ingress", "host"), ("tcp", "udp", "sctp")


def check(key: str, service: Node, context: Context) -> None:
    deploy = field(service, "deploy")
    if isinstance(deploy, Mapping):
        for section, name, allowed in _WORDS:
            if section in deploy.entries:
                node = field(deploy, section)
                word = text(node, name)
                if word and word not in allowed:
                    _report(f"`{section}.{name}` is `{word}`", allowed, field(node, name), key, context)
        word = text(deploy, "endpoint_mode")
        if word and word.lower() not in _ENDPOINT:
            _report(f"`endpoint_mode` is `{word}`", _ENDPOINT, field(deploy, "endpoint_mode"), key, context)
    for item in items(service, "ports"):
        mode, protocol = text(item, "mode"), text(item, "protocol")
        if mode and mode.lower() not in _MODES:
            _report(f"the port mode is `{mode}`", _MODES, field(item, "mode"), key, context)
        if protocol and protocol.lower() not in _PROTOCOLS:
            _report(f"the protocol is `{protocol}`", _PROTOCOLS, field(item, "protocol"), key, context)


def _report(message: str, allowed: tuple[str, ...], at: Node | None, key: str, context: Context) -> None:
    context.report("SC3016", message, at, path=("services", key), hint=f"one of {', '.join(allowed)}")
