"""Waiting for the health of a service without a health check."""

from __future__ import annotations

from stackc.assemble.context import Context
from stackc.checks.service import has_health_check, health_is_off
from stackc.lower.order import dependencies
from stackc.parse.nodes import Mapping
from stackc.parse.read import field

EXPLANATION = """\
`condition: service_healthy` waits until the health check of the other service has passed. Without a health check
there is nothing to wait for: the engine calls a task running as soon as its program was started, and what depends on
it starts right then.

Give the other service a `healthcheck:`. If its image brings one along, say so in a switch.
"""


def check(root: Mapping, stack: str, context: Context) -> None:
    services = field(root, "services")
    if not isinstance(services, Mapping):
        return
    for key, service in services.items():
        for name, condition in dependencies(service).items():
            target = services.get(name)
            if condition != "service_healthy" or target is None or has_health_check(target):
                continue
            depends_on = field(service, "depends_on")
            assert isinstance(depends_on, Mapping)
            what = "whose health check is off" if health_is_off(target) else "which has no health check"
            message = f"`{key}` waits until `{name}` is healthy, {what}"
            hint = f"give `{name}` a `healthcheck:`; without one it counts as healthy as soon as it runs"
            path = ("services", key, "depends_on", name)
            context.report("SC4043", message, depends_on.key_span(name), path=path, hint=hint)
