"""A negative duration has no meaning. The engine refuses it for the `delay` and `monitor` of an `update_config` and for
the `delay` and `window` of a `restart_policy`, and takes it in other places, where it is as good as none. Zero is
allowed everywhere.
"""

from __future__ import annotations

from stackc.assemble.context import Context
from stackc.lower.read import field, number
from stackc.parse.nodes import Node

_DELAYS = (
    ("stop_grace_period",),
    ("deploy", "update_config", "delay"),
    ("deploy", "update_config", "monitor"),
    ("deploy", "rollback_config", "delay"),
    ("deploy", "rollback_config", "monitor"),
    ("deploy", "restart_policy", "delay"),
    ("deploy", "restart_policy", "window"),
)


def check(key: str, service: Node, context: Context) -> None:
    for path in _DELAYS:
        node: Node | None = service
        for name in path[:-1]:
            node = field(node, name)
        if number(node, path[-1]) < 0:
            message = f"`{'.'.join(path[-2:])}` is negative"
            context.report("SC4042", message, field(node, path[-1]), path=("services", key, *path))
