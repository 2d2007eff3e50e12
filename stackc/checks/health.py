"""An automatic rollback sees only what a health check sees."""

from __future__ import annotations

from stackc.assemble.context import Context
from stackc.lower.read import field, flag, strings, text
from stackc.parse.nodes import Mapping


def check(root: Mapping, stack: str, context: Context) -> None:
    services = field(root, "services")
    if not isinstance(services, Mapping):
        return
    for key, service in services.items():
        update = field(field(service, "deploy"), "update_config")
        if text(update, "failure_action") != "rollback":
            continue
        health = field(service, "healthcheck")
        disabled = flag(health, "disable") or strings(health, "test")[:1] == ["NONE"]
        if health is not None and not disabled:
            continue
        what = "its health check is off" if disabled else "it has no health check"
        message = f"`{key}` rolls back when an update fails, but {what}"
        context.report("SC4011", message, field(update, "failure_action"), path=("services", key, "healthcheck"))
