"""A duration of a health check below 1ms."""

from __future__ import annotations

from stackc.assemble.context import Context
from stackc.parse.nodes import Node
from stackc.parse.read import field, number

EXPLANATION = """\
The engine takes durations of a health check that are 0 (its default) or at least one millisecond, and refuses the
service otherwise. A number below that usually has the wrong unit: `10us` where `10s` was meant.
"""

_MILLISECOND = 1_000_000


def check(key: str, service: Node, context: Context) -> None:
    health = field(service, "healthcheck")
    for name in ("interval", "timeout", "start_period", "start_interval"):
        if number(health, name) and number(health, name) < _MILLISECOND:
            path = ("services", key, "healthcheck", name)
            context.report("SC4036", f"`{name}` must be 0 or at least 1ms", field(health, name), path=path)
