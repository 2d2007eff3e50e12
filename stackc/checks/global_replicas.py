"""A global service with a number of replicas."""

from __future__ import annotations

from stackc.assemble.context import Context
from stackc.checks.service import mode
from stackc.parse.nodes import Node
from stackc.parse.read import field

EXPLANATION = """\
A service in the mode global (or global-job) has one task on every node that fits, however many there are, so a
number of replicas contradicts it. Remove the number, or use the mode replicated. To keep tasks off some nodes, use
placement constraints.
"""


def check(key: str, service: Node, context: Context) -> None:
    given = field(field(service, "deploy"), "replicas")
    if given is None and not context.is_stack:
        given = field(service, "scale")
    if given is not None and mode(service) in ("global", "global-job"):
        message = f"`{key}` has the mode {mode(service)} and `replicas`, which only replicated services have"
        hint = "remove `replicas`, or use the mode replicated"
        context.report("SC4045", message, given, path=("services", key, "deploy", "mode"), hint=hint)
