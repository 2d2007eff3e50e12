"""An automatic rollback without a health check."""

from __future__ import annotations

from stackc.assemble.context import Context
from stackc.checks.service import has_health_check, health_is_off
from stackc.parse.nodes import Node
from stackc.parse.read import field, text

EXPLANATION = """\
With `failure_action: rollback` a failing update is taken back by itself, but a failure must be seen first. Without a
health check the engine sees only tasks that exit: a program that starts, answers every request with an error and goes
on running counts as a success, and the update ends as `completed`.

Give the service a `healthcheck:`. If its image brings one along, say so in a switch.
"""


def check(key: str, service: Node, context: Context) -> None:
    update = field(field(service, "deploy"), "update_config")
    if text(update, "failure_action") != "rollback" or has_health_check(service):
        return
    what = "its health check is off" if health_is_off(service) else "it has no health check"
    message = f"`{key}` rolls back when an update fails, but {what}"
    context.report("SC4011", message, field(update, "failure_action"), path=("services", key, "healthcheck"))
