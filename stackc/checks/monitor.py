"""A monitor window that is shorter than the health check."""

from __future__ import annotations

from stackc.assemble.context import Context
from stackc.assemble.quantity import duration_text
from stackc.checks.service import has_health_check, is_job
from stackc.parse.nodes import Node
from stackc.parse.read import field, number, strings, text

EXPLANATION = """\
After a new task has started, an update looks at it for `monitor` (5s by default); what fails later is no failure of
the update any more, and nothing is rolled back. A health check needs time to fail: `retries` probes in a row, one each
`interval`, after `start_period` (30s, 3 and 0s by default). If the window is shorter than that, a version that starts
well and then turns bad goes through: the update is `completed` before the first task is found unhealthy.

Make `monitor` at least as long, or let the health check decide sooner with a shorter `interval` or fewer `retries`.
This is said only where an update is to be rolled back, or where `monitor` was chosen.
"""

_SECOND = 10**9
_MONITOR, _INTERVAL, _RETRIES = 5 * _SECOND, 30 * _SECOND, 3


def check(key: str, service: Node, context: Context) -> None:
    update, health = field(field(service, "deploy"), "update_config"), field(service, "healthcheck")
    chosen, action = field(update, "monitor"), text(update, "failure_action")
    if (chosen is None or action == "continue") and action != "rollback":
        return
    at = chosen if chosen is not None else field(update, "failure_action")
    if not has_health_check(service) or is_job(service):
        return
    if not strings(health, "test") and not number(health, "interval") and not number(health, "retries"):
        return  # the image's own test and times: nothing is known
    monitor = number(update, "monitor") or _MONITOR
    needed = (number(health, "interval") or _INTERVAL) * (number(health, "retries") or _RETRIES)
    needed += number(health, "start_period")
    if monitor >= needed:
        return
    message = (
        f"an update of `{key}` looks at a new task for {duration_text(monitor)}, "
        f"but its health check can fail only after {duration_text(needed)}"
    )
    hint = f"set `monitor: {duration_text(needed)}`, or a shorter `interval` or fewer `retries`"
    path = ("services", key, "deploy", "update_config", "monitor")
    context.report("SC4024", message, at, path=path, hint=hint)
