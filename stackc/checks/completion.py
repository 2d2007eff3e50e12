"""A dependency that never completes."""

from __future__ import annotations

from stackc.assemble.context import Context
from stackc.lower.order import dependencies
from stackc.parse.nodes import Mapping, Node
from stackc.parse.read import field, text

EXPLANATION = """\
`condition: service_completed_successfully` waits until the other service has ended with success. A service that is
started again whenever it ends never gets there, so what depends on it would wait for ever.

Make it a job: `deploy: {mode: replicated-job}`; or give it a `restart_policy` with the condition `on-failure` or
`none`.
"""


def check(root: Mapping, stack: str, context: Context) -> None:
    services = field(root, "services")
    if not isinstance(services, Mapping):
        return
    for key, service in services.items():
        for name, condition in dependencies(service).items():
            target = services.get(name)
            if condition != "service_completed_successfully" or target is None or _ends(target):
                continue
            depends_on = field(service, "depends_on")
            assert isinstance(depends_on, Mapping)
            message = f"`{key}` waits for `{name}` to complete, but `{name}` is restarted whenever it ends"
            path = ("services", key, "depends_on", name)
            context.report("SC4019", message, depends_on.key_span(name), path=path)


def _ends(service: Node) -> bool:
    """A job, or a service that is not started again after a success."""
    deploy = field(service, "deploy")
    if text(deploy, "mode").endswith("-job"):
        return True
    policy = field(deploy, "restart_policy")
    if policy is not None:
        return text(policy, "condition") in ("none", "on-failure")
    return text(service, "restart").startswith("on-failure")
