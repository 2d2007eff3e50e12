"""A published port without a target."""

from __future__ import annotations

from stackc.assemble.context import Context
from stackc.parse.nodes import Node
from stackc.parse.read import items, number

EXPLANATION = """\
A port without a `target` is taken by the engine and leads nowhere: it is published, and every connection to it
fails. The short form is `"PUBLISHED:TARGET"`; the long form needs `target:`.
"""


def check(key: str, service: Node, context: Context) -> None:
    for item in items(service, "ports"):
        if not number(item, "target"):
            message = f"a port of `{key}` has no target: connections to it lead nowhere"
            hint = "say with `target:` on which port the program listens"
            context.report("SC4037", message, item, path=("services", key, "ports"), hint=hint)
