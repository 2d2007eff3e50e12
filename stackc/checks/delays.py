"""A negative delay."""

from __future__ import annotations

from stackc.assemble.context import Context
from stackc.parse.nodes import Node
from stackc.parse.read import entries, field, number

EXPLANATION = """\
A negative duration has no meaning. The engine refuses it for the `delay` and `monitor` of an `update_config` and for
the `delay` and `window` of a `restart_policy`, and takes it in other places, where it is as good as none. Zero is
allowed everywhere.
"""

_DELAYS = {
    "update_config": ("delay", "monitor"),
    "rollback_config": ("delay", "monitor"),
    "restart_policy": ("delay", "window"),
}


def check(key: str, service: Node, context: Context) -> None:
    _look(service, ("stop_grace_period",), "", ("services", key), context)
    for section, node in entries(service, "deploy"):
        if section in _DELAYS:
            _look(node, _DELAYS[section], f"{section}.", ("services", key, "deploy", section), context)


def _look(node: Node, names: tuple[str, ...], section: str, path: tuple[str, ...], context: Context) -> None:
    for name in names:
        if number(node, name) < 0:
            context.report("SC4042", f"`{section}{name}` is negative", field(node, name), path=(*path, name))
